//! A real PostgreSQL behind the stand-in: set up, given views and profiles by the statements that a deployment sends, and
//! asked as each user.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
};

use aws_sdk_redshiftdata::types::ExecutionMode;
use redoubt_core::{
    event::wire,
    interpret::Keys,
    model::Integration,
    render::{
        profile,
        view::{self, Application, Place, Revision},
    },
    sql::{SqlText, Text},
};
use redoubt_local::postgres::session;
use redoubt_tests::{
    stack::{Row, Session, ident, literal},
    standin::{ADMINISTRATOR, DATABASE, FUNCTION, Failures, Mask, OwnWarehouse, WORKGROUP, password_digest},
};
use serde_json::json;

use crate::scene::{Planned, Prepared};

const SYSTEM: &str = "redoubt_system";
/// Schema of the raw tables.
pub const RAW: &str = "raw";
/// Statements that one call of the Data API may carry.
const MOST_STATEMENTS: usize = 40;
/// Bytes that one call may carry.
const MOST_BYTES: usize = 90_000;

pub struct Warehouse {
    own: OwnWarehouse,
    administrator: Session,
    integration: Integration,
    revision: AtomicU64,
}

/// Rows as text, nulls apart, or the database's message.
pub type Answer = Result<Vec<Row>, String>;

impl Warehouse {
    /// Starts one, which must be stopped, and before that be set up.
    pub async fn start(master_secret: &str) -> Self {
        let accounts = [("administrator", ADMINISTRATOR), ("system", SYSTEM)];
        let own = OwnWarehouse::start("differential", &accounts, Mask::Keyed(master_secret)).await.unwrap();
        let administrator = own.session(ADMINISTRATOR, DATABASE).await.unwrap();
        Self { own, administrator, integration: integration(), revision: AtomicU64::new(1) }
    }

    /// Stops it, whatever is still going on.
    pub async fn stop(&self) {
        self.own.stop().await.unwrap();
    }

    /// Does what a deployment does first, and makes a place for raw tables.
    pub async fn set_up(&self) {
        self.own.set_up(&self.integration).await.unwrap();
        let (raw, system) = (ident(RAW), ident(SYSTEM));
        self.run(&format!("CREATE SCHEMA {raw}; GRANT USAGE ON SCHEMA {raw} TO {system}")).await;
    }

    /// Runs SQL as the administrator, past the Data API.
    async fn run(&self, sql: &str) {
        self.administrator.run(sql).await.unwrap();
    }

    /// Sends statements of the system account as Redoubt does; each must succeed.
    async fn call(&self, mode: ExecutionMode, statements: &[SqlText]) {
        let failures = self.try_call(mode, statements).await;
        assert!(failures.is_empty(), "{failures:?}");
    }

    /// Sends statements and gives the places of those that failed, with the message.
    async fn try_call(&self, mode: ExecutionMode, statements: &[SqlText]) -> Failures {
        let mut failures = Failures::new();
        let mut done = 0;
        while done < statements.len() {
            let mut bytes = 0;
            let fitting = statements[done..].iter().take(MOST_STATEMENTS).take_while(|statement| {
                bytes += statement.len();
                bytes <= MOST_BYTES
            });
            let count = fitting.count().max(1);
            let sqls = statements[done..done + count].iter().map(|sql| sql.execute().to_owned()).collect();
            let failed = self.own.batch("system", DATABASE, mode.clone(), sqls).await.unwrap();
            failures.extend(failed.into_iter().map(|(place, message)| (done + place, message)));
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
        self.call(ExecutionMode::AutoCommit, &statements).await;

        let profiles: Vec<_> =
            scenes.iter().flat_map(|scene| &scene.people).filter_map(|person| person.profile(revision)).collect();
        for some in profiles.chunks(40) {
            self.call(ExecutionMode::Transaction, &profile::merge(names, some)).await;
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
                    let failures = self.try_call(ExecutionMode::Transaction, &statements).await;
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
            self.try_call(ExecutionMode::AutoCommit, first),
            self.try_call(ExecutionMode::AutoCommit, last),
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
        let rows = self.administrator.rows(&sql).await.unwrap();
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
        let session = self.own.session(account, DATABASE).await.unwrap();
        let mut answers = Vec::new();
        for planned in sources {
            let schema = ident(self.integration.view_schema.as_str());
            let sql = format!("SELECT * FROM {schema}.{}", ident(planned.source.view.as_str()));
            answers.push(session.rows(&sql).await.map_err(|error| session::describe(&error)));
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
    let document: wire::IntegrationDocument = serde_json::from_value(json!({
        "id": "wh", "version": 1, "host": "wh", "workgroup": WORKGROUP, "mode": "single_database", "database": DATABASE,
        "view_schema": "governed", "system_user": SYSTEM, "secret": "system", "mask": {"function": FUNCTION},
        "setup": {
            "secret": "administrator", "database": DATABASE, "system_user_password_digest": password_digest("a1"),
        },
    }))
    .unwrap();
    Integration::check(&document).unwrap()
}
