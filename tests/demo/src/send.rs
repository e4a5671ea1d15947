//! Events to the queues, in an order nobody would choose.

use std::collections::BTreeMap;

use aws_sdk_sqs::{
    Client,
    error::{BuildError, DisplayErrorContext, SdkError},
    operation::send_message_batch::SendMessageBatchError,
    types::SendMessageBatchRequestEntry,
};
use redoubt_core::{event::Event, record::Kind};

use crate::settings::Settings;

/// Why an event couldn't be sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// An event can't be written as JSON.
    #[error("an event can't be written as JSON")]
    Json(#[from] serde_json::Error),
    /// A request lacks something.
    #[error("a request to SQS can't be built")]
    Build(#[from] BuildError),
    /// SQS didn't take a batch.
    #[error("SQS didn't take events for `{queue}`: {}", DisplayErrorContext(source))]
    Send {
        /// The queue's URL.
        queue: String,
        /// Why.
        source: Box<SdkError<SendMessageBatchError>>,
    },
    /// SQS took the batch but not all of its messages.
    #[error("SQS refused {count} events for `{queue}`: {reason}")]
    Refused {
        /// The queue's URL.
        queue: String,
        /// How many.
        count: usize,
        /// The first reason.
        reason: String,
    },
}

/// The most messages SQS takes at once.
const BATCH: usize = 10;

/// Sends events to the queues of the functions.
pub struct Sender<'a> {
    client: &'a Client,
    settings: &'a Settings,
}

impl<'a> Sender<'a> {
    /// A sender with a client for the stack.
    pub fn new(client: &'a Client, settings: &'a Settings) -> Self {
        Self { client, settings }
    }

    /// Sends events, each with the kind of document it is about, in their order as far as queues keep it. Gives the number
    /// of batches.
    ///
    /// # Errors
    /// The first batch that isn't taken as a whole.
    pub async fn send(&self, events: &[(Kind, Event)]) -> Result<usize, SendError> {
        let mut by_queue: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (kind, event) in events {
            by_queue.entry(self.settings.queue(*kind)).or_default().push(serde_json::to_string(event)?);
        }
        let mut batches = 0;
        for (queue, bodies) in by_queue {
            for batch in bodies.chunks(BATCH) {
                self.batch(queue, batch).await?;
                batches += 1;
            }
        }
        Ok(batches)
    }

    async fn batch(&self, queue: &str, bodies: &[String]) -> Result<(), SendError> {
        let mut request = self.client.send_message_batch().queue_url(queue);
        for (index, body) in bodies.iter().enumerate() {
            let entry = SendMessageBatchRequestEntry::builder().id(index.to_string()).message_body(body).build()?;
            request = request.entries(entry);
        }
        let reply = request
            .send()
            .await
            .map_err(|source| SendError::Send { queue: queue.to_owned(), source: Box::new(source) })?;
        match reply.failed() {
            [] => Ok(()),
            [first, ..] => Err(SendError::Refused {
                queue: queue.to_owned(),
                count: reply.failed().len(),
                reason: first.message().unwrap_or_else(|| first.code()).to_owned(),
            }),
        }
    }
}

/// Shuffles by a seed: the same seed, the same order on every machine.
pub fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut state = seed;
    for end in (1..items.len()).rev() {
        // Knuth's MMIX generator; its high bits are the good ones.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let other = usize::try_from(state >> 33).unwrap_or(0) % (end + 1);
        items.swap(end, other);
    }
}
