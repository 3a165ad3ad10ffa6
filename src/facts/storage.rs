//! Which access modes a claim has, or will get.
//!
//! Knows PersistentVolumeClaim, DataVolume, StorageClass and StorageProfile, and how CDI makes the first of the others
//! (containerized-data-importer pkg/controller/datavolume/util.go, RenderPvc; pkg/controller/common/util.go,
//! GetStorageClassByName...). Must not know migration.

use super::lookup::{Seen, named};
use super::workload::{Form, MOST, Workload};
use super::{DATA_VOLUME, PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM, STORAGE_CLASS, STORAGE_PROFILE, World};
use crate::object::{Ground, Missing, Node, Object};

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
    pub evidence: Vec<Ground>,
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
    workload: &'a Workload<'w>,
    world: &'a World<'w>,
    preferred_class: Option<&'w str>,
    /// The VMI whose claims they are, where it was seen.
    instance: Option<Workload<'w>>,
}

impl<'a, 'w> Claims<'a, 'w> {
    /// A workload's claims. `preferred_class`: what the preference gives to DataVolumes without a class (kubevirt
    /// pkg/instancetype/webhooks/vm/mutator.go).
    pub fn of(workload: &'a Workload<'w>, world: &'a World<'w>, preferred_class: Option<&'w str>) -> Self {
        let instance = match workload.form {
            Form::Instance => Some(*workload),
            Form::Machine => workload.instance(world).ok().flatten(),
            Form::Pool | Form::ReplicaSet => None,
        };
        Claims { workload, world, preferred_class, instance }
    }

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
                Ok(Some(pvc)) => return self.of_claim(pvc),
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

    /// A claim's own access modes. CDI's webhook fills them in for one that asks for it by label
    /// (pkg/controller/datavolume/util.go, renderPvcSpec).
    fn of_claim(&self, pvc: Object<'w>) -> Seen<AccessModes<'w>> {
        let spec = pvc.at(&["spec"]).unwrap_or(pvc.root);
        match spec.get("accessModes").filter(|m| !m.is_empty()) {
            Some(node) => {
                let class = spec.str_at(&["storageClassName"]).filter(|c| !c.is_empty());
                Ok(AccessModes { modes: strings(node), class, because: None, evidence: vec![Ground::of(pvc, node)] })
            }
            None if pvc.label("cdi.kubevirt.io/applyStorageProfile") == Some("true") => {
                self.rendered(pvc, spec, spec, pvc.name())
            }
            None => Err(Missing::not_reported(format!("accessModes of PersistentVolumeClaim {}", pvc.name()))),
        }
    }

    /// The DataVolume template of this name.
    fn template(&self, claim: &str) -> Option<Node<'w>> {
        self.workload.data_volume_templates().find(|t| t.str_at(&["metadata", "name"]) == Some(claim))
    }

    /// What the VMI's status says about a claim: the very copy that virt-handler judges by
    /// (kubevirt pkg/virt-controller/watch/vmi/storage.go, updateVolumeStatus).
    fn in_status(&self, claim: &str) -> Option<AccessModes<'w>> {
        let vmi = self.instance?;
        let info = vmi
            .object
            .root
            .list_at(&["status", "volumeStatus"])
            .take(MOST)
            .filter_map(|v| v.get("persistentVolumeClaimInfo"))
            .find(|info| info.str_at(&["claimName"]) == Some(claim))?;
        let node = info.get("accessModes").filter(|m| !m.is_empty())?;
        let pvc = self.world.find(PERSISTENT_VOLUME_CLAIM, vmi.object.namespace(), claim).ok().flatten();
        let class = pvc.and_then(|pvc| pvc.root.str_at(&["spec", "storageClassName"]));
        let evidence = vec![Ground::of(vmi.object, node)];
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
        Ok(AccessModes { modes: strings(node), class, because: None, evidence: vec![Ground::of(object, node)] })
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
                evidence: vec![Ground::of(object, node)],
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
        let evidence = vec![Ground::of(object, asked), Ground::of(profile, modes)];
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

    /// The storage class of a claim, where it is known.
    pub fn class(&self, claim: &str) -> Option<&'w str> {
        self.access_modes(claim).ok()?.class
    }

    /// Where it says that the claim's data stays on one node, so that a guest can only start again there. `class`: the
    /// claim's, asked for where no volume says more.
    pub fn node_local(&self, claim: &str, class: impl FnOnce() -> Option<&'w str>) -> Option<Ground> {
        let pvc = self.world.find(PERSISTENT_VOLUME_CLAIM, self.workload.object.namespace(), claim).ok().flatten();
        if let Some(volume) = pvc.and_then(|pvc| pvc.root.str_at(&["spec", "volumeName"]))
            && let Ok(Some(volume)) = self.world.find(PERSISTENT_VOLUME, None, volume)
        {
            return pinned_to_node(volume);
        }
        provisioner_of_node(self.world.find(STORAGE_CLASS, None, class()?).ok()??)
    }
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

fn pinned_to_node(volume: Object<'_>) -> Option<Ground> {
    let terms = ["spec", "nodeAffinity", "required", "nodeSelectorTerms"];
    let mut keys =
        volume.root.list_at(&terms).flat_map(|term| term.list_at(&["matchExpressions"])).filter_map(|e| e.get("key"));
    let key = keys.find(|key| key.as_str().is_some_and(|k| KEYS_OF_A_NODE.contains(&k)))?;
    Some(Ground::of(volume, key).note("the volume is on one node"))
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
fn provisioner_of_node(class: Object<'_>) -> Option<Ground> {
    let provisioner = class.at(&["provisioner"])?;
    let local = provisioner.as_str().is_some_and(|p| PROVISIONERS_OF_A_NODE.contains(&p));
    let overlay = class.at(&["parameters", "overlayCSI"]).is_some();
    (local && !overlay)
        .then(|| Ground::of(class, provisioner).note("its volumes stay on the node where they were made"))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{CLUSTER, Judged, Test, verdict, vm, with_storage};

    fn class(name: &str, mark: &str, created: &str) -> String {
        format!(
            "{{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {{name: {name}, creationTimestamp: '{created}', annotations: {{{mark}: 'true'}}}}}}"
        )
    }

    fn profile(name: &str, mode: &str) -> String {
        format!(
            "{{apiVersion: cdi.kubevirt.io/v1beta1, kind: StorageProfile, metadata: {{name: {name}}}, status: {{claimPropertySets: [{{accessModes: [{mode}], volumeMode: Filesystem}}]}}}}"
        )
    }

    const VIRT: &str = "storageclass.kubevirt.io/is-default-virt-class";
    const CLUSTERS: &str = "storageclass.kubernetes.io/is-default-class";

    /// Verdict for a VM with one DataVolume, given classes and profiles `shared` (ReadWriteMany) and `local`.
    fn with_classes(judged: &Judged, classes: &[String]) -> String {
        let kubevirt = CLUSTER.split("\n---\n").next().unwrap().to_owned();
        let mut documents = vec![kubevirt, profile("shared", "ReadWriteMany"), profile("local", "ReadWriteOnce")];
        documents.extend(classes.iter().cloned());
        verdict(judged, &Test::new(&documents.join("\n---\n"), &["all"])).split(" | ").next().unwrap().to_owned()
    }

    #[test]
    fn which_class_is_the_default() {
        let silent = with_storage("resources: {}");
        let (old, new) = ("2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z");
        for (name, classes, expected) in [
            (
                "the one for VMs before the cluster's",
                [class("shared", VIRT, old), class("local", CLUSTERS, new)],
                "Migratable Migrates",
            ),
            ("the newest of several", [class("shared", VIRT, new), class("local", VIRT, old)], "Migratable Migrates"),
            (
                "the newest of several, the other way round",
                [class("shared", VIRT, old), class("local", VIRT, new)],
                "NotMigratable Refused",
            ),
            (
                "the first by name of equals",
                [class("shared", VIRT, old), class("local", VIRT, old)],
                "NotMigratable Refused",
            ),
            ("the cluster's", [class("shared", CLUSTERS, old), class("local", "other", new)], "Migratable Migrates"),
            ("none", [class("shared", "x", old), class("local", "other", new)], "Unknown Unknown"),
        ] {
            assert_eq!(with_classes(&silent, &classes), expected, "{name}");
        }
        let archive = vm(
            "runStrategy: Always, dataVolumeTemplates: [{metadata: {name: root}, spec: {contentType: archive, storage: {}}}]",
            "volumes: [{name: root, dataVolume: {name: root}}]",
        );
        let classes = [class("shared", VIRT, old), class("local", CLUSTERS, old)];
        assert_eq!(
            with_classes(&archive, &classes),
            "NotMigratable Refused",
            "an archive never takes the class for VMs"
        );
    }

    #[test]
    fn claims_that_cdi_fills_in() {
        let judged = vm("runStrategy: Always", "volumes: [{name: root, persistentVolumeClaim: {claimName: bare}}]");
        let claim = |labels: &str| {
            format!(
                "{CLUSTER}\n---\n{{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {{name: bare, namespace: shop, labels: {{{labels}}}}}, spec: {{storageClassName: hpp}}}}"
            )
        };
        let told = |labels: &str| verdict(&judged, &Test::new(&claim(labels), &["all"]));
        assert_eq!(
            told("cdi.kubevirt.io/applyStorageProfile: 'true'"),
            "NotMigratable Refused | DisksNotLiveMigratable: volume root is ReadWriteOnce on storage class hpp"
        );
        assert_eq!(told(""), "Unknown Unknown | missing accessModes of PersistentVolumeClaim bare (not reported yet)");
    }

    #[test]
    fn a_data_volume_says_how_its_claim_will_be_made() {
        let judged = vm("runStrategy: Always", "volumes: [{name: root, dataVolume: {name: later}}]");
        let volume = |spec: &str| {
            let volume = format!(
                "{{apiVersion: cdi.kubevirt.io/v1beta1, kind: DataVolume, metadata: {{name: later, namespace: shop}}, spec: {{{spec}}}}}"
            );
            verdict(&judged, &Test::new(&format!("{CLUSTER}\n---\n{volume}"), &["all"]))
        };
        assert_eq!(volume("storage: {storageClassName: rbd}"), "Migratable Migrates");
        assert_eq!(volume("pvc: {accessModes: [ReadWriteMany]}"), "Migratable Migrates");
        assert_eq!(
            volume("pvc: {accessModes: [ReadWriteOncePod], storageClassName: rbd}"),
            "NotMigratable Refused | DisksNotLiveMigratable: volume root is ReadWriteOncePod on storage class rbd"
        );
        // `pvc` is never filled in by a profile.
        assert_eq!(
            volume("pvc: {storageClassName: rbd}"),
            "Unknown Unknown | missing accessModes of DataVolume later (not reported yet)"
        );
    }

    #[test]
    fn the_preference_names_a_class() {
        let judged = vm(
            "runStrategy: Always, preference: {name: local-disks}, dataVolumeTemplates: [{metadata: {name: root}, spec: {storage: {}}}]",
            "volumes: [{name: root, dataVolume: {name: root}}]",
        );
        let preference = "{apiVersion: instancetype.kubevirt.io/v1beta1, kind: VirtualMachineClusterPreference, metadata: {name: local-disks}, spec: {volumes: {preferredStorageClassName: hpp}}}";
        assert_eq!(
            verdict(&judged, &Test::new(&format!("{CLUSTER}\n---\n{preference}"), &["all"])),
            "NotMigratable Refused | DisksNotLiveMigratable: volume root is ReadWriteOnce on storage class hpp"
        );
    }

    #[test]
    fn an_overlay_over_hostpath_is_not_bound_to_a_node() {
        use super::super::after_eviction::AfterEviction;
        let none = Test::new(&CLUSTER.replace("evictionStrategy: LiveMigrate", "evictionStrategy: None"), &["all"]);
        let outcome = |storage: &str| {
            AfterEviction::of(with_storage(storage).object(), &none.world()).unwrap().known().unwrap().as_str()
        };
        assert_eq!(outcome("storageClassName: hpp"), "RestartsAfterUncordon");
        assert_eq!(outcome("storageClassName: hpp-overlay"), "RestartsElsewhere");
    }
}
