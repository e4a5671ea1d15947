//! Who may unmask what.

use redoubt_aws::{error::Error, runtime, runtime::App, store::DynamoDb, work};
use redoubt_mask::request::Column;

/// Knows who may unmask what.
pub(crate) trait Authority {
    /// Whether a database user may see the clear values of a column.
    async fn permits(&self, user: &str, column: &Column) -> Result<bool, AuthorityError>;
}

/// It can't be found out.
#[derive(Debug, thiserror::Error)]
#[error("who may unmask can't be found out")]
pub(crate) struct AuthorityError(#[source] pub(crate) Box<dyn std::error::Error + Send + Sync>);

/// The policies and users of the metadata store, as they are now.
pub(crate) struct Metadata(App<DynamoDb, (), ()>);

impl Metadata {
    /// Connects to the store.
    ///
    /// # Errors
    /// When the environment is incomplete.
    pub(crate) async fn connect() -> Result<Self, Error> {
        runtime::connect_store().await.map(Self)
    }
}

impl Authority for Metadata {
    async fn permits(&self, user: &str, column: &Column) -> Result<bool, AuthorityError> {
        let may = work::may_unmask(&self.0, user, &column.source, &column.column).await;
        may.map_err(|error| AuthorityError(Box::new(error)))
    }
}

/// Lets nobody unmask anything.
#[cfg(test)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Nobody;

#[cfg(test)]
impl Authority for Nobody {
    async fn permits(&self, _user: &str, _column: &Column) -> Result<bool, AuthorityError> {
        Ok(false)
    }
}
