//! An InstallPlan: what it carries, whether it waits, and for how long.

use jiff::Timestamp;

use super::{CSV_PREFIX, Entries, Fields, Namespace, Subscription};
use crate::cel::{Fact, Type};
use crate::facts::World;
use crate::facts::answer::{Answer, fact, missing};
use crate::object::{Ground, Missing, Object};

/// Days after which a plan that waits is old: what it carries was the newest when it was made, and may not be any more.
/// No component draws this line; catalogs bring a patch about every two weeks.
pub const STALE_AFTER_DAYS: i64 = 30;

/// An InstallPlan's fields by name.
#[derive(Clone, Copy, Debug)]
pub struct InstallPlan<'t> {
    /// The object.
    pub object: Object<'t>,
}

impl<'t> InstallPlan<'t> {
    /// Of an object of that kind.
    pub fn new(object: Object<'t>) -> Self {
        InstallPlan { object }
    }

    /// True when nothing happens until somebody approves it. A plan without a phase waits too: its status is not written
    /// yet (catalog/operator.go, transitionInstallPlanState).
    pub fn is_pending(self) -> bool {
        let phase = self.object.root.str_at(&["status", "phase"]).unwrap_or_default();
        self.object.root.bool_at(&["spec", "approved"]) != Some(true) && !matches!(phase, "Complete" | "Failed")
    }

    /// The ClusterServiceVersions that it installs together.
    pub fn csvs(self) -> Vec<&'t str> {
        self.object.root.list_at(&["spec", "clusterServiceVersionNames"]).filter_map(|c| c.as_str()).collect()
    }

    /// The virtualization operator's among them.
    pub fn virtualization_csv(self) -> Option<&'t str> {
        self.csvs().into_iter().find(|c| c.starts_with(CSV_PREFIX))
    }

    /// Days since it was made; not less than 0.
    pub fn age_days(self, now: Option<Timestamp>) -> Answer<i64> {
        let Some(now) = now else { return missing(Missing::not_collected("the current time")) };
        let made =
            self.object.root.str_at(&["metadata", "creationTimestamp"]).and_then(|t| t.parse::<Timestamp>().ok());
        let Some(made) = made else {
            return missing(Missing::not_reported(format!("when {} was made", self.object.reference())));
        };
        Ok((now.as_second() - made.as_second()).max(0) / (24 * 60 * 60))
    }

    /// The Subscriptions that wait for it, of those that were seen. Plans that none names are leftovers.
    pub fn referenced_by<'i>(self, namespace: &Namespace<'i>) -> Vec<Subscription<'i>> {
        namespace.seen().iter().copied().filter(|s| s.plan() == Some(self.object.name())).collect()
    }

    /// Whether a Subscription waits for it.
    pub fn is_referenced(self, namespace: &Namespace<'_>) -> Answer<bool> {
        match self.referenced_by(namespace).is_empty() {
            false => Ok(true),
            true => namespace.all(false),
        }
    }

    /// Whether it installs for the first time: the virtualization operator when it carries that one, else all that wait
    /// for it.
    pub fn is_first_installation(self, namespace: &Namespace<'_>) -> Answer<bool> {
        if self.virtualization_csv().is_some() {
            return match namespace.virtualization()? {
                Some(subscription) => Ok(subscription.installed_csv().is_none()),
                // A plan carries what a Subscription asked for; without one, nothing was installed by it.
                None => Ok(true),
            };
        }
        match self.referenced_by(namespace).iter().any(|s| s.installed_csv().is_some()) {
            true => Ok(false),
            false => namespace.all(true),
        }
    }

    /// What it carries, the virtualization operator first: `a and nothing else`, or `a, and with it b and c`.
    pub fn carries(self) -> String {
        let mut names = self.csvs();
        names.sort_by_key(|c| !c.starts_with(CSV_PREFIX));
        match names.split_first() {
            None => "nothing".to_owned(),
            Some((only, [])) => format!("{only} and nothing else"),
            Some((first, rest)) => format!("{first}, and with it {}", joined(rest)),
        }
    }

    pub(super) fn facts(self, world: &World<'_>) -> Entries {
        let namespace = Namespace::of(self.object, &world.view);
        let at = |keys: &[&str]| Ground::at(self.object, keys);
        let age = self.age_days(world.now);
        let made = vec![at(&["metadata", "creationTimestamp"])];
        let waits = vec![at(&["spec", "approved"]).note("so it waits for a person"), at(&["status", "phase"])];
        let referenced_by = self.referenced_by(&namespace);
        let named = |s: &Subscription<'_>| Ground::at(s.object, &["status", "installPlanRef", "name"]);
        let referenced = referenced_by.iter().map(named).collect();
        let installed = |s: &Subscription<'_>| Ground::at(s.object, &["status", "installedCSV"]);
        let carries = vec![at(&["spec", "clusterServiceVersionNames"])];
        let mut out = namespace.facts();
        out.extend([
            ("pending", Fact::with(self.is_pending(), waits)),
            ("referenced", fact(self.is_referenced(&namespace), referenced)),
            (
                "referencedBy",
                Fact::list(referenced_by.iter().map(|s| Fact::with(s.object.name().to_owned(), vec![named(s)]))),
            ),
            (
                "firstInstallation",
                fact(self.is_first_installation(&namespace), referenced_by.iter().map(installed).collect()),
            ),
            ("virtualization", Fact::with(self.virtualization_csv().is_some(), carries.clone())),
            ("csvs", Fact::list(self.csvs().into_iter().map(|c| Fact::with(c.to_owned(), carries.clone())))),
            ("carries", Fact::with(self.carries(), carries)),
            ("stale", Fact::with(age.as_ref().is_ok_and(|days| *days > STALE_AFTER_DAYS), made.clone())),
            ("waits", Fact::with(waits_text(age.as_ref().ok().copied()), made.clone())),
            ("ageDays", fact(age, made)),
        ]);
        out
    }
}

fn joined(names: &[&str]) -> String {
    match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// The verb of a sentence about the plan: `has waited for approval for 41 days`.
fn waits_text(days: Option<i64>) -> String {
    match days {
        None => "waits for approval".to_owned(),
        Some(0) => "has waited for approval for less than a day".to_owned(),
        Some(1) => "has waited for approval for a day".to_owned(),
        Some(days) => format!("has waited for approval for {days} days"),
    }
}

pub(super) fn fields() -> Fields {
    vec![
        ("pending", Type::Bool),
        ("referenced", Type::Bool),
        ("referencedBy", Type::list(Type::String)),
        ("firstInstallation", Type::Bool),
        ("virtualization", Type::Bool),
        ("csvs", Type::list(Type::String)),
        ("carries", Type::String),
        ("stale", Type::Bool),
        ("waits", Type::String),
        ("ageDays", Type::Int),
    ]
}
