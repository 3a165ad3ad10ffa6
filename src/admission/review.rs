//! One review: what was asked, what the engine says, what is answered.

use crate::engine::Surroundings;
use crate::policy::PolicySet;
use crate::source;

use super::answer::{Answer, Response};
use super::options::Options;
use super::verdict::Verdict;
use super::wire::Review;

/// Which path was called. Which webhook configuration (Fail or Ignore) named it does not matter here: each resource is
/// registered once, and judged by all of its policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// ValidatingWebhookConfiguration.
    Validate,
    /// MutatingWebhookConfiguration.
    Mutate,
}

/// What reviews are judged by.
#[derive(Clone, Copy, Debug)]
pub struct Setup<'s> {
    /// The policies in force.
    pub policies: &'s PolicySet,
    /// What else is known.
    pub around: Surroundings<'s>,
    /// What the operator decided.
    pub options: &'s Options,
}

/// What the review's caller is asked while it is judged.
pub trait Caller {
    /// Asked between policies: true when the answer would come too late. Those that are left are then decided by their
    /// failurePolicy.
    fn should_stop(&self) -> bool;

    /// Asked before an object becomes a `serde_json::Value`: so many bytes more, beside [`memory`], may be needed until
    /// the review is answered. False: the answer is [`Unanswered::Busy`].
    fn grant(&self, bytes: usize) -> bool;
}

/// A caller that neither waits nor counts: tests, and one review at a time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unhurried;

impl Caller for Unhurried {
    fn should_stop(&self) -> bool {
        false
    }

    fn grant(&self, _: usize) -> bool {
        true
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reviewed {
    /// `application/json`, for HTTP 200; at most [`super::MAX_ANSWER`] bytes.
    pub body: Vec<u8>,
    /// What is logged and counted.
    pub verdict: Verdict,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// Nothing that could be answered by its uid: HTTP 400 with this text.
    #[error("{0}")]
    BadReview(String),
    /// The caller refused the memory: HTTP 429 with `Retry-After`.
    #[error("no memory for this review now")]
    Busy,
}

/// Answers an AdmissionReview: bytes in, bytes out.
///
/// The same body, setup and grants give the same bytes.
///
/// # Errors
/// [`Unanswered::BadReview`] for a body that is no AdmissionReview of v1 or v1beta1 with one uid; everything else is
/// answered.
pub fn review(body: &[u8], door: Door, setup: &Setup<'_>, caller: &dyn Caller) -> Result<Reviewed, Unanswered> {
    let text = std::str::from_utf8(body).map_err(|e| Unanswered::BadReview(e.to_string()))?;
    let review: Review<'_> = source::json(text).map_err(|e| Unanswered::BadReview(e.to_string()))?;
    let asked = review.request.ok_or_else(|| Unanswered::BadReview("request is missing".to_owned()))?;
    let answer = Answer {
        api_version: &review.api_version,
        kind: "AdmissionReview",
        response: Response {
            uid: &asked.uid,
            allowed: true,
            status: None,
            patch: None,
            patch_type: None,
            warnings: Vec::new(),
            audit_annotations: serde_json::Map::new(),
        },
    };
    let body = serde_json::to_vec(&answer).map_err(|e| Unanswered::BadReview(e.to_string()))?;
    let name = |text: &str| text.chars().take(super::MAX_NAME).collect::<String>();
    let resource = asked.resource.unwrap_or_default();
    let verdict = Verdict {
        uid: name(&asked.uid),
        decision: super::Decision::Admitted,
        policies: Vec::new(),
        operation: None,
        group: name(&resource.group),
        resource: name(&resource.resource),
        kind: name(&asked.kind.unwrap_or_default().kind),
        namespace: name(&asked.namespace),
        name: name(&asked.name),
        user: name(&asked.user_info.unwrap_or_default().username),
        dry_run: asked.dry_run.unwrap_or_default(),
    };
    let _ = (door, setup.options, caller);
    Ok(Reviewed { body, verdict })
}
