//! `PolicyNotes` (virt-guard.io/v1): what a person and a test need beside Kubernetes' own documents.

use crate::finding::{Grade, Severity, Stage};
use crate::object::Node;

use super::cases::Case;
use super::problem::{Fields, Problems};

/// A text that is written out, or computed by an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Text<E> {
    /// Written out; on one line, however the file breaks it.
    Plain(String),
    /// CEL, giving a string.
    Expression(E),
}

/// Which component's version a policy is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Component {
    /// KubeVirt.
    KubeVirt,
    /// OpenShift.
    OpenShift,
}

/// A minor version of a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The component.
    pub component: Component,
    /// (major, minor)
    pub minor: (u32, u32),
}

/// The notes of a policy; `E` is an expression: a node while it is read, an id when it is compiled.
#[derive(Clone, Debug)]
pub struct Notes<E> {
    /// What is wrong, as a heading.
    pub title: String,
    /// Severity, where it is constant.
    pub severity: Severity,
    /// Severity, where it depends.
    pub severity_expression: Option<E>,
    /// When in an upgrade it bites.
    pub stage: Stage,
    /// Why it matters.
    pub why: Option<Text<E>>,
    /// What to do.
    pub fix: Option<FixNotes<E>>,
    /// First version that it is about.
    pub since: Option<Bound>,
    /// First version that it is no longer about.
    pub until: Option<Bound>,
    /// What it does not catch.
    pub limits: Vec<String>,
    /// Where the rule comes from.
    pub sources: Vec<String>,
}

/// `fix` of the notes.
#[derive(Clone, Debug)]
pub struct FixNotes<E> {
    /// What to do, in one sentence.
    pub text: Text<E>,
    /// What doing it may interrupt or start.
    pub grade: Option<Grade>,
    /// CEL, giving a list of lines to paste.
    pub commands: Option<E>,
}

/// Reads a `PolicyNotes`' spec, and its cases.
pub fn read<'t>(spec: Node<'t>, problems: &mut Problems) -> Option<(Notes<Node<'t>>, Vec<Case>)> {
    let mut fields = Fields::new(spec, problems)?;
    let title = fields.required_text("title").and_then(Node::as_str).unwrap_or_default().to_owned();
    let severities = [Severity::Info, Severity::Warning, Severity::Blocker].map(|s| (s.as_str(), s));
    let severity = fields.word("severity", &severities, Severity::Warning);
    let severity_expression = fields.text("severityExpression");
    if spec.get("severity").is_none() && severity_expression.is_none() {
        fields.missing("severity (or severityExpression)");
    }
    let stages = Stage::ALL.map(|s| (s.as_str(), s));
    let named = stages.iter().copied().filter(|(_, s)| *s != Stage::Other).collect::<Vec<_>>();
    let stage = fields.word("stage", &named, Stage::Other);
    if spec.get("stage").is_none() {
        fields.missing("stage");
    }
    let why = text(&mut fields, "why", "whyExpression");
    let fix = fields.map("fix");
    let since = fields.map("since");
    let until = fields.map("until");
    let limits = fields.texts("limits").into_iter().map(str::to_owned).collect();
    let sources = fields.texts("sources").into_iter().map(str::to_owned).collect();
    let cases = fields.list("cases");
    fields.finish();
    let notes = Notes {
        title,
        severity,
        severity_expression,
        stage,
        why,
        fix: fix.and_then(|f| read_fix(f, problems)),
        since: since.and_then(|n| read_bound(n, problems)),
        until: until.and_then(|n| read_bound(n, problems)),
        limits,
        sources,
    };
    let cases = cases.into_iter().filter_map(|c| Case::read(c, problems)).collect();
    Some((notes, cases))
}

fn text<'t>(fields: &mut Fields<'t, '_>, plain: &'static str, expression: &'static str) -> Option<Text<Node<'t>>> {
    let written = fields.text(plain);
    let computed = fields.text(expression);
    match (written, computed) {
        (Some(_), Some(both)) => {
            fields.problems().at(both, format!("{plain} and {expression} exclude each other"));
            None
        }
        (Some(w), None) => {
            let words: Vec<&str> = w.as_str().unwrap_or_default().split_whitespace().collect();
            Some(Text::Plain(words.join(" ")))
        }
        (None, computed) => computed.map(Text::Expression),
    }
}

fn read_fix<'t>(node: Node<'t>, problems: &mut Problems) -> Option<FixNotes<Node<'t>>> {
    let mut fields = Fields::new(node, problems)?;
    let text = text(&mut fields, "text", "textExpression");
    let words = [("safe", Some(Grade::Safe)), ("unsafe", Some(Grade::Unsafe))];
    let grade = fields.word("grade", &words, None);
    let commands = fields.text("commandsExpression");
    if text.is_none() {
        fields.missing("text (or textExpression)");
    }
    fields.finish();
    Some(FixNotes { text: text?, grade, commands })
}

/// `{kubevirt: "1.6"}` or `{openshift: "4.18"}`.
fn read_bound(node: Node<'_>, problems: &mut Problems) -> Option<Bound> {
    let mut fields = Fields::new(node, problems)?;
    let kubevirt = fields.text("kubevirt");
    let openshift = fields.text("openshift");
    fields.finish();
    let (component, text) = match (kubevirt, openshift) {
        (Some(v), None) => (Component::KubeVirt, v),
        (None, Some(v)) => (Component::OpenShift, v),
        _ => {
            problems.at(node, "expected either kubevirt or openshift, with a version such as \"1.6\"");
            return None;
        }
    };
    let minor = text.as_str().and_then(|t| {
        let (major, minor) = t.split_once('.')?;
        Some((major.parse().ok()?, minor.parse().ok()?))
    });
    match minor {
        Some(minor) => Some(Bound { component, minor }),
        None => {
            problems.at_with_help(text, "this is no version", "a minor version, such as \"1.6\"");
            None
        }
    }
}
