//! A stand-in that is set up as a deployment does it, with the mask program behind its external functions.

use std::{
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_redshiftdata::config::{Credentials, SharedCredentialsProvider, retry::RetryConfig};
use redoubt_aws::{
    port::{Call, Connection, Mode, StatementState, SystemClock, SystemEntropy, Warehouse as _},
    warehouse::DataApi,
    work,
};
use redoubt_core::{
    doctor::{Examination, Report},
    event::wire,
    model::Integration,
    render::install::Connection as Account,
    sql::SqlText,
};
use redoubt_local::{Config, Fault, Standin, postgres::session};
use redoubt_tests::{
    calls,
    stack::{ident, literal},
};
use serde_json::json;
use sha2::{Digest, Sha256};

/// Secrets are called as the accounts that they open.
pub const ADMINISTRATOR: &str = "awsuser";
pub const SYSTEM: &str = "redoubt_system";
/// An account without any rights of its own.
pub const READER: &str = "Ann O'Hara";

const ELSEWHERE: &str = "dev";
const DATABASE: &str = "immuta";
const PASSWORD: &str = "Redoubt-local-1";
const FUNCTION: &str = "redoubt-mask";

pub struct Warehouse {
    /// Until it is stopped.
    standin: Mutex<Option<Standin>>,
    port: u16,
    data_api: DataApi,
    integration: Integration,
    directory: PathBuf,
    calls: AtomicUsize,
}

/// The binary of the `mask` function, which is built beside this test.
fn mask_binary() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let binary = test.parent().and_then(Path::parent).unwrap().join("mask");
    assert!(binary.exists(), "{} is not there: run `make build`", binary.display());
    binary
}

impl Warehouse {
    /// Starts one and sets it up. It must be stopped.
    pub async fn start() -> Self {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let number = STARTED.fetch_add(1, Ordering::SeqCst);
        let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
        let directory = std::env::temp_dir().join(format!("redoubt-doctor-{}-{nanos}-{number}", std::process::id()));
        let accounts = directory.with_extension("json");
        let account = |user: &str| json!({"username": user, "password": PASSWORD});
        let content = json!({
            ADMINISTRATOR: account(ADMINISTRATOR), SYSTEM: account(SYSTEM), READER: account(READER),
        });
        std::fs::write(&accounts, content.to_string()).unwrap();
        let credentials = Credentials::new("test", "test", None, None, "test");
        // What is asked of the function here needs no secret and no table.
        let environment = [
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:9".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
            ("REDOUBT_MASTER_SECRET", "none".to_owned()),
            ("REDOUBT_TABLE", "none".to_owned()),
        ];
        let mut config = Config::new(&directory).lambda(FUNCTION, mask_binary(), environment);
        config.throttle = false;
        config.secrets = Some(accounts.clone());
        config.aws = Some(sdk(&credentials));
        let standin = Standin::start(config).await.unwrap();
        std::fs::remove_file(accounts).unwrap();
        let data_api = aws_sdk_redshiftdata::config::Builder::from(&sdk(&credentials))
            .retry_config(RetryConfig::disabled())
            .endpoint_url(standin.endpoint());
        let warehouse = Self {
            port: standin.pg_port(),
            standin: Mutex::new(Some(standin)),
            data_api: DataApi::new(aws_sdk_redshiftdata::Client::from_conf(data_api.build())),
            integration: integration(),
            directory,
            calls: AtomicUsize::new(0),
        };
        warehouse.set_up().await;
        warehouse
    }

    pub async fn stop(&self) {
        let standin = self.standin.lock().unwrap().take();
        if let Some(standin) = standin {
            standin.stop().await.unwrap();
        }
        let _ = std::fs::remove_dir_all(&self.directory);
    }

    async fn set_up(&self) {
        for step in calls::setup(&self.integration).unwrap() {
            let (account, database) = match step.connection {
                Account::SetupElsewhere => (ADMINISTRATOR, ELSEWHERE),
                Account::Setup => (ADMINISTRATOR, DATABASE),
                Account::System => (SYSTEM, DATABASE),
            };
            let mode = if step.statements.len() == 1 { Mode::AutoCommit } else { Mode::Transaction };
            self.call(account, database, mode, step.statements).await;
        }
        self.run(&format!("CREATE USER {} PASSWORD {}", ident(READER), literal(PASSWORD))).await;
    }

    fn connection(&self, account: &str, database: &str) -> Connection {
        let reader = work::second_account(&self.integration, Some(account)).unwrap();
        Connection { database: database.to_owned(), ..reader }
    }

    /// Sends statements as Redoubt does; they must succeed.
    async fn call(&self, account: &str, database: &str, mode: Mode, statements: Vec<SqlText>) {
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        let connection = self.connection(account, database);
        let (token, name) = (format!("test {number}"), "test".to_owned());
        let call = Call { connection, statements, mode, token, name, with_event: false };
        let id = self.data_api.submit(&call).await.unwrap();
        let report = loop {
            let report = self.data_api.describe(&id).await.unwrap();
            if report.state.is_final() {
                break report;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        assert_eq!(report.state, StatementState::Finished, "{report:?}");
    }

    /// Runs SQL as the administrator, past the Data API.
    async fn run(&self, sql: &str) {
        let client = session::connect(self.port, ADMINISTRATOR, DATABASE).await.unwrap();
        client.batch_execute(sql).await.unwrap_or_else(|error| panic!("{}: {sql}", session::describe(&error)));
    }

    pub async fn set_faults(&self, faults: &[Fault]) {
        let handle = self.standin.lock().unwrap().as_ref().and_then(|standin| standin.faults().cloned());
        handle.unwrap().replace(faults).await.unwrap();
    }

    /// Examines the warehouse with a second account.
    pub async fn examine(&self, reader: Option<&str>) -> Report {
        let reader = reader.map(|reader| self.connection(reader, "no matter which"));
        work::examine_with(&self.data_api, &SystemClock, &SystemEntropy, &self.integration, reader).await.unwrap()
    }

    /// Begins an examination that never ends.
    pub async fn leave_something_behind(&self) {
        for run in Examination::of(&self.integration).unwrap().begin {
            self.call(SYSTEM, DATABASE, Mode::Transaction, run.statements).await;
        }
    }

    /// Every schema, relation and function of Redoubt's database, and what was granted on them, by name.
    pub async fn objects(&self) -> Vec<String> {
        let client = session::connect(self.port, ADMINISTRATOR, DATABASE).await.unwrap();
        let sql = "SELECT 'schema ' || nspname || coalesce(nspacl::text, '') FROM pg_namespace \
                       WHERE nspname !~ '^pg_(toast_)?temp' \
                   UNION ALL SELECT 'relation ' || relnamespace::regnamespace || '.' || relname || coalesce(relacl::text, '') \
                       FROM pg_class WHERE relnamespace::regnamespace::text !~ '^pg_(toast|temp)' \
                   UNION ALL SELECT 'function ' || oid::regprocedure || coalesce(proacl::text, '') FROM pg_proc ORDER BY 1";
        let rows = client.query(sql, &[]).await.unwrap_or_else(|error| panic!("{}", session::describe(&error)));
        rows.iter().map(|row| row.get(0)).collect()
    }
}

fn sdk(credentials: &Credentials) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials.clone()))
        .build()
}

fn integration() -> Integration {
    let digest = Sha256::digest(format!("{PASSWORD}a1"));
    let document: wire::IntegrationDocument = serde_json::from_value(json!({
        "id": "wh", "version": 1, "host": "wh", "workgroup": "redoubt-local", "mode": "multi_database",
        "database": DATABASE, "view_schema": "governed", "system_user": SYSTEM, "secret": SYSTEM,
        "mask": {"function": FUNCTION},
        "setup": {
            "secret": ADMINISTRATOR, "database": ELSEWHERE,
            "system_user_password_digest": format!("sha256|{}|a1", redoubt_core::render::hex(&digest)),
        },
    }))
    .unwrap();
    Integration::check(&document).unwrap()
}
