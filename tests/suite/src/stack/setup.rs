//! The one integration that all tests share. Each test runs in a process of its own, so whoever comes first sets it up and the
//! others find it.

use std::{env, fs::File};

use redoubt_aws::port::Store;
use redoubt_core::{
    model::stored,
    record::{Kind, State},
    render::hex,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Stack, StackError, Workgroup};

/// Schema of the raw tables that the tests make.
pub(super) const SCHEMA: &str = "suite";
/// The demo's integration has the same identity: a warehouse has one integration.
pub const ID: &str = "warehouse";

/// Where views are, and who owns them.
#[derive(Debug, Clone)]
pub struct Warehouse {
    /// Database of policy views.
    pub database: String,
    /// Their schema.
    pub schema: String,
    /// The account that owns them.
    pub system_user: String,
}

/// Waits until no other test has a warehouse to itself, and has it until the file is closed.
pub(super) fn lock(stack: &Stack, workgroup: Workgroup) -> Result<File, StackError> {
    let path = env::temp_dir().join(format!("redoubt-suite-{}.lock", stack.settings.port(workgroup)?));
    let failed = |source| StackError::Lock { path: path.display().to_string(), source };
    let file = File::options().create(true).append(true).open(&path).map_err(failed)?;
    file.lock().map_err(failed)?;
    Ok(file)
}

impl Stack {
    /// Waits until the warehouse is set up, after having asked for it if nobody did.
    pub(super) async fn warehouse(&self) -> Result<Warehouse, StackError> {
        let _lock = lock(self, Workgroup::First)?;
        let host = self.settings.get("REDOUBT_WAREHOUSE_HOST");
        if self.integration(host).await?.is_none() {
            let event = self.integration_event(host).await?;
            self.send(&[event]).await?;
        }
        self.status(Kind::Integration, ID, State::Applied).await?;
        let Some(warehouse) = self.integration(host).await? else {
            return Err(StackError::Unusable("the integration is gone".to_owned()));
        };
        let administrator = self.administrator(self.settings.get("PGDATABASE")).await?;
        administrator
            .run(&format!(
                "CREATE SCHEMA IF NOT EXISTS {SCHEMA}; GRANT USAGE ON SCHEMA {SCHEMA} TO {}",
                super::ident(&warehouse.system_user)
            ))
            .await?;
        Ok(warehouse)
    }

    async fn integration(&self, host: &str) -> Result<Option<Warehouse>, StackError> {
        for record in self.store.list(Kind::Integration).await? {
            let integration =
                stored::integration(&record).map_err(|faults| StackError::Unusable(faults.to_string()))?;
            if let Some(integration) = integration.filter(|integration| integration.host == host) {
                if record.id != ID {
                    let found = record.id;
                    return Err(StackError::Unusable(format!(
                        "the warehouse has the integration `{found}`, the tests expect `{ID}`: run `make down`"
                    )));
                }
                return Ok(Some(Warehouse {
                    database: integration.database.as_str().to_owned(),
                    schema: integration.view_schema.as_str().to_owned(),
                    system_user: integration.system_user.as_str().to_owned(),
                }));
            }
        }
        Ok(None)
    }

    async fn integration_event(&self, host: &str) -> Result<Value, StackError> {
        const SALT: &str = "suite";
        let system_secret = self.settings.get("REDOUBT_SYSTEM_SECRET_ARN");
        let secret = self.secret(system_secret).await?;
        let text = |name: &str| secret.get(name).and_then(Value::as_str).unwrap_or_default();
        let digest = Sha256::digest(format!("{}{SALT}", text("password")));
        Ok(json!({"type": "integration.created", "integration": {
            "id": ID,
            "version": 1,
            "host": host,
            "workgroup": self.settings.get("REDOUBT_WORKGROUP"),
            "mode": "multi_database",
            "database": "immuta",
            "view_schema": "governed",
            "system_user": text("username"),
            "secret": system_secret,
            "mask": {"function": self.settings.get("REDOUBT_MASK_FUNCTION")},
            "setup": {
                "secret": self.settings.get("REDOUBT_SETUP_SECRET_ARN"),
                "database": self.settings.get("PGDATABASE"),
                "system_user_password_digest": format!("sha256|{}|{SALT}", hex(&digest)),
            },
        }}))
    }
}
