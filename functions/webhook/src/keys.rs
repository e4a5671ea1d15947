//! The senders' keys, as a secret holds them. During a rotation a sender has two.

use std::{collections::BTreeSet, fmt};

use base64::{Engine, engine::general_purpose::STANDARD};
use redoubt_core::event::Event;
use serde::{Deserialize, Deserializer};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use zeroize::Zeroizing;

/// The fewest bytes of a key: what Standard Webhooks asks for.
pub const MIN_KEY_BYTES: usize = 24;
/// The most keys, every one of which is tried on every request.
pub const MAX_KEYS: usize = 32;
/// What the text of a Standard Webhooks secret begins with.
const PREFIX: &str = "whsec_";
/// Events that no key may send unless it names them: they name hosts and secrets.
const INTEGRATION: &str = "integration.";

/// How a request is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// As <https://www.standardwebhooks.com> says.
    Standard,
    /// As GitHub does.
    GitHub,
}

/// What is wrong with the secret. It holds nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// Not the JSON document that is expected.
    #[error("the webhook secret can't be read: line {line}, column {column} (docs/webhook.md shows its form)")]
    Form {
        /// Where.
        line: usize,
        /// Where in the line.
        column: usize,
    },
    /// More keys than are tried.
    #[error("the webhook secret has more than {MAX_KEYS} keys")]
    TooMany,
    /// An id that is empty, long, or more than a name.
    #[error("`keys[{0}].id` is not 1 to 64 letters, digits, `-`, `_` or `.`")]
    Id(usize),
    /// An id that names two keys.
    #[error("`keys[{0}].id` occurs before")]
    Twice(usize),
    /// A secret of Standard Webhooks that is none.
    #[error("`keys[{0}].secret` is not `{PREFIX}` and base64")]
    NotBase64(usize),
    /// A secret that could be guessed.
    #[error("`keys[{0}].secret` has fewer than {MIN_KEY_BYTES} bytes")]
    Short(usize),
    /// Times that are none, or that leave no time.
    #[error(
        "`keys[{0}]` has a `not_before` or `not_after` that is not an RFC 3339 time, or the first is not the earlier"
    )]
    Time(usize),
    /// A name of events that there are not.
    #[error("`keys[{0}].events` has neither the type of an event nor its first part with the dot, such as `policy.`")]
    Events(usize),
}

/// The keys of all senders.
#[derive(Clone)]
pub struct Keys(Vec<Key>);

/// One key of a sender.
#[derive(Clone)]
pub struct Key {
    id: String,
    scheme: Scheme,
    secret: Zeroizing<Vec<u8>>,
    not_before: Option<OffsetDateTime>,
    not_after: Option<OffsetDateTime>,
    events: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    keys: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: String,
    scheme: Scheme,
    #[serde(deserialize_with = "zeroizing")]
    secret: Zeroizing<String>,
    not_before: Option<String>,
    not_after: Option<String>,
    events: Option<Vec<String>>,
}

fn zeroizing<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(deserializer).map(Zeroizing::new)
}

impl Keys {
    /// Reads the document that the secret holds.
    ///
    /// # Errors
    /// [`KeysError`] with the first fault: a document with one is not used at all.
    pub fn parse(document: &str) -> Result<Self, KeysError> {
        // The message of the error repeats values.
        let Document { keys } = serde_json::from_str(document)
            .map_err(|error| KeysError::Form { line: error.line(), column: error.column() })?;
        if keys.len() > MAX_KEYS {
            return Err(KeysError::TooMany);
        }
        let mut ids = BTreeSet::new();
        let mut checked = Vec::with_capacity(keys.len());
        for (index, written) in keys.into_iter().enumerate() {
            let key = Key::check(index, written)?;
            if !ids.insert(key.id.clone()) {
                return Err(KeysError::Twice(index));
            }
            checked.push(key);
        }
        tracing::info!(keys = checked.len(), "read the webhook secret");
        Ok(Self(checked))
    }

    /// The keys of a scheme, active or not.
    pub fn of(&self, scheme: Scheme) -> impl Iterator<Item = &Key> {
        self.0.iter().filter(move |key| key.scheme == scheme)
    }
}

impl Key {
    fn check(index: usize, written: Written) -> Result<Self, KeysError> {
        let Written { id, scheme, secret, not_before, not_after, events } = written;
        let of_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if id.is_empty() || id.len() > 64 || !id.bytes().all(of_name) {
            return Err(KeysError::Id(index));
        }
        let secret = match scheme {
            Scheme::Standard => {
                let text = secret.strip_prefix(PREFIX).ok_or(KeysError::NotBase64(index))?;
                Zeroizing::new(STANDARD.decode(text).map_err(|_| KeysError::NotBase64(index))?)
            }
            Scheme::GitHub => Zeroizing::new(secret.as_bytes().to_vec()),
        };
        if secret.len() < MIN_KEY_BYTES {
            return Err(KeysError::Short(index));
        }
        let time = |text: Option<String>| {
            text.map(|text| OffsetDateTime::parse(&text, &Rfc3339)).transpose().map_err(|_| KeysError::Time(index))
        };
        let (not_before, not_after) = (time(not_before)?, time(not_after)?);
        if let (Some(before), Some(after)) = (not_before, not_after)
            && before >= after
        {
            return Err(KeysError::Time(index));
        }
        if events.iter().flatten().any(|name| !names_events(name)) {
            return Err(KeysError::Events(index));
        }
        Ok(Self { id, scheme, secret, not_before, not_after, events })
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn secret(&self) -> &[u8] {
        &self.secret
    }

    /// Whether it counts at a time: from `not_before`, until before `not_after`.
    #[must_use]
    pub fn is_active(&self, now: OffsetDateTime) -> bool {
        self.not_before.is_none_or(|time| time <= now) && self.not_after.is_none_or(|time| now < time)
    }

    /// Whether its sender may send events of a type. Without a list that is every type but those of integrations, which must
    /// be named.
    #[must_use]
    pub fn allows(&self, event_type: &str) -> bool {
        match &self.events {
            None => !event_type.starts_with(INTEGRATION),
            Some(names) => names.iter().any(|name| {
                if name.ends_with('.') { event_type.starts_with(name.as_str()) } else { event_type == name }
            }),
        }
    }
}

/// Leaves out the secret.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).field("scheme", &self.scheme).finish_non_exhaustive()
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.0).finish()
    }
}

fn names_events(name: &str) -> bool {
    Event::TYPES.iter().any(|known| match known.split_once('.') {
        Some((first, _)) if name.ends_with('.') => name.strip_suffix('.') == Some(first),
        _ => *known == name,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn parse(keys: &[Value]) -> Result<Keys, KeysError> {
        Keys::parse(&json!({ "keys": keys }).to_string())
    }

    fn with(rest: Value) -> Value {
        let mut key = json!({"id": "k", "scheme": "standard", "secret": SECRET});
        key.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        key
    }

    fn only(rest: Value) -> Key {
        parse(&[with(rest)]).unwrap().0.remove(0)
    }

    #[test]
    fn bad_documents_are_named_without_quoting_them() {
        let good = || with(json!({}));
        for (keys, message) in [
            (vec![with(json!({"id": ""}))], "`keys[0].id` is not 1 to 64 letters, digits, `-`, `_` or `.`"),
            (vec![with(json!({"id": "a b"}))], "`keys[0].id` is not 1 to 64 letters, digits, `-`, `_` or `.`"),
            (vec![good(), good()], "`keys[1].id` occurs before"),
            (
                vec![with(json!({"secret": "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}))],
                "`keys[0].secret` is not `whsec_` and base64",
            ),
            (vec![with(json!({"secret": "whsec_?"}))], "`keys[0].secret` is not `whsec_` and base64"),
            (vec![with(json!({"secret": "whsec_c2hvcnQ="}))], "`keys[0].secret` has fewer than 24 bytes"),
            (vec![with(json!({"scheme": "github", "secret": "short"}))], "`keys[0].secret` has fewer than 24 bytes"),
            (
                vec![with(json!({"not_after": "2026-01-01"}))],
                "`keys[0]` has a `not_before` or `not_after` that is not an RFC 3339 time, or the first is not the earlier",
            ),
            (
                vec![with(json!({"not_before": "2026-01-01T01:00:00+01:00", "not_after": "2026-01-01T00:00:00Z"}))],
                "`keys[0]` has a `not_before` or `not_after` that is not an RFC 3339 time, or the first is not the earlier",
            ),
            (vec![good(); 33], "the webhook secret has more than 32 keys"),
        ] {
            assert_eq!(parse(&keys).unwrap_err().to_string(), message);
        }
        for events in ["", ".", "policy", "polic.", "policy.created.", "polcy.", "policy.c", "Policy.", "*"] {
            assert_eq!(parse(&[with(json!({"events": [events]}))]).unwrap_err(), KeysError::Events(0), "{events}");
        }
    }

    #[test]
    fn a_document_of_another_form_is_not_guessed_at() {
        for document in [
            "",
            "{}",
            "[]",
            SECRET,
            r#"{"keys":[],"more":1}"#,
            r#"{"keys":[{"id":"k","scheme":"Standard","secret":"x"}]}"#,
            r#"{"keys":[{"id":"k","scheme":"sha1","secret":"x"}]}"#,
            &json!({"keys": [with(json!({"notafter": "2026-01-01T00:00:00Z"}))]}).to_string(),
            &json!({"keys": [with(json!({"secret": [SECRET]}))]}).to_string(),
        ] {
            let error = Keys::parse(document).unwrap_err();
            assert!(matches!(error, KeysError::Form { .. }), "{document}");
            assert!(!error.to_string().contains("whsec_M"), "{error}");
        }
    }

    #[test]
    fn a_key_counts_from_its_first_moment_until_before_its_last() {
        let at = |text: &str| OffsetDateTime::parse(text, &Rfc3339).unwrap();
        let key = only(json!({"not_before": "2026-01-01T00:00:00Z", "not_after": "2026-02-01T00:00:00Z"}));
        for (time, active) in [
            ("2025-12-31T23:59:59.999Z", false),
            ("2026-01-01T00:00:00Z", true),
            ("2026-01-31T23:59:59.999Z", true),
            ("2026-02-01T00:00:00Z", false),
        ] {
            assert_eq!(key.is_active(at(time)), active, "{time}");
        }
        assert!(only(json!({})).is_active(at("1970-01-01T00:00:00Z")));
    }

    #[test]
    fn integrations_must_be_named() {
        let any = only(json!({}));
        let allowed = Event::TYPES.iter().filter(|name| any.allows(name)).count();
        assert_eq!((allowed, any.allows("integration.created")), (Event::TYPES.len() - 4, false));
        let some = only(json!({"events": ["user.", "policy.created", "integration."]}));
        for (name, allowed) in [
            ("user.deleted", true),
            ("policy.created", true),
            ("policy.created_again", false),
            ("policy.deleted", false),
            ("integration.updated", true),
            ("project.created", false),
        ] {
            assert_eq!(some.allows(name), allowed, "{name}");
        }
        assert!(!Event::TYPES.iter().any(|name| only(json!({"events": []})).allows(name)));
    }

    #[test]
    fn debug_output_leaves_out_secrets() {
        let keys = parse(&[with(json!({}))]).unwrap();
        assert_eq!(format!("{keys:?}"), r#"[Key { id: "k", scheme: Standard, .. }]"#);
    }
}
