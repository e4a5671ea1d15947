//! From the master secret to the keys of columns.
//!
//! A view passes the source's token, which is joined from a table that only views read and stands in no text. The handle is
//! its hash; users may read it. Every key is derived from the master secret with the handle as salt, so whoever unmasks needs
//! no token, and whoever has no token can't mask what they guess and compare.

use std::{collections::BTreeSet, fmt};

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use hkdf::Hkdf;
use serde_json::Value;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The fewest bytes of a secret.
pub const MIN_SECRET_BYTES: usize = 32;
/// Digits of a token and of a handle.
const HEX_DIGITS: usize = 64;
/// What the token is hashed with, so that its hash is good for nothing else.
const HANDLE_SUFFIX: &str = ":unmask";
/// The id of a secret that is written without one.
const FIRST_ID: u8 = 1;
/// Padding or not: secrets come from many tools.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What is wrong with a master secret. It holds nothing of the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Not a JSON document.
    #[error("the master secret is not JSON")]
    NotJson,
    /// Neither of the two forms.
    #[error("the master secret is neither {{\"keys\": [{{\"id\": …, \"secret\": …}}, …]}} nor {{\"secret\": …}}")]
    Form,
    /// Nothing to mask with.
    #[error("the master secret has no keys")]
    Empty,
    /// An id that is none.
    #[error("`keys[{0}].id` is not a number from 0 to 255")]
    Id(usize),
    /// An id that names two secrets.
    #[error("`keys[{0}].id` occurs before")]
    Twice(usize),
    /// A secret that is no text of base64.
    #[error("`keys[{0}].secret` is not base64")]
    NotBase64(usize),
    /// A secret that could be guessed.
    #[error("`keys[{0}].secret` has fewer than {MIN_SECRET_BYTES} bytes")]
    Short(usize),
    /// A name so long that no key can be derived from it.
    #[error("a name is too long to derive a key from")]
    TooLong,
}

/// The master keys. The last one masks, every one unmasks.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterSecret {
    keys: Vec<MasterKey>,
}

#[derive(Clone, PartialEq, Eq)]
struct MasterKey {
    id: u8,
    secret: Zeroizing<Vec<u8>>,
}

impl MasterSecret {
    /// Reads the document that the secret store keeps: `{"keys": [{"id": 1, "secret": "<base64 of 32 bytes or more>"}, …]}`. Where a
    /// tool can only generate a text, `{"secret": "<32 characters or more>"}` stands for the one key 1 of that text's bytes.
    ///
    /// # Errors
    /// [`SecretError`] with the first fault.
    pub fn parse(document: &str) -> Result<Self, SecretError> {
        let document: Value = serde_json::from_str(document).map_err(|_| SecretError::NotJson)?;
        match (document.get("keys"), document.get("secret")) {
            (Some(Value::Array(keys)), None) => Self::from_list(keys),
            (None, Some(Value::String(secret))) => {
                Ok(Self { keys: vec![MasterKey::new(FIRST_ID, secret.clone().into_bytes(), 0)?] })
            }
            _ => Err(SecretError::Form),
        }
    }

    fn from_list(list: &[Value]) -> Result<Self, SecretError> {
        let mut ids = BTreeSet::new();
        let mut keys = Vec::with_capacity(list.len());
        for (index, key) in list.iter().enumerate() {
            let id = key.get("id").and_then(Value::as_u64).and_then(|id| u8::try_from(id).ok());
            let id = id.ok_or(SecretError::Id(index))?;
            if !ids.insert(id) {
                return Err(SecretError::Twice(index));
            }
            let secret = key.get("secret").and_then(Value::as_str).and_then(|secret| BASE64.decode(secret).ok());
            keys.push(MasterKey::new(id, secret.ok_or(SecretError::NotBase64(index))?, index)?);
        }
        if keys.is_empty() { Err(SecretError::Empty) } else { Ok(Self { keys }) }
    }

    /// The id of the key that masks.
    #[must_use]
    pub fn current(&self) -> u8 {
        self.keys.last().map_or(FIRST_ID, |key| key.id)
    }

    /// Fills `key` with the key of a column for a purpose; `None` if there is no master key with that id.
    ///
    /// HKDF-SHA256 (RFC 5869, <https://www.rfc-editor.org/rfc/rfc5869>): the secret is the key material, the handle the salt, and
    /// the info lists `redoubt`, `1`, the purpose, the source and the column, each after its length in four bytes.
    ///
    /// # Errors
    /// [`SecretError::TooLong`].
    pub fn derive(
        &self,
        id: u8,
        handle: &Handle,
        purpose: Purpose,
        source: &str,
        column: &str,
        key: &mut [u8],
    ) -> Result<Option<()>, SecretError> {
        let Some(master) = self.keys.iter().find(|key| key.id == id) else { return Ok(None) };
        let mut info = Vec::new();
        for part in ["redoubt", "1", purpose.as_str(), source, column] {
            let length = u32::try_from(part.len()).map_err(|_| SecretError::TooLong)?;
            info.extend_from_slice(&length.to_be_bytes());
            info.extend_from_slice(part.as_bytes());
        }
        Hkdf::<Sha256>::new(Some(handle.0.as_bytes()), &master.secret)
            .expand(&info, key)
            .map_err(|_| SecretError::TooLong)?;
        Ok(Some(()))
    }
}

impl MasterKey {
    fn new(id: u8, secret: Vec<u8>, index: usize) -> Result<Self, SecretError> {
        let secret = Zeroizing::new(secret);
        if secret.len() < MIN_SECRET_BYTES { Err(SecretError::Short(index)) } else { Ok(Self { id, secret }) }
    }
}

impl fmt::Debug for MasterSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> = self.keys.iter().map(|key| key.id).collect();
        f.debug_struct("MasterSecret").field("ids", &ids).finish_non_exhaustive()
    }
}

/// What a key is for. One key serves one algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// AES-SIV: 64 bytes.
    Reversible,
    /// FF1: 32 bytes.
    FormatPreserving,
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::Reversible => "reversible",
            Self::FormatPreserving => "format-preserving",
        }
    }
}

/// What a source's keys are derived with. It is no secret, but good for nothing without the master secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handle(String);

impl Handle {
    /// The handle of a token; `None` if the text is no token.
    #[must_use]
    pub fn of_token(token: &str) -> Option<Self> {
        if token.len() != HEX_DIGITS || !token.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let digest = Sha256::new().chain_update(token).chain_update(HANDLE_SUFFIX).finalize();
        let mut handle = String::with_capacity(HEX_DIGITS);
        for byte in digest {
            for half in [byte >> 4, byte & 15] {
                handle.push(char::from_digit(u32::from(half), 16).unwrap_or('0'));
            }
        }
        Some(Self(handle))
    }

    /// A handle as users read it; `None` if the text is no handle.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (text.len() == HEX_DIGITS && text.bytes().all(is_digit)).then(|| Self(text.to_owned()))
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::testing::bytes;

    const TOKEN: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    fn secret(keys: &[(u8, &str)]) -> Result<MasterSecret, SecretError> {
        let keys: Vec<_> = keys.iter().map(|(id, secret)| json!({"id": id, "secret": secret})).collect();
        MasterSecret::parse(&json!({ "keys": keys }).to_string())
    }

    const A: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const B: &str = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8";

    fn derive(secret: &MasterSecret, id: u8, purpose: Purpose, source: &str, column: &str) -> Option<[u8; 64]> {
        let mut key = [0; 64];
        let handle = Handle::of_token(TOKEN).unwrap();
        secret.derive(id, &handle, purpose, source, column, &mut key).unwrap().map(|()| key)
    }

    /// Computed with Python's hashlib and hmac.
    #[test]
    fn keys_are_derived_as_documented() {
        let handle = Handle::of_token(TOKEN).unwrap();
        assert_eq!(handle.as_str(), "460be47d2b885a7e15841cd481b60f3931a00d0d197541d0baa9d57be6beb5db");
        assert_eq!(Handle::parse(handle.as_str()), Some(handle));
        let key = derive(&secret(&[(1, A)]).unwrap(), 1, Purpose::Reversible, "tpch.public.customer", "c_phone");
        assert_eq!(
            key.unwrap().to_vec(),
            bytes(
                "433d5e5b37cbc4aad3d801c82b36395a5e5909e1cd0481bb6560e21d032d3559\
                 c16ad0f08fd3e7714466571a22e3f1cef059da871432d650b5c5e8e088f6d9eb"
            )
        );
    }

    #[test]
    fn the_last_key_masks_and_every_key_is_found() {
        let secret = secret(&[(7, A), (0, B)]).unwrap();
        assert_eq!(secret.current(), 0);
        let [a, b] = [7, 0].map(|id| derive(&secret, id, Purpose::Reversible, "s", "c").unwrap());
        assert_ne!(a, b);
        assert_eq!(derive(&secret, 1, Purpose::Reversible, "s", "c"), None);
        assert_eq!(format!("{secret:?}"), "MasterSecret { ids: [7, 0], .. }");
    }

    #[test]
    fn a_generated_text_is_key_1() {
        let text = "0123456789abcdefghijklmnopqrstuv";
        let simple = MasterSecret::parse(&json!({ "secret": text }).to_string()).unwrap();
        let listed = secret(&[(1, &BASE64.encode(text))]).unwrap();
        assert_eq!(simple, listed);
        assert_eq!(simple.current(), 1);
    }

    #[test]
    fn what_is_wrong_is_said_without_the_secret() {
        for (document, error) in [
            ("AAECAwQF", SecretError::NotJson),
            ("[]", SecretError::Form),
            (r#"{"keys": {}}"#, SecretError::Form),
            (r#"{"secret": 5}"#, SecretError::Form),
            (r#"{"secret": "x", "keys": []}"#, SecretError::Form),
            (r#"{"keys": []}"#, SecretError::Empty),
            (r#"{"keys": [{"id": 256, "secret": ""}]}"#, SecretError::Id(0)),
            (r#"{"keys": [{"id": "1", "secret": ""}]}"#, SecretError::Id(0)),
            (r#"{"keys": [{"secret": ""}]}"#, SecretError::Id(0)),
            (r#"{"keys": ["AAECAwQF"]}"#, SecretError::Id(0)),
            (r#"{"keys": [{"id": 1, "secret": "AAECAwQF"}]}"#, SecretError::Short(0)),
            (r#"{"keys": [{"id": 1, "secret": "not base64!"}]}"#, SecretError::NotBase64(0)),
            (r#"{"keys": [{"id": 1}]}"#, SecretError::NotBase64(0)),
            (r#"{"secret": "AAECAwQFBgcICQoLDA0ODxAREhMUFRY"}"#, SecretError::Short(0)),
        ] {
            let found = MasterSecret::parse(document).unwrap_err();
            assert_eq!(found, error, "{document}");
            assert!(!format!("{found} {found:?}").contains("AAEC"), "{found}");
        }
        assert_eq!(secret(&[(1, A), (2, B), (1, B)]), Err(SecretError::Twice(2)));
    }

    #[test]
    fn only_digits_are_tokens_and_handles() {
        for text in
            ["", "0", TOKEN.trim_end_matches('f'), &format!("{TOKEN}0"), &TOKEN.replace('f', "g"), &"é".repeat(32)]
        {
            assert_eq!((Handle::of_token(text), Handle::parse(text)), (None, None), "{text}");
        }
        assert_eq!(Handle::parse(&TOKEN.to_uppercase()), None);
    }

    proptest! {
        /// Names that run into each other must not share a key.
        #[test]
        fn whatever_differs_gives_another_key(source in "[ab.]{0,4}", column in "[ab.]{0,4}", at in 0..=4_usize) {
            let secret = secret(&[(1, A), (2, B)]).unwrap();
            let key = derive(&secret, 1, Purpose::Reversible, &source, &column);
            let joined = format!("{source}{column}");
            if let Some((other_source, other_column)) = joined.split_at_checked(at.min(joined.len()))
                && other_source != source
            {
                prop_assert_ne!(key, derive(&secret, 1, Purpose::Reversible, other_source, other_column));
            }
            prop_assert_ne!(key, derive(&secret, 2, Purpose::Reversible, &source, &column));
            prop_assert_ne!(key, derive(&secret, 1, Purpose::FormatPreserving, &source, &column));
            prop_assert_eq!(key, derive(&secret, 1, Purpose::Reversible, &source, &column));
        }
    }
}
