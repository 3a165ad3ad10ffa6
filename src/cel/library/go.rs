//! Go's way of writing things, where messages and results of Kubernetes' libraries show it.

/// Go's `%q` (strconv.Quote).
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            '\'' => out.push(c),
            c if is_printable(c) => out.push(c),
            c if u32::from(c) < 0x80 => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if u32::from(c) < 0x1_0000 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    out.push('"');
    out
}

/// Go's `unicode.IsPrint`: what Rust does not escape behind a letter, where combining marks may stand.
fn is_printable(c: char) -> bool {
    let mut letter = [b'a', 0, 0, 0, 0];
    let Some(rest) = letter.get_mut(1..) else { return false };
    let end = c.encode_utf8(rest).len() + 1;
    let text = letter.get(..end).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default();
    text.escape_debug().nth(1) == Some(c)
}

/// Go's `strconv.ParseFloat(text, 64)`: what Rust reads, hexadecimal, and underscores between digits.
pub fn parse_float(text: &str) -> Option<f64> {
    if text.contains('_') {
        let hex = text.contains(['x', 'X']);
        let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit() || hex && c.is_ascii_hexdigit());
        let parts: Vec<&str> = text.split('_').collect();
        let joins = parts.windows(2).all(|pair| match pair {
            [before, after] => {
                let prefix = before.trim_start_matches(['+', '-']).eq_ignore_ascii_case("0x");
                (prefix || digit(before.chars().next_back())) && digit(after.chars().next())
            }
            _ => false,
        });
        return if joins { parse_float(&parts.concat()) } else { None };
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if let Some(digits) = unsigned.strip_prefix("0x").or(unsigned.strip_prefix("0X")) {
        let value = hexadecimal(digits)?;
        return Some(if text.starts_with('-') { -value } else { value });
    }
    let value: f64 = text.parse().ok()?;
    // Go has no signed NaN, and what is too large is an error.
    let named = unsigned.starts_with(|c: char| c.is_ascii_alphabetic());
    if (value.is_nan() && text.len() > 3) || (value.is_infinite() && !named) { None } else { Some(value) }
}

/// `1.8p3`: digits to the base 16, the exponent to the base 2.
fn hexadecimal(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once(['p', 'P'])?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let digits = [whole, fraction].concat();
    // Sixteen digits are more than a double holds; what follows them only says that there is more.
    let value = u64::from_str_radix(digits.trim_start_matches('0'), 16).ok();
    let value = if digits.trim_start_matches('0').is_empty() { 0 } else { value? };
    let exponent: i32 = exponent.parse().ok()?;
    let scale = exponent.checked_sub(i32::try_from(fraction.len()).ok()?.checked_mul(4)?)?;
    let value = value as f64 * 2f64.powi(scale);
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_as_go_quotes_it() {
        for (text, expected) in [
            ("it's", r#""it's""#),
            ("a\"b\\c", r#""a\"b\\c""#),
            ("\u{7}\n\u{1}\u{7f}", r#""\a\n\x01\x7f""#),
            ("é\u{301}🐱", "\"é\u{301}🐱\""),
            ("\u{a0}\u{200b}\u{feff}\u{e0001}", r#""\u00a0\u200b\ufeff\U000e0001""#),
        ] {
            assert_eq!(quote(text), expected);
        }
    }

    #[test]
    fn numbers_as_go_reads_them() {
        for (text, expected) in [
            ("1.5", Some(1.5)),
            (".5", Some(0.5)),
            ("5.", Some(5.0)),
            ("-1e3", Some(-1000.0)),
            ("+Inf", Some(f64::INFINITY)),
            ("infinity", Some(f64::INFINITY)),
            ("0x1.8p1", Some(3.0)),
            ("1e999", None),
            ("0x1.8", None),
            ("1_0", Some(10.0)),
            ("0x_fp0", Some(15.0)),
            ("1__0", None),
            ("_1", None),
            ("1_.5", None),
            (" 1", None),
            ("", None),
            ("+nan", None),
        ] {
            assert_eq!(parse_float(text), expected, "{text}");
        }
    }
}
