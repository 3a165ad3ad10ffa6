//! Where the API server points for what we mark.
//!
//! We mark a part of an expression from its beginning to its end; cel-go names one character: where the part begins, or, of
//! an expression, its outermost operation (the operator, the last dot, or the bracket of the last index or call).

/// The operators, the loosest first.
const OPERATORS: [&[&str]; 6] =
    [&["?"], &["||"], &["&&"], &["==", "!=", "<=", ">=", "<", ">", "in"], &["+", "-"], &["*", "/", "%"]];

/// The places, in bytes of the marked text.
pub fn places(marked: &str) -> Vec<usize> {
    let (inner, offset) = without_brackets(marked);
    let mut places = vec![0, offset];
    // `.a`: the name behind the dot.
    places.extend(inner.starts_with('.').then_some(offset + 1));
    let outside = outside(inner);
    let found = |operators: &&[&str]| {
        let at = |(at, text): &&(usize, &str)| operators.contains(text) && *at > 0;
        let binary = |(at, _): &&(usize, &str)| !is_sign(inner, *at);
        outside.iter().filter(at).filter(binary).map(|(at, _)| *at).collect::<Vec<_>>()
    };
    match OPERATORS.iter().map(found).find(|found| !found.is_empty()) {
        // `a && b && c` is balanced, so that any of them may be the outermost; a conditional's is its first.
        Some(operators) if inner[operators[0]..].starts_with(['?', '|', '&']) => {
            places.extend(operators.iter().map(|at| offset + at))
        }
        Some(operators) => places.extend(operators.last().map(|at| offset + at)),
        None if inner.starts_with(['!', '-']) => {}
        None => {
            let step = |(_, text): &&(usize, &str)| matches!(*text, "." | "(" | "[" | "{");
            places.extend(outside.iter().rfind(step).map(|(at, _)| offset + at));
        }
    }
    places
}

/// A text without the brackets around all of it, and where it begins.
fn without_brackets(text: &str) -> (&str, usize) {
    let (mut inner, mut offset) = (text, 0);
    while let Some(within) = inner.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        if outside(inner).len() > 1 {
            break;
        }
        offset += 1 + (within.len() - within.trim_start().len());
        inner = within.trim();
    }
    (inner, offset)
}

/// Whether the `-` is a sign: nothing that ends a value stands before it.
fn is_sign(text: &str, at: usize) -> bool {
    let before = text[..at].trim_end();
    text[at..].starts_with('-')
        && !before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | ')' | ']' | '}' | '\'' | '"'))
}

/// Operators, dots and opening brackets that are outside of all brackets and literals.
fn outside(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let (mut depth, mut at) = (0u32, 0);
    while at < text.len() {
        let rest = &text[at..];
        let c = rest.chars().next().unwrap();
        let mut length = c.len_utf8();
        match c {
            '\'' | '"' => length = quoted(rest),
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ if c.is_alphanumeric() || c == '_' => {
                // A number takes its point and its exponent's sign with it.
                let number = c.is_ascii_digit();
                let word = |c: char| c.is_alphanumeric() || c == '_' || number && c == '.';
                length = rest.find(|c| !word(c)).unwrap_or(rest.len());
                if number && rest[..length].ends_with('e') && rest[length..].starts_with(['+', '-']) {
                    length += 1;
                }
                if depth == 0 && &rest[..length] == "in" {
                    found.push((at, &rest[..length]));
                }
            }
            _ => {
                let two = rest.get(..2).filter(|two| matches!(*two, "||" | "&&" | "==" | "!=" | "<=" | ">=" | ".?"));
                length = two.map_or(length, str::len);
                let text = if two == Some(".?") { "." } else { &rest[..length] };
                if depth == 0 && !c.is_whitespace() {
                    found.push((at, text));
                }
                depth += u32::from(matches!(c, '(' | '[' | '{'));
            }
        }
        at += length;
    }
    found
}

/// The length of what is in brackets at the beginning, with them.
pub fn bracketed(text: &str) -> usize {
    let (mut depth, mut at) = (0u32, 0);
    while at < text.len() {
        let rest = &text[at..];
        let c = rest.chars().next().unwrap();
        at += if matches!(c, '\'' | '"') { quoted(rest) } else { c.len_utf8() };
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => continue,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// The length of a literal text at the beginning.
fn quoted(text: &str) -> usize {
    let quote = &text[..1];
    let quote = if text.starts_with(&quote.repeat(3)) { quote.repeat(3) } else { quote.to_owned() };
    let mut at = quote.len();
    while at < text.len() && !text[at..].starts_with(&quote) {
        let length = |at: usize| text[at..].chars().next().map_or(0, char::len_utf8);
        at += if text[at..].starts_with('\\') { 1 + length((at + 1).min(text.len())) } else { length(at) };
    }
    (at + quote.len()).min(text.len())
}

#[test]
fn the_outermost_operation_of_what_is_marked() {
    for (marked, expected) in [
        ("a", "^"),
        ("a.b.c", "^  ^"),
        ("a.?b", "^^"),
        (".b", "^^"),
        (".f(a.b)", "^^^"),
        ("a.b[c.d]", "^  ^"),
        ("f(a)[b].g(c + d)", "^        ^"),
        ("a + b * c - d.e", "^         ^"),
        ("a == 'x == y' + c", "^ ^"),
        ("-a.b", "^"),
        ("a * -b", "^ ^"),
        ("(-a.b)", "^^"),
        ("((a).b)", "^^  ^"),
        ("(a)+(b)", "^  ^"),
        ("a ? b : c ? d : e", "^ ^       ^"),
        ("a in b && c && d", "^      ^    ^"),
        ("[1, 2]", "^"),
        ("1.5e-3", "^"),
        ("'\\''.b", "^   ^"),
    ] {
        let found = places(marked);
        let carets: String = (0..marked.len()).map(|at| if found.contains(&at) { '^' } else { ' ' }).collect();
        assert_eq!(carets.trim_end(), expected, "{marked}");
    }
}
