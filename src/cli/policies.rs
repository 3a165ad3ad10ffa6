//! `policies`: which policies are in force, as a table.

use clap::Args;
use serde::Serialize;

use super::options::Format;
use super::policy_files::PolicyOptions;
use super::terminal;
use crate::policy::{Policy, PolicySet, admission};
use crate::report::summary::ExitCode;

const EXAMPLES: &str = "\
Examples:
  virt-guard policies                      what is built in
  virt-guard policies --policies mine/     with your own
  virt-guard policies -o json

virt-guard explain POLICY says what one looks for, why, and what to do about it.";

/// List the policies in force
///
/// A policy that reads no facts is portable: the API server can run it as it stands, from the Kubernetes version that is
/// shown. The others need what virt-guard knows about KubeVirt and OpenShift.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    policies: PolicyOptions,
    /// text or json
    #[arg(short, long, value_name = "FORMAT", value_parser = Format::parse, default_value = "text")]
    output: Format,
}

impl Arguments {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let policies = self.policies.load()?;
        let text = match self.output {
            Format::Text => table(&policies),
            Format::Json => json(&policies)?,
        };
        terminal::print(&text)?;
        Ok(ExitCode::Clean)
    }
}

/// In the order of an upgrade.
fn sorted(policies: &PolicySet) -> Vec<&Policy> {
    let mut policies: Vec<&Policy> = policies.iter().collect();
    policies.sort_by_key(|policy| (policy.stage(), &policy.id));
    policies
}

/// `blocker`, or the constant that it falls back to and a mark that it depends.
fn severity(policy: &Policy) -> String {
    let depends = if policy.notes.severity_expression.is_some() { " *" } else { "" };
    format!("{}{depends}", policy.severity())
}

fn fix(policy: &Policy) -> &'static str {
    policy.notes.fix.as_ref().and_then(|fix| fix.grade).map_or("-", |grade| grade.as_str())
}

/// Where it can run: `Kubernetes 1.30`, or the facts that only virt-guard has.
fn runs(policy: &Policy) -> String {
    let (major, minor) = policy.kubernetes;
    if policy.is_portable() {
        return format!("portable, Kubernetes {major}.{minor}");
    }
    let facts: Vec<&str> = policy.facts.iter().map(String::as_str).collect();
    format!("facts: {}", facts.join(", "))
}

fn table(policies: &PolicySet) -> String {
    let head = ["STAGE", "POLICY", "SEVERITY", "ADMISSION", "FIX", "RUNS"].map(str::to_owned);
    let row = |policy: &Policy| {
        let admission = admission(policy).replace('–', "-");
        let stage = policy.stage().title().to_owned();
        [stage, policy.id.clone(), severity(policy), admission, fix(policy).to_owned(), runs(policy)]
    };
    let rows: Vec<[String; 6]> = std::iter::once(head).chain(sorted(policies).into_iter().map(row)).collect();
    let mut out = columns(&rows);
    if rows.iter().any(|[_, _, severity, ..]| severity.ends_with('*')) {
        out.push_str("\n* depends on how the cluster stands\n");
    }
    out
}

/// Rows with every column as wide as its widest cell, two blanks apart.
fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &[String; N]| {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

/// `apiVersion: virt-guard.io/v1, kind: PolicyList`. Fields are added and never changed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PolicyListV1<'p> {
    api_version: &'static str,
    kind: &'static str,
    policies: Vec<PolicyV1<'p>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PolicyV1<'p> {
    id: &'p str,
    title: &'p str,
    stage: &'static str,
    severity: &'static str,
    /// True when an expression may give another severity.
    severity_depends: bool,
    /// `None`, `Audit`, `Warn` or `Deny`: the strictest thing that it does to anything.
    admission: &'static str,
    /// Changes objects at admission.
    mutates: bool,
    /// Offers a fix that can be applied.
    has_patch: bool,
    fix_grade: Option<&'static str>,
    /// Runs in the API server as it stands.
    portable: bool,
    /// Least Kubernetes version that knows every function it uses.
    kubernetes: String,
    facts: Vec<&'p str>,
    /// `plural.group`
    resources: Vec<String>,
    built_in: bool,
    cases: usize,
}

fn json(policies: &PolicySet) -> anyhow::Result<String> {
    let policies = sorted(policies).into_iter().map(|policy| PolicyV1 {
        id: &policy.id,
        title: &policy.notes.title,
        stage: policy.stage().as_str(),
        severity: policy.severity().as_str(),
        severity_depends: policy.notes.severity_expression.is_some(),
        admission: policy.strictest_effect().as_str(),
        mutates: policy.mutation.as_ref().is_some_and(|m| m.bound),
        has_patch: policy.mutation.is_some(),
        fix_grade: policy.notes.fix.as_ref().and_then(|fix| fix.grade).map(|grade| grade.as_str()),
        portable: policy.is_portable(),
        kubernetes: format!("{}.{}", policy.kubernetes.0, policy.kubernetes.1),
        facts: policy.facts.iter().map(String::as_str).collect(),
        resources: resources(policy),
        built_in: policy.embedded,
        cases: policy.cases.len(),
    });
    let list = PolicyListV1 { api_version: "virt-guard.io/v1", kind: "PolicyList", policies: policies.collect() };
    Ok(serde_json::to_string_pretty(&list)? + "\n")
}

/// `plural.group` of what it matches.
pub fn resources(policy: &Policy) -> Vec<String> {
    let name = |(group, plural): (String, String)| if group.is_empty() { plural } else { format!("{plural}.{group}") };
    policy.resources().into_iter().map(name).collect()
}
