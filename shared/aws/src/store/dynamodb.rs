//! The metadata store in DynamoDB.
//!
//! One table with the keys `pk` and `sk` (strings). An item is one record:
//!
//! | attribute | type | holds |
//! | --- | --- | --- |
//! | `pk` | S | kind and shard, such as `data_source#7` |
//! | `sk` | S | the id |
//! | `body` | S | the record as JSON, without what follows |
//! | `revision`, `lock` | N | the record's counters |
//! | `status`, `status_revision` | S, N | the status as JSON, and the revision it is about, where it is in no place |
//! | `status@<place>`, `status_revision@<place>` | S, N | the same in one place, `<integration>/<database>` |
//! | `expires_at` | N | when the record may be forgotten, where it may: the table's time to live |
//!
//! Kinds with many records are spread over shards, because one partition of DynamoDB serves a limited number of writes. Every
//! read is strongly consistent, hence there is no secondary index.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use redoubt_core::record::{Kind, NOWHERE, Record, Status};

use super::{check_id, decode, encode, encode_status};
use crate::error::StoreError;
use crate::fault::ServiceFault;
use crate::port::{Put, Store};

type Item = HashMap<String, AttributeValue>;

/// How many partitions a kind with many records is spread over. It can't be changed once there are records.
const SHARDS: u64 = 16;
/// How many partitions are listed at a time.
const PARALLEL_QUERIES: usize = 8;

/// A table in DynamoDB.
#[derive(Debug, Clone)]
pub struct DynamoDb {
    client: Client,
    table: String,
}

impl DynamoDb {
    /// The records in a table.
    #[must_use]
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    /// An update of one item; every update names the key `pk` in its condition or its expression.
    fn update(&self, kind: Kind, id: &str) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(partition(kind, shard(kind, id))))
            .key("sk", text(id))
    }

    /// Every record of one partition, page by page.
    async fn partition(&self, kind: Kind, shard: u64) -> Result<Vec<Record>, StoreError> {
        let mut records = Vec::new();
        let mut start = None;
        loop {
            let page = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :pk")
                .expression_attribute_values(":pk", text(partition(kind, shard)))
                .consistent_read(true)
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| fault("list", error))?;
            for item in page.items.unwrap_or_default() {
                records.push(record(kind, &item)?);
            }
            start = page.last_evaluated_key.filter(|key| !key.is_empty());
            if start.is_none() {
                return Ok(records);
            }
        }
    }
}

impl Store for DynamoDb {
    async fn get(&self, kind: Kind, id: &str) -> Result<Option<Record>, StoreError> {
        check_id(kind, id)?;
        let output = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("pk", text(partition(kind, shard(kind, id))))
            .key("sk", text(id))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| fault("get", error))?;
        output.item.map(|item| record(kind, &item)).transpose()
    }

    async fn list(&self, kind: Kind) -> Result<Vec<Record>, StoreError> {
        let queries: Vec<_> = (0..shards(kind)).map(|shard| self.partition(kind, shard)).collect();
        let partitions: Vec<Vec<Record>> =
            stream::iter(queries).buffer_unordered(PARALLEL_QUERIES).try_collect().await?;
        let mut records: Vec<Record> = partitions.into_iter().flatten().collect();
        records.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        Ok(records)
    }

    async fn put(&self, record: &Record) -> Result<Put, StoreError> {
        const SET: &str = "SET #body = :body, #revision = :revision, #lock = :next";
        let update = self
            .update(record.kind, &record.id)
            .expression_attribute_names("#body", "body")
            .expression_attribute_names("#revision", "revision")
            .expression_attribute_names("#lock", "lock")
            .expression_attribute_values(":body", text(encode(record)?))
            .expression_attribute_values(":revision", number(record.revision))
            .expression_attribute_values(":next", number(record.lock.saturating_add(1)));
        let update = match record.expires_at {
            Some(time) => update
                .update_expression(format!("{SET}, expires_at = :expires_at"))
                .expression_attribute_values(":expires_at", number(time)),
            None => update.update_expression(format!("{SET} REMOVE expires_at")),
        };
        let update = if record.lock == 0 {
            update.condition_expression("attribute_not_exists(pk)")
        } else {
            update.condition_expression("#lock = :lock").expression_attribute_values(":lock", number(record.lock))
        };
        match update.send().await {
            Ok(_) => Ok(Put::Stored),
            Err(error) if condition_failed(&error) => Ok(Put::Conflict),
            Err(error) => Err(fault("put", error)),
        }
    }

    async fn bump(&self, kind: Kind, id: &str) -> Result<Option<Record>, StoreError> {
        check_id(kind, id)?;
        let update = self
            .update(kind, id)
            .condition_expression("attribute_exists(pk)")
            .update_expression("SET #revision = #revision + :one, #lock = #lock + :one")
            .expression_attribute_names("#revision", "revision")
            .expression_attribute_names("#lock", "lock")
            .expression_attribute_values(":one", number(1))
            .return_values(ReturnValue::AllNew);
        match update.send().await {
            Ok(output) => record(kind, &output.attributes.unwrap_or_default()).map(Some),
            Err(error) if condition_failed(&error) => Ok(None),
            Err(error) => Err(fault("bump", error)),
        }
    }

    async fn set_status(&self, kind: Kind, id: &str, place: &str, status: &Status) -> Result<bool, StoreError> {
        let update = self
            .update(kind, id)
            .condition_expression(
                "attribute_exists(pk) AND (attribute_not_exists(#status_revision) OR #status_revision <= :revision)",
            )
            .update_expression("SET #status = :status, #status_revision = :revision")
            .expression_attribute_names("#status", attribute(STATUS, place))
            .expression_attribute_names("#status_revision", attribute("status_revision", place))
            .expression_attribute_values(":status", text(encode_status(kind, id, status)?))
            .expression_attribute_values(":revision", number(status.revision));
        match update.send().await {
            Ok(_) => Ok(true),
            Err(error) if condition_failed(&error) => Ok(false),
            Err(error) => Err(fault("set status", error)),
        }
    }

    async fn remove(&self, kind: Kind, id: &str) -> Result<(), StoreError> {
        check_id(kind, id)?;
        self.client
            .delete_item()
            .table_name(&self.table)
            .key("pk", text(partition(kind, shard(kind, id))))
            .key("sk", text(id))
            .send()
            .await
            .map_err(|error| fault("remove", error))?;
        Ok(())
    }
}

/// How many partitions a kind has.
fn shards(kind: Kind) -> u64 {
    match kind {
        Kind::DataSource | Kind::User | Kind::Submission | Kind::Delivery => SHARDS,
        Kind::Policy | Kind::Project | Kind::Integration | Kind::Claim | Kind::Installation => 1,
    }
}

/// The partition a record is in: 64-bit FNV-1a of its id. It must never change, or records get lost.
fn shard(kind: Kind, id: &str) -> u64 {
    let hash = id
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    hash % shards(kind)
}

fn partition(kind: Kind, shard: u64) -> String {
    format!("{kind}#{shard}")
}

const STATUS: &str = "status";

/// The name of an attribute that each place has for itself.
fn attribute(name: &str, place: &str) -> String {
    if place == NOWHERE { name.to_owned() } else { format!("{name}@{place}") }
}

/// The place of an attribute that holds a status.
fn place(attribute: &str) -> Option<&str> {
    if attribute == STATUS { Some(NOWHERE) } else { attribute.strip_prefix(STATUS)?.strip_prefix('@') }
}

fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn record(kind: Kind, item: &Item) -> Result<Record, StoreError> {
    let id = item.get("sk").and_then(|value| value.as_s().ok()).cloned().unwrap_or_default();
    let missing = |attribute| StoreError::Corrupt { kind, id: id.clone(), attribute, source: None };
    let text = |attribute| item.get(attribute).and_then(|value| value.as_s().ok()).map(String::as_str);
    let number = |attribute| {
        let digits = item.get(attribute).and_then(|value| value.as_n().ok());
        digits.and_then(|digits| digits.parse().ok()).ok_or_else(|| missing(attribute))
    };
    let body = text("body").ok_or_else(|| missing("body"))?;
    let expires_at = item.get("expires_at").map(|_| number("expires_at")).transpose()?;
    let statuses = item.iter().filter_map(|(name, value)| Some((place(name)?.to_owned(), value.as_s().ok()?.as_str())));
    decode(kind, id.clone(), body, number("lock")?, number("revision")?, statuses, expires_at)
}

fn condition_failed<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    error.as_service_error().is_some_and(|error| error.code() == Some("ConditionalCheckFailedException"))
}

fn fault<E>(operation: &'static str, error: SdkError<E, HttpResponse>) -> StoreError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    // Keys and sizes are checked before the call, so a refusal is never the document's fault.
    StoreError::Service { operation, source: ServiceFault::from_sdk(error, &[]) }
}

#[cfg(test)]
mod tests;
