//! How a run ends.

use crate::finding::{Assessment, Severity};
use crate::object::{MissingSet, Why};
use crate::report::style::{Door, count};

use super::{Counts, distinct};

/// What an exit code means, in the order of precedence: a later one beats the earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExitCode {
    /// 0: nothing that counts.
    Clean,
    /// 1: findings.
    Findings,
    /// 3: not everything was seen.
    Incomplete,
    /// 2: what was asked is wrong. [`exit`] never gives it: whoever knows that has nothing to assess.
    Wrong,
}

impl ExitCode {
    /// The number.
    pub fn number(self) -> u8 {
        match self {
            ExitCode::Clean => 0,
            ExitCode::Findings => 1,
            ExitCode::Wrong => 2,
            ExitCode::Incomplete => 3,
        }
    }
}

/// An exit code, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExitReason {
    /// The code.
    pub code: ExitCode,
    /// Half a sentence.
    pub why: String,
}

/// How a run ends: `Incomplete` when not everything was seen, else `Findings` from `fail_on` on. In `check` also what
/// admission would deny is a finding, whatever its severity. What could not be judged counts as not seen only when
/// `strict`, except where this account was not allowed to look.
pub fn exit(assessment: &Assessment, fail_on: Severity, strict: bool, door: Door) -> ExitReason {
    let unseen = unseen(assessment, strict, door);
    if !unseen.is_empty() {
        return ExitReason { code: ExitCode::Incomplete, why: unseen.join(", ") };
    }
    let failing = Counts::by(|s| assessment.scan.counted().filter(|f| f.severity == s && s >= fail_on).count());
    // A finding that is counted with another one would be denied all the same.
    let denied = || assessment.scan.findings.iter().filter(|f| f.denied_at_admission).count();
    let why = match (failing.total(), door) {
        (0, Door::Check) if denied() > 0 => format!("admission would deny {}", count(denied(), "object")),
        (0, _) => {
            let why = format!("nothing at or above {fail_on}");
            return ExitReason { code: ExitCode::Clean, why };
        }
        _ => failing.words(),
    };
    ExitReason { code: ExitCode::Findings, why }
}

/// What was not seen, in words.
fn unseen(assessment: &Assessment, strict: bool, door: Door) -> Vec<String> {
    let scan = &assessment.scan;
    let unjudged = |counts: &dyn Fn(&MissingSet) -> bool| {
        distinct(scan.undecided.iter().filter(|u| counts(&u.missing)).map(|u| &u.subject.object))
    };
    let mut why = Vec::new();
    if scan.objects == 0 {
        why.push("no objects were found".to_owned());
    }
    let mut unless_none = |n: usize, noun: &str, what: &str| {
        if n > 0 {
            why.push(format!("{} {what}", count(n, noun)));
        }
    };
    unless_none(assessment.inputs.unreadable.len(), "input", "could not be read");
    unless_none(distinct(scan.errors.iter().map(|e| &e.subject.object)), "object", "made a policy fail");
    if strict {
        unless_none(unjudged(&|_| true), "object", "could not be judged");
    } else {
        let forbidden = |missing: &MissingSet| missing.iter().any(|m| m.why == Why::Forbidden);
        unless_none(unjudged(&forbidden), "object", "could not be judged without more rights");
    }
    if strict && door == Door::Report {
        let partial = scan.policies.values().filter(|r| !r.not_collected.is_empty()).count();
        unless_none(partial, "policy", "could not look at everything");
    }
    why
}
