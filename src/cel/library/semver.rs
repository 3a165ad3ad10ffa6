//! Semantic versions (k8s.io/apiserver pkg/cel/library/semverlib.go over github.com/blang/semver/v4).

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::rc::Rc;

use super::{Answer, Context, Cost, Fail, Opaque, READ, Row, argument, go, row, text_at};
use crate::cel::value::{Value, View};

pub static ROWS: &[Row] = &[
    row("semver(string): Semver", 33, READ, |c, a| read(c, a).map(value)),
    row("semver(string, bool): Semver", 33, READ, |c, a| read(c, a).map(value)),
    row("isSemver(string): bool", 33, READ, is_semver),
    row("isSemver(string, bool): bool", 33, READ, is_semver),
    row("Semver.major(): int", 33, Cost::One, |_, a| Ok(Value::Int(at(a, 0)?.major as i64))),
    row("Semver.minor(): int", 33, Cost::One, |_, a| Ok(Value::Int(at(a, 0)?.minor as i64))),
    row("Semver.patch(): int", 33, Cost::One, |_, a| Ok(Value::Int(at(a, 0)?.patch as i64))),
    row("Semver.compareTo(Semver): int", 33, Cost::One, |_, a| Ok(Value::Int(at(a, 0)?.cmp(at(a, 1)?) as i64))),
    row("Semver.isGreaterThan(Semver): bool", 33, Cost::One, |_, a| Ok(Value::Bool(at(a, 0)? > at(a, 1)?))),
    row("Semver.isLessThan(Semver): bool", 33, Cost::One, |_, a| Ok(Value::Bool(at(a, 0)? < at(a, 1)?))),
];

/// A version. The order is semver's: build metadata does not count, nor does it for equality.
#[derive(Clone, Debug)]
pub struct Semver {
    major: u64,
    minor: u64,
    patch: u64,
    pre: Vec<Pre>,
    build: Option<Box<str>>,
}

/// A part of a pre-release. Numbers come before words, as declared here.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Pre {
    Number(u64),
    Word(Box<str>),
}

impl Semver {
    /// `1.2.3-rc.1+build`; the error as the Go library words it.
    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("Version string empty".to_owned());
        }
        let mut parts = text.splitn(3, '.');
        let (Some(major), Some(minor), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
            return Err("No Major.Minor.Patch elements found".to_owned());
        };
        let (major, minor) = (number(major, "Major", "major")?, number(minor, "Minor", "minor")?);
        let (rest, build) = rest.split_once('+').map_or((rest, None), |(rest, build)| (rest, Some(build)));
        let (patch, pre) = rest.split_once('-').map_or((rest, None), |(patch, pre)| (patch, Some(pre)));
        let patch = number(patch, "Patch", "patch")?;
        let pre = pre.map_or(Ok(Vec::new()), |pre| pre.split('.').map(pre_release).collect())?;
        for part in build.into_iter().flat_map(|build| build.split('.')) {
            if part.is_empty() {
                return Err("Build meta data is empty".to_owned());
            }
            if !part.bytes().all(is_word) {
                return Err(format!("Invalid character(s) found in build meta data {}", go::quote(part)));
            }
        }
        Ok(Semver { major, minor, patch, pre, build: build.map(Into::into) })
    }
}

fn is_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'-'
}

fn number(text: &str, name: &str, lower: &str) -> Result<u64, String> {
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(format!("Invalid character(s) found in {lower} number {}", go::quote(text)));
    }
    if text.len() > 1 && text.starts_with('0') {
        return Err(format!("{name} number must not contain leading zeroes {}", go::quote(text)));
    }
    parse_uint(text)
}

fn parse_uint(text: &str) -> Result<u64, String> {
    let why = if text.is_empty() { "invalid syntax" } else { "value out of range" };
    text.parse().map_err(|_| format!("strconv.ParseUint: parsing {}: {why}", go::quote(text)))
}

fn pre_release(text: &str) -> Result<Pre, String> {
    if text.is_empty() {
        return Err("Prerelease is empty".to_owned());
    }
    if text.bytes().all(|b| b.is_ascii_digit()) {
        if text.len() > 1 && text.starts_with('0') {
            return Err(format!("Numeric PreRelease version must not contain leading zeroes {}", go::quote(text)));
        }
        return parse_uint(text).map(Pre::Number);
    }
    if text.bytes().all(is_word) {
        Ok(Pre::Word(text.into()))
    } else {
        Err(format!("Invalid character(s) found in prerelease {}", go::quote(text)))
    }
}

/// Without a leading `v` and leading zeros, with missing parts as 0 (normalizeAndParse).
fn normalize(text: &str) -> Result<String, String> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let mut parts: Vec<Cow<'_, str>> = text.splitn(3, '.').map(without_zeros).collect();
    if parts.len() < 3 {
        if parts.last().is_some_and(|last| last.contains(['+', '-'])) {
            return Err("short version cannot contain PreRelease/Build meta data".to_owned());
        }
        parts.resize(3, Cow::Borrowed("0"));
    }
    Ok(parts.join("."))
}

fn without_zeros(part: &str) -> Cow<'_, str> {
    if part.len() < 2 {
        return part.into();
    }
    let rest = part.trim_start_matches('0');
    if rest.starts_with(|c: char| c.is_ascii_digit()) { rest.into() } else { format!("0{rest}").into() }
}

impl PartialEq for Semver {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Semver {}

impl PartialOrd for Semver {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Semver {
    fn cmp(&self, other: &Self) -> Ordering {
        let numbers = |v: &Semver| (v.major, v.minor, v.patch, v.pre.is_empty());
        numbers(self).cmp(&numbers(other)).then_with(|| self.pre.cmp(&other.pre))
    }
}

impl fmt::Display for Semver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        for (i, part) in self.pre.iter().enumerate() {
            f.write_str(if i == 0 { "-" } else { "." })?;
            match part {
                Pre::Number(n) => write!(f, "{n}")?,
                Pre::Word(word) => f.write_str(word)?,
            }
        }
        self.build.as_ref().map_or(Ok(()), |build| write!(f, "+{build}"))
    }
}

fn value<'a>(version: Semver) -> Value<'a> {
    Value::Opaque(Rc::new(Opaque::Semver(version)))
}

fn at<'v>(arguments: &'v [Value<'_>], i: usize) -> Result<&'v Semver, Fail> {
    match argument(arguments, i)?.view() {
        View::Opaque(Opaque::Semver(version)) => Ok(version),
        _ => Err(Fail::NoSuchOverload),
    }
}

fn read(context: &mut Context, arguments: &[Value<'_>]) -> Result<Semver, Fail> {
    let text = text_at(arguments, 0)?;
    // A part of a pre-release may be a single letter.
    context.allocate(text.len().saturating_mul(std::mem::size_of::<Pre>()))?;
    let tolerant = match arguments.get(1) {
        Some(flag) => flag.as_bool().ok_or(Fail::NoSuchOverload)?,
        None => false,
    };
    let parsed = if tolerant { normalize(text).and_then(|text| Semver::parse(&text)) } else { Semver::parse(text) };
    parsed.map_err(Fail::from)
}

fn is_semver<'a>(context: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    match read(context, arguments) {
        Ok(_) => Ok(Value::Bool(true)),
        Err(Fail::Message(_)) => Ok(Value::Bool(false)),
        Err(fail) => Err(fail),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_in_their_order() {
        let order = ["0.9.9", "1.0.0-1", "1.0.0-2", "1.0.0-11", "1.0.0-a", "1.0.0-a.1", "1.0.0-b", "1.0.0", "1.0.1"];
        for pair in order.windows(2) {
            let [a, b] = pair else { continue };
            assert!(Semver::parse(a).unwrap() < Semver::parse(b).unwrap(), "{a} < {b}");
        }
        assert_eq!(Semver::parse("1.0.0+a"), Semver::parse("1.0.0+b"));
    }

    #[test]
    fn versions_that_are_put_right() {
        for (text, expected) in [
            ("v1", Ok("1.0.0")),
            ("1.02", Ok("1.2.0")),
            ("v00.0.00-rc", Ok("0.0.0-rc")),
            ("1.2.3.4", Ok("1.2.3.4")),
            ("1.2-rc", Err("short version cannot contain PreRelease/Build meta data".to_owned())),
        ] {
            assert_eq!(normalize(text), expected.map(str::to_owned), "{text}");
        }
    }
}
