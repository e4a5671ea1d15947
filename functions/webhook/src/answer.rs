//! Answers: what became of an event, or a problem as RFC 9457 describes them.

use std::collections::BTreeMap;

use redoubt_core::event::Faults;
use serde::Serialize;

use crate::signature::Distrust;

/// Seconds after which a sender may try again when something could not be reached.
const RETRY_AFTER: &str = "30";

/// An answer in payload format 2.0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// The HTTP status.
    pub status_code: u16,
    /// The headers, in lower case.
    pub headers: BTreeMap<&'static str, &'static str>,
    /// JSON.
    pub body: String,
    is_base64_encoded: bool,
}

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// It is in its queue.
    Accepted,
    /// It was accepted before.
    Duplicate,
}

/// Why a request is refused.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Something else than POST.
    #[error("only POST is taken here")]
    Method,
    /// More than a queue takes.
    #[error("the body has more than {0} bytes")]
    TooLarge(usize),
    /// Something else than JSON, by its own account.
    #[error("the content type must be application/json")]
    ContentType,
    /// A header that can't be read.
    #[error("{0}")]
    Header(&'static str),
    /// A body that can't be read.
    #[error("{0}")]
    Body(&'static str),
    /// It is not known who sent it. The answer is always the same one; the reason is for the log.
    #[error("the signature is missing, wrong or expired")]
    Signature(#[source] Distrust),
    /// The sender may not send such events.
    #[error("`{0}` events are not taken from this sender")]
    Forbidden(&'static str),
    /// What is wrong with the event.
    #[error("the event has faults")]
    Faults(Faults),
    /// What is needed could not be reached, so nothing happened, or nothing that can't happen twice.
    #[error("the event could not be taken now")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Refusal {
    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Header(_) | Self::Body(_) => 400,
            Self::Signature(_) => 401,
            Self::Forbidden(_) => 403,
            Self::Method => 405,
            Self::TooLarge(_) => 413,
            Self::ContentType => 415,
            Self::Faults(_) => 422,
            Self::Unavailable(_) => 503,
        }
    }

    /// The kind of problem for programs, and the same for people.
    fn kind(&self) -> (&'static str, &'static str) {
        match self {
            Self::Header(_) => ("urn:redoubt:webhook:bad-header", "Malformed header"),
            Self::Body(_) => ("urn:redoubt:webhook:not-json", "Not JSON"),
            Self::Signature(_) => ("urn:redoubt:webhook:bad-signature", "Not authenticated"),
            Self::Forbidden(_) => ("urn:redoubt:webhook:not-permitted", "Not permitted"),
            Self::Method => ("urn:redoubt:webhook:bad-method", "Method not allowed"),
            Self::TooLarge(_) => ("urn:redoubt:webhook:too-large", "Too large"),
            Self::ContentType => ("urn:redoubt:webhook:bad-content-type", "Unsupported content type"),
            Self::Faults(_) => ("urn:redoubt:webhook:faults", "Faults in the event"),
            Self::Unavailable(_) => ("urn:redoubt:webhook:unavailable", "Unavailable"),
        }
    }
}

#[derive(Serialize)]
struct Status<'a> {
    status: &'static str,
    id: &'a str,
}

#[derive(Serialize)]
struct Problem<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    faults: Option<&'a Faults>,
}

impl Answer {
    /// The answer to an event that was taken, under the sender's id of it.
    #[must_use]
    pub fn taken(taken: &Taken, id: &str) -> Self {
        let (status_code, status) = match taken {
            Taken::Accepted => (202, "accepted"),
            Taken::Duplicate => (200, "duplicate"),
        };
        Self::new(status_code, "application/json", &Status { status, id })
    }

    /// The answer to a request that is refused.
    #[must_use]
    pub fn refused(refusal: &Refusal) -> Self {
        let (status, (r#type, title)) = (refusal.status(), refusal.kind());
        let faults = if let Refusal::Faults(faults) = refusal { Some(faults) } else { None };
        let problem = Problem { r#type, title, status, detail: refusal.to_string(), faults };
        let mut answer = Self::new(status, "application/problem+json", &problem);
        match refusal {
            Refusal::Method => answer.headers.insert("allow", "POST"),
            Refusal::Unavailable(_) => answer.headers.insert("retry-after", RETRY_AFTER),
            _ => None,
        };
        answer
    }

    fn new(status_code: u16, content_type: &'static str, body: &impl Serialize) -> Self {
        let headers = BTreeMap::from([("content-type", content_type), ("cache-control", "no-store")]);
        // Texts and numbers always have a JSON form.
        Self { status_code, headers, body: serde_json::to_string(body).unwrap_or_default(), is_base64_encoded: false }
    }
}
