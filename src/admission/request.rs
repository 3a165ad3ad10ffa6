//! The request of a review, as the engine judges it and as logs name it.

use std::borrow::Cow;
use std::cell::LazyCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::cel::{Computed, Fact, FactValue};
use crate::engine::{self, Address, FACT_VALUES, fact_of};
use crate::object::{Gvk, Missing, Object, Why};
use crate::policy::Operation;
use crate::source::JsonTree;

use super::MAX_NAME;
use super::verdict::{Decision, Outcome, Verdict};
use super::wire::{Asked, GroupVersionKind, GroupVersionResource, Text, UserInfo};

/// What was asked, and what the engine needs beside it.
pub(super) struct Request<'b> {
    pub asked: &'b Asked<'b>,
    /// `None` for a word that is no operation.
    pub operation: Option<Operation>,
    /// From the request, and not from the object, which may say anything.
    pub gvk: Arc<Gvk>,
    /// Plural, with its subresource after a slash.
    pub resource: Cow<'b, str>,
    fact: Box<dyn Computed + 'b>,
}

impl<'b> Request<'b> {
    pub fn new(asked: &'b Asked<'b>) -> Self {
        let operation = Operation::ALL.iter().find(|(word, _)| *word == &*asked.operation).map(|(_, o)| *o);
        let gvk = asked.kind.as_ref().map_or_else(Gvk::default, |k| Gvk {
            group: k.group.to_string(),
            version: k.version.to_string(),
            kind: k.kind.to_string(),
        });
        let plural = asked.resource.as_ref().map_or("", |r| &r.resource);
        let resource = match &*asked.sub_resource {
            "" => Cow::Borrowed(plural),
            sub => Cow::Owned(format!("{plural}/{sub}")),
        };
        Request { asked, operation, gvk: Arc::new(gvk), resource, fact: Box::new(LazyCell::new(|| fact(asked))) }
    }

    pub fn object(&self) -> Option<Object<'_>> {
        self.whole(self.asked.object.as_ref()?)
    }

    pub fn old_object(&self) -> Option<Object<'_>> {
        self.whole(self.asked.old_object.as_ref()?)
    }

    fn whole<'r>(&'r self, tree: &'r JsonTree) -> Option<Object<'r>> {
        Some(Object::new(&tree.0, tree.0.root().id(), &self.gvk))
    }

    pub fn user(&self) -> &str {
        self.asked.user_info.as_ref().map_or("", |u| &u.username)
    }

    pub fn resource_group(&self) -> &str {
        self.asked.resource.as_ref().map_or("", |r| &r.group)
    }

    pub fn of_engine(&self, operation: Operation) -> engine::Request<'_> {
        let resource = self.asked.resource.as_ref();
        engine::Request {
            operation,
            object: self.object(),
            old_object: self.old_object(),
            resource: resource.map_or("", |r| &r.resource),
            subresource: &self.asked.sub_resource,
            request: Some(&*self.fact),
            address: Some(Address {
                group: self.resource_group(),
                version: resource.map_or("", |r| &r.version),
                namespace: &self.asked.namespace,
                name: &self.asked.name,
            }),
        }
    }

    /// The name that a person reads: the request's, else the object's, else what it will be generated from.
    pub fn shown_name(&self) -> Cow<'_, str> {
        let object = self.object().or(self.old_object());
        let own = object.map(Object::name).filter(|n| !n.is_empty());
        let prefix = object.and_then(|o| o.root.str_at(&["metadata", "generateName"])).filter(|n| !n.is_empty());
        match (&*self.asked.name, own, prefix) {
            ("", Some(own), _) => Cow::Borrowed(own),
            ("", None, Some(prefix)) => Cow::Owned(format!("{prefix}*")),
            (name, ..) => Cow::Borrowed(name),
        }
    }

    pub fn verdict(&self, decision: Decision, policies: BTreeSet<(String, Outcome)>) -> Verdict {
        let cut = |text: &str| {
            let end = text.char_indices().nth(MAX_NAME).map_or(text.len(), |(at, _)| at);
            text.get(..end).unwrap_or_default().to_owned()
        };
        Verdict {
            uid: cut(&self.asked.uid),
            decision,
            policies: policies.into_iter().collect(),
            operation: self.operation,
            group: cut(self.resource_group()),
            resource: cut(&self.resource),
            kind: cut(&self.gvk.kind),
            namespace: cut(&self.asked.namespace),
            name: cut(&self.shown_name()),
            user: cut(self.user()),
            dry_run: self.asked.dry_run.unwrap_or_default(),
        }
    }
}

/// `request` of expressions: all of it is known here. What is empty is absent, as in the API server's own.
fn fact(asked: &Asked<'_>) -> Fact {
    let mut fields = vec![
        ("operation", text(&asked.operation)),
        ("userInfo", user(asked.user_info.as_ref())),
        ("dryRun", Fact::new(asked.dry_run.unwrap_or_default())),
        ("options", asked.options.as_ref().map_or_else(|| Fact::new(FactValue::Null), |tree| fact_of(tree.0.root()))),
    ];
    for (name, value) in [
        ("subResource", &asked.sub_resource),
        ("requestSubResource", &asked.request_sub_resource),
        ("name", &asked.name),
        ("namespace", &asked.namespace),
    ] {
        fields.extend((!value.is_empty()).then(|| (name, text(value))));
    }
    fields.extend(
        [("kind", &asked.kind), ("requestKind", &asked.request_kind)]
            .into_iter()
            .filter_map(|(name, value)| Some((name, kind(value.as_ref()?)))),
    );
    fields.extend(
        [("resource", &asked.resource), ("requestResource", &asked.request_resource)]
            .into_iter()
            .filter_map(|(name, value)| Some((name, resource(value.as_ref()?)))),
    );
    Fact::map(fields)
}

fn text(text: &str) -> Fact {
    Fact::new(text.to_owned())
}

fn kind(of: &GroupVersionKind<'_>) -> Fact {
    Fact::map([("group", text(&of.group)), ("version", text(&of.version)), ("kind", text(&of.kind))])
}

fn resource(of: &GroupVersionResource<'_>) -> Fact {
    Fact::map([("group", text(&of.group)), ("version", text(&of.version)), ("resource", text(&of.resource))])
}

fn user(of: Option<&UserInfo<'_>>) -> Fact {
    let Some(user) = of else { return Fact::map([]) };
    let extra = user.extra.as_ref();
    let size = user.groups.as_ref().map_or(0, Vec::len)
        + extra.map_or(0, |e| e.values().map(|list| 1 + list.as_ref().map_or(0, Vec::len)).sum());
    if size > FACT_VALUES {
        return Fact::unknown(Missing { what: "a user with so many groups".to_owned(), why: Why::NotCollected });
    }
    let texts = |list: &[Text<'_>]| Fact::list(list.iter().map(|t| text(t)));
    let mut fields = Vec::new();
    for (name, value) in [("username", &user.username), ("uid", &user.uid)] {
        fields.extend((!value.is_empty()).then(|| (name, text(value))));
    }
    fields.extend(user.groups.as_ref().map(|groups| ("groups", texts(groups))));
    if let Some(extra) = extra {
        // Sorted already: it comes from a map.
        let entries =
            extra.iter().map(|(key, list)| (Cow::Owned(key.to_string()), texts(list.as_deref().unwrap_or_default())));
        fields.push(("extra", Fact::new(FactValue::Map(entries.collect()))));
    }
    Fact::map(fields)
}
