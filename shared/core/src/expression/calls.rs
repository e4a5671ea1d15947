//! Functions, `@` functions and columns: what stands behind a name.

use std::collections::BTreeSet;

use super::{
    ast::{Column, Expr, Node, UserTest},
    error::{Place, SyntaxError},
    functions::{self, Argument, AtFunction, Described},
    lexer::{self, Token},
    parser::Parser,
    units,
};
use crate::{
    event::Fault,
    model::{Entitlement, EntitlementKind, Tag, name},
    sql::{Ident, Text},
};

/// Most characters that `LEFT` and its like may count: as many as the longest text has bytes.
const MAX_COUNT: i64 = 65_535;

/// A function whose arguments are to be read.
pub(super) struct Frame {
    place: Place,
    described: &'static Described,
}

impl Frame {
    pub(super) fn find(place: Place, name: &str) -> Result<Self, SyntaxError> {
        functions::find(name).map(|described| Self { place, described }).ok_or_else(|| {
            let names: Vec<&str> = functions::FUNCTIONS.iter().flat_map(|known| known.names.first()).copied().collect();
            let found = format!("the function {}", name::found(name));
            SyntaxError::new(place, found, format!("one of {}", names.join(", "))).hint(functions::meant(name))
        })
    }
}

impl Parser<'_> {
    /// A function's arguments; its name was read, the parenthesis was not.
    pub(super) fn call(&mut self, frame: Frame) -> Result<Expr, SyntaxError> {
        let Frame { place, described } = frame;
        let expected = || format!("`{}`", described.signature);
        self.advance()?;
        let mut arguments = Vec::new();
        let mut wanted = described.arguments.iter().copied();
        let mut last = None;
        while !self.is_symbol(")") {
            let argument = match wanted.next() {
                Some(argument) => argument,
                None if last == Some(Argument::More) => Argument::More,
                None => return Err(self.unexpected(&expected())),
            };
            let start = self.place;
            let found = self.token.describe();
            let value = self.nested()?;
            check(argument, start, found, &value)?;
            last = Some(argument);
            arguments.push(value);
            if !self.take_symbol(",")? {
                if !self.is_symbol(")") {
                    return Err(self.unexpected("an operator, `,` or `)`"));
                }
                break;
            }
            if self.is_symbol(")") {
                return Err(self.unexpected(&expected()));
            }
        }
        if wanted.next().is_some() {
            return Err(self.unexpected(&expected()));
        }
        self.advance()?;
        self.make(place, Node::Call(described.function, arguments))
    }

    /// A column that was read; it has no table's name before it.
    pub(super) fn column(&mut self, place: Place, ident: Ident) -> Result<Expr, SyntaxError> {
        if self.is_symbol(".") {
            return Err(self.unexpected("a column alone, without the name of a table"));
        }
        self.make(place, Node::Column(Column::Named(ident)))
    }

    /// An `@` function; its name stands here.
    pub(super) fn at_function(&mut self, place: Place, name: &str) -> Result<Expr, SyntaxError> {
        let described = functions::find_at(name).ok_or_else(|| {
            let names: Vec<String> = functions::AT_FUNCTIONS.iter().map(|known| format!("@{}", known.name)).collect();
            let expected = format!("one of {}", names.join(", "));
            SyntaxError::new(place, self.token.describe(), expected).hint(functions::meant_at(name))
        })?;
        self.advance()?;
        let signature = described.signature;
        if described.function == AtFunction::Username {
            if self.is_symbol("(") {
                return Err(self.unexpected("`@username` without parentheses"));
            }
            return self.make(place, Node::Username);
        }
        self.expect_symbol("(", &format!("`{signature}`"))?;
        let node = match described.function {
            AtFunction::ColumnTagged => Node::Column(Column::Tagged(self.tag(signature)?)),
            AtFunction::ColumnReference => Node::Column(Column::Named(self.reference(signature)?)),
            AtFunction::HasAttribute => {
                let attribute = self.entitlement(signature)?;
                self.expect_symbol(",", &format!("`{signature}`"))?;
                let values = BTreeSet::from([self.entitlement(signature)?]);
                let kind = EntitlementKind::Attribute;
                Node::User(UserTest::Has(Entitlement { kind, name: Some(attribute), values }))
            }
            AtFunction::IsInGroups => self.one_of(EntitlementKind::Group, signature)?,
            AtFunction::HasPurpose => self.one_of(EntitlementKind::Purpose, signature)?,
            AtFunction::AttributeValuesContains => {
                let attribute = self.entitlement(signature)?;
                self.expect_symbol(",", &format!("`{signature}`"))?;
                self.contains(EntitlementKind::Attribute, Some(attribute))?
            }
            AtFunction::GroupsContains => self.contains(EntitlementKind::Group, None)?,
            AtFunction::PurposesContains => self.contains(EntitlementKind::Purpose, None)?,
            AtFunction::Username => Node::Username,
        };
        self.expect_symbol(")", &format!("`{signature}`"))?;
        self.make(place, node)
    }

    /// A text that stands here, as `check` makes it.
    fn text<T>(&mut self, signature: &str, check: impl FnOnce(&str) -> Result<T, Fault>) -> Result<T, SyntaxError> {
        let Token::Text(text) = &self.token else {
            return Err(self.unexpected(&format!("`{signature}`")));
        };
        let checked =
            check(text.as_str()).map_err(|fault| SyntaxError::new(self.place, fault.found, fault.expected))?;
        self.advance()?;
        Ok(checked)
    }

    /// The name or value of something users have.
    fn entitlement(&mut self, signature: &str) -> Result<Text, SyntaxError> {
        self.text(signature, |text| name::value("", text))
    }

    fn one_of(&mut self, kind: EntitlementKind, signature: &str) -> Result<Node, SyntaxError> {
        let mut values = BTreeSet::from([self.entitlement(signature)?]);
        while self.take_symbol(",")? {
            values.insert(self.entitlement(signature)?);
        }
        Ok(Node::User(UserTest::Has(Entitlement { kind, name: None, values })))
    }

    fn contains(&mut self, kind: EntitlementKind, attribute: Option<Text>) -> Result<Node, SyntaxError> {
        const EXPECTED: &str = "a column, bare or as `@columnTagged('tag')` or `@columnReference('name')`";
        let (place, found) = (self.place, self.token.describe());
        let written = matches!(self.token, Token::Word(_) | Token::Quoted(_) | Token::At(_));
        if !written {
            return Err(self.unexpected(EXPECTED));
        }
        match self.nested()? {
            Expr { node: Node::Column(column), .. } => {
                Ok(Node::User(UserTest::Contains { kind, attribute, column, place }))
            }
            _ => Err(SyntaxError::new(place, found, EXPECTED)),
        }
    }

    fn tag(&mut self, signature: &str) -> Result<Tag, SyntaxError> {
        self.text(signature, |text| Tag::check("", text))
    }

    fn reference(&mut self, signature: &str) -> Result<Ident, SyntaxError> {
        let place = self.place;
        let name = self.text(signature, |text| Ok(text.to_owned()))?;
        lexer::ident(place, name)
    }
}

/// Checks that an argument is of the kind the function takes.
fn check(argument: Argument, place: Place, found: String, value: &Expr) -> Result<(), SyntaxError> {
    let text = match &value.node {
        Node::Text(text) => Some(text.as_str()),
        _ => None,
    };
    let (fits, expected) = match argument {
        Argument::Value | Argument::More => (true, ""),
        Argument::Count => (count(value).is_some(), "a whole number from 1 to 65535, written out"),
        Argument::Text => (text.is_some(), "a text, written out"),
        Argument::Search => {
            (text.is_some_and(|text| !text.is_empty()), "a text of at least one character, written out")
        }
        Argument::Unit => {
            let fits = text.is_some_and(|text| units::find(text).is_some());
            (fits, "'hour', 'day', 'week', 'month', 'quarter' or 'year'")
        }
    };
    if fits { Ok(()) } else { Err(SyntaxError::new(place, found, expected)) }
}

/// The value of a count.
pub(super) fn count(value: &Expr) -> Option<u32> {
    let Node::Number(number) = &value.node else {
        return None;
    };
    let count = number.to_string().parse::<i64>().ok().filter(|count| (1..=MAX_COUNT).contains(count))?;
    u32::try_from(count).ok()
}
