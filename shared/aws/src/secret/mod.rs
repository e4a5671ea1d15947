//! Secrets that a function reads when it needs them and keeps for a while.

use std::error::Error as StdError;
use std::future::Future;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use crate::port::{Clock, SystemClock};

pub mod manager;
pub mod memory;

pub use manager::SecretsManager;
pub use memory::MemorySecret;

/// A copy younger than this is not replaced however much a request wants it, or anybody could have the secret read all the
/// time.
const YOUNG: Duration = Duration::from_secs(1);

/// Why a secret can't be read. It holds nothing of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The service refused or could not be reached.
    #[error("the secret can't be read: {code}")]
    Service {
        /// What came back.
        code: String,
    },
    /// The secret is binary.
    #[error("the secret is not a text")]
    NotText,
}

/// Why there is no secret. It holds nothing of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoSecret<E: StdError + 'static> {
    /// It can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It can't be used.
    #[error(transparent)]
    Content(E),
}

/// Where a secret comes from.
pub trait Source: Send + Sync {
    /// Reads the document.
    ///
    /// # Errors
    /// [`ReadError`] when there is none to be had.
    fn read(&self) -> impl Future<Output = Result<Zeroizing<String>, ReadError>> + Send;
}

/// A secret, kept for a while.
pub struct Secret<S, T, E> {
    source: S,
    parse: fn(&str) -> Result<T, E>,
    life: Duration,
    clock: Box<dyn Clock>,
    /// Locked while it is read, so that those who come meanwhile wait for the same copy.
    copy: Mutex<Option<Copy<T>>>,
}

struct Copy<T> {
    content: T,
    read_at: OffsetDateTime,
}

impl<S: Source, T: Clone, E: StdError + 'static> Secret<S, T, E> {
    /// A copy of what `parse` makes of the document is used for as long as `life`. Its errors must hold nothing of the document.
    pub fn new(source: S, parse: fn(&str) -> Result<T, E>, life: Duration) -> Self {
        Self { source, parse, life, clock: Box::new(SystemClock), copy: Mutex::new(None) }
    }

    /// The same with another clock, as tests want it.
    #[must_use]
    pub fn with_clock(self, clock: impl Clock + 'static) -> Self {
        Self { clock: Box::new(clock), ..self }
    }

    /// Where it comes from.
    pub fn source(&self) -> &S {
        &self.source
    }

    /// The secret, read anew if the copy is too old.
    ///
    /// # Errors
    /// When it must be read and can't be. An old copy is not used then: the key may have been withdrawn.
    pub async fn get(&self) -> Result<T, NoSecret<E>> {
        self.at_most_as_old_as(self.life).await
    }

    /// The secret, read anew unless that has just been done.
    ///
    /// # Errors
    /// As of [`get`](Self::get).
    pub async fn newest(&self) -> Result<T, NoSecret<E>> {
        self.at_most_as_old_as(YOUNG).await
    }

    async fn at_most_as_old_as(&self, age: Duration) -> Result<T, NoSecret<E>> {
        let mut copy = self.copy.lock().await;
        // The time of day, because other clocks stand still while Lambda holds the process. If it went back, the age is unknown.
        let now = self.clock.now();
        if let Some(Copy { content, read_at }) = &*copy
            && *read_at <= now
            && now - *read_at < age
        {
            return Ok(content.clone());
        }
        *copy = None;
        let content = (self.parse)(&self.source.read().await?).map_err(NoSecret::Content)?;
        *copy = Some(Copy { content: content.clone(), read_at: now });
        Ok(content)
    }
}

#[cfg(test)]
mod tests {
    use std::num::ParseIntError;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

    use super::*;

    /// Seconds since 1970.
    #[derive(Clone, Default)]
    struct Hand(Arc<AtomicI64>);

    impl Clock for Hand {
        fn now(&self) -> OffsetDateTime {
            OffsetDateTime::from_unix_timestamp(self.0.load(Relaxed)).unwrap()
        }
    }

    fn secret(texts: &[Option<&str>], seconds: u64) -> (Secret<MemorySecret, u8, ParseIntError>, Hand) {
        let hand = Hand::default();
        let secret = Secret::new(MemorySecret::new(texts), str::parse, Duration::from_secs(seconds));
        (secret.with_clock(hand.clone()), hand)
    }

    #[tokio::test]
    async fn a_copy_is_used_for_its_life() {
        let (secret, hand) = secret(&[Some("1"), Some("2")], 300);
        for (seconds, content, readings) in [(0, 1, 1), (299, 1, 1), (300, 2, 2), (599, 2, 2), (10, 2, 3), (10, 2, 3)] {
            hand.0.store(seconds, Relaxed);
            assert_eq!(secret.get().await, Ok(content), "{seconds}");
            assert_eq!(secret.source().readings(), readings, "{seconds}");
        }
        assert_eq!(secret.newest().await, Ok(2));
        assert_eq!(secret.source().readings(), 3, "it has just been read");
        hand.0.store(11, Relaxed);
        secret.newest().await.unwrap();
        assert_eq!(secret.source().readings(), 4);
    }

    #[tokio::test]
    async fn a_life_of_zero_reads_every_time() {
        let (secret, _) = secret(&[Some("1")], 0);
        for readings in 1..4 {
            secret.get().await.unwrap();
            assert_eq!(secret.source().readings(), readings);
        }
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_an_error_until_it_can() {
        let (secret, hand) = secret(&[Some("1"), None, Some("{}"), Some("1")], 1);
        secret.get().await.unwrap();
        hand.0.store(1, Relaxed);
        let error = secret.get().await.unwrap_err().to_string();
        assert_eq!(error, "the secret can't be read: ResourceNotFoundException");
        assert!(matches!(secret.get().await, Err(NoSecret::Content(_))));
        secret.get().await.unwrap();
    }

    #[tokio::test]
    async fn those_who_come_meanwhile_wait_for_the_same_copy() {
        let (secret, _) = secret(&[Some("1"), Some("2")], 300);
        let (a, b) = tokio::join!(secret.get(), secret.get());
        assert_eq!((a, b), (Ok(1), Ok(1)));
        assert_eq!(secret.source().readings(), 1);
    }
}
