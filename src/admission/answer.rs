//! AdmissionReview as it goes.

use serde::Serialize;
use serde_json::Value as Json;

/// The whole body.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer<'a> {
    pub api_version: &'a str,
    pub kind: &'static str,
    pub response: Response<'a>,
}

/// `AdmissionResponse` (k8s.io/api admission/v1/types.go). What is empty is not sent: a validating webhook's answer must
/// have no patch keys.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Response<'a> {
    pub uid: &'a str,
    pub allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status<'a>>,
    /// Base64 of the operations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patch: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patch_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    pub audit_annotations: serde_json::Map<String, Json>,
}

/// `Status` (apimachinery meta/v1/types.go) of a refusal. Always 422 `Invalid`: only then does kubectl print one bullet a
/// cause.
#[derive(Debug, Serialize)]
pub(super) struct Status<'a> {
    pub status: &'static str,
    pub code: u16,
    pub reason: &'static str,
    pub message: String,
    pub details: Details<'a>,
}

#[derive(Debug, Serialize)]
pub(super) struct Details<'a> {
    pub group: &'a str,
    pub kind: &'a str,
    pub name: &'a str,
    pub causes: Vec<StatusCause>,
}

/// One bullet.
#[derive(Debug, Serialize)]
pub(super) struct StatusCause {
    pub reason: String,
    pub message: String,
    pub field: String,
}
