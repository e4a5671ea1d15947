//! An expression as text again: the text that parses to the same tree, with no more parentheses than it needs.

use std::fmt::{self, Display as _};

use time::{Date, PrimitiveDateTime};

use super::{
    ast::{Arithmetic, Column, Expr, Node, UserTest},
    lexer::{begins_word, continues_word},
    words::is_reserved,
};
use crate::sql::Ident;

/// How tightly a node binds; a node inside a tighter place needs parentheses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Or,
    And,
    Not,
    Predicate,
    Concat,
    Sum,
    Product,
    Unary,
    Primary,
}

fn level(node: &Node) -> Level {
    match node {
        Node::Or(_) => Level::Or,
        Node::And(_) => Level::And,
        Node::Not(_) => Level::Not,
        Node::Compare(..) | Node::IsNull { .. } | Node::In { .. } | Node::Like { .. } | Node::Between { .. } => {
            Level::Predicate
        }
        Node::Concat(_) => Level::Concat,
        Node::Arithmetic(_, Arithmetic::Plus | Arithmetic::Minus, _) => Level::Sum,
        Node::Arithmetic(_, Arithmetic::Times, _) => Level::Product,
        Node::Negate(_) => Level::Unary,
        Node::Number(number) if number.is_negative() => Level::Unary,
        _ => Level::Primary,
    }
}

/// A node where only what binds at least so tightly may stand bare.
struct At<'a>(&'a Expr, Level);

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if level(&self.0.node) < self.1 { write!(f, "({})", self.0) } else { self.0.fmt(f) }
    }
}

fn list<'a>(f: &mut fmt::Formatter<'_>, separator: &str, items: impl IntoIterator<Item = At<'a>>) -> fmt::Result {
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            f.write_str(separator)?;
        }
        item.fmt(f)?;
    }
    Ok(())
}

/// The text in single quotes.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'", self.0.replace('\'', "''"))
    }
}

struct Not(bool);

impl fmt::Display for Not {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0 { "NOT " } else { "" })
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.node {
            Node::Column(Column::Named(ident)) => column(f, ident),
            Node::Column(Column::Tagged(tag)) => write!(f, "@columnTagged({})", Quoted(tag.as_str())),
            Node::Null => f.write_str("NULL"),
            Node::Bool(value) => f.write_str(if *value { "TRUE" } else { "FALSE" }),
            Node::Number(number) => number.fmt(f),
            Node::Text(text) => Quoted(text.as_str()).fmt(f),
            Node::Date(date) => write!(f, "DATE '{}'", date_text(*date)),
            Node::Timestamp(moment) => write!(f, "TIMESTAMP '{}'", timestamp_text(*moment)),
            Node::Or(any) => list(f, " OR ", any.iter().map(|one| At(one, Level::And))),
            Node::And(all) => list(f, " AND ", all.iter().map(|one| At(one, Level::Not))),
            Node::Not(inner) => write!(f, "NOT {}", At(inner, Level::Not)),
            Node::Compare(left, comparison, right) => {
                write!(f, "{} {} {}", At(left, Level::Concat), comparison.as_str(), At(right, Level::Concat))
            }
            Node::IsNull { operand, negated } => {
                write!(f, "{} IS {}NULL", At(operand, Level::Concat), Not(*negated))
            }
            Node::In { operand, values, negated } => {
                write!(f, "{} {}IN (", At(operand, Level::Concat), Not(*negated))?;
                list(f, ", ", values.iter().map(|value| At(value, Level::Or)))?;
                f.write_str(")")
            }
            Node::Like { operand, pattern, negated } => {
                write!(f, "{} {}LIKE {}", At(operand, Level::Concat), Not(*negated), Quoted(pattern.as_str()))
            }
            Node::Between { operand, low, high, negated } => {
                let at = |expr| At(expr, Level::Concat);
                write!(f, "{} {}BETWEEN {} AND {}", at(operand), Not(*negated), at(low), at(high))
            }
            Node::Concat(texts) => list(f, " || ", texts.iter().map(|text| At(text, Level::Sum))),
            Node::Arithmetic(left, operator, right) => {
                let (own, next) = match operator {
                    Arithmetic::Plus | Arithmetic::Minus => (Level::Sum, Level::Product),
                    Arithmetic::Times => (Level::Product, Level::Unary),
                };
                write!(f, "{} {} {}", At(left, own), operator.as_str(), At(right, next))
            }
            // Two minus signs in a row would begin a comment.
            Node::Negate(inner) if level(&inner.node) == Level::Unary => write!(f, "- {inner}"),
            Node::Negate(inner) => write!(f, "-{}", At(inner, Level::Unary)),
            Node::Case { whens, otherwise } => {
                f.write_str("CASE")?;
                for (when, then) in whens {
                    write!(f, " WHEN {when} THEN {then}")?;
                }
                if let Some(otherwise) = otherwise {
                    write!(f, " ELSE {otherwise}")?;
                }
                f.write_str(" END")
            }
            Node::Cast(inner, data_type) => write!(f, "CAST({inner} AS {data_type})"),
            Node::Call(function, arguments) => {
                write!(f, "{}(", function.name())?;
                list(f, ", ", arguments.iter().map(|argument| At(argument, Level::Or)))?;
                f.write_str(")")
            }
            Node::User(test) => user_test(f, test),
            Node::Username => f.write_str("@username"),
        }
    }
}

fn user_test(f: &mut fmt::Formatter<'_>, test: &UserTest) -> fmt::Result {
    write!(f, "@{}(", test.function().name())?;
    let name = match test {
        UserTest::Has(entitlement) => &entitlement.name,
        UserTest::Contains { attribute, .. } => attribute,
    };
    if let Some(name) = name {
        write!(f, "{}, ", Quoted(name.as_str()))?;
    }
    match test {
        UserTest::Has(entitlement) => {
            for (index, value) in entitlement.values.iter().enumerate() {
                write!(f, "{}{}", if index > 0 { ", " } else { "" }, Quoted(value.as_str()))?;
            }
        }
        UserTest::Contains { column: Column::Named(ident), .. } => column(f, ident)?,
        UserTest::Contains { column: Column::Tagged(tag), .. } => {
            write!(f, "@columnTagged({})", Quoted(tag.as_str()))?;
        }
    }
    f.write_str(")")
}

fn column(f: &mut fmt::Formatter<'_>, ident: &Ident) -> fmt::Result {
    let name = ident.as_str();
    let bare = name.chars().next().is_some_and(begins_word) && name.chars().all(continues_word) && !is_reserved(name);
    if bare { f.write_str(name) } else { write!(f, "\"{}\"", name.replace('"', "\"\"")) }
}

/// `YYYY-MM-DD`.
pub(crate) fn date_text(date: Date) -> String {
    format!("{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day())
}

/// `YYYY-MM-DD HH:MM:SS`.
pub(crate) fn timestamp_text(moment: PrimitiveDateTime) -> String {
    let (hour, minute, second) = moment.as_hms();
    format!("{} {hour:02}:{minute:02}:{second:02}", date_text(moment.date()))
}
