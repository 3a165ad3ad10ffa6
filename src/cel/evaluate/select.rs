//! Fields and indexes.

use super::super::program::{CodeId, Key, Step};
use super::super::value::List;
use super::{Evaluation, Halt, Map, Outcome, Place, Read, Tracer, Value, View, known};

/// A value, or nothing there.
type Found<'a> = Result<Option<Value<'a>>, Halt>;

impl<'a, T: Tracer<'a>> Evaluation<'a, T> {
    /// A path. Once a step is optional, so is what comes out; it is wrapped at the end, not at each step.
    #[inline(never)]
    pub(super) fn select(&mut self, base: CodeId, fresh: bool, steps: &'a [Step]) -> Outcome<'a> {
        let outcome = self.run(base);
        if fresh {
            self.charge(1)?;
        }
        let mut value = outcome?;
        let mut optional = false;
        if let Value::Optional(inner) = value {
            let Some(inner) = inner else { return Ok(Value::Optional(None)) };
            value = (*inner).clone();
            optional = true;
        }
        for step in steps {
            let place = Place { code: base, span: Some(step.span) };
            optional |= step.optional;
            value = match (&value, &step.key) {
                // Nearly every step is a field of an object.
                (Value::Node(node), Key::Field(name)) => match node.get(name) {
                    Some(found) => {
                        self.charge(1)?;
                        Value::Node(found)
                    }
                    None => match self.found(&value, &Value::Str(name), optional, place)? {
                        Some(found) => found,
                        None => return Ok(Value::Optional(None)),
                    },
                },
                (_, key) => match self.select_by(&value, key, optional, place)? {
                    Some(found) => found,
                    None => return Ok(Value::Optional(None)),
                },
            };
        }
        Ok(if optional { Value::some(value) } else { value })
    }

    #[inline(never)]
    fn select_by(&mut self, value: &Value<'a>, key: &'a Key, optional: bool, place: Place) -> Found<'a> {
        let key = match key {
            Key::Field(name) => Value::Str(name),
            Key::Index(branch) => match self.branch(*branch) {
                Ok(key) => key,
                Err(halt) => {
                    self.charge(u64::from(!optional))?;
                    return Err(halt);
                }
            },
        };
        self.consume(&key);
        if !matches!(key.view(), View::Str(_) | View::Int(_) | View::Uint(_) | View::Double(_) | View::Bool(_)) {
            self.charge(u64::from(!optional))?;
            return Err(self.error(format!("invalid qualifier type: {}", key.type_name()), place));
        }
        self.found(value, &key, optional, place)
    }

    /// One selection; `None` where it is optional and there is nothing, which costs nothing.
    fn found(&mut self, value: &Value<'a>, key: &Value<'a>, optional: bool, place: Place) -> Found<'a> {
        if !optional {
            self.charge(1)?;
        }
        match self.lookup(value, key, place)? {
            Some(found) => {
                self.charge(u64::from(optional))?;
                Ok(Some(found))
            }
            None if optional => Ok(None),
            None => unset(value, key).map(Some).ok_or_else(|| self.absent(value, key, place)),
        }
    }

    #[cold]
    fn absent(&self, value: &Value<'a>, key: &Value<'a>, place: Place) -> Halt {
        let key = key.to_text().unwrap_or_default();
        match value.view() {
            View::List(_) => self.error(format!("index out of bounds: {key}"), place),
            _ => self.error(format!("no such key: {key}"), place),
        }
    }

    /// What stands under a key; `None` where nothing does, which is read then. An unknown ends here.
    #[inline]
    pub(super) fn lookup(&mut self, value: &Value<'a>, key: &Value<'a>, place: Place) -> Found<'a> {
        if let (Value::Node(node), Some(name)) = (value, key.as_str())
            && let Some(found) = node.get(name)
        {
            return Ok(Some(Value::Node(found)));
        }
        let found = match (value.view(), key.as_str()) {
            (View::Map(map), Some(name)) => map.get_str(name),
            (View::Map(map), None) => map.get(key),
            (View::List(list), _) => self.element(list, key, place)?,
            (View::Facts(facts), Some(name)) => facts.fact(name).map(Value::Fact),
            _ => None,
        };
        match found {
            Some(found) => known(found).map(Some),
            None => {
                if T::ON {
                    self.note_absence(value, key);
                }
                Ok(None)
            }
        }
    }

    fn element(&mut self, list: List<'_, 'a>, key: &Value<'a>, place: Place) -> Found<'a> {
        let whole = |d: f64| d.fract() == 0.0 && d >= i64::MIN as f64 && d < i64::MAX as f64;
        let index = match key.view() {
            View::Int(i) => Some(i),
            View::Uint(u) => i64::try_from(u).ok(),
            View::Double(d) => whole(d).then_some(d as i64),
            _ => return Err(self.error(format!("unsupported index type '{}' in list", key.type_name()), place)),
        };
        let Some(index) = index else {
            let key = key.to_text().unwrap_or_default();
            return Err(self.error(format!("unsupported index value {key} in list"), place));
        };
        Ok(usize::try_from(index).ok().and_then(|i| list.get(i)))
    }

    #[cold]
    fn note_absence(&mut self, value: &Value<'a>, key: &Value<'a>) {
        let text = || key.to_text().unwrap_or_default().into_owned();
        match value {
            Value::Node(node) if matches!(value.view(), View::Map(Map::Node(_))) => {
                if !self.is_literal(*node) {
                    self.tracer.read(Read::Absent { parent: *node, key: text() });
                }
            }
            Value::Fact(fact) => self.tracer.read(Read::FactAbsent { parent: Some(fact), key: text() }),
            Value::Facts(_) => self.tracer.read(Read::FactAbsent { parent: None, key: text() }),
            _ => self.consume(value),
        }
    }

    /// `has(base.name)`: costs nothing beyond its base. cel-go charges for the path and takes 1 off.
    #[inline(never)]
    pub(super) fn has(&mut self, base: CodeId, fresh: bool, name: &'a str, id: CodeId) -> Outcome<'a> {
        let outcome = self.run(base);
        if fresh {
            self.charge(1)?;
        }
        if let Err(_) | Ok(Value::Optional(None)) = outcome {
            self.cost = self.cost.saturating_sub(1);
        }
        let value = outcome?;
        let (value, optional) = match &value {
            Value::Optional(None) => return Ok(Value::Bool(false)),
            Value::Optional(Some(inner)) => (&**inner, true),
            other => (other, false),
        };
        let outcome = self.lookup(value, &Value::Str(name), self.place(id));
        if let (true, Ok(None) | Err(_)) = (optional, &outcome) {
            self.cost = self.cost.saturating_sub(1);
        }
        let found = outcome?;
        if let Some(found) = &found {
            self.consume(found);
        }
        Ok(Value::Bool(found.is_some()))
    }
}

/// What a struct literal gives for a field that it does not set (k8s.io/apiserver pkg/cel/mutation, ObjectVal and
/// JSONPatchVal).
#[cold]
fn unset<'a>(value: &Value<'a>, key: &Value<'a>) -> Option<Value<'a>> {
    let (Value::Struct(value), Some(key)) = (value, key.as_str()) else { return None };
    Some(if value.name == "JSONPatch" && key != "value" { Value::Str("") } else { Value::Null })
}
