//! One object judged, and policies loaded, beside `serde_json::from_slice::<Value>` of the same bytes in the same run.

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
