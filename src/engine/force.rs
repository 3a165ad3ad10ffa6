//! `since` and `until` of a policy's notes against the versions that run.

use crate::facts::{Version, Versions};
use crate::policy::{Bound, Component, Policy};

/// Whether a policy is for the versions that run.
pub(super) enum InForce {
    Yes,
    No,
    /// The version is not known; it is judged, and says so.
    Assumed(String),
}

pub(super) fn in_force(policy: &Policy, versions: &Versions) -> InForce {
    let mut assumed = None;
    for (bound, begins) in [(policy.notes.since, true), (policy.notes.until, false)] {
        let Some(Bound { component, minor: (major, minor) }) = bound else { continue };
        let (running, name) = match component {
            Component::KubeVirt => (versions.kubevirt, "KubeVirt"),
            Component::OpenShift => (versions.openshift, "OpenShift"),
        };
        let bound = Version::new(major, minor, 0);
        match running {
            Some(v) if component == Component::OpenShift && (v.ordinal() >= bound.ordinal()) != begins => {
                return InForce::No;
            }
            Some(v) if component == Component::KubeVirt && (v >= bound) != begins => return InForce::No,
            Some(_) => {}
            None => assumed = Some(format!("the {name} version is not known; judged as a current one")),
        }
    }
    assumed.map_or(InForce::Yes, InForce::Assumed)
}
