//! Policies as they are in force: read, checked, compiled, and shared by threads.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::cel::{ExprId, Unit};
use crate::finding::{Severity, Stage};
use crate::object::Tree;

use super::cases::Case;
use super::constraint::{Constraints, Matched, Target};
use super::notes::Notes;

/// What a policy does at admission.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Nothing: it has no binding, or none that matches.
    #[default]
    None,
    /// An audit annotation, no word to the person.
    Audit,
    /// A warning.
    Warn,
    /// A refusal.
    Deny,
}

impl Effect {
    /// As a `validationActions` entry; `None` has none.
    pub fn as_str(self) -> &'static str {
        match self {
            Effect::None => "None",
            Effect::Audit => "Audit",
            Effect::Warn => "Warn",
            Effect::Deny => "Deny",
        }
    }
}

/// A ValidatingAdmissionPolicyBinding.
#[derive(Clone, Debug)]
pub struct Binding {
    /// Its strictest action.
    pub effect: Effect,
    /// What it is restricted to; counts at admission only.
    pub restricted_to: Option<Constraints>,
}

/// A matchCondition, or a variable.
#[derive(Clone, Debug)]
pub struct Condition {
    /// Its name.
    pub name: String,
    /// Its expression.
    pub expression: ExprId,
}

/// A validation.
#[derive(Clone, Debug)]
pub struct Validation {
    /// Has to be true.
    pub expression: ExprId,
    /// What is said when it is false.
    pub message: Option<String>,
    /// CEL for what is said when it is false; wins over `message`.
    pub message_expression: Option<ExprId>,
    /// `reason` of the status; the API server's default is `Invalid`.
    pub reason: Option<String>,
}

/// A ValidatingAdmissionPolicy's spec.
#[derive(Debug)]
pub struct Check {
    /// What it matches.
    pub constraints: Constraints,
    /// `failurePolicy: Fail`, the default: an evaluation error refuses at admission.
    pub fail: bool,
    /// All of its expressions, and those of the notes.
    pub unit: Unit,
    /// Have to be true for the policy to apply.
    pub conditions: Vec<Condition>,
    /// What its expressions call by a name.
    pub variables: Vec<Condition>,
    /// What it demands.
    pub validations: Vec<Validation>,
}

impl Check {
    /// What it evaluates; variables are read through these.
    fn expressions(&self) -> impl Iterator<Item = ExprId> + '_ {
        let validations = self.validations.iter().flat_map(|v| [Some(v.expression), v.message_expression]);
        self.conditions.iter().map(|c| c.expression).chain(validations.flatten())
    }
}

/// How a mutation says what it changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchType {
    /// A list of `JSONPatch{}`.
    JsonPatch,
    /// An `Object{}` to merge.
    ApplyConfiguration,
}

/// A MutatingAdmissionPolicy's spec.
#[derive(Debug)]
pub struct Mutation {
    /// What it matches.
    pub constraints: Constraints,
    /// All of its expressions.
    pub unit: Unit,
    /// Have to be true for it to apply.
    pub conditions: Vec<Condition>,
    /// What it changes, in order.
    pub mutations: Vec<(PatchType, ExprId)>,
    /// Has a binding: applied at admission. Else it is offered.
    pub bound: bool,
    /// `failurePolicy: Fail`, the default: an evaluation error refuses at admission.
    pub fail: bool,
}

impl Mutation {
    /// What it evaluates; variables are read through these.
    fn expressions(&self) -> impl Iterator<Item = ExprId> + '_ {
        self.conditions.iter().map(|c| c.expression).chain(self.mutations.iter().map(|m| m.1))
    }
}

/// A policy: its check, its fix, or both, and its notes.
#[derive(Debug)]
pub struct Policy {
    /// Its name; file name, rule id and exemption key at once.
    pub id: String,
    /// The file that it was read from, and its text.
    pub file: String,
    /// True for the policies that are built in.
    pub embedded: bool,
    /// What it demands.
    pub check: Option<Check>,
    /// What it changes.
    pub mutation: Option<Mutation>,
    /// What its check does at admission; several: the strictest that matches.
    pub bindings: Vec<Binding>,
    /// What a person needs. Without PolicyNotes: severity from the binding, stage "other policies".
    pub notes: Notes<ExprId>,
    /// False when `metadata.annotations["virt-guard.io/ratchet"]` is `off`.
    pub ratchet: bool,
    /// The facts that its check or fix reads; none: the policy is portable.
    pub facts: BTreeSet<String>,
    /// Least Kubernetes minor whose API server knows every function it uses.
    pub kubernetes: (u32, u32),
    /// The document that the cases stand in.
    pub cases_tree: Option<Arc<Tree>>,
    /// Its proof.
    pub cases: Vec<Case>,
}

impl Policy {
    /// What it does at admission to a request: the strictest of the bindings that match. A binding whose match hangs on
    /// something unknown counts; the policy's own outcome says that something was unknown.
    pub fn effect(&self, target: &Target<'_>) -> Effect {
        let matches = |b: &&Binding| b.restricted_to.as_ref().is_none_or(|c| c.matches(target, false) != Matched::No);
        self.bindings.iter().filter(matches).map(|b| b.effect).max().unwrap_or(Effect::None)
    }

    /// The strictest thing that it does at admission to anything.
    pub fn strictest_effect(&self) -> Effect {
        self.bindings.iter().map(|b| b.effect).max().unwrap_or(Effect::None)
    }

    /// True when admission has to ask it. Ours that only audit are left out: nobody at a terminal would hear of it, and
    /// `check` and `report` say it.
    pub fn acts_at_admission(&self) -> bool {
        let least = if self.embedded { Effect::Warn } else { Effect::Audit };
        let checks = self.check.is_some() && self.strictest_effect() >= least;
        checks || self.mutation.as_ref().is_some_and(|m| m.bound)
    }

    /// True when it looks at Namespaces besides their names: by a selector, or by `namespaceObject`.
    pub fn reads_namespaces(&self) -> bool {
        let check = self.check.iter().map(|c| &c.constraints);
        let mutation = self.mutation.iter().map(|m| &m.constraints);
        let bindings = self.bindings.iter().filter_map(|b| b.restricted_to.as_ref());
        let read = |unit: &Unit, id| unit.uses(id).roots.contains("namespaceObject");
        check.chain(mutation).chain(bindings).any(Constraints::selects_namespaces)
            || self.check.as_ref().is_some_and(|c| c.expressions().any(|id| read(&c.unit, id)))
            || self.mutation.as_ref().is_some_and(|m| m.expressions().any(|id| read(&m.unit, id)))
    }

    /// True when the API server can run it as it stands.
    pub fn is_portable(&self) -> bool {
        self.facts.is_empty()
    }

    /// Its stage.
    pub fn stage(&self) -> Stage {
        self.notes.stage
    }

    /// Its severity where that is constant; else the one it falls back to.
    pub fn severity(&self) -> Severity {
        self.notes.severity
    }

    /// (group, plural) of everything that it matches, in order; `*` stands for all.
    pub fn resources(&self) -> BTreeSet<(String, String)> {
        let check = self.check.iter().map(|c| &c.constraints);
        let constraints = check.chain(self.mutation.iter().map(|m| &m.constraints));
        let rules = constraints.flat_map(|c| c.rules());
        rules
            .flat_map(|r| r.groups().iter().flat_map(|g| r.resources().iter().map(move |p| (g.clone(), p.clone()))))
            .collect()
    }
}

/// The policies in force, by id.
#[derive(Debug, Default)]
pub struct PolicySet {
    policies: Vec<Policy>,
}

impl PolicySet {
    /// Sorted by id.
    pub(super) fn new(mut policies: Vec<Policy>) -> Self {
        policies.sort_by(|a, b| a.id.cmp(&b.id));
        PolicySet { policies }
    }

    /// Keeps those that are wanted.
    pub fn retain(&mut self, wanted: impl FnMut(&Policy) -> bool) {
        self.policies.retain(wanted);
    }

    /// All of them, by id.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Policy> {
        self.policies.iter()
    }

    /// The policy of this id.
    pub fn get(&self, id: &str) -> Option<&Policy> {
        let at = self.policies.binary_search_by(|p| p.id.as_str().cmp(id)).ok()?;
        self.policies.get(at)
    }

    /// The id that was probably meant.
    pub fn nearest(&self, id: &str) -> Option<&str> {
        super::nearest(id, self.policies.iter().map(|p| p.id.as_str()))
    }
}
