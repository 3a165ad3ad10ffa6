//! Policies from their text to what they say, without any fact of KubeVirt's: facts are stubs here.

use std::sync::Arc;

use insta::assert_snapshot;

use super::*;
use crate::cel::{Fact, Facts, Type};
use crate::inventory::Entry;
use crate::object::{Ground, Gvk, Missing, Object, Tree};
use crate::source;

/// `facts.stub`: `known` is `spec.known`, `open` cannot be determined.
struct Stub(Fact);

impl Stub {
    fn of(object: Object<'_>) -> Self {
        let known = object.root.bool_at(&["spec", "known"]).unwrap_or_default();
        let known = Fact::with(known, vec![Ground::at(object, &["spec", "known"])]);
        Stub(Fact::map([("known", known), ("open", Fact::unknown(Missing::not_collected("Thing t")))]))
    }
}

impl Facts for Stub {
    fn fact(&self, name: &str) -> Option<&Fact> {
        (name == "stub").then_some(&self.0)
    }
}

fn declarations() -> Vec<FactDeclaration> {
    let fields = Type::object("facts.stub", [("known", Type::Bool), ("open", Type::Bool)]);
    vec![FactDeclaration { name: "stub", fields, subjects: Vec::new() }]
}

fn problems(text: &str) -> String {
    let files = [PolicyFile { name: "mine.yaml", text, embedded: false }];
    let (_, problems) = load(&files, &declarations());
    problems.iter().map(|p| format!("{p}\n")).collect()
}

fn loaded(text: &str) -> PolicySet {
    let files = [PolicyFile { name: "mine.yaml", text, embedded: false }];
    let (set, problems) = load(&files, &declarations());
    assert!(problems.is_empty(), "{problems:?}");
    set
}

fn document(yaml: &str) -> Entry {
    let parsed = source::parse("object.yaml", yaml.as_bytes().to_vec());
    assert!(parsed.problems.is_empty(), "{:?}", parsed.problems);
    let tree: Arc<Tree> = parsed.documents[0].tree.clone();
    let root = tree.root();
    let gvk = Gvk::new(root.str_at(&["apiVersion"]).unwrap(), root.str_at(&["kind"]).unwrap());
    let id = root.id();
    Entry::new(tree, id, Arc::new(gvk))
}

/// Judges a ConfigMap (resource configmaps, in a namespace) and says in a line what came out.
fn said(policy: &str, object: &str, old: Option<&str>) -> String {
    let set = loaded(policy);
    let (object, old) = (document(object), old.map(document));
    let (object, old) = (object.object(), old.as_ref().map(Entry::object));
    let target = target_of(object, old);
    let (facts, before) = (Stub::of(object), old.map(Stub::of));
    let request = request(&target, "ConfigMap", None);
    let namespace = unseen_namespace(target.namespace);
    let context = Context { target, request: &*request, namespace: &namespace, facts: &facts, memory: &plenty };
    let unchanged = old.map(|o| Target { object: Some(o), ..target });
    let before = unchanged.zip(before.as_ref()).map(|(target, facts)| Context {
        target,
        request: &*request,
        namespace: &namespace,
        facts,
        memory: &plenty,
    });
    let judgement = judge(set.iter().next().unwrap(), &context, before.as_ref());
    let mut out = Vec::new();
    for found in &judgement.findings {
        let field = found.finding.field.as_ref().map(|f| f.to_string()).unwrap_or_default();
        let word = if found.ratcheted { "was so" } else { "fails" };
        out.push(format!("{word}: {} [{field}]", found.finding.what));
    }
    out.extend(judgement.open.unknown.iter().map(|m| format!("unknown: {m}")));
    out.extend(judgement.open.errors.iter().map(|e| format!("error: {} in {}", e.message, e.expression)));
    match (out.is_empty(), judgement.applies) {
        (true, true) => "passes".to_owned(),
        (true, false) => "skipped".to_owned(),
        _ => out.join("; "),
    }
}

fn target_of<'t>(object: Object<'t>, old: Option<Object<'t>>) -> Target<'t> {
    Target {
        operation: if old.is_some() { Operation::Update } else { Operation::Create },
        group: &object.gvk.group,
        version: &object.gvk.version,
        resource: "configmaps",
        subresource: "",
        namespaced: true,
        namespace: object.namespace(),
        namespace_object: None,
        name: object.name(),
        object: Some(object),
        old_object: old,
    }
}

fn policy(spec: &str) -> String {
    format!(
        r#"
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {{name: p}}
spec:
  matchConstraints:
    resourceRules: [{{apiGroups: [""], apiVersions: [v1], resources: [configmaps], operations: [CREATE, UPDATE]}}]
{spec}"#
    )
}

fn object(spec: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c, namespace: shop, labels: {{a: b}}}}\nspec: {spec}\n")
}

#[test]
fn every_problem_of_a_file_is_said_at_once() {
    let text = r#"apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: p}
spec:
  failurePolicy: Never
  paramKind: {apiVersion: v1, kind: ConfigMap}
  matchConstraint: {}
  validations:
  - expression: objct.spec.running == false
    mesage: typo
  - expression: |
      object.spec.a ==
        facts.stub.unknown
  auditAnnotations:
  - {key: a, valueExpression: "'b'"}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: b}
spec: {policyName: other, validationActions: [Refuse]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: c}
"#;
    assert_snapshot!(problems(text), @r#"
    mine.yaml:5:3: matchConstraints is missing
    mine.yaml:5:18: failurePolicy: 'Never' is none of Fail, Ignore
    mine.yaml:6:14: paramKind is not supported yet
    mine.yaml:7:3: unknown field 'matchConstraint' (did you mean 'matchConstraints'?)
    mine.yaml:9:17: undeclared reference to 'objct' (did you mean 'object'?)
        objct.spec.running == false
        ^^^^^
    mine.yaml:10:5: unknown field 'mesage' (did you mean 'message'?)
    mine.yaml:13:19: undefined field 'unknown' (did you mean 'known'?)
          facts.stub.unknown
                    ^^^^^^^^
    mine.yaml:15:5: auditAnnotations is not supported yet
    mine.yaml:20:20: this binding names the policy 'other', which is not there
    mine.yaml:20:47: validationActions: "Refuse" is none of Deny, Warn, Audit
    mine.yaml:23:7: kind ConfigMap of v1 is no policy document (a policy file holds ValidatingAdmissionPolicy, MutatingAdmissionPolicy, their bindings, and PolicyNotes of virt-guard.io/v1)
    "#);
}

#[test]
fn validations_and_conditions() {
    for (spec, given, expected) in [
        ("  validations: [{expression: object.spec.a == 1, message: a is not 1}]", "{a: 1}", "passes"),
        (
            "  validations: [{expression: object.spec.a == 1, message: a is not 1}]",
            "{a: 2}",
            "fails: a is not 1 [spec.a: 2]",
        ),
        (
            "  validations: [{expression: has(object.spec.a)}]",
            "{}",
            "fails: failed expression: has(object.spec.a) [spec.a (absent)]",
        ),
        (
            "  validations: [{expression: 'false', message: plain, messageExpression: \"'a is ' + string(object.spec.a)\"}]",
            "{a: 2}",
            "fails: a is 2 []",
        ),
        // A messageExpression that fails, or gives several lines, gives way to the message.
        (
            "  validations: [{expression: 'false', message: plain, messageExpression: string(object.spec.nope)}]",
            "{}",
            "fails: plain []",
        ),
        (
            "  validations: [{expression: 'false', message: plain, messageExpression: \"'a\\\\nb'\"}]",
            "{}",
            "fails: plain []",
        ),
        ("  validations: [{expression: object.spec.a == 1}]", "{}", "error: no such key: a in object.spec.a == 1"),
        (
            "  matchConditions: [{name: c, expression: object.spec.active == true}]\n  validations: [{expression: 'false', message: bad}]",
            "{active: false}",
            "skipped",
        ),
        // One condition that is false decides, whatever becomes of the others.
        (
            "  matchConditions: [{name: a, expression: object.spec.nope == 1}, {name: b, expression: facts.stub.open}, {name: c, expression: 'false'}]\n  validations: [{expression: 'false'}]",
            "{}",
            "skipped",
        ),
        (
            "  matchConditions: [{name: b, expression: facts.stub.open}]\n  validations: [{expression: 'false'}]",
            "{}",
            "unknown: Thing t (not collected)",
        ),
        ("  validations: [{expression: facts.stub.open}]", "{}", "unknown: Thing t (not collected)"),
        ("  validations: [{expression: facts.stub.open || true}]", "{}", "passes"),
        (
            "  validations: [{expression: '!facts.stub.known', message: known}]",
            "{known: true}",
            "fails: known [spec.known: true]",
        ),
        (
            "  variables: [{name: v, expression: object.spec.a}]\n  validations: [{expression: variables.v == 1, message: bad}]",
            "{a: 2}",
            "fails: bad [spec.a: 2]",
        ),
        (
            "  validations: [{expression: request.operation == 'CREATE'}, {expression: request.userInfo.username == 'x'}]",
            "{}",
            "unknown: the user who asks (known only at admission)",
        ),
    ] {
        assert_eq!(said(&policy(spec), &object(given), None), expected, "{spec}\n{given}");
    }
}

#[test]
fn an_object_that_is_being_deleted_is_left_alone() {
    let going = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: n, deletionTimestamp: '2026-01-01T00:00:00Z'}\n";
    assert_eq!(said(&policy("  validations: [{expression: 'false'}]"), going, None), "skipped");
}

#[test]
fn what_was_so_before_is_ratcheted() {
    let all = "  validations: [{expression: 'object.spec.disks.all(d, d.ok)', message: a disk is bad}]";
    for (spec, old, new, expected) in [
        (
            "  validations: [{expression: object.spec.a == 1, message: a is not 1}]",
            "{a: 2, b: 1}",
            "{a: 2, b: 2}",
            "was so: a is not 1 [spec.a: 2]",
        ),
        // Another value is another cause.
        (
            "  validations: [{expression: object.spec.a == 1, message: a is not 1}]",
            "{a: 3}",
            "{a: 2}",
            "fails: a is not 1 [spec.a: 2]",
        ),
        (
            "  validations: [{expression: object.spec.a == 1, message: a is not 1}]",
            "{a: 1}",
            "{a: 2}",
            "fails: a is not 1 [spec.a: 2]",
        ),
        // The same element by name, though an element was put before it.
        (
            all,
            "{disks: [{name: x, ok: false}]}",
            "{disks: [{name: w, ok: true}, {name: x, ok: false}]}",
            "was so: a disk is bad [spec.disks[1].ok: false]",
        ),
        (
            all,
            "{disks: [{name: x, ok: false}]}",
            "{disks: [{name: w, ok: false}, {name: x, ok: false}]}",
            "fails: a disk is bad [spec.disks[0].ok: false]",
        ),
        // A transition rule still denies: the no-op update of the old object passes it.
        (
            "  validations: [{expression: 'oldObject.spec.a == object.spec.a', message: a is fixed}]",
            "{a: 1}",
            "{a: 2}",
            "fails: a is fixed [spec.a: 2]",
        ),
        // The old side is an error: nothing is ratcheted.
        (
            "  validations: [{expression: object.spec.a == 1, message: a is not 1}]",
            "{}",
            "{a: 2}",
            "fails: a is not 1 [spec.a: 2]",
        ),
        // The policy did not match before.
        (
            "  matchConditions: [{name: active, expression: object.spec.active == true}]\n  validations: [{expression: object.spec.a == 1, message: bad}]",
            "{a: 2, active: false}",
            "{a: 2, active: true}",
            "fails: bad [spec.a: 2]",
        ),
        (
            "  validations: [{expression: '!facts.stub.known', message: known}]",
            "{known: true}",
            "{known: true, a: 1}",
            "was so: known [spec.known: true]",
        ),
    ] {
        assert_eq!(said(&policy(spec), &object(new), Some(&object(old))), expected, "{spec}\n{old} -> {new}");
    }
}

#[test]
fn ratcheting_can_be_switched_off() {
    let spec = "  validations: [{expression: object.spec.a == 1, message: bad}]";
    let off = policy(spec).replace("{name: p}", "{name: p, annotations: {virt-guard.io/ratchet: 'off'}}");
    assert_eq!(said(&off, &object("{a: 2}"), Some(&object("{a: 2}"))), "fails: bad [spec.a: 2]");
}

fn mutation(kind: &str, expression: &str) -> String {
    let (patch_type, field) =
        if kind == "json" { ("JSONPatch", "jsonPatch") } else { ("ApplyConfiguration", "applyConfiguration") };
    format!(
        r#"
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {{name: p}}
spec:
  matchConstraints:
    resourceRules: [{{apiGroups: [""], apiVersions: [v1], resources: [configmaps], operations: [CREATE, UPDATE]}}]
  mutations: [{{patchType: {patch_type}, {field}: {{expression: "{expression}"}}}}]
"#
    )
}

fn patched(policy: &str, given: &str) -> String {
    let set = loaded(policy);
    let object = document(&object(given));
    let object = object.object();
    let target = target_of(object, None);
    let facts = Stub::of(object);
    let request = request(&target, "ConfigMap", None);
    let namespace = unseen_namespace(target.namespace);
    let context = Context { target, request: &*request, namespace: &namespace, facts: &facts, memory: &plenty };
    match patch(set.iter().next().unwrap(), &context) {
        Ok(Patch::Operations(operations)) => {
            let after = apply(object.root, &operations).unwrap();
            let spec = after.root().get("spec").map(|n| n.to_string()).unwrap_or_default();
            format!("{} -> {spec}", serde_json::Value::from(operations))
        }
        Ok(other) => format!("{other:?}"),
        Err(e) => e.to_string(),
    }
}

#[test]
fn mutations_emit_their_own_operations() {
    for (kind, expression, given, expected) in [
        (
            "json",
            "[JSONPatch{op: 'add', path: '/spec/a', value: 1}]",
            "{}",
            r#"[{"op":"add","path":"/spec/a","value":1}] -> {"a":1}"#,
        ),
        (
            "json",
            "object.spec.active ? [JSONPatch{op: 'remove', path: '/spec/active'}] : []",
            "{active: false}",
            "Nothing",
        ),
        (
            "json",
            "[JSONPatch{op: 'add', path: 'spec', value: 1}]",
            "{}",
            "'spec' is no JSON Pointer; it has to begin with a slash in: [JSONPatch{op: 'add', path: 'spec', value: 1}]",
        ),
        (
            "json",
            "facts.stub.open ? [JSONPatch{op: 'remove', path: '/spec'}] : []",
            "{}",
            "Unknown({Missing { what: \"Thing t\", why: NotCollected }})",
        ),
        (
            "apply",
            "Object{spec: Object.spec{a: 1, m: Object.spec.m{x: 'y'}}}",
            "{a: 1, m: {z: 1}}",
            r#"[{"op":"add","path":"/spec/m/x","value":"y"}] -> {"a":1,"m":{"x":"y","z":1}}"#,
        ),
        (
            "apply",
            "Object{spec: Object.spec{l: ['a']}}",
            "{}",
            "/spec/l is a list, which cannot be merged without its schema; use JSONPatch in: Object{spec: Object.spec{l: ['a']}}",
        ),
    ] {
        assert_eq!(patched(&mutation(kind, expression), given), expected, "{expression}");
    }
}

#[test]
fn what_a_policy_matches() {
    let matches = |constraints: &str, labels: &str| {
        let text = policy("  validations: [{expression: 'false', message: matched}]")
            .replace("    resourceRules", &format!("{constraints}\n    resourceRules"));
        let object = object("{}").replace("{a: b}", labels);
        said(&text, &object, None)
    };
    let yes = "fails: matched []";
    for (constraints, labels, expected) in [
        ("", "{}", yes),
        ("    objectSelector: {matchLabels: {a: b}}", "{a: b}", yes),
        ("    objectSelector: {matchLabels: {a: b}}", "{a: c}", "skipped"),
        ("    objectSelector: {matchExpressions: [{key: a, operator: NotIn, values: [b]}]}", "{}", yes),
        ("    objectSelector: {matchExpressions: [{key: a, operator: DoesNotExist}]}", "{a: b}", "skipped"),
        ("    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: shop}}", "{}", yes),
        ("    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: other}}", "{}", "skipped"),
        ("    namespaceSelector: {matchLabels: {team: a}}", "{}", "unknown: labels of Namespace shop (not collected)"),
        (
            "    excludeResourceRules: [{apiGroups: ['*'], apiVersions: ['*'], resources: ['*'], operations: ['*']}]",
            "{}",
            "skipped",
        ),
        (
            "    excludeResourceRules: [{apiGroups: ['*'], apiVersions: ['*'], resources: ['*'], resourceNames: [other], operations: ['*']}]",
            "{}",
            yes,
        ),
    ] {
        assert_eq!(matches(constraints, labels), expected, "{constraints} {labels}");
    }
}

#[test]
fn a_users_binding_replaces_that_of_a_built_in_policy() {
    let ours = policy("  validations: [{expression: 'true'}]")
        + "\n---\napiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicyBinding\nmetadata: {name: p}\nspec: {policyName: p, validationActions: [Deny]}\n";
    let theirs = "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicyBinding\nmetadata: {name: mine}\nspec: {policyName: p, validationActions: [Warn]}\n";
    let files = [
        PolicyFile { name: "ours.yaml", text: &ours, embedded: true },
        PolicyFile { name: "theirs.yaml", text: theirs, embedded: false },
    ];
    let (set, problems) = load(&files, &declarations());
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(set.get("p").unwrap().strictest_effect(), Effect::Warn);
}

#[test]
fn facts_make_a_policy_portable_or_not() {
    let portable = |spec: &str| loaded(&policy(spec)).get("p").unwrap().is_portable();
    assert!(portable("  validations: [{expression: 'true'}]"));
    assert!(!portable("  validations: [{expression: facts.stub.known}]"));
    assert!(!portable(
        "  variables: [{name: v, expression: facts.stub}]\n  validations: [{expression: variables.v.known}]"
    ));
}
