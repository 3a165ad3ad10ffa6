//! `cases`: the proof that a policy does what it says. They are read here and run by the engine.

use std::sync::Arc;

use crate::finding::Severity;
use crate::object::{Node, NodeId, Tree};

use super::problem::{Fields, Problems};

/// What a case expects to come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Refused at admission.
    Deny,
    /// Admitted with a warning, or a denial that ratcheting softened.
    Warn,
    /// Heard in `check` and `report`, and in the audit log at most.
    Audit,
    /// Nothing to say.
    Admit,
    /// Changed at admission.
    Patch,
    /// Not to be decided.
    Unknown,
    /// Not matched.
    Skip,
}

impl Expected {
    /// All, with their words.
    pub const ALL: [(&'static str, Expected); 7] = [
        ("deny", Expected::Deny),
        ("warn", Expected::Warn),
        ("audit", Expected::Audit),
        ("admit", Expected::Admit),
        ("patch", Expected::Patch),
        ("unknown", Expected::Unknown),
        ("skip", Expected::Skip),
    ];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        Expected::ALL.iter().find(|(_, e)| *e == self).map(|(w, _)| *w).unwrap_or_default()
    }
}

/// A value inside a policy's file.
#[derive(Clone, Debug)]
pub struct Value {
    tree: Arc<Tree>,
    id: NodeId,
}

impl Value {
    /// The value.
    pub fn node(&self) -> Node<'_> {
        self.tree.node(self.id)
    }

    /// The tree it is in, and where.
    pub fn parts(&self) -> (&Arc<Tree>, NodeId) {
        (&self.tree, self.id)
    }
}

/// One case.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it shows, as a sentence.
    pub name: String,
    /// Line of the file.
    pub line: u32,
    /// The new object; `None` on DELETE.
    pub object: Option<NodeId>,
    /// The object as it was; makes it an UPDATE.
    pub old_object: Option<NodeId>,
    /// Fields of the request that are not the default.
    pub request: Option<NodeId>,
    /// Other objects that can be seen.
    pub inventory: Vec<NodeId>,
    /// `plural.group` of the kinds that the inventory holds completely.
    pub complete: Vec<String>,
    /// The OpenShift version that is upgraded to.
    pub target: Option<String>,
    /// The time, RFC 3339.
    pub now: Option<String>,
    /// What is stated about the cluster (`--cluster-default`).
    pub defaults: Vec<(String, String)>,
    /// What has to come out.
    pub expected: Expected,
    /// The finding's field, as it is shown.
    pub field: Option<String>,
    /// Part of what the finding says.
    pub message: Option<String>,
    /// The finding's severity.
    pub severity: Option<Severity>,
    /// A subset of the object after the fix.
    pub fixed: Option<NodeId>,
}

impl Case {
    /// Reads one case.
    pub fn read(node: Node<'_>, problems: &mut Problems) -> Option<Self> {
        let mut fields = Fields::new(node, problems)?;
        let name = fields.required_text("name").and_then(Node::as_str).unwrap_or_default().to_owned();
        let object = fields.map("object").map(Node::id);
        let old_object = fields.map("oldObject").map(Node::id);
        let request = fields.map("request").map(Node::id);
        let inventory = fields.list("inventory").into_iter().map(Node::id).collect();
        let complete = fields.texts("complete").into_iter().map(str::to_owned).collect();
        let target = fields.text("target").and_then(Node::as_str).map(str::to_owned);
        let now = fields.text("now").and_then(Node::as_str).map(str::to_owned);
        let defaults = fields.map("defaults");
        let outcomes: Vec<(Expected, Node<'_>)> =
            Expected::ALL.iter().filter_map(|(word, expected)| Some((*expected, fields.map(word)?))).collect();
        if object.is_none() && old_object.is_none() {
            fields.missing("object");
        }
        fields.finish();
        let pairs = |(k, v): (&str, Node<'_>)| match v.as_str() {
            Some(s) => (k.to_owned(), s.to_owned()),
            None => (k.to_owned(), v.to_string()),
        };
        let defaults = defaults.into_iter().flat_map(Node::entries).map(pairs).collect();
        let [(expected, details)] = outcomes.as_slice() else {
            let words: Vec<&str> = Expected::ALL.iter().map(|(w, _)| *w).collect();
            problems.at_with_help(node, "a case expects exactly one outcome", format!("one of {}", words.join(", ")));
            return None;
        };
        let mut case = Case {
            name,
            line: node.location().map_or(0, |l| l.line),
            object,
            old_object,
            request,
            inventory,
            complete,
            target,
            now,
            defaults,
            expected: *expected,
            field: None,
            message: None,
            severity: None,
            fixed: None,
        };
        let mut fields = Fields::new(*details, problems)?;
        case.field = fields.text("field").and_then(Node::as_str).map(str::to_owned);
        case.message = fields.text("message").and_then(Node::as_str).map(str::to_owned);
        let severities = [Severity::Info, Severity::Warning, Severity::Blocker].map(|s| (s.as_str(), Some(s)));
        case.severity = fields.word("severity", &severities, None);
        case.fixed = fields.map("fixed").map(Node::id);
        fields.finish();
        Some(case)
    }

    /// A value of the case, in the tree of its policy's notes.
    pub fn value(&self, tree: &Arc<Tree>, id: NodeId) -> Value {
        Value { tree: tree.clone(), id }
    }
}
