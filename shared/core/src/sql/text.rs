//! SQL as text: the only form the warehouse port accepts, made only by this crate's printer.

use std::fmt;

/// A statement that may be executed. It can only be made by the printer of this crate, so text from a policy, a catalog or a
/// user can't become one by accident.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SqlText {
    text: String,
    literals: Vec<(usize, usize)>,
}

impl SqlText {
    /// Only the printer makes executable text. `literals` are the byte ranges of the literals in it, in order.
    /// A text of the program's own, without literals.
    #[must_use]
    pub fn fixed(text: &'static str) -> Self {
        Self::new(text.to_owned(), Vec::new())
    }

    pub(crate) fn new(text: String, literals: Vec<(usize, usize)>) -> Self {
        Self { text, literals }
    }

    /// Texts that make one statement together.
    pub(crate) fn joined(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut joined = Self { text: String::new(), literals: Vec::new() };
        for part in parts {
            let offset = joined.text.len();
            joined.literals.extend(part.literals.iter().map(|(start, end)| (start + offset, end + offset)));
            joined.text.push_str(&part.text);
        }
        joined
    }

    /// The text to execute. It may hold literals, so it never goes into a log, an error or a metric.
    #[must_use]
    pub fn execute(&self) -> &str {
        &self.text
    }

    /// The same statement with every literal replaced; the only form for logs and errors.
    #[must_use]
    pub fn redacted(&self) -> String {
        let mut out = String::new();
        let mut position = 0;
        for (start, end) in &self.literals {
            out.push_str(self.text.get(position..*start).unwrap_or_default());
            out.push_str("'…'");
            position = *end;
        }
        out.push_str(self.text.get(position..).unwrap_or_default());
        out
    }

    /// The same text with a marker where the comment has a `blank` of the same length; it must be letters and digits.
    #[must_use]
    pub(crate) fn with_marker(mut self, blank: &str, marker: &str) -> Self {
        debug_assert!(blank.len() == marker.len() && marker.bytes().all(|b| b.is_ascii_alphanumeric()));
        // Quotes are doubled in names, so only the comment can hold this: a view called like the blank stays what it is.
        let place = |digits: &str| format!(r#""fingerprint":"{digits}"#);
        self.text = self.text.replacen(&place(blank), &place(marker), 1);
        self
    }

    /// Length in bytes of what is executed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// Whether there is no text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}

/// Prints the redacted form, because debug output ends up in logs.
impl fmt::Debug for SqlText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SqlText({})", self.redacted())
    }
}
