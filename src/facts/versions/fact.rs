//! `facts.versions`: what runs, what is next, and whether OpenShift Virtualization keeps step with OpenShift.

use super::detect::{self, Sighting};
use super::{Version, Versions, release};
use crate::cel::{Fact, Type};
use crate::facts::answer::{Answer, fact, missing};
use crate::facts::{
    CLUSTER_SERVICE_VERSION, CLUSTER_VERSION, FactSchema, FactSet, HYPER_CONVERGED, KINDS, KUBE_VIRT, SUBSCRIPTION,
    World,
};
use crate::object::{Ground, Missing};

/// The declaration.
pub const SCHEMA: FactSchema = FactSchema {
    name: "versions",
    answers: "Which versions run, which is the target, and whether OpenShift Virtualization keeps step with OpenShift.",
    subjects: KINDS,
    reads: &[CLUSTER_VERSION, HYPER_CONVERGED, KUBE_VIRT, CLUSTER_SERVICE_VERSION, SUBSCRIPTION],
    fields,
    compute: |of: &FactSet<'_>| Some(compute(&of.world)),
};

/// How OpenShift Virtualization stands to OpenShift. Each minor of it is supported on its own minor of OpenShift only;
/// OpenShift moves first (OpenShift Virtualization's documentation, "About updating").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The same minor.
    InStep,
    /// One minor behind: so it is right after OpenShift moved, and so it may not stay.
    OneBehind,
    /// More than one minor behind.
    Behind,
    /// Ahead of OpenShift.
    Ahead,
}

impl Step {
    /// How two minors stand to each other, as ordinals.
    pub fn of(openshift: Version, hyperconverged: Version) -> Self {
        match openshift.ordinal().checked_sub(hyperconverged.virtualization().ordinal()) {
            Some(0) => Step::InStep,
            Some(1) => Step::OneBehind,
            Some(_) => Step::Behind,
            None => Step::Ahead,
        }
    }

    /// As expressions write it.
    pub fn word(self) -> &'static str {
        match self {
            Step::InStep => "inStep",
            Step::OneBehind => "oneBehind",
            Step::Behind => "behind",
            Step::Ahead => "ahead",
        }
    }
}

impl Versions {
    /// How OpenShift Virtualization stands to OpenShift; `None` when one of them is not known.
    pub fn step(&self) -> Option<Step> {
        Some(Step::of(self.openshift?, self.hyperconverged?))
    }

    /// Whether the update to the target must not begin before OpenShift Virtualization has moved: one minor behind is
    /// fine for a patch, and no longer for the next minor. `None` when that cannot be told.
    pub fn step_blocks_target(&self) -> Option<bool> {
        match self.step()? {
            Step::InStep => Some(false),
            Step::OneBehind => Some(self.target?.ordinal() > self.openshift?.ordinal()),
            Step::Behind | Step::Ahead => Some(true),
        }
    }

    /// How they stand, in a sentence without its full stop.
    pub fn step_text(&self) -> Option<String> {
        let (openshift, hyperconverged) = (self.openshift?, self.hyperconverged?);
        let ours = match hyperconverged.major {
            1 => format!(
                "HyperConverged {hyperconverged} ({} in OpenShift's count)",
                hyperconverged.virtualization().minor_text()
            ),
            _ => format!("OpenShift Virtualization {hyperconverged}"),
        };
        let (a, b) = (openshift.ordinal(), hyperconverged.virtualization().ordinal());
        let minors = match a.abs_diff(b) {
            1 => "one minor".to_owned(),
            n => format!("{n} minors"),
        };
        Some(match self.step()? {
            Step::InStep => format!("{ours} keeps step with OpenShift {openshift}"),
            Step::OneBehind | Step::Behind => format!("{ours} is {minors} behind OpenShift {openshift}"),
            Step::Ahead => format!("{ours} is {minors} ahead of OpenShift {openshift}"),
        })
    }
}

fn fields() -> Type {
    let release = |name: &str, more: &[(&'static str, Type)]| {
        let common = [("version", Type::String), ("minor", Type::String), ("ordinal", Type::Int)];
        Type::object(name, common.into_iter().chain(more.iter().cloned()))
    };
    let openshift = [("eus", Type::Bool), ("kubernetes", Type::String), ("kubeletLag", Type::Int)];
    let target = [("given", Type::Bool), ("minors", Type::Int), ("eusToEus", Type::Bool), ("kubevirt", Type::String)];
    Type::object(
        "facts.versions",
        [
            ("openshift", release("facts.versions.openshift", &openshift)),
            ("target", release("facts.versions.target", &[openshift.as_slice(), target.as_slice()].concat())),
            ("virtualization", release("facts.versions.virtualization", &[("upstream", Type::Bool)])),
            ("kubevirt", release("facts.versions.kubevirt", &[])),
            ("step", Type::String),
            ("minorsBehind", Type::Int),
            ("stepBlocksTarget", Type::Bool),
            ("says", Type::String),
        ],
    )
}

fn compute(world: &World<'_>) -> Fact {
    let (v, view) = (world.versions, &world.view);
    let openshift = known(v.openshift, detect::openshift(view));
    let virtualization = known(v.hyperconverged, detect::hyperconverged(view));
    let shipped = || detect::shipped(*virtualization.as_ref()?.answer.as_ref().ok()?);
    let kubevirt = known(v.kubevirt.or_else(shipped), detect::kubevirt(view));
    let mut out = Vec::new();
    if let Some(k) = &openshift {
        out.push(("openshift", k.map(|version| numbers(version, Version::ordinal, on_openshift(version)))));
        out.push(("target", target(v, k)));
    }
    if let Some(k) = &virtualization {
        let entries = |version: Version| vec![("upstream", Fact::new(version.major == 1))];
        out.push((
            "virtualization",
            k.map(|version| numbers(version, |v| v.virtualization().ordinal(), entries(version))),
        ));
    }
    if let Some(k) = &kubevirt {
        out.push(("kubevirt", k.map(|version| numbers(version, |v| v.minor, Vec::new()))));
    }
    if let (Some(openshift), Some(virtualization)) = (&openshift, &virtualization) {
        out.extend(step(v, openshift, virtualization));
    }
    Fact::map(out)
}

/// A version that is known or not, of a product that is there.
struct Known {
    answer: Answer<Version>,
    evidence: Vec<Ground>,
}

impl Known {
    fn map(&self, entries: impl FnOnce(Version) -> Fact) -> Fact {
        match &self.answer {
            Ok(version) => Fact { evidence: self.evidence.clone(), ..entries(*version) },
            Err(missing) => Fact::new(crate::cel::FactValue::Unknown(missing.clone())),
        }
    }
}

/// What is seen comes first, for the judged object lies over its stored copy there; then what the caller knows. `None` when
/// there is no such product.
fn known(version: Option<Version>, sighting: Sighting<'_>) -> Option<Known> {
    let (answer, evidence) = match (sighting, version) {
        (Ok(Some(seen)), _) => (Ok(seen.version), vec![Ground::of(seen.object, seen.node)]),
        (_, Some(version)) => (Ok(version), Vec::new()),
        (Ok(None), None) => return None,
        (Err(gap), None) => (missing(gap), Vec::new()),
    };
    Some(Known { answer, evidence })
}

fn numbers(version: Version, ordinal: fn(Version) -> u32, more: Vec<(&'static str, Fact)>) -> Fact {
    let common = [
        ("version", Fact::new(version.to_string())),
        ("minor", Fact::new(version.minor_text())),
        ("ordinal", Fact::new(i64::from(ordinal(version)))),
    ];
    Fact::map(common.into_iter().chain(more))
}

/// What is known of an OpenShift release; of one that the data does not know, nothing.
fn on_openshift(version: Version) -> Vec<(&'static str, Fact)> {
    let Some(release) = release(version) else { return Vec::new() };
    vec![
        ("eus", Fact::new(release.eus)),
        ("kubernetes", Fact::new(release.kubernetes.minor_text())),
        ("kubeletLag", Fact::new(i64::from(release.kubelet_lag))),
    ]
}

fn target(v: &Versions, openshift: &Known) -> Fact {
    let Some(target) = v.target else {
        return openshift.map(|_| Fact::unknown(Missing::not_collected("the target version")));
    };
    let mut more = on_openshift(target);
    more.push(("given", Fact::new(v.target_given)));
    if let Some(kubevirt) = v.kubevirt_at_target() {
        more.push(("kubevirt", Fact::new(kubevirt.minor_text())));
    }
    let eus = |version| release(version).is_some_and(|r| r.eus);
    let minors = |from: Version| i64::from(target.ordinal()) - i64::from(from.ordinal());
    let distance = openshift.answer.clone().map(minors);
    let eus_to_eus = openshift.answer.clone().map(|from| eus(from) && eus(target) && minors(from) > 1);
    more.push(("minors", fact(distance, openshift.evidence.clone())));
    more.push(("eusToEus", fact(eus_to_eus, openshift.evidence.clone())));
    numbers(target, Version::ordinal, more)
}

fn step(v: &Versions, openshift: &Known, virtualization: &Known) -> Vec<(&'static str, Fact)> {
    let both = match (&openshift.answer, &virtualization.answer) {
        (Ok(o), Ok(h)) => Ok((*o, *h)),
        (a, b) => Err([a, b].into_iter().filter_map(|k| k.as_ref().err()).flatten().cloned().collect()),
    };
    // What a person can change stands last: the version of the operator.
    let evidence = [openshift.evidence.as_slice(), virtualization.evidence.as_slice()].concat();
    let pair = both.as_ref().ok().copied();
    let versions = Versions { openshift: pair.map(|p| p.0), hyperconverged: pair.map(|p| p.1), ..v.clone() };
    let no_target = || [Missing::not_collected("the target version")].into();
    let blocks = both.clone().and_then(|_| versions.step_blocks_target().ok_or_else(no_target));
    let behind = |(o, h): (Version, Version)| i64::from(o.ordinal()) - i64::from(h.virtualization().ordinal());
    vec![
        ("step", fact(both.clone().map(|(o, h)| Step::of(o, h).word()), evidence.clone())),
        ("minorsBehind", fact(both.clone().map(behind), evidence.clone())),
        ("stepBlocksTarget", fact(blocks, evidence.clone())),
        ("says", fact(both.map(|_| versions.step_text().unwrap_or_default()), evidence)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::fixture::{fits, inventory, told};

    fn versions(openshift: &str, hyperconverged: &str, target: Option<&str>) -> Versions {
        let openshift = Version::parse(openshift);
        Versions {
            openshift,
            target: target.map_or(openshift.map(Version::next_minor), Version::parse),
            target_given: target.is_some(),
            hyperconverged: Version::parse(hyperconverged),
            kubevirt: None,
        }
    }

    #[test]
    fn openshift_virtualization_keeps_step_or_does_not() {
        use Step::*;
        for (openshift, hyperconverged, target, step, blocks) in [
            ("4.19.8", "4.19.3", None, InStep, false),
            ("4.19.8", "4.19.3", Some("4.21.0"), InStep, false),
            // One behind: fine for a patch, not for the next minor, which is the default target.
            ("4.19.8", "4.18.7", Some("4.19.12"), OneBehind, false),
            ("4.19.8", "4.18.7", Some("4.20.1"), OneBehind, true),
            ("4.19.8", "4.18.7", None, OneBehind, true),
            ("4.19.8", "4.17.9", Some("4.19.12"), Behind, true),
            ("4.19.8", "4.20.0", Some("4.19.12"), Ahead, true),
            // As numbers: 4.9 comes before 4.10.
            ("4.10.0", "4.9.7", Some("4.10.5"), OneBehind, false),
            ("4.9.7", "4.10.0", None, Ahead, true),
            // 4.23 and 5.0 are one minor.
            ("4.23.1", "5.0.1", None, InStep, false),
            ("5.0.1", "4.23.1", None, InStep, false),
            ("5.0.1", "4.22.1", Some("4.23.4"), OneBehind, false),
            ("5.1.0", "4.23.1", Some("5.1.4"), OneBehind, false),
            ("5.1.0", "4.22.1", None, Behind, true),
            // Upstream's HyperConverged counts 1.N for 4.(N+4).
            ("4.19.8", "1.15.2", None, InStep, false),
            ("4.19.8", "1.14.0", None, OneBehind, true),
            ("5.0.1", "1.19.0", None, InStep, false),
        ] {
            let v = versions(openshift, hyperconverged, target);
            let answer = (v.step(), v.step_blocks_target());
            assert_eq!(answer, (Some(step), Some(blocks)), "{openshift}, {hyperconverged} and {target:?}");
        }
    }

    #[test]
    fn the_sentence_about_the_step() {
        let says = |openshift, ours| versions(openshift, ours, None).step_text().unwrap();
        insta::assert_snapshot!(says("4.19.8", "4.18.7"), @"OpenShift Virtualization 4.18.7 is one minor behind OpenShift 4.19.8");
        insta::assert_snapshot!(says("4.19.8", "4.16.1"), @"OpenShift Virtualization 4.16.1 is 3 minors behind OpenShift 4.19.8");
        insta::assert_snapshot!(says("4.19.8", "4.20.0"), @"OpenShift Virtualization 4.20.0 is one minor ahead of OpenShift 4.19.8");
        insta::assert_snapshot!(says("4.19.8", "1.14.0"), @"HyperConverged 1.14.0 (4.18 in OpenShift's count) is one minor behind OpenShift 4.19.8");
    }

    const HYPERCONVERGED: &str = "
apiVersion: hco.kubevirt.io/v1beta1
kind: HyperConverged
metadata: {name: kubevirt-hyperconverged, namespace: openshift-cnv}
status: {versions: [{name: operator, version: 4.18.7}]}";
    const CLUSTER: &str = "
apiVersion: config.openshift.io/v1
kind: ClusterVersion
metadata: {name: version}
status: {history: [{state: Completed, version: 4.18.20}]}";

    #[test]
    fn what_expressions_read() {
        let cluster = inventory(CLUSTER, &[]);
        insta::assert_snapshot!(told(&SCHEMA, HYPERCONVERGED, &cluster, None, Some("4.20.3")), @r#"
        kubevirt:
          minor: 1.4
          ordinal: 4
          version: 1.4.0
        minorsBehind: 0
        openshift:
          eus: true
          kubeletLag: 2
          kubernetes: 1.31
          minor: 4.18
          ordinal: 18
          version: 4.18.20
        says: OpenShift Virtualization 4.18.7 keeps step with OpenShift 4.18.20
        step: inStep
        stepBlocksTarget: false
        target:
          eus: true
          eusToEus: true
          given: true
          kubeletLag: 2
          kubernetes: 1.33
          kubevirt: 1.6
          minor: 4.20
          minors: 2
          ordinal: 20
          version: 4.20.3
        virtualization:
          minor: 4.18
          ordinal: 18
          upstream: false
          version: 4.18.7
        "#);
        let empty = inventory("", &[]);
        insta::assert_snapshot!(told(&SCHEMA, HYPERCONVERGED, &empty, None, None), @r#"
        kubevirt:
          minor: 1.4
          ordinal: 4
          version: 1.4.0
        minorsBehind: ? ClusterVersion version (not collected)
        openshift: ? ClusterVersion version (not collected)
        says: ? ClusterVersion version (not collected)
        step: ? ClusterVersion version (not collected)
        stepBlocksTarget: ? ClusterVersion version (not collected)
        target: ? ClusterVersion version (not collected)
        virtualization:
          minor: 4.18
          ordinal: 18
          upstream: false
          version: 4.18.7
        "#);
        let not_openshift = inventory("", &["clusterversions"]);
        insta::assert_snapshot!(told(&SCHEMA, HYPERCONVERGED, &not_openshift, None, None), @r#"
        kubevirt:
          minor: 1.4
          ordinal: 4
          version: 1.4.0
        virtualization:
          minor: 4.18
          ordinal: 18
          upstream: false
          version: 4.18.7
        "#);
    }

    #[test]
    fn the_judged_object_counts_and_not_its_stored_copy() {
        let cluster = inventory(&[CLUSTER, HYPERCONVERGED].join("\n---\n"), &[]);
        let edited = HYPERCONVERGED.replace("4.18.7", "4.17.2");
        let told = told(&SCHEMA, &edited, &cluster, None, None);
        assert!(told.contains("step: oneBehind"), "{told}");
    }

    #[test]
    fn what_expressions_read_is_declared() {
        let cluster = inventory(&[CLUSTER, HYPERCONVERGED].join("\n---\n"), &[]);
        let view = crate::inventory::View::new(&cluster);
        let versions = Versions::detect(&view, None);
        let world = World { view, versions: &versions, now: None, defaults: &Default::default() };
        let fact = compute(&world);
        fits(&fact, &fields()).unwrap();
        let step = fact.get("step").unwrap();
        let paths: Vec<String> =
            step.evidence.iter().map(|e| e.evidence()).map(|e| format!("{} {e}", e.object.kind)).collect();
        assert_eq!(
            paths,
            ["ClusterVersion status.history[0].version: 4.18.20", "HyperConverged status.versions[0].version: 4.18.7"]
        );
    }
}
