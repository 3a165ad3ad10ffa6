//! What strict constructs and `&&` collect while nothing has decided yet.

use std::rc::Rc;

use super::super::halt::Halt;
use super::super::value::Value;
use crate::object::MissingSet;

/// Unknowns, united; else the first error.
#[derive(Default)]
pub struct Pending {
    unknown: Option<Rc<MissingSet>>,
    error: Option<Halt>,
    /// What had been spent when the first error came up.
    spent: u64,
}

impl Pending {
    /// The value, or `None` after noting why there is none. Only over budget ends at once.
    #[inline]
    pub fn take<V>(&mut self, outcome: Result<V, Halt>) -> Result<Option<V>, Halt> {
        match outcome {
            Ok(value) => Ok(Some(value)),
            Err(halt) => {
                self.note(halt)?;
                Ok(None)
            }
        }
    }

    /// The same for constructs in which cel-go stops at the first error: what is evaluated after it, for the unknowns there,
    /// costs nothing. `spent` is what has been spent by now.
    #[inline]
    pub fn take_in_order<'a>(
        &mut self,
        outcome: Result<Value<'a>, Halt>,
        spent: u64,
    ) -> Result<Option<Value<'a>>, Halt> {
        if outcome.is_err() && self.error.is_none() {
            self.spent = spent;
        }
        self.take(outcome)
    }

    /// What counts as spent where the first error ends a construct; `None` where something is unknown, or nothing went wrong.
    pub fn spent(&self) -> Option<u64> {
        (self.error.is_some() && self.unknown.is_none()).then_some(self.spent)
    }

    /// Notes why there is no value.
    #[cold]
    pub fn note(&mut self, halt: Halt) -> Result<(), Halt> {
        match halt {
            Halt::Unknown(missing) => match &mut self.unknown {
                None => self.unknown = Some(missing),
                Some(all) => Rc::make_mut(all).extend(missing.iter().cloned()),
            },
            Halt::Error(_) => {
                self.error.get_or_insert(halt);
            }
            Halt::OverBudget => return Err(halt),
        }
        Ok(())
    }

    /// Makes room for a later error.
    pub fn forget_error(&mut self) {
        self.error = None;
    }

    /// True when an error was noted.
    #[inline]
    pub fn is_error(&self) -> bool {
        self.error.is_some()
    }

    /// True when anything was noted.
    #[inline]
    pub fn is_any(&self) -> bool {
        self.error.is_some() || self.unknown.is_some()
    }

    /// Ends with what was noted, an unknown before an error.
    pub fn finish(self) -> Result<(), Halt> {
        if let Some(missing) = self.unknown {
            return Err(Halt::Unknown(missing));
        }
        self.error.map_or(Ok(()), Err)
    }
}
