//! Literal format strings (cel-go ext/formatting.go, stringFormatValidator).

use super::Checker;
use crate::cel::library::{check_format, format_takes};
use crate::cel::program::{CodeId, Constant};
use crate::cel::syntax::{Expr, Kind};
use crate::cel::types::Type;
use crate::object::Span;

impl<'s> Checker<'_, 's> {
    /// The arguments of `format`, whose elements' types are kept for [`Checker::format`].
    pub(super) fn formatted(&mut self, argument: &Expr<'s>) -> super::Typed {
        let outer = std::mem::replace(&mut self.formatting, true);
        let typed = self.expr(argument);
        self.formatting = outer;
        typed
    }

    /// Notes the type of a literal's part.
    pub(super) fn part(&mut self, span: Span, ty: &Type) {
        if self.formatting {
            self.parts.insert((span.start, span.end), ty.clone());
        }
    }

    /// Refuses a literal pattern that does not go with the literal list of its arguments.
    pub(super) fn format(&mut self, pattern: CodeId, argument: &Expr<'s>, span: Span) {
        let (Some(Constant::Str(pattern)), Kind::List(elements)) = (self.constant(pattern), &argument.kind) else {
            return;
        };
        let unfit = |number: usize, verb: char| elements.get(number).and_then(|(e, _)| self.unfit(verb, e));
        if let Err((at, why)) = check_format(pattern, elements.len(), unfit) {
            self.unfounded += 1;
            self.refuse(at.unwrap_or(span), why, None);
        }
    }

    /// The part that a verb cannot write, and its type. `%s` looks into literals.
    fn unfit(&self, verb: char, e: &Expr<'s>) -> Option<(Span, String)> {
        if let Some(ty) = self.parts.get(&(e.span.start, e.span.end)).map(|ty| self.types.resolve(ty))
            && !format_takes(verb, &ty)
        {
            let name = if ty == Type::Null { "null_type".to_owned() } else { ty.to_string() };
            return Some((e.span, name.split('(').next().unwrap_or_default().to_owned()));
        }
        match &e.kind {
            Kind::List(elements) if verb == 's' => elements.iter().find_map(|(e, _)| self.unfit(verb, e)),
            Kind::Map(entries) if verb == 's' => {
                entries.iter().find_map(|entry| self.unfit(verb, &entry.key).or_else(|| self.unfit(verb, &entry.value)))
            }
            _ => None,
        }
    }
}
