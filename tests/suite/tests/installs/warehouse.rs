//! A stand-in of this test's own, with the accounts that set warehouses up.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
};

use aws_sdk_redshiftdata::{
    Client,
    config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider, retry::RetryConfig},
    types::{ExecutionMode, StatusString},
};
use redoubt_core::{
    model::Integration,
    render::install::{Connection, LookMeaning, Step, StepMode, Tolerates},
};
use redoubt_local::{Config, Standin, postgres::session};
use redoubt_tests::script::Part;
use serde_json::json;
use tokio_postgres::SimpleQueryMessage;

const PASSWORD: &str = "Redoubt-local-1";
/// The digest of that with the salt `a1`.
pub(crate) const DIGEST: &str = "sha256|d17c749ece06133507046393ce4dd393f3bf9f9f721662571ab0fd8f7f720980|a1";
/// Accounts that can do what the documentation says that they must, by secret. The parameter is where the stand-in keeps salts.
const ACCOUNTS: &str = "\
    CREATE ROLE makes_databases LOGIN CREATEDB CREATEROLE; \
    CREATE ROLE is_granted LOGIN CREATEROLE; \
    GRANT SET ON PARAMETER redshift.password_salt TO makes_databases, is_granted; \
    CREATE DATABASE analytics";
const GRANTED: &str = "\
    GRANT CREATE, TEMPORARY, CONNECT ON DATABASE analytics TO is_granted WITH GRANT OPTION; \
    GRANT USAGE ON LANGUAGE exfunc TO is_granted WITH GRANT OPTION";

pub(crate) struct Warehouse {
    standin: Standin,
    data_api: Client,
    directory: PathBuf,
}

impl Warehouse {
    pub(crate) async fn start() -> Self {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let directory = std::env::temp_dir().join(format!("redoubt-installs-{}-{number}", std::process::id()));
        let secrets = directory.with_extension("json");
        let account = |user: &str| json!({"username": user, "password": PASSWORD});
        let content = json!({
            "administrator": account("awsuser"), "system": account("redoubt_system"),
            "makes_databases": account("makes_databases"), "is_granted": account("is_granted"),
        });
        std::fs::write(&secrets, content.to_string()).unwrap();
        let mut config = Config::new(&directory);
        config.throttle = false;
        config.secrets = Some(secrets.clone());
        let credentials = SharedCredentialsProvider::new(Credentials::new("test", "test", None, None, "test"));
        config.aws = Some(
            aws_config::SdkConfig::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::new("us-east-1"))
                .credentials_provider(credentials.clone())
                .build(),
        );
        let standin = Standin::start(config).await.unwrap();
        std::fs::remove_file(secrets).unwrap();
        let data_api = Client::from_conf(
            aws_sdk_redshiftdata::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::new("us-east-1"))
                .credentials_provider(credentials)
                .retry_config(RetryConfig::disabled())
                .endpoint_url(standin.endpoint())
                .build(),
        );
        let warehouse = Self { standin, data_api, directory };
        for statement in ACCOUNTS.split("; ") {
            warehouse.administer("dev", statement).await;
        }
        for account in ["makes_databases", "is_granted"] {
            warehouse.administer("dev", &format!("ALTER ROLE {account} PASSWORD '{PASSWORD}'")).await;
        }
        warehouse.administer("analytics", GRANTED).await;
        warehouse
    }

    pub(crate) async fn stop(self) {
        self.standin.stop().await.unwrap();
        let _ = std::fs::remove_dir_all(self.directory);
    }

    /// Runs SQL of PostgreSQL as the administrator.
    pub(crate) async fn administer(&self, database: &str, sql: &str) {
        let client = session::connect(self.standin.pg_port(), "awsuser", database).await.unwrap();
        client.batch_execute(sql).await.unwrap_or_else(|error| panic!("{}: {sql}", session::describe(&error)));
    }

    /// The first column of a query, as the administrator.
    pub(crate) async fn ask(&self, database: &str, sql: &str) -> Vec<String> {
        self.ask_as("awsuser", database, sql).await
    }

    async fn ask_as(&self, user: &str, database: &str, sql: &str) -> Vec<String> {
        let client = session::connect(self.standin.pg_port(), user, database).await.unwrap();
        let answer = client.simple_query(sql).await;
        let messages = answer.unwrap_or_else(|error| panic!("{}: {sql}", session::describe(&error)));
        let row = |message: &SimpleQueryMessage| match message {
            SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
            _ => None,
        };
        messages.iter().filter_map(row).collect()
    }

    /// A policy view of the system account, and rows that nobody told the removal of.
    pub(crate) async fn view_and_table(&self, integration: &Integration) {
        let sql =
            ["CREATE VIEW governed.v AS SELECT 1 AS a", "CREATE VIEW governed.\"An \"\"odd one\" AS SELECT 2 AS a"];
        let sql: Vec<String> = sql.map(str::to_owned).into();
        let failures = self.call("system", integration.database.as_str(), StepMode::Together, &sql).await;
        assert!(failures.is_empty(), "{failures:?}");
    }

    /// Runs steps, each twice, as after an interruption.
    pub(crate) async fn run(&self, integration: &Integration, secret: &str, steps: &[Step]) {
        self.try_run(integration, secret, steps).await.unwrap_or_else(|refused| panic!("{refused}"));
    }

    /// The same, up to the first step that is refused or fails.
    pub(crate) async fn try_run(&self, integration: &Integration, secret: &str, steps: &[Step]) -> Result<(), String> {
        for step in steps {
            let (secret, user, database) = match step.connection {
                Connection::System => ("system", "redoubt_system", integration.database.as_str()),
                Connection::Setup => (secret, secret, integration.database.as_str()),
                Connection::SetupElsewhere => (secret, secret, "dev"),
            };
            let user = if user == "administrator" { "awsuser" } else { user };
            if let Some(look) = &step.look {
                let count = self.ask_as(user, database, look.query.execute()).await;
                match &look.meaning {
                    _ if count == ["0"] => {}
                    LookMeaning::Exists { refuse: None } => continue,
                    LookMeaning::Exists { refuse: Some(refuse) } | LookMeaning::MustBeNone { refuse } => {
                        return Err(format!("{}: {refuse}", step.name));
                    }
                }
            }
            for _ in 0..2 {
                let sql: Vec<String> = step.statements.iter().map(|sql| sql.execute().to_owned()).collect();
                let failures = self.call(secret, database, step.mode, &sql).await;
                if let Some(failure) = failures.iter().find(|failure| !step.tolerates.covers(failure)) {
                    return Err(format!("{}: {failure}", step.name));
                }
            }
        }
        Ok(())
    }

    /// Runs a part of a script as the one it names.
    pub(crate) async fn by_hand(&self, part: &Part) {
        let unquoted = |name: &String| name.trim_matches('"').to_owned();
        let database = part.database.as_ref().map_or("dev".to_owned(), unquoted);
        let secret = if part.who == "an administrator" { "administrator" } else { "system" };
        let mut rest = part.statements.as_slice();
        while let Some((first, after)) = rest.split_first() {
            let (mode, sql) = if first == "BEGIN" {
                let end = after.iter().position(|sql| sql == "COMMIT").unwrap();
                rest = &after[end + 1..];
                (StepMode::Together, &after[..end])
            } else {
                let alone = &rest[..1];
                rest = after;
                (StepMode::Each, alone)
            };
            let asked = format!("'{DIGEST}'");
            let sql: Vec<String> = sql.iter().map(|sql| sql.replace(":'password_digest'", &asked)).collect();
            let failures = self.call(secret, &database, mode, &sql).await;
            assert!(failures.iter().all(|failure| Tolerates::Gone.covers(failure)), "{failures:?}: {sql:?}");
        }
    }

    /// Sends statements as Redoubt does, and gives the messages of those that failed.
    async fn call(&self, secret: &str, database: &str, mode: StepMode, sql: &[String]) -> Vec<String> {
        let mode = if mode == StepMode::Each || sql.len() == 1 {
            ExecutionMode::AutoCommit
        } else {
            ExecutionMode::Transaction
        };
        let call = self.data_api.batch_execute_statement().workgroup_name("redoubt-local").database(database);
        let call = call.secret_arn(secret).set_sqls(Some(sql.to_vec())).execution_mode(mode).wait_time_seconds(30);
        let submitted = call.send().await.unwrap();
        loop {
            let described = self.data_api.describe_statement().id(submitted.id().unwrap()).send().await.unwrap();
            let done = matches!(
                described.status(),
                Some(StatusString::Finished | StatusString::Failed | StatusString::Aborted)
            );
            if done {
                let parts = described.sub_statements().iter().filter_map(|part| part.error());
                let mut failures: Vec<String> = parts.map(str::to_owned).collect();
                if failures.is_empty() && described.status() != Some(&StatusString::Finished) {
                    failures.push(described.error().unwrap_or("no reason").to_owned());
                }
                return failures;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
}
