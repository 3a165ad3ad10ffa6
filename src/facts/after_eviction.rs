//! `facts.afterEviction`: what the drain of its node does to a guest.
//!
//! Knows what the eviction webhook answers (kubevirt pkg/virt-api/webhooks/validating-webhook/admitters/
//! pod-eviction-admitter.go), what becomes of a guest whose pod ends (pkg/virt-controller/watch/vm/vm.go, syncRunStrategy),
//! and that a single node is not drained. Must not know which nodes there are.

use super::cluster::single_node;
use super::eviction::{Eviction, Strategy};
use super::look::{Looks, known};
use super::migration::Migration;
use super::storage::Claims;
use super::workload::{Form, Owner, READS, RunStrategy, WORKLOADS, Workload};
use super::{FactSchema, FactSet, World};
use crate::cel::{self, Fact};
use crate::object::{Cause, Ground, Missing, MissingSet, Object};

/// What a drain does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It moves, and runs on.
    Migrates,
    /// Its eviction is refused; the drain waits until somebody moves, changes or stops it.
    Refused,
    /// It is shut down and starts on another node.
    RestartsElsewhere,
    /// It is shut down and can start again only on this node, once that is back.
    RestartsAfterUncordon,
    /// It is shut down; it starts again if it had to be killed, and stays off if it went quietly.
    RestartsIfKilled,
    /// It is shut down and nothing starts it again.
    StaysOff,
    /// It is shut down and nothing is left that could start it.
    Lost,
    /// It does not run, or is not meant to.
    NotRunning,
    /// The cluster has a single node: no drain; the reboot stops it.
    NotDrained,
}

impl Outcome {
    /// As expressions and JSON have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Migrates => "Migrates",
            Outcome::Refused => "Refused",
            Outcome::RestartsElsewhere => "RestartsElsewhere",
            Outcome::RestartsAfterUncordon => "RestartsAfterUncordon",
            Outcome::RestartsIfKilled => "RestartsIfKilled",
            Outcome::StaysOff => "StaysOff",
            Outcome::Lost => "Lost",
            Outcome::NotRunning => "NotRunning",
            Outcome::NotDrained => "NotDrained",
        }
    }

    /// As screens say it.
    pub fn text(self) -> &'static str {
        match self {
            Outcome::Migrates => "moves to another node and runs on",
            Outcome::Refused => "refused: the drain waits until somebody moves, changes or stops it",
            Outcome::RestartsElsewhere => "shut down, and started on another node",
            Outcome::RestartsAfterUncordon => "shut down, and started again only when its node is back",
            Outcome::RestartsIfKilled => "shut down, and started again only if it had to be killed",
            Outcome::StaysOff => "shut down, and nothing starts it again",
            Outcome::Lost => "shut down, and nothing is left to start it again",
            Outcome::NotRunning => "not running, so a drain does not touch it",
            Outcome::NotDrained => "not drained: the only node's reboot stops it",
        }
    }
}

/// The answer.
#[derive(Clone, Debug)]
pub struct AfterEviction {
    /// What happens, and what it rests on; or what is missing to say it.
    pub outcome: Result<Decided, MissingSet>,
    /// What was considered.
    pub looks: Looks,
}

/// An outcome with its grounds.
#[derive(Clone, Debug)]
pub struct Decided {
    /// What happens.
    pub outcome: Outcome,
    /// Why, as half a sentence: `runStrategy RerunOnFailure restarts only what failed`.
    pub reason: String,
    /// What decided, the field to change first.
    pub evidence: Vec<Ground>,
}

impl AfterEviction {
    /// The answer for a workload; `None` for another kind.
    pub fn of(object: Object<'_>, world: &World<'_>) -> Option<Self> {
        Workload::of(object).map(|workload| AfterEviction::of_workload(&workload, world))
    }

    /// The answer for a workload. Of a VirtualMachine it is about its next start; its VMI is about now.
    pub fn of_workload(workload: &Workload<'_>, world: &World<'_>) -> Self {
        let eviction = Eviction::of_workload(workload, world);
        let migration = Migration::of_workload(workload, world);
        AfterEviction::judge(workload, world, &eviction, &migration)
    }

    /// The same from answers that are at hand.
    pub fn judge(workload: &Workload<'_>, world: &World<'_>, eviction: &Eviction, migration: &Migration) -> Self {
        let outcome = decide(workload, world, eviction, migration);
        let mut looks = Looks::default();
        match &outcome {
            Ok(decided) => looks.note("outcome", decided.reason.clone(), decided.evidence.clone()),
            Err(missing) => {
                for missing in missing {
                    looks.open("outcome", "decides what a drain does", missing.clone());
                }
            }
        }
        AfterEviction { outcome, looks }
    }

    /// What happens, where it is known.
    pub fn known(&self) -> Option<Outcome> {
        self.outcome.as_ref().ok().map(|d| d.outcome)
    }

    /// The answer for expressions.
    pub fn fact(&self) -> Fact {
        let outcome = known(&self.outcome, |d| Fact::with(d.outcome.as_str(), d.evidence.clone()));
        let reason = self.outcome.as_ref().map(|d| d.reason.clone()).unwrap_or_default();
        Fact::map([("outcome", outcome), ("reason", Fact::new(reason))])
    }
}

fn decided(outcome: Outcome, reason: impl Into<String>, evidence: Vec<Ground>) -> Result<Decided, MissingSet> {
    Ok(Decided { outcome, reason: reason.into(), evidence })
}

fn decide(
    workload: &Workload<'_>,
    world: &World<'_>,
    eviction: &Eviction,
    migration: &Migration,
) -> Result<Decided, MissingSet> {
    if let Some((reason, evidence)) = not_running(workload, world) {
        return decided(Outcome::NotRunning, reason, vec![evidence]);
    }
    if let Some(evidence) = single_node(world) {
        return decided(Outcome::NotDrained, "the cluster has a single node, and that is not drained", vec![evidence]);
    }
    let said = eviction.in_force.as_ref().map_err(Clone::clone)?;
    let strategy = &said.strategy;
    let mut evidence = said.evidence.clone();
    match strategy {
        Strategy::External => {
            decided(Outcome::Refused, "evictionStrategy External leaves it to a controller outside KubeVirt", evidence)
        }
        Strategy::LiveMigrate | Strategy::LiveMigrateIfPossible => match migration.is_migratable()? {
            true => {
                evidence.extend(migration.evidence());
                decided(Outcome::Migrates, format!("evictionStrategy {} moves it", strategy.as_str()), evidence)
            }
            false if *strategy == Strategy::LiveMigrate => {
                evidence.extend(migration.evidence());
                decided(Outcome::Refused, migration.summary(), evidence)
            }
            false => {
                evidence.extend(without_causes(migration.evidence()));
                shut_down(workload, world, evidence)
            }
        },
        Strategy::None | Strategy::Invalid(_) => shut_down(workload, world, evidence),
    }
}

/// What keeps a guest from moving does not keep it from stopping, so its causes are not the causes of what comes then.
fn without_causes(evidence: Vec<Ground>) -> impl Iterator<Item = Ground> {
    evidence.into_iter().map(Ground::without_obstacle)
}

/// Why no drain would meet it.
fn not_running(workload: &Workload<'_>, world: &World<'_>) -> Option<(String, Ground)> {
    match workload.form {
        Form::Instance if workload.is_final() => {
            let phase = workload.phase();
            Some((format!("it has ended (phase {phase})"), Ground::at(workload.object, &["status", "phase"])))
        }
        Form::Instance | Form::ReplicaSet => None,
        Form::Machine | Form::Pool => {
            let (strategy, evidence) = workload.run_strategy();
            let running = workload.form == Form::Machine && matches!(workload.instance(world), Ok(Some(_)));
            if strategy == RunStrategy::Halted {
                return Some(("it is halted".to_owned(), evidence));
            }
            let status = workload.object.at(&["status", "printableStatus"])?;
            let stopped = status.as_str() == Some("Stopped") && !running;
            stopped.then(|| ("it is stopped".to_owned(), workload.evidence(status)))
        }
    }
}

/// What becomes of a guest whose pod a drain ends.
fn shut_down(workload: &Workload<'_>, world: &World<'_>, evidence: Vec<Ground>) -> Result<Decided, MissingSet> {
    let with = |first: Ground| [first].into_iter().chain(evidence.iter().cloned()).collect();
    match workload.form {
        Form::Machine | Form::Pool => of_run_strategy(workload, workload, world, &evidence),
        Form::ReplicaSet => {
            let first = Ground::at(workload.object, &["spec", "replicas"]);
            decided(Outcome::RestartsElsewhere, "its replica set starts another", with(first))
        }
        Form::Instance => match workload.owner(world) {
            Owner::Machine(machine) => match machine.map_err(|missing| MissingSet::from([missing]))? {
                Some(machine) => match Workload::of(machine) {
                    Some(machine) => of_run_strategy(&machine, workload, world, &evidence),
                    None => lost(workload, &evidence),
                },
                None => lost(workload, &evidence),
            },
            Owner::ReplicaSet(name) => {
                let first = Ground::at(workload.object, &["metadata", "ownerReferences"]);
                decided(Outcome::RestartsElsewhere, format!("replica set {name} starts another"), with(first))
            }
            Owner::Other(kind, name) => Err([Missing::not_reported(format!("what {kind} {name} does then"))].into()),
            Owner::None => lost(workload, &evidence),
        },
    }
}

fn lost(workload: &Workload<'_>, evidence: &[Ground]) -> Result<Decided, MissingSet> {
    let cause = Cause {
        key: "Lost/ownerReferences".to_owned(),
        text: "a VMI without a VirtualMachine is never started again".to_owned(),
    };
    let first = Ground::at(workload.object, &["metadata", "ownerReferences"]).obstacle("Lost", cause);
    let evidence = [first].into_iter().chain(evidence.iter().cloned()).collect();
    decided(Outcome::Lost, "no VirtualMachine is there to start it again", evidence)
}

/// Only Always brings every guest back. RerunOnFailure is a trap: a guest that shuts down as it is asked to stays off.
fn of_run_strategy(
    machine: &Workload<'_>,
    guest: &Workload<'_>,
    world: &World<'_>,
    evidence: &[Ground],
) -> Result<Decided, MissingSet> {
    let (strategy, written) = machine.run_strategy();
    let caused = |word: &str, text: &str| {
        let cause = Cause { key: format!("StaysOff/runStrategy {word}"), text: text.to_owned() };
        let first = written.clone().obstacle("StaysOff", cause);
        [first].into_iter().chain(evidence.iter().cloned()).collect()
    };
    match strategy {
        RunStrategy::Always => match node_local(guest, world) {
            Some(local) => {
                let evidence = [written.clone()].into_iter().chain(evidence.iter().cloned()).chain([local]).collect();
                decided(Outcome::RestartsAfterUncordon, "its volumes are on this node, so it waits for it", evidence)
            }
            None => {
                let evidence = [written.clone()].into_iter().chain(evidence.iter().cloned()).collect();
                decided(Outcome::RestartsElsewhere, "runStrategy Always starts it again", evidence)
            }
        },
        RunStrategy::RerunOnFailure => {
            let text = "runStrategy RerunOnFailure starts nothing again that was shut down in order";
            let reason = "runStrategy RerunOnFailure restarts only what failed";
            decided(Outcome::RestartsIfKilled, reason, caused("RerunOnFailure", text))
        }
        RunStrategy::Halted => decided(Outcome::NotRunning, "it is being stopped", vec![written.clone()]),
        RunStrategy::Manual | RunStrategy::Once | RunStrategy::Other(_) => {
            let word = match strategy {
                RunStrategy::Manual => "Manual",
                RunStrategy::Once => "Once",
                RunStrategy::Other("") => return Err([Missing::not_reported("runStrategy")].into()),
                RunStrategy::Other(other) => other,
                _ => "",
            };
            let text = format!("runStrategy {word} starts nothing again");
            decided(Outcome::StaysOff, format!("runStrategy {word} does not start it again"), caused(word, &text))
        }
    }
}

/// The first claim whose data stays on its node.
fn node_local(guest: &Workload<'_>, world: &World<'_>) -> Option<Ground> {
    let claims = Claims::of(guest, world, None);
    let names = guest
        .guest_list(&["volumes"])
        .filter_map(|v| v.at(&["dataVolume", "name"]).or(v.at(&["persistentVolumeClaim", "claimName"]))?.as_str());
    names.filter_map(|claim| claims.node_local(claim, || claims.class(claim))).next()
}

/// How expressions know it.
pub const SCHEMA: FactSchema = FactSchema {
    name: "afterEviction",
    answers: "What the drain of its node does to a guest.",
    subjects: WORKLOADS,
    reads: READS,
    fields,
    compute,
};

fn fields() -> cel::Type {
    cel::Type::object("facts.afterEviction", [("outcome", cel::Type::String), ("reason", cel::Type::String)])
}

fn compute(of: &FactSet<'_>) -> Option<Fact> {
    of.after_eviction().map(|a| a.fact())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{CLUSTER, Judged, TRUE, Test, cluster, verdict, vm, vmi, with_machine, with_storage};
    use super::*;

    #[test]
    fn run_strategy_and_owner_decide_what_comes_back() {
        let none = "evictionStrategy: None, domain: {devices: {autoattachPodInterface: false}}";
        for (run, expected) in [
            ("runStrategy: Always", "RestartsElsewhere"),
            ("running: true", "RestartsElsewhere"),
            ("runStrategy: RerunOnFailure", "RestartsIfKilled"),
            ("runStrategy: Manual", "StaysOff"),
            ("runStrategy: Once", "StaysOff"),
            ("runStrategy: Halted", "NotRunning"),
            ("running: false", "NotRunning"),
        ] {
            assert_eq!(verdict(&vm(run, none), &cluster()), format!("Migratable {expected}"), "{run}");
            let of_vmi = verdict(&vmi(none, TRUE), &with_machine(&format!("{run}, template: {{spec: {{}}}}")));
            assert_eq!(of_vmi, format!("Migratable {expected}"), "VMI of {run}");
        }
        let alone = Judged::new(
            "{apiVersion: kubevirt.io/v1, kind: VirtualMachineInstance, metadata: {name: x, namespace: shop}, spec: {evictionStrategy: None, domain: {devices: {autoattachPodInterface: false}}}}",
        );
        assert_eq!(verdict(&alone, &cluster()), "Migratable Lost");
        let replicas = Judged::new(
            "{apiVersion: kubevirt.io/v1, kind: VirtualMachineInstanceReplicaSet, metadata: {name: x, namespace: shop}, spec: {replicas: 2, template: {spec: {evictionStrategy: None, domain: {devices: {autoattachPodInterface: false}}}}}}",
        );
        assert_eq!(verdict(&replicas, &cluster()), "Migratable RestartsElsewhere");
        let unseen = verdict(&vmi(none, TRUE), &Test::new(CLUSTER, &[]));
        assert_eq!(unseen, "Migratable Unknown");
        let stopped = Judged::new(
            "{apiVersion: kubevirt.io/v1, kind: VirtualMachine, metadata: {name: db, namespace: shop}, spec: {runStrategy: Manual, template: {spec: {evictionStrategy: None, domain: {devices: {autoattachPodInterface: false}}}}}, status: {printableStatus: Stopped}}",
        );
        assert_eq!(verdict(&stopped, &cluster()), "Migratable NotRunning");
    }

    #[test]
    fn node_local_volumes_wait_for_their_node() {
        let local = format!(
            "{CLUSTER}\n---\n{{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {{name: local, namespace: shop}}, spec: {{accessModes: [ReadWriteOnce], volumeName: pv1, storageClassName: other}}}}\n---\n\
             {{apiVersion: v1, kind: PersistentVolume, metadata: {{name: pv1}}, spec: {{nodeAffinity: {{required: {{nodeSelectorTerms: [{{matchExpressions: [{{key: kubernetes.io/hostname, operator: In, values: [w1]}}]}}]}}}}}}}}"
        );
        let judged = vm(
            "runStrategy: Always",
            "evictionStrategy: LiveMigrateIfPossible, volumes: [{name: root, persistentVolumeClaim: {claimName: local}}]",
        );
        assert_eq!(
            verdict(&judged, &Test::new(&local, &["all"])),
            "NotMigratable RestartsAfterUncordon | DisksNotLiveMigratable: volume root is ReadWriteOnce on storage class other"
        );
        let by_class = with_storage("storageClassName: hpp");
        let test = Test::new(&CLUSTER.replace("evictionStrategy: LiveMigrate", "evictionStrategy: None"), &["all"]);
        let after = AfterEviction::of(by_class.object(), &test.world()).unwrap();
        assert_eq!(after.known().unwrap().as_str(), "RestartsAfterUncordon");
    }

    #[test]
    fn a_single_node_is_not_drained() {
        let single = format!(
            "{CLUSTER}\n---\n{{apiVersion: config.openshift.io/v1, kind: Infrastructure, metadata: {{name: cluster}}, status: {{controlPlaneTopology: SingleReplica}}}}"
        );
        let judged = with_storage("storageClassName: hpp");
        assert!(verdict(&judged, &Test::new(&single, &["all"])).starts_with("NotMigratable NotDrained"));
    }

    #[test]
    fn what_runs_is_drained_whatever_the_vm_shows() {
        let stopped = "{apiVersion: kubevirt.io/v1, kind: VirtualMachine, metadata: {name: db, namespace: shop}, spec: {runStrategy: Manual, template: {spec: {evictionStrategy: None, domain: {devices: {autoattachPodInterface: false}}}}}, status: {printableStatus: Stopped}}";
        let with_vmi = |phase: &str| {
            let vmi = format!(
                "{{apiVersion: kubevirt.io/v1, kind: VirtualMachineInstance, metadata: {{name: db, namespace: shop}}, spec: {{}}, status: {{phase: {phase}}}}}"
            );
            verdict(&Judged::new(stopped), &Test::new(&format!("{CLUSTER}\n---\n{vmi}"), &["all"]))
        };
        assert_eq!(with_vmi("Running"), "Migratable StaysOff");
        assert_eq!(with_vmi("Succeeded"), "Migratable NotRunning");
    }
}
