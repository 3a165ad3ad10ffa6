//! Methods and macros (cel-go parser/macro.go, ext/comprehensions.go, ext/lists.go, cel/library.go).

use super::{Checker, REFUSED, Typed, is_refused};
use crate::cel::program::{Code, Macro, MacroKind};
use crate::cel::syntax::{Expr, Kind};
use crate::cel::types::Type;
use crate::object::Span;

/// The name under which cel-go keeps what a macro has come to (parser/macro.go, AccumulatorName).
const ACCUMULATOR: &str = "__result__";

/// The macro that a method call is, how many variables it has, and whether a filter comes before its body.
fn recognise(name: &str, arguments: usize) -> Option<(MacroKind, usize, bool)> {
    Some(match (name, arguments) {
        ("all", 2) => (MacroKind::All, 1, false),
        ("all", 3) => (MacroKind::All, 2, false),
        ("exists", 2) => (MacroKind::Exists, 1, false),
        ("exists", 3) => (MacroKind::Exists, 2, false),
        ("exists_one", 2) => (MacroKind::ExistsOne, 1, false),
        ("exists_one" | "existsOne", 3) => (MacroKind::ExistsOne, 2, false),
        ("filter", 2) => (MacroKind::Filter, 1, false),
        ("map", 2) => (MacroKind::Map, 1, false),
        ("map", 3) => (MacroKind::Map, 1, true),
        ("transformList", 3) => (MacroKind::Map, 2, false),
        ("transformList", 4) => (MacroKind::Map, 2, true),
        ("transformMap", 3) => (MacroKind::TransformMap, 2, false),
        ("transformMap", 4) => (MacroKind::TransformMap, 2, true),
        ("transformMapEntry", 3) => (MacroKind::TransformMapEntry, 2, false),
        ("transformMapEntry", 4) => (MacroKind::TransformMapEntry, 2, true),
        ("sortBy", 2) => (MacroKind::SortBy, 1, false),
        ("optMap", 2) => (MacroKind::OptMap, 1, false),
        ("optFlatMap", 2) => (MacroKind::OptFlatMap, 1, false),
        _ => return None,
    })
}

/// Whether a method call is a macro.
pub(super) fn is_macro(name: &str, arguments: usize) -> bool {
    recognise(name, arguments).is_some()
}

impl<'s> Checker<'_, 's> {
    /// A call's arguments.
    pub(super) fn arguments(&mut self, name: &str, arguments: &[Expr<'s>]) -> Vec<Typed> {
        match (name, arguments) {
            ("format", [argument]) => vec![self.formatted(argument)],
            _ => arguments.iter().map(|e| self.expr(e)).collect(),
        }
    }

    /// `receiver.name(arguments)`; `at` is the receiver's place, `span` the call's.
    pub(super) fn method(
        &mut self,
        receiver: Typed,
        at: Span,
        name: &str,
        arguments: &[Expr<'s>],
        span: Span,
    ) -> Typed {
        if let Some((kind, variables, filtered)) = recognise(name, arguments.len()) {
            if variables == 2 {
                self.needs(32);
            }
            return self.comprehension(receiver, at, (kind, variables, filtered), arguments, span);
        }
        let others = match self.ahead.pop_if(|(call, _)| *call == span) {
            Some((_, typed)) => typed,
            None => self.arguments(name, arguments),
        };
        if let ("or" | "orValue", [other]) = (name, others.as_slice()) {
            return self.or_else(receiver, name == "orValue", other, span);
        }
        if is_refused(receiver.0, &receiver.1) {
            return receiver;
        }
        let pattern = receiver.0;
        let mut typed = vec![receiver];
        typed.extend(others);
        let result = self.call(name, true, typed, span);
        if let ("format", [argument]) = (name, arguments) {
            // What is formatted may mix types, at every depth.
            self.mixed_within(Span { start: at.start, end: span.end });
            self.format(pattern, argument, span);
        }
        result
    }

    fn or_else(&mut self, receiver: Typed, unwrap: bool, (code, ty): &Typed, span: Span) -> Typed {
        self.needs(28);
        let (base, given) = receiver;
        let name = if unwrap { "orValue" } else { "or" };
        let Some(result) = self.types.or_else(&given, ty, unwrap) else {
            let types = format!("{}.({})", self.shown(&given), self.shown(ty));
            return self.refuse(span, format!("found no matching overload for '{name}' applied to '{types}'"), None);
        };
        (self.emit(Code::OrElse { base, other: *code, unwrap }, span), result)
    }

    fn comprehension(
        &mut self,
        (range, ty): Typed,
        at: Span,
        (kind, variables, filtered): (MacroKind, usize, bool),
        arguments: &[Expr<'s>],
        span: Span,
    ) -> Typed {
        let (names, bodies) = arguments.split_at(variables.min(arguments.len()));
        let ty = self.types.resolve(&ty);
        let types = match self.variable_types(kind, variables, &ty) {
            Some(types) => types,
            None => {
                let message = match kind {
                    MacroKind::OptMap | MacroKind::OptFlatMap => {
                        // The API server finds out when it runs that null is none.
                        self.unfounded += usize::from(ty == Type::Null);
                        format!("expected type 'optional_type(dyn)' but found '{ty}'")
                    }
                    _ => format!(
                        "expression of type '{}' cannot be range of a comprehension (must be list, map, or dynamic)",
                        self.shown(&ty)
                    ),
                };
                let refused = self.refuse(at, message, None);
                if kind == MacroKind::SortBy {
                    return refused;
                }
                // What it gives is known all the same, and so is what is wrong around it.
                [Type::Dyn, Type::Dyn]
            }
        };
        let item = types[0].clone();
        let mark = self.scope.len();
        let mut slots = [0, 0];
        for ((argument, ty), slot) in names.iter().zip(types).zip(slots.iter_mut()) {
            let Kind::Name(name) = argument.kind else {
                self.scope.truncate(mark);
                return self.refuse(argument.span, "argument must be a simple name", None);
            };
            if name == ACCUMULATOR {
                self.refuse(argument.span, "iteration variable overwrites accumulator variable", None);
            }
            if self.scope.get(mark..).is_some_and(|own| own.iter().any(|l| l.name == name)) {
                self.refuse(argument.span, format!("duplicate variable name: {name}"), None);
            }
            let owed = matches!(kind, MacroKind::OptMap | MacroKind::OptFlatMap);
            // `.x` is a variable that no name reaches, with a dot or without.
            let dotted = (argument.span.end - argument.span.start) as usize > name.len();
            if dotted && (owed || kind == MacroKind::Filter) {
                self.refuse(argument.span, format!("undeclared reference to '.{name}'"), None);
            }
            let name = if dotted { "" } else { name };
            if owed || kind == MacroKind::Filter {
                // cel-go's form of these names the variable, whether the body does or not.
                self.no_type(name, &ty, argument.span);
            }
            *slot = self.slot(name, ty, owed);
        }
        let [first, second] = slots;
        let filter = match bodies {
            [condition, _] if filtered => Some((self.expr(condition), condition.span)),
            _ => None,
        };
        let Some(last) = bodies.last() else { return (REFUSED, Type::Dyn) };
        let (body, body_type) = match kind {
            MacroKind::All | MacroKind::Exists | MacroKind::ExistsOne | MacroKind::Filter => {
                (self.expect(last, &Type::Bool), Type::Bool)
            }
            _ => self.expr(last),
        };
        if let Some(((_, ty), span)) = &filter {
            self.fits(ty, &Type::Bool, *span);
        }
        let filter = filter.map(|((code, _), _)| code);
        self.scope.truncate(mark);
        if kind == MacroKind::SortBy && !self.sortable(&ty, &body_type, span) {
            return (REFUSED, Type::Dyn);
        }
        let conditional = filter.is_some() || kind == MacroKind::Filter;
        let result = self.result((kind, conditional), ty, item, body_type, last.span);
        let typed = kind == MacroKind::SortBy && !matches!(result.1, Type::Dyn | Type::Null);
        let second = (variables == 2).then_some(second);
        let code = Code::Macro(Box::new(Macro { kind, range, first, second, filter, body, typed }));
        (self.emit(code, span), result.0)
    }

    /// Refuses to sort by what has no order. Of a type that is open the first overload decides, which is that of integers.
    fn sortable(&mut self, range: &Type, key: &Type, span: Span) -> bool {
        let key = self.types.resolve(key);
        match key {
            Type::Param(_) => self.types.assignable(&Type::Int, &key),
            Type::List(_) | Type::Map(..) | Type::Optional(_) | Type::Type(_) | Type::Named(_) | Type::Struct(_) => {
                let types = format!("{}.(list({}))", self.shown(range), self.shown(&key));
                let message = format!("found no matching overload for '@sortByAssociatedKeys' applied to '{types}'");
                let help = "what a list is sorted by has to be a number, a string or the like".to_owned();
                self.refuse(span, message, Some(help));
                false
            }
            _ => true,
        }
    }

    /// The types of a macro's variables; `None` where there is nothing to go through.
    fn variable_types(&mut self, kind: MacroKind, variables: usize, ty: &Type) -> Option<[Type; 2]> {
        let optional = matches!(kind, MacroKind::OptMap | MacroKind::OptFlatMap);
        Some(match ty {
            Type::Dyn if optional => [self.types.fresh(), Type::Dyn],
            Type::Param(_) if optional => {
                let inner = self.types.fresh();
                self.types.assignable(ty, &Type::Optional(Box::new(inner.clone())));
                [inner, Type::Dyn]
            }
            Type::Dyn => [Type::Dyn, Type::Dyn],
            Type::Param(_) => {
                self.types.assignable(&Type::Dyn, ty);
                [Type::Dyn, Type::Dyn]
            }
            Type::Optional(inner) if optional => [(**inner).clone(), Type::Dyn],
            _ if optional => return None,
            Type::List(element) if variables == 1 => [(**element).clone(), Type::Dyn],
            Type::List(element) => [Type::Int, (**element).clone()],
            Type::Map(..) if kind == MacroKind::SortBy => return None,
            Type::Map(key, value) => [(**key).clone(), (**value).clone()],
            _ => return None,
        })
    }

    /// What a macro gives, and the type of its body where that matters. `conditional`: some elements are left out.
    fn result(
        &mut self,
        (kind, conditional): (MacroKind, bool),
        range: Type,
        item: Type,
        body: Type,
        at: Span,
    ) -> (Type, Type) {
        let ty = match kind {
            MacroKind::All | MacroKind::Exists | MacroKind::ExistsOne => Type::Bool,
            MacroKind::Filter => self.types.gathered(None, &Type::list(item), conditional).unwrap_or(Type::Dyn),
            MacroKind::Map => self.types.gathered(None, &Type::list(body.clone()), conditional).unwrap_or(Type::Dyn),
            MacroKind::TransformMap => self.types.gathered(Some(&item), &body, conditional).unwrap_or(Type::Dyn),
            MacroKind::TransformMapEntry => {
                let whole = Type::Map(Box::new(self.types.fresh()), Box::new(self.types.fresh()));
                let entry = self.types.assignable(&body, &whole).then(|| self.types.resolve(&whole));
                match entry.and_then(|entry| self.types.gathered(None, &entry, conditional)) {
                    Some(map) => map,
                    None => {
                        let body = self.shown(&body);
                        self.refuse(at, format!("expected type 'map(dyn, dyn)' but found '{body}'"), None).1
                    }
                }
            }
            MacroKind::SortBy => {
                self.needs(34);
                match (self.types.resolve(&range), &body) {
                    // With a key of a known type one overload is left, which gives a list.
                    (Type::Dyn, key) if !matches!(key, Type::Dyn | Type::Null) => Type::list(self.types.fresh()),
                    (range, _) => range,
                }
            }
            MacroKind::OptMap => {
                let (some, none) = (Type::Optional(Box::new(body.clone())), self.types.fresh());
                self.types.either(&some, &Type::Optional(Box::new(none))).unwrap_or(some)
            }
            MacroKind::OptFlatMap => {
                let none = Type::Optional(Box::new(self.types.fresh()));
                self.types.either(&body, &none).unwrap_or_else(|| {
                    let body = self.shown(&body);
                    self.refuse(at, format!("expected type 'optional_type(dyn)' but found '{body}'"), None).1
                })
            }
        };
        if matches!(kind, MacroKind::OptMap | MacroKind::OptFlatMap) {
            self.needs(28);
        }
        (ty, body)
    }
}
