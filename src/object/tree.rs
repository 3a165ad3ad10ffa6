//! The arena: a document's values in document order, its strings in one buffer.

use std::sync::Arc;

use super::locate::{self, Extent, Landmarks};
use super::node::{Node, NodeId};

/// Deepest nesting that a tree holds. The API server's JSON decoder stops at 10 000 levels, so what can be stored fits.
pub const MAX_DEPTH: usize = 10_000;

/// A range of bytes in the source text; `end` is exclusive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// The text that a tree was parsed from.
#[derive(Debug)]
pub struct Origin {
    /// What a person calls it: a path as given on the command line, `<stdin>`, or a policy's file.
    pub name: String,
    /// The whole text, where it is kept; positions can then be computed and source frames be shown.
    pub text: Option<String>,
}

/// A place that a person or an editor can go to. Lines and columns count from 1, columns in characters.
#[derive(Clone, Debug)]
pub struct Location {
    /// The text it is in.
    pub origin: Arc<Origin>,
    /// Bytes of the value in the text.
    pub span: Span,
    /// Line of the first byte.
    pub line: u32,
    /// Column of the first byte.
    pub column: u32,
}

/// One value of the arena, 16 bytes. A container's contents follow it, in document order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Slot {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    /// Bytes `at..at + len` of the text buffer; also a map's keys.
    Str {
        at: u32,
        len: u32,
    },
    /// `len` elements; `next` is the first slot behind the last of them. `index`: where in [`Tree::order`] the elements'
    /// slots are listed, or [`DENSE`] when every element is a single slot.
    List {
        len: u32,
        next: u32,
        index: u32,
    },
    /// `len` entries, each a key's slot and its value's; `order[index..][..len]` lists the keys' slots in key order.
    Map {
        len: u32,
        next: u32,
        index: u32,
    },
}

/// A list whose elements are scalars: element `i` is slot `list + 1 + i`.
pub(super) const DENSE: u32 = u32::MAX;

/// A parsed document.
///
/// Memory: 16 bytes a value and a key, 4 more for an entry of a map and for an element of a list that holds containers,
/// and the bytes of its strings once. `[[],[],…]`, the worst JSON, costs 20 bytes for three of input.
#[derive(Debug, Default)]
pub struct Tree {
    pub(super) slots: Vec<Slot>,
    pub(super) order: Vec<u32>,
    pub(super) text: String,
    /// One span a slot, or empty when positions were not asked for.
    pub(super) spans: Vec<Span>,
    pub(super) origin: Option<Arc<Origin>>,
    /// Where the document stands in the text.
    pub(super) extent: Extent,
    pub(super) landmarks: Landmarks,
}

impl Tree {
    /// The document's value.
    pub fn root(&self) -> Node<'_> {
        Node::new(self, NodeId(0))
    }

    /// The value with this id; ids come from [`Node::id`] of a node of the same tree.
    pub fn node(&self, id: NodeId) -> Node<'_> {
        Node::new(self, id)
    }

    /// The text this was parsed from, where that is known.
    pub fn origin(&self) -> Option<&Arc<Origin>> {
        self.origin.as_ref()
    }

    /// Bytes that this tree holds on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Slot>()
            + self.order.capacity() * size_of::<u32>()
            + self.spans.capacity() * size_of::<Span>()
            + self.text.capacity()
    }

    #[inline]
    pub(super) fn slot(&self, id: NodeId) -> Slot {
        self.slots.get(id.0 as usize).copied().unwrap_or(Slot::Null)
    }

    #[inline]
    pub(super) fn string(&self, at: u32, len: u32) -> &str {
        self.text.get(at as usize..at as usize + len as usize).unwrap_or_default()
    }

    /// The first slot behind the value at `id`.
    pub(super) fn after(&self, id: NodeId) -> NodeId {
        match self.slot(id) {
            Slot::List { next, .. } | Slot::Map { next, .. } => NodeId(next),
            _ => NodeId(id.0 + 1),
        }
    }

    /// Where the slot stands in the text: `None` when no text is known.
    pub(super) fn location(&self, id: NodeId) -> Option<Location> {
        let origin = self.origin.clone()?;
        let text = origin.text.as_deref()?;
        // Trees of YAML carry their spans. JSON is scanned for them when somebody asks.
        let span = match self.spans.get(id.0 as usize) {
            Some(span) => *span,
            None => locate::json_span(text, self.extent, &self.landmarks, id.0)?,
        };
        let (line, column) = locate::line_and_column(text, self.extent, &self.landmarks, span.start)?;
        Some(Location { origin, span, line, column })
    }

    /// A place in the text that this tree was parsed from, by its first and last byte; `None` when it is not in there.
    pub fn location_of(&self, span: Span) -> Option<Location> {
        let origin = self.origin.clone()?;
        let (line, column) =
            locate::line_and_column(origin.text.as_deref()?, self.extent, &self.landmarks, span.start)?;
        Some(Location { origin, span, line, column })
    }
}

/// Why a tree could not be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// More than 2³² values or bytes.
    #[error("document is larger than 4 GiB")]
    TooLarge,
    /// Deeper than the API server reads.
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
}

/// Builds a [`Tree`] from a document's events, in document order.
///
/// Call exactly one of the value methods for the root, and for each element and each map value; [`TreeBuilder::key`]
/// before a map's value. A repeated key is kept: the last one wins on lookup, as in the API server's decoder
/// (encoding/json); a caller that wants to refuse it asks [`TreeBuilder::close`].
#[derive(Debug, Default)]
pub struct TreeBuilder {
    tree: Tree,
    positions: bool,
    depth: usize,
}

/// A container whose contents are being added.
#[derive(Debug)]
#[must_use = "a container has to be closed"]
pub struct Open {
    slot: u32,
    map: bool,
}

impl TreeBuilder {
    /// A builder without positions; spans that are given are dropped.
    pub fn new(capacity: usize) -> Self {
        let mut b = TreeBuilder::default();
        // Kubernetes objects have a value or a key for about every 12 bytes of JSON.
        b.tree.slots.reserve(capacity / 12);
        b.tree.text.reserve(capacity / 2);
        b
    }

    /// A builder that keeps a span for every value and key.
    pub fn with_positions(origin: Arc<Origin>) -> Self {
        TreeBuilder { positions: true, tree: Tree { origin: Some(origin), ..Tree::default() }, depth: 0 }
    }

    /// Names the text without keeping positions in it. Positions are then found by scanning the text as JSON.
    pub fn set_origin(&mut self, origin: Arc<Origin>) {
        self.tree.origin = Some(origin);
    }

    /// Says where in the text the document stands: its first byte, that byte's line (from 1), and one past its last byte.
    pub fn set_extent(&mut self, span: Span, line: u32) {
        self.tree.extent = Extent { offset: span.start, line, end: span.end };
    }

    /// Says how many bytes the document has, for formats that know it only then.
    pub fn set_len(&mut self, len: u32) {
        self.tree.extent.end = self.tree.extent.offset.saturating_add(len);
    }

    /// The id that the next value or key will have.
    pub fn next_id(&self) -> NodeId {
        NodeId(self.tree.slots.len() as u32)
    }

    /// Gives a value or key its span; for formats that know it only afterwards.
    pub fn set_span(&mut self, id: NodeId, span: Span) {
        if let Some(s) = self.tree.spans.get_mut(id.0 as usize) {
            *s = span;
        }
    }

    fn push(&mut self, slot: Slot, span: Span) -> Result<u32, TreeError> {
        let at = u32::try_from(self.tree.slots.len()).map_err(|_| TreeError::TooLarge)?;
        if at == DENSE {
            return Err(TreeError::TooLarge);
        }
        self.tree.slots.push(slot);
        if self.positions {
            self.tree.spans.push(span);
        }
        Ok(at)
    }

    /// Adds `null`.
    pub fn null(&mut self, span: Span) -> Result<(), TreeError> {
        self.push(Slot::Null, span).map(drop)
    }

    /// Adds a boolean.
    pub fn bool(&mut self, value: bool, span: Span) -> Result<(), TreeError> {
        self.push(Slot::Bool(value), span).map(drop)
    }

    /// Adds an integer.
    pub fn int(&mut self, value: i64, span: Span) -> Result<(), TreeError> {
        self.push(Slot::Int(value), span).map(drop)
    }

    /// Adds an integer as apimachinery's decoder reads it: beyond int64 it becomes a double
    /// (k8s.io/apimachinery pkg/util/json, ConvertInterfaceNumbers).
    pub fn uint(&mut self, value: u64, span: Span) -> Result<(), TreeError> {
        match i64::try_from(value) {
            Ok(i) => self.int(i, span),
            Err(_) => self.double(value as f64, span),
        }
    }

    /// Adds a number that is no integer.
    pub fn double(&mut self, value: f64, span: Span) -> Result<(), TreeError> {
        self.push(Slot::Double(value), span).map(drop)
    }

    /// Adds a string.
    pub fn string(&mut self, value: &str, span: Span) -> Result<(), TreeError> {
        let at = u32::try_from(self.tree.text.len()).map_err(|_| TreeError::TooLarge)?;
        let len = u32::try_from(value.len()).map_err(|_| TreeError::TooLarge)?;
        self.tree.text.push_str(value);
        self.push(Slot::Str { at, len }, span).map(drop)
    }

    /// Adds the key of the value that comes next.
    pub fn key(&mut self, key: &str, span: Span) -> Result<(), TreeError> {
        self.string(key, span)
    }

    /// Begins a list.
    pub fn open_list(&mut self, span: Span) -> Result<Open, TreeError> {
        self.open(Slot::List { len: 0, next: 0, index: DENSE }, span, false)
    }

    /// Begins a map.
    pub fn open_map(&mut self, span: Span) -> Result<Open, TreeError> {
        self.open(Slot::Map { len: 0, next: 0, index: 0 }, span, true)
    }

    fn open(&mut self, slot: Slot, span: Span, map: bool) -> Result<Open, TreeError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(TreeError::TooDeep);
        }
        Ok(Open { slot: self.push(slot, span)?, map })
    }

    /// Ends the container that was opened last. Gives the first key that occurs twice, if one does.
    pub fn close(&mut self, open: Open) -> Result<Option<NodeId>, TreeError> {
        self.depth = self.depth.saturating_sub(1);
        let next = u32::try_from(self.tree.slots.len()).map_err(|_| TreeError::TooLarge)?;
        let index = u32::try_from(self.tree.order.len()).map_err(|_| TreeError::TooLarge)?;
        let mut at = NodeId(open.slot + 1);
        let mut twice = None;
        let slot = if open.map {
            while at.0 < next {
                self.tree.order.push(at.0);
                at = self.tree.after(NodeId(at.0 + 1));
            }
            twice = self.sort(index);
            Slot::Map { len: self.tree.order.len() as u32 - index, next, index }
        } else {
            let mut len = 0;
            let mut dense = true;
            while at.0 < next {
                let after = self.tree.after(at);
                dense &= after.0 == at.0 + 1;
                self.tree.order.push(at.0);
                len += 1;
                at = after;
            }
            if dense {
                self.tree.order.truncate(index as usize);
            }
            Slot::List { len, next, index: if dense { DENSE } else { index } }
        };
        if let Some(s) = self.tree.slots.get_mut(open.slot as usize) {
            *s = slot;
        }
        Ok(twice)
    }

    /// Puts the newest entries of the order into key order and drops all but the last of equal keys.
    fn sort(&mut self, from: u32) -> Option<NodeId> {
        let Tree { slots, order, text, .. } = &mut self.tree;
        let key = |slot: &u32| match slots.get(*slot as usize) {
            Some(Slot::Str { at, len }) => text.get(*at as usize..(at + len) as usize).unwrap_or_default(),
            _ => "",
        };
        let entries = order.get_mut(from as usize..)?;
        // The API server writes custom resources in this order already.
        let mut before = None;
        let in_order = entries.iter().all(|slot| {
            let key = key(slot);
            before.replace(key).is_none_or(|before| before < key)
        });
        if in_order {
            return None;
        }
        entries.sort_by(|a, b| key(a).cmp(key(b)));
        let twice = entries.windows(2).find_map(|w| match w {
            [a, b] if key(a) == key(b) => Some(NodeId(*b)),
            _ => None,
        });
        if twice.is_some() {
            // The sort is stable, so the last of a run of equal keys is the last in the document.
            let mut kept: Vec<u32> = Vec::with_capacity(entries.len());
            for slot in entries.iter() {
                match kept.last_mut() {
                    Some(last) if key(last) == key(slot) => *last = *slot,
                    _ => kept.push(*slot),
                }
            }
            order.truncate(from as usize);
            order.extend(kept);
        }
        twice
    }

    /// The document, to be kept: what was laid out too much goes back, for a tree never grows. Empty input gives `null`.
    pub fn finish(self) -> Tree {
        let mut tree = self.finish_briefly();
        tree.slots.shrink_to_fit();
        tree.order.shrink_to_fit();
        tree.spans.shrink_to_fit();
        tree.text.shrink_to_fit();
        tree
    }

    /// The document, to be dropped before long: a request's.
    pub fn finish_briefly(mut self) -> Tree {
        if self.tree.slots.is_empty() {
            self.tree.slots.push(Slot::Null);
        }
        self.tree
    }
}
