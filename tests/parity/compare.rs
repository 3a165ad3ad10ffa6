//! In what two answers differ.

use serde_json::Value as Json;

use super::answer::{Answer, ErrorClass, class};
use super::question::Question;

/// What a difference is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Aspect {
    /// The API server takes the expression, we refuse it.
    WeRefuse,
    /// The API server refuses the expression, we take it.
    WeAccept,
    /// Both refuse, in different places.
    Position,
    /// The type that the checker finds.
    Type,
    /// One gives a value, the other an error.
    Ending,
    /// Both give a value.
    Value,
    /// Both give an error, of different kinds.
    ErrorClass,
    /// What the evaluation costs.
    Cost,
    /// The Kubernetes minor that takes it first.
    Since,
}

/// A difference between the API server's answer and ours.
#[derive(Debug)]
pub struct Difference {
    pub aspect: Aspect,
    /// Differences of the same cause say the same here.
    pub cause: String,
}

/// Every difference between two answers.
pub fn differences(question: &Question, theirs: &Answer, ours: &Answer) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut differ = |aspect, cause: String| found.push(Difference { aspect, cause });
    match (theirs.refused.first(), ours.refused.first()) {
        (None, Some(refusal)) => differ(Aspect::WeRefuse, first_line(&refusal.message)),
        (Some(refusal), None) => differ(Aspect::WeAccept, first_line(&refusal.message)),
        (Some(first), Some(our_first)) => {
            // Line 0: the API server knows no place. Otherwise its first mistake is one of ours, and our first one of its:
            // both tell every mistake, but not all that follows from one.
            let told = ours.refused.iter().any(|r| r.marks(first)) && theirs.refused.iter().any(|r| our_first.marks(r));
            if first.line != 0 && !told {
                differ(Aspect::Position, first_line(&first.message));
            }
        }
        (None, None) => {
            if theirs.ty != ours.ty {
                differ(Aspect::Type, format!("{} and not {}", theirs.ty, ours.ty));
            }
            evaluated(question, theirs, ours, &mut differ);
            if theirs.since.is_some_and(|since| Some(since) != ours.since) {
                differ(Aspect::Since, format!("{:?} and not {:?}", theirs.since, ours.since));
            }
        }
    }
    found
}

fn evaluated(question: &Question, theirs: &Answer, ours: &Answer, differ: &mut impl FnMut(Aspect, String)) {
    match (&theirs.error, &ours.error) {
        (None, Some(error)) => differ(Aspect::Ending, format!("a value and not the error: {error}")),
        (Some(error), None) => differ(Aspect::Ending, format!("the error and not a value: {error}")),
        (None, None) if theirs.value != ours.value => {
            // The map of a URL's parameters is not among those that the oracle can make iterate in key order.
            let ordered = |answer: &Answer| answer.value.as_ref().map(in_order);
            if !question.expression.contains(".getQuery()") || ordered(theirs) != ordered(ours) {
                differ(Aspect::Value, String::new());
            }
        }
        (Some(theirs), Some(ours)) if class(theirs) != class(ours) => {
            differ(Aspect::ErrorClass, format!("{theirs} and not {ours}"));
        }
        _ => {}
    }
    // How far an evaluation over its limit got is nobody's business.
    let over = |answer: &Answer| answer.error.as_ref().is_some_and(|e| class(e) == ErrorClass::Cost);
    if theirs.cost != ours.cost && !over(theirs) && !over(ours) {
        differ(Aspect::Cost, if theirs.error.is_some() { "of an error" } else { "" }.to_owned());
    }
}

/// A value with the elements of each list sorted.
fn in_order(value: &Json) -> Json {
    match value {
        Json::Array(list) => {
            let mut list: Vec<Json> = list.iter().map(in_order).collect();
            list.sort_by_key(Json::to_string);
            Json::Array(list)
        }
        Json::Object(map) => map.iter().map(|(name, inner)| (name.clone(), in_order(inner))).collect(),
        other => other.clone(),
    }
}

/// A message without what differs from case to case: its first line, and no types.
fn first_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let cut = [" applied to ", "expected type "].iter().find_map(|words| line.find(words).map(|at| at + words.len()));
    line[..cut.unwrap_or(line.len())].to_owned()
}
