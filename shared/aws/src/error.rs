//! Failures by what to do about them.
//!
//! Every error of this crate keeps its source and has a [`kind`](Error::kind). Callers decide by the kind alone; the variants
//! are for people. The runtime logs the debug form of an error, so no error holds SQL, literals or secrets.

use redoubt_core::{event::Faults, record::Kind};

use crate::config::ConfigError;
use crate::fault::ServiceFault;
use crate::port::Queue;

/// What to do about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// It may pass: leave the message on its queue and let it come again.
    Retry,
    /// The input is wrong and will stay wrong: reject the message with the reason.
    Reject,
    /// Somebody else was faster: read again and start over.
    Conflict,
    /// A bug or a broken deployment (a missing permission, table or variable). The message is not at fault, so it stays on its
    /// queue; an operator must look.
    Defect,
}

/// Any failure of this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The metadata store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A call was not taken by the warehouse.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// The state of a call could not be learnt.
    #[error(transparent)]
    Describe(#[from] DescribeError),
    /// Messages could not be sent.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The system gave no random bytes.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The environment is incomplete.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl Error {
    /// What to do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => error.kind(),
            Self::Submit(error) => error.kind(),
            Self::Describe(error) => error.kind(),
            Self::Queue(error) => error.kind(),
            Self::Entropy(_) | Self::Config(_) => ErrorKind::Defect,
        }
    }
}

/// The metadata store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A record or its status outgrew what the store holds; the document must become smaller.
    #[error("{kind} `{id}` is too large to store: found {found} bytes, expected at most {limit}")]
    TooLarge {
        /// What the record is about.
        kind: Kind,
        /// The record.
        id: String,
        /// Its size in bytes.
        found: usize,
        /// The largest size in bytes.
        limit: usize,
    },
    /// An id that can't be a key.
    #[error("id of a {kind} has {found} bytes, expected 1 to {limit}")]
    BadId {
        /// What the record is about.
        kind: Kind,
        /// Its size in bytes.
        found: usize,
        /// The largest size in bytes.
        limit: usize,
    },
    /// What is stored is not what this program writes.
    #[error("stored {kind} `{id}` can't be read: bad `{attribute}`")]
    Corrupt {
        /// What the record is about.
        kind: Kind,
        /// The record.
        id: String,
        /// Which part of it.
        attribute: &'static str,
        /// What is wrong with it, where it is present at all.
        source: Option<serde_json::Error>,
    },
    /// A record that has no JSON form.
    #[error("{kind} `{id}` can't be written as JSON")]
    Encode {
        /// What the record is about.
        kind: Kind,
        /// The record.
        id: String,
        /// Why.
        source: serde_json::Error,
    },
    /// The service refused or could not be reached.
    #[error("metadata store: {operation} failed")]
    Service {
        /// What was tried.
        operation: &'static str,
        /// What came back.
        source: ServiceFault,
    },
}

impl StoreError {
    /// What to do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::TooLarge { .. } | Self::BadId { .. } => ErrorKind::Reject,
            Self::Corrupt { .. } | Self::Encode { .. } => ErrorKind::Defect,
            Self::Service { source, .. } => source.kind(),
        }
    }
}

/// A call was not taken by the warehouse.
#[derive(Debug, thiserror::Error)]
#[error("warehouse did not accept the call `{name}`")]
pub struct SubmitError {
    /// The call's name.
    pub name: String,
    /// What came back.
    #[source]
    pub source: ServiceFault,
}

impl SubmitError {
    /// What to do about it. A rejection is about the integration (its warehouse, database or secret) or the SQL's size.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.source.kind()
    }
}

/// The state of a call could not be learnt.
#[derive(Debug, thiserror::Error)]
#[error("can't learn the state of statement `{statement_id}`")]
pub struct DescribeError {
    /// The call, by the id it was given on submission.
    pub statement_id: String,
    /// What came back.
    #[source]
    pub source: ServiceFault,
}

impl DescribeError {
    /// What to do about it. A rejection means that the warehouse does not know the statement (any more).
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.source.kind()
    }
}

/// Messages could not be sent; some of them may have been.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The function has no such queue.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A message larger than a queue takes; none was sent.
    #[error("message for the {queue} queue has {found} bytes, expected at most {limit}")]
    TooLarge {
        /// Where it should have gone.
        queue: Queue,
        /// Its size in bytes.
        found: usize,
        /// The largest size in bytes.
        limit: usize,
    },
    /// The service refused or could not be reached.
    #[error("sending {unsent} messages to the {queue} queue failed")]
    Service {
        /// Where they should have gone.
        queue: Queue,
        /// How many were not sent.
        unsent: usize,
        /// What came back for the first of them.
        source: ServiceFault,
    },
}

impl QueueError {
    /// What to do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Config(_) => ErrorKind::Defect,
            Self::TooLarge { .. } => ErrorKind::Reject,
            Self::Service { source, .. } => source.kind(),
        }
    }
}

/// The system gave no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the system gave no random bytes")]
pub struct EntropyError(#[from] getrandom::Error);

/// An error and everything that caused it, outermost first, in one line for logs. What quotes a document is left out, since a
/// document may hold values and SQL.
#[must_use]
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = discreet(error);
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&discreet(cause));
        source = cause.source();
    }
    text
}

fn discreet(error: &(dyn std::error::Error + 'static)) -> String {
    if let Some(faults) = error.downcast_ref::<Faults>() {
        return format!("{} faults", faults.0.len());
    }
    match error.downcast_ref::<serde_json::Error>() {
        Some(error) => format!("{:?} error at line {}, column {}", error.classify(), error.line(), error.column()),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use redoubt_core::event::Fault;

    use super::*;
    use crate::work::WorkError;

    #[test]
    fn the_chain_names_every_cause_once() {
        let error = Error::from(StoreError::Service {
            operation: "get",
            source: ServiceFault::new(ErrorKind::Retry, "ThrottlingException").with_message("slow down"),
        });
        assert_eq!(chain(&error), "metadata store: get failed: ThrottlingException: slow down");
        assert_eq!(error.kind(), ErrorKind::Retry);
    }

    #[test]
    fn the_chain_quotes_no_document() {
        let source = serde_json::from_str::<u64>("\"secret\"").unwrap_err();
        assert!(source.to_string().contains("secret"), "otherwise this test shows nothing: {source}");
        let corrupt =
            StoreError::Corrupt { kind: Kind::User, id: "u".to_owned(), attribute: "fields", source: Some(source) };
        let text = chain(&Error::from(corrupt));
        assert_eq!(text, "stored user `u` can't be read: bad `fields`: Data error at line 1, column 8");
        let source = Faults(vec![Fault::new("a", "`secret`", "something else")]);
        let unreadable = WorkError::Unreadable { kind: Kind::Policy, id: "p".to_owned(), source };
        assert_eq!(chain(&unreadable), "stored policy `p` does not pass this release's checks: 1 faults");
    }

    #[test]
    fn kinds_follow_the_cause() {
        let too_large = StoreError::TooLarge { kind: Kind::Policy, id: "p".to_owned(), found: 2, limit: 1 };
        assert_eq!(too_large.to_string(), "policy `p` is too large to store: found 2 bytes, expected at most 1");
        assert_eq!(Error::from(too_large).kind(), ErrorKind::Reject);
        let large = QueueError::TooLarge { queue: Queue::DataSource, found: 2, limit: 1 };
        assert_eq!(large.to_string(), "message for the data-source queue has 2 bytes, expected at most 1");
        let denied = DescribeError {
            statement_id: "s".to_owned(),
            source: ServiceFault::new(ErrorKind::Defect, "AccessDeniedException"),
        };
        assert_eq!(Error::from(denied).kind(), ErrorKind::Defect);
    }
}
