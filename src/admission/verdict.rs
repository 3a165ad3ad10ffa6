//! What the server logs and counts of a review: names, never contents.

use crate::policy::Operation;

/// What became of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Decision {
    /// Admitted without a word.
    Admitted,
    /// Admitted with warnings.
    Warned,
    /// Admitted and changed.
    Patched,
    /// Refused.
    Denied,
}

impl Decision {
    /// As logs and metrics spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Decision::Admitted => "admitted",
            Decision::Warned => "warned",
            Decision::Patched => "patched",
            Decision::Denied => "denied",
        }
    }
}

/// What one policy came to on the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Nothing was wrong.
    Pass,
    /// Heard in the audit log.
    Audit,
    /// Warned, whatever its binding says (also what ratcheting or [`super::Enforcement::Warn`] made of a denial).
    Warn,
    /// Hangs on something that nobody knows.
    Unknown,
    /// The policy went wrong; what that did is said beside it.
    Error,
    /// Changed the object.
    Patch,
    /// Denied.
    Deny,
}

impl Outcome {
    /// As logs and metrics spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Pass => "pass",
            Outcome::Audit => "audit",
            Outcome::Warn => "warn",
            Outcome::Unknown => "unknown",
            Outcome::Error => "error",
            Outcome::Patch => "patch",
            Outcome::Deny => "deny",
        }
    }
}

/// A review in names. Every text comes from the request, is cut to [`super::MAX_NAME`] characters, and may hold anything:
/// escape it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// `request.uid`.
    pub uid: String,
    /// What became of it.
    pub decision: Decision,
    /// The policies that applied, by id, each with everything that it came to: one that goes wrong and so denies has both.
    pub policies: Vec<(String, Outcome)>,
    /// What was asked; `None` for a word that is no operation.
    pub operation: Option<Operation>,
    /// Group of the resource; empty for core.
    pub group: String,
    /// The resource, plural, with its subresource after a slash.
    pub resource: String,
    /// Kind of the object.
    pub kind: String,
    /// Namespace; empty for cluster-scoped resources.
    pub namespace: String,
    /// Name; empty where the API server has yet to generate it.
    pub name: String,
    /// Who asked.
    pub user: String,
    /// Nothing is to be changed, counted as enforced, or told to others.
    pub dry_run: bool,
}
