//! How long texts take to become trees, beside serde_json's `Value` of the same bytes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench may stop on a broken expectation"
)]

use divan::{Bencher, black_box, counter::BytesCount};
use virt_guard::source;

fn main() {
    divan::main();
}

/// One VirtualMachine, about 4 KB, as an AdmissionReview carries it.
const VM: &str = include_str!("data/vm.json");

/// A List of virtual machines of about 10 MB, as `kubectl get -o json` prints it, without its line breaks.
fn list() -> Vec<u8> {
    let items: Vec<&str> = std::iter::repeat_n(VM.trim_end(), 10 * 1024 * 1024 / VM.len()).collect();
    format!(r#"{{"apiVersion":"kubevirt.io/v1","kind":"VirtualMachineList","items":[{}]}}"#, items.join(","))
        .into_bytes()
}

#[divan::bench]
fn vm_tree(bencher: Bencher) {
    bencher.counter(BytesCount::of_str(VM)).bench(|| source::json_tree(black_box(VM.as_bytes())));
}

#[divan::bench]
fn vm_serde_json_value(bencher: Bencher) {
    bencher
        .counter(BytesCount::of_str(VM))
        .bench(|| serde_json::from_slice::<serde_json::Value>(black_box(VM.as_bytes())));
}

#[divan::bench(sample_count = 10)]
fn list_10_mb_tree(bencher: Bencher) {
    let text = list();
    bencher.counter(BytesCount::of_slice(&text)).bench(|| source::json_tree(black_box(&text)));
}

#[divan::bench(sample_count = 10)]
fn list_10_mb_serde_json_value(bencher: Bencher) {
    let text = list();
    bencher
        .counter(BytesCount::of_slice(&text))
        .bench(|| serde_json::from_slice::<serde_json::Value>(black_box(&text)));
}

/// The same machine as YAML in flow style, which the YAML parser reads with positions.
#[divan::bench]
fn vm_yaml_with_positions(bencher: Bencher) {
    // A comment before it makes it YAML.
    let text = format!("# a machine\n{VM}");
    bencher
        .counter(BytesCount::of_str(VM))
        .with_inputs(|| text.clone().into_bytes())
        .bench_values(|text| source::parse("vm.yaml", text));
}
