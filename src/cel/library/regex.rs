//! Patterns (cel-go `matches`; k8s.io/apiserver pkg/cel/library/regex.go). RE2's syntax as Go has it.

use regex::{Regex, RegexBuilder};

use super::{Answer, Context, Cost, Fail, Row, int_at, row, text_at};
use crate::cel::value::Value;

pub static ROWS: &[Row] = &[
    row("string.matches(string): bool", 0, Cost::Pattern, matches),
    row("matches(string, string): bool", 0, Cost::Pattern, matches),
    row("string.find(string): string", 0, Cost::Pattern, find),
    row("string.findAll(string): list(string)", 0, Cost::Pattern, find_all),
    row("string.findAll(string, int): list(string)", 0, Cost::Pattern, find_all),
];

/// Bytes that a compiled pattern may take.
const PATTERN_SIZE: usize = 1 << 20;

/// A pattern in Go's syntax, compiled.
pub fn compile(pattern: &str) -> Result<Regex, Fail> {
    RegexBuilder::new(&from_go(pattern)).size_limit(PATTERN_SIZE).build().map_err(|error| {
        let text = error.to_string();
        let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
        Fail::from(format!("error parsing regexp: {reason}: `{pattern}`"))
    })
}

/// Go's classes `\d \w \s \b` are ASCII, where the crate's are Unicode; Go's brackets know no set operations.
fn from_go(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut chars = pattern.chars().peekable();
    let mut class = false;
    while let Some(c) = chars.next() {
        match (c, class) {
            ('\\', _) => match chars.next() {
                Some('d') => out.push_str(if class { "0-9" } else { "[0-9]" }),
                Some('w') => out.push_str(if class { "0-9A-Za-z_" } else { "[0-9A-Za-z_]" }),
                Some('s') => out.push_str(if class { "\\t\\n\\f\\r " } else { "[\\t\\n\\f\\r ]" }),
                Some('D') => out.push_str("[^0-9]"),
                Some('W') => out.push_str("[^0-9A-Za-z_]"),
                Some('S') => out.push_str("[^\\t\\n\\f\\r ]"),
                Some(b @ ('b' | 'B')) if !class => {
                    out.push_str("(?-u:\\");
                    out.push(b);
                    out.push(')');
                }
                Some('Q') => literal(&mut chars, &mut out),
                Some(other) => out.extend(['\\', other]),
                None => out.push('\\'),
            },
            ('[', false) => {
                class = true;
                out.push('[');
                out.extend(chars.next_if_eq(&'^'));
                if chars.next_if_eq(&']').is_some() {
                    out.push_str("\\]");
                }
            }
            ('[', true) if chars.peek() == Some(&':') => {
                out.push('[');
                for c in chars.by_ref() {
                    out.push(c);
                    if c == ']' {
                        break;
                    }
                }
            }
            (']', true) => {
                class = false;
                out.push(']');
            }
            ('[' | '&' | '~', true) => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out
}

/// `\Q…\E`, which the crate does not have.
fn literal(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) {
    while let Some(c) = chars.next() {
        if c == '\\' && chars.next_if_eq(&'E').is_some() {
            return;
        }
        out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
    }
}

fn matches<'a>(context: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let (text, pattern) = (text_at(arguments, 0)?, text_at(arguments, 1)?);
    Ok(Value::Bool(context.pattern(pattern)?.is_match(text)))
}

fn find<'a>(context: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let (text, pattern) = (text_at(arguments, 0)?, text_at(arguments, 1)?);
    let pattern = context.pattern(pattern)?;
    context.text(pattern.find(text).map_or("", |m| m.as_str()))
}

fn find_all<'a>(context: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let (text, pattern) = (text_at(arguments, 0)?, text_at(arguments, 1)?);
    let limit = if arguments.len() > 2 { int_at(arguments, 2)? } else { -1 };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let pattern = context.pattern(pattern)?;
    let mut found = Vec::new();
    for m in pattern.find_iter(text).take(limit) {
        context.allocate_list(1)?;
        found.push(context.text(m.as_str())?);
    }
    Ok(Value::list(found))
}
