//! What is on the other side of stdout and stderr.
//!
//! A reader that closes its end early (`virt-guard report … | head`) has read enough; that is no error.

use std::io::{ErrorKind, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};
use clap::{Args, ValueEnum};

use crate::finding::Severity;
use crate::report::{Door, Style};

/// Columns where nobody can say how many there are: a file, a pipe.
const COLUMNS: usize = 100;

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal that can; NO_COLOR, CLICOLOR_FORCE and TERM=dumb are obeyed
    #[default]
    Auto,
    /// Always, into files and pipes too
    Always,
    /// Never
    Never,
}

/// How a screen is drawn.
#[derive(Clone, Copy, Debug, Args)]
pub struct ScreenOptions {
    /// Use ASCII in place of symbols such as ✗ and →
    #[arg(long)]
    pub ascii: bool,
    /// When to colour
    #[arg(long, value_enum, default_value_t, value_name = "WHEN", hide_possible_values = true)]
    #[arg(long_help = "When to colour: auto, always or never. auto obeys NO_COLOR, CLICOLOR_FORCE and TERM=dumb")]
    pub color: Colour,
}

impl ScreenOptions {
    /// The style of text on stdout.
    pub fn style(&self, door: Door, fail_on: Severity, strict: bool, all: bool) -> Style {
        Style { width: width(), colour: self.colour(), unicode: self.unicode(), all, door, fail_on, strict }
    }

    /// True when stdout is to be coloured.
    pub fn colour(&self) -> bool {
        match self.color {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => AutoStream::choice(&std::io::stdout()) != ColorChoice::Never,
        }
    }

    /// True when symbols beyond ASCII can be shown.
    pub fn unicode(&self) -> bool {
        // As setlocale(3) picks it: the first that is set decides.
        let mut locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().filter_map(|name| std::env::var(name).ok());
        !self.ascii && is_utf8(locale.find(|value| !value.is_empty()).as_deref())
    }
}

/// Containers and CI jobs often set no locale at all, and what shows their output takes UTF-8.
fn is_utf8(locale: Option<&str>) -> bool {
    locale.is_none_or(|name| {
        let name = name.to_ascii_lowercase();
        name.contains("utf-8") || name.contains("utf8")
    })
}

/// Columns of stdout.
pub fn width() -> usize {
    let stdout = std::io::stdout();
    match terminal_size::terminal_size_of(&stdout).filter(|_| stdout.is_terminal()) {
        Some((terminal_size::Width(columns), _)) => usize::from(columns),
        None => COLUMNS,
    }
}

/// Writes to stdout.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            anyhow::bail!("standard output cannot be written: {}", words(&error))
        }
        _ => Ok(()),
    }
}

/// Says something to a person, on stderr. When that is closed there is nobody to tell.
pub fn say(text: &str) {
    let text = printable(text);
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let rest: String = lines.map(|line| format!("            {line}\n")).collect();
    let _ = write!(std::io::stderr().lock(), "virt-guard: {first}\n{rest}");
}

/// A file's name may hold escape sequences; a terminal must not obey them.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

/// What went wrong, without the number of the operating system.
pub fn words(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "no such file or folder".to_owned(),
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => {
            let text = error.to_string();
            text.split(" (os error").next().unwrap_or_default().to_lowercase()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locales_that_show_symbols() {
        for (locale, expected) in [
            (None, true),
            (Some("C.UTF-8"), true),
            (Some("de_DE.utf8"), true),
            (Some("C"), false),
            (Some("POSIX"), false),
            (Some("en_US.ISO-8859-1"), false),
        ] {
            assert_eq!(is_utf8(locale), expected, "{locale:?}");
        }
    }

    #[test]
    fn escape_sequences_are_not_obeyed() {
        assert_eq!(printable("a\u{1b}[31mb\nc\r"), "a\u{fffd}[31mb\nc\u{fffd}");
    }
}
