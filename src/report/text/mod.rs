//! Screens for people.

mod cluster;
mod manifests;

pub use cluster::cluster;
pub use manifests::manifests;
