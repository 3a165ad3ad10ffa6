//! Patches.

use json_patch::Patch;
use serde_json::{Value, json};
use std::cell::RefCell;
use virt_guard::admission::{Caller, Decision, Door, Grant, MAX_ANSWER, Unanswered, Unhurried};

use super::common::{UID, World, vm, vm_review};

/// A MutatingAdmissionPolicy on VirtualMachines, and its binding.
fn mutation(id: &str, failure_policy: &str, expressions: &[&str]) -> String {
    let mutations: String = expressions
        .iter()
        .map(|e| format!("\n  - {{patchType: JSONPatch, jsonPatch: {{expression: \"{e}\"}}}}"))
        .collect();
    format!(
        "apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {{name: {id}}}
spec:
  failurePolicy: {failure_policy}
  reinvocationPolicy: Never
  matchConstraints:
    resourceRules:
    - {{apiGroups: [kubevirt.io], apiVersions: ['*'], resources: [virtualmachines], operations: [CREATE, UPDATE]}}
  mutations:{mutations}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {{name: {id}}}
spec: {{policyName: {id}}}
---
"
    )
}

const ADD: &str = "[JSONPatch{op: 'add', path: '/spec/a', value: 'b'}]";

fn ask(world: &World, body: &Value) -> Value {
    let reviewed = world.review(body.to_string().as_bytes(), Door::Mutate, &Unhurried).unwrap();
    let mut answer: Value = serde_json::from_slice(&reviewed.body).unwrap();
    answer["response"].take()
}

/// The object after the answer's patch; `None` when there is none.
fn patched(response: &Value, body: &Value) -> Option<Value> {
    use base64::prelude::{BASE64_STANDARD, Engine};
    let bytes = BASE64_STANDARD.decode(response.get("patch")?.as_str().unwrap()).unwrap();
    assert_eq!(response["patchType"], "JSONPatch");
    let patch: Patch = serde_json::from_slice(&bytes).unwrap();
    let mut object = body["request"]["object"].clone();
    json_patch::patch(&mut object, &patch).unwrap();
    Some(object)
}

fn body() -> Value {
    vm_review("CREATE", vm(json!({"x": 1})), Value::Null)
}

#[test]
fn a_bound_mutation_patches_and_an_unbound_one_does_not() {
    let text = mutation("adds", "Fail", &[ADD]);
    let response = ask(&World::of(&text), &body());
    assert_eq!(patched(&response, &body()).unwrap(), vm(json!({"x": 1, "a": "b"})));
    assert_eq!(response["allowed"], true);
    let unbound = text.split("---").next().unwrap();
    assert_eq!(ask(&World::of(unbound), &body()), json!({"uid": UID, "allowed": true}));
    // A validating webhook's answer must have no patch.
    assert_eq!(World::of(&text).ask(&body()), json!({"uid": UID, "allowed": true}));
}

#[test]
fn each_mutation_sees_what_the_ones_before_left() {
    let then = "has(object.spec.a) ? [JSONPatch{op: 'add', path: '/spec/c', value: object.spec.a + '!'}] : []";
    let text = mutation("a-first", "Fail", &[ADD]) + &mutation("b-second", "Fail", &[then]);
    let response = ask(&World::of(&text), &body());
    assert_eq!(patched(&response, &body()).unwrap()["spec"], json!({"x": 1, "a": "b", "c": "b!"}));
    let response = ask(&World::of(&mutation("both", "Fail", &[ADD, then])), &body());
    assert_eq!(patched(&response, &body()).unwrap()["spec"], json!({"x": 1, "a": "b", "c": "b!"}));
}

#[test]
fn a_mutation_that_goes_wrong_is_decided_by_its_failure_policy() {
    for expression in [
        "[JSONPatch{op: 'add', path: object.spec.nope, value: 'b'}]",
        // json-patch refuses to add below what is not there.
        "[JSONPatch{op: 'add', path: '/spec/not/there', value: 'b'}]",
        "[JSONPatch{op: 'test', path: '/spec/x', value: 2}]",
    ] {
        let response = ask(&World::of(&mutation("wrong", "Fail", &[expression])), &body());
        assert_eq!(response["allowed"], false, "{expression}");
        assert!(response.get("patch").is_none());
        let message = response["status"]["message"].as_str().unwrap();
        assert!(message.contains("policy error: ") && message.contains("[wrong]"), "{message}");
        let text = mutation("a-wrong", "Ignore", &[expression]) + &mutation("b-right", "Fail", &[ADD]);
        let response = ask(&World::of(&text), &body());
        assert_eq!(patched(&response, &body()).unwrap()["spec"]["a"], "b", "{expression}");
        assert_eq!(response["warnings"].as_array().unwrap().len(), 1);
    }
}

#[test]
fn what_cannot_be_stored_or_is_no_object_is_left_alone() {
    let world = World::of(&mutation("adds", "Fail", &[ADD]));
    let none = json!({"uid": UID, "allowed": true});
    // Each `<` is six bytes to the API server.
    for (text, patches) in [("x".repeat(1 << 20), true), ("x".repeat(3 << 19), false), ("<".repeat(300 << 10), false)] {
        let body = vm_review("CREATE", vm(json!({"x": text})), Value::Null);
        assert_eq!(ask(&world, &body).get("patch").is_some(), patches);
    }
    assert_eq!(ask(&world, &vm_review("DELETE", Value::Null, vm(json!({})))), none);
    assert_eq!(ask(&world, &vm_review("PATCH", vm(json!({})), Value::Null)), none);
    let mut going = vm(json!({}));
    going["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    assert_eq!(ask(&world, &vm_review("UPDATE", going.clone(), going)), none);
}

#[test]
fn an_object_is_patched_however_deep_it_is() {
    let world = World::of(&mutation("adds", "Fail", &[ADD]));
    let body = vm_review("CREATE", vm(json!({"deep": "PLACE"})), Value::Null).to_string();
    for depth in [90, 200, 9_990] {
        let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let body = body.replace("\"PLACE\"", &nested);
        let reviewed = world.review(body.as_bytes(), Door::Mutate, &Unhurried).unwrap();
        assert_eq!(reviewed.verdict.decision, Decision::Patched, "{depth}");
    }
}

#[test]
fn memory_is_asked_for_before_an_object_becomes_a_value() {
    struct Poor(RefCell<Vec<usize>>);
    impl Caller for Poor {
        fn should_stop(&self) -> bool {
            false
        }

        fn grant(&self, bytes: usize) -> Grant {
            self.0.borrow_mut().push(bytes);
            Grant::NotNow
        }
    }
    let asked = |text: &str, door: Door, body: &Value| {
        let poor = Poor(RefCell::default());
        let answer = World::of(text).review(body.to_string().as_bytes(), door, &poor);
        let asked = poor.0.into_inner();
        assert_eq!(answer.is_err(), !asked.is_empty());
        assert!(answer.is_ok() || matches!(answer, Err(Unanswered::Busy)));
        asked.first().copied().unwrap_or_default()
    };
    let text = mutation("adds", "Fail", &[ADD]);
    let small = asked(&text, Door::Mutate, &body());
    assert!((1..16 << 10).contains(&small), "{small}");
    let maps = vm_review("CREATE", vm(json!({"maps": vec![json!({"": 0}); 10_000]})), Value::Null);
    assert!(asked(&text, Door::Mutate, &maps) > 10_000 * 600, "a map's first entry takes a leaf of a BTreeMap");
    assert_eq!(asked(&text, Door::Validate, &body()), 0);
    let mut other = body();
    other["request"]["resource"]["resource"] = json!("virtualmachineinstances");
    assert_eq!(asked(&text, Door::Mutate, &other), 0);
    // A fix in several steps is played through in a validating webhook too.
    let check = super::common::policy("two", "Deny", "{expression: 'false', message: wrong}");
    let steps = mutation("two", "Fail", &[ADD, ADD]);
    let unbound = format!("{check}{}", steps.split("---").next().unwrap());
    assert!(asked(&unbound, Door::Validate, &body()) > 0);
}

#[test]
fn a_patch_that_does_not_fit_is_an_error() {
    let large = "[JSONPatch{op: 'add', path: '/spec/a', value: object.spec.x}]";
    let world = World::of(&mutation("large", "Fail", &[large]));
    let body = |len: usize| vm_review("CREATE", vm(json!({"x": "x".repeat(len)})), Value::Null);
    assert!(patched(&ask(&world, &body(20_000)), &body(20_000)).is_some());
    let response = ask(&world, &body(40_000));
    assert_eq!(response["allowed"], false);
    assert!(response["status"]["message"].as_str().unwrap().contains("27648 are sent at most"));
    let reviewed = world.review(body(27_000).to_string().as_bytes(), Door::Mutate, &Unhurried).unwrap();
    assert!(reviewed.body.len() <= MAX_ANSWER);
}

#[test]
fn our_own_mutations_only_add_and_a_second_pass_gives_none() {
    let world = World::built_in();
    let mut body = vm_review(
        "CREATE",
        json!({"apiVersion": "kubevirt.io/v1", "kind": "KubeVirt", "metadata": {"name": "kubevirt", "namespace": "kubevirt"}, "spec": {}}),
        Value::Null,
    );
    body["request"]["kind"]["kind"] = json!("KubeVirt");
    body["request"]["resource"]["resource"] = json!("kubevirts");
    let object = patched(&ask(&world, &body), &body).unwrap();
    assert_eq!(object["spec"]["workloadUpdateStrategy"]["workloadUpdateMethods"], json!(["LiveMigrate"]));
    body["request"]["object"] = object;
    assert_eq!(ask(&world, &body), json!({"uid": UID, "allowed": true}));
    let bound = world.policies.iter().filter(|p| p.mutation.as_ref().is_some_and(|m| m.bound)).count();
    assert_eq!(bound, 1, "a test for each");
}
