//! Which access modes a claim has, or will get.
//!
//! Knows PersistentVolumeClaim, DataVolume, StorageClass and StorageProfile, and how CDI makes the first of the others
//! (containerized-data-importer pkg/controller/datavolume/util.go, RenderPvc; pkg/controller/common/util.go,
//! GetStorageClassByName...). Must not know migration.

use super::lookup::{Seen, named};
use super::workload::{Form, Workload};
use super::{DATA_VOLUME, PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM, STORAGE_CLASS, STORAGE_PROFILE, World};
use crate::object::{Evidence, Missing, Node, Object};

/// The access modes of a claim.
#[derive(Clone, Debug)]
pub struct AccessModes<'w> {
    /// `ReadWriteMany` and so on; not empty.
    pub modes: Vec<&'w str>,
    /// The storage class, where it is known.
    pub class: Option<&'w str>,
    /// What led to them where they are not simply written down: `volumeMode Filesystem`.
    pub because: Option<String>,
    /// Where they come from, the decisive place first.
    pub evidence: Vec<Evidence>,
}

impl AccessModes<'_> {
    /// KubeVirt moves a guest only where every claim has ReadWriteMany (kubevirt pkg/storage/types/pvc.go,
    /// HasSharedAccessMode); ReadOnlyMany and ReadWriteOncePod do not do.
    pub fn is_shared(&self) -> bool {
        self.modes.contains(&"ReadWriteMany")
    }

    /// `ReadWriteOnce`, or several with commas.
    pub fn text(&self) -> String {
        self.modes.join(", ")
    }
}

/// Where claims are looked for.
#[derive(Clone, Copy, Debug)]
pub struct Claims<'a, 'w> {
    /// Whose claims.
    pub workload: &'a Workload<'w>,
    /// Everything else.
    pub world: &'a World<'w>,
    /// The class that the preference gives to DataVolumes without one (kubevirt pkg/instancetype/webhooks/vm/mutator.go).
    pub preferred_class: Option<&'w str>,
}

impl<'w> Claims<'_, 'w> {
    /// The access modes of a claim by name. A claim that exists has the last word; before that a DataVolume of the same name
    /// says how it will be made (kubevirt pkg/storage/types/pvc.go, PVCNameFromVirtVolume).
    pub fn access_modes(&self, claim: &str) -> Seen<AccessModes<'w>> {
        let namespace = self.workload.object.namespace();
        let template = self.template(claim);
        // A pool appends a number to the names of its DataVolumes, so there is no claim of this name.
        let unique_name = self.workload.form != Form::Pool || template.is_none();
        let mut missing = None;
        if unique_name {
            if let Some(modes) = self.in_status(claim) {
                return Ok(modes);
            }
            match self.world.find(PERSISTENT_VOLUME_CLAIM, namespace, claim) {
                Ok(Some(pvc)) => return of_claim(pvc),
                Ok(None) => {}
                Err(m) => missing = Some(m),
            }
        }
        if let Some(template) = template {
            let spec = template.get("spec").unwrap_or(template);
            return self.of_data_volume(self.workload.object, spec, claim);
        }
        match self.world.find(DATA_VOLUME, namespace, claim) {
            Ok(Some(volume)) => self.of_data_volume(volume, volume.at(&["spec"]).unwrap_or(volume.root), claim),
            Ok(None) | Err(_) => {
                Err(missing
                    .unwrap_or_else(|| Missing::does_not_exist(named(PERSISTENT_VOLUME_CLAIM, namespace, claim))))
            }
        }
    }

    /// The DataVolume template of this name.
    fn template(&self, claim: &str) -> Option<Node<'w>> {
        self.workload.data_volume_templates().find(|t| t.str_at(&["metadata", "name"]) == Some(claim))
    }

    /// What the VMI's status says about a claim: the very copy that virt-handler judges by
    /// (kubevirt pkg/virt-controller/watch/vmi/storage.go, updateVolumeStatus).
    fn in_status(&self, claim: &str) -> Option<AccessModes<'w>> {
        let vmi = match self.workload.form {
            Form::Instance => Some(*self.workload),
            Form::Machine => self.workload.instance(self.world).ok().flatten(),
            Form::Pool | Form::ReplicaSet => None,
        }?;
        let info = vmi
            .object
            .root
            .list_at(&["status", "volumeStatus"])
            .filter_map(|v| v.get("persistentVolumeClaimInfo"))
            .find(|info| info.str_at(&["claimName"]) == Some(claim))?;
        let node = info.get("accessModes").filter(|m| !m.is_empty())?;
        let pvc = self.world.find(PERSISTENT_VOLUME_CLAIM, vmi.object.namespace(), claim).ok().flatten();
        let class = pvc.and_then(|pvc| pvc.root.str_at(&["spec", "storageClassName"]));
        let evidence = vec![Evidence::of(vmi.object, node)];
        Some(AccessModes { modes: strings(node), class, because: None, evidence })
    }

    fn of_data_volume(&self, object: Object<'w>, spec: Node<'w>, claim: &str) -> Seen<AccessModes<'w>> {
        if let Some(storage) = spec.get("storage") {
            return self.rendered(object, spec, storage, claim);
        }
        // `pvc` is a claim as Kubernetes takes it; no profile fills it in.
        let pvc = spec.get("pvc");
        let written = pvc.and_then(|pvc| Some((pvc, pvc.get("accessModes").filter(|m| !m.is_empty())?)));
        let (pvc, node) = written.ok_or_else(|| Missing::not_reported(format!("accessModes of DataVolume {claim}")))?;
        let class =
            pvc.str_at(&["storageClassName"]).or(self.preferred_class).or_else(|| self.default_class(false).ok());
        Ok(AccessModes { modes: strings(node), class, because: None, evidence: vec![Evidence::of(object, node)] })
    }

    /// `spec.storage` of a DataVolume, completed by the profile of its storage class.
    fn rendered(&self, object: Object<'w>, spec: Node<'w>, storage: Node<'w>, claim: &str) -> Seen<AccessModes<'w>> {
        let archive = spec.str_at(&["contentType"]) == Some("archive");
        let explicit = storage.str_at(&["storageClassName"]).or(self.preferred_class);
        if let Some(node) = storage.get("accessModes").filter(|m| !m.is_empty()) {
            let class = explicit.or_else(|| self.default_class(!archive).ok());
            return Ok(AccessModes {
                modes: strings(node),
                class,
                because: None,
                evidence: vec![Evidence::of(object, node)],
            });
        }
        let class = match explicit {
            Some(class) => class,
            None => self.default_class(!archive)?,
        };
        // An archive is unpacked, so it needs a filesystem whatever was asked for.
        let mode = if archive { Some("Filesystem") } else { storage.str_at(&["volumeMode"]) };
        let asked = storage.get("storageClassName").or(storage.get("volumeMode")).unwrap_or(storage);
        let (profile, set) = self.claim_property_set(class, mode)?;
        let modes = set.get("accessModes").unwrap_or(set);
        let because = mode.map(|mode| format!("volumeMode {mode}"));
        let evidence = vec![Evidence::of(object, asked), Evidence::of(profile, modes)];
        let modes = strings(modes);
        match modes.is_empty() {
            true => Err(Missing::not_reported(format!("accessModes of DataVolume {claim}"))),
            false => Ok(AccessModes { modes, class: Some(class), because, evidence }),
        }
    }

    /// The first entry of the class's profile that has access modes and, where one is asked for, the volume mode.
    fn claim_property_set(&self, class: &str, mode: Option<&str>) -> Seen<(Object<'w>, Node<'w>)> {
        let profile = self.world.find(STORAGE_PROFILE, None, class)?;
        let profile = profile.ok_or_else(|| Missing::does_not_exist(named(STORAGE_PROFILE, None, class)))?;
        let mut sets = profile.root.list_at(&["status", "claimPropertySets"]);
        let set = match mode {
            None => sets.next().filter(|s| has_modes(*s)),
            Some(mode) => sets.find(|s| s.str_at(&["volumeMode"]) == Some(mode) && has_modes(*s)),
        };
        let with = mode.map(|m| format!(" with volumeMode {m}")).unwrap_or_default();
        let set =
            set.ok_or_else(|| Missing::not_reported(format!("an access mode{with} in StorageProfile {class}")))?;
        Ok((profile, set))
    }

    /// The class of a claim that names none: the one marked for VMs, else the cluster's. Of several the newest counts, then the
    /// first by name. An archive never takes the one for VMs.
    fn default_class(&self, for_guests: bool) -> Seen<&'w str> {
        let classes = self.world.all(STORAGE_CLASS, None)?;
        let marked = |annotation: &str| {
            let mut marked: Vec<&Object<'w>> =
                classes.iter().filter(|c| c.annotation(annotation) == Some("true")).collect();
            let age = |c: &Object<'w>| c.root.str_at(&["metadata", "creationTimestamp"]).unwrap_or_default();
            marked.sort_by(|a, b| age(b).cmp(age(a)).then_with(|| a.name().cmp(b.name())));
            marked.first().map(|c| c.name())
        };
        let virt = if for_guests { marked("storageclass.kubevirt.io/is-default-virt-class") } else { None };
        virt.or_else(|| marked("storageclass.kubernetes.io/is-default-class"))
            .ok_or_else(|| Missing::does_not_exist("a default StorageClass"))
    }

    /// Where it says that the claim's data stays on one node, so that a guest can only start again there.
    pub fn node_local(&self, claim: &str) -> Option<Evidence> {
        let pvc = self.world.find(PERSISTENT_VOLUME_CLAIM, self.workload.object.namespace(), claim).ok().flatten();
        if let Some(volume) = pvc.and_then(|pvc| pvc.root.str_at(&["spec", "volumeName"]))
            && let Ok(Some(volume)) = self.world.find(PERSISTENT_VOLUME, None, volume)
        {
            return pinned_to_node(volume);
        }
        let class = self.access_modes(claim).ok()?.class?;
        provisioner_of_node(self.world.find(STORAGE_CLASS, None, class).ok()??)
    }
}

fn of_claim<'w>(pvc: Object<'w>) -> Seen<AccessModes<'w>> {
    let node = pvc.at(&["spec", "accessModes"]).filter(|m| !m.is_empty());
    let node =
        node.ok_or_else(|| Missing::not_reported(format!("accessModes of PersistentVolumeClaim {}", pvc.name())))?;
    let class = pvc.root.str_at(&["spec", "storageClassName"]).filter(|c| !c.is_empty());
    Ok(AccessModes { modes: strings(node), class, because: None, evidence: vec![Evidence::of(pvc, node)] })
}

fn has_modes(set: Node<'_>) -> bool {
    set.get("accessModes").is_some_and(|m| !m.is_empty())
}

fn strings<'t>(list: Node<'t>) -> Vec<&'t str> {
    list.elements().filter_map(Node::as_str).collect()
}

/// Topology keys that mean one node, as provisioners of node-local volumes write them.
const KEYS_OF_A_NODE: [&str; 5] = [
    "kubernetes.io/hostname",
    "topology.hostpath.csi/node",
    "topology.topolvm.io/node",
    "topology.topolvm.cybozu.com/node",
    "openebs.io/nodename",
];

fn pinned_to_node(volume: Object<'_>) -> Option<Evidence> {
    let terms = ["spec", "nodeAffinity", "required", "nodeSelectorTerms"];
    let mut keys =
        volume.root.list_at(&terms).flat_map(|term| term.list_at(&["matchExpressions"])).filter_map(|e| e.get("key"));
    let key = keys.find(|key| key.as_str().is_some_and(|k| KEYS_OF_A_NODE.contains(&k)))?;
    Some(Evidence::of(volume, key).note("the volume is on one node"))
}

/// Provisioners that keep a volume on the node where it was made. Names only choose words; access modes decide.
const PROVISIONERS_OF_A_NODE: [&str; 8] = [
    "kubevirt.io.hostpath-provisioner",
    "kubevirt.io/hostpath-provisioner",
    "k8s.io/minikube-hostpath",
    "rancher.io/local-path",
    "kubernetes.io/no-provisioner",
    "topolvm.io",
    "topolvm.cybozu.com",
    "directpv-min-io",
];

/// Where a storage class says that its volumes stay on one node. The hostpath provisioner with `overlayCSI` does not keep
/// them there (containerized-data-importer pkg/storagecapabilities/storagecapabilities.go).
fn provisioner_of_node(class: Object<'_>) -> Option<Evidence> {
    let provisioner = class.at(&["provisioner"])?;
    let local = provisioner.as_str().is_some_and(|p| PROVISIONERS_OF_A_NODE.contains(&p));
    let overlay = class.at(&["parameters", "overlayCSI"]).is_some();
    (local && !overlay)
        .then(|| Evidence::of(class, provisioner).note("its volumes stay on the node where they were made"))
}
