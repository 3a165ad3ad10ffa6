//! What KubeVirt is configured to do, and what kind of cluster it runs in.
//!
//! Knows the KubeVirt and HyperConverged objects, their two shapes, and which of them has the last word: HyperConverged
//! writes the KubeVirt object and reverts what others write there, so what stands in KubeVirt is in force
//! (hyperconverged-cluster-operator controllers/handlers/kubevirt.go). Must not know workloads.

use std::collections::BTreeSet;

use super::lookup::Seen;
use super::{HYPER_CONVERGED, INFRASTRUCTURE, KUBE_VIRT, MACHINE_CONFIG_POOL, NODE, World};
use crate::inventory::Kind;
use crate::object::{Ground, Missing, Node, Object, Why};

/// The configuration, as far as it was seen.
#[derive(Clone, Debug)]
pub struct Cluster<'w> {
    world: World<'w>,
    kubevirt: Seen<Option<Object<'w>>>,
    hyperconverged: Seen<Option<Object<'w>>>,
    /// Manifests of several clusters may lie side by side; then they have to give the same answer.
    others: Vec<Cluster<'w>>,
}

/// An answer and where it stands; the place is missing where the answer is a default of the code.
pub type Found<T> = Seen<(T, Option<Ground>)>;

/// Two answers are the same wherever they stand.
fn same<T: PartialEq>(a: &(T, Option<Ground>), b: &(T, Option<Ground>)) -> bool {
    a.0 == b.0
}

impl<'w> Cluster<'w> {
    /// Looks for both objects. HyperConverged makes its KubeVirt in its own namespace, so a namespace is a cluster.
    pub fn of(world: &World<'w>) -> Self {
        let seen = [world.seen(KUBE_VIRT), world.seen(HYPER_CONVERGED)].concat();
        let namespaces: BTreeSet<_> = seen.iter().map(|o| o.namespace()).collect();
        let mut clusters = namespaces.into_iter().map(|namespace| {
            let only = |kind: Kind| match seen
                .iter()
                .find(|o| o.gvk.is(kind.group, kind.kind) && o.namespace() == namespace)
            {
                Some(object) => Ok(Some(*object)),
                None => world.only(kind).map(|_| None),
            };
            Cluster {
                world: *world,
                kubevirt: only(KUBE_VIRT),
                hyperconverged: only(HYPER_CONVERGED),
                others: Vec::new(),
            }
        });
        match clusters.next() {
            Some(first) => Cluster { others: clusters.collect(), ..first },
            None => Cluster {
                world: *world,
                kubevirt: world.only(KUBE_VIRT),
                hyperconverged: world.only(HYPER_CONVERGED),
                others: Vec::new(),
            },
        }
    }

    /// The answer that all clusters give; `same` says whether two are one.
    pub fn agreed<T>(&self, what: &str, ask: impl Fn(&Self) -> Seen<T>, same: impl Fn(&T, &T) -> bool) -> Seen<T> {
        let first = ask(self)?;
        for other in &self.others {
            if !same(&first, &ask(other)?) {
                return Err(Missing { what: what.to_owned(), why: Why::Ambiguous });
            }
        }
        Ok(first)
    }

    /// The KubeVirt object, where it was seen.
    pub fn kubevirt(&self) -> Option<Object<'w>> {
        self.kubevirt.as_ref().ok().copied().flatten()
    }

    /// The HyperConverged object, where it was seen.
    pub fn hyperconverged(&self) -> Option<Object<'w>> {
        self.hyperconverged.as_ref().ok().copied().flatten()
    }

    /// True where HyperConverged is known to configure KubeVirt.
    pub fn has_hyperconverged(&self) -> bool {
        self.hyperconverged().is_some()
            || self.world.versions.hyperconverged.is_some()
            || self.kubevirt().is_some_and(is_managed)
    }

    /// What would have to be collected to know KubeVirt's configuration.
    pub fn missing_kubevirt(&self) -> Missing {
        match &self.kubevirt {
            Err(missing) => missing.clone(),
            Ok(_) => Missing::does_not_exist("KubeVirt"),
        }
    }

    /// What stands in KubeVirt's `spec.configuration`.
    pub fn configuration(&self, keys: &[&str]) -> Option<(Object<'w>, Node<'w>)> {
        let kubevirt = self.kubevirt()?;
        Some((kubevirt, kubevirt.at(&["spec", "configuration"])?.at(keys).filter(|n| !n.is_null())?))
    }

    /// The binding of the interface that a guest without any gets. Bridge in KubeVirt (pkg/virt-config/virt-config.go),
    /// masquerade under HyperConverged (controllers/handlers/kubevirt.go, getKVConfig).
    pub fn default_interface(&self) -> Found<&'w str> {
        self.agreed("the default network interface", Cluster::own_default_interface, same)
    }

    fn own_default_interface(&self) -> Found<&'w str> {
        if let Some((kubevirt, node)) = self.configuration(&["network", "defaultNetworkInterface"]) {
            return Ok((node.as_str().unwrap_or_default(), Some(Ground::of(kubevirt, node))));
        }
        if self.has_hyperconverged() {
            return Ok(("masquerade", None));
        }
        if let Some(stated) = self.world.defaults.network_interface.as_deref() {
            return Ok((stated, None));
        }
        match self.kubevirt() {
            Some(kubevirt) => {
                let absent = Ground::at(kubevirt, &["spec", "configuration", "network", "defaultNetworkInterface"]);
                Ok(("bridge", Some(absent.note("KubeVirt's own default is bridge"))))
            }
            None => Err(self.missing_kubevirt()),
        }
    }

    /// Whether a network binding plugin is registered as one that migrates: `migration` is there, be it empty. HyperConverged
    /// always registers l2bridge so (controllers/handlers/kubevirt.go, getNetworkBindings).
    pub fn binding_migrates(&self, plugin: &str) -> Found<bool> {
        self.agreed(&format!("network binding plugin {plugin}"), |c| c.own_binding_migrates(plugin), same)
    }

    fn own_binding_migrates(&self, plugin: &str) -> Found<bool> {
        if let Some(kubevirt) = self.kubevirt() {
            let keys = ["spec", "configuration", "network", "binding", plugin, "migration"];
            let migrates = kubevirt.at(&keys).is_some_and(|m| !m.is_null());
            return Ok((migrates, Some(Ground::at(kubevirt, &keys))));
        }
        if plugin == "l2bridge" && self.has_hyperconverged() {
            return Ok((true, None));
        }
        let declared = self.hyperconverged().and_then(|hco| {
            let bindings = hyperconverged_keys(hco, &["networkBinding"], &["networking", "networkBinding"]);
            let keys = [bindings.as_slice(), &[plugin]].concat();
            let migrates = hco.at(&keys)?.get("migration").is_some_and(|m| !m.is_null());
            Some((migrates, Some(Ground::at(hco, &keys))))
        });
        declared.ok_or_else(|| self.missing_kubevirt())
    }

    /// Whether KubeVirt's feature gate is on.
    pub fn feature_gate(&self, gate: &str) -> Found<bool> {
        self.agreed(&format!("feature gate {gate}"), |c| c.own_feature_gate(gate), same)
    }

    fn own_feature_gate(&self, gate: &str) -> Found<bool> {
        let kubevirt = self.kubevirt().ok_or_else(|| self.missing_kubevirt())?;
        let keys = ["spec", "configuration", "developerConfiguration", "featureGates"];
        let on = kubevirt.root.list_at(&keys).any(|g| g.as_str() == Some(gate));
        Ok((on, Some(Ground::at(kubevirt, &keys))))
    }

    /// Whether a device is permitted as a mediated one (a vGPU).
    pub fn is_mediated(&self, device: &str) -> Found<bool> {
        self.agreed(&format!("permitted host device {device}"), |c| c.own_is_mediated(device), same)
    }

    fn own_is_mediated(&self, device: &str) -> Found<bool> {
        let list = |object: Object<'w>, keys: &[&str]| {
            let named = |d: Node<'_>| d.str_at(&["resourceName"]) == Some(device);
            Ok((object.root.list_at(keys).any(named), Some(Ground::at(object, keys))))
        };
        if let Some(kubevirt) = self.kubevirt() {
            return list(kubevirt, &["spec", "configuration", "permittedHostDevices", "mediatedDevices"]);
        }
        match self.hyperconverged() {
            Some(hco) => {
                let devices = ["permittedHostDevices", "mediatedDevices"];
                list(
                    hco,
                    &hyperconverged_keys(hco, &devices, &["virtualization", "permittedHostDevices", "mediatedDevices"]),
                )
            }
            None => Err(self.missing_kubevirt()),
        }
    }

    /// The default evictionStrategy that a person stated.
    pub fn stated_eviction_strategy(&self) -> Option<&'w str> {
        self.world.defaults.eviction_strategy.as_deref()
    }

    /// Whether HyperConverged would call this cluster highly available: two nodes or more with the worker role
    /// (hyperconverged-cluster-operator pkg/internal/nodeinfo/nodeinfo.go).
    pub fn is_highly_available(&self) -> Found<bool> {
        let hco = self.hyperconverged();
        let status = hco.and_then(|hco| Some((hco, hco.at(&["status", "infrastructureHighlyAvailable"])?)));
        if let Some((hco, node)) = status
            && let Some(available) = node.as_bool()
        {
            return Ok((available, Some(Ground::of(hco, node))));
        }
        let is_worker = |node: &Object<'_>| node.label("node-role.kubernetes.io/worker").is_some();
        if self.world.seen(NODE).iter().filter(|n| is_worker(n)).count() >= 2 {
            return Ok((true, None));
        }
        self.world.all(NODE, None).map(|_| (false, None))
    }

    /// The nodes, if all were seen.
    pub fn nodes(&self) -> Seen<Vec<Object<'w>>> {
        self.world.all(NODE, None)
    }

    /// The nodes that were seen.
    pub fn seen_nodes(&self) -> Vec<Object<'w>> {
        self.world.seen(NODE)
    }

    /// True where MachineConfigPools were seen.
    pub fn has_pools(&self) -> bool {
        !self.world.seen(MACHINE_CONFIG_POOL).is_empty()
    }

    /// The MachineConfigPools that were seen paused.
    pub fn paused_pools(&self) -> Vec<Object<'w>> {
        let paused = |pool: &Object<'_>| pool.root.bool_at(&["spec", "paused"]) == Some(true);
        self.world.seen(MACHINE_CONFIG_POOL).into_iter().filter(paused).collect()
    }
}

/// Where it says that the cluster has a single node: its drain is skipped and the reboot stops what runs
/// (machine-config-operator pkg/daemon/drain.go, performDrain). `None` also where nobody knows, for plain Kubernetes has no
/// such object.
pub fn single_node(world: &World<'_>) -> Option<Ground> {
    let infrastructure = world.only(INFRASTRUCTURE).ok()??;
    let topology = infrastructure.at(&["status", "controlPlaneTopology"])?;
    (topology.as_str() == Some("SingleReplica")).then(|| Ground::of(infrastructure, topology))
}

/// True for a KubeVirt that HyperConverged writes.
pub fn is_managed(kubevirt: Object<'_>) -> bool {
    let mut owners = kubevirt.root.list_at(&["metadata", "ownerReferences"]);
    owners.any(|o| o.str_at(&["kind"]) == Some("HyperConverged"))
        || kubevirt.label("app.kubernetes.io/managed-by") == Some("hco-operator")
}

/// The way to a setting of HyperConverged, below `spec` as v1beta1 and as v1 have it. The object's own version decides,
/// never what happens to be there: the API server fills in the other shape's parents.
pub fn hyperconverged_keys<'k>(hco: Object<'_>, v1beta1: &[&'k str], v1: &[&'k str]) -> Vec<&'k str> {
    let below = if hco.gvk.version == "v1beta1" { v1beta1 } else { v1 };
    [&["spec"], below].concat()
}
