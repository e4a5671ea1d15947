//! Adapters of the queues.

pub mod memory;
pub mod sqs;

pub use memory::MemoryQueues;
pub use sqs::Sqs;

use crate::error::QueueError;
use crate::port::{Outgoing, Queue};

/// The largest message, and the largest sum of messages in one call, in bytes (SQS quota "message size").
pub const MAX_MESSAGE_BYTES: usize = 1_048_576;
/// The longest delay in seconds (SQS quota "message timer").
pub const MAX_DELAY_SECONDS: u32 = 900;

fn check_sizes(queue: Queue, messages: &[Outgoing]) -> Result<(), QueueError> {
    match messages.iter().map(|message| message.body.len()).find(|bytes| *bytes > MAX_MESSAGE_BYTES) {
        Some(found) => Err(QueueError::TooLarge { queue, found, limit: MAX_MESSAGE_BYTES }),
        None => Ok(()),
    }
}
