//! Statements without an outcome: completion events may never come, and a submitter may die between recording a call and
//! making it.

use redoubt_core::record::Kind;
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    error::{Error, ErrorKind},
    port::{Queues, Store, Warehouse},
    runtime::App,
    work::{
        error::WorkError,
        outcome::{lost, settle},
        submission::Submission,
    },
};

/// How long a submission whose statement is known may be silent before the sweep asks.
const SILENCE: Duration = Duration::minutes(2);
/// How long a submission may be without a statement: its submitter died, or is still trying.
const ORPHANED: Duration = Duration::minutes(10);

/// Asks after every submission that is overdue.
///
/// # Errors
/// When the store, the warehouse or a queue fails.
pub(super) async fn sweep<S: Store, W: Warehouse, Q: Queues>(app: &App<S, W, Q>) -> Result<(), WorkError> {
    let now = app.clock.now();
    let mut overdue = 0_usize;
    for record in app.store.list(Kind::Submission).await? {
        let Some(submission) = Submission::read(&record)? else {
            continue;
        };
        let age = now - OffsetDateTime::parse(&submission.recorded_at, &Rfc3339).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        match &submission.statement_id {
            Some(statement_id) if age >= SILENCE => {
                overdue += 1;
                match app.warehouse.describe(statement_id).await {
                    Ok(report) if report.state.is_final() => settle(app, &record, &report).await?,
                    Ok(_) => {}
                    // The warehouse forgets after a day; what became of the statement is then unknown.
                    Err(error) if error.kind() == ErrorKind::Reject => lost(app, &record).await?,
                    Err(error) => return Err(Error::from(error).into()),
                }
            }
            None if age >= ORPHANED => {
                overdue += 1;
                lost(app, &record).await?;
            }
            Some(_) | None => {}
        }
    }
    tracing::info!(overdue, "swept");
    Ok(())
}
