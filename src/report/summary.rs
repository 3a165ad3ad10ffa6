//! The one place that counts and groups. Texts and JSON only lay out what stands here, so that their numbers agree.
//!
//! A finding that is counted with another (a VM's with its VMI's) is neither counted nor grouped. One number holds
//! everywhere: a stage's counts add up to the total's, and a group's objects to its stage's.

mod exit;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::finding::{Assessment, Finding, PolicyError, Scan, Severity, Stage, Undecided};
use crate::object::{Cause, MissingSet, ObjectRef};

use super::style::count;

pub use exit::{ExitCode, ExitReason, exit};

/// What an assessment comes to.
#[derive(Debug)]
pub struct Summary<'a> {
    /// May the upgrade begin?
    pub readiness: Readiness,
    /// Findings that count.
    pub findings: Counts,
    /// Causes of findings: a cause is counted once for each policy that it fails.
    pub causes: Counts,
    /// Objects with a finding of that severity; one with two findings is one object.
    pub objects: Counts,
    /// Every stage of an upgrade in its order; policies without a stage come last, if there are any.
    pub stages: Vec<StageSummary<'a>>,
    /// Findings of a policy, in the order of stages, then by severity, then by policy.
    pub groups: Vec<Group<'a>>,
    /// What could not be judged, by what is missing.
    pub unknowns: Vec<Unknowns<'a>>,
    /// Objects that at least one policy could not judge.
    pub unjudged: usize,
    /// What policies failed on.
    pub failures: Vec<Failure<'a>>,
}

/// The answer of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Every stage was checked in full, and nothing blocks.
    Ready,
    /// Something blocks.
    NotReady,
    /// Nothing was found that blocks, but there was more to look at.
    NotEverythingChecked,
}

impl Readiness {
    /// `ready`, `not-ready` or `not-everything-checked`.
    pub fn as_str(self) -> &'static str {
        match self {
            Readiness::Ready => "ready",
            Readiness::NotReady => "not-ready",
            Readiness::NotEverythingChecked => "not-everything-checked",
        }
    }
}

/// A number for each severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Of blockers.
    pub blockers: usize,
    /// Of warnings.
    pub warnings: usize,
    /// Of infos.
    pub infos: usize,
}

impl Counts {
    /// The number for a severity.
    pub fn of(&self, severity: Severity) -> usize {
        match severity {
            Severity::Blocker => self.blockers,
            Severity::Warning => self.warnings,
            Severity::Info => self.infos,
        }
    }

    /// All together.
    pub fn total(&self) -> usize {
        self.blockers + self.warnings + self.infos
    }

    /// `2 blockers, 1 warning`; `nothing` when there are none.
    pub fn words(&self) -> String {
        let severities = [Severity::Blocker, Severity::Warning, Severity::Info];
        let some = severities.into_iter().filter(|s| self.of(*s) > 0);
        let words: Vec<String> = some.map(|s| count(self.of(s), s.as_str())).collect();
        if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
    }

    fn by(count: impl Fn(Severity) -> usize) -> Self {
        Counts { blockers: count(Severity::Blocker), warnings: count(Severity::Warning), infos: count(Severity::Info) }
    }

    fn of_findings(findings: &[&Finding]) -> Self {
        Counts::by(|s| findings.iter().filter(|f| f.severity == s).count())
    }
}

/// What is known about a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StageState {
    /// All of its policies looked at all that they are about, and found nothing.
    Clear,
    /// There are findings; whether that is all, [`StageSummary::is_checked`] says.
    Findings,
    /// Nothing was found, and not everything was looked at.
    NotChecked,
}

impl StageState {
    /// `clear`, `findings` or `not-checked`.
    pub fn as_str(self) -> &'static str {
        match self {
            StageState::Clear => "clear",
            StageState::Findings => "findings",
            StageState::NotChecked => "not-checked",
        }
    }
}

/// A stage of the upgrade.
#[derive(Debug)]
pub struct StageSummary<'a> {
    /// Which.
    pub stage: Stage,
    /// Its findings that count.
    pub findings: Counts,
    /// Policies of this stage that were in force.
    pub policies: usize,
    /// `plural.group` of what they are about and nobody collected.
    pub not_collected: BTreeSet<&'a str>,
    /// Objects that one of them could not judge.
    pub unjudged: usize,
    /// Objects that one of them failed on.
    pub failed: usize,
    /// Nodes that its blockers run on.
    pub nodes: BTreeSet<&'a str>,
}

impl<'a> StageSummary<'a> {
    fn of(stage: Stage, scan: &'a Scan) -> Self {
        let findings: Vec<&Finding> = scan.counted().filter(|f| f.stage == stage).collect();
        let runs = || scan.policies.values().filter(|r| r.stage == stage);
        let blockers = findings.iter().filter(|f| f.severity == Severity::Blocker);
        StageSummary {
            stage,
            findings: Counts::of_findings(&findings),
            policies: runs().count(),
            not_collected: runs().flat_map(|r| &r.not_collected).map(String::as_str).collect(),
            unjudged: distinct(scan.undecided.iter().filter(|u| u.stage == stage).map(|u| &u.subject.object)),
            failed: distinct(scan.errors.iter().filter(|e| e.stage == stage).map(|e| &e.subject.object)),
            nodes: blockers.filter_map(|f| f.subject.node.as_deref()).collect(),
        }
    }

    /// True when there are policies for it and each could look at everything that it is about. Only this earns a tick.
    pub fn is_checked(&self) -> bool {
        self.policies > 0 && self.not_collected.is_empty() && self.unjudged == 0 && self.failed == 0
    }

    /// What is known about it.
    pub fn state(&self) -> StageState {
        match (self.findings.total(), self.is_checked()) {
            (0, true) => StageState::Clear,
            (0, false) => StageState::NotChecked,
            _ => StageState::Findings,
        }
    }
}

/// The findings of one policy with one severity.
#[derive(Debug)]
pub struct Group<'a> {
    /// When they bite.
    pub stage: Stage,
    /// How much they matter.
    pub severity: Severity,
    /// The policy's id.
    pub policy: &'a str,
    /// The policy's title.
    pub title: &'a str,
    /// By cause; the cause with most findings first.
    pub causes: Vec<CauseGroup<'a>>,
}

impl<'a> Group<'a> {
    /// Its findings, cause by cause.
    pub fn findings(&self) -> impl Iterator<Item = &'a Finding> {
        self.causes.iter().flat_map(|c| c.findings.iter().copied())
    }
}

/// The findings of a group that have one cause.
#[derive(Debug)]
pub struct CauseGroup<'a> {
    /// What they share.
    pub cause: &'a Cause,
    /// In the order of the scan; never empty.
    pub findings: Vec<&'a Finding>,
}

/// What could not be judged for want of the same things.
#[derive(Debug)]
pub struct Unknowns<'a> {
    /// What is missing.
    pub missing: &'a MissingSet,
    /// Objects, and the policies that could not judge them.
    pub objects: BTreeMap<&'a ObjectRef, Vec<&'a Undecided>>,
}

/// An expression that failed in the same way on some objects.
#[derive(Debug)]
pub struct Failure<'a> {
    /// The policy's id.
    pub policy: &'a str,
    /// The expression.
    pub expression: &'a str,
    /// What the evaluator said.
    pub message: &'a str,
    /// Where; never empty.
    pub errors: Vec<&'a PolicyError>,
}

impl<'a> Summary<'a> {
    /// Counts and groups.
    pub fn of(assessment: &'a Assessment) -> Self {
        let scan = &assessment.scan;
        let counted: Vec<&Finding> = scan.counted().collect();
        let groups = groups(&counted);
        let shown =
            |stage: &StageSummary<'_>| stage.stage != Stage::Other || stage.policies + stage.findings.total() > 0;
        let stages: Vec<_> = Stage::ALL.into_iter().map(|s| StageSummary::of(s, scan)).filter(shown).collect();
        let all_seen = assessment.inputs.unreadable.is_empty() && scan.objects > 0;
        let findings = Counts::of_findings(&counted);
        let readiness = match findings.blockers {
            0 if all_seen && stages.iter().all(StageSummary::is_checked) => Readiness::Ready,
            0 => Readiness::NotEverythingChecked,
            _ => Readiness::NotReady,
        };
        let of = |s: Severity| counted.iter().filter(move |f| f.severity == s).map(|f| &f.subject.object);
        Summary {
            readiness,
            findings,
            causes: Counts::by(|s| groups.iter().filter(|g| g.severity == s).map(|g| g.causes.len()).sum()),
            objects: Counts::by(|s| distinct(of(s))),
            stages,
            groups,
            unknowns: unknowns(&scan.undecided),
            unjudged: distinct(scan.undecided.iter().map(|u| &u.subject.object)),
            failures: failures(&scan.errors),
        }
    }
}

fn distinct<'a>(objects: impl Iterator<Item = &'a ObjectRef>) -> usize {
    objects.collect::<BTreeSet<_>>().len()
}

fn groups<'a>(findings: &[&'a Finding]) -> Vec<Group<'a>> {
    let mut by_policy: BTreeMap<_, Vec<&'a Finding>> = BTreeMap::new();
    for finding in findings {
        let key = (finding.stage, Reverse(finding.severity), finding.policy.as_str());
        by_policy.entry(key).or_default().push(finding);
    }
    let group = |((stage, Reverse(severity), policy), findings): (_, Vec<&'a Finding>)| Group {
        stage,
        severity,
        policy,
        title: findings.first().map_or("", |f| &f.title),
        causes: causes(findings),
    };
    by_policy.into_iter().map(group).collect()
}

fn causes(findings: Vec<&Finding>) -> Vec<CauseGroup<'_>> {
    let mut by_key: BTreeMap<&str, CauseGroup<'_>> = BTreeMap::new();
    for finding in findings {
        let new = || CauseGroup { cause: &finding.cause, findings: Vec::new() };
        by_key.entry(&finding.cause.key).or_insert_with(new).findings.push(finding);
    }
    let mut causes: Vec<_> = by_key.into_values().collect();
    causes.sort_by_key(|c| Reverse(c.findings.len()));
    causes
}

fn unknowns(undecided: &[Undecided]) -> Vec<Unknowns<'_>> {
    let mut by_missing: BTreeMap<&MissingSet, Unknowns<'_>> = BTreeMap::new();
    for one in undecided {
        let new = || Unknowns { missing: &one.missing, objects: BTreeMap::new() };
        let unknowns = by_missing.entry(&one.missing).or_insert_with(new);
        unknowns.objects.entry(&one.subject.object).or_default().push(one);
    }
    by_missing.into_values().collect()
}

fn failures(errors: &[PolicyError]) -> Vec<Failure<'_>> {
    let mut by_text: BTreeMap<_, Vec<&PolicyError>> = BTreeMap::new();
    for error in errors {
        by_text
            .entry((error.policy.as_str(), error.expression.as_str(), error.message.as_str()))
            .or_default()
            .push(error);
    }
    let failure = |((policy, expression, message), errors)| Failure { policy, expression, message, errors };
    by_text.into_iter().map(failure).collect()
}
