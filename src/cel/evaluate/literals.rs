//! Lists, maps and struct literals that are not constant.

use std::rc::Rc;

use super::super::program::CodeId;
use super::super::value::{StructValue, key_order};
use super::{Evaluation, Halt, Outcome, Pending, Tracer, Value};

// What a literal costs (cel-go common/cost.go).
const LIST: u64 = 10;
const MAP: u64 = 30;
const STRUCT: u64 = 40;

impl<'a, T: Tracer<'a>> Evaluation<'a, T> {
    /// The value of an element: of an optional one what is in it, or nothing.
    fn part(&mut self, code: CodeId, optional: bool, pending: &mut Pending) -> Result<Option<Value<'a>>, Halt> {
        let outcome = self.run(code);
        if pending.is_error() && matches!(outcome, Err(Halt::OverBudget)) {
            // cel-go stopped at the error.
            return Ok(None);
        }
        Ok(match pending.take_in_order(outcome, self.cost)? {
            Some(Value::Optional(inner)) if optional => inner.map(|v| (*v).clone()),
            Some(value) if optional => {
                let message =
                    format!("cannot initialize an optional element from a value of type {}", value.type_name());
                let error = self.error(message, self.place(code));
                pending.take_in_order(Err(error), self.cost)?
            }
            value => value,
        })
    }

    /// Ends the parts of a literal, which costs the same whether they have values or not.
    fn parts_end(&mut self, pending: Pending, cost: u64) -> Result<(), Halt> {
        if let Some(spent) = pending.spent() {
            self.cost = spent;
        }
        self.charge(cost)?;
        pending.finish()
    }

    #[inline(never)]
    pub(super) fn list(&mut self, elements: &'a [(CodeId, bool)], id: CodeId) -> Outcome<'a> {
        let mut pending = Pending::default();
        let mut out = Vec::with_capacity(elements.len());
        for (code, optional) in elements {
            out.extend(self.part(*code, *optional, &mut pending)?);
        }
        self.parts_end(pending, LIST)?;
        self.context.hold(&out).map_err(|fail| self.fail(fail, self.place(id)))?;
        Ok(Value::list(out))
    }

    #[inline(never)]
    pub(super) fn map(&mut self, entries: &'a [(CodeId, CodeId, bool)], id: CodeId) -> Outcome<'a> {
        let mut pending = Pending::default();
        let mut out = Vec::with_capacity(entries.len());
        for (key, value, optional) in entries {
            let key = self.part(*key, false, &mut pending)?;
            let value = self.part(*value, *optional, &mut pending)?;
            match (key, value) {
                (Some(key), None) if *optional => out.retain(|(known, _)| key_order(known, &key).is_ne()),
                (key, value) => out.extend(key.zip(value)),
            }
        }
        self.parts_end(pending, MAP)?;
        for (key, _) in &out {
            self.settle(key)?;
            self.consume(key);
        }
        for (key, value) in &out {
            let held = self
                .context
                .hold(std::slice::from_ref(key))
                .and_then(|()| self.context.hold(std::slice::from_ref(value)));
            held.map_err(|fail| self.fail(fail, self.place(id)))?;
        }
        Value::map(out).map_err(|fail| self.fail(fail, self.place(id)))
    }

    #[inline(never)]
    pub(super) fn structure(
        &mut self,
        name: &'a str,
        fields: &'a [(Box<str>, CodeId, bool)],
        id: CodeId,
    ) -> Outcome<'a> {
        let mut pending = Pending::default();
        let mut out = Vec::with_capacity(fields.len());
        for (field, code, optional) in fields {
            if let Some(value) = self.part(*code, *optional, &mut pending)? {
                // Of a field that is written twice the last value counts.
                out.retain(|(known, _)| *known != &**field);
                out.push((&**field, value));
            }
        }
        self.parts_end(pending, STRUCT)?;
        for (_, value) in &out {
            self.context.hold(std::slice::from_ref(value)).map_err(|fail| self.fail(fail, self.place(id)))?;
        }
        let text = |value: &Value<'a>| value.as_str().is_some();
        if name == "JSONPatch"
            && let Some((field, value)) = out.iter().find(|(field, value)| *field != "value" && !text(value))
        {
            let message = format!("JSONPatch.{field} has to be a string, not {}", value.type_name());
            return Err(self.error(message, self.place(id)));
        }
        Ok(Value::Struct(Rc::new(StructValue { name, fields: out })))
    }
}
