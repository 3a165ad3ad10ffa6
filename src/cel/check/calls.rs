//! Calls: functions, their overloads, and what is computed at load.

use super::{Checker, Typed, did_you_mean, suggest};
use crate::cel::halt::Fail;
use crate::cel::library::{CONVERSIONS, Context, FUNCTIONS, Overload, Search, compile_literal};
use crate::cel::program::{Code, CodeId, Constant, Pattern};
use crate::cel::syntax::{Expr, Kind};
use crate::cel::types::Type;
use crate::object::Span;

impl<'s> Checker<'_, 's> {
    /// `f(a, b)`
    pub(super) fn function(&mut self, name: &str, arguments: &[Expr<'s>], span: Span) -> Typed {
        if name == "has" && arguments.len() == 1 {
            return self.has(arguments, span);
        }
        let typed = arguments.iter().map(|e| self.expr(e)).collect();
        let literal = matches!(arguments, [Expr { kind: Kind::Literal(_), .. }]);
        self.call_with(name, false, typed, literal, span)
    }

    /// A call whose arguments are checked.
    pub(super) fn call(&mut self, name: &str, method: bool, arguments: Vec<Typed>, span: Span) -> Typed {
        self.call_with(name, method, arguments, false, span)
    }

    /// The same; `literal`: its argument is one as it stands, at which validators look.
    fn call_with(&mut self, name: &str, method: bool, arguments: Vec<Typed>, literal: bool, span: Span) -> Typed {
        let (codes, types): (Vec<CodeId>, Vec<Type>) = arguments.into_iter().unzip();
        let Some((callee, result)) = self.resolve(name, method, &types, span) else {
            return (super::REFUSED, Type::Dyn);
        };
        if let ([only], false, true) = (codes.as_slice(), method, CONVERSIONS.contains(&name))
            && self.constant(*only).is_some()
            && let Some(overload) = callee.overloads().next()
        {
            return match self.fold(overload, *only, literal) {
                Ok(id) => (id, result),
                Err(message) => {
                    // What validators find stands where the argument is; what computing it finds, nowhere.
                    let argument =
                        self.unit.spans.get(*only as usize).copied().filter(|_| message.starts_with("invalid "));
                    self.unfounded(argument.unwrap_or(span), message, None, result)
                }
            };
        }
        if let (Some(search), [text, pattern, limit @ ..]) = (Search::of(name), codes.as_slice()) {
            match self.pattern(*pattern) {
                Ok(None) => {}
                Ok(Some(pattern)) => {
                    let (text, limit, cost) = (*text, limit.first().copied(), callee.cost);
                    let code = Code::Search { search, text, pattern: Box::new(pattern), limit, cost };
                    return (self.emit(code, span), result);
                }
                Err((at, reason)) if method && search == Search::Matches => {
                    return self.unfounded(at, "invalid matches argument", Some(reason), result);
                }
                Err((at, reason)) => return self.unfounded(at, reason, None, result),
            }
        }
        (self.emit(Code::Call { callee, arguments: codes.into() }, span), result)
    }

    /// Refuses a call whose types are right and whose literals are not; its type still counts for what is around it.
    fn unfounded(&mut self, at: Span, message: impl Into<String>, help: Option<String>, result: Type) -> Typed {
        self.unfounded += 1;
        (self.refuse(at, message, help).0, result)
    }

    /// Computes a conversion of a literal. `Err`: the refusal's message.
    fn fold(&mut self, overload: &Overload, argument: CodeId, literal: bool) -> Result<CodeId, String> {
        let Some(constant) = self.constant(argument) else { return Ok(argument) };
        let computed = if overload.name == "dyn" {
            None
        } else {
            let value = (overload.call)(&mut Context::new(), &[constant.value()]);
            match (value, overload.name) {
                (Ok(value), _) => Constant::of(&value),
                (Err(_), "duration" | "timestamp") if literal => {
                    return Err(format!("invalid {} argument", overload.name));
                }
                (Err(Fail::Message(message)), _) => return Err(message.into_owned()),
                (Err(_), name) => {
                    return Err(format!("no such overload: {name}({})", constant.value().type_name()));
                }
            }
        };
        if let (Some(computed), Some(place)) = (computed, self.unit.code.get_mut(argument as usize)) {
            *place = Code::Constant(computed);
        }
        Ok(argument)
    }

    /// Compiles a literal pattern. `Err`: its place, and why not.
    fn pattern(&self, pattern: CodeId) -> Result<Option<Pattern>, (Span, String)> {
        let Some(Constant::Str(source)) = self.constant(pattern) else { return Ok(None) };
        match compile_literal(source) {
            Ok(regex) => Ok(Some(Pattern { regex, source: source.clone() })),
            Err(reason) => Err((self.unit.spans.get(pattern as usize).copied().unwrap_or_default(), reason)),
        }
    }

    pub(super) fn unknown_function(&mut self, name: &str, method: bool, span: Span) {
        let kind = |o: &&Overload| o.method == method && o.name.starts_with(|c: char| c.is_ascii_alphabetic());
        let known = FUNCTIONS.values().flatten().filter(kind).map(|o| o.name);
        const MACROS: [&str; 13] = [
            "all",
            "exists",
            "exists_one",
            "filter",
            "map",
            "existsOne",
            "transformList",
            "transformMap",
            "transformMapEntry",
            "sortBy",
            "optMap",
            "optFlatMap",
            "orValue",
        ];
        let help = if method && MACROS.contains(&name) {
            Some(format!("{name} is a macro and takes other arguments, such as {}", usage(name)))
        } else {
            suggest::nearest(name, known.chain(if method { &MACROS[..] } else { &[] }.iter().copied()))
                .map(did_you_mean)
        };
        self.refuse(span, format!("undeclared reference to '{name}'"), help);
    }

    pub(super) fn no_overload(&mut self, name: &str, method: bool, types: &[Type], all: &[Overload], span: Span) {
        let mut shown_types: Vec<String> = types.iter().map(|ty| self.shown(ty)).collect();
        let applied = if method && !shown_types.is_empty() {
            let receiver = shown_types.remove(0);
            format!("{receiver}.({})", shown_types.join(", "))
        } else {
            format!("({})", shown_types.join(", "))
        };
        let message = format!("found no matching overload for '{name}' applied to '{applied}'");
        let operator = !name.starts_with(|c: char| c.is_ascii_alphabetic());
        let help = match name {
            "reverse" if types.first() == Some(&Type::String) => {
                Some("reversing a string is not in Kubernetes' CEL".to_owned())
            }
            "_==_" | "_!=_" => Some("both sides have to be of one type; dyn(x) makes one dynamic".to_owned()),
            _ if operator => None,
            _ => Some(format!("there is {}", signatures(all))),
        };
        self.refuse(span, message, help);
    }
}

fn usage(name: &str) -> &'static str {
    match name {
        "map" => "list.map(x, x.name)",
        "transformList" | "transformMap" | "transformMapEntry" => "map.transformMap(key, value, value.name)",
        "sortBy" => "list.sortBy(x, x.name)",
        "optMap" | "optFlatMap" => "optional.optMap(x, x.name)",
        "orValue" => "optional.orValue('')",
        _ => "list.all(x, x > 0)",
    }
}

/// `string.indexOf(string), string.indexOf(string, int)`, at most four of them.
fn signatures(all: &[Overload]) -> String {
    let list: Vec<String> = all.iter().take(4).map(signature).collect();
    list.join(", ")
}

fn signature(overload: &Overload) -> String {
    let types = |alternatives: &Vec<Type>| alternatives.iter().map(Type::to_string).collect::<Vec<_>>().join("|");
    let mut parameters: Vec<String> = overload.parameters.iter().map(types).collect();
    let receiver =
        if overload.method && !parameters.is_empty() { format!("{}.", parameters.remove(0)) } else { String::new() };
    format!("{receiver}{}({})", overload.name, parameters.join(", "))
}
