//! One decision, two doors: what a policy's cases come to when they are sent as reviews.

use serde_json::{Value, json};
use virt_guard::admission::{Door, Options, Setup, Unhurried, review};
use virt_guard::engine;
use virt_guard::object::Node;
use virt_guard::policy::{Case, Effect, Expected, Policy};

use super::common::{UID, texts};

/// What the answers of both webhooks say, in a case's word.
fn said(policy: &Policy, validated: &Value, mutated: &Value) -> Expected {
    let warnings = texts(&validated["warnings"]);
    let audit = validated["auditAnnotations"][&policy.id].as_str().unwrap_or_default();
    match () {
        () if validated["allowed"] == false => Expected::Deny,
        () if warnings.iter().any(|w| w.starts_with("not checked: ")) => Expected::Unknown,
        () if audit.starts_with("unknown") => Expected::Unknown,
        () if !warnings.is_empty() => Expected::Warn,
        () if !audit.is_empty() => Expected::Audit,
        () if mutated.get("patch").is_some() => Expected::Patch,
        () => Expected::Admit,
    }
}

fn operations(response: &Value) -> Vec<Value> {
    use base64::prelude::{BASE64_STANDARD, Engine};
    let patch = response["patch"].as_str().map(|p| BASE64_STANDARD.decode(p).unwrap());
    patch.map(|p| serde_json::from_slice(&p).unwrap()).unwrap_or_default()
}

/// What a review can say of what a case says: that a policy did not match is no word to anybody.
fn sayable(policy: &Policy, expected: Expected) -> Expected {
    match expected {
        Expected::Skip => Expected::Admit,
        // Without a binding nothing is said at all.
        Expected::Deny | Expected::Warn | Expected::Audit | Expected::Unknown
            if policy.strictest_effect() == Effect::None =>
        {
            if policy.mutation.as_ref().is_some_and(|m| m.bound) {
                expected
            } else {
                Expected::Admit
            }
        }
        other => other,
    }
}

fn json_of(node: Option<Node<'_>>) -> Value {
    node.map_or(Value::Null, |n| serde_json::from_str(&n.to_string()).unwrap())
}

fn body(request: &engine::Request<'_>, case: &Case, policy: &Policy) -> Value {
    let object = request.object.or(request.old_object).unwrap();
    let gvk = json!({"group": object.gvk.group, "version": object.gvk.version, "kind": object.gvk.kind});
    let gvr = json!({"group": object.gvk.group, "version": object.gvk.version, "resource": request.resource});
    let mut asked = json!({
        "uid": UID,
        "kind": gvk, "resource": gvr, "requestKind": gvk, "requestResource": gvr,
        "subResource": request.subresource,
        "name": object.name(),
        "namespace": object.namespace().unwrap_or_default(),
        "operation": request.operation.as_str(),
        "userInfo": {},
        "object": json_of(request.object.map(|o| o.root)),
        "oldObject": json_of(request.old_object.map(|o| o.root)),
    });
    let own = case.request.zip(policy.cases_tree.as_ref()).map(|(id, tree)| json_of(Some(tree.node(id))));
    if let Some(Value::Object(fields)) = own {
        fields.into_iter().for_each(|(key, value)| asked[&key] = value);
    }
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": asked})
}

#[test]
fn every_case_of_every_policy_comes_to_the_same_as_a_review() {
    let (mut sent, mut wrong) = (0, Vec::new());
    for file in engine::EMBEDDED {
        let (alone, problems) = engine::load_files([file.as_json()], []);
        assert!(problems.is_empty());
        let policy = alone.iter().next().unwrap();
        for case in &policy.cases {
            let played = engine::play(policy, case).unwrap();
            let body = body(&played.request(), case, policy).to_string();
            let options = Options::default();
            let setup = Setup { policies: &alone, around: played.around(), options: &options };
            let ask = |door: Door| -> Value {
                let reviewed = review(body.as_bytes(), door, &setup, &Unhurried).unwrap();
                serde_json::from_slice::<Value>(&reviewed.body).unwrap()["response"].take()
            };
            let mutated = ask(Door::Mutate);
            assert!(operations(&mutated).iter().all(|o| o["op"] == "add"), "ours only add: {}", policy.id);
            let got = said(policy, &ask(Door::Validate), &mutated);
            sent += 1;
            if got != sayable(policy, case.expected) {
                wrong.push(format!("{}: {}: {:?}, got {got:?}", policy.id, case.name, case.expected));
            }
        }
    }
    assert!(sent > 100, "{sent}");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
