//! A warehouse of a test's own.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
};

use aws_config::{BehaviorVersion, Region};
use aws_sdk_redshiftdata::{
    Client,
    config::{Credentials, retry::RetryConfig},
    types::{ExecutionMode, StatusString},
};
use redoubt_core::{
    model::Integration,
    render::{
        install::{self, Connection, Step},
        profile::{self, Profile},
        view::{self, Application, Revision},
    },
    sql::{SqlText, Text},
};
use redoubt_local::{Config, Standin, postgres::session};
use redoubt_tests::case::Case;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio_postgres::SimpleQueryMessage;

const DATABASE: &str = "dev";
pub const ADMINISTRATOR: &str = "awsuser";
pub const SYSTEM: &str = "redoubt_system";
const PASSWORD: &str = "Redoubt-local-1";
const WORKGROUP: &str = "redoubt-local";

pub struct Warehouse {
    port: u16,
    data_api: Client,
    revision: AtomicU64,
}

/// One account's session, over PostgreSQL's own port.
pub struct Session(tokio_postgres::Client);

/// The fields of an integration of such a warehouse.
pub fn integration(impersonation: bool) -> Value {
    let digest = Sha256::digest(format!("{PASSWORD}a1"));
    json!({
        "workgroup": WORKGROUP, "mode": "single_database", "database": DATABASE, "system_user": SYSTEM,
        "impersonation": impersonation,
        "setup": {
            "secret": "administrator", "database": DATABASE,
            "system_user_password_digest": format!("sha256|{}|a1", redoubt_core::render::hex(&digest)),
        },
    })
}

/// Runs a test in a warehouse, and stops PostgreSQL whatever becomes of the test.
pub fn with<F: Future<Output = ()>>(test: impl FnOnce(Warehouse) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    let directory = std::env::temp_dir().join(format!("redoubt-warehouse-{}-{nanos}", std::process::id()));
    let standin = runtime.block_on(start(directory.clone()));
    let warehouse =
        Warehouse { port: standin.pg_port(), data_api: data_api(&standin.endpoint()), revision: AtomicU64::new(1) };
    let outcome = catch_unwind(AssertUnwindSafe(|| runtime.block_on(test(warehouse))));
    runtime.block_on(standin.stop()).unwrap();
    let _ = std::fs::remove_dir_all(directory);
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
}

async fn start(directory: PathBuf) -> Standin {
    let accounts = directory.with_extension("json");
    let account = |user: &str| json!({"username": user, "password": PASSWORD});
    let content = json!({"administrator": account(ADMINISTRATOR), "system": account(SYSTEM)});
    std::fs::write(&accounts, content.to_string()).unwrap();
    let mut config = Config::new(directory);
    config.throttle = false;
    config.secrets = Some(accounts.clone());
    let standin = Standin::start(config).await.unwrap();
    std::fs::remove_file(accounts).unwrap();
    standin
}

fn data_api(endpoint: &str) -> Client {
    Client::from_conf(
        aws_sdk_redshiftdata::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .retry_config(RetryConfig::disabled())
            .endpoint_url(endpoint)
            .build(),
    )
}

impl Warehouse {
    /// Does what a deployment does first.
    pub async fn set_up(&self, integration: &Integration) {
        self.take(&install::setup(integration).unwrap()).await;
    }

    /// Does what a changed integration asks for.
    pub async fn change(&self, before: &Integration, after: &Integration) {
        let steps = install::change_steps(before, after).unwrap();
        self.take(&[steps.first, steps.last].concat()).await;
    }

    async fn take(&self, steps: &[Step]) {
        for step in steps {
            let secret = match step.connection {
                Connection::SetupElsewhere | Connection::Setup => "administrator",
                Connection::System => "system",
            };
            let failure = self.call(secret, ExecutionMode::Transaction, &step.statements).await;
            let tolerated = failure.as_ref().is_none_or(|failure| step.tolerates.covers(failure));
            assert!(tolerated, "step `{}`: {failure:?}", step.name);
        }
    }

    /// Sends statements as Redoubt does, and gives the message of one that failed.
    async fn call(&self, secret: &str, mode: ExecutionMode, statements: &[SqlText]) -> Option<String> {
        let sqls = statements.iter().map(|sql| sql.execute().to_owned()).collect();
        let call = self.data_api.batch_execute_statement().workgroup_name(WORKGROUP).database(DATABASE);
        let call = call.secret_arn(secret).set_sqls(Some(sqls)).execution_mode(mode).wait_time_seconds(30);
        let submitted = call.send().await.unwrap();
        loop {
            let described = self.data_api.describe_statement().id(submitted.id().unwrap()).send().await.unwrap();
            match described.status() {
                Some(StatusString::Finished) => return None,
                Some(StatusString::Failed | StatusString::Aborted) => {
                    let of_parts = described.sub_statements().iter().find_map(|part| part.error());
                    return of_parts.or(described.error()).map(str::to_owned);
                }
                _ => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
            }
        }
    }

    /// Sends statements of the system account, each a transaction of its own.
    pub async fn system(&self, statements: &[SqlText]) -> Option<String> {
        self.call("system", ExecutionMode::AutoCommit, statements).await
    }

    /// A revision that nothing had yet.
    pub fn next(&self) -> u64 {
        self.revision.fetch_add(1, Ordering::SeqCst)
    }

    /// Puts the views of a case in force.
    pub async fn apply(&self, case: &Case) {
        let names = &case.integration.names;
        for project in ["churn"] {
            let seed = Text::new("5eed").unwrap();
            let project = Text::new(project).unwrap();
            assert_eq!(self.system(&[view::prepare_project(names, &project, &seed)]).await, None);
        }
        let views = case.views();
        assert_eq!(views.len(), case.sources.len(), "a source without a view");
        for (source, view) in views {
            let prepared = view::prepare(names, &source.id, &Text::new("5eed").unwrap());
            let revision = Revision { source: &source.id, revision: self.next(), claim: 1 };
            let Application::Call(call) = view::apply(&view, &case.place(source), revision) else {
                panic!("a long view");
            };
            assert_eq!(self.system(&[prepared, call]).await, None, "{}", source.id);
        }
    }

    /// Stores profiles.
    pub async fn tell(&self, integration: &Integration, profiles: &[Profile]) {
        let statements = profile::merge(&integration.names, profiles);
        assert_eq!(self.call("system", ExecutionMode::Transaction, &statements).await, None);
    }

    /// Opens a session.
    pub async fn session(&self, account: &str) -> Session {
        Session(session::connect(self.port, account, DATABASE).await.unwrap())
    }

    /// Runs SQL as the administrator.
    pub async fn administer(&self, sql: &str) {
        self.session(ADMINISTRATOR).await.run(sql).await;
    }
}

impl Session {
    /// Runs SQL that must succeed.
    pub async fn run(&self, sql: &str) {
        self.0.batch_execute(sql).await.unwrap_or_else(|error| panic!("{}: {sql}", session::describe(&error)));
    }

    /// What a statement shows: a line for each row, values joined by `|`, nulls as `NULL`; or the database's message.
    pub async fn see(&self, sql: &str) -> String {
        match self.0.simple_query(sql).await {
            Ok(messages) => {
                let rows = messages.iter().filter_map(|message| match message {
                    SimpleQueryMessage::Row(row) => {
                        let cells = (0..row.len()).map(|place| row.get(place).unwrap_or("NULL"));
                        Some(cells.collect::<Vec<_>>().join("|"))
                    }
                    _ => None,
                });
                rows.collect::<Vec<_>>().join("\n")
            }
            Err(error) => session::describe(&error),
        }
    }
}
