//! JSON, as the API server's decoder reads it.

use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, Visitor};

use super::build::{self, Building, Value};
use super::problem::{self, TextError};
use super::split::Piece;
use super::words;
use super::{Document, Format};
use crate::object::{Origin, Span, Tree, TreeBuilder, TreeError};

/// No spans; doubles stay doubles (`1.0` is no int in sigs.k8s.io/json).
enum Json {}

impl build::Format for Json {
    #[inline]
    fn value<'de, D: Deserializer<'de>>(to: &mut Building, from: D) -> Result<(), D::Error> {
        from.deserialize_any(Value::<Json>(to, PhantomData))
    }

    #[inline]
    fn key<'de, D: Deserializer<'de>>(to: &mut Building, from: D) -> Result<(), D::Error> {
        from.deserialize_str(Key(to))
    }

    fn double(to: &mut Building, value: f64) -> Result<(), TreeError> {
        // Go reads `-0` as an int and writes its double -0.0 as `-0`; serde_json makes a double of both.
        if value == 0.0 && value.is_sign_negative() {
            return to.builder.int(0, Span::default());
        }
        to.builder.double(value, Span::default())
    }
}

struct Key<'b>(&'b mut Building);

impl Visitor<'_> for Key<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<(), E> {
        let result = self.0.builder.key(key, Span::default());
        self.0.check(result)
    }
}

/// Reads one JSON document that is not kept as text: a request's body. Its nodes have no location.
///
/// Numbers are read as Go reads them: int64, else float64. A repeated key: the last one counts. Nesting deeper than
/// [`crate::object::MAX_DEPTH`] is refused.
pub fn json_tree(bytes: &[u8]) -> Result<Tree, TextError> {
    let text = std::str::from_utf8(bytes).map_err(|e| problem::not_utf8(bytes, e))?;
    let (tree, end) = value(text, || TreeBuilder::new(text.len()))?;
    match end {
        None => Ok(tree),
        Some(at) => Err(TextError::new(at, "something follows the end of the document")),
    }
}

/// Bytes of an object as it comes in a request; memory is laid out for so many.
const TYPICAL: usize = 4096;

/// A part of a JSON document as a tree of its own: for types that derive `Deserialize` and hold objects, and are not kept
/// for long. Read them with [`json`], which minds the stack.
#[derive(Debug)]
pub struct JsonTree(pub Arc<Tree>);

impl<'de> Deserialize<'de> for JsonTree {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut building = Building::new(TreeBuilder::new(TYPICAL));
        Value::<Json>(&mut building, PhantomData).deserialize(from)?;
        Ok(JsonTree(Arc::new(building.builder.finish_briefly())))
    }
}

/// Reads one JSON document into a type that may borrow from its text and hold [`JsonTree`]s, each nested up to
/// [`crate::object::MAX_DEPTH`]. Such a type must not recurse by itself.
///
/// # Errors
/// What is no JSON, does not fit the type, or is nested deeper.
pub fn json<'t, T: Deserialize<'t> + Send>(text: &'t str) -> Result<T, TextError> {
    match serde_json::from_str(text) {
        Err(error) if too_deep(&error) => build::on_large_stack(|| {
            let mut from = serde_json::Deserializer::from_str(text);
            from.disable_recursion_limit();
            let value = T::deserialize(&mut from)?;
            from.end().map(|()| value)
        })
        .unwrap_or(Err(error)),
        other => other,
    }
    .map_err(|error| words::of_json(text, &error))
}

fn too_deep(error: &serde_json::Error) -> bool {
    error.to_string().starts_with("recursion limit exceeded")
}

/// Reads the documents of a piece, which may stand one after the other without separators.
pub(super) fn documents(origin: &Arc<Origin>, piece: Piece<'_>) -> (Vec<Document>, Vec<TextError>) {
    let (mut documents, mut errors) = (Vec::new(), Vec::new());
    let mut at = 0;
    let mut line = piece.line;
    // Memory is laid out for one document of the whole piece, then for ones like the last.
    let mut expected = piece.text.len();
    while let Some(rest) = piece.text.get(at..).filter(|rest| !rest.trim_start().is_empty()) {
        let blank = rest.len() - rest.trim_start().len();
        line += rest.bytes().take(blank).filter(|b| *b == b'\n').count() as u32;
        at += blank;
        let rest = rest.trim_start();
        let builder = || {
            let mut builder = TreeBuilder::new(expected.min(rest.len()));
            builder.set_origin(Arc::clone(origin));
            let start = (piece.start + at) as u32;
            builder.set_extent(Span { start, end: start + rest.len() as u32 }, line);
            builder
        };
        let next = match value(rest, builder) {
            Ok((tree, end)) => {
                documents.push(Document { tree: Arc::new(tree), origin: Arc::clone(origin), format: Format::Json });
                end
            }
            Err(error) => {
                // In JSON Lines the next document begins on a line of its own.
                let next = rest.get(error.offset..).and_then(|r| r.find("\n{\"")).map(|n| error.offset + n + 1);
                let damaged = rest.get(..next.unwrap_or(rest.len())).unwrap_or_default();
                errors.push(words::explained(damaged, error).moved(piece.start + at));
                next
            }
        };
        let Some(next) = next else { break };
        expected = next;
        line += rest.bytes().take(next).filter(|b| *b == b'\n').count() as u32;
        at += next;
    }
    (documents, errors)
}

/// Reads one value from the beginning of a text; gives it and where something follows it.
///
/// The fast path runs on the caller's stack with serde_json's own limit of 128 levels. What is deeper is read once more
/// on a large stack, up to what a tree holds.
fn value(text: &str, builder: impl Fn() -> TreeBuilder + Sync) -> Result<(Tree, Option<usize>), TextError> {
    let result = attempt(text, builder(), false);
    match result {
        Err(Failure::TooDeep) => {
            build::on_large_stack(|| attempt(text, builder(), true)).unwrap_or(Err(Failure::TooDeep))
        }
        other => other,
    }
    .map_err(|failure| match failure {
        Failure::TooDeep => TextError::new(0, TreeError::TooDeep.to_string()),
        Failure::Text(error) => error,
    })
}

enum Failure {
    /// Deeper than the stack at hand allows.
    TooDeep,
    Text(TextError),
}

fn attempt(text: &str, builder: TreeBuilder, deep: bool) -> Result<(Tree, Option<usize>), Failure> {
    let mut from = serde_json::Deserializer::from_str(text);
    if deep {
        from.disable_recursion_limit();
    }
    let mut building = Building::new(builder);
    match Value::<Json>(&mut building, PhantomData).deserialize(&mut from) {
        Ok(()) => {
            let end = from.end().err().map(|e| words::json_offset(text, &e));
            if let Some(len) = end {
                building.builder.set_len(len as u32);
            }
            Ok((building.finish(), end))
        }
        Err(_) if building.failed == Some(TreeError::TooDeep) => Err(Failure::TooDeep),
        Err(error) if !deep && too_deep(&error) => Err(Failure::TooDeep),
        Err(error) => Err(Failure::Text(words::of_json(text, &error))),
    }
}
