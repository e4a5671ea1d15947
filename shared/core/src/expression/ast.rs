//! The tree of an expression as its author wrote it, before anything is known of a data source.

use time::{Date, PrimitiveDateTime};

use super::{
    error::Place,
    functions::{AtFunction, Function},
};
use crate::{
    model::{Entitlement, EntitlementKind, Tag},
    sql::{DataType, Ident, Number, Text},
};

/// A node and where it stands. Two are equal if they say the same, wherever they stand.
#[derive(Debug, Clone)]
pub struct Expr {
    /// Where it begins; for an operator, where the operator stands.
    pub place: Place,
    /// What it says.
    pub node: Node,
}

impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        self.node == other.node
    }
}

impl Eq for Expr {}

/// What a node says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// A column.
    Column(Column),
    /// `NULL`.
    Null,
    /// `TRUE` or `FALSE`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    Text(Text),
    /// `DATE '…'`.
    Date(Date),
    /// `TIMESTAMP '…'`.
    Timestamp(PrimitiveDateTime),
    /// Two or more, of which one must hold.
    Or(Vec<Expr>),
    /// Two or more, of which all must hold.
    And(Vec<Expr>),
    /// `NOT x`.
    Not(Box<Expr>),
    /// `a = b` and the like.
    Compare(Box<Expr>, Comparison, Box<Expr>),
    /// `x IS NULL`.
    IsNull {
        /// What is asked about.
        operand: Box<Expr>,
        /// Whether it is `IS NOT NULL`.
        negated: bool,
    },
    /// `x IN (…)`.
    In {
        /// What is asked about.
        operand: Box<Expr>,
        /// Literals, none of them null.
        values: Vec<Expr>,
        /// Whether it is `NOT IN`.
        negated: bool,
    },
    /// `x LIKE '…'`.
    Like {
        /// What is asked about.
        operand: Box<Expr>,
        /// The pattern; it has no backslash.
        pattern: Text,
        /// Whether it is `NOT LIKE`.
        negated: bool,
    },
    /// `x BETWEEN a AND b`.
    Between {
        /// What is asked about.
        operand: Box<Expr>,
        /// The least.
        low: Box<Expr>,
        /// The most.
        high: Box<Expr>,
        /// Whether it is `NOT BETWEEN`.
        negated: bool,
    },
    /// Two or more texts joined by `||`.
    Concat(Vec<Expr>),
    /// `a + b` and the like.
    Arithmetic(Box<Expr>, Arithmetic, Box<Expr>),
    /// `-x`, where x is not a number literal.
    Negate(Box<Expr>),
    /// `CASE WHEN … THEN … ELSE … END`.
    Case {
        /// At least one condition with its result.
        whens: Vec<(Expr, Expr)>,
        /// The result when none holds; null when absent.
        otherwise: Option<Box<Expr>>,
    },
    /// `CAST(x AS type)`.
    Cast(Box<Expr>, DataType),
    /// A function with arguments of the kinds it takes.
    Call(Function, Vec<Expr>),
    /// A test of the user.
    User(UserTest),
    /// `@username`.
    Username,
}

/// How a column is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Column {
    /// By its name.
    Named(Ident),
    /// By its tag.
    Tagged(Tag),
}

/// A test of the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserTest {
    /// They have something.
    Has(Entitlement),
    /// One of their values equals a column.
    Contains {
        /// The kind of value.
        kind: EntitlementKind,
        /// The attribute's name; absent for other kinds.
        attribute: Option<Text>,
        /// The column.
        column: Column,
        /// Where the column stands.
        place: Place,
    },
}

impl UserTest {
    /// The `@` function it is written with.
    #[must_use]
    pub fn function(&self) -> AtFunction {
        let (kind, contains) = match self {
            Self::Has(entitlement) => (entitlement.kind, false),
            Self::Contains { kind, .. } => (*kind, true),
        };
        match (kind, contains) {
            (EntitlementKind::Purpose, false) => AtFunction::HasPurpose,
            (EntitlementKind::Purpose, true) => AtFunction::PurposesContains,
            (EntitlementKind::Group, false) => AtFunction::IsInGroups,
            (EntitlementKind::Group, true) => AtFunction::GroupsContains,
            (_, false) => AtFunction::HasAttribute,
            (_, true) => AtFunction::AttributeValuesContains,
        }
    }
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is its own SQL spelling")]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    pub(super) const ALL: [Self; 6] =
        [Self::Equal, Self::NotEqual, Self::Less, Self::LessOrEqual, Self::Greater, Self::GreaterOrEqual];

    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

/// A computation that can't fail once there is room for its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is its own SQL spelling")]
pub enum Arithmetic {
    Plus,
    Minus,
    Times,
}

impl Arithmetic {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plus => "+",
            Self::Minus => "-",
            Self::Times => "*",
        }
    }
}

impl Expr {
    /// The nodes directly below.
    pub(super) fn children(&self) -> Vec<&Self> {
        match &self.node {
            Node::Column(_)
            | Node::Null
            | Node::Bool(_)
            | Node::Number(_)
            | Node::Text(_)
            | Node::Date(_)
            | Node::Timestamp(_)
            | Node::User(_)
            | Node::Username => Vec::new(),
            Node::Or(list) | Node::And(list) | Node::Concat(list) | Node::Call(_, list) => list.iter().collect(),
            Node::Not(one) | Node::Negate(one) | Node::Cast(one, _) => vec![one],
            Node::IsNull { operand, .. } | Node::Like { operand, .. } => vec![operand],
            Node::Compare(left, _, right) | Node::Arithmetic(left, _, right) => vec![left, right],
            Node::In { operand, values, .. } => std::iter::once(&**operand).chain(values).collect(),
            Node::Between { operand, low, high, .. } => vec![operand, low, high],
            Node::Case { whens, otherwise } => {
                whens.iter().flat_map(|(when, then)| [when, then]).chain(otherwise.as_deref()).collect()
            }
        }
    }

    /// It and every node below, in the order of the text.
    pub(super) fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Self)) {
        visit(self);
        for child in self.children() {
            child.walk(visit);
        }
    }
}
