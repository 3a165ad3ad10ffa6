//! Size, types and conversions (cel-go common/stdlib, common/types).

use super::time::{parse_duration, parse_timestamp};
use super::{Answer, Context, Cost, Fail, READ, Row, argument, go, row};
use crate::cel::value::{Instant, Value, View};

/// Overloads in the order of cel-go (common/stdlib/standard.go): of a type that is open the first one decides.
pub static ROWS: &[Row] = &[
    row("size(bytes|list(A)|map(A, B)|string): int", 0, Cost::One, size),
    row("bytes|list(A)|map(A, B)|string.size(): int", 0, Cost::One, size),
    row("type(A): type(A)", 0, Cost::One, type_of),
    row("dyn(A): dyn", 0, Cost::One, |_, arguments| argument(arguments, 0).cloned()),
    row("int(int): int", 0, Cost::One, int),
    row("int(double): int", 0, Cost::One, int),
    row("int(duration): int", 0, Cost::One, int),
    row("int(string): int", 0, Cost::One, int),
    row("int(timestamp): int", 0, Cost::One, int),
    row("int(uint): int", 0, Cost::One, int),
    row("uint(uint): uint", 0, Cost::One, uint),
    row("uint(double): uint", 0, Cost::One, uint),
    row("uint(int): uint", 0, Cost::One, uint),
    row("uint(string): uint", 0, Cost::One, uint),
    row("double(double): double", 0, Cost::One, double),
    row("double(int): double", 0, Cost::One, double),
    row("double(string): double", 0, Cost::One, double),
    row("double(uint): double", 0, Cost::One, double),
    row("bool(bool): bool", 0, Cost::One, bool),
    row("bool(string): bool", 0, Cost::One, bool),
    row("string(string): string", 0, Cost::One, string),
    row("string(bool): string", 0, Cost::One, string),
    row("string(bytes): string", 0, READ, string),
    row("string(double): string", 0, Cost::One, string),
    row("string(duration): string", 0, Cost::One, string),
    row("string(int): string", 0, Cost::One, string),
    row("string(timestamp): string", 0, Cost::One, string),
    row("string(uint): string", 0, Cost::One, string),
    row("bytes(bytes): bytes", 0, Cost::One, bytes),
    row("bytes(string): bytes", 0, READ, bytes),
    row("duration(duration): duration", 0, Cost::One, duration),
    row("duration(int): duration", 0, Cost::One, duration),
    row("duration(string): duration", 0, Cost::One, duration),
    row("timestamp(timestamp): timestamp", 0, Cost::One, timestamp),
    row("timestamp(int): timestamp", 0, Cost::One, timestamp),
    row("timestamp(string): timestamp", 0, Cost::One, timestamp),
];

/// Functions that cel-go computes when it loads an expression, where their argument is constant (interpreter/decorators.go,
/// decOptimize): such a call costs nothing, and its error is a refusal.
pub(in crate::cel) const CONVERSIONS: [&str; 10] =
    ["bool", "bytes", "double", "duration", "dyn", "int", "string", "timestamp", "type", "uint"];

fn wrong(from: &Value<'_>, to: &str) -> Fail {
    Fail::from(format!("type conversion error from '{}' to '{to}'", from.type_name()))
}

fn size<'a>(_: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let value = argument(arguments, 0)?;
    match value.view() {
        View::Str(_) | View::Bytes(_) | View::List(_) | View::Map(_) => Ok(Value::Int(super::size_of(value) as i64)),
        _ => Err(Fail::NoSuchOverload),
    }
}

fn type_of<'a>(_: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    Ok(Value::Type(argument(arguments, 0)?.static_type_name()))
}

fn int<'a>(_: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let value = argument(arguments, 0)?;
    Ok(Value::Int(match value.view() {
        View::Int(i) => i,
        View::Uint(u) => i64::try_from(u).map_err(|_| Fail::from("integer overflow"))?,
        // Both bounds are excluded (common/overflow.go, doubleToInt64Checked).
        View::Double(d) if d > i64::MIN as f64 && d < i64::MAX as f64 => d as i64,
        View::Double(_) => return Err(Fail::from("integer overflow")),
        View::Str(s) => s.parse().map_err(|_| wrong(value, "int"))?,
        View::Duration(d) => d,
        View::Timestamp(t) => t.seconds(),
        _ => return Err(Fail::NoSuchOverload),
    }))
}

fn uint<'a>(_: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let value = argument(arguments, 0)?;
    let overflow = || Fail::from("unsigned integer overflow");
    Ok(Value::Uint(match value.view() {
        View::Uint(u) => u,
        View::Int(i) => u64::try_from(i).map_err(|_| overflow())?,
        View::Double(d) if d >= 0.0 && d < u64::MAX as f64 => d as u64,
        View::Double(_) => return Err(overflow()),
        View::Str(s) if !s.starts_with('+') => s.parse().map_err(|_| wrong(value, "uint"))?,
        View::Str(_) => return Err(wrong(value, "uint")),
        _ => return Err(Fail::NoSuchOverload),
    }))
}

fn double<'a>(_: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let value = argument(arguments, 0)?;
    Ok(Value::Double(match value.view() {
        View::Double(d) => d,
        View::Int(i) => i as f64,
        View::Uint(u) => u as f64,
        View::Str(s) => go::parse_float(s).ok_or_else(|| wrong(value, "double"))?,
        _ => return Err(Fail::NoSuchOverload),
    }))
}

fn bool<'a>(_: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let value = argument(arguments, 0)?;
    match value.view() {
        View::Bool(b) => Ok(Value::Bool(b)),
        View::Str("true" | "TRUE" | "True" | "t" | "T" | "1") => Ok(Value::Bool(true)),
        View::Str("false" | "FALSE" | "False" | "f" | "F" | "0") => Ok(Value::Bool(false)),
        View::Str(_) => Err(wrong(value, "bool")),
        _ => Err(Fail::NoSuchOverload),
    }
}

fn string<'a>(context: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let value = argument(arguments, 0)?;
    match value.view() {
        View::Str(_) => Ok(value.clone()),
        View::Bytes(b) => match std::str::from_utf8(b) {
            Ok(s) => context.text(s),
            Err(_) => Err(Fail::from("invalid UTF-8 in bytes, cannot convert to string")),
        },
        _ => context.text(value.to_text().ok_or(Fail::NoSuchOverload)?),
    }
}

fn bytes<'a>(context: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let value = argument(arguments, 0)?;
    match value.view() {
        View::Bytes(_) => Ok(value.clone()),
        View::Str(s) => {
            context.allocate(s.len())?;
            Ok(Value::Bytes(s.as_bytes().into()))
        }
        _ => Err(Fail::NoSuchOverload),
    }
}

fn duration<'a>(_: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let value = argument(arguments, 0)?;
    match value.view() {
        View::Duration(_) => Ok(value.clone()),
        // Declared, and never converted (common/types/int.go, ConvertToType).
        View::Int(_) => Err(wrong(value, "google.protobuf.Duration")),
        View::Str(s) => parse_duration(s).map(Value::Duration).ok_or_else(|| wrong(value, "google.protobuf.Duration")),
        _ => Err(Fail::NoSuchOverload),
    }
}

fn timestamp<'a>(_: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let value = argument(arguments, 0)?;
    let wrong = || wrong(value, "google.protobuf.Timestamp");
    match value.view() {
        View::Timestamp(_) => Ok(value.clone()),
        View::Int(i) => Instant::from_seconds(i).map(Value::Timestamp).ok_or(Fail::from("timestamp overflow")),
        View::Str(s) => parse_timestamp(s).map(Value::Timestamp).ok_or_else(wrong),
        _ => Err(Fail::NoSuchOverload),
    }
}
