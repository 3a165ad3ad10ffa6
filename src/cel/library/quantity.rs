//! Quantities (k8s.io/apiserver pkg/cel/library/quantity.go over apimachinery's resource.Quantity).

use std::fmt;
use std::rc::Rc;

use super::{Answer, Context, Cost, Fail, Opaque, Row, argument, row, text_at};
use crate::cel::value::{Value, View};

const READ: Cost = Cost::Read { argument: 0, times: 1 };

pub static ROWS: &[Row] = &[
    row("quantity(string): quantity", 28, READ, quantity),
    row("isQuantity(string): bool", 28, READ, is_quantity),
    row("quantity.compareTo(quantity): int", 28, Cost::One, |_, a| two(a, |x, y| Ok(Value::Int(x.cmp(&y) as i64)))),
    row("quantity.isGreaterThan(quantity): bool", 28, Cost::One, |_, a| two(a, |x, y| Ok(Value::Bool(x > y)))),
    row("quantity.isLessThan(quantity): bool", 28, Cost::One, |_, a| two(a, |x, y| Ok(Value::Bool(x < y)))),
    row("quantity.add(quantity|int): quantity", 28, Cost::One, |_, a| two(a, |x, y| sum(x.nano.checked_add(y.nano)))),
    row("quantity.sub(quantity|int): quantity", 28, Cost::One, |_, a| two(a, |x, y| sum(x.nano.checked_sub(y.nano)))),
    row("quantity.asInteger(): int", 28, Cost::One, as_integer),
    row("quantity.isInteger(): bool", 28, Cost::One, |_, a| Ok(Value::Bool(receiver(a)?.whole().is_some()))),
    row("quantity.asApproximateFloat(): double", 28, Cost::One, |_, a| Ok(Value::Double(receiver(a)?.approximate()))),
    row("quantity.sign(): int", 28, Cost::One, |_, a| Ok(Value::Int(receiver(a)?.nano.signum() as i64))),
];

/// A quantity, to the billionth; that is as fine as Kubernetes keeps one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantity {
    nano: i128,
}

const ONE: i128 = 1_000_000_000;

/// Why a text is no quantity; apimachinery has no other words for it.
const FORMAT_WRONG: &str =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

impl Quantity {
    /// `500m`, `1.5Gi`, `1e3`. Finer than a billionth is rounded up, as apimachinery does.
    pub fn parse(text: &str) -> Option<Self> {
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let digits = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
        let (number, suffix) = unsigned.split_at(digits);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return None;
        }
        // The number is `digits × numerator / denominator` billionths.
        let (numerator, denominator) = scale(suffix)?;
        let fraction = fraction.trim_end_matches('0');
        let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        let mut nano = whole.checked_mul(numerator)?.checked_add(denominator - 1)? / denominator;
        if !fraction.is_empty() {
            let tens = 10i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
            let all = whole.checked_mul(tens)?.checked_add(fraction.parse().ok()?)?.checked_mul(numerator)?;
            let divisor = tens.checked_mul(denominator)?;
            nano = all / divisor + i128::from(all % divisor != 0);
        }
        Some(Quantity { nano: if text.starts_with('-') { -nano } else { nano } })
    }

    fn whole(self) -> Option<i64> {
        if self.nano % ONE == 0 { i64::try_from(self.nano / ONE).ok() } else { None }
    }

    fn approximate(self) -> f64 {
        self.nano as f64 / ONE as f64
    }
}

/// What a suffix multiplies by, in billionths, as a fraction.
fn scale(suffix: &str) -> Option<(i128, i128)> {
    const SUFFIXES: [(&str, i128); 16] = [
        ("n", 1),
        ("u", 1_000),
        ("m", 1_000_000),
        ("", ONE),
        ("k", ONE * 1_000),
        ("M", ONE * 1_000_000),
        ("G", ONE * ONE),
        ("T", ONE * ONE * 1_000),
        ("P", ONE * ONE * 1_000_000),
        ("E", ONE * ONE * ONE),
        ("Ki", ONE << 10),
        ("Mi", ONE << 20),
        ("Gi", ONE << 30),
        ("Ti", ONE << 40),
        ("Pi", ONE << 50),
        ("Ei", ONE << 60),
    ];
    if let Some((_, factor)) = SUFFIXES.iter().find(|(s, _)| *s == suffix) {
        return Some((*factor, 1));
    }
    let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
    match exponent {
        0..=20 => Some((ONE * 10i128.pow(exponent as u32), 1)),
        -20..0 => Some((ONE, 10i128.pow(exponent.unsigned_abs()))),
        _ => None,
    }
}

/// A plain decimal; Kubernetes would choose a suffix, which nothing here depends on.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.nano.unsigned_abs() / ONE as u128, self.nano.unsigned_abs() % ONE as u128);
        let fraction = format!("{rest:09}");
        let sign = if self.nano < 0 { "-" } else { "" };
        match fraction.trim_end_matches('0') {
            "" => write!(f, "{sign}{whole}"),
            fraction => write!(f, "{sign}{whole}.{fraction}"),
        }
    }
}

fn value<'a>(quantity: Quantity) -> Value<'a> {
    Value::Opaque(Rc::new(Opaque::Quantity(quantity)))
}

fn receiver(arguments: &[Value<'_>]) -> Result<Quantity, Fail> {
    match argument(arguments, 0)?.view() {
        View::Opaque(Opaque::Quantity(quantity)) => Ok(*quantity),
        _ => Err(Fail::NoSuchOverload),
    }
}

fn two<'a>(arguments: &[Value<'a>], f: impl Fn(Quantity, Quantity) -> Answer<'a>) -> Answer<'a> {
    let other = match argument(arguments, 1)?.view() {
        View::Opaque(Opaque::Quantity(quantity)) => *quantity,
        View::Int(i) => Quantity { nano: i128::from(i) * ONE },
        _ => return Err(Fail::NoSuchOverload),
    };
    f(receiver(arguments)?, other)
}

fn sum<'a>(nano: Option<i128>) -> Answer<'a> {
    nano.map(|nano| value(Quantity { nano })).ok_or_else(|| Fail::from("quantity overflow"))
}

fn quantity<'a>(_: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    Quantity::parse(text_at(arguments, 0)?).map(value).ok_or_else(|| Fail::from(FORMAT_WRONG))
}

fn is_quantity<'a>(_: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    Ok(Value::Bool(Quantity::parse(text_at(arguments, 0)?).is_some()))
}

fn as_integer<'a>(_: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    receiver(arguments)?.whole().map(Value::Int).ok_or_else(|| Fail::from("cannot convert value to integer"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_as_kubernetes_reads_them() {
        for (text, expected) in [
            ("1", "1"),
            ("500m", "0.5"),
            ("1.5Gi", "1610612736"),
            ("-2Ki", "-2048"),
            ("1e3", "1000"),
            ("1E-3", "0.001"),
            ("2E", "2000000000000000000"),
            (".5", "0.5"),
            ("5.", "5"),
            ("0.1n", "0.000000001"),
        ] {
            assert_eq!(Quantity::parse(text).unwrap().to_string(), expected, "{text}");
        }
        for text in ["", "Gi", "1.2.3", "1Kib", "1 Gi", "abc", "--1", "1e99"] {
            assert_eq!(Quantity::parse(text), None, "{text}");
        }
    }
}
