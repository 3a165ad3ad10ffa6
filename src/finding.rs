//! What a failed validation becomes, and what a scan of many objects gives.
//!
//! Knows severities, stages, texts and identity. Must not know policies' documents, kinds, or how anything is shown.

use std::collections::BTreeMap;
use std::fmt;

use sha2::{Digest, Sha256};

use crate::object::{Cause, Evidence, Location, MissingSet, ObjectRef};

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Worth a look before the upgrade.
    Warning,
    /// The upgrade stops here.
    Blocker,
}

impl Severity {
    /// `info`, `warning` or `blocker`.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Blocker => "blocker",
        }
    }

    /// From the word in a policy or on the command line.
    pub fn parse(word: &str) -> Option<Self> {
        [Severity::Info, Severity::Warning, Severity::Blocker].into_iter().find(|s| s.as_str() == word)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// When in an upgrade a finding bites, in the order of an upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Before anything moves.
    Before,
    /// OpenShift's control plane.
    ControlPlane,
    /// Draining and rebooting the nodes.
    NodeDrain,
    /// The virtualization operator.
    OperatorUpdate,
    /// Moving running VMs to the new virt-launcher.
    WorkloadUpdate,
    /// When all is done.
    AfterUpdate,
    /// Policies that do not say.
    Other,
}

impl Stage {
    /// All stages, in the order of an upgrade.
    pub const ALL: [Stage; 7] = [
        Stage::Before,
        Stage::ControlPlane,
        Stage::NodeDrain,
        Stage::OperatorUpdate,
        Stage::WorkloadUpdate,
        Stage::AfterUpdate,
        Stage::Other,
    ];

    /// As policies and JSON write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Before => "before",
            Stage::ControlPlane => "control-plane",
            Stage::NodeDrain => "node-drain",
            Stage::OperatorUpdate => "operator-update",
            Stage::WorkloadUpdate => "workload-update",
            Stage::AfterUpdate => "after-update",
            Stage::Other => "other",
        }
    }

    /// As people read it.
    pub fn title(self) -> &'static str {
        match self {
            Stage::Before => "before",
            Stage::ControlPlane => "control plane",
            Stage::NodeDrain => "node drain",
            Stage::OperatorUpdate => "operator update",
            Stage::WorkloadUpdate => "workload update",
            Stage::AfterUpdate => "after update",
            Stage::Other => "other policies",
        }
    }

    /// From the word in a policy; `other` is not to be written.
    pub fn parse(word: &str) -> Option<Self> {
        Stage::ALL.into_iter().find(|s| s.as_str() == word && *s != Stage::Other)
    }
}

/// What it may do to set a fix in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// Cannot interrupt or start anything.
    Safe,
    /// Can.
    Unsafe,
}

impl Grade {
    /// `safe` or `unsafe`.
    pub fn as_str(self) -> &'static str {
        match self {
            Grade::Safe => "safe",
            Grade::Unsafe => "unsafe",
        }
    }
}

/// What to do about a finding.
#[derive(Clone, Debug)]
pub struct Fix {
    /// One sentence.
    pub text: String,
    /// What it may do; `None` where nothing is to be changed.
    pub grade: Option<Grade>,
    /// Commands to paste, in order; a line that begins with `#` says what the next one does or interrupts.
    pub commands: Vec<String>,
}

/// What a finding is about.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The object.
    pub object: ObjectRef,
    /// Where it begins, when it came from a file.
    pub location: Option<Location>,
    /// The node it runs on, for a VMI.
    pub node: Option<String>,
}

/// A failed validation on a subject.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The policy's id.
    pub policy: String,
    /// The policy's title, as a heading.
    pub title: String,
    /// How much it matters.
    pub severity: Severity,
    /// When it bites.
    pub stage: Stage,
    /// What it is about.
    pub subject: Subject,
    /// What is wrong, in one sentence that stands alone.
    pub what: String,
    /// Why it matters, in one sentence; empty when the policy does not say.
    pub why: String,
    /// What to do; `None` when the policy does not say.
    pub fix: Option<Fix>,
    /// The field to change, or the one that decided.
    pub field: Option<Evidence>,
    /// What decided.
    pub evidence: Vec<Evidence>,
    /// What it shares with others.
    pub cause: Cause,
    /// Reads on: what was assumed ("the KubeVirt version is not known").
    pub assumptions: Vec<String>,
    /// RFC 6902 operations on the subject that the policy's own fix makes; empty when it offers none.
    pub patch: Vec<serde_json::Value>,
    /// True when a binding of the policy denies at admission.
    pub denied_at_admission: bool,
    /// The fingerprint of the finding that this one is counted with (a VM's with its VMI's).
    pub counted_with: Option<Fingerprint>,
}

/// Identity of a finding across runs, wordings, versions and doors.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub String);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Finding {
    /// SHA-256, in hexadecimal, over `1`, policy, group, kind, namespace, name and cause key, each followed by a NUL byte.
    pub fn fingerprint(&self) -> Fingerprint {
        let object = &self.subject.object;
        let namespace = object.namespace.as_deref().unwrap_or_default();
        let mut hash = Sha256::new();
        for part in ["1", &self.policy, &object.group, &object.kind, namespace, &object.name, &self.cause.key] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        Fingerprint(hash.finalize().iter().map(|b| format!("{b:02x}")).collect())
    }
}

/// A policy that could not be decided on a subject.
#[derive(Clone, Debug)]
pub struct Undecided {
    /// The policy's id.
    pub policy: String,
    /// Its stage.
    pub stage: Stage,
    /// The subject.
    pub subject: Subject,
    /// What would have to be known.
    pub missing: MissingSet,
}

/// A policy that failed on a subject; the policy is wrong, not the object.
#[derive(Clone, Debug)]
pub struct PolicyError {
    /// The policy's id.
    pub policy: String,
    /// Its stage.
    pub stage: Stage,
    /// The subject.
    pub subject: Subject,
    /// The expression.
    pub expression: String,
    /// What the evaluator said.
    pub message: String,
}

/// What a scan did with one policy.
#[derive(Clone, Debug)]
pub struct PolicyRun {
    /// The stage it belongs to.
    pub stage: Stage,
    /// Objects that it matched and judged.
    pub judged: usize,
    /// `plural.group` of kinds that it reads and that were not collected; a tick for its stage would be a lie.
    pub not_collected: Vec<String>,
}

/// Everything that a scan found.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    /// By severity (most severe first), policy, namespace, name and field.
    pub findings: Vec<Finding>,
    /// By policy and subject.
    pub undecided: Vec<Undecided>,
    /// By policy and subject.
    pub errors: Vec<PolicyError>,
    /// By policy id: every policy in force that is judged in a scan.
    pub policies: BTreeMap<String, PolicyRun>,
    /// Objects that at least one policy matched.
    pub judged: usize,
    /// Objects seen.
    pub objects: usize,
}

impl Scan {
    /// The findings that count: those that are not counted with another.
    pub fn counted(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|f| f.counted_with.is_none())
    }
}

/// A scan, and what it was a scan of: all that a report is made from.
#[derive(Clone, Debug, Default)]
pub struct Assessment {
    /// What was found.
    pub scan: Scan,
    /// The cluster; `None` in `check`, which looks at manifests.
    pub cluster: Option<ClusterSummary>,
    /// What was read.
    pub inputs: Inputs,
}

/// The cluster in a report's head.
#[derive(Clone, Debug, Default)]
pub struct ClusterSummary {
    /// OpenShift's version.
    pub openshift: Option<String>,
    /// The OpenShift version that is upgraded to.
    pub target: Option<String>,
    /// True when nobody gave a target and the next minor was taken.
    pub target_assumed: bool,
    /// OpenShift Virtualization's version.
    pub virtualization: Option<String>,
    /// KubeVirt's version.
    pub kubevirt: Option<String>,
    /// The time that ages are counted to, RFC 3339.
    pub as_of: Option<String>,
    /// One node: drains are skipped and the reboot stops VMs.
    pub single_node: bool,
    /// What a drain of every node does to the virtual machines; `None` when VMs or VMIs were not collected.
    pub machines: Option<Machines>,
}

/// Virtual machines by what a drain of their node does to them. Everything but `total` and `running` counts running ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Machines {
    /// VirtualMachines, and VMIs without one.
    pub total: usize,
    /// Those with a VMI that runs.
    pub running: usize,
    /// Live-migrated.
    pub migrated: usize,
    /// Shut down and started again.
    pub restarted: usize,
    /// Shut down and not started again, or lost.
    pub left_off: usize,
    /// Their eviction is refused: the drain waits.
    pub refused: usize,
    /// Nobody knows.
    pub unknown: usize,
}

/// What was read.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// As a person gave them: paths, `-`.
    pub names: Vec<String>,
    /// Files that were read.
    pub files: usize,
    /// What could not be read, or only in part; any of these: exit code 3.
    pub unreadable: Vec<Unreadable>,
    /// What was left out on purpose, in words (`apps/kustomization.yaml: patches are not applied; render it first`). Those
    /// that make the result partial are in `unreadable` too.
    pub notes: Vec<String>,
}

/// Something that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unreadable {
    /// The file, as a person named it.
    pub file: String,
    /// From 1; 0 when the whole file is meant.
    pub line: u32,
    /// From 1; 0 when the whole line is meant.
    pub column: u32,
    /// What is wrong, and what would be right.
    pub message: String,
}
