//! Operators, `&&`, `||` and `? :`.

use super::super::program::{Branch, CodeId, Link};
use super::{Evaluation, Halt, Outcome, Pending, Place, Tracer, Value};

impl<'a, T: Tracer<'a>> Evaluation<'a, T> {
    /// `&&` and `||`: one operand decides, whatever the others are; else unknowns, else the first error.
    #[inline(never)]
    pub(super) fn logic(&mut self, operands: &'a [CodeId], decided_by: bool) -> Outcome<'a> {
        let start = self.tracer.mark();
        let mut pending = Pending::default();
        for operand in operands {
            let mark = self.tracer.mark();
            let outcome = self.run(*operand);
            let Some(value) = pending.take(outcome)? else { continue };
            self.consume(&value);
            match value.as_bool() {
                Some(b) if b == decided_by => {
                    // Nothing but this operand is to blame.
                    self.tracer.forget(start, mark);
                    return Ok(Value::Bool(b));
                }
                Some(_) => {}
                None => pending.note(self.error("no such overload", self.place(*operand)))?,
            }
        }
        pending.finish()?;
        Ok(Value::Bool(!decided_by))
    }

    #[inline(never)]
    pub(super) fn conditional(&mut self, arms: &'a [(CodeId, Branch)], last: Branch) -> Outcome<'a> {
        for (condition, branch) in arms {
            let value = self.run(*condition)?;
            self.consume(&value);
            match value.as_bool() {
                Some(true) => return self.branch(*branch),
                Some(false) => {}
                None => return Err(self.error("no such overload", self.place(*condition))),
            }
        }
        self.branch(last)
    }

    /// A branch, or a key in brackets.
    pub(super) fn branch(&mut self, branch: Branch) -> Outcome<'a> {
        let outcome = self.run(branch.code);
        self.cost = self.cost.saturating_sub(u64::from(branch.path));
        outcome
    }

    /// Binary operators from left to right. Unknowns of all operands count; of errors the first.
    #[inline(never)]
    pub(super) fn chain(&mut self, first: CodeId, links: &'a [Link], id: CodeId) -> Outcome<'a> {
        let mut left = self.run(first);
        for link in links {
            if let Err(Halt::OverBudget) = left {
                return left;
            }
            let right = self.run(link.right);
            left = match (left, right) {
                (Ok(left), Ok(right)) => self.operate(link, [left, right], id),
                (left, right) => self.without(link, left, right),
            };
        }
        left
    }

    /// An operator that lacks an operand, for which cel-go charges nevertheless.
    #[cold]
    fn without(&mut self, link: &'a Link, left: Outcome<'a>, right: Outcome<'a>) -> Outcome<'a> {
        let mut pending = Pending::default();
        let left = pending.take(left)?.unwrap_or(Value::Null);
        let right = pending.take(right)?.unwrap_or(Value::Null);
        if !link.free {
            self.charge(link.callee.cost.of(&[left, right]))?;
        }
        pending.finish()?;
        Ok(Value::Null)
    }

    fn operate(&mut self, link: &'a Link, values: [Value<'a>; 2], id: CodeId) -> Outcome<'a> {
        let cost = self.cost;
        let answer = self.apply(&link.callee, &values, Place { code: id, span: Some(link.span) })?;
        if link.free {
            self.cost = cost;
        }
        Ok(answer)
    }
}
