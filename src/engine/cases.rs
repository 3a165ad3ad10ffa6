//! Runs a policy's cases: each plays one request and compares what comes out with what it says.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::cel::{Computed, Fact};
use crate::facts::{ClusterDefaults, Version, Versions};
use crate::finding::Finding;
use crate::inventory::{Entry, Inventory, View};
use crate::object::{Gvk, Node, NodeId, Object, Tree};
use crate::policy::{Case, Effect, Expected, Judgement, Matched, Operation, Patch, Policy, apply, patch};

use super::request::{Judge, Request, fact_of, judge, kind_of_resource, resource_of};
use super::{Cluster, Surroundings};

/// What a case came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseRun {
    /// The policy's id.
    pub policy: String,
    /// The case's name.
    pub case: String,
    /// Its line in the policy's file.
    pub line: u32,
    /// `None` when it holds.
    pub error: Option<CaseError>,
}

/// Why a case does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaseError {
    /// The case itself cannot be run.
    #[error("{0}")]
    Malformed(String),
    /// Another outcome.
    #[error("expected {expected}, got {got}")]
    Outcome {
        /// What the case says.
        expected: &'static str,
        /// What came out, with what was said.
        got: String,
    },
    /// The right outcome, but something about it differs.
    #[error("{what}: expected {expected}, got {got}")]
    Detail {
        /// Which detail.
        what: &'static str,
        /// What the case says.
        expected: String,
        /// What came out.
        got: String,
    },
}

/// Runs one case of a policy.
pub fn run_case(policy: &Policy, case: &Case) -> CaseRun {
    let error = play(policy, case).and_then(|played| played.run(policy, case)).err();
    CaseRun { policy: policy.id.clone(), case: case.name.clone(), line: case.line, error }
}

/// The request that a case stands for, and the cluster that it describes.
///
/// # Errors
/// [`CaseError::Malformed`] for a case that cannot be run.
pub fn play(policy: &Policy, case: &Case) -> Result<Played, CaseError> {
    let tree = policy.cases_tree.as_ref().ok_or_else(|| malformed("the policy has no notes"))?;
    Played::new(case, tree)
}

/// What a policy says about the first of its cases that fails: an example for people.
pub fn example(policy: &Policy) -> Option<Finding> {
    let fails = |case: &&Case| matches!(case.expected, Expected::Deny | Expected::Warn | Expected::Audit);
    policy.cases.iter().filter(fails).find_map(|case| {
        let played = play(policy, case).ok()?;
        let found = played.judge(policy, played.request()).findings.into_iter().next()?;
        Some(found.finding)
    })
}

fn malformed(message: impl Into<String>) -> CaseError {
    CaseError::Malformed(message.into())
}

/// A case's objects, and the cluster that it describes.
#[derive(Debug)]
pub struct Played {
    object: Option<Entry>,
    old_object: Option<Entry>,
    inventory: Inventory,
    cluster: Cluster,
    request: Option<Fact>,
    operation: Operation,
    resource: String,
    subresource: String,
}

impl Played {
    fn new(case: &Case, tree: &Arc<Tree>) -> Result<Self, CaseError> {
        let object = case.object.map(|id| entry(tree, id)).transpose()?;
        let old_object = case.old_object.map(|id| entry(tree, id)).transpose()?;
        let mut inventory = Inventory::default();
        for id in &case.inventory {
            inventory.add(entry(tree, *id)?);
        }
        for resource in &case.complete {
            let kind = kind_of_resource(resource)
                .ok_or_else(|| malformed(format!("complete: no resource '{resource}' is known")))?;
            inventory.set_complete(kind.group, kind.kind, None, Ok(()));
        }
        let mut defaults = ClusterDefaults::default();
        for (key, value) in &case.defaults {
            defaults.set(key, value).map_err(malformed)?;
        }
        let now =
            case.now.as_ref().map(|t| t.parse()).transpose().map_err(|_| malformed("now is no time (RFC 3339)"))?;
        let target = match &case.target {
            Some(text) => {
                Some(Version::parse(text).ok_or_else(|| malformed(format!("target: '{text}' is no version")))?)
            }
            None => None,
        };
        let versions = Versions::detect(&View::new(&inventory), target);
        let request = case.request.map(|id| tree.node(id));
        let mut operation = match (&object, &old_object) {
            (None, _) => Operation::Delete,
            (Some(_), Some(_)) => Operation::Update,
            (Some(_), None) => Operation::Create,
        };
        if let Some(word) = request.and_then(|r| r.str_at(&["operation"])) {
            let known = Operation::ALL.iter().find(|(w, _)| *w == word);
            operation = known.ok_or_else(|| malformed(format!("request.operation: '{word}' is no operation")))?.1;
        }
        let gvk = object.as_ref().or(old_object.as_ref()).map(|e| e.object().gvk.clone()).unwrap_or_default();
        Ok(Played {
            object,
            old_object,
            inventory,
            cluster: Cluster { versions, now, defaults },
            request: request.map(fact_of),
            operation,
            resource: resource_of(&gvk),
            subresource: request.and_then(|r| r.str_at(&["subResource"])).unwrap_or_default().to_owned(),
        })
    }

    /// The request.
    pub fn request(&self) -> Request<'_> {
        Request {
            operation: self.operation,
            object: self.object.as_ref().map(Entry::object),
            old_object: self.old_object.as_ref().map(Entry::object),
            resource: &self.resource,
            subresource: &self.subresource,
            request: self.request.as_ref().map(|fact| fact as &dyn Computed),
            address: None,
        }
    }

    /// What else there is.
    pub fn around(&self) -> Surroundings<'_> {
        Surroundings { inventory: &self.inventory, cluster: &self.cluster }
    }

    fn judge(&self, policy: &Policy, request: Request<'_>) -> Judgement {
        judge([policy], request, self.around()).pop().map(|(_, judgement)| judgement).unwrap_or_default()
    }

    fn run(&self, policy: &Policy, case: &Case) -> Result<(), CaseError> {
        let judgement = self.judge(policy, self.request());
        let patched = self.patch(policy, self.request())?;
        let (outcome, said) = outcome(policy, &judgement, &patched, self.matches_mutation(policy));
        if outcome.is_none_or(|o| !same(policy, o, case.expected)) {
            return Err(CaseError::Outcome { expected: case.expected.as_str(), got: said });
        }
        self.details(&judgement, &said, case)?;
        self.fixed(policy, case, &patched)
    }

    /// What the finding says. Several findings: one of them has to fit.
    fn details(&self, judgement: &Judgement, said: &str, case: &Case) -> Result<(), CaseError> {
        let detail = |what, expected: &str, got: String| CaseError::Detail { what, expected: expected.to_owned(), got };
        if let Some(message) = case.message.as_ref().filter(|m| !said.contains(m.as_str())) {
            return Err(detail("message", message, said.to_owned()));
        }
        if let Some(field) = &case.field {
            let fields: Vec<String> = judgement
                .findings
                .iter()
                .filter_map(|f| f.finding.field.as_ref())
                .map(|e| e.path.to_string())
                .collect();
            if !fields.contains(field) {
                return Err(detail("field", field, fields.join(", ")));
            }
        }
        if let Some(severity) = case.severity {
            let severities: Vec<&str> = judgement.findings.iter().map(|f| f.finding.severity.as_str()).collect();
            if !severities.contains(&severity.as_str()) {
                return Err(detail("severity", severity.as_str(), severities.join(", ")));
            }
        }
        Ok(())
    }

    /// The fix changes what failed and nothing else, once, into what the case says.
    fn fixed(&self, policy: &Policy, case: &Case, patched: &Patched) -> Result<(), CaseError> {
        let clean = matches!(case.expected, Expected::Skip | Expected::Admit | Expected::Unknown);
        let Some(after) = &patched.after else {
            return match case.fixed {
                Some(_) => Err(malformed("fixed: the policy's fix changes nothing")),
                None => Ok(()),
            };
        };
        if clean {
            let got = Json::from(patched.operations.clone()).to_string();
            return Err(CaseError::Detail { what: "fix", expected: "no change".to_owned(), got });
        }
        let gvk = self.request().object.map(|o| o.gvk.clone()).unwrap_or_default();
        let entry = Entry::new(after.clone(), after.root().id(), gvk);
        let request = Request { object: Some(entry.object()), ..self.request() };
        if let Some(twice) = self.patch(policy, request)?.after {
            return Err(CaseError::Detail {
                what: "second pass of the fix",
                expected: "no change".to_owned(),
                got: twice.root().to_string(),
            });
        }
        if policy.check.is_some() && !self.judge(policy, request).findings.is_empty() {
            return Err(malformed("the policy still fails after its own fix"));
        }
        match case.fixed.zip(policy.cases_tree.as_ref()) {
            Some((id, tree)) => subset(tree.node(id), after.root(), ""),
            None => Ok(()),
        }
    }

    fn matches_mutation(&self, policy: &Policy) -> bool {
        let request = self.request();
        let over: Vec<Object<'_>> = request.object.or(request.old_object).into_iter().collect();
        let judge = Judge::new(request, &over, self.around());
        policy.mutation.as_ref().is_some_and(|m| m.constraints.matches(&judge.context().target, true) == Matched::Yes)
    }

    fn patch(&self, policy: &Policy, request: Request<'_>) -> Result<Patched, CaseError> {
        let over: Vec<Object<'_>> = request.object.into_iter().collect();
        let judge = Judge::new(request, &over, self.around());
        match patch(policy, &judge.context()).map_err(|e| malformed(e.to_string()))? {
            Patch::Nothing | Patch::Unknown(_) => Ok(Patched::default()),
            Patch::Operations(operations) => {
                let object = request.object.ok_or_else(|| malformed("a patch without an object"))?;
                let after = apply(object.root, &operations).map_err(malformed)?;
                Ok(Patched { operations, after: Some(Arc::new(after)) })
            }
        }
    }
}

#[derive(Default)]
struct Patched {
    operations: Vec<Json>,
    after: Option<Arc<Tree>>,
}

/// What came out, and what was said. `None`: an error.
fn outcome(policy: &Policy, judgement: &Judgement, patched: &Patched, matched: bool) -> (Option<Expected>, String) {
    let said = judgement
        .findings
        .iter()
        .map(|f| format!("{} {}", f.finding.what, f.finding.why))
        .collect::<Vec<_>>()
        .join("; ");
    if let Some(error) = judgement.open.errors.first() {
        return (None, format!("the error '{}' in: {}", error.message, error.expression));
    }
    let bound = policy.mutation.as_ref().is_some_and(|m| m.bound);
    if !judgement.findings.is_empty() {
        let outcome = match judgement.said().map(|(effect, _)| effect).max().unwrap_or_default() {
            Effect::Deny => Expected::Deny,
            Effect::Warn => Expected::Warn,
            Effect::Audit | Effect::None => Expected::Audit,
        };
        return (Some(outcome), format!("{}: {said}", outcome.as_str()));
    }
    if !judgement.open.unknown.is_empty() {
        let missing: Vec<String> = judgement.open.unknown.iter().map(ToString::to_string).collect();
        return (Some(Expected::Unknown), format!("unknown: {}", missing.join(", ")));
    }
    if bound && patched.after.is_some() {
        return (Some(Expected::Patch), format!("patch: {}", Json::from(patched.operations.clone())));
    }
    let applies = judgement.applies || (policy.check.is_none() && matched);
    let outcome = if applies { Expected::Admit } else { Expected::Skip };
    (Some(outcome), outcome.as_str().to_owned())
}

/// A policy that only mutates says by its conditions what it leaves alone: that is both "not matched" and "admitted".
fn same(policy: &Policy, outcome: Expected, expected: Expected) -> bool {
    outcome == expected || (policy.check.is_none() && outcome == Expected::Admit && expected == Expected::Skip)
}

fn entry(tree: &Arc<Tree>, id: NodeId) -> Result<Entry, CaseError> {
    let node = tree.node(id);
    let api = node.str_at(&["apiVersion"]).ok_or_else(|| malformed("an object without apiVersion"))?;
    let kind = node.str_at(&["kind"]).ok_or_else(|| malformed("an object without kind"))?;
    Ok(Entry::new(tree.clone(), id, Arc::new(Gvk::new(api, kind))))
}

/// Everything in `part` stands in `whole`.
fn subset(part: Node<'_>, whole: Node<'_>, at: &str) -> Result<(), CaseError> {
    if part.kind() != crate::object::Type::Map {
        return if part.equals(whole) {
            Ok(())
        } else {
            Err(CaseError::Detail { what: "fixed", expected: format!("{at}: {part}"), got: whole.to_string() })
        };
    }
    for (key, value) in part.entries() {
        let at = format!("{at}.{key}");
        match whole.get(key) {
            Some(other) => subset(value, other, &at)?,
            None => {
                return Err(CaseError::Detail {
                    what: "fixed",
                    expected: format!("{at}: {value}"),
                    got: "nothing".to_owned(),
                });
            }
        }
    }
    Ok(())
}
