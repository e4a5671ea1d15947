//! Fan-out: one change that many targets must be rendered for.

use redoubt_core::{
    event::{Event, wire::Refresh},
    record::{Kind, Record},
};

use super::error::WorkError;
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

    fn kind(self) -> Kind {
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

/// Has everything rendered whose record is wanted.
///
/// # Errors
/// When the store or a queue fails.
pub(super) async fn tell<S: Store, W, Q: Queues>(
    app: &App<S, W, Q>,
    what: &[What],
    wanted: impl Fn(&Record) -> bool,
) -> Result<(), WorkError> {
    for what in what {
        let records = app.store.list(what.kind()).await?;
        let ids: Vec<String> = records.into_iter().filter(&wanted).map(|record| record.id).collect();
        send(&app.queues, *what, &ids, 0, 0).await?;
    }
    Ok(())
}

/// Sends refreshes, to be seen after a delay in seconds.
///
/// # Errors
/// When some could not be sent; those that were are harmless when they are sent again.
pub(super) async fn send<Q: Queues>(
    queues: &Q,
    what: What,
    ids: &[String],
    attempt: u32,
    delay_seconds: u32,
) -> Result<(), WorkError> {
    let mut messages = Vec::with_capacity(ids.len().div_ceil(TARGETS_PER_MESSAGE));
    for ids in ids.chunks(TARGETS_PER_MESSAGE) {
        let event = what.event(Refresh { ids: ids.to_vec(), attempt });
        messages.push(Outgoing { delay_seconds, ..Outgoing::json(&event)? });
    }
    if messages.is_empty() {
        return Ok(());
    }
    queues.send(what.queue(), &messages).await.map_err(|error| Error::from(error).into())
}
