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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Scan, Stage};
    use crate::report::samples::{self, everything, healthy};

    /// A scan with one finding.
    fn one(severity: Severity, denied: bool) -> Assessment {
        let mut finding = samples::finding("p", Stage::Before, "VirtualMachine", "a/b", "spec.x", "1");
        finding.severity = severity;
        finding.denied_at_admission = denied;
        Assessment { scan: Scan { findings: vec![finding], objects: 1, ..Scan::default() }, ..Assessment::default() }
    }

    fn unknown(why: Why) -> Assessment {
        let mut a = healthy();
        let mut undecided = samples::undecided("p", Stage::Before, "VirtualMachine", "a/b", "Node x");
        undecided.missing = [crate::object::Missing { what: "Node x".to_owned(), why }].into();
        a.scan.undecided.push(undecided);
        a
    }

    #[test]
    fn how_runs_end() {
        use Severity::*;
        let mut partial = healthy();
        partial.scan.policies.insert("p".to_owned(), samples::run(Stage::Before, 0, &["nodes"]));
        #[rustfmt::skip]
        let rows = [
            (healthy(),                    Blocker, false, Door::Report, 0, "nothing at or above blocker"),
            (one(Blocker, false),          Blocker, false, Door::Report, 1, "1 blocker"),
            (one(Warning, false),          Blocker, false, Door::Report, 0, "nothing at or above blocker"),
            (one(Warning, false),          Warning, false, Door::Report, 1, "1 warning"),
            (one(Warning, true),           Blocker, false, Door::Report, 0, "nothing at or above blocker"),
            (one(Warning, true),           Blocker, false, Door::Check,  1, "admission would deny 1 object"),
            (one(Blocker, true),           Blocker, false, Door::Check,  1, "1 blocker"),
            (unknown(Why::NotCollected),   Blocker, false, Door::Report, 0, "nothing at or above blocker"),
            (unknown(Why::NotCollected),   Blocker, true,  Door::Report, 3, "1 object could not be judged"),
            (unknown(Why::Forbidden),      Blocker, false, Door::Report, 3, "1 object could not be judged without more rights"),
            (partial.clone(),              Blocker, false, Door::Report, 0, "nothing at or above blocker"),
            (partial.clone(),              Blocker, true,  Door::Report, 3, "1 policy could not look at everything"),
            (partial,                      Blocker, true,  Door::Check,  0, "nothing at or above blocker"),
            (everything(),                 Blocker, false, Door::Report, 3, "1 input could not be read, 1 object made a policy fail"),
            (Assessment::default(),        Blocker, false, Door::Check,  3, "no objects were found"),
        ];
        for (assessment, fail_on, strict, door, code, why) in rows {
            let end = exit(&assessment, fail_on, strict, door);
            assert_eq!((end.code.number(), end.why.as_str()), (code, why));
        }
    }

    #[test]
    fn two_beats_three_beats_one() {
        let mut codes = [ExitCode::Findings, ExitCode::Wrong, ExitCode::Clean, ExitCode::Incomplete];
        codes.sort();
        assert_eq!(codes.map(ExitCode::number), [0, 1, 3, 2]);
    }
}
