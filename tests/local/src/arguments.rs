//! The command line of `redshift-standin`.

use crate::faults::Fault;
use crate::standin::Config;
use std::net::SocketAddr;
use std::str::FromStr;

/// How to call the program.
pub const USAGE: &str = "\
usage: redshift-standin --data-dir DIR --listen ADDRESS:PORT --pg-port PORT... [options]

  --data-dir DIR          where PostgreSQL keeps its data; created when absent
  --listen ADDRESS:PORT   where the Data API listens (loopback)
  --pg-port PORT          where PostgreSQL listens, on 127.0.0.1; repeated, those of the workgroups in their order, and
                          any port for those left
  --workgroup NAME        a warehouse's name, default redoubt-local; may be repeated
  --event-queue NAME      the SQS queue that completion events go to; without it none are sent
  --secrets FILE          JSON object from secret name or ARN to {\"username\", \"password\"}, in place of Secrets Manager
  --lambda NAME=PROGRAM   run this program in place of the Lambda function of that name; may be repeated
  --fault ID              have an assumption on the warehouse fail from the start; may be repeated (see README.md)
  --admin-password TEXT   password of awsuser, default Redoubt-local-1
  --no-throttle           do not hold to the documented request rates
  --help                  this text
";

/// What is wrong with a command line.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ArgumentError {
    /// No such option.
    #[error("unknown option `{0}`")]
    Unknown(String),
    /// An option stands without its value.
    #[error("option `{0}` needs a value")]
    Valueless(String),
    /// The value is not of the form it should be.
    #[error("option `{option}`: expected {expected}, found `{found}`")]
    Value {
        /// The option.
        option: String,
        /// What it takes.
        expected: &'static str,
        /// What was given.
        found: String,
    },
    /// A required option is missing.
    #[error("option `{0}` is required")]
    Missing(&'static str),
}

/// Reads the arguments after the program's name; `None` when help was asked for.
pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Option<Config>, ArgumentError> {
    let mut arguments = arguments.into_iter();
    let mut config = Config::new("");
    let mut listen = None;
    let mut workgroups = Vec::new();
    while let Some(option) = arguments.next() {
        match option.as_str() {
            "--help" | "-h" => return Ok(None),
            "--no-throttle" => {
                config.throttle = false;
                continue;
            }
            "--data-dir" | "--listen" | "--pg-port" | "--workgroup" | "--event-queue" | "--secrets" | "--lambda"
            | "--fault" | "--admin-password" => {}
            _ => return Err(ArgumentError::Unknown(option)),
        }
        let value = arguments.next().ok_or_else(|| ArgumentError::Valueless(option.clone()))?;
        match option.as_str() {
            "--data-dir" => config.data_dir = value.into(),
            "--listen" => {
                listen = Some(convert::<SocketAddr>(&option, "an address and a port, as 127.0.0.1:8000", value)?)
            }
            "--pg-port" => config.pg_ports.push(convert(&option, "a port number", value)?),
            "--workgroup" => workgroups.push(value),
            "--event-queue" => config.event_queue = Some(value),
            "--secrets" => config.secrets = Some(value.into()),
            "--lambda" => {
                let (name, path) = match value.split_once('=') {
                    Some((name, path)) if !name.is_empty() && !path.is_empty() => (name, path),
                    _ => return Err(ArgumentError::Value { option, expected: "NAME=PROGRAM", found: value }),
                };
                config = config.lambda::<String, String>(name, path, []);
            }
            "--fault" => {
                let expected = "the name of a fault";
                config = config.fault(convert::<Fault>(&option, expected, value)?);
            }
            _ => config.admin_password = value,
        }
    }
    config.listen = listen.ok_or(ArgumentError::Missing("--listen"))?;
    if config.data_dir.as_os_str().is_empty() {
        return Err(ArgumentError::Missing("--data-dir"));
    }
    if config.pg_ports.is_empty() {
        return Err(ArgumentError::Missing("--pg-port"));
    }
    if !workgroups.is_empty() {
        config.workgroups = workgroups;
    }
    Ok(Some(config))
}

fn convert<T: FromStr>(option: &str, expected: &'static str, found: String) -> Result<T, ArgumentError> {
    found.parse().map_err(|_| ArgumentError::Value { option: option.to_owned(), expected, found })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Option<Config>, ArgumentError> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_are_read() {
        let line = "--data-dir /tmp/d --listen 127.0.0.1:1 --pg-port 2 --event-queue q --no-throttle --lambda f=/a=b \
                    --fault backslash --fault auto_commit";
        let config = parsed(line).unwrap().unwrap();
        assert_eq!((config.lambdas[0].name.as_str(), config.lambdas[0].path.to_str()), ("f", Some("/a=b")));
        assert_eq!(config.faults, [Fault::Backslash, Fault::AutoCommit]);
        assert_eq!(config.listen.port(), 1);
        assert_eq!((config.pg_ports, config.workgroups), (vec![2], vec!["redoubt-local".to_owned()]));
        assert_eq!(config.event_queue.as_deref(), Some("q"));
        assert!(!config.throttle);
        let line = "--data-dir d --listen 127.0.0.1:1 --workgroup one --pg-port 2 --workgroup two --pg-port 3";
        let config = parsed(line).unwrap().unwrap();
        assert_eq!((config.pg_ports, config.workgroups), (vec![2, 3], vec!["one".to_owned(), "two".to_owned()]));
        assert!(parsed("--help").unwrap().is_none());
    }

    #[test]
    fn faults_are_named() {
        for (line, message) in [
            ("--what", "unknown option `--what`"),
            ("--data-dir", "option `--data-dir` needs a value"),
            ("--lambda f", "option `--lambda`: expected NAME=PROGRAM, found `f`"),
            ("--fault x", "option `--fault`: expected the name of a fault, found `x`"),
            ("--data-dir d --pg-port 1", "option `--listen` is required"),
            ("--listen x", "option `--listen`: expected an address and a port, as 127.0.0.1:8000, found `x`"),
        ] {
            assert_eq!(parsed(line).unwrap_err().to_string(), message);
        }
    }
}
