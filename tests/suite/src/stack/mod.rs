//! The local stack as its clients see it: queues and bus to send events to, metadata to look at, and the warehouse on
//! PostgreSQL's port. Everything is found by the environment alone.

mod control;
mod error;
pub mod logs;
mod queues;
mod scene;
mod second;
mod session;
mod settings;
mod setup;
pub mod wait;

use std::time::{SystemTime, UNIX_EPOCH};

use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_dynamodb::types::BillingMode;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use redoubt_aws::{port::Store, store::DynamoDb};
use redoubt_core::record::{Kind, Record, State, Status};
use serde::Deserialize;
use serde_json::Value;

pub use control::Second;
pub use error::StackError;
pub use queues::Depth;
pub use scene::{PEOPLE, Scene};
pub use second::{SECOND, SECOND_DATABASE};
pub use session::{Row, Session, ident, literal};
pub use settings::{Function, Settings, Workgroup};
pub use setup::ID as INTEGRATION;

/// Most messages SQS takes at once.
const SQS_BATCH: usize = 10;
/// Most events EventBridge takes at once.
const BUS_BATCH: usize = 10;

/// A stack that is running, with clients for it.
pub struct Stack {
    /// Where it is.
    pub settings: Settings,
    /// The metadata.
    pub store: DynamoDb,
    sdk: SdkConfig,
    sqs: aws_sdk_sqs::Client,
    bus: aws_sdk_eventbridge::Client,
}

/// A message that a function rejected, as it is found in the dead-letter queue.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DeadLetter {
    /// Why.
    pub error: DeadLetterError,
    /// What was sent.
    pub body: String,
}

/// Why a message was rejected.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DeadLetterError {
    /// `reject`.
    pub kind: String,
    /// Everything that is wrong with it.
    pub faults: Vec<String>,
}

impl Stack {
    /// Clients for the stack that the environment names.
    ///
    /// # Errors
    /// When a variable is missing.
    pub async fn connect() -> Result<Self, StackError> {
        let settings = Settings::from_env()?;
        let sdk = aws_config::load_defaults(BehaviorVersion::latest()).await;
        Ok(Self {
            store: DynamoDb::new(aws_sdk_dynamodb::Client::new(&sdk), settings.get("REDOUBT_TABLE")),
            sqs: aws_sdk_sqs::Client::new(&sdk),
            bus: aws_sdk_eventbridge::Client::new(&sdk),
            settings,
            sdk,
        })
    }

    /// A client of the Data API.
    #[must_use]
    pub fn data_api(&self) -> aws_sdk_redshiftdata::Client {
        aws_sdk_redshiftdata::Client::new(&self.sdk)
    }

    /// A client of DynamoDB.
    #[must_use]
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.sdk)
    }

    /// Makes a table with the keys of the deployed one, and gives its name.
    ///
    /// # Errors
    /// When it can't be made.
    pub async fn table_like_the_deployed(&self, name: &str) -> Result<String, StackError> {
        let client = self.dynamodb();
        let described = client
            .describe_table()
            .table_name(self.settings.get("REDOUBT_TABLE"))
            .send()
            .await
            .map_err(StackError::service("DynamoDB", "describe the table"))?;
        let deployed = described.table();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let table = format!("{name}-{:x}", now.as_nanos());
        client
            .create_table()
            .table_name(&table)
            .billing_mode(BillingMode::PayPerRequest)
            .set_key_schema(deployed.map(|table| table.key_schema().to_vec()))
            .set_attribute_definitions(deployed.map(|table| table.attribute_definitions().to_vec()))
            .send()
            .await
            .map_err(StackError::service("DynamoDB", "make a table"))?;
        Ok(table)
    }

    /// Removes a table.
    ///
    /// # Errors
    /// When it can't be removed.
    pub async fn drop_table(&self, table: &str) -> Result<(), StackError> {
        let dropped = self.dynamodb().delete_table().table_name(table).send().await;
        dropped.map_err(StackError::service("DynamoDB", "remove a table"))?;
        Ok(())
    }

    /// The secret value of a secret.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn secret(&self, arn: &str) -> Result<Value, StackError> {
        let reply = aws_sdk_secretsmanager::Client::new(&self.sdk)
            .get_secret_value()
            .secret_id(arn)
            .send()
            .await
            .map_err(StackError::service("Secrets Manager", "give a secret"))?;
        Ok(serde_json::from_str(reply.secret_string().unwrap_or_default())?)
    }

    /// Sends events to the queues of their functions, in their order, as few batches as there can be.
    ///
    /// # Errors
    /// When they are not all taken.
    pub async fn send(&self, events: &[Value]) -> Result<(), StackError> {
        for function in [Function::Integration, Function::DataSource, Function::Policy, Function::User] {
            let bodies: Vec<String> = events
                .iter()
                .filter(|event| Function::of(event_type(event)) == function)
                .map(Value::to_string)
                .collect();
            self.send_bodies(function, &bodies).await?;
        }
        Ok(())
    }

    /// Sends texts to a function's queue.
    ///
    /// # Errors
    /// When they are not all taken.
    pub async fn send_bodies(&self, function: Function, bodies: &[String]) -> Result<(), StackError> {
        for bodies in bodies.chunks(SQS_BATCH) {
            let mut request = self.sqs.send_message_batch().queue_url(self.settings.queue(function));
            for (index, body) in bodies.iter().enumerate() {
                let entry = SendMessageBatchRequestEntry::builder().id(index.to_string()).message_body(body);
                request = request.entries(entry.build().map_err(StackError::service("SQS", "take a message"))?);
            }
            let reply = request.send().await.map_err(StackError::service("SQS", "take a batch"))?;
            if !reply.failed().is_empty() {
                return Err(StackError::Unusable(format!("SQS refused {:?}", reply.failed())));
            }
        }
        Ok(())
    }

    /// Puts events on the bus, as a producer does that knows no queues; gives what the bus calls them.
    ///
    /// # Errors
    /// When they are not all taken.
    pub async fn put_events(&self, events: &[Value]) -> Result<Vec<String>, StackError> {
        let mut ids = Vec::with_capacity(events.len());
        for events in events.chunks(BUS_BATCH) {
            let mut request = self.bus.put_events();
            for event in events {
                let entry = PutEventsRequestEntry::builder()
                    .event_bus_name(self.settings.get("REDOUBT_EVENT_BUS"))
                    .source("com.example.catalog")
                    .detail_type(event_type(event))
                    .detail(event.to_string());
                request = request.entries(entry.build());
            }
            let reply = request.send().await.map_err(StackError::service("EventBridge", "take events"))?;
            if reply.failed_entry_count() > 0 {
                return Err(StackError::Unusable(format!("EventBridge refused {:?}", reply.entries())));
            }
            ids.extend(reply.entries().iter().filter_map(|entry| entry.event_id().map(str::to_owned)));
        }
        Ok(ids)
    }

    /// Waits for the dead letter whose body holds a text, and takes it out of the queue.
    ///
    /// # Errors
    /// When it does not come in time.
    pub async fn dead_letter(&self, function: Function, marker: &str) -> Result<DeadLetter, StackError> {
        let queue = self.settings.dead_letters(function);
        let wanted = || format!("a dead letter of {function:?} with `{marker}`");
        wait::until(wanted, async || {
            // Letters of other tests come back to them after a second.
            let reply = self
                .sqs
                .receive_message()
                .queue_url(queue)
                .max_number_of_messages(10)
                .visibility_timeout(1)
                .send()
                .await
                .map_err(StackError::service("SQS", "give dead letters"))?;
            for message in reply.messages() {
                let body = message.body().unwrap_or_default();
                let Ok(letter) = serde_json::from_str::<DeadLetter>(body) else {
                    continue;
                };
                if letter.body.contains(marker) {
                    self.sqs
                        .delete_message()
                        .queue_url(queue)
                        .receipt_handle(message.receipt_handle().unwrap_or_default())
                        .send()
                        .await
                        .map_err(StackError::service("SQS", "delete a dead letter"))?;
                    return Ok(Ok(letter));
                }
            }
            Ok(Err(format!("{} others", reply.messages().len())))
        })
        .await
    }

    /// A record of the metadata.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn record(&self, kind: Kind, id: &str) -> Result<Option<Record>, StackError> {
        Ok(self.store.get(kind, id).await?)
    }

    /// Waits until the newest revision of a record is in a state, and gives its status.
    ///
    /// # Errors
    /// When it is not in time; with the status it had last.
    pub async fn status(&self, kind: Kind, id: &str, state: State) -> Result<Status, StackError> {
        wait::until(
            || format!("{kind} `{id}` is {state:?}"),
            async || {
                let record = self.record(kind, id).await?;
                Ok(match record {
                    None => Err("no record".to_owned()),
                    Some(record) => match record.status() {
                        Some(status) if status.state == state && status.revision == record.revision => Ok(status),
                        status => Err(format!("revision {}, {status:?}", record.revision)),
                    },
                })
            },
        )
        .await
    }

    /// The present revision of a record; 0 when there is none.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn revision(&self, kind: Kind, id: &str) -> Result<u64, StackError> {
        Ok(self.record(kind, id).await?.map_or(0, |record| record.revision))
    }

    /// Waits until a revision above this one is in force.
    ///
    /// # Errors
    /// When none is in time; with the status the record had last.
    pub async fn applied_after(&self, kind: Kind, id: &str, revision: u64) -> Result<(), StackError> {
        let wanted = || format!("{kind} `{id}` is applied at a revision above {revision}");
        wait::until(wanted, async || {
            let status = self.record(kind, id).await?.and_then(|record| record.status());
            Ok(match status {
                Some(status) if status.state == State::Applied && status.revision > revision => Ok(()),
                status => Err(format!("{status:?}")),
            })
        })
        .await
    }

    /// Waits until the newest revision of a record is unhealthy, and gives the reason.
    ///
    /// # Errors
    /// When it is not in time.
    pub async fn unhealthy(&self, kind: Kind, id: &str) -> Result<String, StackError> {
        let status = self.status(kind, id, State::Unhealthy).await?;
        Ok(status.reason.unwrap_or_default())
    }

    /// A session of the administrator on the first warehouse.
    ///
    /// # Errors
    /// When there is none.
    pub async fn administrator(&self, database: &str) -> Result<Session, StackError> {
        self.administrator_on(Workgroup::First, database).await
    }

    /// A session of the administrator on a warehouse.
    ///
    /// # Errors
    /// When there is none.
    pub async fn administrator_on(&self, workgroup: Workgroup, database: &str) -> Result<Session, StackError> {
        Session::open_on(&self.settings, workgroup, self.settings.get("PGUSER"), database).await
    }
}

fn event_type(event: &Value) -> &str {
    event.get("type").and_then(Value::as_str).unwrap_or_default()
}
