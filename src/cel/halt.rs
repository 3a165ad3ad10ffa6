//! The three ways in which an evaluation ends without a value.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::rc::Rc;

use super::unit::ExprId;
use crate::object::MissingSet;

/// Why a function gave no value; the evaluator adds the place and the name.
#[derive(Clone, Debug)]
pub(super) enum Fail {
    /// An error in words.
    Message(Cow<'static, str>),
    /// The values are of types that the function does not take.
    NoSuchOverload,
    /// A part of an argument is not known.
    Unknown(Rc<MissingSet>),
    /// The result would be larger than an evaluation may build.
    OverBudget,
}

impl From<&'static str> for Fail {
    fn from(message: &'static str) -> Self {
        Fail::Message(Cow::Borrowed(message))
    }
}

impl From<String> for Fail {
    fn from(message: String) -> Self {
        Fail::Message(Cow::Owned(message))
    }
}

/// Why there is no value.
///
/// `||`, `&&`, `all` and `exists` absorb an error and an unknown when another operand decides; nothing absorbs
/// [`Halt::OverBudget`]. Where both an error and an unknown are left, the unknown counts.
#[derive(Clone, Debug)]
pub enum Halt {
    /// The expression went wrong on this input.
    Error(Rc<EvalError>),
    /// Something that decides is not known; all that is missing. Never empty.
    Unknown(Rc<MissingSet>),
    /// More work than an expression, or all of them together, may cause.
    OverBudget,
}

/// An error at run time, worded as cel-go words it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvalError {
    /// What went wrong: `no such key: nope`.
    pub message: Cow<'static, str>,
    /// The expression in which it went wrong; a variable's own, where the variable was to blame.
    pub expression: ExprId,
    /// The bytes of that expression.
    pub span: Range<usize>,
}

impl fmt::Display for EvalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for EvalError {}

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Halt::Error(error) => error.fmt(f),
            Halt::Unknown(missing) => {
                f.write_str("not known: ")?;
                for (i, m) in missing.iter().enumerate() {
                    write!(f, "{}{m}", if i > 0 { ", " } else { "" })?;
                }
                Ok(())
            }
            Halt::OverBudget => {
                f.write_str("the expression costs more than Kubernetes allows, or builds more than there is memory for")
            }
        }
    }
}
