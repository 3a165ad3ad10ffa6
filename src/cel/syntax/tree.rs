//! The syntax tree. Every left-recursive form (`a.b.c`, `1 + 1 + 1`, `a && b && c`, `c ? x : d ? y : z`) is one node with a
//! list, so the tree is as deep as its brackets, which the parser limits, and no walk over it can overflow a stack.

use std::borrow::Cow;

use crate::object::Span;

/// An expression.
#[derive(Debug)]
pub struct Expr<'s> {
    /// Its bytes in the text.
    pub span: Span,
    /// How deep cel-go's tree of the same text would be: chains count by their links there.
    pub depth: u16,
    /// What it is.
    pub kind: Kind<'s>,
}

/// What an expression is.
#[derive(Debug)]
pub enum Kind<'s> {
    Literal(Literal<'s>),
    Name(&'s str),
    /// Elements; true: optional, `?e`.
    List(Vec<(Expr<'s>, bool)>),
    Map(Vec<Entry<'s>>),
    /// `Object.spec{a: 1}`
    Struct(String, Vec<Field<'s>>),
    Not(Box<Expr<'s>>),
    Negate(Box<Expr<'s>>),
    And(Vec<Expr<'s>>),
    Or(Vec<Expr<'s>>),
    /// Operators of one precedence, applied from left to right.
    Chain(Box<Expr<'s>>, Vec<Operand<'s>>),
    /// Conditions with their values in order, and what is left.
    Conditional(Vec<Arm<'s>>, Box<Expr<'s>>),
    /// A value and what is selected from it or called on it, in order.
    Postfix(Box<Expr<'s>>, Vec<Postfix<'s>>),
    /// `f(a, b)`
    Call(&'s str, Vec<Expr<'s>>),
}

/// `condition ? value`
#[derive(Debug)]
pub struct Arm<'s> {
    pub condition: Expr<'s>,
    /// The question mark.
    pub span: Span,
    pub value: Expr<'s>,
}

/// `key: value` of a map; optional: `?key: value`.
#[derive(Debug)]
pub struct Entry<'s> {
    pub key: Expr<'s>,
    pub value: Expr<'s>,
    pub optional: bool,
}

/// `name: value` of a struct; optional: `?name: value`.
#[derive(Debug)]
pub struct Field<'s> {
    pub name: &'s str,
    pub span: Span,
    pub value: Expr<'s>,
    pub optional: bool,
}

/// An operator and what stands right of it.
#[derive(Debug)]
pub struct Operand<'s> {
    pub operator: Operator,
    pub span: Span,
    pub right: Expr<'s>,
}

/// One step after a value.
#[derive(Debug)]
pub struct Postfix<'s> {
    /// The step itself, without what it is applied to.
    pub span: Span,
    pub kind: PostfixKind<'s>,
}

/// What a step does.
#[derive(Debug)]
pub enum PostfixKind<'s> {
    /// `.name`, `.?name`
    Field { name: &'s str, optional: bool },
    /// `[key]`, `[?key]`
    Index { key: Expr<'s>, optional: bool },
    /// `.name(arguments)`
    Call { name: &'s str, arguments: Vec<Expr<'s>> },
}

/// A literal.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal<'s> {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    String(Cow<'s, str>),
    Bytes(Vec<u8>),
}

/// A binary operator, but for `&&` and `||`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Equals,
    NotEquals,
    Less,
    LessEquals,
    Greater,
    GreaterEquals,
    In,
}

impl Operator {
    /// How tightly it binds; `||` has 1 and `&&` 2.
    pub fn precedence(self) -> u8 {
        match self {
            Operator::Multiply | Operator::Divide | Operator::Modulo => 5,
            Operator::Add | Operator::Subtract => 4,
            _ => 3,
        }
    }

    /// cel-go's name of it (common/operators/operators.go).
    pub fn function(self) -> &'static str {
        match self {
            Operator::Add => "_+_",
            Operator::Subtract => "_-_",
            Operator::Multiply => "_*_",
            Operator::Divide => "_/_",
            Operator::Modulo => "_%_",
            Operator::Equals => "_==_",
            Operator::NotEquals => "_!=_",
            Operator::Less => "_<_",
            Operator::LessEquals => "_<=_",
            Operator::Greater => "_>_",
            Operator::GreaterEquals => "_>=_",
            Operator::In => "@in",
        }
    }
}
