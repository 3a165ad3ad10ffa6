//! What expressions are compiled to: nodes in one arena a unit, names resolved to numbers, functions to rows of the table.

use regex::Regex;

use super::library::{CONVERSIONS, Cost, Overload, Search};
use super::value::Instant;
use crate::object::{Span, Tree};

/// A node's place in its unit.
pub type CodeId = u32;

/// What to do for a value.
#[derive(Debug)]
pub enum Code {
    /// A literal, or what was computed of literals alone.
    Constant(Constant),
    /// The root variable with this number.
    Root(u16),
    /// A macro's variable.
    Slot(u32),
    /// The variable of `optMap` and `optFlatMap`, for whose value cel-go charges where it is first used.
    Owed(u32),
    /// `variables.x`, by its number.
    Variable(u32),
    /// `&&` (decided by false) and `||` (decided by true).
    Logic { decided_by: bool, operands: Box<[CodeId]> },
    /// Conditions with their values in order, and what is left.
    Conditional { arms: Box<[(CodeId, Branch)]>, last: Branch },
    /// Binary operators of one precedence, from left to right.
    Chain { first: CodeId, links: Box<[Link]> },
    /// Fields and indexes of a value. `fresh`: of a computed one, for which cel-go charges as for a name.
    Select { base: CodeId, fresh: bool, steps: Box<[Step]> },
    /// `has(base.name)`; `fresh` as in [`Code::Select`].
    Has { base: CodeId, fresh: bool, name: Box<str> },
    /// A function or method; the receiver is the first argument.
    Call { callee: Callee, arguments: Box<[CodeId]> },
    /// `matches`, `find` or `findAll` with a literal pattern; `limit` is `findAll`'s.
    Search { search: Search, text: CodeId, pattern: Box<Pattern>, limit: Option<CodeId>, cost: Cost },
    /// `.or()` and `.orValue()`, which evaluate their argument only when it is needed.
    OrElse { base: CodeId, other: CodeId, unwrap: bool },
    /// A comprehension, or `optMap` and `optFlatMap`.
    Macro(Box<Macro>),
    /// A list; true: the element is optional.
    List(Box<[(CodeId, bool)]>),
    /// A map; true: the entry is optional.
    Map(Box<[(CodeId, CodeId, bool)]>),
    /// A struct literal; true: the field is optional.
    Struct { name: Box<str>, fields: Box<[(Box<str>, CodeId, bool)]> },
}

/// A literal pattern, compiled.
#[derive(Debug)]
pub struct Pattern {
    pub regex: Regex,
    /// As it was written; the cost counts its characters.
    pub source: Box<str>,
}

/// A value of a conditional, or a key in brackets. `path`: it is a name with fields, for which cel-go charges one less there.
#[derive(Clone, Copy, Debug)]
pub struct Branch {
    pub code: CodeId,
    pub path: bool,
}

/// An operator and its right side. `free`: `in` with a literal list, which cel-go makes a set of beforehand.
#[derive(Debug)]
pub struct Link {
    pub callee: Callee,
    pub right: CodeId,
    pub span: Span,
    pub free: bool,
}

/// A field or an index.
#[derive(Debug)]
pub struct Step {
    pub span: Span,
    pub optional: bool,
    pub key: Key,
}

/// What a step looks up.
#[derive(Debug)]
pub enum Key {
    Field(Box<str>),
    Index(Branch),
}

/// The overloads that a call may mean, by the types that are known of its arguments.
#[derive(Clone, Copy)]
pub struct Callee {
    all: &'static [Overload],
    /// Bit `i`: `all[i]` is meant.
    mask: u64,
    /// What a call costs.
    pub cost: Cost,
    /// True for functions that hand a value on without looking at it: it is not yet a read.
    pub hands_on: bool,
    /// True where an argument may be of another type than the checker thought, and the implementation would take it.
    pub guarded: bool,
}

impl Callee {
    /// Those of `all` that `mask` marks.
    pub fn new(all: &'static [Overload], mask: u64) -> Self {
        let first = all.get(mask.trailing_zeros() as usize);
        let cost = match first {
            Some(overload) if mask.count_ones() == 1 => overload.cost,
            Some(overload) => overload.cost.by_name().unwrap_or(Cost::One),
            None => Cost::One,
        };
        let hands_on = first.is_some_and(|o| matches!(o.name, "dyn" | "optional.of" | "value"));
        let converts = |o: &Overload| CONVERSIONS.contains(&o.name) && !matches!(o.name, "dyn" | "type");
        // `sort` has one implementation for all its overloads, which asks for a list alone.
        let elements = |o: &Overload| o.of_elements() && o.name != "sort";
        let guarded = mask.count_ones() == 1 && first.is_some_and(|o| converts(o) || elements(o));
        Callee { all, mask, cost, hands_on, guarded }
    }

    /// The first overload, and the only one where the types say which is meant.
    #[inline]
    pub fn first(self) -> Option<&'static Overload> {
        self.all.get(self.mask.trailing_zeros() as usize)
    }

    /// The overloads.
    pub fn overloads(self) -> impl Iterator<Item = &'static Overload> {
        self.all.iter().enumerate().filter(move |(i, _)| self.mask >> i & 1 == 1).map(|(_, o)| o)
    }

    /// The function's name.
    pub fn name(self) -> &'static str {
        self.all.first().map_or("", |o| o.name)
    }

    /// True where cel-go calls a function of so many arguments only once it has them all, one after the other, and stops at
    /// the first that goes wrong; it takes two at once where it knows the overload, or where there is but one implementation.
    pub fn in_order(self, arguments: usize) -> bool {
        let one = |name: &str| name == "matches" || !name.starts_with(|c: char| c.is_ascii_alphabetic());
        arguments > 2 || (arguments == 2 && (self.name() == "format" || !self.is_resolved() && !one(self.name())))
    }

    /// True where the types say which overload is meant.
    pub fn is_resolved(self) -> bool {
        self.mask.count_ones() == 1
    }
}

impl std::fmt::Debug for Callee {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A macro with its parts.
#[derive(Debug)]
pub struct Macro {
    pub kind: MacroKind,
    pub range: CodeId,
    /// The variable of a macro of one; of two the index or key.
    pub first: u32,
    /// The element or value, in macros of two variables.
    pub second: Option<u32>,
    /// Which elements are taken; only of `map` and the `transform` macros.
    pub filter: Option<CodeId>,
    pub body: CodeId,
    /// `sortBy`: whether the type of its keys is known, on which its cost depends.
    pub typed: bool,
}

/// Which macro.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MacroKind {
    All,
    Exists,
    ExistsOne,
    Filter,
    /// Also `transformList`.
    Map,
    TransformMap,
    TransformMapEntry,
    SortBy,
    OptMap,
    OptFlatMap,
}

/// A value that no input changes.
#[derive(Debug)]
pub enum Constant {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    Str(Box<str>),
    Bytes(Box<[u8]>),
    Duration(i64),
    Timestamp(Instant),
    Type(&'static str),
    /// A list or map that JSON could hold; its value costs nothing to take.
    Tree(Box<Tree>),
    /// Any other list.
    List(Box<[Constant]>),
    /// Any other map.
    Map(Box<[(Constant, Constant)]>),
}
