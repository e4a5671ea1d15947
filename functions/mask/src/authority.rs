//! Who may unmask what.

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

/// Lets nobody unmask anything.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Nobody;

impl Authority for Nobody {
    async fn permits(&self, _user: &str, _column: &Column) -> Result<bool, AuthorityError> {
        Ok(false)
    }
}
