//! The Redshift Data API.
//!
//! | rule | source |
//! | --- | --- |
//! | a client token brings the same statement for 8 hours | <https://docs.aws.amazon.com/redshift/latest/mgmt/data-api.html> |
//! | at most 500 statements submitted or running | the same |
//! | what became of a statement is kept for 24 hours | the same |
//! | requests a second, for the whole account | <https://docs.aws.amazon.com/redshift/latest/mgmt/amazon-redshift-limits.html> |
//! | in a batch that commits each, one failure fails the whole while others are done | <https://docs.aws.amazon.com/redshift/latest/mgmt/pass-sql-statements.html> |
//! | completion events: «guaranteed» in one place, «best effort» in another | <https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-monitoring-events.html> |

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use redoubt_aws::{
    error::{DescribeError, ErrorKind, SubmitError},
    fault::ServiceFault,
    port::{self, Call, Mode, Part, Queue, Report, Row, StatementState},
};
use serde_json::json;

use super::{Invocation, Reads, World, queue::Broker};
use crate::{
    faults::Fault,
    kernel::{HOUR, MINUTE, Micros, SECOND, Sim, Slot},
    mutation::Mutation,
    settings::quota,
    warehouse::Warehouse,
};

const TOKENS_KEPT: Micros = 8 * HOUR;
const RESULTS_KEPT: Micros = 24 * HOUR;
/// How often the SDK tries a call that is throttled, as the functions set it.
const ATTEMPTS: u32 = 5;
/// How long a call may take with all its attempts.
const PATIENCE: Micros = 25 * SECOND;

#[derive(Debug)]
struct Statement {
    /// It is one of the setup's, or asks whether anybody answers.
    setup: bool,
    taken: Micros,
    report: Report,
    ended: Option<Micros>,
}

/// A bucket that holds a second's worth of requests.
#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    /// When the next request is free, in units of a second divided by the rate.
    due: Micros,
}

impl Bucket {
    fn take(&mut self, now: Micros, rate: u64) -> bool {
        let each = SECOND / rate;
        let due = self.due.max(now.saturating_sub(SECOND));
        if due + each > now {
            return false;
        }
        self.due = due + each;
        true
    }
}

#[derive(Debug, Default)]
struct State {
    statements: Vec<Statement>,
    tokens: BTreeMap<String, (usize, Micros)>,
    active: usize,
    running: usize,
    queued: std::collections::VecDeque<Slot<()>>,
    batch: Bucket,
    execute: Bucket,
    describe: Bucket,
    result: Bucket,
}

/// Told of the texts of each call that is taken, and of what its submitter had read.
pub type Witness = dyn Fn(&[String], &Reads) + Send + Sync;

/// Told of a lost reply.
type Trouble = Box<dyn FnOnce() + Send>;

/// The service. Clones are the same.
#[derive(Clone)]
pub struct DataApi {
    world: World,
    broker: Broker,
    warehouse: Warehouse,
    state: Arc<Mutex<State>>,
    witness: Arc<Witness>,
    trouble: Arc<Mutex<Option<Trouble>>>,
}

impl std::fmt::Debug for DataApi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DataApi")
    }
}

impl DataApi {
    /// The service in front of a warehouse.
    #[must_use]
    pub fn new(world: &World, broker: &Broker, warehouse: &Warehouse, witness: Arc<Witness>) -> Self {
        let (broker, warehouse) = (broker.clone(), warehouse.clone());
        Self { world: world.clone(), broker, warehouse, state: Arc::default(), witness, trouble: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Has somebody told when the first reply to a submission is lost.
    pub fn when_a_reply_is_lost(&self, trouble: impl FnOnce() + Send + 'static) {
        *self.trouble.lock().unwrap() = Some(Box::new(trouble));
    }

    /// How many statements are submitted or running.
    #[must_use]
    pub fn active(&self) -> usize {
        self.state().active
    }

    /// Takes a call, unless its token is known, a quota is used up, or too many are active.
    fn take(&self, call: &Call, reads: &Reads) -> Result<usize, &'static str> {
        let now = self.world.sim.now();
        let token = if self.world.has(Mutation::SameToken) { without_revisions(call) } else { call.token.clone() };
        let single = call.mode == Mode::AutoCommit && call.statements.len() == 1;
        let place = {
            let mut state = self.state();
            let allowed =
                if single { state.execute.take(now, quota::EXECUTE) } else { state.batch.take(now, quota::BATCH) };
            if !allowed {
                self.world.usage.add().throttled += 1;
                return Err("ThrottlingException");
            }
            match state.tokens.get(&token) {
                Some((place, taken)) if now < taken + TOKENS_KEPT => {
                    self.world.faults.happened(Fault::TokenKnown);
                    return Ok(*place);
                }
                Some(_) => self.world.faults.happened(Fault::TokenForgotten),
                None => {}
            }
            if state.active >= self.world.settings.active {
                self.world.faults.happened(Fault::ActiveLimit);
                return Err("ActiveStatementsExceededException");
            }
            let place = state.statements.len();
            state.active += 1;
            state.tokens.insert(token, (place, now));
            let report = Report { state: StatementState::Submitted, error: None, parts: Vec::new() };
            state.statements.push(Statement { setup: !call.with_event, taken: now, report, ended: None });
            place
        };
        {
            let mut used = self.world.usage.add();
            *(if single { &mut used.executes } else { &mut used.batches }) += 1;
            used.statements += u64::try_from(call.statements.len()).unwrap();
            used.bytes += u64::try_from(call.statements.iter().map(|text| text.len()).sum::<usize>()).unwrap();
        }
        let texts: Vec<String> = call.statements.iter().map(|statement| statement.execute().to_owned()).collect();
        if call.with_event {
            (self.witness)(&texts, reads);
        }
        let (api, call) = (self.clone(), call.clone());
        self.world.sim.spawn(async move { api.execute(place, call, texts).await });
        Ok(place)
    }

    /// Runs a call, as many at once as the warehouse runs.
    async fn execute(self, place: usize, call: Call, texts: Vec<String>) {
        let sim = self.world.sim.clone();
        if call.with_event && self.world.faults.strikes(&sim, Fault::StatementLate) {
            sim.sleep(sim.draw(|random| random.between(MINUTE, 40 * MINUTE))).await;
        }
        loop {
            let slot = {
                let mut state = self.state();
                if state.running < self.world.settings.running {
                    state.running += 1;
                    break;
                }
                let slot = Slot::new();
                state.queued.push_back(slot.clone());
                slot
            };
            slot.await;
        }
        self.state().statements[place].report.state = StatementState::Started;
        let report = self.report(&call, texts).await;
        sim.note(format_args!("statement {place} {}: {}", call.name.get(..8).unwrap_or_default(), words(&report)));
        let next = {
            let mut state = self.state();
            state.active -= 1;
            state.running -= 1;
            let statement = &mut state.statements[place];
            statement.report = report;
            statement.ended = Some(sim.now());
            state.queued.pop_front()
        };
        if let Some(slot) = next {
            slot.set(());
        }
        if call.with_event {
            self.tell(place, &call);
        }
    }

    async fn report(&self, call: &Call, texts: Vec<String>) -> Report {
        let sim = &self.world.sim;
        if self.warehouse.is_silent() {
            self.world.faults.happened(Fault::Silence);
            sim.sleep(5 * SECOND).await;
            let error = Some("FATAL: could not connect to server: Connection refused".to_owned());
            return Report { state: StatementState::Failed, error, parts: Vec::new() };
        }
        if !call.with_event {
            // What the setup makes and asks is tested elsewhere; here it ends well.
            sim.sleep(self.world.settings.statement).await;
            return Report { state: StatementState::Finished, error: None, parts: Vec::new() };
        }
        let aborted = self.world.faults.strikes(sim, Fault::StatementAborted);
        let groups: Vec<Vec<String>> = match call.mode {
            Mode::Transaction => vec![texts],
            Mode::AutoCommit => texts.into_iter().map(|text| vec![text]).collect(),
        };
        // Somebody stops it somewhere: what is committed by then stays.
        let stops = if aborted { sim.draw(|random| random.index(groups.len())) } else { groups.len() };
        let mut parts = Vec::new();
        for (index, group) in groups.iter().enumerate() {
            if index == stops {
                return Report { state: StatementState::Aborted, error: None, parts: Vec::new() };
            }
            let ended = self.warehouse.run(group).await;
            let state = if ended.is_ok() { StatementState::Finished } else { StatementState::Failed };
            // In a transaction every statement is reported on, though they share one fate.
            let count = if call.mode == Mode::Transaction { group.len() } else { 1 };
            parts.extend(vec![Part { state, error: ended.err() }; count]);
        }
        let good = parts.iter().all(|part| part.state == StatementState::Finished);
        let state = if good { StatementState::Finished } else { StatementState::Failed };
        let error = parts.iter().find_map(|part| part.error.clone());
        Report { state, error, parts: if call.statements.len() == 1 { Vec::new() } else { parts } }
    }

    /// The completion event.
    fn tell(&self, place: usize, call: &Call) {
        let (faults, sim) = (&self.world.faults, &self.world.sim);
        if faults.strikes(sim, Fault::EventLost) {
            return;
        }
        let state = self.state().statements[place].report.state;
        let event = json!({
            "version": "0", "source": "aws.redshift-data", "detail-type": "Redshift Data Statement Status Change",
            "detail": {
                "statementName": call.name, "statementId": place.to_string(), "redshiftQueryId": -1,
                "state": match state {
                    StatementState::Finished => "FINISHED",
                    StatementState::Failed => "FAILED",
                    _ => "ABORTED",
                },
            },
        })
        .to_string();
        let late = faults.strikes(sim, Fault::EventLate);
        let delay = if late { sim.draw(|random| random.between(MINUTE, 20 * MINUTE)) } else { SECOND / 2 };
        let times = if faults.strikes(sim, Fault::EventDoubled) { 2 } else { 1 };
        for time in 1..=times {
            let (broker, event) = (self.broker.clone(), event.clone());
            {
                let mut used = self.world.usage.add();
                used.completions += 1;
                used.queue += 1;
            }
            sim.after(delay * time, move |_| broker.put(Queue::Outcome, &event, 0));
        }
    }

    fn describe(&self, id: &str) -> Result<Report, &'static str> {
        let now = self.world.sim.now();
        let mut state = self.state();
        if !state.describe.take(now, quota::DESCRIBE) {
            self.world.usage.add().throttled += 1;
            return Err("ThrottlingException");
        }
        self.world.usage.add().describes += 1;
        let statement = id.parse().ok().and_then(|place: usize| state.statements.get(place));
        let statement = statement.ok_or("ResourceNotFoundException")?;
        if statement.ended.unwrap_or(statement.taken) + RESULTS_KEPT < now {
            self.world.faults.happened(Fault::ResultsForgotten);
            return Err("ResourceNotFoundException");
        }
        let mut report = statement.report.clone();
        if self.world.has(Mutation::ParentOnly) {
            report.parts.clear();
        }
        if self.world.has(Mutation::NoRetry) && report.state.is_final() {
            report = Report { state: StatementState::Finished, error: None, parts: Vec::new() };
        }
        Ok(report)
    }
}

/// The state of a call, for the history.
fn words(report: &Report) -> String {
    let parts: Vec<String> = report
        .parts
        .iter()
        .map(|part| part.error.as_ref().map_or_else(|| "ok".to_owned(), |error| error.chars().take(60).collect()))
        .collect();
    format!("{:?} {} [{}]", report.state, report.error.as_deref().unwrap_or_default(), parts.join(", "))
}

/// A token that a retry would share with the statement that failed.
fn without_revisions(call: &Call) -> String {
    let mut token = String::new();
    for statement in &call.statements {
        // A text and the number after it are the target and its revision.
        for piece in statement.execute().split(", ") {
            if piece.parse::<u64>().is_err() {
                token.push_str(piece);
            }
        }
    }
    token
}

/// The warehouse as a function sees it, through an SDK that tries again when it is throttled.
#[derive(Debug, Clone)]
pub struct SimWarehouse {
    /// The service.
    pub api: DataApi,
    /// Who calls.
    pub invocation: Invocation,
}

fn fault(code: &'static str) -> ServiceFault {
    let kind = if code == "ResourceNotFoundException" { ErrorKind::Reject } else { ErrorKind::Retry };
    ServiceFault::new(kind, code)
}

impl SimWarehouse {
    /// Makes a call, again and later each time while it is throttled.
    async fn call<T: Send + 'static>(
        &self,
        effect: impl Fn(&DataApi) -> Result<T, &'static str> + Clone + Send + 'static,
    ) -> Result<T, &'static str> {
        let world = &self.api.world;
        let begin = world.sim.now();
        let mut attempt = 1;
        loop {
            let (api, once) = (self.api.clone(), effect.clone());
            let reply = self.invocation.request(world, world.settings.api, move |_: &Sim| once(&api)).await;
            if reply.as_ref().err() != Some(&"ThrottlingException") || attempt == ATTEMPTS {
                return reply;
            }
            // Full jitter, doubling from a second: https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
            let most = SECOND << (attempt - 1);
            let pause = world.sim.draw(|random| random.between(0, most));
            if world.sim.now() + pause > begin + PATIENCE {
                return reply;
            }
            world.sim.sleep(pause).await;
            attempt += 1;
        }
    }
}

impl port::Warehouse for SimWarehouse {
    async fn submit(&self, call: &Call) -> Result<String, SubmitError> {
        let world = &self.api.world;
        let failed = |code| SubmitError { name: call.name.clone(), source: fault(code) };
        // A setup has dozens of calls: in bad weather it would never end, and nothing else would happen.
        if world.settings.rendering > 0 && call.with_event {
            world.sim.sleep(world.settings.rendering * u64::try_from(call.statements.len()).unwrap()).await;
        }
        for (kind, code) in
            [(Fault::ApiThrottled, "ThrottlingException"), (Fault::ApiFailed, "InternalServerException")]
        {
            if call.with_event && world.faults.strikes(&world.sim, kind) {
                self.invocation.request(world, world.settings.api, |_| ()).await;
                return Err(failed(code));
            }
        }
        let lost = call.with_event && world.faults.strikes(&world.sim, Fault::ApiReplyLost);
        let (taken, reads) = (Arc::new(call.clone()), Arc::new(self.invocation.reads()));
        let place = self.call(move |api| api.take(&taken, &reads)).await.map_err(failed)?;
        if !lost {
            return Ok(place.to_string());
        }
        let trouble = self.api.trouble.lock().unwrap().take();
        if let Some(trouble) = trouble {
            trouble();
        }
        Err(failed("timed out"))
    }

    async fn describe(&self, statement_id: &str) -> Result<Report, DescribeError> {
        let world = &self.api.world;
        let failed = |code| DescribeError { statement_id: statement_id.to_owned(), source: fault(code) };
        let is_setup =
            statement_id.parse().ok().and_then(|place: usize| Some(self.api.state().statements.get(place)?.setup));
        if is_setup != Some(true) && world.faults.strikes(&world.sim, Fault::DescribeFailed) {
            return Err(failed("InternalServerException"));
        }
        let id = statement_id.to_owned();
        self.call(move |api| api.describe(&id)).await.map_err(failed)
    }

    async fn rows(&self, statement_id: &str) -> Result<Vec<Row>, DescribeError> {
        let failed = |code| DescribeError { statement_id: statement_id.to_owned(), source: fault(code) };
        let effect = |api: &DataApi| {
            let now = api.world.sim.now();
            if !api.state().result.take(now, quota::RESULT) {
                return Err("ThrottlingException");
            }
            api.world.usage.add().results += 1;
            Ok(())
        };
        self.call(effect).await.map_err(failed)?;
        // Whatever the setup asks about is not there yet.
        Ok(vec![vec![Some("0".to_owned())]])
    }
}
