//! Lays out the pages of `explain` and `facts`: headings, wrapped text, code that stays as it is.

use anstyle::{Effects, Style};

use super::terminal::printable;

/// Wider lines are hard to read, whatever the terminal has.
const WIDEST: usize = 100;

/// Narrower than this, indents would leave nothing for the text.
const NARROWEST: usize = 40;

/// A page, line by line.
#[derive(Debug)]
pub struct Page {
    text: String,
    width: usize,
    colour: bool,
}

impl Page {
    /// An empty page.
    pub fn new(width: usize, colour: bool) -> Self {
        Page { text: String::new(), width: width.clamp(NARROWEST, WIDEST), colour }
    }

    /// The first line: a name, and at the right margin what it is.
    pub fn head(&mut self, name: &str, what: &str) {
        let name = printable(name);
        let used = name.chars().count() + what.chars().count();
        let gap = self.width.saturating_sub(used).max(2);
        let name = self.strong(&name);
        self.line(&format!("{name}{:gap$}{what}", ""));
    }

    /// A heading, after a blank line.
    pub fn section(&mut self, heading: &str) {
        let heading = self.strong(heading);
        self.line("");
        self.line(&heading);
    }

    /// Prose, wrapped and indented.
    pub fn text(&mut self, text: &str) {
        self.hanging(2, "", text);
    }

    /// Code, as it was written, without the indent that all its lines share.
    pub fn code(&mut self, code: &str) {
        self.code_at(6, code);
    }

    /// A name, and the code that it stands for.
    pub fn named(&mut self, name: &str, code: &str) {
        self.line(&format!("    {name}:"));
        self.code_at(6, code);
    }

    /// Prose behind a lead; later lines begin where the text of the first did.
    pub fn hanging(&mut self, indent: usize, lead: &str, text: &str) {
        let first = format!("{:indent$}{lead}", "");
        let later = " ".repeat(first.chars().count());
        let options = textwrap::Options::new(self.width).initial_indent(&first).subsequent_indent(&later);
        // No word of ours is worth breaking: commands and paths have to stay whole.
        let options = options.break_words(false).word_splitter(textwrap::WordSplitter::NoHyphenation);
        for line in textwrap::wrap(&printable(text), options) {
            self.line(line.trim_end());
        }
    }

    /// One line as it is.
    pub fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// The page.
    pub fn finish(self) -> String {
        self.text
    }

    /// Columns of a line.
    pub fn width(&self) -> usize {
        self.width
    }

    /// In bold.
    pub fn strong(&self, text: &str) -> String {
        self.paint(Style::new().effects(Effects::BOLD), text)
    }

    /// In a style, when there are colours.
    pub fn paint(&self, style: Style, text: &str) -> String {
        if self.colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    fn code_at(&mut self, indent: usize, code: &str) {
        for line in textwrap::dedent(printable(code).trim_end()).lines() {
            self.line(format!("{:indent$}{}", "", line.trim_end()).trim_end());
        }
    }
}
