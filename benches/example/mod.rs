//! What benches judge against: the cluster of `examples/`, so that policies which read other objects find some.

use std::fs;
use std::path::Path;

use virt_guard::engine::Cluster;
use virt_guard::facts::{KINDS, Versions};
use virt_guard::inventory::{Collection, Collector, Inventory, View};
use virt_guard::source;

/// The objects of `examples/cluster`, and the versions that they tell.
pub fn cluster() -> (Inventory, Cluster) {
    let mut collector = Collector::default();
    collect(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/cluster")), "", &mut collector);
    let Collection { inventory, .. } = collector.finish(KINDS);
    assert!(!inventory.is_empty());
    let versions = Versions::detect(&View::new(&inventory), None);
    (inventory, Cluster { versions, ..Cluster::default() })
}

fn collect(folder: &Path, shown: &str, collector: &mut Collector) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let shown = format!("{shown}{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            collect(&path, &format!("{shown}/"), collector);
        } else if shown.ends_with(".yaml") {
            collector.add(&shown, &source::parse(&shown, fs::read(&path).unwrap()));
        }
    }
}
