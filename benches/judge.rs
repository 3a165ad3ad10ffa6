//! The engine beside `serde_json::from_slice::<Value>` of the same bytes in the same run: `cargo bench --bench judge`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench may stop on a broken expectation"
)]

use divan::{Bencher, black_box};
use serde_json::Value;
use virt_guard::engine::{self, Cluster, Request, Surroundings};
use virt_guard::inventory::{Entry, Inventory};
use virt_guard::object::Gvk;
use virt_guard::policy::Operation;
use virt_guard::source;

/// A VirtualMachine of about 4 KB, as the API server sends it.
const VM: &[u8] = include_bytes!("data/vm.json");

fn main() {
    divan::main();
}

#[divan::bench]
fn a_vm_as_serde_json_value() -> Value {
    serde_json::from_slice(black_box(VM)).unwrap()
}

#[divan::bench]
fn parse_a_vm(bencher: Bencher) {
    bencher.bench(|| source::json_tree(black_box(VM)).unwrap());
}

#[divan::bench]
fn parse_a_vm_and_judge_it_by_all_policies(bencher: Bencher) {
    let (policies, problems) = engine::load_policies([]);
    assert!(problems.is_empty());
    let inventory = Inventory::default();
    let cluster = Cluster::default();
    let around = Surroundings { inventory: &inventory, cluster: &cluster };
    let gvk = std::sync::Arc::new(Gvk::new("kubevirt.io/v1", "VirtualMachine"));
    bencher.bench(|| {
        let tree = std::sync::Arc::new(source::json_tree(black_box(VM)).unwrap());
        let root = tree.root().id();
        let entry = Entry::new(tree, root, gvk.clone());
        let request = Request::of(entry.object(), Operation::Create, "virtualmachines");
        engine::judge(policies.iter(), request, around).len()
    });
}

#[divan::bench]
fn load_and_compile_all_policies(bencher: Bencher) {
    bencher.bench(|| engine::load_policies([]));
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn scan_100_000_vms(bencher: Bencher) {
    let (policies, _) = engine::load_policies([]);
    let list = many(100_000);
    let cluster = Cluster::default();
    bencher.bench(|| {
        let tree = std::sync::Arc::new(source::json_tree(list.as_bytes()).unwrap());
        let gvk = std::sync::Arc::new(Gvk::new("kubevirt.io/v1", "VirtualMachine"));
        let items: Vec<_> = tree.root().list_at(&["items"]).map(|n| n.id()).collect();
        let mut inventory = Inventory::default();
        for id in items {
            inventory.add(Entry::new(tree.clone(), id, gvk.clone()));
        }
        let objects: Vec<_> = inventory.objects().collect();
        engine::scan(&policies, &objects, Surroundings { inventory: &inventory, cluster: &cluster }).objects
    });
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn a_list_of_100_000_vms_as_serde_json_value(bencher: Bencher) {
    let list = many(100_000);
    bencher.bench(|| serde_json::from_slice::<Value>(black_box(list.as_bytes())).unwrap());
}

/// The VM, many times under other names, as one List.
fn many(count: usize) -> String {
    let mut vm: Value = serde_json::from_slice(VM).unwrap();
    let mut list = String::from(r#"{"apiVersion":"v1","kind":"List","items":["#);
    for i in 0..count {
        vm["metadata"]["name"] = format!("vm-{i}").into();
        list.push_str(&vm.to_string());
        list.push(if i + 1 < count { ',' } else { ' ' });
    }
    list.push_str("]}");
    list
}
