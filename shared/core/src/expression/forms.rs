//! CASE, CAST, and dates and timestamps written out.

use super::{
    ast::{Expr, Node},
    error::{Place, SyntaxError},
    lexer::Token,
    moment,
    parser::Parser,
};
use crate::{
    model::name::found,
    sql::{DataType, Text},
};

impl Parser<'_> {
    pub(super) fn case(&mut self, place: Place) -> Result<Expr, SyntaxError> {
        self.advance()?;
        if !self.is_word("WHEN") {
            return Err(self.unexpected("WHEN and a condition: a CASE has no value before it"));
        }
        let mut whens = Vec::new();
        while self.take_word("WHEN")? {
            let when = self.nested()?;
            self.expect_word("THEN", "an operator or THEN")?;
            whens.push((when, self.nested()?));
        }
        let otherwise = if self.take_word("ELSE")? { Some(Box::new(self.nested()?)) } else { None };
        let expected = if otherwise.is_some() { "an operator or END" } else { "an operator, WHEN, ELSE or END" };
        self.expect_word("END", expected)?;
        self.make(place, Node::Case { whens, otherwise })
    }

    pub(super) fn cast(&mut self, place: Place) -> Result<Expr, SyntaxError> {
        self.advance()?;
        self.expect_symbol("(", "`(`")?;
        let inner = self.nested()?;
        self.expect_word("AS", "an operator or AS")?;
        let data_type = self.data_type()?;
        self.expect_symbol(")", "`)`")?;
        self.make(place, Node::Cast(Box::new(inner), data_type))
    }

    fn data_type(&mut self) -> Result<DataType, SyntaxError> {
        const EXPECTED: &str = "one of SMALLINT, INTEGER, BIGINT, DECIMAL(p,s), VARCHAR(n), DATE, TIMESTAMP";
        let place = self.place;
        let mut name = String::new();
        while let Token::Word(word) = &self.token {
            if !name.is_empty() {
                name.push(' ');
            }
            name.push_str(word);
            self.advance()?;
        }
        if name.is_empty() {
            return Err(self.unexpected(EXPECTED));
        }
        if self.take_symbol("(")? {
            let mut separator = "(";
            while let Token::Number(number) = &self.token {
                name.push_str(separator);
                name.push_str(&number.to_string());
                separator = ",";
                self.advance()?;
                if !self.take_symbol(",")? {
                    break;
                }
            }
            self.expect_symbol(")", "a number or `)`")?;
            name.push(')');
        }
        match name.parse::<DataType>() {
            Ok(
                data_type @ (DataType::SmallInt
                | DataType::Integer
                | DataType::BigInt
                | DataType::Decimal { .. }
                | DataType::VarChar(_)
                | DataType::Date
                | DataType::Timestamp),
            ) => Ok(data_type),
            _ => Err(SyntaxError::new(place, found(&name), EXPECTED)),
        }
    }

    /// The text behind DATE or TIMESTAMP.
    pub(super) fn moment(&self, word: &str, text: &Text) -> Result<Node, SyntaxError> {
        let node = if word.eq_ignore_ascii_case("DATE") {
            moment::date(text).map(Node::Date)
        } else {
            moment::timestamp(text).map(Node::Timestamp)
        };
        node.ok_or_else(|| {
            let expected = if word.eq_ignore_ascii_case("DATE") {
                "a day that exists, as `DATE 'YYYY-MM-DD'`"
            } else {
                "a moment that exists, as `TIMESTAMP 'YYYY-MM-DD HH:MM:SS'`"
            };
            SyntaxError::new(self.place, found(text.as_str()), expected)
        })
    }
}
