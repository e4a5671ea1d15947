//! The expression language: what a policy's author may write of SQL, and nothing else.
//!
//! ```text
//! rows:   {where: "c_country = 'DE' OR @attributeValuesContains('country', c_country)"}
//! masks:  where: "c_balance > 1000"      {kind: custom, expression: "LEFT(c_phone, 3) || '***'"}
//! ```
//!
//! An author's text never becomes SQL. It is read into a tree ([`ast`]) that has only allowed nodes, the tree is checked
//! against the columns of a data source ([`bind()`]), and SQL is printed from the checked tree
//! ([`crate::render::expression`]). What is accepted can't fail on any row: an error would take the view away from its
//! readers, or tell them of rows they may not see.
//!
//! Two things are Redshift's own and not hidden here. It ignores trailing blanks when it compares texts, which other engines
//! do not (<https://docs.aws.amazon.com/redshift/latest/dg/r_Character_types.html>). And texts are ordered and compared by the
//! collation of the database or column; without one, by bytes.

pub mod ast;
pub mod bind;
mod bound;
mod calls;
mod display;
pub mod error;
mod forms;
pub mod functions;
mod lexer;
mod moment;
mod parser;
mod types;
mod units;
mod users;
mod words;

use std::fmt;

pub use bind::{BindError, bind, bind_mask};
pub use bound::{Bound, Call, Node, UserTest};
pub(crate) use display::{date_text, timestamp_text};
pub use error::{Place, SyntaxError};
pub use functions::{AT_FUNCTIONS, FUNCTIONS};
pub use parser::{MAX_BYTES, MAX_DEPTH, MAX_NODES};

use crate::{model::Tag, sql::Ident};

/// What an expression is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Decides which rows are seen; the only kind that may test the user.
    RowPredicate,
    /// Decides which cells are masked.
    CellPredicate,
    /// Is what is seen instead of a value.
    MaskValue,
}

/// An expression that was parsed. Two are equal if they say the same, however they were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expression {
    kind: Kind,
    root: ast::Expr,
}

impl Expression {
    /// Parses a text.
    ///
    /// # Errors
    /// The first thing that is wrong with it, and where.
    pub fn parse(text: &str, kind: Kind) -> Result<Self, SyntaxError> {
        let root = parser::parse(text)?;
        users::check(&root, kind)?;
        Ok(Self { kind, root })
    }

    /// What it is for.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its tree.
    #[must_use]
    pub fn root(&self) -> &ast::Expr {
        &self.root
    }

    /// The columns it names, each as often as it does, and where.
    pub fn columns(&self) -> impl Iterator<Item = (&Ident, Place)> {
        self.references().into_iter().filter_map(|(column, place)| match column {
            ast::Column::Named(ident) => Some((ident, place)),
            ast::Column::Tagged(_) => None,
        })
    }

    /// The tags by which it means columns, each as often as it does, and where.
    pub fn tags(&self) -> impl Iterator<Item = (&Tag, Place)> {
        self.references().into_iter().filter_map(|(column, place)| match column {
            ast::Column::Named(_) => None,
            ast::Column::Tagged(tag) => Some((tag, place)),
        })
    }

    fn references(&self) -> Vec<(&ast::Column, Place)> {
        let mut found = Vec::new();
        self.root.walk(&mut |expr| match &expr.node {
            ast::Node::Column(column) => found.push((column, expr.place)),
            ast::Node::User(ast::UserTest::Contains { column, place, .. }) => found.push((column, *place)),
            _ => {}
        });
        found
    }
}

/// A text that parses to the same expression.
impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.fmt(f)
    }
}

#[cfg(test)]
mod tests;
