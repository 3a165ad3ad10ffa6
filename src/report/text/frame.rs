//! Source frames: the lines that decided, marked.
//!
//! A frame shows whole lines, so it must not show one that holds something secret, even when what is marked in it is
//! harmless. This errs on the side of silence: such a line gives way to its position and the path.

use std::sync::Arc;

use annotate_snippets::{Annotation, AnnotationKind, Element, Level, Origin, Snippet};
use textwrap::core::display_width;

use crate::finding::Finding;
use crate::object::{self, Evidence, SECRET_KEYS};
use crate::report::Style;

use super::page::{clean, wrap};
use super::words;

/// Longer lines are machine-made; their position says more than they do. Bytes.
const LONGEST_LINE: usize = 400;

/// Places that a finding shows beside its field.
const CONTEXT: usize = 6;

/// Columns that line numbers and the bar take.
const GUTTER: usize = 8;

/// Text in fewer columns would be a thread; it runs over the edge instead.
pub(super) const NARROWEST: usize = 24;

/// One place on one line.
struct Mark<'e> {
    evidence: &'e Evidence,
    primary: bool,
    origin: &'e Arc<object::Origin>,
    /// From 1.
    line: usize,
    text: &'e str,
    /// Bytes within the line.
    start: usize,
    end: usize,
}

/// The frames of a finding, its field's first; then what has no position or must not be shown.
pub(super) fn elements<'f>(finding: &'f Finding, style: &Style) -> Vec<Element<'f>> {
    let mut marks = Vec::new();
    let mut out: Vec<Element<'_>> = Vec::new();
    let mut notes: Vec<Element<'_>> = Vec::new();
    let field = finding.field.iter().map(|e| (e, true));
    let is_field = |e: &Evidence| finding.field.as_ref().is_some_and(|f| f.object == e.object && f.path == e.path);
    let context = finding.evidence.iter().filter(|e| !is_field(e)).take(CONTEXT).map(|e| (e, false));
    for (evidence, primary) in field.chain(context) {
        match Mark::new(evidence, primary) {
            Some(mark) => {
                let below = mark.label_below(style);
                notes.extend(below.map(|(name, text)| remark(name, &text, style)));
                marks.push(mark);
            }
            None if primary => out.push(position(finding, evidence)),
            None => notes.push(remark("note".to_owned(), &in_words(finding, evidence), style)),
        }
        if primary && marks.is_empty() && evidence.location.is_some() {
            notes.push(remark("at".to_owned(), &in_words(finding, evidence), style));
        }
    }
    if finding.field.is_none() {
        out.push(subject(finding));
    }
    while let Some(first) = marks.first() {
        let origin = first.origin;
        let (here, elsewhere) = marks.into_iter().partition(|m| Arc::ptr_eq(m.origin, origin));
        out.push(snippet(here, style));
        marks = elsewhere;
    }
    out.extend(notes);
    out
}

/// ` = name: text`, below the frames.
pub(super) fn remark<'t>(name: String, text: &str, style: &Style) -> Element<'t> {
    // Line numbers take up to five columns, ` = ` and `: ` five more.
    let room = style.columns().saturating_sub(display_width(&name) + 10).max(NARROWEST);
    let text = wrap(&clean(text), room).join("\n");
    Level::HELP.with_name(name).message(text).into()
}

/// `-->` and where to look, for what is not shown.
fn position<'f>(finding: &'f Finding, evidence: &'f Evidence) -> Element<'f> {
    match &evidence.location {
        Some(at) => Origin::path(at.origin.name.as_str()).line(at.line as usize).char_column(at.column as usize).into(),
        None => {
            Origin::path(clean(&format!("{}: {}", words::name(&finding.subject.object), own(finding, evidence)))).into()
        }
    }
}

fn subject(finding: &Finding) -> Element<'_> {
    match &finding.subject.location {
        Some(at) => Origin::path(at.origin.name.as_str()).line(at.line as usize).char_column(at.column as usize).into(),
        None => Origin::path(clean(&words::name(&finding.subject.object))).into(),
    }
}

/// `spec.x: value`, with its object when that is not the subject.
fn own(finding: &Finding, evidence: &Evidence) -> String {
    match evidence.object == finding.subject.object {
        true => evidence.to_string(),
        false => format!("{}: {evidence}", words::name(&evidence.object)),
    }
}

fn in_words(finding: &Finding, evidence: &Evidence) -> String {
    let text = own(finding, evidence);
    evidence.note.as_ref().map_or(text.clone(), |note| format!("{text}: {note}"))
}

impl<'e> Mark<'e> {
    /// `None` when the place is not known or its line must not be shown.
    fn new(evidence: &'e Evidence, primary: bool) -> Option<Self> {
        let location = evidence.location.as_ref()?;
        let all = location.origin.text.as_deref()?;
        let (from, to) = (location.span.start as usize, location.span.end as usize);
        let before = all.get(..from)?;
        let begin = before.rfind('\n').map_or(0, |i| i + 1);
        let text = all.get(begin..)?.lines().next()?;
        let previous = all.get(..begin)?.lines().next_back().unwrap_or_default();
        if evidence.is_secret() || evidence.object.kind == "Secret" || !may_be_shown(text, previous) {
            return None;
        }
        let start = from - begin;
        // What covers several lines is marked on its first.
        let end = (to.max(from) - begin).min(text.trim_end().len()).max(start);
        text.get(start..end)?;
        Some(Mark { evidence, primary, origin: &location.origin, line: location.line as usize, text, start, end })
    }

    /// What it means.
    fn label(&self) -> Option<String> {
        let note = self.evidence.note.clone().unwrap_or_default();
        let text = match self.evidence.absent {
            false => note,
            true if note.is_empty() => format!("{} is not set", self.evidence.path),
            true => format!("{} is not set: {note}", self.evidence.path),
        };
        (!text.is_empty()).then(|| clean(&text))
    }

    /// The label, when it fits on the line behind what it marks; the renderer does not wrap it.
    fn label_beside(&self, style: &Style) -> Option<String> {
        let before = GUTTER + display_width(self.text.get(..self.end).unwrap_or_default());
        self.label().filter(|l| before + display_width(l) <= style.columns())
    }

    /// The label below the frame, when it does not fit: the line's name, and the text.
    fn label_below(&self, style: &Style) -> Option<(String, String)> {
        if self.label_beside(style).is_some() {
            return None;
        }
        let place = if self.primary { "line".to_owned() } else { clean(&self.origin.name) };
        let separator = if self.primary { ' ' } else { ':' };
        Some((format!("{place}{separator}{}", self.line), self.label()?))
    }
}

/// False for a line that holds, or may go on with, what no output may show, and for one that no person wrote.
fn may_be_shown(line: &str, previous: &str) -> bool {
    let names = |key: &str, text: &str| {
        text.match_indices(key).any(|(at, _)| {
            let beside = |c: Option<char>| !c.is_some_and(char::is_alphanumeric);
            beside(text.get(..at).and_then(|t| t.chars().next_back()))
                && beside(text.get(at + key.len()..).and_then(|t| t.chars().next()))
        })
    };
    // A Secret on the same line, as in JSON that was not indented.
    let keys = || SECRET_KEYS.into_iter().chain(["stringData", "Secret"]);
    let goes_on = previous.trim_end().ends_with([':', '|', '>']) && keys().any(|k| names(k, previous));
    line.len() <= LONGEST_LINE && !goes_on && !keys().any(|k| names(k, line))
}

/// The marked lines of one file, under their own numbers. Lines between them are not shown: they did not decide, and
/// nobody looked whether they may be seen.
fn snippet<'m>(mut marks: Vec<Mark<'m>>, style: &Style) -> Element<'m> {
    marks.sort_by_key(|m| (m.line, m.start));
    let name = marks.first().map_or("", |m| m.origin.name.as_str());
    let first = marks.first().map_or(1, |m| m.line);
    let mut source = String::new();
    let mut at = first;
    let mut begin = 0;
    let mut annotations: Vec<Annotation<'_>> = Vec::new();
    for mark in &marks {
        if source.is_empty() || at < mark.line {
            while at < mark.line {
                source.push('\n');
                at += 1;
                if at < mark.line {
                    source.push_str(BETWEEN);
                }
            }
            begin = source.len();
            source.push_str(mark.text);
        }
        let kind = if mark.primary { AnnotationKind::Primary } else { AnnotationKind::Context };
        annotations.push(kind.span(begin + mark.start..begin + mark.end).label(mark.label_beside(style)));
    }
    Snippet::source(source).line_start(first).path(name).annotations(annotations).into()
}

/// Stands for a line between two marked ones; where there are more of them, the renderer says so itself.
const BETWEEN: &str = "...";

#[cfg(test)]
mod tests {
    use super::may_be_shown;

    #[test]
    fn lines_that_may_be_shown() {
        let rows = [
            ("  evictionStrategy: LiveMigrate", "spec:", true),
            ("  userData: |", "", false),
            ("{cloudInitNoCloud: {userData: x}}", "", false),
            ("  \"networkDataBase64\": \"eA==\",", "", false),
            ("  userDataSecretRef: {name: init}", "", true),
            ("  password: x", "  userData: |", false),
            ("  \"eA==\"", "  \"userDataBase64\":", false),
            ("- name: next", "  userData: one line", true),
            ("  kind: Secret", "", false),
            ("[{\"kind\":\"Secret\",\"data\":{\"a\":\"eA==\"}},{\"kind\":\"VirtualMachine\"}]", "", false),
            ("  secretName: pull", "", true),
            ("  kubectl.kubernetes.io/last-applied-configuration: '{}'", "", false),
            (&"x".repeat(401), "", false),
        ];
        for (line, previous, shown) in rows {
            assert_eq!(may_be_shown(line, previous), shown, "{line}");
        }
    }
}
