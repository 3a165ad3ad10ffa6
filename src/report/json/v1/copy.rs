//! From what a scan found to what leaves the program.

use super::*;
use crate::object::Why;

impl<'a> From<&'a finding::ClusterSummary> for Cluster<'a> {
    fn from(c: &'a finding::ClusterSummary) -> Self {
        Cluster {
            openshift: c.openshift.as_deref(),
            target: c.target.as_deref(),
            target_assumed: c.target_assumed,
            virtualization: c.virtualization.as_deref(),
            kubevirt: c.kubevirt.as_deref(),
            as_of: c.as_of.as_deref(),
            single_node: c.single_node,
            machines: c.machines.map(Machines::from),
        }
    }
}

impl From<finding::Machines> for Machines {
    fn from(m: finding::Machines) -> Self {
        let finding::Machines { total, running, migrated, restarted, left_off, refused, unknown } = m;
        Machines { total, running, migrated, restarted, left_off, refused, unknown }
    }
}

impl From<&summary::Counts> for Counts {
    fn from(c: &summary::Counts) -> Self {
        Counts { blocker: c.blockers, warning: c.warnings, info: c.infos }
    }
}

impl<'a> From<&summary::StageSummary<'a>> for Stage<'a> {
    fn from(s: &summary::StageSummary<'a>) -> Self {
        Stage {
            stage: s.stage.as_str(),
            state: s.state().as_str(),
            checked: s.is_checked(),
            policies: s.policies,
            findings: (&s.findings).into(),
            not_collected: s.not_collected.iter().copied().collect(),
            undecided: s.unjudged,
            failed: s.failed,
        }
    }
}

impl<'a> From<&'a object::ObjectRef> for Object<'a> {
    fn from(o: &'a object::ObjectRef) -> Self {
        let api_version = if o.group.is_empty() { o.version.clone() } else { format!("{}/{}", o.group, o.version) };
        Object { api_version, kind: &o.kind, namespace: o.namespace.as_deref(), name: &o.name }
    }
}

impl<'a> From<&'a object::Location> for Location<'a> {
    fn from(l: &'a object::Location) -> Self {
        Location { file: &l.origin.name, line: l.line, column: l.column }
    }
}

impl<'a> From<&'a finding::Subject> for Subject<'a> {
    fn from(s: &'a finding::Subject) -> Self {
        Subject {
            object: (&s.object).into(),
            location: s.location.as_ref().map(Location::from),
            node: s.node.as_deref(),
        }
    }
}

impl<'a> From<&'a object::Evidence> for Evidence<'a> {
    fn from(e: &'a object::Evidence) -> Self {
        Evidence {
            object: (&e.object).into(),
            path: e.path.to_string(),
            value: e.value.as_deref().filter(|_| !e.is_secret()),
            absent: e.absent,
            note: e.note.as_deref(),
            reason: e.reason.as_deref(),
            location: e.location.as_ref().map(Location::from),
        }
    }
}

impl<'a> From<&'a finding::Finding> for Finding<'a> {
    fn from(f: &'a finding::Finding) -> Self {
        // A policy may have a fix that writes and no words about it.
        let fix = (f.fix.is_some() || !f.patch.is_empty()).then(|| Fix {
            text: f.fix.as_ref().map_or("", |x| &x.text),
            grade: f.fix.as_ref().and_then(|x| x.grade).map(finding::Grade::as_str),
            commands: f.fix.as_ref().map_or(&[], |x| &x.commands),
            patch: &f.patch,
        });
        Finding {
            fingerprint: f.fingerprint().0,
            policy: &f.policy,
            title: &f.title,
            severity: f.severity.as_str(),
            stage: f.stage.as_str(),
            subject: (&f.subject).into(),
            what: &f.what,
            why: &f.why,
            fix,
            field: f.field.as_ref().map(Evidence::from),
            evidence: f.evidence.iter().map(Evidence::from).collect(),
            cause: Cause { key: &f.cause.key, text: &f.cause.text },
            assumptions: &f.assumptions,
            denied_at_admission: f.denied_at_admission,
            counted_with: f.counted_with.as_ref().map(|p| p.0.as_str()),
        }
    }
}

impl<'a> From<&'a finding::Undecided> for Undecided<'a> {
    fn from(u: &'a finding::Undecided) -> Self {
        Undecided {
            policy: &u.policy,
            stage: u.stage.as_str(),
            subject: (&u.subject).into(),
            missing: u.missing.iter().map(Missing::from).collect(),
        }
    }
}

impl<'a> From<&'a object::Missing> for Missing<'a> {
    fn from(m: &'a object::Missing) -> Self {
        let why = match m.why {
            Why::NotCollected => "not-collected",
            Why::Forbidden => "forbidden",
            Why::Stale => "stale",
            Why::AdmissionOnly => "admission-only",
            Why::NotReported => "not-reported",
            Why::DoesNotExist => "does-not-exist",
            Why::Ambiguous => "ambiguous",
        };
        Missing { what: &m.what, why }
    }
}

impl<'a> From<&'a finding::PolicyError> for PolicyError<'a> {
    fn from(e: &'a finding::PolicyError) -> Self {
        PolicyError {
            policy: &e.policy,
            stage: e.stage.as_str(),
            subject: (&e.subject).into(),
            expression: &e.expression,
            message: &e.message,
        }
    }
}

impl<'a> From<&'a finding::Unreadable> for Unreadable<'a> {
    fn from(u: &'a finding::Unreadable) -> Self {
        let known = |n: u32| (n > 0).then_some(n);
        Unreadable { file: &u.file, line: known(u.line), column: known(u.column), message: &u.message }
    }
}
