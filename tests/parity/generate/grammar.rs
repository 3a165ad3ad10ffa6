//! Expressions from `grammar.txt`, whose lines are `type: template`. In a template `{type}` stands for an expression of that
//! type, and `@type` for a new variable of that type, which what follows it in the template may use.

use std::collections::BTreeMap;

use super::random::Random;

pub struct Grammar {
    /// The productions of each type.
    types: BTreeMap<String, Vec<Production>>,
}

struct Production {
    parts: Vec<Part>,
    /// Needs brackets where it becomes a part of something else.
    loose: bool,
    /// Has no part that is an expression.
    leaf: bool,
}

enum Part {
    Text(String),
    Hole(String),
    Variable(String),
}

/// One expression that grows.
pub struct Growth<'g> {
    grammar: &'g Grammar,
    random: &'g mut Random,
    /// Variables in scope with their types.
    scope: Vec<(String, String)>,
}

/// Of a hundred parts, how many are of another type than they should be.
const WRONG: usize = 2;
/// Of a hundred parts, how many hide their type from the checker.
const DYN: usize = 4;
/// Of a hundred parts that need brackets, how many have none.
const BARE: usize = 8;

impl Grammar {
    pub fn read(text: &str) -> Self {
        let mut types: BTreeMap<String, Vec<Production>> = BTreeMap::new();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (ty, template) = line.split_once(": ").unwrap_or_else(|| panic!("no type: {line}"));
            types.entry(ty.to_owned()).or_default().push(Production::read(template));
        }
        for (ty, productions) in &types {
            assert!(productions.iter().any(|p| p.leaf), "{ty} has nothing to end with");
            for part in productions.iter().flat_map(|p| &p.parts) {
                if let Part::Hole(ty) | Part::Variable(ty) = part {
                    assert!(types.contains_key(ty), "no type {ty}");
                }
            }
        }
        Grammar { types }
    }

    /// An expression of any type.
    pub fn expression(&self, random: &mut Random) -> String {
        let depth = 1 + random.below(4);
        let types: Vec<&String> = self.types.keys().collect();
        let ty = (*random.pick(&types)).clone();
        Growth { grammar: self, random, scope: Vec::new() }.grow(&ty, depth).0
    }
}

impl Production {
    fn read(template: &str) -> Self {
        let mut parts = Vec::new();
        let mut rest = template;
        while let Some(at) = rest.find(['{', '@']) {
            let (text, after) = rest.split_at(at);
            parts.push(Part::Text(text.to_owned()));
            let word = |text: &str| text.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(text.len());
            let name = &after[1..1 + word(&after[1..])];
            let behind = &after[1 + name.len()..];
            rest = match (after.starts_with('@'), behind.strip_prefix('}')) {
                (true, _) => {
                    parts.push(Part::Variable(name.to_owned()));
                    behind
                }
                (false, Some(behind)) if !name.is_empty() => {
                    parts.push(Part::Hole(name.to_owned()));
                    behind
                }
                // A literal map's bracket.
                _ => {
                    parts.push(Part::Text("{".to_owned()));
                    &after[1..]
                }
            };
        }
        parts.push(Part::Text(rest.to_owned()));
        let leaf = !parts.iter().any(|p| matches!(p, Part::Hole(_)));
        Production { loose: is_loose(template), leaf, parts }
    }
}

/// Whether there is an operator outside of brackets and quotes.
fn is_loose(template: &str) -> bool {
    let mut depth = 0;
    let mut quoted = false;
    template.starts_with(['!', '-'])
        || template.chars().any(|c| {
            match c {
                '\'' => quoted = !quoted,
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth -= 1,
                _ => {}
            }
            c == ' ' && depth == 0 && !quoted
        })
}

impl Growth<'_> {
    /// An expression of a type, and whether it needs brackets.
    fn grow(&mut self, ty: &str, depth: usize) -> (String, bool) {
        let known: Vec<&String> = self.scope.iter().filter(|(_, t)| t == ty).map(|(name, _)| name).collect();
        if !known.is_empty() && self.random.percent(if depth == 0 { 60 } else { 25 }) {
            return ((*self.random.pick(&known)).clone(), false);
        }
        let productions: Vec<&Production> =
            self.grammar.types[ty].iter().filter(|production| production.leaf || depth > 0).collect();
        let production = self.random.pick(&productions);
        let mark = self.scope.len();
        let mut out = String::new();
        for part in &production.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Variable(ty) => {
                    let name = ["x", "y", "z", "k", "v"][self.scope.len() % 5];
                    out.push_str(name);
                    self.scope.push((name.to_owned(), ty.clone()));
                }
                Part::Hole(ty) => {
                    let hole = self.hole(ty, depth.saturating_sub(1));
                    out.push_str(&hole);
                }
            }
        }
        self.scope.truncate(mark);
        (out, production.loose)
    }

    fn hole(&mut self, ty: &str, depth: usize) -> String {
        let any: Vec<&String> = self.grammar.types.keys().collect();
        let ty = if self.random.percent(WRONG) { (*self.random.pick(&any)).as_str() } else { ty };
        let (text, loose) = self.grow(ty, depth);
        match () {
            () if self.random.percent(DYN) => format!("dyn({text})"),
            () if loose && !self.random.percent(BARE) => format!("({text})"),
            () => text,
        }
    }
}
