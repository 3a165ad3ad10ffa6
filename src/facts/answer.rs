//! An answer, or what is missing for it; and how it becomes a [`Fact`].
//!
//! Knows the three ways in which a look-up ends. Must not know any kind.

use crate::cel::{Fact, FactValue};
use crate::inventory::{Listing, WhyNot};
use crate::object::{Ground, Missing, MissingSet};

/// An answer, or everything that would have to be known to give one.
pub type Answer<T> = Result<T, MissingSet>;

/// One thing is missing.
pub fn missing<T>(missing: Missing) -> Answer<T> {
    Err([missing].into())
}

/// The objects of a listing were looked for and not found; that says something only when the listing is complete.
pub fn none_of<T>(none: T, what: &str, listing: &Listing<'_>) -> Answer<T> {
    listing.complete.map(|()| none).map_err(|why| [not_seen(what, why)].into())
}

/// Something that was not seen.
pub fn not_seen(what: &str, why: WhyNot) -> Missing {
    Missing { what: what.to_owned(), why: why.into() }
}

/// The answer as a fact; what is not known raises.
pub fn fact<T: Into<FactValue>>(answer: Answer<T>, evidence: Vec<Ground>) -> Fact {
    match answer {
        Ok(value) => Fact::with(value, evidence),
        Err(missing) => Fact::new(FactValue::Unknown(missing)),
    }
}
