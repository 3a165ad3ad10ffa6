//! Worlds for tests, written as YAML.

use super::after_eviction::AfterEviction;
pub use super::fixture::Owned as Judged;
use super::fixture::inventory;
use super::migration::Migration;
use super::{ClusterDefaults, FactSet, KINDS, Version, Versions, World};
use crate::inventory::{Inventory, View};

/// A world that owns what it consists of.
pub struct Test {
    pub inventory: Inventory,
    pub versions: Versions,
    pub defaults: ClusterDefaults,
}

impl Test {
    /// The documents of a YAML text, and the plurals of the kinds that are all in it (`all`: every kind).
    pub fn new(yaml: &str, complete: &[&str]) -> Self {
        let all: Vec<&str> = KINDS.iter().map(|k| k.plural).collect();
        let complete = if complete == ["all"] { &all } else { complete };
        Test {
            inventory: inventory(yaml, complete),
            versions: Versions::default(),
            defaults: ClusterDefaults::default(),
        }
    }

    /// With this KubeVirt.
    pub fn kubevirt(mut self, version: &str) -> Self {
        self.versions.kubevirt = Version::parse(version);
        self
    }

    pub fn world(&self) -> World<'_> {
        World { view: View::new(&self.inventory), versions: &self.versions, now: None, defaults: &self.defaults }
    }
}

/// KubeVirt under HyperConverged on several workers, with a shared and a node-local storage class.
pub const CLUSTER: &str = "
apiVersion: kubevirt.io/v1
kind: KubeVirt
metadata: {name: kubevirt-kubevirt-hyperconverged, namespace: openshift-cnv, ownerReferences: [{kind: HyperConverged, name: kubevirt-hyperconverged}]}
spec:
  configuration:
    evictionStrategy: LiveMigrate
    network: {defaultNetworkInterface: masquerade, binding: {l2bridge: {migration: {}}, foo: {sidecarImage: q/foo}}}
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: rbd, annotations: {storageclass.kubevirt.io/is-default-virt-class: 'true'}}
provisioner: openshift-storage.rbd.csi.ceph.com
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: hpp}
provisioner: kubevirt.io.hostpath-provisioner
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: hpp-overlay}
parameters: {overlayCSI: x}
provisioner: kubevirt.io.hostpath-provisioner
---
apiVersion: cdi.kubevirt.io/v1beta1
kind: StorageProfile
metadata: {name: rbd}
status: {claimPropertySets: [{accessModes: [ReadWriteMany], volumeMode: Block}, {accessModes: [ReadWriteOnce], volumeMode: Block}, {accessModes: [ReadWriteOnce], volumeMode: Filesystem}]}
---
apiVersion: cdi.kubevirt.io/v1beta1
kind: StorageProfile
metadata: {name: hpp}
status: {claimPropertySets: [{accessModes: [ReadWriteOnce], volumeMode: Filesystem}]}
---
apiVersion: cdi.kubevirt.io/v1beta1
kind: StorageProfile
metadata: {name: hpp-overlay}
status: {claimPropertySets: [{accessModes: [ReadWriteMany], volumeMode: Filesystem}]}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: shared, namespace: shop}
spec: {accessModes: [ReadWriteOnce, ReadWriteMany], storageClassName: rbd}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: golden, namespace: shop}
spec: {accessModes: [ReadWriteOnce], storageClassName: rbd}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: iso, namespace: shop}
spec: {accessModes: [ReadOnlyMany], storageClassName: rbd}
---
apiVersion: instancetype.kubevirt.io/v1beta1
kind: VirtualMachineClusterInstancetype
metadata: {name: gn1.xlarge}
spec: {gpus: [{name: gpus, deviceName: nvidia.com/A400}]}
---
apiVersion: instancetype.kubevirt.io/v1beta1
kind: VirtualMachineClusterPreference
metadata: {name: windows.2k22}
spec: {features: {preferredHyperv: {reenlightenment: {}}}}
---
apiVersion: instancetype.kubevirt.io/v1beta1
kind: VirtualMachinePreference
metadata: {name: bridge-may-move, namespace: shop}
spec: {annotations: {kubevirt.io/allow-pod-bridge-network-live-migration: 'true'}}
---
apiVersion: v1
kind: Node
metadata: {name: worker-1, labels: {node-role.kubernetes.io/worker: ''}}
---
apiVersion: apps/v1
kind: ControllerRevision
metadata: {name: old-u1, namespace: shop, labels: {instancetype.kubevirt.io/object-name: u1}}
data: {apiVersion: instancetype.kubevirt.io/v1beta1, kind: VirtualMachineClusterInstancetype, spec: {hostDevices: [{name: nic, deviceName: vendor.com/nic}]}}
---
apiVersion: instancetype.kubevirt.io/v1beta1
kind: VirtualMachineClusterInstancetype
metadata: {name: u1}
spec: {}
";

/// That cluster, all of it seen.
pub fn cluster() -> Test {
    Test::new(CLUSTER, &["all"]).kubevirt("1.6.6")
}

/// A VirtualMachine: what its spec has beside the template, and what the guest's spec has.
pub fn vm(spec: &str, guest: &str) -> Judged {
    Judged::new(&format!(
        "{{apiVersion: kubevirt.io/v1, kind: VirtualMachine, metadata: {{name: db, namespace: shop}}, \
         spec: {{{spec}, template: {{spec: {{{guest}}}}}}}}}"
    ))
}

/// A VirtualMachine that runs always and has one DataVolume with this storage.
pub fn with_storage(storage: &str) -> Judged {
    vm(
        &format!(
            "runStrategy: Always, dataVolumeTemplates: [{{metadata: {{name: root}}, spec: {{storage: {{{storage}}}}}}}]"
        ),
        "volumes: [{name: root, dataVolume: {name: root}}]",
    )
}

/// A running VMI of a VM `db`, with these conditions and this much more of its spec and status.
pub fn vmi(spec: &str, status: &str) -> Judged {
    Judged::new(&format!(
        "{{apiVersion: kubevirt.io/v1, kind: VirtualMachineInstance, metadata: {{name: db, namespace: shop, ownerReferences: \
         [{{kind: VirtualMachine, name: db, controller: true}}]}}, spec: {{{spec}}}, status: {{phase: Running, nodeName: w1, {status}}}}}"
    ))
}

/// That cluster with a VirtualMachine `db`.
pub fn with_machine(machine: &str) -> Test {
    Test::new(
        &format!(
            "{CLUSTER}\n---\n{{apiVersion: kubevirt.io/v1, kind: VirtualMachine, metadata: {{name: db, namespace: shop}}, spec: {{{machine}}}}}"
        ),
        &["all"],
    )
    .kubevirt("1.6.6")
}

/// Conditions of a VMI.
pub const TRUE: &str = "conditions: [{type: LiveMigratable, status: 'True'}]";
/// The first reason is storage.
pub const DISKS: &str = "conditions: [{type: LiveMigratable, status: 'False', reason: DisksNotLiveMigratable, message: PVC root is not shared}]";
/// The first reason is the CPU model; its name lacks a "Not".
pub const CPU: &str =
    "conditions: [{type: LiveMigratable, status: 'False', reason: CPUModeLiveMigratable, message: no host model}]";

/// Verdict, outcome and the obstacles, each with its reason.
pub fn verdict(judged: &Judged, test: &Test) -> String {
    let migration = Migration::of(judged.object(), &test.world()).unwrap();
    let after = AfterEviction::of(judged.object(), &test.world()).unwrap();
    let outcome = after.known().map(|o| o.as_str()).unwrap_or("Unknown");
    let obstacles: Vec<String> = migration.obstacles().map(|o| format!("{}: {}", o.topic, o.text)).collect();
    let missing: Vec<String> = migration.looks.missing().iter().map(|m| m.to_string()).collect();
    let mut lines = vec![format!("{} {outcome}", migration.verdict.as_str())];
    lines.extend(obstacles);
    lines.extend(missing.into_iter().map(|m| format!("missing {m}")));
    lines.join(" | ")
}

/// What a fact gives expressions has the fields that its schema declares, and no others.
#[test]
fn facts_have_the_fields_that_they_declare() {
    use super::fixture::fits;
    use super::{after_eviction, eviction, migration, workload_update};
    let test = cluster();
    let hyperconverged = Judged::new(
        "{apiVersion: hco.kubevirt.io/v1, kind: HyperConverged, metadata: {name: h, namespace: cnv}, spec: {virtualization: {workloadUpdateStrategy: {workloadUpdateMethods: [x]}}}}",
    );
    for judged in [with_storage("storageClassName: hpp"), vmi("evictionStrategy: External", DISKS), hyperconverged] {
        for schema in [after_eviction::SCHEMA, eviction::SCHEMA, migration::SCHEMA, workload_update::SCHEMA] {
            if let Some(fact) = (schema.compute)(&FactSet::new(judged.object(), test.world())) {
                let fields = (schema.fields)();
                fits(&fact, &fields).unwrap_or_else(|e| panic!("{}: {e}", schema.name));
                let crate::cel::Type::Struct(declared) = fields else { panic!("{} declares no fields", schema.name) };
                for field in declared.fields.keys() {
                    assert!(fact.get(field).is_some(), "{}.{field} is declared and never given", schema.name);
                }
            }
        }
    }
}
