//! Where a value stands in the text, found when somebody asks.
//!
//! Slots are in document order, and each is one token of the text: a key, a scalar, or the bracket that opens a
//! container. So the place of slot `n` in JSON is the place of the `n`-th such token, and parsing need not keep it.
//! Landmarks, made at the first question, keep the next questions from walking the text again.

use std::sync::OnceLock;

use super::tree::{MAX_DEPTH, Span};

/// One landmark for this many slots. A question walks at most so many tokens.
const SLOTS_APART: u32 = 256;

/// One landmark for this many bytes. A question counts lines and characters in at most so many: a dump may be one line of
/// half a gigabyte.
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
    /// The place of every [`BYTES_APART`]th byte, from the document's first on.
    places: OnceLock<Vec<Place>>,
}

/// Line and column, both from 1, the column in characters.
#[derive(Clone, Copy, Debug)]
struct Place {
    line: u32,
    column: u32,
}

impl Place {
    /// The place behind these bytes, which begin here. A byte order mark takes no column.
    fn behind(self, bytes: &[u8]) -> Place {
        let characters = |bytes: &[u8]| {
            let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
            // Every character has one byte that is no continuation byte.
            bytes.iter().filter(|b| **b & 0xc0 != 0x80).count() as u32
        };
        let lines = bytes.iter().filter(|b| **b == b'\n').count() as u32;
        match bytes.iter().rposition(|b| *b == b'\n') {
            Some(end) => {
                Place { line: self.line + lines, column: 1 + characters(bytes.get(end + 1..).unwrap_or_default()) }
            }
            None => Place { line: self.line, column: self.column + characters(bytes) },
        }
    }
}

/// Line and column (both from 1, the column in characters) of a byte.
pub(super) fn line_and_column(text: &str, extent: Extent, marks: &Landmarks, offset: u32) -> Option<(u32, u32)> {
    let bytes = text.as_bytes();
    let offset = offset as usize;
    let begin = extent.offset as usize;
    let (known, from) = match offset.checked_sub(begin) {
        Some(ahead) => {
            let places = marks.places.get_or_init(|| {
                let line_start =
                    bytes.get(..begin).and_then(|b| b.iter().rposition(|b| *b == b'\n')).map_or(0, |at| at + 1);
                let first = Place { line: extent.line, column: 1 };
                let mut place = first.behind(bytes.get(line_start..begin).unwrap_or_default());
                let document = bytes.get(begin..bytes.len().min(extent.end as usize)).unwrap_or_default();
                let places = document.chunks(BYTES_APART).map(|chunk| {
                    let begins = place;
                    place = place.behind(chunk);
                    begins
                });
                places.collect()
            });
            let mark = (ahead / BYTES_APART).min(places.len().checked_sub(1)?);
            (*places.get(mark)?, begin + mark * BYTES_APART)
        }
        // Before the document: what a caller points at there is rare and near the beginning.
        None => (Place { line: 1, column: 1 }, 0),
    };
    let place = known.behind(bytes.get(from..offset)?);
    Some((place.line, place.column))
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
