//! In what two answers differ.

use super::answer::{Answer, ErrorClass, Refusal, class};

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
pub fn differences(theirs: &Answer, ours: &Answer) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut differ = |aspect, cause: String| found.push(Difference { aspect, cause });
    match (theirs.refused.first(), ours.refused.first()) {
        (None, Some(refusal)) => differ(Aspect::WeRefuse, first_line(&refusal.message)),
        (Some(refusal), None) => differ(Aspect::WeAccept, first_line(&refusal.message)),
        (Some(first), Some(our_first)) => {
            // Line 0: the API server knows no place. It points at the bracket of a call or the dot of a field; we mark
            // what is meant from its beginning to its end. Both tell every mistake, but not all that follows from one.
            let marks = |ours: &Refusal, theirs: &Refusal| {
                ((ours.line, ours.column)..=ours.end.unwrap_or_default()).contains(&(theirs.line, theirs.column))
            };
            let told =
                ours.refused.iter().any(|r| marks(r, first)) || theirs.refused.iter().any(|r| marks(our_first, r));
            if first.line != 0 && !told {
                differ(Aspect::Position, first_line(&first.message));
            }
        }
        (None, None) => {
            if theirs.ty != ours.ty {
                differ(Aspect::Type, format!("{} and not {}", theirs.ty, ours.ty));
            }
            evaluated(theirs, ours, &mut differ);
            if theirs.since.is_some_and(|since| Some(since) != ours.since) {
                differ(Aspect::Since, format!("{:?} and not {:?}", theirs.since, ours.since));
            }
        }
    }
    found
}

fn evaluated(theirs: &Answer, ours: &Answer, differ: &mut impl FnMut(Aspect, String)) {
    match (&theirs.error, &ours.error) {
        (None, Some(error)) => differ(Aspect::Ending, format!("a value and not the error: {error}")),
        (Some(error), None) => differ(Aspect::Ending, format!("the error and not a value: {error}")),
        (None, None) if theirs.value != ours.value => differ(Aspect::Value, String::new()),
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

/// A message without what differs from case to case: its first line, and no types.
fn first_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let cut = [" applied to ", "expected type "].iter().find_map(|words| line.find(words).map(|at| at + words.len()));
    line[..cut.unwrap_or(line.len())].to_owned()
}
