//! Syntax tree to checked code, in one walk: types, names, functions, and every refusal with its place.
//!
//! Knows the declarations and the table of functions. Must not know values, but for the calls on literals that cel-go
//! computes when it loads an expression.
//!
//! A refused part counts as `dyn` from then on, so that the rest of the expression is checked too and all refusals come at
//! once.

mod calls;
mod format;
mod literals;
mod macros;
mod postfix;
mod suggest;
mod types;

use std::collections::BTreeMap;

use self::literals::Uneven;
use self::types::Bindings;
use super::program::{Branch, Callee, Code, CodeId, Constant, Link};
use super::syntax::{Arm, Expr, Kind, Literal, Operand, Operator};
use super::types::Type;
use super::unit::{Refusal, Unit, Uses};
use crate::object::{Scalar, Span};

/// Code and the type of its value.
type Typed = (CodeId, Type);

/// A macro's variable in scope.
struct Local<'s> {
    name: &'s str,
    ty: Type,
    slot: u32,
    /// Of `optMap` or `optFlatMap`.
    owed: bool,
}

/// The walk over one expression.
pub(super) struct Checker<'u, 's> {
    unit: &'u mut Unit,
    scope: Vec<Local<'s>>,
    types: Bindings,
    /// Literals whose parts may turn out to be of several types, once all types are known.
    uneven: Vec<Uneven>,
    /// How many of the refusals are about what literals hold, with all types right.
    unfounded: usize,
    /// Within what is formatted, where the types of literals' parts are kept by their places.
    formatting: bool,
    parts: BTreeMap<(u32, u32), Type>,
    /// Arguments of calls that are still to come, the next one last, with the place of the call.
    ahead: Vec<(Span, Vec<Typed>)>,
    /// Everything that is wrong.
    pub refusals: Vec<Refusal>,
    /// What is read, variables' reads included.
    pub uses: Uses,
    /// The newest Kubernetes minor that anything in it needs.
    pub since: u32,
    /// Variables that are used, by their numbers.
    pub variables: Vec<u32>,
}

/// Stands for the code of what was refused; a unit never gets that far.
const REFUSED: CodeId = CodeId::MAX;

/// Deepest type of a whole expression. Variables that are put into each other would make deeper ones without end, and a type
/// is compared, copied and dropped by recursion.
const DEEPEST_TYPE: usize = 64;

/// Names of types as values.
const TYPES: [&str; 15] = [
    "int",
    "uint",
    "double",
    "bool",
    "string",
    "bytes",
    "list",
    "map",
    "null_type",
    "type",
    "optional_type",
    "google.protobuf.Duration",
    "google.protobuf.Timestamp",
    "net.IP",
    "net.CIDR",
];

/// The type that a name of [`TYPES`] stands for.
fn named(name: &str) -> Type {
    match name {
        "int" => Type::Int,
        "uint" => Type::Uint,
        "double" => Type::Double,
        "bool" => Type::Bool,
        "string" => Type::String,
        "bytes" => Type::Bytes,
        "list" => Type::list(Type::Dyn),
        "map" => Type::Map(Box::new(Type::Dyn), Box::new(Type::Dyn)),
        "null_type" => Type::Null,
        "google.protobuf.Duration" => Type::Duration,
        "google.protobuf.Timestamp" => Type::Timestamp,
        other => Type::Named(other.into()),
    }
}

impl<'u, 's> Checker<'u, 's> {
    /// Adds code to `unit`.
    pub fn new(unit: &'u mut Unit) -> Self {
        Checker {
            unit,
            scope: Vec::new(),
            types: Bindings::default(),
            uneven: Vec::new(),
            unfounded: 0,
            formatting: false,
            parts: BTreeMap::new(),
            ahead: Vec::new(),
            refusals: Vec::new(),
            uses: Uses::default(),
            since: 0,
            variables: Vec::new(),
        }
    }

    fn emit(&mut self, code: Code, span: Span) -> CodeId {
        self.unit.code.push(code);
        self.unit.spans.push(span);
        // Sources are limited, and every node stands for a byte of them at least.
        (self.unit.code.len() - 1) as CodeId
    }

    fn refuse(&mut self, span: Span, message: impl Into<String>, help: Option<String>) -> Typed {
        let span = span.start as usize..span.end as usize;
        self.refusals.push(Refusal { span, message: message.into(), help });
        (REFUSED, Type::Dyn)
    }

    fn needs(&mut self, minor: u32) {
        self.since = self.since.max(minor);
    }

    fn constant(&self, id: CodeId) -> Option<&Constant> {
        match self.unit.code.get(id as usize) {
            Some(Code::Constant(constant)) => Some(constant),
            _ => None,
        }
    }

    fn local(&self, name: &str) -> Option<&Local<'s>> {
        self.scope.iter().rev().find(|l| l.name == name)
    }

    fn root(&self, name: &str) -> Option<(u16, &'static str, &Type)> {
        let roots = self.unit.declarations.roots.iter();
        roots.enumerate().find(|(_, (n, _))| *n == name).map(|(i, (n, ty))| (i as u16, *n, ty))
    }

    /// A whole expression: its type has nothing open.
    pub fn whole(&mut self, e: &Expr<'s>) -> Typed {
        let (code, ty) = self.expr(e);
        self.validate();
        (code, self.types.closed(&ty).cut(DEEPEST_TYPE))
    }

    /// An expression of any type.
    fn expr(&mut self, e: &Expr<'s>) -> Typed {
        match &e.kind {
            Kind::Literal(literal) => self.literal(literal, e.span),
            Kind::Name(name) => self.name(name, e.span, true),
            Kind::List(elements) => self.list(elements, e.span),
            Kind::Map(entries) => self.map(entries, e.span),
            Kind::Struct(name, fields) => self.structure(name, fields, e.span),
            Kind::Not(operand) => self.sign("!_", operand, e.span),
            Kind::Negate(operand) => self.sign("-_", operand, e.span),
            Kind::And(operands) => self.logic(operands, false, e.span),
            Kind::Or(operands) => self.logic(operands, true, e.span),
            Kind::Chain(first, rest) => self.chain(first, rest, e.span),
            Kind::Conditional(arms, last) => self.conditional(arms, last, e.span),
            Kind::Postfix(base, steps) => self.postfix(base, steps, e.span),
            Kind::Call(name, arguments) => self.function(name, arguments, e.span),
        }
    }

    /// An expression that has to be of a type.
    fn expect(&mut self, e: &Expr<'s>, wanted: &Type) -> CodeId {
        let (id, given) = self.expr(e);
        self.fits(&given, wanted, e.span);
        id
    }

    /// Whether a type may stand where another one is wanted; refused if not.
    fn fits(&mut self, given: &Type, wanted: &Type, span: Span) -> bool {
        let fits = given == wanted || self.types.assignable(given, wanted);
        if !fits {
            let given = self.shown(given);
            self.refuse(span, format!("expected type '{wanted}' but found '{given}'"), None);
        }
        fits
    }

    fn literal(&mut self, literal: &Literal<'s>, span: Span) -> Typed {
        let (constant, ty) = match literal {
            Literal::Null => (Constant::Null, Type::Null),
            Literal::Bool(b) => (Constant::Bool(*b), Type::Bool),
            Literal::Int(i) => (Constant::Int(*i), Type::Int),
            Literal::Uint(u) => (Constant::Uint(*u), Type::Uint),
            Literal::Double(d) => (Constant::Double(*d), Type::Double),
            Literal::String(s) => (Constant::Str(s.as_ref().into()), Type::String),
            Literal::Bytes(b) => (Constant::Bytes(b.as_slice().into()), Type::Bytes),
        };
        (self.emit(Code::Constant(constant), span), ty)
    }

    /// A name that stands for a value. `whole`: no field of it is selected.
    fn name(&mut self, name: &'s str, span: Span, whole: bool) -> Typed {
        if let Some(local) = self.local(name) {
            let (slot, ty, owed) = (local.slot, local.ty.clone(), local.owed);
            self.no_type(name, &ty, span);
            return (self.emit(if owed { Code::Owed(slot) } else { Code::Slot(slot) }, span), ty);
        }
        if let Some((i, root, ty)) = self.root(name) {
            let ty = ty.clone();
            self.uses.roots.insert(root);
            if whole {
                self.uses.whole.insert(root);
            }
            return (self.emit(Code::Root(i), span), ty);
        }
        self.type_name(name, span).unwrap_or_else(|| self.undeclared(name, span))
    }

    /// A type as a value; `net.IP` by its whole name.
    fn type_name(&mut self, name: &str, span: Span) -> Option<Typed> {
        let known = TYPES.iter().find(|known| **known == name)?;
        self.needs(match *known {
            "optional_type" => 28,
            "net.IP" | "net.CIDR" => 30,
            _ => 0,
        });
        let ty = Type::Type(Box::new(named(known)));
        Some((self.emit(Code::Constant(Constant::Type(known)), span), ty))
    }

    /// cel-go takes a macro's variable that holds a type for the name of a type (interpreter/planner.go, planCheckedIdent).
    fn no_type(&mut self, name: &str, ty: &Type, span: Span) {
        if let Type::Type(_) = self.types.resolve(ty) {
            let help = Some("a macro's variable cannot hold a type".to_owned());
            self.unfounded += 1;
            self.refuse(span, format!("reference to undefined type: {name}"), help);
        }
    }

    fn undeclared(&mut self, name: &str, span: Span) -> Typed {
        let help = match name {
            "authorizer" => {
                Some("who may do what is known to the API server alone, so no policy here may ask".to_owned())
            }
            "variables" => Some("name one: variables.<name>".to_owned()),
            _ => {
                let roots = self.unit.declarations.roots.iter().map(|(n, _)| *n);
                let known = self.scope.iter().map(|l| l.name).chain(roots).chain(["variables"]).chain(TYPES);
                suggest::nearest(name, known).map(did_you_mean)
            }
        };
        self.refuse(span, format!("undeclared reference to '{name}'"), help)
    }

    fn sign(&mut self, function: &'static str, operand: &Expr<'s>, span: Span) -> Typed {
        let operand = self.expr(operand);
        self.call(function, false, vec![operand], span)
    }

    fn logic(&mut self, operands: &[Expr<'s>], decided_by: bool, span: Span) -> Typed {
        let mut ty = Type::Bool;
        let mut codes = Vec::with_capacity(operands.len());
        for operand in operands {
            let (code, given) = self.expr(operand);
            if !self.fits(&given, &Type::Bool, operand.span) {
                ty = Type::Dyn;
            }
            codes.push(code);
        }
        (self.emit(Code::Logic { decided_by, operands: codes.into() }, span), ty)
    }

    fn chain(&mut self, first: &Expr<'s>, rest: &[Operand<'s>], span: Span) -> Typed {
        let mark = self.unit.code.len();
        let (mut first, mut ty) = self.expr(first);
        let mut links = Vec::with_capacity(rest.len());
        for operand in rest {
            let (right, right_type) = self.expr(&operand.right);
            let types = [ty, right_type];
            let Some((callee, result)) = self.resolve(operand.operator.function(), false, &types, operand.span) else {
                ty = Type::Dyn;
                continue;
            };
            ty = result;
            let within = operand.operator == Operator::In && callee.is_resolved();
            if within && self.is_empty_list(right) {
                // cel-go does not even look at the left side: it is a literal.
                self.unit.code.truncate(mark);
                self.unit.spans.truncate(mark);
                first = self.emit(Code::Constant(Constant::Bool(false)), span);
                links.clear();
                continue;
            }
            links.push(Link { callee, right, span: operand.span, free: within && self.is_set(right) });
        }
        if links.is_empty() && self.constant(first).is_some() {
            return (first, ty);
        }
        (self.emit(Code::Chain { first, links: links.into() }, span), ty)
    }

    fn is_empty_list(&self, id: CodeId) -> bool {
        match self.constant(id) {
            Some(Constant::Tree(tree)) => tree.root().kind() == crate::object::Type::List && tree.root().is_empty(),
            Some(Constant::List(list)) => list.is_empty(),
            _ => false,
        }
    }

    /// A literal list of scalars, of which cel-go makes a set.
    fn is_set(&self, id: CodeId) -> bool {
        let scalar = |c: &Constant| {
            matches!(
                c,
                Constant::Bool(_) | Constant::Int(_) | Constant::Uint(_) | Constant::Double(_) | Constant::Str(_)
            )
        };
        match self.constant(id) {
            Some(Constant::Tree(tree)) => {
                let list = tree.root();
                list.kind() == crate::object::Type::List
                    && list.elements().all(|e| e.scalar().is_some_and(|s| s != Scalar::Null))
            }
            Some(Constant::List(list)) => list.iter().all(scalar),
            _ => false,
        }
    }

    fn conditional(&mut self, arms: &[Arm<'s>], last: &Expr<'s>, span: Span) -> Typed {
        let mut coded = Vec::with_capacity(arms.len());
        let mut types = Vec::with_capacity(arms.len());
        for Arm { condition, span: mark, value } in arms {
            // Both values are meant, from the question mark on.
            let values = Span { start: mark.start, end: span.end };
            let asked = Span { start: condition.span.start, end: mark.end };
            let (condition, asked_type) = self.expr(condition);
            let (code, ty) = self.expr(value);
            coded.push((condition, self.branch(code)));
            types.push((asked_type, asked, (code, ty), values));
        }
        let (code, mut ty) = self.expr(last);
        let mut refused = is_refused(code, &ty);
        let last = self.branch(code);
        // Conditions count once their values are known: a call's arguments come before the call.
        for (condition, asked, (code, other), at) in types.into_iter().rev() {
            if !self.fits(&condition, &Type::Bool, asked) {
                ty = Type::Dyn;
                refused = true;
                continue;
            }
            if refused || is_refused(code, &other) {
                // Of a value that is refused nothing is known, and the other one says what it has to be.
                let both = refused && is_refused(code, &other);
                ty = if refused { other } else { ty };
                refused = both;
                continue;
            }
            match self.types.either(&other, &ty) {
                Some(joined) => ty = joined,
                None => {
                    let types = format!("(bool, {}, {})", self.shown(&other), self.shown(&ty));
                    self.refuse(at, format!("found no matching overload for '_?_:_' applied to '{types}'"), None);
                    ty = Type::Dyn;
                }
            }
        }
        (self.emit(Code::Conditional { arms: coded.into(), last }, span), ty)
    }

    /// Notes whether code is a name with fields.
    fn branch(&self, code: CodeId) -> Branch {
        let name = |code: CodeId| {
            let code = self.unit.code.get(code as usize);
            matches!(code, Some(Code::Root(_) | Code::Slot(_) | Code::Owed(_) | Code::Variable(_)))
        };
        let path = match self.unit.code.get(code as usize) {
            // Of a conditional nothing was charged for the name.
            Some(Code::Select { base, fresh, .. }) => *fresh || name(*base),
            _ => name(code),
        };
        Branch { code, path }
    }

    fn slot(&mut self, name: &'s str, ty: Type, owed: bool) -> u32 {
        let slot = self.unit.slots;
        self.unit.slots += 1;
        self.scope.push(Local { name, ty, slot, owed });
        slot
    }

    /// The overloads of a function that take these types, and what comes out. Refuses when there is none.
    fn resolve(&mut self, name: &str, method: bool, types: &[Type], span: Span) -> Option<(Callee, Type)> {
        let Some(all) = super::library::FUNCTIONS.get(name) else {
            self.unknown_function(name, method, span);
            return None;
        };
        let (mut mask, mut result, mut since) = (0, None, u32::MAX);
        for (i, overload) in all.iter().enumerate().filter(|(_, o)| o.method == method) {
            let Some(ty) = self.types.call(overload, types) else { continue };
            mask |= 1u64 << i;
            since = since.min(overload.since);
            result = Some(match result {
                None => ty,
                Some(known) if known == ty => ty,
                Some(_) => Type::Dyn,
            });
        }
        let Some(result) = result else {
            self.no_overload(name, method, types, all, span);
            return None;
        };
        self.needs(since);
        Some((Callee::new(all, mask), result))
    }

    /// A type as a message names it.
    fn shown(&self, ty: &Type) -> String {
        self.types.closed(ty).in_messages()
    }
}

/// True for what is refused and of which nothing is known; what is refused for a literal's sake still has its type.
fn is_refused(code: CodeId, ty: &Type) -> bool {
    code == REFUSED && *ty == Type::Dyn
}

fn did_you_mean(word: &str) -> String {
    format!("did you mean '{word}'?")
}
