//! What is never stored: the parts of objects that are large and that no fact reads.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::read::Unreadable;

/// (kind, or empty for all; path). Named here is only what no fact reads; a test runs all policies with and without.
const DROPPED: &[(&str, &[&str])] = &[
    ("", &["metadata", "managedFields"]),
    ("", &["metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"]),
    // Of an operator's description its name, version and phase are read; the rest is its deployment, its CRDs, examples
    // and a picture, some 100 KB in each namespace that it watches.
    ("ClusterServiceVersion", &["metadata", "annotations", "alm-examples"]),
    ("ClusterServiceVersion", &["spec", "apiservicedefinitions"]),
    ("ClusterServiceVersion", &["spec", "customresourcedefinitions"]),
    ("ClusterServiceVersion", &["spec", "description"]),
    ("ClusterServiceVersion", &["spec", "icon"]),
    ("ClusterServiceVersion", &["spec", "install"]),
    ("ClusterServiceVersion", &["spec", "relatedImages"]),
    ("ClusterServiceVersion", &["spec", "webhookdefinitions"]),
    ("ClusterServiceVersion", &["status", "requirementStatus"]),
    ("ClusterVersion", &["status", "availableUpdates"]),
    ("ClusterVersion", &["status", "conditionalUpdates"]),
    ("HyperConverged", &["status", "relatedObjects"]),
    // Every manifest that the plan will apply.
    ("InstallPlan", &["status", "bundleLookups"]),
    ("InstallPlan", &["status", "plan"]),
    ("Node", &["status", "images"]),
    ("Node", &["status", "volumesAttached"]),
    ("Node", &["status", "volumesInUse"]),
];

/// An object's text without what is never stored.
pub(super) fn slim(object: &RawValue, kind: &str) -> Result<String, Unreadable> {
    let paths: Vec<&[&str]> = DROPPED.iter().filter(|d| d.0.is_empty() || d.0 == kind).map(|d| d.1).collect();
    let mut text = String::with_capacity(object.get().len());
    write(object, &paths, &mut text)?;
    Ok(text)
}

/// Writes a value without what these paths lead to. Recursion goes as deep as the paths do.
fn write(value: &RawValue, paths: &[&[&str]], out: &mut String) -> Result<(), Unreadable> {
    if paths.is_empty() || !value.get().starts_with('{') {
        out.push_str(value.get());
        return Ok(());
    }
    let Entries(entries) = serde_json::from_str(value.get())?;
    out.push('{');
    let mut first = true;
    for (key, value) in entries {
        let below = |path: &&[&str]| path.first().is_some_and(|name| *name == key);
        let below: Vec<&[&str]> = paths.iter().filter(|p| below(p)).filter_map(|p| p.get(1..)).collect();
        if below.iter().any(|path| path.is_empty()) {
            continue;
        }
        if !first {
            out.push(',');
        }
        first = false;
        out.push_str(&serde_json::to_string(&key)?);
        out.push(':');
        write(value, &below, out)?;
    }
    out.push('}');
    Ok(())
}

/// A map's entries in their order, values unread.
struct Entries<'t>(Vec<(Cow<'t, str>, &'t RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some((Key(key), value)) = map.next_entry()? {
                    entries.push((key, value));
                }
                Ok(Entries(entries))
            }
        }
        from.deserialize_map(Pairs)
    }
}

#[derive(Deserialize)]
struct Key<'t>(#[serde(borrow)] Cow<'t, str>);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engine::{self, Cluster, Surroundings};
    use crate::facts::Versions;
    use crate::inventory::{Entry, Inventory, View};
    use crate::object::Object;
    use crate::source;

    #[test]
    fn what_no_fact_reads_is_left_out() {
        for (kind, object, left) in [
            (
                "Node",
                r#"{"metadata":{"name":"n","managedFields":[{"a":1}]},"status":{"images":[{}],"nodeInfo":{}}}"#,
                r#"{"metadata":{"name":"n"},"status":{"nodeInfo":{}}}"#,
            ),
            (
                "VirtualMachine",
                r#"{"metadata":{"annotations":{"a\"b":"c","kubectl.kubernetes.io/last-applied-configuration":"{}"}}}"#,
                r#"{"metadata":{"annotations":{"a\"b":"c"}}}"#,
            ),
            // Only of its own kind, and only where the path leads.
            ("VirtualMachine", r#"{"status":{"images":[1]}}"#, r#"{"status":{"images":[1]}}"#),
            ("Node", r#"{"metadata":null,"status":["images"],"spec":{"images":1.50}}"#, ""),
            ("Node", r#"{}"#, ""),
        ] {
            let raw: &RawValue = serde_json::from_str(object).unwrap();
            let left = if left.is_empty() { object } else { left };
            assert_eq!(slim(raw, kind).unwrap(), left, "{kind} {object}");
        }
    }

    /// Files below a folder.
    fn files(folder: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { files(&path, found) } else { found.push(path) }
        }
    }

    /// What the policies find in the example cluster; with `slimmed`, in its objects as they are stored.
    fn found(slimmed: bool) -> Vec<String> {
        let (policies, problems) = engine::load_policies([]);
        assert!(problems.is_empty());
        let root = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/cluster"));
        let mut paths = Vec::new();
        files(root, &mut paths);
        let mut inventory = Inventory::default();
        for path in paths.iter().filter(|p| p.extension().is_some_and(|e| e == "yaml")) {
            for document in source::parse("x", std::fs::read(path).unwrap()).documents {
                for entry in Entry::of(&document) {
                    let object = entry.object();
                    let raw = RawValue::from_string(object.root.to_string()).unwrap();
                    let text = if slimmed { slim(&raw, &object.gvk.kind).unwrap() } else { raw.get().to_owned() };
                    let tree = source::json_tree(text.as_bytes()).unwrap();
                    let (root, gvk) = (tree.root().id(), Arc::clone(object.gvk));
                    inventory.set_complete(&gvk.group, &gvk.kind, None, Ok(()));
                    inventory.add(Entry::new(Arc::new(tree), root, gvk));
                }
            }
        }
        let versions = Versions::detect(&View::new(&inventory), None);
        let cluster = Cluster { versions, now: "2026-03-04T09:12:00Z".parse().ok(), ..Cluster::default() };
        let around = Surroundings { inventory: &inventory, cluster: &cluster };
        let subjects: Vec<Object<'_>> = inventory.objects().collect();
        let scan = engine::scan(&policies, &subjects, around);
        scan.findings.iter().map(|f| format!("{} {:?} {} {} {:?}", f.policy, f.subject, f.what, f.why, f.fix)).collect()
    }

    #[test]
    fn the_policies_find_the_same_in_what_is_stored() {
        let whole = found(false);
        assert!(whole.len() > 20, "{}", whole.len());
        assert_eq!(whole, found(true));
    }
}
