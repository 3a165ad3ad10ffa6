//! A ClusterServiceVersion: one version of an operator, installed or being installed.

use super::{CSV_PREFIX, Entries, Fields};
use crate::cel::{Fact, Type};
use crate::facts::Version;
use crate::facts::answer::{fact, missing};
use crate::object::{Ground, Missing, Object};

/// A ClusterServiceVersion's fields by name.
#[derive(Clone, Copy, Debug)]
pub struct Csv<'t> {
    /// The object.
    pub object: Object<'t>,
}

impl<'t> Csv<'t> {
    /// Of an object of that kind.
    pub fn new(object: Object<'t>) -> Self {
        Csv { object }
    }

    /// True for OpenShift Virtualization and for HyperConverged; their names begin alike.
    pub fn is_virtualization(self) -> bool {
        self.object.name().starts_with(CSV_PREFIX)
    }

    /// True for the copies that OLM puts into the namespaces that an operator watches; they say nothing of their own
    /// (operator-framework/api pkg/operators/v1alpha1/clusterserviceversion.go, IsCopied).
    pub fn is_copied(self) -> bool {
        let from = self.object.annotation("olm.operatorNamespace");
        self.object.root.str_at(&["status", "reason"]) == Some("Copied")
            || self.object.label("olm.copiedFrom").is_some()
            || from.is_some_and(|from| Some(from) != self.object.namespace())
    }

    /// `spec.version`, else what its name says.
    pub fn version(self) -> Option<Version> {
        let written = self.object.root.str_at(&["spec", "version"]).and_then(Version::parse);
        written.or_else(|| Version::of_csv_name(self.object.name()))
    }

    /// `status.phase`; `None` before OLM has looked at it.
    pub fn phase(self) -> Option<&'t str> {
        self.object.root.str_at(&["status", "phase"]).filter(|p| !p.is_empty())
    }

    pub(super) fn facts(self) -> Entries {
        let at = |keys: &[&str]| vec![Ground::at(self.object, keys)];
        let phase = self
            .phase()
            .map(str::to_owned)
            .map_or_else(|| missing(Missing::not_reported(format!("the phase of {}", self.object.reference()))), Ok);
        let mut out = vec![
            ("virtualization", Fact::with(self.is_virtualization(), at(&["metadata", "name"]))),
            ("copied", Fact::new(self.is_copied())),
            ("phase", fact(phase, at(&["status", "phase"]))),
        ];
        if let Some(version) = self.version() {
            out.push(("version", Fact::with(version.to_string(), at(&["spec", "version"]))));
        }
        out
    }
}

pub(super) fn fields() -> Fields {
    vec![("virtualization", Type::Bool), ("copied", Type::Bool), ("phase", Type::String), ("version", Type::String)]
}
