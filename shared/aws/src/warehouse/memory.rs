//! A warehouse in memory, for tests and benchmarks: it runs nothing, but has the Data API's states, tokens and failures.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::{DescribeError, ErrorKind, SubmitError};
use crate::fault::ServiceFault;
use crate::port::{Call, Mode, Part, Report, Row, StatementState, Warehouse};

/// How a call shall fare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Script {
    /// Every statement ends well.
    Finish,
    /// The statements with these positions (from 0) fail, each with its message. In a transaction that undoes the others.
    Fail(BTreeMap<usize, String>),
    /// Somebody stops it.
    Abort,
    /// It is not taken, with this kind of error and this code.
    Refuse(ErrorKind, &'static str),
    /// It is taken, but the reply gets lost: the caller sees an error that may pass.
    LoseReply,
}

/// Called for each call that is taken, before it counts as run; decides how it fares unless a script was queued.
type Decide = dyn Fn(&Call) -> Script + Send + Sync;

/// Gives the rows of a statement of a call, by its position from 0.
type Answer = dyn Fn(&Call, usize) -> Vec<Row> + Send + Sync;

/// Calls, kept in the order they came.
pub struct MemoryWarehouse {
    state: Mutex<State>,
    decide: Box<Decide>,
    answer: Box<Answer>,
    held: bool,
}

#[derive(Debug, Default)]
struct State {
    scripts: VecDeque<Script>,
    calls: Vec<Taken>,
    requests: usize,
}

#[derive(Debug)]
struct Taken {
    call: Call,
    /// What it will come to.
    outcome: Report,
    settled: bool,
}

impl Default for MemoryWarehouse {
    fn default() -> Self {
        Self::new(|_| Script::Finish)
    }
}

impl fmt::Debug for MemoryWarehouse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryWarehouse").field("state", &self.state).finish_non_exhaustive()
    }
}

impl MemoryWarehouse {
    /// A warehouse where every call has ended as decided by the time it can be described.
    #[must_use]
    pub fn new(decide: impl Fn(&Call) -> Script + Send + Sync + 'static) -> Self {
        let nothing = |_: &Call, _| vec![vec![Some("0".to_owned())]];
        Self { state: Mutex::default(), decide: Box::new(decide), answer: Box::new(nothing), held: false }
    }

    /// The same, with these rows for the statements of its calls; without it, each gives one row with `0`.
    #[must_use]
    pub fn answering(self, answer: impl Fn(&Call, usize) -> Vec<Row> + Send + Sync + 'static) -> Self {
        Self { answer: Box::new(answer), ..self }
    }

    /// The same, but calls stay submitted until [`settle`](Self::settle) lets them end.
    #[must_use]
    pub fn held(self) -> Self {
        Self { held: true, ..self }
    }

    /// Decides how the next call fares; several are used up in turn.
    pub fn script(&self, script: Script) {
        self.state().scripts.push_back(script);
    }

    /// Lets a call end; tells whether that was news. Its effects belong to this moment.
    pub fn settle(&self, statement_id: &str) -> bool {
        let mut state = self.state();
        let taken = position(statement_id).and_then(|position| state.calls.get_mut(position));
        taken.is_some_and(|taken| !std::mem::replace(&mut taken.settled, true))
    }

    /// The calls that were taken, with their statement ids, oldest first. A repeated token adds none.
    #[must_use]
    pub fn calls(&self) -> Vec<(String, Call)> {
        self.state().calls.iter().enumerate().map(|(n, taken)| (statement_id(n), taken.call.clone())).collect()
    }

    /// The ids of calls that have not ended, oldest first.
    #[must_use]
    pub fn unsettled(&self) -> Vec<String> {
        let state = self.state();
        let unsettled = state.calls.iter().enumerate().filter(|(_, taken)| !taken.settled);
        unsettled.map(|(n, _)| statement_id(n)).collect()
    }

    /// How many calls of the Data API were made, whatever came of them.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.state().requests
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Warehouse for MemoryWarehouse {
    async fn submit(&self, call: &Call) -> Result<String, SubmitError> {
        let mut state = self.state();
        state.requests += 1;
        if let Some(known) = state.calls.iter().position(|taken| taken.call.token == call.token) {
            return Ok(statement_id(known));
        }
        let script = state.scripts.pop_front().unwrap_or_else(|| (self.decide)(call));
        let lost = |kind, code| SubmitError { name: call.name.clone(), source: ServiceFault::new(kind, code) };
        if let Script::Refuse(kind, code) = script {
            return Err(lost(kind, code));
        }
        let id = statement_id(state.calls.len());
        state.calls.push(Taken { call: call.clone(), outcome: outcome(call, &script), settled: !self.held });
        match script {
            Script::LoseReply => Err(lost(ErrorKind::Retry, "timed out")),
            _ => Ok(id),
        }
    }

    async fn describe(&self, statement_id: &str) -> Result<Report, DescribeError> {
        let mut state = self.state();
        state.requests += 1;
        let Some(taken) = position(statement_id).and_then(|position| state.calls.get(position)) else {
            return Err(DescribeError {
                statement_id: statement_id.to_owned(),
                source: ServiceFault::new(ErrorKind::Reject, "ResourceNotFoundException"),
            });
        };
        if taken.settled {
            return Ok(taken.outcome.clone());
        }
        let waiting = |_: &Part| Part { state: StatementState::Submitted, error: None };
        Ok(Report {
            state: StatementState::Submitted,
            error: None,
            parts: taken.outcome.parts.iter().map(waiting).collect(),
        })
    }

    async fn rows(&self, statement_id: &str) -> Result<Vec<Row>, DescribeError> {
        let mut state = self.state();
        state.requests += 1;
        let (call, part) = statement_id.split_once(':').unwrap_or((statement_id, "1"));
        let taken = position(call).and_then(|position| state.calls.get(position)).filter(|taken| taken.settled);
        let part = part.parse::<usize>().ok().and_then(|part| part.checked_sub(1));
        match (taken, part) {
            (Some(taken), Some(part)) if part < taken.call.statements.len() => Ok((self.answer)(&taken.call, part)),
            _ => Err(DescribeError {
                statement_id: statement_id.to_owned(),
                source: ServiceFault::new(ErrorKind::Reject, "ResourceNotFoundException"),
            }),
        }
    }
}

fn outcome(call: &Call, script: &Script) -> Report {
    let (state, errors) = match script {
        Script::Fail(errors) => (StatementState::Failed, errors.clone()),
        Script::Abort => (StatementState::Aborted, BTreeMap::new()),
        Script::Finish | Script::LoseReply | Script::Refuse(..) => (StatementState::Finished, BTreeMap::new()),
    };
    let first_failure = errors.keys().next().copied();
    let part = |position| {
        let failed = errors.get(&position);
        let state = match (state, call.mode, failed, first_failure) {
            (StatementState::Failed, _, Some(_), _) => StatementState::Failed,
            (StatementState::Failed, Mode::Transaction, None, Some(first)) if position > first => {
                StatementState::Aborted
            }
            (StatementState::Failed, ..) => StatementState::Finished,
            (state, ..) => state,
        };
        Part { state, error: failed.cloned() }
    };
    let single = call.mode == Mode::AutoCommit && call.statements.len() == 1;
    Report {
        state,
        error: errors.values().next().cloned(),
        parts: if single { Vec::new() } else { (0..call.statements.len()).map(part).collect() },
    }
}

fn statement_id(position: usize) -> String {
    format!("statement-{position}")
}

fn position(statement_id: &str) -> Option<usize> {
    statement_id.strip_prefix("statement-")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::{Connection, WarehouseName};
    use crate::testing::statement;

    fn call(mode: Mode, statements: usize, token: &str) -> Call {
        Call {
            connection: Connection {
                warehouse: WarehouseName::Workgroup("w".to_owned()),
                database: "d".to_owned(),
                secret: "s".to_owned(),
            },
            statements: (0..statements).map(|n| statement(&n.to_string())).collect(),
            mode,
            token: token.to_owned(),
            name: "n".to_owned(),
            with_event: true,
        }
    }

    fn states(report: &Report) -> Vec<StatementState> {
        report.parts.iter().map(|part| part.state).collect()
    }

    #[tokio::test]
    async fn a_token_runs_once_even_if_the_first_reply_was_lost() {
        let warehouse = MemoryWarehouse::default();
        warehouse.script(Script::Refuse(ErrorKind::Retry, "ThrottlingException"));
        warehouse.script(Script::LoseReply);
        let call = call(Mode::AutoCommit, 1, "t");
        for _ in 0..2 {
            assert_eq!(warehouse.submit(&call).await.unwrap_err().kind(), ErrorKind::Retry);
        }
        assert_eq!(warehouse.submit(&call).await.unwrap(), warehouse.submit(&call).await.unwrap());
        assert_eq!((warehouse.calls().len(), warehouse.requests()), (1, 4));
    }

    #[tokio::test]
    async fn failures_reach_the_parts_as_the_mode_has_it() {
        let warehouse = MemoryWarehouse::new(|_| Script::Fail(BTreeMap::from([(1, "bad".to_owned())])));
        let id = warehouse.submit(&call(Mode::AutoCommit, 3, "a")).await.unwrap();
        let report = warehouse.describe(&id).await.unwrap();
        let (finished, failed) = (StatementState::Finished, StatementState::Failed);
        assert_eq!((report.state, states(&report)), (failed, vec![finished, failed, finished]));
        assert_eq!((report.error.as_deref(), report.parts[1].error.as_deref()), (Some("bad"), Some("bad")));
        let id = warehouse.submit(&call(Mode::Transaction, 3, "b")).await.unwrap();
        let report = warehouse.describe(&id).await.unwrap();
        assert_eq!((report.state, states(&report)), (failed, vec![finished, failed, StatementState::Aborted]));
    }

    #[tokio::test]
    async fn held_calls_end_when_told_to() {
        let warehouse = MemoryWarehouse::default().held();
        let id = warehouse.submit(&call(Mode::AutoCommit, 2, "t")).await.unwrap();
        assert_eq!(warehouse.unsettled(), std::slice::from_ref(&id));
        let report = warehouse.describe(&id).await.unwrap();
        assert_eq!((report.state, states(&report)), (StatementState::Submitted, vec![StatementState::Submitted; 2]));
        assert!(warehouse.settle(&id) && !warehouse.settle(&id) && !warehouse.settle("nobody's"));
        assert_eq!(warehouse.describe(&id).await.unwrap().state, StatementState::Finished);
        assert_eq!(warehouse.describe("nobody's").await.unwrap_err().kind(), ErrorKind::Reject);
    }
}
