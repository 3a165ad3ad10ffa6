//! What is to be said about a request, and how loudly.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::finding::{Finding, Severity};
use crate::object::{MissingSet, Path};
use crate::policy::{Effect, ExpressionError, Found, Judgement, Policy, Said};

use super::verdict::Outcome;
use super::words::{line, sentences, with_end};

/// Longest cause in characters: kubectl prints it in one piece. Kubernetes takes 5 KiB from a messageExpression.
const MAX_CAUSE: usize = 2048;

/// Longest warning in characters: what is longer the API server cuts once there are many (apiserver
/// pkg/endpoints/filters/warning.go).
const MAX_WARNING: usize = 256;

/// Longest field path in characters; keys are the user's.
const MAX_FIELD: usize = 256;

/// What stands for a field where a finding is about no single one.
pub(super) const WHOLE: &str = "object";

/// A reason to refuse: one bullet in kubectl.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Denial {
    pub severity: Severity,
    pub reason: String,
    pub field: String,
    pub message: String,
}

/// Everything that is said about a request.
#[derive(Debug, Default)]
pub(super) struct Speech {
    pub denials: Vec<Denial>,
    pub warnings: Vec<(Severity, String)>,
    /// By policy: names of what was wrong, never what stood there.
    pub audit: BTreeMap<String, String>,
    /// By policy: everything that it came to.
    pub outcomes: BTreeSet<(String, Outcome)>,
    /// Denials are warnings, and why.
    pub softened: Option<&'static str>,
}

impl Speech {
    /// Adds what a policy said.
    /// Failures that the object's owner wants to be `ignored` are heard in the audit log alone.
    pub fn judged(&mut self, policy: &Policy, judgement: &Judgement, ignored: bool) {
        if judgement.effect == Effect::None {
            return;
        }
        let mut silent = true;
        for (effect, said) in judgement.said() {
            silent = false;
            match said {
                Said::Failed(found) if ignored => {
                    let what = format!("ignored by annotation: {}", field(&found.finding));
                    self.audit(policy, Outcome::Audit, &what);
                }
                Said::Failed(found) => self.failed(policy, effect, found),
                Said::Unknown(missing) => self.unknown(policy, effect, missing),
                Said::Error(error) => self.error(policy, effect, error),
            }
        }
        if silent && judgement.applies {
            self.came_to(policy, Outcome::Pass);
        }
    }

    /// Notes what a policy came to, for metrics and logs.
    pub fn came_to(&mut self, policy: &Policy, outcome: Outcome) {
        self.outcomes.insert((policy.id.clone(), outcome));
    }

    fn failed(&mut self, policy: &Policy, effect: Effect, failed: &Found) {
        let found = &failed.finding;
        let fix = found.fix.as_ref().map_or("", |f| &f.text);
        let assumed = found.assumptions.join("; ");
        let field = field(found);
        let severity = found.severity;
        match self.soften(effect) {
            Effect::Deny => {
                let text = sentences([&found.what, &found.why, fix, &assumed]);
                let reason = failed.reason.as_deref().unwrap_or("Invalid");
                self.deny(policy, severity, reason, &field, &text)
            }
            Effect::Warn => {
                let was = if failed.ratcheted { "was already so before this change: " } else { "" };
                let would = self.would(effect);
                // In 256 characters: what to do matters more than why.
                let text = format!("{would}{was}{}{}", at(&field), sentences([&found.what, fix, &found.why]));
                self.warn(policy, severity, Outcome::Warn, &field, &text)
            }
            _ => self.audit(policy, Outcome::Audit, &field),
        }
    }

    fn unknown(&mut self, policy: &Policy, effect: Effect, missing: &MissingSet) {
        let names: Vec<String> = missing.iter().map(ToString::to_string).collect();
        if effect == Effect::Warn {
            let text = format!("not checked: {}. Not known: {}", policy.notes.title, names.join(", "));
            self.warn(policy, Severity::Info, Outcome::Unknown, "", &text)
        } else {
            self.audit(policy, Outcome::Unknown, "")
        }
    }

    /// Adds a warning that is no policy's.
    pub fn remark(&mut self, text: &str) {
        self.warnings.push((Severity::Info, line(text, MAX_WARNING)));
    }

    /// Something that kept a policy from being judged.
    pub fn error(&mut self, policy: &Policy, effect: Effect, error: &ExpressionError) {
        self.came_to(policy, Outcome::Error);
        let text = match error.expression.as_str() {
            "" => format!("policy error: {}", error.message),
            expression => format!("policy error: {}, in: {expression}", error.message),
        };
        let field = error.field.as_ref().map_or_else(|| WHOLE.to_owned(), shown);
        match self.soften(effect) {
            Effect::Deny => {
                let not_checked = format!("Not checked: {}", policy.notes.title);
                let text = sentences([&*text, &*not_checked]);
                self.deny(policy, Severity::Blocker, "PolicyError", &field, &text)
            }
            Effect::Warn => {
                let text = format!("{}{}{text}", self.would(effect), at(&field));
                self.warn(policy, Severity::Warning, Outcome::Error, &field, &text)
            }
            _ => self.audit(policy, Outcome::Error, &field),
        }
    }

    fn soften(&self, effect: Effect) -> Effect {
        if self.softened.is_some() { effect.min(Effect::Warn) } else { effect }
    }

    fn would(&self, effect: Effect) -> &'static str {
        self.softened.filter(|_| effect == Effect::Deny).unwrap_or_default()
    }

    fn deny(&mut self, policy: &Policy, severity: Severity, reason: &str, field: &str, text: &str) {
        self.denials.push(Denial {
            severity,
            reason: reason.to_owned(),
            field: field.to_owned(),
            message: with_end(text, &format!("[{}]", policy.id), MAX_CAUSE),
        });
        self.audit(policy, Outcome::Deny, field);
    }

    fn warn(&mut self, policy: &Policy, severity: Severity, outcome: Outcome, field: &str, text: &str) {
        let text = with_end(text, &format!("[{}]", policy.id), MAX_WARNING);
        if !self.warnings.iter().any(|(_, known)| *known == text) {
            self.warnings.push((severity, text));
        }
        self.audit(policy, outcome, field);
    }

    fn audit(&mut self, policy: &Policy, outcome: Outcome, what: &str) {
        self.came_to(policy, outcome);
        let said = self.audit.entry(policy.id.clone()).or_default();
        if !said.is_empty() {
            said.push_str("; ");
        }
        said.push_str(outcome.as_str());
        if !what.is_empty() {
            said.push(' ');
            said.push_str(what);
        }
    }

    /// Most severe first; else as the policies come, by id.
    pub fn sort(&mut self) {
        self.denials.sort_by_key(|d| Reverse(d.severity));
        self.warnings.sort_by_key(|(severity, _)| Reverse(*severity));
    }
}

/// The path in the judged object that a finding points at.
fn field(finding: &Finding) -> String {
    let own = finding.field.as_ref().filter(|e| e.object == finding.subject.object && !e.path.is_root());
    own.map_or_else(|| WHOLE.to_owned(), |e| shown(&e.path))
}

fn shown(path: &Path) -> String {
    line(&path.to_string(), MAX_FIELD)
}

/// A field as the beginning of a warning.
fn at(field: &str) -> String {
    if field == WHOLE { String::new() } else { format!("{field}: ") }
}
