//! Warehouses that do not answer. What is for one waits, at no cost to the others: its targets are marked and nothing is
//! submitted, until the schedule finds that it answers again and has everything rendered that waits.

use std::time::Duration;

use redoubt_core::{
    model::stored,
    record::{Kind, Record, State},
    render::digest,
    sql::SqlText,
};
use time::format_description::well_known::Rfc3339;

use super::{
    error::WorkError,
    fan_out::{self, Reason, What},
    installation::{self, Installation},
    intake::Outcomes,
    submission::{Home, Target, Then, mark},
    wait, world,
};
use crate::{
    error::chain,
    port::{Call, Mode, Queues, StatementState, Store, Warehouse},
    runtime::App,
};

/// How the reason of what waits begins.
const WAITS: &str = "the warehouse does not answer: ";

/// How long a warehouse has to answer. One that is resuming is asked again by the next sweep.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether an error says that the warehouse can't be reached at all. The Data API gives the words only: those of the driver when a
/// statement finds no database, its own when a cluster is paused.
pub(super) fn is_silence(error: &str) -> bool {
    const SIGNS: [&str; 9] = [
        "connection refused",
        "could not connect",
        "no route to host",
        "network is unreachable",
        "connection attempt timed out",
        "hostname and port are correct",
        "is paused",
        "is being resumed",
        "is currently unavailable",
    ];
    let error = error.to_ascii_lowercase();
    SIGNS.iter().any(|sign| error.contains(sign))
}

/// Targets that wait for their warehouses.
#[derive(Debug, Default)]
pub(super) struct Waiting(Vec<(Target, Vec<usize>)>);

impl Waiting {
    /// Has a target wait, with the messages that are done by that.
    pub(super) fn add(&mut self, target: Target, messages: &[usize]) {
        tracing::info!(
            correlation_id = target.correlation_id(),
            kind = %target.kind,
            id = target.id,
            revision = target.revision,
            place = target.place(),
            "waits: the warehouse does not answer"
        );
        let then = Then::pending(format!("{WAITS}what is for it waits"));
        self.0.push((Target { then, ..target }, messages.to_vec()));
    }

    /// Notes that they wait. A warehouse that was found to answer in between may have been asked for what waits before this was
    /// noted, so messages about it come again.
    pub(super) async fn park<S: Store, W, Q>(self, app: &App<S, W, Q>, outcomes: &mut Outcomes) {
        if self.0.is_empty() {
            return;
        }
        let messages = || self.0.iter().flat_map(|(_, messages)| messages.iter().copied()).collect::<Vec<_>>();
        let noted = mark(app, self.0.iter().map(|(target, _)| (target, target.attempt, &target.then))).await;
        let still = match noted {
            Ok(()) => world::warehouses(app).await,
            Err(error) => Err(error),
        };
        match still {
            Err(error) => outcomes.fail(&messages(), &error),
            Ok(warehouses) => {
                for (target, messages) in &self.0 {
                    let silent = |home: &Home| {
                        warehouses.values().any(|warehouse| warehouse.silent && warehouse.home() == *home)
                    };
                    if !target.home.as_ref().is_some_and(silent) {
                        outcomes.fail(messages, &WorkError::CameBack);
                    }
                }
            }
        }
    }
}

/// Notes that the warehouse of targets does not answer and that they wait for it. Tells whether they do: somebody may have found
/// it answering, and looked for what waits, before it was noted what does.
///
/// # Errors
/// When the store fails.
pub(super) async fn park<S: Store, W, Q>(
    app: &App<S, W, Q>,
    targets: &[Target],
    error: &str,
) -> Result<bool, WorkError> {
    let Some(home) = targets.iter().find_map(|target| target.home.as_ref()) else {
        return Ok(true);
    };
    let since = app.clock.now().format(&Rfc3339).ok();
    installation::change(app, &home.integration, |installation| {
        if installation.silent_since.is_none() {
            installation.silent_since.clone_from(&since);
        }
    })
    .await?;
    for target in targets {
        tracing::warn!(
            correlation_id = target.correlation_id(),
            integration = home.integration,
            kind = %target.kind,
            id = target.id,
            revision = target.revision,
            "waits: the warehouse does not answer"
        );
    }
    let then = Then::pending(format!("{WAITS}{error}"));
    mark(app, targets.iter().map(|target| (target, target.attempt, &then))).await?;
    let (installation, _) = Installation::load(app, &home.integration).await?;
    Ok(installation.silent_since.is_some())
}

/// Asks every warehouse that did not answer whether it does now, and has everything rendered that waits for it.
///
/// # Errors
/// When the store or a queue fails.
pub(super) async fn call_on<S: Store, W: Warehouse, Q: Queues>(app: &App<S, W, Q>) -> Result<(), WorkError> {
    for record in app.store.list(Kind::Installation).await? {
        let installation = Installation::of(&record)?;
        if installation.silent_since.is_some() {
            if !answers(app, &record).await? {
                continue;
            }
            tracing::info!(integration = record.id, "the warehouse answers again");
            // What waits is yet to be told: whoever dies before that has left word.
            installation::change(app, &record.id, |installation| {
                installation.silent_since = None;
                installation.waking = true;
            })
            .await?;
        } else if !installation.waking {
            continue;
        }
        wake(app, &record.id).await?;
        installation::change(app, &record.id, |installation| installation.waking = false).await?;
    }
    Ok(())
}

/// Whether a warehouse runs a statement now.
async fn answers<S: Store, W: Warehouse, Q>(app: &App<S, W, Q>, installation: &Record) -> Result<bool, WorkError> {
    let Some(record) = app.store.get(Kind::Integration, &installation.id).await? else {
        return Ok(false);
    };
    let integration = stored::integration(&record).map_err(|source| world::unreadable(&record, source))?;
    let Some(integration) = integration else { return Ok(false) };
    let now = app.clock.now().unix_timestamp_nanos().to_string();
    let call = Call {
        connection: world::connection(&integration, integration.database.as_str(), &integration.secret),
        statements: vec![SqlText::fixed("SELECT 1")],
        mode: Mode::AutoCommit,
        name: "redoubt looks whether the warehouse answers".to_owned(),
        token: digest([installation.id.as_bytes(), now.as_bytes()]),
        with_event: false,
    };
    let unsure = |error: String| tracing::info!(error, "it is not known whether it answers");
    let statement = match app.warehouse.submit(&call).await {
        Ok(statement) => statement,
        Err(error) => {
            unsure(chain(&error));
            return Ok(false);
        }
    };
    match wait::end_of(&app.warehouse, &*app.clock, &statement, PATIENCE).await {
        Ok(report) => Ok(report.is_some_and(|report| report.state == StatementState::Finished)),
        Err(error) => {
            unsure(chain(&error));
            Ok(false)
        }
    }
}

/// Has everything rendered that waits for a warehouse.
async fn wake<S: Store, W, Q: Queues>(app: &App<S, W, Q>, integration: &str) -> Result<(), WorkError> {
    let prefix = format!("{integration}/");
    let waits = |record: &Record| {
        record.statuses.iter().any(|(place, status)| {
            place.starts_with(&prefix)
                && status.state == State::Pending
                && status.reason.as_ref().is_some_and(|reason| reason.starts_with(WAITS))
        })
    };
    fan_out::tell(app, &What::ALL, &Reason::default(), waits).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_that_nobody_is_there() {
        for error in [
            "FATAL: connection to localhost refused: Connection refused. Check that the hostname and port are correct",
            "could not connect to server",
            "The cluster analytics is paused",
        ] {
            assert!(is_silence(error), "{error}");
        }
        for error in [
            "ERROR: permission denied for schema governed",
            "ERROR: relation \"paused\" does not exist",
            "terminating connection due to administrator command",
            "ERROR: 1023 Serializable isolation violation",
        ] {
            assert!(!is_silence(error), "{error}");
        }
    }
}
