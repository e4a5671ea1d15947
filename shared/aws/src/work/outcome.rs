//! Outcomes: what became of each statement, and what follows. Completion events may never come; what is overdue then is
//! found by [`reconcile`](super::reconcile()).

use redoubt_core::{
    event::{Fault, Faults},
    record::{Kind, Record, State},
};
use serde_json::Value;

use super::{
    error::WorkError,
    fan_out::{self, Reason, What},
    intake::{Outcomes, concurrently},
    reach, source,
    submission::{Submission, Target, Then, is_token, mark, submit},
    user,
};
use crate::{
    batch::{Message, Outcome},
    error::Error,
    metrics::Metric,
    port::{Queues, Report, StatementState, Store, Warehouse},
    runtime::App,
};

/// The longest delay of a queue, in seconds.
const MAX_DELAY: u32 = 900;

/// Handles a batch of completion events.
pub async fn outcome<S: Store, W: Warehouse, Q: Queues>(app: &App<S, W, Q>, messages: Vec<Message>) -> Vec<Outcome> {
    let mut outcomes = Outcomes::new(app, &messages);
    let dealt_with = concurrently(messages.iter().map(|message| async move {
        match read(&message.body)? {
            Notice::Ended { name, statement_id } => ended(app, &name, &statement_id).await,
            Notice::Foreign => Ok(()),
        }
    }));
    for (index, done) in dealt_with.await.into_iter().enumerate() {
        if let Err(error) = done {
            outcomes.fail(&[index], &error);
        }
    }
    outcomes.into_inner()
}

/// What a message tells.
enum Notice {
    /// A statement ended.
    Ended {
        /// The name it was submitted under.
        name: String,
        /// The warehouse's id of it.
        statement_id: String,
    },
    /// A statement of somebody else's ended: the rule passes on all of the account's, and not all have names.
    Foreign,
}

/// Reads a completion event
/// (<https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-monitoring-events.html>).
fn read(body: &str) -> Result<Notice, Faults> {
    let fault = |path: &str, found: &str, expected: &str| Faults(vec![Fault::new(path, found, expected)]);
    let value: Value =
        serde_json::from_str(body).map_err(|error| fault("$", &format!("no JSON: {error}"), "a completion event"))?;
    if value.get("source").and_then(Value::as_str) != Some("aws.redshift-data") {
        return Err(fault("source", "another source", "`aws.redshift-data`"));
    }
    let text = |name: &str| value.get("detail").and_then(|detail| detail.get(name)).and_then(Value::as_str);
    match text("statementName").filter(|name| is_token(name)) {
        None => Ok(Notice::Foreign),
        Some(name) => {
            let statement_id =
                text("statementId").ok_or_else(|| fault("detail.statementId", "nothing", "a text"))?.to_owned();
            Ok(Notice::Ended { name: name.to_owned(), statement_id })
        }
    }
}

/// Settles a submission whose statement ended.
async fn ended<S: Store, W: Warehouse, Q: Queues>(
    app: &App<S, W, Q>,
    name: &str,
    statement_id: &str,
) -> Result<(), WorkError> {
    // One that is not there is settled, or somebody else's: every statement of the warehouse is told.
    let Some(record) = app.store.get(Kind::Submission, name).await? else {
        return Ok(());
    };
    let report = app.warehouse.describe(statement_id).await.map_err(Error::from)?;
    if !report.state.is_final() {
        return Err(WorkError::NotEnded { statement_id: statement_id.to_owned() });
    }
    settle(app, &record, &report).await
}

/// Settles a submission of which nothing can be learnt: whatever it carried is tried again, at a new revision.
///
/// # Errors
/// When the store or a queue fails.
pub(super) async fn lost<S: Store, W: Warehouse, Q: Queues>(
    app: &App<S, W, Q>,
    record: &Record,
) -> Result<(), WorkError> {
    let report = Report {
        state: StatementState::Aborted,
        error: Some("its outcome is not known".to_owned()),
        parts: Vec::new(),
    };
    settle(app, record, &report).await
}

/// What became of one target.
enum Fate {
    Done,
    /// A newer revision was there already.
    Superseded,
    /// The warehouse does not answer.
    Silent(String),
    /// It may pass.
    Passing(String),
    /// It will not.
    Lasting(String),
}

/// Notes what became of the targets of a submission whose statement ended, and sees to what follows.
///
/// # Errors
/// When the store or a queue fails.
pub(super) async fn settle<S: Store, W: Warehouse, Q: Queues>(
    app: &App<S, W, Q>,
    record: &Record,
    report: &Report,
) -> Result<(), WorkError> {
    let Some(submission) = Submission::read(record)? else {
        return Ok(());
    };
    let fates = fates(&submission, report);
    let submission = &submission;
    tracing::info!(
        submission = record.id,
        statement_id = submission.statement_id,
        targets = submission.targets.len(),
        "ended"
    );
    let followed =
        concurrently(submission.targets.iter().zip(&fates).map(|(target, fate)| follow(app, submission, target, fate)));
    for followed in followed.await {
        followed?;
    }
    app.store.remove(Kind::Submission, &record.id).await?;
    Ok(())
}

/// The fate of each target. The parent's state is not enough: in a batch that commits each statement by itself, one failure
/// fails the parent while the others are done
/// (<https://docs.aws.amazon.com/redshift/latest/mgmt/pass-sql-statements.html>).
fn fates(submission: &Submission, report: &Report) -> Vec<Fate> {
    if submission.together || report.parts.is_empty() {
        let failed = report.parts.iter().find(|part| part.state == StatementState::Failed && part.error.is_some());
        let error = failed.and_then(|part| part.error.as_deref()).or(report.error.as_deref());
        return submission.targets.iter().map(|_| fate(report.state, error)).collect();
    }
    let mut parts = report.parts.iter();
    submission
        .targets
        .iter()
        .map(|target| {
            let mut worst = Fate::Done;
            for _ in 0..target.statements {
                let one = match parts.next() {
                    Some(part) => fate(part.state, part.error.as_deref().or(report.error.as_deref())),
                    None => Fate::Passing("the warehouse did not report on it".to_owned()),
                };
                if matches!(worst, Fate::Done) {
                    worst = one;
                }
            }
            worst
        })
        .collect()
}

fn fate(state: StatementState, error: Option<&str>) -> Fate {
    match state {
        StatementState::Finished => Fate::Done,
        StatementState::Aborted => Fate::Passing(error.unwrap_or("it was stopped").to_owned()),
        StatementState::Failed => {
            let error = error.unwrap_or("the warehouse gave no reason");
            if error.contains("redoubt: superseded") {
                Fate::Superseded
            } else if reach::is_silence(error) {
                Fate::Silent(error.to_owned())
            } else if may_pass(error) {
                Fate::Passing(error.to_owned())
            } else {
                Fate::Lasting(error.to_owned())
            }
        }
        StatementState::Submitted | StatementState::Picked | StatementState::Started => {
            Fate::Passing("it did not run".to_owned())
        }
    }
}

/// Whether a database error may be gone next time. The Data API gives the message only, no code.
pub(super) fn may_pass(error: &str) -> bool {
    const SIGNS: [&str; 23] = [
        "redoubt: not prepared",
        // Another revision with other columns was committed while this one was under way, so its view was not dropped first:
        // https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_VIEW.html
        "of view column",
        "columns in view",
        // Conflicts between transactions: https://docs.aws.amazon.com/redshift/latest/dg/c_serial_isolation-serializable-isolation-troubleshooting.html
        "1023",
        "1018",
        "serializable isolation",
        "could not serialize",
        "deadlock",
        "conflict",
        "concurrent",
        "duplicate key value",
        "already exists",
        "could not open relation",
        // The warehouse is busy, paused, resuming or restarting.
        "canceling statement",
        "cancelled",
        "timeout",
        "timed out",
        "connection",
        "too many",
        "shutting down",
        "starting up",
        "not available",
        // A database that is to be dropped.
        "being accessed by other users",
    ];
    let error = error.to_ascii_lowercase();
    SIGNS.iter().any(|sign| error.contains(sign))
}

/// Notes what became of a target and has it tried again where that may help.
async fn follow<S: Store, W: Warehouse, Q: Queues>(
    app: &App<S, W, Q>,
    submission: &Submission,
    target: &Target,
    fate: &Fate,
) -> Result<(), WorkError> {
    let note = async |attempt: u32, then: &Then| mark(app, [(target, attempt, then)]).await;
    let correlation_id = target.correlation_id();
    let (kind, id, revision, place) = (target.kind, target.id.as_str(), target.revision, target.place());
    if matches!(fate, Fate::Passing(_) | Fate::Lasting(_)) {
        app.metrics.count(Metric::StatementsFailed, 1_u32);
    }
    match fate {
        Fate::Done => {
            note(target.attempt, &target.then).await?;
            done(app, target);
            Ok(())
        }
        Fate::Superseded => {
            tracing::info!(correlation_id, %kind, id, revision, place, "superseded by a newer revision");
            Ok(())
        }
        // Whoever finds that it answers again has it rendered.
        Fate::Silent(reason) => match reach::park(app, std::slice::from_ref(target), reason).await? {
            true => Ok(()),
            false => again(app, target, target.attempt, 0).await,
        },
        // Of several that failed together it is not known which one is to blame: each is tried once more, alone.
        Fate::Lasting(_) if submission.together && submission.targets.len() > 1 => {
            tracing::warn!(correlation_id, %kind, id, revision, place, "failed with others: will be tried alone");
            again(app, target, target.attempt.max(1), 0).await
        }
        Fate::Lasting(reason) => {
            tracing::error!(correlation_id, %kind, id, revision, place, "can't be applied");
            give_up(app, target, target.attempt, reason.clone()).await
        }
        Fate::Passing(reason) => {
            let attempt = target.attempt + 1;
            if attempt > app.config.max_attempts {
                if takes_away(target) {
                    tracing::error!(correlation_id, %kind, id, revision, place, attempt, "still not taken away");
                    let reason = format!("not taken away yet: {reason}");
                    note(attempt, &Then::pending(reason)).await?;
                    return again(app, target, app.config.max_attempts.max(1), MAX_DELAY).await;
                }
                tracing::error!(correlation_id, %kind, id, revision, place, attempt, "given up");
                let reason = format!("given up after {} attempts: {reason}", app.config.max_attempts);
                return give_up(app, target, attempt, reason).await;
            }
            tracing::warn!(correlation_id, %kind, id, revision, place, attempt, "will be tried again");
            let pending = Then { state: State::Pending, reason: Some(reason.clone()) };
            note(attempt, &pending).await?;
            again(app, target, attempt, delay(attempt)).await
        }
    }
}

/// Says that a target is what it was to become, and how long that took. Definitions enforce nothing, so they are not measured;
/// nor is what could not be applied.
fn done<S, W, Q>(app: &App<S, W, Q>, target: &Target) {
    let state = target.then.state;
    let age = target.trace.as_ref().map(|trace| trace.age(app.clock.now()).max(0));
    tracing::info!(
        correlation_id = target.correlation_id(),
        kind = %target.kind,
        id = target.id,
        revision = target.revision,
        place = target.place(),
        state = state.as_str(),
        attempt = target.attempt,
        milliseconds = age,
        "settled"
    );
    let wished = matches!(state, State::Applied | State::Withdrawn | State::Disabled);
    if let Some(age) = age.filter(|_| wished && matches!(target.kind, Kind::DataSource | Kind::User)) {
        app.metrics.observe(Metric::PropagationTime, age);
    }
}

/// Whether a target's statements leave less in force than there was. What passes is waited for then however long it takes, since
/// what is in force stands for older documents.
fn takes_away(target: &Target) -> bool {
    match target.then.state {
        State::Withdrawn | State::Disabled | State::Unhealthy => true,
        State::Applied | State::Pending => false,
    }
}

/// Notes that a target can't be applied. What is in force for it then stands for older documents, which may allow more than
/// the newest do: it is taken away.
async fn give_up<S: Store, W: Warehouse, Q>(
    app: &App<S, W, Q>,
    target: &Target,
    attempt: u32,
    reason: String,
) -> Result<(), WorkError> {
    let then = Then::unhealthy(reason);
    // What was to be taken away can't be, and a newer revision settles by itself what becomes of it.
    if !takes_away(target)
        && let Some(record) = app.store.get(target.kind, &target.id).await?
        && record.revision == target.revision
    {
        let target = Target { attempt, then: then.clone(), ..target.clone() };
        let orders = match target.kind {
            Kind::DataSource => source::removal(app, &record, target).await?,
            Kind::User => user::removal(app, &record, target).await?,
            _ => Vec::new(),
        };
        if !orders.is_empty() {
            for order in orders {
                submit(app, order).await?;
            }
            return Ok(());
        }
    }
    mark(app, [(target, attempt, &then)]).await
}

/// Seconds before an attempt: twice as long each time.
fn delay(attempt: u32) -> u32 {
    2_u32.saturating_pow(attempt).min(MAX_DELAY)
}

/// Has a target rendered again. That raises its revision, so the call gets a token of its own: the old one would return the
/// failed statement. Whoever raised the revision meanwhile has it rendered already, and a retry for each attempt that failed
/// would multiply as long as calls fail.
async fn again<S: Store, W, Q: Queues>(
    app: &App<S, W, Q>,
    target: &Target,
    attempt: u32,
    delay_seconds: u32,
) -> Result<(), WorkError> {
    let what = match target.kind {
        Kind::DataSource => What::DataSources,
        Kind::User => What::Users,
        Kind::Policy => What::Policies,
        // Nothing else is ever a target.
        Kind::Project | Kind::Integration | Kind::Claim | Kind::Submission | Kind::Installation | Kind::Delivery => {
            return Ok(());
        }
    };
    let record = app.store.get(target.kind, &target.id).await?;
    if record.is_none_or(|record| record.revision > target.revision) {
        let (correlation_id, id, revision) = (target.correlation_id(), &target.id, target.revision);
        tracing::info!(correlation_id, kind = %target.kind, id, revision, "superseded by a newer revision");
        return Ok(());
    }
    app.metrics.count(Metric::Retries, 1_u32);
    let reason = Reason { trace: target.trace.clone(), attempt, delay_seconds };
    fan_out::send(&app.queues, what, std::slice::from_ref(&target.id), &reason).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::Part;

    fn submission(together: bool, statements: &[usize]) -> Submission {
        let targets = statements.iter().enumerate().map(|(index, statements)| Target {
            kind: Kind::DataSource,
            id: index.to_string(),
            home: None,
            revision: 1,
            attempt: 0,
            statements: *statements,
            trace: None,
            then: Then { state: State::Applied, reason: None },
        });
        Submission { targets: targets.collect(), together, statement_id: None, recorded_at: String::new() }
    }

    fn report(state: StatementState, parts: &[(StatementState, Option<&str>)]) -> Report {
        let parts = parts.iter().map(|(state, error)| Part { state: *state, error: error.map(str::to_owned) });
        Report { state, error: Some("parent".to_owned()), parts: parts.collect() }
    }

    fn letters(fates: &[Fate]) -> String {
        fates
            .iter()
            .map(|fate| match fate {
                Fate::Done => 'd',
                Fate::Superseded => 's',
                Fate::Passing(_) => 'p',
                Fate::Lasting(_) => 'l',
                Fate::Silent(_) => 'q',
            })
            .collect()
    }

    #[test]
    fn each_target_has_the_fate_of_its_own_statements() {
        use StatementState::{Failed, Finished};
        let report = report(
            Failed,
            &[
                (Finished, None),
                (Failed, Some("ERROR: permission denied")),
                (Finished, None),
                (Failed, Some("ERROR: redoubt: superseded")),
                (Failed, Some("ERROR: 1023 DETAIL: Serializable isolation violation")),
            ],
        );
        assert_eq!(letters(&fates(&submission(false, &[2, 1, 1, 1, 1]), &report)), "ldspp");
    }

    #[test]
    fn a_transaction_stands_or_falls_together() {
        use StatementState::{Aborted, Failed, Finished};
        let failed = report(Failed, &[(Finished, None), (Failed, Some("ERROR: value too long")), (Aborted, None)]);
        assert_eq!(letters(&fates(&submission(true, &[0, 0]), &failed)), "ll");
        let finished = report(Finished, &[(Finished, None)]);
        assert_eq!(letters(&fates(&submission(true, &[0, 0]), &finished)), "dd");
    }

    #[test]
    fn what_another_transaction_caused_may_pass_and_what_the_sql_says_may_not() {
        for (error, passes) in [
            ("ERROR: 1023 DETAIL: Serializable isolation violation on table", true),
            ("ERROR: could not serialize access due to concurrent delete", true),
            ("ERROR: deadlock detected", true),
            (
                "ERROR: cannot change data type of view column \"name\" from character varying(40) to character varying(64)",
                true,
            ),
            ("ERROR: cannot change number of columns in view", true),
            ("ERROR: Query (1) cancelled on user's request", true),
            ("ERROR: permission denied for relation customer", false),
            ("ERROR: relation \"tpch.public.customer\" does not exist", false),
            ("ERROR: syntax error at or near \"FROM\"", false),
        ] {
            assert_eq!(may_pass(error), passes, "{error}");
        }
    }

    #[test]
    fn delays_grow_to_the_longest_a_queue_takes() {
        assert_eq!([1, 2, 8, 9, 10, 40].map(delay), [2, 4, 256, 512, 900, 900]);
    }

    #[test]
    fn messages_that_tell_nothing_are_refused_with_the_reason() {
        let error = |body: &str| read(body).err().unwrap().to_string();
        assert_eq!(error(r#"{"source":"x"}"#), "`source`: found another source, expected `aws.redshift-data`");
        assert_eq!(
            error(&format!(r#"{{"source":"aws.redshift-data","detail":{{"statementName":"{}"}}}}"#, "0a".repeat(32))),
            "`detail.statementId`: found nothing, expected a text"
        );
        for detail in [r#"{"statementId":"s"}"#, r#"{"statementName":"nightly load","statementId":"s"}"#] {
            let event = format!(r#"{{"source":"aws.redshift-data","detail":{detail}}}"#);
            assert!(
                matches!(read(&event), Ok(Notice::Foreign)),
                "somebody else's statement is nobody's fault: {detail}"
            );
        }
        assert!(read(r#"{"type":"sweep"}"#).is_err(), "the schedules' requests have a queue of their own");
    }
}
