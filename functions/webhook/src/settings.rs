//! What of the environment is the webhook's own.

use std::{fmt, time::Duration};

const SECRET: &str = "REDOUBT_WEBHOOK_SECRET";
const SECRET_SECONDS: &str = "REDOUBT_WEBHOOK_SECRET_SECONDS";
const WINDOW_SECONDS: &str = "REDOUBT_WEBHOOK_WINDOW_SECONDS";

const DEFAULT_SECRET_SECONDS: u64 = 300;
const MAX_SECRET_SECONDS: u64 = 86_400;
/// What the libraries of Standard Webhooks allow.
const DEFAULT_WINDOW_SECONDS: u64 = 300;
const MAX_WINDOW_SECONDS: u64 = 3_600;

/// What the environment says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Name or ARN of the secret with the keys.
    pub secret: String,
    /// How long a copy of it is used.
    pub secret_life: Duration,
    /// How far the time of a signature may be from ours, either way.
    pub window: Duration,
}

/// What is wrong with the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError(Vec<String>);

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
    pub fn from_env() -> Result<Self, SettingsError> {
        Self::read(|name| std::env::var(name).ok())
    }

    /// An empty variable counts as absent.
    fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let variable =
            |name: &str| variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let mut faults = Vec::new();
        let secret = variable(SECRET).unwrap_or_else(|| {
            faults.push(format!("`{SECRET}` is missing"));
            String::new()
        });
        let mut seconds = |name: &str, min: u64, max: u64, default: u64| {
            let seconds = match variable(name).map(|value| value.parse()) {
                None => Some(default),
                Some(seconds) => seconds.ok().filter(|seconds| (min..=max).contains(seconds)),
            };
            if seconds.is_none() {
                faults.push(format!("`{name}` is not a number from {min} to {max}"));
            }
            Duration::from_secs(seconds.unwrap_or(default))
        };
        let secret_life = seconds(SECRET_SECONDS, 0, MAX_SECRET_SECONDS, DEFAULT_SECRET_SECONDS);
        let window = seconds(WINDOW_SECONDS, 1, MAX_WINDOW_SECONDS, DEFAULT_WINDOW_SECONDS);
        if faults.is_empty() { Ok(Self { secret, secret_life, window }) } else { Err(SettingsError(faults)) }
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
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        let settings = read(&[(SECRET, " redoubt/webhook "), (WINDOW_SECONDS, "")]).unwrap();
        assert_eq!(
            settings,
            Settings { secret: "redoubt/webhook".to_owned(), secret_life: minutes(5), window: minutes(5) }
        );
        let settings = read(&[(SECRET, "s"), (SECRET_SECONDS, "0"), (WINDOW_SECONDS, "60")]).unwrap();
        assert_eq!((settings.secret_life, settings.window), (Duration::ZERO, minutes(1)));
    }

    #[test]
    fn every_fault_is_told() {
        assert_eq!(
            read(&[(SECRET_SECONDS, "86401"), (WINDOW_SECONDS, "0")]).unwrap_err().to_string(),
            "bad environment: `REDOUBT_WEBHOOK_SECRET` is missing; \
             `REDOUBT_WEBHOOK_SECRET_SECONDS` is not a number from 0 to 86400; \
             `REDOUBT_WEBHOOK_WINDOW_SECONDS` is not a number from 1 to 3600"
        );
    }
}
