//! Adapters of the metadata store, and what they have in common: what is kept of a record, and how large it may be.

use std::collections::BTreeMap;

use redoubt_core::record::{Field, Kind, Record, Status};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::StoreError;

pub mod conformance;
pub mod dynamodb;
pub mod memory;

pub use dynamodb::DynamoDb;
pub use memory::MemoryStore;

/// The longest id in bytes: DynamoDB's limit for a sort key.
pub const MAX_ID_BYTES: usize = 1024;
/// The largest status in bytes of JSON.
pub const MAX_STATUS_BYTES: usize = 16 * 1024;
/// The largest record in bytes of JSON. With the longest id and the largest status it stays below DynamoDB's 400 KB for an
/// item, so that a status can be written to every record there is.
pub const MAX_BODY_BYTES: usize = 380 * 1024;

/// What is stored as one JSON text: the record without its keys, and without what is updated apart from it.
#[derive(Serialize)]
struct BodyRef<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted: &'a Option<u64>,
    fields: &'a BTreeMap<String, Field>,
    #[serde(skip_serializing_if = "<[Value]>::is_empty")]
    previous: &'a [Value],
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: &'a Option<String>,
}

#[derive(Deserialize)]
struct Body {
    deleted: Option<u64>,
    fields: BTreeMap<String, Field>,
    #[serde(default)]
    previous: Vec<Value>,
    seed: Option<String>,
}

/// The JSON text of a record.
fn encode(record: &Record) -> Result<String, StoreError> {
    // Named one by one, so that a field added to `Record` can't be forgotten here.
    let Record { kind, id, lock: _, revision: _, deleted, fields, previous, seed, statuses: _, expires_at: _ } = record;
    check_id(*kind, id)?;
    let body = serde_json::to_string(&BodyRef { deleted, fields, previous, seed })
        .map_err(|source| StoreError::Encode { kind: *kind, id: id.clone(), source })?;
    check_size(*kind, id, body.len(), MAX_BODY_BYTES)?;
    Ok(body)
}

/// The record of a JSON text.
fn decode<'a>(
    kind: Kind,
    id: String,
    body: &str,
    lock: u64,
    revision: u64,
    statuses: impl IntoIterator<Item = (String, &'a str)>,
    expires_at: Option<u64>,
) -> Result<Record, StoreError> {
    let corrupt = |attribute, source| StoreError::Corrupt { kind, id: id.clone(), attribute, source: Some(source) };
    let Body { deleted, fields, previous, seed } =
        serde_json::from_str(body).map_err(|source| corrupt("body", source))?;
    let statuses = statuses
        .into_iter()
        .map(|(place, status)| Ok((place, serde_json::from_str(status)?)))
        .collect::<Result<_, serde_json::Error>>()
        .map_err(|source| corrupt("status", source))?;
    Ok(Record { kind, id, lock, revision, deleted, fields, previous, seed, statuses, expires_at })
}

/// The JSON text of a status.
fn encode_status(kind: Kind, id: &str, status: &Status) -> Result<String, StoreError> {
    check_id(kind, id)?;
    let text =
        serde_json::to_string(status).map_err(|source| StoreError::Encode { kind, id: id.to_owned(), source })?;
    check_size(kind, id, text.len(), MAX_STATUS_BYTES)?;
    Ok(text)
}

fn check_id(kind: Kind, id: &str) -> Result<(), StoreError> {
    if id.is_empty() || id.len() > MAX_ID_BYTES {
        return Err(StoreError::BadId { kind, found: id.len(), limit: MAX_ID_BYTES });
    }
    Ok(())
}

fn check_size(kind: Kind, id: &str, found: usize, limit: usize) -> Result<(), StoreError> {
    if found > limit {
        return Err(StoreError::TooLarge { kind, id: id.to_owned(), found, limit });
    }
    Ok(())
}
