//! The functions' configuration, read once from the environment.

use std::collections::BTreeMap;
use std::fmt;

use tracing_subscriber::filter::Targets;

use crate::port::Queue;
use crate::telemetry;

/// The configuration of one function. Queues are optional, because each function has only those it sends to.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The DynamoDB table of the metadata store.
    pub table: String,
    /// What the metrics call this deployment.
    pub deployment: String,
    /// What Lambda calls this function; nothing outside of Lambda.
    pub function: Option<String>,
    /// How many bytes of SQL go into one Data API call.
    pub statement_bytes: usize,
    /// How many statements go into one Data API call.
    pub batch_statements: usize,
    /// How often a change is tried again after failures that may pass, before it is marked unhealthy.
    pub max_attempts: u32,
    /// What is logged.
    pub log: Targets,
    queues: BTreeMap<Queue, String>,
}

/// What is wrong with the environment: one line for each variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    faults: Vec<String>,
}

impl ConfigError {
    /// The function sends to a queue whose URL it was not given.
    pub(crate) fn missing(queue: Queue) -> Self {
        Self { faults: vec![format!("`{}` is missing", variable(queue))] }
    }

    /// One entry for each variable that is missing or wrong.
    #[must_use]
    pub fn faults(&self) -> &[String] {
        &self.faults
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bad environment: {}", self.faults.join("; "))
    }
}

impl std::error::Error for ConfigError {}

/// The largest text of SQL in one call: the Data API's documented 100 KB, read in the stricter way.
const STATEMENT_BYTES: usize = 100_000;
/// The most statements in one call (`BatchExecuteStatement`).
const BATCH_STATEMENTS: usize = 40;
const MAX_ATTEMPTS: u32 = 8;
/// Set by Lambda.
const FUNCTION_NAME: &str = "AWS_LAMBDA_FUNCTION_NAME";

impl Config {
    /// Reads the process environment.
    ///
    /// # Errors
    /// [`ConfigError`] with every fault.
    pub fn from_env() -> Result<Self, ConfigError> {
        // Not `vars()`, which panics on a variable that is not UTF-8, even one that is none of ours.
        Self::from_pairs(std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))))
    }

    /// Reads variables from pairs of name and value. An empty value counts as absent.
    ///
    /// # Errors
    /// [`ConfigError`] with every fault.
    pub fn from_pairs(pairs: impl Iterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let mut reader = Reader {
            pairs: pairs.filter(|(name, value)| is_read(name) && !value.trim().is_empty()).collect(),
            faults: Vec::new(),
        };
        let table = reader.required("REDOUBT_TABLE");
        let deployment = reader.take("REDOUBT_DEPLOYMENT");
        let function = reader.take(FUNCTION_NAME);
        let statement_bytes = reader.number("REDOUBT_STATEMENT_BYTES", 1_000, 200_000, STATEMENT_BYTES);
        let batch_statements = reader.number("REDOUBT_BATCH_STATEMENTS", 1, BATCH_STATEMENTS, BATCH_STATEMENTS);
        let max_attempts = reader.number("REDOUBT_MAX_ATTEMPTS", 0, 100, MAX_ATTEMPTS);
        let log = reader.log("REDOUBT_LOG");
        let queues = Queue::ALL.into_iter().filter_map(|queue| Some((queue, reader.url(variable(queue))?))).collect();
        match table {
            Some(table) if reader.faults.is_empty() => {
                // The table is called by the prefix that everything of a deployment has.
                let deployment = deployment.unwrap_or_else(|| table.clone());
                Ok(Self { table, deployment, function, statement_bytes, batch_statements, max_attempts, log, queues })
            }
            _ => Err(ConfigError { faults: reader.faults }),
        }
    }

    /// The URL of a queue that the function sends to.
    ///
    /// # Errors
    /// [`ConfigError`] when the function was not given that queue.
    pub fn queue(&self, queue: Queue) -> Result<&str, ConfigError> {
        self.queues.get(&queue).map(String::as_str).ok_or_else(|| ConfigError::missing(queue))
    }
}

/// Whether a variable is one that is read.
fn is_read(name: &str) -> bool {
    name.starts_with("REDOUBT_") || name == FUNCTION_NAME
}

/// The variable that holds a queue's URL.
fn variable(queue: Queue) -> &'static str {
    match queue {
        Queue::Policy => "REDOUBT_POLICY_QUEUE_URL",
        Queue::DataSource => "REDOUBT_DATA_SOURCE_QUEUE_URL",
        Queue::User => "REDOUBT_USER_QUEUE_URL",
        Queue::Integration => "REDOUBT_INTEGRATION_QUEUE_URL",
        Queue::Outcome => "REDOUBT_OUTCOME_QUEUE_URL",
        Queue::Reconcile => "REDOUBT_RECONCILE_QUEUE_URL",
        Queue::DeadLetter => "REDOUBT_DEAD_LETTER_QUEUE_URL",
    }
}

/// Takes variables one by one and collects what is wrong with them.
struct Reader {
    pairs: BTreeMap<String, String>,
    faults: Vec<String>,
}

impl Reader {
    fn take(&mut self, name: &str) -> Option<String> {
        self.pairs.remove(name).map(|value| value.trim().to_owned())
    }

    fn required(&mut self, name: &str) -> Option<String> {
        let value = self.take(name);
        if value.is_none() {
            self.faults.push(format!("`{name}` is missing"));
        }
        value
    }

    fn url(&mut self, name: &str) -> Option<String> {
        let value = self.take(name)?;
        if !value.starts_with("https://") && !value.starts_with("http://") {
            self.faults.push(format!("`{name}`: found `{value}`, expected a URL"));
        }
        Some(value)
    }

    fn log(&mut self, name: &str) -> Targets {
        let Some(value) = self.take(name) else {
            return telemetry::default_filter();
        };
        value.parse().unwrap_or_else(|_| {
            self.faults
                .push(format!("`{name}`: found `{value}`, expected levels such as `info` or `warn,redoubt_aws=debug`"));
            telemetry::default_filter()
        })
    }

    fn number<T>(&mut self, name: &str, min: T, max: T, default: T) -> T
    where
        T: std::str::FromStr + PartialOrd + fmt::Display,
    {
        let Some(value) = self.take(name) else {
            return default;
        };
        match value.parse() {
            Ok(number) if number >= min && number <= max => number,
            _ => {
                self.faults.push(format!("`{name}`: found `{value}`, expected a number from {min} to {max}"));
                default
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::from_pairs(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())))
    }

    #[test]
    fn defaults_apply_and_other_variables_are_ignored() {
        let config = read(&[("REDOUBT_TABLE", "t"), ("PATH", ""), ("REDOUBT_LOG", " ")]).unwrap();
        assert_eq!((config.statement_bytes, config.batch_statements, config.max_attempts), (100_000, 40, 8));
        assert_eq!((config.table.as_str(), config.log.to_string().as_str()), ("t", "info"));
        assert_eq!((config.deployment.as_str(), config.function), ("t", None));
    }

    #[test]
    fn values_are_read() {
        let config = read(&[
            ("REDOUBT_TABLE", "t"),
            ("REDOUBT_DEPLOYMENT", "production"),
            ("AWS_LAMBDA_FUNCTION_NAME", "redoubt-user"),
            ("REDOUBT_DATA_SOURCE_QUEUE_URL", "https://sqs/1"),
            ("REDOUBT_STATEMENT_BYTES", "5000"),
            ("REDOUBT_BATCH_STATEMENTS", "1"),
            ("REDOUBT_MAX_ATTEMPTS", "0"),
            ("REDOUBT_LOG", "warn,redoubt_aws=debug"),
        ])
        .unwrap();
        assert_eq!(config.queue(Queue::DataSource).unwrap(), "https://sqs/1");
        assert_eq!((config.deployment.as_str(), config.function.as_deref()), ("production", Some("redoubt-user")));
        assert_eq!((config.statement_bytes, config.batch_statements, config.max_attempts), (5_000, 1, 0));
        assert!(config.log.would_enable("redoubt_aws::batch", &tracing::Level::DEBUG));
        assert!(!config.log.would_enable("other", &tracing::Level::INFO));
    }

    #[test]
    fn every_fault_is_reported_at_once() {
        let error = read(&[
            ("REDOUBT_STATEMENT_BYTES", "many"),
            ("REDOUBT_BATCH_STATEMENTS", "41"),
            ("REDOUBT_LOG", "redoubt_aws=loud"),
            ("REDOUBT_USER_QUEUE_URL", "user-queue"),
        ])
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            "bad environment: `REDOUBT_TABLE` is missing; \
             `REDOUBT_STATEMENT_BYTES`: found `many`, expected a number from 1000 to 200000; \
             `REDOUBT_BATCH_STATEMENTS`: found `41`, expected a number from 1 to 40; \
             `REDOUBT_LOG`: found `redoubt_aws=loud`, expected levels such as `info` or `warn,redoubt_aws=debug`; \
             `REDOUBT_USER_QUEUE_URL`: found `user-queue`, expected a URL"
        );
    }

    #[test]
    fn a_queue_that_was_not_given_is_named_by_its_variable() {
        let error = read(&[("REDOUBT_TABLE", "t")]).unwrap().queue(Queue::DeadLetter).unwrap_err();
        assert_eq!(error.to_string(), "bad environment: `REDOUBT_DEAD_LETTER_QUEUE_URL` is missing");
    }
}
