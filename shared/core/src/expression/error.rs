//! Places in an expression's text, and what is wrong there.

use std::fmt;

use crate::event::Fault;

/// A place in a text; lines, columns and bytes are counted from 1, 1 and 0. A column is a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The line.
    pub line: u32,
    /// The character in the line.
    pub column: u32,
    /// Bytes before it.
    pub byte: u32,
}

impl Place {
    /// Where a text begins.
    pub const START: Self = Self { line: 1, column: 1, byte: 0 };
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// The first thing that is wrong with a text as an expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: found {found}, expected {expected}{}", did_you_mean(hint.as_deref()))]
pub struct SyntaxError {
    /// Where.
    pub place: Place,
    /// What stands there, described; the inside of a text literal is never repeated.
    pub found: String,
    /// What should stand there, in plain words.
    pub expected: String,
    /// A name that was probably meant.
    pub hint: Option<String>,
}

/// The end of a message that has a hint.
pub(super) fn did_you_mean(hint: Option<&str>) -> String {
    hint.map(|name| format!(" (did you mean `{name}`?)")).unwrap_or_default()
}

impl SyntaxError {
    pub(super) fn new(place: Place, found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { place, found: found.into(), expected: expected.into(), hint: None }
    }

    pub(super) fn hint(mut self, hint: Option<impl Into<String>>) -> Self {
        self.hint = hint.map(Into::into);
        self
    }

    /// The same as a fault of the document that holds the text at `path`.
    #[must_use]
    pub fn fault(&self, path: impl Into<String>) -> Fault {
        Fault::new(path, format!("{} at {}", self.found, self.place), self.expected.clone()).hint(self.hint.clone())
    }
}
