//! `ExecuteStatement` and `BatchExecuteStatement`.

use super::error::ApiError;
use super::request::Submit;
use super::{Api, view};
use crate::faults::Fault;
use crate::registry::Admission;
use crate::runner::Runner;
use crate::sql::parameter::bind;
use crate::sql::token::statements;
use crate::statement::{Identity, Mode, Submission};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// The budget of a statement's text. The newest page says 200 KB, every older one 100 KB.
const STATEMENT_BYTES: usize = 100_000;
/// The same where the warehouse takes less.
const FEWER_STATEMENT_BYTES: usize = 50_000;
const BATCH_STATEMENTS: usize = 40;
const TOKEN_CHARACTERS: usize = 64;
const NAME_CHARACTERS: usize = 2_048;

impl Api {
    /// Submits one statement.
    pub async fn execute(&self, request: Submit) -> Result<Value, ApiError> {
        let Some(sql) = request.sql.clone() else {
            return Err(ApiError::validation("Sql is required"));
        };
        self.submit(request, vec![sql], Mode::Single).await
    }

    /// Submits several statements.
    pub async fn batch_execute(&self, request: Submit) -> Result<Value, ApiError> {
        let sqls = request.sqls.clone().unwrap_or_default();
        if sqls.is_empty() || sqls.len() > BATCH_STATEMENTS {
            return Err(ApiError::validation(format!(
                "Sqls must have 1 to {BATCH_STATEMENTS} statements, found {}",
                sqls.len()
            )));
        }
        let mode = match request.execution_mode.as_deref() {
            None | Some("TRANSACTION") => Mode::Transaction,
            Some("AUTO_COMMIT") => Mode::AutoCommit,
            Some(other) => {
                return Err(ApiError::validation(format!(
                    "ExecutionMode must be TRANSACTION or AUTO_COMMIT, found `{other}`"
                )));
            }
        };
        self.submit(request, sqls, mode).await
    }

    async fn submit(&self, mut request: Submit, sqls: Vec<String>, mode: Mode) -> Result<Value, ApiError> {
        let wait = wait_time(request.wait_time_seconds)?;
        let token = request.client_token.take();
        let submission = self.check(request, sqls, mode)?;
        if let Some(token) = &token {
            check_length("ClientToken", token, 1, TOKEN_CHARACTERS)?;
        }
        let runner = Arc::clone(self.runner(submission.warehouse())?);
        let id = match self.registry.submit(submission, token) {
            Admission::Full => return Err(ApiError::ActiveStatements),
            Admission::Known(id) => id,
            Admission::New(id) => {
                tokio::spawn(runner.run(id.clone()));
                id
            }
        };
        if let Some(wait) = wait {
            self.registry.wait(&id, wait).await;
        }
        let submitted = self.registry.read(&id, |statement| view::submitted(statement, wait.is_some()));
        submitted.ok_or_else(|| ApiError::NotFound(format!("Query {id} does not exist")))
    }

    fn check(&self, request: Submit, sqls: Vec<String>, mode: Mode) -> Result<Submission, ApiError> {
        if request.session_id.is_some() || request.session_keep_alive_seconds.is_some_and(|seconds| seconds > 0) {
            return Err(ApiError::validation("sessions are not imitated by the stand-in: every call has a new one"));
        }
        if request.result_format.as_deref().is_some_and(|format| format != "JSON") {
            return Err(ApiError::validation("ResultFormat: the stand-in gives JSON only"));
        }
        let (workgroup, cluster) = self.check_target(&request)?;
        let target = workgroup.as_ref().or(cluster.as_ref()).map_or("", String::as_str);
        let fewer = self.runner(target)?.faults.has(Fault::StatementSize);
        let most = if fewer { FEWER_STATEMENT_BYTES } else { STATEMENT_BYTES };
        for (place, sql) in sqls.iter().enumerate() {
            check_sql(place, sql, most)?;
        }
        if let Some(name) = &request.statement_name {
            check_length("StatementName", name, 0, NAME_CHARACTERS)?;
        }
        let database = request.database.filter(|database| !database.is_empty());
        let database = database.ok_or_else(|| ApiError::validation("Database is required"))?;
        let identity = match (request.secret_arn, request.db_user) {
            (Some(_), Some(_)) => return Err(ApiError::validation("SecretArn and DbUser exclude each other")),
            (Some(secret), None) => Identity::Secret(secret),
            (None, Some(user)) => Identity::User(user),
            (None, None) => {
                return Err(ApiError::validation(
                    "the stand-in has no IAM identities: SecretArn or DbUser is required",
                ));
            }
        };
        let parameters = request.parameters.unwrap_or_default();
        let bound = bind(&sqls, &parameters).map_err(|error| ApiError::validation(error.to_string()))?;
        Ok(Submission {
            sqls,
            bound,
            parameters,
            mode,
            identity,
            database,
            workgroup,
            cluster,
            name: request.statement_name,
            with_event: request.with_event.unwrap_or(false),
        })
    }

    fn check_target(&self, request: &Submit) -> Result<(Option<String>, Option<String>), ApiError> {
        let named = (request.workgroup_name.clone(), request.cluster_identifier.clone());
        match &named {
            (Some(_), Some(_)) => Err(ApiError::validation("WorkgroupName and ClusterIdentifier exclude each other")),
            (None, None) => Err(ApiError::validation("WorkgroupName or ClusterIdentifier is required")),
            (Some(name), None) | (None, Some(name)) => self.runner(name).map(|_| named.clone()),
        }
    }

    fn runner(&self, warehouse: &str) -> Result<&Arc<Runner>, ApiError> {
        self.runners.iter().find(|runner| runner.warehouse == warehouse).ok_or_else(|| {
            let known: Vec<String> = self.runners.iter().map(|runner| format!("`{}`", runner.warehouse)).collect();
            let known = known.join(" or ");
            ApiError::validation(format!("Redshift endpoint doesn't exist: expected {known}, found `{warehouse}`"))
        })
    }
}

fn check_sql(place: usize, sql: &str, most: usize) -> Result<(), ApiError> {
    if sql.len() > most {
        return Err(ApiError::validation(format!(
            "statement {}: text of {} bytes exceeds the limit of {most}",
            place + 1,
            sql.len()
        )));
    }
    match statements(sql).len() {
        1 => Ok(()),
        found => Err(ApiError::validation(format!(
            "statement {}: the text must hold exactly one SQL statement, found {found}",
            place + 1
        ))),
    }
}

fn check_length(what: &str, text: &str, least: usize, most: usize) -> Result<(), ApiError> {
    let length = text.chars().count();
    if (least..=most).contains(&length) {
        return Ok(());
    }
    Err(ApiError::validation(format!("{what} must have {least} to {most} characters, found {length}")))
}

/// Checks `WaitTimeSeconds`.
pub fn wait_time(seconds: Option<i64>) -> Result<Option<Duration>, ApiError> {
    match seconds {
        None => Ok(None),
        Some(seconds @ 1..=30) => Ok(Some(Duration::from_secs(seconds.unsigned_abs()))),
        Some(other) => Err(ApiError::validation(format!("WaitTimeSeconds must be 1 to 30, found {other}"))),
    }
}
