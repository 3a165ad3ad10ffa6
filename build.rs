//! Turns the files of `policies/` into `src/engine/embedded.rs`'s table. A new file there is a new policy; nothing else
//! names it.
//!
//! Each file is embedded twice: as it is written, for whoever reads or tests it, and as JSON, one document a line, which is
//! read ten times faster than YAML every time the program starts. `src/facts/versions.yaml` becomes JSON for the same reason.

use std::path::{Path, PathBuf};
use std::{env, error, fs, io};

fn main() -> Result<(), Box<dyn error::Error>> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let mut files = Vec::new();
    collect(&root.join("policies"), &mut files)?;
    files.sort();
    let mut out = String::from("/// Every built-in policy, sorted by name.\n");
    out.push_str("pub static EMBEDDED: &[EmbeddedPolicy] = &[\n");
    for file in &files {
        let name = file.strip_prefix(&root).unwrap_or(file).display().to_string().replace('\\', "/");
        let json = json(file).map_err(|e| format!("{name}: {e}"))?;
        let path = file.display().to_string();
        out.push_str(&format!(
            "    EmbeddedPolicy {{ name: {name:?}, text: include_str!({path:?}), json: {json:?} }},\n"
        ));
    }
    out.push_str("];\n");
    let generated = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(generated.join("policies.rs"), out)?;
    let versions = root.join("src/facts/versions.yaml");
    println!("cargo::rerun-if-changed={}", versions.display());
    fs::write(generated.join("versions.json"), json(&versions)?)?;
    Ok(())
}

/// The documents of a YAML file, one a line. `tests/policies.rs` holds that they are what `source` reads.
fn json(file: &Path) -> Result<String, Box<dyn error::Error>> {
    let documents: Vec<serde_json::Value> = serde_saphyr::from_multiple(&fs::read_to_string(file)?)?;
    Ok(documents.iter().filter(|d| !d.is_null()).map(|d| format!("{d}\n")).collect())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    // A folder's own time stamp changes when a file is added to it or taken away.
    println!("cargo::rerun-if-changed={}", folder.display());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|e| e == "yaml") {
            println!("cargo::rerun-if-changed={}", path.display());
            files.push(path);
        }
    }
    Ok(())
}
