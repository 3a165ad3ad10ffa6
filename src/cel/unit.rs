//! A unit: all expressions of one policy, compiled together so that they share variables.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use super::check::Checker;
use super::program::{Code, CodeId};
use super::syntax::{SyntaxError, Tokens, parse};
use super::types::Type;
use crate::object::Span;

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
pub struct ExprId(pub(super) u32);

/// What an expression reads, through variables too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// The roots.
    pub roots: BTreeSet<&'static str>,
    /// Roots that are used as a whole, so that any of their fields may be read.
    pub whole: BTreeSet<&'static str>,
    /// Fields directly below roots whose fields are declared: `("facts", "migration")`.
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
    pub(super) code: Vec<Code>,
    /// Where each node of `code` stands in its expression.
    pub(super) spans: Vec<Span>,
    pub(super) expressions: Vec<Expression>,
    pub(super) variables: Vec<Variable>,
    /// How many variables of macros there are.
    pub(super) slots: u32,
    since: u32,
}

/// One expression of a unit.
#[derive(Debug)]
pub(super) struct Expression {
    pub source: String,
    pub code: CodeId,
    /// The first node of `code` that belongs to it; the next expression's begin where its own end.
    pub first: CodeId,
    pub ty: Type,
    pub uses: Uses,
    /// How deep its evaluation nests at most, variables included.
    pub depth: u32,
    /// The variables it uses, those of its variables included, in the order of their declaration.
    pub variables: Vec<u32>,
}

/// `variables.name`
#[derive(Debug)]
pub(super) struct Variable {
    pub name: String,
    pub expression: ExprId,
}

/// Brackets beyond which a stack of one's own is worth its thread.
const DEEP: usize = 32;

/// Stack for the deepest expression that is accepted; a level needs about 12 KB in a debug build.
const DEEP_STACK: usize = 16 << 20;

/// The first Kubernetes minor that has ValidatingAdmissionPolicy.
const FIRST_MINOR: u32 = 26;

impl UnitBuilder {
    /// Nothing is compiled yet.
    pub fn new(declarations: Declarations) -> Self {
        UnitBuilder { unit: Unit { declarations, since: FIRST_MINOR, ..Unit::default() } }
    }

    /// Adds an expression. `Err`: everything that is wrong with it, in the order of the text; the unit is as before.
    pub fn expression(&mut self, source: &str, expect: Expect) -> Result<ExprId, Vec<Refusal>> {
        let mut tokens = Tokens::read(source).map_err(refused)?;
        if tokens.nesting() <= DEEP {
            return self.compile(source, &mut tokens, expect);
        }
        std::thread::scope(|scope| {
            let work = || self.compile(source, &mut tokens, expect);
            let thread = std::thread::Builder::new().stack_size(DEEP_STACK).spawn_scoped(scope, work);
            let joined = thread.ok().and_then(|t| t.join().ok());
            joined.unwrap_or_else(|| {
                let message = "no thread to compile an expression that nests so deeply".to_owned();
                Err(vec![Refusal { span: 0..source.len(), message, help: None }])
            })
        })
    }

    /// Adds a variable. Expressions that are added later see `variables.<name>`; a later one of the same name is refused.
    pub fn variable(&mut self, name: &str, source: &str) -> Result<ExprId, Vec<Refusal>> {
        if self.unit.variables.iter().any(|v| v.name == name) {
            let message = format!("variables.{name} is declared already");
            return Err(vec![Refusal { span: 0..source.len(), message, help: None }]);
        }
        let expression = self.expression(source, Expect::Any)?;
        self.unit.variables.push(Variable { name: name.to_owned(), expression });
        Ok(expression)
    }

    /// The unit.
    pub fn finish(self) -> Unit {
        self.unit
    }

    fn compile(&mut self, source: &str, tokens: &mut Tokens<'_>, expect: Expect) -> Result<ExprId, Vec<Refusal>> {
        let tree = parse(tokens).map_err(refused)?;
        let before = (self.unit.code.len(), self.unit.slots);
        let mut checker = Checker::new(&mut self.unit);
        let (code, ty) = checker.whole(&tree);
        let Checker { mut refusals, uses, since, variables, .. } = checker;
        if refusals.is_empty() && !expect.accepts(&ty) {
            let message = format!("must evaluate to {expect}");
            let help = expect.help(&ty);
            refusals.push(Refusal { span: 0..source.len(), message, help });
        }
        if !refusals.is_empty() {
            self.unit.code.truncate(before.0);
            self.unit.spans.truncate(before.0);
            self.unit.slots = before.1;
            refusals.sort_by_key(|r| (r.span.start, r.span.end));
            return Err(refusals);
        }
        let id = ExprId(self.unit.expressions.len() as u32);
        let (variables, below) = self.reach(&variables);
        let depth = u32::from(tree.depth) + below;
        let (source, first) = (source.to_owned(), before.0 as CodeId);
        self.unit.expressions.push(Expression { source, code, first, ty, uses, depth, variables });
        self.unit.since = self.unit.since.max(since);
        Ok(id)
    }

    /// All variables that some variables reach, and how deep the deepest of them nests.
    fn reach(&self, direct: &[u32]) -> (Vec<u32>, u32) {
        let mut all = direct.to_vec();
        let mut below = 0;
        for variable in direct {
            let variable = self.unit.variables.get(*variable as usize);
            let Some(expression) = variable.and_then(|v| self.unit.expressions.get(v.expression.0 as usize)) else {
                continue;
            };
            all.extend(&expression.variables);
            below = below.max(expression.depth);
        }
        all.sort_unstable();
        all.dedup();
        (all, below)
    }
}

fn refused(error: SyntaxError) -> Vec<Refusal> {
    let span = error.span.start as usize..error.span.end as usize;
    vec![Refusal { span, message: error.message, help: None }]
}

impl Expect {
    /// Whether this is one of the types that the API server wants, to the letter (plugin/cel/compile.go).
    fn accepts(self, ty: &Type) -> bool {
        match (self, ty) {
            (Expect::Any, _)
            | (Expect::Bool, Type::Bool)
            | (Expect::String | Expect::StringOrNull, Type::String)
            | (Expect::StringOrNull, Type::Null) => true,
            (Expect::Object, Type::Named(name)) => **name == *"Object",
            (Expect::JsonPatch, Type::List(element)) => match &**element {
                Type::Named(name) => **name == *"JSONPatch",
                _ => false,
            },
            _ => false,
        }
    }

    fn help(self, ty: &Type) -> Option<String> {
        match (self, ty) {
            (Expect::Bool, Type::Dyn) => Some("its type is not known before it runs; compare it: x == true".to_owned()),
            (Expect::String | Expect::StringOrNull, Type::Dyn) => {
                Some("its type is not known before it runs; convert it: string(x)".to_owned())
            }
            _ => Some(format!("it evaluates to {ty}")),
        }
    }
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Expect::Any => "anything",
            Expect::Bool => "bool",
            Expect::String => "string",
            Expect::StringOrNull => "string or null",
            Expect::JsonPatch => "list(JSONPatch)",
            Expect::Object => "Object",
        })
    }
}

impl Unit {
    /// What an expression reads, through variables too. Empty for an id of another unit.
    pub fn uses(&self, id: ExprId) -> &Uses {
        static NOTHING: Uses = Uses { roots: BTreeSet::new(), whole: BTreeSet::new(), fields: BTreeSet::new() };
        self.get(id).map_or(&NOTHING, |e| &e.uses)
    }

    /// The text of an expression.
    pub fn source(&self, id: ExprId) -> &str {
        self.get(id).map_or("", |e| &e.source)
    }

    /// The type of an expression.
    pub fn result(&self, id: ExprId) -> &Type {
        self.get(id).map_or(&Type::Dyn, |e| &e.ty)
    }

    /// The first Kubernetes version (major, minor) that accepts all expressions in a new policy.
    pub fn since(&self) -> (u32, u32) {
        (1, self.since)
    }

    pub(super) fn get(&self, id: ExprId) -> Option<&Expression> {
        self.expressions.get(id.0 as usize)
    }

    /// The expression that a node belongs to, and the node's place in it.
    pub(super) fn place(&self, code: CodeId) -> (ExprId, Span) {
        let after = self.expressions.partition_point(|e| e.first <= code);
        let span = self.spans.get(code as usize).copied().unwrap_or_default();
        (ExprId(after.saturating_sub(1) as u32), span)
    }
}

/// Units are compiled once and shared.
const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<Unit>();
};
