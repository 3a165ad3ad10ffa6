//! A Subscription: which operator, from which catalog, and who approves its updates.

use super::{CatalogSource, DOWNSTREAM_PACKAGE, Entries, Fields, InstallPlan, Namespace, UPSTREAM_PACKAGE};
use crate::cel::{Fact, FactValue, Type};
use crate::facts::answer::{Answer, fact, missing, not_seen};
use crate::facts::{CATALOG_SOURCE, INSTALL_PLAN, World};
use crate::inventory::{Lookup, View};
use crate::object::{Ground, Missing, Object};

/// Who approves InstallPlans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approval {
    /// OLM itself.
    Automatic,
    /// A person.
    Manual,
}

impl Approval {
    /// As the API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Approval::Automatic => "Automatic",
            Approval::Manual => "Manual",
        }
    }
}

/// A Subscription's fields by name.
#[derive(Clone, Copy, Debug)]
pub struct Subscription<'t> {
    /// The object.
    pub object: Object<'t>,
}

impl<'t> Subscription<'t> {
    /// Of an object of that kind.
    pub fn new(object: Object<'t>) -> Self {
        Subscription { object }
    }

    /// The operator's package, `spec.name`; `metadata.name` is anybody's choice.
    pub fn package(self) -> &'t str {
        self.object.root.str_at(&["spec", "name"]).unwrap_or_default()
    }

    /// True for OpenShift Virtualization and for HyperConverged.
    pub fn is_virtualization(self) -> bool {
        self.is_downstream() || self.package() == UPSTREAM_PACKAGE
    }

    /// True for OpenShift Virtualization.
    pub fn is_downstream(self) -> bool {
        self.package() == DOWNSTREAM_PACKAGE
    }

    /// Its own approval. OLM compares with `Manual` alone, so a misspelt value is Automatic (syncResolvingNamespace).
    pub fn approval(self) -> Approval {
        match self.object.root.str_at(&["spec", "installPlanApproval"]) {
            Some("Manual") => Approval::Manual,
            _ => Approval::Automatic,
        }
    }

    /// True when a fleet manager owns it: it writes Manual and approves plans by itself
    /// (open-cluster-management governance-policy-addon, OperatorPolicy).
    pub fn is_fleet_managed(self) -> bool {
        self.object.label("operatorpolicy.policy.open-cluster-management.io/managed").is_some()
    }

    /// The ClusterServiceVersion that is installed; `None` before the first installation.
    pub fn installed_csv(self) -> Option<&'t str> {
        self.object.root.str_at(&["status", "installedCSV"]).filter(|c| !c.is_empty())
    }

    /// The InstallPlan that it waits for or was installed by.
    pub fn plan(self) -> Option<&'t str> {
        self.object.root.str_at(&["status", "installPlanRef", "name"])
    }

    /// Evidence of its approval.
    pub fn approval_evidence(self) -> Ground {
        let evidence = Ground::at(self.object, &["spec", "installPlanApproval"]);
        match self.approval() {
            Approval::Manual => evidence.note("makes every plan of its namespace wait"),
            Approval::Automatic => evidence,
        }
    }

    /// The name of the plan that waits for a person; `None` when none does.
    pub fn waiting_plan(self, view: &View<'_>) -> Answer<Option<&'t str>> {
        let Some(name) = self.plan() else { return Ok(None) };
        match view.get(INSTALL_PLAN, self.object.namespace(), name) {
            Lookup::Found(plan) => Ok(Some(name).filter(|_| InstallPlan::new(plan).is_pending())),
            Lookup::Absent => Ok(None),
            Lookup::NotSeen(why) => missing(not_seen(&format!("InstallPlan {name}"), why)),
        }
    }

    /// Whether the catalog that it names is there, and answers.
    fn catalog(self, view: &View<'_>) -> Fact {
        let text = |key| self.object.root.str_at(&["spec", key]).unwrap_or_default();
        let (name, namespace) = (text("source"), text("sourceNamespace"));
        let named = Ground::at(self.object, &["spec", "source"]);
        let (exists, healthy) = match view.get(CATALOG_SOURCE, Some(namespace), name) {
            Lookup::Found(object) => (Ok(true), CatalogSource::new(object).healthy_fact()),
            Lookup::Absent => (Ok(false), Fact::with(false, vec![named.clone()])),
            Lookup::NotSeen(why) => {
                let gap: Answer<bool> = missing(not_seen(&format!("CatalogSource {namespace}/{name}"), why));
                (gap.clone(), fact(gap, Vec::new()))
            }
        };
        Fact::map([
            ("name", Fact::new(name.to_owned())),
            ("namespace", Fact::new(namespace.to_owned())),
            ("exists", fact(exists, vec![named])),
            ("healthy", healthy),
        ])
    }

    /// What `neighbours` and `forcedBy` say about one.
    pub(super) fn summary(self) -> Fact {
        let entries = [
            ("name", Fact::new(self.object.name().to_owned())),
            ("package", Fact::new(self.package().to_owned())),
            ("approval", Fact::with(self.approval().as_str(), vec![self.approval_evidence()])),
        ];
        Fact { evidence: vec![self.approval_evidence()], ..Fact::map(entries) }
    }

    pub(super) fn facts(self, world: &World<'_>) -> Entries {
        let namespace = Namespace::of(self.object, &world.view);
        let mut out = namespace.facts();
        out.extend([
            ("package", Fact::with(self.package().to_owned(), vec![Ground::at(self.object, &["spec", "name"])])),
            ("virtualization", Fact::new(self.is_virtualization())),
            ("downstream", Fact::new(self.is_downstream())),
            ("fleetManaged", Fact::new(self.is_fleet_managed())),
            ("approval", Fact::with(self.approval().as_str(), vec![self.approval_evidence()])),
            ("neighbours", fact(namespace.others(self), Vec::new())),
            ("catalog", self.catalog(&world.view)),
        ]);
        if let Some(csv) = self.installed_csv() {
            out.push((
                "installedCSV",
                Fact::with(csv.to_owned(), vec![Ground::at(self.object, &["status", "installedCSV"])]),
            ));
        }
        let waiting = self.waiting_plan(&world.view);
        let evidence = vec![Ground::at(self.object, &["status", "installPlanRef", "name"])];
        out.push(("planWaits", fact(waiting.clone().map(|plan| plan.is_some()), evidence.clone())));
        match waiting {
            Ok(Some(plan)) => out.push(("waitingPlan", Fact::with(plan.to_owned(), evidence))),
            Ok(None) => {}
            Err(missing) => out.push(("waitingPlan", Fact::new(FactValue::Unknown(missing)))),
        }
        out
    }
}

pub(super) fn fields() -> Fields {
    let catalog = Type::object(
        "facts.olm.catalog",
        [("name", Type::String), ("namespace", Type::String), ("exists", Type::Bool), ("healthy", Type::Bool)],
    );
    vec![
        ("package", Type::String),
        ("virtualization", Type::Bool),
        ("downstream", Type::Bool),
        ("fleetManaged", Type::Bool),
        ("approval", Type::String),
        ("neighbours", Type::list(summary_type())),
        ("catalog", catalog),
        ("installedCSV", Type::String),
        ("planWaits", Type::Bool),
        ("waitingPlan", Type::String),
    ]
}

pub(super) fn summary_type() -> Type {
    Type::object(
        "facts.olm.subscription",
        [("name", Type::String), ("package", Type::String), ("approval", Type::String)],
    )
}

/// The namespace that an object names, or why nobody knows which it is.
pub(super) fn namespace_of(object: Object<'_>) -> Result<&str, Missing> {
    object.namespace().ok_or_else(|| Missing::not_collected(format!("the namespace of {}", object.reference())))
}
