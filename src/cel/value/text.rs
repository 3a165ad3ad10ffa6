//! Values as text: `string(x)`, and for people.

use std::borrow::Cow;
use std::fmt;

use super::{Value, View};

impl<'a> Value<'a> {
    /// `string(x)` of a scalar; `None` where there is no such conversion.
    pub(in crate::cel) fn to_text(&self) -> Option<Cow<'_, str>> {
        Some(match self.view() {
            View::Str(s) => Cow::Borrowed(s),
            View::Bool(b) => Cow::Borrowed(if b { "true" } else { "false" }),
            View::Int(i) => i.to_string().into(),
            View::Uint(u) => u.to_string().into(),
            View::Double(d) => double_text(d).into(),
            View::Bytes(b) => std::str::from_utf8(b).ok()?.into(),
            View::Duration(d) => duration_text(d).into(),
            View::Timestamp(t) => t.to_string().into(),
            _ => return None,
        })
    }
}

/// Go's `strconv.FormatFloat(d, 'g', -1, 64)`: the shortest digits, with an exponent below 1e-4 and from 1e6.
fn double_text(d: f64) -> String {
    if d.is_nan() {
        return "NaN".to_owned();
    }
    if d.is_infinite() {
        return if d > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{d:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        return format!("{d}");
    }
    format!("{mantissa}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

/// cel-go's `string(duration)`: seconds as a double, `5400s`, `1.5s`.
fn duration_text(nanoseconds: i64) -> String {
    let seconds = (nanoseconds / 1_000_000_000) as f64 + (nanoseconds % 1_000_000_000) as f64 / 1e9;
    format!("{seconds}s")
}

/// As an expression would write it; strings in quotes. For people and tests, shortened nowhere.
impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Value::Node(node) = self {
            return node.fmt(f);
        }
        match self.view() {
            View::Null => f.write_str("null"),
            View::Uint(u) => write!(f, "{u}u"),
            View::Double(d) if d.fract() == 0.0 && d.abs() < 1e15 => write!(f, "{d:.1}"),
            View::Str(s) => write!(f, "{}", serde_json::Value::from(s)),
            View::Bytes(b) => write!(f, "b\"{}\"", b.escape_ascii()),
            View::List(list) => {
                f.write_str("[")?;
                for (i, element) in list.iter().enumerate() {
                    write!(f, "{}{element}", if i > 0 { "," } else { "" })?;
                }
                f.write_str("]")
            }
            View::Map(map) => {
                if let Value::Struct(value) = self {
                    f.write_str(value.name)?;
                }
                f.write_str("{")?;
                for (i, (key, value)) in map.iter().enumerate() {
                    write!(f, "{}{key}:{value}", if i > 0 { "," } else { "" })?;
                }
                f.write_str("}")
            }
            View::Optional(None) => f.write_str("optional.none()"),
            View::Optional(Some(inner)) => write!(f, "optional.of({inner})"),
            View::Duration(d) => write!(f, "duration(\"{}\")", duration_text(d)),
            View::Timestamp(t) => write!(f, "timestamp(\"{t}\")"),
            View::Type(name) => f.write_str(name),
            View::Opaque(value) => write!(f, "{value}"),
            View::Facts(_) => f.write_str("facts"),
            View::Unknown(_) => f.write_str("unknown"),
            View::Bool(_) | View::Int(_) | View::Double(_) => f.write_str(&self.to_text().unwrap_or_default()),
        }
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
