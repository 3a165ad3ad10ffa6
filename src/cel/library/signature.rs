//! Signatures, from the text of the table.
//!
//! `string.indexOf(string, int): int` is a method, `sets.contains(list(A), list(A)): bool` a global function of a namespace,
//! `size(string|list(A)): int` takes one of several types. `A`, `B`, `C` are type parameters.

use std::sync::Arc;

use super::{Cost, Implementation, NAMESPACES, Row};
use crate::cel::types::Type;
use crate::cel::value::{Value, View};

/// One way to call a function.
pub struct Overload {
    /// `indexOf`, `sets.contains`
    pub name: &'static str,
    /// Called as `a.f(b)`; `a` is the first parameter.
    pub method: bool,
    /// For each parameter the types that it takes.
    pub parameters: Vec<Vec<Type>>,
    /// What comes out.
    pub result: Type,
    /// As in [`Row`].
    pub since: u32,
    /// As in [`Row`].
    pub cost: Cost,
    /// As in [`Row`].
    pub call: Implementation,
}

impl Overload {
    /// Whether the receiver is a list of a certain type of elements.
    pub fn of_elements(&self) -> bool {
        let certain =
            |ty: &Type| matches!(ty, Type::List(e) if !matches!(**e, Type::Dyn | Type::Param(_) | Type::List(_)));
        self.parameters.first().is_some_and(|types| types.iter().any(certain))
    }

    /// Whether values are of the declared types, where those are simple ones.
    pub fn takes(&self, values: &[Value<'_>]) -> bool {
        let fits = |(types, value): (&Vec<Type>, &Value<'_>)| types.iter().any(|ty| fits(ty, value));
        self.parameters.iter().zip(values).all(fits)
    }
}

fn fits(ty: &Type, value: &Value<'_>) -> bool {
    match (ty, value.view()) {
        (Type::Bool, View::Bool(_))
        | (Type::Int, View::Int(_))
        | (Type::Uint, View::Uint(_))
        | (Type::Double, View::Double(_))
        | (Type::String, View::Str(_))
        | (Type::Bytes, View::Bytes(_))
        | (Type::Duration, View::Duration(_))
        | (Type::Timestamp, View::Timestamp(_))
        | (Type::Optional(_), View::Optional(_)) => true,
        // cel-go looks at the first element alone.
        (Type::List(element), View::List(list)) => list.get(0).is_none_or(|first| fits(element, &first)),
        (
            Type::Bool
            | Type::Int
            | Type::Uint
            | Type::Double
            | Type::String
            | Type::Bytes
            | Type::Duration
            | Type::Timestamp
            | Type::Optional(_)
            | Type::List(_),
            _,
        ) => false,
        _ => true,
    }
}

impl std::fmt::Debug for Overload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.name, self.parameters.len())
    }
}

/// Reads a row; `None` where the notation is wrong, which a test rules out.
pub fn parse(row: &'static Row) -> Option<Overload> {
    let (head, result) = row.signature.rsplit_once(": ")?;
    let inside = head.strip_suffix(')')?;
    let open = opening(inside)?;
    let (path, list) = (inside.get(..open)?, inside.get(open + 1..)?);
    let (receiver, name) = match path.rsplit_once('.') {
        Some((space, _)) if NAMESPACES.contains(&space) => (None, path),
        Some((receiver, name)) => (Some(receiver), name),
        None => (None, path),
    };
    let mut parameters = Vec::new();
    if let Some(receiver) = receiver {
        parameters.push(alternatives(receiver)?);
    }
    for parameter in split(list, ',').into_iter().filter(|p| !p.is_empty()) {
        parameters.push(alternatives(parameter)?);
    }
    let (since, cost, call) = (row.since, row.cost, row.call);
    Some(Overload { name, method: receiver.is_some(), parameters, result: ty(result)?, since, cost, call })
}

/// The bracket that opens the parameters: the last one at depth 0.
fn opening(inside: &str) -> Option<usize> {
    let mut depth = 0;
    for (i, c) in inside.char_indices().rev() {
        match c {
            ')' => depth += 1,
            '(' if depth == 0 => return Some(i),
            '(' => depth -= 1,
            _ => {}
        }
    }
    None
}

fn alternatives(text: &str) -> Option<Vec<Type>> {
    split(text, '|').into_iter().map(ty).collect()
}

/// Splits outside of brackets.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut depth, mut from, mut parts) = (0, 0, Vec::new());
    for (i, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            c if c == separator && depth == 0 => {
                parts.push(text.get(from..i).unwrap_or_default().trim());
                from = i + 1;
            }
            _ => {}
        }
    }
    parts.push(text.get(from..).unwrap_or_default().trim());
    parts
}

fn ty(text: &str) -> Option<Type> {
    if let Some((name, inside)) = text.strip_suffix(')').and_then(|t| t.split_once('(')) {
        let mut inner = split(inside, ',').into_iter().map(ty);
        let first = inner.next()??;
        return Some(match name {
            "list" => Type::list(first),
            "optional" => Type::Optional(Box::new(first)),
            "type" => Type::Type(Box::new(first)),
            "map" => Type::Map(Box::new(first), Box::new(inner.next()??)),
            _ => return None,
        });
    }
    Some(match text {
        "dyn" => Type::Dyn,
        "null" => Type::Null,
        "bool" => Type::Bool,
        "int" => Type::Int,
        "uint" => Type::Uint,
        "double" => Type::Double,
        "string" => Type::String,
        "bytes" => Type::Bytes,
        "duration" => Type::Duration,
        "timestamp" => Type::Timestamp,
        "type" => Type::Type(Box::new(Type::Dyn)),
        "A" => Type::Param(0),
        "B" => Type::Param(1),
        "C" => Type::Param(2),
        "net.IP" | "net.CIDR" => Type::Named(Arc::from(text)),
        "Quantity" | "URL" | "Semver" | "NamedFormat" => Type::Named(Arc::from(format!("kubernetes.{text}"))),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cel::library::LIBRARIES;

    #[test]
    fn every_row_is_readable() {
        for row in LIBRARIES.iter().flat_map(|rows| rows.iter()) {
            assert!(parse(row).is_some(), "{}", row.signature);
        }
    }

    #[test]
    fn a_method_of_a_parametrised_type() {
        static ROW: Row = Row {
            signature: "map(A, B).f(list(A), int|uint): optional(B)",
            since: 0,
            cost: Cost::One,
            call: |_, _| Err(crate::cel::halt::Fail::NoSuchOverload),
        };
        let f = parse(&ROW).unwrap();
        assert_eq!((f.name, f.method, f.parameters.len()), ("f", true, 3));
        assert_eq!(f.parameters[2], [Type::Int, Type::Uint]);
        assert_eq!(f.result.to_string(), "optional_type(B)");
    }
}
