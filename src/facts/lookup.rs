//! Looking up other objects so that a rule reads like a sentence: `?` leaves a rule with what would have to be collected.
//!
//! Knows the difference between "there is none" and "nobody looked". Must not know what any kind means.

use super::World;
use crate::inventory::{Kind, Lookup, WhyNot};
use crate::object::{Missing, Object};

/// What is known, or the one thing that would have to be known.
pub type Seen<T> = Result<T, Missing>;

impl<'w> World<'w> {
    /// The object; `None` where there surely is none.
    pub fn find(&self, kind: Kind, namespace: Option<&str>, name: &str) -> Seen<Option<Object<'w>>> {
        match self.view.get(kind, namespace, name) {
            Lookup::Found(object) => Ok(Some(object)),
            Lookup::Absent => Ok(None),
            Lookup::NotSeen(why) => Err(Missing { what: named(kind, namespace, name), why: why.into() }),
        }
    }

    /// All objects of a kind, in one namespace or (`None`) in all.
    pub fn all(&self, kind: Kind, namespace: Option<&str>) -> Seen<Vec<Object<'w>>> {
        let listing = self.view.list(kind, namespace);
        listing.complete.map_err(|why| listed(kind, namespace, why))?;
        Ok(listing.objects)
    }

    /// The objects of a kind that were seen, whether or not these are all.
    pub fn seen(&self, kind: Kind) -> Vec<Object<'w>> {
        self.view.list(kind, None).objects
    }

    /// The object of a kind of which a cluster has one; `None` where it surely has none.
    pub fn only(&self, kind: Kind) -> Seen<Option<Object<'w>>> {
        let listing = self.view.list(kind, None);
        match listing.objects.first() {
            Some(object) => Ok(Some(*object)),
            None => {
                listing.complete.map(|()| None).map_err(|why| Missing { what: kind.kind.to_owned(), why: why.into() })
            }
        }
    }
}

/// `PersistentVolumeClaim shop/data`.
pub fn named(kind: Kind, namespace: Option<&str>, name: &str) -> String {
    match namespace.filter(|_| kind.namespaced) {
        Some(namespace) => format!("{} {namespace}/{name}", kind.kind),
        None => format!("{} {name}", kind.kind),
    }
}

fn listed(kind: Kind, namespace: Option<&str>, why: WhyNot) -> Missing {
    let plural = if kind.kind.ends_with('s') { "es" } else { "s" };
    let what = match namespace {
        Some(namespace) => format!("{}{plural} of namespace {namespace}", kind.kind),
        None => format!("{}{plural}", kind.kind),
    };
    Missing { what, why: why.into() }
}
