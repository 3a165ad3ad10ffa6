//! The Kubernetes objects in a document: itself, or the items of a List.

use std::collections::HashMap;
use std::sync::Arc;

use super::Document;
use crate::object::{Gvk, Node, NodeId, Type};

/// An object in a document.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its map.
    pub root: NodeId,
    /// Its type; items of a typed List take it from the List. One allocation for all objects of a type.
    pub gvk: Arc<Gvk>,
}

/// A List of one type, such as `VirtualMachineList`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListOf {
    /// The type of its items.
    pub gvk: Arc<Gvk>,
    /// True when it says that the server held more (`metadata.continue`): a page of a longer list.
    pub cut_off: bool,
}

/// What a document contains.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    /// Its objects, in order. Lists are opened, nested ones too.
    pub items: Vec<Item>,
    /// The typed Lists that it consists of, empty ones too. `kind: List` is none: a person or a command put it together.
    pub lists: Vec<ListOf>,
    /// Values that are no Kubernetes objects, because `apiVersion` or `kind` is missing: Helm values, patches, notes.
    pub others: Vec<NodeId>,
}

impl Document {
    /// Finds the objects.
    pub fn contents(&self) -> Contents {
        let mut contents = Contents::default();
        let mut types: HashMap<(&str, &str), Arc<Gvk>> = HashMap::new();
        // A stack and no recursion: Lists may hold Lists.
        let mut todo: Vec<(Node<'_>, Option<Arc<Gvk>>)> = vec![(self.tree.root(), None)];
        while let Some((node, of_list)) = todo.pop() {
            let own = node
                .str_at(&["apiVersion"])
                .zip(node.str_at(&["kind"]))
                .filter(|(v, k)| !v.is_empty() && !k.is_empty());
            let Some((version, kind)) = own else {
                match of_list.filter(|_| node.kind() == Type::Map) {
                    Some(gvk) => contents.items.push(Item { root: node.id(), gvk }),
                    None => contents.others.push(node.id()),
                }
                continue;
            };
            let mut gvk = |kind| {
                let gvk = types.entry((version, kind)).or_insert_with(|| Arc::new(Gvk::new(version, kind)));
                Arc::clone(gvk)
            };
            let Some((of, items)) = list_items(node, kind) else {
                let gvk = gvk(kind);
                contents.items.push(Item { root: node.id(), gvk });
                continue;
            };
            let of = (!of.is_empty()).then(|| gvk(of));
            if let Some(gvk) = &of {
                let cut_off = node.str_at(&["metadata", "continue"]).is_some_and(|token| !token.is_empty());
                contents.lists.push(ListOf { gvk: Arc::clone(gvk), cut_off });
            }
            todo.extend(items.elements().rev().map(|item| (item, of.clone())));
        }
        contents
    }
}

/// The kind of a List's items (empty for `kind: List`) and the items; `None` for what is no List. A kind may well be
/// called `AllowList`: only what has `items` is one. A typed List without objects may be written with `items: null`.
fn list_items<'t>(node: Node<'t>, kind: &'t str) -> Option<(&'t str, Node<'t>)> {
    let of = kind.strip_suffix("List")?;
    let items = node.get("items")?;
    matches!(items.kind(), Type::List | Type::Null).then_some((of, items))
}
