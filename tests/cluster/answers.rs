//! What reaches a person, and what reaches the audit log: cases 47, 48, 50 and 51. And requests that only users' policies
//! ask for: cases 21, 23 and 26.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use virt_guard::admission::install;
use virt_guard::engine;

use crate::scene::{Scene, file, world};
use crate::webhook::{Server, eventually};

/// A server with users' policies, and the webhook configurations for them.
pub struct Users {
    pub server: Server,
    pub webhooks: String,
}

pub fn users() -> &'static Users {
    static USERS: OnceLock<Users> = OnceLock::new();
    USERS.get_or_init(|| {
        let folder: PathBuf = world().plane.dir.join("policies");
        fs::create_dir_all(&folder).unwrap();
        let texts = [("users.yaml".to_owned(), file("tests/cluster/policies.yaml")), ("many.yaml".to_owned(), many())];
        for (name, text) in &texts {
            fs::write(folder.join(name), text).unwrap();
        }
        let (set, problems) = engine::load_policies(texts.iter().map(|(name, text)| (name.as_str(), text.as_str())));
        assert!(problems.is_empty(), "{problems:?}");
        let server = Server::start(&world().plane.dir, None, &["--policies", folder.to_str().unwrap()]);
        Users { server, webhooks: install::webhook_configurations(&set) }
    })
}

/// A policy with a hundred things to say.
fn many() -> String {
    let validation = |n: usize| {
        format!(
            "  - {{expression: 'false', message: this is number {n} of a hundred things that could be said here}}\n"
        )
    };
    let validations: String = (0..100).map(validation).collect();
    format!(
        "apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {{name: many}}
spec:
  failurePolicy: Ignore
  matchConstraints:
    resourceRules:
    - {{apiGroups: [''], apiVersions: [v1], resources: [configmaps], operations: [CREATE]}}
  matchConditions:
  - {{name: named, expression: object.metadata.name == 'many'}}
  validations:
{validations}---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {{name: many}}
spec: {{policyName: many, validationActions: [Warn]}}
"
    )
}

/// A scene in which the users' policies are asked.
pub fn scene(name: &str) -> Scene {
    let scene = Scene::empty(name);
    scene.register(&users().server, &users().webhooks);
    scene
}

fn config_map(name: &str, data: &str) -> String {
    format!("{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}}}, data: {{{data}}}}}")
}

/// The warnings that kubectl printed.
fn warnings(err: &str) -> Vec<&str> {
    err.lines().filter_map(|line| line.strip_prefix("Warning: ")).collect()
}

#[test]
#[ignore = "needs an API server: make test-cluster"]
fn case_47_a_hundred_warnings_are_cut_to_what_the_api_server_takes() {
    let said = scene("many").apply(&config_map("many", "")).fine();
    let warnings = warnings(&said.err);
    let total: usize = warnings.iter().map(|w| w.chars().count()).sum();
    assert!(total <= 4_096, "{total}");
    assert!(warnings.iter().all(|w| w.chars().count() <= 256), "{warnings:?}");
    let last = warnings.last().unwrap();
    assert!(warnings[0].contains("this is number 0 ") && last.contains("more"), "{warnings:?}");
}

#[test]
#[ignore = "needs an API server: make test-cluster"]
fn case_48_no_control_character_makes_a_warning_vanish() {
    scene("lines").apply(&config_map("lines", "")).warned(&["one", "two", "three", "four", "[lines]"]);
}

#[test]
#[ignore = "needs an API server: make test-cluster"]
fn case_50_the_same_words_about_two_fields_are_two_warnings() {
    let said = scene("twins").apply(&config_map("twins", "first: bad, second: bad")).fine();
    let warnings = warnings(&said.err);
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].contains("data.first") && warnings[1].contains("data.second"), "{warnings:?}");
}

#[test]
#[ignore = "needs an API server: make test-cluster"]
fn case_51_the_audit_log_names_policies_and_never_contents() {
    let scene = scene("audited");
    scene.apply(&config_map("audited", "word: canary-5c2f")).silent();
    let mut ours = Vec::new();
    eventually("the request is in the audit log", || {
        let events = scene.plane.audit();
        let event = events.iter().find(|e| {
            e["objectRef"]["namespace"] == "audited" && e["objectRef"]["name"] == "audited" && e["verb"] == "create"
        });
        let annotations = event.and_then(|e| e["annotations"].as_object()).cloned().unwrap_or_default();
        ours = annotations.into_iter().filter(|(key, _)| key.contains("validate.virt-guard.io/")).collect();
        !ours.is_empty()
    });
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    assert!(ours.iter().any(|(key, value)| format!("{key}{value}").contains("audited")), "{ours:?}");
    for (key, value) in &ours {
        assert!(text(value).len() <= 1024, "{key}");
        assert!(!text(value).contains("canary-5c2f"), "{key}: {value}");
    }
    let logged = format!("{:?}", users().server.log());
    assert!(!logged.contains("canary-5c2f"), "{logged}");
}

#[test]
#[ignore = "needs an API server: make test-cluster"]
fn case_21_a_deletion_is_judged_by_what_is_deleted() {
    let scene = scene("deletions");
    let vm = |name: &str, labels: &str| {
        let metadata = format!("{{name: {name}, labels: {{{labels}}}}}");
        format!("{{apiVersion: kubevirt.io/v1, kind: VirtualMachine, metadata: {metadata}, spec: {{template: {{}}}}}}")
    };
    scene.apply(&vm("kept", "keep: 'yes'")).fine();
    scene.apply(&vm("other", "")).fine();
    scene.kubectl(&["delete", "vm", "other"]).silent();
    scene.kubectl(&["delete", "vm", "kept"]).refused(&["it is to be kept", "[keep]"]);
    // Each object of a collection is one call.
    scene.apply(&vm("other", "")).fine();
    scene.kubectl(&["delete", "vm", "--all"]).refused(&["[keep]"]);
    scene.kubectl(&["get", "vm", "kept"]).fine();
    scene.kubectl(&["get", "vm", "other"]).refused(&["NotFound"]);
}

#[test]
#[ignore = "needs an API server: make test-cluster"]
fn case_23_a_connection_is_judged_by_its_options() {
    let scene = scene("connections");
    let container = "{name: main, image: none}";
    let spec = format!("{{nodeName: node-a, containers: [{container}]}}");
    scene.apply(&format!("{{apiVersion: v1, kind: Pod, metadata: {{name: guest}}, spec: {spec}}}")).fine();
    scene.kubectl(&["exec", "guest", "--", "rm", "-rf", "/"]).refused(&["nothing is removed by hand", "[no-rm]"]);
    // There is no kubelet behind it, which is where this one gets.
    let passed = scene.kubectl(&["exec", "guest", "--", "ls"]);
    assert!(!passed.ok && !passed.err.contains("virt-guard") && !passed.err.contains("[no-rm]"), "{}", passed.err);
}

#[test]
#[ignore = "needs an API server: make test-cluster"]
fn case_26_a_scale_is_no_machine() {
    let scene = scene("scales");
    let spec = "{replicas: 1, template: {spec: {evictionStrategy: External}}}";
    let set = format!(
        "{{apiVersion: kubevirt.io/v1, kind: VirtualMachineInstanceReplicaSet, metadata: {{name: pool}}, spec: {spec}}}"
    );
    scene.apply(&set).fine();
    let scale = |replicas: &str| scene.kubectl(&["scale", "virtualmachineinstancereplicasets", "pool", replicas]);
    scale("--replicas=2").silent();
    scale("--replicas=5").refused(&["three replicas are enough", "[few-replicas]"]);
}
