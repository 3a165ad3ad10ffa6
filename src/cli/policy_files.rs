//! The policies in force: those that are built in, and the files of `--policies`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::input::{self, Found, Walk};
use crate::engine;
use crate::finding::Unreadable;
use crate::policy::{PolicySet, Problem};

/// Where policies come from besides the built-in ones.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Policies")]
pub struct PolicyOptions {
    /// Add the policies of a file or folder to the built-in ones; may be repeated
    #[arg(long, value_name = "PATH")]
    pub policies: Vec<PathBuf>,
}

impl PolicyOptions {
    /// All policies in force; the error lists everything that is wrong with them.
    pub fn load(&self) -> anyhow::Result<PolicySet> {
        let files = read(&self.policies)?;
        checked(engine::load_policies(named(&files)))
    }
}

/// The files that [`read`] gave, as policies are loaded from them.
pub fn named(files: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    files.iter().map(|(name, text)| (name.as_str(), text.as_str()))
}

/// The policies, or an error that lists everything that is wrong with them.
pub fn checked((set, problems): (PolicySet, Vec<Problem>)) -> anyhow::Result<PolicySet> {
    if problems.is_empty() { Ok(set) } else { Err(anyhow::anyhow!(all(&problems))) }
}

/// Everything that is wrong, a line each.
pub fn all(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}

/// The policy files below paths, with their texts. A policy that is left out would be a check that nobody notices is
/// missing, so one that cannot be read is an error.
pub fn read(paths: &[PathBuf]) -> anyhow::Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    for path in paths {
        let mut walk = Walk::manifests();
        walk.add(path)?;
        let (found, unreadable) = walk.finish();
        if let Some(Unreadable { file, message, .. }) = unreadable.first() {
            anyhow::bail!("{file}: {message}");
        }
        if found.is_empty() {
            anyhow::bail!("{}: no policy files (.yaml, .yml, .json) in this folder", path.display());
        }
        for file in &found {
            files.push((file.shown.clone(), text(file)?));
        }
    }
    Ok(files)
}

fn text(file: &Found) -> anyhow::Result<String> {
    let bytes = input::bytes(&file.path).map_err(|message| anyhow::anyhow!("{}: {message}", file.shown))?;
    String::from_utf8(bytes).map_err(|_| anyhow::anyhow!("{}: not UTF-8 text", file.shown))
}

/// A built-in policy's file name; a user's file of the same name stands for it in `test`.
pub fn file_name(path: &str) -> &str {
    Path::new(path).file_name().and_then(|name| name.to_str()).unwrap_or(path)
}
