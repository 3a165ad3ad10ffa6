//! The built-in policies prove themselves: every case holds, and every part of a policy is held by a case.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop on a broken expectation"
)]

use std::path::Path;

use serde_json::Value;
use virt_guard::engine::{self, CaseRun, EMBEDDED, EmbeddedPolicy};
use virt_guard::policy::{self, Expected, PolicyFile, PolicySet};
use virt_guard::source;

fn load(files: &[(&str, &str)]) -> PolicySet {
    let files: Vec<_> = files.iter().map(|(name, text)| PolicyFile { name, text, embedded: true }).collect();
    let (set, problems) = policy::load(&files, &engine::fact_declarations());
    assert!(problems.is_empty(), "\n{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    set
}

/// The built-in policies as they are written.
fn embedded() -> Vec<(&'static str, &'static str)> {
    EMBEDDED.iter().map(EmbeddedPolicy::as_written).collect()
}

fn run(set: &PolicySet) -> Vec<CaseRun> {
    set.iter().flat_map(|p| p.cases.iter().map(|c| engine::run_case(p, c))).collect()
}

fn failures(runs: &[CaseRun]) -> Vec<String> {
    runs.iter()
        .filter_map(|r| r.error.as_ref().map(|e| format!("{} line {}: {}: {e}", r.policy, r.line, r.case)))
        .collect()
}

#[test]
fn every_case_holds() {
    let set = load(&embedded());
    assert!(set.iter().len() > 0);
    let failures = failures(&run(&set));
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[test]
fn what_the_build_script_read_is_what_we_read() {
    for file in EMBEDDED {
        let documents = |text: &str| source::parse(file.name, text.as_bytes().to_vec()).documents;
        let (written, json) = (documents(file.text), documents(file.json));
        assert_eq!(written.len(), json.len(), "{}", file.name);
        for (a, b) in written.iter().zip(&json) {
            assert!(a.tree.root().equals(b.tree.root()), "{}", file.name);
        }
    }
}

#[test]
fn every_policy_has_a_case_that_fails_and_one_that_passes() {
    for policy in load(&embedded()).iter() {
        let has = |wanted: &[Expected]| policy.cases.iter().any(|c| wanted.contains(&c.expected));
        if policy.check.is_some() {
            assert!(has(&[Expected::Deny, Expected::Warn, Expected::Audit]), "{} has no case that fails", policy.id);
        } else {
            assert!(has(&[Expected::Patch]), "{} has no case that patches", policy.id);
        }
        assert!(has(&[Expected::Admit]), "{} has no case that passes", policy.id);
    }
}

#[test]
fn a_policy_is_named_as_its_file_and_stands_in_its_stages_folder() {
    for (name, text) in embedded() {
        let set = load(&[(name, text)]);
        let path = Path::new(name);
        let ids: Vec<&str> = set.iter().map(|p| p.id.as_str()).collect();
        assert_eq!(ids, [path.file_stem().unwrap().to_str().unwrap()], "{name}");
        let folder = path.parent().unwrap().file_name().unwrap().to_str().unwrap();
        assert_eq!(set.iter().next().unwrap().stage().as_str(), folder, "{name}");
    }
}

#[test]
fn fixes_add_and_never_replace() {
    for (name, text) in embedded() {
        for word in ["'replace'", "\"replace\"", "'remove'", "\"remove\""] {
            assert!(!text.contains(&format!("op: {word}")), "{name} has an operation {word}; a fix adds");
        }
    }
}

/// Every way to break a policy: (what was done, its documents afterwards).
fn broken(documents: &[Value]) -> Vec<(String, Vec<Value>)> {
    let mut out = Vec::new();
    for (d, document) in documents.iter().enumerate() {
        let mut with = |what: String, change: &dyn Fn(&mut Value)| {
            let mut changed = documents.to_vec();
            change(&mut changed[d]);
            out.push((what, changed));
        };
        let len = |list: &str| document["spec"][list].as_array().map_or(0, Vec::len);
        match document["kind"].as_str().unwrap() {
            "ValidatingAdmissionPolicy" => {
                for i in 0..len("validations") {
                    for verdict in ["true", "false"] {
                        with(format!("validation {i} is {verdict}"), &|v| {
                            v["spec"]["validations"][i]["expression"] = verdict.into()
                        });
                    }
                }
                for i in 0..len("matchConditions") {
                    with(format!("matchCondition {i} is true"), &|v| {
                        v["spec"]["matchConditions"][i]["expression"] = "true".into()
                    });
                }
            }
            "MutatingAdmissionPolicy" => {
                for i in 0..len("mutations") {
                    with(format!("mutation {i} does nothing"), &|v| {
                        let nothing = match v["spec"]["mutations"][i]["patchType"].as_str() {
                            // An empty list by itself has no type.
                            Some("JSONPatch") => ("jsonPatch", "[JSONPatch{}].filter(p, false)"),
                            _ => ("applyConfiguration", "Object{}"),
                        };
                        v["spec"]["mutations"][i][nothing.0]["expression"] = nothing.1.into();
                    });
                }
                for i in 0..len("matchConditions") {
                    with(format!("the fix's matchCondition {i} is true"), &|v| {
                        v["spec"]["matchConditions"][i]["expression"] = "true".into();
                    });
                }
            }
            _ => {}
        }
    }
    out
}

#[test]
fn whatever_is_broken_in_a_policy_a_case_notices() {
    let mut unnoticed = Vec::new();
    for (name, text) in embedded() {
        let parsed = source::parse(name, text.as_bytes().to_vec());
        let documents: Vec<Value> =
            parsed.documents.iter().map(|d| serde_json::from_str(&d.tree.root().to_string()).unwrap()).collect();
        for (what, changed) in broken(&documents) {
            let text: String = changed.iter().map(|d| format!("{d}\n")).collect();
            let (set, problems) =
                policy::load(&[PolicyFile { name, text: &text, embedded: true }], &engine::fact_declarations());
            assert!(problems.is_empty(), "{name}, {what}: {problems:?}");
            if failures(&run(&set)).is_empty() {
                unnoticed.push(format!("{name}: no case notices that {what}"));
            }
        }
    }
    assert!(unnoticed.is_empty(), "\n{}", unnoticed.join("\n"));
}
