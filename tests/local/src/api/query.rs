//! `DescribeStatement`, `GetStatementResult`, `ListStatements` and `CancelStatement`.

use super::error::ApiError;
use super::request::{List, One};
use super::submit::wait_time;
use super::{Api, view};
use crate::statement::{Mode, Part, Statement, Status};
use serde_json::{Value, json};
use std::sync::Arc;

/// Rows of one page of a result.
const RESULT_PAGE: usize = 1_000;
const LIST_PAGE: i64 = 100;

/// An id, and the number of a statement within its batch.
fn split(id: &str) -> (&str, Option<usize>) {
    match id.split_once(':') {
        Some((parent, number)) => (parent, Some(number.parse().unwrap_or(0))),
        None => (id, None),
    }
}

fn required(id: Option<String>) -> Result<String, ApiError> {
    id.filter(|id| !id.is_empty()).ok_or_else(|| ApiError::validation("Id is required"))
}

fn unknown(id: &str) -> ApiError {
    ApiError::NotFound(format!("Query {id} does not exist"))
}

impl Api {
    /// Tells how far a statement is, or one of a batch.
    pub async fn describe(&self, request: One) -> Result<Value, ApiError> {
        let id = required(request.id)?;
        let (parent, number) = split(&id);
        if let Some(wait) = wait_time(request.wait_time_seconds)? {
            self.registry.wait(parent, wait).await;
        }
        let described = self.registry.read(parent, |statement| match number {
            None => Some(view::described(statement)),
            Some(number) if statement.submission.mode != Mode::Single => {
                view::part(statement, number).map(|part| with_target(part, statement))
            }
            Some(_) => None,
        });
        described.flatten().ok_or_else(|| unknown(&id))
    }

    /// Gives one page of the rows.
    pub async fn get_result(&self, request: One) -> Result<Value, ApiError> {
        let id = required(request.id)?;
        let (parent, number) = split(&id);
        if let Some(wait) = wait_time(request.wait_time_seconds)? {
            self.registry.wait(parent, wait).await;
        }
        let part = self.registry.read(parent, |statement| match (number, statement.parts.as_slice()) {
            (Some(number), parts) if statement.submission.mode != Mode::Single => {
                parts.get(number.checked_sub(1)?).cloned()
            }
            (None, [part]) if statement.submission.mode == Mode::Single => Some(part.clone()),
            _ => None,
        });
        let part: Option<Part> = part.ok_or_else(|| unknown(&id))?;
        let result = part.filter(|part| part.status == Status::Finished).and_then(|part| part.result);
        let result = result.ok_or_else(|| {
            ApiError::NotFound(
                "Query does not have result. Please check query status with DescribeStatement.".to_owned(),
            )
        })?;
        let start = page_start(request.next_token.as_deref())?;
        let page: Vec<&Value> = result.records.iter().skip(start).take(RESULT_PAGE).collect();
        let end = start + page.len();
        let mut response = json!({
            "Records": page,
            "ColumnMetadata": result.columns,
            "TotalNumRows": result.records.len(),
        });
        add_next(&mut response, end, end < result.records.len());
        Ok(response)
    }

    /// Lists statements, newest first; finished ones unless a status is asked for.
    pub fn list(&self, request: &List) -> Result<Value, ApiError> {
        let status = match request.status.as_deref() {
            None => Some(Status::Finished),
            Some("ALL") => None,
            Some(name) => Some(
                Status::parse(name).ok_or_else(|| ApiError::validation(format!("Status `{name}` does not exist")))?,
            ),
        };
        let most = match request.max_results {
            // Zero stands for the default.
            None | Some(0) => LIST_PAGE,
            Some(most @ 1..=LIST_PAGE) => most,
            Some(other) => {
                return Err(ApiError::validation(format!("MaxResults must be 0 to {LIST_PAGE}, found {other}")));
            }
        };
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let start = page_start(request.next_token.as_deref())?;
        let matches = |statement: &Statement| {
            let submission = &statement.submission;
            let prefix = request.statement_name.as_deref().unwrap_or_default();
            status.is_none_or(|status| statement.status() == status)
                && submission.name.as_deref().unwrap_or_default().starts_with(prefix)
                && request.database.as_ref().is_none_or(|database| *database == submission.database)
                && (request.workgroup_name.is_none() || request.workgroup_name == submission.workgroup)
                && (request.cluster_identifier.is_none() || request.cluster_identifier == submission.cluster)
        };
        let mut found = self.registry.scan(|statement| matches(statement).then(|| view::listed(statement)));
        let more = found.len() > start + most;
        found.truncate(start + most);
        let page: Vec<Value> = found.into_iter().skip(start).collect();
        let mut response = json!({ "Statements": page });
        add_next(&mut response, start + most, more);
        Ok(response)
    }

    /// Cancels a statement that has not ended.
    pub fn cancel(&self, request: &One) -> Result<Value, ApiError> {
        let id = required(request.id.clone())?;
        let (parent, number) = split(&id);
        let state = self.registry.read(parent, |statement| (statement.status(), Arc::clone(&statement.cancel)));
        let (status, cancel) = state.ok_or_else(|| unknown(&id))?;
        if number.is_some() {
            return Err(ApiError::validation("a statement of a batch can't be cancelled on its own"));
        }
        if status.is_terminal() {
            return Err(ApiError::validation(format!(
                "Could not cancel a query that is already in {} state",
                status.as_str()
            )));
        }
        cancel.notify_one();
        Ok(json!({ "Status": true }))
    }
}

/// What only the whole call knows.
fn with_target(mut part: Value, statement: &Statement) -> Value {
    let whole = view::described(statement);
    if let (Some(part), Some(whole)) = (part.as_object_mut(), whole.as_object()) {
        for name in
            ["Database", "ClusterIdentifier", "WorkgroupName", "DbUser", "SecretArn", "RedshiftPid", "ResultFormat"]
        {
            if let Some(value) = whole.get(name) {
                part.insert(name.to_owned(), value.clone());
            }
        }
    }
    part
}

fn page_start(token: Option<&str>) -> Result<usize, ApiError> {
    match token {
        None => Ok(0),
        Some(token) => {
            token.parse().map_err(|_| ApiError::validation(format!("NextToken `{token}` is not one of ours")))
        }
    }
}

fn add_next(response: &mut Value, next: usize, more: bool) {
    if let (true, Some(response)) = (more, response.as_object_mut()) {
        response.insert("NextToken".to_owned(), Value::from(next.to_string()));
    }
}
