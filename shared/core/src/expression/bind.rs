//! Checking an expression against the columns of a data source.
//!
//! Types never change by themselves, with two exceptions that can't surprise: a text written out beside a date or a
//! timestamp is read as one, and a date beside a timestamp is its midnight.

mod convert;
mod error;
mod nodes;

pub use error::BindError;

use super::{
    Expression, Kind,
    ast::{self, Column},
    bound::{Bound, Node, UserTest},
    error::Place,
    types::{self, Class, has_stable_text},
};
use crate::{
    event::suggest::suggest,
    model::{Condition, DataSource, Tag, policy::Selector},
    resolve::ColumnIndex,
    sql::{DataType, data_type::MAX_VARCHAR},
};

/// Checks an expression against a data source. A predicate's type is `BOOLEAN`.
///
/// # Errors
/// The first thing that does not fit.
pub fn bind(expression: &Expression, source: &DataSource) -> Result<Bound, BindError> {
    let binder = Binder { source, columns: ColumnIndex::new(source) };
    match expression.kind() {
        Kind::RowPredicate | Kind::CellPredicate => binder.condition(expression.root()),
        Kind::MaskValue => binder.value(expression.root()),
    }
}

/// Checks the expression of a mask against a data source and the column it masks. The result's type is the one the column
/// must be shown with: its own, or for texts a `VARCHAR` with room for the result.
///
/// | column | result |
/// | --- | --- |
/// | any | `NULL` |
/// | text | text; a `CHAR` becomes a `VARCHAR`, since it could hold no character of several bytes |
/// | exact number | exact number: digits after the point that the column has not are cut off; out of its range becomes null |
/// | floating-point number | exact number; floating-point number that is not wider |
/// | boolean, date, timestamp | the same; a date for a timestamp |
///
/// # Errors
/// The first thing that does not fit.
pub fn bind_mask(expression: &Expression, source: &DataSource, column: usize) -> Result<Bound, BindError> {
    let binder = Binder { source, columns: ColumnIndex::new(source) };
    let root = expression.root();
    let column = source.columns.get(column).ok_or(BindError::NoSuchIndex { index: column })?;
    if root.node == ast::Node::Null {
        return Ok(Bound::new(Node::Null, column.data_type));
    }
    let value = binder.value(root)?;
    let found = value.data_type;
    convert::fit(value, column.data_type, root.place)?.ok_or_else(|| BindError::DoesNotFit {
        place: root.place,
        found: types::in_words(found),
        column: column.name.as_str().to_owned(),
        data_type: column.data_type,
    })
}

struct Binder<'a> {
    source: &'a DataSource,
    columns: ColumnIndex<'a>,
}

impl Binder<'_> {
    /// An expression that is true, false or null.
    fn condition(&self, expr: &ast::Expr) -> Result<Bound, BindError> {
        let bound = self.value(expr)?;
        self.of_class(bound, expr, Class::Boolean)
    }

    fn of_class(&self, bound: Bound, expr: &ast::Expr, class: Class) -> Result<Bound, BindError> {
        if Class::of(bound.data_type) == Some(class) {
            return Ok(bound);
        }
        Err(BindError::mismatch(expr.place, types::in_words(bound.data_type), class.as_str()))
    }

    fn conditions(&self, list: &[ast::Expr]) -> Result<Vec<Bound>, BindError> {
        list.iter().map(|one| self.condition(one)).collect()
    }

    /// A text.
    fn text(&self, expr: &ast::Expr) -> Result<Bound, BindError> {
        let bound = self.value(expr)?;
        self.of_class(bound, expr, Class::Text)
    }

    /// A column, a `CHAR` without its padding.
    fn column(&self, column: &Column, place: Place) -> Result<Bound, BindError> {
        let index = self.find(column, place)?;
        let found = self.source.columns.get(index).ok_or(BindError::NoSuchIndex { index })?;
        let data_type = found.data_type;
        if Class::of(data_type).is_none() {
            return Err(BindError::UnusableColumn { place, column: found.name.as_str().to_owned(), data_type });
        }
        let bound = Bound::new(Node::Column(index), data_type);
        Ok(match data_type {
            DataType::Char(bytes) => Bound::new(Node::Cast(Box::new(bound)), DataType::VarChar(bytes)),
            _ => bound,
        })
    }

    fn find(&self, column: &Column, place: Place) -> Result<usize, BindError> {
        match column {
            Column::Named(name) => {
                let found = self.source.columns.iter().position(|column| column.name.is_same(name));
                found.ok_or_else(|| {
                    let name = name.as_str();
                    let hint = suggest(name, self.source.columns.iter().map(|column| column.name.as_str()));
                    BindError::UnknownColumn { place, column: name.to_owned(), hint }
                })
            }
            Column::Tagged(tag) => self.tagged(tag, place),
        }
    }

    fn tagged(&self, tag: &Tag, place: Place) -> Result<usize, BindError> {
        let found = self.columns.select(&Selector::Tag(tag.clone()));
        match *found.as_slice() {
            [one] => Ok(one),
            [] => {
                let tags = self.source.columns.iter().flat_map(|column| &column.tags).flat_map(Tag::lineage);
                let hint = suggest(tag.as_str(), tags);
                Err(BindError::UnknownTag { place, tag: tag.clone(), hint })
            }
            _ => {
                let columns = found.iter().filter_map(|index| self.source.columns.get(*index));
                let columns = columns.map(|column| column.name.as_str().to_owned()).collect();
                Err(BindError::AmbiguousTag { place, tag: tag.clone(), columns })
            }
        }
    }

    fn user(&self, test: &ast::UserTest) -> Result<Bound, BindError> {
        let test = match test {
            ast::UserTest::Has(entitlement) => UserTest::Has(Condition::Has(entitlement.clone())),
            ast::UserTest::Contains { kind, attribute, column, place } => {
                let index = self.find(column, *place)?;
                let found = self.source.columns.get(index).ok_or(BindError::NoSuchIndex { index })?;
                if !has_stable_text(found.data_type) {
                    let column = found.name.as_str().to_owned();
                    return Err(BindError::CannotMatch { place: *place, column, data_type: found.data_type });
                }
                UserTest::Contains { kind: *kind, attribute: attribute.clone(), column: index }
            }
        };
        Ok(Bound::new(Node::User(test), DataType::Boolean))
    }
}

/// A text's type by its bytes; an empty one needs a byte all the same.
fn text_type(bytes: u64, place: Place) -> Result<DataType, BindError> {
    let bytes = bytes.max(1);
    u32::try_from(bytes)
        .ok()
        .filter(|bytes| *bytes <= MAX_VARCHAR)
        .map(DataType::VarChar)
        .ok_or(BindError::TooLong { place, bytes })
}

fn text_bytes(bound: &Bound) -> u64 {
    u64::from(bound.data_type.text_bytes().unwrap_or_default())
}
