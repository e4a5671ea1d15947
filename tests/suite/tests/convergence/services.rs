//! Services that misbehave: a fuse that blows at some call, before or after its effect, and everything after it fails, as it
//! does for a process that died.

use std::sync::{Arc, Mutex};

use redoubt_aws::{
    error::{DescribeError, ErrorKind, QueueError, StoreError, SubmitError},
    fault::ServiceFault,
    port::{self, Call, Outgoing, Put, Queue, Queues, Report, Store},
    queue::MemoryQueues,
    store::MemoryStore,
};
use redoubt_core::record::{Kind, Record, Status};

/// When the running invocation dies.
#[derive(Debug, Default)]
pub struct Fuse {
    /// Calls left, and whether the last one has its effect.
    left: Option<(u32, bool)>,
    pub blown: bool,
}

/// How a call goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pass {
    Normal,
    /// It has its effect, but nobody learns of it.
    EffectOnly,
    /// It never gets through.
    Nothing,
}

impl Fuse {
    pub fn set(&mut self, left: Option<(u32, bool)>) {
        *self = Self { left, blown: false };
    }

    fn pass(&mut self) -> Pass {
        match &mut self.left {
            _ if self.blown => Pass::Nothing,
            None => Pass::Normal,
            Some((0, effect)) => {
                self.blown = true;
                if *effect { Pass::EffectOnly } else { Pass::Nothing }
            }
            Some((left, _)) => {
                *left -= 1;
                Pass::Normal
            }
        }
    }
}

/// The fuse, as every service shares it.
#[derive(Debug, Clone, Default)]
pub struct SharedFuse(pub Arc<Mutex<Fuse>>);

impl SharedFuse {
    fn pass(&self) -> Pass {
        self.0.lock().unwrap().pass()
    }
}

fn fault() -> ServiceFault {
    ServiceFault::new(ErrorKind::Retry, "crash")
}

/// A store behind the fuse.
#[derive(Debug, Clone)]
pub struct FusedStore(pub Arc<MemoryStore>, pub SharedFuse);

impl FusedStore {
    async fn through<T>(&self, call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let crash = || StoreError::Service { operation: "call", source: fault() };
        match self.1.pass() {
            Pass::Normal => call.await,
            Pass::EffectOnly => {
                call.await.ok();
                Err(crash())
            }
            Pass::Nothing => Err(crash()),
        }
    }
}

impl Store for FusedStore {
    async fn get(&self, kind: Kind, id: &str) -> Result<Option<Record>, StoreError> {
        self.through(self.0.get(kind, id)).await
    }

    async fn list(&self, kind: Kind) -> Result<Vec<Record>, StoreError> {
        self.through(self.0.list(kind)).await
    }

    async fn put(&self, record: &Record) -> Result<Put, StoreError> {
        self.through(self.0.put(record)).await
    }

    async fn bump(&self, kind: Kind, id: &str) -> Result<Option<Record>, StoreError> {
        self.through(self.0.bump(kind, id)).await
    }

    async fn set_status(&self, kind: Kind, id: &str, place: &str, status: &Status) -> Result<bool, StoreError> {
        self.through(self.0.set_status(kind, id, place, status)).await
    }

    async fn remove(&self, kind: Kind, id: &str) -> Result<(), StoreError> {
        self.through(self.0.remove(kind, id)).await
    }
}

/// Queues behind the fuse.
#[derive(Debug, Clone)]
pub struct FusedQueues(pub Arc<MemoryQueues>, pub SharedFuse);

impl Queues for FusedQueues {
    async fn send(&self, queue: Queue, messages: &[Outgoing]) -> Result<(), QueueError> {
        let crash = || QueueError::Service { queue, unsent: messages.len(), source: fault() };
        match self.1.pass() {
            Pass::Normal => self.0.send(queue, messages).await,
            Pass::EffectOnly => {
                self.0.send(queue, messages).await?;
                Err(crash())
            }
            Pass::Nothing => Err(crash()),
        }
    }

    async fn postpone(&self, _: &[port::Received]) -> Result<(), QueueError> {
        Ok(())
    }
}

/// A call that the warehouse took.
#[derive(Debug, Clone)]
pub struct Taken {
    pub call: Call,
    /// How it ended; `None` while it has not.
    pub ended: Option<Report>,
}

/// Calls taken, in order; the statement id is the position.
#[derive(Debug, Default)]
pub struct Statements {
    pub taken: Vec<Taken>,
    /// Calls to refuse before one is taken, as a throttle does.
    pub throttle: u32,
}

/// The warehouse's front: takes calls, which end when the test says so.
#[derive(Debug, Clone)]
pub struct Front(pub Arc<Mutex<Statements>>, pub SharedFuse);

impl port::Warehouse for Front {
    async fn submit(&self, call: &Call) -> Result<String, SubmitError> {
        let crash =
            |code: &str| SubmitError { name: call.name.clone(), source: ServiceFault::new(ErrorKind::Retry, code) };
        let pass = self.1.pass();
        if pass == Pass::Nothing {
            return Err(crash("crash"));
        }
        let mut statements = self.0.lock().unwrap();
        if statements.throttle > 0 {
            statements.throttle -= 1;
            return Err(crash("ActiveStatementsExceededException"));
        }
        let known = statements.taken.iter().position(|taken| taken.call.token == call.token);
        let position = known.unwrap_or(statements.taken.len());
        if known.is_none() {
            // The setup is waited for; it ends at once and well.
            let ended = (!call.with_event).then(|| Report {
                state: port::StatementState::Finished,
                error: None,
                parts: Vec::new(),
            });
            statements.taken.push(Taken { call: call.clone(), ended });
        }
        if pass == Pass::EffectOnly { Err(crash("crash")) } else { Ok(position.to_string()) }
    }

    async fn describe(&self, statement_id: &str) -> Result<Report, DescribeError> {
        if self.1.pass() != Pass::Normal {
            return Err(DescribeError { statement_id: statement_id.to_owned(), source: fault() });
        }
        let statements = self.0.lock().unwrap();
        let taken = &statements.taken[statement_id.parse::<usize>().unwrap()];
        let running = Report { state: port::StatementState::Started, error: None, parts: Vec::new() };
        Ok(taken.ended.clone().unwrap_or(running))
    }

    async fn rows(&self, statement_id: &str) -> Result<Vec<port::Row>, DescribeError> {
        if self.1.pass() != Pass::Normal {
            return Err(DescribeError { statement_id: statement_id.to_owned(), source: fault() });
        }
        // Whatever the setup asks about is not there yet.
        Ok(vec![vec![Some("0".to_owned())]])
    }
}
