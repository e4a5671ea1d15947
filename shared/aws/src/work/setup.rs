//! Integration events: store the integration and set the warehouse up, step by step. A step that was interrupted is simply
//! run again; each can be.

use std::time::Duration;

use redoubt_core::{
    model::{Id, Integration, stored},
    record::{Kind, Record, State},
    render::{
        digest,
        install::{self, Step, StepMode, Tolerates},
    },
};

use super::{
    error::WorkError,
    fan_out::{self, What},
    intake::{self, Accepts, Outcomes},
    outcome::may_pass,
    submission::{Then, status},
    world,
};
use crate::{
    batch::{Message, Outcome},
    error::{Error, ErrorKind},
    port::{Call, Mode, Queues, Report, StatementState, Store, Warehouse},
    runtime::App,
};

/// Between two looks at a running step.
const POLL: Duration = Duration::from_millis(250);
/// Looks before the message is put back: a step takes seconds, a warehouse that resumes takes minutes.
const MAX_POLLS: u32 = 800;

const ACCEPTS: Accepts =
    Accepts { documents: &[Kind::Integration], refreshes: Kind::Integration, words: "integration events" };

/// Handles a batch of integration events.
pub async fn integration<S: Store, W: Warehouse, Q: Queues>(
    app: &App<S, W, Q>,
    messages: Vec<Message>,
) -> Vec<Outcome> {
    let mut outcomes = Outcomes::new(messages.len());
    let taken = intake::take(app, &messages, ACCEPTS, &mut outcomes).await;
    for (index, id, merged) in taken.merged {
        let receive_count = messages.get(index).map_or(1, |message| message.receive_count);
        if let Err(error) = follow(app, &id, &merged.record, receive_count).await {
            outcomes.fail(&[index], &error);
        }
    }
    outcomes.into_inner()
}

/// Does what is left to do for an integration as it is stored.
async fn follow<S: Store, W: Warehouse, Q: Queues>(
    app: &App<S, W, Q>,
    id: &Id,
    record: &Record,
    receive_count: u32,
) -> Result<(), WorkError> {
    let integration = stored::integration(record).map_err(|source| world::unreadable(record, source))?;
    let Some(integration) = integration else { return Ok(()) };
    let (installation, _) = super::installation::Installation::load(app, id.as_str()).await?;
    if record.document().is_some_and(|document| installation.is_ready_for(document)) {
        let told = record.status().is_some_and(|status| status.reason.is_none());
        return if told { Ok(()) } else { tell_all(app, record).await };
    }
    match set_up(app, id, &integration, record, receive_count).await {
        Ok(()) => {
            super::installation::change_or_make(app, id.as_str(), |installation| {
                installation.ready = record.document().map(super::installation::digest);
            })
            .await?;
            tell_all(app, record).await
        }
        Err(error) => {
            let then = match error.kind() {
                ErrorKind::Reject => Then::unhealthy(error.to_string()),
                _ => Then { state: State::Pending, reason: Some(error.to_string()) },
            };
            note(app, record, &then).await?;
            Err(error)
        }
    }
}

async fn note<S: Store, W, Q>(app: &App<S, W, Q>, record: &Record, then: &Then) -> Result<(), WorkError> {
    let status = status(&*app.clock, record.revision, 0, then);
    app.store.set_status(Kind::Integration, &record.id, redoubt_core::record::NOWHERE, &status).await?;
    Ok(())
}

async fn set_up<S: Store, W: Warehouse, Q>(
    app: &App<S, W, Q>,
    id: &Id,
    integration: &Integration,
    record: &Record,
    receive_count: u32,
) -> Result<(), WorkError> {
    let steps = install::setup(integration)?;
    let count = steps.len();
    for (index, step) in steps.into_iter().enumerate() {
        let name = step.name;
        tracing::info!(integration = id.as_str(), step = name, number = index + 1, count, "setting up");
        let progress = format!("setting up, step {} of {count}: {name}", index + 1);
        note(app, record, &Then { state: State::Pending, reason: Some(progress) }).await?;
        run(app, integration, step, record.revision, receive_count).await?;
    }
    Ok(())
}

/// Runs a step and waits for its end.
async fn run<S: Store, W: Warehouse, Q>(
    app: &App<S, W, Q>,
    integration: &Integration,
    step: Step,
    revision: u64,
    receive_count: u32,
) -> Result<(), WorkError> {
    let name = step.name;
    let Some(connection) = connection(integration, &step) else {
        return Ok(());
    };
    // Another token each time the message comes: the old one would return the statement that failed.
    let attempt = format!("{revision} {receive_count} {name}");
    let texts = step.statements.iter().map(|statement| statement.execute().as_bytes());
    let token = digest([integration.id.as_str().as_bytes(), attempt.as_bytes()].into_iter().chain(texts));
    // One statement needs no transaction.
    let mode = match step.mode {
        StepMode::Together if step.statements.len() > 1 => Mode::Transaction,
        StepMode::Together | StepMode::Each => Mode::AutoCommit,
    };
    let call = Call {
        connection,
        statements: step.statements,
        mode,
        name: format!("redoubt setup {name}"),
        token,
        with_event: false,
    };
    let statement = app.warehouse.submit(&call).await.map_err(Error::from)?;
    for _ in 0..MAX_POLLS {
        let report = app.warehouse.describe(&statement).await.map_err(Error::from)?;
        if report.state.is_final() {
            return judge(&report, name, step.tolerates);
        }
        tokio::time::sleep(POLL).await;
    }
    Err(WorkError::SetupUnfinished { step: name, message: "it is still running".to_owned() })
}

fn connection(integration: &Integration, step: &Step) -> Option<crate::port::Connection> {
    let setup = integration.setup.as_ref();
    Some(match step.connection {
        install::Connection::System => {
            world::connection(integration, integration.database.as_str(), &integration.secret)
        }
        install::Connection::Setup => world::connection(integration, integration.database.as_str(), &setup?.secret),
        install::Connection::SetupElsewhere => {
            let setup = setup?;
            world::connection(integration, setup.database.as_str(), &setup.secret)
        }
    })
}

fn judge(report: &Report, step: &'static str, tolerates: Tolerates) -> Result<(), WorkError> {
    if report.state == StatementState::Finished {
        return Ok(());
    }
    let failed = report.parts.iter().find_map(|part| part.error.as_deref());
    let message = failed.or(report.error.as_deref()).unwrap_or("the warehouse gave no reason");
    let mut failures = report.parts.iter().filter_map(|part| part.error.as_deref());
    if tolerates.covers(message) && failures.all(|message| tolerates.covers(message)) {
        return Ok(());
    }
    let message: String = message.chars().take(1_000).collect();
    if report.state == StatementState::Aborted || may_pass(&message) {
        Err(WorkError::SetupUnfinished { step, message })
    } else {
        Err(WorkError::Setup { step, message })
    }
}

/// Declares a warehouse ready and has everything rendered that came before it was. The reason in the status stays until all
/// were told, so that a crash in between is made up for when the message comes again.
async fn tell_all<S: Store, W, Q: Queues>(app: &App<S, W, Q>, record: &Record) -> Result<(), WorkError> {
    let ready = Then { reason: Some("set up, being filled".to_owned()), ..Then::applied() };
    note(app, record, &ready).await?;
    for (kind, what) in
        [(Kind::Policy, What::Policies), (Kind::User, What::Users), (Kind::DataSource, What::DataSources)]
    {
        let ids: Vec<String> = app.store.list(kind).await?.into_iter().map(|record| record.id).collect();
        fan_out::send(&app.queues, what, &ids, 0, 0).await?;
    }
    note(app, record, &Then::applied()).await
}
