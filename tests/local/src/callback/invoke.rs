//! Calls of external functions: rows into batches, batches to the Lambda function.
//!
//! Request and limits: <https://docs.aws.amazon.com/redshift/latest/dg/udf-creating-a-lambda-sql-udf.html>.

use super::Failure;
use super::reply::{Form, results};
use crate::identifier;
use crate::lambda::{InvokeError, Lambdas};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::time::{Duration, Instant};

/// The first pause before a throttled call is tried again.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// A call for some rows, as the database describes it.
#[derive(Debug, Deserialize)]
pub struct Call<'a> {
    /// The qualified name of the external function.
    #[serde(borrow)]
    pub function: Cow<'a, str>,
    /// Name or ARN of the Lambda function.
    #[serde(borrow)]
    pub lambda: Cow<'a, str>,
    /// How long a throttled call is tried again.
    pub retry_milliseconds: u64,
    /// Most rows of a batch.
    pub batch_rows: usize,
    /// Most bytes of a batch.
    pub batch_bytes: usize,
    /// Who calls.
    #[serde(borrow)]
    pub user: Cow<'a, str>,
    /// From which database.
    #[serde(borrow)]
    pub database: Cow<'a, str>,
    /// When the statement began.
    #[serde(borrow)]
    pub statement: Cow<'a, str>,
    /// The arguments of each row; rows that need no answer are null.
    #[serde(borrow)]
    pub rows: Vec<Option<&'a RawValue>>,
}

/// The results of all rows as a JSON list, with null for rows that were not sent.
pub async fn all(call: &Call<'_>, lambdas: &Lambdas, cluster: &str, query: i64, form: Form) -> Result<String, Failure> {
    let mut answers = Vec::new();
    for batch in batches(&call.rows, call.batch_rows, call.batch_bytes) {
        answers.extend(one(call, &batch, lambdas, cluster, query, form).await?);
    }
    let mut answers = answers.into_iter();
    let mut printed = String::from("[");
    for row in &call.rows {
        if printed.len() > 1 {
            printed.push(',');
        }
        let answer = row.and_then(|_| answers.next());
        printed.push_str(answer.as_ref().map_or("null", |answer| answer.get()));
    }
    printed.push(']');
    Ok(printed)
}

/// The rows to send, in order. One that is longer than a batch may be goes alone.
fn batches<'a>(rows: &[Option<&'a RawValue>], most_rows: usize, most_bytes: usize) -> Vec<Vec<&'a str>> {
    let mut batches: Vec<Vec<&str>> = Vec::new();
    let mut bytes = 0;
    for row in rows.iter().flatten() {
        let row = row.get();
        match batches.last_mut() {
            Some(batch) if batch.len() < most_rows && bytes + row.len() < most_bytes => batch.push(row),
            _ => {
                batches.push(vec![row]);
                bytes = 0;
            }
        }
        bytes += row.len() + 1;
    }
    batches
}

/// The results of one batch, tried again as long as the function is throttled.
async fn one(
    call: &Call<'_>,
    rows: &[&str],
    lambdas: &Lambdas,
    cluster: &str,
    query: i64,
    form: Form,
) -> Result<Vec<Box<RawValue>>, Failure> {
    let failed = |what: String| Failure::new("38000", format!("external function {} failed: {what}", call.function));
    let payload = payload(call, rows, cluster, query);
    let (began, mut pause) = (Instant::now(), FIRST_PAUSE);
    let reply = loop {
        match lambdas.invoke(&call.lambda, payload.clone()).await {
            Ok(reply) => break reply,
            Err(InvokeError::Throttled(reason)) => {
                if began.elapsed() + pause >= Duration::from_millis(call.retry_milliseconds) {
                    return Err(failed(reason));
                }
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            Err(error) => return Err(failed(crate::lambda::chain(&error))),
        }
    };
    results(&reply, rows.len(), form).map_err(|error| failed(error.to_string()))
}

/// The documented request. Its list of rows is put together from the texts that the database made.
fn payload(call: &Call<'_>, rows: &[&str], cluster: &str, query: i64) -> Bytes {
    let head = json!({
        "request_id": identifier::unique(),
        "cluster": cluster,
        "user": call.user,
        "database": call.database,
        "external_function": call.function,
        "query_id": query,
        "num_records": rows.len(),
    })
    .to_string();
    let head = head.strip_suffix('}').unwrap_or(&head);
    format!("{head},\"arguments\":[{}]}}", rows.join(",")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_keep_order_and_both_limits() {
        let rows = r#"[["a"], null, ["b"], ["c"], ["0123456789"], ["d"]]"#;
        let rows: Vec<Option<&RawValue>> = serde_json::from_str(rows).unwrap();
        let all = [r#"["a"]"#, r#"["b"]"#, r#"["c"]"#, r#"["0123456789"]"#, r#"["d"]"#];
        assert_eq!(batches(&rows, 100, 1000), [all]);
        assert_eq!(batches(&rows, 2, 1000), [&all[..2], &all[2..4], &all[4..]]);
        assert_eq!(batches(&rows, 100, 12), [&all[..2], &all[2..3], &all[3..4], &all[4..]]);
        assert_eq!(batches(&rows, 100, 1), all.map(|row| vec![row]));
        assert!(batches(&[None, None], 1, 1).is_empty());
    }
}
