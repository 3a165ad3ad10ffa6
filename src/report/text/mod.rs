//! Screens for people.

mod cluster;
mod frame;
mod group;
mod manifests;
mod open;
mod page;
mod words;

pub use cluster::cluster;
pub use manifests::manifests;
