//! What can go wrong in a use case, and what that means for a message.

use redoubt_core::{event::Faults, record::VersionConflict};

use crate::{
    batch::Outcome,
    error::{Error, ErrorKind, StoreError, chain},
};

/// Why a message could not be dealt with.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// A service failed.
    #[error(transparent)]
    Service(Box<Error>),
    /// The event or a document in it is wrong.
    #[error(transparent)]
    Faults(#[from] Faults),
    /// The producer used a version twice.
    #[error(transparent)]
    Version(#[from] VersionConflict),
    /// A record changed again and again while it was being written.
    #[error("{kind} `{id}` is being written by too many at once")]
    Contended {
        /// What the record is about.
        kind: redoubt_core::record::Kind,
        /// The record.
        id: String,
    },
    /// Policies and projects changed each time they were read.
    #[error("policies and projects change faster than they can be read together")]
    Restless,
    /// What is stored can't be read by this release. Nothing is enforced from a guess.
    #[error("stored {kind} `{id}` does not pass this release's checks")]
    Unreadable {
        /// What the record is about.
        kind: redoubt_core::record::Kind,
        /// The record.
        id: String,
        /// What is wrong with it.
        #[source]
        source: Faults,
    },
    /// A message that another function should have had.
    #[error("this queue takes {expected}, found `{found}`")]
    WrongQueue {
        /// What the queue takes.
        expected: &'static str,
        /// What came.
        found: &'static str,
    },
    /// A setup step failed for good.
    #[error("setup step `{step}` failed: {message}")]
    Setup {
        /// The step.
        step: &'static str,
        /// What the warehouse said.
        message: String,
    },
    /// The warehouse does something that would show users more than policies allow.
    #[error("nothing is enforced: {findings}")]
    Preflight {
        /// What was seen.
        findings: String,
    },
    /// A setup step failed in a way that may pass, or took too long.
    #[error("setup step `{step}` is not done yet: {message}")]
    SetupUnfinished {
        /// The step.
        step: &'static str,
        /// What the warehouse said.
        message: String,
    },
    /// A warehouse that did not answer does so again.
    #[error("the warehouse answers again")]
    CameBack,
    /// An integration is being set up, changed or removed by another invocation.
    #[error("integration `{id}` is being worked on by another invocation")]
    Leased {
        /// The integration.
        id: String,
    },
    /// A statement's event came before its end could be seen.
    #[error("statement `{statement_id}` has not ended yet")]
    NotEnded {
        /// The statement.
        statement_id: String,
    },
    /// A text of this release can't be filled in.
    #[error(transparent)]
    Template(#[from] redoubt_core::render::install::TemplateError),
    /// Something of our own has no JSON form.
    #[error("can't be written as JSON")]
    Json(#[from] serde_json::Error),
}

impl From<StoreError> for WorkError {
    fn from(error: StoreError) -> Self {
        Error::from(error).into()
    }
}

impl From<Error> for WorkError {
    fn from(error: Error) -> Self {
        Self::Service(Box::new(error))
    }
}

impl WorkError {
    /// What to do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Service(error) => error.kind(),
            Self::Faults(_) | Self::Setup { .. } | Self::Preflight { .. } | Self::WrongQueue { .. } => {
                ErrorKind::Reject
            }
            Self::Version(_) => ErrorKind::Conflict,
            Self::Contended { .. }
            | Self::Restless
            | Self::CameBack
            | Self::Leased { .. }
            | Self::SetupUnfinished { .. }
            | Self::NotEnded { .. } => ErrorKind::Retry,
            Self::Unreadable { .. } | Self::Template(_) | Self::Json(_) => ErrorKind::Defect,
        }
    }

    /// The error for logs: without what the warehouse said, which may quote SQL and values. Statuses and dead letters have it.
    #[must_use]
    pub fn for_log(&self) -> String {
        match self {
            Self::Setup { step, .. } => format!("setup step `{step}` failed"),
            Self::SetupUnfinished { step, .. } => format!("setup step `{step}` is not done yet"),
            Self::Preflight { .. } => "nothing is enforced: the preflight failed".to_owned(),
            other => chain(other),
        }
    }

    /// What becomes of the message. A version used twice is the producer's fault and coming again would not help; a defect is
    /// ours, and the message waits for the release that mends it.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match (self, self.kind()) {
            (Self::Faults(faults), _) => Outcome::Reject(faults.iter().map(ToString::to_string).collect()),
            (Self::Version(_), _) | (_, ErrorKind::Reject) => Outcome::Reject(vec![chain(self)]),
            (_, ErrorKind::Retry | ErrorKind::Conflict | ErrorKind::Defect) => Outcome::Retry,
        }
    }
}
