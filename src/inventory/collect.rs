//! From a dump's documents to an inventory that knows what is complete in it.
//!
//! Knows the layouts of `oc adm inspect` and must-gather. Must not know how files are found or opened.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::{Entry, Inventory, Kind, Resources, guess_plural, time};
use crate::object::{Node, Object};
use crate::source::{Document, ListOf, Parsed};

/// The file that names what was collected, because `oc adm inspect` writes nothing for a kind without objects:
///
/// ```yaml
/// apiVersion: virt-guard.io/v1
/// kind: Collected
/// resources: [virtualmachines.kubevirt.io, nodes]
/// ```
///
/// Each entry is `plural.group`, or `plural` for core, and says that all objects of it in all namespaces were collected.
pub const COLLECTED_FILE: &str = "virt-guard-collected.yaml";

/// True for the file that says when a dump was made.
pub fn is_timestamp_file(path: &str) -> bool {
    path.rsplit('/').next() == Some("timestamp")
}

/// What one file gave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileCounts {
    /// Kubernetes objects.
    pub objects: usize,
    /// Values that are none: Helm values, patches, notes.
    pub others: usize,
}

/// Takes the documents of a dump, or of manifests, file by file and in any order.
#[derive(Debug, Default)]
pub struct Collector {
    inventory: Inventory,
    /// Resources that a marker names, as written there.
    collected: BTreeSet<String>,
    now: Option<Timestamp>,
}

/// A dump, read.
#[derive(Debug)]
pub struct Collection {
    /// Its objects.
    pub inventory: Inventory,
    /// When it was made, if it says so.
    pub now: Option<Timestamp>,
    /// What its kinds are called.
    pub resources: Resources,
    /// Resources that a marker names and that nobody knows a kind for. A misspelt name would otherwise say nothing.
    pub unknown: Vec<String>,
}

impl Collector {
    /// Adds what a file contains. `path` is relative to the dump's root, with `/`; its directories decide whether a List
    /// is complete.
    pub fn add(&mut self, path: &str, parsed: &Parsed) -> FileCounts {
        let mut counts = FileCounts::default();
        for document in &parsed.documents {
            self.add_document(path, document, &mut counts);
        }
        counts
    }

    fn add_document(&mut self, path: &str, document: &Document, counts: &mut FileCounts) {
        let contents = document.contents();
        counts.others += contents.others.len();
        for list in contents.lists {
            self.add_list(path, &list);
        }
        for item in contents.items {
            let entry = Entry::new(Arc::clone(&document.tree), item.root, item.gvk);
            if is_marker(entry.object()) {
                let resources = entry.object().root.list_at(&["resources"]).filter_map(Node::as_str);
                self.collected.extend(resources.map(str::to_owned));
            } else {
                counts.objects += 1;
                self.inventory.add(entry);
            }
        }
    }

    /// A typed List is complete where `oc adm inspect` writes one; anywhere else nobody knows what was left out.
    fn add_list(&mut self, path: &str, list: &ListOf) {
        let Some(place) = Place::of(path).filter(|_| !list.cut_off) else { return };
        if place.group == list.gvk.group {
            self.inventory.set_complete(&list.gvk.group, &list.gvk.kind, place.namespace, Ok(()));
        }
    }

    /// Takes a dump's `timestamp` file. Of several, the newest counts. False when there is no time in it.
    pub fn add_timestamp(&mut self, text: &str) -> bool {
        let time = time::parse_timestamp_file(text);
        self.now = self.now.max(time);
        time.is_some()
    }

    /// The inventory, with what markers say. `table` names the kinds that are known without a definition.
    pub fn finish(mut self, table: &[Kind]) -> Collection {
        let resources = Resources::new(&self.inventory, table);
        let mut unknown = Vec::new();
        for resource in self.collected {
            let (plural, group) = resource.split_once('.').unwrap_or((&resource, ""));
            let guessed = || self.inventory.kinds_of(group).find(|kind| guess_plural(kind) == plural);
            match resources.kind(group, plural).or_else(guessed).map(str::to_owned) {
                Some(kind) => self.inventory.set_complete(group, &kind, None, Ok(())),
                None => unknown.push(resource),
            }
        }
        Collection { inventory: self.inventory, now: self.now, resources, unknown }
    }
}

fn is_marker(object: Object<'_>) -> bool {
    object.gvk.is("virt-guard.io", "Collected")
}

/// A place where `oc adm inspect` writes Lists (openshift/oc pkg/cli/admin/inspect/util.go, dirPathForInfo and
/// filenameForInfo): `cluster-scoped-resources/<group>/<plural>.yaml` and `namespaces/<namespace>/<group>/<plural>.yaml`.
#[derive(Debug, PartialEq, Eq)]
struct Place<'p> {
    group: &'p str,
    namespace: Option<&'p str>,
}

impl<'p> Place<'p> {
    fn of(path: &'p str) -> Option<Self> {
        let group = |name| if name == "core" { "" } else { name };
        let is_file = |name: &str| [".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end));
        let parts: Vec<&str> = path.split('/').collect();
        match parts.as_slice() {
            [.., "namespaces", namespace, g, file] if is_file(file) => {
                Some(Place { group: group(g), namespace: Some(namespace) })
            }
            [.., "cluster-scoped-resources", g, file] if is_file(file) => {
                Some(Place { group: group(g), namespace: None })
            }
            _ => None,
        }
    }
}
