//! What a policy view must contain, as data: the step between the policies that apply and the SQL.
//!
//! A plan says nothing of SQL. The same plan can be printed as a view, evaluated over sample rows, or shown to a person.

mod build;
mod mask;

use crate::{
    expression::{BindError, Bound},
    model::{
        Binding, Condition, Id,
        policy::{RegexMask, TimeUnit},
    },
    sql::{DataType, Ident, QualifiedName, Text},
};

pub use build::{build, condition_on, did_you_mean};

/// What the view of one data source must contain.
#[derive(Debug, Clone, PartialEq)]
pub struct ViewPlan {
    /// The data source.
    pub source: Id,
    /// The raw table.
    pub location: QualifiedName,
    /// How the view is bound to it.
    pub binding: Binding,
    /// The columns the view shows, in order.
    pub columns: Vec<PlannedColumn>,
    /// Who may see any row at all.
    pub subscription: Access,
    /// Conditions every row must meet, each for itself.
    pub rows: Vec<PlannedRows>,
    /// Projects that bundle the data source: only under their purposes does anyone act here.
    pub purpose_projects: Vec<Text>,
    /// Those of them that allow masked joins: whoever works in one gets hashes with its salt.
    pub join_projects: Vec<JoinProject>,
}

/// A project that allows masked joins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinProject {
    /// Its identity.
    pub id: Text,
    /// Whether the user works in it.
    pub works_in: Condition,
}

impl ViewPlan {
    /// Every transform of every column.
    pub fn transforms(&self) -> impl Iterator<Item = &Transform> {
        self.columns.iter().flat_map(|column| {
            let (cases, otherwise) = match &column.treatment {
                Treatment::Clear => (&[][..], None),
                Treatment::Masked { cases, otherwise, .. } => (cases.as_slice(), Some(otherwise)),
            };
            cases.iter().map(|(_, transform)| transform).chain(otherwise)
        })
    }
}

/// One column of a view.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedColumn {
    /// Its name.
    pub name: Ident,
    /// Its type in the raw table.
    pub declared: DataType,
    /// Its type in the view; differs from the declared one only where a mask needs more room.
    pub shown: DataType,
    /// What readers get.
    pub treatment: Treatment,
}

/// What readers of a column get.
#[derive(Debug, Clone, PartialEq)]
pub enum Treatment {
    /// The value.
    Clear,
    /// For the first case whose condition holds, its transform; for everyone else `otherwise`, which is never clear.
    Masked {
        /// Only cells of rows for which this is not false are masked; the others are clear for everyone.
        only_where: Option<Bound>,
        /// Conditions in order.
        cases: Vec<(Condition, Transform)>,
        /// What everyone else gets.
        otherwise: Transform,
    },
}

/// How a value becomes the one shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transform {
    /// It stays.
    Clear,
    /// A null.
    Null,
    /// Always this, cast to the column's type.
    Constant(Text),
    /// Hexadecimal SHA-256 of salt and value.
    HashText,
    /// SHA-256 of salt and value as a whole number from 0 up to, not including, the modulus.
    HashInteger {
        /// One above the largest result.
        modulus: i64,
    },
    /// To a multiple of the bucket, towards zero.
    RoundNumber {
        /// Above 0.
        bucket: i64,
        /// Whether the type is inexact, so that remainders can't be had.
        inexact: bool,
    },
    /// Down to a unit.
    RoundTime(TimeUnit),
    /// First and last characters shown, each of the others replaced. A value that would be shown whole is hidden whole.
    Show {
        /// Shown at the start.
        first: u32,
        /// Shown at the end.
        last: u32,
        /// Stands for each hidden character.
        replace_with: Text,
    },
    /// The value of an expression over the row.
    Custom(Bound),
    /// Matches of a regular expression replaced.
    Regex(RegexMask),
    /// Encrypted by the `mask` function, as text.
    Reversible,
    /// Text encrypted in place by the `mask` function.
    FormatPreserving {
        /// The characters that are encrypted.
        alphabet: Text,
    },
    /// A number encrypted by the `mask` function, its sign and its count of digits kept.
    FormatPreservingNumber {
        /// The largest absolute value the type carries, in digits, the point left out.
        most: Text,
    },
    /// The value, or one of a list.
    RandomCategory {
        /// The list.
        values: Vec<Text>,
        /// How often the truth is told, in hundredths of a percent.
        truth: u32,
        /// Index of the key column.
        key: usize,
    },
    /// The value and some noise, kept within what the type carries.
    RandomNumber {
        /// The most that is added or taken away, in units of the type's last digit; in whole numbers for inexact types.
        noise: i64,
        /// Index of the key column.
        key: usize,
    },
    /// The day and some days, in years 101 to 9899; null outside of them.
    RandomDate {
        /// The most days that are added or taken away.
        days: u32,
        /// Index of the key column.
        key: usize,
    },
}

impl Transform {
    /// Whether it is computed by the `mask` function.
    #[must_use]
    pub fn needs_function(&self) -> bool {
        match self {
            Self::Regex(mask) => mask.engine == crate::model::policy::RegexEngine::Lambda,
            Self::Reversible | Self::FormatPreserving { .. } | Self::FormatPreservingNumber { .. } => true,
            _ => false,
        }
    }

    /// Whether it is a salted hash, which masked joins compare.
    #[must_use]
    pub fn is_hash(&self) -> bool {
        matches!(self, Self::HashText | Self::HashInteger { .. })
    }
}

/// Who may see any row: one of the grants and all of the guardrails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Ways in; never empty.
    pub grants: Vec<Grant>,
    /// What must hold besides.
    pub guardrails: Vec<Grant>,
}

/// One way in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grant {
    /// Every registered user.
    Anyone,
    /// Those who meet a condition.
    If(Condition),
}

/// A condition on rows: by the first case whose condition holds, else by `otherwise`, which never lets all rows pass.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedRows {
    /// Conditions in order.
    pub cases: Vec<(Condition, RowTest)>,
    /// For everyone else.
    pub otherwise: RowTest,
}

/// A test of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowTest {
    /// Every row passes.
    All,
    /// No row passes.
    None,
    /// A column equals something the user has.
    Match(RowMatch),
    /// The event time is within bounds, in days before now.
    TimeWindow {
        /// Index of the event-time column.
        column: usize,
        /// Younger than this.
        newer_than: Option<u32>,
        /// Older than this.
        older_than: Option<u32>,
    },
    /// The row is in a stable share.
    Sample {
        /// Index of the key column.
        column: usize,
        /// Hundredths of a percent.
        share: u32,
    },
    /// Every row passes while the condition holds.
    While(Condition),
    /// The row passes for which this is true.
    Where(Bound),
}

/// A column equals something the user has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowMatch {
    /// One holds.
    Any(Vec<RowMatch>),
    /// All hold.
    All(Vec<RowMatch>),
    /// The column at this index equals one of the user's values.
    Equals {
        /// Index of the column.
        column: usize,
        /// What the user has.
        held: Held,
    },
}

/// Values a user may hold several of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Held {
    /// Of an attribute.
    Attribute(Text),
    /// Groups.
    Group,
    /// Purposes they act under here.
    Purpose,
}

/// Why a valid policy can't be applied to a data source. Its view is then withdrawn rather than left weaker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A constant does not fit the column's type.
    #[error("policy `{policy}`: the constant does not fit column `{column}` of type `{data_type}`")]
    ConstantDoesNotFit {
        /// The policy.
        policy: Id,
        /// The column.
        column: String,
        /// Its type.
        data_type: DataType,
    },
    /// A custom mask is the column it masks.
    #[error(
        "policy `{policy}`: the custom mask of column `{column}` is the column itself; the mask `clear` shows it to those who meet a condition"
    )]
    MaskShowsColumn {
        /// The policy.
        policy: Id,
        /// The column.
        column: String,
    },
    /// A row rule means a column that the source has not.
    #[error("policy `{policy}`: a row rule needs a column {selector}, and the data source has none{}", did_you_mean_it(.hint.as_deref()))]
    NoSuchColumn {
        /// The policy.
        policy: Id,
        /// The selector in words.
        selector: String,
        /// What was probably meant.
        hint: Option<String>,
    },
    /// An expression does not fit the data source.
    #[error("policy `{policy}`: {error}")]
    Expression {
        /// The policy.
        policy: Id,
        /// What does not fit, and where in the expression.
        #[source]
        error: BindError,
    },
    /// A row rule compares with a column whose type can't be compared with text.
    #[error("policy `{policy}`: column `{column}` of type `{data_type}` can't be matched with what users have")]
    CannotMatch {
        /// The policy.
        policy: Id,
        /// The column.
        column: String,
        /// Its type.
        data_type: DataType,
    },
    /// A time window needs an event-time column.
    #[error("policy `{policy}`: a time window needs an event-time column, and the data source names none")]
    NoEventTime {
        /// The policy.
        policy: Id,
    },
    /// A sample or a randomized response needs a key column.
    #[error("policy `{policy}`: a {rule} needs a key column, and the data source names none")]
    NoKey {
        /// The policy.
        policy: Id,
        /// What needs it.
        rule: &'static str,
    },
    /// A key's text must be the same every time.
    #[error("policy `{policy}`: column `{column}` of type `{data_type}` can't be the key of a {rule}")]
    CannotBeKey {
        /// What needs the key.
        rule: &'static str,
        /// The policy.
        policy: Id,
        /// The column.
        column: String,
        /// Its type.
        data_type: DataType,
    },
}

fn did_you_mean_it(name: Option<&str>) -> String {
    name.map_or_else(String::new, |name| format!(" (did you mean `{name}`?)"))
}

#[cfg(test)]
mod tests;
