//! A group on screen: the findings of one policy, told by cause.

use std::collections::{BTreeMap, BTreeSet};

use textwrap::core::display_width;

use crate::finding::{Finding, Fix, Grade};
use crate::report::style::{Paint, Symbol};
use crate::report::summary::{CauseGroup, Group};

use super::open::{more, shown};
use super::page::Page;
use super::words;

/// Columns before a group's text; `why` and `fix` stand in them.
const INDENT: usize = 4;

/// Columns before the text of `why` and `fix`.
const LABEL: usize = 7;

/// Different texts of one policy that are told; the rest is in `--all`.
const TEXTS: usize = 3;

/// The heading, the objects by cause, why it matters and what to do.
pub(super) fn group(page: &mut Page<'_>, group: &Group<'_>) {
    let findings: Vec<&Finding> = group.findings().collect();
    let count = match findings.len() {
        1 => String::new(),
        _ => format!(" ({})", words::count_of(findings.iter().map(|f| &f.subject.object))),
    };
    let mark = format!("{} ", page.style.symbol(Symbol::Severity(group.severity)));
    let title = format!("{}{count}", group.title);
    page.apart(&[(Paint::of(group.severity), &mark)], (Paint::Strong, &title), (Paint::Quiet, group.policy));
    let what = same(findings.iter().map(|f| f.what.as_str())).filter(|w| *w != group.title);
    if let Some(what) = what {
        page.paragraph(INDENT, &[], (Paint::Plain, what));
    }
    let fields: Vec<Option<String>> = findings.iter().map(|f| words::field(f)).collect();
    let field = same(fields.iter().map(Option::as_deref)).flatten().filter(|_| findings.len() > 1);
    if let Some(field) = field {
        page.paragraph(INDENT, &[], (Paint::Plain, field));
    }
    let told = Told { what: same(findings.iter().map(|f| f.what.as_str())).is_some(), field: field.is_some() };
    let (causes, hidden) = shown(group.causes.len(), page.style);
    for cause in group.causes.iter().take(causes) {
        self::cause(page, group, cause, &told);
    }
    let objects: usize = group.causes.iter().skip(causes).map(|c| c.findings.len()).sum();
    more(page, INDENT, hidden, &format!(" causes, {objects} objects"));
    texts(page, "why", findings.iter().map(|f| f.why.as_str()));
    fixes(page, &findings);
    let notes = findings.iter().flat_map(|f| &f.assumptions);
    texts(page, "note", notes.map(String::as_str));
}

/// What was said of all findings at once.
struct Told {
    what: bool,
    field: bool,
}

/// The objects that share a cause, and the cause once.
fn cause(page: &mut Page<'_>, group: &Group<'_>, cause: &CauseGroup<'_>, told: &Told) {
    let findings = &cause.findings;
    let fields: Vec<Option<String>> = findings.iter().map(|f| words::field(f).filter(|_| !told.field)).collect();
    let field = same(fields.iter().map(Option::as_deref)).flatten();
    let because = says_more(group, cause);
    let mut indent = INDENT;
    if because {
        let text = cause.cause.text.trim_end_matches([':', '.']);
        page.paragraph(INDENT, &[], (Paint::Plain, &format!("because {text}:")));
        indent += 2;
    }
    match (findings.as_slice(), field) {
        ([one], field) if !told.field => object(page, indent, one, field),
        (_, Some(field)) => {
            page.paragraph(indent, &[], (Paint::Plain, field));
            rows(page, indent + 2, findings);
        }
        (_, None) if because || told.field => rows(page, indent, findings),
        (_, None) => {
            let (n, hidden) = shown(findings.len(), page.style);
            for (finding, field) in findings.iter().zip(&fields).take(n) {
                object(page, indent, finding, field.as_deref());
            }
            more(page, indent, hidden, "");
        }
    }
    if !told.what {
        whats(page, indent, findings);
    }
}

/// True when a cause has words of its own: not the policy's title, and not the field that is shown anyway.
fn says_more(group: &Group<'_>, cause: &CauseGroup<'_>) -> bool {
    let text = cause.cause.text.as_str();
    let is_field = |f: &&Finding| f.field.as_ref().is_some_and(|e| e.path.to_string() == text || e.stable_path == text);
    !text.is_empty() && text != group.title && !cause.findings.iter().any(is_field)
}

/// One object, and the field that decided.
fn object(page: &mut Page<'_>, indent: usize, finding: &Finding, field: Option<&str>) {
    let on = finding.subject.node.as_ref().map(|n| format!("  on {n}")).unwrap_or_default();
    let name = format!("{}{on}", words::name(&finding.subject.object));
    let one_line = field.is_some_and(|f| indent + display_width(&name) + 3 + display_width(f) <= page.style.columns());
    match field {
        Some(field) if one_line => {
            page.line(indent, &[(Paint::Plain, &name), (Paint::Plain, "   "), (Paint::Plain, field)])
        }
        _ => {
            page.row(indent, "", &[name]);
            if let Some(field) = field {
                page.paragraph(indent + 2, &[], (Paint::Plain, field));
            }
        }
    }
}

/// Many objects, by node when they run on nodes. The heading says their kind, unless there are several.
fn rows(page: &mut Page<'_>, indent: usize, findings: &[&Finding]) {
    let mixed = same(findings.iter().map(|f| f.subject.object.kind.as_str())).is_none();
    let name = |f: &Finding| {
        let object = &f.subject.object;
        if mixed { words::name(object) } else { object.qualified_name() }
    };
    let mut by_node: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in findings {
        by_node.entry(finding.subject.node.as_deref().unwrap_or_default()).or_default().push(finding);
    }
    let (mut room, hidden) = shown(findings.len(), page.style);
    let width = by_node.keys().map(|n| n.chars().count()).max().unwrap_or(0);
    for (node, findings) in by_node {
        if room == 0 {
            break;
        }
        let names: Vec<String> = findings.iter().take(room).map(|f| name(f)).collect();
        room -= names.len();
        let lead = if width == 0 { String::new() } else { format!("{node:<width$}  ") };
        page.row(indent, &lead, &names);
    }
    more(page, indent, hidden, "");
}

/// What is wrong, where a policy says it differently of each object: of the first, or of all.
fn whats(page: &mut Page<'_>, indent: usize, findings: &[&Finding]) {
    match (same(findings.iter().map(|f| f.what.as_str())), findings) {
        (Some(what), _) => page.paragraph(indent, &[], (Paint::Plain, what)),
        (None, _) if page.style.all => {
            for finding in findings {
                let lead = format!("{}: ", finding.subject.object.qualified_name());
                page.paragraph(indent, &[(Paint::Plain, &lead)], (Paint::Plain, &finding.what));
            }
        }
        (None, [first, ..]) => {
            let lead = format!("such as {}: ", first.subject.object.qualified_name());
            page.paragraph(indent, &[(Paint::Quiet, &lead)], (Paint::Plain, &first.what));
        }
        (None, []) => {}
    }
}

/// A label and the different texts of a group, each once.
fn texts<'a>(page: &mut Page<'_>, label: &str, texts: impl Iterator<Item = &'a str>) {
    let told = unique(texts.filter(|t| !t.is_empty()));
    let hidden = if page.style.all { 0 } else { told.len().saturating_sub(TEXTS) };
    for (i, text) in told.iter().take(told.len() - hidden).enumerate() {
        labelled(page, if i == 0 { label } else { "" }, text);
    }
    more(page, LABEL, hidden, "");
}

fn labelled(page: &mut Page<'_>, label: &str, text: &str) {
    let lead = format!("{label:<width$}", width = LABEL - 2);
    page.paragraph(2, &[(Paint::Strong, &lead)], (Paint::Plain, text));
}

/// What to do: each different text once, with the commands for its first object, or for all.
fn fixes(page: &mut Page<'_>, findings: &[&Finding]) {
    let with_fix = || findings.iter().filter_map(|f| Some((*f, f.fix.as_ref()?)));
    let mut by_text: BTreeMap<&str, Vec<(&Finding, &Fix)>> = BTreeMap::new();
    for (finding, fix) in with_fix() {
        by_text.entry(&fix.text).or_default().push((finding, fix));
    }
    let texts = unique(with_fix().map(|(_, fix)| fix.text.as_str()));
    let hidden = if page.style.all { 0 } else { texts.len().saturating_sub(TEXTS) };
    let step = page.style.symbol(Symbol::Step);
    for (i, text) in texts.iter().take(texts.len() - hidden).enumerate() {
        let of = by_text.get(text).map(Vec::as_slice).unwrap_or_default();
        let whose = match of {
            [(first, _), rest @ ..] if texts.len() > 1 => {
                let others = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
                format!("{step} {}{others}: ", first.subject.object.qualified_name())
            }
            _ => String::new(),
        };
        let interrupts = of.iter().any(|(_, f)| f.grade == Some(Grade::Unsafe) && !f.commands.is_empty());
        let warning = if interrupts { " (can interrupt or start something)" } else { "" };
        labelled(page, if i == 0 { "fix" } else { "" }, &format!("{whose}{text}{warning}"));
        commands(page, of);
    }
    more(page, LABEL, hidden, if hidden == 1 { " way" } else { " ways" });
}

/// The commands of the first that has any, or of all. Two objects may share what mends them: a node, a storage class.
fn commands(page: &mut Page<'_>, of: &[(&Finding, &Fix)]) {
    let told = unique(of.iter().map(|(_, fix)| fix.commands.as_slice()).filter(|c| !c.is_empty()));
    let shown = if page.style.all { told.len() } else { 1 };
    for line in told.iter().take(shown).copied().flatten() {
        let paint = if line.starts_with('#') { Paint::Quiet } else { Paint::Plain };
        page.line(LABEL, &[(paint, line)]);
    }
    let rest = told.len().saturating_sub(shown);
    if rest > 0 {
        let others = if rest == 1 { "one".to_owned() } else { rest.to_string() };
        page.line(LABEL, &[(Paint::Quiet, &format!("likewise for the other {others}: --all"))]);
    }
}

/// Each value once, in the order of their first appearance.
fn unique<T: Ord + Copy>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = BTreeSet::new();
    values.filter(|v| seen.insert(*v)).collect()
}

/// The value that all have; `None` when they differ.
fn same<T: PartialEq>(mut values: impl Iterator<Item = T>) -> Option<T> {
    let first = values.next()?;
    values.all(|v| v == first).then_some(first)
}
