//! Which types go where.

use crate::cel::library::{FREE, Overload};
use crate::cel::types::Type;

/// What a signature's parameters stand for in one call.
#[derive(Clone, Default)]
pub struct Bindings([Option<Type>; 3]);

/// Whether a value of type `given` may stand where `wanted` is; binds parameters. `dyn` goes anywhere.
pub fn fits(wanted: &Type, given: &Type, bindings: &mut Bindings) -> bool {
    match (wanted, given) {
        (Type::Param(i), _) if *wanted != FREE => {
            let Some(slot) = bindings.0.get_mut(usize::from(*i)) else { return true };
            match slot.clone() {
                None | Some(Type::Dyn) => {
                    *slot = Some(given.clone());
                    true
                }
                Some(bound) => {
                    let ok = fits(&bound, given, bindings);
                    // `list(dyn)` and `list(int)`: what is known wins.
                    if ok
                        && *given != Type::Dyn
                        && is_open(&bound)
                        && let Some(slot) = bindings.0.get_mut(usize::from(*i))
                    {
                        *slot = Some(given.clone());
                    }
                    ok
                }
            }
        }
        (_, Type::Param(_)) | (Type::Param(_), _) | (Type::Dyn, _) | (_, Type::Dyn) => true,
        (Type::List(a), Type::List(b)) | (Type::Optional(a), Type::Optional(b)) => fits(a, b, bindings),
        (Type::Map(k, v), Type::Map(l, w)) => fits(k, l, bindings) && fits(v, w, bindings),
        (Type::Null, other) | (other, Type::Null) => nullable(other),
        _ => wanted == given,
    }
}

/// Types whose place `null` may take (cel-go checker/types.go, internalIsAssignableNull).
fn nullable(ty: &Type) -> bool {
    matches!(ty, Type::Null | Type::Struct(_) | Type::Named(_) | Type::Duration | Type::Timestamp | Type::Optional(_))
}

fn is_open(ty: &Type) -> bool {
    match ty {
        Type::Dyn | Type::Param(_) => true,
        Type::List(a) | Type::Optional(a) => is_open(a),
        Type::Map(k, v) => is_open(k) || is_open(v),
        _ => false,
    }
}

/// A signature's type with its parameters replaced.
pub fn bound(ty: &Type, bindings: &Bindings) -> Type {
    match ty {
        Type::Param(i) if *ty != FREE => match bindings.0.get(usize::from(*i)) {
            Some(Some(bound)) => bound.clone(),
            _ => FREE,
        },
        Type::List(a) => Type::list(bound(a, bindings)),
        Type::Optional(a) => Type::Optional(Box::new(bound(a, bindings))),
        Type::Map(k, v) => Type::Map(Box::new(bound(k, bindings)), Box::new(bound(v, bindings))),
        other => other.clone(),
    }
}

/// The type of a call, if the overload takes these arguments.
pub fn call(overload: &Overload, arguments: &[Type]) -> Option<Type> {
    if overload.parameters.len() != arguments.len() {
        return None;
    }
    let mut bindings = Bindings::default();
    for (alternatives, given) in overload.parameters.iter().zip(arguments) {
        if let [only] = alternatives.as_slice() {
            if !fits(only, given, &mut bindings) {
                return None;
            }
            continue;
        }
        let fitting = alternatives.iter().find_map(|wanted| {
            let mut attempt = bindings.clone();
            fits(wanted, given, &mut attempt).then_some(attempt)
        });
        bindings = fitting?;
    }
    Some(bound(&overload.result, &bindings))
}

/// The type of two elements of one literal, which have to have the same (cel-go's HomogeneousAggregateLiterals).
pub fn unify(a: &Type, b: &Type) -> Option<Type> {
    match (a, b) {
        (Type::Param(_), other) | (other, Type::Param(_)) => Some(other.clone()),
        (Type::List(x), Type::List(y)) => unify(x, y).map(Type::list),
        (Type::Optional(x), Type::Optional(y)) => unify(x, y).map(|t| Type::Optional(Box::new(t))),
        (Type::Map(k, v), Type::Map(l, w)) => Some(Type::Map(Box::new(unify(k, l)?), Box::new(unify(v, w)?))),
        _ if a == b => Some(a.clone()),
        _ => None,
    }
}

/// The type of two branches, where `dyn` takes any.
pub fn either(a: &Type, b: &Type) -> Option<Type> {
    if !fits(a, b, &mut Bindings::default()) {
        return None;
    }
    Some(match (a, b) {
        (Type::Null, other) | (Type::Param(_), other) => other.clone(),
        (Type::Dyn, _) | (_, Type::Dyn) => Type::Dyn,
        _ if is_open(a) => b.clone(),
        _ => a.clone(),
    })
}
