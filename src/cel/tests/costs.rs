//! Costs, as the API server (1.36) counts them.

use super::*;

fn cost(source: &str) -> u64 {
    let (unit, id) = compile(source).unwrap_or_else(|r| panic!("{}", refused(source, &r)));
    let object = serde_json::json!({"a": {"b": [1, 2, 3], "s": "xyz"}, "m": {"k": "v"}});
    let tree = tree(&object);
    let inputs = [Input::Node(tree.root())];
    let mut evaluation = Evaluation::new(&unit, &inputs, Off);
    let _ = evaluation.evaluate(id);
    evaluation.spent()
}

#[test]
fn costs_are_kubernetes() {
    let wrong: Vec<String> = [
        ("object.a.s", 3),
        ("has(object.a.s)", 2),
        ("object.?a.?s.orValue('q')", 3),
        ("object.?a.?nope.?s.orValue('x')", 2),
        ("object.a.nope", 3),
        ("object.m[object.a.s]", 5),
        ("object.a.s == 'x' ? object.a.b : object.m", 5),
        ("{'a': object.a.s}.a", 35),
        ("[object.a.s][0]", 15),
        ("[[1], [2]]", 0),
        ("string(1)", 0),
        ("string(object.a.b[0])", 5),
        ("1 / 0 == 1 || true", 2),
        ("object.a.s + 'x' == 'xyzx'", 5),
        ("object.a.s in ['a', 'xyz']", 3),
        ("object.a.b[0] in object.a.b", 8),
        ("'k' in object.m", 3),
        ("object.a.b.all(x, x > 0)", 19),
        ("object.a.b.all(x, x > 1)", 11),
        ("object.a.b.exists(x, x > 1)", 19),
        ("object.a.b.exists(i, v, v == 3)", 22),
        ("[1, 2].exists_one(x, x == 1)", 8),
        ("object.a.b.filter(x, x > 1)", 36),
        ("object.a.b.map(x, x > 1, x)", 36),
        ("[1, 2, 3].map(x, x * 2)", 43),
        ("[1, 0].map(x, 11)", 5),
        ("object.m.transformMap(k, v, v)", 7),
        ("object.m.transformList(k, v, v)", 16),
        ("object.m.transformMapEntry(k, v, {k: v})", 37),
        ("object.a.b.sortBy(x, -x)", 49),
        ("object.?a.optMap(x, x.s)", 9),
        ("Object{spec: Object.spec{a: object.a.s}}", 83),
        ("object.a.s.matches('^[a-z]+$')", 5),
        ("[3, 1].sort()", 19),
        ("[[1], [2]].flatten()", 13),
        ("lists.range(3)", 14),
        ("sets.contains([1, 2], [1])", 3),
        ("quantity('1Gi').isGreaterThan(quantity('500Mi'))", 3),
        ("object.a.s.indexOf('z', 9)", 3),
        ("['a', 'b'].join('-')", 1),
    ]
    .into_iter()
    .filter_map(|(source, expected)| {
        let got = cost(source);
        (got != expected).then(|| format!("{source}: expected {expected}, got {got}"))
    })
    .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A variable's cost counts once, for the policy; the expression that uses it pays for the name.
#[test]
fn variables_cost_once() {
    let mut builder = UnitBuilder::new(declarations());
    builder.variable("v", "[1, 2, 3].map(x, x * 2)").unwrap();
    let id = builder.expression("variables.v.size() == 3", Expect::Bool).unwrap();
    let unit = builder.finish();
    let mut evaluation = Evaluation::new(&unit, &[], Off);
    evaluation.evaluate(id).unwrap();
    assert_eq!(evaluation.spent(), 43 + 4);
    evaluation.evaluate(id).unwrap();
    assert_eq!(evaluation.spent(), 43 + 4 + 4);
}

#[test]
fn the_total_is_a_limit_too() {
    let (unit, id) = compile("[1, 2, 3].map(x, x * 2).size() == 3").unwrap();
    let mut evaluation = Evaluation::new(&unit, &[], Off);
    evaluation.limit_total(100);
    assert_eq!(shown(evaluation.evaluate(id)), "true");
    assert_eq!(shown(evaluation.evaluate(id)), "true");
    assert_eq!(shown(evaluation.evaluate(id)), "over budget");
}
