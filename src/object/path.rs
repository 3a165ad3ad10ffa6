//! The way from an object's root to a value in it.

use std::fmt;

use super::node::Node;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Into a map.
    Key(String),
    /// Into a list.
    Index(usize),
}

/// A path, shown as Kubernetes shows field paths: `spec.volumes[0].name`, `metadata.labels[app.kubernetes.io/name]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(Vec<Step>);

impl Path {
    /// The root.
    pub fn root() -> Self {
        Path::default()
    }

    /// A path of keys only.
    pub fn keys(keys: &[&str]) -> Self {
        Path(keys.iter().map(|k| Step::Key((*k).to_owned())).collect())
    }

    /// From its steps.
    pub fn from_steps(steps: Vec<Step>) -> Self {
        Path(steps)
    }

    /// From a JSON Pointer (RFC 6901). A token of digits, and `-`, counts as an index only where `root` has a list there;
    /// `None` for text that is no pointer.
    pub fn from_pointer(pointer: &str, root: Node<'_>) -> Option<Self> {
        let mut steps = Vec::new();
        let mut at = Some(root);
        if pointer.is_empty() {
            return Some(Path(steps));
        }
        for token in pointer.strip_prefix('/')?.split('/') {
            let token = token.replace("~1", "/").replace("~0", "~");
            let list = at.filter(|n| n.kind() == super::Type::List);
            let step = match list {
                Some(l) if token == "-" => Step::Index(l.len()),
                Some(_) => Step::Index(token.parse().ok()?),
                None => Step::Key(token),
            };
            at = at.and_then(|n| match &step {
                Step::Key(k) => n.get(k),
                Step::Index(i) => n.element(*i),
            });
            steps.push(step);
        }
        Some(Path(steps))
    }

    /// Its steps.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// True for the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// This path and one key more.
    pub fn key(mut self, key: &str) -> Self {
        self.0.push(Step::Key(key.to_owned()));
        self
    }

    /// This path and one index more.
    pub fn index(mut self, i: usize) -> Self {
        self.0.push(Step::Index(i));
        self
    }

    /// This path, then another.
    pub fn join(mut self, rest: &Path) -> Self {
        self.0.extend(rest.0.iter().cloned());
        self
    }

    /// True when `other` is this path or one below it.
    pub fn is_prefix_of(&self, other: &Path) -> bool {
        other.0.starts_with(&self.0)
    }

    /// The path with list elements named by their `name`, so that it means the same after an element was put before it.
    pub fn stable(&self, root: Node<'_>) -> String {
        use fmt::Write;
        let mut out = String::new();
        let mut at = Some(root);
        for (i, step) in self.0.iter().enumerate() {
            at = at.and_then(|n| match step {
                Step::Key(k) => n.get(k),
                Step::Index(i) => n.element(*i),
            });
            let name = match step {
                Step::Index(_) => at.and_then(|n| n.str_at(&["name"]).or_else(|| n.str_at(&["metadata", "name"]))),
                Step::Key(_) => None,
            };
            match name {
                Some(name) => write!(out, "[name={name}]"),
                None => write_step(&mut out, step, i == 0),
            }
            .ok();
        }
        out
    }
}

fn write_step(out: &mut impl fmt::Write, step: &Step, first: bool) -> fmt::Result {
    match step {
        Step::Index(i) => write!(out, "[{i}]"),
        Step::Key(k) if k.contains(['.', '/']) || k.is_empty() => write!(out, "[{k}]"),
        Step::Key(k) if first => out.write_str(k),
        Step::Key(k) => write!(out, ".{k}"),
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.0.iter().enumerate() {
            write_step(f, step, i == 0)?;
        }
        Ok(())
    }
}
