//! Values that somebody computed, and what they rest on: how facts, and `request`, enter an expression.

use std::borrow::Cow;
use std::cell::LazyCell;
use std::fmt;

use crate::object::{Ground, Missing, MissingSet};

/// A computed value with the evidence for it.
///
/// Selecting a field of a map, iterating a list and comparing a scalar work as on any CEL value. Where the value is
/// [`FactValue::Unknown`], using it ends the evaluation as unknown; `has()` and `.?` do not swallow that.
#[derive(Clone, Debug)]
pub struct Fact {
    /// The value.
    pub value: FactValue,
    /// What it rests on; blame reports it when the value decided. Empty where the value speaks for itself.
    pub evidence: Vec<Ground>,
}

/// The value of a fact.
#[derive(Clone, Debug)]
pub enum FactValue {
    /// Cannot be determined, and what is missing for it. Never empty.
    Unknown(MissingSet),
    /// `null`
    Null,
    /// `bool`
    Bool(bool),
    /// `int`
    Int(i64),
    /// `string`; most are words that the code knows.
    String(Cow<'static, str>),
    /// `list`
    List(Vec<Fact>),
    /// `map` with string keys, sorted by key, no key twice. A declared field that is not there is absent.
    Map(Vec<(Cow<'static, str>, Fact)>),
}

impl Fact {
    /// A value without evidence of its own.
    pub fn new(value: impl Into<FactValue>) -> Self {
        Fact { value: value.into(), evidence: Vec::new() }
    }

    /// A value and what it rests on.
    pub fn with(value: impl Into<FactValue>, evidence: Vec<Ground>) -> Self {
        Fact { value: value.into(), evidence }
    }

    /// Not to be determined, for want of one thing.
    pub fn unknown(missing: Missing) -> Self {
        Fact::new(FactValue::Unknown([missing].into()))
    }

    /// A map; entries in any order, a key that occurs twice keeps its first value.
    pub fn map(entries: impl IntoIterator<Item = (&'static str, Fact)>) -> Self {
        let mut entries: Vec<_> = entries.into_iter().map(|(k, v)| (Cow::Borrowed(k), v)).collect();
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        entries.dedup_by(|b, a| a.0 == b.0);
        Fact::new(FactValue::Map(entries))
    }

    /// A list.
    pub fn list(elements: impl IntoIterator<Item = Fact>) -> Self {
        Fact::new(FactValue::List(elements.into_iter().collect()))
    }

    /// The field of a map.
    pub fn get(&self, key: &str) -> Option<&Fact> {
        match &self.value {
            FactValue::Map(entries) => {
                let at = entries.binary_search_by(|(k, _)| (**k).cmp(key)).ok()?;
                entries.get(at).map(|(_, v)| v)
            }
            _ => None,
        }
    }
}

impl From<bool> for FactValue {
    fn from(b: bool) -> Self {
        FactValue::Bool(b)
    }
}

impl From<i64> for FactValue {
    fn from(i: i64) -> Self {
        FactValue::Int(i)
    }
}

impl From<&'static str> for FactValue {
    fn from(s: &'static str) -> Self {
        FactValue::String(Cow::Borrowed(s))
    }
}

impl From<Cow<'static, str>> for FactValue {
    fn from(s: Cow<'static, str>) -> Self {
        FactValue::String(s)
    }
}

impl From<String> for FactValue {
    fn from(s: String) -> Self {
        FactValue::String(Cow::Owned(s))
    }
}

/// A root variable's value that is computed when an expression first reads it: most policies never look at `request`.
pub trait Computed: fmt::Debug {
    /// The value; the same each time.
    fn fact(&self) -> &Fact;
}

impl Computed for Fact {
    fn fact(&self) -> &Fact {
        self
    }
}

impl<F: FnOnce() -> Fact> Computed for LazyCell<Fact, F> {
    fn fact(&self) -> &Fact {
        self
    }
}

/// Where `facts.<name>` comes from. Each fact is computed at most once, on its first use.
pub trait Facts {
    /// The fact of this name; `None` when there is no such fact for the object that is judged.
    fn fact(&self, name: &str) -> Option<&Fact>;
}
