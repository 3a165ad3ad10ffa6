//! The differences on purpose, each with its reason. One that excuses nothing fails the suite.
//!
//! Not here, because it cannot differ: maps iterate in key order with us and in random order in the API server, so the
//! oracle is made to iterate in key order (`tests/controlplane/oracle/order.go`).

use super::answer::Answer;
use super::compare::{Aspect, Difference};
use super::question::Question;

/// A difference on purpose.
pub struct Known {
    pub name: &'static str,
    /// Why it differs; `make parity` prints it.
    pub reason: &'static str,
    /// Whether a difference is this one.
    pub excuses: fn(&Question, &Difference, &Answer, &Answer) -> bool,
}

pub const KNOWN: &[Known] = &[
    Known {
        name: "facts",
        reason: "what KubeVirt and OLM conclude is ours; the API server has no such variable",
        excuses: |_, difference, theirs, _| {
            difference.aspect == Aspect::WeAccept
                && theirs.refused.iter().any(|r| r.message.starts_with("undeclared reference to 'facts'"))
        },
    },
    Known {
        name: "authorizer",
        reason: "who may do what is known to the API server alone: reports and checks could not say the same",
        excuses: |_, difference, _, ours| {
            difference.aspect == Aspect::WeRefuse
                && ours.refused.iter().any(|r| r.message.starts_with("undeclared reference to 'authorizer'"))
        },
    },
    Known {
        name: "an Object's type says where it belongs",
        reason: "Object.metadata{} in the place of spec is refused when it is applied; better when it is loaded",
        excuses: |question, difference, _, ours| {
            let place =
                |message: &str| message.starts_with("expected type 'Object.") && message.contains("' for field '");
            difference.aspect == Aspect::WeRefuse
                && question.inputs.is_mutation()
                && ours.refused.iter().any(|r| place(&r.message))
        },
    },
    Known {
        name: "cel-go's own crashes",
        reason: "an internal error there; here the error that it should be, or the value",
        excuses: |_, difference, theirs, _| {
            matches!(difference.aspect, Aspect::ErrorClass | Aspect::Ending | Aspect::Cost)
                && theirs.error.as_ref().is_some_and(|error| error.starts_with("internal error: "))
        },
    },
    Known {
        name: "first, last, unwrap",
        reason: "they came with Kubernetes 1.33; a newer server takes them in whatever version's name",
        excuses: |question, difference, _, _| {
            difference.aspect == Aspect::Since
                && ["first()", "last()", "unwrap"].iter().any(|f| question.expression.contains(f))
        },
    },
    Known {
        name: "keys of a map",
        reason: "cel-go takes lists, maps and the like for keys and then finds none of them again; here they are refused",
        excuses: |_, difference, _, ours| {
            let key = |message: &str| message.starts_with("unsupported key type");
            matches!(difference.aspect, Aspect::WeRefuse | Aspect::Ending | Aspect::ErrorClass)
                && (ours.refused.iter().any(|r| key(&r.message)) || ours.error.as_deref().is_some_and(key))
        },
    },
    Known {
        name: "protobuf's messages",
        reason: "google.protobuf.Timestamp{} and its like are left-overs of CEL's origin; timestamp() and duration() are there",
        excuses: |question, difference, _, ours| {
            difference.aspect == Aspect::WeRefuse
                && question.expression.contains("google.protobuf.")
                && ours.refused.iter().any(|r| r.message.starts_with("undeclared reference to 'google"))
        },
    },
    Known {
        name: "variables as a whole",
        reason: "what a policy reads has to be known by name before it runs",
        excuses: |_, difference, _, ours| {
            difference.aspect == Aspect::WeRefuse
                && ours.refused.iter().any(|r| r.message.starts_with("undeclared reference to 'variables'"))
        },
    },
];

/// The entry that excuses a difference, by its place in the list.
pub fn excuse(question: &Question, difference: &Difference, theirs: &Answer, ours: &Answer) -> Option<usize> {
    KNOWN.iter().position(|known| (known.excuses)(question, difference, theirs, ours))
}
