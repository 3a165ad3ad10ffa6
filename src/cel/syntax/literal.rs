//! Numbers and strings.

use std::borrow::Cow;

use super::SyntaxError;
use super::lex::{TokenKind, span};

type Read<'s> = Result<(TokenKind<'s>, usize), SyntaxError>;

/// Reads the number that begins at `start`.
pub fn number(source: &str, start: usize) -> Read<'_> {
    let rest = source.get(start..).unwrap_or_default();
    let bytes = rest.as_bytes();
    let at = |i: usize| bytes.get(i).copied().unwrap_or(0);
    let digits = |from: usize| bytes.iter().skip(from).take_while(|b| b.is_ascii_digit()).count();
    if at(0) == b'0' && at(1) == b'x' && at(2).is_ascii_hexdigit() {
        let len = 2 + bytes.iter().skip(2).take_while(|b| b.is_ascii_hexdigit()).count();
        let value = rest.get(2..len).and_then(|t| u64::from_str_radix(t, 16).ok());
        return integer(value, at(len), start, start + len);
    }
    let mut len = digits(0);
    let mut double = false;
    if at(len) == b'.' && at(len + 1).is_ascii_digit() {
        double = true;
        len += 1 + digits(len + 1);
    }
    if matches!(at(len), b'e' | b'E') {
        let sign = usize::from(matches!(at(len + 1), b'+' | b'-'));
        let exponent = digits(len + 1 + sign);
        if exponent > 0 {
            double = true;
            len += 1 + sign + exponent;
        }
    }
    let text = rest.get(..len).unwrap_or_default();
    if !double {
        return integer(text.parse().ok(), at(len), start, start + len);
    }
    match text.parse::<f64>() {
        Ok(d) if d.is_finite() => Ok((TokenKind::Double(d), start + len)),
        _ => Err(SyntaxError::new(span(start, start + len), "invalid double literal")),
    }
}

fn integer<'s>(value: Option<u64>, next: u8, start: usize, end: usize) -> Read<'s> {
    let unsigned = matches!(next, b'u' | b'U');
    match value {
        Some(v) if unsigned => Ok((TokenKind::Uint(v), end + 1)),
        Some(v) => Ok((TokenKind::Int(v), end)),
        None if unsigned => Err(SyntaxError::new(span(start, end + 1), "invalid uint literal")),
        None => Err(SyntaxError::new(span(start, end), "invalid int literal")),
    }
}

/// Reads the string whose opening quote is at `start`.
pub fn string(source: &str, start: usize, raw: bool, binary: bool) -> Read<'_> {
    let rest = source.get(start..).unwrap_or_default();
    let quote = if rest.starts_with('"') { '"' } else { '\'' };
    let triple = rest.chars().take(3).filter(|c| *c == quote).count() == 3;
    let quotes = if triple { 3 } else { 1 };
    let body = start + quotes;
    let unterminated = |end| SyntaxError::new(span(start, end), "Syntax error: a string does not end");
    let mut escaped = false;
    let mut chars = source.get(body..).unwrap_or_default().char_indices().peekable();
    let len = loop {
        let Some((i, c)) = chars.next() else { return Err(unterminated(source.len())) };
        let closes =
            c == quote && (!triple || source.get(body + i..).is_some_and(|s| s.chars().take(3).eq([quote; 3])));
        match c {
            _ if closes => break i,
            '\n' | '\r' if !triple => return Err(unterminated(body + i)),
            // Also in a raw string a backslash keeps a quote from ending it.
            '\\' => {
                escaped = true;
                if !raw {
                    chars.next();
                }
            }
            _ => {}
        }
    };
    let text = source.get(body..body + len).unwrap_or_default();
    let end = body + len + quotes;
    let value: Cow<'_, [u8]> = match (escaped && !raw, triple && text.contains('\r')) {
        (false, false) => Cow::Borrowed(text.as_bytes()),
        (false, true) => Cow::Owned(text.replace("\r\n", "\n").into_bytes()),
        _ => Cow::Owned(unescape(text, body, binary)?),
    };
    if binary {
        return Ok((TokenKind::Bytes(value.into_owned()), end));
    }
    let invalid = || SyntaxError::new(span(start, end), "invalid UTF-8 in a string");
    Ok((
        TokenKind::String(match value {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            Cow::Owned(bytes) => Cow::Owned(String::from_utf8(bytes).map_err(|_| invalid())?),
        }),
        end,
    ))
}

/// Resolves escapes (cel-go parser/unescape.go). `offset` is where `text` stands, for messages.
fn unescape(text: &str, offset: usize, binary: bool) -> Result<Vec<u8>, SyntaxError> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        if c != '\\' {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let at = offset + text.len() - rest.len();
        let letter = rest.chars().next();
        let end = at + letter.map_or(0, char::len_utf8);
        let wrong = |what: &str| SyntaxError::new(span(at - 1, end), what.to_owned());
        let Some(letter) = letter else { return Err(wrong("a string ends in a backslash")) };
        let simple = match letter {
            'a' => 7,
            'b' => 8,
            'f' => 12,
            'n' => 10,
            'r' => 13,
            't' => 9,
            'v' => 11,
            '\\' | '\'' | '"' | '`' | '?' => letter as u8,
            _ => 0,
        };
        if simple != 0 {
            out.push(simple);
            rest = rest.get(1..).unwrap_or_default();
            continue;
        }
        let (skip, digits, radix) = match letter {
            'x' | 'X' => (1, 2, 16),
            'u' if !binary => (1, 4, 16),
            'U' if !binary => (1, 8, 16),
            '0'..='3' => (0, 3, 8),
            _ => return Err(wrong("unable to unescape string: unknown escape sequence")),
        };
        let number = rest.get(skip..skip + digits).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let value = number.and_then(|d| u32::from_str_radix(d, radix).ok());
        let value = value.ok_or_else(|| wrong("unable to unescape string: invalid digits in an escape sequence"))?;
        rest = rest.get(skip + digits..).unwrap_or_default();
        if binary {
            out.push(value as u8);
        } else {
            let c = char::from_u32(value).ok_or_else(|| wrong("unable to unescape string: no such code point"))?;
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    Ok(out)
}
