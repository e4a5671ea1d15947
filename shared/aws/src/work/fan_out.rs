//! Fan-out: one change that many targets must be rendered for.

use redoubt_core::{
    event::{CorrelationId, Event, wire::Refresh},
    record::{Kind, Record},
};

use super::{error::WorkError, trace::Trace};
use crate::{
    error::Error,
    port::{Outgoing, Queue, Queues, Store},
    runtime::App,
};

/// Targets in one message: as many as fit one Data API call. A failure returns the message, so not more than that is done
/// again.
const TARGETS_PER_MESSAGE: usize = 40;

/// What is to be refreshed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// Policy views.
    DataSources,
    /// Profiles.
    Users,
    /// Definitions of policies in the warehouse.
    Policies,
}

impl What {
    /// All of it; definitions first, since they are few.
    pub(super) const ALL: [Self; 3] = [Self::Policies, Self::Users, Self::DataSources];

    /// The records that are refreshed.
    pub(super) fn kind(self) -> Kind {
        match self {
            Self::DataSources => Kind::DataSource,
            Self::Users => Kind::User,
            Self::Policies => Kind::Policy,
        }
    }

    fn queue(self) -> Queue {
        match self {
            Self::DataSources => Queue::DataSource,
            Self::Users => Queue::User,
            Self::Policies => Queue::Policy,
        }
    }

    fn event(self, refresh: Refresh) -> Event {
        match self {
            Self::DataSources => Event::DataSourceRefresh(refresh),
            Self::Users => Event::UserRefresh(refresh),
            Self::Policies => Event::PolicyRefresh(refresh),
        }
    }
}

/// Why something is refreshed.
#[derive(Debug, Clone, Default)]
pub(super) struct Reason {
    /// The event behind it, where there is one.
    pub(super) trace: Option<Trace>,
    /// How often a statement failed before.
    pub(super) attempt: u32,
    /// Seconds for which nobody sees the message.
    pub(super) delay_seconds: u32,
}

impl Reason {
    /// An event, at once.
    pub(super) fn event(trace: Option<Trace>) -> Self {
        Self { trace, attempt: 0, delay_seconds: 0 }
    }
}

/// Has everything rendered whose record is wanted.
///
/// # Errors
/// When the store or a queue fails.
pub(super) async fn tell<S: Store, W, Q: Queues>(
    app: &App<S, W, Q>,
    what: &[What],
    reason: &Reason,
    wanted: impl Fn(&Record) -> bool,
) -> Result<(), WorkError> {
    for what in what {
        let records = app.store.list(what.kind()).await?;
        let ids: Vec<String> = records.into_iter().filter(&wanted).map(|record| record.id).collect();
        send(&app.queues, *what, &ids, reason).await?;
    }
    Ok(())
}

/// Sends refreshes.
///
/// # Errors
/// When some could not be sent; those that were are harmless when they are sent again.
pub(super) async fn send<Q: Queues>(
    queues: &Q,
    what: What,
    ids: &[String],
    Reason { trace, attempt, delay_seconds }: &Reason,
) -> Result<(), WorkError> {
    let (attempt, delay_seconds) = (*attempt, *delay_seconds);
    let received_at = trace.as_ref().and_then(|trace| u64::try_from(trace.at).ok());
    let label = trace.as_ref().and_then(Trace::label);
    let mut messages = Vec::with_capacity(ids.len().div_ceil(TARGETS_PER_MESSAGE));
    for ids in ids.chunks(TARGETS_PER_MESSAGE) {
        let event = what.event(Refresh { ids: ids.to_vec(), attempt, received_at }).labelled(label.as_ref())?;
        messages.push(Outgoing { delay_seconds, ..Outgoing::json(&event)? });
    }
    if messages.is_empty() {
        return Ok(());
    }
    tracing::info!(
        correlation_id = label.as_ref().map(CorrelationId::as_str),
        queue = %what.queue(),
        targets = ids.len(),
        attempt,
        delay_seconds,
        "asking for a refresh"
    );
    queues.send(what.queue(), &messages).await.map_err(|error| Error::from(error).into())
}
