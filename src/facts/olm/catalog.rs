//! A CatalogSource: where OLM finds operators. One that does not answer stops the resolution of every Subscription that
//! can see it, whichever catalog that one names (pkg/controller/registry/resolver/resolver.go, "error using catalogsource").

use super::{Entries, Fields, Subscription};
use crate::cel::{Fact, Type};
use crate::facts::answer::{Answer, fact, missing, none_of};
use crate::facts::{SUBSCRIPTION, World};
use crate::object::{Ground, Missing, Object};

/// A CatalogSource's fields by name.
#[derive(Clone, Copy, Debug)]
pub struct CatalogSource<'t> {
    /// The object.
    pub object: Object<'t>,
}

impl<'t> CatalogSource<'t> {
    /// Of an object of that kind.
    pub fn new(object: Object<'t>) -> Self {
        CatalogSource { object }
    }

    /// The state of OLM's connection, as gRPC names it.
    pub fn state(self) -> Option<&'t str> {
        self.object.root.str_at(&["status", "connectionState", "lastObservedState"]).filter(|s| !s.is_empty())
    }

    /// What OLM found wrong with its spec, such as `SpecInvalidError`.
    pub fn fault(self) -> Option<&'t str> {
        self.object.root.str_at(&["status", "reason"]).filter(|r| !r.is_empty())
    }

    /// True when it answers. IDLE is healthy: a quiet connection. CONNECTING passes by itself, and nobody knows how it ends.
    pub fn healthy(self) -> Answer<bool> {
        match (self.fault(), self.state()) {
            (Some(_), _) => Ok(false),
            (None, Some("READY" | "IDLE")) => Ok(true),
            (None, Some("CONNECTING") | None) => {
                missing(Missing::not_reported(format!("the connection of {}", self.object.reference())))
            }
            (None, Some(_)) => Ok(false),
        }
    }

    pub(super) fn healthy_fact(self) -> Fact {
        let keys: &[&str] = if self.fault().is_some() {
            &["status", "reason"]
        } else {
            &["status", "connectionState", "lastObservedState"]
        };
        fact(self.healthy(), vec![Ground::at(self.object, keys)])
    }

    /// Whether the virtualization operator comes from it.
    pub fn feeds_virtualization(self, world: &World<'_>) -> Answer<bool> {
        let listing = world.view.list(SUBSCRIPTION, None);
        let names = |s: &Subscription<'_>, key, value: Option<&str>| s.object.root.str_at(&["spec", key]) == value;
        let found = listing.objects.iter().copied().map(Subscription::new).any(|s| {
            s.is_virtualization()
                && names(&s, "source", Some(self.object.name()))
                && names(&s, "sourceNamespace", self.object.namespace())
        });
        if found { Ok(true) } else { none_of(false, "Subscriptions", &listing) }
    }

    pub(super) fn facts(self, world: &World<'_>) -> Entries {
        let mut out =
            vec![("healthy", self.healthy_fact()), ("virtualization", fact(self.feeds_virtualization(world), vec![]))];
        if let Some(state) = self.state() {
            let at = Ground::at(self.object, &["status", "connectionState", "lastObservedState"]);
            out.push(("state", Fact::with(state.to_owned(), vec![at])));
        }
        out
    }
}

pub(super) fn fields() -> Fields {
    vec![("healthy", Type::Bool), ("virtualization", Type::Bool), ("state", Type::String)]
}
