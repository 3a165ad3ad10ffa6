//! Screens for people.

mod cluster;
mod manifests;
mod page;

pub use cluster::cluster;
pub use manifests::manifests;
