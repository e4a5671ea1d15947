//! Requests as they are on the wire.

use crate::sql::parameter::Parameter;
use serde::Deserialize;

/// `ExecuteStatement` and `BatchExecuteStatement`, which share all but their SQL.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Submit {
    /// One statement.
    pub sql: Option<String>,
    /// Several.
    pub sqls: Option<Vec<String>>,
    /// The warehouse, if a cluster.
    pub cluster_identifier: Option<String>,
    /// The warehouse, if a workgroup.
    pub workgroup_name: Option<String>,
    /// Who, by a secret.
    pub secret_arn: Option<String>,
    /// Who, by name.
    pub db_user: Option<String>,
    /// The database to connect to.
    pub database: Option<String>,
    /// Whether an event is wanted.
    pub with_event: Option<bool>,
    /// A name to find the statement by.
    pub statement_name: Option<String>,
    /// Values for `:name`.
    pub parameters: Option<Vec<Parameter>>,
    /// The idempotency token.
    pub client_token: Option<String>,
    /// `JSON` or `CSV`.
    pub result_format: Option<String>,
    /// A session to use.
    pub session_id: Option<String>,
    /// A session to keep.
    pub session_keep_alive_seconds: Option<i64>,
    /// `TRANSACTION` or `AUTO_COMMIT`.
    pub execution_mode: Option<String>,
    /// How long the answer may wait for the end.
    pub wait_time_seconds: Option<i64>,
}

/// `DescribeStatement`, `GetStatementResult` and `CancelStatement`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct One {
    /// The statement's id.
    pub id: Option<String>,
    /// Where the next page begins.
    pub next_token: Option<String>,
    /// How long the answer may wait for the end.
    pub wait_time_seconds: Option<i64>,
}

/// `ListStatements`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct List {
    /// What names begin with.
    pub statement_name: Option<String>,
    /// A status, or `ALL`.
    pub status: Option<String>,
    /// Rows of a page.
    pub max_results: Option<i64>,
    /// Where the next page begins.
    pub next_token: Option<String>,
    /// The database they run in.
    pub database: Option<String>,
    /// The cluster they run on.
    pub cluster_identifier: Option<String>,
    /// The workgroup they run on.
    pub workgroup_name: Option<String>,
}
