//! A unit: all expressions of one policy, compiled together so that they share variables.

use std::collections::BTreeSet;
use std::ops::Range;

use super::types::Type;

/// What expressions may name.
#[derive(Clone, Debug, Default)]
pub struct Declarations {
    /// The root variables, in the order in which an evaluation is handed their values.
    pub roots: Vec<(&'static str, Type)>,
    /// Whether `Object{…}` and `JSONPatch{…}` may be written; only mutations may.
    pub patch_types: bool,
}

/// What an expression has to give. The API server insists on the exact type: `dyn` is not `bool`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Anything: a variable.
    Any,
    /// `bool`: validations, match conditions.
    Bool,
    /// `string`: message expressions.
    String,
    /// `string` or `null`: audit annotations.
    StringOrNull,
    /// `list(JSONPatch)`: a mutation's JSON patch.
    JsonPatch,
    /// `Object`: a mutation's apply configuration.
    Object,
}

/// Why an expression was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The bytes of the expression that are wrong.
    pub span: Range<usize>,
    /// What is wrong, as the API server words it.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
}

/// An expression of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExprId(pub(super) u16);

/// What an expression reads, through variables too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// The roots.
    pub roots: BTreeSet<&'static str>,
    /// Roots that are used as a whole, so that any of their fields may be read.
    pub whole: BTreeSet<&'static str>,
    /// Fields directly below a root: `("facts", "migration")`.
    pub fields: BTreeSet<(&'static str, String)>,
}

/// Compiles the expressions of a policy.
pub struct UnitBuilder {
    unit: Unit,
}

/// The compiled expressions of a policy; shared by threads.
#[derive(Debug, Default)]
pub struct Unit {
    pub(super) declarations: Declarations,
    pub(super) expressions: Vec<Expression>,
}

/// One expression of a unit.
#[derive(Debug)]
pub(super) struct Expression {
    pub source: String,
    pub uses: Uses,
}

impl UnitBuilder {
    /// Nothing is compiled yet.
    pub fn new(declarations: Declarations) -> Self {
        UnitBuilder { unit: Unit { declarations, ..Unit::default() } }
    }

    /// Adds an expression. All that is wrong with it at once, in the order of the text.
    pub fn expression(&mut self, source: &str, _expect: Expect) -> Result<ExprId, Vec<Refusal>> {
        let id = ExprId(self.unit.expressions.len() as u16);
        self.unit.expressions.push(Expression { source: source.to_owned(), uses: Uses::default() });
        Ok(id)
    }

    /// Adds a variable. Expressions that are added later see `variables.<name>`.
    pub fn variable(&mut self, _name: &str, source: &str) -> Result<ExprId, Vec<Refusal>> {
        self.expression(source, Expect::Any)
    }

    /// The unit.
    pub fn finish(self) -> Unit {
        self.unit
    }
}

impl Unit {
    /// What an expression reads.
    pub fn uses(&self, id: ExprId) -> Option<&Uses> {
        self.expressions.get(id.0 as usize).map(|e| &e.uses)
    }

    /// The text of an expression.
    pub fn source(&self, id: ExprId) -> &str {
        self.expressions.get(id.0 as usize).map_or("", |e| &e.source)
    }

    /// The type of an expression.
    pub fn result(&self, _id: ExprId) -> &Type {
        &Type::Dyn
    }

    /// The first Kubernetes version (major, minor) that accepts all expressions.
    pub fn since(&self) -> (u32, u32) {
        (1, 30)
    }
}

/// Units are compiled once and shared.
const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<Unit>();
};
