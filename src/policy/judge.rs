//! One policy on one request.

use crate::cel::{Evaluation, ExprId, Off, Value};
use crate::finding::{Finding, Fix, Severity, Subject};
use crate::object::{Cause, MissingSet, Object};

use super::blame::{Blamed, explain};
use super::conditions::{Applies, ExpressionError, Open, applies};
use super::constraint::{Matched, Target};
use super::context::{Context, inputs, is_going};
use super::notes::Text;
use super::patch::{Patch, patch};
use super::set::{Check, Effect, Policy, Validation};

/// What the expressions of a policy may cost together, in Kubernetes' units (apiserver pkg/apis/cel/config.go,
/// RuntimeCELCostBudget).
pub const POLICY_BUDGET: u64 = 10_000_000;

/// What a policy says to a request.
#[derive(Debug, Default)]
pub struct Judgement {
    /// Matched, and all of its conditions hold.
    pub applies: bool,
    /// What its failures do at admission to this request.
    pub effect: Effect,
    /// `failurePolicy: Fail`: at admission its errors do the same.
    pub fail: bool,
    /// One for each validation that failed.
    pub findings: Vec<Found>,
    /// What kept the rest from being decided; something unknown in it: the outcome is Unknown.
    pub open: Open,
}

/// One thing that a policy has to say.
#[derive(Clone, Copy, Debug)]
pub enum Said<'j> {
    /// A failed validation.
    Failed(&'j Found),
    /// It hangs on something that nobody knows.
    Unknown(&'j MissingSet),
    /// An expression that went wrong.
    Error(&'j ExpressionError),
}

impl Judgement {
    /// Everything that there is to say, each with what it does at admission: a failure what the binding says, but a
    /// ratcheted one warns at most; so does what is unknown, and an error under `failurePolicy: Ignore`.
    pub fn said(&self) -> impl Iterator<Item = (Effect, Said<'_>)> {
        let mild = self.effect.min(Effect::Warn);
        let failed = self.findings.iter().map(move |found| {
            let effect = if found.ratcheted { mild } else { self.effect };
            (effect, Said::Failed(found))
        });
        let unknown = Some(&self.open.unknown).filter(|missing| !missing.is_empty());
        let errors = self.open.errors.iter().map(move |error| {
            let effect = if self.fail { self.effect } else { mild };
            (effect, Said::Error(error))
        });
        failed.chain(unknown.map(|missing| (mild, Said::Unknown(missing)))).chain(errors)
    }
}

/// A failed validation.
#[derive(Debug)]
pub struct Found {
    /// The finding.
    pub finding: Finding,
    /// Every cause of it was there before this change: a warning, not a denial.
    pub ratcheted: bool,
    /// The validation's own `reason`, for the status.
    pub reason: Option<String>,
}

/// Judges a request by a policy's check. `before` is the no-op update of the old object, in an inventory where that object
/// lies over its stored copy; with it, a failure whose every cause was there before is ratcheted.
pub fn judge(policy: &Policy, context: &Context<'_>, before: Option<&Context<'_>>) -> Judgement {
    let mut out = Judgement::default();
    let Some(check) = &policy.check else { return out };
    if is_going(context.target.object.or(context.target.old_object)) {
        return out;
    }
    match check.constraints.matches(&context.target, true) {
        Matched::No => return out,
        Matched::Unknown(missing) => out.open.unknown = missing,
        Matched::Yes => {}
    }
    out.effect = policy.effect(&context.target);
    out.fail = check.fail;
    let inputs = inputs(context);
    match applies(&check.unit, &check.conditions, &inputs, context.memory) {
        Applies::Yes if out.open.is_empty() => {}
        Applies::Yes => return out,
        Applies::No => return Judgement::default(),
        Applies::Open(open) => {
            out.open.unknown.extend(open.unknown);
            out.open.errors = open.errors;
            return out;
        }
    }
    out.applies = true;
    let mut evaluation = Evaluation::new(&check.unit, &inputs, Off);
    evaluation.ask_for_memory(context.memory);
    evaluation.limit_total(POLICY_BUDGET);
    let ratchet = before.filter(|_| policy.ratchet);
    // What its fix does to this request; the same for every validation, and asked for only when one fails.
    let mut fix: Option<Vec<serde_json::Value>> = None;
    for (at, validation) in check.validations.iter().enumerate() {
        match evaluation.evaluate(validation.expression) {
            Ok(value) if value.as_bool() == Some(true) => {}
            Ok(_) => {
                let patch = fix.get_or_insert_with(|| fix_of(policy, context));
                let blamed = explain(check, validation, context, &inputs, patch, ratchet.is_some());
                let ratcheted = ratchet.is_some_and(|before| was_so(check, at, before, &blamed));
                let finding = finding(policy, check, validation, context, &mut evaluation, blamed, patch.clone());
                out.findings.push(Found { finding, ratcheted, reason: validation.reason.clone() });
            }
            Err(halt) => out.open.note(halt, &check.unit, validation.expression, &inputs, context.memory),
        }
    }
    out
}

/// What a policy comes to that may be about a request and that there is no time to judge: an error.
pub fn overdue(policy: &Policy, context: &Context<'_>) -> Judgement {
    let mut out = Judgement::default();
    let Some(check) = &policy.check else { return out };
    let target = &context.target;
    if !is_going(target.object.or(target.old_object)) && check.constraints.matches(target, true) != Matched::No {
        out.effect = policy.effect(target);
        out.fail = check.fail;
        out.open.errors.push(ExpressionError::out_of_time());
    }
    out
}

/// Whether the same validation failed on the old object, for causes that include all of the new ones.
fn was_so(check: &Check, at: usize, before: &Context<'_>, new: &Blamed) -> bool {
    let inputs = inputs(before);
    if check.constraints.matches(&before.target, true) != Matched::Yes
        || !matches!(applies(&check.unit, &check.conditions, &inputs, before.memory), Applies::Yes)
    {
        return false;
    }
    let Some(validation) = check.validations.get(at) else { return false };
    let mut evaluation = Evaluation::new(&check.unit, &inputs, Off);
    evaluation.ask_for_memory(before.memory);
    evaluation.limit_total(POLICY_BUDGET);
    let failed = matches!(evaluation.evaluate(validation.expression), Ok(v) if v.as_bool() == Some(false));
    failed && {
        // Of the old failure only the causes count, and not where its fix would write.
        let old = explain(check, validation, before, &inputs, &[], true);
        // Without a cause in an object it is the request that is wrong: who asks, or that anybody does.
        !new.causes.is_empty() && new.causes.is_subset(&old.causes)
    }
}

/// The operations of the fix that is paired with a check; none where it has none or does not apply.
fn fix_of(policy: &Policy, context: &Context<'_>) -> Vec<serde_json::Value> {
    match patch(policy, context) {
        Ok(Patch::Operations(operations)) => operations,
        _ => Vec::new(),
    }
}

fn finding<'a>(
    policy: &Policy,
    check: &'a Check,
    validation: &Validation,
    context: &Context<'a>,
    evaluation: &mut Evaluation<'a, Off>,
    blamed: Blamed,
    patch: Vec<serde_json::Value>,
) -> Finding {
    let notes = &policy.notes;
    let what = message(check, validation, evaluation);
    let severity = notes
        .severity_expression
        .and_then(|e| evaluation.evaluate(e).ok())
        .and_then(|v| v.as_str().and_then(Severity::parse))
        .unwrap_or(notes.severity);
    let why = notes.why.as_ref().map(|t| text(t, evaluation)).unwrap_or_default();
    let fix = notes.fix.as_ref().map(|f| {
        let written = f.commands.and_then(|c| evaluation.evaluate(c).ok()).map(|v| lines(&v)).unwrap_or_default();
        let commands = if written.is_empty() { patch_command(&context.target, &patch) } else { written };
        Fix { text: text(&f.text, evaluation), grade: f.grade, commands }
    });
    let cause = blamed.evidence.iter().find_map(|e| e.cause.clone()).unwrap_or_else(|| match &blamed.field {
        Some(field) => Cause { key: field.stable_path.clone(), text: field.to_string() },
        None => Cause { key: String::new(), text: notes.title.clone() },
    });
    let object = context.target.object.or(context.target.old_object);
    Finding {
        policy: policy.id.clone(),
        title: notes.title.clone(),
        severity,
        stage: notes.stage,
        subject: object.map(subject).unwrap_or_else(|| Subject {
            object: Default::default(),
            location: None,
            node: None,
        }),
        what,
        why,
        fix,
        field: blamed.field,
        evidence: blamed.evidence,
        cause,
        assumptions: Vec::new(),
        patch,
        denied_at_admission: policy.strictest_effect() == Effect::Deny,
        counted_with: None,
    }
}

/// The command that sets a patch in place; none for an empty one, or for an object without a name.
fn patch_command(target: &Target<'_>, patch: &[serde_json::Value]) -> Vec<String> {
    if patch.is_empty() || target.name.is_empty() {
        return Vec::new();
    }
    let namespace = target.namespace.map(|n| format!("-n {n} ")).unwrap_or_default();
    // The version is named because the patch's paths are that version's.
    let resource = match target.group {
        "" => target.resource.to_owned(),
        group => format!("{}.{}.{group}", target.resource, target.version),
    };
    let operations = serde_json::Value::from(patch).to_string().replace('\'', "'\\''");
    vec![format!("oc {namespace}patch {resource} {} --type=json -p '{operations}'", target.name)]
}

/// An object as the subject of findings.
pub fn subject(object: Object<'_>) -> Subject {
    Subject {
        object: object.reference(),
        location: object.root.location(),
        node: object.root.str_at(&["status", "nodeName"]).map(str::to_owned),
    }
}

/// apiserver validating/validator.go: a messageExpression that fails, or gives nothing or several lines, gives way to
/// `message`, and that to the expression.
fn message<'a>(check: &'a Check, validation: &Validation, evaluation: &mut Evaluation<'a, Off>) -> String {
    let computed = validation.message_expression.and_then(|e| evaluation.evaluate(e).ok());
    let computed =
        computed.as_ref().and_then(Value::as_str).map(str::trim).filter(|m| !m.is_empty() && !m.contains('\n'));
    match (computed, &validation.message) {
        (Some(m), _) => m.to_owned(),
        (None, Some(m)) => m.clone(),
        (None, None) => format!("failed expression: {}", check.unit.source(validation.expression).trim()),
    }
}

fn text(text: &Text<ExprId>, evaluation: &mut Evaluation<'_, Off>) -> String {
    match text {
        Text::Plain(words) => words.clone(),
        Text::Expression(e) => {
            evaluation.evaluate(*e).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
        }
    }
}

/// The strings of a list of strings.
fn lines(value: &Value<'_>) -> Vec<String> {
    match value.to_json() {
        Ok(serde_json::Value::Array(list)) => {
            list.into_iter().filter_map(|v| v.as_str().map(str::to_owned)).filter(|l| !l.trim().is_empty()).collect()
        }
        _ => Vec::new(),
    }
}
