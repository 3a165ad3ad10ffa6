//! Tests of the language as a whole: an expression, an object, and what comes out.

mod blame;
mod corpus;
mod costs;
mod language;
mod libraries;
mod limits;
mod refusals;
mod same;
mod unify;
mod unknown;

use serde_json::Value as Json;

use super::*;
use crate::object::{Span, Tree, TreeBuilder};

/// A tree of JSON.
pub fn tree(json: &Json) -> Tree {
    let mut builder = TreeBuilder::new(0);
    put(&mut builder, json);
    builder.finish()
}

fn put(builder: &mut TreeBuilder, json: &Json) {
    let nowhere = Span::default();
    match json {
        Json::Null => builder.null(nowhere).unwrap(),
        Json::Bool(b) => builder.bool(*b, nowhere).unwrap(),
        Json::Number(n) => match n.as_i64() {
            Some(i) => builder.int(i, nowhere).unwrap(),
            None => builder.double(n.as_f64().unwrap(), nowhere).unwrap(),
        },
        Json::String(s) => builder.string(s, nowhere).unwrap(),
        Json::Array(list) => {
            let open = builder.open_list(nowhere).unwrap();
            list.iter().for_each(|e| put(builder, e));
            builder.close(open).unwrap();
        }
        Json::Object(map) => {
            let open = builder.open_map(nowhere).unwrap();
            for (key, value) in map {
                builder.key(key, nowhere).unwrap();
                put(builder, value);
            }
            builder.close(open).unwrap();
        }
    }
}

/// `object` and `oldObject` dynamic, `request` and `facts` with fields, patch types allowed.
pub fn declarations() -> Declarations {
    let obstacle = Type::object("Obstacle", [("reason", Type::String), ("field", Type::String)]);
    let migration = Type::object(
        "Migration",
        [("verdict", Type::String), ("obstacles", Type::list(obstacle)), ("certain", Type::Bool)],
    );
    let request = Type::object("kubernetes.AdmissionRequest", [("name", Type::String), ("operation", Type::String)]);
    let facts = Type::object("Facts", [("migration", migration.clone()), ("eviction", migration)]);
    Declarations {
        roots: vec![("object", Type::Dyn), ("oldObject", Type::Dyn), ("request", request), ("facts", facts)],
        patch_types: true,
    }
}

/// Compiles one expression.
pub fn compile(source: &str) -> Result<(Unit, ExprId), Vec<Refusal>> {
    let mut builder = UnitBuilder::new(declarations());
    let id = builder.expression(source, Expect::Any)?;
    Ok((builder.finish(), id))
}

/// The value, `error: …`, `unknown: …`, or `refused: …` with the bytes that are refused.
pub fn outcome(source: &str, object: &Json) -> String {
    let (unit, id) = match compile(source) {
        Ok(compiled) => compiled,
        Err(refusals) => return refused(source, &refusals),
    };
    let tree = tree(object);
    let inputs = [Input::Node(tree.root())];
    let mut evaluation = Evaluation::new(&unit, &inputs, Off);
    shown(evaluation.evaluate(id))
}

pub fn refused(source: &str, refusals: &[Refusal]) -> String {
    let one = |r: &Refusal| format!("`{}`: {}", &source[r.span.clone()], r.message);
    format!("refused: {}", refusals.iter().map(one).collect::<Vec<_>>().join("; "))
}

pub fn shown(outcome: Result<Value<'_>, Halt>) -> String {
    match outcome {
        Ok(value) => value.to_string(),
        Err(Halt::Error(error)) => format!("error: {error}"),
        Err(Halt::Unknown(missing)) => {
            format!("unknown: {}", missing.iter().map(|m| m.what.as_str()).collect::<Vec<_>>().join(", "))
        }
        Err(Halt::OverBudget) => "over budget".to_owned(),
    }
}

/// Checks a table of (expression, outcome) on one object; tells all lines that are wrong.
pub fn check(object: &Json, table: &[(&str, &str)]) {
    let wrong: Vec<String> = table
        .iter()
        .filter_map(|(source, expected)| {
            let got = outcome(source, object);
            (got != *expected).then(|| format!("{source}\n    expected {expected}\n    got      {got}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// An object with one value of each kind.
pub fn sample() -> Json {
    serde_json::json!({
        "name": "db-01", "n": 3, "d": 1.5, "t": true, "nothing": null, "big": 18446744073709551615u64,
        "list": [1, 2, 3], "words": ["a", "b"], "labels": {"app": "shop", "tier": "db"},
        "items": [{"name": "x", "v": 2}, {"name": "y", "v": 1}], "dash-ed": {"namespace": "n"},
    })
}
