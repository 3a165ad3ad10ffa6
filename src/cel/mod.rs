//! Kubernetes' CEL, as the API server means it.
//!
//! Knows the language and its libraries. Must not know policies, kinds, or where values come from: objects are
//! [`Node`](crate::object::Node)s, everything computed is a [`Fact`].
//!
//! The judge is the API server's own environment, not the specification: its values, its errors, its refusals, its costs.
//!
//! # Stages
//!
//! | stage | files | gives |
//! |---|---|---|
//! | text to syntax tree | `syntax/` | a tree as deep as its brackets: chains are lists; the API server's limits on nesting |
//! | tree to code | `check/` | types, names, overloads and macros resolved in one walk; every [`Refusal`] with its place |
//! | unit | [`UnitBuilder`], [`Unit`], `program.rs` | all expressions of a policy in one arena; `Send` and `Sync` |
//! | evaluation | [`Evaluation`], `evaluate/` | a [`Value`] or a [`Halt`], at Kubernetes' cost, for a [`Tracer`] that costs nothing when it is [`Off`] |
//!
//! Checking and compiling are one walk because both need the same scope: an overload that the checker chose is the row that
//! the code names.
//!
//! # How an evaluation ends
//!
//! With a value, or with one of three [`Halt`]s. An error and an unknown are absorbed by `||` and `&&` (and `all`, `exists`)
//! when another operand decides; an unknown counts before an error and carries everything that is missing; over budget is
//! absorbed by nothing. Unknowns come from facts alone ([`FactValue::Unknown`]): a value that is one never exists outside of a
//! fact, because reading it ends the evaluation.
//!
//! # What decided
//!
//! With [`Blame`] an evaluation keeps what was read and mattered. A read counts when an operator consumes a value, not when a
//! path passes through it. `&&` that is false keeps the false operand's reads, `||` that is false all of them, `? :` the
//! condition's and the branch's, `all` and `exists` those of the element that decided, `filter` and `map` those of the elements
//! in the result; absent fields are reads too. A variable's reads are kept with its value and read again where it is used.
//!
//! # Limits
//!
//! * Nesting: 250, as in the API server; recursion is never deeper, and deep expressions are compiled on a thread of their own.
//!   Variables that use each other deeper than that are computed beforehand, in order.
//! * Cost: [`EXPRESSION_LIMIT`] for an expression, and [`Evaluation::limit_total`]. Charged before the work.
//! * Memory: 64 MiB for an evaluation, which costs do not bound (`library::Context`), and what
//!   [`Evaluation::ask_for_memory`] is granted.
//!
//! # To add a function
//!
//! Add a row to the `ROWS` of its file in `library/`: a signature in text, the Kubernetes minor that brought it, what a call
//! costs, and the Rust function. Nothing else changes: the checker, suggestions, costs and [`Unit::since`] follow the table,
//! operators included. A new type of value is a variant of [`Opaque`] and a name in `library/signature.rs`.
//!
//! # What differs from the API server, on purpose
//!
//! * Maps iterate in key order. `authorizer` is refused, and so is `variables` as a whole.
//! * An `Object.spec{…}` under another field's name is refused when it is loaded, not when it is applied.
//! * What cannot be found again is no key of a map: lists, maps, bytes (which panic there), optionals, a library's values.
//!   Where that is known at load it is refused then.
//! * protobuf's messages (`google.protobuf.Int64Value{value: 1}`) are refused; so is `[?x]` with an `x` of which nothing is
//!   known, at which the API server breaks off the request.
//! * All that is wrong is told at once: what is computed at load too, when types do not fit.
//!   Less is told of what follows from a mistake: a call that is refused may be anything.
//! * What is wrong in a macro is marked itself; the API server points at the macro.
//! * An `Object` equals, and is read as, the map that it becomes. `type(x)` of it is its own type.
//! * A type stays one within `optMap`, where cel-go makes its name of it; `null.optMap(…)` is refused at load.
//! * `flatten` with a negative level is an error. Its cost wraps around in Go, and may take from what was spent before; here
//!   nothing is taken off.
//! * `duration` and `timestamp` name no types: the API server's checker knows them so, and then it cannot run them. A macro's
//!   variable that holds a type, which it cannot run either, is refused where that is known when the variable is met.
//! * Where cel-go crashes on a value (an internal error), there is the value, or the error that it should be.
//! * A value or type that variables put into each other without end is over budget, or `dyn`.
//! * A quantity never changes. In the API server `q.add(x)` changes `q` where its digits do not fit 64 bits (`1.5Gi`), and
//!   comparing `q` with such a one makes it no integer any more.
//! * Quantities of more than a thousand digits, and computing with such exponents, are over budget; the API server hangs.
//! * Patterns that are too large or nest too deeply for the `regex` crate are refused. It knows a newer Unicode.
//! * Sorting keeps equal elements in order; Go moves them about in lists of more than twelve.
//! * The year 10000, which a time zone may reach, is the last moment of 9999. Offsets beyond 25 hours are errors. Time zones
//!   are those of the database that jiff carries.
//! * `distinct` and `sortBy` of what is no list end in errors like others, not in internal ones.

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
pub use fact::{Computed, Fact, FactValue, Facts};
pub use halt::{EvalError, Halt};
pub use library::{Grant, Opaque};
pub use trace::{Blame, Off, Read, Tracer};
pub use types::{StructType, Type};
pub use unit::{Declarations, Expect, ExprId, Refusal, Unit, UnitBuilder, Uses};
pub use value::{Instant, List, Map, StructValue, Value, View};
