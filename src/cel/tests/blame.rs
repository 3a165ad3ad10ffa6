//! What is to blame for an outcome.

use super::*;
use crate::object::Node;

fn vm() -> Json {
    serde_json::json!({
        "metadata": {"name": "db-01", "labels": {"app": "shop"}},
        "spec": {
            "runStrategy": "Manual", "replicas": 2, "nothing": null,
            "disks": [{"name": "root", "bus": "virtio"}, {"name": "data", "bus": "sata"}, {"name": "log", "bus": "sata"}],
            "networks": [{"name": "default"}],
        },
    })
}

fn read(root: Node<'_>, read: &Read<'_>) -> String {
    match read {
        Read::Node(node) => root.path_to(*node).map_or("elsewhere".to_owned(), |p| p.to_string()),
        Read::Absent { parent, key } => {
            let path = root.path_to(*parent).map(|p| p.key(key)).unwrap_or_default();
            format!("{path} (absent)")
        }
        Read::Fact(_) => "a fact".to_owned(),
        Read::FactAbsent { key, .. } => format!("no fact {key}"),
    }
}

fn blamed(sources: &[(&str, &str)], source: &str) -> String {
    let mut builder = UnitBuilder::new(declarations());
    for (name, source) in sources {
        builder.variable(name, source).unwrap();
    }
    let id = builder.expression(source, Expect::Any).unwrap_or_else(|r| panic!("{}", refused(source, &r)));
    let unit = builder.finish();
    let tree = tree(&vm());
    let inputs = [Input::Node(tree.root())];
    let mut evaluation = Evaluation::new(&unit, &inputs, Blame::new());
    let outcome = shown(evaluation.evaluate(id));
    let reads: Vec<String> = evaluation.tracer.reads().iter().map(|r| read(tree.root(), r)).collect();
    format!("{outcome}: {}", reads.join(", "))
}

#[test]
fn what_decided_is_to_blame() {
    let wrong: Vec<String> = [
        ("object.spec.runStrategy == 'Always'", "false: spec.runStrategy"),
        ("object.spec.runStrategy != 'Manual' && object.spec.replicas == 1", "false: spec.runStrategy"),
        ("object.spec.replicas == 2 && object.spec.runStrategy == 'Always'", "false: spec.runStrategy"),
        ("object.spec.replicas == 1 || object.spec.runStrategy == 'Always'", "false: spec.replicas, spec.runStrategy"),
        ("object.spec.replicas == 1 || object.spec.runStrategy == 'Manual'", "true: spec.runStrategy"),
        ("object.spec.replicas == 2 && object.spec.runStrategy == 'Manual'", "true: spec.replicas, spec.runStrategy"),
        ("!(object.spec.replicas == 2)", "false: spec.replicas"),
        (
            "object.spec.replicas > 1 ? object.spec.nothing == 1 : object.spec.runStrategy == ''",
            "false: spec.replicas, spec.nothing",
        ),
        ("has(object.spec.evictionStrategy)", "false: spec.evictionStrategy (absent)"),
        ("has(object.spec.replicas)", "true: spec.replicas"),
        ("object.spec.?evictionStrategy.orValue('None') == 'LiveMigrate'", "false: spec.evictionStrategy (absent)"),
        ("object.spec.?runStrategy.orValue('None') == 'LiveMigrate'", "false: spec.runStrategy"),
        ("object.?status.?x.?y.hasValue()", "false: status (absent)"),
        ("object.spec.disks.all(d, d.bus == 'virtio')", "false: spec.disks[1].bus"),
        (
            "object.spec.disks.exists(d, d.bus == 'scsi')",
            "false: spec.disks[0].bus, spec.disks[1].bus, spec.disks[2].bus, spec.disks",
        ),
        ("object.spec.disks.exists(d, d.bus == 'sata')", "true: spec.disks[1].bus"),
        ("object.spec.disks.all(i, d, d.bus == 'virtio' || i > 1)", "false: spec.disks[1].bus"),
        (
            "object.spec.disks.filter(d, d.bus == 'sata').map(d, d.name).join(',')",
            "\"data,log\": spec.disks[1].bus, spec.disks[2].bus, spec.disks[1].name, spec.disks[2].name",
        ),
        (
            "object.spec.disks.filter(d, d.bus == 'sata').size() == 0",
            "false: spec.disks[1].bus, spec.disks[2].bus, spec.disks[1], spec.disks[2]",
        ),
        (
            "object.spec.disks.filter(d, d.bus == 'scsi').size() > 0",
            "false: spec.disks[0].bus, spec.disks[1].bus, spec.disks[2].bus, spec.disks",
        ),
        (
            "object.spec.disks.all(d, object.spec.networks.exists(n, n.name == d.name))",
            "false: spec.networks[0].name, spec.disks[0].name, spec.networks",
        ),
        ("size(object.spec.disks) < 3", "false: spec.disks"),
        ("object.spec.disks[1].bus == 'virtio'", "false: spec.disks[1].bus"),
        ("object.spec.disks[?9].hasValue()", "false: spec.disks"),
        ("'tier' in object.metadata.labels", "false: metadata.labels"),
        ("object.metadata.labels.all(k, v, v == 'x')", "false: metadata.labels.app"),
        ("object.spec.runStrategy in ['Always', 'Halted']", "false: spec.runStrategy"),
        ("object.metadata.name.matches('^web')", "false: metadata.name"),
        ("object.spec.?nothing.optMap(x, x == 1).orValue(true)", "false: spec.nothing"),
        (
            "object.metadata.name + ' has ' + string(object.spec.replicas)",
            "\"db-01 has 2\": metadata.name, spec.replicas",
        ),
        ("1 == 2", "false: "),
    ]
    .into_iter()
    .filter_map(|(source, expected)| {
        let got = blamed(&[], source);
        (got != expected).then(|| format!("{source}\n    expected {expected}\n    got      {got}"))
    })
    .collect();
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// A variable is computed once, and whoever uses it reads what it read.
#[test]
fn variables_replay_their_reads() {
    let variables = [
        ("bus", "object.spec.disks.filter(d, d.bus == 'sata')"),
        ("many", "object.spec.replicas > 1"),
        ("unused", "object.metadata.name"),
    ];
    assert_eq!(
        blamed(&variables, "variables.bus.size() == 0"),
        "false: spec.disks[1].bus, spec.disks[2].bus, spec.disks[1], spec.disks[2]"
    );
    assert_eq!(blamed(&variables, "!variables.many && !variables.many"), "false: spec.replicas");
    assert_eq!(blamed(&variables, "!variables.many || !variables.many"), "false: spec.replicas, spec.replicas");
}
