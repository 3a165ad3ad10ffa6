//! Escaped halves of a character that stand alone (`\ud800`): Go reads each as U+FFFD (encoding/json, unquoteBytes),
//! serde_json refuses them.

/// The text with every such escape replaced by U+FFFD's, which is as long; `None` when there is none.
pub(super) fn replaced(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut copied = 0;
    let mut done = 0;
    for (at, _) in text.match_indices('\\') {
        // The second byte of `\\`, or an escape that was looked at already.
        if at < done {
            continue;
        }
        done = at + 2;
        let Some(unit) = unit(text, at) else { continue };
        if (0xd800..0xdc00).contains(&unit) && self::unit(text, at + 6).is_some_and(|u| (0xdc00..0xe000).contains(&u)) {
            done = at + 12;
        } else if (0xd800..0xe000).contains(&unit) {
            out.push_str(text.get(copied..at)?);
            out.push_str("\\ufffd");
            copied = at + 6;
            done = copied;
        }
    }
    if copied == 0 {
        return None;
    }
    out.push_str(text.get(copied..)?);
    Some(out)
}

/// The code unit of the `\uXXXX` at `at`.
fn unit(text: &str, at: usize) -> Option<u32> {
    let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
    // A sign is no digit.
    digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::replaced;

    #[test]
    fn halves_that_stand_alone_are_replaced_and_nothing_else() {
        let cases = [
            (r#""a\ud800b""#, Some(r#""a\ufffdb""#)),
            (r#""\uDC00""#, Some(r#""\ufffd""#)),
            (r#""\ud800\ud83d\ude00""#, Some(r#""\ufffd\ud83d\ude00""#)),
            (r#""\ud83d\ude00""#, None),
            (r#""\\ud800""#, None),
            (r#""\\\ud800""#, Some(r#""\\\ufffd""#)),
            (r#""\ud80""#, None),
            (r#""\u+800""#, None),
            ("\"ä\\ud800ä\"", Some("\"ä\\ufffdä\"")),
            ("\\", None),
        ];
        for (text, expected) in cases {
            assert_eq!(replaced(text).as_deref(), expected, "{text}");
        }
    }
}
