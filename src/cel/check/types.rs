//! Which types go where: cel-go's unification (checker/types.go, checker/mapping.go), rule by rule.
//!
//! What nothing has decided yet (the element of `[]`, a signature's `A`) is a numbered [`Type::Param`]; what it turns out to
//! be is written down here, and can be taken back when an overload does not fit after all.

use crate::cel::library::Overload;
use crate::cel::types::Type;

/// What each open type of an expression stands for.
#[derive(Default)]
pub struct Bindings {
    bound: Vec<Option<Type>>,
    /// What was changed, to be undone: the number, and what stood there.
    trail: Vec<(u16, Option<Type>)>,
}

impl Bindings {
    /// A type that nothing has decided yet.
    pub fn fresh(&mut self) -> Type {
        self.bound.push(None);
        // One is made for a bracket or a call at most, and more than 65 535 of them stand for `dyn`.
        u16::try_from(self.bound.len() - 1).map_or(Type::Dyn, Type::Param)
    }

    /// Whether a value of one type may stand where another is wanted. Binds open types of both, if so.
    pub fn assignable(&mut self, a: &Type, b: &Type) -> bool {
        self.attempt(|types| types.assign(a, b).then_some(())).is_some()
    }

    /// The type of two elements of one literal, of which the more general counts.
    pub fn join(&mut self, known: &Type, given: &Type) -> Option<Type> {
        self.assignable(known, given).then(|| most_general(known, given))
    }

    /// The type of two branches: `_?_:_(bool, A, A): A`.
    pub fn either(&mut self, a: &Type, b: &Type) -> Option<Type> {
        self.attempt(|types| {
            let either = types.fresh();
            (types.assign(a, &either) && types.assign(b, &either)).then(|| types.resolve(&either))
        })
    }

    /// What a macro gathers in a list or map that is empty at first, as cel-go writes its loop: `result + more`, or of a map
    /// `@mapInsert(result, key, more)` and `@mapInsert(result, more)`; `conditional`: `c ? … : result`.
    pub fn gathered(&mut self, key: Option<&Type>, more: &Type, conditional: bool) -> Option<Type> {
        let pair = |k: Type, v: Type| Type::Map(Box::new(k), Box::new(v));
        let empty = |types: &mut Self| match (key, more) {
            (None, Type::List(_)) => Type::list(types.fresh()),
            _ => pair(types.fresh(), types.fresh()),
        };
        self.attempt(|types| {
            let (result, step) = (empty(types), empty(types));
            let fits = types.assign(&result, &step)
                && match (key, &step) {
                    (Some(key), Type::Map(k, v)) => types.assign(key, k) && types.assign(more, v),
                    _ => types.assign(more, &step),
                };
            let mut step = types.resolve(&step);
            if conditional && fits {
                let either = types.fresh();
                if !(types.assign(&step, &either) && types.assign(&result, &either)) {
                    return None;
                }
                step = types.resolve(&either);
            }
            (fits && types.assign(&step, &result)).then(|| types.resolve(&result))
        })
    }

    /// `optional(A).or(optional(A)): optional(A)` and `optional(A).orValue(A): A`.
    pub fn or_else(&mut self, optional: &Type, other: &Type, unwrap: bool) -> Option<Type> {
        self.attempt(|types| {
            let inner = types.fresh();
            let whole = Type::Optional(Box::new(inner.clone()));
            let (wanted, result) = if unwrap { (&inner, &inner) } else { (&whole, &whole) };
            (types.assign(optional, &whole) && types.assign(other, wanted)).then(|| types.resolve(result))
        })
    }

    /// The type of an index: cel-go's `_[_]` and `_[?_]`, for lists, maps, and optionals of them. Of what may be both a list
    /// and a map nothing is known, not even whether it is an optional.
    pub fn index(&mut self, container: &Type, key: &Type, optional: bool) -> Option<Type> {
        let (inner, wraps) = match container {
            Type::Dyn => {
                // A key of an open type is one of a list.
                self.assignable(key, &Type::Int);
                return Some(Type::Dyn);
            }
            Type::Optional(inner) => (&**inner, true),
            // May stand for an optional.
            Type::Null => (&Type::Dyn, true),
            inner => (inner, optional),
        };
        let found = match inner {
            Type::Dyn if self.assignable(key, &Type::Int) => return Some(Type::Dyn),
            Type::Dyn => Some(self.fresh()),
            inner => self.element(inner, key, true).or_else(|| self.element(inner, key, false)),
        };
        found.map(|ty| if wraps { Type::Optional(Box::new(ty)) } else { ty })
    }

    /// What a list has at an index, or a map under a key.
    fn element(&mut self, container: &Type, key: &Type, list: bool) -> Option<Type> {
        self.attempt(|types| {
            let element = types.fresh();
            let (wanted, by) = if list {
                (Type::list(element.clone()), Type::Int)
            } else {
                let by = types.fresh();
                (Type::Map(Box::new(by.clone()), Box::new(element.clone())), by)
            };
            (types.assign(container, &wanted) && types.assign(key, &by)).then(|| types.resolve(&element))
        })
    }

    /// The type of a call, if the overload takes these arguments.
    pub fn call(&mut self, overload: &Overload, arguments: &[Type]) -> Option<Type> {
        if overload.parameters.len() != arguments.len() {
            return None;
        }
        self.attempt(|types| {
            let first = types.bound.len();
            for (alternatives, given) in overload.parameters.iter().zip(arguments) {
                let fits = match alternatives.as_slice() {
                    [only] => types.assign_parameter(given, only, first),
                    many => many.iter().any(|wanted| types.assign_parameter(given, wanted, first)),
                };
                if !fits {
                    return None;
                }
            }
            let result = types.instance(&overload.result, first);
            Some(types.resolve(&result))
        })
    }

    /// A type with everything in it that is decided.
    pub fn resolve(&self, ty: &Type) -> Type {
        self.substitute(ty, false)
    }

    /// The same, once nothing more can be decided: what is open is `dyn`.
    pub fn closed(&self, ty: &Type) -> Type {
        self.substitute(ty, true)
    }

    /// Undoes what was bound if nothing comes out.
    fn attempt<R>(&mut self, work: impl FnOnce(&mut Self) -> Option<R>) -> Option<R> {
        let before = self.bound.len();
        let answer = work(self);
        if answer.is_none() {
            while let Some((i, old)) = self.trail.pop() {
                if let Some(slot) = self.bound.get_mut(usize::from(i)) {
                    *slot = old;
                }
            }
            self.bound.truncate(before);
        }
        self.trail.clear();
        answer
    }

    /// A parameter of a signature that may be one of several: what does not fit leaves nothing behind.
    fn assign_parameter(&mut self, given: &Type, wanted: &Type, first: usize) -> bool {
        if !wanted.is_open() {
            return self.assign(given, wanted);
        }
        let instance = self.instance(wanted, first);
        self.assign(given, &instance)
    }

    /// A signature's type with its parameters numbered from `first`.
    fn instance(&mut self, ty: &Type, first: usize) -> Type {
        match ty {
            Type::Param(i) => {
                let i = first + usize::from(*i);
                while self.bound.len() <= i {
                    self.bound.push(None);
                }
                u16::try_from(i).map_or(Type::Dyn, Type::Param)
            }
            Type::List(a) => Type::list(self.instance(a, first)),
            Type::Optional(a) => Type::Optional(Box::new(self.instance(a, first))),
            Type::Type(a) => Type::Type(Box::new(self.instance(a, first))),
            Type::Map(k, v) => Type::Map(Box::new(self.instance(k, first)), Box::new(self.instance(v, first))),
            other => other.clone(),
        }
    }

    /// `internalIsAssignable`
    fn assign(&mut self, a: &Type, b: &Type) -> bool {
        if let Type::Param(n) = b {
            match self.stand_for(a, *n) {
                (true, _) => return true,
                (false, true) => return false,
                (false, false) => {}
            }
        }
        if let Type::Param(n) = a {
            return self.stand_for(b, *n).0;
        }
        match (a, b) {
            (Type::Dyn, _) | (_, Type::Dyn) | (Type::Type(_), Type::Type(_)) => true,
            (Type::Null, other) | (other, Type::Null) => nullable(other),
            (Type::List(x), Type::List(y)) | (Type::Optional(x), Type::Optional(y)) => self.assign(x, y),
            (Type::Map(k, v), Type::Map(l, w)) => self.assign(k, l) && self.assign(v, w),
            (Type::Struct(x), Type::Struct(y)) => x.name == y.name,
            _ => a == b,
        }
    }

    /// `isValidTypeSubstitution`: whether the open type `n` may stand for `ty`, and whether it stood for something before.
    fn stand_for(&mut self, ty: &Type, n: u16) -> (bool, bool) {
        if *ty == Type::Param(n) {
            return (true, true);
        }
        if let Some(known) = self.bound.get(usize::from(n)).cloned().flatten() {
            if *ty == known {
                return (true, true);
            }
            if !self.assign(ty, &known) {
                return (false, true);
            }
            let general = most_general(ty, &known);
            if !self.occurs(n, &general) {
                self.bind(n, general);
            }
            return (true, true);
        }
        let free = !self.occurs(n, ty);
        if free {
            self.bind(n, ty.clone());
        }
        (free, false)
    }

    fn bind(&mut self, n: u16, ty: Type) {
        if let Some(slot) = self.bound.get_mut(usize::from(n)) {
            self.trail.push((n, slot.replace(ty)));
        }
    }

    /// Whether an open type is part of what it would stand for.
    fn occurs(&self, n: u16, within: &Type) -> bool {
        match within {
            Type::Param(m) if *m == n => true,
            Type::Param(m) => {
                self.bound.get(usize::from(*m)).is_some_and(|b| b.as_ref().is_some_and(|b| self.occurs(n, b)))
            }
            Type::List(a) | Type::Optional(a) | Type::Type(a) => self.occurs(n, a),
            Type::Map(k, v) => self.occurs(n, k) || self.occurs(n, v),
            _ => false,
        }
    }

    fn substitute(&self, ty: &Type, close: bool) -> Type {
        match ty {
            Type::Param(n) => match self.bound.get(usize::from(*n)) {
                Some(Some(bound)) => self.substitute(bound, close),
                _ if close => Type::Dyn,
                _ => ty.clone(),
            },
            Type::List(a) => Type::list(self.substitute(a, close)),
            Type::Optional(a) => Type::Optional(Box::new(self.substitute(a, close))),
            Type::Type(a) => Type::Type(Box::new(self.substitute(a, close))),
            Type::Map(k, v) => Type::Map(Box::new(self.substitute(k, close)), Box::new(self.substitute(v, close))),
            other => other.clone(),
        }
    }
}

/// Types whose place `null` may take (internalIsAssignableNull, isLegacyNullable).
fn nullable(ty: &Type) -> bool {
    matches!(ty, Type::Null | Type::Struct(_) | Type::Named(_) | Type::Duration | Type::Timestamp | Type::Optional(_))
}

/// `mostGeneral`, of two types of which one is assignable to the other.
fn most_general(a: &Type, b: &Type) -> Type {
    if less_specific(a, b) { a.clone() } else { b.clone() }
}

/// `isEqualOrLessSpecific`
fn less_specific(a: &Type, b: &Type) -> bool {
    match (a, b) {
        (Type::Dyn | Type::Param(_), _) => true,
        (_, Type::Dyn | Type::Param(_)) => false,
        (Type::List(x), Type::List(y)) | (Type::Optional(x), Type::Optional(y)) => less_specific(x, y),
        (Type::Map(k, v), Type::Map(l, w)) => less_specific(k, l) && less_specific(v, w),
        (Type::Type(_), Type::Type(_)) => true,
        _ => a == b,
    }
}
