//! Patterns (cel-go `matches`; k8s.io/apiserver pkg/cel/library/regex.go).

use ::regex::{Regex, RegexBuilder};

use super::{Answer, Context, Cost, Fail, Row, int_at, pattern, row, text_at};
use crate::cel::value::Value;

pub static ROWS: &[Row] = &[
    row("string.matches(string): bool", 0, Cost::Pattern, |c, a| search(Search::Matches, c, a)),
    row("matches(string, string): bool", 0, Cost::One, |c, a| search(Search::Matches, c, a)),
    row("string.find(string): string", 0, Cost::Pattern, |c, a| search(Search::Find, c, a)),
    row("string.findAll(string): list(string)", 0, Cost::Pattern, |c, a| search(Search::FindAll, c, a)),
    row("string.findAll(string, int): list(string)", 0, Cost::Pattern, |c, a| search(Search::FindAll, c, a)),
];

/// Bytes that a compiled pattern may take where it stands in an expression, and where it is computed when it runs.
const LITERAL_SIZE: usize = 10 << 20;
const COMPUTED_SIZE: usize = 1 << 20;

/// Bytes that compiling a pattern counts for against the memory of an evaluation: a thousand of them are enough.
const COMPILING: usize = 64 << 10;

/// Patterns that one evaluation keeps.
const KEPT: usize = 16;

/// What a pattern is used for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Search {
    /// `matches`
    Matches,
    /// `find`
    Find,
    /// `findAll`
    FindAll,
}

impl Search {
    /// The functions whose second argument is a pattern, which is compiled at load where it is a literal.
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "matches" => Some(Search::Matches),
            "find" => Some(Search::Find),
            "findAll" => Some(Search::FindAll),
            _ => None,
        }
    }

    /// The search itself. `limit`: matches that `findAll` gives at most; negative for all.
    pub fn run<'a>(self, context: &mut Context, pattern: &Regex, text: &str, limit: i64) -> Answer<'a> {
        match self {
            Search::Matches => Ok(Value::Bool(pattern.is_match(text))),
            Search::Find => context.text(pattern.find(text).map_or("", |m| m.as_str())),
            Search::FindAll => {
                let mut found = Vec::new();
                for m in pattern.find_iter(text).take(usize::try_from(limit).unwrap_or(usize::MAX)) {
                    context.allocate_list(1)?;
                    found.push(context.text(m.as_str())?);
                }
                Ok(Value::list(found))
            }
        }
    }
}

/// A pattern of Go's, compiled within so many bytes. `Err` is worded as Go words it.
fn compile(source: &str, size: usize) -> Result<Regex, String> {
    let pattern = pattern::from_go(source)?;
    RegexBuilder::new(&pattern).size_limit(size).build().map_err(|error| {
        let text = error.to_string();
        let reason = match &error {
            ::regex::Error::CompiledTooBig(_) => "expression too large",
            _ => text.lines().last().unwrap_or_default().trim_start_matches("error: "),
        };
        format!("error parsing regexp: {reason}: `{source}`")
    })
}

/// A literal pattern.
pub fn compile_literal(source: &str) -> Result<Regex, String> {
    compile(source, LITERAL_SIZE)
}

impl Context<'_> {
    /// A pattern that is not a literal, compiled once.
    fn pattern(&mut self, source: &str) -> Result<Regex, Fail> {
        if let Some(compiled) = self.patterns.get(source) {
            return Ok(compiled.clone());
        }
        self.allocate(COMPILING)?;
        let compiled = compile(source, COMPUTED_SIZE).map_err(Fail::from)?;
        if self.patterns.len() < KEPT {
            self.patterns.insert(source.into(), compiled.clone());
        }
        Ok(compiled)
    }
}

fn search<'a>(search: Search, context: &mut Context, arguments: &[Value<'a>]) -> Answer<'a> {
    let (text, source) = (text_at(arguments, 0)?, text_at(arguments, 1)?);
    let limit = if arguments.len() > 2 { int_at(arguments, 2)? } else { -1 };
    let pattern = context.pattern(source).map_err(|fail| match (search, fail) {
        (Search::Find | Search::FindAll, Fail::Message(why)) => Fail::from(format!("Illegal regex: {why}")),
        (_, fail) => fail,
    })?;
    search.run(context, &pattern, text, limit)
}
