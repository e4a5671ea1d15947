//! Queues in memory, for tests and benchmarks.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::check_sizes;
use crate::error::{ErrorKind, QueueError};
use crate::fault::ServiceFault;
use crate::port::{Outgoing, Queue, Queues, Received};

/// Messages, by queue, in the order they were sent.
#[derive(Debug, Default)]
pub struct MemoryQueues {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    queues: BTreeMap<Queue, VecDeque<Outgoing>>,
    failing: usize,
    sends: usize,
    postponed: Vec<Received>,
}

impl MemoryQueues {
    /// Empty queues.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Removes the oldest messages of a queue, at most so many. Delays are left to the caller.
    pub fn take(&self, queue: Queue, count: usize) -> Vec<Outgoing> {
        let mut state = self.state();
        let messages = state.queues.entry(queue).or_default();
        messages.drain(..count.min(messages.len())).collect()
    }

    /// How many messages are in a queue.
    #[must_use]
    pub fn len(&self, queue: Queue) -> usize {
        self.state().queues.get(&queue).map_or(0, VecDeque::len)
    }

    /// Whether no queue but the dead letters has a message.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.state().queues.iter().all(|(queue, messages)| *queue == Queue::DeadLetter || messages.is_empty())
    }

    /// Makes the next sends fail after the first half of their messages has gone out, as a broken connection may.
    pub fn fail_next(&self, sends: usize) {
        self.state().failing = sends;
    }

    /// The messages that were postponed, in that order.
    #[must_use]
    pub fn postponed(&self) -> Vec<Received> {
        self.state().postponed.clone()
    }

    /// How many times something was sent.
    #[must_use]
    pub fn sends(&self) -> usize {
        self.state().sends
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queues for MemoryQueues {
    async fn send(&self, queue: Queue, messages: &[Outgoing]) -> Result<(), QueueError> {
        check_sizes(queue, messages)?;
        let mut state = self.state();
        state.sends += 1;
        let fails = state.failing > 0;
        state.failing = state.failing.saturating_sub(1);
        let sent = if fails { messages.len() / 2 } else { messages.len() };
        state.queues.entry(queue).or_default().extend(messages.iter().take(sent).cloned());
        if fails {
            let source = ServiceFault::new(ErrorKind::Retry, "RequestThrottled");
            return Err(QueueError::Service { queue, unsent: messages.len() - sent, source });
        }
        Ok(())
    }

    async fn postpone(&self, messages: &[Received]) -> Result<(), QueueError> {
        self.state().postponed.extend_from_slice(messages);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn messages_come_out_in_order_and_failures_are_partial() {
        let queues = MemoryQueues::new();
        let messages: Vec<_> = ["a", "b", "c"].map(Outgoing::now).into();
        queues.send(Queue::User, &messages).await.unwrap();
        assert!(!queues.is_idle());
        assert_eq!(queues.take(Queue::User, 2), messages[..2]);
        assert_eq!(queues.take(Queue::User, 9), messages[2..]);
        assert!(queues.is_idle());
        queues.fail_next(1);
        let error = queues.send(Queue::User, &messages).await.unwrap_err();
        assert_eq!(error.to_string(), "sending 2 messages to the user queue failed");
        assert_eq!((queues.len(Queue::User), queues.sends()), (1, 2));
        queues.send(Queue::User, &messages).await.unwrap();
        assert_eq!(queues.len(Queue::User), 4);
    }
}
