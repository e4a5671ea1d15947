//! Asks a warehouse: one call for all questions about a database, and the rows of each.

use std::time::Duration;

use redoubt_core::{
    doctor::Answer,
    drift::{Query, judge::Answers},
    render::digest,
    sql::Ident,
};

use crate::{
    error::{Error, ErrorKind},
    port::{Call, Mode, StatementState, Store, Warehouse as Port},
    runtime::App,
    work::{error::WorkError, wait, world, world::Warehouse},
};

/// How long a warehouse has to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the questions come to, asked by the system account in one of the warehouse's databases. A statement that fails is an answer;
/// a call that can't be made, or does not end, leaves all without one.
///
/// # Errors
/// When this run's own randomness fails.
pub(super) async fn ask<S: Store, W: Port, Q>(
    app: &App<S, W, Q>,
    warehouse: &Warehouse,
    database: &Ident,
    queries: Vec<Query>,
) -> Result<Answers, WorkError> {
    let name = format!("redoubt reconcile looks at {}", database.as_str());
    let statements = queries.iter().map(|query| query.statement.clone()).collect();
    let asked = queries.iter().map(|query| query.question);
    let Some((id, report)) = run(app, warehouse, database, Mode::AutoCommit, statements, name).await? else {
        return Ok(asked.map(|question| (question, Answer::NotRun)).collect());
    };
    let mut answers = Answers::new();
    for (index, question) in asked.enumerate() {
        let answer = match report.get(index) {
            Some((StatementState::Finished, _)) => rows(app, &format!("{id}:{}", index + 1)).await,
            Some((StatementState::Failed, error)) => Answer::Error(error.clone().unwrap_or_default()),
            _ => Answer::NotRun,
        };
        answers.insert(question, answer);
    }
    Ok(answers)
}

/// What became of each statement of a call, and the call's id; nothing where the call can't be made or does not end.
type Ended = Option<(String, Vec<(StatementState, Option<String>)>)>;

/// Makes a call as the system account and waits for its end.
///
/// # Errors
/// When this run's own randomness fails.
pub(super) async fn run<S: Store, W: Port, Q>(
    app: &App<S, W, Q>,
    warehouse: &Warehouse,
    database: &Ident,
    mode: Mode,
    statements: Vec<redoubt_core::sql::SqlText>,
    name: String,
) -> Result<Ended, WorkError> {
    let integration = &warehouse.integration;
    // Another token each time: an old one would give an old answer.
    let seed = app.entropy.seed().map_err(Error::from)?;
    let now = app.clock.now().unix_timestamp_nanos().to_be_bytes();
    let head = [seed.as_slice(), now.as_slice(), integration.id.as_str().as_bytes(), name.as_bytes()];
    let count = statements.len();
    let call = Call {
        connection: world::connection(integration, database.as_str(), &integration.secret),
        statements,
        mode,
        token: digest(head),
        name,
        with_event: false,
    };
    let id = match app.warehouse.submit(&call).await {
        Ok(id) => id,
        Err(error) => {
            unanswered(warehouse, database, error.kind());
            return Ok(None);
        }
    };
    match wait::end_of(&app.warehouse, &*app.clock, &id, PATIENCE).await {
        Ok(Some(report)) => {
            let mut states: Vec<_> = report.parts.into_iter().map(|part| (part.state, part.error)).collect();
            // A call of one statement has no parts, nor has one that did not come to them.
            states.resize(count, (report.state, report.error));
            Ok(Some((id, states)))
        }
        Ok(None) => {
            unanswered(warehouse, database, ErrorKind::Retry);
            Ok(None)
        }
        Err(error) => {
            unanswered(warehouse, database, error.kind());
            Ok(None)
        }
    }
}

/// The next run asks again.
fn unanswered(warehouse: &Warehouse, database: &Ident, kind: ErrorKind) {
    let (integration, database) = (warehouse.integration.id.as_str(), database.as_str());
    tracing::warn!(integration, database, ?kind, "the warehouse gave no answer");
}

async fn rows<S: Store, W: Port, Q>(app: &App<S, W, Q>, statement_id: &str) -> Answer {
    match app.warehouse.rows(statement_id).await {
        Ok(rows) => Answer::Rows(rows),
        Err(error) => {
            tracing::warn!(statement_id, kind = ?error.kind(), "no rows");
            Answer::NotRun
        }
    }
}
