//! Objects by the node they run on and by the object that owns them.

use std::collections::HashMap;

use super::{Inventory, Kind};
use crate::object::{Gvk, Object};

/// Positions among the entries of their kind.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// By group and kind of the object, and the node's name.
    nodes: HashMap<(String, String), HashMap<String, Vec<usize>>>,
    /// By group and kind of the object, and the owner's name.
    owners: HashMap<(String, String), HashMap<String, Vec<usize>>>,
}

impl Index {
    /// Looks at every object once.
    pub fn of(inventory: &Inventory) -> Self {
        let mut index = Index::default();
        for (kind, of_kind) in &inventory.kinds {
            let (mut nodes, mut owners): (HashMap<String, Vec<usize>>, HashMap<String, Vec<usize>>) =
                Default::default();
            for (at, entry) in of_kind.entries.iter().enumerate() {
                let object = entry.object();
                if let Some(node) = node_of(object) {
                    nodes.entry(node.to_owned()).or_default().push(at);
                }
                for owner in object.root.list_at(&["metadata", "ownerReferences"]) {
                    owners.entry(owner.str_at(&["name"]).unwrap_or_default().to_owned()).or_default().push(at);
                }
            }
            index.nodes.insert(kind.clone(), nodes);
            index.owners.insert(kind.clone(), owners);
        }
        index
    }

    pub fn on_node<'i>(
        &'i self,
        inventory: &'i Inventory,
        kind: Kind,
        node: &str,
    ) -> impl Iterator<Item = Object<'i>> + use<'i> {
        found(&self.nodes, inventory, kind, node)
    }

    pub fn owned_by<'i>(
        &'i self,
        inventory: &'i Inventory,
        kind: Kind,
        owner: Object<'_>,
    ) -> impl Iterator<Item = Object<'i>> {
        found(&self.owners, inventory, kind, owner.name()).filter(move |o| owns(owner, *o))
    }
}

fn found<'i>(
    map: &'i HashMap<(String, String), HashMap<String, Vec<usize>>>,
    inventory: &'i Inventory,
    kind: Kind,
    name: &str,
) -> impl Iterator<Item = Object<'i>> + use<'i> {
    let of_kind = map.get(&(kind.group.to_owned(), kind.kind.to_owned()));
    let places = of_kind.and_then(|m| m.get(name)).map(Vec::as_slice).unwrap_or_default();
    places.iter().filter_map(move |at| inventory.entry(kind.group, kind.kind, *at))
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
