//! A value in a tree, and an object as the root of one.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use super::path::{Path, Step};
use super::reference::{Gvk, ObjectRef};
use super::tree::{DENSE, Location, Slot, Tree};

/// A value's place in its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(super) u32);

/// A value in a [`Tree`]: two words, copied freely. Two nodes are the same when they stand in the same place;
/// [`Node::equals`] compares values.
#[derive(Clone, Copy)]
pub struct Node<'t> {
    tree: &'t Tree,
    id: NodeId,
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `null`
    Null,
    /// `true`, `false`
    Bool,
    /// A whole number within int64.
    Int,
    /// Any other number.
    Double,
    /// Text.
    Str,
    /// A sequence.
    List,
    /// Entries by key.
    Map,
}

/// A value that contains no other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar<'t> {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A whole number within int64.
    Int(i64),
    /// Any other number.
    Double(f64),
    /// Text.
    Str(&'t str),
}

impl<'t> Node<'t> {
    pub(super) fn new(tree: &'t Tree, id: NodeId) -> Self {
        Node { tree, id }
    }

    /// The tree it is in.
    pub fn tree(self) -> &'t Tree {
        self.tree
    }

    /// Its place in the tree.
    pub fn id(self) -> NodeId {
        self.id
    }

    #[inline]
    fn slot(self) -> Slot {
        self.tree.slot(self.id)
    }

    /// What it is.
    #[inline]
    pub fn kind(self) -> Type {
        match self.slot() {
            Slot::Null => Type::Null,
            Slot::Bool(_) => Type::Bool,
            Slot::Int(_) => Type::Int,
            Slot::Double(_) => Type::Double,
            Slot::Str { .. } => Type::Str,
            Slot::List { .. } => Type::List,
            Slot::Map { .. } => Type::Map,
        }
    }

    /// The value, if it contains no other.
    #[inline]
    pub fn scalar(self) -> Option<Scalar<'t>> {
        Some(match self.slot() {
            Slot::Null => Scalar::Null,
            Slot::Bool(b) => Scalar::Bool(b),
            Slot::Int(i) => Scalar::Int(i),
            Slot::Double(d) => Scalar::Double(d),
            Slot::Str { at, len } => Scalar::Str(self.tree.string(at, len)),
            Slot::List { .. } | Slot::Map { .. } => return None,
        })
    }

    /// True for `null`.
    pub fn is_null(self) -> bool {
        matches!(self.slot(), Slot::Null)
    }

    /// The boolean.
    pub fn as_bool(self) -> Option<bool> {
        if let Slot::Bool(b) = self.slot() { Some(b) } else { None }
    }

    /// The whole number.
    pub fn as_int(self) -> Option<i64> {
        if let Slot::Int(i) = self.slot() { Some(i) } else { None }
    }

    /// The text.
    #[inline]
    pub fn as_str(self) -> Option<&'t str> {
        if let Slot::Str { at, len } = self.slot() { Some(self.tree.string(at, len)) } else { None }
    }

    /// Number of elements or entries; of a string, its bytes; 0 for other scalars.
    #[inline]
    pub fn len(self) -> usize {
        match self.slot() {
            Slot::List { len, .. } | Slot::Map { len, .. } | Slot::Str { len, .. } => len as usize,
            _ => 0,
        }
    }

    /// No elements, no entries, no text.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The element of a list.
    #[inline]
    pub fn element(self, i: usize) -> Option<Node<'t>> {
        let Slot::List { len, index, .. } = self.slot() else { return None };
        if i >= len as usize {
            return None;
        }
        let id = match index {
            DENSE => self.id.0 + 1 + i as u32,
            at => *self.tree.order.get(at as usize + i)?,
        };
        Some(Node::new(self.tree, NodeId(id)))
    }

    /// The elements of a list, in order; none for anything else.
    pub fn elements(self) -> impl ExactSizeIterator<Item = Node<'t>> + DoubleEndedIterator + use<'t> {
        let len = if let Slot::List { len, .. } = self.slot() { len as usize } else { 0 };
        (0..len).map(move |i| self.element(i).unwrap_or(self))
    }

    /// The value under a key of a map.
    #[inline]
    pub fn get(self, key: &str) -> Option<Node<'t>> {
        let slot = self.find(key)?;
        Some(Node::new(self.tree, NodeId(slot + 1)))
    }

    /// A key of a map and its value, both as nodes.
    pub fn entry(self, key: &str) -> Option<(Node<'t>, Node<'t>)> {
        let slot = self.find(key)?;
        Some((Node::new(self.tree, NodeId(slot)), Node::new(self.tree, NodeId(slot + 1))))
    }

    /// The slot of a key.
    fn find(self, key: &str) -> Option<u32> {
        let order = self.order()?;
        // Kubernetes' maps are short: a scan of the keys beats a binary search up to about a dozen.
        if order.len() <= 12 {
            order.iter().copied().find(|slot| self.is_key(*slot, key))
        } else {
            let at = order.binary_search_by(|slot| self.key_at(*slot).cmp(key)).ok()?;
            order.get(at).copied()
        }
    }

    #[inline]
    fn order(self) -> Option<&'t [u32]> {
        let Slot::Map { len, index, .. } = self.slot() else { return None };
        self.tree.order.get(index as usize..index as usize + len as usize)
    }

    /// Whether a key is this one; most are told apart by their lengths.
    #[inline]
    fn is_key(self, slot: u32, key: &str) -> bool {
        match self.tree.slots.get(slot as usize) {
            Some(Slot::Str { at, len }) if *len as usize == key.len() => {
                let at = *at as usize;
                self.tree.text.as_bytes().get(at..at + key.len()) == Some(key.as_bytes())
            }
            _ => false,
        }
    }

    fn key_at(self, slot: u32) -> &'t str {
        match self.tree.slot(NodeId(slot)) {
            Slot::Str { at, len } => self.tree.string(at, len),
            _ => "",
        }
    }

    /// The entry of a map at a place in key order.
    pub fn entry_at(self, i: usize) -> Option<(&'t str, Node<'t>)> {
        let slot = *self.order()?.get(i)?;
        Some((self.key_at(slot), Node::new(self.tree, NodeId(slot + 1))))
    }

    /// The entries of a map in key order; none for anything else.
    pub fn entries(self) -> impl ExactSizeIterator<Item = (&'t str, Node<'t>)> + use<'t> {
        let order = self.order().unwrap_or_default();
        order.iter().map(move |slot| (self.key_at(*slot), Node::new(self.tree, NodeId(slot + 1))))
    }

    /// Follows keys; `None` where one is absent.
    pub fn at(self, keys: &[&str]) -> Option<Node<'t>> {
        keys.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The string at the end of keys.
    pub fn str_at(self, keys: &[&str]) -> Option<&'t str> {
        self.at(keys)?.as_str()
    }

    /// The boolean at the end of keys.
    pub fn bool_at(self, keys: &[&str]) -> Option<bool> {
        self.at(keys)?.as_bool()
    }

    /// The whole number at the end of keys.
    pub fn int_at(self, keys: &[&str]) -> Option<i64> {
        self.at(keys)?.as_int()
    }

    /// The elements of the list at the end of keys; none where it is absent.
    pub fn list_at(self, keys: &[&str]) -> impl Iterator<Item = Node<'t>> + use<'t> {
        self.at(keys).into_iter().flat_map(Node::elements)
    }

    /// Follows a path; list elements by index.
    pub fn follow(self, path: &Path) -> Option<Node<'t>> {
        path.steps().iter().try_fold(self, |node, step| match step {
            Step::Key(key) => node.get(key),
            Step::Index(i) => node.element(*i),
        })
    }

    /// The last value on the way along keys, and how many of them lead there.
    pub fn far(self, keys: &[&str]) -> (Node<'t>, usize) {
        let mut node = self;
        for (taken, key) in keys.iter().enumerate() {
            match node.get(key) {
                Some(next) => node = next,
                None => return (node, taken),
            }
        }
        (node, keys.len())
    }

    /// True when `other` is this value or stands inside it.
    pub fn contains(self, other: Node<'_>) -> bool {
        std::ptr::eq(self.tree, other.tree) && self.id <= other.id && other.id < self.tree.after(self.id)
    }

    /// The path from this value to one inside it; `None` when it is elsewhere.
    ///
    /// Walks down from `self`, so it costs the depth, and the breadth of maps on the way; nobody asks unless something failed.
    pub fn path_to(self, target: Node<'_>) -> Option<Path> {
        if !self.contains(target) {
            return None;
        }
        let mut steps = Vec::new();
        let mut at = self;
        while at.id != target.id {
            let next = match at.kind() {
                Type::List => {
                    // Elements stand one behind the other: the last that begins no later.
                    let (mut i, mut end) = (0, at.elements().len());
                    while end - i > 1 {
                        let middle = i + (end - i) / 2;
                        match at.element(middle)?.id <= target.id {
                            true => i = middle,
                            false => end = middle,
                        }
                    }
                    at.element(i).map(|e| (Step::Index(i), e))
                }
                Type::Map => at
                    .entries()
                    // A key's slot stands right before its value's and means the entry.
                    .find(|(_, v)| v.contains(target) || v.id.0 == target.id.0 + 1)
                    .map(|(k, v)| (Step::Key(k.to_owned()), v)),
                _ => None,
            };
            let (step, node) = next?;
            steps.push(step);
            if node.id.0 == target.id.0 + 1 {
                break;
            }
            at = node;
        }
        Some(Path::from_steps(steps))
    }

    /// Where it stands in the text; `None` when the tree was built without positions.
    pub fn location(self) -> Option<Location> {
        self.tree.location(self.id)
    }

    /// The same value, wherever it stands: maps without regard to order, numbers by value.
    pub fn equals(self, other: Node<'_>) -> bool {
        // An explicit stack, no larger than the values are deep: the containers that are open, and how far they are equal.
        let mut open: Vec<(Node<'_>, Node<'_>, usize)> = Vec::new();
        let mut next = Some((self, other));
        while let Some((a, b)) = next {
            match (a.slot(), b.slot()) {
                (Slot::Null, Slot::Null) => {}
                (Slot::Bool(x), Slot::Bool(y)) if x == y => {}
                (Slot::Int(x), Slot::Int(y)) if x == y => {}
                (Slot::Double(x), Slot::Double(y)) if x == y => {}
                (Slot::Int(i), Slot::Double(d)) | (Slot::Double(d), Slot::Int(i)) if i as f64 == d => {}
                (Slot::Str { .. }, Slot::Str { .. }) if a.as_str() == b.as_str() => {}
                (Slot::List { len: x, .. }, Slot::List { len: y, .. }) if x == y => open.push((a, b, 0)),
                (Slot::Map { len: x, .. }, Slot::Map { len: y, .. }) if x == y => open.push((a, b, 0)),
                _ => return false,
            }
            next = None;
            while let Some((a, b, at)) = open.last_mut() {
                next = match (a.entry_at(*at), b.entry_at(*at)) {
                    (Some((k, v)), Some((l, w))) if k == l => Some((v, w)),
                    (Some(_), Some(_)) => return false,
                    _ => a.element(*at).zip(b.element(*at)),
                };
                *at += 1;
                if next.is_some() {
                    break;
                }
                open.pop();
            }
        }
        true
    }

    /// Order of two scalars of one type, for sorting.
    pub fn compare_scalars(self, other: Node<'_>) -> Option<Ordering> {
        match (self.scalar()?, other.scalar()?) {
            (Scalar::Str(a), Scalar::Str(b)) => Some(a.cmp(b)),
            (Scalar::Int(a), Scalar::Int(b)) => Some(a.cmp(&b)),
            (Scalar::Double(a), Scalar::Double(b)) => a.partial_cmp(&b),
            (Scalar::Bool(a), Scalar::Bool(b)) => Some(a.cmp(&b)),
            _ => None,
        }
    }
}

impl PartialEq for Node<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.tree, other.tree) && self.id == other.id
    }
}

/// Compact JSON, maps in key order.
impl fmt::Display for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An explicit stack, no larger than the value is deep: the containers that are open, and how far they are written.
        let mut open: Vec<(Node<'_>, usize)> = Vec::new();
        let mut next = Some(*self);
        while let Some(node) = next {
            match (node.scalar(), node.kind()) {
                (Some(Scalar::Null), _) => f.write_str("null")?,
                (Some(Scalar::Bool(b)), _) => write!(f, "{b}")?,
                (Some(Scalar::Int(i)), _) => write!(f, "{i}")?,
                (Some(Scalar::Double(d)), _) => write!(f, "{}", serde_json::Value::from(d))?,
                (Some(Scalar::Str(s)), _) => write!(f, "{}", serde_json::Value::from(s))?,
                (None, kind) => {
                    f.write_str(if kind == Type::List { "[" } else { "{" })?;
                    open.push((node, 0));
                }
            }
            next = None;
            while let Some((container, written)) = open.last_mut() {
                let at = *written;
                *written += 1;
                let list = container.kind() == Type::List;
                let child = if list { container.element(at) } else { container.entry_at(at).map(|(_, value)| value) };
                if child.is_none() {
                    f.write_str(if list { "]" } else { "}" })?;
                    open.pop();
                    continue;
                }
                if at > 0 {
                    f.write_str(",")?;
                }
                if let Some((key, _)) = container.entry_at(at) {
                    write!(f, "{}:", serde_json::Value::from(key))?;
                }
                next = child;
                break;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A Kubernetes object: the root of one in a tree, and its type. In a List many objects share a tree.
#[derive(Clone, Copy, Debug)]
pub struct Object<'t> {
    /// The object's map.
    pub root: Node<'t>,
    /// Its type; from the object itself, or from the List for items that carry none.
    pub gvk: &'t Arc<Gvk>,
    document: &'t Arc<Tree>,
}

impl<'t> Object<'t> {
    /// The object that stands at `root` of a document.
    pub fn new(document: &'t Arc<Tree>, root: NodeId, gvk: &'t Arc<Gvk>) -> Self {
        Object { root: document.node(root), gvk, document }
    }

    /// The document that it stands in, to be kept longer than the object is borrowed.
    pub fn document(self) -> &'t Arc<Tree> {
        self.document
    }

    /// `metadata.name`, else empty (a template, or `generateName`).
    pub fn name(self) -> &'t str {
        self.root.str_at(&["metadata", "name"]).unwrap_or_default()
    }

    /// `metadata.namespace`; `None` for cluster-scoped objects and for manifests that leave it to kubectl.
    pub fn namespace(self) -> Option<&'t str> {
        self.root.str_at(&["metadata", "namespace"]).filter(|n| !n.is_empty())
    }

    /// True when the other is of the same kind, namespace and name: the same object, perhaps as it stands elsewhere.
    pub fn is_same(self, other: Object<'_>) -> bool {
        self.gvk.is(&other.gvk.group, &other.gvk.kind)
            && self.name() == other.name()
            && self.namespace() == other.namespace()
    }

    /// A label's value.
    pub fn label(self, key: &str) -> Option<&'t str> {
        self.root.str_at(&["metadata", "labels", key])
    }

    /// An annotation's value.
    pub fn annotation(self, key: &str) -> Option<&'t str> {
        self.root.str_at(&["metadata", "annotations", key])
    }

    /// The owner reference with `controller: true`, else the first: (kind, name).
    pub fn owner(self) -> Option<(&'t str, &'t str)> {
        let mut owners = self.root.list_at(&["metadata", "ownerReferences"]);
        let first = self.root.at(&["metadata", "ownerReferences"])?.element(0)?;
        let owner = owners.find(|o| o.bool_at(&["controller"]) == Some(true)).unwrap_or(first);
        Some((owner.str_at(&["kind"])?, owner.str_at(&["name"])?))
    }

    /// Follows keys from the object's root.
    pub fn at(self, keys: &[&str]) -> Option<Node<'t>> {
        self.root.at(keys)
    }

    /// What identifies it.
    pub fn reference(self) -> ObjectRef {
        ObjectRef {
            group: self.gvk.group.clone(),
            version: self.gvk.version.clone(),
            kind: self.gvk.kind.clone(),
            namespace: self.namespace().map(str::to_owned),
            name: self.name().to_owned(),
        }
    }
}
