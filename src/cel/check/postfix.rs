//! `a.b[c].d(e)`: selections become paths, calls and macros nodes of their own.

use super::macros::is_macro;
use super::{Checker, Typed, did_you_mean, suggest};
use crate::cel::library::{FOREIGN_NAMESPACES, FUNCTIONS, NAMESPACES};
use crate::cel::program::{Code, CodeId, Constant, Key, Step};
use crate::cel::syntax::{Expr, Kind, Postfix, PostfixKind};
use crate::cel::types::Type;
use crate::object::Span;

/// A value and the selections that are not yet code.
struct Path {
    base: CodeId,
    /// The base is computed, not a name.
    fresh: bool,
    steps: Vec<Step>,
    ty: Type,
    span: Span,
}

impl<'s> Checker<'_, 's> {
    pub(super) fn postfix(&mut self, base: &Expr<'s>, steps: &[Postfix<'s>], span: Span) -> Typed {
        self.look_ahead(base, steps);
        let (path, rest) = self.base(base, steps);
        let mut path = self.follow(path, base.span, rest);
        path.span = span;
        self.finish(path)
    }

    /// Finds the types of calls' arguments, from the last call to the first and before what they are called on. The order
    /// counts where a type is open, and it is cel-go's (checker/checker.go, checkCall). A macro's range comes before its body.
    fn look_ahead(&mut self, base: &Expr<'s>, steps: &[Postfix<'s>]) {
        // A namespace's function may not be there at all.
        let namespace = matches!(base.kind, Kind::Name(name)
            if NAMESPACES.contains(&name) || FOREIGN_NAMESPACES.contains(&name) || name == "jsonpatch");
        for step in steps.iter().skip(usize::from(namespace)).rev() {
            if let PostfixKind::Call { name, arguments } = &step.kind
                && !is_macro(name, arguments.len())
            {
                let typed = self.arguments(name, arguments);
                self.ahead.push((step.span, typed));
            }
        }
    }

    fn follow(&mut self, mut path: Path, origin: Span, steps: &[Postfix<'s>]) -> Path {
        for step in steps {
            path.span = Span { start: origin.start, end: step.span.end };
            match &step.kind {
                PostfixKind::Field { name, optional } => self.field(&mut path, name, *optional, step.span),
                PostfixKind::Index { key, optional } => self.index(&mut path, key, *optional, step.span),
                PostfixKind::Call { name, arguments } => {
                    let span = path.span;
                    let receiver = self.finish(path);
                    let at = Span { start: origin.start, end: step.span.start };
                    let (base, ty) = self.method(receiver, at, name, arguments, step.span);
                    // These two are conditionals in disguise.
                    let fresh = !matches!((*name, arguments.len()), ("optMap" | "optFlatMap", 2));
                    path = Path { base, fresh, steps: Vec::new(), ty, span };
                }
            }
        }
        path
    }

    fn finish(&mut self, path: Path) -> Typed {
        if path.steps.is_empty() {
            return (path.base, path.ty);
        }
        let code = Code::Select { base: path.base, fresh: path.fresh, steps: path.steps.into() };
        (self.emit(code, path.span), path.ty)
    }

    /// What the steps begin at; a namespace or `variables` takes the first step with it.
    fn base<'t>(&mut self, base: &Expr<'s>, steps: &'t [Postfix<'s>]) -> (Path, &'t [Postfix<'s>]) {
        let path = |(base, ty), fresh, span| Path { base, fresh, steps: Vec::new(), ty, span };
        if let Kind::Postfix(inner, first) = &base.kind {
            // `(a.b).c` is `a.b.c`.
            self.look_ahead(inner, first);
            let (begun, rest) = self.base(inner, first);
            return (self.follow(begun, inner.span, rest), steps);
        }
        if let (Kind::Name(name), [first, rest @ ..]) = (&base.kind, steps) {
            let span = Span { start: base.span.start, end: first.span.end };
            let local = self.local(name).is_some();
            match &first.kind {
                PostfixKind::Call { .. } if *name == "jsonpatch" && !local && !self.unit.declarations.patch_types => {
                    let help = "jsonpatch.escapeKey may be called in mutations only".to_owned();
                    let refused = self.refuse(base.span, "undeclared reference to 'jsonpatch'", Some(help));
                    return (path(refused, true, span), rest);
                }
                // A function of that name counts before a variable of the namespace's name.
                PostfixKind::Call { name: function, arguments }
                    if NAMESPACES.contains(name)
                        && (!local || FUNCTIONS.contains_key(format!("{name}.{function}").as_str())) =>
                {
                    let typed = arguments.iter().map(|e| self.expr(e)).collect();
                    let full = format!("{name}.{function}");
                    return (path(self.call(&full, false, typed, span), true, span), rest);
                }
                _ if local => {}
                PostfixKind::Call { name: function, .. }
                    if FOREIGN_NAMESPACES.contains(name) && self.root(name).is_none() =>
                {
                    let message = format!("{name}.{function} is not in Kubernetes' CEL");
                    let help = (*name == "cel").then(|| "write it as a variable of the policy".to_owned());
                    return (path(self.refuse(span, message, help), true, span), rest);
                }
                PostfixKind::Field { name: variable, optional: false } if *name == "variables" => {
                    return (path(self.variable(variable, first.span, span), false, span), rest);
                }
                PostfixKind::Field { name: field, .. } => {
                    if let Some((_, root, ty)) = self.root(name) {
                        if let Type::Struct(_) = ty {
                            self.uses.fields.insert((root, (*field).to_owned()));
                        }
                        return (path(self.name(name, base.span, false), false, base.span), steps);
                    }
                }
                _ => {}
            }
            if !local && let Some((typed, rest)) = self.dotted_type(name, base.span, steps) {
                return (path(typed, false, base.span), rest);
            }
        }
        let typed = self.expr(base);
        // A conditional is selected from as if each of its branches were.
        let fresh = !matches!(base.kind, Kind::Name(_) | Kind::Conditional(..));
        (path(typed, fresh, base.span), steps)
    }

    /// `net.IP` and the like.
    fn dotted_type<'t>(
        &mut self,
        name: &str,
        at: Span,
        steps: &'t [Postfix<'s>],
    ) -> Option<(Typed, &'t [Postfix<'s>])> {
        if !matches!(name, "google" | "net") {
            return None;
        }
        let mut full = name.to_owned();
        for (i, step) in steps.iter().enumerate() {
            let PostfixKind::Field { name, optional: false } = step.kind else { return None };
            full.push('.');
            full.push_str(name);
            if let Some(typed) = self.type_name(&full, Span { start: at.start, end: step.span.end }) {
                return Some((typed, steps.get(i + 1..).unwrap_or_default()));
            }
        }
        None
    }

    fn variable(&mut self, name: &str, at: Span, span: Span) -> Typed {
        let Some(i) = self.unit.variables.iter().position(|v| v.name == name) else {
            let known = self.unit.variables.iter().map(|v| v.name.as_str());
            let help = suggest::nearest(name, known).map(did_you_mean);
            return self.refuse(at, format!("undefined field '{name}'"), help);
        };
        let expression = self.unit.variables.get(i).and_then(|v| self.unit.expressions.get(v.expression.0 as usize));
        let ty = expression.map_or(Type::Dyn, |e| e.ty.clone());
        if let Some(expression) = expression {
            self.uses.roots.extend(&expression.uses.roots);
            self.uses.whole.extend(&expression.uses.whole);
            self.uses.fields.extend(expression.uses.fields.iter().cloned());
        }
        self.variables.push(i as u32);
        (self.emit(Code::Variable(i as u32), span), ty)
    }

    fn field(&mut self, path: &mut Path, name: &str, optional: bool, span: Span) {
        let given = std::mem::replace(&mut path.ty, Type::Dyn);
        let (inner, was_optional) = within(self.types.resolve(&given));
        let found = match &inner {
            Type::Dyn => Type::Dyn,
            Type::Param(_) => {
                self.types.assignable(&Type::Dyn, &inner);
                Type::Dyn
            }
            Type::Named(of) if **of == *"JSONPatch" => self.patch_field(name, span),
            Type::Named(of) if **of == *"Object" || of.starts_with("Object.") => Type::Dyn,
            Type::Map(_, value) => (**value).clone(),
            Type::Struct(declared) => match declared.fields.get(name) {
                Some(ty) => ty.clone(),
                None => {
                    let help = suggest::nearest(name, declared.fields.keys().map(String::as_str)).map(did_you_mean);
                    self.refuse(span, format!("undefined field '{name}'"), help).1
                }
            },
            other => {
                self.refuse(span, format!("type '{}' does not support field selection", self.shown(other)), None).1
            }
        };
        path.ty = if optional || was_optional { Type::Optional(Box::new(found)) } else { found };
        self.step(path, Step { span, optional, key: Key::Field(name.into()) });
    }

    fn index(&mut self, path: &mut Path, key: &Expr<'s>, optional: bool, span: Span) {
        let given = std::mem::replace(&mut path.ty, Type::Dyn);
        let (code, key_type) = self.expr(key);
        let given = self.types.resolve(&given);
        if given == Type::Null {
            // Only as an optional has it an index.
            self.needs(28);
        }
        path.ty = self.types.index(&given, &key_type, optional).unwrap_or_else(|| {
            let function = if optional { "_[?_]" } else { "_[_]" };
            let types = format!("({}, {})", self.shown(&given), self.shown(&key_type));
            self.refuse(span, format!("found no matching overload for '{function}' applied to '{types}'"), None).1
        });
        // A literal key is a field, whichever way it is written.
        let key = match self.constant(code) {
            Some(Constant::Str(name)) => Key::Field(name.clone()),
            Some(other) if !other.is_qualifier() => {
                let message = format!("invalid qualifier type: {}", other.value().type_name());
                self.unfounded += 1;
                self.refuse(span, message, None);
                return;
            }
            _ => Key::Index(self.branch(code)),
        };
        self.step(path, Step { span, optional, key });
    }

    fn step(&mut self, path: &mut Path, step: Step) {
        if step.optional {
            self.needs(28);
        }
        path.steps.push(step);
    }

    /// `has(a.b)`
    pub(super) fn has(&mut self, arguments: &[Expr<'s>], span: Span) -> Typed {
        let [argument] = arguments else { return self.refuse(span, "invalid argument to has() macro", None) };
        let Kind::Postfix(base, steps) = &argument.kind else {
            let help = "it takes a field, as in has(object.spec)".to_owned();
            return self.refuse(argument.span, "invalid argument to has() macro", Some(help));
        };
        let Some(Postfix { kind: PostfixKind::Field { name, optional: false }, span: at }) = steps.last() else {
            let help = "it takes a field, as in has(object.spec); for an index use '[?' and hasValue()".to_owned();
            return self.refuse(argument.span, "invalid argument to has() macro", Some(help));
        };
        self.look_ahead(base, steps);
        let (path, rest) = self.base(base, steps);
        let Some((_, rest)) = rest.split_last() else {
            // `has(variables.x)`: a variable that is declared is there.
            return (self.emit(Code::Constant(Constant::Bool(true)), span), Type::Bool);
        };
        let path = self.follow(path, base.span, rest);
        let fresh = path.fresh && path.steps.is_empty();
        let (code, ty) = self.finish(path);
        let mut last = Path { base: code, fresh: false, steps: Vec::new(), ty, span };
        self.field(&mut last, name, false, *at);
        (self.emit(Code::Has { base: code, fresh, name: (*name).into() }, span), Type::Bool)
    }
}

/// The type within an optional, on which selections go on.
fn within(ty: Type) -> (Type, bool) {
    match ty {
        Type::Optional(inner) => (*inner, true),
        other => (other, false),
    }
}
