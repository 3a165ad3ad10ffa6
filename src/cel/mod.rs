//! Kubernetes' CEL, as the API server means it.
//!
//! Knows the language and its libraries. Must not know policies, kinds, or where values come from: objects are
//! [`Node`](crate::object::Node)s, everything computed is a [`Fact`].

mod fact;
mod types;

pub use fact::{Fact, FactValue, Facts};
pub use types::{StructType, Type};
