//! What judging costs: ten typical expressions on a fresh tree, beside what serde_json needs to read the same object, and
//! compiling them.

// A bench may stop on a broken expectation, as a test may.
#![allow(clippy::expect_used, clippy::indexing_slicing)]

use divan::{Bencher, black_box};
use serde_json::Value as Json;
use virt_guard::cel::{Blame, Declarations, Evaluation, Expect, ExprId, Input, Off, Tracer, Type, Unit, UnitBuilder};
use virt_guard::object::{Span, Tree, TreeBuilder};

fn main() {
    divan::main();
}

const EXPRESSIONS: [&str; 10] = [
    "object.spec.runStrategy == 'RerunOnFailure'",
    "has(object.spec.template.spec.domain.cpu) && object.spec.template.spec.domain.cpu.cores <= 8",
    "object.spec.?template.?spec.?domain.?cpu.?cores.orValue(1) <= 8",
    "object.spec.template.spec.domain.devices.disks.all(d, !has(d.disk) || d.disk.bus in ['virtio', 'scsi'])",
    "object.spec.template.spec.volumes.exists(v, has(v.containerDisk) && v.containerDisk.image.startsWith('quay.io/'))",
    "object.spec.template.spec.domain.devices.interfaces.all(i, object.spec.template.spec.networks.exists(n, n.name == i.name))",
    "object.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
    "quantity(object.spec.template.spec.domain.memory.guest).compareTo(quantity('16Gi')) <= 0",
    "object.metadata.labels.all(k, size(k) < 64 && size(object.metadata.labels[k]) < 64)",
    "'disks ' + object.spec.template.spec.domain.devices.disks.filter(d, has(d.disk)).map(d, d.name).join(', ') \
     + ' of ' + object.metadata.name",
];

fn bytes() -> Vec<u8> {
    let json: Json = serde_json::from_str(include_str!("data/vm.json")).expect("the example is JSON");
    json.to_string().into_bytes()
}

fn tree() -> Tree {
    let json = serde_json::from_slice(&bytes()).expect("the example is JSON");
    let mut builder = TreeBuilder::new(4096);
    put(&mut builder, &json).expect("the example is small");
    builder.finish()
}

fn put(builder: &mut TreeBuilder, json: &Json) -> Result<(), virt_guard::object::TreeError> {
    let nowhere = Span::default();
    match json {
        Json::Null => builder.null(nowhere),
        Json::Bool(b) => builder.bool(*b, nowhere),
        Json::Number(n) => builder.int(n.as_i64().unwrap_or_default(), nowhere),
        Json::String(s) => builder.string(s, nowhere),
        Json::Array(list) => {
            let open = builder.open_list(nowhere)?;
            list.iter().try_for_each(|e| put(builder, e))?;
            builder.close(open).map(drop)
        }
        Json::Object(map) => {
            let open = builder.open_map(nowhere)?;
            for (key, value) in map {
                builder.key(key, nowhere)?;
                put(builder, value)?;
            }
            builder.close(open).map(drop)
        }
    }
}

fn compile() -> (Unit, Vec<ExprId>) {
    let declarations =
        Declarations { roots: vec![("object", Type::Dyn), ("oldObject", Type::Dyn)], patch_types: false };
    let mut builder = UnitBuilder::new(declarations);
    let ids = EXPRESSIONS.iter().map(|e| builder.expression(e, Expect::Any).expect("they are right")).collect();
    (builder.finish(), ids)
}

fn judge<'a, T: Tracer<'a>>(unit: &'a Unit, ids: &[ExprId], inputs: &'a [Input<'a>], tracer: T) {
    let mut evaluation = Evaluation::new(unit, inputs, tracer);
    for id in ids {
        black_box(evaluation.evaluate(*id).expect("they hold"));
    }
}

/// The measure: a third of this is what ten expressions may take.
#[divan::bench]
fn serde_json_value(bencher: Bencher<'_, '_>) {
    let bytes = bytes();
    bencher.bench(|| serde_json::from_slice::<Json>(black_box(&bytes)));
}

#[divan::bench]
fn ten_expressions(bencher: Bencher<'_, '_>) {
    let (unit, ids) = compile();
    bencher.with_inputs(tree).bench_local_refs(|tree| judge(&unit, &ids, &[Input::Node(tree.root())], Off));
}

#[divan::bench]
fn ten_expressions_with_blame(bencher: Bencher<'_, '_>) {
    let (unit, ids) = compile();
    bencher.with_inputs(tree).bench_local_refs(|tree| judge(&unit, &ids, &[Input::Node(tree.root())], Blame::new()));
}

#[divan::bench]
fn compile_ten_expressions() -> usize {
    compile().1.len()
}

#[divan::bench(args = 0..EXPRESSIONS.len())]
fn one_expression(bencher: Bencher<'_, '_>, which: usize) {
    let (unit, ids) = compile();
    let tree = tree();
    bencher.bench_local(|| judge(&unit, &ids[which..=which], &[Input::Node(tree.root())], Off));
}
