//! From tokens to a tree, by recursive descent. What is not in this grammar does not exist:
//!
//! ```text
//! or         = and { OR and }
//! and        = not { AND not }
//! not        = NOT not | predicate
//! predicate  = concat [ comparison concat | IS [NOT] NULL | [NOT] IN ( literal, … )
//!                     | [NOT] LIKE 'pattern' | [NOT] BETWEEN concat AND concat ]
//! concat     = sum { || sum }
//! sum        = product { (+ | -) product }
//! product    = unary { * unary }
//! unary      = - unary | primary
//! primary    = literal | column | function | @function | CASE … END | CAST(or AS type) | ( or )
//! ```

use super::{
    ast::{Arithmetic, Comparison, Expr, Node},
    calls::Frame,
    error::{Place, SyntaxError},
    lexer::{self, Lexer, Token},
    words,
};
use crate::sql::Text;

/// Most bytes of an expression.
pub const MAX_BYTES: usize = 8_192;
/// How deep an expression may nest: parentheses, NOT, minus signs, functions, cases and chains of `+`, `-`, `*`.
pub const MAX_DEPTH: usize = 32;
/// Most nodes of an expression.
pub const MAX_NODES: usize = 1_000;

/// What an operand is, in messages.
const OPERAND: &str = "a column, a literal, a function or `(`";

/// Reads tokens and makes nodes.
pub(super) struct Parser<'a> {
    lexer: Lexer<'a>,
    /// The token that was not yet taken, and its place.
    pub(super) token: Token,
    pub(super) place: Place,
    depth: usize,
    nodes: usize,
}

/// Parses a whole text.
pub(super) fn parse(text: &str) -> Result<Expr, SyntaxError> {
    if text.len() > MAX_BYTES {
        let found = format!("a text of {} bytes", text.len());
        return Err(SyntaxError::new(Place::START, found, format!("at most {MAX_BYTES}")));
    }
    let mut lexer = Lexer::new(text);
    let (place, token) = lexer.next()?;
    let mut parser = Parser { lexer, token, place, depth: 0, nodes: 0 };
    if parser.token == Token::End {
        return Err(SyntaxError::new(place, "nothing", "an expression"));
    }
    let expr = parser.or()?;
    if parser.token == Token::End { Ok(expr) } else { Err(parser.unexpected("an operator or the end")) }
}

impl Parser<'_> {
    /// Takes the token that stands here and reads the next.
    pub(super) fn advance(&mut self) -> Result<Token, SyntaxError> {
        let (place, token) = self.lexer.next()?;
        self.place = place;
        Ok(std::mem::replace(&mut self.token, token))
    }

    pub(super) fn is_word(&self, keyword: &str) -> bool {
        matches!(&self.token, Token::Word(word) if word.eq_ignore_ascii_case(keyword))
    }

    pub(super) fn is_symbol(&self, wanted: &str) -> bool {
        matches!(self.token, Token::Symbol(symbol) if symbol == wanted)
    }

    pub(super) fn take_word(&mut self, keyword: &str) -> Result<bool, SyntaxError> {
        let is = self.is_word(keyword);
        if is {
            self.advance()?;
        }
        Ok(is)
    }

    pub(super) fn take_symbol(&mut self, symbol: &str) -> Result<bool, SyntaxError> {
        let is = self.is_symbol(symbol);
        if is {
            self.advance()?;
        }
        Ok(is)
    }

    pub(super) fn expect_symbol(&mut self, symbol: &str, expected: &str) -> Result<(), SyntaxError> {
        if self.take_symbol(symbol)? { Ok(()) } else { Err(self.unexpected(expected)) }
    }

    pub(super) fn expect_word(&mut self, keyword: &str, expected: &str) -> Result<(), SyntaxError> {
        if self.take_word(keyword)? { Ok(()) } else { Err(self.unexpected(expected)) }
    }

    /// The token that stands here is none of those expected. Words of SQL get an advice of their own.
    pub(super) fn unexpected(&self, expected: &str) -> SyntaxError {
        let advice = match &self.token {
            Token::Word(word) => words::advice(word),
            _ => None,
        };
        SyntaxError::new(self.place, self.token.describe(), advice.unwrap_or(expected))
    }

    pub(super) fn make(&mut self, place: Place, node: Node) -> Result<Expr, SyntaxError> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            let found = format!("more than {MAX_NODES} parts");
            return Err(SyntaxError::new(place, found, "a shorter expression"));
        }
        Ok(Expr { place, node })
    }

    fn check_depth(&self, more: usize) -> Result<(), SyntaxError> {
        if self.depth + more > MAX_DEPTH {
            let expected = format!("at most {MAX_DEPTH} levels");
            return Err(SyntaxError::new(self.place, "deeper nesting", expected));
        }
        Ok(())
    }

    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T, SyntaxError>) -> Result<T, SyntaxError> {
        self.check_depth(1)?;
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    /// An expression one level deeper.
    pub(super) fn nested(&mut self) -> Result<Expr, SyntaxError> {
        self.deeper(Self::or)
    }

    fn or(&mut self) -> Result<Expr, SyntaxError> {
        self.chain(Self::and, |parser| parser.take_word("OR"), Node::Or)
    }

    fn and(&mut self) -> Result<Expr, SyntaxError> {
        self.chain(Self::not, |parser| parser.take_word("AND"), Node::And)
    }

    fn concat(&mut self) -> Result<Expr, SyntaxError> {
        self.chain(Self::sum, |parser| parser.take_symbol("||"), Node::Concat)
    }

    /// One part, or several with something between them.
    fn chain(
        &mut self,
        part: fn(&mut Self) -> Result<Expr, SyntaxError>,
        between: fn(&mut Self) -> Result<bool, SyntaxError>,
        node: fn(Vec<Expr>) -> Node,
    ) -> Result<Expr, SyntaxError> {
        let first = part(self)?;
        let place = self.place;
        if !between(self)? {
            return Ok(first);
        }
        let mut parts = vec![first, part(self)?];
        while between(self)? {
            parts.push(part(self)?);
        }
        self.make(place, node(parts))
    }

    fn not(&mut self) -> Result<Expr, SyntaxError> {
        let place = self.place;
        if !self.take_word("NOT")? {
            return self.predicate();
        }
        let inner = self.deeper(Self::not)?;
        self.make(place, Node::Not(Box::new(inner)))
    }

    fn predicate(&mut self) -> Result<Expr, SyntaxError> {
        let operand = self.concat()?;
        let place = self.place;
        if let Some(comparison) = self.comparison() {
            self.advance()?;
            let right = self.concat()?;
            let node = Node::Compare(Box::new(operand), comparison, Box::new(right));
            return self.alone(place, node);
        }
        if self.take_word("IS")? {
            let negated = self.take_word("NOT")?;
            self.expect_word("NULL", if negated { "NULL" } else { "NULL or NOT NULL" })?;
            return self.alone(place, Node::IsNull { operand: Box::new(operand), negated });
        }
        let negated = self.take_word("NOT")?;
        let operand = Box::new(operand);
        if self.take_word("IN")? {
            let values = self.values()?;
            return self.alone(place, Node::In { operand, values, negated });
        }
        if self.take_word("LIKE")? {
            let pattern = self.pattern()?;
            return self.alone(place, Node::Like { operand, pattern, negated });
        }
        if self.take_word("BETWEEN")? {
            let low = Box::new(self.concat()?);
            self.expect_word("AND", "AND and the upper bound")?;
            let high = Box::new(self.concat()?);
            return self.alone(place, Node::Between { operand, low, high, negated });
        }
        if negated { Err(self.unexpected("IN, LIKE or BETWEEN")) } else { Ok(*operand) }
    }

    fn comparison(&self) -> Option<Comparison> {
        let Token::Symbol(symbol) = self.token else {
            return None;
        };
        let symbol = if symbol == "!=" { "<>" } else { symbol };
        Comparison::ALL.into_iter().find(|comparison| comparison.as_str() == symbol)
    }

    /// A predicate after which no other may follow: engines read `a = b IS NULL` in different ways.
    fn alone(&mut self, place: Place, node: Node) -> Result<Expr, SyntaxError> {
        let another = ["IS", "IN", "LIKE", "BETWEEN", "NOT"].iter().any(|word| self.is_word(word));
        if another || self.comparison().is_some() {
            return Err(self.unexpected("parentheses around the test before it"));
        }
        self.make(place, node)
    }

    /// The list of `IN`.
    fn values(&mut self) -> Result<Vec<Expr>, SyntaxError> {
        self.expect_symbol("(", "`(` and a list of literals")?;
        let mut values = Vec::new();
        loop {
            let place = self.place;
            let found = self.token.describe();
            if self.is_symbol(")") {
                return Err(self.unexpected("a literal"));
            }
            let value = self.unary()?;
            match &value.node {
                Node::Bool(_) | Node::Number(_) | Node::Text(_) | Node::Date(_) | Node::Timestamp(_) => {}
                Node::Null => {
                    let expected = "no NULL in a list: nothing equals it; test for it with `IS NULL`";
                    return Err(SyntaxError::new(place, found, expected));
                }
                _ => return Err(SyntaxError::new(place, found, "a literal: `IN` takes a list of them")),
            }
            values.push(value);
            if !self.take_symbol(",")? {
                break;
            }
        }
        self.expect_symbol(")", "`,` or `)`")?;
        Ok(values)
    }

    /// The pattern of `LIKE`.
    fn pattern(&mut self) -> Result<Text, SyntaxError> {
        let Token::Text(pattern) = &self.token else {
            return Err(self.unexpected("a pattern in single quotes"));
        };
        if pattern.as_str().contains('\\') {
            let expected = "a pattern without: `%` and `_` always stand for other characters";
            return Err(SyntaxError::new(self.place, "a backslash in a pattern", expected));
        }
        let pattern = pattern.clone();
        self.advance()?;
        Ok(pattern)
    }

    fn sum(&mut self) -> Result<Expr, SyntaxError> {
        self.arithmetic(Self::product, &[("+", Arithmetic::Plus), ("-", Arithmetic::Minus)])
    }

    fn product(&mut self) -> Result<Expr, SyntaxError> {
        self.arithmetic(Self::unary, &[("*", Arithmetic::Times)])
    }

    fn arithmetic(
        &mut self,
        part: fn(&mut Self) -> Result<Expr, SyntaxError>,
        operators: &[(&str, Arithmetic)],
    ) -> Result<Expr, SyntaxError> {
        let mut left = part(self)?;
        let mut length = 0;
        while let Some((symbol, operator)) = operators.iter().find(|(symbol, _)| self.is_symbol(symbol)) {
            length += 1;
            self.check_depth(length)?;
            let place = self.place;
            self.take_symbol(symbol)?;
            let right = part(self)?;
            left = self.make(place, Node::Arithmetic(Box::new(left), *operator, Box::new(right)))?;
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expr, SyntaxError> {
        let place = self.place;
        if !self.take_symbol("-")? {
            return self.primary();
        }
        let inner = self.deeper(Self::unary)?;
        let node = match inner.node {
            Node::Number(number) => Node::Number(number.negated()),
            node => Node::Negate(Box::new(Expr { place: inner.place, node })),
        };
        self.make(place, node)
    }

    fn primary(&mut self) -> Result<Expr, SyntaxError> {
        let place = self.place;
        let word = match &self.token {
            Token::Text(text) => {
                let node = Node::Text(text.clone());
                return self.leaf(place, node);
            }
            Token::Number(number) => {
                let node = Node::Number(number.clone());
                return self.leaf(place, node);
            }
            Token::Quoted(ident) => {
                let ident = ident.clone();
                self.advance()?;
                return self.column(place, ident);
            }
            Token::At(name) => {
                let name = name.clone();
                return self.at_function(place, &name);
            }
            Token::Word(word) => word.clone(),
            Token::Symbol("(") => {
                self.advance()?;
                let inner = self.nested()?;
                self.expect_symbol(")", "an operator or `)`")?;
                return Ok(inner);
            }
            _ => return Err(self.unexpected(OPERAND)),
        };
        match word.to_ascii_uppercase().as_str() {
            "NULL" => self.leaf(place, Node::Null),
            "TRUE" => self.leaf(place, Node::Bool(true)),
            "FALSE" => self.leaf(place, Node::Bool(false)),
            "CASE" => self.case(place),
            "CAST" => self.cast(place),
            _ if words::is_reserved(&word) => Err(self.unexpected(OPERAND)),
            _ => {
                self.advance()?;
                self.word(place, &word)
            }
        }
    }

    pub(super) fn leaf(&mut self, place: Place, node: Node) -> Result<Expr, SyntaxError> {
        self.advance()?;
        self.make(place, node)
    }

    /// What follows a word that is no keyword.
    fn word(&mut self, place: Place, word: &str) -> Result<Expr, SyntaxError> {
        if let Token::Text(text) = &self.token {
            let text = text.clone();
            if word.eq_ignore_ascii_case("DATE") || word.eq_ignore_ascii_case("TIMESTAMP") {
                let node = self.moment(word, &text)?;
                return self.leaf(place, node);
            }
        }
        if self.is_symbol("(") {
            let frame = Frame::find(place, word)?;
            return self.call(frame);
        }
        let ident = lexer::ident(place, word)?;
        self.column(place, ident)
    }
}
