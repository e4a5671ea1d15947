//! What was used of each service, for the bill.

use std::sync::{Arc, Mutex, MutexGuard};

/// Counts of what costs.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Used {
    /// `BatchExecuteStatement`, throttled ones left out.
    pub batches: u64,
    /// `ExecuteStatement`.
    pub executes: u64,
    /// `DescribeStatement`.
    pub describes: u64,
    /// `GetStatementResult`.
    pub results: u64,
    /// Calls that the Data API throttled.
    pub throttled: u64,
    /// SQL statements.
    pub statements: u64,
    /// Bytes of SQL.
    pub bytes: u64,
    /// Completion events.
    pub completions: u64,
    /// Read units of DynamoDB: 4 KB each, strongly consistent.
    pub reads: u64,
    /// Write units of DynamoDB: 1 KB each.
    pub writes: u64,
    /// Requests of SQS, of 64 KB each.
    pub queue: u64,
    /// Invocations of functions.
    pub invocations: u64,
    /// How long they ran, in microseconds.
    pub running: u64,
}

impl Used {
    /// What was used since.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            batches: self.batches - before.batches,
            executes: self.executes - before.executes,
            describes: self.describes - before.describes,
            results: self.results - before.results,
            throttled: self.throttled - before.throttled,
            statements: self.statements - before.statements,
            bytes: self.bytes - before.bytes,
            completions: self.completions - before.completions,
            reads: self.reads - before.reads,
            writes: self.writes - before.writes,
            queue: self.queue - before.queue,
            invocations: self.invocations - before.invocations,
            running: self.running - before.running,
        }
    }

    /// Calls that carry statements.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.batches + self.executes
    }
}

/// Counts that several services write to. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Usage(Arc<Mutex<Used>>);

impl Usage {
    /// The counts, to be changed.
    pub fn add(&self) -> MutexGuard<'_, Used> {
        self.0.lock().unwrap()
    }

    /// The counts so far.
    #[must_use]
    pub fn so_far(&self) -> Used {
        *self.0.lock().unwrap()
    }
}
