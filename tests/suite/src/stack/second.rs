//! The second warehouse in use: an integration of its own, and the table `people` there too.

use redoubt_core::record::{Kind, State};
use serde_json::{Value, json};

use super::{
    PEOPLE, Scene, Stack, StackError, Workgroup, ident,
    scene::PEOPLE_COLUMNS,
    setup::{ID, SCHEMA},
};

/// The second warehouse's integration.
pub const SECOND: &str = "second";
/// Its database.
pub const SECOND_DATABASE: &str = "immuta_second";

impl Stack {
    /// The event that gives the second warehouse an integration: the first one's with another name and place.
    ///
    /// # Errors
    /// When the first has none.
    pub async fn second_integration(&self, version: u64) -> Result<Value, StackError> {
        let record = self.record(Kind::Integration, ID).await?;
        let Some(mut document) = record.and_then(|record| record.document().cloned()) else {
            return Err(StackError::Unusable("the first integration is gone".to_owned()));
        };
        let own = json!({
            "id": SECOND, "version": version, "host": self.settings.host(Workgroup::Second),
            "workgroup": self.settings.workgroup(Workgroup::Second), "database": SECOND_DATABASE,
        });
        if let (Some(document), Value::Object(own)) = (document.as_object_mut(), own) {
            document.extend(own);
        }
        Ok(json!({"type": "integration.updated", "integration": document}))
    }
}

impl Scene {
    /// Makes the table `people` on the second warehouse and lets the system account read it.
    ///
    /// # Errors
    /// The database's.
    pub async fn people_on_second(&self) -> Result<(), StackError> {
        let (table, reader) = (self.table("people"), ident(&self.warehouse.system_user));
        let raw = self.stack.administrator_on(Workgroup::Second, self.stack.settings.get("PGDATABASE")).await?;
        raw.run(&format!(
            "CREATE SCHEMA IF NOT EXISTS {SCHEMA}; GRANT USAGE ON SCHEMA {SCHEMA} TO {reader}; \
             CREATE TABLE {table} ({PEOPLE_COLUMNS}); GRANT SELECT ON {table} TO {reader}; INSERT INTO {table} VALUES {PEOPLE}"
        ))
        .await
    }

    /// Has Redoubt leave the second warehouse, where nobody may have a session in its database, and waits until nothing of it is
    /// there. What the administrator gave is taken back first.
    ///
    /// # Errors
    /// When it is not left.
    pub async fn leave_second(&self, version: u64) -> Result<(), StackError> {
        let (table, reader) = (self.table("people"), ident(&self.warehouse.system_user));
        let stack = &self.stack;
        let raw = stack.administrator_on(Workgroup::Second, stack.settings.get("PGDATABASE")).await?;
        raw.run(&format!("DROP TABLE {table}; REVOKE USAGE ON SCHEMA {SCHEMA} FROM {reader}")).await?;
        let setup = json!({
            "secret": stack.settings.get("REDOUBT_SETUP_SECRET_ARN"), "database": stack.settings.get("PGDATABASE"),
        });
        stack.send(&[json!({"type": "integration.deleted", "id": SECOND, "version": version, "setup": setup})]).await?;
        stack.status(Kind::Integration, SECOND, State::Withdrawn).await?;
        match raw.see("SELECT count(*) FROM pg_database WHERE datname LIKE 'immuta%'").await.as_str() {
            "0" => Ok(()),
            left => Err(StackError::Unusable(format!("{left} databases are left on the second warehouse"))),
        }
    }
}
