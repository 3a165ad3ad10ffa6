//! The kinds that facts read. One constant each, so that a kind is spelt once.

use crate::inventory::Kind;

macro_rules! kinds {
    ($($name:ident = $group:literal, $kind:literal, $plural:literal, $namespaced:literal;)*) => {
        $(
            #[doc = concat!("`", $plural, "` of group `", $group, "`.")]
            pub const $name: Kind = Kind { group: $group, kind: $kind, plural: $plural, namespaced: $namespaced };
        )*
        /// All of them.
        pub const KINDS: &[Kind] = &[$($name),*];
    };
}

kinds! {
    VIRTUAL_MACHINE = "kubevirt.io", "VirtualMachine", "virtualmachines", true;
    VIRTUAL_MACHINE_INSTANCE = "kubevirt.io", "VirtualMachineInstance", "virtualmachineinstances", true;
    VIRTUAL_MACHINE_INSTANCE_REPLICA_SET = "kubevirt.io", "VirtualMachineInstanceReplicaSet", "virtualmachineinstancereplicasets", true;
    VIRTUAL_MACHINE_POOL = "pool.kubevirt.io", "VirtualMachinePool", "virtualmachinepools", true;
    KUBE_VIRT = "kubevirt.io", "KubeVirt", "kubevirts", true;
    HYPER_CONVERGED = "hco.kubevirt.io", "HyperConverged", "hyperconvergeds", true;
    INSTANCETYPE = "instancetype.kubevirt.io", "VirtualMachineInstancetype", "virtualmachineinstancetypes", true;
    CLUSTER_INSTANCETYPE = "instancetype.kubevirt.io", "VirtualMachineClusterInstancetype", "virtualmachineclusterinstancetypes", false;
    PREFERENCE = "instancetype.kubevirt.io", "VirtualMachinePreference", "virtualmachinepreferences", true;
    CLUSTER_PREFERENCE = "instancetype.kubevirt.io", "VirtualMachineClusterPreference", "virtualmachineclusterpreferences", false;
    CONTROLLER_REVISION = "apps", "ControllerRevision", "controllerrevisions", true;
    DATA_VOLUME = "cdi.kubevirt.io", "DataVolume", "datavolumes", true;
    STORAGE_PROFILE = "cdi.kubevirt.io", "StorageProfile", "storageprofiles", false;
    PERSISTENT_VOLUME_CLAIM = "", "PersistentVolumeClaim", "persistentvolumeclaims", true;
    PERSISTENT_VOLUME = "", "PersistentVolume", "persistentvolumes", false;
    STORAGE_CLASS = "storage.k8s.io", "StorageClass", "storageclasses", false;
    NODE = "", "Node", "nodes", false;
    NAMESPACE = "", "Namespace", "namespaces", false;
    SUBSCRIPTION = "operators.coreos.com", "Subscription", "subscriptions", true;
    INSTALL_PLAN = "operators.coreos.com", "InstallPlan", "installplans", true;
    CLUSTER_SERVICE_VERSION = "operators.coreos.com", "ClusterServiceVersion", "clusterserviceversions", true;
    CATALOG_SOURCE = "operators.coreos.com", "CatalogSource", "catalogsources", true;
    CLUSTER_VERSION = "config.openshift.io", "ClusterVersion", "clusterversions", false;
    INFRASTRUCTURE = "config.openshift.io", "Infrastructure", "infrastructures", false;
    MACHINE_CONFIG_POOL = "machineconfiguration.openshift.io", "MachineConfigPool", "machineconfigpools", false;
}
