//! A warehouse of a test's own, and Redoubt's functions around it.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_redshiftdata::{
    Client,
    config::{Credentials, SharedCredentialsProvider, retry::RetryConfig},
};
use redoubt_aws::{
    batch::{Message, Outcome},
    config::Config,
    error::{DescribeError, ErrorKind, SubmitError},
    fault::ServiceFault,
    port::{self, Call, Clock, Queue, Report, Row, Store, Warehouse},
    queue::MemoryQueues,
    runtime::App,
    store::MemoryStore,
    warehouse::{DataApi, MemoryWarehouse},
    work::{self, Submission},
};
use redoubt_core::{
    record::{Kind, Record, State, Status},
    render::hex,
};
use redoubt_local::{Config as Local, Fault, Standin, postgres::session};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};
use tokio_postgres::{Client as Session, SimpleQueryMessage};

use crate::secrets::SecretsManager;

/// The database that is there before Redoubt.
pub const ELSEWHERE: &str = "dev";
pub const ADMINISTRATOR: &str = "awsuser";
const PASSWORD: &str = "Redoubt-local-1";
const WORKGROUP: &str = "redoubt-local";
const FUNCTION: &str = "redoubt-mask";
const MASTER: &str = "redoubt-master";
pub const HOST: &str = "warehouse";

/// When the warehouse's front stops an invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Before this call, counted from 0 among those of setup, change and removal.
    Before(usize),
    /// After it has had its effect.
    After(usize),
}

/// The Data API, with an invocation dying at a chosen call: everything it asks for from there on fails.
pub struct Front {
    inner: DataApi,
    /// Answers the preflight where that is not what a test is about.
    sound: Option<MemoryWarehouse>,
    cut: Mutex<Option<Cut>>,
    state: Mutex<FrontState>,
}

#[derive(Default)]
struct FrontState {
    dead: bool,
    /// Names of the calls made, without those of the preflight.
    calls: Vec<String>,
}

impl Front {
    fn dies(&self, code: &str) -> ServiceFault {
        self.state.lock().unwrap().dead = true;
        ServiceFault::new(ErrorKind::Retry, code)
    }

    fn is_dead(&self) -> bool {
        self.state.lock().unwrap().dead
    }
}

impl Warehouse for Front {
    async fn submit(&self, call: &Call) -> Result<String, SubmitError> {
        let fail = |source| SubmitError { name: call.name.clone(), source };
        if self.is_dead() {
            return Err(fail(ServiceFault::new(ErrorKind::Retry, "dead")));
        }
        if let Some(sound) = self.sound.as_ref().filter(|_| call.name.starts_with("redoubt doctor")) {
            return sound.submit(call).await;
        }
        let counted = call.name.starts_with("redoubt ") && !call.name.starts_with("redoubt doctor");
        let number = {
            let mut state = self.state.lock().unwrap();
            let number = state.calls.len();
            if counted {
                state.calls.push(call.name.clone());
            }
            number
        };
        let cut = self.cut.lock().unwrap().filter(|_| counted);
        if cut == Some(Cut::Before(number)) {
            return Err(fail(self.dies("cut before")));
        }
        let id = self.inner.submit(call).await?;
        if cut == Some(Cut::After(number)) {
            while !self.inner.describe(&id).await.unwrap().state.is_final() {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            return Err(fail(self.dies("cut after")));
        }
        Ok(id)
    }

    async fn describe(&self, statement_id: &str) -> Result<Report, DescribeError> {
        if self.is_dead() {
            let source = ServiceFault::new(ErrorKind::Retry, "dead");
            return Err(DescribeError { statement_id: statement_id.to_owned(), source });
        }
        match &self.sound {
            Some(sound) if statement_id.starts_with("statement-") => sound.describe(statement_id).await,
            _ => self.inner.describe(statement_id).await,
        }
    }

    async fn rows(&self, statement_id: &str) -> Result<Vec<Row>, DescribeError> {
        if self.is_dead() {
            let source = ServiceFault::new(ErrorKind::Retry, "dead");
            return Err(DescribeError { statement_id: statement_id.to_owned(), source });
        }
        match &self.sound {
            Some(sound) if statement_id.starts_with("statement-") => sound.rows(statement_id).await,
            _ => self.inner.rows(statement_id).await,
        }
    }
}

#[derive(Clone)]
struct TestClock(Arc<AtomicI64>);

impl Clock for TestClock {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH + Duration::seconds(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// Redoubt's functions with their metadata, before one warehouse. Several can be at the same warehouse, one after the other.
pub struct Deployment {
    pub app: App<MemoryStore, Front, MemoryQueues>,
    clock: Arc<AtomicI64>,
    received: Mutex<u32>,
}

/// A warehouse, and what a test needs to get at it.
pub struct Lab {
    standin: Mutex<Option<Standin>>,
    port: u16,
    client: Client,
    directory: PathBuf,
    deployments: AtomicI64,
    _secrets: SecretsManager,
}

/// The binary of the `mask` function, which is built beside this test.
fn mask_binary() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let binary = test.parent().and_then(std::path::Path::parent).unwrap().join("mask");
    assert!(binary.exists(), "{} is not there: run `make build`", binary.display());
    binary
}

/// A setup account without any right that it need not have.
pub const SETUP: &str = "setup_person";

impl Lab {
    /// Starts a warehouse; it must be stopped.
    pub async fn start() -> Self {
        Self::start_with(|config| config).await
    }

    pub async fn start_with(adapt: impl FnOnce(Local) -> Local) -> Self {
        let secrets = SecretsManager::start(MASTER, &json!({"secret": "m".repeat(64)}).to_string());
        let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
        let directory = std::env::temp_dir().join(format!("redoubt-integrations-{}-{nanos}", std::process::id()));
        let accounts = directory.with_extension("json");
        let account = |user: &str| json!({"username": user, "password": PASSWORD});
        let mut content = json!({"administrator": account(ADMINISTRATOR), "setup": account(SETUP)});
        for name in ["system", "other_system", "ana"] {
            content[name] = account(name);
        }
        std::fs::write(&accounts, content.to_string()).unwrap();
        let credentials = Credentials::new("test", "test", None, None, "test");
        let environment = [
            ("AWS_ENDPOINT_URL", secrets.url().to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
            ("REDOUBT_MASTER_SECRET", MASTER.to_owned()),
            ("REDOUBT_TABLE", "none".to_owned()),
        ];
        let mut config = Local::new(&directory).lambda(FUNCTION, mask_binary(), environment);
        config.throttle = false;
        config.secrets = Some(accounts.clone());
        config.aws = Some(
            SdkConfig::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::new("us-east-1"))
                .credentials_provider(SharedCredentialsProvider::new(credentials.clone()))
                .build(),
        );
        let standin = Standin::start(adapt(config)).await.unwrap();
        std::fs::remove_file(accounts).unwrap();
        let client = Client::from_conf(
            aws_sdk_redshiftdata::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::new("us-east-1"))
                .credentials_provider(credentials)
                .retry_config(RetryConfig::disabled())
                .endpoint_url(standin.endpoint())
                .build(),
        );
        let lab = Self {
            port: standin.pg_port(),
            standin: Mutex::new(Some(standin)),
            client,
            directory,
            deployments: AtomicI64::new(0),
            _secrets: secrets,
        };
        for sql in least_privileges() {
            lab.data_api(ELSEWHERE, &sql).await.unwrap();
        }
        lab
    }

    pub async fn stop(&self) {
        let standin = self.standin.lock().unwrap().take();
        if let Some(standin) = standin {
            standin.stop().await.unwrap();
        }
        let _ = std::fs::remove_dir_all(&self.directory);
    }

    /// Has the warehouse do just these things in another way than Redshift.
    pub async fn set_faults(&self, faults: &[Fault]) {
        let handle = self.standin.lock().unwrap().as_ref().and_then(|standin| standin.faults().cloned());
        handle.unwrap().replace(faults).await.unwrap();
    }

    /// Functions and metadata of their own.
    pub fn deployment(&self) -> Deployment {
        let config = Config::from_pairs([("REDOUBT_TABLE".to_owned(), "t".to_owned())].into_iter()).unwrap();
        let front = Front {
            inner: DataApi::new(self.client.clone()),
            sound: None,
            cut: Mutex::new(None),
            state: Mutex::new(FrontState::default()),
        };
        // Each at another time, as the warehouse remembers the tokens of calls.
        let clock =
            Arc::new(AtomicI64::new(1_800_000_000 + 1_000_000 * self.deployments.fetch_add(1, Ordering::Relaxed)));
        let app = App::new(MemoryStore::new(), front, MemoryQueues::new(), config)
            .with(TestClock(Arc::clone(&clock)), port::SystemEntropy);
        Deployment { app, clock, received: Mutex::new(0) }
    }

    /// The same, whose preflight always finds what it hopes for, and takes no time.
    pub fn sound_deployment(&self) -> Deployment {
        let mut deployment = self.deployment();
        deployment.app.warehouse.sound = Some(MemoryWarehouse::default().answering(work::sound));
        deployment
    }

    /// A session on PostgreSQL's own port, which trusts everyone.
    pub async fn session(&self, user: &str, database: &str) -> Session {
        session::connect(self.port, user, database).await.unwrap_or_else(|error| panic!("{user}@{database}: {error}"))
    }

    /// What a query shows somebody: a line for each row, or the database's message.
    pub async fn see(&self, user: &str, database: &str, sql: &str) -> String {
        match session::connect(self.port, user, database).await {
            Ok(session) => seen(&session, sql).await,
            Err(error) => format!("ERROR {error}"),
        }
    }

    /// Runs a statement through the Data API as the administrator.
    pub async fn data_api(&self, database: &str, sql: &str) -> Result<(), String> {
        self.data_api_as("administrator", database, sql).await
    }

    /// The same with a secret.
    pub async fn data_api_as(&self, secret: &str, database: &str, sql: &str) -> Result<(), String> {
        let call = self.client.execute_statement().workgroup_name(WORKGROUP).database(database).secret_arn(secret);
        let submitted = call.sql(sql).send().await.map_err(|error| format!("{error:?}"))?;
        loop {
            let described = self.client.describe_statement().id(submitted.id().unwrap()).send().await.unwrap();
            match described.status().map(|status| status.as_str().to_owned()).as_deref() {
                Some("FINISHED") => return Ok(()),
                Some("FAILED" | "ABORTED") => {
                    return Err(described.error().unwrap_or("no reason").to_owned());
                }
                _ => tokio::time::sleep(std::time::Duration::from_millis(5)).await,
            }
        }
    }
}

pub async fn seen(session: &Session, sql: &str) -> String {
    match session.simple_query(sql).await {
        Ok(messages) => {
            let mut text = String::new();
            for message in messages {
                if let SimpleQueryMessage::Row(row) = message {
                    let values: Vec<&str> = (0..row.len()).map(|column| row.get(column).unwrap_or("NULL")).collect();
                    writeln!(text, "{}", values.join("|")).unwrap();
                }
            }
            text.trim_end().to_owned()
        }
        Err(error) => match error.as_db_error() {
            Some(error) => format!("ERROR {}: {}", error.code().code(), error.message()),
            None => format!("ERROR: {error}"),
        },
    }
}

/// What `docs/warehouse.md` says the setup account needs, and nothing more.
fn least_privileges() -> Vec<String> {
    vec![
        format!("CREATE USER {SETUP} PASSWORD '{PASSWORD}' CREATEDB"),
        "CREATE ROLE redoubt_setup".to_owned(),
        "GRANT CREATE USER TO ROLE redoubt_setup".to_owned(),
        "GRANT DROP USER TO ROLE redoubt_setup".to_owned(),
        format!("GRANT ROLE redoubt_setup TO {SETUP}"),
    ]
}

/// An integration document, with some fields changed.
pub fn integration(fields: Value) -> Value {
    let mut document = json!({
        "id": "wh", "version": 1, "host": HOST, "workgroup": WORKGROUP, "mode": "multi_database", "database": "immuta",
        "view_schema": "governed", "system_user": "system", "secret": "system", "mask": {"function": FUNCTION},
        "setup": {
            "secret": "setup", "database": ELSEWHERE, "system_user_password_digest": password_digest(),
        },
    });
    let (Some(document_fields), Value::Object(fields)) = (document.as_object_mut(), fields) else { unreachable!() };
    for (name, value) in fields {
        if value.is_null() {
            document_fields.remove(&name);
        } else {
            document_fields.insert(name, value);
        }
    }
    document
}

pub fn password_digest() -> String {
    format!("sha256|{}|salt", hex(&Sha256::digest(format!("{PASSWORD}salt"))))
}

impl Deployment {
    /// Has an integration document followed until nothing is left to do. Gives its status.
    pub async fn integrate(&self, document: &Value) -> Status {
        let event = json!({"type": "integration.updated", "integration": document});
        self.send(Queue::Integration, &event).await;
        self.settle().await;
        self.status(Kind::Integration, document["id"].as_str().unwrap()).await
    }

    /// Removes the integration.
    pub async fn disintegrate(&self, version: u64, keep_profiles: bool, setup: Option<&str>) -> Status {
        let setup = setup.map(|secret| json!({"secret": secret, "database": ELSEWHERE}));
        let event = json!({
            "type": "integration.deleted", "id": "wh", "version": version, "keep_profiles": keep_profiles, "setup": setup,
        });
        self.send(Queue::Integration, &event).await;
        self.settle().await;
        self.status(Kind::Integration, "wh").await
    }

    /// Sends an event and waits until everything that follows from it is done.
    pub async fn tell(&self, event: Value) {
        let name = event["type"].as_str().unwrap().to_owned();
        let queue = match name.split('.').next() {
            Some("policy") => Queue::Policy,
            Some("data_source") => Queue::DataSource,
            Some("integration") => Queue::Integration,
            _ => Queue::User,
        };
        self.send(queue, &event).await;
        self.settle().await;
    }

    pub async fn send(&self, queue: Queue, event: &Value) {
        use redoubt_aws::port::{Outgoing, Queues};
        self.app.queues.send(queue, &[Outgoing::now(event.to_string())]).await.unwrap();
    }

    /// Has every message dealt with and every statement settled, until there are none.
    pub async fn settle(&self) {
        for _ in 0..400 {
            let mut busy = false;
            for queue in [Queue::Integration, Queue::Policy, Queue::User, Queue::DataSource, Queue::Outcome] {
                busy |= self.serve(queue).await;
            }
            busy |= self.tell_ends().await;
            if !busy {
                return;
            }
        }
        panic!("it does not settle");
    }

    /// Deals with the messages of a queue; says whether there were any.
    pub async fn serve(&self, queue: Queue) -> bool {
        let bodies: Vec<String> = self.app.queues.take(queue, 100).into_iter().map(|message| message.body).collect();
        if bodies.is_empty() {
            return false;
        }
        for (body, outcome) in bodies.iter().zip(self.handle(queue, &bodies).await) {
            match outcome {
                Outcome::Done => {}
                Outcome::Retry => self.send(queue, &serde_json::from_str(body).unwrap()).await,
                Outcome::Reject(faults) => {
                    let letter = json!({"faults": faults, "body": body});
                    self.send(Queue::DeadLetter, &letter).await;
                }
            }
        }
        true
    }

    /// Hands messages to the function of a queue.
    pub async fn handle(&self, queue: Queue, bodies: &[String]) -> Vec<Outcome> {
        // Whoever died before is another process.
        self.app.warehouse.state.lock().unwrap().dead = false;
        let receive_count = {
            let mut received = self.received.lock().unwrap();
            *received += 1;
            *received
        };
        let messages = bodies.iter().enumerate().map(|(index, body)| Message {
            id: index.to_string(),
            body: body.clone(),
            receive_count,
        });
        let messages: Vec<Message> = messages.collect();
        match queue {
            Queue::Policy => work::policy(&self.app, messages).await,
            Queue::DataSource => work::data_source(&self.app, messages).await,
            Queue::User => work::user(&self.app, messages).await,
            Queue::Integration => work::integration(&self.app, messages).await,
            Queue::Outcome => work::outcome(&self.app, messages).await,
            Queue::DeadLetter => vec![Outcome::Done; messages.len()],
        }
    }

    /// Tells of the end of statements; says whether one ended or is still running.
    async fn tell_ends(&self) -> bool {
        let records = self.app.store.list(Kind::Submission).await.unwrap();
        for record in &records {
            let submission: Submission = serde_json::from_value(record.document().unwrap().clone()).unwrap();
            let Some(id) = submission.statement_id else { continue };
            if self.app.warehouse.inner.describe(&id).await.unwrap().state.is_final() {
                let detail = json!({"statementName": record.id, "statementId": id});
                self.send(Queue::Outcome, &json!({"source": "aws.redshift-data", "detail": detail})).await;
            }
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        !records.is_empty()
    }

    pub async fn record(&self, kind: Kind, id: &str) -> Record {
        self.app.store.get(kind, id).await.unwrap().unwrap_or_else(|| panic!("there is no {kind} `{id}`"))
    }

    pub async fn status(&self, kind: Kind, id: &str) -> Status {
        self.record(kind, id).await.status().unwrap_or_else(|| panic!("{kind} `{id}` has no status"))
    }

    /// The reason of a status that must be this state.
    pub async fn reason(&self, kind: Kind, id: &str, state: State) -> String {
        let status = self.status(kind, id).await;
        assert_eq!(status.state, state, "{status:?}");
        status.reason.unwrap_or_default()
    }

    /// Has the next invocations die at a call, or none.
    pub fn cut(&self, cut: Option<Cut>) {
        *self.app.warehouse.cut.lock().unwrap() = cut;
        *self.app.warehouse.state.lock().unwrap() = FrontState::default();
    }

    /// Names of the calls of setup, change and removal since the last cut was set.
    pub fn calls(&self) -> Vec<String> {
        self.app.warehouse.state.lock().unwrap().calls.clone()
    }

    /// Lets time pass, in seconds.
    pub fn wait(&self, seconds: i64) {
        self.clock.fetch_add(seconds, Ordering::Relaxed);
    }

    /// Everything that was rejected, by fault.
    pub fn dead_letters(&self) -> BTreeMap<String, String> {
        let letters = self.app.queues.take(Queue::DeadLetter, 100);
        letters
            .into_iter()
            .map(|letter| {
                let letter: Value = serde_json::from_str(&letter.body).unwrap();
                (letter["faults"].to_string(), letter["body"].to_string())
            })
            .collect()
    }
}
