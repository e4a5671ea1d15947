//! Where the stack is, as `.local/env` tells every client.

use std::{collections::BTreeMap, env};

use super::StackError;

/// The functions that have queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Function {
    /// Policy events.
    Policy,
    /// Data source events.
    DataSource,
    /// User and project events.
    User,
    /// Integration events.
    Integration,
    /// Completion events.
    Outcome,
    /// What the schedules ask for.
    Reconcile,
}

impl Function {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Policy, Self::DataSource, Self::User, Self::Integration, Self::Outcome, Self::Reconcile];

    fn word(self) -> &'static str {
        match self {
            Self::Policy => "POLICY",
            Self::DataSource => "DATA_SOURCE",
            Self::User => "USER",
            Self::Integration => "INTEGRATION",
            Self::Outcome => "OUTCOME",
            Self::Reconcile => "RECONCILE",
        }
    }

    /// The function whose queue takes an event of a type.
    #[must_use]
    pub fn of(event_type: &str) -> Self {
        match event_type.split('.').next() {
            Some("policy") => Self::Policy,
            Some("data_source") => Self::DataSource,
            Some("integration") => Self::Integration,
            _ => Self::User,
        }
    }
}

/// The warehouses of the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workgroup {
    /// The one that all tests share, with an integration.
    First,
    /// The one that begins empty; it has an integration once a test makes one.
    Second,
}

impl Workgroup {
    fn variable(self, name: &str) -> String {
        match self {
            Self::First => name.to_owned(),
            Self::Second => format!("{name}_2"),
        }
    }
}

/// The variables of `.local/env`, all of them there.
#[derive(Debug, Clone)]
pub struct Settings(BTreeMap<String, String>);

impl Settings {
    /// Reads the environment.
    ///
    /// # Errors
    /// [`StackError::Environment`] with the first variable that is missing.
    pub fn from_env() -> Result<Self, StackError> {
        let queues =
            Function::ALL.iter().flat_map(|function| [queue_variable(*function), dead_letter_variable(*function)]);
        let others = [
            "AWS_ENDPOINT_URL",
            "AWS_ENDPOINT_URL_REDSHIFT_DATA",
            "REDOUBT_TABLE",
            "REDOUBT_EVENT_BUS",
            "REDOUBT_LOGS",
            "REDOUBT_MASK_FUNCTION",
            "REDOUBT_MASTER_SECRET",
            "REDOUBT_LOGS",
            "REDOUBT_STANDIN",
            "REDOUBT_WEBHOOK_URL",
            "REDOUBT_WEBHOOK_SECRET",
            "REDOUBT_WORKGROUP",
            "REDOUBT_WAREHOUSE_HOST",
            "REDOUBT_WORKGROUP_2",
            "REDOUBT_WAREHOUSE_HOST_2",
            "REDOUBT_SETUP_SECRET_ARN",
            "REDOUBT_SYSTEM_SECRET_ARN",
            "PGHOST",
            "PGPORT",
            "PGPORT_2",
            "PGUSER",
            "PGDATABASE",
        ];
        let mut variables = BTreeMap::new();
        for variable in queues.chain(others.map(str::to_owned)) {
            match env::var(&variable) {
                Ok(value) if !value.is_empty() => variables.insert(variable, value),
                _ => return Err(StackError::Environment { variable }),
            };
        }
        Ok(Self(variables))
    }

    /// A variable that [`Settings::from_env`] found.
    #[must_use]
    pub fn get(&self, variable: &str) -> &str {
        self.0.get(variable).map_or("", String::as_str)
    }

    /// The name of a workgroup, as the Data API knows it.
    #[must_use]
    pub fn workgroup(&self, workgroup: Workgroup) -> &str {
        self.get(&workgroup.variable("REDOUBT_WORKGROUP"))
    }

    /// The host name of a warehouse, as documents have it.
    #[must_use]
    pub fn host(&self, workgroup: Workgroup) -> &str {
        self.get(&workgroup.variable("REDOUBT_WAREHOUSE_HOST"))
    }

    /// The port where people reach a warehouse.
    ///
    /// # Errors
    /// When it is no port.
    pub fn port(&self, workgroup: Workgroup) -> Result<u16, StackError> {
        let variable = workgroup.variable("PGPORT");
        let port = self.get(&variable);
        port.parse().map_err(|_| StackError::Unusable(format!("`{variable}` is `{port}`")))
    }

    /// The URL of a function's queue.
    #[must_use]
    pub fn queue(&self, function: Function) -> &str {
        self.get(&queue_variable(function))
    }

    /// The URL of a function's dead-letter queue.
    #[must_use]
    pub fn dead_letters(&self, function: Function) -> &str {
        self.get(&dead_letter_variable(function))
    }
}

fn queue_variable(function: Function) -> String {
    format!("REDOUBT_{}_QUEUE_URL", function.word())
}

fn dead_letter_variable(function: Function) -> String {
    format!("REDOUBT_{}_DEAD_LETTER_QUEUE_URL", function.word())
}
