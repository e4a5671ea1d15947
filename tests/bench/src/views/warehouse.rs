//! A warehouse for this benchmark alone: the stand-in and its PostgreSQL, set up and given profiles and views by the statements
//! that a deployment sends, through the adapter it uses.

use std::{
    env,
    error::Error,
    fs,
    path::PathBuf,
    process,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_redshiftdata::{
    Client as DataApiClient,
    config::{Credentials, SharedCredentialsProvider, retry::RetryConfig},
};
use redoubt_aws::{
    port::{self, Call, Mode, StatementState, Warehouse as _, WarehouseName},
    warehouse::DataApi,
};
use redoubt_core::{
    event::{self, Faults, wire},
    model::{DataSource, Id, Integration, Policy, Project, Standing, User},
    plan,
    render::{
        self,
        install::{self, Connection},
        profile::{self, Profile, ProfileState},
        view::{self, Application, Place, Revision},
    },
    resolve::{PolicySet, ProjectSet},
    sql::{SqlText, Text},
};
use redoubt_local::{Config, Standin, postgres::session};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio_postgres::Client;

use super::{
    cases::{self, Case, Salts},
    table,
};
use crate::generate::HOST;

/// Schema of the raw table.
pub const RAW: &str = "raw";
/// Users the warehouse knows, the reader among them.
pub const USERS: usize = 1_000;

const DATABASE: &str = "dev";
const VIEWS: &str = "governed";
const WORKGROUP: &str = "redoubt-local";
const ADMINISTRATOR: &str = "awsuser";
const SYSTEM: &str = "redoubt_system";
/// Of both accounts; the stand-in's own default for the first.
const PASSWORD: &str = "Redoubt-local-1";
const PASSWORD_SALT: &str = "b3";
/// Profiles in one call.
const PROFILES: usize = 100;

/// The stand-in's functions tell bad input as Redshift does, at a cost per call that Redshift's do not have, and beside which
/// nothing that a view adds could be seen. PostgreSQL folds these into a query, views and by hand alike; not if `sha2` claimed
/// to be immutable, which `convert_to` is not.
const FUNCTIONS: &str = "
    CREATE OR REPLACE FUNCTION pg_catalog.sha2(value text, bits integer) RETURNS character varying
    LANGUAGE sql STABLE PARALLEL SAFE AS $$ SELECT encode(sha256(convert_to(value, 'UTF8')), 'hex') $$;
    CREATE OR REPLACE FUNCTION pg_catalog.strtol(value text, base integer) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT CAST(CAST('x' || lpad(value, 16, '0') AS BIT(64)) AS BIGINT) $$";

/// A warehouse that is set up.
pub struct Warehouse {
    standin: Standin,
    data_api: DataApi,
    administrator: Client,
    integration: Integration,
    directory: PathBuf,
}

impl Warehouse {
    /// Starts one in a directory of its own and sets it up as a deployment would.
    pub async fn start() -> Result<Self, Box<dyn Error>> {
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
        let directory = env::temp_dir().join(format!("redoubt-bench-{}-{nanos}", process::id()));
        let credentials = Credentials::new("bench", "bench", None, None, "bench");
        let (version, region) = (BehaviorVersion::latest(), Region::new("eu-central-1"));
        let sdk = SdkConfig::builder()
            .behavior_version(version)
            .region(region.clone())
            .credentials_provider(SharedCredentialsProvider::new(credentials.clone()))
            .build();
        let account = |user: &str| json!({"username": user, "password": PASSWORD});
        let secrets = json!({"administrator": account(ADMINISTRATOR), "system": account(SYSTEM)});
        let file = directory.with_extension("json");
        fs::write(&file, secrets.to_string())?;
        let mut config = Config::new(&directory);
        config.throttle = false;
        config.secrets = Some(file.clone());
        config.aws = Some(sdk);
        let standin = Standin::start(config).await;
        fs::remove_file(file)?;
        let standin = standin?;
        match Self::connect(&standin, credentials, region).await {
            Ok((data_api, administrator, integration)) => {
                let warehouse = Self { standin, data_api, administrator, integration, directory };
                match warehouse.set_up().await {
                    Ok(()) => Ok(warehouse),
                    Err(error) => warehouse.stop().await.and(Err(error)),
                }
            }
            Err(error) => {
                standin.stop().await?;
                Err(error)
            }
        }
    }

    async fn connect(
        standin: &Standin,
        credentials: Credentials,
        region: Region,
    ) -> Result<(DataApi, Client, Integration), Box<dyn Error>> {
        let client = DataApiClient::from_conf(
            aws_sdk_redshiftdata::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(region)
                .credentials_provider(credentials)
                .retry_config(RetryConfig::disabled())
                .endpoint_url(standin.endpoint())
                .build(),
        );
        let administrator = session::connect(standin.pg_port(), ADMINISTRATOR, DATABASE).await?;
        Ok((DataApi::new(client), administrator, integration()?))
    }

    async fn set_up(&self) -> Result<(), Box<dyn Error>> {
        for step in install::setup(&self.integration)? {
            let secret = match step.connection {
                Connection::SetupElsewhere | Connection::Setup => "administrator",
                Connection::System => "system",
            };
            self.call(secret, Mode::Transaction, step.statements).await?;
        }
        self.load(FUNCTIONS).await?;
        self.load(&format!(
            "CREATE SCHEMA {RAW}; GRANT USAGE ON SCHEMA {RAW} TO {SYSTEM}, PUBLIC;
            ALTER DEFAULT PRIVILEGES IN SCHEMA {RAW} GRANT SELECT ON TABLES TO {SYSTEM}, PUBLIC;
            CREATE ROLE {} LOGIN",
            cases::READER
        ))
        .await
    }

    /// Stops everything and removes the directory.
    pub async fn stop(self) -> Result<(), Box<dyn Error>> {
        drop(self.administrator);
        let stopped = self.standin.stop().await;
        fs::remove_dir_all(self.directory)?;
        Ok(stopped?)
    }

    /// Runs statements as the administrator.
    pub async fn load(&self, sql: &str) -> Result<(), Box<dyn Error>> {
        Ok(self.administrator.batch_execute(sql).await?)
    }

    /// Writes down what is on its way, so that no query has to, and lets the planner know the tables.
    pub async fn settle(&self) -> Result<(), Box<dyn Error>> {
        self.load(&format!("VACUUM (FREEZE, ANALYZE) {RAW}.{}", table::TABLE)).await?;
        self.load("ANALYZE").await?;
        self.load("CHECKPOINT").await
    }

    /// A session of the reader.
    pub async fn reader(&self) -> Result<Client, Box<dyn Error>> {
        Ok(session::connect(self.standin.pg_port(), cases::READER, DATABASE).await?)
    }

    /// What a row of the raw table takes on disk.
    pub async fn row_bytes(&self) -> Result<i64, Box<dyn Error>> {
        let sql = format!("SELECT pg_relation_size('{RAW}.{0}') / count(*) FROM {RAW}.{0}", table::TABLE);
        Ok(self.administrator.query_one(&sql, &[]).await?.try_get(0)?)
    }

    /// Stores the profile of the reader, and those of others who have as much.
    pub async fn add_users(&self) -> Result<(), Box<dyn Error>> {
        let projects = cases::projects().iter().map(project).collect::<Result<Vec<_>, _>>()?;
        let mut profiles = Vec::with_capacity(USERS);
        for number in 0..USERS {
            let account = if number == 0 { cases::READER.to_owned() } else { format!("user_{number:04}") };
            profiles.push(someone(&account, number, &projects)?);
        }
        for some in profiles.chunks(PROFILES) {
            self.call("system", Mode::Transaction, profile::merge(&self.integration.names, some)).await?;
        }
        Ok(())
    }

    /// Puts the view of a case in force.
    pub async fn put_in_force(&self, case: &Case) -> Result<(), Box<dyn Error>> {
        let names = &self.integration.names;
        let source = source(case)?;
        let mut policies = Vec::new();
        for (number, mut policy) in case.policies().into_iter().enumerate() {
            if let Some(fields) = policy.as_object_mut() {
                fields.insert("id".to_owned(), json!(format!("{}-{number}", case.view)));
                fields.insert("name".to_owned(), json!(format!("{} {number}", case.name)));
                fields.insert("version".to_owned(), json!(1));
                fields.insert("created_at".to_owned(), json!("2026-01-01T00:00:00Z"));
                fields.insert("scope".to_owned(), json!({"data_sources": [case.view]}));
            }
            policies.push(Policy::check(&event::document::<wire::PolicyDocument>(policy)?)?);
        }
        let projects = cases::projects().iter().map(project).collect::<Result<_, _>>()?;
        let policies = PolicySet::new(policies);
        let plan = plan::build(&source, &policies.resolve(&source), &ProjectSet::new(projects))?;
        let place = Place {
            names,
            database: &self.integration.database,
            schema: &self.integration.view_schema,
            view: &source.view,
        };
        let view = view::view(&plan, &place);
        let seed = Text::new(render::digest([case.view.as_bytes()]))?;
        let mut statements = vec![view::prepare(names, &source.id, &seed)];
        match view::apply(&view, &place, Revision { source: &source.id, revision: 1, claim: 1 }) {
            Application::Call(call) => statements.push(call),
            Application::Guarded(_) => return Err(format!("the view `{}` is too long", case.view).into()),
        }
        self.call("system", Mode::AutoCommit, statements).await
    }

    /// The view of a case, as a query names it.
    pub fn view(&self, case: &Case) -> String {
        format!("{VIEWS}.{}", case.view)
    }

    /// What a query by hand has to know to mask like the view of a case does.
    pub async fn salts(&self, case: &Case) -> Result<Salts, Box<dyn Error>> {
        let sql = format!(
            "SELECT salt, token FROM {}.masking_key WHERE source = $1 AND column_name = '*'",
            self.integration.names.system.as_str()
        );
        let row = self.administrator.query_one(&sql, &[&case.view]).await?;
        Ok(Salts { salt: row.try_get(0)?, token: row.try_get(1)? })
    }

    /// Sends statements as Redoubt does, and waits for them.
    async fn call(&self, secret: &str, mode: Mode, statements: Vec<SqlText>) -> Result<(), Box<dyn Error>> {
        let token = render::digest(statements.iter().map(|statement| statement.execute().as_bytes()));
        let connection = port::Connection {
            warehouse: WarehouseName::Workgroup(WORKGROUP.to_owned()),
            database: DATABASE.to_owned(),
            secret: secret.to_owned(),
        };
        let name = "bench".to_owned();
        let call = Call { connection, statements, mode, token, name, with_event: false };
        let id = self.data_api.submit(&call).await?;
        loop {
            let described = self.data_api.describe(&id).await?;
            if described.state == StatementState::Finished {
                return Ok(());
            }
            if described.state.is_final() {
                let parts = described.parts.into_iter().filter_map(|part| part.error);
                let errors: Vec<_> = described.error.into_iter().chain(parts).collect();
                return Err(format!("the warehouse refused a call: {}", errors.join("; ")).into());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// A user with a few groups, countries and a clearance, working in the project. Only the first has what [`cases`] reckon with.
fn someone(account: &str, number: usize, projects: &[Project]) -> Result<Profile, Box<dyn Error>> {
    let text = |text: &str| Text::new(text);
    let texts = |values: &[&str]| values.iter().map(|value| text(value)).collect::<Result<_, _>>();
    let (groups, countries): (Vec<_>, _) = match number % 3 {
        0 => (cases::GROUPS.to_vec(), cases::COUNTRIES.to_vec()),
        1 => (vec!["auditors", "finance", "staff"], vec!["GR"]),
        _ => (vec!["marketing", "staff"], vec!["SE", "PT", "AT", "IT"]),
    };
    let user: wire::UserDocument = event::document(json!({"id": account, "version": 1, "database_user": account}))?;
    let user = User::check(&user)?;
    let project = projects.iter().find(|project| project.members.contains(&user.id));
    let standing = Standing {
        groups: texts(&groups)?,
        attributes: [(text("country")?, texts(&countries)?), (text("clearance")?, texts(&["internal"])?)].into(),
        project: project.map(|project| project.id.clone()),
        acknowledged: project
            .iter()
            .flat_map(|project| project.purposes.iter().map(|purpose| (project.id.clone(), purpose.clone())))
            .collect(),
        approved: [Id::check("approved", cases::APPROVED).map_err(Faults::from)?].into(),
    };
    let state = ProfileState::resolve(&user, &standing, project);
    Ok(Profile { database_user: user.database_user, revision: 1, state: Some(state) })
}

fn source(case: &Case) -> Result<DataSource, Box<dyn Error>> {
    let columns: Vec<Value> =
        table::COLUMNS.iter().map(|(name, data_type)| json!({"name": name, "type": data_type})).collect();
    let document: wire::DataSourceDocument = event::document(json!({
        "id": case.view, "version": 1, "host": HOST, "database": DATABASE, "schema": RAW, "table": table::TABLE,
        "view": case.view, "columns": columns, "event_time_column": table::EVENT_TIME, "key_column": table::KEY,
    }))?;
    Ok(DataSource::check(&document)?)
}

fn project(document: &Value) -> Result<Project, Box<dyn Error>> {
    let document: wire::ProjectDocument = event::document(document.clone())?;
    Ok(Project::check(&document)?)
}

fn integration() -> Result<Integration, Box<dyn Error>> {
    let digest = render::hex(&Sha256::digest(format!("{PASSWORD}{PASSWORD_SALT}")));
    let document: wire::IntegrationDocument = event::document(json!({
        "id": "bench", "version": 1, "host": HOST, "workgroup": WORKGROUP, "mode": "single_database",
        "database": DATABASE, "view_schema": VIEWS, "system_user": SYSTEM, "secret": "system",
        "setup": {
            "secret": "administrator", "database": DATABASE,
            "system_user_password_digest": format!("sha256|{digest}|{PASSWORD_SALT}"),
        },
    }))?;
    Ok(Integration::check(&document)?)
}
