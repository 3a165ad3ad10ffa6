//! Lists as sets (cel-go ext/sets.go).

use super::{Answer, Context, Cost, Fail, Row, list_at, row};
use crate::cel::value::{List, Value, found};

pub static ROWS: &[Row] = &[
    row("sets.contains(list(A), list(A)): bool", 29, Cost::Product { times: 1 }, contains),
    row("sets.equivalent(list(A), list(A)): bool", 29, Cost::Product { times: 2 }, equivalent),
    row("sets.intersects(list(A), list(A)): bool", 29, Cost::Product { times: 1 }, intersects),
];

fn has<'a>(list: List<'_, 'a>, value: &Value<'a>) -> Result<bool, Fail> {
    for element in list.iter() {
        if found(value, &element)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn within<'a>(part: List<'_, 'a>, all: List<'_, 'a>) -> Result<bool, Fail> {
    for element in part.iter() {
        if !has(all, &element)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn contains<'a>(_: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    Ok(Value::Bool(within(list_at(arguments, 1)?, list_at(arguments, 0)?)?))
}

fn equivalent<'a>(_: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let (a, b) = (list_at(arguments, 0)?, list_at(arguments, 1)?);
    Ok(Value::Bool(within(a, b)? && within(b, a)?))
}

fn intersects<'a>(_: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let (a, b) = (list_at(arguments, 0)?, list_at(arguments, 1)?);
    for element in a.iter() {
        if has(b, &element)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}
