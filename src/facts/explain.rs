//! The facts about workloads as a person reads them: the answer, and everything that was looked at for it.
//!
//! Knows the typed answers. Must not know how they are laid out or coloured.

use super::World;
use super::after_eviction::AfterEviction;
use super::eviction::Eviction;
use super::look::Looks;
use super::migration::Migration;
use super::workload::Workload;
use super::workload_update::WorkloadUpdate;
use crate::object::{MissingSet, Object};

/// One fact.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// Its name, as after `facts.`.
    pub fact: &'static str,
    /// The answer in one line; what is missing stands in the looks.
    pub answer: String,
    /// What was looked at.
    pub looks: Looks,
}

/// The facts about a workload, a HyperConverged or a KubeVirt; none for other kinds.
pub fn explain(object: Object<'_>, world: &World<'_>) -> Vec<Explanation> {
    let mut all = Vec::new();
    if let Some(workload) = Workload::of(object) {
        let migration = Migration::of_workload(&workload, world);
        let eviction = Eviction::of_workload(&workload, world);
        let after = AfterEviction::judge(&workload, world, &eviction, &migration);
        all.push(Explanation { fact: "migration", answer: of_migration(&migration), looks: migration.looks });
        all.push(Explanation { fact: "eviction", answer: of_eviction(&eviction), looks: eviction.looks });
        let answer = after.known().map(|o| o.text().to_owned()).unwrap_or_else(unknown);
        all.push(Explanation { fact: "afterEviction", answer, looks: after.looks });
    }
    if let Some(update) = WorkloadUpdate::of(object, world) {
        all.push(Explanation { fact: "workloadUpdate", answer: of_update(&update), looks: update.looks() });
    }
    all
}

fn unknown() -> String {
    "not known".to_owned()
}

fn of_migration(migration: &Migration) -> String {
    let predicted = if migration.predicted { " (predicted)" } else { "" };
    format!("{}{predicted}", migration.verdict.as_str())
}

fn of_eviction(eviction: &Eviction) -> String {
    let Some(strategy) = eviction.strategy() else { return unknown() };
    let pending = match eviction.pending() {
        "" => String::new(),
        other => format!("; a restart would make it {other}"),
    };
    format!("{}, {}{pending}", strategy.as_str(), eviction.origin)
}

fn of_update(update: &WorkloadUpdate) -> String {
    let vmi: Option<Result<String, MissingSet>> = update.update.clone().map(|vmi| vmi.map(|v| v.reason));
    match (vmi, &update.methods) {
        (Some(Ok(reason)), _) => reason,
        (Some(Err(_)), _) | (None, Err(_)) => unknown(),
        (None, Ok(m)) if m.methods.is_empty() => format!("off ({})", m.declared.as_str()),
        (None, Ok(m)) => format!("{} ({})", m.methods.join(", "), m.declared.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::look::Mark;
    use super::super::testing::{Judged, cluster, vm};
    use super::*;

    fn screen(judged: &Judged) -> String {
        let test = cluster();
        let mut lines = Vec::new();
        for e in explain(judged.object(), &test.world()) {
            lines.push(format!("{}: {}", e.fact, e.answer));
            for look in e.looks.iter() {
                let mark = match look.mark {
                    Mark::Obstacle => '✗',
                    Mark::Pass => '✓',
                    Mark::Open => '?',
                    Mark::Note => '·',
                };
                let evidence: Vec<String> = look.evidence.iter().map(|e| format!("{} {e}", e.object.kind)).collect();
                let missing: Vec<String> = look.missing.iter().map(|m| m.to_string()).collect();
                lines.push(format!(
                    "  {mark} {}: {} [{}]",
                    look.topic,
                    look.text,
                    [evidence, missing].concat().join("; ")
                ));
            }
        }
        lines.join("\n")
    }

    #[test]
    fn everything_that_was_looked_at_is_told() {
        let judged = vm(
            "runStrategy: RerunOnFailure, dataVolumeTemplates: [{metadata: {name: data}, spec: {storage: {storageClassName: hpp}}}], preference: {name: nope}",
            "volumes: [{name: data, dataVolume: {name: data}}, {name: ci, cloudInitNoCloud: {userData: secret}}]",
        );
        insta::assert_snapshot!(screen(&judged), @r"
        migration: NotMigratable (predicted)
          ? preference: may bring Hyper-V re-enlightenment or launch security [VirtualMachineClusterPreference nope (does not exist)]
          ✓ network default: masquerade on the pod network, by default [VirtualMachine spec.template.spec.domain.devices.interfaces (absent); KubeVirt spec.configuration.network.defaultNetworkInterface: masquerade]
          · cpu model host-model: 0 of 1 nodes report their CPU model, and only from those it moves [VirtualMachine spec.template.spec.domain.cpu.model (absent)]
          ✗ DisksNotLiveMigratable: volume data is ReadWriteOnce on storage class hpp [VirtualMachine spec.dataVolumeTemplates[0].spec.storage.storageClassName: hpp; StorageProfile status.claimPropertySets[0].accessModes: [ReadWriteOnce]; VirtualMachine spec.template.spec.volumes[0].dataVolume.name: data]
          ✓ volume ci: cloudInitNoCloud [VirtualMachine spec.template.spec.volumes[1]]
        eviction: LiveMigrate, the cluster's default, from KubeVirt
          · evictionStrategy: LiveMigrate, the cluster's default, from KubeVirt [VirtualMachine spec.template.spec.evictionStrategy (absent); KubeVirt spec.configuration.evictionStrategy: LiveMigrate]
        afterEviction: refused: the drain waits until somebody moves, changes or stops it
          · outcome: volume data is ReadWriteOnce on storage class hpp [VirtualMachine spec.template.spec.evictionStrategy (absent); KubeVirt spec.configuration.evictionStrategy: LiveMigrate; VirtualMachine spec.dataVolumeTemplates[0].spec.storage.storageClassName: hpp; StorageProfile status.claimPropertySets[0].accessModes: [ReadWriteOnce]; VirtualMachine spec.template.spec.volumes[0].dataVolume.name: data]
        ");
    }
}
