//! The table of functions against the corpus of `tests/parity`, which holds the API server's answers: no row is there that
//! nothing was compared for.

use std::collections::BTreeSet;
use std::path::Path;

use super::super::library::{FUNCTIONS, Overload};
use super::super::program::{Callee, Code};
use super::*;

#[test]
fn every_row_of_the_table_is_in_the_corpus() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity/corpus");
    let mut seen: BTreeSet<*const Overload> = BTreeSet::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for line in text.lines().filter(|line| !line.starts_with(['#', '@'])) {
            // What the corpus refuses is refused here too, and stands for no row.
            if let Ok((unit, _)) = compile(line) {
                seen.extend(unit.code.iter().flat_map(callees).filter(|c| c.is_resolved()).flat_map(rows));
            }
        }
    }
    let all = FUNCTIONS.values().flatten();
    let missing: BTreeSet<String> = all.filter(|o| !seen.contains(&std::ptr::from_ref(*o))).map(signature).collect();
    assert!(missing.is_empty(), "no line of tests/parity/corpus calls: {missing:#?}");
}

fn callees(code: &Code) -> Vec<Callee> {
    match code {
        Code::Call { callee, .. } => vec![*callee],
        Code::Chain { links, .. } => links.iter().map(|link| link.callee).collect(),
        _ => Vec::new(),
    }
}

fn rows(callee: Callee) -> impl Iterator<Item = *const Overload> {
    callee.overloads().map(std::ptr::from_ref)
}

fn signature(overload: &Overload) -> String {
    format!("{}{:?} method {}", overload.name, overload.parameters, overload.method)
}
