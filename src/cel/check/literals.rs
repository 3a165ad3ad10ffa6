//! Lists, maps and struct literals. Those made of literals alone become constants.

use super::{Checker, Typed, types};
use crate::cel::library::FREE;
use crate::cel::program::{Code, CodeId, Constant};
use crate::cel::syntax::{Entry, Expr, Field, Kind};
use crate::cel::types::Type;
use crate::object::{Span, TreeBuilder};

impl<'s> Checker<'_, 's> {
    pub(super) fn list(&mut self, elements: &[(Expr<'s>, bool)], span: Span) -> Typed {
        let mark = self.unit.code.len();
        let mut ty = FREE;
        let mut codes = Vec::with_capacity(elements.len());
        for (element, optional) in elements {
            let (code, given) = self.expr(element);
            let given = self.inside(given, *optional, element.span);
            ty = self.homogeneous(ty, given, element.span);
            codes.push((code, *optional));
        }
        let all = codes.iter().all(|(code, optional)| !optional && self.constant(*code).is_some());
        if all && let Some(constants) = self.take_constants(mark, codes.len()) {
            let list = Constant::List(constants.into()).compact();
            return (self.emit(Code::Constant(list), span), Type::list(ty));
        }
        (self.emit(Code::List(codes.into()), span), Type::list(ty))
    }

    pub(super) fn map(&mut self, entries: &[Entry<'s>], span: Span) -> Typed {
        let mark = self.unit.code.len();
        let (mut key_type, mut value_type) = (FREE, FREE);
        let mut codes = Vec::with_capacity(entries.len());
        for entry in entries {
            let (key, given) = self.expr(&entry.key);
            key_type = self.homogeneous(key_type, given, entry.key.span);
            let (value, given) = self.expr(&entry.value);
            let given = self.inside(given, entry.optional, entry.value.span);
            value_type = self.homogeneous(value_type, given, entry.value.span);
            codes.push((key, value, entry.optional));
        }
        let constant = |id: &CodeId| self.constant(*id).is_some();
        let simple =
            |id: &CodeId| !matches!(self.constant(*id), Some(Constant::List(_) | Constant::Map(_) | Constant::Tree(_)));
        let all = codes.iter().all(|(k, v, optional)| !optional && constant(k) && simple(k) && constant(v));
        let ty = Type::Map(Box::new(key_type), Box::new(value_type));
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

    /// The type within an optional, where `?` stands before an element.
    fn inside(&mut self, given: Type, optional: bool, span: Span) -> Type {
        if !optional {
            return given;
        }
        self.needs(28);
        match given {
            Type::Optional(inner) => *inner,
            Type::Dyn => Type::Dyn,
            other => self.refuse(span, format!("expected type 'optional_type(dyn)' but found '{other}'"), None).1,
        }
    }

    fn homogeneous(&mut self, known: Type, given: Type, span: Span) -> Type {
        match types::unify(&known, &given) {
            Some(ty) => ty,
            None if self.mixed => Type::Dyn,
            None => {
                let help = "all elements of a literal have to be of one type; dyn(x) makes one dynamic".to_owned();
                self.refuse(span, format!("expected type '{known}' but found '{given}'"), Some(help));
                known
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
            let given = self.inside(given, field.optional, field.value.span);
            if coded.iter().any(|(n, ..)| **n == *field.name) {
                self.refuse(field.span, format!("duplicate field '{}'", field.name), None);
            }
            if known && object {
                self.nested_name(name, field);
            } else if known {
                self.patch_field(field, &given);
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

    fn patch_field(&mut self, field: &Field<'s>, given: &Type) {
        match field.name {
            "value" => {}
            "op" | "path" | "from" => {
                if !types::fits(&Type::String, given, &mut types::Bindings::default()) {
                    let name = field.name;
                    let message = format!("expected type of field '{name}' is 'string' but provided type is '{given}'");
                    self.refuse(field.value.span, message, None);
                }
            }
            other => {
                let help = "a JSONPatch has op, path, from and value".to_owned();
                self.refuse(field.span, format!("undefined field '{other}'"), Some(help));
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
