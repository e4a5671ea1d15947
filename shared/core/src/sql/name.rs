//! Identifiers and text: the two kinds of string that may reach SQL, each through a type that can't be built wrong.

use std::fmt;

/// Most bytes an identifier may have: <https://docs.aws.amazon.com/redshift/latest/dg/r_names.html>.
pub const MAX_IDENT_BYTES: usize = 127;

/// Names Redshift keeps for its own columns: <https://docs.aws.amazon.com/redshift/latest/dg/r_names.html>.
const SYSTEM_COLUMNS: [&str; 7] = ["oid", "tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];

/// A name of a database, schema, table, column or user. Printed quoted, always.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ident(Box<str>);

/// Why a string can't be an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentError {
    /// There is nothing.
    #[error("an empty name")]
    Empty,
    /// Redshift would cut it silently, and two names might become one.
    #[error("a name of {0} bytes")]
    TooLong(usize),
    /// PostgreSQL and Redshift can't carry it.
    #[error("a name with a NUL character")]
    Nul,
}

impl Ident {
    /// Checks a name.
    ///
    /// # Errors
    /// When it is empty, longer than [`MAX_IDENT_BYTES`], or holds a NUL.
    pub fn new(name: impl Into<String>) -> Result<Self, IdentError> {
        let name = name.into();
        if name.is_empty() {
            Err(IdentError::Empty)
        } else if name.len() > MAX_IDENT_BYTES {
            Err(IdentError::TooLong(name.len()))
        } else if name.contains('\0') {
            Err(IdentError::Nul)
        } else {
            Ok(Self(name.into()))
        }
    }

    /// A name that stands in this crate's own source.
    pub(crate) fn fixed(name: &'static str) -> Self {
        debug_assert!(Self::new(name).is_ok());
        Self(name.into())
    }

    /// The name without quotes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as Redshift compares it: ASCII letters fold to lower case even inside quotes, unless the warehouse says
    /// otherwise (`enable_case_sensitive_identifier`).
    #[must_use]
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    /// Whether Redshift takes both for the same name.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }

    /// Whether Redshift keeps the name for a column of its own.
    #[must_use]
    pub fn is_system_column(&self) -> bool {
        SYSTEM_COLUMNS.iter().any(|reserved| self.0.eq_ignore_ascii_case(reserved))
    }
}

impl fmt::Debug for Ident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ident({:?})", &*self.0)
    }
}

/// Text that may stand in a literal: anything without NUL, which neither PostgreSQL nor Redshift can carry.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(Box<str>);

/// The text holds a NUL character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("text with a NUL character")]
pub struct NulError;

impl Text {
    /// Checks a text.
    ///
    /// # Errors
    /// When it holds a NUL.
    pub fn new(text: impl Into<String>) -> Result<Self, NulError> {
        let text = text.into();
        if text.contains('\0') { Err(NulError) } else { Ok(Self(text.into())) }
    }

    /// Text that stands in this crate's own source.
    pub(crate) fn fixed(text: &'static str) -> Self {
        debug_assert!(Self::new(text).is_ok());
        Self(text.into())
    }

    /// Text this crate printed itself, from parts that hold no NUL.
    pub(crate) fn printed(text: String) -> Self {
        debug_assert!(!text.contains('\0'));
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A dotted name and every name above it, the deepest first: `a.b.c`, `a.b`, `a`. What is blank is no name.
    pub fn lineage(&self) -> impl Iterator<Item = Self> {
        std::iter::successors(Some(&*self.0), |name| name.rsplit_once('.').map(|(above, _)| above))
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(|name| Self(name.into()))
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({:?})", &*self.0)
    }
}

/// A name of one to three parts: `table`, `schema.table` or `database.schema.table`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QualifiedName {
    /// The database, for a table in another one than the statement runs in.
    pub database: Option<Ident>,
    /// The schema; absent only for temporary tables.
    pub schema: Option<Ident>,
    /// The table, view or procedure.
    pub name: Ident,
}

impl QualifiedName {
    /// `schema.name`.
    #[must_use]
    pub fn new(schema: Ident, name: Ident) -> Self {
        Self { database: None, schema: Some(schema), name }
    }

    /// `database.schema.name`.
    #[must_use]
    pub fn in_database(database: Ident, schema: Ident, name: Ident) -> Self {
        Self { database: Some(database), schema: Some(schema), name }
    }

    /// A temporary table's name.
    #[must_use]
    pub fn temporary(name: Ident) -> Self {
        Self { database: None, schema: None, name }
    }
}

/// For people: parts joined by dots, unquoted. SQL is printed by [`super::print`].
impl fmt::Display for QualifiedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in [&self.database, &self.schema].into_iter().flatten() {
            write!(f, "{}.", part.as_str())?;
        }
        f.write_str(self.name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_refused_not_cut() {
        assert_eq!(Ident::new("").unwrap_err().to_string(), "an empty name");
        assert_eq!(Ident::new("é".repeat(64)).unwrap_err().to_string(), "a name of 128 bytes");
        assert_eq!(Ident::new("a\0b").unwrap_err().to_string(), "a name with a NUL character");
        assert!(Ident::new("é".repeat(63)).is_ok());
        assert!(Ident::new("CTID").unwrap().is_system_column());
    }
}
