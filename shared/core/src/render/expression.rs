//! The SQL of an expression that fits a data source.
//!
//! Where Redshift and other engines, or two sessions, could read a construct differently, it is written in the one way that
//! they read alike: conversions are casts, `LOWER` and `UPPER` change ASCII letters through `TRANSLATE`, digits that are to
//! be cut off go through `TRUNC` (Redshift does not round in an explicit cast, PostgreSQL does:
//! <https://docs.aws.amazon.com/redshift/latest/dg/r_Numeric_types201.html>), and a date is truncated as a timestamp.

use crate::{
    expression::{
        Bound, Call, Node, UserTest,
        ast::{Arithmetic, Comparison},
        date_text, timestamp_text,
    },
    model::{Condition, EntitlementKind},
    sql::{
        DataType, Number, Text,
        tree::{Expr, Function, Operator},
    },
};

const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";

/// What stands around an expression: the view that supplies its columns and knows its reader.
pub trait Surroundings {
    /// The column at an index of the data source, as it is stored.
    fn column(&self, index: usize) -> Expr;

    /// Whether the reader meets a condition; must be false where unknown.
    fn condition(&mut self, condition: &Condition) -> Expr;

    /// Whether one of the reader's values equals a column; must be false where unknown.
    fn contains(&mut self, kind: EntitlementKind, attribute: Option<&Text>, column: usize) -> Expr;

    /// The reader's database account.
    fn username(&mut self) -> Expr;
}

/// The SQL of an expression.
pub fn expression(bound: &Bound, around: &mut dyn Surroundings) -> Expr {
    match bound.node() {
        Node::Column(index) => around.column(*index),
        Node::Null => Expr::Null.cast(bound.data_type()),
        Node::Bool(value) => Expr::Bool(*value),
        Node::Number(number) => self::number(number),
        Node::Text(text) => Expr::Text(text.clone()),
        Node::Date(date) => Expr::Text(Text::printed(date_text(*date))).cast(DataType::Date),
        Node::Timestamp(moment) => Expr::Text(Text::printed(timestamp_text(*moment))).cast(DataType::Timestamp),
        Node::Or(list) => Expr::Or(several(list, around)),
        Node::And(list) => Expr::And(several(list, around)),
        Node::Not(inner) => match inner.node() {
            Node::IsNull(operand) => Expr::IsNotNull(boxed(operand, around)),
            _ => Expr::Not(boxed(inner, around)),
        },
        Node::Compare(left, comparison, right) => {
            expression(left, around).binary(operator(*comparison), expression(right, around))
        }
        Node::IsNull(inner) => Expr::IsNull(boxed(inner, around)),
        Node::In(inner, values) => Expr::InValues(boxed(inner, around), several(values, around)),
        Node::Like(inner, pattern) => Expr::Like(boxed(inner, around), pattern.clone()),
        Node::Between(inner, low, high) => Expr::Between(boxed(inner, around), boxed(low, around), boxed(high, around)),
        Node::Concat(texts) => joined(several(texts, around)),
        Node::Arithmetic(left, arithmetic, right) => {
            let operator = match arithmetic {
                Arithmetic::Plus => Operator::Plus,
                Arithmetic::Minus => Operator::Minus,
                Arithmetic::Times => Operator::Times,
            };
            expression(left, around).binary(operator, expression(right, around))
        }
        Node::Negate(inner) => Expr::Negate(boxed(inner, around)),
        Node::Case(whens, otherwise) => {
            let whens = whens.iter().map(|(when, then)| (expression(when, around), expression(then, around))).collect();
            Expr::Case(whens, boxed(otherwise, around))
        }
        Node::Cast(inner) => cast(expression(inner, around), inner.data_type(), bound.data_type()),
        Node::Narrow(inner) => narrow(expression(inner, around), bound.data_type()),
        Node::Call(call) => self::call(call, around),
        Node::User(UserTest::Has(condition)) => around.condition(condition),
        Node::User(UserTest::Contains { kind, attribute, column }) => {
            around.contains(*kind, attribute.as_ref(), *column)
        }
        Node::User(UserTest::Username(other)) => around.username().equals(expression(other, around)),
    }
}

fn boxed(bound: &Bound, around: &mut dyn Surroundings) -> Box<Expr> {
    Box::new(expression(bound, around))
}

fn several(list: &[Bound], around: &mut dyn Surroundings) -> Vec<Expr> {
    list.iter().map(|one| expression(one, around)).collect()
}

/// A number; one that might be too large for eight bytes says its type, since it would else be read as `DECIMAL(19,s)`.
fn number(number: &Number) -> Expr {
    match number.data_type() {
        wide @ DataType::Decimal { precision: 19.., .. } => Expr::Text(Text::printed(number.to_string())).cast(wide),
        _ => Expr::Number(number.clone()),
    }
}

fn operator(comparison: Comparison) -> Operator {
    match comparison {
        Comparison::Equal => Operator::Equal,
        Comparison::NotEqual => Operator::NotEqual,
        Comparison::Less => Operator::Less,
        Comparison::LessOrEqual => Operator::LessOrEqual,
        Comparison::Greater => Operator::Greater,
        Comparison::GreaterOrEqual => Operator::GreaterOrEqual,
    }
}

/// Texts joined pair by pair, so that a long list does not nest deep.
fn joined(mut texts: Vec<Expr>) -> Expr {
    while texts.len() > 1 {
        let mut pairs = Vec::with_capacity(texts.len().div_ceil(2));
        let mut rest = texts.into_iter();
        while let Some(left) = rest.next() {
            pairs.push(match rest.next() {
                Some(right) => left.binary(Operator::Concat, right),
                None => left,
            });
        }
        texts = pairs;
    }
    texts.pop().unwrap_or(Expr::Null)
}

fn scale(data_type: DataType) -> u8 {
    match data_type {
        DataType::Decimal { scale, .. } => scale,
        _ => 0,
    }
}

fn cast(inner: Expr, from: DataType, to: DataType) -> Expr {
    let exact = matches!(to, DataType::SmallInt | DataType::Integer | DataType::BigInt | DataType::Decimal { .. });
    if exact && scale(from) > scale(to) {
        let digits = Expr::Int(i64::from(scale(to)));
        return Expr::Call(Function::Trunc, vec![inner, digits]).cast(to);
    }
    inner.cast(to)
}

/// A number, or null where it is out of the range of a type. The cast is reached only within the range.
fn narrow(inner: Expr, to: DataType) -> Expr {
    let Some((least, most)) = range(to) else {
        return Expr::Null.cast(to);
    };
    let within = Expr::Between(Box::new(inner.clone()), Box::new(least), Box::new(most));
    Expr::Case(vec![(within, inner.cast(to))], Box::new(Expr::Null.cast(to)))
}

/// The least and the largest number of an exact type.
fn range(data_type: DataType) -> Option<(Expr, Expr)> {
    match data_type {
        DataType::SmallInt => Some((Expr::Int(i16::MIN.into()), Expr::Int(i16::MAX.into()))),
        DataType::Integer => Some((Expr::Int(i32::MIN.into()), Expr::Int(i32::MAX.into()))),
        DataType::BigInt => {
            let least = Number::new(&i64::MIN.unsigned_abs().to_string(), "")?.negated();
            Some((self::number(&least), Expr::Int(i64::MAX)))
        }
        DataType::Decimal { precision, scale } => {
            let most = Number::largest(precision, scale);
            Some((self::number(&most.clone().negated()), self::number(&most)))
        }
        _ => None,
    }
}

fn call(call: &Call, around: &mut dyn Surroundings) -> Expr {
    let count = |count: u32| Expr::Int(i64::from(count));
    let (function, arguments) = match call {
        Call::Abs(number) => (Function::Abs, vec![expression(number, around)]),
        Call::Coalesce(values) => (Function::Coalesce, several(values, around)),
        Call::DateTrunc(unit, moment) => {
            let own = moment.data_type();
            let inner = expression(moment, around);
            let inner = if own == DataType::Date { inner.cast(DataType::Timestamp) } else { inner };
            let truncated = Expr::Call(Function::DateTrunc, vec![Expr::fixed(unit.as_str()), inner]);
            return if own == DataType::Date { truncated.cast(own) } else { truncated };
        }
        Call::GetDate => (Function::GetDate, vec![]),
        Call::Left(text, n) => (Function::Left, vec![expression(text, around), count(*n)]),
        Call::Length(text) => (Function::Length, vec![expression(text, around)]),
        Call::Lower(text) => {
            (Function::Translate, vec![expression(text, around), Expr::fixed(UPPER), Expr::fixed(LOWER)])
        }
        Call::NullIf(value, other) => (Function::NullIf, vec![expression(value, around), expression(other, around)]),
        Call::Replace(text, search, replacement) => {
            let arguments = vec![expression(text, around), Expr::Text(search.clone()), Expr::Text(replacement.clone())];
            (Function::Replace, arguments)
        }
        Call::Right(text, n) => (Function::Right, vec![expression(text, around), count(*n)]),
        Call::Substring(text, start, n) => {
            (Function::Substring, vec![expression(text, around), count(*start), count(*n)])
        }
        Call::Trim(text) => (Function::Btrim, vec![expression(text, around)]),
        Call::Upper(text) => {
            (Function::Translate, vec![expression(text, around), Expr::fixed(LOWER), Expr::fixed(UPPER)])
        }
    };
    Expr::Call(function, arguments)
}
