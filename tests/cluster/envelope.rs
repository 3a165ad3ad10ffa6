//! Requests and answers: cases 1, 2 and 17.

use crate::scene::{Scene, claim, subscription, vm};
use crate::webhook::eventually;

#[test]
#[ignore = "needs an API server: make test-cluster"]
fn case_1_what_is_right_passes_without_a_word() {
    let scene = Scene::new("right");
    scene.apply(&subscription("hco", "Automatic")).silent();
    scene.apply(&claim("disk", "shared")).silent();
    eventually("a VM on a disk that every node reaches passes in silence", || {
        let said = scene.kubectl_with(&["create", "--dry-run=server", "-f", "-"], &vm("web", "disk", "LiveMigrate"));
        said.ok && said.err.is_empty()
    });
    scene.apply(&vm("web", "disk", "LiveMigrate")).silent();
}

#[test]
#[ignore = "needs an API server: make test-cluster"]
fn case_2_what_is_wrong_is_refused_with_what_to_do() {
    let scene = Scene::new("wrong");
    scene.apply(&subscription("hco", "Manual")).refused(&[
        "The Subscription \"hco\" is invalid: spec.installPlanApproval: ",
        "installPlanApproval is Manual, so every update of kubevirt-hyperconverged waits for a person",
        "Set installPlanApproval to Automatic",
        "[olm-manual-approval]",
    ]);
    scene.apply(&claim("disk", "local")).silent();
    let refused = || scene.apply(&vm("db", "disk", "LiveMigrate"));
    eventually("the volume is known", || refused().err.contains("cannot live-migrate"));
    refused().refused(&[
        "The VirtualMachine \"db\" is invalid: ",
        "evictionStrategy is LiveMigrate, but the VM cannot live-migrate",
        "LiveMigrateIfPossible",
        "[vm-live-migrate-not-migratable]",
    ]);
    scene.kubectl(&["get", "vm", "db"]).refused(&["NotFound"]);
}

#[test]
#[ignore = "needs an API server: make test-cluster"]
fn cases_17_and_96_a_dry_run_is_judged_as_the_real_thing() {
    let scene = Scene::new("dry-run");
    let (bad, good) = (subscription("hco", "Manual"), subscription("hco", "Automatic"));
    let dry = scene.kubectl_with(&["apply", "--dry-run=server", "-f", "-"], &bad).refused(&["[olm-manual-approval]"]);
    let real = scene.apply(&bad).refused(&["[olm-manual-approval]"]);
    assert_eq!(dry.err, real.err);
    scene.kubectl_with(&["apply", "--dry-run=server", "-f", "-"], &good).silent();
    scene.kubectl(&["get", "subscriptions", "hco"]).refused(&["NotFound"]);
}
