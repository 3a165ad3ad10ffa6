//! What `report` looks at: a must-gather, a folder of `oc adm inspect`, or what `kubectl get -o yaml` printed.

use std::path::Path;

use jiff::Timestamp;

use super::parse;
use super::walk::{Found, Walk, shown};
use crate::facts;
use crate::finding::Unreadable;
use crate::inventory::{COLLECTED_FILE, Collector, Inventory, Kind, is_timestamp_file, newest_timestamp};
use crate::policy;

/// Ends of the names of archives.
const ARCHIVES: [&str; 9] = ["tar", "gz", "tgz", "xz", "txz", "bz2", "zst", "zip", "7z"];

/// Folders of a must-gather, beside those of objects, that hold answers of other programs as JSON (openshift/must-gather
/// collection-scripts: gather_monitoring, gather_etcd, gather_insights and others). One that is cut off would make the
/// report say that it could not see everything.
const NO_OBJECTS: [&str; 6] = ["monitoring", "etcd_info", "insights-data", "audit_logs", "host_service_logs", "nodes"];

/// Folders that hold objects, whatever they are called below.
const OBJECTS: [&str; 2] = ["cluster-scoped-resources", "namespaces"];

/// A dump that was read.
#[derive(Debug)]
pub struct Dump {
    /// Its objects.
    pub inventory: Inventory,
    /// When it was made; without a `timestamp` file the newest time in it.
    pub now: Option<Timestamp>,
    /// Files that were read.
    pub files: usize,
    /// What could not be read.
    pub unreadable: Vec<Unreadable>,
    /// What looks like a mistake in it.
    pub notes: Vec<String>,
}

impl Dump {
    /// Reads a folder or a file. An error when there is no such path, or when it is an archive.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        refuse_archive(path)?;
        let mut walk = Walk::dump();
        walk.add(path)?;
        let (mut found, mut unreadable) = walk.finish();
        found.retain(|file| !holds_no_objects(&relative(path, file)));
        let (timestamps, found): (Vec<Found>, Vec<Found>) =
            found.into_iter().partition(|f| is_timestamp_file(&f.shown));
        let mut collector = Collector::default();
        for file in &timestamps {
            if let Some(text) = parse::bytes(&file.path).ok().and_then(|bytes| String::from_utf8(bytes).ok()) {
                collector.add_timestamp(&text);
            }
        }
        let mut files = 0;
        for (found, read) in found.iter().zip(parse::files(&found)) {
            match read {
                Ok(file) => {
                    files += 1;
                    collector.add(&relative(path, found), &file.parsed);
                    unreadable.extend(file.parsed.problems.iter().map(parse::in_text));
                }
                Err(error) => unreadable.push(error),
            }
        }
        let collection = collector.finish(facts::KINDS);
        unreadable.sort();
        let notes = collection.unknown.iter().filter_map(|resource| misspelt(path, resource)).collect();
        let now = collection.now.or_else(|| newest_timestamp(&collection.inventory));
        Ok(Dump { inventory: collection.inventory, now, files, unreadable, notes })
    }
}

/// A resource that a marker names and nothing here reads is none of our business, unless it is one of ours misspelt.
fn misspelt(path: &Path, resource: &str) -> Option<String> {
    let known: Vec<String> = facts::KINDS.iter().map(Kind::resource).collect();
    let near = policy::nearest(resource, known.iter().map(String::as_str))?;
    Some(format!("{}: {COLLECTED_FILE} names '{resource}', which is no resource (did you mean '{near}'?)", shown(path)))
}

fn refuse_archive(path: &Path) -> anyhow::Result<()> {
    let extension = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase).unwrap_or_default();
    if path.is_file() && ARCHIVES.contains(&extension.as_str()) {
        let path = path.display();
        let unpack = match extension.as_str() {
            "zip" | "7z" => format!("unpack {path} into dump/"),
            _ => format!("mkdir dump && tar -xf {path} -C dump"),
        };
        anyhow::bail!(
            "{path} is an archive, and archives cannot be read yet. Unpack it first: {unpack}, then --from dump"
        );
    }
    Ok(())
}

/// A file's path below the dump, with `/`.
fn relative(root: &Path, file: &Found) -> String {
    let below = file.path.strip_prefix(root).unwrap_or(&file.path);
    let parts: Vec<_> = below.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}

fn holds_no_objects(relative: &str) -> bool {
    let folders = relative.rsplit_once('/').map_or("", |(folders, _)| folders);
    let telling = folders.split('/').find(|f| NO_OBJECTS.contains(f) || OBJECTS.contains(f));
    telling.is_some_and(|folder| NO_OBJECTS.contains(&folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_objects_are_looked_for() {
        for (path, expected) in [
            ("nodes.yaml", false),
            ("a/cluster-scoped-resources/core/nodes/n1.yaml", false),
            ("a/namespaces/monitoring/core/pods.yaml", false),
            ("a/monitoring/prometheus/rules.json", true),
            ("quay-io/etcd_info/endpoint_status.json", true),
        ] {
            assert_eq!(holds_no_objects(path), expected, "{path}");
        }
    }
}
