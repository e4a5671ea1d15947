//! The documented error types.

use crate::registry::ACTIVE_STATEMENTS;
use serde_json::{Value, json};

/// An error that the API answers with.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The request breaks a documented rule.
    #[error("{0}")]
    Validation(String),
    /// No such statement, or no result of it.
    #[error("{0}")]
    NotFound(String),
    /// More statements than may be active.
    #[error("the number of active statements exceeds the limit of {ACTIVE_STATEMENTS}")]
    ActiveStatements,
    /// More requests a second than documented.
    #[error("Rate exceeded")]
    Throttling,
    /// The operation does not exist here.
    #[error("operation `{0}` is not imitated by the stand-in")]
    UnknownOperation(String),
    /// The body is not what the protocol asks for.
    #[error("request body: {0}")]
    Malformed(#[source] serde_json::Error),
}

impl ApiError {
    /// A broken rule.
    pub fn validation(message: impl Into<String>) -> Self {
        Self::Validation(message.into())
    }

    /// The name of the type on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Validation(_) => "ValidationException",
            Self::NotFound(_) => "ResourceNotFoundException",
            Self::ActiveStatements => "ActiveStatementsExceededException",
            Self::Throttling => "ThrottlingException",
            Self::UnknownOperation(_) => "UnknownOperationException",
            Self::Malformed(_) => "SerializationException",
        }
    }

    /// The body of the response; the HTTP status is 400 for all of them.
    pub fn body(&self, resource: &str) -> Value {
        let mut body = json!({ "__type": self.name(), "message": self.to_string(), "Message": self.to_string() });
        if let (Self::NotFound(_), Some(body)) = (self, body.as_object_mut()) {
            body.insert("ResourceId".to_owned(), Value::from(resource));
        }
        body
    }
}
