//! A warehouse of a test's own: a stand-in of Redshift in the test's process, which is gone when the test is.

pub mod catalog;
mod data_api;
mod mask;
mod secrets;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_redshiftdata::{
    Client,
    config::{Credentials, SharedCredentialsProvider, retry::RetryConfig},
};
use redoubt_core::render::hex;
use redoubt_local::{
    Config, Fault, Standin,
    postgres::{prepared, session},
};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::stack::{Session, StackError};

pub use data_api::{Failures, mode};
pub use mask::{FUNCTION, Mask};

/// Who may do everything.
pub const ADMINISTRATOR: &str = "awsuser";
/// The database that is there before Redoubt.
pub const DATABASE: &str = "dev";
/// What requests of the Data API name.
pub const WORKGROUP: &str = "redoubt-local";
/// Everybody's password.
pub const PASSWORD: &str = "Redoubt-local-1";

/// A running stand-in. To be stopped, so that a test sees whether it can be; one that fails before leaves it to the drop.
pub struct OwnWarehouse {
    standin: Mutex<Option<Standin>>,
    port: u16,
    data_api: Client,
    directory: Directory,
}

/// Removed in the end.
struct Directory(PathBuf);

impl Directory {
    fn new(test: &str) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let name = format!("redoubt-{test}-{}-{nanos}-{number}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl OwnWarehouse {
    /// Starts one for the tests of that name. Accounts are secrets with the database users that they open; those users are
    /// not made.
    ///
    /// # Errors
    /// When it can't be started.
    pub async fn start(test: &str, accounts: &[(&str, &str)], mask: Mask<'_>) -> Result<Self, StackError> {
        let directory = Directory::new(test);
        let mut config = mask.answer_in(Config::new(&directory.0))?;
        config.throttle = false;
        config.prepared = prepared::beside_program();
        config.aws = Some(sdk());
        let secrets = directory.0.with_extension("json");
        let content: BTreeMap<_, _> =
            accounts.iter().map(|(secret, user)| (*secret, json!({"username": user, "password": PASSWORD}))).collect();
        fs::write(&secrets, json!(content).to_string())
            .map_err(|source| StackError::File { path: secrets.display().to_string(), source })?;
        config.secrets = Some(secrets.clone());
        let standin = Standin::start(config).await;
        let _ = fs::remove_file(secrets);
        let standin = standin?;
        let data_api = aws_sdk_redshiftdata::config::Builder::from(&sdk())
            .retry_config(RetryConfig::disabled())
            .endpoint_url(standin.endpoint());
        Ok(Self {
            port: standin.pg_port(),
            standin: Mutex::new(Some(standin)),
            data_api: Client::from_conf(data_api.build()),
            directory,
        })
    }

    /// Stops it, whatever is still going on.
    ///
    /// # Errors
    /// When PostgreSQL can't be stopped.
    pub async fn stop(&self) -> Result<(), StackError> {
        if let Some(standin) = self.take() {
            standin.stop().await?;
        }
        let _ = fs::remove_dir_all(&self.directory.0);
        Ok(())
    }

    fn take(&self) -> Option<Standin> {
        self.standin.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// PostgreSQL's port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where its data are, as long as it runs.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory.0
    }

    /// Has it do just these things in another way than Redshift, from the next call on.
    ///
    /// # Errors
    /// The database's, or that it was stopped.
    pub async fn set_faults(&self, faults: &[Fault]) -> Result<(), StackError> {
        let known = {
            let standin = self.standin.lock().unwrap_or_else(PoisonError::into_inner);
            standin.as_ref().and_then(|standin| standin.faults().cloned())
        };
        let known = known.ok_or_else(|| StackError::Unusable("the stand-in was stopped".to_owned()))?;
        known.replace(faults).await.map_err(|source| StackError::Database {
            user: ADMINISTRATOR.to_owned(),
            database: DATABASE.to_owned(),
            statement: format!("faults {faults:?}"),
            source,
        })
    }

    /// A session on PostgreSQL's own port, which trusts everyone.
    ///
    /// # Errors
    /// When there is neither such an account nor such a database.
    pub async fn session(&self, user: &str, database: &str) -> Result<Session, StackError> {
        let client = session::connect(self.port, user, database).await.map_err(|source| StackError::Database {
            user: user.to_owned(),
            database: database.to_owned(),
            statement: "connect".to_owned(),
            source,
        })?;
        Ok(Session::of(client, user, database))
    }

    /// Runs SQL of PostgreSQL as the administrator, past the Data API.
    ///
    /// # Errors
    /// The database's.
    pub async fn administer(&self, database: &str, sql: &str) -> Result<(), StackError> {
        self.session(ADMINISTRATOR, database).await?.run(sql).await
    }
}

impl Drop for OwnWarehouse {
    /// PostgreSQL would outlive a test that fails.
    fn drop(&mut self) {
        let Some(standin) = self.take() else { return };
        // Elsewhere, as nothing of the test's own runtime goes on while it waits here.
        let stopping = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            for warehouse in standin.warehouses() {
                let _ = runtime.as_ref().map(|runtime| runtime.block_on(warehouse.stop()));
            }
        });
        let _ = stopping.join();
    }
}

/// What an integration says of the password of its system account.
#[must_use]
pub fn password_digest(salt: &str) -> String {
    format!("sha256|{}|{salt}", hex(&Sha256::digest(format!("{PASSWORD}{salt}"))))
}

fn sdk() -> SdkConfig {
    let credentials = Credentials::new("test", "test", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}
