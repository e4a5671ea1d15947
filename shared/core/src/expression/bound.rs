//! An expression that fits a data source: columns by index, a type for every node, no conversion left unsaid.

use time::{Date, PrimitiveDateTime};

use super::ast::{Arithmetic, Comparison};
use crate::{
    model::{Condition, EntitlementKind, policy::TimeUnit},
    sql::{DataType, Number, Text},
};

/// A node with its type. Only [`super::bind()`] and [`super::bind_mask`] make one, so whoever holds one need check nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    pub(super) node: Node,
    pub(super) data_type: DataType,
}

/// What a node does. A null operand makes the result null unless said otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// The column at this index. A `CHAR` column stands inside a cast to `VARCHAR`, which takes the padding away.
    Column(usize),
    /// Null of the node's type.
    Null,
    /// True or false.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    Text(Text),
    /// A day.
    Date(Date),
    /// A moment.
    Timestamp(PrimitiveDateTime),
    /// True if one is, else null if one is, else false.
    Or(Vec<Bound>),
    /// False if one is, else null if one is, else true.
    And(Vec<Bound>),
    /// The opposite.
    Not(Box<Bound>),
    /// Both sides have types that compare as they are. Redshift ignores trailing blanks of texts.
    Compare(Box<Bound>, Comparison, Box<Bound>),
    /// Never null.
    IsNull(Box<Bound>),
    /// Equals one of these; none of them is null.
    In(Box<Bound>, Vec<Bound>),
    /// Matches a pattern: `%` is any characters, `_` is one; all others are themselves. Trailing blanks count.
    Like(Box<Bound>, Text),
    /// From the second to the third.
    Between(Box<Bound>, Box<Bound>, Box<Bound>),
    /// Texts one after the other; at least two.
    Concat(Vec<Bound>),
    /// Exact; both sides are `DECIMAL`.
    Arithmetic(Box<Bound>, Arithmetic, Box<Bound>),
    /// The other sign; of `DECIMAL` or a floating-point type.
    Negate(Box<Bound>),
    /// The result of the first condition that is true, else the last.
    Case(Vec<(Bound, Bound)>, Box<Bound>),
    /// To the node's type, in which every value has a place. Digits after the point that the type has not are cut off,
    /// towards zero; a timestamp becomes its day, a day its midnight; a number becomes its digits, with as many after the
    /// point as its type has.
    Cast(Box<Bound>),
    /// To the node's type, an exact one; null where the value is out of its range. The digits after the point fit.
    Narrow(Box<Bound>),
    /// A function.
    Call(Call),
    /// A test of the user; never null.
    User(UserTest),
}

/// A call of a function, with the arguments it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// Without its sign; of `DECIMAL` or a floating-point type.
    Abs(Box<Bound>),
    /// The first that is not null.
    Coalesce(Vec<Bound>),
    /// Down to a unit; the result has the operand's type.
    DateTrunc(TimeUnit, Box<Bound>),
    /// When the query began.
    GetDate,
    /// The first so many characters.
    Left(Box<Bound>, u32),
    /// Characters.
    Length(Box<Bound>),
    /// A to Z as a to z.
    Lower(Box<Bound>),
    /// Null where both are equal, else the first.
    NullIf(Box<Bound>, Box<Bound>),
    /// Every occurrence of the first text, which is not empty, by the second.
    Replace(Box<Bound>, Text, Text),
    /// The last so many characters.
    Right(Box<Bound>, u32),
    /// From this character on, counted from 1, so many.
    Substring(Box<Bound>, u32, u32),
    /// Without the blanks at both ends.
    Trim(Box<Bound>),
    /// a to z as A to Z.
    Upper(Box<Bound>),
}

/// A test of the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserTest {
    /// They meet a condition.
    Has(Condition),
    /// One of their values equals a column, as text.
    Contains {
        /// The kind of value.
        kind: EntitlementKind,
        /// The attribute's name; absent for other kinds.
        attribute: Option<Text>,
        /// Index of the column; its type is a text or a whole number.
        column: usize,
    },
    /// Their database account equals a text.
    Username(Box<Bound>),
}

impl Bound {
    pub(super) fn new(node: Node, data_type: DataType) -> Self {
        Self { node, data_type }
    }

    /// What it does.
    #[must_use]
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// The type of its value. A text's length is the most bytes it can have, a number literal's type the smallest that holds it.
    #[must_use]
    pub fn data_type(&self) -> DataType {
        self.data_type
    }

    /// Whether it is nothing but the column at an index, converted or not.
    #[must_use]
    pub fn is_column(&self, index: usize) -> bool {
        match &self.node {
            Node::Column(own) => *own == index,
            Node::Cast(inner) | Node::Narrow(inner) => inner.is_column(index),
            _ => false,
        }
    }

    /// Replaces each condition on the user. They stand under OR and AND only.
    pub fn map_conditions(&mut self, map: &dyn Fn(&Condition) -> Condition) {
        match &mut self.node {
            Node::Or(list) | Node::And(list) => list.iter_mut().for_each(|one| one.map_conditions(map)),
            Node::User(UserTest::Has(condition)) => *condition = map(condition),
            _ => {}
        }
    }

    /// The nodes directly below.
    #[must_use]
    pub fn children(&self) -> Vec<&Self> {
        match &self.node {
            Node::Column(_)
            | Node::Null
            | Node::Bool(_)
            | Node::Number(_)
            | Node::Text(_)
            | Node::Date(_)
            | Node::Timestamp(_)
            | Node::Call(Call::GetDate)
            | Node::User(UserTest::Has(_) | UserTest::Contains { .. }) => Vec::new(),
            Node::Or(list) | Node::And(list) | Node::Concat(list) | Node::Call(Call::Coalesce(list)) => {
                list.iter().collect()
            }
            Node::Not(one)
            | Node::IsNull(one)
            | Node::Like(one, _)
            | Node::Negate(one)
            | Node::Cast(one)
            | Node::Narrow(one)
            | Node::User(UserTest::Username(one))
            | Node::Call(
                Call::Abs(one)
                | Call::DateTrunc(_, one)
                | Call::Left(one, _)
                | Call::Length(one)
                | Call::Lower(one)
                | Call::Replace(one, ..)
                | Call::Right(one, _)
                | Call::Substring(one, ..)
                | Call::Trim(one)
                | Call::Upper(one),
            ) => vec![one],
            Node::Compare(left, _, right)
            | Node::Arithmetic(left, _, right)
            | Node::Call(Call::NullIf(left, right)) => vec![left, right],
            Node::In(operand, values) => std::iter::once(&**operand).chain(values).collect(),
            Node::Between(operand, low, high) => vec![operand, low, high],
            Node::Case(whens, otherwise) => {
                whens.iter().flat_map(|(when, then)| [when, then]).chain([&**otherwise]).collect()
            }
        }
    }
}
