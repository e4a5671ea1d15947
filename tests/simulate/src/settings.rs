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
    /// Memory of a function, in MB.
    pub megabytes: u64,
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

impl Settings {
    /// Sets a variable of the functions.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
    }
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
            megabytes: 512,
            mappings: mappings(),
            variables: Vec::new(),
        }
    }
}

impl Settings {
    /// How long a queue's messages are gathered.
    #[must_use]
    pub fn window(&self, queue: Queue) -> Micros {
        self.mappings.iter().find(|mapping| mapping.queue == queue).map_or(0, |mapping| mapping.window)
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

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = include_str!("../../../infra/template.yaml");

    /// The lines of a resource or parameter.
    fn block(name: &str) -> Vec<&'static str> {
        let mut lines = TEMPLATE.lines().skip_while(|line| *line != format!("  {name}:"));
        assert!(lines.next().is_some(), "the template has no {name}");
        lines.take_while(|line| line.is_empty() || line.starts_with("   ")).collect()
    }

    /// A number in a block, or the default of the parameter it refers to; 0 where there is none.
    fn number(block: &[&str], name: &str) -> u64 {
        let sign = format!("{name}: ");
        let Some(value) = block.iter().find_map(|line| line.split_once(&sign)).map(|(_, value)| value) else {
            return 0;
        };
        let value = value.trim_end_matches('}').trim();
        match value.strip_prefix("!Ref ") {
            Some(parameter) => number(&self::block(parameter), "Default"),
            None => value.parse().unwrap(),
        }
    }

    #[test]
    fn functions_are_as_the_template_deploys_them() {
        let settings = Settings::default();
        assert_eq!(number(&block("FunctionMemory"), "Default"), settings.megabytes);
        for mapping in &settings.mappings {
            let name = match mapping.queue {
                Queue::Policy => "Policy",
                Queue::DataSource => "DataSource",
                Queue::User => "User",
                Queue::Integration => "Integration",
                Queue::Outcome => "Outcome",
                Queue::Reconcile => "Reconcile",
                Queue::DeadLetter => panic!("no function reads it"),
            };
            let (function, queue) = (block(&format!("{name}Function")), block(&format!("{name}Queue")));
            let deployed = Mapping {
                queue: mapping.queue,
                batch: usize::try_from(number(&function, "BatchSize")).unwrap(),
                window: number(&function, "MaximumBatchingWindowInSeconds") * SECOND,
                concurrency: usize::try_from(number(&function, "MaximumConcurrency")).unwrap(),
                timeout: number(&function, "Timeout") * SECOND,
                visibility: number(&queue, "VisibilityTimeout") * SECOND,
                max_receives: u32::try_from(number(&queue, "maxReceiveCount")).unwrap(),
            };
            assert_eq!(format!("{mapping:?}"), format!("{deployed:?}"));
        }
    }
}
