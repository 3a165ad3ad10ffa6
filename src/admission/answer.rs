//! AdmissionReview as it goes.

use std::collections::BTreeMap;

use base64::prelude::{BASE64_STANDARD, Engine};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use sha2::{Digest, Sha256};

use crate::finding::Severity;

use super::speech::{Denial, Speech, WHOLE};
use super::words::line;

/// The whole body.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    api_version: &'a str,
    kind: &'static str,
    response: Response<'a>,
}

/// `AdmissionResponse` (k8s.io/api admission/v1/types.go). What is empty is not sent: a validating webhook's answer must
/// have no patch keys.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    uid: &'a str,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
    /// Base64 of the operations.
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    audit_annotations: BTreeMap<String, String>,
}

/// `Status` (apimachinery meta/v1/types.go) of a refusal. Always 422 `Invalid`: only then does kubectl print one bullet a
/// cause.
#[derive(Debug, Serialize)]
struct Status {
    status: &'static str,
    code: u16,
    reason: &'static str,
    message: String,
    details: Details,
}

#[derive(Debug, Serialize)]
struct Details {
    group: String,
    kind: String,
    name: String,
    /// Each a [`StatusCause`].
    causes: Vec<Box<RawValue>>,
}

/// One bullet.
#[derive(Debug, Serialize)]
struct StatusCause<'a> {
    reason: &'a str,
    message: &'a str,
    field: &'a str,
}

impl StatusCause<'_> {
    /// As JSON, which strings always have.
    fn raw(&self) -> Option<Box<RawValue>> {
        to_raw_value(self).ok()
    }
}

/// Bytes that causes and `message`, which repeats them, may have together.
const FOR_DENIALS: usize = 36 * 1024;

/// Characters that all warnings may have together; beyond it the API server drops some (apiserver
/// pkg/endpoints/filters/warning.go).
const FOR_WARNINGS: usize = 4096;

/// Bytes that all audit annotations may have together.
const FOR_AUDIT: usize = 8 * 1024;

/// Bytes of one annotation's value.
const MAX_AUDIT: usize = 1024;

/// Largest patch in bytes, before it is base64: 27 KiB become 36, in the denials' place.
pub(super) const MAX_PATCH: usize = 27 * 1024;

/// Bytes of an answer with a denial or two; memory is laid out for so many.
const TYPICAL: usize = 4 * 1024;

/// Longest group, kind or name that is sent back, in characters: a DNS subdomain has no more.
const MAX_TEXT: usize = 253;

/// Longest key of an annotation (apimachinery validation.IsQualifiedName).
const MAX_KEY: usize = 63;

/// What an answer is about.
pub(super) struct About<'a> {
    pub version: &'a str,
    pub uid: &'a str,
    pub group: &'a str,
    pub kind: &'a str,
    pub name: &'a str,
}

/// The answer's bytes: at most [`super::MAX_ANSWER`]. `patch` is the operations as JSON.
pub(super) fn write(about: &About<'_>, speech: &Speech, patch: Option<&[u8]>) -> Vec<u8> {
    let allowed = speech.denials.is_empty();
    let patch = patch.filter(|_| allowed);
    let answer = Answer {
        api_version: about.version,
        kind: "AdmissionReview",
        response: Response {
            uid: about.uid,
            allowed,
            status: (!allowed).then(|| status(about, &speech.denials)),
            patch: patch.map(|p| BASE64_STANDARD.encode(p)),
            patch_type: patch.map(|_| "JSONPatch"),
            warnings: warnings(&speech.warnings),
            audit_annotations: annotations(&speech.audit),
        },
    };
    let mut out = Vec::with_capacity(TYPICAL);
    // Strings and a map with text keys always have a JSON.
    serde_json::to_writer(&mut out, &answer).map(|()| out).unwrap_or_default()
}

fn status(about: &About<'_>, denials: &[Denial]) -> Status {
    let mut causes = Vec::new();
    let mut bullets = Vec::new();
    let mut left = FOR_DENIALS;
    for denial in denials {
        let cause = StatusCause { reason: &denial.reason, message: &denial.message, field: &denial.field };
        let Some(cause) = cause.raw() else { continue };
        let Some(rest) = left.checked_sub(2 * cause.get().len()) else { break };
        left = rest;
        bullets.push(format!("{}: {}", denial.field, denial.message));
        causes.push(cause);
    }
    if let Some(text) = more(denials.len() - causes.len()) {
        causes.extend(StatusCause { reason: "Invalid", message: &text, field: WHOLE }.raw());
        bullets.push(text);
    }
    let message = match bullets.as_slice() {
        [one] => one.clone(),
        many => format!("{} findings:\n* {}", denials.len(), many.join("\n* ")),
    };
    let text = |text: &str| line(text, MAX_TEXT);
    let details = Details { group: text(about.group), kind: text(about.kind), name: text(about.name), causes };
    Status { status: "Failure", code: 422, reason: "Invalid", message, details }
}

fn more(left: usize) -> Option<String> {
    (left > 0).then(|| format!("and {left} more"))
}

fn warnings(all: &[(Severity, String)]) -> Vec<String> {
    let mut out = Vec::new();
    let mut left = FOR_WARNINGS - "and 4294967295 more".len();
    for (_, warning) in all {
        let Some(rest) = left.checked_sub(warning.chars().count()) else { break };
        left = rest;
        out.push(warning.clone());
    }
    out.extend(more(all.len() - out.len()));
    out
}

fn annotations(all: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    let mut left = FOR_AUDIT;
    for (policy, what) in all {
        let (key, value) = (key(policy), line(what, MAX_AUDIT / 4));
        let Some(rest) = left.checked_sub(key.len() + 2 * value.len() + 6) else { break };
        left = rest;
        out.insert(key, value);
    }
    out
}

/// A policy's id as a qualified name. Ids are DNS subdomains of up to 253 characters; a longer one gives way to its
/// beginning and a hash.
fn key(policy: &str) -> String {
    if policy.len() <= MAX_KEY {
        return policy.to_owned();
    }
    let hash: String = Sha256::digest(policy).iter().take(4).map(|b| format!("{b:02x}")).collect();
    let beginning: String = policy.chars().take(MAX_KEY - 1 - hash.len()).collect();
    format!("{beginning}-{hash}")
}
