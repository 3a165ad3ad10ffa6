//! Optional values (cel-go cel/library.go, optionalLib). `or`, `orValue`, `optMap` and `optFlatMap` decide what is evaluated
//! and are the evaluator's.

use super::{Answer, Context, Cost, Fail, Row, argument, list_at, row};
use crate::cel::value::{List, Value, View};

pub static ROWS: &[Row] = &[
    row("optional.of(A): optional(A)", 28, Cost::One, of),
    row("optional.none(): optional(A)", 28, Cost::One, |_, _| Ok(Value::Optional(None))),
    row("optional.ofNonZeroValue(A): optional(A)", 28, Cost::One, of_non_zero),
    row("optional(A).hasValue(): bool", 28, Cost::One, has_value),
    row("optional(A).value(): A", 28, Cost::One, value),
    // With cel-go 0.23, in Kubernetes 1.33; later servers take them whatever version they are asked to be compatible with.
    row("list(A).first(): optional(A)", 33, Cost::One, |_, a| Ok(element(list_at(a, 0)?, 0))),
    row("list(A).last(): optional(A)", 33, Cost::One, |_, a| Ok(element(list_at(a, 0)?, usize::MAX))),
    row("optional.unwrap(list(optional(A))): list(A)", 33, Cost::One, unwrap),
    row("list(optional(A)).unwrapOpt(): list(A)", 33, Cost::One, unwrap),
];

fn of<'a>(context: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    context.hold(arguments)?;
    Ok(Value::some(argument(arguments, 0)?.clone()))
}

fn of_non_zero<'a>(_: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let value = argument(arguments, 0)?;
    let zero = match value.view() {
        View::Null => true,
        View::Bool(b) => !b,
        View::Int(i) => i == 0,
        View::Uint(u) => u == 0,
        View::Double(d) => d == 0.0,
        View::Str(s) => s.is_empty(),
        View::Bytes(b) => b.is_empty(),
        View::List(list) => list.is_empty(),
        View::Duration(d) => d == 0,
        View::Timestamp(t) => t == crate::cel::value::Instant::ZERO,
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

/// The element at an index; beyond the end the last one.
fn element<'a>(list: List<'_, 'a>, i: usize) -> Value<'a> {
    list.get(i.min(list.len().saturating_sub(1))).map_or(Value::Optional(None), Value::some)
}

/// What is in the optionals of a list.
fn unwrap<'a>(context: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let list = list_at(arguments, 0)?;
    context.allocate_list(list.len())?;
    let mut out = Vec::with_capacity(list.len());
    for (i, element) in list.iter().enumerate() {
        match element.view() {
            View::Optional(inner) => out.extend(inner.cloned()),
            // cel-go looks at the first element for the overload.
            _ if i == 0 => return Err(Fail::NoSuchOverload),
            _ => return Err(Fail::from(format!("value {element} is not optional"))),
        }
    }
    Ok(Value::list(out))
}
