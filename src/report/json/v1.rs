//! `apiVersion: virt-guard.io/v1, kind: Report`, as `schema/report.v1.json` describes it.
//!
//! Everything here is a copy on its way out: no other code takes these types, so that they change only when the version
//! does. Lists stand in the order of the scan, which is stable.

mod copy;
#[cfg(test)]
mod tests;

use serde::Serialize;

use crate::finding::{self, Assessment};
use crate::object;
use crate::report::summary::{self, ExitReason};

/// The report.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report<'a> {
    /// `virt-guard.io/v1`
    pub api_version: &'static str,
    /// `Report`
    pub kind: &'static str,
    /// What wrote it.
    pub tool: Tool,
    /// What was read.
    pub inputs: Inputs<'a>,
    /// The cluster; absent when only manifests were read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<Cluster<'a>>,
    /// All of it in numbers.
    pub summary: Summary,
    /// How the run ended.
    pub exit: Exit<'a>,
    /// The stages of an upgrade in their order.
    pub stages: Vec<Stage<'a>>,
    /// Every finding, also those that are counted with another.
    pub findings: Vec<Finding<'a>>,
    /// What could not be judged.
    pub undecided: Vec<Undecided<'a>>,
    /// What policies failed on.
    pub errors: Vec<PolicyError<'a>>,
    /// What could not be read.
    pub unreadable: Vec<Unreadable<'a>>,
}

/// The program.
#[derive(Debug, Serialize)]
pub struct Tool {
    /// `virt-guard`
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
}

/// What was read.
#[derive(Debug, Serialize)]
pub struct Inputs<'a> {
    /// As a person gave them.
    pub names: &'a [String],
    /// Files read.
    pub files: usize,
    /// Objects seen.
    pub objects: usize,
    /// Objects that at least one policy judged.
    pub judged: usize,
    /// What was left out on purpose.
    pub notes: &'a [String],
}

/// The cluster.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cluster<'a> {
    /// OpenShift's version.
    pub openshift: Option<&'a str>,
    /// The version that is upgraded to.
    pub target: Option<&'a str>,
    /// Nobody gave a target, and the next minor was taken.
    pub target_assumed: bool,
    /// OpenShift Virtualization's version.
    pub virtualization: Option<&'a str>,
    /// KubeVirt's version.
    pub kubevirt: Option<&'a str>,
    /// The time that ages are counted to, RFC 3339.
    pub as_of: Option<&'a str>,
    /// One node.
    pub single_node: bool,
    /// VMs by what a drain does to them; null when that is not known.
    pub machines: Option<Machines>,
}

/// VMs by what a drain of their node does to them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Machines {
    /// All.
    pub total: usize,
    /// Those that run.
    pub running: usize,
    /// Live-migrated.
    pub migrated: usize,
    /// Shut down and started again.
    pub restarted: usize,
    /// Shut down and not started again.
    pub left_off: usize,
    /// Their eviction is refused.
    pub refused: usize,
    /// Not known.
    pub unknown: usize,
}

/// Numbers, as the screens show them.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// `ready`, `not-ready` or `not-everything-checked`; absent when only manifests were read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub readiness: Option<&'static str>,
    /// Findings that count.
    pub findings: Counts,
    /// Their causes.
    pub causes: Counts,
    /// Objects with a finding of that severity.
    pub objects: Counts,
    /// Objects that at least one policy could not judge.
    pub undecided: usize,
    /// Expressions that failed.
    pub errors: usize,
}

/// A number for each severity.
#[derive(Debug, Serialize)]
pub struct Counts {
    /// Blockers.
    pub blocker: usize,
    /// Warnings.
    pub warning: usize,
    /// Infos.
    pub info: usize,
}

/// How the run ended.
#[derive(Debug, Serialize)]
pub struct Exit<'a> {
    /// The exit code.
    pub code: u8,
    /// Half a sentence.
    pub why: &'a str,
}

/// A stage of the upgrade.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stage<'a> {
    /// Which.
    pub stage: &'static str,
    /// `clear`, `findings` or `not-checked`.
    pub state: &'static str,
    /// True when all of its policies looked at all that they are about; with findings, that these are all.
    pub checked: bool,
    /// Policies in force.
    pub policies: usize,
    /// Findings that count.
    pub findings: Counts,
    /// `plural.group` of what its policies are about and nobody collected.
    pub not_collected: Vec<&'a str>,
    /// Objects that one of its policies could not judge.
    pub undecided: usize,
    /// Objects that one of its policies failed on.
    pub failed: usize,
}

/// An object.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Object<'a> {
    /// `group/version`, or `version` for core.
    pub api_version: String,
    /// Its kind.
    pub kind: &'a str,
    /// Its namespace; absent for what has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<&'a str>,
    /// Its name.
    pub name: &'a str,
}

/// What a finding is about.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Subject<'a> {
    /// The object.
    #[serde(flatten)]
    pub object: Object<'a>,
    /// Where it begins in a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Location<'a>>,
    /// The node it runs on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<&'a str>,
}

/// A place in a file.
#[derive(Debug, Serialize)]
pub struct Location<'a> {
    /// The file, as a person named it.
    pub file: &'a str,
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
}

/// Something that decided.
#[derive(Debug, Serialize)]
pub struct Evidence<'a> {
    /// The object it stands in.
    pub object: Object<'a>,
    /// The place in that object.
    pub path: String,
    /// The scalar that stood there; absent for lists, maps and secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<&'a str>,
    /// Nothing stood there.
    pub absent: bool,
    /// What it means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<&'a str>,
    /// The obstacle that it makes, as its component calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'a str>,
    /// Where it stands in a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Location<'a>>,
}

/// A failed validation on a subject.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding<'a> {
    /// Identity across runs, wordings and versions.
    pub fingerprint: String,
    /// The policy's id.
    pub policy: &'a str,
    /// The policy's title.
    pub title: &'a str,
    /// `blocker`, `warning` or `info`.
    pub severity: &'static str,
    /// When it bites.
    pub stage: &'static str,
    /// What it is about.
    pub subject: Subject<'a>,
    /// What is wrong.
    pub what: &'a str,
    /// Why it matters; may be empty.
    pub why: &'a str,
    /// What to do; absent when the policy does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix<'a>>,
    /// The field to change, or the one that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<Evidence<'a>>,
    /// All that decided.
    pub evidence: Vec<Evidence<'a>>,
    /// What it shares with others.
    pub cause: Cause<'a>,
    /// What was assumed.
    pub assumptions: &'a [String],
    /// A binding of the policy denies at admission.
    pub denied_at_admission: bool,
    /// The fingerprint of the finding that it is counted with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counted_with: Option<&'a str>,
}

/// What to do.
#[derive(Debug, Serialize)]
pub struct Fix<'a> {
    /// One sentence.
    pub text: &'a str,
    /// `safe` or `unsafe`; absent where nothing is to be changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grade: Option<&'static str>,
    /// To paste, in order; a line that begins with `#` is a remark.
    pub commands: &'a [String],
    /// RFC 6902 operations on the subject.
    pub patch: &'a [serde_json::Value],
}

/// What findings share.
#[derive(Debug, Serialize)]
pub struct Cause<'a> {
    /// Its identity.
    pub key: &'a str,
    /// Half a sentence that names no subject.
    pub text: &'a str,
}

/// A policy that could not be decided on a subject.
#[derive(Debug, Serialize)]
pub struct Undecided<'a> {
    /// The policy's id.
    pub policy: &'a str,
    /// Its stage.
    pub stage: &'static str,
    /// The subject.
    pub subject: Subject<'a>,
    /// What would have to be known.
    pub missing: Vec<Missing<'a>>,
}

/// Something that would have to be known.
#[derive(Debug, Serialize)]
pub struct Missing<'a> {
    /// As a person names it.
    pub what: &'a str,
    /// `not-collected`, `forbidden`, `stale`, `admission-only`, `not-reported`, `does-not-exist` or `ambiguous`.
    pub why: &'static str,
}

/// A policy that failed on a subject.
#[derive(Debug, Serialize)]
pub struct PolicyError<'a> {
    /// The policy's id.
    pub policy: &'a str,
    /// Its stage.
    pub stage: &'static str,
    /// The subject.
    pub subject: Subject<'a>,
    /// The expression.
    pub expression: &'a str,
    /// What the evaluator said.
    pub message: &'a str,
}

/// Something that could not be read.
#[derive(Debug, Serialize)]
pub struct Unreadable<'a> {
    /// The file.
    pub file: &'a str,
    /// From 1; absent when the whole file is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// From 1; absent when the whole line is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// What is wrong.
    pub message: &'a str,
}

/// The report as a value to serialize; `exit` is how the run ends, as [`summary::exit`] says it.
pub fn report<'a>(assessment: &'a Assessment, exit: &'a ExitReason) -> Report<'a> {
    let Assessment { scan, cluster, inputs } = assessment;
    let counted = summary::Summary::of(assessment);
    Report {
        api_version: "virt-guard.io/v1",
        kind: "Report",
        tool: Tool { name: "virt-guard", version: env!("CARGO_PKG_VERSION") },
        inputs: Inputs {
            names: &inputs.names,
            files: inputs.files,
            objects: scan.objects,
            judged: scan.judged,
            notes: &inputs.notes,
        },
        cluster: cluster.as_ref().map(Cluster::from),
        summary: Summary {
            readiness: cluster.as_ref().map(|_| counted.readiness.as_str()),
            findings: (&counted.findings).into(),
            causes: (&counted.causes).into(),
            objects: (&counted.objects).into(),
            undecided: counted.unjudged,
            errors: counted.failures.len(),
        },
        exit: Exit { code: exit.code.number(), why: &exit.why },
        stages: counted.stages.iter().map(Stage::from).collect(),
        findings: scan.findings.iter().map(Finding::from).collect(),
        undecided: scan.undecided.iter().map(Undecided::from).collect(),
        errors: scan.errors.iter().map(PolicyError::from).collect(),
        unreadable: inputs.unreadable.iter().map(Unreadable::from).collect(),
    }
}

/// The report as indented JSON that ends in a newline.
pub fn render(assessment: &Assessment, exit: &ExitReason) -> String {
    // Strings, numbers, lists, and maps with string keys: writing them to memory cannot fail.
    let mut text = serde_json::to_string_pretty(&report(assessment, exit)).unwrap_or_default();
    text.push('\n');
    text
}
