//! Why a request was not answered. No error holds a value, an argument or a key: the database shows it to whoever asked.

use crate::{format, key::SecretError, regex, reply};

/// What is wrong with a request as a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It can't be read at all.
    #[error("the request is not JSON: line {line}, column {column}")]
    NotJson {
        /// Where reading stopped.
        line: usize,
        /// Where reading stopped.
        column: usize,
    },
    /// It is JSON, but no object.
    #[error("the request is not an object")]
    NotAnObject,
    /// A field that every request has.
    #[error("`{0}` is missing from the request")]
    Missing(&'static str),
    /// A field that could mean two things.
    #[error("`{0}` is in the request twice")]
    Twice(&'static str),
    /// A field of another type.
    #[error("`{field}` is not {expected}")]
    WrongType {
        /// The field.
        field: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// The function is none of ours.
    #[error("`external_function` names no function of this Lambda")]
    UnknownFunction,
    /// The request contradicts itself.
    #[error("`num_records` says {said}, found {found} rows")]
    Records {
        /// What it says.
        said: u64,
        /// How many rows there are.
        found: usize,
    },
    /// A row that can't be masked.
    #[error("row {row}: {fault}")]
    Row {
        /// The row, counted from 1.
        row: usize,
        /// What is wrong with it.
        #[source]
        fault: RowFault,
    },
    /// The user may not see what was masked.
    #[error("this user may not unmask this column")]
    Refused,
    /// Who may unmask can't be found out.
    #[error("the permission to unmask can't be checked")]
    PermissionUnavailable,
    /// There is no key.
    #[error("the masking key can't be read")]
    KeyUnavailable,
    /// More than Lambda carries back.
    #[error("the reply would have more than {} bytes: lower MAX_BATCH_SIZE of the external function", reply::MAX_BYTES)]
    TooLarge,
    /// This program is wrong.
    #[error("a defect of the function: {results} results for {rows} rows")]
    Results {
        /// How many rows there are.
        rows: usize,
        /// How many results were made.
        results: usize,
    },
}

impl Fault {
    /// Whether a newer master secret could help.
    #[must_use]
    pub fn is_unknown_key(&self) -> bool {
        matches!(self, Self::Row { fault: RowFault::UnknownKey, .. })
    }
}

/// What is wrong with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RowFault {
    /// The row is neither a list nor null.
    #[error("not a list of arguments")]
    NotAList,
    /// The row is an empty list.
    #[error("no arguments")]
    NoValue,
    /// The function takes another number of arguments.
    #[error("expected {expected} arguments, found {found}")]
    Arguments {
        /// How many it takes.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// An argument is neither a text nor null.
    #[error("argument {0} is not a text")]
    NotText(usize),
    /// An argument is null though the value is not.
    #[error("`{0}` is null")]
    Null(&'static str),
    /// A token as no view passes it.
    #[error("`token` is not 64 hexadecimal digits")]
    Token,
    /// A handle as no view gives it.
    #[error("`handle` is not 64 lower-case hexadecimal digits")]
    Handle,
    /// A pattern, replacement or flags that can't be used.
    #[error(transparent)]
    Regex(#[from] regex::RegexError),
    /// An alphabet or a largest number that can't be used.
    #[error(transparent)]
    Format(#[from] format::FormatError),
    /// No master secret gives a key.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// What is to be unmasked was not masked like this.
    #[error("not a masked text of this source and column")]
    NotMasked,
    /// What is to be unmasked was masked with a key that is not there (any more).
    #[error("masked with a key that is not known")]
    UnknownKey,
    /// The result does not fit the function's type.
    #[error("the result has more than {} bytes", reply::MAX_RESULT_BYTES)]
    TooLong,
    /// The cipher refused, which no input should bring about.
    #[error("a defect of the function: the cipher refused")]
    Cipher,
}

impl RowFault {
    /// The fault of a row, which is counted from 0.
    pub(crate) fn at(self, index: usize) -> Fault {
        Fault::Row { row: index + 1, fault: self }
    }
}
