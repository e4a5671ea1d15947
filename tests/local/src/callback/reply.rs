//! What a Lambda function answers: a JSON text that holds an object with the results.

use serde::Deserialize;
use serde_json::value::RawValue;

/// Why an answer can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ReplyError {
    /// Every function of AWS's samples returns a text; an object in its place fails on Redshift.
    #[error("the reply is not a JSON string (redshift-standin)")]
    NotText(#[source] serde_json::Error),
    /// The opposite, where the warehouse has that fault.
    #[error("Empty format: the reply is a JSON string (redshift-standin)")]
    Text,
    /// What the text holds is something else.
    #[error("the reply does not hold the documented JSON object (redshift-standin)")]
    Form(#[source] serde_json::Error),
    /// The function says so.
    #[error("{0}")]
    Refused(String),
    /// Results can't be matched with rows.
    #[error("the reply has {found} results for {expected} rows (redshift-standin)")]
    Length {
        /// As many as there are, or as `num_records` says.
        found: usize,
        /// As many as were sent.
        expected: usize,
    },
    /// A list or an object in place of a value.
    #[error("result {0} is not a value (redshift-standin)")]
    Nested(usize),
}

#[derive(Deserialize)]
struct Reply {
    success: Success,
    error_msg: Option<String>,
    num_records: Option<usize>,
    results: Option<Vec<Box<RawValue>>>,
}

/// The documentation has a text in one place and a boolean in another.
#[derive(Deserialize)]
#[serde(untagged)]
enum Success {
    Said(bool),
    Written(String),
}

/// How the object with the results must be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As a JSON text that holds it.
    Text,
    /// As it is.
    Object,
}

/// The results of `expected` rows.
pub fn results(reply: &[u8], expected: usize, form: Form) -> Result<Vec<Box<RawValue>>, ReplyError> {
    let text = serde_json::from_slice::<String>(reply);
    let reply: Reply = match (form, text) {
        (Form::Text, text) => serde_json::from_str(&text.map_err(ReplyError::NotText)?),
        (Form::Object, Ok(_)) => return Err(ReplyError::Text),
        (Form::Object, Err(_)) => serde_json::from_slice(reply),
    }
    .map_err(ReplyError::Form)?;
    let success = match reply.success {
        Success::Said(success) => success,
        Success::Written(text) => text.eq_ignore_ascii_case("true"),
    };
    if !success {
        return Err(ReplyError::Refused(reply.error_msg.unwrap_or_else(|| "it gives no reason".to_owned())));
    }
    let results = reply.results.unwrap_or_default();
    let counts = [results.len(), reply.num_records.unwrap_or_default()];
    if let Some(found) = counts.into_iter().find(|count| *count != expected) {
        return Err(ReplyError::Length { found, expected });
    }
    match results.iter().position(|result| result.get().starts_with(['[', '{'])) {
        Some(place) => Err(ReplyError::Nested(place + 1)),
        None => Ok(results),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(reply: &Value, expected: usize) -> Result<Vec<String>, String> {
        let text = Value::String(reply.to_string()).to_string();
        let results = results(text.as_bytes(), expected, Form::Text).map_err(|error| error.to_string())?;
        Ok(results.iter().map(|result| result.get().to_owned()).collect())
    }

    #[test]
    fn results_come_in_order() {
        let reply = json!({ "success": true, "num_records": 3, "results": ["a", null, 1.5] });
        assert_eq!(read(&reply, 3).unwrap(), ["\"a\"", "null", "1.5"]);
        let reply = json!({ "success": "true", "num_records": 0, "results": [] });
        assert_eq!(read(&reply, 0).unwrap(), [""; 0]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (reply, message) in [
            (json!({ "success": false, "error_msg": "row 1: no" }), "row 1: no"),
            (json!({ "success": "false", "num_records": 1, "results": ["a"] }), "it gives no reason"),
            (json!({ "success": true, "num_records": 1, "results": ["a", "b"] }), "2 results for 1 rows"),
            (json!({ "success": true, "num_records": 2, "results": ["a"] }), "2 results for 1 rows"),
            (json!({ "success": true, "results": ["a"] }), "0 results for 1 rows"),
            (json!({ "success": true, "num_records": 1 }), "0 results for 1 rows"),
            (json!({ "success": true, "num_records": 1, "results": [["a"]] }), "result 1 is not a value"),
            (json!({ "results": ["a"] }), "the documented JSON object"),
            (json!(["a"]), "the documented JSON object"),
        ] {
            let error = read(&reply, 1).unwrap_err();
            assert!(error.contains(message), "{reply}: {error}");
        }
        let object = json!({ "success": true, "num_records": 0, "results": [] }).to_string();
        let text = Value::String(object.clone()).to_string();
        assert!(results(object.as_bytes(), 0, Form::Text).unwrap_err().to_string().contains("not a JSON string"));
        assert!(results(b"", 0, Form::Text).is_err() && results(b"", 0, Form::Object).is_err());
        assert!(results(text.as_bytes(), 0, Form::Object).unwrap_err().to_string().contains("Empty format"));
        assert!(results(object.as_bytes(), 0, Form::Object).unwrap().is_empty());
    }
}
