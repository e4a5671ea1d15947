//! A warehouse of a test's own, and what is done there besides Redoubt's work.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicI64, Ordering},
};

use redoubt_aws::{
    warehouse::{DataApi, MemoryWarehouse},
    work,
};
use redoubt_local::Fault;
use redoubt_tests::{
    stack::{Session, StackError},
    standin::{self, FUNCTION, Mask, OwnWarehouse, PASSWORD, WORKGROUP, password_digest},
};
use serde_json::{Value, json};

use super::{deployment::Deployment, front::Front};

pub use redoubt_tests::standin::{ADMINISTRATOR, DATABASE as ELSEWHERE};
pub const HOST: &str = "warehouse";
/// A setup account without any right that it need not have.
pub const SETUP: &str = "setup_person";

/// A warehouse with what a test needs to get at it.
pub struct Lab {
    own: OwnWarehouse,
    deployments: AtomicI64,
}

impl Lab {
    /// Starts a warehouse; it must be stopped.
    pub async fn start() -> Self {
        let accounts = [
            ("administrator", ADMINISTRATOR),
            ("setup", SETUP),
            ("system", "system"),
            ("other_system", "other_system"),
            ("ana", "ana"),
        ];
        let master_secret = json!({"secret": "m".repeat(64)}).to_string();
        let own = OwnWarehouse::start("integrations", &accounts, Mask::Keyed(&master_secret)).await.unwrap();
        let lab = Self { own, deployments: AtomicI64::new(0) };
        for sql in least_privileges() {
            lab.data_api(ELSEWHERE, &sql).await.unwrap();
        }
        lab
    }

    pub async fn stop(&self) {
        self.own.stop().await.unwrap();
    }

    /// Has the warehouse do just these things in another way than Redshift.
    pub async fn set_faults(&self, faults: &[Fault]) {
        self.own.set_faults(faults).await.unwrap();
    }

    /// Functions and metadata of their own.
    pub fn deployment(&self) -> Deployment {
        self.deployment_with(None)
    }

    /// The same, whose preflight always finds what it hopes for, and takes no time.
    pub fn sound_deployment(&self) -> Deployment {
        self.deployment_with(Some(MemoryWarehouse::default().answering(work::sound)))
    }

    fn deployment_with(&self, sound: Option<MemoryWarehouse>) -> Deployment {
        let front = Front::new(DataApi::new(self.own.data_api().clone()), sound);
        Deployment::new(front, self.deployments.fetch_add(1, Ordering::Relaxed))
    }

    /// A session on PostgreSQL's own port, which trusts everyone.
    pub async fn session(&self, user: &str, database: &str) -> Session {
        self.own.session(user, database).await.unwrap()
    }

    /// What a query shows somebody: a line for each row, or the database's message.
    pub async fn see(&self, user: &str, database: &str, sql: &str) -> String {
        match self.own.session(user, database).await {
            Ok(session) => session.see(sql).await,
            Err(error) => format!("ERROR {error}"),
        }
    }

    /// Runs a statement through the Data API as the administrator.
    pub async fn data_api(&self, database: &str, sql: &str) -> Result<(), StackError> {
        self.data_api_as("administrator", database, sql).await
    }

    /// The same with a secret.
    pub async fn data_api_as(&self, secret: &str, database: &str, sql: &str) -> Result<(), StackError> {
        self.own.execute(secret, database, sql).await
    }

    /// Everything the catalog says.
    pub async fn catalog(&self) -> BTreeSet<String> {
        standin::catalog::all(&self.own).await.unwrap()
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
            "secret": "setup", "database": ELSEWHERE, "system_user_password_digest": password_digest("salt"),
        },
    });
    let kept = document.as_object_mut().unwrap();
    for (name, value) in fields.as_object().unwrap() {
        if value.is_null() {
            kept.remove(name);
        } else {
            kept.insert(name.clone(), value.clone());
        }
    }
    document
}
