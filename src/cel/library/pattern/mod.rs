//! Patterns from Go's syntax into the crate's (Go's regexp/syntax/parse.go).
//!
//! Both are RE2's children and match alike, leftmost and first. This reads a pattern as Go does, refuses what Go refuses in
//! Go's words, and writes what is left so that the crate cannot take it for anything else: groups without names, flags in
//! full, classes without set operations, `\d \w \s \b` as ASCII. What Go accepts and the crate does not (a pattern that is
//! too large or too deep for it) is refused when it is compiled.

mod unicode;

use self::unicode::property;

/// Highest number in `{n,m}`, also as a product of nested ones.
const MAX_REPEAT: u32 = 1000;

/// Bytes that a pattern may have, so that reading one takes no time; Go has no bound.
const MAX_LENGTH: usize = 64 << 10;

/// A class that matches nothing: half a surrogate pair, which no string has.
const NOTHING: &str = "[^\\x{0}-\\x{10FFFF}]";

/// Why a pattern is refused, as Go words it.
type Refused = String;

fn refused<T>(what: &str, text: &str) -> Result<T, Refused> {
    Err(format!("error parsing regexp: {what}: `{text}`"))
}

/// Flags that are on.
#[derive(Clone, Copy, Default, PartialEq)]
struct Flags {
    fold: bool,
    lines: bool,
    dot_all: bool,
    swap_greed: bool,
}

impl Flags {
    /// All of them, so that nothing depends on what was before: `i-msU`.
    fn text(self) -> String {
        let all = [(self.fold, 'i'), (self.lines, 'm'), (self.dot_all, 's'), (self.swap_greed, 'U')];
        let pick = |wanted: bool| all.iter().filter(move |(on, _)| *on == wanted).map(|(_, c)| c);
        let (on, off): (String, String) = (pick(true).collect(), pick(false).collect());
        if off.is_empty() { on } else { format!("{on}-{off}") }
    }
}

/// A group that is open, or the whole.
#[derive(Clone, Copy, Default)]
struct Group {
    flags: Flags,
    /// What was written of them; the rest follows with the next operand, because a repetition is of what stands before them.
    written: Flags,
    /// Whether something stands before here that can be repeated.
    operand: bool,
    /// The largest product of nested repetitions, of the last operand and of those before it.
    last: u32,
    most: u32,
}

struct Reader<'p> {
    whole: &'p str,
    rest: &'p str,
    out: String,
    group: Group,
    outer: Vec<Group>,
}

/// A pattern of Go's, written for the crate. `Err`: why Go refuses it.
pub fn from_go(pattern: &str) -> Result<String, Refused> {
    if pattern.len() > MAX_LENGTH {
        return refused("expression too large", pattern.get(..80).unwrap_or_default());
    }
    let mut reader =
        Reader { whole: pattern, rest: pattern, out: String::new(), group: Group::default(), outer: Vec::new() };
    let mut repeated = None;
    while !reader.rest.is_empty() {
        repeated = reader.item(repeated)?;
    }
    if reader.outer.is_empty() { Ok(reader.out) } else { refused("missing closing )", pattern) }
}

/// What was read of `from` when `rest` is left.
fn consumed<'p>(from: &'p str, rest: &str) -> &'p str {
    from.get(..from.len().saturating_sub(rest.len())).unwrap_or(from)
}

impl<'p> Reader<'p> {
    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.skip(c.len_utf8());
        Some(c)
    }

    /// Notes something that can be repeated.
    fn operand(&mut self, text: &str, repeats: u32) {
        self.write_flags();
        self.out.push_str(text);
        self.note(repeats);
    }

    fn write_flags(&mut self) {
        if self.group.written != self.group.flags {
            self.out.push_str(&format!("(?{})", self.group.flags.text()));
            self.group.written = self.group.flags;
        }
    }

    fn note(&mut self, repeats: u32) {
        self.group.most = self.group.most.max(self.group.last);
        self.group.last = repeats;
        self.group.operand = true;
    }

    fn literal(&mut self, code: u32) {
        match char::from_u32(code) {
            Some(c) => self.operand(&regex::escape(c.encode_utf8(&mut [0; 4])), 0),
            None => self.operand(NOTHING, 0),
        }
    }

    /// Reads one item. `repeated`: where the repetition began that came last; gives the one that it read.
    fn item(&mut self, repeated: Option<&'p str>) -> Result<Option<&'p str>, Refused> {
        let start = self.rest;
        let Some(c) = self.next() else { return Ok(None) };
        match c {
            '(' if self.rest.starts_with('?') => self.flags(start)?,
            '(' => self.open(self.group.flags),
            ')' => self.close()?,
            '|' => {
                self.out.push('|');
                self.group.operand = false;
            }
            '^' | '$' | '.' => self.operand(c.encode_utf8(&mut [0; 4]), 0),
            '[' => self.class(start)?,
            '*' | '+' | '?' => return self.repeat(start, (0, 0), repeated).map(Some),
            '{' => match bounds(start) {
                Some((min, max, rest)) => {
                    self.rest = rest;
                    let wrong = min.is_none_or(|m| m > MAX_REPEAT)
                        || max.is_some_and(|max| max > MAX_REPEAT || min.is_some_and(|min| min > max));
                    if wrong {
                        return refused("invalid repeat count", consumed(start, rest));
                    }
                    let min = min.unwrap_or(0);
                    return self.repeat(start, (min, max.unwrap_or(min)), repeated).map(Some);
                }
                None => self.literal('{'.into()),
            },
            '\\' => self.escape(start)?,
            c => self.literal(c.into()),
        }
        Ok(None)
    }

    /// A repetition of at least and at most so many; 0 for those without a bound.
    fn repeat(
        &mut self,
        start: &'p str,
        (min, max): (u32, u32),
        repeated: Option<&'p str>,
    ) -> Result<&'p str, Refused> {
        let quantifier = consumed(start, self.rest);
        let lazy = self.rest.starts_with('?');
        self.skip(usize::from(lazy));
        let operator = consumed(start, self.rest);
        if let Some(before) = repeated {
            return refused("invalid nested repetition operator", consumed(before, self.rest));
        }
        if !self.group.operand {
            return refused("missing argument to repetition operator", operator);
        }
        if max > 0 {
            self.group.last = max.saturating_mul(self.group.last.max(1));
        }
        if (min > 1 || max > 1) && self.group.last > MAX_REPEAT {
            return refused("invalid repeat count", operator);
        }
        self.out.push_str(quantifier);
        if lazy != (self.group.flags.swap_greed != self.group.written.swap_greed) {
            self.out.push('?');
        }
        Ok(start)
    }

    fn open(&mut self, flags: Flags) {
        self.write_flags();
        self.out.push_str("(?:");
        self.outer.push(self.group);
        self.group = Group { flags, written: self.group.written, ..Group::default() };
    }

    fn close(&mut self) -> Result<(), Refused> {
        let Some(outer) = self.outer.pop() else { return refused("unexpected )", self.whole) };
        let repeats = self.group.last.max(self.group.most);
        self.out.push(')');
        self.group = outer;
        self.note(repeats);
        Ok(())
    }

    /// What begins with `(?`.
    fn flags(&mut self, start: &'p str) -> Result<(), Refused> {
        self.skip(1);
        let named = (self.rest.starts_with("P<") && start.len() > 4).then_some(2);
        if let Some(before) = named.or((self.rest.starts_with('<') && start.len() > 3).then_some(1)) {
            let Some(end) = self.rest.find('>') else { return refused("invalid named capture", start) };
            let name = self.rest.get(before..end).unwrap_or_default();
            self.skip(end + 1);
            if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
                return refused("invalid named capture", consumed(start, self.rest));
            }
            self.open(self.group.flags);
            return Ok(());
        }
        let mut flags = self.group.flags;
        let (mut on, mut seen) = (true, false);
        loop {
            let c = self.next();
            match c {
                Some('i') => flags.fold = on,
                Some('m') => flags.lines = on,
                Some('s') => flags.dot_all = on,
                Some('U') => flags.swap_greed = on,
                Some('-') if on => on = false,
                Some(':' | ')') if on || seen => break,
                _ => return refused("invalid or unsupported Perl syntax", consumed(start, self.rest)),
            }
            seen = c != Some('-');
        }
        if consumed(start, self.rest).ends_with(':') {
            self.open(flags);
        } else {
            self.group.flags = flags;
        }
        Ok(())
    }

    /// What begins with a backslash, outside of a class.
    fn escape(&mut self, start: &'p str) -> Result<(), Refused> {
        let kind = self.rest.chars().next();
        let anchor = match kind {
            Some('A') => "\\A",
            Some('z') => "\\z",
            Some('b') => "(?-u:\\b)",
            Some('B') => "(?-u:\\B)",
            _ => "",
        };
        if !anchor.is_empty() {
            self.skip(1);
            self.operand(anchor, 0);
            return Ok(());
        }
        if kind == Some('Q') {
            self.skip(1);
            let (text, rest) = self.rest.split_once("\\E").unwrap_or((self.rest, ""));
            self.rest = rest;
            text.chars().for_each(|c| self.literal(c.into()));
            return Ok(());
        }
        if let Some(class) = self.named_class(start)? {
            self.operand(&format!("[{class}]"), 0);
            return Ok(());
        }
        self.rest = start;
        let code = self.character(start)?;
        self.literal(code);
        Ok(())
    }

    /// `\d`, `\pL`, `\p{Greek}` as they stand in a class, `start` being the backslash. `None`: it is a character.
    fn named_class(&mut self, start: &'p str) -> Result<Option<String>, Refused> {
        self.rest = start.get(1..).unwrap_or_default();
        let Some(kind) = self.next() else { return Ok(None) };
        let perl = match kind {
            'd' => "0-9",
            'D' => "[^0-9]",
            'w' => "0-9A-Za-z_",
            'W' => "[^0-9A-Za-z_]",
            's' => "\\t\\n\\f\\r ",
            'S' => "[^\\t\\n\\f\\r ]",
            'p' | 'P' => {
                let Some(first) = self.next() else { return Ok(None) };
                let mut name = consumed(start.get(2..).unwrap_or_default(), self.rest);
                if first == '{' {
                    let Some(end) = self.rest.find('}') else { return refused("invalid character class range", start) };
                    name = self.rest.get(..end).unwrap_or_default();
                    self.skip(end + 1);
                }
                let (negated, name) = name.strip_prefix('^').map_or((false, name), |name| (true, name));
                let Some(property) = property(name) else {
                    return refused("invalid character class range", consumed(start, self.rest));
                };
                return Ok(Some(if (kind == 'P') != negated { format!("[^{property}]") } else { property }));
            }
            _ => return Ok(None),
        };
        Ok(Some(perl.to_owned()))
    }

    /// `[…]`
    fn class(&mut self, start: &'p str) -> Result<(), Refused> {
        let mut out = String::from("[");
        if self.rest.starts_with('^') {
            self.skip(1);
            out.push('^');
        }
        let mut empty = true;
        let mut first = true;
        while first || !self.rest.starts_with(']') {
            first = false;
            let from = self.rest;
            if let Some(end) = from.strip_prefix("[:").and_then(|t| t.find(":]")) {
                self.skip(end + 4);
                let name = consumed(from, self.rest);
                if !POSIX.contains(&name.trim_start_matches("[:^").trim_start_matches("[:").trim_end_matches(":]")) {
                    return refused("invalid character class range", name);
                }
                out.push_str(name);
                empty = false;
                continue;
            }
            if from.starts_with('\\') {
                if let Some(class) = self.named_class(from)? {
                    out.push_str(&class);
                    empty = false;
                    continue;
                }
                self.rest = from;
            }
            let low = self.character(start)?;
            let mut high = low;
            if self.rest.starts_with('-') && self.rest.len() > 1 && !self.rest.starts_with("-]") {
                self.skip(1);
                high = self.character(start)?;
                if high < low {
                    return refused("invalid character class range", consumed(from, self.rest));
                }
            }
            empty &= !push_range(&mut out, low, high);
        }
        self.skip(1);
        out.push(']');
        // Nothing but halves of surrogate pairs.
        let text = match (empty, out.as_str()) {
            (true, "[^]") => "(?s:.)",
            (true, _) => NOTHING,
            (false, text) => text,
        };
        self.operand(text, 0);
        Ok(())
    }

    /// A character, escaped or not; `whole` is the class that it stands in.
    fn character(&mut self, whole: &str) -> Result<u32, Refused> {
        let start = self.rest;
        let Some(c) = self.next() else { return refused("missing closing ]", whole) };
        if c != '\\' {
            return Ok(c.into());
        }
        let Some(c) = self.next() else { return refused("trailing backslash at end of expression", "") };
        let code = match c {
            '1'..='7' if !self.rest.starts_with(|c: char| ('0'..='7').contains(&c)) => None,
            '0'..='7' => Some(self.octal(c)),
            'x' => self.hexadecimal(),
            'a' => Some(7),
            'f' => Some(12),
            'n' => Some(10),
            'r' => Some(13),
            't' => Some(9),
            'v' => Some(11),
            c => (c.is_ascii() && !c.is_ascii_alphanumeric()).then_some(c.into()),
        };
        match code {
            Some(code) => Ok(code),
            None => refused("invalid escape sequence", consumed(start, self.rest)),
        }
    }

    fn octal(&mut self, first: char) -> u32 {
        let mut code = first.to_digit(8).unwrap_or(0);
        for _ in 0..2 {
            let Some(digit) = self.rest.chars().next().and_then(|c| c.to_digit(8)) else { break };
            self.skip(1);
            code = code * 8 + digit;
        }
        code
    }

    /// `\x41`, `\x{1F431}`
    fn hexadecimal(&mut self) -> Option<u32> {
        let first = self.next()?;
        if first != '{' {
            let second = self.next()?;
            return Some(first.to_digit(16)? * 16 + second.to_digit(16)?);
        }
        let (mut code, mut digits) = (0, 0);
        loop {
            match self.next()? {
                '}' => return (digits > 0).then_some(code),
                c => code = code * 16 + c.to_digit(16)?,
            }
            if code > char::MAX.into() {
                return None;
            }
            digits += 1;
        }
    }
}

/// `{n}`, `{n,}`, `{n,m}` and what follows. A number too large for Go is `None` as a minimum; so is a maximum that is not there.
fn bounds(text: &str) -> Option<(Option<u32>, Option<u32>, &str)> {
    let (min, rest) = integer(text.strip_prefix('{')?)?;
    if let Some(rest) = rest.strip_prefix('}') {
        return Some((min, min, rest));
    }
    let rest = rest.strip_prefix(',')?;
    if let Some(rest) = rest.strip_prefix('}') {
        return Some((min, None, rest));
    }
    let (max, rest) = integer(rest)?;
    Some((min.filter(|_| max.is_some()), max, rest.strip_prefix('}')?))
}

fn integer(text: &str) -> Option<(Option<u32>, &str)> {
    let (digits, rest) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let padded = digits.len() > 1 && digits.starts_with('0');
    if digits.is_empty() || padded { None } else { Some((digits.parse().ok(), rest)) }
}

/// Writes a range without the surrogates, which the crate does not take. False: nothing is left of it.
fn push_range(out: &mut String, low: u32, high: u32) -> bool {
    const SURROGATES: std::ops::RangeInclusive<u32> = 0xD800..=0xDFFF;
    let low = if SURROGATES.contains(&low) { SURROGATES.end() + 1 } else { low };
    let high = if SURROGATES.contains(&high) { SURROGATES.start() - 1 } else { high };
    if low <= high {
        out.push_str(&format!("\\x{{{low:X}}}-\\x{{{high:X}}}"));
    }
    low <= high
}

const POSIX: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word",
    "xdigit",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_crate_would_take_otherwise_is_written_otherwise() {
        for (pattern, text, matches) in [
            (r"^\d+$", "٣", false),
            (r"^\w+$", "é", false),
            (r"\bé", " é", false),
            (r"[a&&b]", "&", true),
            (r"[[a]]", "[]", true),
            (r"[~~]", "~", true),
            (r"[--a]", "A", true),
            (r"^a{,2}$", "a{,2}", true),
            (r"^\123$", "S", true),
            (r"^\Qa.b\E+$", "a.bb", true),
            (r"^\p{^Lu}$", "a", true),
            (r"^\pL$", "é", true),
            (r"^[\p{greek}\p{Uppercase_Letter}]+$", "αB", true),
            (r"(?i)^[^k]$", "\u{212a}", false),
            (r"^(?i)a(?-i)b$", "Ab", true),
            (r"^(?P<n>a)(?P<n>b)$", "ab", true),
            (r"^[\x{D800}-\x{E000}]$", "\u{e000}", true),
            (r"[\x{D800}]", "a", false),
            (r"a|b(?s).", "b\n", true),
            (r"^ab(?i)*C$", "abbc", true),
            (r"^a(?U)*?b$", "aab", true),
        ] {
            let regex = regex::Regex::new(&from_go(pattern).unwrap()).unwrap();
            assert_eq!(regex.is_match(text), matches, "{pattern}");
        }
    }

    #[test]
    fn what_go_refuses_is_refused_in_its_words() {
        for (pattern, expected) in [
            ("a(", "missing closing ): `a(`"),
            ("a)", "unexpected ): `a)`"),
            ("[a", "missing closing ]: `[a`"),
            ("[z-a]", "invalid character class range: `z-a`"),
            ("[[:foo:]]", "invalid character class range: `[:foo:]`"),
            ("\\p{Foo}", "invalid character class range: `\\p{Foo}`"),
            ("*", "missing argument to repetition operator: `*`"),
            ("a|*", "missing argument to repetition operator: `*`"),
            ("a**", "invalid nested repetition operator: `**`"),
            ("a{2,1}", "invalid repeat count: `{2,1}`"),
            ("(a{100}){11}", "invalid repeat count: `{11}`"),
            ("\\Z", "invalid escape sequence: `\\Z`"),
            ("\\", "trailing backslash at end of expression: ``"),
            ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
            ("(?<=a)", "invalid named capture: `(?<=a)`"),
            ("(?P<a-b>c)", "invalid named capture: `(?P<a-b>`"),
        ] {
            assert_eq!(from_go(pattern), Err(format!("error parsing regexp: {expected}")), "{pattern}");
        }
    }
}
