//! Named formats (k8s.io/apiserver pkg/cel/library/format.go over apimachinery's validation and kube-openapi's strfmt).

use std::rc::Rc;
use std::sync::LazyLock;

use regex::Regex;

use super::{Answer, Context, Cost, Fail, Opaque, Row, argument, row, text_at, time, url};
use crate::cel::value::{Value, View};

pub static ROWS: &[Row] = &[
    row("format.named(string): optional(NamedFormat)", 31, Cost::One, named),
    row("NamedFormat.validate(string): optional(list(string))", 31, Cost::Validate, validate),
    row("format.dns1123Label(): NamedFormat", 31, Cost::One, |_, _| Ok(value(&DNS1123_LABEL))),
    row("format.dns1123Subdomain(): NamedFormat", 31, Cost::One, |_, _| Ok(value(&DNS1123_SUBDOMAIN))),
    row("format.dns1035Label(): NamedFormat", 31, Cost::One, |_, _| Ok(value(&DNS1035_LABEL))),
    row("format.qualifiedName(): NamedFormat", 31, Cost::One, |_, _| Ok(value(&QUALIFIED_NAME))),
    row("format.dns1123LabelPrefix(): NamedFormat", 31, Cost::One, |_, _| Ok(value(&DNS1123_LABEL_PREFIX))),
    row("format.dns1123SubdomainPrefix(): NamedFormat", 31, Cost::One, |_, _| Ok(value(&DNS1123_SUBDOMAIN_PREFIX))),
    row("format.dns1035LabelPrefix(): NamedFormat", 31, Cost::One, |_, _| Ok(value(&DNS1035_LABEL_PREFIX))),
    row("format.labelValue(): NamedFormat", 31, Cost::One, |_, _| Ok(value(&LABEL_VALUE))),
    row("format.uri(): NamedFormat", 31, Cost::One, |_, _| Ok(value(&URI))),
    row("format.uuid(): NamedFormat", 31, Cost::One, |_, _| Ok(value(&UUID))),
    row("format.byte(): NamedFormat", 31, Cost::One, |_, _| Ok(value(&BYTE))),
    row("format.date(): NamedFormat", 31, Cost::One, |_, _| Ok(value(&DATE))),
    row("format.datetime(): NamedFormat", 31, Cost::One, |_, _| Ok(value(&DATETIME))),
];

/// A format: two are equal when their names are.
pub struct NamedFormat {
    /// As `format.named` knows it.
    id: &'static str,
    /// As the API server shows it.
    pub name: &'static str,
    /// Characters of the pattern that the API server takes for what a validation costs.
    pub pattern_size: u64,
    /// Everything that is wrong with a text.
    check: fn(&str) -> Vec<String>,
}

impl PartialEq for NamedFormat {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl std::fmt::Debug for NamedFormat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

const fn format(
    id: &'static str,
    name: &'static str,
    pattern_size: u64,
    check: fn(&str) -> Vec<String>,
) -> NamedFormat {
    NamedFormat { id, name, pattern_size, check }
}

static DNS1123_LABEL: NamedFormat = format("dns1123Label", "DNS1123Label", 30, dns1123_label);
static DNS1123_SUBDOMAIN: NamedFormat =
    format("dns1123Subdomain", "DNS1123Subdomain", 60, |s| dns1123_subdomain(s, "characters"));
static DNS1035_LABEL: NamedFormat = format("dns1035Label", "DNS1035Label", 30, dns1035_label);
static QUALIFIED_NAME: NamedFormat = format("qualifiedName", "QualifiedName", 60, qualified_name);
static DNS1123_LABEL_PREFIX: NamedFormat =
    format("dns1123LabelPrefix", "DNS1123LabelPrefix", 30, |s| dns1123_label(&masked(s)));
static DNS1123_SUBDOMAIN_PREFIX: NamedFormat =
    format("dns1123SubdomainPrefix", "DNS1123SubdomainPrefix", 60, |s| dns1123_subdomain(&masked(s), "characters"));
static DNS1035_LABEL_PREFIX: NamedFormat =
    format("dns1035LabelPrefix", "DNS1035LabelPrefix", 30, |s| dns1035_label(&masked(s)));
static LABEL_VALUE: NamedFormat = format("labelValue", "LabelValue", 40, label_value);
static URI: NamedFormat = format("uri", "URI", 1103, |s| url::problem(s).into_iter().collect());
static UUID: NamedFormat = format("uuid", "uuid", 70, |s| unless(is_uuid(s), "does not match the UUID format"));
static BYTE: NamedFormat = format("byte", "byte", 84, |s| unless(is_base64(s), "invalid base64"));
static DATE: NamedFormat = format("date", "date", 71, |s| unless(time::is_date(s), "invalid date"));
static DATETIME: NamedFormat = format("datetime", "datetime", 71, |s| unless(is_datetime(s), "invalid datetime"));

static ALL: [&NamedFormat; 13] = [
    &DNS1123_LABEL,
    &DNS1123_SUBDOMAIN,
    &DNS1035_LABEL,
    &QUALIFIED_NAME,
    &DNS1123_LABEL_PREFIX,
    &DNS1123_SUBDOMAIN_PREFIX,
    &DNS1035_LABEL_PREFIX,
    &LABEL_VALUE,
    &URI,
    &UUID,
    &BYTE,
    &DATE,
    &DATETIME,
];

fn value<'a>(format: &'static NamedFormat) -> Value<'a> {
    Value::Opaque(Rc::new(Opaque::Format(format)))
}

fn named<'a>(_: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let id = text_at(arguments, 0)?;
    let found = ALL.iter().find(|format| format.id == id);
    Ok(found.map_or(Value::Optional(None), |format| Value::some(value(format))))
}

/// Nothing, or what is wrong.
fn validate<'a>(context: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let View::Opaque(Opaque::Format(format)) = argument(arguments, 0)?.view() else { return Err(Fail::NoSuchOverload) };
    let wrong = (format.check)(text_at(arguments, 1)?);
    if wrong.is_empty() {
        return Ok(Value::Optional(None));
    }
    let wrong: Result<_, _> = wrong.into_iter().map(|text| context.text(text)).collect();
    Ok(Value::some(Value::list(wrong?)))
}

fn unless(ok: bool, wrong: &str) -> Vec<String> {
    if ok { Vec::new() } else { vec![wrong.to_owned()] }
}

// Names (apimachinery pkg/util/validation/validation.go, pkg/api/validate/content/kube.go). Written out, not as patterns: a
// name is short, and the words for what is wrong hold the pattern anyway.

const LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const SUBDOMAIN: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const LABEL_1035: &str = "[a-z]([-a-z0-9]*[a-z0-9])?";
const KEY: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const KEY_WRONG: &str =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

fn too_long(text: &str, most: usize, unit: &str) -> Option<String> {
    (text.len() > most).then(|| format!("must be no more than {most} {unit}"))
}

fn pattern_wrong(message: &str, pattern: &str, examples: &[&str]) -> String {
    let examples: Vec<String> = examples.iter().map(|e| format!("'{e}', ")).collect();
    format!("{message} (e.g. {}regex used for validation is '{pattern}')", examples.join(" or "))
}

fn is_end(b: u8) -> bool {
    b.is_ascii_lowercase() || b.is_ascii_digit()
}

/// Allowed bytes, and at both ends those of a narrower kind.
fn is_made_of(text: &str, end: fn(u8) -> bool, inside: fn(u8) -> bool) -> bool {
    let bytes = text.as_bytes();
    bytes.first().is_some_and(|b| end(*b)) && bytes.last().is_some_and(|b| end(*b)) && bytes.iter().all(|b| inside(*b))
}

fn is_label(text: &str) -> bool {
    is_made_of(text, is_end, |b| is_end(b) || b == b'-')
}

fn is_subdomain(text: &str) -> bool {
    text.split('.').all(is_label)
}

fn is_key(text: &str) -> bool {
    is_made_of(text, |b| b.is_ascii_alphanumeric(), |b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

fn dns1123_label(text: &str) -> Vec<String> {
    const WRONG: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', \
                         and must start and end with an alphanumeric character";
    let mut wrong: Vec<String> = too_long(text, 63, "characters").into_iter().collect();
    if !is_label(text) {
        wrong.push(if is_subdomain(text) {
            "must not contain dots".to_owned()
        } else {
            pattern_wrong(WRONG, LABEL, &["my-name", "123-abc"])
        });
    }
    wrong
}

/// `unit`: a prefix of a label key is measured in bytes, as everything is, and says so.
fn dns1123_subdomain(text: &str, unit: &str) -> Vec<String> {
    const WRONG: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', \
                         and must start and end with an alphanumeric character";
    let mut wrong: Vec<String> = too_long(text, 253, unit).into_iter().collect();
    if !is_subdomain(text) {
        wrong.push(pattern_wrong(WRONG, SUBDOMAIN, &["example.com"]));
    }
    wrong
}

fn dns1035_label(text: &str) -> Vec<String> {
    const WRONG: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', \
                         start with an alphabetic character, and end with an alphanumeric character";
    let mut wrong: Vec<String> = too_long(text, 63, "characters").into_iter().collect();
    if !(is_label(text) && text.starts_with(|c: char| c.is_ascii_lowercase())) {
        wrong.push(pattern_wrong(WRONG, LABEL_1035, &["my-name", "abc-123"]));
    }
    wrong
}

fn label_value(text: &str) -> Vec<String> {
    const WRONG: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', \
                         and must start and end with an alphanumeric character";
    let mut wrong: Vec<String> = too_long(text, 63, "bytes").into_iter().collect();
    if !(text.is_empty() || is_key(text)) {
        wrong.push(pattern_wrong(WRONG, &format!("({KEY})?"), &["MyValue", "my_value", "12345"]));
    }
    wrong
}

fn qualified_name(text: &str) -> Vec<String> {
    let examples = ["MyName", "my.name", "123-abc"];
    let mut wrong = Vec::new();
    let name = match text.split('/').collect::<Vec<_>>().as_slice() {
        [name] => *name,
        [prefix, name] => {
            if prefix.is_empty() {
                wrong.push("prefix part must be non-empty".to_owned());
            } else {
                wrong.extend(dns1123_subdomain(prefix, "bytes").iter().map(|w| format!("prefix part {w}")));
            }
            *name
        }
        _ => {
            return vec![format!(
                "a valid label key {} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
                pattern_wrong(KEY_WRONG, KEY, &examples)
            )];
        }
    };
    if name.is_empty() {
        wrong.push("name part must be non-empty".to_owned());
    }
    wrong.extend(too_long(name, 63, "bytes").map(|w| format!("name part {w}")));
    if !is_key(name) {
        wrong.push(format!("name part {}", pattern_wrong(KEY_WRONG, KEY, &examples)));
    }
    wrong
}

/// A prefix may end in a dash. apimachinery replaces two characters by one (pkg/api/validation/generic.go, maskTrailingDash).
fn masked(text: &str) -> String {
    match text.strip_suffix('-') {
        Some(rest) if !rest.is_empty() => {
            // Of a character of several bytes one is left, which is as wrong as all of them.
            format!("{}a", rest.strip_suffix(|c: char| c.is_ascii()).unwrap_or(rest))
        }
        _ => text.to_owned(),
    }
}

// The others (kube-openapi pkg/validation/strfmt).

/// Dashes are optional, each for itself.
fn is_uuid(text: &str) -> bool {
    static UUID: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new("(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$").ok());
    UUID.as_ref().is_some_and(|uuid| uuid.is_match(text))
}

fn is_base64(text: &str) -> bool {
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    let alphabet = digits.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/');
    !digits.is_empty() && alphabet && padding <= 2 && text.len().is_multiple_of(4)
}

/// A date, `t`, and a time that ends in `z` or an offset; a second is 59 at most.
fn is_datetime(text: &str) -> bool {
    static TIME: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new("^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](.[0-9]+)?(z|([+-][0-9]{2}:[0-9]{2}))$").ok()
    });
    let lower = text.to_lowercase();
    let mut parts = lower.split('t');
    let (Some(date), Some(time)) = (parts.next(), parts.next()) else { return false };
    time::is_date(date) && TIME.as_ref().is_some_and(|pattern| pattern.is_match(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_text() {
        for (format, text, wrong) in [
            (&DNS1123_LABEL, "a-1", 0),
            (&DNS1123_LABEL, "a.b", 1),
            (&DNS1123_LABEL, "", 1),
            (&DNS1123_LABEL_PREFIX, "ab-", 0),
            (&DNS1123_LABEL_PREFIX, "-", 1),
            (&DNS1123_SUBDOMAIN, "a.b-c.d", 0),
            (&DNS1123_SUBDOMAIN, "a..b", 1),
            (&DNS1035_LABEL, "1a", 1),
            (&QUALIFIED_NAME, "a.io/B_c", 0),
            (&QUALIFIED_NAME, "/", 3),
            (&QUALIFIED_NAME, "a/b/c", 1),
            (&LABEL_VALUE, "", 0),
            (&LABEL_VALUE, "-", 1),
            (&URI, "http://a/b", 0),
            (&URI, "a", 1),
            (&UUID, "123E4567e89b12d3-a456-426614174000", 0),
            (&UUID, "123", 1),
            (&BYTE, "aGVsbG8=", 0),
            (&BYTE, "a===", 1),
            (&BYTE, "", 1),
            (&DATE, "2024-02-29", 0),
            (&DATE, "2023-02-29", 1),
            (&DATETIME, "2024-02-29T23:59:59.5+01:00", 0),
            (&DATETIME, "2024-02-29t23:59:60z", 1),
            (&DATETIME, "2024-02-29T23:59:59", 1),
        ] {
            assert_eq!((format.check)(text).len(), wrong, "{} {text}", format.id);
        }
    }
}
