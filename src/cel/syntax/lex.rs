//! Text to tokens.

use std::borrow::Cow;

use super::literal::{number, string};
use super::{MAX_SOURCE, SyntaxError};
use crate::object::Span;

/// A token and its bytes.
#[derive(Debug)]
pub struct Token<'s> {
    pub span: Span,
    pub kind: TokenKind<'s>,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq)]
pub enum TokenKind<'s> {
    Name(&'s str),
    Int(u64),
    Uint(u64),
    Double(f64),
    String(Cow<'s, str>),
    Bytes(Vec<u8>),
    Symbol(&'static str),
    End,
}

/// Longest first, so that `<=` is not read as `<`.
const SYMBOLS: [&str; 23] = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "!", "?", ":", ".", ",", "(", ")", "[", "]",
    "{",
];

/// All tokens of a text, `End` last.
#[derive(Debug)]
pub struct Tokens<'s> {
    pub list: Vec<Token<'s>>,
}

impl<'s> Tokens<'s> {
    /// Reads a text.
    pub fn read(source: &'s str) -> Result<Self, SyntaxError> {
        if source.len() > MAX_SOURCE {
            let message = format!("expression is longer than {MAX_SOURCE} bytes");
            return Err(SyntaxError::new(Span { start: 0, end: 0 }, message));
        }
        let mut list = Vec::with_capacity(source.len() / 3 + 2);
        let mut at = 0;
        while let Some(start) = skip_blanks(source, at) {
            let (kind, end) = token(source, start)?;
            list.push(Token { span: span(start, end), kind });
            at = end;
        }
        list.push(Token { span: span(source.len(), source.len()), kind: TokenKind::End });
        Ok(Tokens { list })
    }

    /// Depth of the brackets, right or wrong ones: what a recursive reader of these tokens needs at most.
    pub fn nesting(&self) -> usize {
        let (mut depth, mut deepest) = (0usize, 0);
        for token in &self.list {
            match token.kind {
                TokenKind::Symbol("(" | "[" | "{") => depth += 1,
                TokenKind::Symbol(")" | "]" | "}") => depth = depth.saturating_sub(1),
                _ => {}
            }
            deepest = deepest.max(depth);
        }
        deepest
    }
}

pub(super) fn span(start: usize, end: usize) -> Span {
    // MAX_SOURCE keeps both below 2³².
    Span { start: start as u32, end: end as u32 }
}

/// Where the next token begins; `None` at the end.
fn skip_blanks(source: &str, mut at: usize) -> Option<usize> {
    let bytes = source.as_bytes();
    loop {
        match bytes.get(at)? {
            b' ' | b'\t' | b'\n' | b'\r' | 0x0c => at += 1,
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                at += bytes.get(at..)?.iter().position(|b| *b == b'\n').unwrap_or(bytes.len() - at);
            }
            _ => return Some(at),
        }
    }
}

fn token(source: &str, start: usize) -> Result<(TokenKind<'_>, usize), SyntaxError> {
    let bytes = source.as_bytes();
    let byte = |i: usize| bytes.get(start + i).copied().unwrap_or(0);
    match byte(0) {
        b'0'..=b'9' => number(source, start),
        b'.' if byte(1).is_ascii_digit() => number(source, start),
        b'"' | b'\'' => string(source, start, false, false),
        // cel-go has `names` in backquotes; Kubernetes leaves them off.
        b'`' => Err(SyntaxError::new(span(start, start + 1), "unsupported syntax: '`'")),
        b'a'..=b'z' | b'A'..=b'Z' | b'_' => Ok(match prefix(byte(0), byte(1), byte(2)) {
            (0, ..) => name(source, start),
            (letters, raw, binary) => return string(source, start + letters, raw, binary),
        }),
        b'}' => Ok((TokenKind::Symbol("}"), start + 1)),
        _ => {
            let rest = source.get(start..).unwrap_or_default();
            match SYMBOLS.iter().find(|s| rest.starts_with(**s)) {
                Some(symbol) => Ok((TokenKind::Symbol(symbol), start + symbol.len())),
                None => {
                    let c = rest.chars().next().unwrap_or(' ');
                    let message = format!("Syntax error: token recognition error at: '{c}'");
                    Err(SyntaxError::new(span(start, start + c.len_utf8()), message))
                }
            }
        }
    }
}

/// The letters before a string literal: how many, whether raw, whether bytes.
fn prefix(first: u8, second: u8, third: u8) -> (usize, bool, bool) {
    let quote = |b: u8| b == b'"' || b == b'\'';
    match (first.to_ascii_lowercase(), second.to_ascii_lowercase()) {
        (b'r', q) if quote(q) => (1, true, false),
        (b'b', q) if quote(q) => (1, false, true),
        (b'b', b'r') if quote(third) => (2, true, true),
        _ => (0, false, false),
    }
}

fn name(source: &str, start: usize) -> (TokenKind<'_>, usize) {
    let rest = source.get(start..).unwrap_or_default();
    let len = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
    (TokenKind::Name(rest.get(..len).unwrap_or_default()), start + len)
}
