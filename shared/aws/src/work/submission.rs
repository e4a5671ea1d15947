//! Submissions: Data API calls with the targets they carry, recorded before they are made, so that no outcome is ever that
//! of something unknown.

use redoubt_core::{
    model::Integration,
    record::{DOCUMENT, Kind, NOWHERE, Record, State, Status, Write},
    render::{digest, pack::Limits},
    sql::SqlText,
};
use serde::{Deserialize, Serialize};
use time::format_description::well_known::Rfc3339;

use super::{
    error::WorkError,
    intake::{Outcomes, at_most, concurrently},
    reach,
    trace::Trace,
};
use crate::{
    error::{Error, ErrorKind, SubmitError, chain},
    metrics::Metric,
    port::{Call, Clock, Connection, Mode, Put, Store, Warehouse},
    runtime::App,
};

/// A call whose outcome is awaited. Its token is its identity, so a repeated submission finds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// What the call carries.
    pub targets: Vec<Target>,
    /// Whether its statements stand or fall together.
    pub together: bool,
    /// The warehouse's id of it, once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement_id: Option<String>,
    /// When it was recorded (RFC 3339).
    pub recorded_at: String,
}

/// What one or several statements of a call are for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// A data source's view, a user's profile or a policy's definition.
    pub kind: Kind,
    /// Whose.
    pub id: String,
    /// Where; nowhere where nothing is submitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home: Option<Home>,
    /// At which revision.
    pub revision: u64,
    /// How often it was tried before.
    #[serde(default)]
    pub attempt: u32,
    /// How many statements of the call are for it, in the order of the targets. 0 where they stand or fall together.
    pub statements: usize,
    /// The event behind it; unknown of what was recorded before there were names for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<Trace>,
    /// What it is once they ended well.
    pub then: Then,
}

/// The database of a warehouse that holds Redoubt's objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Home {
    /// The warehouse's integration.
    pub integration: String,
    /// The database.
    pub database: String,
}

impl Home {
    pub(super) fn of(integration: &Integration) -> Self {
        Self { integration: integration.id.to_string(), database: integration.database.as_str().to_owned() }
    }

    /// The place that statuses are kept by.
    pub(super) fn place(&self) -> String {
        format!("{}/{}", self.integration, self.database)
    }
}

impl Target {
    /// What logs call the event behind it.
    pub(super) fn correlation_id(&self) -> Option<&str> {
        self.trace.as_ref().map(|trace| trace.id.as_str())
    }

    /// The place that its status is kept by.
    pub(super) fn place(&self) -> String {
        self.home.as_ref().map_or_else(|| NOWHERE.to_owned(), Home::place)
    }
}

/// What a target is once its statements ended well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Then {
    /// Its state.
    pub state: State,
    /// Why, where it is not what was wished for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Then {
    /// In force.
    pub(super) fn applied() -> Self {
        Self { state: State::Applied, reason: None }
    }

    /// Gone on purpose.
    pub(super) fn withdrawn() -> Self {
        Self { state: State::Withdrawn, reason: None }
    }

    /// Gone while it is switched off.
    pub(super) fn disabled() -> Self {
        Self { state: State::Disabled, reason: None }
    }

    /// Waiting for something.
    pub(super) fn pending(reason: impl Into<String>) -> Self {
        Self { state: State::Pending, reason: Some(reason.into()) }
    }

    /// Gone because it can't be applied.
    pub(super) fn unhealthy(reason: impl Into<String>) -> Self {
        Self { state: State::Unhealthy, reason: Some(reason.into()) }
    }
}

impl Submission {
    /// The submission in a record.
    ///
    /// # Errors
    /// When it can't be read.
    pub(super) fn read(record: &Record) -> Result<Option<Self>, WorkError> {
        Ok(record.document().map(|document| serde_json::from_value(document.clone())).transpose()?)
    }
}

/// Longest reason that is kept, in characters: what a database says can be as long as the statement it is about.
const MAX_REASON: usize = 1_000;

/// A status of a target, as of now.
pub(super) fn status(clock: &dyn Clock, revision: u64, attempt: u32, then: &Then) -> Status {
    // A time that RFC 3339 can't write lies beyond the year 9999.
    let at = clock.now().format(&Rfc3339).unwrap_or_default();
    let reason = then.reason.as_ref().map(|reason| reason.chars().take(MAX_REASON).collect());
    Status { revision, state: then.state, reason, attempt, at }
}

/// What one call may hold, by the settings.
pub(super) fn limits<S, W, Q>(app: &App<S, W, Q>) -> Limits {
    Limits { statements: app.config.batch_statements, bytes: app.config.statement_bytes }
}

/// Notes what became of targets, after how many attempts.
///
/// # Errors
/// When the store fails.
pub(super) async fn mark<'a, S: Store, W, Q>(
    app: &App<S, W, Q>,
    targets: impl IntoIterator<Item = (&'a Target, u32, &'a Then)>,
) -> Result<(), WorkError> {
    let marked = concurrently(targets.into_iter().map(|(target, attempt, then)| async move {
        let status = status(&*app.clock, target.revision, attempt, then);
        app.store.set_status(target.kind, &target.id, &target.place(), &status).await
    }));
    for marked in marked.await {
        marked?;
    }
    Ok(())
}

/// Notes what a target is without anything being submitted for it.
///
/// # Errors
/// When the store fails.
pub(super) async fn note<S: Store, W, Q>(app: &App<S, W, Q>, target: &Target) -> Result<(), WorkError> {
    tracing::info!(
        correlation_id = target.correlation_id(),
        kind = %target.kind,
        id = target.id,
        revision = target.revision,
        state = target.then.state.as_str(),
        "nothing to submit"
    );
    mark(app, [(target, target.attempt, &target.then)]).await
}

/// Says that a target needs nothing in a place, since its newest revision is in force there.
pub(super) fn in_force_already(target: &Target, place: &str) {
    tracing::info!(
        correlation_id = target.correlation_id(),
        kind = %target.kind,
        id = target.id,
        revision = target.revision,
        place,
        "in force already"
    );
}

/// Says that there is SQL for a target in a place.
pub(super) fn rendered<S, W, Q>(app: &App<S, W, Q>, target: &Target, place: &str) {
    app.metrics.count(Metric::TargetsRendered, 1_u32);
    tracing::info!(
        correlation_id = target.correlation_id(),
        kind = %target.kind,
        id = target.id,
        revision = target.revision,
        place,
        state = target.then.state.as_str(),
        attempt = target.attempt,
        "rendered"
    );
}

/// A call to make, and the messages that wait for it.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) connection: Connection,
    pub(super) mode: Mode,
    pub(super) statements: Vec<SqlText>,
    pub(super) targets: Vec<Target>,
    pub(super) messages: Vec<usize>,
}

/// How many calls are made at once. The Data API takes 20 batches a second from a whole account
/// (<https://docs.aws.amazon.com/redshift/latest/mgmt/amazon-redshift-limits.html>), and others want some of them.
const CALLS_AT_ONCE: usize = 4;

/// Makes calls, and notes for which messages it failed.
pub(super) async fn submit_all<S: Store, W: Warehouse, Q>(
    app: &App<S, W, Q>,
    orders: Vec<Order>,
    outcomes: &mut Outcomes,
) {
    let made = at_most(
        CALLS_AT_ONCE,
        orders.into_iter().map(|mut order| async move {
            let messages = std::mem::take(&mut order.messages);
            (messages, submit(app, order).await)
        }),
    );
    for (messages, made) in made.await {
        if let Err(error) = made {
            outcomes.fail(&messages, &error);
        }
    }
}

/// Records a call and makes it. The token is a digest of everything in it: the same targets at the same revisions with the same
/// SQL are submitted once within 8 hours, however often the message behind them is delivered.
///
/// # Errors
/// When the store or the warehouse fails. A call that the warehouse refuses for good leaves its targets unhealthy instead.
pub(super) async fn submit<S: Store, W: Warehouse, Q>(
    app: &App<S, W, Q>,
    Order { connection, mode, statements, targets, .. }: Order,
) -> Result<(), WorkError> {
    let recorded_at = app.clock.now().format(&Rfc3339).unwrap_or_default();
    let token = token(&connection, &targets, &statements);
    let mut submission = Submission { targets, together: mode == Mode::Transaction, statement_id: None, recorded_at };
    // Before the call, or it might overwrite what the outcome says.
    let pending = Then { state: State::Pending, reason: None };
    let shown = submission.targets.iter().filter(|target| target.kind == Kind::DataSource);
    mark(app, shown.map(|target| (target, target.attempt, &pending))).await?;
    let mut record = Record::new(Kind::Submission, token.as_str());
    record.merge(&[Write::set(DOCUMENT, 1, serde_json::to_value(&submission)?)])?;
    let put = app.store.put(&record).await?;
    let mut recorded = match put {
        Put::Stored => {
            record.lock += 1;
            Some(record)
        }
        // The same call was recorded before, by a delivery that did not live to see its end.
        Put::Conflict => app.store.get(Kind::Submission, &token).await?,
    };
    let call = Call { connection, statements, mode, token: token.clone(), name: token.clone(), with_event: true };
    tracing::info!(
        submission = token,
        statements = call.statements.len(),
        targets = submission.targets.len(),
        "submitting"
    );
    match app.warehouse.submit(&call).await {
        Ok(statement_id) => {
            let bytes: usize = call.statements.iter().map(SqlText::len).sum();
            app.metrics.count(Metric::Statements, call.statements.len());
            app.metrics.count(Metric::StatementBytes, bytes);
            for target in &submission.targets {
                tracing::info!(
                    correlation_id = target.correlation_id(),
                    submission = token,
                    statement_id,
                    kind = %target.kind,
                    id = target.id,
                    revision = target.revision,
                    place = target.place(),
                    "submitted"
                );
            }
            submission.statement_id = Some(statement_id);
            if let Some(record) = &mut recorded {
                record.merge(&[Write::set(DOCUMENT, 2, serde_json::to_value(&submission)?)]).ok();
                // Whoever settled it in the meantime knows better.
                app.store.put(record).await?;
            }
            Ok(())
        }
        Err(error) if reach::is_silence(&chain(&error)) => {
            let waits = reach::park(app, &submission.targets, &chain(&error)).await?;
            app.store.remove(Kind::Submission, &token).await?;
            if waits { Ok(()) } else { Err(WorkError::CameBack) }
        }
        Err(error) if error.kind() == ErrorKind::Reject => refuse(app, &token, &submission, &error).await,
        Err(error) => {
            // It was not taken, and comes again with its messages: no outcome is to be waited for.
            if put == Put::Stored && error.source.is_throttling() {
                app.store.remove(Kind::Submission, &token).await?;
            }
            Err(Error::from(error).into())
        }
    }
}

/// The warehouse will not take the call, now or later.
async fn refuse<S: Store, W, Q>(
    app: &App<S, W, Q>,
    token: &str,
    submission: &Submission,
    error: &SubmitError,
) -> Result<(), WorkError> {
    let reason = chain(error);
    app.metrics.count(Metric::StatementsFailed, submission.targets.len());
    for target in &submission.targets {
        tracing::error!(
            correlation_id = target.correlation_id(),
            submission = token,
            kind = %target.kind,
            id = target.id,
            revision = target.revision,
            error = reason,
            "the warehouse refused a call"
        );
    }
    let then = Then::unhealthy(reason);
    mark(app, submission.targets.iter().map(|target| (target, target.attempt, &then))).await?;
    app.store.remove(Kind::Submission, token).await?;
    Ok(())
}

/// The places where the newest revision is in force, or gone from, already: it need not be submitted there when its message comes
/// again.
pub(super) fn settled(record: &Record) -> impl Iterator<Item = &str> {
    let settled = |status: &Status| {
        status.revision == record.revision
            && matches!(status.state, State::Applied | State::Withdrawn | State::Disabled)
    };
    record.statuses.iter().filter(move |(_, status)| settled(status)).map(|(place, _)| place.as_str())
}

/// Whether a place is one of these.
pub(super) fn is_settled(record: &Record, home: &Home) -> bool {
    let home = home.place();
    settled(record).any(|place| place == home)
}

/// Whether a statement's name is one that this crate gives: a digest in hexadecimal digits.
pub(super) fn is_token(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn token(connection: &Connection, targets: &[Target], statements: &[SqlText]) -> String {
    let warehouse = format!("{:?}", connection.warehouse);
    let names: Vec<String> =
        targets.iter().map(|target| format!("{} {} {}", target.kind, target.revision, target.id)).collect();
    let head = [warehouse.as_bytes(), connection.database.as_bytes()];
    let parts = head.into_iter().chain(names.iter().map(String::as_bytes));
    digest(parts.chain(statements.iter().map(|statement| statement.execute().as_bytes())))
}
