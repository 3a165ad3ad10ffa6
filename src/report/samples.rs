//! Small assessments for tests.

use std::sync::Arc;

use crate::finding::*;
use crate::object::{Cause, Evidence, Location, Missing, ObjectRef, Origin, Path, Span, Step};

/// `kind namespace/name`, or `kind name`.
pub fn object(kind: &str, name: &str) -> ObjectRef {
    let (namespace, name) = name.split_once('/').map_or((None, name), |(ns, n)| (Some(ns.to_owned()), n));
    let (group, version) = match kind {
        "Secret" => ("", "v1"),
        "InstallPlan" | "Subscription" => ("operators.coreos.com", "v1alpha1"),
        _ => ("kubevirt.io", "v1"),
    };
    ObjectRef {
        group: group.to_owned(),
        version: version.to_owned(),
        kind: kind.to_owned(),
        namespace,
        name: name.to_owned(),
    }
}

pub fn subject(kind: &str, name: &str) -> Subject {
    Subject { object: object(kind, name), location: None, node: None }
}

/// `spec.disks[0].name`
pub fn path(text: &str) -> Path {
    let step = |s: &str| s.parse().map_or_else(|_| Step::Key(s.to_owned()), Step::Index);
    Path::from_steps(text.split(['.', '[']).map(|s| step(s.trim_end_matches(']'))).collect())
}

pub fn evidence(object: &ObjectRef, at: &str, value: &str) -> Evidence {
    Evidence {
        object: object.clone(),
        path: path(at),
        stable_path: at.to_owned(),
        value: (!value.is_empty()).then(|| value.to_owned()),
        absent: value.is_empty(),
        note: None,
        location: None,
        reason: None,
        cause: None,
    }
}

/// A blocker whose cause is its field.
pub fn finding(policy: &str, stage: Stage, kind: &str, name: &str, field: &str, value: &str) -> Finding {
    let subject = subject(kind, name);
    let field_evidence = evidence(&subject.object, field, value);
    Finding {
        policy: policy.to_owned(),
        title: format!("Title of {policy}"),
        severity: Severity::Blocker,
        stage,
        subject,
        what: format!("what {policy} found"),
        why: format!("Why {policy} matters."),
        fix: Some(Fix { text: format!("Do as {policy} says."), grade: None, commands: Vec::new() }),
        field: Some(field_evidence.clone()),
        evidence: vec![field_evidence],
        cause: Cause { key: field.to_owned(), text: field.to_owned() },
        assumptions: Vec::new(),
        patch: Vec::new(),
        denied_at_admission: false,
        counted_with: None,
    }
}

pub fn undecided(policy: &str, stage: Stage, kind: &str, name: &str, missing: &str) -> Undecided {
    let missing = [Missing::not_collected(missing)].into();
    Undecided { policy: policy.to_owned(), stage, subject: subject(kind, name), missing }
}

pub fn run(stage: Stage, judged: usize, not_collected: &[&str]) -> PolicyRun {
    PolicyRun { stage, judged, not_collected: not_collected.iter().map(|k| (*k).to_owned()).collect() }
}

/// A policy for every stage of an upgrade that looked at all there is.
pub fn healthy() -> Assessment {
    let mut scan = Scan { judged: 48, objects: 220, ..Scan::default() };
    for stage in Stage::ALL.into_iter().filter(|s| *s != Stage::Other) {
        scan.policies.insert(format!("{}-policy", stage.as_str()), run(stage, 8, &[]));
    }
    let cluster = ClusterSummary {
        openshift: Some("4.19.8".to_owned()),
        target: Some("4.20".to_owned()),
        virtualization: Some("4.19.3".to_owned()),
        kubevirt: Some("1.5.2".to_owned()),
        as_of: Some("2026-03-04T09:12:33Z".to_owned()),
        machines: Some(Machines { total: 41, running: 38, migrated: 38, ..Machines::default() }),
        ..ClusterSummary::default()
    };
    let inputs = Inputs { names: vec!["examples/cluster".to_owned()], files: 14, ..Inputs::default() };
    Assessment { scan, cluster: Some(cluster), inputs }
}

/// A VMI that cannot leave its node.
pub fn stuck(name: &str, node: &str, reason: &str, cause: &str) -> Finding {
    let at = "spec.evictionStrategy";
    let mut f = finding("vmi-cannot-be-evicted", Stage::NodeDrain, "VirtualMachineInstance", name, at, "LiveMigrate");
    f.title = "A running VM must live-migrate and cannot".to_owned();
    f.what = "evictionStrategy is LiveMigrate, but this VM cannot live-migrate".to_owned();
    f.why = "The drain of its node is refused until it is gone.".to_owned();
    f.cause = Cause { key: format!("{reason}/{cause}"), text: cause.to_owned() };
    f.subject.node = Some(node.to_owned());
    let (namespace, name) = name.split_once('/').unwrap();
    f.fix = Some(Fix {
        text: "Let the drain restart it; it is down while its node is.".to_owned(),
        grade: Some(Grade::Unsafe),
        commands: vec![
            "# until then the running VM still refuses".to_owned(),
            format!(
                "oc -n {namespace} patch virtualmachines.kubevirt.io {name} --type=merge -p \
                 '{{\"spec\":{{\"template\":{{\"spec\":{{\"evictionStrategy\":\"LiveMigrateIfPossible\"}}}}}}}}'"
            ),
        ],
    });
    f
}

/// Something of everything that a report can hold.
pub fn everything() -> Assessment {
    let mut a = healthy();
    let mut plan = finding(
        "installplan-waits-for-approval",
        Stage::Before,
        "InstallPlan",
        "openshift-cnv/install-x7k2p",
        "spec.approved",
        "false",
    );
    plan.title = "An InstallPlan waits for approval".to_owned();
    plan.what = "kubevirt-hyperconverged-operator.v4.19.4 has waited for 41 days".to_owned();
    plan.assumptions.push("the OpenShift version is not known; judged as a current one".to_owned());
    let rwo = "storage class local-path gives ReadWriteOnce volumes";
    let mut vm = stuck("shop/db-0", "worker-2", "DisksNotLiveMigratable", rwo);
    vm.subject = subject("VirtualMachine", "shop/db-0");
    let vmis = [
        stuck("shop/db-0", "worker-2", "DisksNotLiveMigratable", rwo),
        stuck("shop/db-1", "worker-2", "DisksNotLiveMigratable", rwo),
        stuck("shop/db-2", "worker-3", "DisksNotLiveMigratable", rwo),
        stuck("ml/train-7", "worker-3", "HostDeviceNotLiveMigratable", "it uses host device nvidia.com/TU104"),
    ];
    vm.counted_with = Some(vmis[0].fingerprint());
    let off = ["shop/batch", "shop/night"].map(|name| {
        let mut f =
            finding("vm-stays-off", Stage::NodeDrain, "VirtualMachine", name, "spec.runStrategy", "RerunOnFailure");
        f.severity = Severity::Warning;
        f
    });
    let mut manual =
        finding("olm-manual", Stage::OperatorUpdate, "Subscription", "openshift-cnv/hco", "spec.channel", "");
    manual.severity = Severity::Info;
    a.scan.findings = [plan].into_iter().chain(vmis).chain([vm]).chain(off).chain([manual]).collect();
    for f in &a.scan.findings {
        a.scan.policies.entry(f.policy.clone()).or_insert(run(f.stage, 1, &[]));
    }
    a.scan.undecided = vec![
        undecided("vmi-cannot-be-evicted", Stage::NodeDrain, "VirtualMachine", "web/cache-3", "StorageProfile fast"),
        undecided("vm-stays-off", Stage::NodeDrain, "VirtualMachine", "web/cache-3", "StorageProfile fast"),
    ];
    a.scan.errors = vec![PolicyError {
        policy: "our-own".to_owned(),
        stage: Stage::Other,
        subject: subject("VirtualMachine", "web/cache-3"),
        expression: "object.spec.nope == 1".to_owned(),
        message: "no such key: nope".to_owned(),
    }];
    a.scan.policies.insert("our-own".to_owned(), run(Stage::Other, 3, &[]));
    let kinds = ["clusteroperators.config.openshift.io"];
    a.scan.policies.insert("control-plane-policy".to_owned(), run(Stage::ControlPlane, 0, &kinds));
    a.inputs.unreadable.push(Unreadable {
        file: "examples/cluster/broken.yaml".to_owned(),
        line: 14,
        column: 3,
        message: "expected a mapping, found a list item (is this line indented too far?)".to_owned(),
    });
    a.inputs.notes.push("examples/cluster/pods.log: no manifest".to_owned());
    let machines = Machines { total: 41, running: 38, migrated: 30, restarted: 1, left_off: 2, refused: 4, unknown: 1 };
    a.cluster.as_mut().unwrap().machines = Some(machines);
    a.cluster.as_mut().unwrap().target_assumed = true;
    a
}

/// A file to point into.
pub fn file(name: &str, text: &str) -> Arc<Origin> {
    Arc::new(Origin { name: name.to_owned(), text: Some(text.to_owned()) })
}

/// Where `found` stands first in a file.
pub fn locate(origin: &Arc<Origin>, found: &str) -> Option<Location> {
    let text = origin.text.as_deref().unwrap();
    let start = text.find(found).unwrap();
    let head = &text[..start];
    let line = head.matches('\n').count() as u32 + 1;
    let column = head.rsplit('\n').next().unwrap().chars().count() as u32 + 1;
    let span = Span { start: start as u32, end: (start + found.len()) as u32 };
    Some(Location { origin: origin.clone(), span, line, column })
}
