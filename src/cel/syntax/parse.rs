//! Tokens to syntax tree. Recursion only at brackets; operators by an explicit stack, chains and runs of signs in loops.

use super::lex::{Token, TokenKind, Tokens};
use super::tree::*;
use super::{MAX_NESTING, SyntaxError};
use crate::object::Span;

type Parsed<T> = Result<T, SyntaxError>;

/// Words that are no names (CEL.g4 and parser.go, reservedIds).
const RESERVED: [&str; 17] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// The tree of a text's tokens.
pub fn parse<'s>(tokens: &mut Tokens<'s>) -> Parsed<Expr<'s>> {
    let mut parser = Parser { tokens: &mut tokens.list, at: 0, nesting: 0 };
    let expr = parser.expression()?;
    if !matches!(parser.peek(), TokenKind::End) {
        return parser.unexpected("the end of the expression");
    }
    Ok(expr)
}

struct Parser<'t, 's> {
    tokens: &'t mut Vec<Token<'s>>,
    at: usize,
    nesting: u16,
}

/// An operator that waits for what stands right of it.
#[derive(Clone, Copy)]
enum Waiting {
    Or,
    And,
    Binary(Operator, Span),
}

impl Waiting {
    fn precedence(self) -> u8 {
        match self {
            Waiting::Or => 1,
            Waiting::And => 2,
            Waiting::Binary(operator, _) => operator.precedence(),
        }
    }
}

fn too_deep(span: Span) -> SyntaxError {
    SyntaxError::new(span, format!("expression recursion limit exceeded: {MAX_NESTING}"))
}

/// An expression around others; refuses what cel-go's visitor refuses.
fn node<'s>(span: Span, inner: u16, kind: Kind<'s>) -> Parsed<Expr<'s>> {
    if inner > MAX_NESTING {
        return Err(too_deep(span));
    }
    Ok(Expr { span, depth: inner + 1, kind })
}

fn deepest<'e, 's: 'e>(parts: impl IntoIterator<Item = &'e Expr<'s>>) -> u16 {
    parts.into_iter().map(|e| e.depth).max().unwrap_or(0)
}

fn join(a: Span, b: Span) -> Span {
    Span { start: a.start, end: b.end }
}

impl<'s> Parser<'_, 's> {
    fn peek(&self) -> &TokenKind<'s> {
        self.tokens.get(self.at).map_or(&TokenKind::End, |t| &t.kind)
    }

    fn span(&self) -> Span {
        self.tokens.get(self.at).map(|t| t.span).unwrap_or_default()
    }

    /// Where the token before the next one ends.
    fn end(&self) -> u32 {
        self.tokens.get(self.at.saturating_sub(1)).map_or(0, |t| t.span.end)
    }

    fn since(&self, start: Span) -> Span {
        Span { start: start.start, end: self.end() }
    }

    fn take(&mut self) -> TokenKind<'s> {
        let Some(token) = self.tokens.get_mut(self.at) else { return TokenKind::End };
        if token.kind == TokenKind::End {
            return TokenKind::End;
        }
        self.at += 1;
        // Names stay, so that messages can still show them; texts are moved out.
        match &token.kind {
            TokenKind::String(_) | TokenKind::Bytes(_) => std::mem::replace(&mut token.kind, TokenKind::Symbol("")),
            kind => kind.clone(),
        }
    }

    fn is(&self, symbol: &str) -> bool {
        matches!(self.peek(), TokenKind::Symbol(s) if *s == symbol)
    }

    fn eat(&mut self, symbol: &str) -> bool {
        let found = self.is(symbol);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, symbol: &str) -> Parsed<()> {
        if self.eat(symbol) { Ok(()) } else { self.unexpected(&format!("'{symbol}'")) }
    }

    fn unexpected<T>(&self, expected: &str) -> Parsed<T> {
        let found = match self.peek() {
            TokenKind::End => "the end".to_owned(),
            TokenKind::Symbol(s) => format!("'{s}'"),
            TokenKind::Name(s) => format!("'{s}'"),
            TokenKind::Int(_) | TokenKind::Uint(_) | TokenKind::Double(_) => "a number".to_owned(),
            TokenKind::String(_) | TokenKind::Bytes(_) => "a string".to_owned(),
        };
        Err(SyntaxError::new(self.span(), format!("Syntax error: found {found} where {expected} should be")))
    }

    /// `expr: conditionalOr ('?' conditionalOr ':' expr)?`, the last part in a loop.
    fn expression(&mut self) -> Parsed<Expr<'s>> {
        let nesting = self.nesting;
        let mut arms = Vec::new();
        let last = loop {
            self.nesting += 1;
            if self.nesting > MAX_NESTING {
                return Err(too_deep(self.span()));
            }
            let condition = self.operators()?;
            let span = self.span();
            if !self.eat("?") {
                break condition;
            }
            let value = self.operators()?;
            self.expect(":")?;
            arms.push(Arm { condition, span, value });
        };
        self.nesting = nesting;
        let Some(Arm { condition: first, .. }) = arms.first() else { return Ok(last) };
        let span = join(first.span, last.span);
        let deeper = |d: u16, arm: &Arm<'_>| d.max(arm.condition.depth).max(arm.value.depth).saturating_add(1);
        let depth = arms.iter().rev().fold(last.depth, deeper);
        node(span, depth - 1, Kind::Conditional(arms, Box::new(last)))
    }

    fn operator(&self) -> Option<Waiting> {
        let operator = match self.peek() {
            TokenKind::Name("in") => Operator::In,
            TokenKind::Symbol(s) => match *s {
                "||" => return Some(Waiting::Or),
                "&&" => return Some(Waiting::And),
                "+" => Operator::Add,
                "-" => Operator::Subtract,
                "*" => Operator::Multiply,
                "/" => Operator::Divide,
                "%" => Operator::Modulo,
                "==" => Operator::Equals,
                "!=" => Operator::NotEquals,
                "<" => Operator::Less,
                "<=" => Operator::LessEquals,
                ">" => Operator::Greater,
                ">=" => Operator::GreaterEquals,
                _ => return None,
            },
            _ => return None,
        };
        Some(Waiting::Binary(operator, self.span()))
    }

    /// All binary operators, by precedence (Dijkstra's two stacks).
    fn operators(&mut self) -> Parsed<Expr<'s>> {
        let mut left = self.unary()?;
        let mut waiting: Vec<(Expr<'s>, Waiting)> = Vec::new();
        while let Some(operator) = self.operator() {
            self.at += 1;
            left = reduce(&mut waiting, left, operator.precedence())?;
            waiting.push((left, operator));
            left = self.unary()?;
        }
        reduce(&mut waiting, left, 0)
    }

    /// Runs of one sign; an even number of them is dropped, as cel-go's parser does. A minus belongs to its number.
    fn unary(&mut self) -> Parsed<Expr<'s>> {
        let start = self.span();
        let sign = if self.is("!") {
            "!"
        } else if self.is("-") && !self.negative_number() {
            "-"
        } else {
            return self.postfix();
        };
        let mut odd = false;
        while self.eat(sign) {
            odd = !odd;
        }
        let operand = self.postfix()?;
        if !odd {
            return Ok(operand);
        }
        let (span, depth) = (join(start, operand.span), operand.depth);
        let operand = Box::new(operand);
        node(span, depth, if sign == "!" { Kind::Not(operand) } else { Kind::Negate(operand) })
    }

    fn negative_number(&self) -> bool {
        matches!(self.tokens.get(self.at + 1).map(|t| &t.kind), Some(TokenKind::Int(_) | TokenKind::Double(_)))
    }

    /// A value and everything that is selected from it or called on it.
    fn postfix(&mut self) -> Parsed<Expr<'s>> {
        let mut base = self.primary()?;
        let mut depth = base.depth;
        let mut steps = Vec::new();
        loop {
            let start = self.span();
            let (kind, inner) = if self.eat(".") {
                self.selection()?
            } else if self.eat("[") {
                let optional = self.eat("?");
                let key = self.expression()?;
                self.expect("]")?;
                let inner = key.depth;
                (PostfixKind::Index { key, optional }, inner)
            } else if self.is("{") && is_name(&base, &steps) {
                base = self.structure(base, std::mem::take(&mut steps))?;
                depth = base.depth;
                continue;
            } else {
                break;
            };
            depth = depth.max(inner) + 1;
            if depth > MAX_NESTING + 1 {
                return Err(too_deep(self.since(start)));
            }
            steps.push(Postfix { span: self.since(start), kind });
        }
        if steps.is_empty() {
            return Ok(base);
        }
        let span = self.since(base.span);
        node(span, depth - 1, Kind::Postfix(Box::new(base), steps))
    }

    fn selection(&mut self) -> Parsed<(PostfixKind<'s>, u16)> {
        let optional = self.eat("?");
        let name = self.field_name()?;
        if optional || !self.eat("(") {
            return Ok((PostfixKind::Field { name, optional }, 0));
        }
        let arguments = self.arguments()?;
        let inner = deepest(&arguments);
        Ok((PostfixKind::Call { name, arguments }, inner))
    }

    fn field_name(&mut self) -> Parsed<&'s str> {
        match *self.peek() {
            TokenKind::Name(name) if !matches!(name, "in" | "true" | "false" | "null") => {
                self.at += 1;
                Ok(name)
            }
            _ => self.unexpected("a field's name"),
        }
    }

    /// After the opening bracket, up to the closing one.
    fn arguments(&mut self) -> Parsed<Vec<Expr<'s>>> {
        let mut list = Vec::new();
        if self.eat(")") {
            return Ok(list);
        }
        loop {
            list.push(self.expression()?);
            if self.eat(")") {
                return Ok(list);
            }
            if !self.eat(",") {
                return self.unexpected("')' or ','");
            }
        }
    }

    fn primary(&mut self) -> Parsed<Expr<'s>> {
        let start = self.span();
        let kind = match self.peek() {
            TokenKind::Symbol("(") => {
                self.at += 1;
                let inner = self.expression()?;
                self.expect(")")?;
                return Ok(Expr { span: self.since(start), ..inner });
            }
            TokenKind::Symbol("[") => {
                self.at += 1;
                let list = self.elements()?;
                let inner = list.iter().map(|(e, _)| e.depth).max().unwrap_or(0);
                return node(self.since(start), inner, Kind::List(list));
            }
            TokenKind::Symbol("{") => {
                self.at += 1;
                let entries = self.entries()?;
                let inner = entries.iter().map(|e| e.key.depth.max(e.value.depth)).max().unwrap_or(0);
                return node(self.since(start), inner, Kind::Map(entries));
            }
            TokenKind::Symbol(".") => {
                self.at += 1;
                if let TokenKind::Name("true" | "false" | "null") = self.peek() {
                    return self.unexpected("a name");
                }
                return self.name(start);
            }
            TokenKind::Name(_) => return self.name(start),
            TokenKind::Symbol("-") if self.negative_number() => {
                self.at += 1;
                Kind::Literal(self.negative(start)?)
            }
            TokenKind::Int(v) => match i64::try_from(*v) {
                Ok(v) => {
                    self.at += 1;
                    Kind::Literal(Literal::Int(v))
                }
                Err(_) => return Err(SyntaxError::new(start, "invalid int literal")),
            },
            TokenKind::Uint(_) | TokenKind::Double(_) | TokenKind::String(_) | TokenKind::Bytes(_) => {
                Kind::Literal(match self.take() {
                    TokenKind::Uint(v) => Literal::Uint(v),
                    TokenKind::Double(v) => Literal::Double(v),
                    TokenKind::String(v) => Literal::String(v),
                    TokenKind::Bytes(v) => Literal::Bytes(v),
                    _ => Literal::Null,
                })
            }
            _ => return self.unexpected("a value"),
        };
        node(self.since(start), 0, kind)
    }

    /// The number after a minus; only there is -2⁶³ within reach.
    fn negative(&mut self, start: Span) -> Parsed<Literal<'s>> {
        match self.take() {
            TokenKind::Int(v) if v <= 1 << 63 => Ok(Literal::Int((v as i64).wrapping_neg())),
            TokenKind::Double(v) => Ok(Literal::Double(-v)),
            _ => Err(SyntaxError::new(self.since(start), "invalid int literal")),
        }
    }

    /// A name, a call, or a word that stands for a value.
    fn name(&mut self, start: Span) -> Parsed<Expr<'s>> {
        let TokenKind::Name(name) = *self.peek() else { return self.unexpected("a name") };
        if name == "in" {
            return self.unexpected("a value");
        }
        self.at += 1;
        let kind = match name {
            "true" => Kind::Literal(Literal::Bool(true)),
            "false" => Kind::Literal(Literal::Bool(false)),
            "null" => Kind::Literal(Literal::Null),
            _ if RESERVED.contains(&name) => {
                return Err(SyntaxError::new(self.since(start), format!("reserved identifier: {name}")));
            }
            _ if self.eat("(") => {
                let arguments = self.arguments()?;
                return node(self.since(start), deepest(&arguments), Kind::Call(name, arguments));
            }
            _ => Kind::Name(name),
        };
        node(self.since(start), 0, kind)
    }

    fn elements(&mut self) -> Parsed<Vec<(Expr<'s>, bool)>> {
        let mut list = Vec::new();
        // The grammar has `[,]`.
        if self.eat(",") && !self.is("]") {
            return self.unexpected("']'");
        }
        while !self.is("]") {
            let optional = self.eat("?");
            list.push((self.expression()?, optional));
            if !self.eat(",") {
                break;
            }
        }
        if self.eat("]") { Ok(list) } else { self.unexpected("']' or ','") }
    }

    fn entries(&mut self) -> Parsed<Vec<Entry<'s>>> {
        let mut entries = Vec::new();
        if self.eat(",") && !self.is("}") {
            return self.unexpected("'}'");
        }
        while !self.is("}") {
            let optional = self.eat("?");
            let key = self.expression()?;
            self.expect(":")?;
            entries.push(Entry { key, value: self.expression()?, optional });
            if !self.eat(",") {
                break;
            }
        }
        if self.eat("}") { Ok(entries) } else { self.unexpected("'}' or ','") }
    }

    /// `Object.spec{…}`: a dotted name with fields.
    fn structure(&mut self, base: Expr<'s>, steps: Vec<Postfix<'s>>) -> Parsed<Expr<'s>> {
        let mut name = if let Kind::Name(root) = base.kind { root.to_owned() } else { String::new() };
        for step in &steps {
            if let PostfixKind::Field { name: part, .. } = step.kind {
                name.push('.');
                name.push_str(part);
            }
        }
        self.expect("{")?;
        let mut fields = Vec::new();
        if self.eat(",") && !self.is("}") {
            return self.unexpected("'}'");
        }
        while !self.is("}") {
            let optional = self.eat("?");
            let span = self.span();
            let name = self.field_name()?;
            self.expect(":")?;
            fields.push(Field { name, span, value: self.expression()?, optional });
            if !self.eat(",") {
                break;
            }
        }
        if !self.eat("}") {
            return self.unexpected("'}' or ','");
        }
        let inner = fields.iter().map(|f| f.value.depth).max().unwrap_or(0);
        node(self.since(base.span), inner, Kind::Struct(name, fields))
    }
}

fn is_name(base: &Expr<'_>, steps: &[Postfix<'_>]) -> bool {
    matches!(base.kind, Kind::Name(_))
        && steps.iter().all(|s| matches!(s.kind, PostfixKind::Field { optional: false, .. }))
}

/// Joins what waits and binds at least as tightly as the next operator.
fn reduce<'s>(waiting: &mut Vec<(Expr<'s>, Waiting)>, mut right: Expr<'s>, next: u8) -> Parsed<Expr<'s>> {
    while let Some((left, operator)) = waiting.pop_if(|(_, o)| o.precedence() >= next) {
        right = match operator {
            Waiting::Or => logic(left, right, false)?,
            Waiting::And => logic(left, right, true)?,
            Waiting::Binary(operator, span) => chain(left, Operand { operator, span, right })?,
        };
    }
    Ok(right)
}

/// `left && right`, flat. cel-go balances these, so any number of them is one level.
fn logic<'s>(left: Expr<'s>, right: Expr<'s>, and: bool) -> Parsed<Expr<'s>> {
    let span = join(left.span, right.span);
    let inner = right.depth.max(left.depth);
    match (left.kind, and) {
        // Brackets end a list: `(a && b) && c` would be the same, but must keep its spans.
        (Kind::And(mut list), true) => {
            list.push(right);
            Ok(Expr { span, depth: inner.max(2), kind: Kind::And(list) })
        }
        (Kind::Or(mut list), false) => {
            list.push(right);
            Ok(Expr { span, depth: inner.max(2), kind: Kind::Or(list) })
        }
        (kind, _) => {
            let list = vec![Expr { span: left.span, depth: left.depth, kind }, right];
            node(span, inner, if and { Kind::And(list) } else { Kind::Or(list) })
        }
    }
}

/// `left operator right`, flat where `left` is a chain of the same precedence.
fn chain<'s>(left: Expr<'s>, operand: Operand<'s>) -> Parsed<Expr<'s>> {
    let span = join(left.span, operand.right.span);
    let inner = left.depth.max(operand.right.depth);
    let precedence = operand.operator.precedence();
    match left.kind {
        Kind::Chain(first, mut rest) if rest.first().is_some_and(|o| o.operator.precedence() == precedence) => {
            rest.push(operand);
            node(span, inner, Kind::Chain(first, rest))
        }
        kind => {
            let first = Expr { span: left.span, depth: left.depth, kind };
            node(span, inner, Kind::Chain(Box::new(first), vec![operand]))
        }
    }
}
