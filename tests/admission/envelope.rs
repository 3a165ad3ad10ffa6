//! A. The envelope: 1-20.

use serde_json::{Value, json};
use virt_guard::admission::{Door, MAX_ANSWER, Unhurried};
use virt_guard::policy::Operation;

use super::common::{UID, World, policy, subscription_review, texts, vm, vm_review};

#[test]
fn a_compliant_object_is_admitted_without_a_word() {
    // 1
    let world = World::built_in();
    let body = subscription_review("Automatic").to_string();
    let reviewed = world.review(body.as_bytes(), Door::Validate, &Unhurried).unwrap();
    let answer: Value = serde_json::from_slice(&reviewed.body).unwrap();
    let expected = json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "response": {"uid": UID, "allowed": true}
    });
    assert_eq!(answer, expected);
}

#[test]
fn a_violation_is_refused_with_a_cause_that_stands_alone() {
    // 2
    let response = World::built_in().ask(&subscription_review("Manual"));
    assert_eq!(response["allowed"], false);
    assert!(response.get("patch").is_none() && response.get("patchType").is_none());
    let status = &response["status"];
    assert_eq!((&status["code"], &status["reason"]), (&json!(422), &json!("Invalid")));
    let details = &status["details"];
    assert_eq!(details["group"], "operators.coreos.com");
    assert_eq!(details["kind"], "Subscription");
    assert_eq!(details["name"], "hco-operatorhub");
    let causes = details["causes"].as_array().unwrap();
    assert_eq!(causes.len(), 1);
    assert_eq!(causes[0]["field"], "spec.installPlanApproval");
    insta::assert_snapshot!(causes[0]["message"].as_str().unwrap(), @"installPlanApproval is Manual, so every update of kubevirt-hyperconverged waits for a person. OLM installs nothing before somebody approves each InstallPlan, and OpenShift moves on meanwhile until the two are a minor apart. Set installPlanApproval to Automatic or leave it out; a plan that waits already keeps waiting until it is approved, or deleted so that OLM plans anew. [olm-manual-approval]");
    let message = status["message"].as_str().unwrap();
    assert!(message.contains(causes[0]["message"].as_str().unwrap()), "{message}");
}

#[test]
fn a_review_is_answered_in_its_version() {
    // 3
    let mut body = subscription_review("Manual");
    body["apiVersion"] = json!("admission.k8s.io/v1beta1");
    let world = World::built_in();
    let reviewed = world.review(body.to_string().as_bytes(), Door::Validate, &Unhurried).unwrap();
    let answer: Value = serde_json::from_slice(&reviewed.body).unwrap();
    assert_eq!(answer["apiVersion"], "admission.k8s.io/v1beta1");
    assert_eq!(answer["response"]["uid"], UID);
    assert_eq!(answer["response"]["allowed"], false);
}

#[test]
fn what_cannot_be_answered_by_its_uid_is_no_review() {
    let with = |change: &dyn Fn(&mut Value)| {
        let mut body = subscription_review("Manual");
        change(&mut body);
        body.to_string().into_bytes()
    };
    let good = String::from_utf8(with(&|_| ())).unwrap();
    let twice = |field: &str| good.replacen(&format!("\"{field}\":"), &format!("\"{field}\":null,\"{field}\":"), 1);
    let mut bom = vec![0xef, 0xbb, 0xbf];
    bom.extend(good.bytes());
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("4", with(&|b| b["apiVersion"] = json!("admission.k8s.io/v2")), "apiVersion has to be admission.k8s.io/v1"),
        ("4", with(&|b| b["apiVersion"] = Value::Null), "apiVersion has to be"),
        ("5", with(&|b| b["kind"] = json!("Pod")), "kind has to be AdmissionReview"),
        ("6", with(&|b| b["request"] = Value::Null), "request is missing"),
        ("6", with(&|b| drop(b.as_object_mut().unwrap().remove("request"))), "request is missing"),
        ("7", with(&|b| b["request"]["uid"] = json!("")), "request.uid is missing"),
        ("7", with(&|b| b["request"]["uid"] = Value::Null), "request.uid is missing"),
        ("7", with(&|b| b["request"]["uid"] = json!(7)), "a value of another type"),
        ("8", with(&|b| b["request"]["uid"] = json!("u".repeat(1 << 20))), "request.uid has 1048576 bytes"),
        ("11", twice("uid").into_bytes(), "duplicate field `uid`"),
        ("11", twice("request").into_bytes(), "duplicate field `request`"),
        ("11", twice("object").into_bytes(), "duplicate field `object`"),
        ("11", twice("operation").into_bytes(), "duplicate field `operation`"),
        ("11", twice("username").into_bytes(), "duplicate field `username`"),
        ("12", b"".to_vec(), "as a JSON object"),
        ("12", b" \n".to_vec(), "as a JSON object"),
        ("12", b"null".to_vec(), "as a JSON object"),
        ("12", b"[]".to_vec(), "as a JSON object"),
        ("12", b"\"x\"".to_vec(), "as a JSON object"),
        ("12", with(&|b| b["request"] = json!("hunter2")), "a value of another type than its field has, at byte"),
        ("12", with(&|b| b["request"]["dryRun"] = json!("hunter2")), "a value of another type"),
        ("14", bom, "as a JSON object"),
        ("14", good.replace("stable", "sta\u{0}ble").into_bytes(), "control character"),
        ("14", [good.as_bytes(), b"\xff"].concat(), "not UTF-8"),
        ("14", good.replace("stable", "\\ud80z").into_bytes(), "escape"),
        ("15", format!("{good}x").into_bytes(), ""),
        ("15", format!("{good}{{}}").into_bytes(), ""),
    ];
    let world = World::built_in();
    for (case, body, expected) in cases {
        let text = world.refused(&body);
        assert!(text.contains(expected), "{case}: {text}");
        assert!(text.len() < 100 && !text.contains("hunter2"), "{case}: {text}");
    }
}

#[test]
fn what_follows_the_document_may_be_blank() {
    // 15
    let body = format!("\n {} \r\n\t", subscription_review("Manual"));
    assert_eq!(World::built_in().ask_bytes(body.as_bytes())["allowed"], false);
}

#[test]
fn unknown_fields_and_their_order_change_nothing() {
    // 9, 10
    let world = World::built_in();
    let body = subscription_review("Manual");
    let expected = world.ask(&body);
    let mut more = body.clone();
    for place in ["", "/request", "/request/kind", "/request/userInfo", "/request/resource"] {
        more.pointer_mut(place).unwrap()["new"] = json!({"deep": [1, {"uid": "no"}]});
    }
    assert_eq!(world.ask(&more), expected);
    let request = body["request"].as_object().unwrap();
    let fields: Vec<String> = request.iter().rev().map(|(k, v)| format!("{}:{v}", json!(k))).collect();
    let reversed = format!(
        r#"{{"request":{{{}}},"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}}"#,
        fields.join(",")
    );
    assert_eq!(world.ask_bytes(reversed.as_bytes()), expected);
}

#[test]
fn half_a_character_is_read_as_go_reads_it() {
    // 14
    let world = World::of(&policy("half", "Deny", "{expression: \"object.spec.x != 'a\u{fffd}b'\", message: seen}"));
    let body = vm_review("CREATE", vm(json!({"x": "PLACE"})), Value::Null).to_string();
    for (text, allowed) in [("a\\ud800b", false), ("a\\udfffb", false), ("a\\ud83d\\ude00b", true)] {
        let response = world.ask_bytes(body.replace("PLACE", text).as_bytes());
        assert_eq!(response["allowed"], allowed, "{text}");
    }
}

#[test]
fn an_unknown_operation_is_refused_where_something_might_deny() {
    // 16
    let world = World::built_in();
    let mut body = subscription_review("Automatic");
    body["request"]["operation"] = json!("PATCH");
    let response = world.ask(&body);
    assert_eq!(response["allowed"], false);
    let message = response["status"]["message"].as_str().unwrap();
    assert!(message.contains("unknown operation 'PATCH'"), "{message}");
    let text = policy("only-warns", "Warn", "{expression: 'false', message: never}");
    let mut body = vm_review("PATCH", vm(json!({})), Value::Null);
    let response = World::of(&text).ask(&body);
    assert_eq!(response["allowed"], true);
    assert_eq!(texts(&response["warnings"]), ["policy error: unknown operation 'PATCH' [only-warns]"]);
    body["request"]["resource"]["resource"] = json!("secrets");
    assert_eq!(World::of(&text).ask(&body), json!({"uid": UID, "allowed": true}));
}

#[test]
fn a_dry_run_gets_the_same_answer_and_is_named_one() {
    // 17
    let world = World::built_in();
    let mut body = subscription_review("Manual");
    let expected = world.ask(&body);
    body["request"]["dryRun"] = json!(true);
    assert_eq!(world.ask(&body), expected);
    let verdict = world.review(body.to_string().as_bytes(), Door::Validate, &Unhurried).unwrap().verdict;
    assert!(verdict.dry_run);
}

#[test]
fn the_same_review_gets_the_same_bytes_and_another_uid_changes_only_the_uid() {
    // 18, 19
    let world = World::built_in();
    let body = subscription_review("Manual").to_string();
    let answer = |body: &str| world.review(body.as_bytes(), Door::Validate, &Unhurried).unwrap().body;
    let first = answer(&body);
    assert_eq!(first, answer(&body));
    let other = "11111111-6393-11e8-b7cc-42010a800002";
    let second = String::from_utf8(answer(&body.replace(UID, other))).unwrap();
    assert_eq!(second.replace(other, UID).into_bytes(), first);
}

#[test]
fn a_thousand_findings_are_cut_and_counted() {
    // 20
    let long = "x".repeat(400);
    let text: String = (0..1000)
        .map(|i| policy(&format!("rule-{i:04}"), "Deny", &format!("{{expression: 'false', message: 'broken {long}'}}")))
        .collect();
    let world = World::of(&text);
    let body = vm_review("CREATE", vm(json!({})), Value::Null).to_string();
    let reviewed = world.review(body.as_bytes(), Door::Validate, &Unhurried).unwrap();
    assert!(reviewed.body.len() <= MAX_ANSWER, "{}", reviewed.body.len());
    let answer: Value = serde_json::from_slice(&reviewed.body).unwrap();
    let status = &answer["response"]["status"];
    let causes = status["details"]["causes"].as_array().unwrap();
    assert!(causes.len() > 10, "{}", causes.len());
    let left = format!("and {} more", 1000 - (causes.len() - 1));
    assert_eq!(causes.last().unwrap()["message"], left);
    assert!(status["message"].as_str().unwrap().ends_with(&left));
}

#[test]
fn the_verdict_names_the_request_and_is_cut() {
    // 8
    let mut body = subscription_review("Manual");
    body["request"]["userInfo"]["username"] = json!("u".repeat(1000));
    body["request"]["uid"] = json!("i".repeat(100));
    let world = World::built_in();
    let verdict = world.review(body.to_string().as_bytes(), Door::Validate, &Unhurried).unwrap().verdict;
    assert_eq!((verdict.uid.len(), verdict.user.len()), (64, 64));
    assert_eq!(verdict.operation, Some(Operation::Create));
    let names = [&verdict.group, &verdict.resource, &verdict.kind, &verdict.namespace, &verdict.name];
    assert_eq!(names, ["operators.coreos.com", "subscriptions", "Subscription", "openshift-cnv", "hco-operatorhub"]);
}
