//! One expression on one request: what `eval` shows. A policy's expressions are evaluated in the same way.

use std::ops::Range;

use serde_json::Value as Json;

use crate::cel::{
    Blame, Computed, Declarations, EvalError, Evaluation, Expect, ExprId, Halt, Input, Refusal, Type, UnitBuilder,
    Value, View,
};
use crate::object::{Evidence, MissingSet, Node, Object, Path, is_secret};
use crate::policy::{self, POLICY_BUDGET, facts_type, roots};

use super::request::fact_of;
use super::request::{Judge, Request};
use super::{Surroundings, fact_declarations};

/// An expression, and what it may read.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'q> {
    /// The expression.
    pub expression: &'q str,
    /// (name, expression) of `variables`; each may read those before it.
    pub variables: &'q [(String, String)],
    /// `object`, `oldObject` and what is known of `request`.
    pub request: Request<'q>,
    /// Fields of `request` that are known better.
    pub request_fields: Option<Node<'q>>,
    /// `params`; without one there is no such variable, as in a policy without `paramKind`.
    pub params: Option<Object<'q>>,
}

/// What came out of an expression that the API server accepts.
#[derive(Debug)]
pub struct Answer {
    /// The type that is known before it runs; a validation has to be of `bool`.
    pub declared: Type,
    /// How it ended.
    pub outcome: Outcome,
    /// What it cost in Kubernetes' units, its variables included.
    pub cost: u64,
    /// The first Kubernetes (major, minor) that accepts it in a new policy.
    pub since: (u32, u32),
    /// Facts that it reads, which the API server does not have.
    pub facts: Vec<String>,
    /// What decided.
    pub evidence: Vec<Evidence>,
    /// It reads `object`, and there is none.
    pub lacks_object: bool,
}

/// How an evaluation ended.
#[derive(Debug)]
pub enum Outcome {
    /// With a value.
    Value {
        /// Its type, as `type(x)` prints it.
        ty: String,
        /// On one line, as an expression would write it.
        text: String,
        /// The same for machines; what JSON does not have as text.
        json: Json,
    },
    /// It went wrong on this object.
    Error {
        /// What went wrong.
        message: String,
        /// The variable in which it did; `None`: the expression itself.
        variable: Option<String>,
        /// The text of that expression.
        source: String,
        /// The bytes of it that are meant.
        span: Range<usize>,
    },
    /// Something that decides is not known.
    Unknown(MissingSet),
    /// It costs more than Kubernetes allows.
    OverBudget,
}

/// An expression that the API server does not accept.
#[derive(Debug)]
pub struct Refused {
    /// The variable whose expression it is; `None`: the expression itself.
    pub variable: Option<String>,
    /// The text of that expression.
    pub source: String,
    /// Why, and where.
    pub refusal: Refusal,
}

/// Evaluates an expression. `Err`: all reasons why the API server would not accept it.
pub fn evaluate(ask: &Ask<'_>, around: Surroundings<'_>) -> Result<Answer, Vec<Refused>> {
    let mut declared = roots(facts_type(&fact_declarations()));
    if ask.params.is_some() {
        declared.push(("params", Type::Dyn));
    }
    let mut builder = UnitBuilder::new(Declarations { roots: declared, patch_types: true });
    let mut variables: Vec<(ExprId, &str)> = Vec::new();
    let mut refused = Vec::new();
    for (name, source) in ask.variables {
        match builder.variable(name, source) {
            Ok(id) => variables.push((id, name)),
            Err(refusals) => refused.extend(refusals.into_iter().map(|r| because(Some(name), source, r))),
        }
    }
    if !refused.is_empty() {
        // What reads a refused variable would be refused for want of it.
        return Err(refused);
    }
    let all =
        |refusals: Vec<Refusal>| refusals.into_iter().map(|r| because(None, ask.expression, r)).collect::<Vec<_>>();
    let id = builder.expression(ask.expression, Expect::Any).map_err(all)?;
    let unit = builder.finish();
    let over: Vec<Object<'_>> = ask.request.object.or(ask.request.old_object).into_iter().collect();
    let fields = ask.request_fields.map(fact_of);
    let judging = Judge::new(
        Request { request: fields.as_ref().map(|fact| fact as &dyn Computed), ..ask.request },
        &over,
        around,
    );
    let context = judging.context();
    let mut inputs: Vec<Input<'_>> = policy::inputs(&context).to_vec();
    inputs.extend(ask.params.map(|params| Input::Node(params.root)));
    let target = &context.target;
    let objects: Vec<Object<'_>> =
        [target.object, target.old_object, target.namespace_object, ask.params].into_iter().flatten().collect();

    let mut evaluation = Evaluation::new(&unit, &inputs, Blame::new());
    evaluation.limit_total(POLICY_BUDGET);
    let outcome = match evaluation.evaluate(id) {
        Ok(value) => {
            let json = shown(&value, &objects, None, MAX_DEPTH);
            let text = if json == HIDDEN { HIDDEN.to_owned() } else { value.to_string() };
            Outcome::Value { ty: value.type_name().to_owned(), text, json }
        }
        Err(Halt::Error(error)) => {
            let EvalError { message, expression, span } = (*error).clone();
            let variable = variables.iter().find(|(id, _)| *id == expression).map(|(_, name)| (*name).to_owned());
            Outcome::Error { message: message.into_owned(), variable, source: unit.source(expression).to_owned(), span }
        }
        Err(Halt::Unknown(missing)) => Outcome::Unknown((*missing).clone()),
        Err(Halt::OverBudget) => Outcome::OverBudget,
    };
    let uses = unit.uses(id);
    Ok(Answer {
        declared: unit.result(id).clone(),
        outcome,
        cost: evaluation.spent(),
        since: unit.since(),
        facts: uses.fields.iter().filter(|(root, _)| *root == "facts").map(|(_, name)| name.clone()).collect(),
        evidence: policy::evidence(evaluation.tracer.reads(), &objects),
        lacks_object: uses.roots.contains("object") && target.object.is_none(),
    })
}

fn because(variable: Option<&str>, source: &str, refusal: Refusal) -> Refused {
    Refused { variable: variable.map(str::to_owned), source: source.to_owned(), refusal }
}

/// Deepest value that is shown in full.
const MAX_DEPTH: usize = 200;

/// What stands in place of what must not be shown.
const HIDDEN: &str = "(not shown)";

/// A value for a person or a machine to look at. What no output may show is left out where it comes from an object as it
/// stands; `at` is the object and the place that the value was reached by.
fn shown(value: &Value<'_>, objects: &[Object<'_>], at: Option<(Object<'_>, &Path)>, depth: usize) -> Json {
    let Some(depth) = depth.checked_sub(1) else { return Json::from("…") };
    let own: Option<(Object<'_>, Path)> = match (value, at) {
        (Value::Node(node), None) => objects
            .iter()
            .find(|object| object.root.contains(*node))
            .and_then(|object| Some((*object, object.root.path_to(*node)?))),
        _ => None,
    };
    let at = at.or_else(|| own.as_ref().map(|(object, path)| (*object, path)));
    if at.is_some_and(|(object, path)| is_secret(object, path)) {
        return Json::from(HIDDEN);
    }
    let below = |key: &str| at.map(|(object, path)| (object, path.clone().key(key)));
    match value.view() {
        View::Null => Json::Null,
        View::Bool(b) => b.into(),
        View::Int(i) => i.into(),
        View::Uint(u) => u.into(),
        View::Double(d) if d.is_finite() => d.into(),
        View::Str(s) => s.into(),
        View::List(list) => {
            let element = |(i, e): (usize, Value<'_>)| {
                let at = at.map(|(object, path)| (object, path.clone().index(i)));
                shown(&e, objects, at.as_ref().map(|(object, path)| (*object, path)), depth)
            };
            Json::Array(list.iter().enumerate().map(element).collect())
        }
        View::Map(map) => {
            let entry = |(key, value): (Value<'_>, Value<'_>)| {
                let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
                let at = below(&key);
                let value = shown(&value, objects, at.as_ref().map(|(object, path)| (*object, path)), depth);
                (key, value)
            };
            Json::Object(map.iter().map(entry).collect())
        }
        View::Optional(Some(inner)) => shown(inner, objects, None, depth),
        View::Optional(None) => Json::Null,
        _ => value.to_string().into(),
    }
}
