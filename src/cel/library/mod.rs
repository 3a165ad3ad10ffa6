//! The functions of Kubernetes' CEL, as one table.
//!
//! A row is a signature with the Kubernetes minor that brought it, what a call costs, and what it does. To add a function,
//! add its row to the `ROWS` of a file here, in the notation of [`signature`]; the checker, the cost and the minimum version
//! of a policy follow from it. A new library is a new file with `ROWS`, named in [`LIBRARIES`].
//!
//! Knows values. Must not know expressions: macros and operators are the evaluator's.

mod conversions;
mod cost;
mod format;
mod go;
mod json_patch;
mod lists;
mod named_format;
mod net;
mod opaque;
mod optional;
mod pattern;
mod quantity;
mod regex;
mod semver;
mod sets;
mod signature;
mod strings;
mod time;
mod url;

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::LazyLock;

pub(super) use self::conversions::CONVERSIONS;
pub(super) use self::cost::Cost;
use self::cost::{READ, REWRITE, size_of};
pub(super) use self::format::{check as check_format, takes as format_takes};
pub(super) use self::lists::sort_by;
pub use self::opaque::Opaque;
pub(super) use self::regex::{Search, compile_literal};
pub(super) use self::signature::Overload;
pub(super) use self::time::shift;

use super::halt::Fail;
use super::value::{List, Value};

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
static LIBRARIES: [&[Row]; 18] = [
    super::operators::ROWS,
    super::operators::LESS,
    super::operators::LESS_EQUALS,
    super::operators::GREATER,
    super::operators::GREATER_EQUALS,
    conversions::ROWS,
    regex::ROWS,
    // Before strings, as in the API server: the first overload of indexOf is what an open type becomes.
    lists::ROWS,
    strings::ROWS,
    sets::ROWS,
    time::ROWS,
    optional::ROWS,
    quantity::ROWS,
    net::ROWS,
    url::ROWS,
    semver::ROWS,
    named_format::ROWS,
    json_patch::ROWS,
];

/// What may stand before the dot of a global function.
pub(super) const NAMESPACES: [&str; 7] = ["optional", "sets", "lists", "strings", "jsonpatch", "ip", "format"];

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

/// Bytes that one evaluation may build in all, results of functions and lists included. Kubernetes' costs do not bound
/// memory: `replace` and `+` on lists are charged by what goes in.
const MEMORY_LIMIT: usize = 64 << 20;

/// Bytes of a value in a list.
const VALUE: usize = std::mem::size_of::<Value<'_>>();

/// Bytes that an evaluation builds without asking for them, and that it asks for at a time.
const MEMORY_STEP: usize = 64 << 10;

/// Who is asked for so many bytes more; false: there are none.
pub type Grant<'g> = &'g dyn Fn(usize) -> bool;

/// What functions share during one evaluation.
pub(super) struct Context<'g> {
    allocated: usize,
    granted: usize,
    grant: Option<Grant<'g>>,
    patterns: HashMap<Box<str>, ::regex::Regex>,
}

impl<'g> Context<'g> {
    /// Memory up to the limit is there for the taking.
    pub fn new() -> Self {
        Context { allocated: 0, granted: MEMORY_LIMIT, grant: None, patterns: HashMap::new() }
    }

    /// What is more than a little has to be granted.
    pub fn ask(&mut self, grant: Grant<'g>) {
        (self.granted, self.grant) = (MEMORY_STEP, Some(grant));
    }

    /// Announces that so many bytes are about to be built.
    pub fn allocate(&mut self, bytes: usize) -> Result<(), Fail> {
        self.allocated = self.allocated.saturating_add(bytes);
        if self.allocated <= self.granted { Ok(()) } else { self.more() }
    }

    #[cold]
    fn more(&mut self) -> Result<(), Fail> {
        let grant = self.grant.filter(|_| self.allocated <= MEMORY_LIMIT).ok_or(Fail::OverBudget)?;
        let bytes = (self.allocated - self.granted).next_multiple_of(MEMORY_STEP);
        if !grant(bytes) {
            return Err(Fail::OverBudget);
        }
        self.granted += bytes;
        Ok(())
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
            Value::Optional(Some(inner)) => {
                total += 1;
                todo.push(inner);
            }
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
