//! The documents of a policy file as they are written: one struct a kind, nothing compiled yet.

use std::sync::Arc;

use crate::object::{Node, Tree, Type};

use super::problem::{Fields, Problems};

/// A document of a policy file.
pub(super) enum Document<'t> {
    Validating(Validating<'t>),
    ValidatingBinding(BindingDocument<'t>),
    Mutating(Mutating<'t>),
    MutatingBinding(BindingDocument<'t>),
    Notes { name: Node<'t>, spec: Node<'t>, tree: Arc<Tree> },
}

/// `matchConditions`, or `variables`: a name and an expression.
pub(super) struct Named<'t> {
    pub name: Node<'t>,
    pub expression: Node<'t>,
}

/// What a validating and a mutating policy share.
pub(super) struct Common<'t> {
    pub name: Node<'t>,
    pub constraints: Option<Node<'t>>,
    pub conditions: Vec<Named<'t>>,
    pub variables: Vec<Named<'t>>,
    pub fail: bool,
}

pub(super) struct Validating<'t> {
    pub common: Common<'t>,
    pub ratchet: bool,
    pub validations: Vec<ValidationDocument<'t>>,
}

pub(super) struct ValidationDocument<'t> {
    pub expression: Node<'t>,
    pub message: Option<&'t str>,
    pub message_expression: Option<Node<'t>>,
    pub reason: Option<&'t str>,
}

pub(super) struct Mutating<'t> {
    pub common: Common<'t>,
    /// (is a JSONPatch, its expression)
    pub mutations: Vec<(bool, Node<'t>)>,
}

pub(super) struct BindingDocument<'t> {
    pub policy: Node<'t>,
    pub actions: Vec<(Node<'t>, &'t str)>,
    pub resources: Option<Node<'t>>,
}

const ADMISSION: &str = "admissionregistration.k8s.io/";
const VERSIONS: [&str; 3] = ["v1", "v1beta1", "v1alpha1"];

/// Reads one document; `None`, and problems, when it is none of ours or damaged.
pub(super) fn read<'t>(root: Node<'t>, tree: &Arc<Tree>, problems: &mut Problems) -> Option<Document<'t>> {
    if root.kind() != Type::Map {
        problems.at(root, "expected a Kubernetes object");
        return None;
    }
    let api = root.str_at(&["apiVersion"]).unwrap_or_default();
    let kind = root.str_at(&["kind"]).unwrap_or_default();
    let admission = api.strip_prefix(ADMISSION).is_some_and(|v| VERSIONS.contains(&v));
    let mut fields = Fields::new(root, problems)?;
    fields.any("apiVersion");
    fields.any("kind");
    fields.any("status");
    let metadata = fields.map("metadata");
    let spec = fields.map("spec");
    fields.finish();
    let Some(name) = metadata.and_then(|m| m.get("name")).filter(|n| n.kind() == Type::Str && !n.is_empty()) else {
        problems.at(root, "metadata.name is missing");
        return None;
    };
    let known = matches!(
        (admission, api, kind),
        (true, _, "ValidatingAdmissionPolicy" | "ValidatingAdmissionPolicyBinding")
            | (true, _, "MutatingAdmissionPolicy" | "MutatingAdmissionPolicyBinding")
            | (_, "virt-guard.io/v1", "PolicyNotes")
    );
    if !known {
        let word = if (api, kind) == ("virt-guard.io/v1", "PolicyExemption") {
            "is not supported yet"
        } else {
            "is no policy document"
        };
        problems.at_with_help(
            root.get("kind").unwrap_or(root),
            format!("kind {kind} of {api} {word}"),
            "a policy file holds ValidatingAdmissionPolicy, MutatingAdmissionPolicy, their bindings, and PolicyNotes of virt-guard.io/v1",
        );
        return None;
    }
    let Some(spec) = spec else {
        problems.at(root, "spec is missing");
        return None;
    };
    match kind {
        "ValidatingAdmissionPolicy" => {
            let ratchet = metadata.and_then(|m| m.str_at(&["annotations", "virt-guard.io/ratchet"])) != Some("off");
            validating(name, spec, ratchet, problems).map(Document::Validating)
        }
        "MutatingAdmissionPolicy" => mutating(name, spec, problems).map(Document::Mutating),
        "ValidatingAdmissionPolicyBinding" => binding(spec, true, problems).map(Document::ValidatingBinding),
        "MutatingAdmissionPolicyBinding" => binding(spec, false, problems).map(Document::MutatingBinding),
        _ => Some(Document::Notes { name, spec, tree: tree.clone() }),
    }
}

fn common<'t>(name: Node<'t>, fields: &mut Fields<'t, '_>) -> Common<'t> {
    fields.not_supported("paramKind");
    let constraints = fields.map("matchConstraints");
    if constraints.is_none() {
        fields.missing("matchConstraints");
    }
    let conditions = fields.list("matchConditions");
    let variables = fields.list("variables");
    let fail = fields.word("failurePolicy", &[("Fail", true), ("Ignore", false)], true);
    let mut named = |list: Vec<Node<'t>>| list.into_iter().filter_map(|n| read_named(n, fields.problems())).collect();
    Common { name, constraints, conditions: named(conditions), variables: named(variables), fail }
}

fn read_named<'t>(node: Node<'t>, problems: &mut Problems) -> Option<Named<'t>> {
    let mut fields = Fields::new(node, problems)?;
    let name = fields.required_text("name");
    let expression = fields.required_text("expression");
    fields.finish();
    Some(Named { name: name?, expression: expression? })
}

fn validating<'t>(name: Node<'t>, spec: Node<'t>, ratchet: bool, problems: &mut Problems) -> Option<Validating<'t>> {
    let mut fields = Fields::new(spec, problems)?;
    let common = common(name, &mut fields);
    fields.not_supported("auditAnnotations");
    let validations = fields.list("validations");
    if validations.is_empty() {
        fields.missing("validations");
    }
    let validations = validations.into_iter().filter_map(|v| validation(v, fields.problems())).collect();
    fields.finish();
    Some(Validating { common, ratchet, validations })
}

fn validation<'t>(node: Node<'t>, problems: &mut Problems) -> Option<ValidationDocument<'t>> {
    let mut fields = Fields::new(node, problems)?;
    let expression = fields.required_text("expression");
    let message = fields.text("message");
    let message_expression = fields.text("messageExpression");
    // k8s.io/kubernetes pkg/apis/admissionregistration/validation: the reasons that a validation may give.
    let reasons = ["Unauthorized", "Forbidden", "Invalid", "RequestEntityTooLarge"].map(|r| (r, Some(r)));
    let reason = fields.word("reason", &reasons, None);
    if let Some(m) = message.filter(|m| m.as_str().is_some_and(|t| t.trim().contains('\n'))) {
        fields.problems().at(m, "message: line breaks are not allowed");
    }
    fields.finish();
    let message = message.and_then(Node::as_str).map(str::trim).filter(|m| !m.is_empty());
    Some(ValidationDocument { expression: expression?, message, message_expression, reason })
}

fn mutating<'t>(name: Node<'t>, spec: Node<'t>, problems: &mut Problems) -> Option<Mutating<'t>> {
    let mut fields = Fields::new(spec, problems)?;
    let common = common(name, &mut fields);
    fields.word("reinvocationPolicy", &[("Never", ()), ("IfNeeded", ())], ());
    let mutations = fields.list("mutations");
    if mutations.is_empty() {
        fields.missing("mutations");
    }
    let mutations = mutations.into_iter().filter_map(|m| mutation(m, fields.problems())).collect();
    fields.finish();
    Some(Mutating { common, mutations })
}

fn mutation<'t>(node: Node<'t>, problems: &mut Problems) -> Option<(bool, Node<'t>)> {
    let mut fields = Fields::new(node, problems)?;
    let json_patch = fields.word("patchType", &[("JSONPatch", Some(true)), ("ApplyConfiguration", Some(false))], None);
    let json = fields.map("jsonPatch");
    let apply = fields.map("applyConfiguration");
    let (wanted, other, name) = match json_patch {
        Some(true) => (json, apply, "jsonPatch"),
        Some(false) => (apply, json, "applyConfiguration"),
        None => {
            fields.missing("patchType");
            (None, None, "patchType")
        }
    };
    if let Some(other) = other {
        fields.problems().at(other, "does not go with this patchType");
    }
    if json_patch.is_some() && wanted.is_none() {
        fields.missing(name);
    }
    fields.finish();
    let mut fields = Fields::new(wanted?, problems)?;
    let expression = fields.required_text("expression");
    fields.finish();
    Some((json_patch?, expression?))
}

fn binding<'t>(spec: Node<'t>, validating: bool, problems: &mut Problems) -> Option<BindingDocument<'t>> {
    let mut fields = Fields::new(spec, problems)?;
    let policy = fields.required_text("policyName");
    fields.not_supported("paramRef");
    let resources = fields.map("matchResources");
    let mut actions = Vec::new();
    if validating {
        let words = fields.list("validationActions");
        if words.is_empty() {
            fields.missing("validationActions");
        }
        for node in words {
            match node.as_str() {
                Some(word @ ("Deny" | "Warn" | "Audit")) => actions.push((node, word)),
                _ => fields.problems().at(node, format!("validationActions: {node} is none of Deny, Warn, Audit")),
            }
        }
        if actions.iter().any(|a| a.1 == "Deny") && actions.iter().any(|a| a.1 == "Warn") {
            fields.problems().at(spec, "validationActions: Deny and Warn exclude each other");
        }
    }
    fields.finish();
    Some(BindingDocument { policy: policy?, actions, resources })
}
