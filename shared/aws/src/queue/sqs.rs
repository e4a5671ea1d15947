//! The queues in SQS.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry, SendMessageBatchRequestEntry,
};
use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::{MAX_DELAY_SECONDS, MAX_MESSAGE_BYTES, check_sizes};
use crate::config::{Config, ConfigError};
use crate::error::{ErrorKind, QueueError};
use crate::fault::ServiceFault;
use crate::port::{Outgoing, Queue, Queues, Received};

/// The most messages in one call (`SendMessageBatch`).
const BATCH_MESSAGES: usize = 10;
/// How many calls are made at a time.
const PARALLEL_CALLS: usize = 8;
/// How often entries are sent that SQS refused within a call that it took. The SDK retries only whole calls.
const ENTRY_ATTEMPTS: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The queues of one function.
#[derive(Debug, Clone)]
pub struct Sqs {
    client: Client,
    urls: BTreeMap<Queue, String>,
    /// How long to wait before entries are sent again; doubles each time.
    pause: Duration,
}

impl Sqs {
    /// The queues that the configuration names.
    #[must_use]
    pub fn new(client: Client, config: &Config) -> Self {
        let url = |queue| Some((queue, config.queue(queue).ok()?.to_owned()));
        Self { client, urls: Queue::ALL.into_iter().filter_map(url).collect(), pause: FIRST_PAUSE }
    }

    /// Sends what fits into one call; what SQS refuses of it is sent again, for as long as that can help.
    async fn send_batch(&self, queue: Queue, url: &str, batch: &[Outgoing]) -> Result<(), QueueError> {
        let failed = |unsent: usize, source| QueueError::Service { queue, unsent, source };
        let mut unsent: Vec<(String, &Outgoing)> = (0..).map(|n: usize| n.to_string()).zip(batch).collect();
        let mut pause = self.pause;
        let mut attempt = 1;
        loop {
            let entries = entries(&unsent).map_err(|source| failed(unsent.len(), source))?;
            let result = self.client.send_message_batch().queue_url(url).set_entries(Some(entries)).send().await;
            // A refused call has sent nothing.
            let output = result.map_err(|error| failed(unsent.len(), ServiceFault::from_sdk(error, &[])))?;
            // What is not reported as sent counts as unsent, so that an incomplete reply loses nothing.
            unsent.retain(|(id, _)| !output.successful.iter().any(|entry| entry.id == *id));
            if unsent.is_empty() {
                return Ok(());
            }
            let source = entry_fault(&output.failed);
            if source.kind() != ErrorKind::Retry || attempt == ENTRY_ATTEMPTS {
                return Err(failed(unsent.len(), source));
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
            attempt += 1;
        }
    }
}

impl Queues for Sqs {
    async fn send(&self, queue: Queue, messages: &[Outgoing]) -> Result<(), QueueError> {
        check_sizes(queue, messages)?;
        let url = self.urls.get(&queue).ok_or_else(|| ConfigError::missing(queue))?;
        let calls: Vec<_> = batches(messages).into_iter().map(|batch| self.send_batch(queue, url, batch)).collect();
        stream::iter(calls).buffer_unordered(PARALLEL_CALLS).try_collect().await
    }

    async fn postpone(&self, messages: &[Received]) -> Result<(), QueueError> {
        for (queue, url) in &self.urls {
            let name = url.rsplit('/').next().unwrap_or_default();
            let here: Vec<&Received> =
                messages.iter().filter(|message| message.queue_arn.rsplit(':').next() == Some(name)).collect();
            for batch in here.chunks(BATCH_MESSAGES) {
                let failed = |unsent: usize, source| QueueError::Service { queue: *queue, unsent, source };
                let entries = batch.iter().enumerate().map(|(id, message)| postponement(id, message));
                let entries = entries.collect::<Result<Vec<_>, _>>().map_err(|source| failed(batch.len(), source))?;
                let call = self.client.change_message_visibility_batch().queue_url(url).set_entries(Some(entries));
                let output =
                    call.send().await.map_err(|error| failed(batch.len(), ServiceFault::from_sdk(error, &[])))?;
                if !output.failed.is_empty() {
                    return Err(failed(output.failed.len(), entry_fault(&output.failed)));
                }
            }
        }
        Ok(())
    }
}

/// What stands for one delivery in a call that postpones several.
fn postponement(id: usize, message: &Received) -> Result<ChangeMessageVisibilityBatchRequestEntry, ServiceFault> {
    ChangeMessageVisibilityBatchRequestEntry::builder()
        .id(id.to_string())
        .receipt_handle(&message.receipt)
        .visibility_timeout(i32::try_from(message.delay_seconds.min(MAX_DELAY_SECONDS)).unwrap_or_default())
        .build()
        .map_err(|error| ServiceFault::new(ErrorKind::Defect, "entry could not be built").because(error))
}

/// Splits messages into runs that fit into one call each.
fn batches(messages: &[Outgoing]) -> Vec<&[Outgoing]> {
    let mut batches = Vec::new();
    let mut rest = messages;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = |message: &&Outgoing| {
            bytes += message.body.len();
            bytes <= MAX_MESSAGE_BYTES
        };
        // At least one, or a message that is too large would be tried for ever.
        let count = rest.iter().take(BATCH_MESSAGES).take_while(fits).count().max(1);
        let (batch, others) = rest.split_at(count);
        batches.push(batch);
        rest = others;
    }
    batches
}

fn entries(messages: &[(String, &Outgoing)]) -> Result<Vec<SendMessageBatchRequestEntry>, ServiceFault> {
    let entry = |(id, message): &(String, &Outgoing)| {
        SendMessageBatchRequestEntry::builder()
            .id(id)
            .message_body(&message.body)
            .delay_seconds(i32::try_from(message.delay_seconds.min(MAX_DELAY_SECONDS)).unwrap_or_default())
            .build()
            .map_err(|error| ServiceFault::new(ErrorKind::Defect, "entry could not be built").because(error))
    };
    messages.iter().map(entry).collect()
}

/// Why entries were refused: the reason that rules out another try, if any has one, else the first.
fn entry_fault(failed: &[BatchResultErrorEntry]) -> ServiceFault {
    let worst = failed.iter().find(|entry| entry.sender_fault).or(failed.first());
    let Some(entry) = worst else {
        return ServiceFault::new(ErrorKind::Retry, "incomplete reply");
    };
    let kind = if entry.sender_fault { ErrorKind::Reject } else { ErrorKind::Retry };
    ServiceFault::new(kind, &entry.code).with_message(entry.message().unwrap_or("no message"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::Exchange;

    fn sqs(exchange: &Exchange) -> Sqs {
        let pairs = [("REDOUBT_TABLE", "t"), ("REDOUBT_USER_QUEUE_URL", "https://sqs.example/1/user")];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let functions = Config::from_pairs(pairs.into_iter()).unwrap();
        Sqs { pause: Duration::ZERO, ..Sqs::new(Client::new(&exchange.sdk()), &functions) }
    }

    fn messages(count: usize, bytes: usize) -> Vec<Outgoing> {
        let body = |n: usize| format!("{n}{}", "x".repeat(bytes - 1));
        (0..count).map(|n| Outgoing { body: body(n % 10), delay_seconds: 1000 }).collect()
    }

    fn sent(ids: &[&str]) -> Vec<Value> {
        // SQS adds a digest of each body, which the SDK checks; an absent one is not checked.
        ids.iter().map(|id| json!({"Id": id, "MessageId": format!("m{id}"), "MD5OfMessageBody": ""})).collect()
    }

    fn failed(id: &str, code: &str, sender_fault: bool) -> Value {
        json!({"Id": id, "Code": code, "SenderFault": sender_fault, "Message": "no"})
    }

    #[test]
    fn batches_respect_both_limits() {
        let sizes = |messages: &[Outgoing]| batches(messages).iter().map(|batch| batch.len()).collect::<Vec<_>>();
        assert_eq!(sizes(&messages(0, 1)), [0; 0]);
        assert_eq!(sizes(&messages(25, 1)), [10, 10, 5]);
        assert_eq!(sizes(&messages(5, MAX_MESSAGE_BYTES / 2)), [2, 2, 1]);
        assert_eq!(sizes(&messages(3, MAX_MESSAGE_BYTES)), [1, 1, 1]);
    }

    #[tokio::test]
    async fn only_refused_entries_are_sent_again() {
        let exchange = Exchange::of([
            (200, json!({"Successful": sent(&["0", "2"]), "Failed": [failed("1", "InternalError", false)]})),
            (200, json!({"Successful": sent(&["1"])})),
        ]);
        sqs(&exchange).send(Queue::User, &messages(3, 1)).await.unwrap();
        let (target, body) = exchange.request(0);
        assert_eq!(target, "AmazonSQS.SendMessageBatch");
        assert_eq!(body["QueueUrl"], "https://sqs.example/1/user");
        assert_eq!(body["Entries"][2], json!({"Id": "2", "MessageBody": "2", "DelaySeconds": 900}));
        let (_, body) = exchange.request(1);
        assert_eq!(body["Entries"], json!([{"Id": "1", "MessageBody": "1", "DelaySeconds": 900}]));
    }

    #[tokio::test]
    async fn entries_that_keep_failing_are_an_error() {
        let refused = || (200, json!({"Successful": [], "Failed": [failed("0", "InternalError", false)]}));
        let exchange = Exchange::of((0..9).map(|_| refused()));
        let error = sqs(&exchange).send(Queue::User, &messages(1, 1)).await.unwrap_err();
        assert_eq!((error.kind(), exchange.count()), (ErrorKind::Retry, 4));
        assert_eq!(crate::error::chain(&error), "sending 1 messages to the user queue failed: InternalError: no");
        let refused =
            json!({"Failed": [failed("1", "InternalError", false), failed("0", "InvalidMessageContents", true)]});
        let exchange = Exchange::of([(200, refused)]);
        let error = sqs(&exchange).send(Queue::User, &messages(2, 1)).await.unwrap_err();
        assert_eq!((error.kind(), exchange.count()), (ErrorKind::Reject, 1));
    }

    #[tokio::test]
    async fn an_entry_that_the_reply_leaves_out_counts_as_unsent() {
        let exchange = Exchange::of([(200, json!({})), (200, json!({"Successful": sent(&["0"])}))]);
        sqs(&exchange).send(Queue::User, &messages(1, 1)).await.unwrap();
        assert_eq!(exchange.count(), 2);
    }

    #[tokio::test]
    async fn what_can_not_be_sent_is_refused_before_anything_is() {
        let exchange = Exchange::of([]);
        let sqs = sqs(&exchange);
        let error = sqs.send(Queue::User, &messages(1, MAX_MESSAGE_BYTES + 1)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Reject);
        let error = sqs.send(Queue::Policy, &messages(1, 1)).await.unwrap_err();
        assert_eq!(error.to_string(), "bad environment: `REDOUBT_POLICY_QUEUE_URL` is missing");
        sqs.send(Queue::User, &[]).await.unwrap();
        assert_eq!(exchange.count(), 0);
    }
}
