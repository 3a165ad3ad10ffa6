//! What is wrong with a text, in words for the person who wrote it.

use std::fmt;
use std::str::Utf8Error;
use std::sync::Arc;

use super::MAX_TEXT;
use crate::object::Origin;

/// Something that is wrong at a place in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextError {
    /// Byte of the text.
    pub offset: usize,
    /// What is wrong, as half a sentence.
    pub message: String,
    /// What to try, where that can be guessed.
    pub help: Option<String>,
}

impl TextError {
    pub(super) fn new(offset: usize, message: impl Into<String>) -> Self {
        TextError { offset, message: message.into(), help: None }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same, of a text that begins `by` bytes earlier.
    pub(super) fn moved(mut self, by: usize) -> Self {
        self.offset += by;
        self
    }
}

/// `message` or `message (help)`.
impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for TextError {}

/// Why a document could not be read, and where.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The text.
    pub origin: Arc<Origin>,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// What is wrong, as half a sentence.
    pub message: String,
    /// What to try, where that can be guessed.
    pub help: Option<String>,
}

/// Gives errors their line and column. They come in the order of the text, so each line is counted once.
pub(super) struct Lines<'o> {
    origin: &'o Arc<Origin>,
    at: usize,
    line: u32,
}

impl<'o> Lines<'o> {
    pub fn new(origin: &'o Arc<Origin>) -> Self {
        Lines { origin, at: 0, line: 1 }
    }

    pub fn place(&mut self, error: TextError) -> Problem {
        let text = self.origin.text.as_deref().unwrap_or_default();
        let mut at = error.offset.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        if at < self.at {
            (self.at, self.line) = (0, 1);
        }
        let between = text.get(self.at..at).unwrap_or_default();
        self.line += between.bytes().filter(|b| *b == b'\n').count() as u32;
        self.at = at;
        let line = text.get(..at).unwrap_or_default().rsplit('\n').next().unwrap_or_default();
        let column = line.trim_start_matches('\u{feff}').chars().count() as u32 + 1;
        let TextError { message, help, .. } = error;
        Problem { origin: Arc::clone(self.origin), line: self.line, column, message, help }
    }
}

/// `name:line:column: message (help)`.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.origin.name, self.line, self.column, self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

/// The bytes as text, or what can be shown of them and why they are none.
pub(super) fn text_of(bytes: Vec<u8>) -> Result<String, (String, TextError)> {
    if bytes.len() > MAX_TEXT {
        let limit = MAX_TEXT / 1024 / 1024;
        let error = TextError::new(0, format!("larger than {limit} MiB")).help("split it into several files");
        return Err((String::new(), error));
    }
    let text = String::from_utf8(bytes).map_err(|e| {
        let error = not_utf8(e.as_bytes(), e.utf8_error());
        let valid = e.utf8_error().valid_up_to();
        let mut bytes = e.into_bytes();
        bytes.truncate(valid);
        (String::from_utf8(bytes).unwrap_or_default(), error)
    })?;
    match text.find('\0') {
        Some(at) => Err((text, TextError::new(at, "a NUL byte").help("is this a binary file?"))),
        None => Ok(text),
    }
}

pub(super) fn not_utf8(bytes: &[u8], error: Utf8Error) -> TextError {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return TextError::new(0, "this text is UTF-16").help("save it as UTF-8; PowerShell's `>` writes UTF-16");
    }
    TextError::new(error.valid_up_to(), "not UTF-8 text").help("is this a binary file?")
}
