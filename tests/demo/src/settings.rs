//! Where the stack is, as `.local/env` tells it.

use std::{collections::BTreeMap, env};

use redoubt_core::record::Kind;

/// The functions that have queues, in the words of their variables.
pub const FUNCTIONS: [&str; 6] = ["POLICY", "DATA_SOURCE", "USER", "INTEGRATION", "OUTCOME", "RECONCILE"];

/// The variables the demo needs, checked to be there.
#[derive(Debug, Clone)]
pub struct Settings {
    variables: BTreeMap<String, String>,
    /// Port of PostgreSQL on `host`, which plays Redshift.
    pub port: u16,
}

/// A variable is missing or wrong.
#[derive(Debug, thiserror::Error)]
#[error(
    "{fault}: start the stack with `make up`, then read its environment with `. .local/env` (`make demo` does both)"
)]
pub struct SettingsError {
    fault: String,
}

impl Settings {
    /// Reads the environment.
    ///
    /// # Errors
    /// When a variable is missing, or the port is none.
    pub fn from_env() -> Result<Self, SettingsError> {
        let mut names =
            vec!["PGHOST", "PGPORT", "PGUSER", "PGDATABASE"].into_iter().map(str::to_owned).collect::<Vec<_>>();
        names.extend(
            ["WAREHOUSE_HOST", "WORKGROUP", "SYSTEM_SECRET_ARN", "SETUP_SECRET_ARN", "MASK_FUNCTION"]
                .map(|name| format!("REDOUBT_{name}")),
        );
        for function in FUNCTIONS {
            names.extend([queue_variable(function), dead_letter_variable(function)]);
        }
        let mut variables = BTreeMap::new();
        for name in names {
            match env::var(&name) {
                Ok(value) if !value.is_empty() => variables.insert(name, value),
                _ => {
                    return Err(SettingsError { fault: format!("`{name}` isn't set") });
                }
            };
        }
        let port = variables.get("PGPORT").map_or("", String::as_str);
        let port = port.parse().map_err(|_| SettingsError { fault: format!("`PGPORT` is `{port}`, and no port") })?;
        Ok(Self { variables, port })
    }

    /// The value of a variable that was read; documents name them as `${NAME}`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// Adds a value that is computed instead of read.
    pub fn set(&mut self, name: &str, value: String) {
        self.variables.insert(name.to_owned(), value);
    }

    /// The host of the warehouse's PostgreSQL.
    pub fn host(&self) -> &str {
        self.get("PGHOST").unwrap_or_default()
    }

    /// The warehouse's administrator.
    pub fn administrator(&self) -> &str {
        self.get("PGUSER").unwrap_or_default()
    }

    /// The database that exists from the start.
    pub fn first_database(&self) -> &str {
        self.get("PGDATABASE").unwrap_or_default()
    }

    /// The queue for events about a kind of document.
    pub fn queue(&self, kind: Kind) -> &str {
        let function = match kind {
            Kind::Policy => "POLICY",
            Kind::DataSource => "DATA_SOURCE",
            Kind::Integration => "INTEGRATION",
            Kind::User | Kind::Project | Kind::Claim | Kind::Submission | Kind::Installation | Kind::Delivery => "USER",
        };
        self.get(&queue_variable(function)).unwrap_or_default()
    }

    /// The dead-letter queues, each with the function it belongs to.
    pub fn dead_letter_queues(&self) -> impl Iterator<Item = (&'static str, &str)> {
        FUNCTIONS.into_iter().filter_map(|function| Some((function, self.get(&dead_letter_variable(function))?)))
    }
}

fn queue_variable(function: &str) -> String {
    format!("REDOUBT_{function}_QUEUE_URL")
}

fn dead_letter_variable(function: &str) -> String {
    format!("REDOUBT_{function}_DEAD_LETTER_QUEUE_URL")
}
