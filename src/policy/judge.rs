//! One policy on one request.

use crate::cel::{Evaluation, ExprId, Fact, FactValue, Facts, Halt, Input, Off, Type, Unit, Value};
use crate::finding::{Finding, Fix, Severity, Subject};
use crate::object::{Cause, Missing, MissingSet, Object, Why};

use super::blame::{Blamed, causes, explain};
use super::constraint::{Matched, Target};
use super::notes::Text;
use super::patch::{Patch, patch};
use super::set::{Check, Condition, Effect, Policy, Validation};

/// What all matchConditions of a policy may cost together, in Kubernetes' units (apiserver pkg/apis/cel/config.go,
/// RuntimeCELCostBudgetMatchConditions).
const CONDITIONS_BUDGET: u64 = 2_500_000;

/// What all other expressions of a policy may cost together (same place, RuntimeCELCostBudget).
const POLICY_BUDGET: u64 = 10_000_000;

/// Everything that the expressions of a policy may read on one request.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// What the request is about.
    pub target: Target<'a>,
    /// `request`; see [`request`].
    pub request: &'a Fact,
    /// `namespaceObject` where the Namespace was not seen; see [`unseen_namespace`].
    pub namespace: &'a Fact,
    /// `facts`.
    pub facts: &'a dyn Facts,
}

/// What a policy says to a request.
#[derive(Debug, Default)]
pub struct Judgement {
    /// Matched, and all of its conditions hold.
    pub applies: bool,
    /// What it does at admission to this request.
    pub effect: Option<Effect>,
    /// One for each validation that failed.
    pub findings: Vec<Found>,
    /// What would have to be known for the rest; not empty: the outcome is Unknown.
    pub unknown: MissingSet,
    /// Expressions that went wrong: (expression, what the evaluator said).
    pub errors: Vec<(String, String)>,
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
        Matched::Unknown(missing) => out.unknown = missing,
        Matched::Yes => {}
    }
    let inputs = inputs(context);
    if !conditions(&check.unit, &check.conditions, &inputs, &mut out) {
        return out;
    }
    out.applies = true;
    out.effect = Some(policy.effect(&context.target));
    let mut evaluation = Evaluation::new(&check.unit, &inputs, Off);
    evaluation.limit_total(POLICY_BUDGET);
    for (at, validation) in check.validations.iter().enumerate() {
        match evaluation.evaluate(validation.expression) {
            Ok(value) if value.as_bool() == Some(true) => {}
            Ok(_) => {
                let blamed = explain(policy, check, validation, context, &inputs);
                let ratcheted = policy.ratchet && before.is_some_and(|b| was_so(policy, check, at, b, &blamed));
                let finding = finding(policy, check, validation, context, &mut evaluation, blamed);
                out.findings.push(Found { finding, ratcheted, reason: validation.reason.clone() });
            }
            Err(halt) => note(halt, &check.unit, validation.expression, &mut out),
        }
    }
    out
}

/// An object that is being deleted is always admitted, and nothing that an upgrade would wait for in it can be fixed.
pub(super) fn is_going(object: Option<Object<'_>>) -> bool {
    object.and_then(|o| o.at(&["metadata", "deletionTimestamp"])).is_some_and(|t| !t.is_null())
}

/// The roots' values, in the order of [`super::load::ROOTS`].
pub(super) fn inputs<'a>(context: &Context<'a>) -> [Input<'a>; 5] {
    let object = |o: Option<Object<'a>>| o.map_or(Input::Null, |o| Input::Node(o.root));
    let namespace = match (context.target.namespace_object, context.target.namespaced) {
        (Some(n), _) => Input::Node(n.root),
        (None, true) => Input::Fact(context.namespace),
        (None, false) => Input::Null,
    };
    [
        object(context.target.object),
        object(context.target.old_object),
        Input::Fact(context.request),
        namespace,
        Input::Facts(context.facts),
    ]
}

/// All conditions are evaluated; one that is false decides, whatever the others are (apiserver matchconditions/matcher.go).
/// True: the policy applies.
pub(super) fn conditions(unit: &Unit, conditions: &[Condition], inputs: &[Input<'_>], out: &mut Judgement) -> bool {
    let mut evaluation = Evaluation::new(unit, inputs, Off);
    evaluation.limit_total(CONDITIONS_BUDGET);
    let mut open = Judgement::default();
    for condition in conditions {
        match evaluation.evaluate(condition.expression) {
            Ok(value) if value.as_bool() == Some(true) => {}
            Ok(_) => {
                out.unknown.clear();
                return false;
            }
            Err(halt) => note(halt, unit, condition.expression, &mut open),
        }
    }
    out.unknown.append(&mut open.unknown);
    out.errors.append(&mut open.errors);
    out.unknown.is_empty() && out.errors.is_empty()
}

fn note(halt: Halt, unit: &Unit, id: ExprId, out: &mut Judgement) {
    match halt {
        Halt::Unknown(missing) => out.unknown.extend(missing.iter().cloned()),
        Halt::Error(_) | Halt::OverBudget => out.errors.push((unit.source(id).trim().to_owned(), halt.to_string())),
    }
}

/// Whether the same validation failed on the old object, for causes that include all of the new ones.
fn was_so(policy: &Policy, check: &Check, at: usize, before: &Context<'_>, new: &Blamed) -> bool {
    let inputs = inputs(before);
    if check.constraints.matches(&before.target, true) != Matched::Yes
        || !conditions(&check.unit, &check.conditions, &inputs, &mut Judgement::default())
    {
        return false;
    }
    let Some(validation) = check.validations.get(at) else { return false };
    let mut evaluation = Evaluation::new(&check.unit, &inputs, Off);
    evaluation.limit_total(POLICY_BUDGET);
    let failed = matches!(evaluation.evaluate(validation.expression), Ok(v) if v.as_bool() == Some(false));
    failed && {
        let old = causes(&explain(policy, check, validation, before, &inputs));
        causes(new).is_subset(&old)
    }
}

fn finding<'a>(
    policy: &Policy,
    check: &'a Check,
    validation: &Validation,
    context: &Context<'a>,
    evaluation: &mut Evaluation<'a, Off>,
    blamed: Blamed,
) -> Finding {
    let notes = &policy.notes;
    let what = message(check, validation, evaluation);
    let severity = notes
        .severity_expression
        .and_then(|e| evaluation.evaluate(e).ok())
        .and_then(|v| v.as_str().and_then(Severity::parse))
        .unwrap_or(notes.severity);
    let why = notes.why.as_ref().map(|t| text(t, evaluation)).unwrap_or_default();
    let patch = match patch(policy, context) {
        Ok(Patch::Operations(operations)) => operations,
        _ => Vec::new(),
    };
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
        Text::Plain(words) => words.split_whitespace().collect::<Vec<_>>().join(" "),
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

/// The declared type of `request` (apiserver pkg/admission/plugin/cel, BuildRequestType).
pub(super) fn request_type() -> Type {
    let kind = || {
        Type::object(
            "kubernetes.GroupVersionKind",
            [("group", Type::String), ("version", Type::String), ("kind", Type::String)],
        )
    };
    let resource = || {
        let fields = [("group", Type::String), ("version", Type::String), ("resource", Type::String)];
        Type::object("kubernetes.GroupVersionResource", fields)
    };
    let user = Type::object(
        "kubernetes.UserInfo",
        [
            ("username", Type::String),
            ("uid", Type::String),
            ("groups", Type::list(Type::String)),
            ("extra", Type::string_map(Type::list(Type::String))),
        ],
    );
    Type::object(
        "kubernetes.AdmissionRequest",
        [
            ("kind", kind()),
            ("resource", resource()),
            ("subResource", Type::String),
            ("requestKind", kind()),
            ("requestResource", resource()),
            ("requestSubResource", Type::String),
            ("name", Type::String),
            ("namespace", Type::String),
            ("operation", Type::String),
            ("userInfo", user),
            ("dryRun", Type::Bool),
            ("options", Type::Dyn),
        ],
    )
}

/// The declared type of `namespaceObject` (same place, BuildNamespaceType).
pub(super) fn namespace_type() -> Type {
    let metadata = Type::object(
        "kubernetes.NamespaceMetadata",
        [
            ("name", Type::String),
            ("generateName", Type::String),
            ("namespace", Type::String),
            ("labels", Type::string_map(Type::String)),
            ("annotations", Type::string_map(Type::String)),
            ("UID", Type::String),
            ("creationTimestamp", Type::Timestamp),
            ("deletionGracePeriodSeconds", Type::Int),
            ("deletionTimestamp", Type::Timestamp),
            ("generation", Type::Int),
            ("resourceVersion", Type::String),
            ("finalizers", Type::list(Type::String)),
        ],
    );
    let spec = Type::object("kubernetes.NamespaceSpec", [("finalizers", Type::list(Type::String))]);
    let status = Type::object("kubernetes.NamespaceStatus", [("phase", Type::String)]);
    Type::object("kubernetes.Namespace", [("metadata", metadata), ("status", status), ("spec", spec)])
}

/// `request`: what is known of it anyway, and over that the fields that are known better. Outside admission nobody knows
/// who asks, and with which options.
pub fn request(target: &Target<'_>, kind: &str, known: Option<&Fact>) -> Fact {
    let gvk = Fact::map([
        ("group", text_fact(target.group)),
        ("version", text_fact(target.version)),
        ("kind", text_fact(kind)),
    ]);
    let gvr = Fact::map([
        ("group", text_fact(target.group)),
        ("version", text_fact(target.version)),
        ("resource", text_fact(target.resource)),
    ]);
    let unknown = |what: &str| Fact::unknown(Missing { what: what.to_owned(), why: Why::AdmissionOnly });
    let mut fact = Fact::map([
        ("kind", gvk.clone()),
        ("resource", gvr.clone()),
        ("requestKind", gvk),
        ("requestResource", gvr),
        ("name", text_fact(target.name)),
        ("namespace", text_fact(target.namespace.unwrap_or_default())),
        ("operation", text_fact(target.operation.as_str())),
        ("userInfo", unknown("the user who asks")),
        ("dryRun", Fact::new(false)),
        ("options", unknown("the request's options")),
    ]);
    if let (FactValue::Map(fields), Some(FactValue::Map(known))) = (&mut fact.value, known.map(|k| &k.value)) {
        fields.retain(|(name, _)| !known.iter().any(|(k, _)| k == name));
        fields.extend(known.iter().cloned());
        fields.sort_by(|a, b| a.0.cmp(&b.0));
    }
    fact
}

/// `namespaceObject` of a namespace that was not seen: its name, and the one label that the API server sets.
pub fn unseen_namespace(name: Option<&str>) -> Fact {
    let missing = || {
        let what = name.map_or_else(|| "the namespace".to_owned(), |n| format!("Namespace {n}"));
        Fact::unknown(Missing::not_collected(what))
    };
    let mut metadata = vec![("labels", missing()), ("annotations", missing())];
    match name {
        Some(name) => metadata.push(("name", text_fact(name))),
        None => metadata.push(("name", missing())),
    }
    Fact::map([("metadata", Fact::map(metadata)), ("spec", missing()), ("status", missing())])
}

fn text_fact(text: &str) -> Fact {
    Fact::new(FactValue::String(text.to_owned()))
}
