//! Operators: rows of the same table as functions, under the names that cel-go gives them.

use std::cmp::Ordering;

use super::halt::Fail;
use super::library::{Answer, Context, Cost, Row, shift};
use super::syntax::Operator;
use super::value::{Value, View, compare, equal, found};

const fn row(signature: &'static str, cost: Cost, call: super::library::Implementation) -> Row {
    Row { signature, since: 0, cost, call }
}

/// Overloads in the order of cel-go (common/stdlib/standard.go): of a type that is open the first one decides.
pub(super) static ROWS: &[Row] = &[
    row("_+_(bytes, bytes): bytes", Cost::Sum, add),
    row("_+_(double, double): double", Cost::One, add),
    row("_+_(duration, duration): duration", Cost::One, add),
    row("_+_(duration, timestamp): timestamp", Cost::One, add),
    row("_+_(timestamp, duration): timestamp", Cost::One, add),
    row("_+_(int, int): int", Cost::One, add),
    row("_+_(list(A), list(A)): list(A)", Cost::One, add),
    row("_+_(string, string): string", Cost::Sum, add),
    row("_+_(uint, uint): uint", Cost::One, add),
    row("_-_(double, double): double", Cost::One, |_, a| two(Operator::Subtract, a)),
    row("_-_(duration, duration): duration", Cost::One, |_, a| two(Operator::Subtract, a)),
    row("_-_(int, int): int", Cost::One, |_, a| two(Operator::Subtract, a)),
    row("_-_(timestamp, duration): timestamp", Cost::One, |_, a| two(Operator::Subtract, a)),
    row("_-_(timestamp, timestamp): duration", Cost::One, |_, a| two(Operator::Subtract, a)),
    row("_-_(uint, uint): uint", Cost::One, |_, a| two(Operator::Subtract, a)),
    row("_*_(double, double): double", Cost::One, |_, a| two(Operator::Multiply, a)),
    row("_*_(int, int): int", Cost::One, |_, a| two(Operator::Multiply, a)),
    row("_*_(uint, uint): uint", Cost::One, |_, a| two(Operator::Multiply, a)),
    row("_/_(double, double): double", Cost::One, |_, a| two(Operator::Divide, a)),
    row("_/_(int, int): int", Cost::One, |_, a| two(Operator::Divide, a)),
    row("_/_(uint, uint): uint", Cost::One, |_, a| two(Operator::Divide, a)),
    row("_%_(int, int): int", Cost::One, |_, a| two(Operator::Modulo, a)),
    row("_%_(uint, uint): uint", Cost::One, |_, a| two(Operator::Modulo, a)),
    row("_==_(A, A): bool", Cost::Equal, |c, a| same(c, a, true)),
    row("_!=_(A, A): bool", Cost::Smaller, |c, a| same(c, a, false)),
    row("@in(A, list(A)): bool", Cost::Elements { argument: 1 }, within),
    row("@in(A, map(A, B)): bool", Cost::One, within),
    row("!_(bool): bool", Cost::One, |_, a| match a {
        [value] => value.as_bool().map(|b| Value::Bool(!b)).ok_or(Fail::NoSuchOverload),
        _ => Err(Fail::NoSuchOverload),
    }),
    row("-_(double): double", Cost::One, negate),
    row("-_(int): int", Cost::One, negate),
];

/// The overloads of an ordering operator. Numbers of two types compare since Kubernetes 1.28.
macro_rules! ordering {
    ($name:literal, $holds:expr) => {
        &[
            row(concat!($name, "(bool, bool): bool"), Cost::One, |_, a| order(a, $holds)),
            row(concat!($name, "(int, int): bool"), Cost::One, |_, a| order(a, $holds)),
            across(concat!($name, "(int, double|uint): bool"), |_, a| order(a, $holds)),
            row(concat!($name, "(uint, uint): bool"), Cost::One, |_, a| order(a, $holds)),
            across(concat!($name, "(uint, double|int): bool"), |_, a| order(a, $holds)),
            row(concat!($name, "(double, double): bool"), Cost::One, |_, a| order(a, $holds)),
            across(concat!($name, "(double, int|uint): bool"), |_, a| order(a, $holds)),
            row(concat!($name, "(string, string): bool"), Cost::Smaller, |_, a| order(a, $holds)),
            row(concat!($name, "(bytes, bytes): bool"), Cost::Smaller, |_, a| order(a, $holds)),
            row(concat!($name, "(timestamp, timestamp): bool"), Cost::One, |_, a| order(a, $holds)),
            row(concat!($name, "(duration, duration): bool"), Cost::One, |_, a| order(a, $holds)),
        ]
    };
}

const fn across(signature: &'static str, call: super::library::Implementation) -> Row {
    Row { signature, since: 28, cost: Cost::One, call }
}

pub(super) static LESS: &[Row] = ordering!("_<_", Ordering::is_lt);
pub(super) static LESS_EQUALS: &[Row] = ordering!("_<=_", Ordering::is_le);
pub(super) static GREATER: &[Row] = ordering!("_>_", Ordering::is_gt);
pub(super) static GREATER_EQUALS: &[Row] = ordering!("_>=_", Ordering::is_ge);

fn two<'a>(operator: Operator, arguments: &[Value<'a>]) -> Answer<'a> {
    match arguments {
        [left, right] => arithmetic(operator, left, right),
        _ => Err(Fail::NoSuchOverload),
    }
}

/// Counts what is built before it is.
fn add<'a>(context: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let [left, right] = arguments else { return Err(Fail::NoSuchOverload) };
    match (left.view(), right.view()) {
        (View::Str(x), View::Str(y)) => context.allocate(x.len() + y.len())?,
        (View::Bytes(x), View::Bytes(y)) => context.allocate(x.len() + y.len())?,
        (View::List(x), View::List(y)) => context.allocate_list(x.len() + y.len())?,
        _ => {}
    }
    arithmetic(Operator::Add, left, right)
}

/// `+ - * / %` on two values.
pub(super) fn arithmetic<'a>(operator: Operator, left: &Value<'a>, right: &Value<'a>) -> Answer<'a> {
    use Operator::{Add, Divide, Modulo, Multiply, Subtract};
    let duration = |d: Option<i64>| d.map(Value::Duration).ok_or(Fail::from("integer overflow"));
    let moved = |t, by: i128| shift(t, by).map(Value::Timestamp).ok_or(Fail::from("timestamp overflow"));
    match (operator, left.view(), right.view()) {
        (_, View::Int(x), View::Int(y)) => int(operator, x, y),
        (_, View::Uint(x), View::Uint(y)) => uint(operator, x, y),
        (Add, View::Double(x), View::Double(y)) => Ok(Value::Double(x + y)),
        (Subtract, View::Double(x), View::Double(y)) => Ok(Value::Double(x - y)),
        (Multiply, View::Double(x), View::Double(y)) => Ok(Value::Double(x * y)),
        (Divide, View::Double(x), View::Double(y)) => Ok(Value::Double(x / y)),
        (Modulo, View::Double(_), View::Double(_)) => Err(Fail::NoSuchOverload),
        (Add, View::Str(x), View::Str(y)) => Ok(Value::text([x, y].concat())),
        (Add, View::Bytes(x), View::Bytes(y)) => Ok(Value::Bytes([x, y].concat().into())),
        (Add, View::List(x), View::List(y)) => Ok(Value::list(x.iter().chain(y.iter()).collect())),
        (Add, View::Duration(x), View::Duration(y)) => duration(x.checked_add(y)),
        (Subtract, View::Duration(x), View::Duration(y)) => duration(x.checked_sub(y)),
        (Add, View::Timestamp(t), View::Duration(d)) => moved(t, d.into()),
        (Add, View::Duration(d), View::Timestamp(t)) => moved(t, d.into()),
        (Subtract, View::Timestamp(t), View::Duration(d)) => moved(t, -i128::from(d)),
        (Subtract, View::Timestamp(x), View::Timestamp(y)) => {
            duration(i64::try_from(x.nanoseconds() - y.nanoseconds()).ok())
        }
        _ => Err(Fail::NoSuchOverload),
    }
}

fn int<'a>(operator: Operator, x: i64, y: i64) -> Answer<'a> {
    let value = match operator {
        Operator::Add => x.checked_add(y),
        Operator::Subtract => x.checked_sub(y),
        Operator::Multiply => x.checked_mul(y),
        Operator::Divide if y == 0 => return Err(Fail::from("division by zero")),
        Operator::Divide => x.checked_div(y),
        Operator::Modulo if y == 0 => return Err(Fail::from("modulus by zero")),
        _ => x.checked_rem(y),
    };
    value.map(Value::Int).ok_or(Fail::from("integer overflow"))
}

fn uint<'a>(operator: Operator, x: u64, y: u64) -> Answer<'a> {
    let value = match operator {
        Operator::Add => x.checked_add(y),
        Operator::Subtract => x.checked_sub(y),
        Operator::Multiply => x.checked_mul(y),
        Operator::Divide if y == 0 => return Err(Fail::from("division by zero")),
        Operator::Divide => x.checked_div(y),
        Operator::Modulo if y == 0 => return Err(Fail::from("modulus by zero")),
        _ => x.checked_rem(y),
    };
    value.map(Value::Uint).ok_or(Fail::from("unsigned integer overflow"))
}

fn same<'a>(context: &mut Context, arguments: &[Value<'a>], wanted: bool) -> Answer<'a> {
    match arguments {
        [left, right] => {
            context.walk(left)?;
            match equal(left, right) {
                // Having no answer is not being equal.
                Err(Fail::NoSuchOverload) if !wanted => Ok(Value::Bool(true)),
                answer => Ok(Value::Bool(answer? == wanted)),
            }
        }
        _ => Err(Fail::NoSuchOverload),
    }
}

fn order<'a>(arguments: &[Value<'a>], holds: fn(Ordering) -> bool) -> Answer<'a> {
    let [left, right] = arguments else { return Err(Fail::NoSuchOverload) };
    match compare(left, right) {
        Some(Some(order)) => Ok(Value::Bool(holds(order))),
        Some(None) => Err(Fail::from("NaN values cannot be ordered")),
        None => Err(Fail::NoSuchOverload),
    }
}

fn within<'a>(context: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let [value, container] = arguments else { return Err(Fail::NoSuchOverload) };
    match container.view() {
        View::List(list) => {
            context.walk(container)?;
            for element in list.iter() {
                if found(value, &element)? {
                    return Ok(Value::Bool(true));
                }
            }
            Ok(Value::Bool(false))
        }
        View::Map(map) => Ok(Value::Bool(map.get(value).is_some())),
        View::Facts(facts) => match value.as_str() {
            Some(name) => Ok(Value::Bool(facts.fact(name).is_some())),
            None => Ok(Value::Bool(false)),
        },
        _ => Err(Fail::NoSuchOverload),
    }
}

fn negate<'a>(_: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let [value] = arguments else { return Err(Fail::NoSuchOverload) };
    match value.view() {
        View::Int(i) => i.checked_neg().map(Value::Int).ok_or(Fail::from("integer overflow")),
        View::Double(d) => Ok(Value::Double(-d)),
        View::Duration(d) => d.checked_neg().map(Value::Duration).ok_or(Fail::from("integer overflow")),
        _ => Err(Fail::NoSuchOverload),
    }
}

/// Whether values of a type have no part in a function at all, whatever the others are (the trait that cel-go asks for,
/// common/stdlib/standard.go).
pub(super) fn lacks(function: &str, first: View<'_, '_>) -> bool {
    use View::{Bool, Bytes, Double, Duration, Int, List, Map, Str, Timestamp, Uint};
    // Strings, durations and timestamps are asked even so, as receivers of a method.
    let receiver = matches!(first, Str(_) | Duration(_) | Timestamp(_));
    !match function {
        "_<_" | "_<=_" | "_>_" | "_>=_" => {
            receiver || matches!(first, Bool(_) | Int(_) | Uint(_) | Double(_) | Bytes(_))
        }
        "_+_" => receiver || matches!(first, Int(_) | Uint(_) | Double(_) | Bytes(_) | List(_)),
        "_-_" | "_*_" | "_/_" => receiver || matches!(first, Int(_) | Uint(_) | Double(_)),
        "_%_" => receiver || matches!(first, Int(_) | Uint(_)),
        "-_" => receiver || matches!(first, Bool(_) | Int(_) | Double(_)),
        "size" => receiver || matches!(first, Bytes(_) | List(_) | Map(_)),
        "matches" => receiver,
        _ => true,
    }
}
