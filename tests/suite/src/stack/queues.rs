//! The queues themselves: how full they are, and how long they hide what was received.

use aws_sdk_sqs::types::QueueAttributeName;

use super::{Function, Stack, StackError};

/// How many messages a queue has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Depth {
    /// Those that can be received.
    pub waiting: u64,
    /// Those that were received and not deleted.
    pub in_flight: u64,
    /// Those that are to be seen later.
    pub delayed: u64,
}

impl Depth {
    /// All of them.
    #[must_use]
    pub fn total(self) -> u64 {
        self.waiting + self.in_flight + self.delayed
    }
}

impl Stack {
    /// How many messages the queue of a function has.
    ///
    /// # Errors
    /// When SQS does not say.
    pub async fn depth(&self, function: Function) -> Result<Depth, StackError> {
        self.depth_of(self.settings.queue(function)).await
    }

    /// How many messages the dead-letter queue of a function has.
    ///
    /// # Errors
    /// When SQS does not say.
    pub async fn dead_letters(&self, function: Function) -> Result<u64, StackError> {
        Ok(self.depth_of(self.settings.dead_letters(function)).await?.total())
    }

    async fn depth_of(&self, url: &str) -> Result<Depth, StackError> {
        use QueueAttributeName::{
            ApproximateNumberOfMessages as Waiting, ApproximateNumberOfMessagesDelayed as Delayed,
            ApproximateNumberOfMessagesNotVisible as InFlight,
        };
        let asked = self.sqs.get_queue_attributes().queue_url(url);
        let asked = asked.attribute_names(Waiting).attribute_names(InFlight).attribute_names(Delayed);
        let reply = asked.send().await.map_err(StackError::service("SQS", "tell how full a queue is"))?;
        let number = |name: QueueAttributeName| {
            let value = reply.attributes().and_then(|attributes| attributes.get(&name)?.parse().ok());
            value.ok_or_else(|| StackError::Unusable(format!("SQS does not say {name} of {url}")))
        };
        Ok(Depth { waiting: number(Waiting)?, in_flight: number(InFlight)?, delayed: number(Delayed)? })
    }

    /// For how many seconds the queue of a function hides what was received.
    ///
    /// # Errors
    /// When SQS does not say.
    pub async fn visibility_timeout(&self, function: Function) -> Result<String, StackError> {
        let asked = self.sqs.get_queue_attributes().queue_url(self.settings.queue(function));
        let asked = asked.attribute_names(QueueAttributeName::VisibilityTimeout).send().await;
        let reply = asked.map_err(StackError::service("SQS", "tell a visibility timeout"))?;
        let timeout = reply.attributes().and_then(|all| all.get(&QueueAttributeName::VisibilityTimeout).cloned());
        timeout.ok_or_else(|| StackError::Unusable(format!("the queue of {function:?} has no visibility timeout")))
    }

    /// Changes for how many seconds the queue of a function hides what is received from now on.
    ///
    /// # Errors
    /// When SQS does not do it.
    pub async fn set_visibility_timeout(&self, function: Function, seconds: &str) -> Result<(), StackError> {
        let change = self.sqs.set_queue_attributes().queue_url(self.settings.queue(function));
        let change = change.attributes(QueueAttributeName::VisibilityTimeout, seconds).send().await;
        change.map(drop).map_err(StackError::service("SQS", "change a visibility timeout"))
    }
}
