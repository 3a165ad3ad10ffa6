//! Comprehensions, `optMap` and `optFlatMap`.
//!
//! cel-go writes each macro as a loop of ordinary expressions; the costs here are those that its loop would have (parser/macro.go).

use std::collections::HashSet;

use super::super::library::{Cost, sort_by};
use super::super::program::{Code, CodeId, Macro, MacroKind};
use super::super::value::{List, Map};
use super::{Evaluation, Halt, Outcome, Pending, Read, Tracer, Value, View, known};

/// What one round costs beside the macro's own expressions: `@result + [x]` and the like.
const APPEND: u64 = 12;

/// What has come together so far.
#[derive(Default)]
struct Rounds<'a> {
    pending: Pending,
    /// Elements of the result; of `sortBy` the keys.
    list: Vec<Value<'a>>,
    entries: Vec<(Value<'a>, Value<'a>)>,
    /// The keys of `entries`; see [`key_of`].
    keys: HashSet<(String, String)>,
    hits: u64,
    /// Ranges of the log that elements left which are not in the result.
    rejected: Vec<(usize, usize)>,
    /// Of conditions that go wrong the last one counts and not the first: of all macros that build something, because the
    /// next round's condition takes the place of what was built.
    last_counts: bool,
}

/// What a macro goes through.
enum Range<'v, 'a> {
    List(List<'v, 'a>),
    Map(Map<'v, 'a>),
}

impl<'a> Range<'_, 'a> {
    fn len(&self) -> usize {
        match self {
            Range::List(list) => list.len(),
            Range::Map(map) => map.len(),
        }
    }

    /// What a macro of one variable goes through: elements, or keys.
    fn item(&self, i: usize) -> Option<Value<'a>> {
        match self {
            Range::List(list) => list.get(i),
            Range::Map(map) => map.entry(i).map(|(key, _)| key),
        }
    }

    /// What a macro of two variables goes through: index or key, and element or value.
    fn entry(&self, i: usize) -> Option<(Value<'a>, Value<'a>)> {
        match self {
            Range::List(list) => list.get(i).map(|e| (Value::Int(i as i64), e)),
            Range::Map(map) => map.entry(i),
        }
    }
}

impl<'a, T: Tracer<'a>> Evaluation<'a, T> {
    /// A macro.
    #[inline(never)]
    pub(super) fn expand(&mut self, parts: &'a Macro, id: CodeId) -> Outcome<'a> {
        match parts.kind {
            MacroKind::OptMap | MacroKind::OptFlatMap => self.optional(parts, id),
            _ => {
                let range = self.run(parts.range);
                if range.is_err() && parts.kind == MacroKind::SortBy {
                    // It is bound to a name, which is read twice, before it is sorted.
                    self.charge(3)?;
                }
                self.comprehension(parts, &range?, id)
            }
        }
    }

    #[inline(never)]
    fn comprehension(&mut self, parts: &'a Macro, value: &Value<'a>, id: CodeId) -> Outcome<'a> {
        let range = match value.view() {
            View::List(list) => Range::List(list),
            // `sortBy` goes through a map as well, before it finds that it cannot sort one.
            View::Map(map) => Range::Map(map),
            _ => {
                self.charge(if parts.kind == MacroKind::SortBy { 3 } else { 0 })?;
                let message = format!("got '{}', expected iterable type", value.type_name());
                return Err(self.error(message, self.place(id)));
            }
        };
        if parts.kind == MacroKind::SortBy {
            self.charge(1)?;
        }
        let start = self.tracer.mark();
        let last_counts = !matches!(parts.kind, MacroKind::All | MacroKind::Exists);
        let mut rounds = Rounds { last_counts, ..Rounds::default() };
        let last = range.len().saturating_sub(1);
        for i in 0..range.len() {
            match parts.second {
                None => {
                    let Some(item) = range.item(i) else { continue };
                    self.set(parts.first, item);
                }
                Some(second) => {
                    let Some((key, value)) = range.entry(i) else { continue };
                    self.set(parts.first, key);
                    self.set(second, value);
                }
            }
            let mark = self.tracer.mark();
            if let Some(decided) = self.round(parts, &mut rounds)? {
                self.tracer.forget(start, mark);
                // The loop looks once more whether to go on.
                let look = if i < last { if decided { 3 } else { 2 } } else { 0 };
                self.charge(look + 1)?;
                return Ok(Value::Bool(decided));
            }
        }
        self.finish(parts, value, rounds, id)
    }

    /// One element. `Some`: it decided the whole.
    fn round(&mut self, parts: &'a Macro, rounds: &mut Rounds<'a>) -> Result<Option<bool>, Halt> {
        match parts.kind {
            MacroKind::All | MacroKind::Exists => {
                let decided_by = parts.kind == MacroKind::Exists;
                self.charge(if decided_by { 4 } else { 3 })?;
                return Ok(self.test(parts.body, rounds)?.filter(|b| *b == decided_by));
            }
            MacroKind::ExistsOne => {
                if self.test(parts.body, rounds)? == Some(true) {
                    rounds.hits += 1;
                    self.charge(2)?;
                }
            }
            MacroKind::Filter => {
                let mark = self.tracer.mark();
                match self.test(parts.body, rounds)? {
                    Some(true) => {
                        self.charge(APPEND + 1)?;
                        let outcome = known(self.get(parts.first));
                        let item = rounds.pending.take(outcome)?;
                        self.keep(item, rounds)?;
                    }
                    _ => self.reject(mark, rounds),
                }
            }
            _ => {
                let mark = self.tracer.mark();
                if let Some(filter) = parts.filter
                    && self.test(filter, rounds)? != Some(true)
                {
                    self.reject(mark, rounds);
                    return Ok(None);
                }
                self.collect(parts, rounds)?;
            }
        }
        Ok(None)
    }

    /// `map` and the like: the body's value into the result.
    fn collect(&mut self, parts: &'a Macro, rounds: &mut Rounds<'a>) -> Result<(), Halt> {
        if parts.kind == MacroKind::TransformMap && rounds.pending.is_error() {
            // cel-go puts nothing into a map that is an error; what is evaluated is so for the unknowns alone.
            self.charge(1)?;
            let cost = self.cost;
            let outcome = self.run(parts.body);
            rounds.pending.take(outcome)?;
            self.cost = cost;
            return Ok(());
        }
        self.charge(match parts.kind {
            MacroKind::TransformMap => 3,
            MacroKind::TransformMapEntry => 2,
            // `[x]` of a literal is one itself, and costs nothing.
            _ if self.is_constant(parts.body) => APPEND - 10,
            _ => APPEND,
        })?;
        let outcome = self.run(parts.body);
        let Some(value) = rounds.pending.take(outcome)? else { return Ok(()) };
        if parts.kind != MacroKind::Map && parts.kind != MacroKind::SortBy {
            self.context.hold(std::slice::from_ref(&value)).map_err(|_| Halt::OverBudget)?;
        }
        match parts.kind {
            MacroKind::TransformMap => self.insert(self.get(parts.first), value, parts, rounds)?,
            MacroKind::TransformMapEntry => match value.as_map() {
                Some(map) => {
                    for (key, value) in map.iter() {
                        self.insert(key, value, parts, rounds)?;
                    }
                }
                None => rounds.pending.note(self.error("no such overload", self.place(parts.body)))?,
            },
            _ => self.keep(Some(value), rounds)?,
        }
        Ok(())
    }

    /// An entry into the result, which has none of that key yet (cel-go common/types/map.go, InsertMapKeyValue).
    fn insert(&self, key: Value<'a>, value: Value<'a>, parts: &Macro, rounds: &mut Rounds<'a>) -> Result<(), Halt> {
        let known = key_of(&key);
        if rounds.keys.contains(&known) {
            let message = format!("insert failed: key {} already exists", known.1);
            return rounds.pending.note(self.error(message, self.place(parts.body)));
        }
        rounds.keys.insert(known);
        rounds.entries.push((key, value));
        Ok(())
    }

    /// What was read for an element that is not in the result.
    fn reject(&mut self, mark: usize, rounds: &mut Rounds<'a>) {
        if T::ON {
            rounds.rejected.push((mark, self.tracer.mark()));
        }
    }

    fn is_constant(&self, code: CodeId) -> bool {
        matches!(self.unit.code.get(code as usize), Some(Code::Constant(_)))
    }

    fn keep(&mut self, value: Option<Value<'a>>, rounds: &mut Rounds<'a>) -> Result<(), Halt> {
        if let Some(value) = &value {
            self.context.hold(std::slice::from_ref(value)).map_err(|_| Halt::OverBudget)?;
        }
        rounds.list.extend(value);
        Ok(())
    }

    /// The body as a condition; `None` after noting why it has no value.
    fn test(&mut self, body: CodeId, rounds: &mut Rounds<'a>) -> Result<Option<bool>, Halt> {
        let outcome = self.condition(body);
        if rounds.last_counts && matches!(outcome, Err(Halt::Error(_))) {
            rounds.pending.forget_error();
        }
        rounds.pending.take(outcome)
    }

    fn condition(&mut self, body: CodeId) -> Result<bool, Halt> {
        let value = self.run(body)?;
        self.consume(&value);
        value.as_bool().ok_or_else(|| self.error("no such overload", self.place(body)))
    }

    /// No element decided.
    fn finish(&mut self, parts: &'a Macro, range: &Value<'a>, mut rounds: Rounds<'a>, id: CodeId) -> Outcome<'a> {
        self.charge(if parts.kind == MacroKind::ExistsOne { 2 } else { 1 })?;
        if parts.kind == MacroKind::SortBy && rounds.pending.is_any() {
            self.charge(if parts.typed { 1 } else { 2 })?;
        }
        std::mem::take(&mut rounds.pending).finish()?;
        if T::ON {
            self.blame(parts.kind, range, &rounds);
        }
        match parts.kind {
            MacroKind::All => Ok(Value::Bool(true)),
            MacroKind::Exists => Ok(Value::Bool(false)),
            MacroKind::ExistsOne => Ok(Value::Bool(rounds.hits == 1)),
            MacroKind::TransformMap | MacroKind::TransformMapEntry => {
                Value::map(rounds.entries).map_err(|fail| self.fail(fail, self.place(id)))
            }
            MacroKind::SortBy => self.sort(parts, range, rounds.list, id),
            _ => Ok(Value::list(rounds.list)),
        }
    }

    fn sort(&mut self, parts: &'a Macro, range: &Value<'a>, keys: Vec<Value<'a>>, id: CodeId) -> Outcome<'a> {
        let keys = Value::list(keys);
        self.consume(&keys);
        let cost = if parts.typed { Cost::SelfCompare { argument: 0 } } else { Cost::One };
        self.charge(1 + cost.of(std::slice::from_ref(&keys)))?;
        match (range.as_list(), &keys) {
            (Some(list), Value::List(keys)) => sort_by(list, keys).map_err(|fail| self.fail(fail, self.place(id))),
            _ => Err(self.error("no such overload: @sortByAssociatedKeys", self.place(id))),
        }
    }

    /// Where no element decided, the range did too; where some are in the result, the others are not to blame.
    fn blame(&mut self, kind: MacroKind, range: &Value<'a>, rounds: &Rounds<'a>) {
        let nothing = rounds.list.is_empty() && rounds.entries.is_empty();
        if !nothing {
            for (from, to) in rounds.rejected.iter().rev() {
                self.tracer.forget(*from, *to);
            }
        }
        let whole = matches!(kind, MacroKind::All | MacroKind::Exists | MacroKind::ExistsOne) || nothing;
        match range {
            Value::Node(node) if whole && !self.is_literal(*node) => self.tracer.read(Read::Node(*node)),
            Value::Fact(fact) if whole => self.tracer.read(Read::Fact(fact)),
            _ => {}
        }
    }

    /// `optMap` and `optFlatMap`: cel-go makes them `o.hasValue() ? optional.of(body) : optional.none()`, with the variable
    /// bound to `o.value()`, in which `o` is written, and paid, once more.
    #[inline(never)]
    fn optional(&mut self, parts: &'a Macro, id: CodeId) -> Outcome<'a> {
        let (before, paid) = (self.cost, self.paid);
        let range = self.run(parts.range);
        // What an outer variable owes is paid once.
        let twice = self.cost.saturating_sub(before).saturating_sub(self.paid.saturating_sub(paid));
        self.charge(1)?;
        let inner = match range? {
            Value::Optional(Some(inner)) => (*inner).clone(),
            none @ Value::Optional(None) => {
                self.charge(1)?;
                return Ok(none);
            }
            other => {
                let message = format!("no such overload: hasValue({})", other.type_name());
                return Err(self.error(message, self.place(id)));
            }
        };
        self.set(parts.first, inner);
        self.owed.resize(self.slots.len(), 0);
        if let Some(owed) = self.owed.get_mut(parts.first as usize) {
            *owed = twice + 1;
        }
        let value = self.run(parts.body);
        if self.owed.get(parts.first as usize) == Some(&0) {
            // Only what is owed further out is paid once: this is evaluated, and owes, anew.
            self.paid = self.paid.saturating_sub(twice + 1);
        }
        // On its way out of the loop cel-go takes apart what optionals the body gives within the one that is wanted.
        if parts.kind == MacroKind::OptFlatMap {
            return Ok(match value? {
                Value::Optional(Some(inner)) if matches!(*inner, Value::Optional(_)) => Value::some(within(&inner)),
                value => value,
            });
        }
        self.charge(1)?;
        let value = within(&value?);
        self.context.hold(std::slice::from_ref(&value)).map_err(|fail| self.fail(fail, self.place(id)))?;
        Ok(Value::some(value))
    }
}

/// What is in an optional, however many there are around it; of none of them `null`.
fn within<'a>(value: &Value<'a>) -> Value<'a> {
    let mut value = value;
    while let Value::Optional(inner) = value {
        match inner {
            Some(inner) => value = inner,
            None => return Value::Null,
        }
    }
    value.clone()
}

/// What tells a key from others, as its type and a text; numbers of all types are the same keys.
fn key_of(key: &Value<'_>) -> (String, String) {
    let text = || key.to_text().unwrap_or_default().into_owned();
    match key.view() {
        View::Type(name) => ("type".to_owned(), name.to_owned()),
        View::Int(_) | View::Uint(_) | View::Double(_) => ("number".to_owned(), text()),
        _ => (key.type_name().to_owned(), text()),
    }
}
