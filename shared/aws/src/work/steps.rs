//! Running the steps of a setup or removal: each is submitted, waited for and judged before the next begins.

use redoubt_core::{
    model::Integration,
    render::{
        digest,
        install::{Connection, Step, StepMode, Tolerates},
    },
    sql::SqlText,
};

use super::{error::WorkError, outcome::may_pass, reach::is_silence, wait, world};
use crate::{
    error::Error,
    port::{self, Call, Mode, Part, Report, Row, StatementState, Store, Warehouse},
    runtime::App,
};

/// Longest message of the warehouse that is kept, in characters.
const MAX_MESSAGE: usize = 1_000;

/// The accounts that steps run as.
#[derive(Debug, Clone)]
pub(super) struct Accounts<'a> {
    pub(super) integration: &'a Integration,
    /// Secret of the setup account, and a database that is there whatever becomes of Redoubt's.
    pub(super) setup: Option<(String, String)>,
    /// What makes the tokens of this run its own: the old ones would return the statements that failed.
    pub(super) attempt: String,
}

impl Accounts<'_> {
    /// Where a step runs, and as whom; nowhere where nobody gave the setup account.
    pub(super) fn connection(&self, connection: Connection) -> Option<port::Connection> {
        let own = self.integration.database.as_str();
        Some(match connection {
            Connection::System => world::connection(self.integration, own, &self.integration.secret),
            Connection::Setup => world::connection(self.integration, own, &self.setup.as_ref()?.0),
            Connection::SetupElsewhere => {
                let (secret, database) = self.setup.as_ref()?;
                world::connection(self.integration, database, secret)
            }
        })
    }
}

/// Runs a step and waits for its end.
///
/// # Errors
/// [`WorkError::Setup`] where it failed for good, [`WorkError::SetupUnfinished`] where it may yet be done.
pub(super) async fn run<S: Store, W: Warehouse, Q>(
    app: &App<S, W, Q>,
    accounts: &Accounts<'_>,
    step: &Step,
) -> Result<(), WorkError> {
    let mode = match step.mode {
        // CREATE DATABASE and its like can't run in a transaction, and one statement needs none.
        _ if step.statements.len() == 1 => Mode::AutoCommit,
        StepMode::Together => Mode::Transaction,
        StepMode::Each => Mode::AutoCommit,
    };
    let (_, report) = end_of(app, accounts, step, step.statements.clone(), mode, "").await?;
    judge(&report, step)
}

/// The count that a step's question about the catalog gives.
///
/// # Errors
/// As for [`run`].
pub(super) async fn count<S: Store, W: Warehouse, Q>(
    app: &App<S, W, Q>,
    accounts: &Accounts<'_>,
    step: &Step,
    query: &SqlText,
) -> Result<u64, WorkError> {
    let (statement, report) =
        end_of(app, accounts, step, vec![query.clone()], Mode::AutoCommit, " looks first").await?;
    if report.state != StatementState::Finished {
        judge(&report, &Step { tolerates: Tolerates::Nothing, ..step.clone() })?;
    }
    let rows: Vec<Row> = app.warehouse.rows(&statement).await.map_err(Error::from)?;
    let count = rows.first().and_then(|row| row.first()?.as_ref()?.parse().ok());
    count.ok_or_else(|| WorkError::Setup { step: step.name, message: "its question had no answer".to_owned() })
}

async fn end_of<S: Store, W: Warehouse, Q>(
    app: &App<S, W, Q>,
    accounts: &Accounts<'_>,
    step: &Step,
    statements: Vec<SqlText>,
    mode: Mode,
    purpose: &str,
) -> Result<(String, Report), WorkError> {
    let name = step.name;
    let connection = accounts.connection(step.connection).ok_or_else(|| WorkError::Setup {
        step: name,
        message: "it needs the setup account, and the document names none".to_owned(),
    })?;
    let attempt = format!("{} {name}{purpose}", accounts.attempt);
    let head = [accounts.integration.id.as_str().as_bytes(), connection.database.as_bytes(), attempt.as_bytes()];
    let token = digest(head.into_iter().chain(statements.iter().map(|statement| statement.execute().as_bytes())));
    let call =
        Call { connection, statements, mode, name: format!("redoubt {name}{purpose}"), token, with_event: false };
    let statement = app.warehouse.submit(&call).await.map_err(Error::from)?;
    match wait::end_of(&app.warehouse, &*app.clock, &statement, wait::STEP).await.map_err(Error::from)? {
        Some(report) => Ok((statement, report)),
        None => Err(WorkError::SetupUnfinished { step: name, message: "it is still running".to_owned() }),
    }
}

/// Whether a step is done. In one that commits statement by statement each is judged, in a transaction the first that failed.
fn judge(report: &Report, step: &Step) -> Result<(), WorkError> {
    if report.state == StatementState::Finished {
        return Ok(());
    }
    let whole = Part { state: report.state, error: report.error.clone() };
    let failed: Vec<&Part> = report.parts.iter().filter(|part| part.state == StatementState::Failed).collect();
    let failed = if failed.is_empty() { vec![&whole] } else { failed };
    for part in failed {
        let message = part.error.as_deref().or(report.error.as_deref()).unwrap_or("the warehouse gave no reason");
        if step.tolerates.covers(message) && part.state == StatementState::Failed {
            continue;
        }
        let passing = part.state == StatementState::Aborted || may_pass(message) || is_silence(message);
        let message: String = message.chars().take(MAX_MESSAGE).collect();
        return Err(if passing {
            WorkError::SetupUnfinished { step: step.name, message }
        } else {
            WorkError::Setup { step: step.name, message }
        });
    }
    Ok(())
}
