//! The functions of Kubernetes' CEL, as one table.
//!
//! A row is a signature with the Kubernetes minor that brought it, what a call costs, and what it does. To add a function,
//! add its row to the `ROWS` of a file here, in the notation of [`signature`]; the checker, the cost and the minimum version
//! of a policy follow from it. A new library is a new file with `ROWS`, named in [`LIBRARIES`].
//!
//! Knows values. Must not know expressions: macros and operators are the evaluator's.

mod conversions;
mod json_patch;
mod lists;
mod opaque;
mod optional;
mod quantity;
mod regex;
mod sets;
mod signature;
mod strings;
mod time;

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::LazyLock;

pub(super) use self::conversions::CONVERSIONS;
pub(super) use self::lists::sort_by;
pub use self::opaque::Opaque;
pub(super) use self::regex::compile as compile_pattern;
pub(super) use self::signature::Overload;
pub(super) use self::time::shift;

use super::halt::Fail;
use super::value::{List, Value, View};

/// What a function gives.
pub(super) type Answer<'a> = Result<Value<'a>, Fail>;

/// What a function does; the receiver is the first argument. It may rely on the number of arguments only: types are
/// declared for the checker, and at run time anything may come, for which the answer is [`Fail::NoSuchOverload`].
pub(super) type Implementation = for<'a> fn(&mut Context, &[Value<'a>]) -> Answer<'a>;

/// A row of the table.
pub(super) struct Row {
    /// `string.startsWith(string): bool`
    pub signature: &'static str,
    /// The Kubernetes minor whose new policies may use it: 30 is 1.30. 0: always.
    pub since: u32,
    /// What a call costs.
    pub cost: Cost,
    /// What it does.
    pub call: Implementation,
}

const fn row(signature: &'static str, since: u32, cost: Cost, call: Implementation) -> Row {
    Row { signature, since, cost, call }
}

/// All libraries. Namespaces of global functions are named in [`NAMESPACES`].
static LIBRARIES: [&[Row]; 14] = [
    super::operators::ROWS,
    super::operators::LESS,
    super::operators::LESS_EQUALS,
    super::operators::GREATER,
    super::operators::GREATER_EQUALS,
    conversions::ROWS,
    strings::ROWS,
    regex::ROWS,
    lists::ROWS,
    sets::ROWS,
    time::ROWS,
    optional::ROWS,
    quantity::ROWS,
    json_patch::ROWS,
];

/// What may stand before the dot of a global function.
pub(super) const NAMESPACES: [&str; 5] = ["optional", "sets", "lists", "strings", "jsonpatch"];

/// Namespaces that cel-go has and Kubernetes does not.
pub(super) const FOREIGN_NAMESPACES: [&str; 5] = ["cel", "math", "base64", "proto", "regex"];

/// The overloads of each function, by its name (`startsWith`, `sets.contains`).
pub(super) static FUNCTIONS: LazyLock<HashMap<&'static str, Vec<Overload>>> = LazyLock::new(|| {
    let mut functions: HashMap<&'static str, Vec<Overload>> = HashMap::new();
    for row in LIBRARIES.iter().flat_map(|rows| rows.iter()) {
        if let Some(overload) = signature::parse(row) {
            functions.entry(overload.name).or_default().push(overload);
        }
    }
    functions
});

/// What a call costs, in Kubernetes' units, from its arguments. The units are those of cel-go (interpreter/runtimecost.go),
/// the API server (pkg/cel/library/cost.go) and cel-go's libraries (ext/lists.go, ext/sets.go).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cost {
    /// 1
    One,
    /// A tenth of an argument's size, that many times.
    Read { argument: usize, times: u64 },
    /// A tenth of both arguments' sizes together.
    Sum,
    /// A tenth of the smaller argument's size.
    Smaller,
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
}

/// `n / 10`, rounded up.
pub(super) fn tenth(n: u64) -> u64 {
    n.div_ceil(10)
}

/// A new list and the call that makes it (cel-go ext/lists.go, trackAllocatingListCall).
const NEW_LIST: u64 = 11;

impl Cost {
    /// True where the API server charges by the function's name, whichever overload is called; cel-go charges by overload,
    /// and 1 where the types of the arguments do not say which.
    pub fn by_name(self) -> bool {
        matches!(self, Cost::Traverse)
    }

    /// The cost of a call.
    pub fn of(self, arguments: &[Value<'_>]) -> u64 {
        let size = |i: usize| arguments.get(i).map_or(1, size_of);
        match self {
            Cost::One => 1,
            Cost::Read { argument, times } => tenth(size(argument).saturating_mul(times)),
            Cost::Sum => tenth(size(0).saturating_add(size(1))),
            Cost::Smaller => smaller(arguments),
            Cost::Elements { argument } => size(argument),
            Cost::Traverse => arguments.first().map_or(0, |v| traverse(v, 64)),
            Cost::Pattern => pattern_cost(size(0), size(1)),
            Cost::Contains => tenth(size(0)).saturating_mul(tenth(size(1))),
            Cost::Join => tenth(joined(arguments).saturating_mul(2)),
            Cost::Range => NEW_LIST.saturating_add(whole(arguments, 0)),
            Cost::Slice => NEW_LIST.saturating_add(whole(arguments, 2).saturating_sub(whole(arguments, 1))),
            Cost::Copy => NEW_LIST.saturating_add(size(0)),
            Cost::Flatten => {
                let depth = if arguments.len() > 1 { whole(arguments, 1) } else { 1 };
                NEW_LIST.saturating_add(size(0).saturating_mul(depth))
            }
            Cost::SelfCompare { argument } => self_compare(arguments.get(argument)),
            Cost::Product { times } => 1u64.saturating_add(size(0).saturating_mul(size(1)).saturating_mul(times)),
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
pub(super) fn pattern_cost(text: u64, pattern: u64) -> u64 {
    tenth(text.saturating_add(1)).saturating_mul(pattern.div_ceil(4))
}

/// Characters of a string, bytes, elements, entries; of an optional what is in it; 1 for anything else.
pub(super) fn size_of(value: &Value<'_>) -> u64 {
    match value.view() {
        View::Str(s) => characters(s),
        View::Bytes(b) => b.len() as u64,
        View::List(list) => list.len() as u64,
        View::Map(map) => map.len() as u64,
        View::Optional(Some(inner)) => size_of(inner),
        _ => 1,
    }
}

fn characters(s: &str) -> u64 {
    if s.is_ascii() { s.len() as u64 } else { s.chars().count() as u64 }
}

fn whole(arguments: &[Value<'_>], i: usize) -> u64 {
    arguments.get(i).and_then(Value::as_int).and_then(|i| u64::try_from(i).ok()).unwrap_or(0)
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

/// Characters of `list.join(separator)`.
fn joined(arguments: &[Value<'_>]) -> u64 {
    let Some(list) = arguments.first().and_then(Value::as_list) else { return 1 };
    let separators = (list.len() as u64).saturating_sub(1) * arguments.get(1).map_or(0, size_of);
    list.iter().map(|e| size_of(&e)).sum::<u64>().saturating_add(separators)
}

fn self_compare(list: Option<&Value<'_>>) -> u64 {
    let Some(list) = list.and_then(Value::as_list) else { return 1 };
    let squared = (list.len() as u64).saturating_mul(list.len() as u64);
    let strings = list.get(0).is_some_and(|e| matches!(e.view(), View::Str(_) | View::Bytes(_)));
    let cost = squared.saturating_mul(2).saturating_add(if strings { squared / 10 } else { 0 });
    cost.saturating_add(NEW_LIST)
}

/// Bytes that one evaluation may build in all, results of functions and lists included. Kubernetes' costs do not bound
/// memory: `replace` and `+` on lists are charged by what goes in.
const MEMORY_LIMIT: usize = 64 << 20;

/// Bytes of a value in a list.
const VALUE: usize = std::mem::size_of::<Value<'_>>();

/// Patterns that one evaluation keeps.
const KEPT_PATTERNS: usize = 64;

/// What functions share during one evaluation.
#[derive(Default)]
pub(super) struct Context {
    allocated: usize,
    patterns: HashMap<Box<str>, ::regex::Regex>,
}

impl Context {
    /// Announces that so many bytes are about to be built.
    pub fn allocate(&mut self, bytes: usize) -> Result<(), Fail> {
        self.allocated = self.allocated.saturating_add(bytes);
        if self.allocated > MEMORY_LIMIT { Err(Fail::OverBudget) } else { Ok(()) }
    }

    /// Announces a list of so many elements.
    pub fn allocate_list(&mut self, elements: usize) -> Result<(), Fail> {
        self.allocate(elements.saturating_mul(VALUE))
    }

    /// Announces that values are about to be put into a list or map. A list within counts with all that is in it, each time:
    /// what shares memory still takes its time to be compared, printed and explained.
    pub fn hold(&mut self, values: &[Value<'_>]) -> Result<(), Fail> {
        for value in values {
            self.allocate_list(1 + weight(value, MEMORY_LIMIT / VALUE))?;
        }
        Ok(())
    }

    /// Announces a walk through a value, for which the costs count its outermost elements only.
    pub fn walk(&mut self, value: &Value<'_>) -> Result<(), Fail> {
        self.allocate(weight(value, MEMORY_LIMIT))
    }

    /// A pattern that is not a literal, compiled once.
    pub fn pattern(&mut self, pattern: &str) -> Result<::regex::Regex, Fail> {
        if let Some(compiled) = self.patterns.get(pattern) {
            return Ok(compiled.clone());
        }
        let compiled = compile_pattern(pattern)?;
        if self.patterns.len() < KEPT_PATTERNS {
            self.patterns.insert(pattern.into(), compiled.clone());
        }
        Ok(compiled)
    }

    /// A computed string, counted.
    fn text<'a>(&mut self, text: impl Into<Rc<str>>) -> Answer<'a> {
        let text = text.into();
        self.allocate(text.len())?;
        Ok(Value::Text(text))
    }
}

/// Values inside computed lists, maps and structs, at all depths; stops counting at `most`.
fn weight(value: &Value<'_>, most: usize) -> usize {
    if !is_computed(value) {
        return 0;
    }
    let mut total = 0;
    let mut todo = vec![value];
    while let Some(value) = todo.pop() {
        match value {
            Value::List(list) => {
                total += list.len();
                todo.extend(list.iter().filter(|v| is_computed(v)));
            }
            Value::Map(map) => {
                total += map.len() * 2;
                todo.extend(map.iter().map(|(_, v)| v).filter(|v| is_computed(v)));
            }
            Value::Struct(value) => {
                total += value.fields.len() * 2;
                todo.extend(value.fields.iter().map(|(_, v)| v).filter(|v| is_computed(v)));
            }
            Value::Optional(Some(inner)) => todo.push(inner),
            _ => {}
        }
        if total >= most {
            return most;
        }
    }
    total
}

fn is_computed(value: &Value<'_>) -> bool {
    matches!(value, Value::List(_) | Value::Map(_) | Value::Struct(_) | Value::Optional(Some(_)))
}

// What implementations ask of their arguments.

fn argument<'v, 'a>(arguments: &'v [Value<'a>], i: usize) -> Result<&'v Value<'a>, Fail> {
    arguments.get(i).ok_or(Fail::NoSuchOverload)
}

fn text_at<'v>(arguments: &'v [Value<'_>], i: usize) -> Result<&'v str, Fail> {
    argument(arguments, i)?.as_str().ok_or(Fail::NoSuchOverload)
}

fn int_at(arguments: &[Value<'_>], i: usize) -> Result<i64, Fail> {
    argument(arguments, i)?.as_int().ok_or(Fail::NoSuchOverload)
}

fn list_at<'v, 'a>(arguments: &'v [Value<'a>], i: usize) -> Result<List<'v, 'a>, Fail> {
    argument(arguments, i)?.as_list().ok_or(Fail::NoSuchOverload)
}
