//! What calls cost.

use super::Opaque;
use crate::cel::value::{Value, View};

/// What a call costs, in Kubernetes' units, from its arguments. The units are those of cel-go (interpreter/runtimecost.go),
/// the API server (pkg/cel/library/cost.go) and cel-go's libraries (ext/lists.go, ext/sets.go).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// 1
    One,
    /// A tenth of an argument's size, that many times.
    Read { argument: usize, times: u64 },
    /// A tenth of both arguments' sizes together.
    Sum,
    /// A tenth of the smaller argument's size.
    Smaller,
    /// The same; 1 where the first argument is of a type that a library of Kubernetes brings.
    Equal,
    /// An argument's size.
    Elements { argument: usize },
    /// Everything inside the first argument.
    Traverse,
    /// A pattern (second argument) run over a string (first).
    Pattern,
    /// A string searched in a string.
    Contains,
    /// Twice a tenth of the string that comes out of joining the first argument with the second.
    Join,
    /// A new list as long as the number in the first argument.
    Range,
    /// A new list as long as the part of the first argument that the other two cut out.
    Slice,
    /// A new list as long as the first argument.
    Copy,
    /// A new list; the first argument's size for each level of the second.
    Flatten,
    /// Every element of an argument compared with every other.
    SelfCompare { argument: usize },
    /// Every element of one list compared with every one of the other, that many times.
    Product { times: u64 },
    /// A network's bytes compared with an address; `text`: which has to be read first.
    ContainsIp { text: bool },
    /// A network's bytes compared with another network's; `text`: which has to be read first.
    ContainsCidr { text: bool },
    /// A string held against a named format.
    Validate,
}

/// A string read once.
pub const READ: Cost = Cost::Read { argument: 0, times: 1 };

/// A string read, and written anew.
pub const REWRITE: Cost = Cost::Read { argument: 0, times: 2 };

/// `n / 10`, rounded up.
fn tenth(n: u64) -> u64 {
    n.div_ceil(10)
}

/// A new list and the call that makes it (cel-go ext/lists.go, trackAllocatingListCall).
const NEW_LIST: u64 = 11;

impl Cost {
    /// The cost where the API server charges by the function's name, of an argument that may be text as of one that is not;
    /// cel-go charges by overload, and 1 where the types of the arguments do not say which.
    pub fn by_name(self) -> Option<Cost> {
        match self {
            Cost::Traverse => Some(self),
            Cost::ContainsIp { .. } => Some(Cost::ContainsIp { text: false }),
            Cost::ContainsCidr { .. } => Some(Cost::ContainsCidr { text: false }),
            _ => None,
        }
    }

    /// The cost of a call.
    #[inline]
    pub fn of(self, arguments: &[Value<'_>]) -> u64 {
        if self == Cost::One { 1 } else { self.by_size(arguments) }
    }

    fn by_size(self, arguments: &[Value<'_>]) -> u64 {
        let size = |i: usize| arguments.get(i).map_or(1, size_of);
        match self {
            Cost::One => 1,
            Cost::Read { argument, times } => tenth(size(argument).saturating_mul(times)),
            Cost::Sum => tenth(size(0).saturating_add(size(1))),
            Cost::Smaller => smaller(arguments),
            Cost::Equal if matches!(arguments.first().map(Value::view), Some(View::Opaque(_))) => 1,
            Cost::Equal => smaller(arguments),
            Cost::Elements { argument } => size(argument),
            Cost::Traverse => arguments.first().map_or(0, |v| traverse(v, 64)),
            Cost::Pattern => pattern_cost(size(0), size(1)),
            Cost::Contains => tenth(size(0)).saturating_mul(tenth(size(1))),
            Cost::Join => tenth(joined(arguments).saturating_mul(2)),
            Cost::Range => NEW_LIST.saturating_add(range(arguments)),
            Cost::Slice => NEW_LIST.saturating_add(slice(arguments)),
            Cost::Copy => {
                NEW_LIST.saturating_add(arguments.first().and_then(Value::as_list).map_or(1, |l| l.len() as u64))
            }
            Cost::Flatten => {
                // A negative number of levels, which is an error, costs what Go makes of it as an unsigned one.
                let levels = if arguments.len() > 1 { int(arguments, 1).unwrap_or(1) } else { 1 };
                let levels = i128::from(levels).saturating_mul(size(0).into());
                NEW_LIST.wrapping_add(levels.clamp(i64::MIN.into(), i64::MAX.into()) as u64)
            }
            Cost::SelfCompare { argument } => self_compare(arguments.get(argument)),
            Cost::Product { times } => 1u64.saturating_add(size(0).saturating_mul(size(1)).saturating_mul(times)),
            Cost::ContainsIp { text } => tenth(size(0) * 2) + if text { tenth(size(1)) } else { 0 },
            Cost::ContainsCidr { text } => {
                tenth(size(0) * 2) + tenth(size(0)) + 1 + if text { tenth(size(1)) } else { 0 }
            }
            Cost::Validate => match arguments.first().map(Value::view) {
                Some(View::Opaque(Opaque::Format(format))) => pattern_cost(size(1), format.pattern_size),
                _ => 1,
            },
        }
    }
}

/// A tenth of the smaller size. Of short strings no character is counted.
fn smaller(arguments: &[Value<'_>]) -> u64 {
    let [a, b] = arguments else { return 1 };
    if let (View::Str(x), View::Str(y)) = (a.view(), b.view())
        && x.len().min(y.len()) <= 10
    {
        return u64::from(!x.is_empty() && !y.is_empty());
    }
    tenth(size_of(a).min(size_of(b)))
}

/// A pattern run over a string, both by their sizes.
fn pattern_cost(text: u64, pattern: u64) -> u64 {
    tenth(text.saturating_add(1)).saturating_mul(pattern.div_ceil(4))
}

/// Characters of a string, bytes, elements, entries; of an optional what is in it; 1 for anything else.
pub fn size_of(value: &Value<'_>) -> u64 {
    match value.view() {
        View::Str(s) => characters(s),
        View::Bytes(b) => b.len() as u64,
        View::List(list) => list.len() as u64,
        View::Map(map) => map.len() as u64,
        View::Optional(Some(inner)) => size_of(inner),
        View::Opaque(value) => value.size(),
        _ => 1,
    }
}

fn characters(s: &str) -> u64 {
    if s.is_ascii() { s.len() as u64 } else { s.chars().count() as u64 }
}

fn int(arguments: &[Value<'_>], i: usize) -> Option<i64> {
    arguments.get(i).and_then(Value::as_int)
}

/// Elements of `lists.range(n)`; an error counts as one.
fn range(arguments: &[Value<'_>]) -> u64 {
    int(arguments, 0).map_or(1, |n| u64::try_from(n).unwrap_or(0))
}

/// Elements of `list.slice(from, to)`; an error counts as one.
fn slice(arguments: &[Value<'_>]) -> u64 {
    let len = arguments.first().and_then(Value::as_list).map_or(0, |list| list.len() as i64);
    match (int(arguments, 1), int(arguments, 2)) {
        (Some(from), Some(to)) if 0 <= from && from <= to && to <= len => (to - from) as u64,
        _ => 1,
    }
}

/// The API server's traversalCost; `depth` bounds the walk, deeper contents count 1.
fn traverse(value: &Value<'_>, depth: usize) -> u64 {
    let Some(depth) = depth.checked_sub(1) else { return 1 };
    match value.view() {
        View::Str(s) => s.len() as u64 / 10,
        View::Bytes(b) => b.len() as u64 / 10,
        View::List(list) => list.iter().map(|e| traverse(&e, depth)).sum(),
        View::Map(map) => map.iter().map(|(k, v)| traverse(&k, depth) + traverse(&v, depth)).sum(),
        _ => 1,
    }
}

/// Characters of `list.join(separator)`; an error counts as one.
fn joined(arguments: &[Value<'_>]) -> u64 {
    let text = |value: &Value<'_>| value.as_str().map(characters);
    let separator = arguments.get(1).map_or(Some(0), text);
    let (Some(list), Some(separator)) = (arguments.first().and_then(Value::as_list), separator) else { return 1 };
    let separators = (list.len() as u64).saturating_sub(1).saturating_mul(separator);
    list.iter().map(|e| text(&e)).sum::<Option<u64>>().map_or(1, |n| n.saturating_add(separators))
}

/// What is no list ends in an internal error of cel-go, before anything is charged.
fn self_compare(list: Option<&Value<'_>>) -> u64 {
    let Some(list) = list.and_then(Value::as_list) else { return 0 };
    let squared = (list.len() as u64).saturating_mul(list.len() as u64);
    let strings = list.get(0).is_some_and(|e| matches!(e.view(), View::Str(_) | View::Bytes(_)));
    let cost = squared.saturating_mul(2).saturating_add(if strings { squared / 10 } else { 0 });
    cost.saturating_add(NEW_LIST)
}
