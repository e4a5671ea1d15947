//! The warehouse behind the Redshift Data API.

use aws_sdk_redshiftdata::Client;
use aws_sdk_redshiftdata::operation::describe_statement::DescribeStatementOutput;
use aws_sdk_redshiftdata::types::{ExecutionMode, Field};
use redoubt_core::sql::SqlText;

use crate::error::{DescribeError, ErrorKind, SubmitError};
use crate::fault::ServiceFault;
use crate::port::{Call, Connection, Mode, Part, Report, Row, StatementState, Warehouse, WarehouseName};

/// The codes by which the Data API says that a call is wrong and will stay wrong.
const REJECTS: [&str; 2] = ["ResourceNotFoundException", "ValidationException"];

/// Most pages of rows that are read: one holds as much as several megabytes.
const MAX_PAGES: usize = 50;

/// The Redshift Data API.
#[derive(Debug, Clone)]
pub struct DataApi {
    client: Client,
}

impl DataApi {
    /// The Data API of the client's account and Region.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// A statement on its own, outside a transaction block: the only way for `CREATE DATABASE` and its like.
    async fn execute(&self, call: &Call, statement: &SqlText) -> Result<Option<String>, ServiceFault> {
        let Connection { warehouse, database, secret } = &call.connection;
        let (workgroup, cluster) = names(warehouse);
        self.client
            .execute_statement()
            .set_workgroup_name(workgroup)
            .set_cluster_identifier(cluster)
            .database(database)
            .secret_arn(secret)
            .sql(statement.execute())
            .client_token(&call.token)
            .statement_name(&call.name)
            .with_event(call.with_event)
            .send()
            .await
            .map(|output| output.id)
            .map_err(|error| ServiceFault::from_sdk(error, &REJECTS))
    }

    async fn execute_batch(&self, call: &Call) -> Result<Option<String>, ServiceFault> {
        let Connection { warehouse, database, secret } = &call.connection;
        let (workgroup, cluster) = names(warehouse);
        self.client
            .batch_execute_statement()
            .set_workgroup_name(workgroup)
            .set_cluster_identifier(cluster)
            .database(database)
            .secret_arn(secret)
            .set_sqls(Some(call.statements.iter().map(|statement| statement.execute().to_owned()).collect()))
            .execution_mode(match call.mode {
                Mode::Transaction => ExecutionMode::Transaction,
                Mode::AutoCommit => ExecutionMode::AutoCommit,
            })
            .client_token(&call.token)
            .statement_name(&call.name)
            .with_event(call.with_event)
            .send()
            .await
            .map(|output| output.id)
            .map_err(|error| ServiceFault::from_sdk(error, &REJECTS))
    }
}

impl Warehouse for DataApi {
    async fn submit(&self, call: &Call) -> Result<String, SubmitError> {
        let result = match (call.mode, call.statements.as_slice()) {
            (Mode::AutoCommit, [statement]) => self.execute(call, statement).await,
            _ => self.execute_batch(call).await,
        };
        // Without an id the outcome can't be followed; the token makes another try harmless.
        result
            .and_then(|id| id.ok_or_else(|| ServiceFault::new(ErrorKind::Retry, "reply without statement id")))
            .map_err(|source| SubmitError { name: call.name.clone(), source })
    }

    async fn describe(&self, statement_id: &str) -> Result<Report, DescribeError> {
        let result = self.client.describe_statement().id(statement_id).send().await;
        result
            .map_err(|error| ServiceFault::from_sdk(error, &REJECTS))
            .and_then(report)
            .map_err(|source| DescribeError { statement_id: statement_id.to_owned(), source })
    }

    async fn rows(&self, statement_id: &str) -> Result<Vec<Row>, DescribeError> {
        let failed = |source| DescribeError { statement_id: statement_id.to_owned(), source };
        let (mut rows, mut next) = (Vec::new(), None);
        for _ in 0..MAX_PAGES {
            let result = self.client.get_statement_result().id(statement_id).set_next_token(next).send().await;
            let page = result.map_err(|error| failed(ServiceFault::from_sdk(error, &REJECTS)))?;
            rows.extend(page.records.into_iter().map(|row| row.iter().map(value).collect()));
            match page.next_token {
                Some(token) => next = Some(token),
                None => return Ok(rows),
            }
        }
        // A part of an answer could be taken for the whole.
        Err(failed(ServiceFault::new(ErrorKind::Reject, "more pages of rows than are read")))
    }
}

/// A value as text; `None` for null and for what no column of a table can be.
fn value(field: &Field) -> Option<String> {
    match field {
        Field::StringValue(text) => Some(text.clone()),
        Field::LongValue(number) => Some(number.to_string()),
        Field::DoubleValue(number) => Some(number.to_string()),
        Field::BooleanValue(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// Workgroup and cluster as the request has them: exactly one is set.
fn names(warehouse: &WarehouseName) -> (Option<String>, Option<String>) {
    match warehouse {
        WarehouseName::Workgroup(name) => (Some(name.clone()), None),
        WarehouseName::Cluster(name) => (None, Some(name.clone())),
    }
}

fn report(output: DescribeStatementOutput) -> Result<Report, ServiceFault> {
    let parts = output.sub_statements.unwrap_or_default().into_iter().map(|part| {
        let state = state(part.status.as_ref().map(|status| status.as_str()))?;
        Ok(Part { state, error: part.error })
    });
    Ok(Report {
        state: state(output.status.as_ref().map(|status| status.as_str()))?,
        error: output.error,
        parts: parts.collect::<Result<_, ServiceFault>>()?,
    })
}

fn state(status: Option<&str>) -> Result<StatementState, ServiceFault> {
    match status {
        // A sub-statement whose turn has not come may have no status yet.
        None | Some("SUBMITTED") => Ok(StatementState::Submitted),
        Some("PICKED") => Ok(StatementState::Picked),
        Some("STARTED") => Ok(StatementState::Started),
        Some("FINISHED") => Ok(StatementState::Finished),
        Some("FAILED") => Ok(StatementState::Failed),
        Some("ABORTED") => Ok(StatementState::Aborted),
        Some(other) => Err(ServiceFault::new(ErrorKind::Defect, format!("unknown statement status `{other}`"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::error::chain;
    use crate::testing::{Exchange, statement};

    fn data_api(exchange: &Exchange) -> DataApi {
        DataApi::new(Client::new(&exchange.sdk()))
    }

    fn call(mode: Mode, statements: Vec<SqlText>) -> Call {
        Call {
            connection: Connection {
                warehouse: WarehouseName::Workgroup("analytics".to_owned()),
                database: "immuta".to_owned(),
                secret: "arn:secret".to_owned(),
            },
            statements,
            mode,
            token: "token".to_owned(),
            name: "redoubt".to_owned(),
            with_event: true,
        }
    }

    #[tokio::test]
    async fn a_single_statement_outside_a_transaction_goes_alone() {
        let exchange = Exchange::of([(200, json!({"Id": "s1"}))]);
        let id = data_api(&exchange).submit(&call(Mode::AutoCommit, vec![statement("one")])).await.unwrap();
        assert_eq!(id, "s1");
        let (target, body) = exchange.request(0);
        assert_eq!(target, "RedshiftData.ExecuteStatement");
        assert_eq!(
            body,
            json!({
                "Sql": statement("one").execute(), "WorkgroupName": "analytics", "Database": "immuta",
                "SecretArn": "arn:secret", "ClientToken": "token", "StatementName": "redoubt", "WithEvent": true,
            })
        );
    }

    #[tokio::test]
    async fn everything_else_goes_as_a_batch_in_its_mode() {
        let exchange = Exchange::of([(200, json!({"Id": "s1"})), (200, json!({"Id": "s2"}))]);
        let api = data_api(&exchange);
        api.submit(&call(Mode::Transaction, vec![statement("one")])).await.unwrap();
        let mut second = call(Mode::AutoCommit, vec![statement("one"), statement("two")]);
        second.connection.warehouse = WarehouseName::Cluster("dwh".to_owned());
        assert_eq!(api.submit(&second).await.unwrap(), "s2");
        let (target, body) = exchange.request(0);
        assert_eq!(
            (target.as_str(), &body["ExecutionMode"]),
            ("RedshiftData.BatchExecuteStatement", &json!("TRANSACTION"))
        );
        assert_eq!(body["Sqls"], json!([statement("one").execute()]));
        let (_, body) = exchange.request(1);
        assert_eq!((&body["ExecutionMode"], &body["ClusterIdentifier"]), (&json!("AUTO_COMMIT"), &json!("dwh")));
        assert_eq!(body["Sqls"].as_array().unwrap().len(), 2);
        assert_eq!(body.get("WorkgroupName"), None);
    }

    #[tokio::test]
    async fn refusals_have_the_kind_of_their_code() {
        for (http_status, code, kind) in [
            (400, "ThrottlingException", ErrorKind::Retry),
            (400, "ActiveStatementsExceededException", ErrorKind::Retry),
            (400, "ActiveSessionsExceededException", ErrorKind::Retry),
            (500, "InternalServerException", ErrorKind::Retry),
            (500, "BatchExecuteStatementException", ErrorKind::Retry),
            (503, "Unheard", ErrorKind::Retry),
            (400, "ValidationException", ErrorKind::Reject),
            (400, "ResourceNotFoundException", ErrorKind::Reject),
            (400, "AccessDeniedException", ErrorKind::Defect),
        ] {
            let exchange = Exchange::of([(http_status, json!({"__type": code, "Message": "no"}))]);
            let error = data_api(&exchange).submit(&call(Mode::Transaction, vec![statement("x")])).await.unwrap_err();
            assert_eq!(error.kind(), kind, "{code}");
            assert_eq!(error.source.code(), Some(code));
        }
        let exchange = Exchange::of([(500, json!({"__type": "ExecuteStatementException"}))]);
        let error = data_api(&exchange).submit(&call(Mode::AutoCommit, vec![statement("x")])).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Retry);
        let exchange = Exchange::of([(400, json!({"__type": "ResourceNotFoundException", "Message": "gone"}))]);
        let error = data_api(&exchange).describe("s").await.unwrap_err();
        assert_eq!(chain(&error), "can't learn the state of statement `s`: ResourceNotFoundException: gone");
        assert_eq!(error.kind(), ErrorKind::Reject);
    }

    #[tokio::test]
    async fn a_lost_connection_is_retried() {
        let error = data_api(&Exchange::of([])).describe("s").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Retry);
        assert!(chain(&error).contains("could not be sent"), "{}", chain(&error));
    }

    #[tokio::test]
    async fn errors_never_hold_sql() {
        let sql = statement("hush").execute().to_owned();
        let message = format!("1 validation error detected: Value '{sql}' at 'sql' failed to satisfy constraint");
        let garbled = json!({"Id": 1, "QueryString": sql});
        let replies = [(400, json!({"__type": "ValidationException", "Message": message})), (200, garbled.clone())];
        let exchange = Exchange::of(replies.into_iter().chain([(200, garbled)]));
        let api = data_api(&exchange);
        for _ in 0..2 {
            let error = api.submit(&call(Mode::AutoCommit, vec![statement("hush")])).await.unwrap_err();
            let shown = format!("{error:?} {}", chain(&error));
            assert!(!shown.contains("hush"), "{shown}");
        }
        let error = api.describe("s").await.unwrap_err();
        let shown = format!("{error:?} {}", chain(&error));
        assert!(!shown.contains("hush"), "{shown}");
    }

    #[tokio::test]
    async fn states_are_read_with_those_of_the_parts() {
        let described = json!({
            "Id": "s", "Status": "FAILED", "Error": "part 2",
            "SubStatements": [
                {"Id": "s:1", "Status": "FINISHED"},
                {"Id": "s:2", "Status": "FAILED", "Error": "no such table"},
                {"Id": "s:3", "Status": "ABORTED"},
            ],
        });
        let exchange = Exchange::of([(200, described), (200, json!({"Id": "s", "Status": "PICKED"}))]);
        let api = data_api(&exchange);
        let report = api.describe("s").await.unwrap();
        assert_eq!((report.state, report.error.as_deref()), (StatementState::Failed, Some("part 2")));
        let parts: Vec<_> = report.parts.iter().map(|part| (part.state, part.error.as_deref())).collect();
        assert_eq!(
            parts,
            [
                (StatementState::Finished, None),
                (StatementState::Failed, Some("no such table")),
                (StatementState::Aborted, None)
            ]
        );
        let picked = Report { state: StatementState::Picked, error: None, parts: Vec::new() };
        assert_eq!(api.describe("s").await.unwrap(), picked);
        assert_eq!(exchange.request(1), ("RedshiftData.DescribeStatement".to_owned(), json!({"Id": "s"})));
    }

    #[test]
    fn a_status_nobody_knows_is_a_defect() {
        assert_eq!(state(Some("MELTED")).unwrap_err().kind(), ErrorKind::Defect);
    }
}
