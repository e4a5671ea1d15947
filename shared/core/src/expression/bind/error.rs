//! Why an expression does not fit a data source.

use crate::{
    expression::error::{Place, did_you_mean},
    model::Tag,
    sql::{DataType, data_type::MAX_VARCHAR, number::MAX_DIGITS},
};

/// Why an expression does not fit a data source. Names are of columns and tags; a value is never in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BindError {
    /// There is no such column.
    #[error("{place}: the data source has no column `{column}`{}", did_you_mean(hint.as_deref()))]
    UnknownColumn {
        /// Where it is named.
        place: Place,
        /// The name.
        column: String,
        /// A column that was probably meant.
        hint: Option<String>,
    },
    /// No column has the tag or one below it.
    #[error("{place}: the data source has no column tagged `{tag}`{}", did_you_mean(hint.as_deref()))]
    UnknownTag {
        /// Where it is named.
        place: Place,
        /// The tag.
        tag: Tag,
        /// A tag that was probably meant.
        hint: Option<String>,
    },
    /// Several columns have the tag or one below it.
    #[error("{place}: several columns are tagged `{tag}` (`{}`), expected one", columns.join("`, `"))]
    AmbiguousTag {
        /// Where it is named.
        place: Place,
        /// The tag.
        tag: Tag,
        /// The columns, in order.
        columns: Vec<String>,
    },
    /// A column of this type takes no part in expressions.
    #[error("{place}: column `{column}` of type `{data_type}` can't be part of an expression")]
    UnusableColumn {
        /// Where it is named.
        place: Place,
        /// The column.
        column: String,
        /// Its type.
        data_type: DataType,
    },
    /// A column of this type can't be compared with what users have.
    #[error(
        "{place}: column `{column}` of type `{data_type}` can't be matched with what users have, expected a text or a whole number"
    )]
    CannotMatch {
        /// Where it is named.
        place: Place,
        /// The column.
        column: String,
        /// Its type.
        data_type: DataType,
    },
    /// Something has another type than is needed where it stands.
    #[error("{place}: found {found}, expected {expected}")]
    Mismatch {
        /// Where.
        place: Place,
        /// What it is.
        found: String,
        /// What it must be.
        expected: String,
    },
    /// A number can have more digits than a `DECIMAL`.
    #[error("{place}: a result of up to {digits} digits, expected at most {MAX_DIGITS}")]
    TooWide {
        /// Where it is computed or compared.
        place: Place,
        /// How many.
        digits: u8,
    },
    /// A text can be longer than a `VARCHAR`.
    #[error("{place}: a text of up to {bytes} bytes, expected at most {MAX_VARCHAR}: shorten its parts with LEFT")]
    TooLong {
        /// Where it is made.
        place: Place,
        /// How long.
        bytes: u64,
    },
    /// A mask's result has a type that the column can't show.
    #[error("{place}: the result is {found}, which column `{column}` of type `{data_type}` can't show")]
    DoesNotFit {
        /// Where the result is.
        place: Place,
        /// What it is.
        found: String,
        /// The column.
        column: String,
        /// Its type.
        data_type: DataType,
    },
    /// The data source has fewer columns.
    #[error("the data source has no column at index {index}")]
    NoSuchIndex {
        /// The index asked for.
        index: usize,
    },
}

impl BindError {
    pub(super) fn mismatch(place: Place, found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self::Mismatch { place, found: found.into(), expected: expected.into() }
    }

    /// A name that was probably meant.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::UnknownColumn { hint, .. } | Self::UnknownTag { hint, .. } => hint.as_deref(),
            _ => None,
        }
    }
}
