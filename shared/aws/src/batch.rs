//! Partial batches: each message of a Lambda event from SQS is done, retried or rejected on its own.
//!
//! The event source mapping must have `ReportBatchItemFailures`, or failed messages are lost.

use std::collections::BTreeMap;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use serde::Serialize;

use crate::error::chain;
use crate::metrics::{Metric, Metrics};
use crate::port::{Outgoing, Queue, Queues, Received};
use crate::queue::MAX_MESSAGE_BYTES;

/// A message to handle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// SQS's id of it; empty where SQS gave none.
    pub id: String,
    /// What was sent.
    pub body: String,
    /// How many times it was received, this time included.
    pub receive_count: u32,
    /// When its queue took it, in milliseconds since 1970; nothing where SQS did not say.
    pub sent_at: Option<i64>,
}

impl Message {
    /// A message that is received for the first time, of which no more is known.
    #[must_use]
    pub fn new(id: impl Into<String>, body: impl Into<String>) -> Self {
        Self { id: id.into(), body: body.into(), receive_count: 1, sent_at: None }
    }
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is done with.
    Done,
    /// It shall come again.
    Retry,
    /// It is wrong and goes to the dead-letter queue with these faults.
    Reject(Vec<String>),
}

/// What goes to the dead-letter queue.
#[derive(Serialize)]
struct DeadLetter<'a> {
    error: DeadLetterError<'a>,
    body: Option<&'a str>,
}

#[derive(Serialize)]
struct DeadLetterError<'a> {
    kind: &'static str,
    faults: &'a [String],
}

/// Hands a batch to a handler, which gives one outcome for each message, in their order. Rejected messages go to the
/// dead-letter queue; if that fails they are reported as failed, so they come again and none is lost.
pub async fn run<Q, H>(queues: &Q, metrics: &Metrics, event: SqsEvent, handler: H) -> SqsBatchResponse
where
    Q: Queues,
    H: AsyncFnOnce(Vec<Message>) -> Vec<Outcome>,
{
    let count = event.records.len();
    let mut rejected = Vec::new();
    let mut failed = Vec::new();
    let mut postponed = Vec::new();
    let mut messages = Vec::with_capacity(count);
    let mut deliveries = BTreeMap::new();
    for record in event.records {
        if let (Some(id), Some(queue_arn), Some(receipt)) =
            (&record.message_id, &record.event_source_arn, &record.receipt_handle)
        {
            deliveries.insert(id.clone(), (queue_arn.clone(), receipt.clone()));
        }
        match message(record) {
            Ok(message) => messages.push(message),
            Err(id) => rejected.push(Rejected { id, body: None, faults: vec!["message has no body".to_owned()] }),
        }
    }
    let mut outcomes = if messages.is_empty() { Vec::new() } else { handler(messages.clone()).await }.into_iter();
    for message in messages {
        match outcomes.next() {
            Some(Outcome::Done) => {}
            Some(Outcome::Retry) => {
                if let Some((queue_arn, receipt)) = deliveries.remove(&message.id) {
                    let delay_seconds = retry_delay(message.receive_count);
                    postponed.push(Received { queue_arn, receipt, delay_seconds });
                }
                failed.push(message.id);
            }
            Some(Outcome::Reject(faults)) => {
                rejected.push(Rejected { id: message.id, body: Some(message.body), faults });
            }
            None => {
                tracing::error!(message_id = message.id, "no outcome for a message; it will come again");
                failed.push(message.id);
            }
        }
    }
    if !postponed.is_empty()
        && let Err(error) = queues.postpone(&postponed).await
    {
        // They come again all the same, only later.
        tracing::warn!(error = chain(&error), "messages keep the visibility timeout");
    }
    let done = count - failed.len() - rejected.len();
    let rejections = rejected.len();
    metrics.count(Metric::EventsRejected, rejections);
    failed.extend(bury(queues, rejected).await);
    if done == 0 && failed.len() == count && count > 0 {
        tracing::error!(count, "every message of the batch failed");
    } else {
        tracing::info!(count, done, rejected = rejections, failed = failed.len(), "batch done");
    }
    let mut response = SqsBatchResponse::default();
    for id in failed {
        // An empty id makes SQS deliver the whole batch again: the only way to keep a message that has none.
        response.add_failure(id);
    }
    response
}

/// Seconds before a message comes again that was received so many times: longer each time, up to five minutes, since what
/// failed is most often a limit that everybody shares.
fn retry_delay(receive_count: u32) -> u32 {
    5_u32.saturating_mul(2_u32.saturating_pow(receive_count.saturating_sub(1))).min(300)
}

struct Rejected {
    id: String,
    body: Option<String>,
    faults: Vec<String>,
}

/// The message of a record, or the id of a record without body.
fn message(record: SqsMessage) -> Result<Message, String> {
    let id = record.message_id.unwrap_or_default();
    let attribute = |name: &str| record.attributes.get(name).map(String::as_str);
    let receive_count = attribute("ApproximateReceiveCount").and_then(|count| count.parse().ok()).unwrap_or(1);
    let sent_at = attribute("SentTimestamp").and_then(|time| time.parse().ok());
    match record.body {
        Some(body) => Ok(Message { id, body, receive_count, sent_at }),
        None => Err(id),
    }
}

/// Sends rejected messages to the dead-letter queue; gives the ids of those that did not get there.
async fn bury(queues: &impl Queues, rejected: Vec<Rejected>) -> Vec<String> {
    let mut letters = Vec::with_capacity(rejected.len());
    let mut ids = Vec::with_capacity(rejected.len());
    let mut failed = Vec::new();
    for Rejected { id, body, faults } in rejected {
        // The faults quote the message, which may hold SQL, so they go with it and not into the log.
        tracing::warn!(message_id = id, faults = faults.len(), "message rejected");
        let error = DeadLetterError { kind: "reject", faults: &faults };
        match Outgoing::json(&DeadLetter { error, body: body.as_deref() }) {
            Ok(letter) if letter.body.len() <= MAX_MESSAGE_BYTES => {
                letters.push(letter);
                ids.push(id);
            }
            // Unwrapped it still fits: after its last receive SQS itself moves it.
            Ok(_) => {
                tracing::error!(message_id = id, "rejected message is too large to be wrapped; it is left to SQS");
                failed.push(id);
            }
            Err(error) => {
                tracing::error!(message_id = id, error = chain(&error), "rejected message can't be wrapped");
                failed.push(id);
            }
        }
    }
    if letters.is_empty() {
        return failed;
    }
    if let Err(error) = queues.send(Queue::DeadLetter, &letters).await {
        tracing::error!(count = ids.len(), error = chain(&error), "rejected messages could not be dead-lettered");
        failed.extend(ids);
    }
    failed
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use time::OffsetDateTime;

    use super::*;
    use crate::queue::MemoryQueues;

    fn event(records: Value) -> SqsEvent {
        serde_json::from_value(json!({"Records": records})).unwrap()
    }

    fn bodies(bodies: &[&str]) -> SqsEvent {
        event(bodies.iter().map(|body| json!({"messageId": format!("id-{body}"), "body": body})).collect())
    }

    fn failures(response: &SqsBatchResponse) -> Vec<&str> {
        response.batch_item_failures.iter().map(|failure| failure.item_identifier.as_str()).collect()
    }

    async fn run(
        queues: &MemoryQueues,
        event: SqsEvent,
        handler: impl AsyncFnOnce(Vec<Message>) -> Vec<Outcome>,
    ) -> SqsBatchResponse {
        super::run(queues, &Metrics::default(), event, handler).await
    }

    /// Does what the bodies say.
    async fn obey(messages: Vec<Message>) -> Vec<Outcome> {
        let outcome = |message: Message| match message.body.as_str() {
            "retry" => Outcome::Retry,
            "reject" => Outcome::Reject(vec!["first".to_owned(), "second".to_owned()]),
            _ => Outcome::Done,
        };
        messages.into_iter().map(outcome).collect()
    }

    #[tokio::test]
    async fn each_message_has_its_own_outcome() {
        let queues = MemoryQueues::new();
        let response = run(&queues, bodies(&["done", "retry", "reject", "fine"]), obey).await;
        assert_eq!(failures(&response), ["id-retry"]);
        let letters = queues.take(Queue::DeadLetter, 9);
        assert_eq!(letters.len(), 1);
        assert_eq!(letters[0].body, r#"{"error":{"kind":"reject","faults":["first","second"]},"body":"reject"}"#);
        let reply = serde_json::to_value(response).unwrap();
        assert_eq!(reply, json!({"batchItemFailures": [{"itemIdentifier": "id-retry"}]}));
    }

    #[tokio::test]
    async fn rejected_messages_are_counted() {
        let (queues, metrics) = (MemoryQueues::new(), Metrics::default());
        super::run(&queues, &metrics, bodies(&["done", "reject", "retry", "reject"]), obey).await;
        super::run(&queues, &metrics, event(json!([{"messageId": "1"}])), obey).await;
        let line = metrics.take_lines(OffsetDateTime::UNIX_EPOCH).remove(0);
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["EventsRejected"], 3);
    }

    #[tokio::test]
    async fn a_reject_that_can_not_be_sent_comes_again() {
        let queues = MemoryQueues::new();
        queues.fail_next(1);
        let response = run(&queues, bodies(&["reject", "done"]), obey).await;
        assert_eq!(failures(&response), ["id-reject"]);
        assert_eq!(queues.len(Queue::DeadLetter), 0);
    }

    #[tokio::test]
    async fn a_reject_too_large_to_wrap_is_left_to_sqs_and_harms_no_other() {
        let queues = MemoryQueues::new();
        let large = "\"".repeat(MAX_MESSAGE_BYTES / 2);
        let response = run(&queues, bodies(&[&large, "reject"]), async |messages: Vec<Message>| {
            messages.iter().map(|_| Outcome::Reject(vec!["fault".to_owned()])).collect()
        });
        assert_eq!(failures(&response.await), [format!("id-{large}")]);
        assert_eq!(queues.len(Queue::DeadLetter), 1);
    }

    #[tokio::test]
    async fn records_without_body_are_rejected_and_those_without_id_are_handled() {
        let queues = MemoryQueues::new();
        let records = json!([
            {"messageId": "1"},
            {"body": "done", "attributes": {"ApproximateReceiveCount": "3"}},
            {"messageId": "2", "body": "retry",
             "attributes": {"ApproximateReceiveCount": "many", "SentTimestamp": "1700000000123"}},
        ]);
        let response = run(&queues, event(records), async |messages: Vec<Message>| {
            let known: Vec<_> =
                messages.iter().map(|message| (message.id.as_str(), message.receive_count, message.sent_at)).collect();
            assert_eq!(known, [("", 3, None), ("2", 1, Some(1_700_000_000_123))]);
            obey(messages).await
        });
        assert_eq!(failures(&response.await), ["2"]);
        let letter = queues.take(Queue::DeadLetter, 1).remove(0).body;
        assert_eq!(letter, r#"{"error":{"kind":"reject","faults":["message has no body"]},"body":null}"#);
    }

    #[tokio::test]
    async fn a_failed_message_without_id_brings_back_the_batch() {
        let queues = MemoryQueues::new();
        let response = run(&queues, event(json!([{"body": "retry"}, {"messageId": "1", "body": ""}])), obey);
        assert_eq!(failures(&response.await), [""]);
    }

    #[tokio::test]
    async fn messages_without_outcome_come_again() {
        let queues = MemoryQueues::new();
        let response = run(&queues, bodies(&["a", "b"]), async |_: Vec<Message>| vec![Outcome::Done]);
        assert_eq!(failures(&response.await), ["id-b"]);
    }

    #[tokio::test]
    async fn an_empty_event_is_fine() {
        let queues = MemoryQueues::new();
        let response = run(&queues, event(json!([])), async |_: Vec<Message>| panic!("nothing to handle"));
        assert!(failures(&response.await).is_empty());
    }

    #[tokio::test]
    async fn messages_to_retry_come_again_sooner_than_the_visibility_timeout() {
        let queues = MemoryQueues::new();
        let record = |id: &str, count: u32| {
            json!({
                "messageId": id, "body": "b", "receiptHandle": format!("receipt-{id}"),
                "eventSourceARN": "arn:aws:sqs:eu-west-1:1:redoubt-user",
                "attributes": {"ApproximateReceiveCount": count.to_string()},
            })
        };
        let event = event(json!([record("a", 1), record("b", 3), record("c", 9)]));
        let response = run(&queues, event, async |_| vec![Outcome::Retry, Outcome::Done, Outcome::Retry]).await;
        assert_eq!(response.batch_item_failures.len(), 2);
        let postponed: Vec<_> =
            queues.postponed().into_iter().map(|message| (message.receipt, message.delay_seconds)).collect();
        assert_eq!(postponed, [("receipt-a".to_owned(), 5), ("receipt-c".to_owned(), 300)]);
    }
}
