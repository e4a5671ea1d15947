//! Connections to the server.

use std::error::Error as _;
use std::io;
use tokio_postgres::error::{Severity, SqlState};
use tokio_postgres::{Client, Config, NoTls};

/// What the database driver says when nothing listens.
pub const REFUSED: &str = "Connection refused. Check that the hostname and port are correct and that the postmaster is \
                           accepting TCP/IP connections.";
/// What the text of an error begins with that ends its session.
pub const FATAL: &str = "FATAL:";

/// Connects as `user` to `database`. Authentication is trust: passwords are checked before (see `auth`).
pub async fn connect(port: u16, user: &str, database: &str) -> Result<Client, tokio_postgres::Error> {
    let mut config = Config::new();
    config.host("127.0.0.1").port(port).user(user).dbname(database).application_name("redshift-data");
    config.options("-c default_transaction_isolation=repeatable\\ read");
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "connection to PostgreSQL ended");
        }
    });
    Ok(client)
}

/// The error as Redshift shows it: `ERROR: message`, with detail and hint on the same line, `FATAL: message` when the
/// session ends with it. Transactions that get in each other's way have Redshift's number, 1023.
pub fn describe(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(error) => {
            let mut text = match *error.code() {
                SqlState::T_R_SERIALIZATION_FAILURE => {
                    format!("ERROR: 1023 Detail: Serializable isolation violation: {}", error.message())
                }
                _ if matches!(error.parsed_severity(), Some(Severity::Fatal | Severity::Panic)) => {
                    format!("{FATAL} {}", error.message())
                }
                _ => format!("ERROR: {}", error.message()),
            };
            for (label, more) in [("Detail", error.detail()), ("Hint", error.hint())] {
                if let Some(more) = more {
                    text.push_str(&format!(" {label}: {more}"));
                }
            }
            text
        }
        None => {
            let source = error.source();
            let cause = source.map(|source| format!(": {source}")).unwrap_or_default();
            match source.and_then(|source| source.downcast_ref::<io::Error>()) {
                Some(source) if source.kind() == io::ErrorKind::ConnectionRefused => REFUSED.to_owned(),
                Some(_) => format!("{FATAL} terminating connection: {error}{cause}"),
                None if error.is_closed() => format!("{FATAL} terminating connection: {error}"),
                None => format!("ERROR: {error}{cause}"),
            }
        }
    }
}
