//! A stand-in of this test's own, with the accounts that set warehouses up.

use std::collections::BTreeSet;

use redoubt_core::{
    model::Integration,
    render::install::{Connection, LookMeaning, Step, StepMode, Tolerates},
};
use redoubt_tests::{
    script::Part,
    standin::{self, ADMINISTRATOR, Failures, Mask, OwnWarehouse, PASSWORD, mode},
};

/// The digest of the password of every system account.
pub(crate) fn digest() -> String {
    standin::password_digest("a1")
}

/// Accounts that can do what the documentation says that they must, by secret. The parameter is where the stand-in keeps salts.
const ACCOUNTS: &str = "\
    CREATE ROLE makes_databases LOGIN CREATEDB CREATEROLE; \
    CREATE ROLE is_granted LOGIN CREATEROLE; \
    GRANT SET ON PARAMETER redshift.password_salt TO makes_databases, is_granted; \
    CREATE DATABASE analytics";
const GRANTED: &str = "\
    GRANT CREATE, TEMPORARY, CONNECT ON DATABASE analytics TO is_granted WITH GRANT OPTION; \
    GRANT USAGE ON LANGUAGE exfunc TO is_granted WITH GRANT OPTION";

pub(crate) struct Warehouse(OwnWarehouse);

impl Warehouse {
    pub(crate) async fn start() -> Self {
        let accounts = [
            ("administrator", ADMINISTRATOR),
            ("system", "redoubt_system"),
            ("makes_databases", "makes_databases"),
            ("is_granted", "is_granted"),
        ];
        let warehouse = Self(OwnWarehouse::start("installs", &accounts, Mask::None).await.unwrap());
        for statement in ACCOUNTS.split("; ") {
            warehouse.administer("dev", statement).await;
        }
        for account in ["makes_databases", "is_granted"] {
            warehouse.administer("dev", &format!("ALTER ROLE {account} PASSWORD '{PASSWORD}'")).await;
        }
        warehouse.administer("analytics", GRANTED).await;
        warehouse
    }

    pub(crate) async fn stop(self) {
        self.0.stop().await.unwrap();
    }

    /// Runs SQL of PostgreSQL as the administrator.
    pub(crate) async fn administer(&self, database: &str, sql: &str) {
        self.0.administer(database, sql).await.unwrap();
    }

    /// Everything the catalog says.
    pub(crate) async fn catalog(&self) -> BTreeSet<String> {
        standin::catalog::all(&self.0).await.unwrap()
    }

    /// The first column of a query, as the administrator.
    pub(crate) async fn ask(&self, database: &str, sql: &str) -> Vec<String> {
        self.ask_as(ADMINISTRATOR, database, sql).await
    }

    async fn ask_as(&self, user: &str, database: &str, sql: &str) -> Vec<String> {
        self.0.session(user, database).await.unwrap().column(sql).await.unwrap()
    }

    /// A policy view of the system account, and rows that nobody told the removal of.
    pub(crate) async fn view_and_table(&self, integration: &Integration) {
        let sql =
            ["CREATE VIEW governed.v AS SELECT 1 AS a", "CREATE VIEW governed.\"An \"\"odd one\" AS SELECT 2 AS a"];
        let sql: Vec<String> = sql.map(str::to_owned).into();
        let failures = self.call("system", integration.database.as_str(), StepMode::Together, &sql).await;
        assert!(failures.is_empty(), "{failures:?}");
    }

    /// Runs steps, each twice, as after an interruption.
    pub(crate) async fn run(&self, integration: &Integration, secret: &str, steps: &[Step]) {
        self.try_run(integration, secret, steps).await.unwrap_or_else(|refused| panic!("{refused}"));
    }

    /// The same, up to the first step that is refused or fails.
    pub(crate) async fn try_run(&self, integration: &Integration, secret: &str, steps: &[Step]) -> Result<(), String> {
        for step in steps {
            if let Some(look) = &step.look {
                let (user, database) = match step.connection {
                    Connection::System => ("redoubt_system", integration.database.as_str()),
                    Connection::Setup => (secret, integration.database.as_str()),
                    Connection::SetupElsewhere => (secret, "dev"),
                };
                let user = if user == "administrator" { ADMINISTRATOR } else { user };
                let count = self.ask_as(user, database, look.query.execute()).await;
                match &look.meaning {
                    _ if count == ["0"] => {}
                    LookMeaning::Exists { refuse: None } => continue,
                    LookMeaning::Exists { refuse: Some(refuse) } | LookMeaning::MustBeNone { refuse } => {
                        return Err(format!("{}: {refuse}", step.name));
                    }
                }
            }
            for _ in 0..2 {
                let failures = self.0.step(integration, step).await.unwrap();
                if let Some(failure) = failures.values().find(|failure| !step.tolerates.covers(failure)) {
                    return Err(format!("{}: {failure}", step.name));
                }
            }
        }
        Ok(())
    }

    /// Runs a part of a script as the one it names.
    pub(crate) async fn by_hand(&self, part: &Part) {
        let unquoted = |name: &String| name.trim_matches('"').to_owned();
        let database = part.database.as_ref().map_or("dev".to_owned(), unquoted);
        let secret = if part.who == "an administrator" { "administrator" } else { "system" };
        let mut rest = part.statements.as_slice();
        while let Some((first, after)) = rest.split_first() {
            let (mode, sql) = if first == "BEGIN" {
                let end = after.iter().position(|sql| sql == "COMMIT").unwrap();
                rest = &after[end + 1..];
                (StepMode::Together, &after[..end])
            } else {
                let alone = &rest[..1];
                rest = after;
                (StepMode::Each, alone)
            };
            let asked = format!("'{}'", digest());
            let sql: Vec<String> = sql.iter().map(|sql| sql.replace(":'password_digest'", &asked)).collect();
            let failures = self.call(secret, &database, mode, &sql).await;
            assert!(failures.values().all(|failure| Tolerates::Gone.covers(failure)), "{failures:?}: {sql:?}");
        }
    }

    /// Sends statements as Redoubt does, and gives the messages of those that failed.
    async fn call(&self, secret: &str, database: &str, together: StepMode, sql: &[String]) -> Failures {
        self.0.batch(secret, database, mode(together, sql.len()), sql.to_vec()).await.unwrap()
    }
}
