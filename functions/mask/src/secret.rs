//! The master secret: read from Secrets Manager when it is needed, and kept for a while.

use std::time::Duration;

use aws_config::{BehaviorVersion, timeout::TimeoutConfig};
use aws_sdk_secretsmanager::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::get_secret_value::GetSecretValueError,
};
use redoubt_aws::port::{Clock, SystemClock};
use redoubt_mask::key::{MasterSecret, SecretError};
use time::OffsetDateTime;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
/// Less than Redshift waits before it calls again (RETRY_TIMEOUT, 20 s).
const CALL_TIMEOUT: Duration = Duration::from_secs(15);
/// A copy younger than this is not replaced however much a request wants it, or anybody could have the secret read all the
/// time by passing texts that were never masked.
const YOUNG: Duration = Duration::from_secs(1);

/// Why there is no master secret. It holds nothing of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoSecret {
    /// The service refused or could not be reached.
    #[error("the secret can't be read: {code}")]
    Service {
        /// What came back.
        code: String,
    },
    /// The secret is binary.
    #[error("the secret is not a text")]
    NotText,
    /// The secret can't be used.
    #[error(transparent)]
    Content(#[from] SecretError),
}

/// Where the secret comes from.
pub(crate) trait Source {
    /// Reads the document.
    async fn read(&self) -> Result<Zeroizing<String>, NoSecret>;
}

/// AWS Secrets Manager.
#[derive(Debug)]
pub(crate) struct SecretsManager {
    client: Client,
    id: String,
}

impl SecretsManager {
    /// Builds the client for a secret, by name or ARN. Endpoint, Region and credentials come from the environment.
    pub(crate) async fn connect(id: &str) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .operation_timeout(CALL_TIMEOUT)
            .build();
        let sdk = aws_config::defaults(BehaviorVersion::latest()).timeout_config(timeouts).load().await;
        Self { client: Client::new(&sdk), id: id.to_owned() }
    }
}

impl Source for SecretsManager {
    async fn read(&self) -> Result<Zeroizing<String>, NoSecret> {
        let reply = self.client.get_secret_value().secret_id(&self.id).send().await.map_err(|error| reduce(&error))?;
        reply.secret_string.map(Zeroizing::new).ok_or(NoSecret::NotText)
    }
}

/// An error of the SDK can hold the reply, and thereby the secret. Only its code goes further.
fn reduce<R>(error: &SdkError<GetSecretValueError, R>) -> NoSecret {
    let code = match error {
        SdkError::ServiceError(context) => context.err().code().unwrap_or("no error code"),
        SdkError::ConstructionFailure(_) => "the request could not be built",
        SdkError::TimeoutError(_) => "timed out",
        SdkError::DispatchFailure(_) => "the request could not be sent",
        _ => "the reply could not be read",
    };
    NoSecret::Service { code: code.to_owned() }
}

/// The master secret, kept for a while.
pub(crate) struct Secret<S> {
    source: S,
    life: Duration,
    clock: Box<dyn Clock>,
    /// Locked while it is read, so that those who come meanwhile wait for the same copy.
    copy: Mutex<Option<Copy>>,
}

struct Copy {
    secret: MasterSecret,
    read_at: OffsetDateTime,
}

impl<S: Source> Secret<S> {
    /// A copy is used for as long as `life`.
    pub(crate) fn new(source: S, life: Duration) -> Self {
        Self { source, life, clock: Box::new(SystemClock), copy: Mutex::new(None) }
    }

    /// The secret, read anew if the copy is too old.
    ///
    /// # Errors
    /// When it must be read and can't be. An old copy is not used then: the key may have been withdrawn.
    pub(crate) async fn get(&self) -> Result<MasterSecret, NoSecret> {
        self.at_most_as_old_as(self.life).await
    }

    /// The secret, read anew unless that has just been done.
    ///
    /// # Errors
    /// As of [`get`](Self::get).
    pub(crate) async fn newest(&self) -> Result<MasterSecret, NoSecret> {
        self.at_most_as_old_as(YOUNG).await
    }

    async fn at_most_as_old_as(&self, age: Duration) -> Result<MasterSecret, NoSecret> {
        let mut copy = self.copy.lock().await;
        // The time of day, because other clocks stand still while Lambda holds the process. If it went back, the age is unknown.
        let now = self.clock.now();
        if let Some(Copy { secret, read_at }) = &*copy
            && *read_at <= now
            && now - *read_at < age
        {
            return Ok(secret.clone());
        }
        *copy = None;
        let secret = MasterSecret::parse(&self.source.read().await?)?;
        *copy = Some(Copy { secret: secret.clone(), read_at: now });
        tracing::info!(key = secret.current(), "read the master secret");
        Ok(secret)
    }

    #[cfg(test)]
    pub(crate) fn with_clock(self, clock: impl Clock + 'static) -> Self {
        Self { clock: Box::new(clock), ..self }
    }

    #[cfg(test)]
    pub(crate) fn source(&self) -> &S {
        &self.source
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicI64, AtomicUsize, Ordering::Relaxed},
    };

    use super::*;

    /// A secret that changes with every reading, and can't be read while it is `None`.
    #[derive(Default)]
    pub(crate) struct Documents {
        pub(crate) texts: std::sync::Mutex<Vec<Option<String>>>,
        pub(crate) readings: AtomicUsize,
    }

    impl Documents {
        /// The documents, first to last; the last one stays.
        pub(crate) fn new(texts: &[Option<&str>]) -> Self {
            let texts = texts.iter().rev().map(|text| text.map(str::to_owned)).collect();
            Self { texts: std::sync::Mutex::new(texts), readings: AtomicUsize::new(0) }
        }
    }

    impl Source for Documents {
        async fn read(&self) -> Result<Zeroizing<String>, NoSecret> {
            self.readings.fetch_add(1, Relaxed);
            tokio::task::yield_now().await;
            let mut texts = self.texts.lock().unwrap();
            let text = if texts.len() > 1 { texts.pop().unwrap() } else { texts[0].clone() };
            text.map(Zeroizing::new).ok_or(NoSecret::Service { code: "ResourceNotFoundException".to_owned() })
        }
    }

    /// Seconds since 1970.
    #[derive(Clone, Default)]
    pub(crate) struct Hand(pub(crate) Arc<AtomicI64>);

    impl Clock for Hand {
        fn now(&self) -> OffsetDateTime {
            OffsetDateTime::from_unix_timestamp(self.0.load(Relaxed)).unwrap()
        }
    }

    pub(crate) fn document(ids: &[u8]) -> String {
        let key = |id| format!(r#"{{"id":{id},"secret":"{:A<43}="}}"#, char::from(b'a' + id));
        format!(r#"{{"keys":[{}]}}"#, ids.iter().map(key).collect::<Vec<_>>().join(","))
    }

    #[tokio::test]
    async fn a_copy_is_used_for_its_life() {
        let hand = Hand::default();
        let (one, two) = (document(&[1]), document(&[1, 2]));
        let documents = Documents::new(&[Some(&one), Some(&two)]);
        let secret = Secret::new(documents, Duration::from_secs(300)).with_clock(hand.clone());
        for (seconds, current, readings) in [(0, 1, 1), (299, 1, 1), (300, 2, 2), (599, 2, 2), (10, 2, 3), (10, 2, 3)] {
            hand.0.store(seconds, Relaxed);
            assert_eq!(secret.get().await.unwrap().current(), current, "{seconds}");
            assert_eq!(secret.source().readings.load(Relaxed), readings, "{seconds}");
        }
        assert_eq!(secret.newest().await.unwrap().current(), 2);
        assert_eq!(secret.source().readings.load(Relaxed), 3, "it has just been read");
        hand.0.store(11, Relaxed);
        secret.newest().await.unwrap();
        assert_eq!(secret.source().readings.load(Relaxed), 4);
    }

    #[tokio::test]
    async fn a_life_of_zero_reads_every_time() {
        let one = document(&[1]);
        let secret = Secret::new(Documents::new(&[Some(&one)]), Duration::ZERO);
        for readings in 1..4 {
            secret.get().await.unwrap();
            assert_eq!(secret.source().readings.load(Relaxed), readings);
        }
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_an_error_until_it_can() {
        let hand = Hand::default();
        let one = document(&[1]);
        let documents = Documents::new(&[Some(&one), None, Some("{}"), Some(&one)]);
        let secret = Secret::new(documents, Duration::from_secs(1)).with_clock(hand.clone());
        secret.get().await.unwrap();
        hand.0.store(1, Relaxed);
        let error = secret.get().await.unwrap_err().to_string();
        assert_eq!(error, "the secret can't be read: ResourceNotFoundException");
        assert!(matches!(secret.get().await, Err(NoSecret::Content(SecretError::Form))));
        secret.get().await.unwrap();
    }

    #[tokio::test]
    async fn those_who_come_meanwhile_wait_for_the_same_copy() {
        let one = document(&[1]);
        let secret = Secret::new(Documents::new(&[Some(&one)]), Duration::from_secs(300));
        let (a, b) = tokio::join!(secret.get(), secret.get());
        assert_eq!(a.unwrap(), b.unwrap());
        assert_eq!(secret.source().readings.load(Relaxed), 1);
    }
}
