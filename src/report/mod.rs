//! Findings for people and machines.
//!
//! Knows how an [`Assessment`](crate::finding::Assessment) is counted, grouped, worded and written. Must not know policies'
//! documents, facts, the inventory, files, terminals or clocks: what it writes is a function of what it is handed.
//!
//! [`summary`] counts and groups; [`text`] and [`json`] only lay out what it says, so that screens and JSON agree.

pub mod json;
mod style;
pub mod summary;
pub mod text;

pub use style::{Door, Style};

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
