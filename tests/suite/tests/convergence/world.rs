//! The world: queues that repeat and reorder, functions that crash, a warehouse that fails and forgets to tell. Then peace, and
//! the comparison.

use std::{
    fmt::Write as _,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use redoubt_aws::{
    batch::{Message, Outcome},
    config::Config,
    error::EntropyError,
    port::{Clock, Entropy, Mode, Outgoing, Part, Queue, Queues, Report, StatementState, Store},
    queue::MemoryQueues,
    runtime::App,
    store::MemoryStore,
    work,
};
use redoubt_core::record::{Kind, State};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::{
    model::{self, Warehouse},
    services::{Front, FusedQueues, FusedStore, SharedFuse, Statements},
};

/// A small generator (splitmix64): the same seed, the same history.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

#[derive(Clone)]
struct SimClock(Arc<AtomicI64>);

impl Clock for SimClock {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH + Duration::seconds(self.0.load(Ordering::Relaxed))
    }
}

struct SimEntropy(AtomicU64);

impl Entropy for SimEntropy {
    fn seed(&self) -> Result<[u8; 32], EntropyError> {
        let n = self.0.fetch_add(1, Ordering::Relaxed);
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&n.to_be_bytes());
        Ok(seed)
    }
}

/// How often each kind of fault occurred.
#[derive(Debug, Default)]
pub struct Faults {
    duplicated: u32,
    crashed: u32,
    throttled: u32,
    failed: u32,
    aborted: u32,
    event_lost: u32,
    event_repeated: u32,
    late: u32,
}

impl Faults {
    pub fn add(&mut self, other: &Self) {
        self.duplicated += other.duplicated;
        self.crashed += other.crashed;
        self.throttled += other.throttled;
        self.failed += other.failed;
        self.aborted += other.aborted;
        self.event_lost += other.event_lost;
        self.event_repeated += other.event_repeated;
        self.late += other.late;
    }

    pub fn all_occurred(&self) -> bool {
        let Self { duplicated, crashed, throttled, failed, aborted, event_lost, event_repeated, late } = *self;
        [duplicated, crashed, throttled, failed, aborted, event_lost, event_repeated, late]
            .iter()
            .all(|count| *count > 0)
    }
}

type SimApp = App<FusedStore, Front, FusedQueues>;

pub struct World {
    random: Random,
    clock: Arc<AtomicI64>,
    fuse: SharedFuse,
    store: Arc<MemoryStore>,
    queues: Arc<MemoryQueues>,
    statements: Arc<Mutex<Statements>>,
    warehouse: Warehouse,
    app: SimApp,
    runtime: tokio::runtime::Runtime,
    history: String,
    pub faults: Faults,
}

const QUEUES: [Queue; 6] =
    [Queue::Policy, Queue::DataSource, Queue::User, Queue::Integration, Queue::Outcome, Queue::Reconcile];

impl World {
    pub fn new(seed: u64) -> Self {
        let clock = Arc::new(AtomicI64::new(1_000_000));
        let fuse = SharedFuse::default();
        let store = Arc::new(MemoryStore::new());
        let queues = Arc::new(MemoryQueues::new());
        let statements = Arc::new(Mutex::new(Statements::default()));
        let pairs = [("REDOUBT_TABLE", "t"), ("REDOUBT_BATCH_STATEMENTS", "7"), ("REDOUBT_MAX_ATTEMPTS", "100")];
        let config = Config::from_pairs(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))).unwrap();
        let app = App::new(
            FusedStore(store.clone(), fuse.clone()),
            Front(statements.clone(), fuse.clone()),
            FusedQueues(queues.clone(), fuse.clone()),
            config,
        )
        .with(SimClock(clock.clone()), SimEntropy(AtomicU64::new(0)));
        Self {
            random: Random(seed),
            clock,
            fuse,
            store,
            queues,
            statements,
            warehouse: Warehouse::default(),
            app,
            runtime: tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap(),
            history: String::new(),
            faults: Faults::default(),
        }
    }

    pub fn history(&self) -> &str {
        &self.history
    }

    fn note(&mut self, line: impl std::fmt::Display) {
        writeln!(self.history, "{line}").unwrap();
    }

    /// Delivers the events under faults, then without, and compares.
    pub fn run(&mut self, events: &[Value]) -> Result<(), String> {
        let mut waiting: Vec<(Queue, String)> =
            events.iter().map(|event| (queue_of(event), event.to_string())).collect();
        for index in (1..waiting.len()).rev() {
            waiting.swap(index, self.random.below(index + 1));
        }
        // Some come twice, the second time whenever.
        for index in 0..waiting.len() {
            if self.random.chance(25) {
                let copy = waiting[index].clone();
                let at = self.random.below(waiting.len() + 1);
                waiting.insert(at, copy);
                self.faults.duplicated += 1;
            }
        }
        waiting.reverse();
        for _ in 0..4_000 {
            if waiting.is_empty() && self.random.chance(2) {
                break;
            }
            match self.random.below(10) {
                0..=2 => {
                    if let Some((queue, body)) = waiting.pop() {
                        self.note(format_args!("send {queue}: {body}"));
                        self.send(queue, body);
                    }
                }
                3..=6 => {
                    let queue = QUEUES[self.random.below(QUEUES.len())];
                    self.invoke(queue, true)?;
                }
                7..=8 => self.end_one(true),
                _ => self.sweep(),
            }
        }
        self.settle()?;
        self.compare(events)
    }

    fn send(&self, queue: Queue, body: String) {
        self.runtime.block_on(self.queues.send(queue, &[Outgoing::now(body)])).unwrap();
    }

    fn sweep(&mut self) {
        self.clock.fetch_add(700, Ordering::Relaxed);
        self.send(Queue::Reconcile, json!({"type": "sweep"}).to_string());
    }

    /// Invokes a function on a few messages of its queue.
    fn invoke(&mut self, queue: Queue, faulty: bool) -> Result<(), String> {
        let count = 1 + self.random.below(6);
        let mut bodies: Vec<String> = self.queues.take(queue, count).into_iter().map(|message| message.body).collect();
        if bodies.is_empty() {
            return Ok(());
        }
        for index in (1..bodies.len()).rev() {
            bodies.swap(index, self.random.below(index + 1));
        }
        if faulty && self.random.chance(30) {
            let left = u32::try_from(self.random.below(40)).unwrap();
            let effect = self.random.chance(50);
            self.fuse.0.lock().unwrap().set(Some((left, effect)));
        }
        let throttle = u32::from(faulty && self.random.chance(10));
        self.statements.lock().unwrap().throttle = throttle;
        let messages: Vec<Message> =
            bodies.iter().enumerate().map(|(index, body)| Message::new(index.to_string(), body)).collect();
        let app = &self.app;
        let outcomes = self.runtime.block_on(async {
            match queue {
                Queue::Policy => work::policy(app, messages).await,
                Queue::DataSource => work::data_source(app, messages).await,
                Queue::User => work::user(app, messages).await,
                Queue::Integration => work::integration(app, messages).await,
                Queue::Reconcile => work::reconcile(app, messages).await,
                Queue::Outcome | Queue::DeadLetter => work::outcome(app, messages).await,
            }
        });
        let crashed = self.fuse.0.lock().unwrap().blown;
        self.fuse.0.lock().unwrap().set(None);
        let unused = std::mem::take(&mut self.statements.lock().unwrap().throttle);
        self.faults.throttled += throttle - unused;
        self.faults.crashed += u32::from(crashed);
        self.note(format_args!(
            "{queue} on {} messages{}: {outcomes:?}",
            bodies.len(),
            if crashed { ", crashed" } else { "" }
        ));
        for (body, outcome) in bodies.into_iter().zip(outcomes) {
            match outcome {
                // A process that died has acknowledged nothing.
                _ if crashed => self.send(queue, body),
                Outcome::Done => {}
                Outcome::Retry => {
                    // It comes again after a while.
                    self.clock.fetch_add(60, Ordering::Relaxed);
                    self.send(queue, body);
                }
                Outcome::Reject(faults) => return Err(format!("rejected {body}: {faults:?}")),
            }
        }
        Ok(())
    }

    /// Lets one running call end, not always the oldest, not always well, and tells of it, not always.
    fn end_one(&mut self, faulty: bool) {
        let running: Vec<usize> = {
            let statements = self.statements.lock().unwrap();
            statements.taken.iter().enumerate().filter(|(_, taken)| taken.ended.is_none()).map(|(n, _)| n).collect()
        };
        if running.is_empty() {
            return;
        }
        let choice = self.random.below(running.len());
        self.faults.late += u32::from(choice > 0);
        let position = running[choice];
        let call = self.statements.lock().unwrap().taken[position].call.clone();
        let texts: Vec<String> = call.statements.iter().map(|statement| statement.execute().to_owned()).collect();
        let aborted = faulty && self.random.chance(5);
        let report = if aborted {
            self.faults.aborted += 1;
            Report { state: StatementState::Aborted, error: None, parts: Vec::new() }
        } else {
            let groups: Vec<Vec<String>> = match call.mode {
                Mode::Transaction => vec![texts],
                Mode::AutoCommit => texts.into_iter().map(|text| vec![text]).collect(),
            };
            let mut parts = Vec::new();
            for group in groups {
                let ended = if faulty && self.random.chance(15) {
                    self.faults.failed += 1;
                    Err("ERROR: 1023 serializable isolation violation".to_owned())
                } else {
                    self.warehouse.run(&group)
                };
                let state = if ended.is_ok() { StatementState::Finished } else { StatementState::Failed };
                parts.push(Part { state, error: ended.err() });
            }
            let state = if parts.iter().all(|part| part.state == StatementState::Finished) {
                StatementState::Finished
            } else {
                StatementState::Failed
            };
            let single = call.statements.len() == 1;
            let error = parts.iter().find_map(|part| part.error.clone());
            Report { state, error, parts: if single { Vec::new() } else { parts } }
        };
        self.note(format_args!("statement {position} ended: {:?}", report.state));
        self.statements.lock().unwrap().taken[position].ended = Some(report);
        let event = json!({
            "source": "aws.redshift-data",
            "detail-type": "Redshift Data Statement Status Change",
            "detail": {"statementName": call.name, "statementId": position.to_string()},
        });
        if faulty && self.random.chance(15) {
            self.faults.event_lost += 1;
            return;
        }
        self.send(Queue::Outcome, event.to_string());
        if faulty && self.random.chance(15) {
            self.faults.event_repeated += 1;
            self.send(Queue::Outcome, event.to_string());
        }
    }

    /// Peace: everything is delivered, nothing fails, until nothing is left to do.
    fn settle(&mut self) -> Result<(), String> {
        for round in 0.. {
            if round > 400 {
                return Err("it never comes to rest".to_owned());
            }
            for queue in QUEUES {
                while self.queues.len(queue) > 0 {
                    let before = self.queues.len(queue);
                    self.invoke(queue, false)?;
                    if self.queues.len(queue) >= before {
                        break;
                    }
                }
            }
            let idle = self.queues.is_idle();
            let running = self.statements.lock().unwrap().taken.iter().any(|taken| taken.ended.is_none());
            if running {
                self.end_one(false);
            } else if idle {
                if self.runtime.block_on(self.store.list(Kind::Submission)).unwrap().is_empty() {
                    return Ok(());
                }
                self.sweep();
            }
        }
        Ok(())
    }

    fn compare(&self, events: &[Value]) -> Result<(), String> {
        let expected = model::expected(events);
        if let [project, ..] = self.warehouse.unsalted().as_slice() {
            return Err(format!("a view needs the salt of `{project}`, which has none"));
        }
        let found = model::Expected {
            views: self.warehouse.views.clone(),
            entitlements: self.warehouse.entitlements.clone(),
            definitions: self.warehouse.definitions(),
        };
        if found != expected {
            return Err(format!("found {found:#?}\nexpected {expected:#?}"));
        }
        for kind in [Kind::DataSource, Kind::User] {
            for record in self.runtime.block_on(self.store.list(kind)).unwrap() {
                let status = record.status();
                let settled = status.as_ref().is_some_and(|status| {
                    status.revision == record.revision
                        && matches!(status.state, State::Applied | State::Withdrawn | State::Disabled)
                });
                // One that was deleted, or switched off before it ever came, has nothing to withdraw.
                if !settled && record.document().is_some() {
                    return Err(format!(
                        "{kind} {} is at revision {} and its status is {status:?}",
                        record.id, record.revision
                    ));
                }
            }
        }
        for record in self.runtime.block_on(self.store.list(Kind::Policy)).unwrap() {
            if !record.previous.is_empty() {
                return Err(format!("policy {} still keeps a previous definition", record.id));
            }
        }
        Ok(())
    }
}

fn queue_of(event: &Value) -> Queue {
    match event["type"].as_str().unwrap().split_once('.').unwrap().0 {
        "policy" => Queue::Policy,
        "data_source" => Queue::DataSource,
        "user" | "project" => Queue::User,
        _ => Queue::Integration,
    }
}
