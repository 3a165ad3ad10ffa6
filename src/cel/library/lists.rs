//! Lists (k8s.io/apiserver pkg/cel/library/lists.go; cel-go ext/lists.go from 1.34 on).

use std::cmp::Ordering;

use super::{Answer, Context, Cost, Fail, Row, argument, int_at, list_at, row, text_at};
use crate::cel::operators;
use crate::cel::syntax::Operator;
use crate::cel::value::{List, Value, View, compare, found};

const SORT: Cost = Cost::SelfCompare { argument: 0 };

pub static ROWS: &[Row] = &[
    row("list(int).sum(): int", 0, Cost::Traverse, |_, a| sum(a, Value::Int(0))),
    row("list(uint).sum(): uint", 0, Cost::Traverse, |_, a| sum(a, Value::Uint(0))),
    row("list(double).sum(): double", 0, Cost::Traverse, |_, a| sum(a, Value::Double(0.0))),
    row("list(duration).sum(): duration", 0, Cost::Traverse, |_, a| sum(a, Value::Duration(0))),
    row("list(int).min(): int", 0, Cost::Traverse, min),
    row("list(uint).min(): uint", 0, Cost::Traverse, min),
    row("list(double).min(): double", 0, Cost::Traverse, min),
    row("list(bool).min(): bool", 0, Cost::Traverse, min),
    row("list(duration).min(): duration", 0, Cost::Traverse, min),
    row("list(timestamp).min(): timestamp", 0, Cost::Traverse, min),
    row("list(string).min(): string", 0, Cost::Traverse, min),
    row("list(bytes).min(): bytes", 0, Cost::Traverse, min),
    row("list(int).max(): int", 0, Cost::Traverse, max),
    row("list(uint).max(): uint", 0, Cost::Traverse, max),
    row("list(double).max(): double", 0, Cost::Traverse, max),
    row("list(bool).max(): bool", 0, Cost::Traverse, max),
    row("list(duration).max(): duration", 0, Cost::Traverse, max),
    row("list(timestamp).max(): timestamp", 0, Cost::Traverse, max),
    row("list(string).max(): string", 0, Cost::Traverse, max),
    row("list(bytes).max(): bytes", 0, Cost::Traverse, max),
    row("list(int).isSorted(): bool", 0, Cost::Traverse, is_sorted),
    row("list(uint).isSorted(): bool", 0, Cost::Traverse, is_sorted),
    row("list(double).isSorted(): bool", 0, Cost::Traverse, is_sorted),
    row("list(bool).isSorted(): bool", 0, Cost::Traverse, is_sorted),
    row("list(duration).isSorted(): bool", 0, Cost::Traverse, is_sorted),
    row("list(timestamp).isSorted(): bool", 0, Cost::Traverse, is_sorted),
    row("list(string).isSorted(): bool", 0, Cost::Traverse, is_sorted),
    row("list(bytes).isSorted(): bool", 0, Cost::Traverse, is_sorted),
    row("list(A).indexOf(A): int", 0, Cost::Traverse, index_of),
    row("list(A).lastIndexOf(A): int", 0, Cost::Traverse, last_index_of),
    row("list(string).join(): string", 0, Cost::Join, join),
    row("list(string).join(string): string", 0, Cost::Join, join),
    row("list(int).sort(): list(int)", 34, SORT, sort),
    row("list(uint).sort(): list(uint)", 34, SORT, sort),
    row("list(double).sort(): list(double)", 34, SORT, sort),
    row("list(bool).sort(): list(bool)", 34, SORT, sort),
    row("list(duration).sort(): list(duration)", 34, SORT, sort),
    row("list(timestamp).sort(): list(timestamp)", 34, SORT, sort),
    row("list(string).sort(): list(string)", 34, SORT, sort),
    row("list(bytes).sort(): list(bytes)", 34, SORT, sort),
    row("list(A).distinct(): list(A)", 34, SORT, distinct),
    row("list(A).reverse(): list(A)", 34, Cost::Copy, reverse),
    row("list(A).slice(int, int): list(A)", 34, Cost::Slice, slice),
    row("list(list(A)).flatten(): list(A)", 34, Cost::Flatten, flatten),
    row("list(dyn).flatten(int): list(dyn)", 34, Cost::Flatten, flatten),
    row("lists.range(int): list(int)", 34, Cost::Range, range),
];

fn sum<'a>(arguments: &[Value<'a>], zero: Value<'a>) -> Answer<'a> {
    let mut elements = list_at(arguments, 0)?.iter();
    // Of a dynamic list the first element says what is summed; anything but a number or a duration is not.
    let Some(first) = elements.next() else { return Ok(zero) };
    let mut total = operators::arithmetic(Operator::Add, &neutral(&first)?, &first)?;
    for element in elements {
        total = operators::arithmetic(Operator::Add, &total, &element)?;
    }
    Ok(total)
}

fn neutral<'a>(value: &Value<'a>) -> Answer<'a> {
    Ok(match value.view() {
        View::Int(_) => Value::Int(0),
        View::Uint(_) => Value::Uint(0),
        View::Double(_) => Value::Double(0.0),
        View::Duration(_) => Value::Duration(0),
        _ => return Err(Fail::NoSuchOverload),
    })
}

/// Whether values of this type have an order. cel-go chooses an overload by the first element alone; what comes after it may
/// be of another type, which then is neither smaller nor greater.
fn is_comparable(value: &Value<'_>) -> bool {
    compare(value, value).is_some()
}

fn order(a: &Value<'_>, b: &Value<'_>) -> Result<Option<Ordering>, Fail> {
    if is_comparable(b) { Ok(compare(a, b).flatten()) } else { Err(Fail::NoSuchOverload) }
}

fn min<'a>(_: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    extreme(arguments, Ordering::Greater, "min called on empty list")
}

fn max<'a>(_: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    extreme(arguments, Ordering::Less, "max called on empty list")
}

/// The last element than which the one before it was `worse`.
fn extreme<'a>(arguments: &[Value<'a>], worse: Ordering, empty: &'static str) -> Answer<'a> {
    let mut elements = list_at(arguments, 0)?.iter();
    let mut best = elements.next().ok_or(Fail::from(empty))?;
    if !is_comparable(&best) {
        return Err(Fail::NoSuchOverload);
    }
    for element in elements {
        if order(&best, &element)? == Some(worse) {
            best = element;
        }
    }
    Ok(best)
}

fn is_sorted<'a>(_: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let mut previous: Option<Value<'a>> = None;
    for element in list_at(arguments, 0)?.iter() {
        if order(previous.as_ref().unwrap_or(&element), &element)? == Some(Ordering::Greater) {
            return Ok(Value::Bool(false));
        }
        previous = Some(element);
    }
    Ok(Value::Bool(true))
}

fn index<'a>(found: Option<usize>) -> Value<'a> {
    Value::Int(found.map_or(-1, |i| i as i64))
}

fn index_of<'a>(_: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let wanted = argument(arguments, 1)?;
    for (i, element) in list_at(arguments, 0)?.iter().enumerate() {
        if found(&element, wanted)? {
            return Ok(index(Some(i)));
        }
    }
    Ok(index(None))
}

fn last_index_of<'a>(_: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let (list, wanted) = (list_at(arguments, 0)?, argument(arguments, 1)?);
    for (i, element) in list.iter().rev().enumerate() {
        if found(&element, wanted)? {
            return Ok(index(Some(list.len() - 1 - i)));
        }
    }
    Ok(index(None))
}

fn join<'a>(context: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let list = list_at(arguments, 0)?;
    let separator = if arguments.len() > 1 { text_at(arguments, 1)? } else { "" };
    let mut out = String::new();
    for (i, element) in list.iter().enumerate() {
        let wrong =
            || if i == 0 { Fail::NoSuchOverload } else { Fail::from(format!("join: invalid input: {element}")) };
        let text = element.as_str().ok_or_else(wrong)?;
        let separator = if i > 0 { separator } else { "" };
        context.allocate(text.len() + separator.len())?;
        out.push_str(separator);
        out.push_str(text);
    }
    Ok(Value::text(out))
}

/// Elements in the order of their keys; equal ones keep theirs.
pub(in crate::cel) fn sort_by<'a>(elements: List<'_, 'a>, keys: &[Value<'a>]) -> Answer<'a> {
    if let Some(first) = keys.first() {
        let kind = first.static_type_name();
        for key in keys {
            if key.static_type_name() != kind {
                return Err(Fail::from("list elements must have the same type"));
            }
            if compare(first, key).is_none() {
                return Err(Fail::from("list elements must be comparable"));
            }
        }
    }
    let mut both: Vec<(&Value<'a>, Value<'a>)> = keys.iter().zip(elements.iter()).collect();
    if both.len() <= INSERTION {
        // As Go does it, step by step: with a NaN, which has no order, the steps decide.
        for i in 1..both.len() {
            for j in (1..=i).rev() {
                let (Some(left), Some(right)) = (both.get(j - 1), both.get(j)) else { break };
                if compare(right.0, left.0).flatten() != Some(Ordering::Less) {
                    break;
                }
                both.swap(j - 1, j);
            }
        }
    } else {
        both.sort_by(|a, b| match (a.0.view(), b.0.view()) {
            (View::Double(x), View::Double(y)) if x.is_nan() || y.is_nan() => x.total_cmp(&y),
            _ => compare(a.0, b.0).flatten().unwrap_or(Ordering::Equal),
        });
    }
    Ok(Value::list(both.into_iter().map(|(_, element)| element).collect()))
}

/// Lists that Go sorts by insertion. Longer ones it sorts in a way that moves equal elements about; here they stay in order.
const INSERTION: usize = 12;

fn sort<'a>(context: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let list = list_at(arguments, 0)?;
    context.allocate_list(list.len())?;
    let keys: Vec<Value<'a>> = list.iter().collect();
    sort_by(list, &keys)
}

fn distinct<'a>(context: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let mut out: Vec<Value<'a>> = Vec::new();
    'elements: for element in list_at(arguments, 0)?.iter() {
        for known in &out {
            if found(&element, known)? {
                continue 'elements;
            }
        }
        context.allocate_list(1)?;
        out.push(element);
    }
    Ok(Value::list(out))
}

fn reverse<'a>(context: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let list = list_at(arguments, 0)?;
    context.allocate_list(list.len())?;
    Ok(Value::list(list.iter().rev().collect()))
}

fn slice<'a>(context: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let (list, from, to) = (list_at(arguments, 0)?, int_at(arguments, 1)?, int_at(arguments, 2)?);
    if from < 0 || to < 0 {
        return Err(Fail::from(format!("cannot slice({from}, {to}), negative indexes not supported")));
    }
    if from > to {
        return Err(Fail::from(format!(
            "cannot slice({from}, {to}), start index must be less than or equal to end index"
        )));
    }
    if list.len() < to as usize {
        return Err(Fail::from(format!("cannot slice({from}, {to}), list is length {}", list.len())));
    }
    context.allocate_list((to - from) as usize)?;
    Ok(Value::list((from as usize..to as usize).filter_map(|i| list.get(i)).collect()))
}

fn flatten<'a>(context: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let list = list_at(arguments, 0)?;
    let depth = if arguments.len() > 1 { int_at(arguments, 1)? } else { 1 };
    if depth < 0 {
        return Err(Fail::from("level must be non-negative"));
    }
    let mut out = Vec::new();
    // An explicit stack of what is left: a list in an object may nest deeper than a thread's stack.
    let mut todo: Vec<(Value<'a>, i64)> = list.iter().rev().map(|e| (e, depth)).collect();
    while let Some((element, depth)) = todo.pop() {
        match element.as_list() {
            Some(inner) if depth > 0 => {
                context.allocate_list(inner.len())?;
                todo.extend(inner.iter().rev().map(|e| (e, depth - 1)));
            }
            _ => {
                context.allocate_list(1)?;
                out.push(element);
            }
        }
    }
    Ok(Value::list(out))
}

fn range<'a>(context: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let n = int_at(arguments, 0)?.max(0);
    context.allocate_list(usize::try_from(n).unwrap_or(usize::MAX))?;
    Ok(Value::list((0..n).map(Value::Int).collect()))
}
