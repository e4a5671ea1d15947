//! Statements as the Data API knows them: what was submitted, how far it is, what came of it. Kept in memory only.

use crate::sql::parameter::Parameter;
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};
use time::OffsetDateTime;
use tokio::sync::{Notify, watch};

/// How far a statement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Waits for a free place.
    Submitted,
    /// Chosen to run.
    Picked,
    /// Runs.
    Started,
    /// Ended well.
    Finished,
    /// Ended with an error.
    Failed,
    /// Cancelled, or never reached because of one before it.
    Aborted,
}

impl Status {
    /// As on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Submitted => "SUBMITTED",
            Self::Picked => "PICKED",
            Self::Started => "STARTED",
            Self::Finished => "FINISHED",
            Self::Failed => "FAILED",
            Self::Aborted => "ABORTED",
        }
    }

    /// The status of that name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Submitted, Self::Picked, Self::Started, Self::Finished, Self::Failed, Self::Aborted]
            .into_iter()
            .find(|status| status.as_str() == text)
    }

    /// Whether nothing more will happen.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Finished | Self::Failed | Self::Aborted)
    }
}

/// How the statements of a call belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// `ExecuteStatement`: there is one.
    Single,
    /// All or nothing.
    Transaction,
    /// Each commits alone.
    AutoCommit,
}

/// Who runs the statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// The user in a secret.
    Secret(String),
    /// A user by name, as with temporary credentials.
    User(String),
}

/// What was submitted.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The texts as given, parameters not yet put in.
    pub sqls: Vec<String>,
    /// The texts to run.
    pub bound: Vec<String>,
    /// The parameters as given.
    pub parameters: Vec<Parameter>,
    /// How they belong together.
    pub mode: Mode,
    /// Who runs them.
    pub identity: Identity,
    /// The database to connect to.
    pub database: String,
    /// The name of the workgroup, if that is how the warehouse was named.
    pub workgroup: Option<String>,
    /// The name of the cluster, if that is how the warehouse was named.
    pub cluster: Option<String>,
    /// The statement's name.
    pub name: Option<String>,
    /// Whether an event is sent at the end.
    pub with_event: bool,
}

/// Rows as the wire has them.
#[derive(Clone, Debug, Default)]
pub struct ResultSet {
    /// One `ColumnMetadata` each.
    pub columns: Vec<Value>,
    /// One list of fields each.
    pub records: Vec<Value>,
    /// Bytes of all values.
    pub bytes: i64,
}

/// One SQL statement of a call.
#[derive(Clone, Debug)]
pub struct Part {
    /// How far it is.
    pub status: Status,
    /// What went wrong.
    pub error: Option<String>,
    /// When it was submitted.
    pub created: OffsetDateTime,
    /// When its status last changed.
    pub updated: OffsetDateTime,
    /// How long it ran.
    pub duration: Duration,
    /// Its number.
    pub query_id: i64,
    /// Rows returned or affected; -1 while unknown.
    pub rows: i64,
    /// What it returned, if it returns rows.
    pub result: Option<Arc<ResultSet>>,
}

/// One call and everything known of it.
#[derive(Debug)]
pub struct Statement {
    /// Its id.
    pub id: String,
    /// What was submitted.
    pub submission: Arc<Submission>,
    /// How far it is.
    pub status: watch::Sender<Status>,
    /// What went wrong.
    pub error: Option<String>,
    /// When it was submitted.
    pub created: OffsetDateTime,
    /// When its status last changed.
    pub updated: OffsetDateTime,
    /// When it was submitted, on the clock that never jumps.
    pub submitted: Instant,
    /// How long it ran.
    pub duration: Duration,
    /// The process that serves the session.
    pub pid: i64,
    /// The user it runs as, once known.
    pub user: Option<String>,
    /// Its SQL statements.
    pub parts: Vec<Part>,
    /// Wakes the runner when the statement is cancelled.
    pub cancel: Arc<Notify>,
}

impl Submission {
    /// The name of the warehouse, however it was given.
    pub fn warehouse(&self) -> &str {
        self.workgroup.as_deref().or(self.cluster.as_deref()).unwrap_or_default()
    }
}

impl Part {
    fn new(now: OffsetDateTime) -> Self {
        Self {
            status: Status::Submitted,
            error: None,
            created: now,
            updated: now,
            duration: Duration::ZERO,
            query_id: -1,
            rows: -1,
            result: None,
        }
    }
}

impl Statement {
    /// A statement that was just submitted.
    pub fn new(id: String, submission: Arc<Submission>) -> Self {
        let now = OffsetDateTime::now_utc();
        Self {
            id,
            parts: submission.bound.iter().map(|_| Part::new(now)).collect(),
            submission,
            status: watch::Sender::new(Status::Submitted),
            error: None,
            created: now,
            updated: now,
            submitted: Instant::now(),
            duration: Duration::ZERO,
            pid: 0,
            user: None,
            cancel: Arc::new(Notify::new()),
        }
    }

    /// How far it is.
    pub fn status(&self) -> Status {
        *self.status.borrow()
    }

    /// Whether any of its statements returned rows.
    pub fn has_result(&self) -> bool {
        self.parts.iter().any(|part| part.result.is_some())
    }

    /// Rows of all its statements; -1 when none has ended.
    pub fn rows(&self) -> i64 {
        let known: Vec<i64> = self.parts.iter().map(|part| part.rows).filter(|rows| *rows >= 0).collect();
        if known.is_empty() { -1 } else { known.iter().sum() }
    }

    /// Bytes of all its results; -1 when there is none.
    pub fn bytes(&self) -> i64 {
        let known: Vec<i64> =
            self.parts.iter().filter_map(|part| part.result.as_ref()).map(|result| result.bytes).collect();
        if known.is_empty() { -1 } else { known.iter().sum() }
    }

    /// The number of the query: a batch has none of its own.
    pub fn query_id(&self) -> i64 {
        match self.parts.as_slice() {
            [part] if self.submission.mode == Mode::Single => part.query_id,
            _ => 0,
        }
    }
}
