//! Objects in order, by the node they run on and by the object that owns them.

use std::collections::HashMap;

use super::Objects;
use crate::object::{Gvk, Object};

/// Positions among the objects of a kind.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    /// All of them, by namespace and name.
    order: Vec<usize>,
    /// By the node's name.
    nodes: HashMap<String, Vec<usize>>,
    /// By the owner's name.
    owners: HashMap<String, Vec<usize>>,
}

impl Index {
    /// Looks at every object once.
    pub fn of(objects: &Objects) -> Self {
        let mut index = Index::default();
        for (at, object) in objects.iter().enumerate() {
            if let Some(node) = node_of(object) {
                index.nodes.entry(node.to_owned()).or_default().push(at);
            }
            for owner in object.root.list_at(&["metadata", "ownerReferences"]) {
                index.owners.entry(owner.str_at(&["name"]).unwrap_or_default().to_owned()).or_default().push(at);
            }
        }
        let mut names: Vec<_> = objects.iter().map(|o| (o.namespace(), o.name())).enumerate().collect();
        names.sort_by_key(|(_, name)| *name);
        index.order = names.into_iter().map(|(at, _)| at).collect();
        index
    }

    pub fn order(&self) -> &[usize] {
        &self.order
    }
}

/// The objects that run on a node.
pub(super) fn on_node<'i>(objects: &'i Objects, node: &str) -> impl Iterator<Item = Object<'i>> + use<'i> {
    let places = objects.index().nodes.get(node).map(Vec::as_slice).unwrap_or_default();
    objects.pick(places)
}

/// The objects that an object owns.
pub(super) fn owned_by<'i>(objects: &'i Objects, owner: Object<'_>) -> impl Iterator<Item = Object<'i>> {
    let places = objects.index().owners.get(owner.name()).map(Vec::as_slice).unwrap_or_default();
    objects.pick(places).filter(move |o| owns(owner, *o))
}

/// The node that an object runs on: a VirtualMachineInstance says so in its status, a Pod in its spec.
pub(super) fn node_of<'t>(object: Object<'t>) -> Option<&'t str> {
    let at = |field| object.root.str_at(&[field, "nodeName"]).filter(|name| !name.is_empty());
    at("status").or_else(|| at("spec"))
}

/// True when one of the owner references means this owner.
pub(super) fn owns(owner: Object<'_>, object: Object<'_>) -> bool {
    let uid = owner.root.str_at(&["metadata", "uid"]);
    object.root.list_at(&["metadata", "ownerReferences"]).any(|reference| {
        let text = |key| reference.str_at(&[key]).unwrap_or_default();
        if let (Some(uid), Some(other)) = (uid, reference.str_at(&["uid"])) {
            return uid == other;
        }
        Gvk::new(text("apiVersion"), text("kind")).is(&owner.gvk.group, &owner.gvk.kind)
            && text("name") == owner.name()
            && (owner.namespace().is_none() || owner.namespace() == object.namespace())
    })
}
