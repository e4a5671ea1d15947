//! What logs call a piece of work, and since when somebody waits for it: from the event through every message, statement and
//! outcome that follow from it.

use redoubt_core::event::CorrelationId;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::batch::Message;

/// The event behind a piece of work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// What logs call it.
    pub id: String,
    /// When it was received, in milliseconds since 1970.
    pub at: i64,
}

impl Trace {
    /// A message as SQS knows it, before it is read.
    pub(super) fn of(message: &Message, now: OffsetDateTime) -> Self {
        // Not EventBridge's `time`: a producer may set it, and a replayed event keeps it.
        Self { id: message.id.clone(), at: message.sent_at.unwrap_or_else(|| milliseconds(now)) }
    }

    /// The name in the form that messages carry; nothing where it does not fit, as SQS's ids all do.
    pub(super) fn label(&self) -> Option<CorrelationId> {
        CorrelationId::new(&self.id)
    }

    /// For how many milliseconds somebody has waited.
    pub(super) fn age(&self, now: OffsetDateTime) -> i64 {
        milliseconds(now).saturating_sub(self.at)
    }
}

/// The events behind one piece of work: it is called as the newest, and measured from the oldest, whose sender waits longest.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    newest: Trace,
    since: i64,
}

impl Origin {
    pub(super) fn new(trace: Trace) -> Self {
        Self { since: trace.at, newest: trace }
    }

    /// Adds an event, which may be newer. Gives the name that is no longer used.
    pub(super) fn absorb(&mut self, other: Trace) -> Option<String> {
        self.since = self.since.min(other.at);
        if other.id == self.newest.id {
            return None;
        }
        let newer = other.at >= self.newest.at;
        let former = if newer { std::mem::replace(&mut self.newest, other) } else { other };
        Some(former.id)
    }

    pub(super) fn trace(&self) -> Trace {
        Trace { id: self.newest.id.clone(), at: self.since }
    }
}

fn milliseconds(time: OffsetDateTime) -> i64 {
    i64::try_from(time.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(id: &str, at: i64) -> Trace {
        Trace { id: id.to_owned(), at }
    }

    #[test]
    fn work_is_called_as_its_newest_event_and_measured_from_its_oldest() {
        let mut origin = Origin::new(trace("b", 20));
        assert_eq!(origin.absorb(trace("a", 10)).as_deref(), Some("a"));
        assert_eq!(origin.trace(), trace("b", 10));
        assert_eq!(origin.absorb(trace("c", 30)).as_deref(), Some("b"));
        assert_eq!(origin.trace(), trace("c", 10));
        assert_eq!(origin.absorb(trace("c", 5)), None, "the same event once more");
        assert_eq!(origin.trace(), trace("c", 5));
        assert_eq!(origin.absorb(trace("d", 30)).as_deref(), Some("c"), "of equals the later one counts");
    }

    #[test]
    fn a_message_is_as_old_as_its_queue_says() {
        let now = OffsetDateTime::from_unix_timestamp(100).unwrap();
        let message = Message::new("m", "");
        assert_eq!(Trace::of(&message, now), trace("m", 100_000));
        let sent = Message { sent_at: Some(40_000), ..message };
        assert_eq!(Trace::of(&sent, now), trace("m", 40_000));
        assert_eq!(Trace::of(&sent, now).age(now), 60_000);
    }
}
