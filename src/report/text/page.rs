//! Lines of text: wrapped, indented, coloured, and clean.
//!
//! Names and messages come from whoever wrote the objects. Everything passes through [`clean`] on its way to the page, so
//! that no object can move the cursor of the person who reads about it.

use textwrap::core::display_width;
use textwrap::{Options, WordSplitter};

use crate::report::style::{Paint, Style};

/// A text that grows line by line.
pub(super) struct Page<'s> {
    pub style: &'s Style,
    text: String,
}

/// Some text in one colour.
pub(super) type Piece<'t> = (Paint, &'t str);

impl<'s> Page<'s> {
    pub fn new(style: &'s Style) -> Self {
        Page { style, text: String::new() }
    }

    pub fn finish(self) -> String {
        self.text
    }

    /// An empty line, unless there is one or nothing yet.
    pub fn gap(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    fn piece(&mut self, (paint, text): Piece<'_>) {
        let text = clean(text);
        if self.style.colour && paint != Paint::Plain && !text.is_empty() {
            let style = paint.style();
            self.text.push_str(&format!("{style}{text}{style:#}"));
        } else {
            self.text.push_str(&text);
        }
    }

    /// One line that is not wrapped: a command, or what is known to be short.
    pub fn line(&mut self, indent: usize, pieces: &[Piece<'_>]) {
        self.text.push_str(&" ".repeat(indent));
        for piece in pieces {
            self.piece(*piece);
        }
        let kept = self.text.trim_end_matches(' ').len();
        self.text.truncate(kept);
        self.text.push('\n');
    }

    /// A paragraph behind a lead; its further lines hang below its first word.
    pub fn paragraph(&mut self, indent: usize, lead: &[Piece<'_>], (paint, text): Piece<'_>) {
        let columns = self.style.columns();
        let width = lead.iter().map(|(_, t)| display_width(t)).sum::<usize>();
        let text = clean(text);
        let room = columns.saturating_sub(indent + width);
        let longest = text.split_whitespace().map(display_width).max().unwrap_or(0);
        // A lead that takes half of a narrow line would leave a thread of text beside it, and cut no word.
        let narrow = indent + width > columns / 2 || longest > room;
        let hang = if narrow { indent + 2 } else { indent + width };
        let first = wrap(&text, room).into_iter().next().filter(|l| display_width(l) <= room || indent + width == hang);
        let first = first.unwrap_or_default();
        self.line(indent, &[lead, &[(paint, &first)]].concat());
        let rest = text.trim().get(first.len()..).unwrap_or_default();
        for line in wrap(rest, columns.saturating_sub(hang)).iter().filter(|l| !l.is_empty()) {
            self.line(hang, &[(paint, line)]);
        }
    }

    /// Items in a row behind a lead, two blanks apart, as many on a line as fit; each stays whole where it can.
    pub fn row(&mut self, indent: usize, lead: &str, items: &[String]) {
        const APART: &str = "  ";
        let hang = indent + display_width(lead);
        let mut lines: Vec<String> = Vec::new();
        for item in items {
            let needs = hang + APART.len() + display_width(item);
            match lines.last_mut() {
                Some(line) if needs + display_width(line) <= self.style.columns() => {
                    line.push_str(APART);
                    line.push_str(item);
                }
                _ => lines.push(item.clone()),
            }
        }
        for (i, line) in lines.iter().enumerate() {
            let (indent, lead) = if i == 0 { (indent, lead) } else { (hang, "") };
            // Wrapped only when it is one item that is wider than the line.
            self.paragraph(indent, &[(Paint::Quiet, lead)], (Paint::Plain, line));
        }
    }

    /// Text at the left, text at the right edge; below each other where they do not fit on one line.
    pub fn apart(&mut self, lead: &[Piece<'_>], left: Piece<'_>, right: Piece<'_>) {
        let leads = lead.iter().map(|(_, t)| display_width(t)).sum::<usize>();
        let used = leads + display_width(left.1) + display_width(right.1);
        match self.style.columns().checked_sub(used) {
            Some(space) if space >= 2 => {
                let space = " ".repeat(space);
                self.line(0, &[lead, &[left, (Paint::Plain, &space), right]].concat());
            }
            _ => {
                self.paragraph(0, lead, left);
                self.line(leads + 2, &[right]);
            }
        }
    }
}

/// Lines of at most so many columns; words stay whole so that names and paths can be pasted and searched.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let options = Options::new(columns).break_words(false).word_splitter(WordSplitter::NoHyphenation);
    textwrap::wrap(text.trim(), options).into_iter().map(|l| l.into_owned()).collect()
}

/// Text without characters that control a terminal or turn the direction of writing.
pub(super) fn clean(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if c.is_control() || turns(c) { ' ' } else { c }).collect()
}
