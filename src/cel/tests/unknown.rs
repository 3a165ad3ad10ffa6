//! The third ending.

use std::collections::BTreeMap;

use super::*;
use crate::object::Missing;

/// Facts from a map.
struct Given(BTreeMap<&'static str, Fact>);

impl Facts for Given {
    fn fact(&self, name: &str) -> Option<&Fact> {
        self.0.get(name)
    }
}

fn missing(what: &str) -> Fact {
    Fact::unknown(Missing::not_collected(what))
}

fn facts() -> Given {
    let obstacle = |reason: &'static str, field: Fact| Fact::map([("reason", Fact::new(reason)), ("field", field)]);
    let migration = Fact::map([
        ("verdict", missing("StorageClass a")),
        ("obstacles", Fact::list([obstacle("Disks", Fact::new("spec.x")), obstacle("Cpu", missing("Node b"))])),
        ("certain", Fact::new(true)),
    ]);
    Given(BTreeMap::from([("migration", migration), ("eviction", missing("KubeVirt"))]))
}

fn with_facts(source: &str) -> String {
    let (unit, id) = match compile(source) {
        Ok(compiled) => compiled,
        Err(refusals) => return refused(source, &refusals),
    };
    let (tree, given, request) = (tree(&sample()), facts(), Fact::map([("operation", Fact::new("CREATE"))]));
    let inputs = [Input::Node(tree.root()), Input::Null, Input::Fact(&request), Input::Facts(&given)];
    let plain = shown(Evaluation::new(&unit, &inputs, Off).evaluate(id));
    assert_eq!(plain, shown(Evaluation::new(&unit, &inputs, Blame::new()).evaluate(id)));
    plain
}

fn check_facts(table: &[(&str, &str)]) {
    for (source, expected) in table {
        assert_eq!(with_facts(source), *expected, "{source}");
    }
}

#[test]
fn using_an_unknown_ends_as_unknown() {
    check_facts(&[
        ("facts.migration.certain", "true"),
        ("facts.migration.verdict == 'Migratable'", "unknown: StorageClass a"),
        ("facts.migration.verdict != 'NotMigratable'", "unknown: StorageClass a"),
        ("facts.eviction.verdict", "unknown: KubeVirt"),
        ("facts.migration.obstacles[0].field", "\"spec.x\""),
        ("facts.migration.obstacles[1].field", "unknown: Node b"),
        ("facts.migration.obstacles.map(o, o.reason)", "[\"Disks\",\"Cpu\"]"),
        ("facts.migration.obstacles.exists(o, o.reason == 'Cpu')", "true"),
        ("facts.migration == null", "unknown: Node b, StorageClass a"),
        ("facts.migration.obstacles", "unknown: Node b"),
        ("size(facts.migration.obstacles) == 2", "unknown: Node b"),
        ("request.operation", "\"CREATE\""),
        ("request.name", "error: no such key: name"),
        ("has(request.name)", "false"),
        ("dyn(request) == {'operation': 'CREATE'}", "true"),
    ]);
}

#[test]
fn nothing_swallows_it() {
    check_facts(&[
        ("has(facts.eviction)", "unknown: KubeVirt"),
        ("has(facts.eviction.verdict)", "unknown: KubeVirt"),
        ("has(facts.migration.verdict)", "unknown: StorageClass a"),
        ("facts.?eviction.?verdict.orValue('')", "unknown: KubeVirt"),
        ("facts.migration.?verdict.orValue('')", "unknown: StorageClass a"),
        ("dyn(facts)[?'eviction'].hasValue()", "unknown: KubeVirt"),
        ("optional.of(facts.eviction.verdict).orValue('')", "unknown: KubeVirt"),
        ("facts.eviction.verdict == '' ? 1 : 1", "unknown: KubeVirt"),
    ]);
}

#[test]
fn another_operand_may_decide() {
    check_facts(&[
        ("facts.eviction.verdict == '' || true", "true"),
        ("facts.eviction.verdict == '' && false", "false"),
        ("true || facts.eviction.verdict == ''", "true"),
        ("facts.eviction.verdict == '' || false", "unknown: KubeVirt"),
        ("[1, 2].exists(x, facts.eviction.verdict == '' || x == 2)", "true"),
        ("[1, 2].all(x, facts.eviction.verdict == '' && x != 2)", "false"),
        ("[1, 2].exists(i, x, facts.eviction.verdict == '' || x == 2)", "true"),
    ]);
}

#[test]
fn sets_are_united_and_beat_errors() {
    check_facts(&[
        ("facts.eviction.verdict == '' && facts.migration.verdict == ''", "unknown: KubeVirt, StorageClass a"),
        ("facts.eviction.verdict + facts.migration.verdict", "unknown: KubeVirt, StorageClass a"),
        ("[facts.eviction.verdict, facts.migration.verdict]", "unknown: KubeVirt, StorageClass a"),
        ("{facts.eviction.verdict: facts.migration.verdict}", "unknown: KubeVirt, StorageClass a"),
        ("'a'.replace(facts.eviction.verdict, facts.migration.verdict)", "unknown: KubeVirt, StorageClass a"),
        (
            "[1, 2].all(x, x == 1 ? facts.eviction.certain : facts.migration.verdict == '')",
            "unknown: KubeVirt, StorageClass a",
        ),
        (
            "[1, 2].map(x, x == 1 ? facts.eviction.verdict : facts.migration.verdict)",
            "unknown: KubeVirt, StorageClass a",
        ),
        ("[1, 2].filter(x, facts.migration.verdict == '')", "unknown: StorageClass a"),
        ("[2, 1].sortBy(x, facts.migration.verdict)", "unknown: StorageClass a"),
        ("facts.eviction.verdict == '' || 1 / 0 == 1", "unknown: KubeVirt"),
        ("1 / 0 == 1 && facts.eviction.certain", "unknown: KubeVirt"),
        ("string(1 / 0) + facts.eviction.verdict", "unknown: KubeVirt"),
    ]);
}

#[test]
fn a_variable_keeps_it() {
    let mut builder = UnitBuilder::new(declarations());
    builder.variable("v", "facts.eviction.verdict").unwrap();
    let id = builder.expression("variables.v == ''", Expect::Bool).unwrap();
    let absorbed = builder.expression("variables.v == '' || true", Expect::Bool).unwrap();
    let unit = builder.finish();
    let given = facts();
    let inputs = [Input::Null, Input::Null, Input::Null, Input::Facts(&given)];
    let mut evaluation = Evaluation::new(&unit, &inputs, Off);
    assert_eq!(shown(evaluation.evaluate(id)), "unknown: KubeVirt");
    assert_eq!(shown(evaluation.evaluate(absorbed)), "true");
    assert_eq!(shown(evaluation.evaluate(id)), "unknown: KubeVirt");
}

#[test]
fn reads_of_facts_are_read() {
    let (unit, id) = compile("facts.migration.obstacles.exists(o, o.reason == 'Cpu') && has(request.name)").unwrap();
    let (given, request) = (facts(), Fact::map([("operation", Fact::new("CREATE"))]));
    let inputs = [Input::Null, Input::Null, Input::Fact(&request), Input::Facts(&given)];
    let mut evaluation = Evaluation::new(&unit, &inputs, Blame::new());
    assert_eq!(shown(evaluation.evaluate(id)), "false");
    assert!(matches!(evaluation.tracer.reads(), [Read::FactAbsent { parent: Some(_), key }] if key == "name"));
}
