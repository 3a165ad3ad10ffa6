//! The data file, read once.

use std::sync::LazyLock;

use serde::{Deserialize, Deserializer};

use super::Version;

/// Whose version a row counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Product {
    /// KubeVirt, as `KubeVirt.status.observedKubeVirtVersion` names it.
    Kubevirt,
    /// HyperConverged: upstream's 1.N or OpenShift Virtualization's 4.N; either may be asked with.
    Hyperconverged,
    /// OpenShift.
    Openshift,
}

impl Product {
    /// What decides whether one version of this product comes before another.
    fn rank(self, version: Version) -> (u32, u32, u32) {
        match self {
            Product::Kubevirt => (version.major, version.minor, version.patch),
            Product::Hyperconverged => {
                let version = version.virtualization();
                (0, version.ordinal(), version.patch)
            }
            Product::Openshift => (0, version.ordinal(), version.patch),
        }
    }

    /// As people write it.
    pub fn name(self) -> &'static str {
        match self {
            Product::Kubevirt => "KubeVirt",
            Product::Hyperconverged => "HyperConverged",
            Product::Openshift => "OpenShift",
        }
    }

    /// The newest release that the data knows; assumed where the version is not known.
    pub fn newest(self) -> Option<Version> {
        let newest = TABLE.releases.iter().rev().find(|r| r.kubevirt.is_some())?;
        match self {
            Product::Kubevirt => newest.kubevirt,
            Product::Hyperconverged => Some(newest.hyperconverged),
            Product::Openshift => newest.openshift.last().copied(),
        }
    }
}

/// Minors that go together. Patches are zero.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Release {
    /// OpenShift, and OpenShift Virtualization; two names where one release has two (4.23 and 5.0).
    #[serde(deserialize_with = "versions")]
    pub openshift: Vec<Version>,
    /// Kubernetes.
    #[serde(deserialize_with = "version")]
    pub kubernetes: Version,
    /// HyperConverged, as upstream counts.
    #[serde(deserialize_with = "version")]
    pub hyperconverged: Version,
    /// KubeVirt; `None` before it is released.
    #[serde(default, deserialize_with = "maybe_version")]
    pub kubevirt: Option<Version>,
    /// How many minors a kubelet may be behind this release's API server.
    pub kubelet_lag: u32,
    /// True for an Extended Update Support release.
    #[serde(default)]
    pub eus: bool,
    /// Where that stands.
    pub source: String,
}

/// Behaviour that begins or ends with a version.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// How code asks for it.
    pub id: String,
    /// Whose version counts.
    pub product: Product,
    /// The first version that has it; `None`: all until `until`.
    #[serde(default, deserialize_with = "maybe_version")]
    pub since: Option<Version>,
    /// The first version that has it no more.
    #[serde(default, deserialize_with = "maybe_version")]
    pub until: Option<Version>,
    /// What it is, in a sentence.
    pub what: String,
    /// Where that stands.
    pub source: String,
}

/// An API version that is no longer served.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Removal {
    /// API group.
    pub group: String,
    /// Version in that group.
    pub version: String,
    /// Whose version counts.
    pub product: Product,
    /// The first version without it.
    #[serde(deserialize_with = "version")]
    pub since: Version,
    /// Where that stands.
    pub source: String,
}

/// Machine types that newer nodes may not offer any more.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OldMachine {
    /// How their names begin.
    pub prefix: String,
    /// What is the matter, as half a sentence.
    pub what: String,
    /// Where that stands.
    pub source: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    releases: Vec<Release>,
    changes: Vec<Change>,
    removals: Vec<Removal>,
    machines: Vec<OldMachine>,
}

/// `versions.yaml`, as the build script hands it on.
const TEXT: &str = include_str!(concat!(env!("OUT_DIR"), "/versions.json"));

/// A test proves that the file parses, so the empty table is never seen.
static TABLE: LazyLock<Table> = LazyLock::new(|| serde_json::from_str(TEXT).unwrap_or_default());

/// The row of an id.
pub fn change(id: &str) -> Option<&'static Change> {
    let at = TABLE.changes.binary_search_by(|c| c.id.as_str().cmp(id)).ok()?;
    TABLE.changes.get(at)
}

/// Whether a change is in force in a version of the product that its row names: from `since` on, until `until`.
///
/// An unknown version counts as the newest known. An id that has no row is never in force; a test holds the code to ids
/// that have one. [`super::Versions::applies`] picks the version, and [`super::Versions::assumed`] tells when it was unknown.
pub fn applies(id: &str, version: Option<Version>) -> bool {
    let Some(change) = change(id) else { return false };
    let rank = |v| change.product.rank(v);
    let Some(version) = version.or_else(|| change.product.newest()).map(rank) else { return false };
    change.since.is_none_or(|since| rank(since) <= version) && change.until.is_none_or(|until| version < rank(until))
}

/// What goes with a version of OpenShift (or of OpenShift Virtualization); `None` for minors that the data does not know.
pub fn release(openshift: Version) -> Option<&'static Release> {
    TABLE.releases.iter().find(|r| r.openshift.first().is_some_and(|o| o.ordinal() == openshift.ordinal()))
}

/// API versions that are gone, by group and version.
pub fn removals() -> &'static [Removal] {
    &TABLE.removals
}

/// What is the matter with a machine type; `None` for those that stay. Nodes, where they can be seen, know better.
pub fn old_machine(machine_type: &str) -> Option<&'static OldMachine> {
    TABLE.machines.iter().find(|m| machine_type.starts_with(&m.prefix))
}

/// Whether kubelets of a version keep OpenShift from its next minor: they may be behind the new API server by as many
/// minors as that release allows. `None` for minors that the data does not know (cluster-kube-apiserver-operator
/// pkg/operator/kubeletversionskewcontroller/kubelet_version_skew_controller.go).
pub fn kubelet_blocks_next_minor(kubelet: Version, openshift: Version) -> Option<bool> {
    let next = release(openshift.next_minor())?;
    Some(next.kubernetes.minor.saturating_sub(kubelet.minor) > next.kubelet_lag)
}

fn version<'de, D: Deserializer<'de>>(d: D) -> Result<Version, D::Error> {
    parse(&String::deserialize(d)?)
}

fn maybe_version<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Version>, D::Error> {
    Option::<String>::deserialize(d)?.map(|text| parse(&text)).transpose()
}

fn versions<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<Version>, D::Error> {
    Vec::<String>::deserialize(d)?.iter().map(|text| parse(text)).collect()
}

fn parse<E: serde::de::Error>(text: &str) -> Result<Version, E> {
    Version::parse(text).ok_or_else(|| E::custom(format!("`{text}` is no version such as 4.19 or 1.5")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v(text: &str) -> Option<Version> {
        Version::parse(text)
    }

    #[test]
    fn the_data_parses_is_sorted_and_has_sources() {
        let table: Table = serde_json::from_str(TEXT).unwrap();
        assert!(table.changes.is_sorted_by(|a, b| a.id < b.id), "changes are not sorted by id, or one stands twice");
        assert!(table.removals.is_sorted_by(|a, b| (&a.group, &a.version) < (&b.group, &b.version)));
        let ordinals: Vec<u32> = table.releases.iter().map(|r| r.openshift[0].ordinal()).collect();
        assert!(ordinals.windows(2).all(|w| w[1] == w[0] + 1), "releases have a gap: {ordinals:?}");
        let sources = table.changes.iter().map(|c| (&c.id, &c.source));
        let sources = sources.chain(table.removals.iter().map(|r| (&r.group, &r.source)));
        let sources = sources.chain(table.machines.iter().map(|m| (&m.prefix, &m.source)));
        for (row, source) in sources.chain(table.releases.iter().map(|r| (&r.source, &r.source))) {
            assert!(source.contains(' ') && source.len() > 15, "{row} has no source worth the name: {source}");
        }
        for c in &table.changes {
            assert!(c.since.is_some() || c.until.is_some(), "{} neither begins nor ends", c.id);
            if let (Some(since), Some(until)) = (c.since, c.until) {
                assert!(c.product.rank(since) < c.product.rank(until), "{} ends before it begins", c.id);
            }
            assert!(c.what.ends_with('.'), "{} does not say what it is in a sentence", c.id);
        }
    }

    #[test]
    fn every_minor_names_itself_the_same_way_everywhere() {
        for r in &TABLE.releases {
            let ordinal = r.openshift[0].ordinal();
            assert!(r.openshift.iter().all(|o| o.ordinal() == ordinal));
            assert_eq!(r.hyperconverged.virtualization().ordinal(), ordinal, "{:?}", r.openshift);
            assert_eq!(r.kubernetes.minor, ordinal + 13, "{:?}", r.openshift);
        }
    }

    #[test]
    fn a_change_is_in_force_from_since_until_until() {
        for (id, version, expected) in [
            ("virtiofs-blocks-migration", "1.4.9", true),
            ("virtiofs-blocks-migration", "1.5.0", false),
            ("tdx-judged", "1.6.6", false),
            ("tdx-judged", "1.7.0-rc.0", true),
            ("backend-storage-must-be-rwx", "1.2.2", false),
            ("backend-storage-must-be-rwx", "1.3.1", true),
            ("backend-storage-must-be-rwx", "1.4.0", false),
            ("cluster-eviction-strategy", "0.49.0", false),
            ("cluster-eviction-strategy", "1.0.0", true),
            // Upstream's numbers and OpenShift Virtualization's mean the same.
            ("hco-defaults-workload-update", "1.5.0", false),
            ("hco-defaults-workload-update", "4.9.2", false),
            ("hco-defaults-workload-update", "1.6.0", true),
            ("hco-defaults-workload-update", "4.10.0", true),
            ("hco-v1-stored", "4.22.9", false),
            ("hco-v1-stored", "4.23.0", true),
            ("hco-v1-stored", "5.0.0", true),
            // As numbers, not as text.
            ("rhel-rebase-outdated-launchers", "4.9.0", false),
            ("rhel-rebase-outdated-launchers", "4.16.30", true),
            ("rhel-rebase-outdated-launchers", "4.17.0", false),
            ("rhel-rebase-outdated-launchers", "5.0.0", false),
            ("no-such-change", "1.0.0", false),
        ] {
            assert_eq!(applies(id, v(version)), expected, "{id} in {version}");
        }
    }

    #[test]
    fn what_goes_with_an_openshift_minor() {
        for (openshift, kubernetes, kubevirt, eus, kubelet_lag) in [
            ("4.9", "1.22", Some("0.44"), false, 1),
            ("4.12", "1.25", Some("0.58"), true, 2),
            ("4.14", "1.27", Some("1.0"), true, 2),
            ("4.16", "1.29", Some("1.2"), true, 2),
            ("4.18", "1.31", Some("1.4"), true, 2),
            ("4.20", "1.33", Some("1.6"), true, 2),
            ("4.21", "1.34", Some("1.7"), false, 1),
            ("4.22", "1.35", Some("1.8"), true, 2),
            ("4.23", "1.36", Some("1.9"), true, 1),
            ("5.0", "1.36", Some("1.9"), true, 1),
            ("5.1", "1.37", None, false, 2),
            ("5.2", "1.38", None, true, 3),
            ("5.3", "1.39", None, false, 1),
            ("5.5", "1.41", None, true, 3),
        ] {
            let r = release(v(openshift).unwrap()).unwrap();
            let row = (Some(r.kubernetes), r.kubevirt, r.eus, r.kubelet_lag);
            assert_eq!(row, (v(kubernetes), kubevirt.and_then(v), eus, kubelet_lag), "{openshift}");
        }
        assert!(release(v("4.8").unwrap()).is_none());
        assert!(release(v("5.99").unwrap()).is_none());
    }

    #[test]
    fn kubelets_may_be_behind_as_far_as_the_next_release_allows() {
        for (openshift, kubelet, blocks) in [
            // To 4.20, which allows two: workers that stayed on 4.18 pass, those on 4.17 do not.
            ("4.19.8", "1.32.1", Some(false)),
            ("4.19.8", "1.31.1", Some(false)),
            ("4.19.8", "1.30.1", Some(true)),
            // To 4.21, which allows one.
            ("4.20.1", "1.33.1", Some(false)),
            ("4.20.1", "1.32.1", Some(true)),
            // From 4.23 and 5.0 to 5.1.
            ("4.23.0", "1.35.0", Some(false)),
            ("5.0.0", "1.34.0", Some(true)),
            ("5.9.0", "1.45.0", None),
        ] {
            let answer = kubelet_blocks_next_minor(v(kubelet).unwrap(), v(openshift).unwrap());
            assert_eq!(answer, blocks, "kubelet {kubelet} on OpenShift {openshift}");
        }
    }

    #[test]
    fn machine_types_that_may_be_gone() {
        for (machine_type, old) in [
            ("pc-q35-rhel8.6.0", true),
            ("pc-q35-rhel7.6.0", true),
            ("pc-i440fx-rhel7.6.0", true),
            ("pc-q35-rhel9.4.0", false),
            ("q35", false),
            ("", false),
        ] {
            assert_eq!(old_machine(machine_type).is_some(), old, "{machine_type}");
        }
    }

    #[test]
    fn an_unknown_version_counts_as_the_newest() {
        assert!(applies("vgpu-may-migrate", None));
        assert!(!applies("vmi-disruption-budgets", None));
        assert!(!applies("no-such-change", None));
    }

    #[test]
    fn ids_that_code_asks_for_exist() {
        fn files(dir: &std::path::Path, out: &mut Vec<std::path::PathBuf>) {
            for entry in std::fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => files(&path, out),
                    false if path.extension().is_some_and(|e| e == "rs") => out.push(path),
                    false => {}
                }
            }
        }
        let mut sources = Vec::new();
        files(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/facts"), &mut sources);
        let asked = regex::Regex::new(r#"(?:applies|assumed)\(\s*"([^"]+)""#).unwrap();
        for file in sources {
            let text = std::fs::read_to_string(&file).unwrap();
            // What stands in tests may be misspelt on purpose.
            let code = text.split("#[cfg(test)]").next().unwrap();
            for id in asked.captures_iter(code) {
                assert!(change(&id[1]).is_some(), "{}: versions.yaml has no change {}", file.display(), &id[1]);
            }
        }
    }
}
