//! Which versions run, as the objects of a cluster tell.

use super::{Product, Version, Versions, applies, change, release};
use crate::facts::answer::not_seen;
use crate::facts::olm::{Csv, Subscription};
use crate::facts::{CLUSTER_SERVICE_VERSION, CLUSTER_VERSION, HYPER_CONVERGED, KUBE_VIRT, SUBSCRIPTION};
use crate::inventory::{Lookup, View};
use crate::object::{Missing, Node, Object};

/// A version and where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'i> {
    pub version: Version,
    pub object: Object<'i>,
    pub node: Node<'i>,
}

/// A version that was seen; `Ok(None)` when there is no such product in the cluster.
pub(super) type Sighting<'i> = Result<Option<Seen<'i>>, Missing>;

impl Versions {
    /// What a cluster's objects tell. Without a `target` the next minor of OpenShift is assumed.
    ///
    /// A KubeVirt that does not say its version has the one that its HyperConverged ships.
    pub fn detect(view: &View<'_>, target: Option<Version>) -> Self {
        let version = |sighting: Sighting<'_>| sighting.ok().flatten().map(|seen| seen.version);
        let openshift = version(openshift(view));
        let hyperconverged = version(hyperconverged(view));
        Versions {
            openshift,
            target: target.or_else(|| openshift.map(Version::next_minor)),
            target_given: target.is_some(),
            hyperconverged,
            kubevirt: version(kubevirt(view)).or_else(|| shipped(hyperconverged?)),
        }
    }

    /// The version of a product; `None` where nobody knows.
    pub fn of(&self, product: Product) -> Option<Version> {
        match product {
            Product::Kubevirt => self.kubevirt,
            Product::Hyperconverged => self.hyperconverged,
            Product::Openshift => self.openshift,
        }
    }

    /// Whether a change of `versions.yaml` is in force in what runs; the newest known version counts where none is known.
    pub fn applies(&self, id: &str) -> bool {
        applies(id, change(id).and_then(|c| self.of(c.product)))
    }

    /// What [`Versions::applies`] took for granted, as a sentence; `None` when the version is known.
    pub fn assumed(&self, id: &str) -> Option<String> {
        let product = change(id)?.product;
        if self.of(product).is_some() {
            return None;
        }
        let newest = product.newest().map(Version::minor_text).unwrap_or_default();
        Some(format!("the {} version is not known; judged as {newest}", product.name()))
    }

    /// KubeVirt's version at the target; `None` when the target's release is not known, or ships no KubeVirt yet.
    pub fn kubevirt_at_target(&self) -> Option<Version> {
        release(self.target?)?.kubevirt
    }
}

/// The KubeVirt that a HyperConverged brings.
pub(super) fn shipped(hyperconverged: Version) -> Option<Version> {
    release(hyperconverged.virtualization())?.kubevirt
}

/// The newest completed update; `status.desired` names what is being updated to (cluster-version-operator
/// pkg/payload/precondition/clusterversion/upgradeable.go, GetCurrentVersion).
pub(super) fn openshift<'i>(view: &View<'i>) -> Sighting<'i> {
    let object = match view.get(CLUSTER_VERSION, None, "version") {
        Lookup::Found(object) => object,
        Lookup::Absent => return Ok(None),
        Lookup::NotSeen(why) => return Err(not_seen("ClusterVersion version", why)),
    };
    let completed =
        object.root.list_at(&["status", "history"]).find(|e| e.str_at(&["state"]) == Some("Completed")).and_then(|e| {
            let node = e.get("version")?;
            Some(Seen { version: Version::parse(node.as_str()?)?, object, node })
        });
    completed.map(Some).ok_or_else(|| Missing::not_reported("a completed update in ClusterVersion version"))
}

/// HyperConverged's own word, which moves only when an update is done (hyperconverged_controller.go, status.versions);
/// else its ClusterServiceVersion's; else what its Subscription says is installed.
pub(super) fn hyperconverged<'i>(view: &View<'i>) -> Sighting<'i> {
    let listing = view.list(HYPER_CONVERGED, None);
    if let Some(seen) = listing.objects.iter().find_map(|o| operator_version(*o)) {
        return Ok(Some(seen));
    }
    let csvs = view.list(CLUSTER_SERVICE_VERSION, None);
    let installed = csvs.objects.iter().copied().map(Csv::new).filter(|c| c.is_virtualization() && !c.is_copied());
    // While an update is under way the old one is Replacing and the new one is not there yet.
    let rank = |c: &Csv<'_>| match c.phase() {
        Some("Succeeded") => 0,
        Some("Replacing") => 1,
        _ => 2,
    };
    if let Some(seen) = installed.filter_map(|c| Some((rank(&c), csv_version(c)?))).min_by_key(|(r, s)| (*r, s.version))
    {
        return Ok(Some(seen.1));
    }
    let subscriptions = view.list(SUBSCRIPTION, None);
    if let Some(seen) = subscriptions.objects.iter().find_map(|o| subscription_version(*o)) {
        return Ok(Some(seen));
    }
    if let Some(object) = listing.objects.first() {
        return Err(Missing::not_reported(format!("the operator's version in {}", object.reference())));
    }
    listing.complete.map(|()| None).map_err(|why| not_seen("the HyperConverged", why))
}

fn operator_version(object: Object<'_>) -> Option<Seen<'_>> {
    let entry = object.root.list_at(&["status", "versions"]).find(|v| v.str_at(&["name"]) == Some("operator"))?;
    let node = entry.get("version")?;
    Some(Seen { version: Version::parse(node.as_str()?)?, object, node })
}

fn csv_version(csv: Csv<'_>) -> Option<Seen<'_>> {
    let node = csv.object.at(&["spec", "version"]).or_else(|| csv.object.at(&["metadata", "name"]))?;
    Some(Seen { version: csv.version()?, object: csv.object, node })
}

fn subscription_version(object: Object<'_>) -> Option<Seen<'_>> {
    if !Subscription::new(object).is_virtualization() {
        return None;
    }
    let node = object.at(&["status", "installedCSV"])?;
    Some(Seen { version: Version::of_csv_name(node.as_str()?)?, object, node })
}

/// `KubeVirt.status.observedKubeVirtVersion`.
pub(super) fn kubevirt<'i>(view: &View<'i>) -> Sighting<'i> {
    let listing = view.list(KUBE_VIRT, None);
    let observed = listing.objects.iter().find_map(|object| {
        let node = object.at(&["status", "observedKubeVirtVersion"])?;
        Some(Seen { version: Version::parse(node.as_str()?)?, object: *object, node })
    });
    match (observed, listing.objects.first()) {
        (Some(seen), _) => Ok(Some(seen)),
        (None, Some(object)) => Err(Missing::not_reported(format!("the version of {}", object.reference()))),
        (None, None) => listing.complete.map(|()| None).map_err(|why| not_seen("the KubeVirt", why)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::fixture::inventory;

    fn detected(documents: &str) -> String {
        let inventory = inventory(documents, &[]);
        let v = Versions::detect(&View::new(&inventory), None);
        let text = |v: Option<Version>| v.map_or("-".to_owned(), |v| v.to_string());
        format!("{} -> {}, {}, {}", text(v.openshift), text(v.target), text(v.hyperconverged), text(v.kubevirt))
    }

    const CLUSTER_419: &str = "
apiVersion: config.openshift.io/v1
kind: ClusterVersion
metadata: {name: version}
status:
  desired: {version: 4.20.1}
  history:
  - {state: Partial, version: 4.20.1}
  - {state: Completed, version: 4.19.8}
  - {state: Completed, version: 4.18.20}";

    fn csv(version: &str, phase: &str, more: &str) -> String {
        format!(
            "
apiVersion: operators.coreos.com/v1alpha1
kind: ClusterServiceVersion
metadata: {{name: kubevirt-hyperconverged-operator.v{version}, namespace: openshift-cnv}}
spec: {{version: {version}}}
status: {{phase: {phase}{more}}}"
        )
    }

    #[test]
    fn openshift_is_what_was_completed_and_not_what_is_desired() {
        assert_eq!(detected(CLUSTER_419), "4.19.8 -> 4.20.0, -, -");
        assert_eq!(detected(&CLUSTER_419.replace("4.19.8", "4.23.1")), "4.23.1 -> 5.1.0, -, -");
        assert_eq!(detected(&CLUSTER_419.replace("Completed", "Partial")), "- -> -, -, -");
    }

    #[test]
    fn hyperconverged_is_its_own_word_then_its_csv_then_its_subscription() {
        let hyperconverged = "
apiVersion: hco.kubevirt.io/v1beta1
kind: HyperConverged
metadata: {name: kubevirt-hyperconverged, namespace: openshift-cnv}
status: {versions: [{name: other, version: 9.9.9}, {name: operator, version: 4.18.7}]}";
        let subscription = "
apiVersion: operators.coreos.com/v1alpha1
kind: Subscription
metadata: {name: hco, namespace: openshift-cnv}
spec: {name: kubevirt-hyperconverged}
status: {installedCSV: kubevirt-hyperconverged-operator.v4.17.1}";
        let join = |docs: &[&str]| docs.join("\n---\n");
        for (documents, expected) in [
            (join(&[hyperconverged, &csv("4.19.3", "Succeeded", ""), subscription]), "4.18.7"),
            (join(&[&csv("4.19.3", "Succeeded", ""), subscription]), "4.19.3"),
            (join(&[subscription]), "4.17.1"),
            (join(&[&csv("4.19.4", "Installing", ""), &csv("4.19.3", "Replacing", "")]), "4.19.3"),
            (join(&[&csv("4.10.0", "Replacing", ""), &csv("4.9.7", "Replacing", "")]), "4.9.7"),
            (join(&[&csv("4.19.4", "Succeeded", ", reason: Copied"), subscription]), "4.17.1"),
        ] {
            let inventory = inventory(&documents, &[]);
            let found = Versions::detect(&View::new(&inventory), None).hyperconverged;
            assert_eq!(found.map(|v| v.to_string()).as_deref(), Some(expected), "{documents}");
        }
    }

    #[test]
    fn kubevirt_is_what_it_says_or_what_its_hyperconverged_ships() {
        let kubevirt = "
apiVersion: kubevirt.io/v1
kind: KubeVirt
metadata: {name: kubevirt, namespace: kubevirt}
status: {observedKubeVirtVersion: v1.5.2-12-gabcdef0}";
        assert_eq!(detected(kubevirt), "- -> -, -, 1.5.2");
        // OpenShift Virtualization's numbers and upstream's (hyperconverged-cluster-operator hack/config, by tag).
        for (hyperconverged, kubevirt) in [
            ("1.10.1", "1.0.0"),
            ("4.14.3", "1.0.0"),
            ("1.12.0", "1.2.0"),
            ("4.16.3", "1.2.0"),
            ("4.18.0", "1.4.0"),
            ("1.15.2", "1.5.0"),
            ("4.19.3", "1.5.0"),
            ("4.20.0", "1.6.0"),
            ("4.21.0", "1.7.0"),
            ("4.22.0", "1.8.0"),
            ("4.23.0", "1.9.0"),
            ("5.0.0", "1.9.0"),
            ("1.19.0", "1.9.0"),
        ] {
            let expected = format!("- -> -, {hyperconverged}, {kubevirt}");
            assert_eq!(detected(&csv(hyperconverged, "Succeeded", "")), expected);
        }
    }

    #[test]
    fn a_change_counts_in_the_version_of_its_own_product() {
        let versions = Versions { kubevirt: Version::parse("1.4.0"), ..Versions::default() };
        assert!(versions.applies("virtiofs-blocks-migration"));
        assert!(!versions.applies("vm-rollout-live-update"));
        assert_eq!(versions.assumed("virtiofs-blocks-migration"), None);
        // HyperConverged's is not known.
        assert!(versions.applies("hco-v1-stored"));
        let assumed = versions.assumed("hco-v1-stored").unwrap();
        insta::assert_snapshot!(assumed, @"the HyperConverged version is not known; judged as 1.19");
    }
}
