//! Text on its way to a terminal: one line, nothing that a terminal obeys, no longer than it may be.

/// Text on one line, cut to `max` characters. White space becomes a blank; other control characters, and those that turn
/// the direction of what follows, are shown as escapes: the API server drops a warning that has one (apimachinery
/// pkg/util/net, NewWarningHeader).
pub(super) fn line(text: &str, max: usize) -> String {
    let text = text.trim();
    // Nearly all texts are as they have to be, or too long.
    match text.as_bytes().get(..max) {
        None if is_plain(text.as_bytes()) => return text.to_owned(),
        Some(beginning) if is_plain(beginning) => {
            let rest = text.get(max..).unwrap_or_default();
            let (kept, end) = if rest.is_empty() { (max, "") } else { (max.saturating_sub(1), "…") };
            return [text.get(..kept).unwrap_or_default(), end].concat();
        }
        _ => {}
    }
    let mut out = String::with_capacity(text.len().min(4 * max));
    let mut left = max;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let before = out.len();
        match c {
            '\n' | '\t' | '\r' | '\u{85}' => out.push(' '),
            c if c.is_control() || turns(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
        let len = out.get(before..).unwrap_or_default().chars().count();
        if len > left || (len == left && rest.clone().next().is_some()) {
            out.truncate(before);
            out.push('…');
            break;
        }
        left -= len;
    }
    out
}

/// Nothing but printable ASCII. Without a way out of the loop the compiler looks at many bytes at once.
fn is_plain(bytes: &[u8]) -> bool {
    bytes.iter().fold(true, |plain, b| plain & matches!(b, b' '..=b'~'))
}

/// Marks of direction, and Unicode's own ends of line and paragraph.
fn turns(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Half sentences and sentences as one text.
pub(super) fn sentences<'t>(parts: impl IntoIterator<Item = &'t str>) -> String {
    let mut out = String::new();
    for part in parts.into_iter().map(str::trim).filter(|p| !p.is_empty()) {
        if !out.is_empty() {
            out.push_str(if out.ends_with(['.', '!', '?', ':', ';']) { " " } else { ". " });
        }
        out.push_str(part);
    }
    out
}

/// A text and what has to stand at its end, in `max` characters together.
pub(super) fn with_end(text: &str, end: &str, max: usize) -> String {
    format!("{} {end}", line(text, max.saturating_sub(end.chars().count() + 1)))
}

#[cfg(test)]
mod tests {
    use super::{line, sentences, with_end};

    #[test]
    fn a_line_is_a_line_and_as_long_as_it_may_be() {
        let cases = [
            ("a b", 10, "a b"),
            ("a\nb\tc\u{85}d", 10, "a b c d"),
            ("a\u{7f}b", 10, "a\\u{7f}b"),
            ("nul \0.", 20, "nul \\u{0}."),
            ("\u{202e}evil", 20, "\\u{202e}evil"),
            ("abcdef", 6, "abcdef"),
            ("abcdefg", 6, "abcde…"),
            ("😀😀😀😀", 3, "😀😀…"),
            ("abc\u{202e}x", 8, "abc…"),
            ("", 3, ""),
            ("abcé", 3, "ab…"),
            ("ab\u{7f}", 2, "a…"),
        ];
        for (text, max, expected) in cases {
            let got = line(text, max);
            assert_eq!(got, expected, "{text:?}");
            assert!(got.chars().count() <= max, "{text:?}");
        }
        assert_eq!(with_end("what is wrong", "[id]", 12), "what i… [id]");
        assert_eq!(sentences(["a", "", "B.", "c"]), "a. B. c");
    }
}
