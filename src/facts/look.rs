//! What a fact looked at: every obstacle, every pass, and what stayed open.
//!
//! Knows marks and texts. Must not know any rule.

use std::borrow::Cow;

use crate::cel::Fact;
use crate::object::{Cause, Ground, Missing, MissingSet};

/// What came of looking at one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It stands in the way.
    Obstacle,
    /// It does not.
    Pass,
    /// It cannot be said, and it would decide.
    Open,
    /// Worth knowing; decides nothing.
    Note,
}

/// One thing that was looked at.
#[derive(Clone, Debug)]
pub struct Look {
    /// What came of it.
    pub mark: Mark,
    /// What was looked at (`network default`); of an obstacle, the reason as KubeVirt spells it (`DisksNotLiveMigratable`).
    pub topic: Cow<'static, str>,
    /// What was found, as half a sentence (`masquerade on the pod network`).
    pub text: Cow<'static, str>,
    /// Where. Of an obstacle the first stands in the judged object and carries the reason and the cause.
    pub evidence: Vec<Ground>,
    /// What would have to be known; of an open look never empty.
    pub missing: MissingSet,
}

/// What a rule says: most of it is the same for every object.
pub trait Words: Into<Cow<'static, str>> {}

impl<W: Into<Cow<'static, str>>> Words for W {}

/// What a fact looked at, in order.
#[derive(Clone, Debug, Default)]
pub struct Looks(Vec<Look>);

impl Looks {
    /// Something stands in the way; `evidence` begins with a place in the judged object.
    pub fn obstacle(&mut self, reason: impl Words, text: impl Words, cause: Cause, evidence: Vec<Ground>) {
        let reason = reason.into();
        let mut evidence = evidence.into_iter();
        let first = evidence.next().map(|e| e.obstacle(&reason, cause));
        self.add(Mark::Obstacle, reason, text, first.into_iter().chain(evidence).collect());
    }

    /// Something does not stand in the way.
    pub fn pass(&mut self, topic: impl Words, text: impl Words, evidence: Vec<Ground>) {
        self.add(Mark::Pass, topic, text, evidence);
    }

    /// Something worth knowing that decides nothing.
    pub fn note(&mut self, topic: impl Words, text: impl Words, evidence: Vec<Ground>) {
        self.add(Mark::Note, topic, text, evidence);
    }

    /// Something that would decide and cannot be said.
    pub fn open(&mut self, topic: impl Words, text: impl Words, missing: Missing) {
        let (topic, text) = (topic.into(), text.into());
        self.0.push(Look { mark: Mark::Open, topic, text, evidence: Vec::new(), missing: [missing].into() });
    }

    fn add(&mut self, mark: Mark, topic: impl Words, text: impl Words, evidence: Vec<Ground>) {
        self.0.push(Look { mark, topic: topic.into(), text: text.into(), evidence, missing: MissingSet::new() });
    }

    /// Those with a mark.
    pub fn of(&self, mark: Mark) -> impl Iterator<Item = &Look> {
        self.0.iter().filter(move |look| look.mark == mark)
    }

    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Look> {
        self.0.iter()
    }

    /// All of them, to be changed.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, Look> {
        self.0.iter_mut()
    }

    /// Adds another fact's.
    pub fn extend(&mut self, others: Looks) {
        self.0.extend(others.0);
    }

    /// All that is missing for the open ones.
    pub fn missing(&self) -> MissingSet {
        self.of(Mark::Open).flat_map(|look| look.missing.iter().cloned()).collect()
    }

    /// The evidence of those with a mark.
    pub fn evidence(&self, mark: Mark) -> Vec<Ground> {
        self.of(mark).flat_map(|look| look.evidence.iter().cloned()).collect()
    }
}

impl IntoIterator for Looks {
    type Item = Look;
    type IntoIter = std::vec::IntoIter<Look>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// What an expression gets of an answer that may be open: using it raises, with what is missing.
pub fn known<T>(answer: &Result<T, MissingSet>, value: impl FnOnce(&T) -> Fact) -> Fact {
    match answer {
        Ok(t) => value(t),
        Err(missing) => Fact::new(crate::cel::FactValue::Unknown(missing.clone())),
    }
}
