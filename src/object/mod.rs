//! Documents, the values in them, and where those values stand.
//!
//! Knows JSON's data model, Kubernetes' object metadata and field paths. Must not know YAML, files, policies or any kind.
//!
//! A [`Tree`] is one parsed document in one arena; a [`Node`] is a value in it. A node's place in the arena is its
//! provenance: its [`Path`] and its [`Location`] are computed only when somebody asks for them, so reading costs nothing.

mod evidence;
mod ground;
mod locate;
mod node;
mod path;
mod reference;
mod tree;

pub use evidence::{Cause, Evidence, Missing, MissingSet, SECRET_KEYS, Why, is_secret};
pub use ground::Ground;
pub use node::{Node, NodeId, Object, Scalar, Type};
pub use path::{Path, Step};
pub use reference::{Gvk, ObjectRef};
pub use tree::{Location, MAX_DEPTH, Open, Origin, Span, Tree, TreeBuilder, TreeError};

#[cfg(test)]
mod tests;
