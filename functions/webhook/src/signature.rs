//! Signatures of requests: what the headers say, and whether a key bears it out.
//!
//! Standard Webhooks sign `id.timestamp.body` (<https://github.com/standard-webhooks/standard-webhooks>); GitHub signs the body
//! alone (<https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries>). Both with HMAC-SHA256.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use redoubt_core::render::digest;
use sha2::Sha256;
use time::OffsetDateTime;

use crate::{
    answer::Refusal,
    keys::{Key, Keys, Scheme},
    request::Request,
};

const MAC_BYTES: usize = 32;
/// The most signatures of one request, each of which is compared with those of all keys.
const MAX_SIGNATURES: usize = 16;
/// The longest id of a delivery.
const MAX_ID_BYTES: usize = 256;
/// The most digits of a time in seconds; it stays far from what overflows.
const MAX_TIME_DIGITS: usize = 12;

type Code = [u8; MAC_BYTES];

/// Why it is not known who sent a request. For the log, not for the sender.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    /// There is no signature, or not all that belongs to it.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// There are signatures, but none of a kind that is known.
    #[error("there is no signature of version v1")]
    Version,
    /// No key could have signed it.
    #[error("there is no key of this scheme")]
    NoKey,
    /// No key signed it.
    #[error("no key bears it out")]
    Wrong,
    /// A key signed it that does not count yet or any more.
    #[error("the key `{0}` is not active")]
    Inactive(String),
    /// It was signed too long ago, or in the future.
    #[error("it was signed {0} seconds ago")]
    Time(i64),
}

/// What the headers of a request say of its signature.
#[derive(Debug, PartialEq, Eq)]
pub enum Signed<'a> {
    /// As Standard Webhooks do.
    Standard {
        /// The sender's id of the delivery; the same when it is tried again.
        id: &'a str,
        /// When it was signed, as written.
        timestamp: &'a str,
        /// The same in seconds since 1970.
        seconds: i64,
        /// The signatures of version 1.
        codes: Vec<Code>,
    },
    /// As GitHub does.
    GitHub {
        /// The sender's id of the delivery, which is not signed.
        delivery: Option<&'a str>,
        /// The signature.
        code: Code,
    },
}

impl<'a> Signed<'a> {
    /// Reads the headers.
    ///
    /// # Errors
    /// When the signature is missing or can't be read.
    pub fn read(request: &'a Request) -> Result<Self, Refusal> {
        let standard = request.header("webhook-signature")?;
        let github = request.header("x-hub-signature-256")?;
        match (standard, github) {
            (Some(_), Some(_)) => Err(Refusal::Header("there are signatures of two schemes")),
            (Some(signatures), None) => Self::standard(request, signatures),
            (None, Some(signature)) => Self::github(request, signature),
            (None, None) => Err(Refusal::Signature(Distrust::Missing("webhook-signature"))),
        }
    }

    fn standard(request: &'a Request, signatures: &str) -> Result<Self, Refusal> {
        let header = |name| request.header(name)?.ok_or(Refusal::Signature(Distrust::Missing(name)));
        let (id, timestamp) = (header("webhook-id")?, header("webhook-timestamp")?);
        // What is signed is joined by dots.
        if !is_id(id) || id.contains('.') {
            return Err(Refusal::Header("`webhook-id` is not 1 to 256 visible ASCII characters without a dot"));
        }
        let is_time = (1..=MAX_TIME_DIGITS).contains(&timestamp.len()) && timestamp.bytes().all(|b| b.is_ascii_digit());
        let seconds = timestamp.parse().ok().filter(|_| is_time);
        let seconds = seconds.ok_or(Refusal::Header("`webhook-timestamp` is not a number of seconds since 1970"))?;
        let codes = codes(signatures)?;
        Ok(Self::Standard { id, timestamp, seconds, codes })
    }

    fn github(request: &'a Request, signature: &str) -> Result<Self, Refusal> {
        let delivery = request.header("x-github-delivery")?;
        if delivery.is_some_and(|id| !is_id(id)) {
            return Err(Refusal::Header("`x-github-delivery` is not 1 to 256 visible ASCII characters"));
        }
        let code = signature.strip_prefix("sha256=").and_then(from_hex);
        let code = code.ok_or(Refusal::Header("`x-hub-signature-256` is not `sha256=` and 64 hexadecimal digits"))?;
        Ok(Self::GitHub { delivery, code })
    }

    /// How it is signed.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        match self {
            Self::Standard { .. } => Scheme::Standard,
            Self::GitHub { .. } => Scheme::GitHub,
        }
    }

    /// The sender's id of the delivery, if there is one.
    #[must_use]
    pub fn id(&self) -> Option<&'a str> {
        match self {
            Self::Standard { id, .. } => Some(id),
            Self::GitHub { delivery, .. } => *delivery,
        }
    }

    /// What a repetition of the same delivery has too. A sender that tries again signs anew, so with Standard Webhooks that is
    /// the id and the body: an id that is used for another event by mistake must not swallow that event. GitHub's id could
    /// be anything, so there it is the signature.
    #[must_use]
    pub fn identity(&self, body: &[u8]) -> String {
        match self {
            Self::Standard { id, .. } => digest([b"standard", id.as_bytes(), body]),
            Self::GitHub { code, .. } => digest([b"github".as_slice(), code]),
        }
    }

    /// The keys that bear the signature out, at least one. Every key of the scheme is tried, whichever it is and whether it is
    /// active or not, and codes are compared in constant time, so the time this takes says nothing.
    ///
    /// # Errors
    /// [`Distrust`] when there is none, or the signature is too old or too new.
    pub fn verify<'k>(
        &self,
        body: &[u8],
        keys: &'k Keys,
        now: OffsetDateTime,
        window: Duration,
    ) -> Result<Vec<&'k Key>, Distrust> {
        let mut tried = false;
        let mut matching = Vec::new();
        for key in keys.of(self.scheme()) {
            tried = true;
            if self.is_by(key, body) {
                matching.push(key);
            }
        }
        let first = match matching.first() {
            Some(key) => key.id().to_owned(),
            None if tried => return Err(Distrust::Wrong),
            None => return Err(Distrust::NoKey),
        };
        matching.retain(|key| key.is_active(now));
        if matching.is_empty() {
            return Err(Distrust::Inactive(first));
        }
        if let Self::Standard { seconds, .. } = self {
            let ago = now.unix_timestamp() - seconds;
            if ago.unsigned_abs() > window.as_secs() {
                return Err(Distrust::Time(ago));
            }
        }
        Ok(matching)
    }

    fn is_by(&self, key: &Key, body: &[u8]) -> bool {
        // A key of any length is fine, so this never fails.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.secret()) else {
            return false;
        };
        let codes = match self {
            Self::Standard { id, timestamp, codes, .. } => {
                for part in [id.as_bytes(), b".", timestamp.as_bytes(), b"."] {
                    mac.update(part);
                }
                codes.as_slice()
            }
            Self::GitHub { code, .. } => std::slice::from_ref(code),
        };
        mac.update(body);
        codes.iter().fold(false, |found, code| mac.clone().verify_slice(code).is_ok() | found)
    }
}

/// The signatures of version 1 among those of a header. Others are for others, and one that can't be read harms none that can.
fn codes(signatures: &str) -> Result<Vec<Code>, Refusal> {
    let mut codes = Vec::new();
    let mut known = false;
    for (index, signature) in signatures.split_ascii_whitespace().enumerate() {
        if index == MAX_SIGNATURES {
            return Err(Refusal::Header("`webhook-signature` has more than 16 signatures"));
        }
        if let Some(code) = signature.strip_prefix("v1,") {
            known = true;
            codes.extend(STANDARD.decode(code).ok().and_then(|code| Code::try_from(code).ok()));
        } else if !signature.contains(',') {
            return Err(Refusal::Header("`webhook-signature` is not a list of versions with signatures"));
        }
    }
    match (codes.is_empty(), known) {
        (false, _) => Ok(codes),
        (true, true) => Err(Refusal::Header("`webhook-signature` is not `v1,` and the base64 of 32 bytes")),
        (true, false) => Err(Refusal::Signature(Distrust::Version)),
    }
}

fn is_id(id: &str) -> bool {
    (1..=MAX_ID_BYTES).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

fn from_hex(text: &str) -> Option<Code> {
    let digits = text.as_bytes();
    if digits.len() != 2 * MAC_BYTES {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut code = Code::default();
    for (byte, pair) in code.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(code)
}
