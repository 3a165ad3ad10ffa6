//! What comes out of a question, the API server's and ours in one form: the oracle's (`tests/controlplane/oracle`).

use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use virt_guard::cel::{
    Declarations, Evaluation, Expect, Facts, Halt, Input, List, Map, Off, Refusal as OurRefusal, Type, Unit,
    UnitBuilder, Value, View,
};

use super::places::places;
use super::question::Question;

/// Either `refused`, or `cost` with `value` or `error`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Refusal>,
    /// The expression's type.
    #[serde(rename = "type", default, skip_serializing_if = "String::is_empty")]
    pub ty: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Json>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<u64>,
    /// The Kubernetes minor from which on it is accepted; not asked of generated expressions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u32>,
}

/// Line and column count from 1, columns in characters; 0 where the API server gives no position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refusal {
    pub line: usize,
    pub column: usize,
    /// Of ours, the places at which the API server may point for it: see `places`.
    #[serde(default, skip)]
    pub places: Vec<(usize, usize)>,
    /// Of ours, what is marked.
    #[serde(default, skip)]
    pub span: Range<usize>,
    pub message: String,
}

impl Refusal {
    /// Whether this one of ours marks what the API server points at.
    pub fn marks(&self, theirs: &Refusal) -> bool {
        self.places.contains(&(theirs.line, theirs.column))
    }
}

impl Answer {
    /// The refusals of the steps in which the API server refuses something: it looks at types once the text is right, at
    /// literals once all types fit, and computes last. We tell all that is wrong at once.
    pub fn up_to(mut self, theirs: &Answer) -> Answer {
        if let Some(last) = theirs.refused.iter().map(|r| step(&r.message)).max()
            && self.refused.iter().any(|r| step(&r.message) <= last)
        {
            self.refused.retain(|r| step(&r.message) <= last);
        }
        self
    }
}

/// In which step something is refused: as text (0), by its types (1), by what validators find in literals (2), or by what
/// computing them gives (3).
fn step(message: &str) -> u32 {
    let of_text = ["Syntax error: ", "sortBy can only be applied to "];
    let of_types = ["found no ", "undeclared ", "expected type ", "undefined ", "type '", "expression of "];
    let of_literals = ["invalid duration ", "invalid timestamp ", "invalid matches ", "error during formatting"];
    let begins = |words: &[&str]| words.iter().any(|words| message.starts_with(words));
    match () {
        () if begins(&of_text) => 0,
        () if begins(&of_types) => 1,
        () if begins(&of_literals) => 2,
        () => 3,
    }
}

/// Kinds of errors. Words may differ, the kind may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorClass {
    NoSuchKey,
    Index,
    Overflow,
    Division,
    Overload,
    Conversion,
    Cost,
    Other,
}

/// The kind of an error, by its words.
pub fn class(message: &str) -> ErrorClass {
    let has = |words: &[&str]| words.iter().any(|w| message.contains(w));
    if has(&["cost limit exceeded", "out of budget", "costs more than"]) {
        ErrorClass::Cost
    } else if has(&["no such key", "no such attribute"]) {
        ErrorClass::NoSuchKey
    } else if has(&["index out of bounds", "index out of range", "out of range", "invalid range"]) {
        ErrorClass::Index
    } else if has(&["overflow"]) {
        ErrorClass::Overflow
    } else if has(&["division by zero", "modulus by zero"]) {
        ErrorClass::Division
    } else if has(&[
        "no such overload",
        "no such field",
        "unsupported index type",
        "expected iterable type",
        "unsupported comprehension range type",
    ]) {
        ErrorClass::Overload
    } else if has(&["type conversion error", "invalid", "parse", "unable to", "cannot"]) {
        ErrorClass::Conversion
    } else {
        ErrorClass::Other
    }
}

/// No facts: the API server has none.
struct NoFacts;

impl Facts for NoFacts {
    fn fact(&self, _: &str) -> Option<&virt_guard::cel::Fact> {
        None
    }
}

/// The roots of a policy, and `params`.
const ROOTS: [&str; 6] = ["object", "oldObject", "request", "namespaceObject", "facts", "params"];

/// What questions may name.
pub fn declarations(patch_types: bool) -> Declarations {
    let facts = virt_guard::policy::facts_type(&virt_guard::engine::fact_declarations());
    let mut roots = virt_guard::policy::roots(facts);
    if !roots.iter().any(|(name, _)| *name == "params") {
        roots.push(("params", Type::Dyn));
    }
    assert_eq!(roots.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ROOTS);
    Declarations { roots, patch_types }
}

/// Our answer.
pub fn ours(question: &Question) -> Answer {
    let mut builder = UnitBuilder::new(declarations(question.inputs.is_mutation()));
    for (name, expression) in question.variables.iter() {
        if let Err(refusals) = builder.variable(name, expression) {
            return refused(expression, &refusals);
        }
    }
    match builder.expression(&question.expression, Expect::Any) {
        Err(refusals) => refused(&question.expression, &refusals),
        Ok(id) => {
            let unit = builder.finish();
            let mut answer = evaluate(question, &unit, id);
            answer.ty = unit.result(id).to_string();
            answer.since = Some(unit.since().1);
            answer
        }
    }
}

/// The values of the roots.
pub fn inputs(question: &Question) -> [Input<'_>; 6] {
    ROOTS.map(|root| match (root, question.inputs.tree(root)) {
        ("facts", _) => Input::Facts(&NoFacts),
        (_, Some(tree)) => Input::Node(tree.root()),
        (_, None) => Input::Null,
    })
}

fn evaluate(question: &Question, unit: &Unit, id: virt_guard::cel::ExprId) -> Answer {
    let inputs = inputs(question);
    let mut evaluation = Evaluation::new(unit, &inputs, Off);
    let mut answer = match evaluation.evaluate(id) {
        Ok(value) => Answer { value: Some(show(&value)), ..Answer::default() },
        Err(Halt::OverBudget) => Answer { error: Some("out of budget".to_owned()), ..Answer::default() },
        Err(halt) => Answer { error: Some(halt.to_string()), ..Answer::default() },
    };
    answer.cost = Some(evaluation.spent());
    answer
}

fn refused(source: &str, refusals: &[OurRefusal]) -> Answer {
    let position = |at: usize| {
        let before = &source[..at];
        let line = before.rsplit('\n').next().unwrap_or_default();
        (before.matches('\n').count() + 1, line.chars().count() + 1)
    };
    let place = |refusal: &OurRefusal| {
        let (line, column) = position(refusal.span.start);
        let places = places(&source[refusal.span.clone()]).into_iter();
        let places = places.map(|at| position(refusal.span.start + at)).collect();
        Refusal { line, column, places, span: refusal.span.clone(), message: refusal.message.clone() }
    };
    Answer { refused: refusals.iter().map(place).collect(), ..Answer::default() }
}

/// A value as the oracle writes it down (`value.go`, show).
fn show(value: &Value<'_>) -> Json {
    match value.view() {
        View::Null => json!({"null": null}),
        View::Bool(b) => json!({"bool": b}),
        View::Int(i) => json!({"int": i.to_string()}),
        View::Uint(u) => json!({"uint": u.to_string()}),
        View::Double(d) => json!({"double": double(d)}),
        View::Str(s) => json!({"string": s}),
        View::Bytes(b) => json!({"bytes": b.iter().map(|b| format!("{b:02x}")).collect::<String>()}),
        View::Duration(nanoseconds) => json!({"duration": nanoseconds.to_string()}),
        View::Timestamp(t) => json!({"timestamp": t.to_string()}),
        View::Optional(inner) => json!({"optional": inner.map(show)}),
        View::Type(name) => json!({"type": name}),
        View::List(list) => json!({"list": elements(list)}),
        View::Map(map @ Map::Struct(_)) if value.type_name() == "JSONPatch" => {
            one("JSONPatch", json!({"map": entries(map)}))
        }
        View::Map(map @ Map::Struct(_)) => one(value.type_name(), plain(json!({"map": entries(map)}))),
        View::Map(map) => json!({"map": entries(map)}),
        View::Opaque(opaque) => one(opaque.type_name(), opaque.to_string().into()),
        View::Facts(_) | View::Unknown(_) => json!({"facts": null}),
    }
}

/// Without the names of `Object` types and without optionals: the API server makes plain values of what is in an `Object`.
fn plain(shown: Json) -> Json {
    match shown {
        Json::Object(map) => match map.into_iter().next() {
            Some((name, inner)) if name.starts_with("Object") || name == "optional" => plain(inner),
            Some((name, inner)) => one(&name, plain(inner)),
            None => json!({}),
        },
        Json::Array(list) => list.into_iter().map(plain).collect(),
        other => other,
    }
}

fn one(name: &str, value: Json) -> Json {
    Json::Object([(name.to_owned(), value)].into_iter().collect())
}

fn elements(list: List<'_, '_>) -> Vec<Json> {
    list.iter().map(|e| show(&e)).collect()
}

fn entries(map: Map<'_, '_>) -> Vec<Json> {
    map.iter().map(|(k, v)| json!([show(&k), show(&v)])).collect()
}

/// As Go's `strconv.FormatFloat(d, 'e', -1, 64)`: `1.5e+00`.
fn double(d: f64) -> String {
    if d.is_nan() {
        return "NaN".to_owned();
    }
    if d.is_infinite() {
        return if d > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let text = format!("{d:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap();
    format!("{mantissa}e{:+03}", exponent.parse::<i32>().unwrap())
}
