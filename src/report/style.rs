//! How text is set: width, colour, symbols; and for whom it is written.

use anstyle::{AnsiColor, Effects};

use crate::finding::Severity;

/// The command that a text is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// `check`: manifests.
    Check,
    /// `report`: a cluster or a dump.
    Report,
}

/// How a text is set, and what the run was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Columns of the terminal; text uses at most 100 of them, and is not squeezed below 44. Commands are never wrapped.
    pub width: usize,
    /// ANSI colours.
    pub colour: bool,
    /// ✗ and →; else their twins in ASCII.
    pub unicode: bool,
    /// Every object, command and unknown, however many.
    pub all: bool,
    /// The command.
    pub door: Door,
    /// The least severity that makes the exit code 1.
    pub fail_on: Severity,
    /// Unknown counts as not seen.
    pub strict: bool,
}

/// Wider lines are hard to read, whatever the terminal has.
const WIDEST: usize = 100;

/// The longest answer of a report has 42 columns and is not broken; narrower screens wrap lines themselves.
const NARROWEST: usize = 44;

impl Style {
    /// 100 columns, no colour, Unicode, short lists, exit code 1 from blockers on.
    pub fn plain(door: Door) -> Self {
        let fail_on = Severity::Blocker;
        Style { width: WIDEST, colour: false, unicode: true, all: false, door, fail_on, strict: false }
    }

    /// Columns that text is wrapped to.
    pub(in crate::report) fn columns(&self) -> usize {
        self.width.clamp(NARROWEST, WIDEST)
    }

    pub(in crate::report) fn symbol(&self, symbol: Symbol) -> &'static str {
        let (unicode, ascii) = match symbol {
            Symbol::Severity(Severity::Blocker) => ("✗", "x"),
            Symbol::Severity(Severity::Warning) => ("!", "!"),
            Symbol::Severity(Severity::Info) => ("i", "i"),
            Symbol::Clear => ("✓", "ok"),
            Symbol::NotChecked => ("–", "-"),
            Symbol::Step => ("·", "*"),
            Symbol::To => ("→", "->"),
            Symbol::More => ("…", "..."),
        };
        if self.unicode { unicode } else { ascii }
    }
}

/// What a stroke means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) enum Symbol {
    /// A finding.
    Severity(Severity),
    /// Looked at, nothing found.
    Clear,
    /// Not looked at.
    NotChecked,
    /// One of several.
    Step,
    /// From one version to the next.
    To,
    /// The rest of a list.
    More,
}

/// What a colour means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) enum Paint {
    Plain,
    Bad,
    Caution,
    Note,
    Good,
    Strong,
    Quiet,
}

impl Paint {
    pub(in crate::report) fn of(severity: Severity) -> Self {
        match severity {
            Severity::Blocker => Paint::Bad,
            Severity::Warning => Paint::Caution,
            Severity::Info => Paint::Note,
        }
    }

    pub(in crate::report) fn style(self) -> anstyle::Style {
        match self {
            Paint::Plain => anstyle::Style::new(),
            Paint::Bad => AnsiColor::Red.on_default().effects(Effects::BOLD),
            Paint::Caution => AnsiColor::Yellow.on_default().effects(Effects::BOLD),
            Paint::Note => AnsiColor::Blue.on_default().effects(Effects::BOLD),
            Paint::Good => AnsiColor::Green.on_default(),
            Paint::Strong => anstyle::Style::new().effects(Effects::BOLD),
            Paint::Quiet => anstyle::Style::new().effects(Effects::DIMMED),
        }
    }
}

/// `1 object`, `3 objects`, `2 policies`.
pub(in crate::report) fn count(n: usize, noun: &str) -> String {
    match (n, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (n, Some(stem)) => format!("{n} {stem}ies"),
        (n, None) => format!("{n} {noun}s"),
    }
}
