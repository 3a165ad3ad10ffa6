//! What a drain of every node does to the virtual machines, in numbers, and the cluster in a report's head.
//!
//! Knows how facts add up. Must not know how the sums are shown.

use rayon::prelude::*;

use super::Surroundings;
use crate::facts::after_eviction::{AfterEviction, Outcome};
use crate::facts::cluster::single_node;
use crate::facts::workload::Workload;
use crate::facts::{VIRTUAL_MACHINE, VIRTUAL_MACHINE_INSTANCE, World};
use crate::finding::{ClusterSummary, Machines};
use crate::inventory::View;
use crate::object::Object;

/// The cluster in a report's head.
pub fn cluster_summary(around: Surroundings<'_>) -> ClusterSummary {
    let world = around.world();
    let versions = &around.cluster.versions;
    ClusterSummary {
        openshift: versions.openshift.map(|v| v.to_string()),
        target: versions.target.map(|v| if v.patch == 0 { v.minor_text() } else { v.to_string() }),
        target_assumed: versions.target.is_some() && !versions.target_given,
        virtualization: versions.hyperconverged.map(|v| v.virtualization().to_string()),
        kubevirt: versions.kubevirt.map(|v| v.to_string()),
        as_of: around.cluster.now.map(|now| now.to_string()),
        single_node: single_node(&world).is_some(),
        machines: machines(&world),
    }
}

/// The numbers; `None` when VMs or VMIs were not collected completely, for then no total would be true.
fn machines(world: &World<'_>) -> Option<Machines> {
    let vms = world.view.list(VIRTUAL_MACHINE, None);
    let vmis = world.view.list(VIRTUAL_MACHINE_INSTANCE, None);
    vms.complete.and(vmis.complete).ok()?;
    let alone = vmis.objects.iter().filter(|vmi| vmi.owner().is_none_or(|(kind, _)| kind != VIRTUAL_MACHINE.kind));
    let total = vms.objects.len() + alone.count();
    let outcomes: Vec<Option<Outcome>> = vmis.objects.par_iter().filter_map(|vmi| drained(*vmi, world)).collect();
    Some(outcomes.into_iter().fold(Machines { total, ..Machines::default() }, add))
}

/// What a drain does to a guest that runs; outer `None` for one that does not.
fn drained(vmi: Object<'_>, world: &World<'_>) -> Option<Option<Outcome>> {
    let workload = Workload::of(vmi).filter(Workload::is_active)?;
    Some(AfterEviction::of_workload(&workload, world).known())
}

fn add(mut sum: Machines, outcome: Option<Outcome>) -> Machines {
    sum.running += 1;
    match outcome {
        Some(Outcome::Migrates) => sum.migrated += 1,
        Some(Outcome::RestartsElsewhere | Outcome::RestartsAfterUncordon) => sum.restarted += 1,
        Some(Outcome::RestartsIfKilled | Outcome::StaysOff | Outcome::Lost) => sum.left_off += 1,
        Some(Outcome::Refused) => sum.refused += 1,
        None => sum.unknown += 1,
        // A single node is not drained: nothing is done to it that these numbers count.
        Some(Outcome::NotRunning | Outcome::NotDrained) => {}
    }
    sum
}

impl<'e> Surroundings<'e> {
    /// What facts look at, with no object lying over the inventory.
    pub fn world(&self) -> World<'e> {
        let cluster = self.cluster;
        let view = View::new(self.inventory);
        World { view, versions: &cluster.versions, now: cluster.now, defaults: &cluster.defaults }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Cluster as Known;
    use crate::inventory::{Collection, Collector};
    use crate::source;

    /// A VMI that runs, or (without a node) one that does not.
    fn vmi(name: &str, node: &str, strategy: &str, owner: &str) -> String {
        let owners = match owner {
            "" => String::new(),
            kind => format!(", ownerReferences: [{{kind: {kind}, name: {name}, controller: true}}]"),
        };
        format!(
            "---\napiVersion: kubevirt.io/v1\nkind: VirtualMachineInstance\n\
             metadata: {{name: {name}, namespace: shop{owners}}}\n\
             spec: {{evictionStrategy: {strategy}, domain: {{devices: {{}}}}}}\n\
             status: {{phase: Running, nodeName: '{node}', evictionStrategy: {strategy}, \
             conditions: [{{type: LiveMigratable, status: 'False', reason: DisksNotLiveMigratable}}]}}\n"
        )
    }

    fn vm(name: &str, run_strategy: &str) -> String {
        format!(
            "---\napiVersion: kubevirt.io/v1\nkind: VirtualMachine\nmetadata: {{name: {name}, namespace: shop}}\n\
             spec: {{runStrategy: {run_strategy}, template: {{spec: {{domain: {{devices: {{}}}}}}}}}}\n"
        )
    }

    fn counted(documents: &str, collected: &str) -> Option<Machines> {
        let marker = format!("---\napiVersion: virt-guard.io/v1\nkind: Collected\nresources: [{collected}]\n");
        let mut collector = Collector::default();
        collector.add("all.yaml", &source::parse("all.yaml", format!("{documents}{marker}").into_bytes()));
        let Collection { inventory, .. } = collector.finish(crate::facts::KINDS);
        let known = Known::default();
        cluster_summary(Surroundings { inventory: &inventory, cluster: &known }).machines
    }

    const BOTH: &str = "virtualmachines.kubevirt.io, virtualmachineinstances.kubevirt.io";

    #[test]
    fn the_numbers_add_up() {
        let all = [
            vm("waits", "Always"),
            vmi("waits", "n1", "LiveMigrate", "VirtualMachine"),
            vm("quiet", "Manual"),
            vmi("quiet", "n1", "None", "VirtualMachine"),
            vm("halted", "Halted"),
            vmi("alone", "n2", "External", ""),
        ];
        let machines = counted(&all.concat(), BOTH).unwrap();
        assert_eq!((machines.total, machines.running), (4, 3), "{machines:?}");
        assert_eq!((machines.refused, machines.left_off), (2, 1), "{machines:?}");
        let Machines { running, migrated, restarted, left_off, refused, unknown, .. } = machines;
        assert_eq!(migrated + restarted + left_off + refused + unknown, running);
    }

    #[test]
    fn no_total_where_not_all_were_collected() {
        assert_eq!(counted(&vm("a", "Always"), "virtualmachines.kubevirt.io"), None);
        assert_eq!(counted("", BOTH), Some(Machines::default()));
    }
}
