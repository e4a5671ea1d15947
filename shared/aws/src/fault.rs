//! What an AWS call came back with, reduced to what may be logged and what a retry decision needs.

use std::error::Error as StdError;
use std::fmt;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::error::ErrorKind;

/// Those by which it says that it did not even look at the call.
const THROTTLING: [&str; 7] = [
    "ActiveSessionsExceededException",
    "ActiveStatementsExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
];

/// The codes by which AWS says "not now", whatever the HTTP status.
const TRANSIENT: [&str; 20] = [
    "ActiveSessionsExceededException",
    "ActiveStatementsExceededException",
    "ActiveWaitingRequestsExceededException",
    "BatchExecuteStatementException",
    "DatabaseConnectionException",
    "ExecuteStatementException",
    "InternalServerError",
    "InternalServerException",
    "KMS.ThrottlingException",
    "KmsThrottled",
    "ProvisionedThroughputExceededException",
    "QueryTimeoutException",
    "ReplicatedWriteConflictException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "ServiceUnavailable",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionConflictException",
];

/// A failed AWS call. It keeps the service's code, message and request id, but neither the request nor the raw reply: those can
/// hold SQL.
#[derive(Debug)]
pub struct ServiceFault {
    kind: ErrorKind,
    code: Option<String>,
    message: Option<String>,
    request_id: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl ServiceFault {
    /// A fault without a call behind it, as in-memory adapters and replies with failed entries make it.
    #[must_use]
    pub fn new(kind: ErrorKind, code: impl Into<String>) -> Self {
        Self { kind, code: Some(code.into()), message: None, request_id: None, source: None }
    }

    /// Whether the call was refused for want of room, so that it surely had no effect.
    #[must_use]
    pub fn is_throttling(&self) -> bool {
        self.code.as_deref().is_some_and(|code| THROTTLING.contains(&code))
    }

    /// The same with the service's message.
    #[must_use]
    pub fn with_message(mut self, message: impl AsRef<str>) -> Self {
        self.message = Some(without_values(message.as_ref()));
        self
    }

    /// The same with what caused it, which must not hold SQL.
    #[must_use]
    pub(crate) fn because(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// Reduces an SDK error. `rejects` are the codes by which the service says that the request itself is wrong.
    pub(crate) fn from_sdk<E>(error: SdkError<E, HttpResponse>, rejects: &[&str]) -> Self
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        if let SdkError::ServiceError(context) = &error {
            let meta = context.err().meta();
            return Self {
                kind: kind_of(meta.code(), context.raw().status().as_u16(), rejects),
                code: meta.code().map(str::to_owned),
                message: meta.message().map(without_values),
                request_id: meta.extra("aws_request_id").map(str::to_owned),
                source: None,
            };
        }
        // No usable reply: whether the request had an effect is unknown, so every caller must be able to send it again.
        let (kind, code) = match &error {
            SdkError::ConstructionFailure(_) => (ErrorKind::Defect, "request could not be built"),
            SdkError::TimeoutError(_) => (ErrorKind::Retry, "timed out"),
            SdkError::DispatchFailure(_) => (ErrorKind::Retry, "could not be sent"),
            _ => (ErrorKind::Retry, "reply could not be read"),
        };
        Self { source: error.into_source().ok(), ..Self::new(kind, code) }
    }

    /// What to do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The service's error code, such as `ThrottlingException`.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// The service's message, without the values it quoted.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }
}

impl fmt::Display for ServiceFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code().unwrap_or("no error code"))?;
        if let Some(message) = &self.message {
            write!(f, ": {message}")?;
        }
        if let Some(id) = &self.request_id {
            write!(f, " (request `{id}`)")?;
        }
        Ok(())
    }
}

impl StdError for ServiceFault {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

fn kind_of(code: Option<&str>, http_status: u16, rejects: &[&str]) -> ErrorKind {
    match code {
        Some(code) if TRANSIENT.contains(&code) => ErrorKind::Retry,
        Some(code) if rejects.contains(&code) => ErrorKind::Reject,
        _ if http_status >= 500 || http_status == 429 => ErrorKind::Retry,
        _ => ErrorKind::Defect,
    }
}

/// AWS's validators quote the offending value (`Value '…' at 'sqls' failed to satisfy constraint`), which may be SQL.
fn without_values(message: &str) -> String {
    match message.split_once("Value '").and_then(|(before, rest)| Some((before, rest.rsplit_once("' at '")?.1))) {
        Some((before, after)) => format!("{before}value at '{after}"),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_values_are_withheld() {
        let message =
            "1 validation error detected: Value 'SELECT 'secret' at 'x'' at 'sql' failed to satisfy constraint";
        assert_eq!(without_values(message), "1 validation error detected: value at 'sql' failed to satisfy constraint");
        assert_eq!(without_values("no such secret"), "no such secret");
    }

    #[test]
    fn unknown_codes_are_told_apart_by_http_status() {
        assert_eq!(kind_of(Some("Strange"), 503, &[]), ErrorKind::Retry);
        assert_eq!(kind_of(None, 429, &[]), ErrorKind::Retry);
        assert_eq!(kind_of(Some("AccessDeniedException"), 400, &["ValidationException"]), ErrorKind::Defect);
        assert_eq!(kind_of(Some("ValidationException"), 400, &["ValidationException"]), ErrorKind::Reject);
    }
}
