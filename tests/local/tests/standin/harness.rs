//! One stand-in per test, stopped whatever becomes of the test.

use aws_sdk_redshiftdata::Client;
use aws_sdk_redshiftdata::config::retry::RetryConfig;
use aws_sdk_redshiftdata::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_redshiftdata::operation::describe_statement::DescribeStatementOutput;
use aws_sdk_redshiftdata::types::{ExecutionMode, Field};
use redoubt_local::postgres::prepared;
use redoubt_local::postgres::session::connect;
use redoubt_local::{Config, Standin};
use serde_json::Value;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

pub const WORKGROUP: &str = "redoubt-local";

pub struct Harness {
    pub client: Client,
    pub standin: Standin,
}

/// A directory of its own, removed at the end. The account of PostgreSQL can reach it.
pub struct Directory(pub PathBuf);

impl Directory {
    pub fn new() -> Self {
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
        let path = std::env::temp_dir().join(format!("redshift-standin-{}-{nanos}", std::process::id()));
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

pub fn config(directory: &Directory) -> Config {
    let secrets = directory.0.with_extension("json");
    std::fs::write(
        &secrets,
        r#"{"admin": {"username": "awsuser", "password": "Redoubt-local-1"},
            "wrong": {"username": "awsuser", "password": "Redoubt-local-2"},
            "nobody": {"username": "nobody", "password": "Redoubt-local-1"},
            "clear": {"username": "clear", "password": "Clear-text-1"},
            "digest": {"username": "digest", "password": "Salted-1"},
            "md5": {"username": "md5user", "password": "Hashed-1"}}"#,
    )
    .unwrap();
    let mut config = Config::new(&directory.0);
    config.throttle = false;
    config.prepared = prepared::beside_program();
    config.secrets = Some(secrets);
    config
}

/// Runs `test` against a stand-in set up by `adjust`.
pub fn run<F>(adjust: impl FnOnce(&mut Config), test: F)
where
    F: AsyncFnOnce(&Harness),
{
    let directory = Directory::new();
    let mut config = config(&directory);
    adjust(&mut config);
    let runtime = runtime();
    let harness = runtime.block_on(Harness::start(config.clone()));
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| runtime.block_on(test(&harness))));
    runtime.block_on(harness.standin.stop()).unwrap();
    if let Some(secrets) = config.secrets {
        let _ = std::fs::remove_file(secrets);
    }
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

impl Harness {
    pub async fn start(config: Config) -> Self {
        let standin = Standin::start(config).await.unwrap();
        let client = Client::from_conf(
            aws_sdk_redshiftdata::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::new("us-east-1"))
                .credentials_provider(Credentials::new("test", "test", None, None, "test"))
                .retry_config(RetryConfig::disabled())
                .endpoint_url(standin.endpoint())
                .build(),
        );
        Self { client, standin }
    }

    /// Submits one statement as `user` and waits for its end.
    pub async fn execute(&self, user: &str, database: &str, sql: &str) -> DescribeStatementOutput {
        let submitted = self
            .client
            .execute_statement()
            .workgroup_name(WORKGROUP)
            .database(database)
            .db_user(user)
            .sql(sql)
            .wait_time_seconds(30)
            .send()
            .await
            .unwrap();
        self.describe(submitted.id().unwrap()).await
    }

    pub async fn batch(
        &self,
        user: &str,
        database: &str,
        mode: ExecutionMode,
        sqls: &[&str],
    ) -> DescribeStatementOutput {
        let submitted = self
            .client
            .batch_execute_statement()
            .workgroup_name(WORKGROUP)
            .database(database)
            .db_user(user)
            .set_sqls(Some(sqls.iter().map(|sql| (*sql).to_owned()).collect()))
            .execution_mode(mode)
            .wait_time_seconds(30)
            .send()
            .await
            .unwrap();
        self.describe(submitted.id().unwrap()).await
    }

    pub async fn describe(&self, id: &str) -> DescribeStatementOutput {
        self.client.describe_statement().id(id).send().await.unwrap()
    }

    /// Runs statements as the administrator; each must succeed.
    pub async fn admin(&self, database: &str, sqls: &[&str]) {
        for sql in sqls {
            let ended = self.execute("awsuser", database, sql).await;
            assert_eq!(ended.error(), None, "{sql}");
        }
    }

    /// The error of one statement, which must fail.
    pub async fn error(&self, user: &str, database: &str, sql: &str) -> String {
        let ended = self.execute(user, database, sql).await;
        ended.error().unwrap_or_else(|| panic!("no error: {sql}")).to_owned()
    }

    /// The rows of a query, as text.
    pub async fn rows(&self, user: &str, database: &str, sql: &str) -> Vec<Vec<String>> {
        let ended = self.execute(user, database, sql).await;
        assert_eq!(ended.error(), None, "{sql}");
        self.result(ended.id()).await
    }

    pub async fn result(&self, id: &str) -> Vec<Vec<String>> {
        let mut rows = Vec::new();
        let mut token = None;
        loop {
            let page = self.client.get_statement_result().id(id).set_next_token(token).send().await.unwrap();
            rows.extend(page.records().iter().map(|record| record.iter().map(text).collect::<Vec<_>>()));
            token = page.next_token().map(str::to_owned);
            if token.is_none() {
                return rows;
            }
        }
    }

    /// The status and the body of a request's answer, where the request's own body is an empty object.
    pub async fn raw(&self, request: &str, header: &str) -> (u16, Value) {
        let address = self.standin.endpoint().replace("http://", "");
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request =
            format!("{request} HTTP/1.1\r\nhost: x\r\n{header}connection: close\r\ncontent-length: 2\r\n\r\n{{}}");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).await.unwrap();
        let status = response.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(response.split("\r\n\r\n").nth(1).unwrap()).unwrap())
    }

    /// The rows of a query through PostgreSQL's own port, as an analyst would ask.
    pub async fn direct(&self, user: &str, database: &str, sql: &str) -> Result<Vec<Vec<String>>, String> {
        let client = connect(self.standin.pg_port(), user, database).await.map_err(|error| error.to_string())?;
        let messages =
            client.simple_query(sql).await.map_err(|error| redoubt_local::postgres::session::describe(&error))?;
        Ok(messages
            .into_iter()
            .filter_map(|message| match message {
                tokio_postgres::SimpleQueryMessage::Row(row) => {
                    Some((0..row.len()).map(|place| row.get(place).unwrap_or("NULL").to_owned()).collect())
                }
                _ => None,
            })
            .collect())
    }
}

fn text(field: &Field) -> String {
    match field {
        Field::BooleanValue(value) => value.to_string(),
        Field::DoubleValue(value) => value.to_string(),
        Field::LongValue(value) => value.to_string(),
        Field::StringValue(value) => value.clone(),
        Field::IsNull(_) => "NULL".to_owned(),
        other => panic!("unexpected field {other:?}"),
    }
}
