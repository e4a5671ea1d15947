//! The master secret: read from Secrets Manager when it is needed, and kept for a while.

use redoubt_aws::secret;
use redoubt_mask::key::{MasterSecret, SecretError};

/// The master secret, kept for a while.
pub(crate) type Secret<S> = secret::Secret<S, MasterSecret, SecretError>;

/// The keys in the document.
pub(crate) fn parse(document: &str) -> Result<MasterSecret, SecretError> {
    let secret = MasterSecret::parse(document)?;
    tracing::info!(key = secret.current(), "read the master secret");
    Ok(secret)
}

#[cfg(test)]
pub(crate) mod tests {
    use redoubt_aws::secret::{MemorySecret, NoSecret};

    use super::*;

    pub(crate) fn document(ids: &[u8]) -> String {
        let key = |id| format!(r#"{{"id":{id},"secret":"{:A<43}="}}"#, char::from(b'a' + id));
        format!(r#"{{"keys":[{}]}}"#, ids.iter().map(key).collect::<Vec<_>>().join(","))
    }

    #[tokio::test]
    async fn the_last_key_is_the_current_one_and_a_bad_document_is_an_error() {
        let document = document(&[1, 2]);
        let source = MemorySecret::new(&[Some(&document), Some("{}")]);
        let secret = Secret::new(source, parse, std::time::Duration::ZERO);
        assert_eq!(secret.get().await.unwrap().current(), 2);
        assert!(matches!(secret.get().await, Err(NoSecret::Content(SecretError::Form))));
    }
}
