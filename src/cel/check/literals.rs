//! Lists, maps and struct literals. Those made of literals alone become constants.

use super::{Checker, Typed};
use crate::cel::program::{Code, CodeId, Constant};
use crate::cel::syntax::{Entry, Expr, Field, Kind};
use crate::cel::types::Type;
use crate::object::{Span, TreeBuilder};

/// A literal of which some parts are not, or not yet, of the first one's type.
pub struct Uneven {
    first: Type,
    others: Vec<(Type, Span)>,
    /// A list, in which the first odd part says enough.
    list: bool,
    span: Span,
}

/// The types of a literal's parts, one after the other.
#[derive(Default)]
struct Joined {
    ty: Option<Type>,
    first: Option<Type>,
    others: Vec<(Type, Span)>,
}

impl Joined {
    fn add(&mut self, checker: &mut Checker<'_, '_>, given: Type, span: Span) {
        let Some(ty) = &self.ty else {
            self.ty = Some(given.clone());
            self.first = Some(given);
            return;
        };
        if self.first.as_ref() != Some(&given) || given.is_open() {
            let joined = checker.types.join(ty, &given).unwrap_or(Type::Dyn);
            self.ty = Some(joined);
            self.others.push((given, span));
        }
    }

    /// The type of all; notes the literal where its parts have to be looked at again.
    fn finish(self, checker: &mut Checker<'_, '_>, span: Span, list: bool) -> Type {
        if let (Some(first), false) = (self.first, self.others.is_empty()) {
            checker.uneven.push(Uneven { first, others: self.others, list, span });
        }
        self.ty.unwrap_or_else(|| checker.types.fresh())
    }
}

impl<'s> Checker<'_, 's> {
    pub(super) fn list(&mut self, elements: &[(Expr<'s>, bool)], span: Span) -> Typed {
        let mark = self.unit.code.len();
        let mut types = Joined::default();
        let mut codes = Vec::with_capacity(elements.len());
        for (element, optional) in elements {
            let (code, given) = self.expr(element);
            self.part(element.span, &given);
            let given = self.inside(given, *optional, true, element.span);
            types.add(self, given, element.span);
            codes.push((code, *optional));
        }
        let ty = types.finish(self, span, true);
        let all = codes.iter().all(|(code, optional)| !optional && self.constant(*code).is_some());
        if all && let Some(constants) = self.take_constants(mark, codes.len()) {
            let list = Constant::List(constants.into()).compact();
            return (self.emit(Code::Constant(list), span), Type::list(ty));
        }
        (self.emit(Code::List(codes.into()), span), Type::list(ty))
    }

    pub(super) fn map(&mut self, entries: &[Entry<'s>], span: Span) -> Typed {
        let mark = self.unit.code.len();
        let (mut keys, mut values) = (Joined::default(), Joined::default());
        let mut codes = Vec::with_capacity(entries.len());
        for entry in entries {
            let (key, given) = self.expr(&entry.key);
            self.part(entry.key.span, &given);
            if matches!(given, Type::Bytes | Type::List(_) | Type::Map(..) | Type::Optional(_) | Type::Named(_)) {
                self.refuse(entry.key.span, format!("unsupported key type: {}", self.shown(&given)), None);
            }
            keys.add(self, given, entry.key.span);
            let (value, given) = self.expr(&entry.value);
            self.part(entry.value.span, &given);
            let given = self.inside(given, entry.optional, true, entry.value.span);
            values.add(self, given, entry.value.span);
            codes.push((key, value, entry.optional));
        }
        let constant = |id: &CodeId| self.constant(*id).is_some();
        let key = |id: &CodeId| self.constant(*id).is_some_and(Constant::is_key);
        let all = codes.iter().all(|(k, v, optional)| !optional && key(k) && constant(v));
        let (keys, values) = (keys.finish(self, span, false), values.finish(self, span, false));
        let ty = Type::Map(Box::new(keys), Box::new(values));
        if all && let Some(constants) = self.take_constants(mark, codes.len() * 2) {
            let mut pairs = Vec::with_capacity(codes.len());
            let mut constants = constants.into_iter();
            while let (Some(key), Some(value)) = (constants.next(), constants.next()) {
                pairs.push((key, value));
            }
            let map = Constant::Map(pairs.into()).compact();
            return (self.emit(Code::Constant(map), span), ty);
        }
        (self.emit(Code::Map(codes.into()), span), ty)
    }

    /// Takes the last `count` nodes out of the unit, if they are all that was added since `mark`.
    fn take_constants(&mut self, mark: usize, count: usize) -> Option<Vec<Constant>> {
        if self.unit.code.len() != mark + count {
            return None;
        }
        self.unit.spans.truncate(mark);
        let taken = self.unit.code.drain(mark..).map(|code| match code {
            Code::Constant(constant) => constant,
            _ => Constant::Null,
        });
        Some(taken.collect())
    }

    /// The type within an optional, where `?` stands before an element. In a list or map it has to be known to be one: there
    /// the API server's validator breaks off the request over any other.
    fn inside(&mut self, given: Type, optional: bool, known: bool, span: Span) -> Type {
        if !optional {
            return given;
        }
        self.needs(28);
        match given {
            Type::Optional(inner) => *inner,
            Type::Dyn | Type::Param(_) => {
                if known {
                    let first = Type::Optional(Box::new(Type::Dyn));
                    self.uneven.push(Uneven { first, others: vec![(Type::Dyn, span)], list: true, span });
                }
                Type::Dyn
            }
            other => {
                let (wanted, given) = (Type::Optional(Box::new(other.clone())), self.shown(&other));
                let wanted = self.shown(&wanted);
                self.refuse(span, format!("expected type '{wanted}' but found '{given}'"), None);
                other
            }
        }
    }

    /// Lets all literals in a place mix types.
    pub(super) fn mixed_within(&mut self, place: Span) {
        self.uneven.retain(|literal| literal.span.start < place.start || literal.span.end > place.end);
    }

    /// Refuses literals of several types; only where everything else is right, so that no type is a guess (cel-go
    /// cel/validator.go, homogeneousAggregateLiteralValidator).
    pub fn validate(&mut self) {
        if self.refusals.len() > self.unfounded {
            return;
        }
        for uneven in std::mem::take(&mut self.uneven) {
            let known = self.types.closed(&uneven.first);
            for (ty, span) in uneven.others {
                let given = self.types.closed(&ty);
                if given == known {
                    continue;
                }
                let help = match known {
                    Type::Optional(_) => "an optional is what .?field and [?key] give, and optional.of(x)",
                    _ => "all elements of a literal have to be of one type; dyn(x) makes one dynamic",
                };
                let (known, given, help) = (known.in_messages(), given.in_messages(), help.to_owned());
                self.refuse(span, format!("expected type '{known}' but found '{given}'"), Some(help));
                if uneven.list {
                    break;
                }
            }
        }
    }

    /// `Object.spec{…}` and `JSONPatch{…}` (k8s.io/apiserver pkg/cel/mutation).
    pub(super) fn structure(&mut self, name: &str, fields: &[Field<'s>], span: Span) -> Typed {
        let object = name == "Object" || name.starts_with("Object.");
        let known = object || name == "JSONPatch";
        if !known || !self.unit.declarations.patch_types {
            let help = known.then(|| format!("{name} may be written in mutations only"));
            self.refuse(span, format!("undeclared reference to '{name}'"), help);
        }
        let mut coded: Vec<(Box<str>, CodeId, bool)> = Vec::with_capacity(fields.len());
        for field in fields {
            let (code, given) = self.expr(&field.value);
            let given = self.inside(given, field.optional, false, field.value.span);
            if known && object {
                self.nested_name(name, field);
            } else if known {
                self.set_patch_field(field, &given);
            }
            coded.push((field.name.into(), code, field.optional));
        }
        coded.sort_by(|a, b| a.0.cmp(&b.0));
        let ty = Type::Named(name.into());
        (self.emit(Code::Struct { name: name.into(), fields: coded.into() }, span), ty)
    }

    /// Within `Object.spec`, the object in `template` is an `Object.spec.template`; the API server finds that out when the
    /// patch is applied.
    fn nested_name(&mut self, name: &str, field: &Field<'s>) {
        let expected = format!("{name}.{}", field.name);
        let mut check = |e: &Expr<'s>| {
            if let Kind::Struct(given, _) = &e.kind
                && *given != expected
            {
                self.refuse(
                    e.span,
                    format!("expected type '{expected}' for field '{}', found '{given}'", field.name),
                    None,
                );
            }
        };
        match &field.value.kind {
            Kind::List(elements) => elements.iter().for_each(|(e, _)| check(e)),
            _ => check(&field.value),
        }
    }

    fn set_patch_field(&mut self, field: &Field<'s>, given: &Type) {
        let wanted = self.patch_field(field.name, field.span);
        if !self.types.assignable(&wanted, given) {
            let (name, given) = (field.name, self.shown(given));
            let message = format!("expected type of field '{name}' is '{wanted}' but provided type is '{given}'");
            self.refuse(field.value.span, message, None);
        }
    }

    /// The type of a JSONPatch's field.
    pub(super) fn patch_field(&mut self, name: &str, at: Span) -> Type {
        match name {
            "value" => Type::Dyn,
            "op" | "path" | "from" => Type::String,
            other => {
                let help = "a JSONPatch has op, path, from and value".to_owned();
                self.refuse(at, format!("undefined field '{other}'"), Some(help)).1
            }
        }
    }
}

impl Constant {
    /// A list or map that JSON could hold becomes a tree, of which evaluations take the root without building anything.
    fn compact(self) -> Constant {
        if !self.is_json() {
            return self;
        }
        let mut builder = TreeBuilder::new(0);
        match self.put(&mut builder) {
            Some(()) => Constant::Tree(Box::new(builder.finish())),
            None => self,
        }
    }

    /// Whether it may stand between square brackets.
    pub(super) fn is_qualifier(&self) -> bool {
        matches!(
            self,
            Constant::Bool(_) | Constant::Int(_) | Constant::Uint(_) | Constant::Double(_) | Constant::Str(_)
        )
    }

    /// Whether it may be a key; `dyn([1])` may not.
    fn is_key(&self) -> bool {
        !matches!(self, Constant::Bytes(_) | Constant::Tree(_) | Constant::List(_) | Constant::Map(_))
    }

    fn is_json(&self) -> bool {
        match self {
            Constant::Null | Constant::Bool(_) | Constant::Int(_) | Constant::Str(_) | Constant::Tree(_) => true,
            Constant::Double(d) => d.is_finite(),
            Constant::List(list) => list.iter().all(Constant::is_json),
            Constant::Map(map) => map.iter().all(|(k, v)| matches!(k, Constant::Str(_)) && v.is_json()),
            _ => false,
        }
    }

    fn put(&self, builder: &mut TreeBuilder) -> Option<()> {
        let nowhere = Span::default();
        match self {
            Constant::Bool(b) => builder.bool(*b, nowhere).ok(),
            Constant::Int(i) => builder.int(*i, nowhere).ok(),
            Constant::Double(d) => builder.double(*d, nowhere).ok(),
            Constant::Str(s) => builder.string(s, nowhere).ok(),
            Constant::Tree(tree) => copy(tree.root(), builder),
            Constant::List(list) => {
                let open = builder.open_list(nowhere).ok()?;
                list.iter().try_for_each(|e| e.put(builder))?;
                builder.close(open).ok().map(drop)
            }
            Constant::Map(map) => {
                let open = builder.open_map(nowhere).ok()?;
                for (key, value) in map {
                    let Constant::Str(key) = key else { return None };
                    builder.key(key, nowhere).ok()?;
                    value.put(builder)?;
                }
                builder.close(open).ok().map(drop)
            }
            _ => builder.null(nowhere).ok(),
        }
    }
}

/// Copies a literal's tree into a larger literal; as deep as its brackets, which the parser limits.
fn copy(node: crate::object::Node<'_>, builder: &mut TreeBuilder) -> Option<()> {
    use crate::object::{Scalar, Type};
    let nowhere = Span::default();
    match (node.scalar(), node.kind()) {
        (Some(Scalar::Null), _) => builder.null(nowhere).ok(),
        (Some(Scalar::Bool(b)), _) => builder.bool(b, nowhere).ok(),
        (Some(Scalar::Int(i)), _) => builder.int(i, nowhere).ok(),
        (Some(Scalar::Double(d)), _) => builder.double(d, nowhere).ok(),
        (Some(Scalar::Str(s)), _) => builder.string(s, nowhere).ok(),
        (None, Type::List) => {
            let open = builder.open_list(nowhere).ok()?;
            node.elements().try_for_each(|e| copy(e, builder))?;
            builder.close(open).ok().map(drop)
        }
        (None, _) => {
            let open = builder.open_map(nowhere).ok()?;
            for (key, value) in node.entries() {
                builder.key(key, nowhere).ok()?;
                copy(value, builder)?;
            }
            builder.close(open).ok().map(drop)
        }
    }
}
