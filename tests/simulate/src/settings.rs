//! How long things take, and what is deployed. Everything the scale figures rest on is here.

use redoubt_aws::port::Queue;

use crate::kernel::{MILLI, Micros, SECOND};

/// One function behind its queue.
#[derive(Debug, Clone)]
pub struct Mapping {
    /// The queue, and the function that reads it.
    pub queue: Queue,
    /// Most messages in a batch.
    pub batch: usize,
    /// How long a batch is gathered.
    pub window: Micros,
    /// Most invocations at once.
    pub concurrency: usize,
    /// When an invocation is stopped.
    pub timeout: Micros,
    /// How long a message in flight stays hidden.
    pub visibility: Micros,
    /// After how many receives a message is dead-lettered.
    pub max_receives: u32,
}

/// The assumptions.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Calls take exactly their mean, and queues hand out in order.
    pub exact: bool,
    /// One operation of DynamoDB.
    pub store: Micros,
    /// One page of a query.
    pub page: Micros,
    /// Most records in a page, and most bytes: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html>.
    pub page_records: usize,
    /// Most bytes in a page.
    pub page_bytes: usize,
    /// One call of SQS.
    pub queue: Micros,
    /// One call of the Data API, which only hands SQL over.
    pub api: Micros,
    /// A statement that changes a view, with its commit.
    pub view_statement: Micros,
    /// Any other statement.
    pub statement: Micros,
    /// How many calls the warehouse runs at once.
    pub running: usize,
    /// Most calls that are submitted or running: <https://docs.aws.amazon.com/redshift/latest/mgmt/data-api.html>.
    pub active: usize,
    /// How many messages one receive gives; SQS allows 10.
    pub receive: usize,
    /// Receives that one poller makes at once.
    pub receives_at_once: usize,
    /// Processor time of an invocation, apart from what follows.
    pub invocation: Micros,
    /// Processor time for a message.
    pub message: Micros,
    /// Processor time for a statement that is rendered.
    pub rendering: Micros,
    /// The functions.
    pub mappings: Vec<Mapping>,
    /// Settings of the functions, by variable.
    pub variables: Vec<(String, String)>,
}

/// Requests a second that the Data API takes from an account:
/// <https://docs.aws.amazon.com/redshift/latest/mgmt/amazon-redshift-limits.html#data-api-quotas-account>.
pub mod quota {
    /// `ExecuteStatement`.
    pub const EXECUTE: u64 = 30;
    /// `BatchExecuteStatement`.
    pub const BATCH: u64 = 20;
    /// `DescribeStatement`.
    pub const DESCRIBE: u64 = 100;
    /// `GetStatementResult`.
    pub const RESULT: u64 = 20;
    /// Submitted and running statements of one warehouse.
    pub const ACTIVE: usize = 500;
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            exact: false,
            store: 5 * MILLI,
            page: 10 * MILLI,
            page_records: usize::MAX,
            page_bytes: 1_000_000,
            queue: 12 * MILLI,
            api: 100 * MILLI,
            view_statement: 60 * MILLI,
            statement: 20 * MILLI,
            running: 50,
            active: quota::ACTIVE,
            receive: 10,
            receives_at_once: 5,
            invocation: 5 * MILLI,
            message: MILLI / 10,
            rendering: MILLI,
            mappings: mappings(),
            variables: Vec::new(),
        }
    }
}

/// What the template deploys.
#[must_use]
pub fn mappings() -> Vec<Mapping> {
    let mapping = |queue, batch, window, concurrency, timeout, visibility| Mapping {
        queue,
        batch,
        window: window * SECOND,
        concurrency,
        timeout: timeout * SECOND,
        visibility: visibility * SECOND,
        max_receives: 20,
    };
    vec![
        mapping(Queue::Policy, 10, 1, 5, 60, 361),
        mapping(Queue::DataSource, 1_000, 1, 5, 120, 750),
        mapping(Queue::User, 10_000, 2, 2, 120, 750),
        mapping(Queue::Integration, 1, 0, 2, 300, 1_800),
        mapping(Queue::Outcome, 100, 1, 5, 60, 361),
        mapping(Queue::Reconcile, 1, 0, 2, 300, 1_800),
    ]
}
