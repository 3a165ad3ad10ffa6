//! Optional values (cel-go cel/library.go, optionalLib). `or`, `orValue`, `optMap` and `optFlatMap` decide what is evaluated
//! and are the evaluator's.

use super::{Answer, Context, Cost, Fail, Row, argument, row};
use crate::cel::value::{Value, View};

pub static ROWS: &[Row] = &[
    row("optional.of(A): optional(A)", 28, Cost::One, of),
    row("optional.none(): optional(A)", 28, Cost::One, |_, _| Ok(Value::Optional(None))),
    row("optional.ofNonZeroValue(A): optional(A)", 28, Cost::One, of_non_zero),
    row("optional(A).hasValue(): bool", 28, Cost::One, has_value),
    row("optional(A).value(): A", 28, Cost::One, value),
];

fn of<'a>(_: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    Ok(Value::some(argument(arguments, 0)?.clone()))
}

fn of_non_zero<'a>(_: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let value = argument(arguments, 0)?;
    let zero = match value.view() {
        View::Null | View::Optional(None) => true,
        View::Bool(b) => !b,
        View::Int(i) => i == 0,
        View::Uint(u) => u == 0,
        View::Double(d) => d == 0.0,
        View::Str(s) => s.is_empty(),
        View::Bytes(b) => b.is_empty(),
        View::List(list) => list.is_empty(),
        View::Map(map) => map.is_empty(),
        View::Duration(d) => d == 0,
        _ => false,
    };
    Ok(if zero { Value::Optional(None) } else { Value::some(value.clone()) })
}

fn inner<'v, 'a>(arguments: &'v [Value<'a>]) -> Result<Option<&'v Value<'a>>, Fail> {
    if let View::Optional(inner) = argument(arguments, 0)?.view() { Ok(inner) } else { Err(Fail::NoSuchOverload) }
}

fn has_value<'a>(_: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    Ok(Value::Bool(inner(arguments)?.is_some()))
}

fn value<'a>(_: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    inner(arguments)?.cloned().ok_or_else(|| Fail::from("optional.none() dereference"))
}
