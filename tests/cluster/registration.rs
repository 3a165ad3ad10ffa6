//! Who is asked about, and by whom: cases 93 (in `objects`), 94 and the URL form.

use serde_json::json;

use crate::scene::{Scene, deployed, subscription, world};
use crate::webhook::Registration;

#[test]
#[ignore = "needs an API server: make test-cluster"]
fn a_webhook_that_is_registered_by_url_is_called_alike() {
    let scene = Scene::empty("url");
    let server = &world().server;
    Registration::new("url", &deployed()).url(server.port, &server.authority()).apply(scene.plane, "url");
    scene.apply(&subscription("hco", "Manual")).refused(&["spec.installPlanApproval", "[olm-manual-approval]"]);
    scene.apply(&subscription("hco", "Automatic")).silent();
}

/// Nobody answers, every webhook may block, and every operation is asked about: what a condition does not exclude is
/// refused, and a condition that fails is refused with other words.
#[test]
#[ignore = "needs an API server: make test-cluster"]
fn case_94_the_conditions_hold_for_every_request() {
    let scene = Scene::empty("conditions");
    scene.apply(&subscription("old", "Automatic")).fine();
    let finalizer = "{name: going, finalizers: [example.com/wait]}";
    scene.apply(&subscription("going", "Automatic").replace("{name: going}", finalizer)).fine();
    scene.kubectl(&["delete", "subscriptions", "going", "--wait=false"]).fine();
    let down = Registration::new("conditions", &deployed()).service(1, &world().server.authority());
    let down = down.each(|webhook| {
        webhook["failurePolicy"] = json!("Fail");
        webhook["rules"][0]["operations"] = json!(["*"]);
    });
    down.apply(scene.plane, "conditions");
    let asked = "failed calling webhook";
    let bad = subscription("new", "Manual");
    // CREATE, UPDATE and DELETE (where the object is null) by a person.
    scene.kubectl_with(&["create", "-f", "-"], &bad).refused(&[asked]);
    scene.kubectl(&["label", "subscriptions", "old", "a=b"]).refused(&[asked]);
    scene.kubectl(&["delete", "subscriptions", "old"]).refused(&[asked]);
    // Somebody without groups of his own, and nobody at all.
    for who in [&["--as=somebody"][..], &["--as=system:anonymous", "--as-group=system:unauthenticated"]] {
        let with_rights = [who, &["--as-group=system:masters", "create", "-f", "-"]].concat();
        scene.kubectl_with(&with_rights, &bad).refused(&[asked]);
    }
    // An upgrade goes on while every replica is dead.
    for who in [
        "system:serviceaccount:openshift-cnv:hyperconverged-cluster-operator",
        "system:serviceaccount:kubevirt:kubevirt-controller",
        "system:serviceaccount:openshift-operator-lifecycle-manager:olm-operator-serviceaccount",
    ] {
        let who = format!("--as={who}");
        let arguments = [&*who, "--as-group=system:masters", "create", "--dry-run=server", "-f", "-"];
        scene.kubectl_with(&arguments, &bad).silent();
    }
    for group in ["--as-group=system:nodes", "--as-group=system:serviceaccounts:kube-system"] {
        let arguments = ["--as=x", group, "--as-group=system:masters", "create", "--dry-run=server", "-f", "-"];
        scene.kubectl_with(&arguments, &bad).silent();
    }
    // What is being deleted goes.
    let gone = r#"{"metadata":{"finalizers":null}}"#;
    scene.kubectl(&["patch", "subscriptions", "going", "--type=merge", "-p", gone]).silent();
    let metrics = scene.plane.kubectl(&["get", "--raw", "/metrics"]).fine().out;
    let errors = metrics.lines().find(|line| {
        line.starts_with("apiserver_admission_match_condition_evaluation_errors_total{")
            && line.contains("virt-guard.io")
    });
    assert_eq!(errors, None);
}
