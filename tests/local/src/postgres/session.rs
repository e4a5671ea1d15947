//! Connections to the server.

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, NoTls};

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

/// The error as Redshift shows it: `ERROR: message`, with detail and hint on the same line. Transactions that get in
/// each other's way have Redshift's number, 1023.
pub fn describe(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(error) => {
            let mut text = match *error.code() {
                SqlState::T_R_SERIALIZATION_FAILURE => {
                    format!("ERROR: 1023 Detail: Serializable isolation violation: {}", error.message())
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
        None => match std::error::Error::source(error) {
            Some(source) => format!("ERROR: {error}: {source}"),
            None => format!("ERROR: {error}"),
        },
    }
}
