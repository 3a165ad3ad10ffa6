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
    /// Columns of the terminal; text uses at most 100 of them, and is not squeezed below 40. Commands are never wrapped.
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

/// Narrower than this, hanging indents would leave nothing for the text.
const NARROWEST: usize = 40;

impl Style {
    /// 100 columns, no colour, Unicode, short lists, exit code 1 from blockers on.
    pub fn plain(door: Door) -> Self {
        let fail_on = Severity::Blocker;
        Style { width: WIDEST, colour: false, unicode: true, all: false, door, fail_on, strict: false }
    }

    /// Columns that text is wrapped to.
    pub(super) fn columns(&self) -> usize {
        self.width.clamp(NARROWEST, WIDEST)
    }

    pub(super) fn paint(&self, paint: Paint, text: &str) -> String {
        if !self.colour || text.is_empty() {
            return text.to_owned();
        }
        let style = paint.style();
        format!("{style}{text}{style:#}")
    }

    pub(super) fn symbol(&self, symbol: Symbol) -> &'static str {
        let (unicode, ascii) = match symbol {
            Symbol::Severity(Severity::Blocker) => ("✗", "x"),
            Symbol::Severity(Severity::Warning) => ("!", "!"),
            Symbol::Severity(Severity::Info) => ("i", "i"),
            Symbol::Clear => ("✓", "ok"),
            Symbol::NotChecked => ("–", "-"),
            Symbol::To => ("→", "->"),
            Symbol::More => ("…", "..."),
        };
        if self.unicode { unicode } else { ascii }
    }

    /// A symbol in its colour.
    pub(super) fn mark(&self, symbol: Symbol) -> String {
        let paint = match symbol {
            Symbol::Severity(severity) => Paint::of(severity),
            Symbol::Clear => Paint::Good,
            Symbol::NotChecked | Symbol::To | Symbol::More => Paint::Quiet,
        };
        self.paint(paint, self.symbol(symbol))
    }
}

/// What a stroke means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Symbol {
    /// A finding.
    Severity(Severity),
    /// Looked at, nothing found.
    Clear,
    /// Not looked at.
    NotChecked,
    /// From one version to the next.
    To,
    /// The rest of a list.
    More,
}

/// What a colour means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paint {
    Bad,
    Caution,
    Note,
    Good,
    Strong,
    Quiet,
}

impl Paint {
    pub(super) fn of(severity: Severity) -> Self {
        match severity {
            Severity::Blocker => Paint::Bad,
            Severity::Warning => Paint::Caution,
            Severity::Info => Paint::Note,
        }
    }

    fn style(self) -> anstyle::Style {
        match self {
            Paint::Bad => AnsiColor::Red.on_default().effects(Effects::BOLD),
            Paint::Caution => AnsiColor::Yellow.on_default().effects(Effects::BOLD),
            Paint::Note => AnsiColor::Blue.on_default().effects(Effects::BOLD),
            Paint::Good => AnsiColor::Green.on_default(),
            Paint::Strong => anstyle::Style::new().effects(Effects::BOLD),
            Paint::Quiet => anstyle::Style::new().effects(Effects::DIMMED),
        }
    }
}
