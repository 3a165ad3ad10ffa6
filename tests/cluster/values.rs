//! Numbers, quantities and durations are read as the API server's own policies read them: cases 34 to 36; and case 100: the
//! portable policies find the same as they do inside the API server.

use serde_json::{Value, json};

use crate::answers;
use crate::control_plane::Said;
use crate::scene::{Scene, deployed, subscription, world};
use crate::webhook::{Server, documents, eventually};
use virt_guard::engine::{self, EMBEDDED, EmbeddedPolicy};

/// Applies policies to the API server itself, for one namespace, their bindings with these actions.
fn native(scene: &Scene, documents: Vec<Value>, suffix: &str, actions: Option<&[&str]>) {
    for mut document in documents {
        let kind = document["kind"].as_str().unwrap().to_owned();
        if !kind.starts_with("ValidatingAdmissionPolicy") {
            continue;
        }
        let name = format!("{}-{suffix}", document["metadata"]["name"].as_str().unwrap());
        document["metadata"]["name"] = json!(name);
        if kind == "ValidatingAdmissionPolicyBinding" {
            document["spec"]["policyName"] = json!(name);
            let here = json!({"matchLabels": {"kubernetes.io/metadata.name": scene.namespace}});
            document["spec"]["matchResources"] = json!({"namespaceSelector": here});
            if let Some(actions) = actions {
                document["spec"]["validationActions"] = json!(actions);
            }
        }
        scene.plane.apply(&document.to_string()).fine();
    }
}

fn instance(kind: &str, value: &str) -> String {
    format!(
        "{{apiVersion: kubevirt.io/v1, kind: VirtualMachineInstance, metadata: {{name: x}}, \
         spec: {{as: {kind}, value: {value}}}}}"
    )
}

/// What is said about a value: the message without what stands around it; what is said about an error differs.
fn verdict(said: &Said) -> String {
    if !said.ok {
        return "refused".to_owned();
    }
    let kinds = ["an int, ", "a double, ", "something, ", "no quantity", "a quantity, ", "a duration, "];
    let found = kinds.iter().find_map(|kind| said.err.find(kind));
    let text = found.and_then(|at| said.err.get(at..)).unwrap_or("nothing");
    let line = text.lines().next().unwrap_or_default();
    line.split(['[', ';', '(']).next().unwrap_or_default().trim().trim_end_matches('.').to_owned()
}

#[test]
#[ignore = "needs an API server: make test-cluster"]
fn cases_34_35_36_values_mean_what_they_mean_to_the_api_server() {
    let scene = answers::scene("values");
    let native_scene = Scene::empty("values-native");
    let policies = documents(&crate::scene::file("tests/cluster/policies.yaml"));
    let values = policies.into_iter().filter(|d| d["metadata"]["name"] == "values").collect();
    native(&native_scene, values, "native", None);
    let create = |scene: &Scene, text: &str| scene.kubectl_with(&["create", "--dry-run=server", "-f", "-"], text);
    eventually("the API server's own policy is in force", || {
        create(&native_scene, &instance("number", "1")).err.contains("an int, 1")
    });
    for (kind, values) in [
        (
            "number",
            &[
                "1",
                "1.0",
                "1.5",
                "-0",
                "9007199254740993",
                "9223372036854775807",
                "9223372036854775808",
                "18446744073709551615",
                "1e308",
                "true",
            ][..],
        ),
        ("quantity", &["1Gi", "1.5Gi", "'0.5'", "'1e3'", "'-1'", "''", "1 Gi"][..]),
        ("duration", &["1m0s", "'60'", "1h1h", "'-1m'", "1.5h", "''", "1d"][..]),
    ] {
        for value in values {
            let text = instance(kind, value);
            let (ours, theirs) = (create(&scene, &text), create(&native_scene, &text));
            assert_eq!(verdict(&ours), verdict(&theirs), "{kind} {value}\nours: {}\ntheirs: {}", ours.err, theirs.err);
        }
    }
}

#[test]
#[ignore = "needs an API server: make test-cluster"]
fn case_100_portable_policies_find_the_same_inside_the_api_server() {
    let scene = Scene::empty("both");
    let server = Server::start(&world().plane.dir, None, &["--enforcement", "warn"]);
    scene.register(&server, &deployed());
    let (set, _) = engine::load_policies([]);
    let portable: Vec<String> = set
        .iter()
        .filter(|p| p.check.is_some() && p.acts_at_admission() && p.is_portable())
        .map(|p| p.id.clone())
        .collect();
    assert!(portable.len() > 2, "{portable:?}");
    for (_, text) in EMBEDDED.iter().map(EmbeddedPolicy::as_written) {
        let documents = documents(text);
        if portable.iter().any(|id| documents[0]["metadata"]["name"] == **id) {
            native(&scene, documents, "native", Some(&["Warn"]));
        }
    }
    let kubevirt = |name: &str, spec: &str| {
        format!("{{apiVersion: kubevirt.io/v1, kind: KubeVirt, metadata: {{name: {name}}}, spec: {{{spec}}}}}")
    };
    let methods = |methods: &str| format!("workloadUpdateStrategy: {{workloadUpdateMethods: {methods}}}");
    let mut compared = 0;
    for text in [
        subscription("manual", "Manual"),
        subscription("both", "Manual").replace("channel: stable", "channel: candidate"),
        subscription("fine", "Automatic"),
        kubevirt("typo", &methods("[LiveMigrat]")),
        kubevirt("fine", &methods("[LiveMigrate, Evict]")),
    ] {
        // The API server takes a moment to learn its own policies.
        let mut said = String::new();
        eventually("both find the same", || {
            said = scene.kubectl_with(&["create", "--dry-run=server", "-f", "-"], &text).fine().err;
            let theirs: Vec<&str> = said.lines().filter_map(found_inside).map(|found| found.0).collect();
            let ours: Vec<&String> = portable.iter().filter(|id| said.contains(&format!("[{id}]"))).collect();
            compared += theirs.len();
            theirs.len() == ours.len() && ours.iter().all(|id| theirs.contains(&id.as_str()))
        });
        // And it is the same words.
        for (_, message) in said.lines().filter_map(found_inside) {
            let of_ours = |line: &str| line.contains(message) && found_inside(line).is_none();
            assert!(said.lines().any(of_ours), "{message}: {said}");
        }
    }
    assert!(compared >= 3, "the API server's own policies found {compared} things");
}

/// The policy and the message of a warning of the API server's own policies.
fn found_inside(line: &str) -> Option<(&str, &str)> {
    let (policy, rest) =
        line.strip_prefix("Warning: Validation failed for ValidatingAdmissionPolicy '")?.split_once('\'')?;
    Some((policy.strip_suffix("-native")?, rest.split_once("': ")?.1))
}
