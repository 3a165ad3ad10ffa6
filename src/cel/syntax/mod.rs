//! Text to syntax tree.
//!
//! Knows the grammar of cel-go (parser/gen/CEL.g4) and the API server's limits on nesting. Must not know types, names or
//! functions.

mod lex;
mod literal;
mod parse;
mod tree;

pub(super) use lex::Tokens;
pub(super) use parse::parse;
pub(super) use tree::{Arm, Entry, Expr, Field, Kind, Literal, Operand, Operator, Postfix, PostfixKind};

use crate::object::Span;

/// Deepest nesting of brackets, `? :` and operators (k8s.io/apiserver's environment leaves cel-go's default of 250).
pub(super) const MAX_NESTING: u16 = 250;

/// Longest expression, in bytes. The API server takes what fits into an object, 3 MiB; no policy is near 64 KiB.
pub(super) const MAX_SOURCE: usize = 1 << 20;

/// What is wrong with the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SyntaxError {
    pub span: Span,
    pub message: String,
}

impl SyntaxError {
    fn new(span: Span, message: impl Into<String>) -> Self {
        SyntaxError { span, message: message.into() }
    }
}
