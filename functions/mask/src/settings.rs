//! The environment.

use std::{fmt, time::Duration};

use redoubt_aws::telemetry;
use tracing_subscriber::filter::Targets;

const SECRET: &str = "REDOUBT_MASTER_SECRET";
const SECONDS: &str = "REDOUBT_MASTER_SECRET_SECONDS";
const LOG: &str = "REDOUBT_LOG";

const DEFAULT_SECONDS: u64 = 300;
const MAX_SECONDS: u64 = 86_400;

/// What the environment says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Settings {
    /// Name or ARN of the master secret.
    pub(crate) secret: String,
    /// How long a copy of it is used.
    pub(crate) secret_life: Duration,
    /// What is logged.
    pub(crate) log: Targets,
}

/// What is wrong with the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SettingsError(Vec<String>);

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bad environment: {}", self.0.join("; "))
    }
}

impl std::error::Error for SettingsError {}

impl Settings {
    /// Reads the environment.
    ///
    /// # Errors
    /// [`SettingsError`] with every fault.
    pub(crate) fn from_env() -> Result<Self, SettingsError> {
        Self::read(|name| std::env::var(name).ok())
    }

    /// An empty variable counts as absent.
    fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let variable =
            |name: &str| variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let mut faults = Vec::new();
        let secret = variable(SECRET);
        if secret.is_none() {
            faults.push(format!("`{SECRET}` is missing"));
        }
        let seconds = match variable(SECONDS).map(|value| value.parse()) {
            None => Some(DEFAULT_SECONDS),
            Some(seconds) => seconds.ok().filter(|seconds| *seconds <= MAX_SECONDS),
        };
        if seconds.is_none() {
            faults.push(format!("`{SECONDS}` is not a number from 0 to {MAX_SECONDS}"));
        }
        let log = match variable(LOG).map(|value| value.parse()) {
            None => Some(telemetry::default_filter()),
            Some(filter) => filter.ok(),
        };
        if log.is_none() {
            faults.push(format!("`{LOG}` is not a list of levels such as `info` or `warn,redoubt_aws=debug`"));
        }
        match (secret, seconds, log) {
            (Some(secret), Some(seconds), Some(log)) => {
                Ok(Self { secret, secret_life: Duration::from_secs(seconds), log })
            }
            _ => Err(SettingsError(faults)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        Settings::read(|name| pairs.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn only_the_secret_must_be_named() {
        let settings = read(&[(SECRET, " redoubt/master "), (SECONDS, "")]).unwrap();
        assert_eq!((settings.secret.as_str(), settings.secret_life.as_secs()), ("redoubt/master", 300));
        assert_eq!(settings.log, telemetry::default_filter());
        let settings = read(&[(SECRET, "s"), (SECONDS, "0"), (LOG, "debug")]).unwrap();
        assert_eq!((settings.secret_life, settings.log), (Duration::ZERO, "debug".parse().unwrap()));
    }

    #[test]
    fn every_fault_is_told() {
        assert_eq!(
            read(&[(SECONDS, "86401"), (LOG, "loud=very")]).unwrap_err().to_string(),
            "bad environment: `REDOUBT_MASTER_SECRET` is missing; \
             `REDOUBT_MASTER_SECRET_SECONDS` is not a number from 0 to 86400; \
             `REDOUBT_LOG` is not a list of levels such as `info` or `warn,redoubt_aws=debug`"
        );
    }
}
