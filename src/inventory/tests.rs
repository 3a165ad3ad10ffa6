//! What an inventory answers.

use super::*;
use crate::source;

const VMI: Kind =
    Kind { group: "kubevirt.io", kind: "VirtualMachineInstance", plural: "virtualmachineinstances", namespaced: true };
const VM: Kind = Kind { group: "kubevirt.io", kind: "VirtualMachine", plural: "virtualmachines", namespaced: true };
const NODE: Kind = Kind { group: "", kind: "Node", plural: "nodes", namespaced: false };
const TABLE: &[Kind] = &[VMI, VM, NODE];

fn collect(files: &[(&str, &str)]) -> Collection {
    let mut collector = Collector::default();
    for (path, text) in files {
        let parsed = source::parse(path, text.as_bytes().to_vec());
        assert!(parsed.problems.is_empty(), "{:?}", parsed.problems);
        collector.add(path, &parsed);
    }
    collector.finish(TABLE)
}

fn vmi(name: &str, more: &str) -> String {
    format!(
        "{{apiVersion: kubevirt.io/v1, kind: VirtualMachineInstance, metadata: {{name: {name}, namespace: a}}, {more}}}"
    )
}

fn list(items: &str) -> String {
    format!("{{apiVersion: kubevirt.io/v1, kind: VirtualMachineInstanceList, items: [{items}]}}")
}

/// Found, absent or not seen: the answer for the VMI `x` in namespace `a`.
fn answer(collection: &Collection) -> &'static str {
    match View::new(&collection.inventory).get(VMI, Some("a"), "x") {
        Lookup::Found(_) => "found",
        Lookup::Absent => "absent",
        Lookup::NotSeen(_) => "not seen",
    }
}

#[test]
fn only_complete_lists_say_that_something_is_absent() {
    let (empty, other) = (list(""), list("{metadata: {name: w, namespace: a}}"));
    let cut = "{apiVersion: kubevirt.io/v1, kind: VirtualMachineInstanceList, metadata: {continue: x}, items: []}";
    let marker = |resource: &str| format!("{{apiVersion: virt-guard.io/v1, kind: Collected, resources: [{resource}]}}");
    let file = "must-gather/quay-io/namespaces/a/kubevirt.io/virtualmachineinstances.yaml";
    let cases: &[(&str, &str, &str)] = &[
        (file, &empty, "absent"),
        (file, &other, "absent"),
        (file, &list("{metadata: {name: x, namespace: a}}"), "found"),
        (file, cut, "not seen"),
        (file, "{apiVersion: v1, kind: List, items: []}", "not seen"),
        (file, &vmi("w", ""), "not seen"),
        // Another group's directory, another namespace, a folder of a person's own.
        ("namespaces/a/core/virtualmachineinstances.yaml", &empty, "not seen"),
        ("namespaces/b/kubevirt.io/virtualmachineinstances.yaml", &empty, "not seen"),
        ("manifests/virtualmachineinstances.yaml", &empty, "not seen"),
        ("cluster-scoped-resources/kubevirt.io/virtualmachineinstances.yaml", &empty, "absent"),
        (COLLECTED_FILE, &marker("virtualmachineinstances.kubevirt.io"), "absent"),
        (COLLECTED_FILE, &marker("virtualmachines.kubevirt.io"), "not seen"),
    ];
    for (path, text, expected) in cases {
        assert_eq!(answer(&collect(&[(path, text)])), *expected, "{path}: {text}");
    }
}

#[test]
fn a_list_of_all_namespaces_needs_all_of_them() {
    let collection = collect(&[("namespaces/a/kubevirt.io/virtualmachineinstances.yaml", &list(""))]);
    let view = View::new(&collection.inventory);
    assert_eq!(view.list(VMI, Some("a")).complete, Ok(()));
    assert_eq!(view.list(VMI, Some("b")).complete, Err(WhyNot::NotCollected));
    assert_eq!(view.list(VMI, None).complete, Err(WhyNot::NotCollected));
}

#[test]
fn a_forbidden_kind_may_still_be_known_in_one_namespace() {
    let mut inventory = Inventory::default();
    inventory.set_complete("kubevirt.io", "VirtualMachineInstance", None, Err(WhyNot::Forbidden));
    inventory.set_complete("kubevirt.io", "VirtualMachineInstance", Some("a"), Ok(()));
    let view = View::new(&inventory);
    assert_eq!(view.list(VMI, Some("a")).complete, Ok(()));
    assert_eq!(view.list(VMI, Some("b")).complete, Err(WhyNot::Forbidden));
}

#[test]
fn markers_use_definitions_the_table_and_guesses() {
    let crd = "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: mice.x.io}, spec: {group: x.io, scope: Namespaced, names: {kind: Mouse, plural: mice}}}";
    let marker =
        "{apiVersion: virt-guard.io/v1, kind: Collected, resources: [mice.x.io, nodes, proxies.y.io, typo.z.io]}";
    let proxy = "{apiVersion: y.io/v1, kind: Proxy, metadata: {name: p}}";
    let collection = collect(&[(COLLECTED_FILE, marker), ("crd.yaml", crd), ("proxy.yaml", proxy)]);
    assert_eq!(collection.unknown, ["typo.z.io"]);
    assert_eq!(collection.resources.plural("x.io", "Mouse"), "mice");
    assert_eq!(collection.resources.namespaced("x.io", "Mouse"), Some(true));
    assert_eq!(collection.resources.plural("", "Node"), "nodes");
    assert_eq!(collection.resources.namespaced("y.io", "Proxy"), None);
    let complete = |group: &'static str, kind: &'static str| {
        let kind = Kind { group, kind, plural: "", namespaced: true };
        View::new(&collection.inventory).list(kind, None).complete
    };
    assert_eq!(complete("x.io", "Mouse"), Ok(()));
    assert_eq!(complete("y.io", "Proxy"), Ok(()));
    // The marker itself is no object of the cluster.
    assert_eq!(collection.inventory.len(), 2);
}

#[test]
fn plurals_are_guessed_as_kubectl_guesses_them() {
    for (kind, plural) in [
        ("Pod", "pods"),
        ("NetworkPolicy", "networkpolicies"),
        ("StorageClass", "storageclasses"),
        ("Endpoints", "endpoints"),
        ("HyperConverged", "hyperconvergeds"),
    ] {
        assert_eq!(guess_plural(kind), plural);
    }
}

#[test]
fn of_two_copies_the_newer_counts() {
    let copy = |version: &str, mark: &str| {
        format!("{{apiVersion: v1, kind: Node, metadata: {{name: node{version}}}, mark: {mark}}}")
    };
    let cases = [
        (", resourceVersion: '9'", ", resourceVersion: '10'", "second"),
        (", resourceVersion: '10'", ", resourceVersion: '9'", "first"),
        (", resourceVersion: '10'", "", "second"),
        ("", "", "second"),
    ];
    for (first, second, expected) in cases {
        let collection = collect(&[("1", &copy(first, "first")), ("2", &copy(second, "second"))]);
        let Lookup::Found(node) = View::new(&collection.inventory).get(NODE, None, "node") else { panic!() };
        assert_eq!(node.root.str_at(&["mark"]), Some(expected), "{first} {second}");
        assert_eq!((collection.inventory.len(), collection.inventory.replaced()), (1, 1));
    }
}

fn names(objects: Vec<Object<'_>>) -> String {
    objects.iter().map(|o| o.name()).collect::<Vec<_>>().join(" ")
}

#[test]
fn objects_are_found_by_node_and_owner_under_what_lies_over_them() {
    let owned = |uid: &str| {
        format!(
            "metadata: {{name: x, namespace: a, ownerReferences: [{{apiVersion: kubevirt.io/v1, kind: VirtualMachine, name: vm{uid}}}]}}"
        )
    };
    let text = [
        vmi("w", "status: {nodeName: n1}"),
        vmi("z", "status: {nodeName: n2}"),
        format!(
            "{{apiVersion: kubevirt.io/v1, kind: VirtualMachineInstance, status: {{nodeName: n1}}, {}}}",
            owned(", uid: u1")
        ),
        "{apiVersion: kubevirt.io/v1, kind: VirtualMachine, metadata: {name: vm, namespace: a, uid: u1}}".to_owned(),
        "{apiVersion: kubevirt.io/v1, kind: VirtualMachine, metadata: {name: vm, namespace: b, uid: u2}}".to_owned(),
        "{apiVersion: kubevirt.io/v1, kind: VirtualMachine, metadata: {name: vm, namespace: c}}".to_owned(),
    ]
    .join("\n---\n");
    let collection = collect(&[("all.yaml", &text)]);
    let view = View::new(&collection.inventory);
    assert_eq!(names(view.on_node(VMI, "n1")), "w x");
    assert_eq!(names(view.on_node(VM, "n1")), "");
    let owner = |namespace| match view.get(VM, Some(namespace), "vm") {
        Lookup::Found(vm) => vm,
        _ => panic!(),
    };
    assert_eq!(names(view.owned_by(VMI, owner("a"))), "x");
    assert_eq!(names(view.owned_by(VMI, owner("b"))), "");
    assert_eq!(names(view.owned_by(VMI, owner("c"))), "");
    let moved = source::parse("t", vmi("w", "status: {nodeName: n2}").into_bytes());
    let moved = Entry::of(&moved.documents[0]);
    let over = [moved[0].object()];
    let view = View::over(&collection.inventory, &over);
    assert_eq!(names(view.on_node(VMI, "n1")), "x");
    assert_eq!(names(view.on_node(VMI, "n2")), "w z");
    assert_eq!(names(view.list(VMI, Some("a")).objects), "w x z");
}

#[test]
fn the_time_of_a_dump_is_read_or_found() {
    let text = "2026-03-04 09:12:41.123456789 +0000 UTC m=+0.1\n2026-03-04 10:15:00.5 +0100 CET m=+150.2\n\n";
    assert_eq!(parse_timestamp_file(text).unwrap().to_string(), "2026-03-04T09:15:00.5Z");
    assert_eq!(parse_timestamp_file("no time\n"), None);
    let text = "{apiVersion: v1, kind: Node, metadata: {name: node, creationTimestamp: '2026-01-01T00:00:00Z', managedFields: [{time: '2026-01-02T00:00:00Z'}]}, status: {conditions: [{lastHeartbeatTime: '2026-01-03T00:00:00Z', lastTransitionTime: zzzzzzzzzzzzzzzzzzzZ}]}}";
    let newest = newest_timestamp(&collect(&[("n.yaml", text)]).inventory);
    assert_eq!(newest.unwrap().to_string(), "2026-01-03T00:00:00Z");
    let mut collector = Collector::default();
    assert!(is_timestamp_file("must-gather/timestamp") && collector.add_timestamp("2026-03-04 09:12:41 +0000 UTC"));
    assert!(!collector.add_timestamp("?"));
    assert_eq!(collector.finish(TABLE).now.unwrap().to_string(), "2026-03-04T09:12:41Z");
}

#[test]
fn many_objects_of_a_list_stay_in_one_tree() {
    let item = |i: usize| {
        format!(r#"{{"metadata":{{"name":"vmi-{i}","namespace":"a"}},"status":{{"nodeName":"n{}"}}}}"#, i % 50)
    };
    let items: Vec<String> = (0..20_000).map(item).collect();
    let text = format!(
        r#"{{"apiVersion":"kubevirt.io/v1","kind":"VirtualMachineInstanceList","items":[{}]}}"#,
        items.join(",")
    );
    let collection = collect(&[("l.json", &text)]);
    let view = View::new(&collection.inventory);
    assert_eq!(view.on_node(VMI, "n7").len(), 400);
    let objects = view.list(VMI, None).objects;
    assert!(objects.iter().all(|o| std::ptr::eq(o.root.tree(), objects[0].root.tree())));
    assert!(objects[0].root.tree().heap_bytes() < text.len() * 4);
}
