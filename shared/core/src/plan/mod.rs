//! What a policy view must contain, as data: the step between the policies that apply and the SQL.
//!
//! A plan says nothing of SQL. The same plan can be printed as a view, evaluated over sample rows, or shown to a person.

mod build;
mod mask;

use crate::{
    model::{Condition, Id, policy::TimeUnit},
    sql::{DataType, Ident, QualifiedName, Text},
};

pub use build::build;

/// What the view of one data source must contain.
#[derive(Debug, Clone, PartialEq)]
pub struct ViewPlan {
    /// The data source.
    pub source: Id,
    /// The raw table.
    pub location: QualifiedName,
    /// The columns the view shows, in order.
    pub columns: Vec<PlannedColumn>,
    /// Who may see any row at all.
    pub subscription: Access,
    /// Conditions every row must meet, each for itself.
    pub rows: Vec<PlannedRows>,
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
}

impl Transform {
    /// Whether it needs the source's salt.
    #[must_use]
    pub fn needs_salt(&self) -> bool {
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
        /// The attribute's name; a group when absent.
        attribute: Option<Text>,
    },
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
    /// A row rule means a column that the source has not.
    #[error("policy `{policy}`: a row rule needs a column {selector}, and the data source has none")]
    NoSuchColumn {
        /// The policy.
        policy: Id,
        /// The selector in words.
        selector: String,
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
    /// A sample needs a key column.
    #[error("policy `{policy}`: a sample needs a key column, and the data source names none")]
    NoKey {
        /// The policy.
        policy: Id,
    },
    /// A sample needs a key whose text is the same every time.
    #[error("policy `{policy}`: column `{column}` of type `{data_type}` can't be the key of a sample")]
    CannotSample {
        /// The policy.
        policy: Id,
        /// The column.
        column: String,
        /// Its type.
        data_type: DataType,
    },
}

#[cfg(test)]
mod tests;
