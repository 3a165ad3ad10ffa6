//! What the README shows is what the program does: its table of policies and its screens are generated
//! (`UPDATE=1 cargo test` rewrites them).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop on a broken expectation")]

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use virt_guard::engine::{self, EMBEDDED, EmbeddedPolicy};
use virt_guard::policy::{self, PolicySet};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const BEGIN: &str = "<!-- generated: ";
const END: &str = "<!-- end of generated -->";

fn load(extra: Option<(&'static str, &'static str)>) -> PolicySet {
    let (set, problems) = engine::load_files(EMBEDDED.iter().map(EmbeddedPolicy::as_written).chain(extra), []);
    assert!(problems.is_empty(), "{problems:?}");
    set
}

/// The text with every part between a mark `<!-- generated: WHAT -->` and its end made anew by `make`.
fn regenerate(text: &str, make: impl Fn(&str) -> String) -> String {
    let mut parts = text.split(BEGIN);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (what, rest) = part.split_once(" -->\n").expect("a mark ends its line");
        let (_, tail) = rest.split_once(END).unwrap_or_else(|| panic!("{what} has no end"));
        out.push_str(&format!("{BEGIN}{what} -->\n{}{END}{tail}", make(what)));
    }
    out
}

/// What a mark stands for: the table, or what a command prints. `| head -N` cuts it, as it does in a shell.
fn generate(what: &str) -> String {
    if what == "policies" {
        return policy::markdown_table(&load(None));
    }
    let (command, most) = what.split_once(" | head -").map_or((what, None), |(c, n)| (c, Some(n.parse().unwrap())));
    let mut words = command.split_whitespace();
    assert_eq!(words.next(), Some("virt-guard"), "{what}");
    let run = Command::new(env!("CARGO_BIN_EXE_virt-guard"))
        .args(words)
        .current_dir(ROOT)
        .env_clear()
        .env("LANG", "C.UTF-8")
        .output()
        .unwrap();
    let stdout = String::from_utf8(run.stdout).unwrap();
    let lines: Vec<&str> = stdout.lines().take(most.unwrap_or(usize::MAX)).collect();
    format!("```console\n$ {what}\n{}\n```\n", lines.join("\n"))
}

#[test]
fn the_readme_shows_what_the_program_does() {
    let path = Path::new(ROOT).join("README.md");
    let file = fs::read_to_string(&path).unwrap();
    assert!(file.matches(BEGIN).count() >= 3, "a table and a screen of each door");
    let new = regenerate(&file, generate);
    if env::var_os("UPDATE").is_some() {
        fs::write(&path, new).unwrap();
    } else {
        assert_eq!(file, new, "README.md is stale: UPDATE=1 cargo test rewrites it");
    }
}

#[test]
fn one_policy_more_is_one_row_more() {
    let extra = r#"
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: aaa-example}
spec:
  matchConstraints:
    resourceRules:
    - {apiGroups: [""], apiVersions: [v1], resources: [configmaps], operations: [CREATE]}
  validations:
  - {expression: "has(object.data)", message: no data}
---
apiVersion: virt-guard.io/v1
kind: PolicyNotes
metadata: {name: aaa-example}
spec: {title: A ConfigMap without data, severity: info, stage: before}
"#;
    let before = policy::markdown_table(&load(None));
    let after = policy::markdown_table(&load(Some(("policies/before/aaa-example.yaml", extra))));
    let new: Vec<&str> = after.lines().filter(|l| !before.contains(*l)).collect();
    assert_eq!(new, ["| `aaa-example` | A ConfigMap without data | before | info | – | – |"]);
}

#[test]
fn only_what_stands_between_marks_is_rewritten() {
    let text = format!("a\n{BEGIN}x -->\nold\n{END}\nb\n{BEGIN}y -->\n{END}\n");
    let new = regenerate(&text, |what| format!("new {what}\n"));
    assert_eq!(new, format!("a\n{BEGIN}x -->\nnew x\n{END}\nb\n{BEGIN}y -->\nnew y\n{END}\n"));
}
