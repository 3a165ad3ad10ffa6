//! AdmissionReview as it comes: `admission.k8s.io` v1 and v1beta1, which do not differ in what is asked.
//!
//! Text borrows from the body, objects are parsed once, into trees. A field that occurs twice is refused: whom would one
//! believe? Unknown fields are passed over.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

use crate::source::{self, JsonTree, TextError};

use super::surrogates;

/// A string; absent and `null` are empty, as in Go.
#[derive(Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Text<'b>(pub Cow<'b, str>);

impl<'de: 'b, 'b> Deserialize<'de> for Text<'b> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Words;
        impl<'de> Visitor<'de> for Words {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }

            fn visit_unit<E: Error>(self) -> Result<Text<'de>, E> {
                Ok(Text::default())
            }
        }
        from.deserialize_any(Words)
    }
}

impl std::ops::Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// Longest uid; the API server's have 36 bytes.
const MAX_UID: usize = 128;

/// A review that can be answered.
#[derive(Debug)]
pub(super) struct Readable<'b> {
    pub version: &'static str,
    pub asked: Asked<'b>,
}

/// Reads a body. `spare` holds its text where that had to be mended.
///
/// # Errors
/// In words: what is no AdmissionReview of a known version with one uid.
pub(super) fn read<'b>(body: &'b [u8], spare: &'b mut Option<String>) -> Result<Readable<'b>, String> {
    let text = std::str::from_utf8(body).map_err(|e| format!("not UTF-8 text, at byte {}", e.valid_up_to()))?;
    // A derived struct would take a list too.
    if !text.trim_start().starts_with('{') {
        return Err("an AdmissionReview is expected, as a JSON object".to_owned());
    }
    let review: Review<'b> = match source::json(text) {
        Ok(review) => review,
        Err(error) => match surrogates::replaced(text) {
            Some(mended) => source::json(spare.insert(mended)).map_err(|e| said(&e))?,
            None => return Err(said(&error)),
        },
    };
    if *review.kind != *"AdmissionReview" {
        return Err("kind has to be AdmissionReview".to_owned());
    }
    let version = VERSIONS.into_iter().find(|v| *v == &*review.api_version);
    let version = version.ok_or_else(|| format!("apiVersion has to be {}", VERSIONS.join(" or ")))?;
    let asked = review.request.ok_or("request is missing")?;
    match asked.uid.len() {
        0 => Err("request.uid is missing".to_owned()),
        n if n > MAX_UID => Err(format!("request.uid has {n} bytes; at most {MAX_UID} are answered")),
        _ => Ok(Readable { version, asked }),
    }
}

/// What is wrong, without the values that serde quotes.
fn said(error: &TextError) -> String {
    let message = match error.message.as_str() {
        quoting if quoting.starts_with("invalid ") => "a value of another type than its field has",
        other => other,
    };
    format!("{message}, at byte {}", error.offset)
}

const VERSIONS: [&str; 2] = ["admission.k8s.io/v1", "admission.k8s.io/v1beta1"];

/// The whole body.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Review<'b> {
    #[serde(borrow, default)]
    api_version: Text<'b>,
    #[serde(borrow, default)]
    kind: Text<'b>,
    #[serde(borrow)]
    request: Option<Asked<'b>>,
}

/// `AdmissionRequest` (k8s.io/api admission/v1/types.go).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Asked<'b> {
    #[serde(borrow, default)]
    pub uid: Text<'b>,
    #[serde(borrow, default)]
    pub kind: Option<GroupVersionKind<'b>>,
    #[serde(borrow, default)]
    pub resource: Option<GroupVersionResource<'b>>,
    #[serde(borrow, default)]
    pub sub_resource: Text<'b>,
    #[serde(borrow, default)]
    pub request_kind: Option<GroupVersionKind<'b>>,
    #[serde(borrow, default)]
    pub request_resource: Option<GroupVersionResource<'b>>,
    #[serde(borrow, default)]
    pub request_sub_resource: Text<'b>,
    #[serde(borrow, default)]
    pub name: Text<'b>,
    #[serde(borrow, default)]
    pub namespace: Text<'b>,
    #[serde(borrow, default)]
    pub operation: Text<'b>,
    #[serde(borrow, default)]
    pub user_info: Option<UserInfo<'b>>,
    #[serde(default)]
    pub object: Option<JsonTree>,
    #[serde(default)]
    pub old_object: Option<JsonTree>,
    #[serde(default)]
    pub dry_run: Option<bool>,
    #[serde(default)]
    pub options: Option<JsonTree>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct GroupVersionKind<'b> {
    #[serde(borrow, default)]
    pub group: Text<'b>,
    #[serde(borrow, default)]
    pub version: Text<'b>,
    #[serde(borrow, default)]
    pub kind: Text<'b>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct GroupVersionResource<'b> {
    #[serde(borrow, default)]
    pub group: Text<'b>,
    #[serde(borrow, default)]
    pub version: Text<'b>,
    #[serde(borrow, default)]
    pub resource: Text<'b>,
}

/// `UserInfo` (k8s.io/api authentication/v1/types.go).
#[derive(Debug, Default, Deserialize)]
pub(super) struct UserInfo<'b> {
    #[serde(borrow, default)]
    pub username: Text<'b>,
    #[serde(borrow, default)]
    pub uid: Text<'b>,
    #[serde(borrow, default)]
    pub groups: Option<Vec<Text<'b>>>,
    #[serde(borrow, default)]
    pub extra: Option<BTreeMap<Text<'b>, Option<Vec<Text<'b>>>>>,
}
