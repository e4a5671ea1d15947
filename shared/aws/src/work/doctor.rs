//! The doctor at work: runs what [`redoubt_core::doctor`] wants to know of a warehouse, and gives its report.
//!
//! What a statement comes to is an answer, whatever it is. Only what keeps statements from being run at all, a service that
//! is throttled or out of reach, is an error.

use redoubt_core::{
    doctor::{self, Answer, Examination, Mode as RunMode, Place, Report, Run, Seen, Who, judge},
    model::Integration,
    render::digest,
};

use super::{error::WorkError, intake::at_most, outcome::may_pass, wait, world};
use crate::{
    error::{Error, ErrorKind, chain},
    port::{Call, Clock, Connection, Entropy, Mode, Row, StatementState, Warehouse},
    runtime::App,
};

/// How often statements are tried that fail in a way that may pass.
const ATTEMPTS: u32 = 2;
/// Probes at once; each waits for the Data API most of the time.
const PROBES_AT_ONCE: usize = 4;
/// What errors call it.
const STEP: &str = "doctor";

/// Examines an integration's warehouse, which must be set up. `reader` is an account other than the system account; where
/// there is none, what only another account can see is unknown. It looks in Redoubt's database, whichever it names.
///
/// # Errors
/// When a service fails, or a statement does not end in time.
pub async fn examine<S, W: Warehouse, Q>(
    app: &App<S, W, Q>,
    integration: &Integration,
    reader: Option<Connection>,
) -> Result<Report, WorkError> {
    examine_with(&app.warehouse, &*app.clock, &*app.entropy, integration, reader).await
}

/// The same with only what it takes.
///
/// # Errors
/// As of [`examine`].
pub async fn examine_with<W: Warehouse>(
    warehouse: &W,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
    integration: &Integration,
    reader: Option<Connection>,
) -> Result<Report, WorkError> {
    let examination = Examination::of(integration)?;
    // Another token for each run of each examination: an old one would give an old answer.
    let seed = entropy.seed().map_err(Error::from)?;
    let now = clock.now().unix_timestamp_nanos().to_be_bytes();
    let doctor = Doctor { warehouse, clock, integration, reader, salt: digest([seed.as_slice(), now.as_slice()]) };
    let seen = doctor.see(&examination).await;
    // Also when looking failed; what is left then, the next examination drops.
    let dropped = doctor.all("end", &examination.end).await;
    let seen = seen?;
    for answer in dropped?.iter().flatten() {
        if let Answer::Error(error) = answer {
            tracing::warn!(integration = integration.id.as_str(), error, "the doctor's schemas can't be dropped");
        }
    }
    Ok(judge::judge(integration, &examination, &seen))
}

/// The account that looks beside the system account: the one of a secret, or else the one that sets the warehouse up.
#[must_use]
pub fn second_account(integration: &Integration, secret: Option<&str>) -> Option<Connection> {
    let secret = secret.or_else(|| integration.setup.as_ref().map(|setup| setup.secret.as_str()))?;
    Some(world::connection(integration, integration.database.as_str(), secret))
}

struct Doctor<'a, W> {
    warehouse: &'a W,
    clock: &'a dyn Clock,
    integration: &'a Integration,
    reader: Option<Connection>,
    /// Part of every token.
    salt: String,
}

impl<W: Warehouse> Doctor<'_, W> {
    async fn see(&self, examination: &Examination) -> Result<Seen, WorkError> {
        let begin = self.all("begin", &examination.begin).await?;
        for answer in begin.iter().flatten() {
            if let Answer::Error(message) = answer
                && may_pass(message)
            {
                return Err(WorkError::SetupUnfinished { step: STEP, message: message.clone() });
            }
        }
        let people = self.all("people", &examination.people).await?;
        let probes = examination.probes.iter().map(|(probe, runs)| self.all(probe.as_str(), runs));
        let probes = at_most(PROBES_AT_ONCE, probes).await.into_iter().collect::<Result<_, _>>()?;
        Ok(Seen { begin, people, probes })
    }

    /// Runs that follow each other.
    async fn all(&self, name: &str, runs: &[Run]) -> Result<Vec<Vec<Answer>>, WorkError> {
        let mut answers = Vec::with_capacity(runs.len());
        for (index, run) in runs.iter().enumerate() {
            answers.push(self.run(&format!("{name} {}", index + 1), run).await?);
        }
        Ok(answers)
    }

    async fn run(&self, name: &str, run: &Run) -> Result<Vec<Answer>, WorkError> {
        let Some(connection) = self.connection(run) else {
            return Ok(vec![Answer::NotRun; run.statements.len()]);
        };
        let mut attempt = 1;
        loop {
            let answers = self.try_run(name, run, connection.clone(), attempt).await?;
            let passing = answers.iter().any(|answer| matches!(answer, Answer::Error(error) if may_pass(error)));
            if !passing || attempt == ATTEMPTS {
                return Ok(answers);
            }
            attempt += 1;
        }
    }

    fn connection(&self, run: &Run) -> Option<Connection> {
        let integration = self.integration;
        let database = match run.place {
            Place::Own => integration.database.as_str(),
            Place::Elsewhere => integration.setup.as_ref()?.database.as_str(),
        };
        match run.who {
            Who::System => Some(world::connection(integration, database, &integration.secret)),
            Who::Reader => self.reader.clone().map(|reader| Connection { database: database.to_owned(), ..reader }),
        }
    }

    async fn try_run(
        &self,
        name: &str,
        run: &Run,
        connection: Connection,
        attempt: u32,
    ) -> Result<Vec<Answer>, WorkError> {
        let head = [self.salt.as_bytes(), name.as_bytes(), &attempt.to_be_bytes()];
        let call = Call {
            connection,
            statements: run.statements.clone(),
            mode: match run.mode {
                RunMode::Query | RunMode::AutoCommit => Mode::AutoCommit,
                RunMode::Transaction => Mode::Transaction,
            },
            token: digest(head),
            name: format!("redoubt doctor {name}"),
            with_event: false,
        };
        let statement_id = match self.warehouse.submit(&call).await {
            Ok(statement_id) => statement_id,
            Err(error) if is_answer(run.who, error.kind()) => {
                return Ok(vec![Answer::Error(chain(&error)); run.statements.len()]);
            }
            Err(error) => return Err(Error::from(error).into()),
        };
        self.answers(&statement_id, run).await
    }

    /// Waits for the end, and gives what each statement came to.
    async fn answers(&self, statement_id: &str, run: &Run) -> Result<Vec<Answer>, WorkError> {
        let Some(report) =
            wait::end_of(self.warehouse, self.clock, statement_id, wait::STEP).await.map_err(Error::from)?
        else {
            return Err(WorkError::SetupUnfinished { step: STEP, message: "it is still running".to_owned() });
        };
        if run.mode == RunMode::Query {
            return Ok(vec![match report.state {
                StatementState::Finished => self.rows(statement_id).await?,
                state => ended(state, report.error),
            }]);
        }
        let mut parts = report.parts.into_iter();
        let mut whole = Some((report.state, report.error));
        let answers = run.statements.iter().map(|_| match parts.next() {
            Some(part) => ended(part.state, part.error),
            // A call that did not come to its parts says why as a whole.
            None => whole.take().map_or(Answer::NotRun, |(state, error)| ended(state, error)),
        });
        Ok(answers.collect())
    }

    async fn rows(&self, statement_id: &str) -> Result<Answer, WorkError> {
        match self.warehouse.rows(statement_id).await {
            Ok(rows) => Ok(Answer::Rows(rows)),
            Err(error) if error.kind() == ErrorKind::Reject => Ok(Answer::Error(chain(&error))),
            Err(error) => Err(Error::from(error).into()),
        }
    }
}

/// Whether a call that is not taken says something of the warehouse, or of the second account. That the system account may
/// not call at all is a broken deployment.
fn is_answer(who: Who, kind: ErrorKind) -> bool {
    match kind {
        ErrorKind::Reject => true,
        ErrorKind::Defect => who == Who::Reader,
        ErrorKind::Retry | ErrorKind::Conflict => false,
    }
}

fn ended(state: StatementState, error: Option<String>) -> Answer {
    match (state, error) {
        (StatementState::Finished, _) => Answer::Rows(Vec::new()),
        (_, Some(error)) => Answer::Error(error),
        (StatementState::Failed, None) => Answer::Error("the warehouse gave no reason".to_owned()),
        _ => Answer::NotRun,
    }
}

/// What a warehouse answers to the doctor's queries where every assumption holds: for [`MemoryWarehouse::answering`] in
/// tests. Everybody is called as the secret that they connect with.
///
/// [`MemoryWarehouse::answering`]: crate::warehouse::MemoryWarehouse::answering
#[must_use]
pub fn sound(call: &Call, _: usize) -> Vec<Row> {
    let row = |cells: &[&str]| vec![cells.iter().map(|cell| Some((*cell).to_owned())).collect()];
    let asked = call.name.strip_prefix("redoubt doctor ").unwrap_or_default();
    let (probe, run) = asked.rsplit_once(' ').unwrap_or_default();
    match (probe, run) {
        ("isolation", _) => row(&[&call.connection.database, "Snapshot Isolation"]),
        ("people", "1" | "2") | ("cross_database", "1") | ("view_reader" | "result_cache" | "lambda_user", _) => {
            row(&[&call.connection.secret])
        }
        ("cross_database", _) | ("usage_below_views", "2") => row(&[doctor::SAMPLE]),
        ("lambda_reply", _) => row(&[doctor::MASKED_SAMPLE]),
        ("backslash", _) => row(&[doctor::BACKSLASHED]),
        ("auto_commit", _) => ["before", "after"].iter().flat_map(|mark| row(&[mark])).collect(),
        ("statement_size", _) => row(&["1"]),
        // Settings are off, and nobody is a superuser.
        _ => row(&["0"]),
    }
}

#[cfg(test)]
mod tests;
