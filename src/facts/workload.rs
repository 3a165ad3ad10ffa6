//! The objects that become virtual machines, read alike: a VirtualMachine, a VirtualMachineInstance, and the templates of a
//! VirtualMachinePool and a VirtualMachineInstanceReplicaSet.
//!
//! Knows where in each the guest is described, who owns it and whether it runs. Must not know migration or eviction.

use super::lookup::Seen;
use super::{
    CLUSTER_INSTANCETYPE, CLUSTER_PREFERENCE, CONTROLLER_REVISION, DATA_VOLUME, HYPER_CONVERGED, INFRASTRUCTURE,
    INSTANCETYPE, KUBE_VIRT, MACHINE_CONFIG_POOL, NODE, PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM, PREFERENCE,
    STORAGE_CLASS, STORAGE_PROFILE, VIRTUAL_MACHINE, VIRTUAL_MACHINE_INSTANCE, VIRTUAL_MACHINE_INSTANCE_REPLICA_SET,
    VIRTUAL_MACHINE_POOL, World,
};
use crate::inventory::Kind;
use crate::object::{Ground, Node, Object};

/// The kinds that facts about workloads are for.
pub const WORKLOADS: &[Kind] =
    &[VIRTUAL_MACHINE, VIRTUAL_MACHINE_INSTANCE, VIRTUAL_MACHINE_POOL, VIRTUAL_MACHINE_INSTANCE_REPLICA_SET];

/// The kinds that facts about workloads read, in all.
pub const READS: &[Kind] = &[
    VIRTUAL_MACHINE,
    VIRTUAL_MACHINE_INSTANCE,
    KUBE_VIRT,
    HYPER_CONVERGED,
    INSTANCETYPE,
    CLUSTER_INSTANCETYPE,
    PREFERENCE,
    CLUSTER_PREFERENCE,
    CONTROLLER_REVISION,
    DATA_VOLUME,
    STORAGE_PROFILE,
    PERSISTENT_VOLUME_CLAIM,
    PERSISTENT_VOLUME,
    STORAGE_CLASS,
    NODE,
    INFRASTRUCTURE,
    MACHINE_CONFIG_POOL,
];

/// Which of them an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A VirtualMachine.
    Machine,
    /// A VirtualMachineInstance.
    Instance,
    /// A VirtualMachinePool.
    Pool,
    /// A VirtualMachineInstanceReplicaSet.
    ReplicaSet,
}

/// A workload.
#[derive(Clone, Copy, Debug)]
pub struct Workload<'t> {
    /// The object.
    pub object: Object<'t>,
    /// What it is.
    pub form: Form,
}

/// What brings a guest back after its pod has ended (kubevirt pkg/virt-controller/watch/vm/vm.go, syncRunStrategy).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunStrategy<'t> {
    /// `Always`, and `running: true`.
    Always,
    /// `RerunOnFailure`.
    RerunOnFailure,
    /// `Manual`.
    Manual,
    /// `Once`.
    Once,
    /// `Halted`, and `running: false`.
    Halted,
    /// Another word, or none at all; KubeVirt accepts neither of a VirtualMachine.
    Other(&'t str),
}

/// Who made a VirtualMachineInstance.
#[derive(Clone, Debug)]
pub enum Owner<'w> {
    /// Nobody: a stand-alone VMI.
    None,
    /// This VirtualMachine; `None` where it is gone.
    Machine(Seen<Option<Object<'w>>>),
    /// A VirtualMachineInstanceReplicaSet of this name.
    ReplicaSet(&'w str),
    /// Something else: kind and name.
    Other(&'w str, &'w str),
}

/// Most elements of a list that are looked at. KubeVirt takes 256 disks and volumes (pkg/virt-api/webhooks/validating-webhook/admitters,
/// arrayLenMax), but an object can hold as many as it has bytes, and each may become an obstacle that is held, explained and
/// compared with the others. What lies beyond is unknown.
pub const MOST: usize = 1024;

impl<'t> Workload<'t> {
    /// The workload; `None` for an object of another kind.
    pub fn of(object: Object<'t>) -> Option<Self> {
        let is = |kind: Kind| object.gvk.is(kind.group, kind.kind);
        let form = [
            (VIRTUAL_MACHINE, Form::Machine),
            (VIRTUAL_MACHINE_INSTANCE, Form::Instance),
            (VIRTUAL_MACHINE_POOL, Form::Pool),
            (VIRTUAL_MACHINE_INSTANCE_REPLICA_SET, Form::ReplicaSet),
        ]
        .into_iter()
        .find(|(kind, _)| is(*kind))?
        .1;
        Some(Workload { object, form })
    }

    /// Where the guest's metadata and spec stand.
    fn template_keys(&self) -> &'static [&'static str] {
        match self.form {
            Form::Machine | Form::ReplicaSet => &["spec", "template"],
            Form::Instance => &[],
            Form::Pool => &["spec", "virtualMachineTemplate", "spec", "template"],
        }
    }

    /// Where runStrategy, instancetype and dataVolumeTemplates stand; `None` where there is no VirtualMachine.
    fn machine_keys(&self) -> Option<&'static [&'static str]> {
        match self.form {
            Form::Machine => Some(&["spec"]),
            Form::Pool => Some(&["spec", "virtualMachineTemplate", "spec"]),
            Form::Instance | Form::ReplicaSet => None,
        }
    }

    /// What stands in the guest's spec.
    pub fn guest(&self, keys: &[&str]) -> Option<Node<'t>> {
        self.object.at(self.template_keys())?.get("spec")?.at(keys).filter(|n| !n.is_null())
    }

    /// The elements of a list in the guest's spec, [`MOST`] of them.
    pub fn guest_list(&self, keys: &[&str]) -> impl Iterator<Item = Node<'t>> + use<'t> {
        self.guest(keys).into_iter().flat_map(Node::elements).take(MOST)
    }

    /// The lists that go on beyond [`MOST`], as a person names them.
    pub fn too_long(&self) -> impl Iterator<Item = String> {
        const LISTS: [&[&str]; 7] = [
            &["volumes"],
            &["networks"],
            &["domain", "cpu", "features"],
            &["domain", "devices", "disks"],
            &["domain", "devices", "gpus"],
            &["domain", "devices", "hostDevices"],
            &["domain", "devices", "interfaces"],
        ];
        let own = LISTS.into_iter().map(|keys| (self.guest(keys), keys));
        let all = own.chain([(self.machine(&["dataVolumeTemplates"]), &["dataVolumeTemplates"][..])]);
        let long = all.filter(|(list, _)| list.is_some_and(|list| list.elements().len() > MOST));
        long.map(|(_, keys)| format!("{} beyond the first {MOST}", keys.join(".")))
    }

    /// Evidence that something stands in the guest's spec, or that it does not.
    pub fn guest_evidence(&self, keys: &[&str]) -> Ground {
        Ground::at(self.object, &[self.template_keys(), &["spec"], keys].concat())
    }

    /// What stands in the VirtualMachine's spec.
    pub fn machine(&self, keys: &[&str]) -> Option<Node<'t>> {
        self.object.at(self.machine_keys()?)?.at(keys).filter(|n| !n.is_null())
    }

    /// Evidence that something stands in the VirtualMachine's spec, or that it does not.
    pub fn machine_evidence(&self, keys: &[&str]) -> Ground {
        Ground::at(self.object, &[self.machine_keys().unwrap_or_default(), keys].concat())
    }

    /// An annotation that the VMI gets, or has.
    pub fn guest_annotation(&self, key: &str) -> Option<Node<'t>> {
        self.object.at(self.template_keys())?.at(&["metadata", "annotations", key])
    }

    /// Evidence of a node of this object.
    pub fn evidence(&self, node: Node<'t>) -> Ground {
        Ground::of(self.object, node)
    }

    /// The templates of the DataVolumes that come with the VirtualMachine, [`MOST`] of them.
    pub fn data_volume_templates(&self) -> impl Iterator<Item = Node<'t>> + use<'t> {
        self.machine(&["dataVolumeTemplates"]).into_iter().flat_map(Node::elements).take(MOST)
    }

    /// runStrategy, or what the old field `running` stands for, and where.
    pub fn run_strategy(&self) -> (RunStrategy<'t>, Ground) {
        if let Some(running) = self.machine(&["running"]).and_then(Node::as_bool) {
            let strategy = if running { RunStrategy::Always } else { RunStrategy::Halted };
            return (strategy, self.machine_evidence(&["running"]));
        }
        let strategy = match self.machine(&["runStrategy"]).and_then(Node::as_str).unwrap_or_default() {
            "Always" => RunStrategy::Always,
            "RerunOnFailure" => RunStrategy::RerunOnFailure,
            "Manual" => RunStrategy::Manual,
            "Once" => RunStrategy::Once,
            "Halted" => RunStrategy::Halted,
            other => RunStrategy::Other(other),
        };
        (strategy, self.machine_evidence(&["runStrategy"]))
    }

    /// `status.phase` of a VMI; empty before it is created.
    pub fn phase(&self) -> &'t str {
        self.object.root.str_at(&["status", "phase"]).unwrap_or_default()
    }

    /// True for a VMI that has ended; its pod holds up nothing.
    pub fn is_final(&self) -> bool {
        matches!(self.phase(), "Succeeded" | "Failed")
    }

    /// The node that a VMI's pod is bound to. `status.nodeName` comes only when the pod is ready; `status.activePods` names
    /// the node as soon as it is bound (kubevirt pkg/virt-controller/watch/vmi, setActivePods).
    pub fn node(&self) -> Option<&'t str> {
        let named = self.object.root.str_at(&["status", "nodeName"]);
        let pods = self.object.at(&["status", "activePods"]).into_iter().flat_map(Node::entries);
        named.into_iter().chain(pods.filter_map(|(_, node)| node.as_str())).find(|node| !node.is_empty())
    }

    /// True for a VMI whose pod a drain has to move.
    pub fn is_active(&self) -> bool {
        let placed = self.node().is_some() || matches!(self.phase(), "Scheduled" | "Running");
        self.form == Form::Instance && !self.is_final() && placed
    }

    /// A condition of the status, and its place.
    pub fn condition(&self, kind: &str) -> Option<Node<'t>> {
        self.object.root.list_at(&["status", "conditions"]).find(|c| c.str_at(&["type"]) == Some(kind))
    }

    /// The VMI that runs for a VirtualMachine.
    pub fn instance<'w>(&self, world: &World<'w>) -> Seen<Option<Workload<'w>>> {
        let found = world.find(VIRTUAL_MACHINE_INSTANCE, self.object.namespace(), self.object.name())?;
        Ok(found.and_then(Workload::of).filter(|vmi| !vmi.is_final()))
    }
}

impl<'w> Workload<'w> {
    /// Who made this VMI.
    pub fn owner(&self, world: &World<'w>) -> Owner<'w> {
        match self.object.owner() {
            None => Owner::None,
            Some(("VirtualMachine", name)) => {
                Owner::Machine(world.find(VIRTUAL_MACHINE, self.object.namespace(), name))
            }
            Some(("VirtualMachineInstanceReplicaSet", name)) => Owner::ReplicaSet(name),
            Some((kind, name)) => Owner::Other(kind, name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Judged;
    use super::*;

    #[test]
    fn which_guests_a_drain_meets_and_on_which_node() {
        for (status, node, active) in [
            ("", None, false),
            ("phase: Pending", None, false),
            ("phase: Scheduling, activePods: {a: ''}", None, false),
            ("phase: Scheduling, activePods: {a: w1}", Some("w1"), true),
            ("phase: Running, nodeName: w2, activePods: {a: w1, b: w2}", Some("w2"), true),
            ("phase: Running", None, true),
            ("phase: Failed, nodeName: w2", Some("w2"), false),
        ] {
            let vmi = Judged::new(&format!(
                "{{apiVersion: kubevirt.io/v1, kind: VirtualMachineInstance, metadata: {{name: a}}, status: {{{status}}}}}"
            ));
            let workload = Workload::of(vmi.object()).unwrap();
            assert_eq!((workload.node(), workload.is_active()), (node, active), "{status}");
        }
    }
}
