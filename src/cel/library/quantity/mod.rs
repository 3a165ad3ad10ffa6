//! Quantities (k8s.io/apiserver pkg/cel/library/quantity.go).

mod amount;
mod text;

use std::rc::Rc;

pub use self::amount::Quantity;
use self::amount::Unsized;
use super::{Answer, Context, Cost, Fail, Opaque, READ, Row, argument, row, text_at};
use crate::cel::value::{Value, View};

pub static ROWS: &[Row] = &[
    row("quantity(string): Quantity", 28, READ, |_, a| Ok(value(parse(a)?))),
    row("isQuantity(string): bool", 28, READ, is_quantity),
    row("Quantity.compareTo(Quantity): int", 28, Cost::One, |_, a| Ok(Value::Int(compare(a)? as i64))),
    row("Quantity.isGreaterThan(Quantity): bool", 28, Cost::One, |_, a| Ok(Value::Bool(compare(a)?.is_gt()))),
    row("Quantity.isLessThan(Quantity): bool", 28, Cost::One, |_, a| Ok(Value::Bool(compare(a)?.is_lt()))),
    row("Quantity.add(Quantity): Quantity", 28, Cost::One, |_, a| sum(at(a, 0)?.add(at(a, 1)?))),
    row("Quantity.add(int): Quantity", 28, Cost::One, |_, a| sum(at(a, 0)?.add(&whole_at(a, 1)?))),
    row("Quantity.sub(Quantity): Quantity", 28, Cost::One, |_, a| sum(at(a, 0)?.sub(at(a, 1)?))),
    row("Quantity.sub(int): Quantity", 28, Cost::One, |_, a| sum(at(a, 0)?.sub(&whole_at(a, 1)?))),
    row("Quantity.asInteger(): int", 28, Cost::One, as_integer),
    row("Quantity.isInteger(): bool", 28, Cost::One, |_, a| Ok(Value::Bool(at(a, 0)?.as_int().is_some()))),
    row("Quantity.asApproximateFloat(): double", 28, Cost::One, |_, a| Ok(Value::Double(at(a, 0)?.as_float()))),
    // Declared as a function and not as a method.
    row("sign(Quantity): int", 28, Cost::One, |_, a| Ok(Value::Int(at(a, 0)?.sign()))),
];

fn value<'a>(quantity: Quantity) -> Value<'a> {
    Value::Opaque(Rc::new(Opaque::Quantity(quantity)))
}

fn at<'v>(arguments: &'v [Value<'_>], i: usize) -> Result<&'v Quantity, Fail> {
    match argument(arguments, i)?.view() {
        View::Opaque(Opaque::Quantity(quantity)) => Ok(quantity),
        _ => Err(Fail::NoSuchOverload),
    }
}

fn whole_at(arguments: &[Value<'_>], i: usize) -> Result<Quantity, Fail> {
    argument(arguments, i)?.as_int().map(Quantity::whole).ok_or(Fail::NoSuchOverload)
}

impl From<Unsized> for Fail {
    fn from(_: Unsized) -> Self {
        Fail::OverBudget
    }
}

fn parse(arguments: &[Value<'_>]) -> Result<Quantity, Fail> {
    Quantity::parse(text_at(arguments, 0)?)
}

fn compare(arguments: &[Value<'_>]) -> Result<std::cmp::Ordering, Fail> {
    Ok(at(arguments, 0)?.compare(at(arguments, 1)?)?)
}

fn sum<'a>(computed: Result<Quantity, Unsized>) -> Answer<'a> {
    Ok(value(computed?))
}

fn is_quantity<'a>(_: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    match parse(arguments) {
        Ok(_) => Ok(Value::Bool(true)),
        Err(Fail::Message(_)) => Ok(Value::Bool(false)),
        Err(fail) => Err(fail),
    }
}

fn as_integer<'a>(_: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    at(arguments, 0)?.as_int().map(Value::Int).ok_or_else(|| Fail::from("cannot convert value to integer"))
}
