//! The objects that can be seen: by kind, namespace and name, and three-valued.
//!
//! Knows completeness ("all of this kind were collected") and owners. Must not know files, clusters or what a kind
//! means. It is handed documents; who reads them is none of its business.
//!
//! "There is no such object" is only ever said of a kind that was collected completely; everything else is not seen.

mod collect;
mod index;
mod resources;
mod time;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use crate::object::{Gvk, NodeId, Object, Tree, Why};
use crate::source::Document;

use index::Index;

pub use collect::{COLLECTED_FILE, Collection, Collector, FileCounts, is_timestamp_file};
pub use resources::{Resources, guess_plural};
pub use time::{newest_timestamp, parse_timestamp_file};

/// A kind in a group, whatever the version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind {
    /// API group; empty for core.
    pub group: &'static str,
    /// Kind.
    pub kind: &'static str,
    /// Its plural, as `oc` takes it.
    pub plural: &'static str,
    /// True when its objects live in namespaces.
    pub namespaced: bool,
}

impl Kind {
    /// `plural.group`, or `plural` for core: how a resource is named on a command line without ambiguity.
    pub fn resource(&self) -> String {
        if self.group.is_empty() { self.plural.to_owned() } else { format!("{}.{}", self.plural, self.group) }
    }
}

/// The answer to "is there such an object?".
#[derive(Clone, Copy, Debug)]
pub enum Lookup<T> {
    /// Yes, this one.
    Found(T),
    /// No; all of its kind were collected.
    Absent,
    /// Nobody knows.
    NotSeen(WhyNot),
}

/// Why an object was not seen; [`Why`] without the reasons that do not apply here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WhyNot {
    /// Its kind was not collected, or only in part.
    NotCollected,
    /// This account may not read it.
    Forbidden,
    /// It was read too long ago.
    Stale,
}

impl From<WhyNot> for Why {
    fn from(why: WhyNot) -> Self {
        match why {
            WhyNot::NotCollected => Why::NotCollected,
            WhyNot::Forbidden => Why::Forbidden,
            WhyNot::Stale => Why::Stale,
        }
    }
}

/// Objects of one kind.
#[derive(Clone, Debug)]
pub struct Listing<'i> {
    /// Those that were seen, by namespace and name.
    pub objects: Vec<Object<'i>>,
    /// `Ok` when these are all there are.
    pub complete: Result<(), WhyNot>,
}

/// An object in the inventory.
#[derive(Clone, Debug)]
pub struct Entry {
    tree: Arc<Tree>,
    root: NodeId,
    gvk: Arc<Gvk>,
}

impl Entry {
    /// An object that stands at `root` of a tree.
    pub fn new(tree: Arc<Tree>, root: NodeId, gvk: Arc<Gvk>) -> Self {
        Entry { tree, root, gvk }
    }

    /// The objects of a document, Lists opened. They share its tree.
    pub fn of(document: &Document) -> Vec<Entry> {
        let items = document.contents().items;
        items.into_iter().map(|item| Entry::new(Arc::clone(&document.tree), item.root, item.gvk)).collect()
    }

    /// The object.
    pub fn object(&self) -> Object<'_> {
        Object::new(&self.tree, self.root, &self.gvk)
    }
}

/// Namespace and name.
type Name = (Option<String>, String);

/// The objects of one kind. Inventories that follow each other share those of the kinds that did not change.
#[derive(Clone, Debug, Default)]
pub struct Objects {
    entries: Vec<Entry>,
    by_name: HashMap<Name, usize>,
    /// Owners and nodes, found when somebody asks.
    index: OnceLock<Index>,
}

impl Objects {
    /// Adds an object; true when it met another of the same namespace and name. The newer of the two is kept.
    fn add(&mut self, entry: Entry) -> bool {
        self.index.take();
        let object = entry.object();
        let name: Name = (object.namespace().map(str::to_owned), object.name().to_owned());
        if name.1.is_empty() {
            self.entries.push(entry);
            return false;
        }
        match self.by_name.get(&name).and_then(|at| self.entries.get_mut(*at)) {
            Some(old) => {
                let older = match (version(old.object()), version(object)) {
                    (Some(old), Some(new)) => old <= new,
                    _ => true,
                };
                if older {
                    *old = entry;
                }
                true
            }
            None => {
                self.by_name.insert(name, self.entries.len());
                self.entries.push(entry);
                false
            }
        }
    }

    fn iter(&self) -> impl Iterator<Item = Object<'_>> {
        self.entries.iter().map(Entry::object)
    }

    /// The objects at these positions among the entries.
    fn pick<'i>(&'i self, places: &'i [usize]) -> impl Iterator<Item = Object<'i>> + use<'i> {
        places.iter().filter_map(|at| self.entries.get(*at)).map(Entry::object)
    }

    fn index(&self) -> &Index {
        self.index.get_or_init(|| Index::of(self))
    }
}

impl FromIterator<Entry> for Objects {
    fn from_iter<I: IntoIterator<Item = Entry>>(entries: I) -> Self {
        let mut objects = Objects::default();
        for entry in entries {
            objects.add(entry);
        }
        objects
    }
}

/// All objects of one dump, cluster or set of manifests. A copy shares its objects.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    kinds: BTreeMap<(String, String), Arc<Objects>>,
    /// (group, kind, namespace); no namespace: all of them.
    complete: BTreeMap<(String, String, Option<String>), Result<(), WhyNot>>,
    /// Objects that replaced another of the same kind, namespace and name.
    replaced: usize,
}

impl Inventory {
    /// Adds an object. Of two with the same kind, namespace and name the newer counts (`metadata.resourceVersion` as a
    /// number where both have one, else the one added last); a dump often holds an object both alone and in a List.
    pub fn add(&mut self, entry: Entry) {
        let of_kind = self.kinds.entry((entry.gvk.group.clone(), entry.gvk.kind.clone())).or_default();
        self.replaced += usize::from(Arc::make_mut(of_kind).add(entry));
    }

    /// Sets the objects of a kind, in place of those that were there.
    pub fn set_objects(&mut self, group: &str, kind: &str, objects: Arc<Objects>) {
        self.kinds.insert((group.to_owned(), kind.to_owned()), objects);
    }

    /// States that all objects of a kind were collected, in one namespace or (`None`) in all; or why they were not.
    pub fn set_complete(&mut self, group: &str, kind: &str, namespace: Option<&str>, complete: Result<(), WhyNot>) {
        self.complete.insert((group.to_owned(), kind.to_owned(), namespace.map(str::to_owned)), complete);
    }

    /// Objects of all kinds, by group, kind, namespace and name.
    pub fn objects(&self) -> impl Iterator<Item = Object<'_>> {
        self.kinds.values().flat_map(|k| sorted(k.iter().collect()))
    }

    /// Objects of all kinds in no particular order.
    fn objects_unsorted(&self) -> impl Iterator<Item = Object<'_>> {
        self.kinds.values().flat_map(|k| k.iter())
    }

    /// The objects of one kind, in the order they came.
    fn of_kind(&self, group: &str, kind: &str) -> impl Iterator<Item = Object<'_>> {
        self.objects_of(group, kind).into_iter().flat_map(Objects::iter)
    }

    /// The kinds of a group that there are objects of.
    fn kinds_of<'i>(&'i self, group: &'i str) -> impl Iterator<Item = &'i str> {
        self.kinds.keys().filter(move |(g, _)| g == group).map(|(_, kind)| kind.as_str())
    }

    /// Number of objects.
    pub fn len(&self) -> usize {
        self.kinds.values().map(|k| k.entries.len()).sum()
    }

    /// Objects that another of the same kind, namespace and name took the place of.
    pub fn replaced(&self) -> usize {
        self.replaced
    }

    /// No objects.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn completeness(&self, kind: Kind, namespace: Option<&str>) -> Result<(), WhyNot> {
        let of = |ns: Option<&str>| {
            self.complete.get(&(kind.group.to_owned(), kind.kind.to_owned(), ns.map(str::to_owned))).copied()
        };
        match (of(None), namespace.and_then(|ns| of(Some(ns)))) {
            (Some(Ok(())), _) | (_, Some(Ok(()))) => Ok(()),
            (_, Some(Err(why))) | (Some(Err(why)), None) => Err(why),
            (None, None) => Err(WhyNot::NotCollected),
        }
    }

    fn objects_of(&self, group: &str, kind: &str) -> Option<&Objects> {
        self.kinds.get(&(group.to_owned(), kind.to_owned())).map(|objects| &**objects)
    }

    fn find(&self, kind: Kind, namespace: Option<&str>, name: &str) -> Option<Object<'_>> {
        let of = self.objects_of(kind.group, kind.kind)?;
        let at = of.by_name.get(&(namespace.map(str::to_owned), name.to_owned()))?;
        of.entries.get(*at).map(Entry::object)
    }
}

fn version(object: Object<'_>) -> Option<u64> {
    object.root.str_at(&["metadata", "resourceVersion"])?.parse().ok()
}

fn sorted(mut objects: Vec<Object<'_>>) -> Vec<Object<'_>> {
    objects.sort_by(|a, b| (a.namespace(), a.name()).cmp(&(b.namespace(), b.name())));
    objects
}

/// An inventory as one judgement sees it: some objects, the one that is judged first of all, lie over their stored copies.
#[derive(Clone, Copy, Debug)]
pub struct View<'i> {
    base: &'i Inventory,
    over: &'i [Object<'i>],
}

impl<'i> View<'i> {
    /// The inventory as it is.
    pub fn new(base: &'i Inventory) -> Self {
        View { base, over: &[] }
    }

    /// The inventory with these objects lying over it.
    pub fn over(base: &'i Inventory, over: &'i [Object<'i>]) -> Self {
        View { base, over }
    }

    fn covering(&self, kind: Kind) -> impl Iterator<Item = Object<'i>> + use<'i> {
        self.over.iter().copied().filter(move |o| o.gvk.is(kind.group, kind.kind))
    }

    /// True when an object lies over this stored one.
    fn covers(&self, stored: Object<'_>) -> bool {
        let same = |o: &Object<'_>| {
            o.gvk.is(&stored.gvk.group, &stored.gvk.kind)
                && o.name() == stored.name()
                && o.namespace() == stored.namespace()
        };
        self.over.iter().any(same)
    }

    /// The objects of a kind that run on a node: by `status.nodeName` or `spec.nodeName`.
    pub fn on_node(&self, kind: Kind, node: &str) -> Vec<Object<'i>> {
        let of_kind = self.base.objects_of(kind.group, kind.kind);
        let stored = of_kind.into_iter().flat_map(|o| index::on_node(o, node)).filter(|o| !self.covers(*o));
        sorted(self.covering(kind).filter(|o| index::node_of(*o) == Some(node)).chain(stored).collect())
    }

    /// The objects of a kind that an object owns (`metadata.ownerReferences`): by uid where both sides have one, else by
    /// group, kind and name in its namespace.
    pub fn owned_by(&self, kind: Kind, owner: Object<'_>) -> Vec<Object<'i>> {
        let of_kind = self.base.objects_of(kind.group, kind.kind);
        let stored = of_kind.into_iter().flat_map(|o| index::owned_by(o, owner)).filter(|o| !self.covers(*o));
        sorted(self.covering(kind).filter(|o| index::owns(owner, *o)).chain(stored).collect())
    }

    /// Whether there is such an object. `namespace` is ignored for a cluster-scoped kind.
    pub fn get(&self, kind: Kind, namespace: Option<&str>, name: &str) -> Lookup<Object<'i>> {
        let namespace = namespace.filter(|_| kind.namespaced);
        if let Some(o) =
            self.covering(kind).find(|o| o.name() == name && o.namespace().filter(|_| kind.namespaced) == namespace)
        {
            return Lookup::Found(o);
        }
        match self.base.find(kind, namespace, name) {
            Some(o) => Lookup::Found(o),
            None => match self.base.completeness(kind, namespace) {
                Ok(()) => Lookup::Absent,
                Err(why) => Lookup::NotSeen(why),
            },
        }
    }

    /// The objects of a kind, in one namespace or (`None`) in all.
    pub fn list(&self, kind: Kind, namespace: Option<&str>) -> Listing<'i> {
        let namespace = namespace.filter(|_| kind.namespaced);
        let mut objects: Vec<Object<'i>> =
            self.covering(kind).filter(|o| namespace.is_none() || o.namespace() == namespace).collect();
        let covering = objects.len();
        if let Some(of) = self.base.objects_of(kind.group, kind.kind) {
            let stored = of.iter().filter(|o| namespace.is_none() || o.namespace() == namespace);
            if covering == 0 { objects.extend(stored) } else { objects.extend(stored.filter(|o| !self.covers(*o))) }
        }
        Listing { objects: sorted(objects), complete: self.base.completeness(kind, namespace) }
    }
}

#[cfg(test)]
mod tests;
