//! Names of things Redoubt keeps: identities of documents, tags, and what users have.

use std::fmt;

use crate::{event::Fault, sql::Text};

/// Most bytes an identity may have.
pub const MAX_ID_BYTES: usize = 128;
/// Most bytes a group, an attribute's name or value, or a purpose may have.
pub const MAX_VALUE_BYTES: usize = 512;
/// Most bytes a tag may have.
pub const MAX_TAG_BYTES: usize = 256;

/// The lasting identity of a document: 1 to [`MAX_ID_BYTES`] bytes, no control characters, no blanks at the ends.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(Text);

impl Id {
    /// Checks an identity that stands at a path.
    ///
    /// # Errors
    /// A fault that names the path.
    pub fn check(path: &str, id: &str) -> Result<Self, Fault> {
        bounded(path, id, MAX_ID_BYTES, "an identity").map(Self)
    }

    /// The identity.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The identity as it stands in SQL.
    #[must_use]
    pub fn text(&self) -> &Text {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A dotted tag, such as `pii.phone`. A policy on `pii` covers `pii.phone` too.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(Box<str>);

impl Tag {
    /// Checks a tag that stands at a path: segments that are not empty, joined by dots.
    ///
    /// # Errors
    /// A fault that names the path.
    pub fn check(path: &str, tag: &str) -> Result<Self, Fault> {
        bounded(path, tag, MAX_TAG_BYTES, "a tag")?;
        if tag.split('.').any(|segment| segment.trim().is_empty() || segment.trim() != segment) {
            return Err(Fault::new(path, found(tag), "segments joined by single dots, such as `pii.phone`"));
        }
        Ok(Self(tag.into()))
    }

    /// The tag.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How many segments it has; more is more specific.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.0.split('.').count()
    }

    /// The tag and every tag above it, the deepest first.
    pub fn lineage(&self) -> impl Iterator<Item = &str> {
        std::iter::successors(Some(&*self.0), |tag| tag.rsplit_once('.').map(|(above, _)| above))
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A regular expression over whole column names. Upper and lower case count as the same, as they do in Redshift.
#[derive(Debug, Clone)]
pub struct NamePattern {
    text: Box<str>,
    regex: regex_lite::Regex,
}

/// Most bytes a regular expression may have.
pub const MAX_PATTERN_BYTES: usize = 512;
/// Most bytes a compiled regular expression may take.
const MAX_COMPILED_BYTES: usize = 1 << 20;

impl NamePattern {
    /// Checks a pattern that stands at a path.
    ///
    /// # Errors
    /// A fault that names the path.
    pub fn check(path: &str, pattern: &str) -> Result<Self, Fault> {
        compile(path, pattern, true)?;
        let regex = compile(path, &format!("^(?:{pattern})$"), true)?;
        Ok(Self { text: pattern.into(), regex })
    }

    /// Whether it matches the whole of a name.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.regex.is_match(name)
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl PartialEq for NamePattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for NamePattern {}

/// Compiles a regular expression, which costs no more than its length squared to match.
///
/// # Errors
/// A fault that names the path and what is wrong with the pattern.
pub(super) fn compile(path: &str, pattern: &str, ignore_case: bool) -> Result<regex_lite::Regex, Fault> {
    let expected = format!("a regular expression of 1 to {MAX_PATTERN_BYTES} bytes without control characters");
    if pattern.is_empty() || pattern.len() > MAX_PATTERN_BYTES + "^(?:)$".len() || pattern.chars().any(char::is_control)
    {
        return Err(Fault::new(path, found(pattern), expected));
    }
    regex_lite::RegexBuilder::new(pattern)
        .case_insensitive(ignore_case)
        .size_limit(MAX_COMPILED_BYTES)
        .build()
        .map_err(|error| Fault::new(path, format!("{}: {error}", found(pattern)), expected))
}

/// Something a user has or must have: a group, an attribute's name or value, a purpose.
///
/// Blanks at the ends are cut off, because Redshift ignores trailing blanks when it compares:
/// <https://docs.aws.amazon.com/redshift/latest/dg/r_Character_types.html>. What differs only in them is the same thing.
///
/// # Errors
/// A fault that names the path, when nothing is left, or it is too long, or has control characters.
pub fn value(path: &str, value: &str) -> Result<Text, Fault> {
    bounded(path, value.trim(), MAX_VALUE_BYTES, "a value")
}

fn bounded(path: &str, text: &str, most: usize, what: &str) -> Result<Text, Fault> {
    let expected = || format!("{what} of 1 to {most} bytes without control characters or blanks at the ends");
    if text.is_empty() || text.trim() != text || text.chars().any(char::is_control) {
        return Err(Fault::new(path, found(text), expected()));
    }
    if text.len() > most {
        return Err(Fault::new(path, format!("{} bytes", text.len()), expected()));
    }
    Text::new(text).map_err(|error| Fault::new(path, error.to_string(), expected()))
}

/// How a short text is shown in a fault; a long one is only measured, one with control characters only named.
#[must_use]
pub fn found(text: &str) -> String {
    if text.is_empty() {
        "an empty text".to_owned()
    } else if text.chars().any(char::is_control) {
        "a text with control characters".to_owned()
    } else if text.len() > 64 {
        format!("a text of {} bytes", text.len())
    } else {
        format!("`{text}`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lineage_goes_up() {
        let tag = Tag::check("t", "pii.phone.mobile").unwrap();
        assert_eq!(tag.lineage().collect::<Vec<_>>(), ["pii.phone.mobile", "pii.phone", "pii"]);
        assert_eq!(tag.depth(), 3);
    }

    #[test]
    fn odd_tags_are_refused() {
        for tag in ["", ".", "a.", ".a", "a..b", "a. b", "a\nb"] {
            assert!(Tag::check("t", tag).is_err(), "{tag:?}");
        }
    }

    #[test]
    fn values_lose_blanks_at_the_ends() {
        assert_eq!(value("v", " admin  ").unwrap().as_str(), "admin");
        assert!(value("v", "   ").is_err());
    }
}
