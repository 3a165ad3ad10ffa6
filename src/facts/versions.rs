//! Versions: what runs, what is to run, and what changed in which.

use std::fmt;

/// A released version; 4.23 and 5.0 of OpenShift are one and the same (operator-lifecycle-manager
/// pkg/controller/operators/openshift/helpers.go, normalizeOCPVersion), so compare OpenShift's by [`Version::ordinal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Major.
    pub major: u32,
    /// Minor.
    pub minor: u32,
    /// Patch.
    pub patch: u32,
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
    /// HyperConverged (OpenShift Virtualization).
    pub hyperconverged: Option<Version>,
    /// KubeVirt.
    pub kubevirt: Option<Version>,
}
