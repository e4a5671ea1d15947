//! A stand-in that is set up as a deployment does it, with the mask program behind its external functions.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use redoubt_aws::{
    port::{Call, Connection, Mode, StatementState, SystemClock, SystemEntropy, Warehouse as _},
    warehouse::DataApi,
    work,
};
use redoubt_core::{
    doctor::{Examination, Report},
    event::wire,
    model::Integration,
    sql::SqlText,
};
use redoubt_local::Fault;
use redoubt_tests::{
    stack::{ident, literal},
    standin::{self, FUNCTION, Mask, OwnWarehouse, PASSWORD, WORKGROUP, password_digest},
};
use serde_json::json;

/// Secrets are called as the accounts that they open.
pub use redoubt_tests::standin::ADMINISTRATOR;
pub const SYSTEM: &str = "redoubt_system";
/// An account without any rights of its own.
pub const READER: &str = "Ann O'Hara";

const DATABASE: &str = "immuta";

pub struct Warehouse {
    own: OwnWarehouse,
    data_api: DataApi,
    integration: Integration,
    calls: AtomicUsize,
}

impl Warehouse {
    /// Starts one and sets it up. It must be stopped.
    pub async fn start() -> Self {
        let accounts = [ADMINISTRATOR, SYSTEM, READER].map(|account| (account, account));
        // What is asked of the function here needs no secret and no table.
        let own = OwnWarehouse::start("doctor", &accounts, Mask::Keyless).await.unwrap();
        let data_api = DataApi::new(own.data_api().clone());
        let warehouse = Self { own, data_api, integration: integration(), calls: AtomicUsize::new(0) };
        warehouse.own.set_up(&warehouse.integration).await.unwrap();
        let reader = format!("CREATE USER {} PASSWORD {}", ident(READER), literal(PASSWORD));
        warehouse.own.administer(DATABASE, &reader).await.unwrap();
        warehouse
    }

    pub async fn stop(&self) {
        self.own.stop().await.unwrap();
    }

    fn connection(&self, account: &str, database: &str) -> Connection {
        let reader = work::second_account(&self.integration, Some(account)).unwrap();
        Connection { database: database.to_owned(), ..reader }
    }

    /// Sends statements of the system account as Redoubt does; they must succeed.
    async fn call(&self, statements: Vec<SqlText>) {
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        let (connection, mode) = (self.connection(SYSTEM, DATABASE), Mode::Transaction);
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

    pub async fn set_faults(&self, faults: &[Fault]) {
        self.own.set_faults(faults).await.unwrap();
    }

    /// Examines the warehouse with a second account.
    pub async fn examine(&self, reader: Option<&str>) -> Report {
        let reader = reader.map(|reader| self.connection(reader, "no matter which"));
        work::examine_with(&self.data_api, &SystemClock, &SystemEntropy, &self.integration, reader).await.unwrap()
    }

    /// Begins an examination that never ends.
    pub async fn leave_something_behind(&self) {
        for run in Examination::of(&self.integration).unwrap().begin {
            self.call(run.statements).await;
        }
    }

    /// Every schema, relation and function of Redoubt's database, and what was granted on them, by name.
    pub async fn objects(&self) -> Vec<String> {
        let sql = "SELECT 'schema ' || nspname || coalesce(nspacl::text, '') FROM pg_namespace \
                       WHERE nspname !~ '^pg_(toast_)?temp' \
                   UNION ALL SELECT 'relation ' || relnamespace::regnamespace || '.' || relname || coalesce(relacl::text, '') \
                       FROM pg_class WHERE relnamespace::regnamespace::text !~ '^pg_(toast|temp)' \
                   UNION ALL SELECT 'function ' || oid::regprocedure || coalesce(proacl::text, '') FROM pg_proc ORDER BY 1";
        self.own.session(ADMINISTRATOR, DATABASE).await.unwrap().column(sql).await.unwrap()
    }
}

fn integration() -> Integration {
    let document: wire::IntegrationDocument = serde_json::from_value(json!({
        "id": "wh", "version": 1, "host": "wh", "workgroup": WORKGROUP, "mode": "multi_database",
        "database": DATABASE, "view_schema": "governed", "system_user": SYSTEM, "secret": SYSTEM,
        "mask": {"function": FUNCTION},
        "setup": {
            "secret": ADMINISTRATOR, "database": standin::DATABASE,
            "system_user_password_digest": password_digest("a1"),
        },
    }))
    .unwrap();
    Integration::check(&document).unwrap()
}
