//! `matchConditions`: whether a policy applies to what it matches.

use crate::cel::{Blame, Evaluation, ExprId, Grant, Halt, Input, Off, Read, Unit};
use crate::object::{MissingSet, Path};

use super::set::Condition;

/// What all matchConditions of a policy may cost together, in Kubernetes' units (apiserver pkg/apis/cel/config.go,
/// RuntimeCELCostBudgetMatchConditions).
const CONDITIONS_BUDGET: u64 = 2_500_000;

/// An expression that went wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} in: {expression}")]
pub struct ExpressionError {
    /// The expression; empty where none was to blame.
    pub expression: String,
    /// What the evaluator said.
    pub message: String,
    /// What it read last in the judged object.
    pub field: Option<Path>,
}

impl ExpressionError {
    pub(super) fn new(expression: &str, message: impl Into<String>) -> Self {
        ExpressionError { expression: expression.trim().to_owned(), message: message.into(), field: None }
    }

    /// What keeps a policy from being judged, and is no expression's fault.
    pub fn of_none(message: impl Into<String>) -> Self {
        ExpressionError::new("", message)
    }

    /// Time is up.
    pub fn out_of_time() -> Self {
        ExpressionError::of_none("there was no time to judge it")
    }
}

/// What keeps expressions from giving a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Open {
    /// What would have to be known.
    pub unknown: MissingSet,
    /// Expressions that went wrong.
    pub errors: Vec<ExpressionError>,
}

impl Open {
    pub(super) fn note<'a>(
        &mut self,
        halt: Halt,
        unit: &'a Unit,
        id: ExprId,
        inputs: &'a [Input<'a>],
        memory: Grant<'a>,
    ) {
        match halt {
            Halt::Unknown(missing) => self.unknown.extend(missing.iter().cloned()),
            Halt::Error(_) | Halt::OverBudget => {
                let error = ExpressionError::new(unit.source(id), halt.to_string());
                self.errors.push(ExpressionError { field: stumbled_over(unit, id, inputs, memory), ..error })
            }
        }
    }

    /// Nothing was left open.
    pub fn is_empty(&self) -> bool {
        self.unknown.is_empty() && self.errors.is_empty()
    }
}

/// The last place in the judged object that an expression read before it went wrong.
fn stumbled_over<'a>(unit: &'a Unit, id: ExprId, inputs: &'a [Input<'a>], memory: Grant<'a>) -> Option<Path> {
    // The roots begin with `object` and `oldObject`.
    let root =
        inputs.iter().take(2).find_map(|input| if let Input::Node(root) = input { Some(*root) } else { None })?;
    let mut evaluation = Evaluation::new(unit, inputs, Blame::new());
    evaluation.ask_for_memory(memory);
    let _ = evaluation.evaluate(id);
    let place = |read: &Read<'a>| match read {
        Read::Node(node) => root.path_to(*node),
        Read::Absent { parent, key } => Some(root.path_to(*parent)?.key(key)),
        Read::Fact(_) | Read::FactAbsent { .. } => None,
    };
    evaluation.tracer.reads().iter().rev().find_map(place).filter(|path| !path.is_root())
}

/// Whether a policy applies.
pub(super) enum Applies {
    Yes,
    No,
    /// That hangs on a condition that gave no value.
    Open(Open),
}

/// All conditions are evaluated; one that is false decides, whatever the others are (apiserver matchconditions/matcher.go).
pub(super) fn applies<'a>(
    unit: &'a Unit,
    conditions: &[Condition],
    inputs: &'a [Input<'a>],
    memory: Grant<'a>,
) -> Applies {
    let mut evaluation = Evaluation::new(unit, inputs, Off);
    evaluation.ask_for_memory(memory);
    evaluation.limit_total(CONDITIONS_BUDGET);
    let mut open = Open::default();
    for condition in conditions {
        match evaluation.evaluate(condition.expression) {
            Ok(value) if value.as_bool() == Some(true) => {}
            Ok(_) => return Applies::No,
            Err(halt) => open.note(halt, unit, condition.expression, inputs, memory),
        }
    }
    if open.is_empty() { Applies::Yes } else { Applies::Open(open) }
}
