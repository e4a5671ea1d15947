//! The SQL tree: just what Redoubt generates, and nothing that Redshift lacks.

use std::borrow::Cow;

use super::{
    data_type::DataType,
    name::{Ident, QualifiedName, Text},
    number::Number,
};

/// A table alias of our own making. No text from outside becomes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias(Cow<'static, str>);

impl Alias {
    /// An alias that stands in this crate's source.
    #[must_use]
    pub(crate) const fn fixed(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// A numbered alias, such as `r1`.
    #[must_use]
    pub(crate) fn numbered(prefix: &'static str, number: usize) -> Self {
        Self(Cow::Owned(format!("{prefix}{number}")))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A function Redshift and the local engine both have, with the same meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// `ABS(number)`.
    Abs,
    /// `BTRIM(text)`: without the blanks at both ends.
    Btrim,
    /// `COALESCE(a, b, …)`: the first that is not null.
    Coalesce,
    /// `COUNT(*)`; takes no argument.
    CountAll,
    /// `DATE_TRUNC(unit, moment)`.
    DateTrunc,
    /// `GETDATE()`: the statement's moment. `NOW()` runs on the leader node only and fails beside user tables.
    GetDate,
    /// `GREATEST(a, b, …)`; nulls are passed over.
    Greatest,
    /// `LEAST(a, b, …)`; nulls are passed over.
    Least,
    /// `LEFT(text, n)`.
    Left,
    /// `LENGTH(text)` in characters.
    Length,
    /// `MAX(value)`.
    Max,
    /// `MOD(a, b)`.
    Mod,
    /// `NULLIF(a, b)`: null where both are equal.
    NullIf,
    /// `OCTET_LENGTH(text)`.
    OctetLength,
    /// `REGEXP_REPLACE(text, pattern, replacement)`, every match.
    RegexpReplace,
    /// `REPEAT(text, n)`.
    Repeat,
    /// `REPLACE(text, search, replacement)`: every occurrence.
    Replace,
    /// `RIGHT(text, n)`.
    Right,
    /// `SHA2(text, bits)` as hexadecimal text.
    Sha2,
    /// `SPLIT_PART(text, separator, n)`, from 1.
    SplitPart,
    /// `STRTOL(text, base)` as `BIGINT`.
    StrToL,
    /// `SUBSTRING(text, start, length)`.
    Substring,
    /// `TRANSLATE(text, from, to)`: character by character.
    Translate,
    /// `TRUNC(number)`, towards zero; with a second argument, to so many digits after the point.
    Trunc,
}

impl Function {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Abs => "ABS",
            Self::Btrim => "BTRIM",
            Self::Coalesce => "COALESCE",
            Self::CountAll => "COUNT",
            Self::DateTrunc => "DATE_TRUNC",
            Self::GetDate => "GETDATE",
            Self::Greatest => "GREATEST",
            Self::Least => "LEAST",
            Self::Left => "LEFT",
            Self::Length => "LENGTH",
            Self::Max => "MAX",
            Self::Mod => "MOD",
            Self::NullIf => "NULLIF",
            Self::OctetLength => "OCTET_LENGTH",
            Self::RegexpReplace => "REGEXP_REPLACE",
            Self::Repeat => "REPEAT",
            Self::Replace => "REPLACE",
            Self::Right => "RIGHT",
            Self::Sha2 => "SHA2",
            Self::SplitPart => "SPLIT_PART",
            Self::StrToL => "STRTOL",
            Self::Substring => "SUBSTRING",
            Self::Translate => "TRANSLATE",
            Self::Trunc => "TRUNC",
        }
    }
}

/// An operator between two expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is its own SQL spelling")]
pub enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Plus,
    Minus,
    Times,
    Divide,
    Concat,
}

impl Operator {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Plus => "+",
            Self::Minus => "-",
            Self::Times => "*",
            Self::Divide => "/",
            Self::Concat => "||",
        }
    }
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// A column of an aliased table.
    Column(Alias, Ident),
    /// A column of an internal derived table, or of one of Redoubt's own tables; the name stands in this crate's source.
    Internal(Alias, Cow<'static, str>),
    /// `NULL`.
    Null,
    /// A boolean literal.
    Bool(bool),
    /// An integer literal.
    Int(i64),
    /// A number literal of any size.
    Number(Number),
    /// A text literal.
    Text(Text),
    /// `INTERVAL 'n days'`.
    Days(u32),
    /// `CURRENT_USER`.
    CurrentUser,
    /// `CAST(x AS type)`.
    Cast(Box<Expr>, DataType),
    /// `CASE WHEN … THEN … ELSE … END`.
    Case(Vec<(Expr, Expr)>, Box<Expr>),
    /// A function call.
    Call(Function, Vec<Expr>),
    /// A call of a function that a Lambda serves.
    External(QualifiedName, Vec<Expr>),
    /// `a op b`, in parentheses.
    Binary(Box<Expr>, Operator, Box<Expr>),
    /// All hold; empty means true.
    And(Vec<Expr>),
    /// One holds; empty means false.
    Or(Vec<Expr>),
    /// `NOT (x)`.
    Not(Box<Expr>),
    /// `-(x)`.
    Negate(Box<Expr>),
    /// `x IS NULL`.
    IsNull(Box<Expr>),
    /// `x IS NOT NULL`.
    IsNotNull(Box<Expr>),
    /// `x IN (literals)`; at least one.
    InList(Box<Expr>, Vec<Text>),
    /// `x IN (values)`; at least one.
    InValues(Box<Expr>, Vec<Expr>),
    /// `x LIKE 'pattern'`; a pattern with a backslash would not mean itself.
    Like(Box<Expr>, Text),
    /// `x BETWEEN a AND b`.
    Between(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `x IN (SELECT …)`, uncorrelated.
    InSelect(Box<Expr>, Box<Select>),
}

impl Expr {
    /// `a op b`.
    #[must_use]
    pub fn binary(self, operator: Operator, other: Self) -> Self {
        Self::Binary(Box::new(self), operator, Box::new(other))
    }

    /// `a = b`.
    #[must_use]
    pub fn equals(self, other: Self) -> Self {
        self.binary(Operator::Equal, other)
    }

    /// `CAST(a AS type)`.
    #[must_use]
    pub fn cast(self, data_type: DataType) -> Self {
        Self::Cast(Box::new(self), data_type)
    }

    /// A literal that stands in this crate's source.
    #[must_use]
    pub(crate) fn fixed(text: &'static str) -> Self {
        Self::Text(Text::fixed(text))
    }

    /// A column of one of Redoubt's own tables, whose name stands in this crate's source.
    #[must_use]
    pub(crate) const fn internal(alias: Alias, column: &'static str) -> Self {
        Self::Internal(alias, Cow::Borrowed(column))
    }
}

/// A query.
#[derive(Debug, Clone, PartialEq)]
pub struct Select {
    /// Printed as a comment behind `SELECT`.
    pub comment: Option<String>,
    /// Whether duplicates are removed.
    pub distinct: bool,
    /// What is selected, with the name it gets.
    pub items: Vec<(Expr, Option<Name>)>,
    /// The first table.
    pub from: Table,
    /// The tables joined to it.
    pub joins: Vec<Join>,
    /// The condition, if any.
    pub filter: Option<Expr>,
}

/// What a selected item is called.
#[derive(Debug, Clone, PartialEq)]
pub enum Name {
    /// A column name from a data source; quoted.
    Column(Ident),
    /// A name of this crate's own.
    Internal(Cow<'static, str>),
}

/// A table in `FROM`.
#[derive(Debug, Clone, PartialEq)]
pub enum Table {
    /// A stored table or view.
    Named(QualifiedName, Alias),
    /// A subquery.
    Derived(Box<Select>, Alias),
}

/// A joined table.
#[derive(Debug, Clone, PartialEq)]
pub enum Join {
    /// `CROSS JOIN`.
    Cross(Table),
    /// `LEFT JOIN … ON`.
    Left(Table, Expr),
}

/// A statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    /// `CREATE OR REPLACE VIEW`.
    CreateView {
        /// Its name.
        name: QualifiedName,
        /// Its query.
        query: Select,
        /// `WITH NO SCHEMA BINDING`.
        late_binding: bool,
    },
    /// `CALL`.
    Call {
        /// The procedure.
        procedure: QualifiedName,
        /// Literal arguments.
        arguments: Vec<Expr>,
    },
    /// `INSERT INTO … VALUES`.
    Insert {
        /// The table.
        table: QualifiedName,
        /// Its columns, named in this crate's source.
        columns: Vec<Cow<'static, str>>,
        /// At least one row.
        rows: Vec<Vec<Expr>>,
    },
    /// `LOCK`. It must come first in its transaction: the snapshot is taken by the first statement that reads or writes, and
    /// only one taken after the lock sees what its last holder wrote.
    Lock(QualifiedName),
    /// `CREATE TEMPORARY TABLE`.
    CreateTemporaryTable {
        /// Its name.
        name: Ident,
        /// Its columns, named in this crate's source.
        columns: Vec<(Cow<'static, str>, DataType)>,
    },
}
