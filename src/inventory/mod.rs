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

/// The objects of one kind. Inventories that follow each other share those of the kinds that did not change.
#[derive(Clone, Debug, Default)]
pub struct Objects {
    entries: Vec<Entry>,
    /// By namespace (empty for none) and name.
    by_name: HashMap<String, HashMap<String, usize>>,
    /// Order, owners and nodes, found when somebody asks.
    index: OnceLock<Index>,
}

impl Objects {
    /// Adds an object; true when it met another of the same namespace and name. The newer of the two is kept.
    fn add(&mut self, entry: Entry) -> bool {
        self.index.take();
        let object = entry.object();
        if object.name().is_empty() {
            self.entries.push(entry);
            return false;
        }
        let names = self.by_name.entry(object.namespace().unwrap_or_default().to_owned()).or_default();
        match names.get(object.name()).and_then(|at| self.entries.get_mut(*at)) {
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
                names.insert(object.name().to_owned(), self.entries.len());
                self.entries.push(entry);
                false
            }
        }
    }

    fn find(&self, namespace: Option<&str>, name: &str) -> Option<Object<'_>> {
        let at = self.by_name.get(namespace.unwrap_or_default())?.get(name)?;
        self.entries.get(*at).map(Entry::object)
    }

    /// The objects by namespace and name.
    fn in_order(&self) -> impl Iterator<Item = Object<'_>> {
        self.pick(self.index().order())
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

/// What was seen of a kind.
#[derive(Clone, Debug, Default)]
struct OfKind {
    objects: Arc<Objects>,
    /// Whether all of them were seen; `None` where nobody said.
    complete: Option<Result<(), WhyNot>>,
    /// Whether all of a namespace were seen.
    complete_in: BTreeMap<String, Result<(), WhyNot>>,
}

impl OfKind {
    fn completeness(&self, namespace: Option<&str>) -> Result<(), WhyNot> {
        match (self.complete, namespace.and_then(|ns| self.complete_in.get(ns).copied())) {
            (Some(Ok(())), _) | (_, Some(Ok(()))) => Ok(()),
            (_, Some(Err(why))) | (Some(Err(why)), None) => Err(why),
            (None, None) => Err(WhyNot::NotCollected),
        }
    }
}

/// All objects of one dump, cluster or set of manifests. A copy shares its objects.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    /// By group and kind.
    kinds: BTreeMap<String, BTreeMap<String, OfKind>>,
    /// Objects that replaced another of the same kind, namespace and name.
    replaced: usize,
}

impl Inventory {
    /// Adds an object. Of two with the same kind, namespace and name the newer counts (`metadata.resourceVersion` as a
    /// number where both have one, else the one added last); a dump often holds an object both alone and in a List.
    pub fn add(&mut self, entry: Entry) {
        let (group, kind) = (entry.gvk.group.clone(), entry.gvk.kind.clone());
        self.replaced += usize::from(Arc::make_mut(&mut self.of_kind_mut(group, kind).objects).add(entry));
    }

    /// Sets the objects of a kind, in place of those that were there.
    pub fn set_objects(&mut self, group: &str, kind: &str, objects: Arc<Objects>) {
        self.of_kind_mut(group.to_owned(), kind.to_owned()).objects = objects;
    }

    /// States that all objects of a kind were collected, in one namespace or (`None`) in all; or why they were not.
    pub fn set_complete(&mut self, group: &str, kind: &str, namespace: Option<&str>, complete: Result<(), WhyNot>) {
        let of_kind = self.of_kind_mut(group.to_owned(), kind.to_owned());
        match namespace {
            Some(namespace) => drop(of_kind.complete_in.insert(namespace.to_owned(), complete)),
            None => of_kind.complete = Some(complete),
        }
    }

    fn of_kind_mut(&mut self, group: String, kind: String) -> &mut OfKind {
        self.kinds.entry(group).or_default().entry(kind).or_default()
    }

    fn all_kinds(&self) -> impl Iterator<Item = &OfKind> {
        self.kinds.values().flat_map(BTreeMap::values)
    }

    /// Objects of all kinds, by group, kind, namespace and name.
    pub fn objects(&self) -> impl Iterator<Item = Object<'_>> {
        self.all_kinds().flat_map(|k| k.objects.in_order())
    }

    /// Objects of all kinds in no particular order.
    fn objects_unsorted(&self) -> impl Iterator<Item = Object<'_>> {
        self.all_kinds().flat_map(|k| k.objects.iter())
    }

    /// The objects of one kind, in the order they came.
    fn of_kind(&self, group: &str, kind: &str) -> impl Iterator<Item = Object<'_>> {
        self.seen_of(group, kind).into_iter().flat_map(|k| k.objects.iter())
    }

    /// The kinds of a group that there are objects of.
    fn kinds_of<'i>(&'i self, group: &'i str) -> impl Iterator<Item = &'i str> {
        let kinds = self.kinds.get(group).into_iter().flatten();
        kinds.filter(|(_, seen)| !seen.objects.entries.is_empty()).map(|(kind, _)| kind.as_str())
    }

    /// Number of objects.
    pub fn len(&self) -> usize {
        self.all_kinds().map(|k| k.objects.entries.len()).sum()
    }

    /// Objects that another of the same kind, namespace and name took the place of.
    pub fn replaced(&self) -> usize {
        self.replaced
    }

    /// No objects.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn seen_of(&self, group: &str, kind: &str) -> Option<&OfKind> {
        self.kinds.get(group)?.get(kind)
    }

    fn completeness(&self, kind: Kind, namespace: Option<&str>) -> Result<(), WhyNot> {
        self.seen_of(kind.group, kind.kind).map_or(Err(WhyNot::NotCollected), |seen| seen.completeness(namespace))
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

    fn stored(&self, kind: Kind) -> impl Iterator<Item = &'i Objects> + use<'i> {
        self.base.seen_of(kind.group, kind.kind).map(|seen| &*seen.objects).into_iter()
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
        let stored = self.stored(kind).flat_map(|o| index::on_node(o, node)).filter(|o| !self.covers(*o));
        sorted(self.covering(kind).filter(|o| index::node_of(*o) == Some(node)).chain(stored).collect())
    }

    /// The objects of a kind that an object owns (`metadata.ownerReferences`): by uid where both sides have one, else by
    /// group, kind and name in its namespace.
    pub fn owned_by(&self, kind: Kind, owner: Object<'_>) -> Vec<Object<'i>> {
        let stored = self.stored(kind).flat_map(|o| index::owned_by(o, owner)).filter(|o| !self.covers(*o));
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
        let Some(seen) = self.base.seen_of(kind.group, kind.kind) else {
            return Lookup::NotSeen(WhyNot::NotCollected);
        };
        match seen.objects.find(namespace, name) {
            Some(o) => Lookup::Found(o),
            None => seen.completeness(namespace).map_or_else(Lookup::NotSeen, |()| Lookup::Absent),
        }
    }

    /// The objects of a kind, in one namespace or (`None`) in all.
    pub fn list(&self, kind: Kind, namespace: Option<&str>) -> Listing<'i> {
        let namespace = namespace.filter(|_| kind.namespaced);
        let here = |o: &Object<'_>| namespace.is_none() || o.namespace() == namespace;
        let covering: Vec<Object<'i>> = self.covering(kind).filter(here).collect();
        let stored = self.stored(kind).flat_map(Objects::in_order).filter(here);
        let objects = match covering.is_empty() {
            true => stored.collect(),
            false => sorted(stored.filter(|o| !self.covers(*o)).chain(covering).collect()),
        };
        Listing { objects, complete: self.base.completeness(kind, namespace) }
    }
}

#[cfg(test)]
mod tests;
