//! Text with positions: YAML and JSON into [`Tree`]s, Lists, several documents in one text.
//!
//! Knows how Kubernetes reads both formats and how dumps glue documents together. Must not know files, kinds or policies.
//!
//! One damaged document costs only itself: [`parse`] gives every document that can be read and a [`Problem`], with its
//! line and column, for every one that cannot.

mod build;
mod json;
mod objects;
mod problem;
mod scalar;
mod split;
mod words;
mod yaml;

use std::sync::Arc;

use crate::object::{Origin, Tree};

use problem::Lines;

pub use build::on_large_stack;
pub use json::{JsonTree, json, json_tree};
pub use objects::{Contents, Item, ListOf};
pub use problem::{Problem, TextError};
pub use scalar::position_in_scalar;

/// Largest text that is read: 2 GiB. A List of 100 000 running VMIs, managedFields included, is about half of it; spans
/// have 32 bits, and memory (text and tree, about three times the text) stays bounded.
pub const MAX_TEXT: usize = 2 << 30;

/// Largest text that begins like JSON, is none, and is tried as YAML. People write flow YAML by hand; a damaged dump is
/// larger, and reading it a second time and ten times slower would only give a worse message.
const MAX_FLOW_YAML: usize = 1024 * 1024;

/// How a document was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JSON: no spans are kept, positions are found by a scan of the text.
    Json,
    /// YAML: every value and key has its span.
    Yaml,
}

/// A document that was read.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its values.
    pub tree: Arc<Tree>,
    /// The text it is in, shared by all documents of that text.
    pub origin: Arc<Origin>,
    /// How it was written.
    pub format: Format,
}

/// What a text contains.
#[derive(Debug)]
pub struct Parsed {
    /// The text; problems and documents point into it.
    pub origin: Arc<Origin>,
    /// The documents that could be read, in order. Empty ones (only comments, or nothing) are left out.
    pub documents: Vec<Document>,
    /// Why others could not, in order.
    pub problems: Vec<Problem>,
}

/// Reads a text. `name` is what a person calls it: its path, or `<stdin>`.
///
/// Each document is read by its first character, as JSON or as YAML; JSON documents may follow each other without
/// separators (JSON Lines). Never fails as a whole: what cannot be read is a [`Problem`].
pub fn parse(name: &str, bytes: Vec<u8>) -> Parsed {
    let text = match problem::text_of(bytes) {
        Ok(text) => text,
        Err((text, error)) => {
            let origin = Arc::new(Origin { name: name.to_owned(), text: Some(text) });
            let problems = vec![Lines::new(&origin).place(error)];
            return Parsed { origin, documents: Vec::new(), problems };
        }
    };
    let origin = Arc::new(Origin { name: name.to_owned(), text: Some(text) });
    let mut documents = Vec::new();
    let mut problems = Vec::new();
    let mut lines = Lines::new(&origin);
    for piece in split::pieces(origin.text.as_deref().unwrap_or_default()) {
        let (good, bad) = read(&origin, piece);
        documents.extend(good);
        problems.extend(bad.into_iter().map(|error| lines.place(error)));
    }
    Parsed { origin, documents, problems }
}

/// Reads what stands between two separators.
fn read(origin: &Arc<Origin>, piece: split::Piece<'_>) -> (Vec<Document>, Vec<TextError>) {
    if !piece.text.trim_start().starts_with(['{', '[']) {
        return match yaml::document(origin, piece) {
            Ok(document) => (document.into_iter().collect(), Vec::new()),
            Err(error) => (Vec::new(), vec![error]),
        };
    }
    let (documents, errors) = json::documents(origin, piece);
    // Flow YAML begins like JSON: `{a: 1}`.
    if documents.is_empty()
        && piece.text.len() <= MAX_FLOW_YAML
        && let Ok(Some(document)) = yaml::document(origin, piece)
    {
        return (vec![document], Vec::new());
    }
    (documents, errors)
}

#[cfg(test)]
mod tests;
