//! What the use cases need of the outside world, as traits: a metadata store, a warehouse, queues, a clock and randomness.
//!
//! Each has an adapter for AWS and one in memory. Use cases are generic over the traits and never name an AWS type.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use redoubt_core::record::{Kind, Record, Status};
use redoubt_core::sql::SqlText;
use serde::Serialize;
use time::OffsetDateTime;

use crate::error::{DescribeError, EntropyError, QueueError, StoreError, SubmitError};

/// The metadata store: records by kind and id. Every read is strongly consistent.
pub trait Store: Send + Sync {
    /// One record.
    ///
    /// # Errors
    /// [`StoreError`] when it can't be read.
    fn get(&self, kind: Kind, id: &str) -> impl Future<Output = Result<Option<Record>, StoreError>> + Send;

    /// Every record of a kind, sorted by id. A record that was stored before the call began is in the list.
    ///
    /// # Errors
    /// [`StoreError`] when any of them can't be read.
    fn list(&self, kind: Kind) -> impl Future<Output = Result<Vec<Record>, StoreError>> + Send;

    /// Stores a record as read, with its lock raised by one, unless somebody stored it since. A record with lock 0 is stored
    /// only if there is none. The status is left as it is.
    ///
    /// A call that failed may have had its effect; the next one then reports [`Put::Conflict`].
    ///
    /// # Errors
    /// [`StoreError`] when the record is too large or the store failed.
    fn put(&self, record: &Record) -> impl Future<Output = Result<Put, StoreError>> + Send;

    /// Raises revision and lock by one, in one step. Gives the record as it is afterwards, or nothing if there is none.
    ///
    /// # Errors
    /// [`StoreError`] when the store failed; the step may then have been taken.
    fn bump(&self, kind: Kind, id: &str) -> impl Future<Output = Result<Option<Record>, StoreError>> + Send;

    /// Stores a status in a place, or [`NOWHERE`](redoubt_core::record::NOWHERE), unless there is one of a newer revision there. Tells whether it did; it does not if there is no record. Revision and
    /// lock stay as they are.
    ///
    /// # Errors
    /// [`StoreError`] when the status is too large or the store failed.
    fn set_status(
        &self,
        kind: Kind,
        id: &str,
        place: &str,
        status: &Status,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Removes a record with its status, if there is one.
    ///
    /// # Errors
    /// [`StoreError`] when the store failed.
    fn remove(&self, kind: Kind, id: &str) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// What became of [`Store::put`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// The record is stored; its lock is one higher than that of the record given.
    Stored,
    /// Somebody else stored it in between: read it again.
    Conflict,
}

/// The warehouse: takes SQL now, runs it later.
pub trait Warehouse: Send + Sync {
    /// Hands over a call and gives the statement id under which its state can be asked. The same token within 8 hours gives
    /// the id of the first call and runs nothing.
    ///
    /// # Errors
    /// [`SubmitError`] when the call was not taken, or it is not known whether it was.
    fn submit(&self, call: &Call) -> impl Future<Output = Result<String, SubmitError>> + Send;

    /// The present state of a call.
    ///
    /// # Errors
    /// [`DescribeError`] when it can't be learnt.
    fn describe(&self, statement_id: &str) -> impl Future<Output = Result<Report, DescribeError>> + Send;

    /// The rows that a statement gave: all of them, or an error where they are more than is ever asked for. A statement of a batch has the id of the call with
    /// `:1`, `:2`, … after it.
    ///
    /// # Errors
    /// [`DescribeError`] when they can't be had: the statement gave none, has not ended, or the service failed.
    fn rows(&self, statement_id: &str) -> impl Future<Output = Result<Vec<Row>, DescribeError>> + Send;
}

/// One row of a result: its values as texts, `None` for null.
pub type Row = Vec<Option<String>>;

/// One call: statements that run one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Where they run, and as whom.
    pub connection: Connection,
    /// The statements: 1 to 40.
    pub statements: Vec<SqlText>,
    /// Whether they stand or fall together.
    pub mode: Mode,
    /// 1 to 64 characters that stand for the content: equal calls have equal tokens.
    pub token: String,
    /// What the completion event calls it; at most 500 characters.
    pub name: String,
    /// Whether an event tells when it ended.
    pub with_event: bool,
}

/// Where statements run, and as whom.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Connection {
    /// The warehouse.
    pub warehouse: WarehouseName,
    /// The database connected to.
    pub database: String,
    /// The secret (name or ARN) that holds user name and password.
    pub secret: String,
}

/// Leaves out the secret's name, because debug output ends up in logs.
impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("warehouse", &self.warehouse)
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}

/// A warehouse as the Data API knows it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum WarehouseName {
    /// A serverless workgroup.
    Workgroup(String),
    /// A provisioned cluster.
    Cluster(String),
}

/// Whether the statements of a call stand or fall together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// One transaction: the first failure undoes all.
    Transaction,
    /// Each statement commits on its own; those after a failed one still run.
    AutoCommit,
}

/// The state of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The state of the whole.
    pub state: StatementState,
    /// What the database said, where it failed. It may quote values, so it is for the status, not for logs.
    pub error: Option<String>,
    /// The state of each statement, in order; empty for a call of a single statement.
    pub parts: Vec<Part>,
}

/// The state of one statement of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its state.
    pub state: StatementState,
    /// What the database said, where it failed.
    pub error: Option<String>,
}

/// How far a statement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StatementState {
    /// Taken.
    Submitted,
    /// Chosen to run next.
    Picked,
    /// Running.
    Started,
    /// Ended well.
    Finished,
    /// Ended with an error.
    Failed,
    /// Stopped by somebody.
    Aborted,
}

impl StatementState {
    /// Whether it will not change any more.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Finished | Self::Failed | Self::Aborted)
    }
}

/// Queues to send to.
pub trait Queues: Send + Sync {
    /// Sends all messages or fails; after a failure some may have been sent.
    ///
    /// # Errors
    /// [`QueueError`] when at least one was not sent.
    fn send(&self, queue: Queue, messages: &[Outgoing]) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// Has messages that were received come again after a delay, instead of the queue's visibility timeout, which is made for
    /// functions that died and takes minutes. Those of an unknown queue keep the timeout.
    ///
    /// # Errors
    /// [`QueueError`] when some keep the timeout for another reason; they come again all the same.
    fn postpone(&self, messages: &[Received]) -> impl Future<Output = Result<(), QueueError>> + Send;
}

/// A message that was received and is to come again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The ARN of the queue it came from.
    pub queue_arn: String,
    /// What SQS knows this delivery of it by.
    pub receipt: String,
    /// In how many seconds it is to come again.
    pub delay_seconds: u32,
}

/// A queue, by the function that reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Queue {
    /// Policy events.
    Policy,
    /// Data source events and refreshes.
    DataSource,
    /// User and project events and refreshes.
    User,
    /// Integration events.
    Integration,
    /// Completion events.
    Outcome,
    /// What the schedules ask for.
    Reconcile,
    /// What the running function rejects.
    DeadLetter,
}

impl Queue {
    /// Every queue.
    pub const ALL: [Self; 7] = [
        Self::Policy,
        Self::DataSource,
        Self::User,
        Self::Integration,
        Self::Outcome,
        Self::Reconcile,
        Self::DeadLetter,
    ];

    /// The queue's name in logs and messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::DataSource => "data-source",
            Self::User => "user",
            Self::Integration => "integration",
            Self::Outcome => "outcome",
            Self::Reconcile => "reconcile",
            Self::DeadLetter => "dead-letter",
        }
    }
}

impl fmt::Display for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A message to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The message.
    pub body: String,
    /// How long it stays hidden, at most 900 seconds; anything longer is sent as 900.
    pub delay_seconds: u32,
}

impl Outgoing {
    /// A message to be seen at once.
    #[must_use]
    pub fn now(body: impl Into<String>) -> Self {
        Self { body: body.into(), delay_seconds: 0 }
    }

    /// A value as a message to be seen at once. The two characters that JSON leaves alone but SQS refuses are escaped.
    ///
    /// # Errors
    /// When the value has no JSON form.
    pub fn json(value: &impl Serialize) -> Result<Self, serde_json::Error> {
        Ok(Self::json_text(&serde_json::to_string(value)?))
    }

    /// A text of JSON as a message to be seen at once. The two characters that JSON leaves alone but SQS refuses are escaped.
    #[must_use]
    pub fn json_text(text: &str) -> Self {
        // Outside a string neither can occur, so replacing them can only touch strings.
        Self::now(text.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff"))
    }
}

/// Tells the time, and lets it pass.
pub trait Clock: Send + Sync {
    /// The present time.
    fn now(&self) -> OffsetDateTime;

    /// Ends after a while: of real time, unless the clock is one that a test moves.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// Gives randomness.
pub trait Entropy: Send + Sync {
    /// 32 bytes that nobody can guess.
    ///
    /// # Errors
    /// [`EntropyError`] when the system has none to give.
    fn seed(&self) -> Result<[u8; 32], EntropyError>;
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
}

/// The operating system's random source.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn seed(&self) -> Result<[u8; 32], EntropyError> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)?;
        Ok(seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_hold_only_characters_that_sqs_takes() {
        let text = "a\u{ffff}\u{fffe}\u{1}\u{7f}é\u{1f600}";
        let body = Outgoing::json(&text).unwrap().body;
        assert!(body.chars().all(|c| !c.is_ascii_control() || c == '\u{7f}'), "{body:?}");
        assert!(!body.contains(['\u{fffe}', '\u{ffff}']));
        assert_eq!(serde_json::from_str::<String>(&body).unwrap(), text);
    }

    #[test]
    fn debug_output_of_a_connection_leaves_out_the_secret() {
        let connection = Connection {
            warehouse: WarehouseName::Cluster("c".to_owned()),
            database: "d".to_owned(),
            secret: "arn:hidden".to_owned(),
        };
        assert_eq!(format!("{connection:?}"), "Connection { warehouse: Cluster(\"c\"), database: \"d\", .. }");
    }

    #[test]
    fn seeds_differ() {
        assert_ne!(SystemEntropy.seed().unwrap(), SystemEntropy.seed().unwrap());
    }
}
