//! Objects and what is done to them: cases 21 to 30, 39, 44, 45, 69 and 95.

use crate::scene::{Scene, deployed, subscription, vm, world};
use crate::webhook::{Registration, eventually};

#[test]
#[ignore = "needs an API server: make test-cluster"]
fn case_24_a_generated_name_is_shown() {
    let scene = Scene::new("generated-name");
    let text = subscription("x", "Manual").replace("name: x", "generateName: hco-");
    scene.kubectl_with(&["create", "-f", "-"], &text).refused(&["The Subscription \"hco-", "[olm-manual-approval]"]);
}

#[test]
#[ignore = "needs an API server: make test-cluster"]
fn cases_25_28_29_old_sins_may_be_touched_and_new_ones_not_added() {
    let scene = Scene::empty("ratchet");
    scene.apply(&subscription("old", "Manual")).fine();
    scene.apply(&subscription("clean", "Automatic")).fine();
    scene.register(&world().server, &deployed());
    // 28
    scene
        .kubectl(&["label", "subscriptions", "old", "team=virt"])
        .warned(&["[olm-manual-approval]", "was already so before this change"]);
    // 29
    let manual = r#"{"spec":{"installPlanApproval":"Manual"}}"#;
    scene
        .kubectl(&["patch", "subscriptions", "clean", "--type=merge", "-p", manual])
        .refused(&["spec.installPlanApproval", "[olm-manual-approval]"]);
    // 25: the status is OLM's, and nobody's business here.
    let status = r#"{"status":{"state":"AtLatestKnown"}}"#;
    scene.kubectl(&["patch", "subscriptions", "old", "--subresource=status", "--type=merge", "-p", status]).silent();
    // What was repaired stays repaired.
    let automatic = r#"{"spec":{"installPlanApproval":"Automatic"}}"#;
    scene.kubectl(&["patch", "subscriptions", "old", "--type=merge", "-p", automatic]).silent();
    scene.kubectl(&["patch", "subscriptions", "old", "--type=merge", "-p", manual]).refused(&["[olm-manual-approval]"]);
}

#[test]
#[ignore = "needs an API server: make test-cluster"]
fn case_27_what_is_being_deleted_is_let_go() {
    let scene = Scene::new("deleted");
    let text = subscription("hco", "Automatic").replace("{name: hco}", "{name: hco, finalizers: [example.com/wait]}");
    scene.apply(&text).silent();
    scene.kubectl(&["delete", "subscriptions", "hco", "--wait=false"]).fine();
    let wrong = r#"{"spec":{"installPlanApproval":"Manual"},"metadata":{"finalizers":null}}"#;
    scene.kubectl(&["patch", "subscriptions", "hco", "--type=merge", "-p", wrong]).silent();
    scene.kubectl(&["get", "subscriptions", "hco"]).refused(&["NotFound"]);
}

#[test]
#[ignore = "needs an API server: make test-cluster"]
fn case_30_another_version_of_the_kind_is_judged_alike() {
    let scene = Scene::new("versions");
    let text = vm("web", "none", "External");
    let new = scene.apply(&text).warned(&["evictionStrategy is External", "[vm-eviction-external]"]);
    scene.kubectl(&["delete", "virtualmachines.v1.kubevirt.io", "web"]).fine();
    // Rules name v1; the API server converts (matchPolicy Equivalent).
    let old = scene.apply(&text.replace("kubevirt.io/v1\n", "kubevirt.io/v1alpha3\n"));
    let old = old.warned(&["evictionStrategy is External", "[vm-eviction-external]"]);
    assert_eq!(new.err, old.err);
}

#[test]
#[ignore = "needs an API server: make test-cluster"]
fn case_39_nothing_passes_because_it_is_deep() {
    let scene = Scene::new("deep");
    for depth in [127, 128, 1_000, 9_990] {
        let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let text = vm("web", "none", "External");
        let json = crate::webhook::documents(&text)[0].to_string();
        let deep = json.replace(r#""template":{"#, &format!(r#""template":{{"metadata":{{"x":{nested}}},"#));
        let path = format!("{}/deep-{depth}.json", scene.plane.dir.display());
        std::fs::write(&path, &deep).unwrap();
        // kubectl's own reader is not asked: the API server gets the text as it is.
        let uri = format!("/apis/kubevirt.io/v1/namespaces/{}/virtualmachines?dryRun=All", scene.namespace);
        let said = scene.kubectl(&["create", "--raw", &uri, "-f", &path]);
        said.warned(&["[vm-eviction-external]"]);
    }
}

#[test]
#[ignore = "needs an API server: make test-cluster"]
fn case_69_nothing_passes_because_it_is_large() {
    let scene = Scene::new("large");
    // 240 KiB of `<` are 1.4 MB on the wire, 2.9 MiB are 18 MB. kubectl would write them as long itself, so the API server
    // gets the text as it is.
    let uri = format!("/apis/operators.coreos.com/v1alpha1/namespaces/{}/subscriptions", scene.namespace);
    for size in [240 * 1024, 2_900 * 1024] {
        let text = subscription("hco", "Manual").replace("spec:", &format!("spec:\n  large: \"{}\"", "<".repeat(size)));
        let path = format!("{}/large-{size}.json", scene.plane.dir.display());
        std::fs::write(&path, crate::webhook::documents(&text)[0].to_string()).unwrap();
        scene.kubectl(&["create", "--raw", &uri, "-f", &path]).refused(&["[olm-manual-approval]"]);
    }
}

#[test]
#[ignore = "needs an API server: make test-cluster"]
fn case_95_every_way_to_write_is_judged() {
    let scene = Scene::new("ways");
    let (bad, good) = (subscription("hco", "Manual"), subscription("hco", "Automatic"));
    let words = ["[olm-manual-approval]"];
    scene.kubectl_with(&["create", "-f", "-"], &bad).refused(&words);
    scene.kubectl_with(&["apply", "-f", "-"], &bad).refused(&words);
    scene.kubectl_with(&["apply", "--server-side", "-f", "-"], &bad).refused(&words);
    scene.apply(&good).silent();
    scene.kubectl_with(&["apply", "-f", "-"], &bad).refused(&words);
    scene.kubectl_with(&["apply", "--server-side", "--force-conflicts", "-f", "-"], &bad).refused(&words);
    scene.kubectl_with(&["replace", "-f", "-"], &bad).refused(&words);
    let merge = r#"{"spec":{"installPlanApproval":"Manual"}}"#;
    scene.kubectl(&["patch", "subscriptions", "hco", "--type=merge", "-p", merge]).refused(&words);
    let operations = r#"[{"op":"replace","path":"/spec/installPlanApproval","value":"Manual"}]"#;
    scene.kubectl(&["patch", "subscriptions", "hco", "--type=json", "-p", operations]).refused(&words);
    scene.kubectl(&["delete", "subscriptions", "--all"]).silent();
}

#[test]
#[ignore = "needs an API server: make test-cluster"]
fn a_kubevirt_without_the_stanza_is_given_it() {
    let scene = Scene::new("defaults");
    let text = "{apiVersion: kubevirt.io/v1, kind: KubeVirt, metadata: {name: kv}, spec: {configuration: {}}}";
    let methods = || {
        let path = "-o=jsonpath={.spec.workloadUpdateStrategy.workloadUpdateMethods}";
        scene.kubectl(&["get", "kubevirts", "kv", path]).fine().out
    };
    scene.apply(text).silent();
    assert_eq!(methods(), r#"["LiveMigrate"]"#);
    // Again, it changes nothing.
    let again = scene.apply(text).fine();
    assert!(again.out.contains("unchanged"), "{}", again.out);
    // Whoever takes it out later wants that, and hears what it means.
    let out = r#"[{"op":"remove","path":"/spec/workloadUpdateStrategy"}]"#;
    scene.kubectl(&["patch", "kubevirts", "kv", "--type=json", "-p", out]).warned(&["[workload-update-absent]"]);
    assert_eq!(methods(), "");
    // An empty list is somebody's wish too.
    let empty = text.replace("{configuration: {}}", "{workloadUpdateStrategy: {workloadUpdateMethods: []}}");
    scene.apply(&empty.replace("name: kv", "name: empty")).fine();
    let path = "-o=jsonpath={.spec.workloadUpdateStrategy.workloadUpdateMethods}";
    assert_eq!(scene.kubectl(&["get", "kubevirts", "empty", path]).fine().out, "[]");
}

#[test]
#[ignore = "needs an API server: make test-cluster"]
fn cases_44_45_93_who_is_never_asked_about() {
    let scene = Scene::empty("exempt");
    for namespace in ["kube-system", "kube-public", "kube-node-lease", "virt-guard", "openshift-cnv"] {
        scene.label_namespace(namespace);
    }
    // 93: a server that is down refuses what it is asked about, so who is not asked is seen.
    let down = Registration::new("exempt", &deployed()).service(1, &world().server.authority());
    down.apply(scene.plane, "exempt");
    let create = |namespace: &str| {
        let arguments = ["-n", namespace, "create", "--dry-run=server", "-f", "-"];
        scene.plane.kubectl_with(&arguments, &subscription("hco", "Manual"))
    };
    for namespace in ["kube-system", "kube-public", "kube-node-lease", "virt-guard"] {
        create(namespace).silent();
    }
    create("openshift-cnv").refused(&["failed calling webhook \"fail.validate.virt-guard.io\""]);
    // 45
    for ours in ["deployment", "service", "poddisruptionbudget"] {
        let file = format!("deploy/base/{ours}.yaml");
        scene.plane.kubectl(&["apply", "--dry-run=server", "-f", &file]).silent();
    }
    // 44: the second lock, where a selector was lost.
    let lost = Registration::new("exempt", &deployed()).service(world().server.port, &world().server.authority());
    let lost = lost.each(|webhook| {
        let selector = webhook["namespaceSelector"]["matchExpressions"].as_array_mut().unwrap();
        selector.retain(|e| e["operator"] != "NotIn");
    });
    lost.apply(scene.plane, "exempt");
    eventually("openshift-cnv is judged", || create("openshift-cnv").err.contains("[olm-manual-approval]"));
    for namespace in ["kube-system", "kube-public", "kube-node-lease", "virt-guard"] {
        create(namespace).silent();
    }
}
