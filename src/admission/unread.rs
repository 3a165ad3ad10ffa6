//! An answer to a review that was not read to its end.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::MAX_NAME;
use super::answer::{self, About};
use super::speech::{Denial, Speech, WHOLE};
use crate::finding::Severity;

/// Refuses a review of which only the beginning was read: `None` when that does not name the version and one uid.
///
/// An HTTP error would be a failed call, and the webhook's failurePolicy might let the request pass; this is a denial. The
/// API server writes `kind`, `apiVersion` and `request.uid` first (apiserver pkg/admission/plugin/webhook/request,
/// CreateV1AdmissionReview, and k8s.io/api admission/v1/types.go).
pub fn deny_unread(start: &[u8], why: &str) -> Option<Vec<u8>> {
    let text = match std::str::from_utf8(start) {
        Ok(text) => text,
        // The cut may go through a character.
        Err(e) => std::str::from_utf8(start.get(..e.valid_up_to())?).ok()?,
    };
    let mut found = Found::default();
    // The end is missing, so this is an error; what came before it was found.
    let _ = Envelope(&mut found).deserialize(&mut serde_json::Deserializer::from_str(text));
    let uid = found.uid.filter(|uid| !uid.is_empty() && uid.chars().count() <= MAX_NAME)?;
    let api_version =
        found.api_version.filter(|v| matches!(v.as_str(), "admission.k8s.io/v1" | "admission.k8s.io/v1beta1"))?;
    found.kind.filter(|kind| kind == "AdmissionReview")?;
    let denial = Denial {
        severity: Severity::Blocker,
        reason: "TooLarge".to_owned(),
        message: why.to_owned(),
        field: WHOLE.to_owned(),
    };
    let about = About { version: &api_version, uid: &uid, group: "", kind: "", name: "" };
    Some(answer::write(&about, &Speech { denials: vec![denial], ..Speech::default() }, None))
}

/// What the beginning says.
#[derive(Default)]
struct Found {
    api_version: Option<String>,
    kind: Option<String>,
    uid: Option<String>,
}

/// The review's own fields.
struct Envelope<'f>(&'f mut Found);

/// The fields of `request`.
struct Asked<'f>(&'f mut Found);

impl<'de> DeserializeSeed<'de> for Envelope<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Envelope<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an AdmissionReview")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "apiVersion" => self.0.api_version = Some(map.next_value()?),
                "kind" => self.0.kind = Some(map.next_value()?),
                "request" => map.next_value_seed(Asked(self.0))?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Asked<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Asked<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a request")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "uid" => self.0.uid = Some(map.next_value()?),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_review_is_refused_by_its_beginning_where_that_names_a_uid() {
        let head = "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\",\"request\":{\"uid\":\"u-1\",";
        let answer = |start: &str| {
            let bytes = deny_unread(start.as_bytes(), "too large")?;
            let json: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
            Some(json)
        };
        let denied = answer(&format!("{head}\"object\":{{\"a\":\"xxxx")).expect("an answer");
        assert_eq!(denied["response"]["uid"], "u-1");
        assert_eq!(denied["response"]["allowed"], false);
        assert_eq!(denied["response"]["status"]["message"], "object: too large");
        assert_eq!(denied["apiVersion"], "admission.k8s.io/v1");
        let late = "{\"request\":{\"object\":{\"uid\":\"no\"},\"uid\":\"u-2\"},\"apiVersion\":\"admission.k8s.io/v1beta1\",\
                    \"kind\":\"AdmissionReview\",\"rest\":[1,";
        assert_eq!(answer(late).expect("an answer")["apiVersion"], "admission.k8s.io/v1beta1");
        let long = format!("{}\"uid\":\"{}\",", head.replace("\"uid\":\"u-1\",", ""), "u".repeat(65));
        for nobody in ["", "{", "[1,2", &head.replace("AdmissionReview", "Pod"), &head.replace("/v1", "/v2"), &long] {
            assert!(deny_unread(nobody.as_bytes(), "too large").is_none(), "{nobody}");
        }
        let cut = [head.as_bytes(), b"\"name\":\"\xc3"].concat();
        assert!(deny_unread(&cut, "too large").is_some());
    }
}
