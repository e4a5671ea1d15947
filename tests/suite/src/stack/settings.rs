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
}

impl Function {
    const ALL: [Self; 5] = [Self::Policy, Self::DataSource, Self::User, Self::Integration, Self::Outcome];

    fn word(self) -> &'static str {
        match self {
            Self::Policy => "POLICY",
            Self::DataSource => "DATA_SOURCE",
            Self::User => "USER",
            Self::Integration => "INTEGRATION",
            Self::Outcome => "OUTCOME",
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
            "REDOUBT_MASK_FUNCTION",
            "REDOUBT_MASTER_SECRET",
            "REDOUBT_WEBHOOK_URL",
            "REDOUBT_WEBHOOK_SECRET",
            "REDOUBT_WORKGROUP",
            "REDOUBT_WAREHOUSE_HOST",
            "REDOUBT_SETUP_SECRET_ARN",
            "REDOUBT_SYSTEM_SECRET_ARN",
            "PGHOST",
            "PGPORT",
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
