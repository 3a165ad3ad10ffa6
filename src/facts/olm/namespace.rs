//! The Subscriptions of one namespace: OLM resolves them together, into one InstallPlan.

use super::subscription::{namespace_of, summary_type};
use super::{Approval, Entries, Fields, Subscription};
use crate::cel::{Fact, FactValue, Type};
use crate::facts::SUBSCRIPTION;
use crate::facts::answer::{Answer, fact, missing, not_seen};
use crate::inventory::View;
use crate::object::{Ground, Missing, Object};

/// The Subscriptions beside an object, and whether these are all.
#[derive(Clone, Debug)]
pub struct Namespace<'i> {
    subscriptions: Vec<Subscription<'i>>,
    complete: Result<(), Missing>,
}

impl<'i> Namespace<'i> {
    /// Of the namespace that an object is in.
    pub fn of(object: Object<'_>, view: &View<'i>) -> Self {
        let namespace = match namespace_of(object) {
            Ok(namespace) => namespace,
            Err(missing) => return Namespace { subscriptions: Vec::new(), complete: Err(missing) },
        };
        let listing = view.list(SUBSCRIPTION, Some(namespace));
        let what = format!("Subscriptions of namespace {namespace}");
        Namespace {
            subscriptions: listing.objects.into_iter().map(Subscription::new).collect(),
            complete: listing.complete.map_err(|why| not_seen(&what, why)),
        }
    }

    /// Those that were seen.
    pub fn seen(&self) -> &[Subscription<'i>] {
        &self.subscriptions
    }

    /// An answer that only all Subscriptions together can give.
    pub fn all<T>(&self, answer: T) -> Answer<T> {
        match &self.complete {
            Ok(()) => Ok(answer),
            Err(gap) => missing(gap.clone()),
        }
    }

    /// The virtualization operator's Subscription; `None` when there is none here.
    pub fn virtualization(&self) -> Answer<Option<Subscription<'i>>> {
        match self.subscriptions.iter().find(|s| s.is_virtualization()) {
            Some(found) => Ok(Some(*found)),
            None => self.all(None),
        }
    }

    /// Those that make the whole namespace manual.
    pub fn manual(&self) -> impl Iterator<Item = Subscription<'i>> {
        self.subscriptions.iter().copied().filter(|s| s.approval() == Approval::Manual)
    }

    /// The approval that every plan of this namespace gets: one Manual Subscription is enough
    /// (catalog/operator.go, syncResolvingNamespace).
    pub fn approval(&self) -> Answer<Approval> {
        match self.manual().next() {
            Some(_) => Ok(Approval::Manual),
            None => self.all(Approval::Automatic),
        }
    }

    /// All but one, as facts.
    pub(super) fn others(&self, of: Subscription<'_>) -> Answer<FactValue> {
        let others = self.subscriptions.iter().filter(|s| s.object.name() != of.object.name());
        self.all(FactValue::List(others.map(|s| s.summary()).collect()))
    }

    pub(super) fn facts(&self) -> Entries {
        let virtualization = self.virtualization();
        let package = |s: Subscription<'_>| vec![Ground::at(s.object, &["spec", "name"])];
        let evidence = virtualization.clone().ok().flatten().map(package).unwrap_or_default();
        let seen = self.subscriptions.iter().any(|s| s.is_virtualization());
        let mut out = vec![
            (
                "approvalInForce",
                fact(
                    self.approval().map(Approval::as_str),
                    self.manual().map(Subscription::approval_evidence).collect(),
                ),
            ),
            ("forcedBy", Fact::list(self.manual().map(Subscription::summary))),
            ("virtualizationInNamespace", fact(virtualization.clone().map(|v| v.is_some()), evidence.clone())),
            ("virtualizationSeen", Fact::with(seen, evidence.clone())),
        ];
        if let Ok(Some(found)) = virtualization {
            out.push(("virtualizationSubscription", Fact::with(found.object.name().to_owned(), evidence)));
        }
        out
    }
}

pub(super) fn fields() -> Fields {
    vec![
        ("approvalInForce", Type::String),
        ("forcedBy", Type::list(summary_type())),
        ("virtualizationInNamespace", Type::Bool),
        ("virtualizationSeen", Type::Bool),
        ("virtualizationSubscription", Type::String),
    ]
}
