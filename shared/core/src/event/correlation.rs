//! What an event is called in every log line about it, from its receipt to its being in force.
//!
//! A producer can choose it, so it goes into logs only in a form that can hold neither prose nor control characters.

use std::fmt;

use serde_json::Value;

/// The field that any event may have.
pub(super) const FIELD: &str = "correlation_id";

/// What it must look like, as the schema says it.
pub(super) const PATTERN: &str = "^[A-Za-z0-9._:/+=@#-]{1,128}$";

/// The same in words.
pub(super) const WORDS: &str = "1 to 128 letters, digits and characters of `._:/+=@#-`";

const LONGEST: usize = 128;

/// What an event is called in logs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CorrelationId(String);

impl CorrelationId {
    /// A text of 1 to 128 letters, digits and a few marks; nothing of any other.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        fits(text).then(|| Self(text.to_owned()))
    }

    /// What a message that is no event is called, as far as that can be told: by itself, or by the envelope around it.
    #[must_use]
    pub fn in_refused(body: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(body).ok()?;
        let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).and_then(Self::new);
        match value.get("detail") {
            Some(detail) => text(detail, FIELD).or_else(|| text(&value, "id")),
            None => text(&value, FIELD),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a text is what [`PATTERN`] says.
pub(super) fn fits(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/+=@#-".contains(&byte);
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_stand_in_a_log_line_is_one() {
        let longest = "x".repeat(128);
        let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        for good in ["a", "3f1c9a52-6a9b-4e0e-9a53-5a3b0d6f2c11", traceparent, "urn:x/1#2@h", &longest] {
            assert_eq!(CorrelationId::new(good).unwrap().as_str(), good);
        }
        let too_long = "x".repeat(129);
        for bad in ["", " ", "a b", "a\n", "é", "a\"b", "'; --", &too_long] {
            assert_eq!(CorrelationId::new(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_refused_is_called_by_itself_or_its_envelope() {
        let found = |body: &str| CorrelationId::in_refused(body).map(|id| id.to_string());
        assert_eq!(found(r#"{"type": 1, "correlation_id": "a"}"#).as_deref(), Some("a"));
        assert_eq!(found(r#"{"id": "document", "version": -1}"#), None, "the id of a document is none");
        assert_eq!(found(r#"{"id": "e", "detail": {"id": "document"}}"#).as_deref(), Some("e"));
        assert_eq!(found(r#"{"id": "e", "detail": {"correlation_id": "a"}}"#).as_deref(), Some("a"));
        assert_eq!(found(r#"{"correlation_id": "a b"}"#), None);
        assert_eq!(found("{"), None);
    }
}
