//! The differences on purpose, each with its reason. One that excuses nothing fails the suite.
//!
//! Not here, because it cannot differ: maps iterate in key order with us and in random order in the API server, so the
//! oracle is made to iterate in key order (`tests/controlplane/oracle/order.go`).

use super::answer::{Answer, Refusal};
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
            let crash = ["internal error: ", "unsupported conversion to ref.Val: "];
            let lost = |value: &serde_json::Value| value.to_string().contains("unsupported conversion to ref.Val");
            matches!(difference.aspect, Aspect::ErrorClass | Aspect::Ending | Aspect::Value | Aspect::Cost)
                && (theirs.error.as_ref().is_some_and(|error| crash.iter().any(|words| error.starts_with(words)))
                    || theirs.value.as_ref().is_some_and(lost))
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
            matches!(difference.aspect, Aspect::WeRefuse | Aspect::Ending | Aspect::ErrorClass | Aspect::Cost)
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
    Known {
        name: "the place of a mistake in a macro",
        reason: "cel-go names the macro, and a function that nobody wrote; here it is the part that is wrong",
        excuses: |question, difference, theirs, _| {
            difference.aspect == Aspect::Position
                && theirs.refused.first().is_some_and(|r| follows_a_macro(&question.expression, r.line, r.column))
        },
    },
    Known {
        name: "the place where text stops being an expression",
        reason: "both refuse; ANTLR goes on reading and names a place nearby, here it is the character or literal itself",
        excuses: |_, difference, theirs, ours| {
            let literal = |message: &str| {
                message.starts_with("invalid ") && (message.ends_with(" literal") || message.ends_with(" code point"))
            };
            let text = |r: &Refusal| {
                r.message.starts_with("Syntax error: ")
                    || r.message.starts_with("unable to unescape string")
                    || literal(&r.message)
            };
            let refused = |answer: &Answer| answer.refused.first().is_some_and(text);
            difference.aspect == Aspect::Position && (refused(theirs) || refused(ours))
        },
    },
    Known {
        name: "the place of a field of the wrong type",
        reason: "the value, and not the colon before it",
        excuses: |_, difference, theirs, _| {
            difference.aspect == Aspect::Position
                && theirs.refused.first().is_some_and(|r| r.message.starts_with("expected type of field "))
        },
    },
    Known {
        name: "an Object is a map",
        reason: "it is made to be applied, and compares and reads as what it becomes",
        excuses: |question, difference, _, _| {
            let written = ["Object{", "Object.", "JSONPatch{"].iter().any(|t| question.expression.contains(t));
            matches!(difference.aspect, Aspect::Value | Aspect::Ending) && written && question.inputs.is_mutation()
        },
    },
    Known {
        name: "a negative number of levels",
        reason: "flatten's cost wraps around in Go, and with it the limit; an error either way",
        excuses: |_, difference, theirs, _| {
            matches!(difference.aspect, Aspect::ErrorClass | Aspect::Cost)
                && theirs.error.as_deref() == Some("level must be non-negative")
        },
    },
    Known {
        name: "format with what {} and optional.none() hold",
        reason: "it has no type yet, and gets the one of its neighbours in the list; the API server takes any verb for it",
        excuses: |question, difference, _, ours| {
            difference.aspect == Aspect::WeRefuse
                && (question.expression.contains("{}") || question.expression.contains("optional.none()"))
                && ours.refused.iter().any(|r| r.message.starts_with("error during formatting: "))
        },
    },
];

/// Whether the place is the bracket behind a macro's name.
fn follows_a_macro(expression: &str, line: usize, column: usize) -> bool {
    const MACROS: [&str; 13] = [
        "has",
        "all",
        "exists",
        "exists_one",
        "existsOne",
        "map",
        "filter",
        "sortBy",
        "optMap",
        "optFlatMap",
        "transformList",
        "transformMap",
        "transformMapEntry",
    ];
    let line = expression.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    let before: String = line.chars().take(column.saturating_sub(1)).collect();
    let name = before.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
    MACROS.contains(&name)
}

/// The entry that excuses a difference, by its place in the list.
pub fn excuse(question: &Question, difference: &Difference, theirs: &Answer, ours: &Answer) -> Option<usize> {
    KNOWN.iter().position(|known| (known.excuses)(question, difference, theirs, ours))
}
