//! What `report` looks at: a must-gather, a folder of `oc adm inspect`, or what `kubectl get -o yaml` printed.

use std::path::Path;

use jiff::Timestamp;

use super::parse::{self, ReadFile};
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

/// A dump that was read; the default is none at all.
#[derive(Debug, Default)]
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
    /// Reads a folder, a file, or (`-`) standard input. An error when there is no such path, or when it is an archive.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let mut reader = Reader::default();
        match parse::is_stdin(path) {
            true => reader.take("", parse::stdin()),
            false => reader.read(path)?,
        }
        Ok(reader.finish(path))
    }
}

#[derive(Debug, Default)]
struct Reader {
    collector: Collector,
    files: usize,
    unreadable: Vec<Unreadable>,
}

impl Reader {
    fn read(&mut self, root: &Path) -> anyhow::Result<()> {
        refuse_archive(root)?;
        let mut walk = Walk::dump();
        walk.add(root)?;
        let (mut found, unreadable) = walk.finish();
        self.unreadable = unreadable;
        found.retain(|file| !holds_no_objects(&relative(root, file)));
        let (times, found): (Vec<Found>, Vec<Found>) = found.into_iter().partition(|f| is_timestamp_file(&f.shown));
        for file in &times {
            if let Some(text) = parse::bytes(&file.path).ok().and_then(|bytes| String::from_utf8(bytes).ok()) {
                self.collector.add_timestamp(&text);
            }
        }
        for (found, read) in found.iter().zip(parse::files(&found)) {
            self.take(&relative(root, found), read);
        }
        Ok(())
    }

    fn take(&mut self, relative: &str, read: Result<ReadFile, Unreadable>) {
        match read {
            Ok(file) => {
                self.files += 1;
                self.collector.add(relative, &file.parsed);
                self.unreadable.extend(file.parsed.problems.iter().map(parse::in_text));
            }
            Err(error) => self.unreadable.push(error),
        }
    }

    fn finish(mut self, path: &Path) -> Dump {
        let collection = self.collector.finish(facts::KINDS);
        self.unreadable.sort();
        Dump {
            now: collection.now.or_else(|| newest_timestamp(&collection.inventory)),
            files: self.files,
            unreadable: self.unreadable,
            notes: collection.unknown.iter().filter_map(|resource| misspelt(path, resource)).collect(),
            inventory: collection.inventory,
        }
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
