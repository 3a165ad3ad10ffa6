//! The policies that are built in: the files of `policies/`, listed by the build script so that a new file is noticed.

/// A file of `policies/`.
#[derive(Clone, Copy, Debug)]
pub struct EmbeddedPolicy {
    /// Its path below the repository.
    pub name: &'static str,
    /// The file as it is written; what is read from it knows its lines.
    pub text: &'static str,
    /// Its documents as JSON, one a line: the same, read ten times faster, without lines.
    pub json: &'static str,
}

impl EmbeddedPolicy {
    /// (name, text) as it is written.
    pub fn as_written(&self) -> (&'static str, &'static str) {
        (self.name, self.text)
    }

    /// (name, text) as it is read fastest.
    pub fn as_json(&self) -> (&'static str, &'static str) {
        (self.name, self.json)
    }
}

include!(concat!(env!("OUT_DIR"), "/policies.rs"));
