//! Files to documents, in parallel.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use super::walk::{Found, shown};
use crate::cli::progress::Progress;
use crate::cli::terminal::words;
use crate::finding::Unreadable;
use crate::object::{Tree, Type};
use crate::source::{self, MAX_TEXT, Parsed, Problem};

/// A file that was read.
#[derive(Debug)]
pub struct ReadFile {
    /// Where it is; standard input is nowhere.
    pub path: Option<PathBuf>,
    /// What a person calls it.
    pub shown: String,
    /// Its documents, and what is wrong with others.
    pub parsed: Parsed,
    /// True when its text holds `{{`, as templates do.
    pub braces: bool,
}

/// Reads files; the order stays.
pub fn files(found: &[Found]) -> Vec<Result<ReadFile, Unreadable>> {
    let progress = Progress::new("files", found.len());
    let read = |found| {
        let read = file(found);
        progress.step();
        read
    };
    found.par_iter().map(read).collect()
}

fn file(found: &Found) -> Result<ReadFile, Unreadable> {
    let bytes = bytes(&found.path).map_err(|message| unreadable(&found.shown, message))?;
    Ok(parsed(Some(found.path.clone()), &found.shown, bytes))
}

/// The one document of a file (`-`: standard input), which has to be a mapping.
pub fn mapping(path: &Path) -> anyhow::Result<Arc<Tree>> {
    let read = match is_stdin(path) {
        true => stdin(),
        false => file(&Found { path: path.to_path_buf(), shown: shown(path) }),
    };
    let read = read.map_err(|Unreadable { file, message, .. }| anyhow::anyhow!("{file}: {message}"))?;
    if let Some(problem) = read.parsed.problems.first() {
        let Unreadable { file, line, column, message } = in_text(problem);
        anyhow::bail!("{file}:{line}:{column}: {message}");
    }
    match read.parsed.documents.as_slice() {
        [only] if only.tree.root().kind() == Type::Map => Ok(Arc::clone(&only.tree)),
        _ => anyhow::bail!("{}: expected one document, a mapping", read.shown),
    }
}

/// True for the path that means standard input.
pub fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// Reads standard input to its end.
pub fn stdin() -> Result<ReadFile, Unreadable> {
    let shown = "<stdin>";
    let bytes = limited(std::io::stdin().lock()).map_err(|message| unreadable(shown, message))?;
    Ok(parsed(None, shown, bytes))
}

fn parsed(path: Option<PathBuf>, shown: &str, bytes: Vec<u8>) -> ReadFile {
    let parsed = source::parse(shown, bytes);
    let braces = parsed.origin.text.as_deref().is_some_and(|text| text.contains("{{"));
    ReadFile { path, shown: shown.to_owned(), parsed, braces }
}

/// The bytes of a file, or what keeps them from being read.
pub fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    limited(File::open(path).map_err(|e| words(&e))?)
}

/// Reads a little more than is accepted at most, so that a text which is too long is noticed and no memory is wasted on it.
fn limited(reader: impl Read) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    reader.take(MAX_TEXT as u64 + 1).read_to_end(&mut bytes).map_err(|e| words(&e))?;
    Ok(bytes)
}

/// A problem in a text as something that could not be read.
pub fn in_text(problem: &Problem) -> Unreadable {
    let message = match &problem.help {
        Some(help) => format!("{} ({help})", problem.message),
        None => problem.message.clone(),
    };
    Unreadable { file: problem.origin.name.clone(), line: problem.line, column: problem.column, message }
}

fn unreadable(file: &str, message: String) -> Unreadable {
    Unreadable { file: file.to_owned(), line: 0, column: 0, message }
}
