//! One evaluation of a unit against one set of inputs.
//!
//! Knows the program, values and costs. Must not know syntax or types. Generic over a [`Tracer`]: with [`Off`](super::Off)
//! every trace of it vanishes when this is compiled.
//!
//! Recursion is as deep as an expression's nesting, at most 250, and each level takes a small frame: `run` only chooses, and
//! what it calls is never inlined into it.

mod constant;
mod literals;
mod logic;
mod macros;
mod pending;
mod select;

use std::borrow::Cow;
use std::rc::Rc;

use self::pending::Pending;
use super::fact::{Computed, Fact, FactValue, Facts};
use super::halt::{EvalError, Fail, Halt};
use super::library::{Context, Cost, Grant, Search};
use super::operators;
use super::program::{Callee, Code, CodeId, Pattern};
use super::trace::{Read, Tracer};
use super::unit::{ExprId, Unit};
use super::value::{Map, Value, View};
use crate::object::{MissingSet, Node, Span};

/// What a single expression may cost, in Kubernetes' units (apiserver pkg/apis/cel/config.go, PerCallLimit).
pub const EXPRESSION_LIMIT: u64 = 1_000_000;

/// Deepest evaluation that includes its variables. Beyond it they are computed beforehand, in order, each on its own.
const DEEP: u32 = 250;

type Outcome<'a> = Result<Value<'a>, Halt>;

/// The value of a root variable.
#[derive(Clone, Copy)]
pub enum Input<'a> {
    /// `null`: `oldObject` on CREATE, `params` without a binding.
    Null,
    /// An object.
    Node(Node<'a>),
    /// A computed value, such as `request`.
    Fact(&'a dyn Computed),
    /// The facts about the object.
    Facts(&'a dyn Facts),
}

/// One evaluation: the expressions of one policy on one request. Variables are computed on first use and kept.
pub struct Evaluation<'a, T> {
    unit: &'a Unit,
    inputs: &'a [Input<'a>],
    /// What listens.
    pub tracer: T,
    slots: Vec<Value<'a>>,
    /// What the first use of a slot costs beside its name; empty until there is one.
    owed: Vec<u64>,
    /// How much of that the expression that is being evaluated has paid.
    paid: u64,
    variables: Vec<Memo<'a>>,
    context: Context<'a>,
    /// Of the expression that is being evaluated, and what it may reach.
    cost: u64,
    limit: u64,
    /// Of all expressions and variables before it, and what it may reach.
    spent: u64,
    total: u64,
}

/// A variable's outcome, with what it read.
enum Memo<'a> {
    New,
    Done(Outcome<'a>, Rc<[Read<'a>]>),
}

impl<'a, T: Tracer<'a>> Evaluation<'a, T> {
    /// `inputs` in the order of the declared roots; one that is not given is `null`.
    pub fn new(unit: &'a Unit, inputs: &'a [Input<'a>], tracer: T) -> Self {
        Evaluation {
            unit,
            inputs,
            tracer,
            slots: vec![Value::Null; unit.slots as usize],
            owed: Vec::new(),
            paid: 0,
            variables: unit.variables.iter().map(|_| Memo::New).collect(),
            context: Context::new(),
            cost: 0,
            limit: EXPRESSION_LIMIT,
            spent: 0,
            total: u64::MAX,
        }
    }

    /// What all expressions together may cost from here on.
    pub fn limit_total(&mut self, budget: u64) {
        self.total = self.spent.saturating_add(budget);
    }

    /// Whom it has to ask for memory, before it takes more than a little.
    pub fn ask_for_memory(&mut self, grant: Grant<'a>) {
        self.context.ask(grant);
    }

    /// What all expressions have cost.
    pub fn spent(&self) -> u64 {
        self.spent
    }

    /// The value of an expression.
    pub fn evaluate(&mut self, id: ExprId) -> Result<Value<'a>, Halt> {
        let Some(expression) = self.unit.get(id) else { return Ok(Value::Null) };
        if expression.depth > DEEP {
            for variable in &expression.variables {
                if let Memo::New = self.variables.get(*variable as usize).unwrap_or(&Memo::New) {
                    self.compute(*variable)?;
                }
            }
        }
        self.begin();
        let outcome = self.run(expression.code);
        let outcome = outcome.and_then(|value| self.settle(&value).map(|()| value));
        self.end();
        if let (true, Ok(value)) = (T::ON, &outcome) {
            self.consume(value);
        }
        outcome
    }

    fn begin(&mut self) {
        self.cost = 0;
        self.limit = EXPRESSION_LIMIT.min(self.total.saturating_sub(self.spent));
    }

    fn end(&mut self) {
        self.spent = self.spent.saturating_add(self.cost);
    }

    #[inline]
    fn charge(&mut self, cost: u64) -> Result<(), Halt> {
        let before = self.cost;
        self.cost = before.saturating_add(cost);
        if self.cost > self.limit { self.over(before, cost) } else { Ok(()) }
    }

    /// More than the limit, or less than nothing (`flatten` by a negative number of levels): in Go the sum wraps around, so that
    /// it ends at once or costs less than before. Here nothing is ever taken off.
    #[cold]
    fn over(&mut self, before: u64, cost: u64) -> Result<(), Halt> {
        if before.checked_add_signed(cost as i64).is_none_or(|sum| sum >= before) {
            return Err(Halt::OverBudget);
        }
        self.cost = before;
        Ok(())
    }

    /// The value of a node. Only chooses: its frame is on the stack once for every level of nesting.
    fn run(&mut self, id: CodeId) -> Outcome<'a> {
        let unit = self.unit;
        let Some(code) = unit.code.get(id as usize) else { return Ok(Value::Null) };
        match code {
            Code::Constant(constant) => Ok(constant.value()),
            Code::Root(root) => self.root(*root),
            Code::Slot(slot) => self.slot(*slot),
            Code::Owed(slot) => self.owed(*slot),
            Code::Variable(variable) => self.variable(*variable),
            Code::Select { base, fresh, steps } => self.select(*base, *fresh, steps),
            Code::Chain { first, links } => self.chain(*first, links, id),
            Code::Logic { decided_by, operands } => self.logic(operands, *decided_by),
            Code::Conditional { arms, last } => self.conditional(arms, *last),
            Code::Call { callee, arguments } => self.call(callee, arguments, id),
            Code::Has { base, fresh, name } => self.has(*base, *fresh, name, id),
            Code::Search { search, text, pattern, limit, cost } => {
                self.search(*search, [Some(*text), *limit], pattern, *cost, id)
            }
            Code::OrElse { base, other, unwrap } => self.or_else(*base, *other, *unwrap),
            Code::Macro(parts) => self.expand(parts, id),
            Code::List(elements) => self.list(elements, id),
            Code::Map(entries) => self.map(entries, id),
            Code::Struct { name, fields } => self.structure(name, fields, id),
        }
    }

    fn root(&mut self, root: u16) -> Outcome<'a> {
        self.charge(1)?;
        Ok(match self.inputs.get(usize::from(root)) {
            None | Some(Input::Null) => Value::Null,
            Some(Input::Node(node)) => Value::Node(*node),
            Some(Input::Fact(fact)) => return known(Value::Fact(fact.fact())),
            Some(Input::Facts(facts)) => Value::Facts(*facts),
        })
    }

    #[inline]
    fn slot(&mut self, slot: u32) -> Outcome<'a> {
        self.charge(1)?;
        known(self.get(slot))
    }

    #[inline]
    fn get(&self, slot: u32) -> Value<'a> {
        self.slots.get(slot as usize).cloned().unwrap_or(Value::Null)
    }

    #[inline(never)]
    fn owed(&mut self, slot: u32) -> Outcome<'a> {
        let owed = self.owed.get_mut(slot as usize).map(std::mem::take).unwrap_or(0);
        self.paid = self.paid.saturating_add(owed);
        self.charge(owed)?;
        self.slot(slot)
    }

    fn set(&mut self, slot: u32, value: Value<'a>) {
        if let Some(place) = self.slots.get_mut(slot as usize) {
            *place = value;
        }
    }

    /// `variables.x`: computed at most once, with its evidence; an error or unknown is kept too.
    #[inline(never)]
    fn variable(&mut self, i: u32) -> Outcome<'a> {
        // A name and a field.
        self.charge(2)?;
        if let Some(Memo::New) = self.variables.get(i as usize) {
            let (cost, limit) = (self.cost, self.limit);
            self.end();
            let computed = self.compute(i);
            // The variable's cost counts for the policy, not for this expression.
            self.spent = self.spent.saturating_sub(cost);
            (self.cost, self.limit) = (cost, limit.min(self.total.saturating_sub(self.spent)));
            computed?;
        }
        match self.variables.get(i as usize) {
            Some(Memo::Done(outcome, reads)) => {
                let (outcome, reads) = (outcome.clone(), Rc::clone(reads));
                self.tracer.replay(&reads);
                outcome
            }
            _ => Ok(Value::Null),
        }
    }

    /// Fills a variable's memo, under a limit of its own. Its reads are in the memo and not in the log.
    fn compute(&mut self, i: u32) -> Result<(), Halt> {
        let unit = self.unit;
        let Some(variable) = unit.variables.get(i as usize) else { return Ok(()) };
        let Some(expression) = unit.get(variable.expression) else { return Ok(()) };
        self.begin();
        let (mark, paid) = (self.tracer.mark(), self.paid);
        let outcome = self.run(expression.code);
        self.paid = paid;
        self.end();
        if let Err(Halt::OverBudget) = outcome {
            return Err(Halt::OverBudget);
        }
        let reads = self.tracer.since(mark).into();
        self.tracer.forget(mark, self.tracer.mark());
        if let Some(memo) = self.variables.get_mut(i as usize) {
            *memo = Memo::Done(outcome, reads);
        }
        Ok(())
    }

    /// A strict call: unknowns of all arguments, else the first error, else the function.
    #[inline(never)]
    fn call(&mut self, callee: &'a Callee, arguments: &'a [CodeId], id: CodeId) -> Outcome<'a> {
        if let [only] = arguments {
            let outcome = self.run(*only);
            return match outcome {
                Ok(value) => self.apply(callee, &[value], self.place(id)),
                Err(halt) => {
                    self.charge(callee.cost.of(&[Value::Null]))?;
                    Err(halt)
                }
            };
        }
        let mut values = Vec::with_capacity(arguments.len());
        let mut pending = Pending::default();
        let mut charged = true;
        for (i, argument) in arguments.iter().enumerate() {
            let outcome = self.run(*argument);
            // cel-go charges for a call that it does not make, if it got as far as the last argument.
            if outcome.is_err() && !pending.is_any() && i + 1 < arguments.len() && callee.in_order(arguments.len()) {
                charged = false;
            }
            if !charged && pending.is_error() && matches!(outcome, Err(Halt::OverBudget)) {
                // cel-go stopped at the error.
                values.push(Value::Null);
                continue;
            }
            values.push(pending.take_in_order(outcome, self.cost)?.unwrap_or(Value::Null));
        }
        if pending.is_any() {
            match pending.spent() {
                Some(spent) if !charged => self.cost = spent,
                _ => self.charge(callee.cost.of(&values))?,
            }
            pending.finish()?;
        }
        self.apply(callee, &values, self.place(id))
    }

    /// Charges for a call, then makes it.
    #[inline(never)]
    fn apply(&mut self, callee: &Callee, values: &[Value<'a>], place: Place) -> Outcome<'a> {
        for value in values {
            self.settle(value)?;
            if T::ON && !callee.hands_on {
                self.consume(value);
            }
        }
        self.charge(callee.cost.of(values))?;
        if callee.is_resolved()
            && let Some(overload) = callee.first()
        {
            if callee.guarded && !overload.takes(values) {
                return Err(self.no_overload(callee, values, place));
            }
            return match (overload.call)(&mut self.context, values) {
                Err(Fail::NoSuchOverload) => Err(self.no_overload(callee, values, place)),
                answer => answer.map_err(|fail| self.fail(fail, place)),
            };
        }
        for overload in callee.overloads() {
            match (overload.call)(&mut self.context, values) {
                Err(Fail::NoSuchOverload) => {}
                answer => return answer.map_err(|fail| self.fail(fail, place)),
            }
        }
        Err(self.no_overload(callee, values, place))
    }

    #[cold]
    fn no_overload(&self, callee: &Callee, values: &[Value<'a>], place: Place) -> Halt {
        let name = callee.name();
        let first = values.first().map(Value::view);
        let types = |values: &[Value<'_>]| values.iter().map(Value::type_name).collect::<Vec<_>>().join(", ");
        match name {
            // cel-go asks the first operand's type whether it can do this at all.
            _ if first.is_some_and(|value| operators::lacks(name, value)) => {
                self.error(format!("no such overload: {name}"), place)
            }
            "contains" | "startsWith" | "endsWith" | "matches" | "size" => self.error("no such overload", place),
            _ if name.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                self.error(format!("no such overload: {name}({})", types(values)), place)
            }
            _ => self.error("no such overload", place),
        }
    }

    /// `matches`, `find` and `findAll`, whose text and limit are still to be evaluated.
    #[inline(never)]
    fn search(
        &mut self,
        search: Search,
        arguments: [Option<CodeId>; 2],
        pattern: &'a Pattern,
        cost: Cost,
        id: CodeId,
    ) -> Outcome<'a> {
        let [text, limit] = arguments;
        let mut pending = Pending::default();
        let outcome = text.map_or(Ok(Value::Null), |code| self.run(code));
        let text = pending.take_in_order(outcome, self.cost)?;
        let limit = match limit.map(|code| self.run(code)) {
            Some(outcome) => pending.take(outcome)?,
            None => None,
        };
        let Some(text) = text else {
            // cel-go does not get as far as the limit, and makes no call.
            self.cost = pending.spent().unwrap_or(self.cost);
            pending.finish()?;
            return Ok(Value::Null);
        };
        self.consume(&text);
        self.charge(cost.of(&[text.clone(), Value::Str(&pattern.source)]))?;
        pending.finish()?;
        let limit = limit.map_or(Some(-1), |limit| raw(&limit).as_int());
        let (Some(source), Some(limit)) = (raw_text(&text), limit) else {
            return Err(self.error("no such overload", self.place(id)));
        };
        let found = search.run(&mut self.context, &pattern.regex, source, limit);
        found.map_err(|fail| self.fail(fail, self.place(id)))
    }

    #[inline(never)]
    fn or_else(&mut self, base: CodeId, other: CodeId, unwrap: bool) -> Outcome<'a> {
        let value = self.run(base)?;
        match &value {
            Value::Optional(Some(inner)) if unwrap => known((**inner).clone()),
            Value::Optional(Some(_)) => Ok(value),
            Value::Optional(None) => self.run(other),
            // As in cel-go, what is no optional is handed on.
            _ => Ok(value),
        }
    }

    // What is read.

    /// Notes that an operator looked at a value.
    #[inline(always)]
    fn consume(&mut self, value: &Value<'a>) {
        if T::ON {
            self.note(value);
        }
    }

    fn note(&mut self, value: &Value<'a>) {
        match value {
            Value::Node(node) if !self.is_literal(*node) => self.tracer.read(Read::Node(*node)),
            Value::Fact(fact) => self.tracer.read(Read::Fact(fact)),
            Value::List(list) => list.iter().for_each(|e| self.note(e)),
            Value::Map(map) => map.iter().for_each(|(key, value)| {
                self.note(key);
                self.note(value);
            }),
            Value::Struct(value) => value.fields.iter().for_each(|(_, v)| self.note(v)),
            Value::Optional(Some(inner)) => self.note(inner),
            _ => {}
        }
    }

    /// A value of the program, which nobody is to blame for.
    fn is_literal(&self, node: Node<'a>) -> bool {
        let of_input = |input: &Input<'a>| matches!(input, Input::Node(root) if std::ptr::eq(root.tree(), node.tree()));
        !self.inputs.iter().any(of_input)
    }

    /// Ends as unknown where a value that is looked at as a whole has an unknown in it.
    #[inline]
    fn settle(&self, value: &Value<'a>) -> Result<(), Halt> {
        if let Value::Fact(fact) = value {
            let mut missing = MissingSet::new();
            unknowns(fact, &mut missing);
            if !missing.is_empty() {
                return Err(Halt::Unknown(Rc::new(missing)));
            }
        }
        Ok(())
    }

    // What goes wrong.

    fn place(&self, id: CodeId) -> Place {
        Place { code: id, span: None }
    }

    #[cold]
    fn error(&self, message: impl Into<Cow<'static, str>>, place: Place) -> Halt {
        let (expression, span) = self.unit.place(place.code);
        let span = place.span.unwrap_or(span);
        let span = span.start as usize..span.end as usize;
        Halt::Error(Rc::new(EvalError { message: message.into(), expression, span }))
    }

    #[cold]
    fn fail(&self, fail: Fail, place: Place) -> Halt {
        match fail {
            Fail::Message(message) => self.error(message, place),
            Fail::NoSuchOverload => self.error("no such overload", place),
            Fail::Unknown(missing) => Halt::Unknown(missing),
            Fail::OverBudget => Halt::OverBudget,
        }
    }
}

/// Where something goes wrong: a node of an expression, or a part of it.
#[derive(Clone, Copy)]
struct Place {
    code: CodeId,
    span: Option<Span>,
}

/// What is in an optional. Calls with a literal pattern are made by the API server without a look at types, and take what Go
/// finds in a value (apiserver pkg/cel/library/regex.go, FindRegexOptimization; cel-go interpreter/optimizations.go,
/// MatchesRegexOptimization).
fn raw<'v, 'a>(mut value: &'v Value<'a>) -> &'v Value<'a> {
    while let Value::Optional(Some(inner)) = value {
        value = inner;
    }
    value
}

/// The text in a value, which in a type is its name.
fn raw_text<'v>(value: &'v Value<'_>) -> Option<&'v str> {
    match raw(value) {
        Value::Type(name) => Some(name),
        value => value.as_str(),
    }
}

/// A value, unless it is a fact that cannot be determined.
#[inline(always)]
fn known(value: Value<'_>) -> Outcome<'_> {
    match &value {
        Value::Fact(Fact { value: FactValue::Unknown(missing), .. }) => Err(Halt::Unknown(Rc::new(missing.clone()))),
        _ => Ok(value),
    }
}

/// Everything that is missing anywhere in a fact. Facts are as deep as their declared types.
fn unknowns(fact: &Fact, missing: &mut MissingSet) {
    match &fact.value {
        FactValue::Unknown(set) => missing.extend(set.iter().cloned()),
        FactValue::List(list) => list.iter().for_each(|f| unknowns(f, missing)),
        FactValue::Map(map) => map.iter().for_each(|(_, f)| unknowns(f, missing)),
        _ => {}
    }
}
