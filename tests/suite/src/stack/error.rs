//! Why a test could not go on.

use std::{error::Error, fmt, time::Duration};

/// Why a test could not go on. Printed as a sentence also by `Debug`, which is what a failing test shows.
#[derive(thiserror::Error)]
pub enum StackError {
    /// The environment does not lead to a stack.
    #[error("`{variable}` is not set: run through `make test`, or `make up` and `. .local/env`")]
    Environment {
        /// What is missing.
        variable: String,
    },
    /// An AWS service, played by the stack, did not do what it was asked.
    #[error("{service} did not {what}")]
    Service {
        /// The service.
        service: &'static str,
        /// What it was asked.
        what: &'static str,
        /// Why not.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The database refused a session or a statement that should have worked.
    #[error("`{user}` in `{database}`: {statement}")]
    Database {
        /// The account.
        user: String,
        /// The database.
        database: String,
        /// The start of the statement, or `connect`.
        statement: String,
        /// Why.
        source: tokio_postgres::Error,
    },
    /// The metadata store could not be read.
    #[error("the metadata could not be read")]
    Store(#[from] redoubt_aws::error::StoreError),
    /// Something is no JSON, or not the JSON expected.
    #[error("unexpected JSON")]
    Json(#[from] serde_json::Error),
    /// The lock that keeps two tests from setting up the warehouse at once.
    #[error("the lock file `{path}` can't be used")]
    Lock {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A file of a stand-in.
    #[error("can't write `{path}`")]
    File {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A stand-in did not start or stop.
    #[error("the stand-in did not do what it should")]
    Standin(#[from] redoubt_local::StartError),
    /// The warehouse refused a statement, with its own words.
    #[error("{0}")]
    Refused(String),
    /// A state did not come.
    #[error("after {} s still not: {wanted}\nlast seen: {seen}", patience.as_secs())]
    Late {
        /// How long it was waited for.
        patience: Duration,
        /// What was waited for.
        wanted: String,
        /// What was there instead.
        seen: String,
    },
    /// The stack is in a state that the tests can't work with.
    #[error("{0}")]
    Unusable(String),
}

impl fmt::Debug for StackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        let mut source = self.source();
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

impl StackError {
    /// Turns the error of a call to a service into this one.
    pub fn service<E: Error + Send + Sync + 'static>(
        service: &'static str,
        what: &'static str,
    ) -> impl FnOnce(E) -> Self {
        move |source| Self::Service { service, what, source: source.into() }
    }
}
