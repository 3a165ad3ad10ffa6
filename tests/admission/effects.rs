//! What bindings, operators and objects make of a failure.

use serde_json::{Value, json};
use virt_guard::admission::{Accounts, Caller, Decision, Door, Enforcement, Grant, Options, Outcome, Unhurried};

use super::common::{UID, World, policy, policy_on, texts, vm, vm_review};

const FALSE: &str = "{expression: 'false', message: it is wrong}";

fn body() -> Value {
    vm_review("CREATE", vm(json!({})), Value::Null)
}

#[test]
fn deny_warn_and_audit_go_where_they_belong() {
    // 53, 54
    let text = [policy("a-deny", "Deny", FALSE), policy("b-warn", "Warn", FALSE), policy("c-audit", "Audit", FALSE)];
    let response = World::of(&text.concat()).ask(&body());
    assert_eq!(response["allowed"], false);
    let causes = response["status"]["details"]["causes"].as_array().unwrap();
    assert_eq!(causes.iter().map(|c| c["message"].as_str().unwrap()).collect::<Vec<_>>(), ["it is wrong [a-deny]"]);
    assert_eq!(texts(&response["warnings"]), ["it is wrong [b-warn]"]);
    let audit = json!({"a-deny": "deny object", "b-warn": "warn object", "c-audit": "audit object"});
    assert_eq!(response["auditAnnotations"], audit);

    let response = World::of(&text[1..].concat()).ask(&body());
    assert_eq!((&response["allowed"], response.get("status")), (&json!(true), None));
    assert_eq!(texts(&response["warnings"]), ["it is wrong [b-warn]"]);
    assert_eq!(response["auditAnnotations"].as_object().unwrap().len(), 2);

    let response = World::of(&text[2]).ask(&body());
    assert_eq!(response, json!({"uid": UID, "allowed": true, "auditAnnotations": {"c-audit": "audit object"}}));
}

#[test]
fn without_a_binding_a_policy_says_nothing() {
    let text = policy("unbound", "Deny", FALSE);
    let alone = text.split("---").next().unwrap();
    assert_eq!(World::of(alone).ask(&body()), json!({"uid": UID, "allowed": true}));
}

#[test]
fn a_validations_own_reason_is_the_causes() {
    let text = policy("own", "Deny", "{expression: 'false', message: wrong, reason: Forbidden}");
    let response = World::of(&text).ask(&body());
    assert_eq!(response["status"]["details"]["causes"][0]["reason"], "Forbidden");
    // Only so does kubectl print the causes.
    assert_eq!(response["status"]["reason"], "Invalid");
}

#[test]
fn a_failing_expression_is_refused_or_warned_about_as_its_policy_says() {
    let fail = policy("broken", "Deny", "{expression: object.spec.nope.deeper == 1}");
    let response = World::of(&fail).ask(&body());
    assert_eq!(response["allowed"], false);
    let cause = &response["status"]["details"]["causes"][0];
    assert_eq!((&cause["reason"], &cause["field"]), (&json!("PolicyError"), &json!("spec.nope")));
    let message = cause["message"].as_str().unwrap();
    assert!(message.starts_with("policy error: no such key: nope, in: object.spec.nope.deeper == 1"), "{message}");
    assert!(message.ends_with("[broken]"), "{message}");

    let ignore = fail.replace("spec:\n  match", "spec:\n  failurePolicy: Ignore\n  match");
    let response = World::of(&ignore).ask(&body());
    assert_eq!(response["allowed"], true);
    let expected = "spec.nope: policy error: no such key: nope, in: object.spec.nope.deeper == 1 [broken]";
    assert_eq!(texts(&response["warnings"]), [expected]);
}

#[test]
fn enforcement_warn_and_listed_accounts_turn_denials_into_warnings() {
    let world = World::of(&policy("a-deny", "Deny", FALSE));
    let first = Options { enforcement: Enforcement::Warn, ..Options::default() };
    let response = world.options(first).ask(&body());
    assert_eq!(response["allowed"], true);
    assert_eq!(texts(&response["warnings"]), ["would be denied: it is wrong [a-deny]"]);

    let tools = Options { warned_only: Accounts::new(["system:serviceaccount:velero:*"]), ..Options::default() };
    let world = World::of(&policy("a-deny", "Deny", FALSE)).options(tools);
    assert_eq!(world.ask(&body())["allowed"], false);
    let mut restored = body();
    restored["request"]["userInfo"]["username"] = json!("system:serviceaccount:velero:velero");
    let response = world.ask(&restored);
    assert_eq!(response["allowed"], true);
    assert_eq!(texts(&response["warnings"]), ["denied for other users: it is wrong [a-deny]"]);
}

#[test]
fn the_platforms_own_accounts_always_pass() {
    let options = Options { always_pass: Accounts::of_the_platform(), ..Options::default() };
    let world = World::of(&policy("a-deny", "Deny", FALSE)).options(options);
    let mut body = body();
    body["request"]["userInfo"]["username"] = json!("system:serviceaccount:openshift-cnv:kubevirt-controller");
    assert_eq!(world.ask(&body), json!({"uid": UID, "allowed": true}));
    body["request"]["userInfo"]["username"] = json!("system:serviceaccount:shop:kubevirt-controller");
    assert_eq!(world.ask(&body)["allowed"], false);
}

#[test]
fn an_objects_own_annotation_counts_where_the_operator_allows_it() {
    let mut object = vm(json!({}));
    object["metadata"]["annotations"] = json!({"virt-guard.io/ignore": "a-deny: moves with its host\nother: no"});
    let body = vm_review("CREATE", object, Value::Null);
    assert_eq!(World::of(&policy("a-deny", "Deny", FALSE)).ask(&body)["allowed"], false);
    let options = || Options { honour_ignore: true, ..Options::default() };
    let response = World::of(&policy("a-deny", "Deny", FALSE)).options(options()).ask(&body);
    assert_eq!(response["allowed"], true);
    assert_eq!(response["auditAnnotations"]["a-deny"], "audit ignored by annotation: object");
    assert_eq!(World::of(&policy("b-deny", "Deny", FALSE)).options(options()).ask(&body)["allowed"], false);
}

#[test]
fn request_is_known_at_admission() {
    let check = |expression: &str, body: &Value| {
        let text = policy_on("real", "Deny", "['*']", &format!("{{expression: \"{expression}\"}}"));
        let response = World::of(&text).ask(body);
        // Unknown would be a warning.
        assert_eq!(response, json!({"uid": UID, "allowed": true}), "{expression}");
    };
    let mut body = body();
    body["request"]["userInfo"]["extra"] = json!({"scopes.example.org": ["a", "b"], "empty": null});
    body["request"]["options"] = json!({"kind": "CreateOptions", "fieldManager": "kubectl", "dryRun": ["All"]});
    body["request"]["dryRun"] = json!(true);
    for expression in [
        "request.userInfo.username == 'ada'",
        "'system:authenticated' in request.userInfo.groups",
        "request.userInfo.extra['scopes.example.org'] == ['a', 'b']",
        "!has(request.userInfo.uid)",
        "request.dryRun",
        "request.options.fieldManager == 'kubectl' && request.options.dryRun == ['All']",
        "request.name == 'web' && request.namespace == 'shop'",
        "request.kind.kind == 'VirtualMachine' && request.resource.resource == 'virtualmachines'",
        "request.requestKind.version == 'v1' && request.operation == 'CREATE'",
        "!has(request.subResource)",
    ] {
        check(expression, &body);
    }
    let mut unnamed = body.clone();
    unnamed["request"]["name"] = json!("");
    unnamed["request"]["namespace"] = Value::Null;
    check("!has(request.name) && !has(request.namespace)", &unnamed);
    let mut connect = body.clone();
    connect["request"]["operation"] = json!("CONNECT");
    connect["request"]["object"] = json!({"command": ["sh"]});
    check("object.command == ['sh'] && oldObject == null", &connect);
}

#[test]
fn when_time_is_up_the_failure_policy_decides() {
    struct Late;
    impl Caller for Late {
        fn should_stop(&self) -> bool {
            true
        }

        fn grant(&self, _: usize) -> Grant {
            Grant::Given
        }
    }
    let text = policy("a-deny", "Deny", "{expression: 'true'}");
    let decision = |text: &str, body: &Value| {
        let world = World::of(text);
        world.review(body.to_string().as_bytes(), Door::Validate, &Late).unwrap().verdict
    };
    let denied = decision(&text, &body());
    assert_eq!(denied.decision, Decision::Denied);
    assert_eq!(denied.policies, [("a-deny".to_owned(), Outcome::Error), ("a-deny".to_owned(), Outcome::Deny)]);
    let ignore = text.replace("spec:\n  match", "spec:\n  failurePolicy: Ignore\n  match");
    assert_eq!(decision(&ignore, &body()).decision, Decision::Warned);
    let mut other = body();
    other["request"]["resource"]["resource"] = json!("virtualmachineinstances");
    assert_eq!(decision(&text, &other).decision, Decision::Admitted);
}

#[test]
fn the_verdict_says_what_each_policy_came_to() {
    let text = [
        policy("a-deny", "Deny", FALSE),
        policy("b-warn", "Warn", FALSE),
        policy("c-audit", "Audit", FALSE),
        policy("d-good", "Deny", "{expression: 'true'}"),
        policy("e-broken", "Warn", "{expression: object.nope == 1}"),
        policy_on("f-other", "Deny", "[DELETE]", FALSE),
    ];
    let world = World::of(&text.concat());
    let verdict = world.review(body().to_string().as_bytes(), Door::Validate, &Unhurried).unwrap().verdict;
    let policies: Vec<_> = verdict.policies.iter().map(|(id, outcome)| (id.as_str(), *outcome)).collect();
    assert_eq!(
        policies,
        [
            ("a-deny", Outcome::Deny),
            ("b-warn", Outcome::Warn),
            ("c-audit", Outcome::Audit),
            ("d-good", Outcome::Pass),
            ("e-broken", Outcome::Error),
        ]
    );
    assert_eq!(verdict.decision, Decision::Denied);
}
