//! `matchConditions`: whether a policy applies to what it matches.

use crate::cel::{Evaluation, ExprId, Halt, Input, Off, Unit};
use crate::object::MissingSet;

use super::set::Condition;

/// What all matchConditions of a policy may cost together, in Kubernetes' units (apiserver pkg/apis/cel/config.go,
/// RuntimeCELCostBudgetMatchConditions).
const CONDITIONS_BUDGET: u64 = 2_500_000;

/// What keeps expressions from giving a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Open {
    /// What would have to be known.
    pub unknown: MissingSet,
    /// Expressions that went wrong: (expression, what the evaluator said).
    pub errors: Vec<(String, String)>,
}

impl Open {
    pub(super) fn note(&mut self, halt: Halt, unit: &Unit, id: ExprId) {
        match halt {
            Halt::Unknown(missing) => self.unknown.extend(missing.iter().cloned()),
            Halt::Error(_) | Halt::OverBudget => {
                self.errors.push((unit.source(id).trim().to_owned(), halt.to_string()))
            }
        }
    }

    /// Nothing was left open.
    pub fn is_empty(&self) -> bool {
        self.unknown.is_empty() && self.errors.is_empty()
    }
}

/// Whether a policy applies.
pub(super) enum Applies {
    Yes,
    No,
    /// That hangs on a condition that gave no value.
    Open(Open),
}

/// All conditions are evaluated; one that is false decides, whatever the others are (apiserver matchconditions/matcher.go).
pub(super) fn applies(unit: &Unit, conditions: &[Condition], inputs: &[Input<'_>]) -> Applies {
    let mut evaluation = Evaluation::new(unit, inputs, Off);
    evaluation.limit_total(CONDITIONS_BUDGET);
    let mut open = Open::default();
    for condition in conditions {
        match evaluation.evaluate(condition.expression) {
            Ok(value) if value.as_bool() == Some(true) => {}
            Ok(_) => return Applies::No,
            Err(halt) => open.note(halt, unit, condition.expression),
        }
    }
    if open.is_empty() { Applies::Yes } else { Applies::Open(open) }
}
