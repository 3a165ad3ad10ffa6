//! Kubernetes' CEL, as the API server means it.
//!
//! Knows the language and its libraries. Must not know policies, kinds, or where values come from: objects are
//! [`Node`](crate::object::Node)s, everything computed is a [`Fact`].

mod check;
mod evaluate;
mod fact;
mod halt;
mod library;
mod operators;
mod program;
mod syntax;
#[cfg(test)]
mod tests;
mod trace;
mod types;
mod unit;
mod value;

pub use evaluate::{EXPRESSION_LIMIT, Evaluation, Input};
pub use fact::{Fact, FactValue, Facts};
pub use halt::{EvalError, Halt};
pub use library::Opaque;
pub use trace::{Blame, Off, Read, Tracer};
pub use types::{StructType, Type};
pub use unit::{Declarations, Expect, ExprId, Refusal, Unit, UnitBuilder, Uses};
pub use value::{List, Map, StructValue, Value, View};
