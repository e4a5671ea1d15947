//! Requests in payload format 2.0, as function URLs and HTTP APIs hand them over.

use std::{borrow::Cow, collections::BTreeMap};

use base64::{Engine, engine::general_purpose::STANDARD};
use redoubt_aws::queue::MAX_MESSAGE_BYTES;
use serde::Deserialize;

use crate::answer::Refusal;

/// The longest base64 of a body that is not too long.
const MAX_ENCODED_BYTES: usize = MAX_MESSAGE_BYTES.div_ceil(3) * 4;

/// A request. Of all its fields only those that are needed are read, so nothing else about it can be wrong.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    request_context: Context,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

#[derive(Debug, Default, Deserialize)]
struct Context {
    #[serde(default)]
    http: Http,
}

#[derive(Debug, Default, Deserialize)]
struct Http {
    #[serde(default)]
    method: String,
}

impl Request {
    /// What can be told without reading the body: the method, the length and the content type.
    ///
    /// # Errors
    /// The first of them that is wrong.
    pub fn check(&self) -> Result<(), Refusal> {
        if self.http_method() != "POST" {
            return Err(Refusal::Method);
        }
        let limit = if self.is_base64_encoded { MAX_ENCODED_BYTES } else { MAX_MESSAGE_BYTES };
        if self.body.as_ref().is_some_and(|body| body.len() > limit) {
            return Err(Refusal::TooLarge(MAX_MESSAGE_BYTES));
        }
        let media_type = self.header("content-type")?.and_then(|value| value.split(';').next());
        match media_type {
            Some(media_type) if media_type.trim().eq_ignore_ascii_case("application/json") => Ok(()),
            _ => Err(Refusal::ContentType),
        }
    }

    fn http_method(&self) -> &str {
        &self.request_context.http.method
    }

    /// A header, by its name in lower case.
    ///
    /// # Errors
    /// When it is there twice, which Lambda never does: nobody could say which of them counts.
    pub fn header(&self, name: &str) -> Result<Option<&str>, Refusal> {
        let mut values = self.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        let value = values.next().map(|(_, value)| value.trim());
        if values.next().is_some() {
            return Err(Refusal::Header("a header is there twice"));
        }
        Ok(value)
    }

    /// The body as it was sent.
    ///
    /// # Errors
    /// When it is too long, or said to be base64 and isn't.
    pub fn bytes(&self) -> Result<Cow<'_, [u8]>, Refusal> {
        let body = self.body.as_deref().unwrap_or_default();
        let bytes = if self.is_base64_encoded {
            Cow::from(STANDARD.decode(body).map_err(|_| Refusal::Body("the body is not base64"))?)
        } else {
            Cow::from(body.as_bytes())
        };
        if bytes.len() > MAX_MESSAGE_BYTES { Err(Refusal::TooLarge(MAX_MESSAGE_BYTES)) } else { Ok(bytes) }
    }
}
