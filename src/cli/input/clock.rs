//! A dump's own time.
//!
//! Ages are counted to it, so that the same dump gives the same report tomorrow. The `timestamp` file of `oc adm inspect`
//! and `oc adm must-gather` says it; else the newest time that the cluster wrote into an object is close.

use std::path::Path;

use jiff::Timestamp;
use jiff::fmt::strtime;

use super::parse;
use crate::object::{Node, Type};

/// Name of the file that `oc` writes beside what it collects.
const FILE: &str = "timestamp";

/// What Go prints for a time: `2026-03-04 09:12:31.123456 +0000 UTC m=+0.08`; the first three words of it.
const FORMAT: &str = "%Y-%m-%d %H:%M:%S%.f %z";

/// Keys under which a cluster writes when something happened. Others, such as a certificate's `notAfter`, lie ahead.
const HAPPENED: [&str; 10] = [
    "creationTimestamp",
    "time",
    "lastTransitionTime",
    "lastHeartbeatTime",
    "lastProbeTime",
    "lastUpdateTime",
    "startTime",
    "startedTime",
    "completionTime",
    "deletionTimestamp",
];

/// The newest time in the `timestamp` file of a folder; `None` when there is none.
pub fn of_folder(folder: &Path) -> Option<Timestamp> {
    let text = String::from_utf8(parse::bytes(&folder.join(FILE)).ok()?).ok()?;
    text.lines().filter_map(line).max()
}

fn line(line: &str) -> Option<Timestamp> {
    let line = line.trim();
    let words: Vec<&str> = line.split_whitespace().take(3).collect();
    let go = || strtime::parse(FORMAT, words.join(" ")).ok()?.to_timestamp().ok();
    line.parse().ok().or_else(go)
}

/// The newest time at which something happened to any object below a value.
pub fn newest(root: Node<'_>) -> Option<Timestamp> {
    let mut newest = None;
    // A stack and no recursion: documents may nest deeply.
    let mut todo = vec![root];
    while let Some(node) = todo.pop() {
        match node.kind() {
            Type::List => todo.extend(node.elements()),
            Type::Map => {
                for (key, value) in node.entries() {
                    match value.as_str() {
                        Some(text) if HAPPENED.contains(&key) => newest = newest.max(text.parse().ok()),
                        _ => todo.push(value),
                    }
                }
            }
            _ => {}
        }
    }
    newest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source;

    #[test]
    fn times_as_go_prints_them() {
        for (text, expected) in [
            ("2026-03-04 09:12:31.123456789 +0000 UTC m=+0.081", Some("2026-03-04T09:12:31.123456789Z")),
            ("2026-03-04 11:12:31 +0200 CEST", Some("2026-03-04T09:12:31Z")),
            ("2026-03-04T09:12:31Z", Some("2026-03-04T09:12:31Z")),
            ("yesterday", None),
            ("", None),
        ] {
            assert_eq!(line(text).map(|t| t.to_string()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn what_lies_ahead_is_not_now() {
        let yaml = "metadata: {creationTimestamp: 2026-01-01T00:00:00Z}\n\
                    status:\n  conditions: [{lastTransitionTime: 2026-02-01T00:00:00Z}]\n  notAfter: 2030-01-01T00:00:00Z\n";
        let parsed = source::parse("x", yaml.as_bytes().to_vec());
        let newest = newest(parsed.documents[0].tree.root()).unwrap();
        assert_eq!(newest.to_string(), "2026-02-01T00:00:00Z");
    }
}
