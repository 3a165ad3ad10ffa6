//! Opens what people name on the command line: files, folders, standard input.
//!
//! Knows file names, folders, links, git's ignore rules, and the look of Helm charts, kustomizations and dumps. What
//! cannot be read becomes an [`Unreadable`](crate::finding::Unreadable), and the rest is read.
//!
//! | file | idea |
//! |---|---|
//! | `walk` | paths to files, in a stable order, each once |
//! | `parse` | files to documents, in parallel |
//! | `manifests` | what `check` judges |
//! | `kustomize`, `helm` | what is no manifest as it stands |
//! | `dump` | what `report` looks at: an inventory |

mod dump;
mod helm;
mod kustomize;
mod manifests;
mod parse;
mod walk;

pub use dump::Dump;
pub use manifests::Manifests;
pub use parse::{bytes, mapping};
pub use walk::{Found, Walk};
