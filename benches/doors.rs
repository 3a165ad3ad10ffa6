//! The doors as they are run: the whole program over many objects, beside what serde_json needs to read the same objects
//! into `Value`s in this process. `cargo bench --bench doors`; writes about half a gigabyte to the folder for temporary files.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench may stop on a broken expectation"
)]

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use divan::{Bencher, black_box};
use serde_json::Value;
use tempfile::TempDir;
use virt_guard::source;

const FILES: usize = 10_000;
const MACHINES: usize = 100_000;

const VM: &str = include_str!("../examples/cluster/namespaces/shop/kubevirt.io/virtualmachines/frontend-0.yaml");
const VMI: &str =
    include_str!("../examples/cluster/namespaces/shop/kubevirt.io/virtualmachineinstances/frontend-0.yaml");

fn main() {
    divan::main();
}

/// The same object under `count` names: (name, text).
fn many(text: &str, count: usize) -> impl Iterator<Item = (String, String)> {
    assert!(text.contains("frontend-0"));
    (0..count).map(move |i| (format!("frontend-{i}"), text.replace("frontend-0", &format!("frontend-{i}"))))
}

fn json(yaml: &str) -> String {
    source::parse("example.yaml", yaml.as_bytes().to_vec()).documents[0].tree.root().to_string()
}

/// A folder of YAML files, one VM each.
static MANIFESTS: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in many(VM, FILES) {
        fs::write(folder.path().join(format!("{name}.yaml")), text).unwrap();
    }
    folder
});

/// A folder with one JSON List of VMIs, as `kubectl get vmi -A -o json` prints it.
static DUMP: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let mut file = BufWriter::new(File::create(folder.path().join("vmis.json")).unwrap());
    file.write_all(br#"{"apiVersion":"v1","kind":"List","items":["#).unwrap();
    for (i, (_, text)) in many(&json(VMI), MACHINES).enumerate() {
        file.write_all(if i == 0 { b"" } else { b"," }).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }
    file.write_all(b"]}").unwrap();
    file.flush().unwrap();
    folder
});

/// Runs the program and expects that it looked at all objects and found nothing in these healthy ones.
fn run(arguments: &[&str], path: &Path) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_virt-guard"));
    let status = command.args(arguments).arg(path).stdout(Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(0), "{arguments:?}");
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn check_10_000_yaml_files(bencher: Bencher) {
    let folder = MANIFESTS.path();
    bencher.bench(|| run(&["check"], folder));
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn the_same_10_000_objects_from_json_files_by_serde_json(bencher: Bencher) {
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<_> = many(&json(VM), FILES)
        .map(|(name, text)| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        })
        .collect();
    bencher.bench(|| {
        for path in &files {
            black_box(serde_json::from_slice::<Value>(&fs::read(path).unwrap()).unwrap());
        }
    });
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn report_over_100_000_vmis(bencher: Bencher) {
    let folder = DUMP.path();
    bencher.bench(|| run(&["report", "--from"], folder));
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn the_same_100_000_vmis_by_serde_json(bencher: Bencher) {
    let file = DUMP.path().join("vmis.json");
    bencher.bench(|| drop(black_box(serde_json::from_slice::<Value>(&fs::read(&file).unwrap()).unwrap())));
}
