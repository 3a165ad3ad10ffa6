//! From a place in a scalar's value to its place in the text.
//!
//! What is written and what it means are walked side by side. Escapes, doubled quotes and folded lines are where they
//! differ; everything else has to be the same character on both sides, and when it is not the walk gives up.

use std::iter::Peekable;
use std::str::CharIndices;

use crate::object::{Location, Node, Span};

/// Where byte `offset` of a string's value stands in the text: in plain, quoted, literal and folded scalars, and in JSON.
///
/// Used to place what is wrong with an expression in a policy's file. A place in folded white space is its beginning or
/// its end. Where the two sides cannot be brought into step, the scalar's beginning; `None` when no text is known.
pub fn position_in_scalar(node: Node<'_>, offset: usize) -> Option<Location> {
    let location = node.location()?;
    let start = location.span.start as usize;
    let place = || {
        let text = location.origin.text.as_deref()?;
        let written = text.get(start..location.span.end as usize)?;
        let style = Style::of(text, start, written);
        let at = start + walk(written, node.as_str()?, style, offset)?;
        let len = text.get(at..)?.chars().next().map_or(0, char::len_utf8);
        node.tree().location_of(Span { start: at as u32, end: (at + len) as u32 })
    };
    place().or(Some(location.clone()))
}

#[derive(Clone, Copy, PartialEq)]
enum Style {
    Plain,
    Single,
    Double,
    /// Literal or folded.
    Block,
}

impl Style {
    fn of(text: &str, start: usize, written: &str) -> Self {
        let head = text.get(..start).unwrap_or_default();
        match written.as_bytes().first() {
            _ if begins_block(head) => Style::Block,
            Some(b'"') => Style::Double,
            Some(b'\'') => Style::Single,
            _ => Style::Plain,
        }
    }
}

/// True when what precedes is the header of a block scalar (`|`, `>-`, `|2+`) and then only blank lines.
fn begins_block(head: &str) -> bool {
    let Some((before, indent)) = head.rsplit_once('\n') else { return false };
    let Some(line) = before.lines().rfind(|line| !line.trim().is_empty()) else { return false };
    let line = line.split(" #").next().unwrap_or_default().trim_end();
    let header = line.trim_end_matches(|c: char| c.is_ascii_digit() || c == '+' || c == '-');
    let before = header.strip_suffix(['|', '>']);
    indent.trim().is_empty() && before.is_some_and(|b| b.is_empty() || b.ends_with([' ', '\t']))
}

/// The byte of `written` where byte `offset` of `value` comes from.
fn walk(written: &str, value: &str, style: Style, offset: usize) -> Option<usize> {
    let quoted = matches!(style, Style::Single | Style::Double);
    let body = written.get(usize::from(quoted)..)?;
    let mut raw = body.char_indices().peekable();
    let mut cooked = 0;
    loop {
        let at = raw.peek().map_or(body.len(), |(at, _)| *at);
        let here = usize::from(quoted) + at;
        if cooked >= offset {
            return Some(here);
        }
        let rest = value.get(cooked..)?;
        let Some((_, c)) = raw.next() else {
            // Only the line's end at the end of a block scalar is left.
            return rest.trim().is_empty().then_some(here);
        };
        cooked += if style == Style::Double && c == '\\' {
            escape(&mut raw, rest)?
        } else if style == Style::Single && c == '\'' {
            raw.next_if(|(_, c)| *c == '\'')?;
            same('\'', rest)?
        } else if c.is_whitespace() && (style == Style::Block || folds(body.get(at..)?)) {
            while raw.next_if(|(_, c)| c.is_whitespace()).is_some() {}
            let end = raw.peek().map_or(body.len(), |(at, _)| *at);
            let folded = match style {
                Style::Block => rest.len() - rest.trim_start().len(),
                _ => body.get(at..end)?.matches('\n').count().max(2) - 1,
            };
            if offset < cooked + folded {
                // Inside of it: its end, for that is where the next word begins.
                return Some(if offset == cooked { here } else { usize::from(quoted) + end });
            }
            folded
        } else {
            same(c, rest)?
        };
    }
}

/// True when white space contains the end of a line.
fn folds(text: &str) -> bool {
    text.chars().take_while(|c| c.is_whitespace()).any(|c| c == '\n')
}

/// The bytes of the character, if the value goes on with it.
fn same(c: char, rest: &str) -> Option<usize> {
    rest.starts_with(c).then(|| c.len_utf8())
}

/// Passes the rest of an escape; gives the bytes that it makes in the value.
fn escape(raw: &mut Peekable<CharIndices<'_>>, rest: &str) -> Option<usize> {
    let (_, c) = raw.next()?;
    let digits = match c {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        // The line goes on: neither the line's end nor the next line's indentation counts.
        '\r' | '\n' => {
            while raw.next_if(|(_, c)| c.is_whitespace()).is_some() {}
            return Some(0);
        }
        _ => 0,
    };
    let code = (0..digits).try_fold(0u32, |code, _| Some(code * 16 + raw.next()?.1.to_digit(16)?))?;
    if (0xd800..0xdc00).contains(&code) {
        // The second half of a character beyond U+FFFF: `\uDE00`.
        (0..6).try_for_each(|_| raw.next().map(drop))?;
    }
    Some(rest.chars().next()?.len_utf8())
}
