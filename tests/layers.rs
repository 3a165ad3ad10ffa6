//! The layers of src/lib.rs, held: an import against an arrow fails with a sentence that names it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop on a broken expectation"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// (module, what it may import). What an arrow reaches, it reaches through others too.
const ARROWS: &[(&str, &[&str])] = &[
    ("object", &[]),
    ("source", &["object"]),
    ("cel", &["source"]),
    ("inventory", &["source"]),
    ("finding", &["source"]),
    ("facts", &["inventory", "cel"]),
    ("policy", &["cel", "finding"]),
    ("engine", &["policy", "facts", "inventory", "finding"]),
    ("admission", &["engine"]),
    ("report", &["finding"]),
    ("cluster", &["facts"]),
    ("server", &["admission"]),
    ("cli", &["engine", "report", "server", "cluster"]),
];

/// What the layers below the doors must not reach: sockets, files, clocks, environment. (words, what they stand for)
const OUTSIDE: &[(&[&str], &str)] = &[
    (&["std::fs", "File::open"], "files"),
    (&["std::net", "TcpStream", "TcpListener"], "sockets"),
    (&["SystemTime", "Instant::now", "Timestamp::now", "Zoned::now"], "a clock"),
    (&["std::env", "env::var"], "the environment"),
    (&["async fn", ".await", "tokio::"], "an async runtime"),
    (&["println!", "eprintln!", "print!(", "std::io::std"], "a terminal"),
];

/// The modules that may.
const DOORS: &[&str] = &["cli", "cluster", "server"];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// Module of a file below src/; `None` for main.rs and lib.rs, which only tie the house together.
fn module_of(file: &Path) -> Option<String> {
    let below = file.strip_prefix(source()).unwrap();
    let first = below.components().next().unwrap().as_os_str().to_str().unwrap();
    let name = first.strip_suffix(".rs").unwrap_or(first);
    (name != "main" && name != "lib").then(|| name.to_owned())
}

/// The code of a file without its comments and its tests: a test may look across the house.
fn code(file: &Path) -> String {
    let folder = file.parent().and_then(Path::file_name);
    if [file.file_stem(), folder].iter().flatten().any(|name| *name == "tests") {
        return String::new();
    }
    let text = fs::read_to_string(file).unwrap();
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    text.lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n")
}

/// Modules named by `crate::module` and by `crate::{module, …}`.
fn imports(code: &str) -> BTreeSet<String> {
    let word = |text: &str| text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut found = BTreeSet::new();
    for after in code.split("crate::").skip(1) {
        if let Some(group) = after.strip_prefix('{') {
            let mut depth = 0;
            let mut at_name = true;
            for (i, c) in group.char_indices() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => at_name = true,
                    c if at_name && depth == 0 && !c.is_whitespace() => {
                        found.insert(word(&group[i..]));
                        at_name = false;
                    }
                    _ => {}
                }
            }
        } else {
            found.insert(word(after));
        }
    }
    found
}

fn allowed() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let mut all: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (module, direct) in ARROWS {
        let mut reach: BTreeSet<&str> = direct.iter().copied().collect();
        for d in *direct {
            reach
                .extend(all.get(d).unwrap_or_else(|| panic!("ARROWS names {d} before it is declared")).iter().copied());
        }
        reach.insert(module);
        all.insert(module, reach);
    }
    all
}

#[test]
fn no_arrow_is_drawn_backwards() {
    let allowed = allowed();
    let mut wrong = Vec::new();
    for file in rust_files(&source()) {
        let Some(module) = module_of(&file) else { continue };
        let may =
            allowed.get(module.as_str()).unwrap_or_else(|| panic!("src/{module} is in no layer; add it to ARROWS"));
        for import in imports(&code(&file)) {
            if allowed.contains_key(import.as_str()) && !may.contains(import.as_str()) {
                wrong.push(format!("{} imports crate::{import}, but {module} may only import {may:?}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn nothing_below_the_doors_reaches_outside() {
    let mut wrong = Vec::new();
    for file in rust_files(&source()) {
        match module_of(&file) {
            Some(module) if !DOORS.contains(&module.as_str()) => {}
            _ => continue,
        }
        let code = code(&file);
        for (words, what) in OUTSIDE {
            if let Some(word) = words.iter().find(|w| code.contains(**w)) {
                wrong.push(format!("{} reaches {what} ({word}); only {DOORS:?} may", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_reader_of_imports_reads_them() {
    assert_eq!(imports("use crate::object::{Node, Tree};"), BTreeSet::from(["object".to_owned()]));
    let found = imports("use crate::{cel::{Fact, Facts}, finding, policy::judge};\nlet x = crate::engine::scan();");
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["cel", "engine", "finding", "policy"]);
}

#[test]
fn files_stay_short() {
    let mut long = Vec::new();
    for file in rust_files(&source()) {
        let lines = fs::read_to_string(&file).unwrap().split("#[cfg(test)]").next().unwrap().lines().count();
        if lines > 550 {
            long.push(format!("{}: {lines} lines before its tests; one idea a file", file.display()));
        }
    }
    assert!(long.is_empty(), "\n{}", long.join("\n"));
}
