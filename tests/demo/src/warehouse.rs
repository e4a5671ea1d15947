//! The warehouse as a person's SQL client sees it: PostgreSQL's protocol, one account at a time.

use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage, error::SqlState};

use crate::settings::Settings;

/// Why the warehouse didn't answer.
#[derive(Debug, thiserror::Error)]
pub enum WarehouseError {
    /// No connection.
    #[error("can't connect to database `{database}` as `{account}`: is the stack up (`make status`)?")]
    Connect {
        /// The account.
        account: String,
        /// The database.
        database: String,
        /// Why.
        source: tokio_postgres::Error,
    },
    /// A statement failed.
    #[error("`{account}`: can't {what}")]
    Statement {
        /// The account.
        account: String,
        /// What the statement was for.
        what: String,
        /// Why.
        source: tokio_postgres::Error,
    },
}

impl WarehouseError {
    fn code(&self) -> Option<&SqlState> {
        let (Self::Connect { source, .. } | Self::Statement { source, .. }) = self;
        source.code()
    }

    /// What the database says.
    pub fn message(&self) -> Option<&str> {
        let (Self::Connect { source, .. } | Self::Statement { source, .. }) = self;
        source.as_db_error().map(|error| error.message())
    }

    /// Whether the account lacks a right.
    pub fn is_refusal(&self) -> bool {
        self.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE)
    }

    /// Whether something isn't there (yet): a database, a schema, a table, an account.
    pub fn is_absence(&self) -> bool {
        let absent = [
            SqlState::INVALID_CATALOG_NAME,
            SqlState::INVALID_SCHEMA_NAME,
            SqlState::UNDEFINED_TABLE,
            SqlState::UNDEFINED_COLUMN,
        ];
        self.code().is_some_and(|code| absent.contains(code))
    }
}

/// A row: each value as text, or none for a null.
pub type Row = Vec<Option<String>>;

/// A session of one account in one database.
pub struct Session {
    account: String,
    pub(crate) client: Client,
}

impl Session {
    /// Opens a session.
    ///
    /// # Errors
    /// When the server isn't there, or knows neither account nor database.
    pub async fn open(settings: &Settings, account: &str, database: &str) -> Result<Self, WarehouseError> {
        let mut config = Config::new();
        config
            .host(settings.host())
            .port(settings.port)
            .user(account)
            .dbname(database)
            .application_name("redoubt-demo");
        let connecting = config.connect(NoTls).await;
        let (client, connection) = connecting.map_err(|source| WarehouseError::Connect {
            account: account.to_owned(),
            database: database.to_owned(),
            source,
        })?;
        // Ends with the client; what goes wrong in between, the client's own calls report.
        tokio::spawn(connection);
        Ok(Self { account: account.to_owned(), client })
    }

    /// The error of a statement that was for something.
    pub(crate) fn failed(&self, what: &str) -> impl FnOnce(tokio_postgres::Error) -> WarehouseError {
        let (account, what) = (self.account.clone(), what.to_owned());
        move |source| WarehouseError::Statement { account, what, source }
    }

    /// Runs statements that give no rows.
    ///
    /// # Errors
    /// The database's own, with what the statements were for.
    pub async fn run(&self, what: &str, sql: &str) -> Result<(), WarehouseError> {
        self.client.batch_execute(sql).await.map_err(self.failed(what))
    }

    /// The rows of a query.
    ///
    /// # Errors
    /// The database's own, with what the query was for.
    pub async fn rows(&self, what: &str, sql: &str) -> Result<Vec<Row>, WarehouseError> {
        let messages = self.client.simple_query(sql).await.map_err(self.failed(what))?;
        let rows = messages.into_iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|column| row.get(column).map(str::to_owned)).collect())
            }
            _ => None,
        });
        Ok(rows.collect())
    }

    /// The only value of a query; none where there is no row, or a null.
    ///
    /// # Errors
    /// The database's own, with what the query was for.
    pub async fn value(&self, what: &str, sql: &str) -> Result<Option<String>, WarehouseError> {
        let rows = self.rows(what, sql).await?;
        Ok(rows.into_iter().next().and_then(|row| row.into_iter().next()).flatten())
    }
}

/// A name in double quotes, as SQL has it.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
