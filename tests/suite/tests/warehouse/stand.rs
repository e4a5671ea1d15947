//! A warehouse of a test's own.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_redshiftdata::types::ExecutionMode;
use redoubt_core::{
    model::Integration,
    render::{
        install::{self, Step},
        profile::{self, Profile},
        view::{self, Application, Revision},
    },
    sql::{SqlText, Text},
};
use redoubt_local::postgres::session;
use redoubt_tests::{
    case::Case,
    stack,
    standin::{DATABASE, Mask, OwnWarehouse, WORKGROUP, password_digest},
};
use serde_json::{Value, json};

pub use redoubt_tests::standin::ADMINISTRATOR;
pub const SYSTEM: &str = "redoubt_system";

pub struct Warehouse {
    own: OwnWarehouse,
    revision: AtomicU64,
}

/// One account's session, over PostgreSQL's own port.
pub struct Session(stack::Session);

/// The fields of an integration of such a warehouse.
pub fn integration(impersonation: bool) -> Value {
    json!({
        "workgroup": WORKGROUP, "mode": "single_database", "database": DATABASE, "system_user": SYSTEM,
        "secret": "system", "impersonation": impersonation,
        "setup": {
            "secret": "administrator", "database": DATABASE, "system_user_password_digest": password_digest("a1"),
        },
    })
}

/// Runs a test in a warehouse.
pub fn with(test: impl AsyncFnOnce(&Warehouse)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let accounts = [("administrator", ADMINISTRATOR), ("system", SYSTEM)];
        let own = OwnWarehouse::start("warehouse", &accounts, Mask::None).await.unwrap();
        let warehouse = Warehouse { own, revision: AtomicU64::new(1) };
        test(&warehouse).await;
        warehouse.own.stop().await.unwrap();
    });
}

impl Warehouse {
    /// Does what a deployment does first.
    pub async fn set_up(&self, integration: &Integration) {
        self.take(integration, &install::setup(integration).unwrap()).await;
    }

    /// Does what a changed integration asks for.
    pub async fn change(&self, before: &Integration, after: &Integration) {
        let steps = install::change_steps(before, after).unwrap();
        self.take(after, &[steps.first, steps.last].concat()).await;
    }

    async fn take(&self, integration: &Integration, steps: &[Step]) {
        for step in steps {
            let failures = self.own.step(integration, step).await.unwrap();
            let tolerated = failures.values().all(|failure| step.tolerates.covers(failure));
            assert!(tolerated, "step `{}`: {failures:?}", step.name);
        }
    }

    /// Sends statements of the system account as Redoubt does, and gives the message of one that failed.
    async fn call(&self, mode: ExecutionMode, statements: &[SqlText]) -> Option<String> {
        let sqls = statements.iter().map(|sql| sql.execute().to_owned()).collect();
        self.own.batch("system", DATABASE, mode, sqls).await.unwrap().into_values().next()
    }

    /// Sends statements of the system account, each a transaction of its own.
    pub async fn system(&self, statements: &[SqlText]) -> Option<String> {
        self.call(ExecutionMode::AutoCommit, statements).await
    }

    /// A revision that nothing had yet.
    pub fn next(&self) -> u64 {
        self.revision.fetch_add(1, Ordering::SeqCst)
    }

    /// Puts the views of a case in force.
    pub async fn apply(&self, case: &Case) {
        let names = &case.integration.names;
        for project in ["churn"] {
            let seed = Text::new("5eed").unwrap();
            let project = Text::new(project).unwrap();
            assert_eq!(self.system(&[view::prepare_project(names, &project, &seed)]).await, None);
        }
        let views = case.views();
        assert_eq!(views.len(), case.sources.len(), "a source without a view");
        for (source, view) in views {
            let prepared = view::prepare(names, &source.id, &Text::new("5eed").unwrap());
            let revision = Revision { source: &source.id, revision: self.next(), claim: 1 };
            let Application::Call(call) = view::apply(&view, &case.place(source), revision) else {
                panic!("a long view");
            };
            assert_eq!(self.system(&[prepared, call]).await, None, "{}", source.id);
        }
    }

    /// Stores profiles.
    pub async fn tell(&self, integration: &Integration, profiles: &[Profile]) {
        let statements = profile::merge(&integration.names, profiles);
        assert_eq!(self.call(ExecutionMode::Transaction, &statements).await, None);
    }

    /// Opens a session.
    pub async fn session(&self, account: &str) -> Session {
        Session(self.own.session(account, DATABASE).await.unwrap())
    }

    /// Runs SQL as the administrator.
    pub async fn administer(&self, sql: &str) {
        self.own.administer(DATABASE, sql).await.unwrap();
    }
}

impl Session {
    /// Runs SQL that must succeed.
    pub async fn run(&self, sql: &str) {
        self.0.run(sql).await.unwrap();
    }

    /// What a statement shows: a line for each row, values joined by `|`, nulls as `NULL`; or the message, as the Data API has it.
    pub async fn see(&self, sql: &str) -> String {
        self.0.show(sql).await.unwrap_or_else(|error| session::describe(&error))
    }
}
