//! Why a plan could not be evaluated. None of it holds a value of a row.

/// A plan could not be evaluated over rows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InterpretError {
    /// A row has too few or too many values.
    #[error("row {row} has {found} values, and the plan {expected} columns")]
    Width {
        /// Which row, from 1.
        row: usize,
        /// How many values it has.
        found: usize,
        /// How many columns the plan has.
        expected: usize,
    },
    /// A value is not of its column's type.
    #[error("row {row}: the value of column `{column}` is not of its type")]
    Type {
        /// Which row, from 1.
        row: usize,
        /// The column.
        column: String,
    },
    /// The plan means a column that it has not.
    #[error("the plan has no column {0}")]
    NoColumn(usize),
    /// The plan does to a column what its type does not allow.
    #[error("the plan does not fit the type of column `{0}`")]
    Misfit(String),
    /// An expression of the plan does what the types of its operands do not allow.
    #[error("an expression of the plan does not fit the types in it")]
    Expression,
    /// A regular expression of the plan can't be compiled.
    #[error("a regular expression of the plan can't be compiled")]
    Pattern(#[from] regex_lite::Error),
    /// A function of the plan failed.
    #[error("function `{function}` failed for column `{column}`: {message}")]
    Function {
        /// The function.
        function: &'static str,
        /// The column.
        column: String,
        /// What it said.
        message: String,
    },
    /// A function's result is not of the column's type.
    #[error("the result of function `{function}` is not of the type of column `{column}`")]
    Result {
        /// The function.
        function: &'static str,
        /// The column.
        column: String,
    },
}
