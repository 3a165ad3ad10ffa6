//! `facts.olm`: what the Operator Lifecycle Manager does with a Subscription, an InstallPlan, a ClusterServiceVersion or
//! a CatalogSource, and whether the virtualization operator is among those concerned.
//!
//! Knows operator-lifecycle-manager's catalog operator (pkg/controller/operators/catalog/operator.go). Must not know
//! policies. A type wraps an object and gives its fields by name; a file each.

mod catalog;
mod csv;
mod namespace;
mod plan;
mod subscription;

pub use catalog::CatalogSource;
pub use csv::Csv;
pub use namespace::Namespace;
pub use plan::{InstallPlan, STALE_AFTER_DAYS};
pub use subscription::{Approval, Subscription};

use crate::cel::{Fact, Type};
use crate::facts::{CATALOG_SOURCE, CLUSTER_SERVICE_VERSION, FactSchema, FactSet, INSTALL_PLAN, SUBSCRIPTION};

/// The package of OpenShift Virtualization in Red Hat's catalog.
pub const DOWNSTREAM_PACKAGE: &str = "kubevirt-hyperconverged";
/// The package of HyperConverged in the community's catalog.
pub const UPSTREAM_PACKAGE: &str = "community-kubevirt-hyperconverged";
/// How names of the virtualization operator's ClusterServiceVersions begin, in both catalogs.
const CSV_PREFIX: &str = "kubevirt-hyperconverged-operator.v";

/// The declaration.
pub const SCHEMA: FactSchema = FactSchema {
    name: "olm",
    answers: "What the Operator Lifecycle Manager does with this object, and whether the virtualization operator is concerned.",
    subjects: &[SUBSCRIPTION, INSTALL_PLAN, CLUSTER_SERVICE_VERSION, CATALOG_SOURCE],
    reads: &[SUBSCRIPTION, INSTALL_PLAN, CATALOG_SOURCE],
    fields,
    compute,
};

fn compute(of: &FactSet<'_>) -> Option<Fact> {
    let (object, world) = (of.object, &of.world);
    let is = |kind: crate::inventory::Kind| object.gvk.is(kind.group, kind.kind);
    let entries = if is(SUBSCRIPTION) {
        Subscription::new(object).facts(world)
    } else if is(INSTALL_PLAN) {
        InstallPlan::new(object).facts(world)
    } else if is(CLUSTER_SERVICE_VERSION) {
        Csv::new(object).facts()
    } else if is(CATALOG_SOURCE) {
        CatalogSource::new(object).facts(world)
    } else {
        return None;
    };
    Some(Fact::map(entries))
}

/// The fields of all four kinds; each kind has those that its own file gives.
fn fields() -> Type {
    let kinds = [subscription::fields(), plan::fields(), csv::fields(), catalog::fields(), namespace::fields()];
    Type::object("facts.olm", kinds.into_iter().flatten())
}

/// The declared fields of one kind.
type Fields = Vec<(&'static str, Type)>;
/// The fields of one object.
type Entries = Vec<(&'static str, Fact)>;

#[cfg(test)]
mod tests;
