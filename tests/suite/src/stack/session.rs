//! The warehouse as a person's SQL client sees it.

use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

use super::{Settings, StackError, Workgroup, wait};

/// A row as text, nulls apart.
pub type Row = Vec<Option<String>>;

/// A session of one account in one database.
pub struct Session {
    user: String,
    database: String,
    client: Client,
}

impl Session {
    /// Opens a session on the first warehouse.
    ///
    /// # Errors
    /// When the server isn't there, or knows neither account nor database.
    pub async fn open(settings: &Settings, user: &str, database: &str) -> Result<Self, StackError> {
        Self::open_on(settings, Workgroup::First, user, database).await
    }

    /// Opens a session on a warehouse. PostgreSQL's own port trusts everyone on loopback.
    ///
    /// # Errors
    /// When the server isn't there, or knows neither account nor database.
    pub async fn open_on(
        settings: &Settings,
        workgroup: Workgroup,
        user: &str,
        database: &str,
    ) -> Result<Self, StackError> {
        let mut config = Config::new();
        config.host(settings.get("PGHOST")).port(settings.port(workgroup)?).user(user).dbname(database);
        let (client, connection) = config.connect(NoTls).await.map_err(|source| StackError::Database {
            user: user.to_owned(),
            database: database.to_owned(),
            statement: "connect".to_owned(),
            source,
        })?;
        // Ends with the client; what goes wrong in between, the client's own calls report.
        tokio::spawn(connection);
        Ok(Self::of(client, user, database))
    }

    /// What somebody else connected.
    #[must_use]
    pub fn of(client: Client, user: &str, database: &str) -> Self {
        Self { user: user.to_owned(), database: database.to_owned(), client }
    }

    /// Runs statements that must succeed.
    ///
    /// # Errors
    /// The database's.
    pub async fn run(&self, sql: &str) -> Result<(), StackError> {
        self.client.batch_execute(sql).await.map_err(|source| self.failed(sql, source))
    }

    fn failed(&self, sql: &str, source: tokio_postgres::Error) -> StackError {
        StackError::Database {
            user: self.user.clone(),
            database: self.database.clone(),
            statement: sql.chars().take(200).collect(),
            source,
        }
    }

    /// The rows of a statement.
    ///
    /// # Errors
    /// The database's.
    pub async fn rows(&self, sql: &str) -> Result<Vec<Row>, tokio_postgres::Error> {
        let messages = self.client.simple_query(sql).await?;
        let rows = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|column| row.get(column).map(str::to_owned)).collect())
            }
            _ => None,
        });
        Ok(rows.collect())
    }

    /// The first column of a query, nulls as nothing.
    ///
    /// # Errors
    /// The database's.
    pub async fn column(&self, sql: &str) -> Result<Vec<String>, StackError> {
        let rows = self.rows(sql).await.map_err(|source| self.failed(sql, source))?;
        Ok(rows.into_iter().map(|row| row.into_iter().next().flatten().unwrap_or_default()).collect())
    }

    /// What a statement shows, as `psql` would: a line for each row, values joined by `|`, nulls as `NULL`.
    ///
    /// # Errors
    /// The database's.
    pub async fn show(&self, sql: &str) -> Result<String, tokio_postgres::Error> {
        let rows = self.rows(sql).await?;
        let line = |row: &Row| row.iter().map(|cell| cell.as_deref().unwrap_or("NULL")).collect::<Vec<_>>().join("|");
        Ok(rows.iter().map(line).collect::<Vec<_>>().join("\n"))
    }

    /// The same with an error shown too, as `ERROR code: message`, since often that is what is waited for.
    pub async fn see(&self, sql: &str) -> String {
        self.show(sql).await.unwrap_or_else(|error| match error.as_db_error() {
            Some(error) => format!("ERROR {}: {}", error.code().code(), error.message()),
            None => format!("ERROR: {error}"),
        })
    }

    /// Waits until a statement shows just this.
    ///
    /// # Errors
    /// When it does not in time; with what it showed last.
    pub async fn until(&self, sql: &str, expected: &str) -> Result<(), StackError> {
        let wanted = || format!("`{}` sees `{expected}` by {sql}", self.user);
        wait::until(wanted, async || {
            let seen = self.see(sql).await;
            Ok(if seen == expected { Ok(()) } else { Err(format!("`{seen}`")) })
        })
        .await
    }

    /// Waits until a statement shows something that passes a test, and gives it.
    ///
    /// # Errors
    /// When it does not in time; with what it showed last.
    pub async fn until_that(
        &self,
        sql: &str,
        wanted: &str,
        passes: impl Fn(&str) -> bool,
    ) -> Result<String, StackError> {
        wait::until(
            || format!("`{}` sees {wanted} by {sql}", self.user),
            async || {
                let seen = self.see(sql).await;
                Ok(if passes(&seen) { Ok(seen) } else { Err(format!("`{seen}`")) })
            },
        )
        .await
    }
}

/// A name as SQL has it.
#[must_use]
pub fn ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as SQL has it where a backslash escapes.
#[must_use]
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}
