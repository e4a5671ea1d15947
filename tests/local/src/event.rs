//! The EventBridge event that a statement with `WithEvent` ends with, sent straight to a queue: no emulator takes
//! events whose source begins with `aws.`, and neither does the service.

use crate::identifier;
use aws_sdk_sqs::Client;
use serde_json::{Value, json};
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The account that the stack pretends to be.
pub const ACCOUNT: &str = "000000000000";
/// How long a statement can be looked up.
pub const RETENTION: Duration = Duration::from_hours(24);
const ATTEMPTS: u32 = 8;

/// What the event says about a statement.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The statement's id.
    pub statement_id: String,
    /// Its name, empty when it has none.
    pub statement_name: String,
    /// `FINISHED`, `FAILED` or `ABORTED`.
    pub state: &'static str,
    /// The number of the query.
    pub query_id: i64,
    /// Rows returned or affected.
    pub rows: i64,
    /// When it ended.
    pub time: OffsetDateTime,
}

/// The event as a rule's target receives it. `id` is unique to the event.
pub fn envelope(ended: &Ended, id: &str, region: &str, workgroup: &str) -> Value {
    let time = ended.time.replace_nanosecond(0).unwrap_or(ended.time);
    json!({
        "version": "0",
        "id": id,
        "detail-type": "Redshift Data Statement Status Change",
        "source": "aws.redshift-data",
        "account": ACCOUNT,
        "time": time.format(&Rfc3339).unwrap_or_default(),
        "region": region,
        "resources": [format!("arn:aws:redshift-serverless:{region}:{ACCOUNT}:workgroup/{workgroup}")],
        "detail": {
            "principal": format!("arn:aws:sts::{ACCOUNT}:assumed-role/local/redshift-standin"),
            "statementName": ended.statement_name,
            "statementId": ended.statement_id,
            "redshiftQueryId": ended.query_id,
            "state": ended.state,
            "rows": ended.rows,
            "expireAt": (time + RETENTION).unix_timestamp(),
        }
    })
}

/// Sends events to a queue known by its name.
#[derive(Clone, Debug)]
pub struct EventQueue {
    client: Client,
    name: String,
    region: String,
    workgroup: String,
    first_delay: Duration,
}

impl EventQueue {
    /// The queue need not exist yet.
    pub fn new(client: Client, name: String, region: String, workgroup: String) -> Self {
        Self { client, name, region, workgroup, first_delay: Duration::from_millis(250) }
    }

    /// Sends the event, trying again for about a minute; what never arrives is logged.
    pub async fn send(&self, ended: Ended) {
        let body = envelope(&ended, &identifier::unique(), &self.region, &self.workgroup).to_string();
        let mut delay = self.first_delay;
        for attempt in 1..=ATTEMPTS {
            match self.try_send(&body).await {
                Ok(()) => return,
                Err(error) => tracing::warn!(
                    queue = self.name,
                    statement = ended.statement_id,
                    attempt,
                    error = &error as &dyn std::error::Error,
                    "event not sent"
                ),
            }
            tokio::time::sleep(delay).await;
            delay *= 2;
        }
        tracing::error!(queue = self.name, statement = ended.statement_id, "event lost");
    }

    async fn try_send(&self, body: &str) -> Result<(), aws_sdk_sqs::Error> {
        // Looked up each time: the queue may have been deleted and created again.
        let url = self.client.get_queue_url().queue_name(&self.name).send().await?;
        self.client.send_message().queue_url(url.queue_url().unwrap_or_default()).message_body(body).send().await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_envelope_is_the_documented_one() {
        let ended = Ended {
            statement_id: "s-1".into(),
            statement_name: "name".into(),
            state: "FINISHED",
            query_id: 7,
            rows: 3,
            time: OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap(),
        };
        assert_eq!(
            envelope(&ended, "e-1", "eu-west-1", "redoubt-local"),
            json!({
                "version": "0",
                "id": "e-1",
                "detail-type": "Redshift Data Statement Status Change",
                "source": "aws.redshift-data",
                "account": "000000000000",
                "time": "2023-11-14T22:13:20Z",
                "region": "eu-west-1",
                "resources": ["arn:aws:redshift-serverless:eu-west-1:000000000000:workgroup/redoubt-local"],
                "detail": {
                    "principal": "arn:aws:sts::000000000000:assumed-role/local/redshift-standin",
                    "statementName": "name",
                    "statementId": "s-1",
                    "redshiftQueryId": 7,
                    "state": "FINISHED",
                    "rows": 3,
                    "expireAt": 1_700_086_400,
                }
            })
        );
    }
}
