//! Foresees what virt-handler will say of a guest, from its spec, its instancetype and preference, and the cluster.
//!
//! The order is virt-handler's. Must not read the guest's own LiveMigratable condition.

use super::super::cluster::Cluster;
use super::super::instancetype::{self, Matched};
use super::super::look::Looks;
use super::super::workload::Workload;
use super::super::{Version, World};
use super::{devices, disks, features, network};
use crate::object::{Ground, Missing, Node, Why};

/// A guest as its rules read it: completed by instancetype and preference, in a cluster.
pub struct Guest<'a, 'w> {
    pub workload: &'a Workload<'w>,
    pub world: &'a World<'w>,
    pub cluster: Cluster<'w>,
    pub instancetype: Option<Matched<'w>>,
    pub preference: Option<Matched<'w>>,
}

/// A value of the guest and where it stands: a place in the judged object first.
pub struct Setting<'w> {
    pub node: Node<'w>,
    pub evidence: Vec<Ground>,
}

impl<'w> Guest<'_, 'w> {
    /// The version whose rules count.
    pub fn kubevirt(&self) -> Option<Version> {
        self.world.versions.kubevirt
    }

    /// A setting of the guest's own spec.
    pub fn own(&self, keys: &[&str]) -> Option<Setting<'w>> {
        self.workload.guest(keys).map(|node| Setting { node, evidence: vec![self.workload.evidence(node)] })
    }

    /// A setting that the instancetype brings.
    pub fn of_instancetype(&self, keys: &[&str]) -> Option<Setting<'w>> {
        self.instancetype.and_then(|i| i.at(keys).map(|node| self.matched("instancetype", i, node)))
    }

    /// A setting that the preference brings.
    pub fn of_preference(&self, keys: &[&str]) -> Option<Setting<'w>> {
        self.preference.and_then(|p| p.at(keys).map(|node| self.matched("preference", p, node)))
    }

    /// A node of an instancetype or preference: the VirtualMachine's reference to it comes first in the evidence.
    pub fn matched(&self, field: &str, matched: Matched<'w>, node: Node<'w>) -> Setting<'w> {
        let reference = self.workload.machine_evidence(&[field, "name"]);
        Setting { node, evidence: vec![reference, matched.evidence(node)] }
    }

    /// The architecture, where it is written. KubeVirt's webhook writes it into every VirtualMachine
    /// (pkg/defaults/defaults.go), so only manifests lack it.
    pub fn architecture(&self) -> Option<&'w str> {
        let preferred = || self.of_preference(&["preferredArchitecture"]);
        self.own(&["architecture"]).or_else(preferred).and_then(|a| a.node.as_str())
    }
}

/// Asks every rule.
pub fn looks(workload: &Workload<'_>, world: &World<'_>) -> Looks {
    let mut looks = Looks::default();
    let instancetype = instancetype::instancetype(workload, world).unwrap_or_else(|missing| {
        looks.open("instancetype", "may bring host devices or launch security", missing);
        None
    });
    let preference = instancetype::preference(workload, world).unwrap_or_else(|missing| {
        looks.open("preference", "may bring Hyper-V re-enlightenment or launch security", missing);
        None
    });
    let guest = Guest { workload, world, cluster: Cluster::of(world), instancetype, preference };
    network::judge(&guest, &mut looks);
    features::cpu_model(&guest, &mut looks);
    devices::host_devices(&guest, &mut looks);
    devices::launch_security(&guest, &mut looks);
    features::reenlightenment(&guest, &mut looks);
    features::hyperv_passthrough(&guest, &mut looks);
    disks::reservations(&guest, &mut looks);
    disks::volumes(&guest, &mut looks);
    for what in workload.too_long() {
        looks.open(
            "the lists of the guest",
            "are longer than KubeVirt takes",
            Missing { what, why: Why::NotCollected },
        );
    }
    looks
}
