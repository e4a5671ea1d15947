//! Fan-out: one change that many targets must be rendered for.

use redoubt_core::event::{Event, wire::Refresh};

use super::error::WorkError;
use crate::{
    error::Error,
    port::{Outgoing, Queue, Queues},
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
