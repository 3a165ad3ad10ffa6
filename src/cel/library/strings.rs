//! Strings (cel-go common/stdlib; ext/strings.go, version 2). Positions count characters.

use super::format::format;
use super::{Answer, Context, Cost, Fail, READ, REWRITE, Row, int_at, row, text_at};
use crate::cel::value::Value;

pub static ROWS: &[Row] = &[
    row("string.startsWith(string): bool", 0, READ, |_, a| Ok(Value::Bool(text_at(a, 0)?.starts_with(text_at(a, 1)?)))),
    row("string.endsWith(string): bool", 0, READ, |_, a| Ok(Value::Bool(text_at(a, 0)?.ends_with(text_at(a, 1)?)))),
    row("string.contains(string): bool", 0, Cost::Contains, |_, a| {
        Ok(Value::Bool(text_at(a, 0)?.contains(text_at(a, 1)?)))
    }),
    row("string.charAt(int): string", 0, Cost::One, char_at),
    row("string.indexOf(string): int", 0, Cost::Traverse, index_of),
    row("string.indexOf(string, int): int", 0, Cost::Traverse, index_of),
    row("string.lastIndexOf(string): int", 0, Cost::Traverse, last_index_of),
    row("string.lastIndexOf(string, int): int", 0, Cost::Traverse, last_index_of),
    row("string.lowerAscii(): string", 0, READ, |c, a| c.text(text_at(a, 0)?.to_ascii_lowercase())),
    row("string.upperAscii(): string", 0, READ, |c, a| c.text(text_at(a, 0)?.to_ascii_uppercase())),
    row("string.trim(): string", 0, READ, |c, a| c.text(text_at(a, 0)?.trim())),
    row("string.replace(string, string): string", 0, REWRITE, replace),
    row("string.replace(string, string, int): string", 0, REWRITE, replace),
    row("string.split(string): list(string)", 0, REWRITE, split),
    row("string.split(string, int): list(string)", 0, REWRITE, split),
    row("string.substring(int): string", 0, READ, substring),
    row("string.substring(int, int): string", 0, READ, substring),
    row("string.format(list(dyn)): string", 29, READ, format),
    row("strings.quote(string): string", 29, READ, quote),
];

/// The byte at which a character begins; the length of the text for the one behind the last.
fn byte_of(text: &str, position: i64) -> Result<usize, Fail> {
    let outside = || Fail::from(format!("index out of range: {position}"));
    let position = usize::try_from(position).map_err(|_| outside())?;
    if text.is_ascii() {
        return if position <= text.len() { Ok(position) } else { Err(outside()) };
    }
    let ends = text.char_indices().map(|(i, _)| i).chain([text.len()]);
    ends.into_iter().nth(position).ok_or_else(outside)
}

fn position_of<'a>(text: &str, byte: Option<usize>) -> Value<'a> {
    Value::Int(byte.map_or(-1, |b| text.get(..b).unwrap_or_default().chars().count() as i64))
}

fn char_at<'a>(context: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let text = text_at(arguments, 0)?;
    let rest = text.get(byte_of(text, int_at(arguments, 1)?)?..).unwrap_or_default();
    let mut buffer = [0; 4];
    context.text(rest.chars().next().map_or("", |c| c.encode_utf8(&mut buffer)))
}

fn index_of<'a>(_: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let (text, wanted) = (text_at(arguments, 0)?, text_at(arguments, 1)?);
    let from = if arguments.len() > 2 { int_at(arguments, 2)? } else { 0 };
    if wanted.is_empty() {
        return Ok(Value::Int(from));
    }
    if from < 0 {
        return Err(Fail::from(format!("index out of range: {from}")));
    }
    let Ok(from) = byte_of(text, from) else { return Ok(Value::Int(-1)) };
    let found = text.get(from..).unwrap_or_default().find(wanted);
    Ok(position_of(text, found.map(|i| i + from)))
}

fn last_index_of<'a>(_: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let (text, wanted) = (text_at(arguments, 0)?, text_at(arguments, 1)?);
    if arguments.len() < 3 {
        let empty = wanted.is_empty().then_some(text.len());
        return Ok(position_of(text, empty.or_else(|| text.rfind(wanted))));
    }
    let from = int_at(arguments, 2)?;
    if wanted.is_empty() {
        return Ok(Value::Int(from));
    }
    if from < 0 {
        return Err(Fail::from(format!("index out of range: {from}")));
    }
    let Some(last) = byte_of(text, from).ok().filter(|last| *last < text.len()) else { return Ok(Value::Int(-1)) };
    // The last match that begins at or before `last`.
    let end = text.floor_char_boundary(last.saturating_add(wanted.len()));
    Ok(position_of(text, text.get(..end).and_then(|head| head.rfind(wanted))))
}

fn replace<'a>(context: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let (text, old, new) = (text_at(arguments, 0)?, text_at(arguments, 1)?, text_at(arguments, 2)?);
    let limit = if arguments.len() > 3 { int_at(arguments, 3)? } else { -1 };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    // Counted before it is built: `s.replace('', s)` squares a text.
    let times = if old.is_empty() { text.chars().count() + 1 } else { text.matches(old).count() }.min(limit);
    context.allocate(times.saturating_mul(new.len()))?;
    context.text(if limit == usize::MAX { text.replace(old, new) } else { text.replacen(old, new, limit) })
}

fn split<'a>(context: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let (text, separator) = (text_at(arguments, 0)?, text_at(arguments, 1)?);
    let limit = if arguments.len() > 2 { int_at(arguments, 2)? } else { -1 };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut parts: Vec<Value<'a>> = Vec::new();
    let mut rest = Some(text);
    while let Some(left) = rest.filter(|_| parts.len() < limit) {
        let cut = if separator.is_empty() {
            left.chars().next().map(char::len_utf8).filter(|end| *end < left.len()).map(|end| (end, end))
        } else {
            left.find(separator).map(|at| (at, at + separator.len()))
        };
        let (part, next) = match cut {
            Some((end, next)) if parts.len() + 1 < limit => (left.get(..end).unwrap_or_default(), left.get(next..)),
            _ => (left, None),
        };
        if !(separator.is_empty() && part.is_empty()) {
            context.allocate_list(1)?;
            parts.push(context.text(part)?);
        }
        rest = next;
    }
    Ok(Value::list(parts))
}

fn substring<'a>(context: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let text = text_at(arguments, 0)?;
    let start = int_at(arguments, 1)?;
    if arguments.len() < 3 {
        return context.text(text.get(byte_of(text, start)?..).unwrap_or_default());
    }
    let end = int_at(arguments, 2)?;
    if start > end {
        return Err(Fail::from(format!("invalid substring range. start: {start}, end: {end}")));
    }
    let (from, to) = (byte_of(text, start)?, byte_of(text, end)?);
    context.text(text.get(from..to).unwrap_or_default())
}

/// A string as Go would write it in source (ext/strings.go, quote).
fn quote<'a>(context: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let mut out = String::from("\"");
    for c in text_at(arguments, 0)?.chars() {
        match c {
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            c => out.push(c),
        }
    }
    out.push('"');
    context.text(out)
}
