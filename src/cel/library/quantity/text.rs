//! Quantities from text and as text (apimachinery pkg/api/resource/{quantity,suffix}.go).

use std::fmt;

use num_bigint::{BigInt, Sign};

use super::amount::{Amount, Format, MOST_DIGITS, Quantity, power};
use crate::cel::halt::Fail;

const WRONG: &str = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const NUMBER_WRONG: &str = "unable to parse numeric part of quantity";
const SUFFIX_WRONG: &str = "unable to parse quantity's suffix";

/// Suffixes with the power of 10 or, in the second table, of 2.
const DECIMAL: [(&str, i32); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];
const BINARY: [(&str, i32); 6] = [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];

/// Decimal digits that surely fit an int64.
const SMALL_DIGITS: i64 = 18;

/// A text taken apart (parseQuantityString).
struct Parts<'s> {
    negative: bool,
    /// Sign, digits and point.
    value: &'s str,
    /// Digits before the point, without leading zeros.
    whole: &'s str,
    /// Digits after it.
    fraction: &'s str,
    suffix: &'s str,
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

impl<'s> Parts<'s> {
    fn of(text: &'s str) -> Option<Self> {
        let negative = text.starts_with('-');
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let (whole, rest) = digits(unsigned.trim_start_matches('0'));
        let (fraction, rest) = rest.strip_prefix('.').map_or(("", rest), digits);
        let value = text.strip_suffix(rest).unwrap_or(text);
        let exponent = rest.trim_start_matches(|c| "eEinumkKMGTP".contains(c));
        let (_, left) = digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent));
        let whole = if whole.is_empty() { "0" } else { whole };
        left.is_empty().then_some(Parts { negative, value, whole, fraction, suffix: rest })
    }
}

/// Base, exponent and format of a suffix.
fn interpret(suffix: &str) -> Option<(u32, i32, Format)> {
    if let Some((_, exponent)) = DECIMAL.iter().find(|(s, _)| *s == suffix) {
        return Some((10, *exponent, Format::DecimalSi));
    }
    if let Some((_, exponent)) = BINARY.iter().find(|(s, _)| *s == suffix) {
        return Some((2, *exponent, Format::BinarySi));
    }
    // Go takes what fits 64 bits and keeps 32 of them.
    let exponent: i64 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
    Some((10, exponent as i32, Format::DecimalExponent))
}

impl Quantity {
    /// `500m`, `1.5Gi`, `1e3`. Finer than a billionth is rounded away from zero.
    pub(in crate::cel) fn parse(text: &str) -> Result<Self, Fail> {
        if text.is_empty() {
            return Err(Fail::from(WRONG));
        }
        let parts = Parts::of(text).ok_or(Fail::from(WRONG))?;
        let (base, exponent, format) = interpret(parts.suffix).ok_or(Fail::from(SUFFIX_WRONG))?;
        match small(&parts, exponent, format, text)? {
            Some(quantity) => Ok(quantity),
            None => big(&parts, base, exponent, format),
        }
    }
}

/// As an int64, where the digits surely fit one.
fn small(parts: &Parts<'_>, exponent: i32, format: Format, text: &str) -> Result<Option<Quantity>, Fail> {
    let count = (parts.whole.len() + parts.fraction.len()) as i64;
    let (precision, factor, scale) = match format {
        Format::BinarySi if parts.fraction.is_empty() => {
            let taken = (f64::from(exponent) * 3.0 / 10.0) as i64;
            (15 - parts.whole.len() as i64 - taken - 1, 1i64 << exponent.clamp(0, 62), 0)
        }
        Format::BinarySi => return Ok(None),
        _ => (SMALL_DIGITS - count, 1, exponent),
    };
    let scale = scale.wrapping_sub(parts.fraction.len() as i32);
    if precision < 0 || scale < -9 {
        return Ok(None);
    }
    let shifted = [parts.whole, parts.fraction].concat();
    let number: i64 = shifted.parse().map_err(|_| Fail::from(NUMBER_WRONG))?;
    let Some(value) = number.checked_mul(factor) else { return Ok(None) };
    let canonical = match format {
        Format::BinarySi => exponent % 10 == 0 && number & 7 != 0,
        _ => scale % 3 == 0 && !shifted.ends_with("000") && !shifted.starts_with('0'),
    };
    let digits = if parts.negative { -value } else { value };
    let written = canonical.then(|| text.into());
    Ok(Some(Quantity { amount: Amount::Small { digits, exponent: scale }, format, written, computed: false }))
}

/// With as many digits as it takes.
fn big(parts: &Parts<'_>, base: u32, exponent: i32, format: Format) -> Result<Quantity, Fail> {
    if parts.value.len() > MOST_DIGITS as usize {
        return Err(Fail::OverBudget);
    }
    let unsigned: String = parts.value.chars().filter(char::is_ascii_digit).collect();
    let mut digits: BigInt = unsigned.parse().map_err(|_| Fail::from(NUMBER_WRONG))?;
    let mut scale = -(parts.fraction.len() as i32);
    if base == 10 {
        scale = scale.wrapping_add(exponent);
    } else {
        digits <<= exponent.clamp(0, 62);
    }
    if digits.sign() != Sign::NoSign {
        // To the billionth, away from zero.
        let zeros = power(scale.abs_diff(-9))?;
        digits = if scale < -9 { (digits + &zeros - 1) / zeros } else { digits * zeros };
        scale = -9;
    }
    let one = power(9)?;
    let most = BigInt::from(i64::MAX);
    if format == Format::BinarySi && digits > &most * &one {
        (digits, scale) = (most, 0);
    }
    let fraction = format == Format::BinarySi && scale == -9 && digits < one;
    let format = if fraction { Format::DecimalSi } else { format };
    let digits = if parts.negative { -digits } else { digits };
    Ok(Quantity { amount: Amount::Big { digits, exponent: scale }, format, written: None, computed: false })
}

/// Takes factors out of a number that is not 0.
fn without_factors(mut number: BigInt, factor: u32) -> (BigInt, i32) {
    let mut times = 0;
    while number.sign() != Sign::NoSign && (&number % factor).sign() == Sign::NoSign {
        number /= factor;
        times += 1;
    }
    (number, times)
}

/// As Kubernetes writes it (CanonicalizeBytes).
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(written) = &self.written {
            return f.write_str(written);
        }
        if self.sign() == 0 {
            return f.write_str("0");
        }
        let (digits, exponent) = self.amount.parts();
        // Of the smallest int64 Go takes no factors out: its opposite is negative too (math.go, removeInt64Factors).
        let smallest = matches!(self.amount, Amount::Small { digits: i64::MIN, exponent: 0 });
        if self.format == Format::BinarySi
            && !smallest
            && let Some((number, power)) = binary(&digits, exponent)
        {
            let suffix = BINARY.iter().find(|(_, p)| *p == power).map_or("", |(s, _)| s);
            return write!(f, "{number}{suffix}");
        }
        let (mut digits, times) = without_factors(digits, 10);
        let mut exponent = exponent.saturating_add(times);
        while exponent % 3 != 0 {
            digits *= 10;
            exponent -= 1;
        }
        match self.format {
            Format::DecimalExponent if exponent == 0 => write!(f, "{digits}"),
            Format::DecimalExponent => write!(f, "{digits}e{exponent}"),
            _ => write!(f, "{digits}{}", DECIMAL.iter().find(|(_, p)| *p == exponent).map_or("", |(s, _)| s)),
        }
    }
}

/// A whole number of 1024 or more, as a multiple of the largest power of 1024 that it is.
fn binary(digits: &BigInt, exponent: i32) -> Option<(BigInt, i32)> {
    let zeros = power(exponent.unsigned_abs()).ok()?;
    let whole = if exponent >= 0 {
        digits * zeros
    } else if (digits % &zeros).sign() == Sign::NoSign {
        digits / zeros
    } else {
        return None;
    };
    if *whole.magnitude() < 1024u32.into() {
        return None;
    }
    let (number, times) = without_factors(whole, 1024);
    Some((number, times * 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_as_kubernetes_reads_and_writes_them() {
        for (text, expected) in [
            ("1", "1"),
            ("500m", "500m"),
            ("1.5Gi", "1536Mi"),
            ("1.0001Ki", "1024102400u"),
            ("-2Ki", "-2Ki"),
            ("1000", "1k"),
            ("1e3", "1e3"),
            ("1e-10", "1e-9"),
            ("0.0000000001", "1n"),
            (".5", "500m"),
            ("5.", "5."),
            ("8Ei", "9223372036854775807"),
            ("9999999999999999999999G", "9999999999999999999999G"),
            ("+", "0"),
        ] {
            assert_eq!(Quantity::parse(text).unwrap().to_string(), expected, "{text}");
        }
        for (text, why) in [
            ("", WRONG),
            ("1.2.3", WRONG),
            ("1 Gi", WRONG),
            ("Gi1x", WRONG),
            ("1kk", SUFFIX_WRONG),
            ("--1", SUFFIX_WRONG),
            ("1e99999999999999999999", SUFFIX_WRONG),
        ] {
            let Err(Fail::Message(message)) = Quantity::parse(text) else { panic!("{text} is read") };
            assert_eq!(message, why, "{text}");
        }
    }

    #[test]
    fn what_counts_as_a_whole_number_is_how_it_is_kept() {
        for (text, expected) in [
            ("2", Some(2)),
            ("2k", Some(2000)),
            ("2Gi", Some(2 << 30)),
            ("2.0", None),
            ("1.5Gi", None),
            ("7Ei", None),
            ("123456789012345678", Some(123_456_789_012_345_678)),
            ("1234567890123456789", None),
        ] {
            assert_eq!(Quantity::parse(text).unwrap().as_int(), expected, "{text}");
        }
    }

    #[test]
    fn numbers_beyond_all_bounds_are_over_budget() {
        let large = Quantity::parse("1e1000000000").unwrap();
        let one = Quantity::whole(1);
        assert!(large.add(&one).is_err());
        assert!(large.compare(&one).is_err());
        assert!(matches!(Quantity::parse("1234567890123456789e1000000000"), Err(Fail::OverBudget)));
    }
}
