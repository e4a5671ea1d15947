//! What a test has of its own on the stack: names that nobody else uses, tables, accounts, and documents about them.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::{
    Session, Stack, StackError, ident,
    setup::{SCHEMA, Warehouse},
};

/// The rows of [`Scene::people`]: number, name, phone, country, balance, day of joining.
pub const PEOPLE: &str = "(1, 'Ada', '100-555-0001', 'FRANCE', 1234.56, DATE '2024-03-15'), \
    (2, 'Bob', '100-555-0002', 'GERMANY', 99.50, DATE '2024-11-02'), \
    (3, 'Cyd', '100-555-0003', 'FRANCE', -20.00, DATE '2025-06-30'), \
    (4, 'Dan', '100-555-0004', 'SPAIN', NULL, NULL)";

/// A test's own part of the stack. Its names begin with a prefix that no other test and no earlier run has.
pub struct Scene {
    /// The stack.
    pub stack: Stack,
    /// The prefix of every name and the tag of every data source.
    pub prefix: String,
    /// Where views are.
    pub warehouse: Warehouse,
}

impl Scene {
    /// Begins a test of this short name.
    ///
    /// # Errors
    /// When the stack isn't there or can't be set up.
    pub async fn begin(name: &str) -> Result<Self, StackError> {
        let stack = Stack::connect().await?;
        let warehouse = stack.warehouse().await?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(Self { stack, prefix: format!("{name}_{:x}", now.as_secs()), warehouse })
    }

    /// A name of the test's own.
    #[must_use]
    pub fn name(&self, name: &str) -> String {
        format!("{}_{name}", self.prefix)
    }

    /// A policy view as SQL names it.
    #[must_use]
    pub fn view(&self, name: &str) -> String {
        format!("{}.{}", ident(&self.warehouse.schema), ident(&self.name(name)))
    }

    /// A raw table as SQL names it in its own database.
    #[must_use]
    pub fn table(&self, name: &str) -> String {
        format!("{SCHEMA}.{}", ident(&self.name(name)))
    }

    /// A session of the administrator in the database of the raw tables.
    ///
    /// # Errors
    /// When there is none.
    pub async fn raw(&self) -> Result<Session, StackError> {
        self.stack.administrator(self.stack.settings.get("PGDATABASE")).await
    }

    /// A session of the administrator in the database of the views.
    ///
    /// # Errors
    /// When there is none.
    pub async fn administrator(&self) -> Result<Session, StackError> {
        self.stack.administrator(&self.warehouse.database).await
    }

    /// A session of the account that owns the views.
    ///
    /// # Errors
    /// When there is none.
    pub async fn system(&self) -> Result<Session, StackError> {
        Session::open(&self.stack.settings, &self.warehouse.system_user, &self.warehouse.database).await
    }

    /// Makes a raw table and lets the system account read it.
    ///
    /// # Errors
    /// The database's.
    pub async fn create(&self, name: &str, columns: &str, rows: &str) -> Result<(), StackError> {
        let table = self.table(name);
        let reader = ident(&self.warehouse.system_user);
        let raw = self.raw().await?;
        raw.run(&format!("CREATE TABLE {table} ({columns}); GRANT SELECT ON {table} TO {reader}")).await?;
        if !rows.is_empty() {
            raw.run(&format!("INSERT INTO {table} VALUES {rows}")).await?;
        }
        Ok(())
    }

    /// Makes the table `people` and gives the event that registers it.
    ///
    /// # Errors
    /// The database's.
    pub async fn people(&self) -> Result<Value, StackError> {
        self.create("people", PEOPLE_COLUMNS, PEOPLE).await?;
        Ok(self.people_source(1))
    }

    /// The event that registers the table `people`, at a version.
    #[must_use]
    pub fn people_source(&self, version: u64) -> Value {
        self.source("people", version, people_columns(&self.prefix))
    }

    /// The event that registers a table under its own name.
    #[must_use]
    pub fn source(&self, name: &str, version: u64, columns: Value) -> Value {
        json!({"type": "data_source.created", "data_source": {
            "id": self.name(name),
            "version": version,
            "host": self.stack.settings.get("REDOUBT_WAREHOUSE_HOST"),
            "database": self.stack.settings.get("PGDATABASE"),
            "schema": SCHEMA,
            "table": self.name(name),
            "tags": [self.prefix],
            "columns": columns,
        }})
    }

    /// The event of a subscription policy on everything of this test.
    #[must_use]
    pub fn subscription(&self, name: &str, version: u64, level: Value) -> Value {
        json!({"type": "policy.created", "policy": {
            "id": self.name(name),
            "version": version,
            "name": "who may see it",
            "created_at": "2026-01-01T00:00:00Z",
            "scope": {"tags": [self.prefix]},
            "subscription": level,
        }})
    }

    /// The event of a data policy on everything of this test.
    #[must_use]
    pub fn rules(&self, name: &str, version: u64, rules: Value) -> Value {
        json!({"type": "policy.created", "policy": {
            "id": self.name(name),
            "version": version,
            "name": "what they see",
            "created_at": "2026-01-01T00:00:00Z",
            "scope": {"tags": [self.prefix]},
            "rules": rules,
        }})
    }

    /// A tag of this test's own, below the one that every data source of it has.
    #[must_use]
    pub fn tag(&self, name: &str) -> String {
        format!("{}.{name}", self.prefix)
    }

    /// The event of a user whose account has the same name as their identity.
    #[must_use]
    pub fn user(&self, name: &str, version: u64, groups: &[&str], attributes: Value) -> Value {
        json!({"type": "user.created", "user": {
            "id": self.name(name),
            "version": version,
            "database_user": self.name(name),
            "groups": groups,
            "attributes": attributes,
        }})
    }

    /// Creates a database account, which makes nobody known to Redoubt, and opens a session of it beside the views.
    ///
    /// # Errors
    /// The database's.
    pub async fn account(&self, name: &str) -> Result<Session, StackError> {
        let account = self.name(name);
        let administrator = self.administrator().await?;
        administrator.run(&format!("CREATE ROLE {} LOGIN", ident(&account))).await?;
        Session::open(&self.stack.settings, &account, &self.warehouse.database).await
    }

    /// Sends events to the queues of their functions.
    ///
    /// # Errors
    /// When they are not all taken.
    pub async fn send(&self, events: &[Value]) -> Result<(), StackError> {
        self.stack.send(events).await
    }

    /// An event that names one document of the test and its version.
    #[must_use]
    pub fn event(&self, event_type: &str, name: &str, version: u64) -> Value {
        json!({"type": event_type, "id": self.name(name), "version": version})
    }
}

pub(super) const PEOPLE_COLUMNS: &str =
    "id integer, name varchar(40), phone varchar(20), country varchar(20), balance decimal(12,2), joined date";

/// The columns of `people` as documents have them, each tagged `<prefix>.<name>`.
fn people_columns(prefix: &str) -> Value {
    let column =
        |name: &str, data_type: &str| json!({"name": name, "type": data_type, "tags": [format!("{prefix}.{name}")]});
    json!([
        column("id", "integer"),
        column("name", "varchar(40)"),
        column("phone", "varchar(20)"),
        column("country", "varchar(20)"),
        column("balance", "decimal(12,2)"),
        column("joined", "date"),
    ])
}
