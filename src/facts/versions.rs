//! Versions: what runs, what is to run, and what changed in which.
//!
//! Knows how versions are written, which minors go together and where a rule begins and ends; all of that is data, in
//! `versions.yaml`. Must not know what a rule means: each fact asks [`applies`] for its own. Versions are never compared as text.

mod changes;
mod detect;
mod fact;

use std::fmt;

pub use changes::{
    Change, OldMachine, Product, Release, Removal, applies, change, kubelet_blocks_next_minor, old_machine, release,
    removals,
};
pub use fact::{SCHEMA, Step};

/// A released version; 4.23 and 5.0 of OpenShift are one and the same (operator-lifecycle-manager
/// pkg/controller/operators/openshift/helpers.go, normalizeOCPVersion), so compare OpenShift's by [`Version::ordinal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// Major.
    pub major: u32,
    /// Minor.
    pub minor: u32,
    /// Patch.
    pub patch: u32,
}

/// OpenShift's last minor of major 4; 5.0 is the same release.
const LAST_MINOR_OF_4: u32 = 23;

impl Version {
    /// A version from its parts.
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Version { major, minor, patch }
    }

    /// From text such as `4.19.8`, `4.19`, `v1.5.2`, `v1.6.0-rc.1` or `v1.33.4+a1b2c3`. A release candidate counts as its
    /// release, for it behaves like it. `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let released = text.split(['-', '+']).next()?;
        let mut parts = released.split('.');
        let mut next = || {
            let part = parts.next()?;
            // `u32::from_str` takes a sign; a version has none.
            part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse::<u32>().ok())?
        };
        let (major, minor) = (next()?, next()?);
        let patch = match parts.next() {
            Some(patch) if patch.bytes().all(|b| b.is_ascii_digit()) => patch.parse().ok()?,
            Some(_) => return None,
            None => 0,
        };
        parts.next().is_none().then_some(Version { major, minor, patch })
    }

    /// The version in a ClusterServiceVersion's name: `kubevirt-hyperconverged-operator.v4.19.3`.
    pub fn of_csv_name(name: &str) -> Option<Self> {
        let (_, version) = name.split_once(".v")?;
        Version::parse(version)
    }

    /// OpenShift's minors, and OpenShift Virtualization's, in one row: 4.22 is 22, 4.23 and 5.0 are 23, 5.1 is 24.
    pub fn ordinal(self) -> u32 {
        match self.major {
            0..=4 => self.minor,
            major => LAST_MINOR_OF_4.saturating_add(self.minor).saturating_add((major - 5).saturating_mul(1_000)),
        }
    }

    /// The first release of OpenShift's next minor. After 4.23 and after 5.0 comes 5.1.
    pub fn next_minor(self) -> Self {
        match (self.major, self.minor) {
            (4, LAST_MINOR_OF_4) => Version::new(5, 1, 0),
            (major, minor) => Version::new(major, minor.saturating_add(1), 0),
        }
    }

    /// OpenShift Virtualization's version for a HyperConverged version: upstream's 1.N is 4.(N+4), the others are it already.
    pub fn virtualization(self) -> Self {
        if self.major != 1 {
            return self;
        }
        let minor = self.minor.saturating_add(4);
        match minor.checked_sub(LAST_MINOR_OF_4) {
            Some(beyond) if beyond > 0 => Version::new(5, beyond, self.patch),
            _ => Version::new(4, minor, self.patch),
        }
    }

    /// `4.19`, as people name a minor.
    pub fn minor_text(self) -> String {
        format!("{}.{}", self.major, self.minor)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// What runs in the cluster and what is to run; `None` where nobody knows.
#[derive(Clone, Debug, Default)]
pub struct Versions {
    /// OpenShift: the newest history entry that is Completed.
    pub openshift: Option<Version>,
    /// The OpenShift version that is upgraded to.
    pub target: Option<Version>,
    /// True when a person named the target; else it is the next minor.
    pub target_given: bool,
    /// HyperConverged (OpenShift Virtualization).
    pub hyperconverged: Option<Version>,
    /// KubeVirt.
    pub kubevirt: Option<Version>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    #[test]
    fn versions_as_they_are_written() {
        for (text, expected) in [
            ("4.19.8", Some((4, 19, 8))),
            ("4.9", Some((4, 9, 0))),
            ("4.10", Some((4, 10, 0))),
            ("v1.5.2", Some((1, 5, 2))),
            ("v1.6.0-rc.1", Some((1, 6, 0))),
            ("v1.33.4+a1b2c3", Some((1, 33, 4))),
            ("4.99.0-0.1755843", Some((4, 99, 0))),
            ("4", None),
            ("", None),
            ("v", None),
            ("4.x", None),
            ("4..1", None),
            ("4.+9", None),
            ("4.19.8.1", None),
            ("4.99999999999", None),
        ] {
            assert_eq!(Version::parse(text).map(|v| (v.major, v.minor, v.patch)), expected, "{text}");
        }
    }

    #[test]
    fn versions_in_names_of_csvs() {
        for (name, expected) in [
            ("kubevirt-hyperconverged-operator.v4.19.3", Some("4.19.3")),
            ("kubevirt-hyperconverged-operator.v1.15.2", Some("1.15.2")),
            ("kubevirt-hyperconverged-operator.v4.99.0-0.1755843", Some("4.99.0")),
            ("cluster-logging.5.9.1", None),
            ("kubevirt-hyperconverged-operator", None),
        ] {
            assert_eq!(Version::of_csv_name(name).map(|v| v.to_string()).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn openshift_minors_are_one_row() {
        for (text, ordinal, next) in [
            ("4.9.0", 9, "4.10.0"),
            ("4.19.8", 19, "4.20.0"),
            ("4.22.1", 22, "4.23.0"),
            ("4.23.0", 23, "5.1.0"),
            ("5.0.3", 23, "5.1.0"),
            ("5.1.0", 24, "5.2.0"),
        ] {
            assert_eq!((v(text).ordinal(), v(text).next_minor()), (ordinal, v(next)), "{text}");
        }
    }

    #[test]
    fn upstream_versions_of_hyperconverged() {
        for (upstream, virtualization) in [
            ("1.5.0", "4.9.0"),
            ("1.10.1", "4.14.1"),
            ("1.18.0", "4.22.0"),
            ("1.19.2", "4.23.2"),
            ("1.20.0", "5.1.0"),
            ("4.19.3", "4.19.3"),
            ("5.0.1", "5.0.1"),
        ] {
            assert_eq!(v(upstream).virtualization(), v(virtualization), "{upstream}");
        }
    }
}
