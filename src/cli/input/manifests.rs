//! What `check` judges: every Kubernetes object in the files that were named, each as it stands.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::helm::Templates;
use super::kustomize::{self, Kustomization};
use super::parse::{self, ReadFile};
use super::walk::{Walk, shown};
use crate::finding::Unreadable;
use crate::inventory::Entry;

/// Kustomize's own documents are no objects of a cluster.
const KUSTOMIZE_GROUP: &str = "kustomize.config.k8s.io";

/// The objects in some files.
#[derive(Debug, Default)]
pub struct Manifests {
    /// In the order of the files. The same object in two overlays is there twice.
    pub objects: Vec<Entry>,
    /// Files that were read.
    pub files: usize,
    /// What could not be read, or only in part.
    pub unreadable: Vec<Unreadable>,
    /// (file, documents) that are no Kubernetes objects: Helm values, CI files.
    pub others: Vec<(String, usize)>,
}

impl Manifests {
    /// Reads files and folders; `-` is standard input. An error when there is no such path.
    pub fn read(paths: &[PathBuf]) -> anyhow::Result<Self> {
        let mut reader = Reader {
            walk: Walk::manifests(),
            files: Vec::new(),
            templates: Templates::default(),
            unreadable: Vec::new(),
            patches: HashSet::new(),
        };
        for path in paths {
            match parse::is_stdin(path) {
                true => reader.take(parse::stdin()),
                false => reader.walk.add(path)?,
            }
        }
        reader.read();
        Ok(reader.finish(paths))
    }
}

#[derive(Debug)]
struct Reader {
    walk: Walk,
    files: Vec<ReadFile>,
    templates: Templates,
    unreadable: Vec<Unreadable>,
    /// Canonical paths of files that kustomizations use as patches.
    patches: HashSet<PathBuf>,
}

impl Reader {
    /// Reads what the walk found, and what the kustomizations among it name, until nothing is new.
    fn read(&mut self) {
        loop {
            let mut found = self.walk.take();
            if found.is_empty() {
                return;
            }
            self.templates.take_from(&mut found);
            for read in parse::files(&found) {
                self.take(read);
            }
        }
    }

    fn take(&mut self, read: Result<ReadFile, Unreadable>) {
        let file = match read {
            Ok(file) => file,
            Err(unreadable) => return self.unreadable.push(unreadable),
        };
        match &file.path {
            // What is left of a template after parsing means nothing.
            Some(path) if file.braces && !file.parsed.problems.is_empty() => return self.templates.stray(path),
            Some(path) if kustomize::is_kustomization(path) => self.kustomization(path, &file),
            _ => {}
        }
        self.unreadable.extend(file.parsed.problems.iter().map(parse::in_text));
        self.files.push(file);
    }

    fn kustomization(&mut self, path: &Path, file: &ReadFile) {
        let folder = path.parent().unwrap_or(Path::new(""));
        for document in &file.parsed.documents {
            let kustomization = Kustomization::read(document.tree.root(), folder);
            for resource in &kustomization.resources {
                // Kustomize reads nothing of a folder but what its kustomization names.
                let target = kustomize::in_folder(resource).unwrap_or_else(|| resource.clone());
                if let Err(error) = self.walk.add(&target) {
                    self.cannot(path, format!("resources: {error}"));
                }
            }
            self.patches.extend(kustomization.patches.iter().filter_map(|patch| fs::canonicalize(patch).ok()));
            if let Some(message) = kustomization.left_out(&shown(folder)) {
                self.cannot(path, message);
            }
        }
    }

    fn cannot(&mut self, path: &Path, message: String) {
        self.unreadable.push(Unreadable { file: shown(path), line: 0, column: 0, message });
    }

    fn finish(self, paths: &[PathBuf]) -> Manifests {
        let (_, unreadable) = self.walk.finish();
        let mut out = Manifests { unreadable: self.unreadable, ..Manifests::default() };
        out.unreadable.extend(unreadable);
        let patches = &self.patches;
        let is_patch = |file: &ReadFile| {
            let path = file.path.as_ref().filter(|_| !patches.is_empty());
            path.and_then(|path| fs::canonicalize(path).ok()).is_some_and(|path| patches.contains(&path))
        };
        for file in self.files.iter().filter(|file| !is_patch(file)) {
            out.files += 1;
            out.add(file);
        }
        match self.templates.files() {
            0 => {}
            n if out.objects.is_empty() => out.unreadable.push(nothing_but_templates(paths, &self.templates, n)),
            _ => out.unreadable.extend(self.templates.unreadable()),
        }
        out.unreadable.sort();
        out
    }
}

impl Manifests {
    fn add(&mut self, file: &ReadFile) {
        let is_kustomization = file.path.as_deref().is_some_and(kustomize::is_kustomization);
        let mut others = 0;
        for document in &file.parsed.documents {
            let contents = document.contents();
            others += contents.others.len();
            for item in contents.items.into_iter().filter(|item| item.gvk.group != KUSTOMIZE_GROUP) {
                self.objects.push(Entry::new(document.tree.clone(), item.root, item.gvk));
            }
        }
        if others > 0 && !is_kustomization {
            self.others.push((file.shown.clone(), others));
        }
    }
}

/// One message for one misunderstanding: a chart was named where manifests are expected.
fn nothing_but_templates(paths: &[PathBuf], templates: &Templates, files: usize) -> Unreadable {
    let names: Vec<String> = paths.iter().map(|path| shown(path)).collect();
    let look = match files {
        1 => "1 file looks like a Helm template".to_owned(),
        n => format!("{n} files look like Helm templates"),
    };
    let message = format!("no objects found: {look}. Render first: {}", templates.render());
    Unreadable { file: names.join(", "), line: 0, column: 0, message }
}
