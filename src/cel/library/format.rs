//! `string.format(list)` (cel-go ext/formatting.go), when it runs and when it is loaded.

use super::{Answer, Context, Fail, go, list_at, text_at};
use crate::cel::types::Type;
use crate::cel::value::{Map, Value, View};
use crate::object::Span;

/// Digits after the point unless a clause says how many.
const PRECISION: usize = 6;

/// Deepest value that `%s` writes; objects nest deeper than a thread's stack, and nobody prints those.
const MAX_DEPTH: usize = 100;

/// A clause: a verb, and the number between point and verb.
struct Clause {
    verb: char,
    precision: Option<usize>,
}

impl Clause {
    /// Reads what follows a `%`, and gives what is left.
    fn read(text: &str) -> Result<(Self, &str), String> {
        let (precision, rest) = match text.strip_prefix('.') {
            None => (None, text),
            Some(number) => {
                let digits = number.find(|c: char| !c.is_ascii_digit());
                let (digits, rest) = number.split_at(digits.unwrap_or(number.len()));
                if rest.is_empty() {
                    return Err("error while parsing precision: could not find end of precision specifier".to_owned());
                }
                let why = if digits.is_empty() { "invalid syntax" } else { "value out of range" };
                let precision = digits.parse::<i64>().ok().and_then(|p| usize::try_from(p).ok());
                let precision = precision.ok_or_else(|| {
                    format!(
                        "error while parsing precision: error while converting precision to integer: \
                         strconv.Atoi: parsing {}: {why}",
                        go::quote(digits)
                    )
                })?;
                (Some(precision), rest)
            }
        };
        // Go looks at the byte, whatever it begins.
        let verb = char::from(rest.bytes().next().unwrap_or(b' '));
        match verb {
            's' | 'd' | 'f' | 'e' | 'b' | 'x' | 'X' | 'o' => {
                Ok((Clause { verb, precision }, rest.get(1..).unwrap_or_default()))
            }
            verb => Err(format!("unrecognized formatting clause \"{verb}\"")),
        }
    }

    /// Why a value of this type cannot be written so.
    fn wrong(&self, given: &str) -> String {
        let wanted = match self.verb {
            's' => {
                "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, \
                 and timestamps"
            }
            'd' => "decimal clause can only be used on integers",
            'f' => "fixed-point clause can only be used on doubles",
            'e' => "scientific clause can only be used on doubles",
            'b' => "only integers and bools can be formatted as binary",
            'o' => "octal clause can only be used on integers",
            _ => "only integers, byte buffers, and strings can be formatted as hex",
        };
        format!("{wanted}, was given {given}")
    }
}

/// The pieces of a pattern, one after the other.
struct Pieces<'p> {
    rest: &'p str,
    /// Clauses so far.
    clauses: usize,
    /// When it is loaded, an end in a clause is found before an argument that is missing.
    loading: bool,
}

enum Piece<'p> {
    Text(&'p str),
    /// A clause for the argument with this number.
    Clause(usize, Clause),
}

impl<'p> Pieces<'p> {
    fn of(rest: &'p str, loading: bool) -> Self {
        Pieces { rest, clauses: 0, loading }
    }

    /// The next piece, when there are so many arguments.
    fn next(&mut self, arguments: usize) -> Result<Option<Piece<'p>>, String> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let Some(tail) = self.rest.strip_prefix('%') else {
            let (text, rest) = self.rest.split_at(self.rest.find('%').unwrap_or(self.rest.len()));
            self.rest = rest;
            return Ok(Some(Piece::Text(text)));
        };
        if let Some(rest) = tail.strip_prefix('%') {
            self.rest = rest;
            return Ok(Some(Piece::Text("%")));
        }
        let number = self.clauses;
        self.clauses += 1;
        let missing = number >= arguments;
        if tail.is_empty() && (self.loading || !missing) {
            return Err("unexpected end of string".to_owned());
        }
        if missing {
            return Err(format!("index {number} out of range"));
        }
        let (clause, rest) = Clause::read(tail).map_err(|why| format!("could not parse formatting clause: {why}"))?;
        self.rest = rest;
        Ok(Some(Piece::Clause(number, clause)))
    }
}

/// `string.format(list)`
pub fn format<'a>(context: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let (pattern, list) = (text_at(arguments, 0)?, list_at(arguments, 1)?);
    let mut out = String::new();
    let mut pieces = Pieces::of(pattern, false);
    while let Some(piece) = pieces.next(list.len()).map_err(Fail::from)? {
        let before = out.len();
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Clause(number, clause) => {
                let value = list.get(number).ok_or(Fail::NoSuchOverload)?;
                write_clause(context, &clause, &value, &mut out)?;
            }
        }
        context.allocate(out.len() - before)?;
    }
    Ok(Value::text(out))
}

fn write_clause(context: &mut Context, clause: &Clause, value: &Value<'_>, out: &mut String) -> Result<(), Fail> {
    let precision = clause.precision.unwrap_or(PRECISION);
    match (clause.verb, value.view()) {
        ('s', _) => return write_value(clause, value, out),
        ('d', View::Int(i)) => out.push_str(&i.to_string()),
        ('d', View::Uint(u)) => out.push_str(&u.to_string()),
        ('f', _) if number(value).is_some() => {
            out.push_str(&fixed(number(value).unwrap_or_default(), precision));
        }
        ('e', _) if number(value).is_some() => {
            // cel-go takes the precision for a width.
            context.allocate(precision.min(MOST_DIGITS))?;
            out.push_str(&scientific(number(value).unwrap_or_default(), precision));
        }
        ('b', View::Bool(b)) => out.push(if b { '1' } else { '0' }),
        ('b' | 'o' | 'x' | 'X', View::Int(i)) => {
            out.push_str(if i < 0 { "-" } else { "" });
            out.push_str(&radix(clause.verb, i.unsigned_abs()));
        }
        ('b' | 'o' | 'x' | 'X', View::Uint(u)) => out.push_str(&radix(clause.verb, u)),
        ('x' | 'X', View::Str(s)) => s.bytes().for_each(|b| out.push_str(&hexadecimal(clause.verb, b))),
        ('x' | 'X', View::Bytes(bytes)) => bytes.iter().for_each(|b| out.push_str(&hexadecimal(clause.verb, *b))),
        _ => return Err(wrong(clause.wrong(value.type_name()))),
    }
    Ok(())
}

fn wrong(why: String) -> Fail {
    Fail::from(format!("error during formatting: {why}"))
}

fn radix(verb: char, number: u64) -> String {
    match verb {
        'b' => format!("{number:b}"),
        'o' => format!("{number:o}"),
        'x' => format!("{number:x}"),
        _ => format!("{number:X}"),
    }
}

fn hexadecimal(verb: char, byte: u8) -> String {
    if verb == 'x' { format!("{byte:02x}") } else { format!("{byte:02X}") }
}

/// A double, or one of the words for those that JSON does not have.
fn number(value: &Value<'_>) -> Option<f64> {
    match value.view() {
        View::Double(d) => Some(d),
        View::Str("NaN") => Some(f64::NAN),
        View::Str("Infinity") => Some(f64::INFINITY),
        View::Str("-Infinity") => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

// Numbers as golang.org/x/text/message writes them in English.

/// From here on a precision is no number to Go.
const MOST_DIGITS: usize = 10_000_010;

fn not_finite(number: f64) -> Option<&'static str> {
    match number {
        n if n.is_nan() => Some("NaN"),
        f64::INFINITY => Some("∞"),
        f64::NEG_INFINITY => Some("-∞"),
        _ => None,
    }
}

/// `1,234.500000`. A zero has no sign.
fn fixed(number: f64, precision: usize) -> String {
    if precision >= MOST_DIGITS {
        return "%!(NOVERB)".to_owned();
    }
    if let Some(word) = not_finite(number) {
        return word.to_owned();
    }
    // x/text keeps 16 bits of the precision, of which a sign is one, and 8 bits of the digits that have to be there.
    let (most, least) = (precision as u16 as i16, precision % 256);
    let text = match usize::try_from(most) {
        Ok(most) => format!("{:.most$}", number.abs()),
        Err(_) => format!("{}", number.abs()),
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let fraction = if precision < 256 { fraction } else { fraction.trim_end_matches('0') };
    let mut out = String::from(if number < 0.0 { "-" } else { "" });
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if least > 0 || !fraction.is_empty() {
        out.push_str(&format!(".{fraction:0<least$}"));
    }
    out
}

/// `1.052033×10⁰³`, six digits, filled up with blanks on the left.
fn scientific(number: f64, width: usize) -> String {
    if width >= MOST_DIGITS {
        return "%!(NOVERB)".to_owned();
    }
    let text = match not_finite(number) {
        Some(word) => word.to_owned(),
        None => {
            let plain = format!("{:.PRECISION$e}", if number == 0.0 { 0.0 } else { number });
            let (mantissa, exponent) = plain.split_once('e').unwrap_or((&plain, "0"));
            let digits = exponent.strip_prefix('-').unwrap_or(exponent);
            let raised: String = format!("{digits:0>2}").chars().map(superscript).collect();
            format!("{mantissa}×10{}{raised}", if exponent.starts_with('-') { "⁻" } else { "" })
        }
    };
    format!("{text:>width$}")
}

fn superscript(digit: char) -> char {
    let digit = digit.to_digit(10).unwrap_or(0) as usize;
    "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().nth(digit).unwrap_or('⁰')
}

/// `%s` of a value: as `string(x)`, lists and maps as an expression would write them.
fn write_value(clause: &Clause, value: &Value<'_>, out: &mut String) -> Result<(), Fail> {
    match value.view() {
        View::Null => out.push_str("null"),
        View::Type(name) => out.push_str(name),
        View::List(_) | View::Map(Map::Node(_) | Map::Facts(_) | Map::Owned(_)) => write_inner(value, out, MAX_DEPTH)?,
        View::Bytes(bytes) => out.push_str(utf8(bytes)?),
        _ => match value.to_text() {
            Some(text) => out.push_str(&text),
            None => return Err(wrong(clause.wrong(value.type_name()))),
        },
    }
    Ok(())
}

fn utf8(bytes: &[u8]) -> Result<&str, Fail> {
    let why = "could not convert argument \"invalid UTF-8 in bytes, cannot convert to string\" to string";
    std::str::from_utf8(bytes).map_err(|_| wrong(why.to_owned()))
}

/// A value inside a list or map.
fn write_inner(value: &Value<'_>, out: &mut String, depth: usize) -> Result<(), Fail> {
    let depth = depth.checked_sub(1).ok_or(Fail::OverBudget)?;
    match value.view() {
        View::Null => out.push_str("null"),
        View::Type(name) => out.push_str(name),
        View::Double(d) if d.is_nan() => out.push_str("\"NaN\""),
        View::Double(d) if d.is_infinite() => out.push_str(if d > 0.0 { "\"+Inf\"" } else { "\"-Inf\"" }),
        View::Double(d) => out.push_str(&format!("{d:.PRECISION$}")),
        View::Str(s) => out.push_str(&go::quote(s)),
        View::Bytes(bytes) => out.push_str(&format!("b{}", go::quote(utf8(bytes)?))),
        View::Duration(_) => out.push_str(&format!("duration({})", go::quote(&value.to_text().unwrap_or_default()))),
        View::Timestamp(_) => out.push_str(&format!("timestamp({})", go::quote(&value.to_text().unwrap_or_default()))),
        View::List(list) => {
            out.push('[');
            for (i, element) in list.iter().enumerate() {
                out.push_str(if i > 0 { ", " } else { "" });
                write_inner(&element, out, depth)?;
            }
            out.push(']');
        }
        View::Map(map @ (Map::Node(_) | Map::Facts(_) | Map::Owned(_))) => write_map(map, out, depth)?,
        View::Bool(_) | View::Int(_) | View::Uint(_) => out.push_str(&value.to_text().unwrap_or_default()),
        _ => return Err(wrong(format!("no formatting function for {}", value.type_name()))),
    }
    Ok(())
}

/// Entries in the order of their keys' texts.
fn write_map(map: Map<'_, '_>, out: &mut String, depth: usize) -> Result<(), Fail> {
    let mut entries = Vec::with_capacity(map.len());
    for (key, value) in map.iter() {
        let key = match key.view() {
            View::Str(text) => go::quote(text),
            View::Bool(_) | View::Int(_) | View::Uint(_) => key.to_text().unwrap_or_default().into_owned(),
            _ => return Err(wrong(format!("no formatting function for map key of type {}", key.type_name()))),
        };
        entries.push((key, value));
    }
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    out.push('{');
    for (i, (key, value)) in entries.iter().enumerate() {
        out.push_str(if i > 0 { ", " } else { "" });
        out.push_str(key);
        out.push(':');
        write_inner(value, out, depth)?;
    }
    out.push('}');
    Ok(())
}

/// What is wrong with a literal pattern and as many arguments, of which `fits` says whether one may be written as `verb`;
/// otherwise it gives its type (stringFormatValidator). With the number of the argument, where one is to blame.
pub fn check(
    pattern: &str,
    arguments: usize,
    mut refused: impl FnMut(usize, char) -> Option<(Span, String)>,
) -> Result<(), (Option<Span>, String)> {
    let mut pieces = Pieces::of(pattern, true);
    while let Some(piece) = pieces.next(arguments).map_err(|why| (None, why))? {
        if let Piece::Clause(number, clause) = piece
            && let Some((span, given)) = refused(number, clause.verb)
        {
            return Err((Some(span), format!("error during formatting: {}", clause.wrong(&given))));
        }
    }
    match pieces.clauses {
        few if few < arguments => {
            let why = format!("too many arguments supplied to string.format (expected {few}, got {arguments})");
            Err((None, why))
        }
        _ => Ok(()),
    }
}

/// Whether a value of a type that is known before it runs may be written so. What is in a list or map is looked at when it is
/// written out.
pub fn takes(verb: char, ty: &Type) -> bool {
    match (verb, ty) {
        (_, Type::Dyn | Type::Param(_)) => true,
        ('s', Type::Optional(_) | Type::Struct(_) | Type::Named(_)) => false,
        ('s', _) | ('d' | 'o' | 'b' | 'x' | 'X', Type::Int | Type::Uint) => true,
        ('f' | 'e', Type::Double | Type::String) | ('x' | 'X', Type::String | Type::Bytes) | ('b', Type::Bool) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_the_go_text_library_writes_them() {
        for (number, precision, expected) in [
            (1234567.5, 6, "1,234,567.500000"),
            (-1234.565, 2, "-1,234.57"),
            (-0.0, 1, "0.0"),
            (2.5, 0, "2"),
            (0.1, 256, "0.1000000000000000055511151231257827021181583404541015625"),
            (1.5, 258, "1.50"),
            (1.5, 65_536, "2"),
            (f64::NEG_INFINITY, 6, "-∞"),
            (1.0, MOST_DIGITS, "%!(NOVERB)"),
        ] {
            assert_eq!(fixed(number, precision), expected);
        }
        for (number, width, expected) in [
            (1052.032911275, 6, "1.052033×10⁰³"),
            (-1e-300, 0, "-1.000000×10⁻³⁰⁰"),
            (0.1, 20, "      1.000000×10⁻⁰¹"),
            (-0.0, 6, "0.000000×10⁰⁰"),
            (f64::NAN, 6, "   NaN"),
        ] {
            assert_eq!(scientific(number, width), expected);
        }
    }
}
