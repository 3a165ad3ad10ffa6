//! What a report could not say: unknowns, policies that failed, inputs that could not be read.

use crate::finding::{Inputs, Unreadable};
use crate::report::style::{Paint, Style, Symbol};
use crate::report::summary::Summary;

use super::page::Page;
use super::words;

/// Entries of a list before the rest is only counted.
pub(super) const SHOWN: usize = 8;

/// How many of a list are shown, and how many are not.
pub(super) fn shown(len: usize, style: &Style) -> (usize, usize) {
    // A list that is one too long is shown whole: the line that says so is as long as the entry.
    if style.all || len <= SHOWN + 1 { (len, 0) } else { (SHOWN, len - SHOWN) }
}

/// The line behind a list that was cut.
pub(super) fn more(page: &mut Page<'_>, indent: usize, hidden: usize, what: &str) {
    if hidden > 0 {
        let text = format!("{} and {hidden} more{what}: --all", page.style.symbol(Symbol::More));
        page.line(indent, &[(Paint::Quiet, &text)]);
    }
}

fn heading(page: &mut Page<'_>, text: &str) {
    page.gap();
    page.line(0, &[(Paint::Strong, text)]);
}

/// Objects by what is missing to judge them, and the policies that wait for it.
pub(super) fn unknowns(page: &mut Page<'_>, summary: &Summary<'_>) {
    if summary.unknowns.is_empty() {
        return;
    }
    heading(page, "COULD NOT BE JUDGED");
    let mark = format!("{} ", page.style.symbol(Symbol::NotChecked));
    let (groups, hidden) = shown(summary.unknowns.len(), page.style);
    for unknowns in summary.unknowns.iter().take(groups) {
        let (things, cut) = shown(unknowns.missing.len(), page.style);
        let mut missing: Vec<String> = unknowns.missing.iter().take(things).map(ToString::to_string).collect();
        if cut > 0 {
            missing.push(format!("{cut} more"));
        }
        page.paragraph(0, &[(Paint::Caution, &mark)], (Paint::Plain, &format!("without {}:", missing.join(", "))));
        let (objects, cut) = shown(unknowns.objects.len(), page.style);
        let names: Vec<String> = unknowns.objects.keys().take(objects).map(|o| words::name(o)).collect();
        page.row(4, "", &names);
        more(page, 4, cut, "");
        let policies: std::collections::BTreeSet<&str> =
            unknowns.objects.values().flatten().map(|u| u.policy.as_str()).collect();
        page.row(4, "for ", &policies.into_iter().map(str::to_owned).collect::<Vec<_>>());
    }
    let objects: usize = summary.unknowns.iter().skip(groups).map(|u| u.objects.len()).sum();
    more(page, 2, hidden, &format!(" reasons, {objects} objects"));
}

/// Expressions that went wrong: the policy is to be mended, not the object.
pub(super) fn failures(page: &mut Page<'_>, summary: &Summary<'_>) {
    if summary.failures.is_empty() {
        return;
    }
    heading(page, "POLICIES THAT FAILED");
    let mark = format!("{} ", page.style.symbol(Symbol::NotChecked));
    for failure in &summary.failures {
        let text = format!("{}: {}", failure.policy, failure.message);
        page.paragraph(0, &[(Paint::Caution, &mark)], (Paint::Plain, &text));
        page.paragraph(4, &[(Paint::Quiet, "expression  ")], (Paint::Plain, failure.expression));
        let (objects, cut) = shown(failure.errors.len(), page.style);
        let names = failure.errors.iter().take(objects).map(|e| words::name(&e.subject.object));
        page.row(4, "on ", &names.collect::<Vec<_>>());
        more(page, 4, cut, "");
    }
}

/// Files that could not be read, and what was left out on purpose.
pub(super) fn unreadable(page: &mut Page<'_>, inputs: &Inputs) {
    if !inputs.unreadable.is_empty() {
        heading(page, "COULD NOT BE READ");
        for one in &inputs.unreadable {
            page.paragraph(2, &[], (Paint::Plain, &place(one)));
        }
    }
    if !inputs.notes.is_empty() {
        heading(page, "LEFT OUT");
        for note in &inputs.notes {
            page.paragraph(2, &[], (Paint::Plain, note));
        }
    }
}

/// `file:line:column: message`, with as much of the position as is known.
pub(super) fn place(one: &Unreadable) -> String {
    let Unreadable { file, line, column, message } = one;
    match (line, column) {
        (0, _) => format!("{file}: {message}"),
        (line, 0) => format!("{file}:{line}: {message}"),
        (line, column) => format!("{file}:{line}:{column}: {message}"),
    }
}
