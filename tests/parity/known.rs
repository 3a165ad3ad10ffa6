//! The differences on purpose, each with its reason. One that excuses nothing fails the suite.
//!
//! Not here, because it cannot differ: maps iterate in key order with us and in random order in the API server, so the
//! oracle is made to iterate in key order (`tests/controlplane/oracle/order.go`). Nor that all that is wrong is told at once:
//! see `Answer::up_to`.

use serde_json::{Value as Json, json};

use super::answer::{Answer, Refusal};
use super::compare::{Aspect, Difference};
use super::places::bracketed;
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
                && all_say(theirs, |m| m.starts_with("undeclared reference to 'facts'"))
        },
    },
    Known {
        name: "authorizer",
        reason: "who may do what is known to the API server alone: reports and checks could not say the same",
        excuses: |_, difference, _, ours| {
            // What is called on it is nothing that we know either.
            difference.aspect == Aspect::WeRefuse
                && ours.refused.first().is_some_and(|r| r.message == "undeclared reference to 'authorizer'")
                && all_say(ours, |m| m.starts_with("undeclared reference to '"))
        },
    },
    Known {
        name: "an Object's type says where it belongs",
        reason: "Object.metadata{} in the place of spec is refused when it is applied; better when it is loaded",
        excuses: |question, difference, _, ours| {
            let place =
                |message: &str| message.starts_with("expected type 'Object.") && message.contains("' for field '");
            difference.aspect == Aspect::WeRefuse && question.inputs.is_mutation() && all_say(ours, place)
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
        excuses: |question, difference, theirs, ours| {
            let calls = [".first()", ".last()", "optional.unwrap(", ".unwrapOpt()"];
            difference.aspect == Aspect::Since
                && ours.since == Some(33)
                && theirs.since < ours.since
                && calls.iter().any(|call| question.expression.contains(call))
        },
    },
    Known {
        name: "keys of a map",
        reason: "cel-go takes lists, maps and the like for keys and then finds none of them again; here they are refused",
        excuses: |_, difference, _, ours| {
            let key = |message: &str| message.starts_with("unsupported key type");
            match difference.aspect {
                Aspect::WeRefuse | Aspect::Position => all_say(ours, key),
                Aspect::Ending | Aspect::ErrorClass | Aspect::Cost => ours.error.as_deref().is_some_and(key),
                _ => false,
            }
        },
    },
    Known {
        name: "protobuf's messages",
        reason: "google.protobuf.Timestamp{} and its like are left-overs of CEL's origin; timestamp() and duration() are there",
        excuses: |question, difference, _, ours| {
            difference.aspect == Aspect::WeRefuse
                && question.expression.contains("google.protobuf.")
                && all_say(ours, |m| m.starts_with("undeclared reference to 'google"))
        },
    },
    Known {
        name: "variables as a whole",
        reason: "what a policy reads has to be known by name before it runs",
        excuses: |_, difference, _, ours| {
            difference.aspect == Aspect::WeRefuse && all_say(ours, |m| m == "undeclared reference to 'variables'")
        },
    },
    Known {
        name: "the place of a mistake in a macro",
        reason: "cel-go names the macro, and a function that nobody wrote; here it is the part that is wrong",
        excuses: |question, difference, theirs, ours| {
            let (Some(their_first), Some(our_first)) = (theirs.refused.first(), ours.refused.first()) else {
                return false;
            };
            let same = |t: &Refusal, o: &Refusal| o.marks(t) || part_of_macro(&question.expression, t, o);
            difference.aspect == Aspect::Position
                && ours.refused.iter().any(|o| same(their_first, o))
                && theirs.refused.iter().any(|t| same(t, our_first))
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
            difference.aspect == Aspect::Position && refused(theirs) && refused(ours)
        },
    },
    Known {
        name: "the place of a field of the wrong type",
        reason: "the value, and not the colon before it",
        excuses: |question, difference, theirs, ours| {
            let field = |answer: &Answer| {
                let field = |r: &Refusal| {
                    r.message.starts_with("expected type of field ") || r.message.starts_with("undefined field '")
                };
                answer.refused.first().is_some_and(field)
            };
            difference.aspect == Aspect::Position && question.inputs.is_mutation() && field(theirs) && field(ours)
        },
    },
    Known {
        name: "an Object is a map",
        reason: "it is made to be applied, and compares and reads as what it becomes",
        excuses: |question, difference, theirs, ours| {
            let values = || match (theirs.value.as_ref()?.as_object()?.iter().next()?, ours.value.as_ref()?) {
                ((name, of), value) if name == "bool" => Some(*of == json!(false) && *value == json!({"bool": true})),
                ((name, of), value) if name == "type" => {
                    let ours = value.get("type")?.as_str()?;
                    Some(*of == json!("type") && (ours.starts_with("Object") || ours == "JSONPatch"))
                }
                _ => None,
            };
            let key = |error: &String| error.starts_with("no such key: ");
            question.inputs.is_mutation()
                && ["Object{", "Object.", "JSONPatch{"].iter().any(|t| question.expression.contains(t))
                && match difference.aspect {
                    Aspect::Value => values() == Some(true),
                    Aspect::Ending => theirs.error.as_ref().is_some_and(key) && ours.value.is_some(),
                    _ => false,
                }
        },
    },
    Known {
        name: "null for an optional",
        reason: "the API server takes null.optMap() and finds out when it runs; here it is refused",
        excuses: |_, difference, _, ours| {
            difference.aspect == Aspect::WeRefuse
                && all_say(ours, |m| m.starts_with("expected type 'optional_type(") && m.ends_with("found 'null_type'"))
        },
    },
    Known {
        name: "types in optMap",
        reason: "cel-go makes the type's name of it, in optMap alone",
        excuses: |question, difference, theirs, ours| {
            difference.aspect == Aspect::Value
                && question.expression.contains(".optMap(")
                && ours.value.as_ref().map(names_in_optionals) == theirs.value
        },
    },
    Known {
        name: "a negative number of levels",
        reason: "flatten's cost wraps around in Go, and takes from what was spent before; an error either way",
        excuses: |question, difference, theirs, ours| {
            difference.aspect == Aspect::Cost
                && question.expression.contains(".flatten(")
                && theirs.error.is_some()
                && ours.error.is_some()
                && theirs.cost.map(|cost| cost as i64) < ours.cost.map(|cost| cost as i64)
        },
    },
    Known {
        name: "types that cannot be named",
        reason: "the API server's checker knows `duration` and `timestamp` as names of types, and its evaluator does not",
        excuses: |_, difference, theirs, ours| {
            let types = ["type(duration)", "type(timestamp)"];
            let names = ["undeclared reference to 'duration'", "undeclared reference to 'timestamp'"];
            difference.aspect == Aspect::Position
                && theirs.refused.iter().any(|r| types.iter().any(|name| r.message.contains(name)))
                && ours.refused.iter().any(|r| names.contains(&r.message.as_str()))
        },
    },
    Known {
        name: "what follows from a mistake",
        reason: "what is refused may be anything here; there it often has the type that it would have had",
        excuses: |_, difference, theirs, ours| {
            let told = |t: &Refusal| ours.refused.iter().any(|r| r.marks(t));
            let meant = |r: &Refusal| theirs.refused.iter().any(|t| r.marks(t));
            difference.aspect == Aspect::Position && (theirs.refused.iter().all(told) || ours.refused.iter().all(meant))
        },
    },
    Known {
        name: "a variable that holds a type",
        reason: "the API server takes its name for a type's and finds none; here so too, but not where that turns out later on",
        excuses: |_, difference, theirs, _| {
            difference.aspect == Aspect::WeAccept
                && all_say(theirs, |m| m.starts_with("program instantiation failed: reference to undefined type: "))
        },
    },
];

/// A value in which an optional holds the name of a type instead of the type.
fn names_in_optionals(value: &Json) -> Json {
    match value {
        Json::Array(list) => list.iter().map(names_in_optionals).collect(),
        Json::Object(map) => {
            let inner = |(name, inner): (&String, &Json)| match inner.get("type") {
                Some(of) if name == "optional" => (name.clone(), json!({"string": of})),
                _ => (name.clone(), names_in_optionals(inner)),
            };
            map.iter().map(inner).collect()
        }
        other => other.clone(),
    }
}

/// Whether an answer is refusals, and all of them are such.
fn all_say(answer: &Answer, such: impl Fn(&str) -> bool) -> bool {
    !answer.refused.is_empty() && answer.refused.iter().all(|r| such(&r.message))
}

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

/// Whether the API server points at the bracket behind a macro's name, and we mark a part of that macro: something in its
/// brackets, or all that it is called on.
fn part_of_macro(expression: &str, theirs: &Refusal, ours: &Refusal) -> bool {
    let before = expression.split_inclusive('\n').take(theirs.line.saturating_sub(1)).map(str::len).sum::<usize>();
    let column = expression[before..].char_indices().nth(theirs.column.saturating_sub(1));
    let at = before + column.map_or(0, |(at, _)| at);
    let named = expression[..at].trim_end_matches(|c: char| c.is_alphanumeric() || c == '_');
    if !MACROS.contains(&&expression[named.len()..at]) {
        return false;
    }
    let brackets = at..at + bracketed(&expression[at..]);
    let receiver = named.trim_end().strip_suffix('.').map(str::trim_end);
    brackets.start < ours.span.start && ours.span.end < brackets.end
        || receiver.is_some_and(|receiver| receiver.len() == expression[..ours.span.end].trim_end().len())
}

/// The entry that excuses a difference, by its place in the list.
pub fn excuse(question: &Question, difference: &Difference, theirs: &Answer, ours: &Answer) -> Option<usize> {
    KNOWN.iter().position(|known| (known.excuses)(question, difference, theirs, ours))
}
