//! A review from bytes to bytes, beside `serde_json::from_slice::<Value>` of the same bytes in the same run, which is the
//! least that a webhook without judgement does: `cargo bench --bench admission`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench may stop on a broken expectation"
)]

mod example;

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use serde_json::{Value, json};
use virt_guard::admission::{Door, Options, Setup, Unhurried, memory, review};
use virt_guard::engine::{self, Surroundings};

fn main() {
    divan::main();
}

fn vm() -> Value {
    serde_json::from_slice(include_bytes!("data/vm.json")).unwrap()
}

/// What the API server sends when a VM of about 4 KB is created.
fn created() -> Vec<u8> {
    body(vm(), Value::Null)
}

/// The same when it is changed.
fn changed() -> Vec<u8> {
    body(vm(), vm())
}

/// A VM with 3 MiB of what costs most memory.
fn worst() -> Vec<u8> {
    let mut vm = vm();
    vm["spec"]["template"]["metadata"]["x"] = json!("PLACE");
    let maps = format!("[{}]", vec!["{\"\":0}"; (3 << 20) / 7].join(","));
    String::from_utf8(body(vm, Value::Null)).unwrap().replace("\"PLACE\"", &maps).into_bytes()
}

/// The example's Subscription, which is denied.
fn subscription() -> Vec<u8> {
    let review: Value = serde_json::from_slice(include_bytes!("../examples/review.json")).unwrap();
    review.to_string().into_bytes()
}

fn body(object: Value, old_object: Value) -> Vec<u8> {
    let kind = json!({"group": "kubevirt.io", "version": "v1", "kind": "VirtualMachine"});
    let resource = json!({"group": "kubevirt.io", "version": "v1", "resource": "virtualmachines"});
    json!({
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": kind, "resource": resource, "requestKind": kind, "requestResource": resource,
            "name": "web", "namespace": "shop",
            "operation": if old_object.is_null() { "CREATE" } else { "UPDATE" },
            "userInfo": {"username": "ada", "groups": ["system:authenticated"]},
            "object": object, "oldObject": old_object,
            "dryRun": false,
            "options": {"apiVersion": "meta.k8s.io/v1", "kind": "UpdateOptions", "fieldManager": "kubectl"}
        }
    })
    .to_string()
    .into_bytes()
}

fn as_value(bencher: Bencher, body: &[u8]) {
    bencher.counter(BytesCount::of_slice(body)).bench(|| serde_json::from_slice::<Value>(black_box(body)).unwrap());
}

fn reviewed(bencher: Bencher, body: &[u8], door: Door) {
    let (policies, problems) = engine::load_policies([]);
    assert!(problems.is_empty());
    let ((inventory, cluster), options) = (example::cluster(), Options::default());
    let around = Surroundings { inventory: &inventory, cluster: &cluster };
    let setup = Setup { policies: &policies, around, options: &options };
    bencher.counter(BytesCount::of_slice(body)).bench(|| review(black_box(body), door, &setup, &Unhurried).unwrap());
}

#[divan::bench]
fn created_vm_as_serde_json_value(bencher: Bencher) {
    as_value(bencher, &created());
}

#[divan::bench]
fn created_vm_by_all_policies(bencher: Bencher) {
    reviewed(bencher, &created(), Door::Validate);
}

#[divan::bench]
fn changed_vm_as_serde_json_value(bencher: Bencher) {
    as_value(bencher, &changed());
}

#[divan::bench]
fn changed_vm_by_all_policies(bencher: Bencher) {
    reviewed(bencher, &changed(), Door::Validate);
}

#[divan::bench]
fn changed_vm_at_the_mutating_door(bencher: Bencher) {
    reviewed(bencher, &changed(), Door::Mutate);
}

#[divan::bench]
fn denied_subscription_as_serde_json_value(bencher: Bencher) {
    as_value(bencher, &subscription());
}

#[divan::bench]
fn denied_subscription_by_all_policies(bencher: Bencher) {
    reviewed(bencher, &subscription(), Door::Validate);
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn worst_as_serde_json_value(bencher: Bencher) {
    as_value(bencher, &worst());
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn worst_validated_by_all_policies(bencher: Bencher) {
    reviewed(bencher, &worst(), Door::Validate);
}

#[divan::bench]
fn memory_of_a_body(bencher: Bencher) {
    let body = created();
    bencher.counter(BytesCount::of_slice(&body)).bench(|| memory(black_box(&body)));
}
