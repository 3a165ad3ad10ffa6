//! Paths to files, in a stable order, each once.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

use crate::cli::terminal::words;
use crate::finding::Unreadable;

/// Names without an extension: YAML in KubeVirt's must-gather (collection-scripts/gather_hco), and a dump's time.
const DUMP_NAMES: [&str; 4] = ["subscriptions", "installplans", "packagemanifests", "timestamp"];

/// A file to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it is.
    pub path: PathBuf,
    /// What a person calls it.
    pub shown: String,
}

/// What of a folder is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    /// Manifests: by extension; what git ignores, and hidden files, are not there.
    Manifests,
    /// A dump: everything that may hold objects.
    Dump,
}

/// Collects files. A path that is named itself is always read; below a folder names decide.
#[derive(Debug)]
pub struct Walk {
    choice: Choice,
    found: Vec<Found>,
    unreadable: Vec<Unreadable>,
    /// Canonical paths: links and repeated arguments lead to the same file.
    seen: HashSet<PathBuf>,
}

impl Walk {
    /// For manifests: hidden files and what git ignores are left out.
    pub fn manifests() -> Self {
        Walk::new(Choice::Manifests)
    }

    /// For a dump: nothing is left out that may hold objects.
    pub fn dump() -> Self {
        Walk::new(Choice::Dump)
    }

    fn new(choice: Choice) -> Self {
        Walk { choice, found: Vec::new(), unreadable: Vec::new(), seen: HashSet::new() }
    }

    /// Adds a file, or all that a folder holds. An error when there is no such path.
    pub fn add(&mut self, path: &Path) -> anyhow::Result<()> {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => self.folder(path),
            Ok(_) => self.file(path),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                anyhow::bail!("{}: {}", path.display(), words(&error))
            }
            Err(error) => self.cannot(path, words(&error)),
        }
        Ok(())
    }

    /// The files, in the order of the arguments and below each by name; and what could not be looked at.
    pub fn finish(self) -> (Vec<Found>, Vec<Unreadable>) {
        (self.found, self.unreadable)
    }

    /// The files that were found since the last call; [`Walk::add`] may go on.
    pub fn take(&mut self) -> Vec<Found> {
        std::mem::take(&mut self.found)
    }

    fn file(&mut self, path: &Path) {
        // A pipe (`check <(helm template …)`) has no canonical path worth remembering.
        let canonical = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if self.seen.insert(canonical) {
            self.found.push(Found { path: path.to_owned(), shown: shown(path) });
        }
    }

    fn folder(&mut self, folder: &Path) {
        let mut builder = WalkBuilder::new(folder);
        builder.standard_filters(self.choice == Choice::Manifests).follow_links(true);
        builder.sort_by_file_name(|a, b| a.cmp(b));
        for entry in builder.build() {
            match entry {
                Ok(entry) if entry.file_type().is_some_and(|t| t.is_file()) && self.is_wanted(entry.path()) => {
                    self.file(entry.path());
                }
                Ok(_) => {}
                Err(error) => {
                    let (path, message) = explained(&error);
                    self.cannot(path.as_deref().unwrap_or(folder), message);
                }
            }
        }
    }

    fn is_wanted(&self, path: &Path) -> bool {
        let extension = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
        match extension.as_deref() {
            Some("yaml" | "yml" | "json") => true,
            None => {
                let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                match self.choice {
                    Choice::Dump => DUMP_NAMES.contains(&name),
                    Choice::Manifests => super::kustomize::is_kustomization(path),
                }
            }
            Some(_) => false,
        }
    }

    fn cannot(&mut self, path: &Path, message: String) {
        self.unreadable.push(Unreadable { file: shown(path), line: 0, column: 0, message });
    }
}

/// A path as a person would write it: without the `./` of a walk that began at `.`.
pub fn shown(path: &Path) -> String {
    let short = path.strip_prefix(".").ok().filter(|rest| !rest.as_os_str().is_empty());
    short.unwrap_or(path).display().to_string()
}

/// Where a walk failed, and why.
fn explained(error: &ignore::Error) -> (Option<PathBuf>, String) {
    match error {
        ignore::Error::WithPath { path, err } => {
            let (inner, message) = explained(err);
            (inner.or_else(|| Some(path.clone())), message)
        }
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => explained(err),
        ignore::Error::Partial(errors) => errors.first().map_or((None, "unreadable".to_owned()), explained),
        ignore::Error::Loop { ancestor, child } => {
            (Some(child.clone()), format!("a link that leads back to {}", shown(ancestor)))
        }
        ignore::Error::Io(error) => (None, words(error)),
        other => (None, other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, files: &[&str]) {
        for file in files {
            let path = root.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
    }

    fn names(mut walk: Walk, root: &Path) -> Vec<String> {
        walk.add(root).unwrap();
        let (found, _) = walk.finish();
        found.iter().map(|f| f.path.strip_prefix(root).unwrap().display().to_string()).collect()
    }

    #[test]
    fn a_folder_is_read_by_names_in_order() {
        let root = tempfile::tempdir().unwrap();
        let files = [
            "b.yml",
            "a.yaml",
            "c/d.json",
            "c/E.YAML",
            "log.txt",
            "x.log",
            ".hidden.yaml",
            "subscriptions",
            "c/Kustomization",
        ];
        write(root.path(), &files);
        assert_eq!(
            names(Walk::manifests(), root.path()),
            ["a.yaml", "b.yml", "c/E.YAML", "c/Kustomization", "c/d.json"]
        );
        let dump = [".hidden.yaml", "a.yaml", "b.yml", "c/E.YAML", "c/d.json", "subscriptions"];
        assert_eq!(names(Walk::dump(), root.path()), dump);
    }

    #[test]
    fn what_git_ignores_is_no_manifest_and_may_be_a_dump() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), &["a.yaml", "out/b.yaml", ".git/HEAD"]);
        fs::write(root.path().join(".gitignore"), "out/\n").unwrap();
        assert_eq!(names(Walk::manifests(), root.path()), ["a.yaml"]);
        assert_eq!(names(Walk::dump(), root.path()), ["a.yaml", "out/b.yaml"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_once_and_loops_are_named() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), &["a/x.yaml", "b/y.yaml"]);
        std::os::unix::fs::symlink("../a/x.yaml", root.path().join("b/again.yaml")).unwrap();
        std::os::unix::fs::symlink("..", root.path().join("b/up")).unwrap();
        std::os::unix::fs::symlink("nowhere", root.path().join("gone.yaml")).unwrap();
        let mut walk = Walk::manifests();
        walk.add(root.path()).unwrap();
        walk.add(&root.path().join("a/x.yaml")).unwrap();
        let (found, unreadable) = walk.finish();
        let names: Vec<_> = found.iter().map(|f| f.path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["x.yaml", "y.yaml"]);
        let messages: Vec<&str> = unreadable.iter().map(|u| u.message.split(" to ").next().unwrap()).collect();
        assert_eq!(messages, ["a link that leads back", "no such file or folder"]);
    }

    #[test]
    fn names_without_the_dot() {
        for (path, expected) in [("./a.yaml", "a.yaml"), ("a/./b", "a/./b"), (".", "."), ("/x", "/x"), ("../y", "../y")]
        {
            assert_eq!(shown(Path::new(path)), expected, "{path}");
        }
    }
}
