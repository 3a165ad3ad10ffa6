//! What is generated for `deploy/` is what the policies say now.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop on a broken expectation"
)]

use std::fs;
use std::path::{Path, PathBuf};

use virt_guard::admission::install;
use virt_guard::engine;
use virt_guard::facts::KINDS;
use virt_guard::policy::PolicySet;
use virt_guard::source;

fn policies() -> PolicySet {
    let (policies, problems) = engine::load_policies([]);
    assert!(problems.is_empty(), "{problems:?}");
    policies
}

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy")
}

/// Holds a generated file to its text, or with UPDATE=1 writes it.
fn holds(name: &str, text: &str) {
    let path = deploy().join("base").join(name);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, text).unwrap();
    } else {
        let old = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(old, text, "{} is stale: UPDATE=1 cargo test rewrites it", path.display());
    }
}

#[test]
fn the_webhook_configurations_are_those_of_the_policies() {
    holds("webhooks.yaml", &install::webhook_configurations(&policies()));
}

#[test]
fn the_permissions_are_those_that_the_policies_need() {
    holds("clusterrole.yaml", &install::cluster_role(&policies()));
}

/// Values of a key, wherever it stands in a text.
fn values(text: &str, key: &str) -> Vec<String> {
    let lines = text.lines().map(|line| line.trim_start_matches([' ', '-']));
    lines.filter_map(|line| line.strip_prefix(key)?.strip_prefix(": ").map(str::to_owned)).collect()
}

#[test]
fn nobody_is_given_more_than_reading_what_facts_read() {
    let role = install::cluster_role(&policies());
    assert!(values(&role, "verbs").iter().all(|verbs| verbs == "[list, watch]"), "{role}");
    let plurals = values(&role, "resources");
    for plural in plurals.iter().flat_map(|list| list.trim_matches(['[', ']']).split(", ")) {
        assert!(KINDS.iter().any(|kind| kind.plural == plural), "{plural}");
    }
    assert!(!role.contains("secrets") && !role.contains("configmaps"), "{role}");
}

/// Case 97: what OpenShift reports as VirtualResourceAdmissionError (cluster-kube-apiserver-operator,
/// webhooksupportabilitycontroller), and everything else that is no stored object of ours.
#[test]
fn no_rule_matches_what_is_no_object() {
    let text = install::webhook_configurations(&policies());
    for key in ["apiGroups", "resources"] {
        for value in values(&text, key) {
            assert!(!value.contains('*') && !value.contains("''"), "{key}: {value}");
        }
    }
    for group in values(&text, "apiGroups") {
        assert!(!group.contains("authorization") && !group.contains("authentication"), "{group}");
    }
}

#[test]
fn every_file_is_in_a_kustomization_and_can_be_read() {
    for folder in ["base", "overlays/openshift", "overlays/cert-manager"] {
        let folder = deploy().join(folder);
        let kustomization = fs::read_to_string(folder.join("kustomization.yaml")).unwrap();
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let parsed = source::parse(&name, fs::read(&path).unwrap());
            assert!(parsed.problems.is_empty(), "{name}: {:?}", parsed.problems);
            let named = name == "kustomization.yaml" || kustomization.contains(&name);
            assert!(named, "{name} is in no kustomization");
        }
    }
}
