//! Statements as responses show them.

use crate::statement::{Identity, Mode, Part, Statement};
use serde_json::{Map, Value, json};
use std::time::Duration;
use time::OffsetDateTime;

/// Seconds since the epoch, with milliseconds.
fn seconds(time: OffsetDateTime) -> Value {
    let milliseconds = time.unix_timestamp_nanos() / 1_000_000;
    json!(i64::try_from(milliseconds).unwrap_or_default() as f64 / 1000.0)
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Leaves out what is null.
fn object(fields: Vec<(&str, Value)>) -> Value {
    let present = fields.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(present.map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}

fn secret(statement: &Statement) -> Value {
    match &statement.submission.identity {
        Identity::Secret(name) => json!(name),
        Identity::User(_) => Value::Null,
    }
}

fn parameters(statement: &Statement) -> Value {
    match statement.submission.parameters.as_slice() {
        [] => Value::Null,
        parameters => json!(parameters),
    }
}

/// The answer to a submission; how far it is only when the caller waited.
pub fn submitted(statement: &Statement, waited: bool) -> Value {
    let submission = &statement.submission;
    let when_waited = |value: Value| if waited { value } else { Value::Null };
    object(vec![
        ("Id", json!(statement.id)),
        ("CreatedAt", seconds(statement.created)),
        ("Database", json!(submission.database)),
        ("ClusterIdentifier", json!(submission.cluster)),
        ("WorkgroupName", json!(submission.workgroup)),
        ("DbUser", json!(user(statement))),
        ("SecretArn", secret(statement)),
        ("Status", when_waited(json!(statement.status().as_str()))),
        ("RedshiftPid", when_waited(json!(statement.pid))),
        ("HasResultSet", when_waited(json!(statement.has_result()))),
    ])
}

fn user(statement: &Statement) -> Option<&str> {
    match &statement.submission.identity {
        Identity::User(user) => Some(user),
        Identity::Secret(_) => statement.user.as_deref(),
    }
}

/// The answer to `DescribeStatement`.
pub fn described(statement: &Statement) -> Value {
    let submission = &statement.submission;
    let batch = submission.mode != Mode::Single;
    let query = if batch { Value::Null } else { json!(submission.sqls.first()) };
    let mode = match submission.mode {
        Mode::Single => Value::Null,
        Mode::Transaction => json!("TRANSACTION"),
        Mode::AutoCommit => json!("AUTO_COMMIT"),
    };
    let parts: Vec<Value> = if batch {
        (1..=statement.parts.len()).filter_map(|number| part(statement, number)).collect()
    } else {
        Vec::new()
    };
    object(vec![
        ("Id", json!(statement.id)),
        ("Status", json!(statement.status().as_str())),
        ("Error", json!(statement.error.as_ref().or(single(statement).and_then(|part| part.error.as_ref())))),
        ("CreatedAt", seconds(statement.created)),
        ("UpdatedAt", seconds(statement.updated)),
        ("Duration", json!(nanoseconds(statement.duration))),
        ("Database", json!(submission.database)),
        ("ClusterIdentifier", json!(submission.cluster)),
        ("WorkgroupName", json!(submission.workgroup)),
        ("DbUser", json!(user(statement))),
        ("SecretArn", secret(statement)),
        ("RedshiftPid", json!(statement.pid)),
        ("RedshiftQueryId", json!(statement.query_id())),
        ("HasResultSet", json!(statement.has_result())),
        ("ResultRows", json!(statement.rows())),
        ("ResultSize", json!(statement.bytes())),
        ("ResultFormat", json!("JSON")),
        ("QueryString", query),
        ("QueryParameters", parameters(statement)),
        ("ExecutionMode", mode),
        ("SubStatements", if batch { json!(parts) } else { Value::Null }),
    ])
}

fn single(statement: &Statement) -> Option<&Part> {
    match statement.parts.as_slice() {
        [part] => Some(part),
        _ => None,
    }
}

/// One statement of a batch, as an element of `SubStatements` and as described by its own id.
pub fn part(statement: &Statement, number: usize) -> Option<Value> {
    let place = number.checked_sub(1)?;
    let part = statement.parts.get(place)?;
    Some(object(vec![
        ("Id", json!(format!("{}:{number}", statement.id))),
        ("Status", json!(part.status.as_str())),
        ("Error", json!(part.error)),
        ("CreatedAt", seconds(part.created)),
        ("UpdatedAt", seconds(part.updated)),
        ("Duration", json!(nanoseconds(part.duration))),
        ("QueryString", json!(statement.submission.sqls.get(place))),
        ("RedshiftQueryId", json!(part.query_id)),
        ("HasResultSet", json!(part.result.is_some())),
        ("ResultRows", json!(part.rows)),
        ("ResultSize", json!(part.result.as_ref().map_or(-1, |result| result.bytes))),
    ]))
}

/// One element of `ListStatements`.
pub fn listed(statement: &Statement) -> Value {
    let submission = &statement.submission;
    let batch = submission.mode != Mode::Single;
    object(vec![
        ("Id", json!(statement.id)),
        ("Status", json!(statement.status().as_str())),
        ("StatementName", json!(submission.name)),
        ("CreatedAt", seconds(statement.created)),
        ("UpdatedAt", seconds(statement.updated)),
        ("SecretArn", secret(statement)),
        ("QueryString", if batch { Value::Null } else { json!(submission.sqls.first()) }),
        ("QueryStrings", if batch { json!(submission.sqls) } else { Value::Null }),
        ("QueryParameters", parameters(statement)),
        ("IsBatchStatement", json!(batch)),
        ("ResultFormat", json!("JSON")),
    ])
}
