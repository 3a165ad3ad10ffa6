//! All policies on many objects, in parallel over the objects and in a stable order.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::facts::Versions;
use crate::finding::{Finding, PolicyError, PolicyRun, Scan, Undecided};
use crate::inventory::View;
use crate::object::Object;
use crate::policy::{Operation, Policy, PolicySet, judge, subject};

use super::Surroundings;
use super::force::{InForce, in_force};
use super::request::{Judge, Request, kind_of_resource, resource_of};

/// Judges each subject by every policy that is about it. Each is judged as if it was created; a policy that matches
/// UPDATE only sees the update that changes nothing. Policies for DELETE or CONNECT only are admission's alone.
pub fn scan(policies: &PolicySet, subjects: &[Object<'_>], around: Surroundings<'_>) -> Scan {
    let plan = Plan::new(policies, &around.cluster.versions);
    let judged: Vec<OfObject> = subjects.par_iter().map(|object| plan.object(*object, around)).collect();
    let mut scan = Scan { objects: subjects.len(), policies: plan.runs(around), ..Scan::default() };
    for of in judged {
        scan.judged += usize::from(!of.policies.is_empty());
        for id in of.policies {
            if let Some(run) = scan.policies.get_mut(&id) {
                run.judged += 1;
            }
        }
        scan.findings.extend(of.findings);
        scan.undecided.extend(of.undecided);
        scan.errors.extend(of.errors);
    }
    sort(&mut scan);
    fold(&mut scan.findings);
    scan
}

#[derive(Default)]
struct OfObject {
    /// Policies that judged it.
    policies: Vec<String>,
    findings: Vec<Finding>,
    undecided: Vec<Undecided>,
    errors: Vec<PolicyError>,
}

/// The policies by what they match, so that an object meets only those that may be about it.
struct Plan<'p> {
    policies: Vec<Planned<'p>>,
}

struct Planned<'p> {
    policy: &'p Policy,
    operation: Operation,
    resources: Vec<(String, String)>,
    assumption: Option<String>,
}

impl<'p> Plan<'p> {
    fn new(set: &'p PolicySet, versions: &Versions) -> Self {
        let mut policies = Vec::new();
        for policy in set.iter() {
            let Some(check) = &policy.check else { continue };
            let rules = check.constraints.rules();
            let has = |o: Operation| rules.iter().any(|r| r.operations().contains(&o));
            let operation = match (has(Operation::Create), has(Operation::Update)) {
                (true, _) => Operation::Create,
                (false, true) => Operation::Update,
                _ => continue,
            };
            let assumption = match in_force(policy, versions) {
                InForce::Yes => None,
                InForce::Assumed(text) => Some(text),
                InForce::No => continue,
            };
            policies.push(Planned {
                policy,
                operation,
                resources: policy.resources().into_iter().collect(),
                assumption,
            });
        }
        Plan { policies }
    }

    fn runs(&self, around: Surroundings<'_>) -> BTreeMap<String, PolicyRun> {
        let view = View::new(around.inventory);
        let collected = |(group, plural): &(String, String)| {
            let resource = if group.is_empty() { plural.clone() } else { format!("{plural}.{group}") };
            match kind_of_resource(&resource) {
                Some(kind) if view.list(kind, None).complete.is_ok() => None,
                _ => Some(resource),
            }
        };
        self.policies
            .iter()
            .map(|p| {
                let not_collected = p.resources.iter().filter_map(collected).collect();
                (p.policy.id.clone(), PolicyRun { stage: p.policy.stage(), judged: 0, not_collected })
            })
            .collect()
    }

    fn object(&self, object: Object<'_>, around: Surroundings<'_>) -> OfObject {
        let mut out = OfObject::default();
        let plural = resource_of(object.gvk);
        let about = |p: &&Planned<'_>| {
            let one_of = |pattern: &str, value: &str| pattern == "*" || pattern == value;
            p.resources.iter().any(|(g, r)| one_of(g, &object.gvk.group) && one_of(r, &plural))
        };
        let mut mine = self.policies.iter().filter(about).peekable();
        if mine.peek().is_none() {
            return out;
        }
        let over = [object];
        // The facts are computed once for both operations that a scan may play.
        let created = Judge::new(Request::of(object, Operation::Create, &plural), &over, around);
        let updated = Judge::new(Request::of(object, Operation::Update, &plural), &over, around);
        for planned in mine {
            let judging = if planned.operation == Operation::Create { &created } else { &updated };
            planned.judge(object, judge(planned.policy, &judging.context(), None), &mut out);
        }
        out
    }
}

impl Planned<'_> {
    fn judge(&self, object: Object<'_>, judgement: crate::policy::Judgement, out: &mut OfObject) {
        let policy = self.policy;
        if judgement.applies {
            out.policies.push(policy.id.clone());
        }
        for found in judgement.findings {
            let mut finding = found.finding;
            finding.assumptions.extend(self.assumption.clone());
            out.findings.push(finding);
        }
        if !judgement.open.unknown.is_empty() {
            out.undecided.push(Undecided {
                policy: policy.id.clone(),
                stage: policy.stage(),
                subject: subject(object),
                missing: judgement.open.unknown,
            });
        }
        for error in judgement.open.errors {
            let subject = subject(object);
            out.errors.push(PolicyError {
                policy: policy.id.clone(),
                stage: policy.stage(),
                subject,
                expression: error.expression,
                message: error.message,
            });
        }
    }
}

fn sort(scan: &mut Scan) {
    scan.findings.sort_by(|a, b| {
        let key = |f: &Finding| (std::cmp::Reverse(f.severity), f.policy.clone(), f.subject.object.clone());
        key(a).cmp(&key(b)).then_with(|| {
            let at = |f: &Finding| f.subject.location.as_ref().map(|l| (l.origin.name.clone(), l.span.start));
            at(a).cmp(&at(b)).then_with(|| a.cause.cmp(&b.cause))
        })
    });
    scan.undecided.sort_by(|a, b| (&a.policy, &a.subject.object).cmp(&(&b.policy, &b.subject.object)));
    scan.errors.sort_by(|a, b| (&a.policy, &a.subject.object).cmp(&(&b.policy, &b.subject.object)));
}

/// A VM and its running VMI are both judged; a VM's finding that its VMI has too, for the same cause in the same stage,
/// is counted with the VMI's.
fn fold(findings: &mut [Finding]) {
    let key = |f: &Finding| {
        let object = &f.subject.object;
        (object.namespace.clone(), object.name.clone(), f.stage, f.cause.key.clone())
    };
    let of_vmis: BTreeMap<_, _> = findings
        .iter()
        .filter(|f| f.subject.object.kind == "VirtualMachineInstance")
        .map(|f| (key(f), f.fingerprint()))
        .collect();
    for finding in findings.iter_mut().filter(|f| f.subject.object.kind == "VirtualMachine") {
        finding.counted_with = of_vmis.get(&key(finding)).cloned();
    }
}
