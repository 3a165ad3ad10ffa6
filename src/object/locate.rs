//! Where a value stands in the text, found when somebody asks.
//!
//! Slots are in document order, and each is one token of the text: a key, a scalar, or the bracket that opens a
//! container. So the place of slot `n` in JSON is the place of the `n`-th such token, and parsing need not keep it.
//! Landmarks, made at the first question, keep the next questions from walking the text again.

use std::sync::OnceLock;

use super::tree::{MAX_DEPTH, Span};

/// One landmark for this many slots. A question walks at most so many tokens.
const SLOTS_APART: u32 = 256;

/// One landmark for this many bytes. A question counts line ends in at most so many.
const BYTES_APART: usize = 16 * 1024;

/// Where a document stands in its text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    /// Its first byte.
    pub offset: u32,
    /// The line of that byte, from 1.
    pub line: u32,
    /// One past its last byte, or past that of the text.
    pub end: u32,
}

impl Default for Extent {
    fn default() -> Self {
        Extent { offset: 0, line: 1, end: u32::MAX }
    }
}

/// Places that are known already.
#[derive(Debug, Default)]
pub(super) struct Landmarks {
    /// Offset of every [`SLOTS_APART`]th token.
    tokens: OnceLock<Vec<u32>>,
    /// Line of every [`BYTES_APART`]th byte, from the document's first on.
    lines: OnceLock<Vec<u32>>,
}

/// Line and column (both from 1, the column in characters) of a byte.
pub(super) fn line_and_column(text: &str, extent: Extent, marks: &Landmarks, offset: u32) -> Option<(u32, u32)> {
    let bytes = text.as_bytes();
    let offset = offset as usize;
    let ends = |from: usize, to: usize| newlines(bytes.get(from..to).unwrap_or_default());
    let line = match offset.checked_sub(extent.offset as usize) {
        Some(ahead) => {
            let lines = marks.lines.get_or_init(|| {
                let end = bytes.len().min(extent.end as usize);
                let document = bytes.get(extent.offset as usize..end).unwrap_or_default();
                let mut line = extent.line;
                let lines = document.chunks(BYTES_APART).map(|chunk| {
                    let first = line;
                    line += newlines(chunk);
                    first
                });
                lines.collect()
            });
            let mark = ahead / BYTES_APART;
            *lines.get(mark).or(lines.last())? + ends(extent.offset as usize + mark * BYTES_APART, offset)
        }
        // Before the document: what a caller points at there is rare and near the beginning.
        None => 1 + ends(0, offset),
    };
    let head = text.get(..offset)?;
    let column = head.rsplit('\n').next().unwrap_or_default().trim_start_matches('\u{feff}').chars().count() as u32 + 1;
    Some((line, column))
}

fn newlines(bytes: &[u8]) -> u32 {
    bytes.iter().filter(|b| **b == b'\n').count() as u32
}

/// The span of slot `slot` of the JSON document at `extent`.
pub(super) fn json_span(text: &str, extent: Extent, marks: &Landmarks, slot: u32) -> Option<Span> {
    let bytes = text.as_bytes();
    let tokens = marks.tokens.get_or_init(|| {
        let mut tokens = Tokens { bytes, at: extent.offset as usize, depth: 0 };
        let mut marks = Vec::new();
        let mut n = 0;
        while let Some(at) = tokens.next() {
            if n % SLOTS_APART == 0 {
                marks.push(at as u32);
            }
            n += 1;
            if tokens.depth == 0 {
                break;
            }
        }
        marks
    });
    let at = *tokens.get((slot / SLOTS_APART) as usize)? as usize;
    // A landmark stands inside of containers whose ends do not end this walk.
    let mut tokens = Tokens { bytes, at, depth: MAX_DEPTH };
    let begin = tokens.nth((slot % SLOTS_APART) as usize)?;
    let end = match bytes.get(begin) {
        Some(b'{' | b'[') => closing(bytes, begin),
        _ => tokens.at,
    };
    Some(Span { start: begin as u32, end: end as u32 })
}

/// The offsets of a document's tokens: keys, scalars and opening brackets.
struct Tokens<'t> {
    bytes: &'t [u8],
    at: usize,
    /// Containers that are open; the walk ends with the last of them.
    depth: usize,
}

impl Iterator for Tokens<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        loop {
            let begin = self.at;
            match self.bytes.get(begin)? {
                b'{' | b'[' => {
                    self.at += 1;
                    self.depth += 1;
                    return Some(begin);
                }
                b'}' | b']' => {
                    self.at += 1;
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        return None;
                    }
                }
                b'"' => {
                    self.at = string_end(self.bytes, begin);
                    return Some(begin);
                }
                b',' | b':' | b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
                _ => {
                    let delimiter = |b: &u8| matches!(b, b',' | b':' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n');
                    let rest = self.bytes.get(begin..).unwrap_or_default();
                    self.at = begin + rest.iter().position(delimiter).unwrap_or(rest.len());
                    return Some(begin);
                }
            }
        }
    }
}

/// One past the quote that ends the string which begins at `begin`.
fn string_end(bytes: &[u8], begin: usize) -> usize {
    let mut at = begin + 1;
    while let Some(b) = bytes.get(at) {
        match b {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// One past the bracket that closes the one at `begin`.
fn closing(bytes: &[u8], begin: usize) -> usize {
    let mut tokens = Tokens { bytes, at: begin, depth: 0 };
    while tokens.next().is_some() {}
    tokens.at
}
