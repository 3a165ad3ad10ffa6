//! What the API server sends, as entries of an inventory.
//!
//! Objects stay text until they are trees: they may nest deeper than serde_json's typed readers go.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::board::Name;
use super::slim::slim;
use crate::inventory::Entry;
use crate::object::Gvk;
use crate::source;

/// Why something that the API server sent cannot be read. It never quotes what was sent.
#[derive(Debug, thiserror::Error)]
#[error("the API server's answer cannot be read: {0}")]
pub(super) struct Unreadable(String);

impl From<serde_json::Error> for Unreadable {
    fn from(error: serde_json::Error) -> Self {
        Unreadable(format!("line {} column {}: {:?} error", error.line(), error.column(), error.classify()))
    }
}

#[derive(Default, Deserialize)]
struct ListMeta {
    #[serde(default, rename = "resourceVersion")]
    resource_version: String,
    #[serde(default, rename = "continue")]
    more: String,
}

#[derive(Deserialize)]
struct List<'t> {
    #[serde(default)]
    metadata: ListMeta,
    #[serde(borrow)]
    items: Option<Vec<&'t RawValue>>,
}

/// One page of a list.
pub(super) struct Page {
    pub entries: Vec<(Name, Entry)>,
    pub resource_version: String,
    /// Token for the next page; empty on the last.
    pub more: String,
}

/// Reads a page. Items of a list do not say their type.
pub(super) fn page(text: &str, gvk: &Arc<Gvk>) -> Result<Page, Unreadable> {
    let List { metadata, items } = serde_json::from_str(text)?;
    let items = items.unwrap_or_default();
    let entries = items.into_iter().map(|item| entry(item, gvk)).collect::<Result<_, _>>()?;
    Ok(Page { entries, resource_version: metadata.resource_version, more: metadata.more })
}

/// A line of a watch.
pub(super) enum Event {
    /// An object was added or changed. With its resourceVersion.
    There(Name, Entry, String),
    /// An object is gone.
    Gone(Name, String),
    /// Nothing happened up to this resourceVersion.
    Bookmark(String),
    /// The watch ends with this status code.
    Error(u16),
}

#[derive(Deserialize)]
struct Line<'t> {
    #[serde(rename = "type")]
    kind: String,
    #[serde(borrow)]
    object: &'t RawValue,
}

#[derive(Default, Deserialize)]
struct ObjectMeta {
    #[serde(default)]
    name: String,
    #[serde(default)]
    namespace: String,
    #[serde(default, rename = "resourceVersion")]
    resource_version: String,
}

#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    metadata: ObjectMeta,
    #[serde(default)]
    code: u16,
}

/// Reads a line of a watch.
pub(super) fn event(line: &[u8], gvk: &Arc<Gvk>) -> Result<Event, Unreadable> {
    let line: Line<'_> = serde_json::from_slice(line)?;
    let Head { metadata, code } = serde_json::from_str(line.object.get())?;
    let version = metadata.resource_version;
    match line.kind.as_str() {
        "ADDED" | "MODIFIED" => entry(line.object, gvk).map(|(name, entry)| Event::There(name, entry, version)),
        "DELETED" => Ok(Event::Gone((metadata.namespace, metadata.name), version)),
        "BOOKMARK" => Ok(Event::Bookmark(version)),
        "ERROR" => Ok(Event::Error(code)),
        _ => Err(Unreadable("an event of no known type".to_owned())),
    }
}

fn entry(raw: &RawValue, gvk: &Arc<Gvk>) -> Result<(Name, Entry), Unreadable> {
    let text = slim(raw, &gvk.kind)?;
    // The message of a reader may quote a key; its place is enough.
    let tree =
        source::json_tree(text.as_bytes()).map_err(|e| Unreadable(format!("an object, at byte {}", e.offset)))?;
    let root = tree.root().id();
    let entry = Entry::new(Arc::new(tree), root, Arc::clone(gvk));
    let object = entry.object();
    let name = (object.namespace().unwrap_or_default().to_owned(), object.name().to_owned());
    Ok((name, entry))
}
