//! A real PostgreSQL behind the stand-in: set up, given views and profiles by the statements that a deployment sends, and
//! asked as each user.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_redshiftdata::{
    Client,
    config::{Credentials, SharedCredentialsProvider, retry::RetryConfig},
    types::{ExecutionMode, StatusString},
};
use redoubt_core::{
    event::wire,
    interpret::Keys,
    model::Integration,
    render::{
        install::{self, Connection},
        profile,
        view::{self, Application, Place, Revision},
    },
    sql::{SqlText, Text},
};
use redoubt_local::{Config, Standin, postgres::session};
use redoubt_tests::stack::{ident, literal};
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio_postgres::SimpleQueryMessage;

use crate::{
    scene::{Planned, Prepared},
    secrets::SecretsManager,
};

const DATABASE: &str = "dev";
const ADMINISTRATOR: &str = "awsuser";
const SYSTEM: &str = "redoubt_system";
const PASSWORD: &str = "Redoubt-local-1";
const WORKGROUP: &str = "redoubt-local";
/// Schema of the raw tables.
pub const RAW: &str = "raw";
/// Statements that one call of the Data API may carry.
const MOST_STATEMENTS: usize = 40;
/// Bytes that one call may carry.
const MOST_BYTES: usize = 90_000;
const FUNCTION: &str = "redoubt-mask";
const SECRET: &str = "redoubt-master";

pub struct Warehouse {
    /// Until it is stopped.
    standin: Mutex<Option<Standin>>,
    port: u16,
    data_api: Client,
    administrator: tokio_postgres::Client,
    integration: Integration,
    directory: PathBuf,
    revision: AtomicU64,
    _secrets: SecretsManager,
}

/// Rows as text, nulls apart, or the database's message.
pub type Answer = Result<Vec<Vec<Option<String>>>, String>;

/// The binary of the `mask` function, which is built beside this test.
fn mask_binary() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let binary = test.parent().and_then(Path::parent).unwrap().join("mask");
    assert!(binary.exists(), "{} is not there: run `make build`", binary.display());
    binary
}

impl Warehouse {
    /// Starts one, which must be stopped, and before that be set up.
    pub async fn start(master_secret: &str) -> Self {
        let secrets = SecretsManager::start(SECRET, master_secret);
        let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
        let directory = std::env::temp_dir().join(format!("redoubt-differential-{}-{nanos}", std::process::id()));
        let accounts = directory.with_extension("json");
        let account = |user: &str| json!({"username": user, "password": PASSWORD});
        let content = json!({"administrator": account(ADMINISTRATOR), "system": account(SYSTEM)});
        std::fs::write(&accounts, content.to_string()).unwrap();
        let credentials = Credentials::new("test", "test", None, None, "test");
        let environment = [
            ("AWS_ENDPOINT_URL", secrets.url().to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
            ("REDOUBT_MASTER_SECRET", SECRET.to_owned()),
            ("REDOUBT_TABLE", "none".to_owned()),
        ];
        let mut config = Config::new(&directory).lambda(FUNCTION, mask_binary(), environment);
        config.throttle = false;
        config.secrets = Some(accounts.clone());
        config.aws = Some(
            SdkConfig::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::new("us-east-1"))
                .credentials_provider(SharedCredentialsProvider::new(credentials.clone()))
                .build(),
        );
        let standin = Standin::start(config).await.unwrap();
        std::fs::remove_file(accounts).unwrap();
        let data_api = Client::from_conf(
            aws_sdk_redshiftdata::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::new("us-east-1"))
                .credentials_provider(credentials)
                .retry_config(RetryConfig::disabled())
                .endpoint_url(standin.endpoint())
                .build(),
        );
        let administrator = session::connect(standin.pg_port(), ADMINISTRATOR, DATABASE).await.unwrap();
        Self {
            port: standin.pg_port(),
            standin: Mutex::new(Some(standin)),
            data_api,
            administrator,
            integration: integration(),
            directory,
            revision: AtomicU64::new(1),
            _secrets: secrets,
        }
    }

    /// Stops it, whatever is still going on.
    pub async fn stop(&self) {
        let standin = self.standin.lock().unwrap().take();
        if let Some(standin) = standin {
            standin.stop().await.unwrap();
        }
        let _ = std::fs::remove_dir_all(&self.directory);
    }

    /// Does what a deployment does first, and makes a place for raw tables.
    pub async fn set_up(&self) {
        for step in install::setup(&self.integration).unwrap() {
            let secret = match step.connection {
                Connection::SetupElsewhere | Connection::Setup => "administrator",
                Connection::System => "system",
            };
            self.call(secret, ExecutionMode::Transaction, &step.statements).await;
        }
        let (raw, system) = (ident(RAW), ident(SYSTEM));
        self.run(&format!("CREATE SCHEMA {raw}; GRANT USAGE ON SCHEMA {raw} TO {system}")).await;
    }

    /// Runs SQL as the administrator, past the Data API.
    async fn run(&self, sql: &str) {
        self.administrator
            .batch_execute(sql)
            .await
            .unwrap_or_else(|error| panic!("{}: {sql}", session::describe(&error)));
    }

    /// Sends statements as Redoubt does; each must succeed.
    async fn call(&self, secret: &str, mode: ExecutionMode, statements: &[SqlText]) {
        let failures = self.try_call(secret, mode, statements).await;
        assert!(failures.is_empty(), "{failures:?}");
    }

    /// Sends statements and gives the places of those that failed, with the message.
    async fn try_call(&self, secret: &str, mode: ExecutionMode, statements: &[SqlText]) -> BTreeMap<usize, String> {
        let mut failures = BTreeMap::new();
        let mut done = 0;
        while done < statements.len() {
            let mut bytes = 0;
            let fitting = statements[done..].iter().take(MOST_STATEMENTS).take_while(|statement| {
                bytes += statement.len();
                bytes <= MOST_BYTES
            });
            let count = fitting.count().max(1);
            let sqls = statements[done..done + count].iter().map(|sql| sql.execute().to_owned()).collect();
            let call = self.data_api.batch_execute_statement();
            let call = call.workgroup_name(WORKGROUP).database(DATABASE).secret_arn(secret);
            let submitted =
                call.set_sqls(Some(sqls)).execution_mode(mode.clone()).wait_time_seconds(30).send().await.unwrap();
            let mut described = self.data_api.describe_statement().id(submitted.id().unwrap()).send().await.unwrap();
            while !matches!(
                described.status(),
                Some(StatusString::Finished | StatusString::Failed | StatusString::Aborted)
            ) {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                described = self.data_api.describe_statement().id(submitted.id().unwrap()).send().await.unwrap();
            }
            for (place, sub) in described.sub_statements().iter().enumerate() {
                if let Some(error) = sub.error() {
                    failures.insert(done + place, error.to_owned());
                }
            }
            if failures.is_empty()
                && let Some(error) = described.error()
            {
                failures.insert(done, error.to_owned());
            }
            done += count;
        }
        failures
    }

    /// Makes tables and accounts of scenes, and puts their profiles and views in force. Gives what the database says of
    /// views that it refuses, by identity of the source.
    pub async fn put(&self, scenes: &[&Prepared]) -> BTreeMap<String, String> {
        let mut tables = String::from("BEGIN;");
        for scene in scenes {
            for person in &scene.people {
                tables.push_str(&format!("CREATE ROLE {} LOGIN;", ident(person.account())));
            }
            for planned in &scene.sources {
                tables.push_str(&table(planned));
            }
        }
        tables.push_str("COMMIT");
        self.run(&tables).await;

        let names = &self.integration.names;
        let revision = self.revision.fetch_add(1, Ordering::SeqCst);
        let seed = Text::new(format!("{revision:064x}")).unwrap();
        let planned = || {
            let sources = scenes.iter().flat_map(|scene| &scene.sources);
            sources.filter_map(|planned| Some((planned, planned.plan.as_ref().ok()?)))
        };
        let mut statements: Vec<SqlText> =
            planned().map(|(planned, _)| view::prepare(names, &planned.source.id, &seed)).collect();
        for scene in scenes {
            let joined = scene.projects.iter().filter(|project| project.masked_joins);
            statements.extend(joined.map(|project| view::prepare_project(names, project.id.text(), &seed)));
        }
        self.call("system", ExecutionMode::AutoCommit, &statements).await;

        let profiles: Vec<_> =
            scenes.iter().flat_map(|scene| &scene.people).filter_map(|person| person.profile(revision)).collect();
        for some in profiles.chunks(40) {
            self.call("system", ExecutionMode::Transaction, &profile::merge(names, some)).await;
        }

        let mut refused = BTreeMap::new();
        let mut calls = Vec::new();
        let mut whose = Vec::new();
        for (planned, plan) in planned() {
            let source = &planned.source;
            let place = Place {
                names,
                database: &self.integration.database,
                schema: &self.integration.view_schema,
                view: &source.view,
            };
            let view = view::view(plan, &place);
            match view::apply(&view, &place, Revision { source: &source.id, revision, claim: 1 }) {
                Application::Call(call) => {
                    whose.push(source.id.as_str().to_owned());
                    calls.push(call);
                }
                Application::Guarded(statements) => {
                    let failures = self.try_call("system", ExecutionMode::Transaction, &statements).await;
                    if let Some((_, message)) = failures.into_iter().next() {
                        refused.insert(source.id.as_str().to_owned(), message);
                    }
                }
            }
        }
        // Views are made one by one, so half of them at a time keep two processors busy.
        let half = calls.len() / 2;
        let (first, last) = calls.split_at(half);
        let (first, last) = tokio::join!(
            self.try_call("system", ExecutionMode::AutoCommit, first),
            self.try_call("system", ExecutionMode::AutoCommit, last),
        );
        let last = last.into_iter().map(|(place, message)| (place + half, message));
        refused.extend(first.into_iter().chain(last).map(|(place, message)| (whose[place].clone(), message)));
        refused
    }

    /// The secrets of a scene's sources, by identity.
    pub async fn keys(&self, scene: &Prepared) -> BTreeMap<String, Keys> {
        let named = scene.sources.iter().map(|planned| planned.source.id.as_str());
        let named: Vec<String> =
            named.chain(scene.projects.iter().map(|project| project.id.as_str())).map(literal).collect();
        if named.is_empty() {
            return BTreeMap::new();
        }
        let system = ident(self.integration.names.system.as_str());
        let sql = format!(
            "SELECT source, column_name, salt, token FROM {system}.masking_key WHERE source IN ({})",
            named.join(", ")
        );
        let rows = rows(&self.administrator.simple_query(&sql).await.unwrap());
        let mut keys: BTreeMap<String, Keys> = BTreeMap::new();
        let mut project_salts = BTreeMap::new();
        for row in rows {
            let [Some(source), Some(column), salt, token] = row.as_slice() else { panic!("a key without source") };
            if column == "@project" {
                project_salts.insert(Text::new(source.as_str()).unwrap(), salt.clone().unwrap());
            } else {
                let key = keys.entry(source.clone()).or_default();
                (key.salt, key.token) = (salt.clone(), token.clone());
            }
        }
        for key in keys.values_mut() {
            key.project_salts = project_salts.clone();
        }
        keys
    }

    /// What one person sees of sources, over PostgreSQL's own port.
    pub async fn ask(&self, account: &str, sources: &[&Planned]) -> Vec<Answer> {
        let client = session::connect(self.port, account, DATABASE).await.unwrap();
        let mut answers = Vec::new();
        for planned in sources {
            let schema = ident(self.integration.view_schema.as_str());
            let sql = format!("SELECT * FROM {schema}.{}", ident(planned.source.view.as_str()));
            let answer = client.simple_query(&sql).await;
            answers.push(answer.map(|messages| rows(&messages)).map_err(|error| session::describe(&error)));
        }
        answers
    }

    /// The text of a source's view, for reports.
    pub fn view(&self, planned: &Planned) -> String {
        let place = Place {
            names: &self.integration.names,
            database: &self.integration.database,
            schema: &self.integration.view_schema,
            view: &planned.source.view,
        };
        planned
            .plan
            .as_ref()
            .map_or_else(ToString::to_string, |plan| view::view_indented(plan, &place).execute().to_owned())
    }
}

fn rows(messages: &[SimpleQueryMessage]) -> Vec<Vec<Option<String>>> {
    let rows = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some((0..row.len()).map(|place| row.get(place).map(str::to_owned)).collect()),
        _ => None,
    });
    rows.collect()
}

/// The raw table of a source, with its rows. Types are those PostgreSQL knows: it counts characters, and has no binary
/// type with a length.
fn table(planned: &Planned) -> String {
    let source = &planned.source;
    let name = format!("{}.{}", ident(source.schema.as_str()), ident(source.table.as_str()));
    let columns: Vec<String> = source
        .columns
        .iter()
        .map(|column| {
            let data_type = column.data_type.to_string();
            let data_type = if data_type.starts_with("VARBYTE") { "VARBYTE" } else { &data_type };
            format!("{} {data_type}", ident(column.name.as_str()))
        })
        .collect();
    let system = ident(SYSTEM);
    let mut sql = format!("CREATE TABLE {name} ({}); GRANT SELECT ON {name} TO {system};", columns.join(", "));
    let rows: Vec<String> = planned
        .literals
        .iter()
        .map(|row| {
            let cells: Vec<String> =
                row.iter().map(|cell| cell.as_deref().map_or_else(|| "NULL".to_owned(), literal)).collect();
            format!("({})", cells.join(", "))
        })
        .collect();
    // One at a time, so that each literal takes its column's type by itself.
    for row in rows {
        sql.push_str(&format!("INSERT INTO {name} VALUES {row};"));
    }
    sql
}

fn integration() -> Integration {
    let digest = Sha256::digest(format!("{PASSWORD}a1"));
    let document: wire::IntegrationDocument = serde_json::from_value(json!({
        "id": "wh", "version": 1, "host": "wh", "workgroup": WORKGROUP, "mode": "single_database", "database": DATABASE,
        "view_schema": "governed", "system_user": SYSTEM, "secret": "system", "mask": {"function": FUNCTION},
        "setup": {
            "secret": "administrator", "database": DATABASE,
            "system_user_password_digest": format!("sha256|{}|a1", redoubt_core::render::hex(&digest)),
        },
    }))
    .unwrap();
    Integration::check(&document).unwrap()
}
