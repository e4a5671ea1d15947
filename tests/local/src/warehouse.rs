//! One warehouse: a PostgreSQL server that can be stopped and started while the API goes on.

use crate::postgres::link::Link;
use crate::postgres::server::{INTERNAL_DATABASE, INTERNAL_USER, Server, ServerError};
use crate::postgres::session::connect;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::Mutex;
use tokio::task::{JoinError, spawn_blocking};

/// Why a warehouse was not stopped or started.
#[derive(Debug, thiserror::Error)]
pub enum WarehouseError {
    /// There is none of that name.
    #[error("no warehouse `{0}`")]
    Unknown(String),
    /// PostgreSQL did not do it.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// PostgreSQL runs and can't be used.
    #[error("can't connect to PostgreSQL")]
    Connect(#[from] tokio_postgres::Error),
    /// A task of the stand-in was lost.
    #[error("a task of the stand-in was interrupted")]
    Interrupted(#[from] JoinError),
}

/// A warehouse, running or stopped. Dropping it leaves PostgreSQL as it is.
pub struct Warehouse {
    name: String,
    server: Arc<Server>,
    link: Arc<Link>,
    /// Whether PostgreSQL runs. Held while that changes, so that one change ends before another begins.
    up: Mutex<bool>,
}

impl Warehouse {
    /// Starts PostgreSQL in `directory`, created when absent. Statements are refused until [`Warehouse::start`].
    pub async fn create(name: &str, directory: PathBuf, port: Option<u16>) -> Result<Self, WarehouseError> {
        let server = spawn_blocking(move || Server::start(&directory, port)).await??;
        Ok(Self { name: name.to_owned(), server: Arc::new(server), link: Arc::default(), up: Mutex::new(true) })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// PostgreSQL's port on loopback, the same after a stop.
    pub fn port(&self) -> u16 {
        self.server.port
    }

    /// The stand-in's own session.
    pub fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// Whether statements can run.
    pub fn is_running(&self) -> bool {
        self.link.session().is_some_and(|session| !session.is_closed())
    }

    /// Ends every session and stops PostgreSQL; nothing when it is stopped already.
    pub async fn stop(&self) -> Result<(), WarehouseError> {
        let mut up = self.up.lock().await;
        self.link.close();
        if *up {
            let server = Arc::clone(&self.server);
            spawn_blocking(move || server.stop()).await??;
            *up = false;
        }
        Ok(())
    }

    /// Starts PostgreSQL with the data it had and lets statements in; nothing when it runs already.
    pub async fn start(&self) -> Result<(), WarehouseError> {
        let mut up = self.up.lock().await;
        if !*up {
            let server = Arc::clone(&self.server);
            spawn_blocking(move || server.launch()).await??;
            *up = true;
        }
        if !self.is_running() {
            self.link.open(connect(self.port(), INTERNAL_USER, INTERNAL_DATABASE).await?);
        }
        Ok(())
    }
}

impl fmt::Debug for Warehouse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Warehouse").field("name", &self.name).field("server", &self.server).finish_non_exhaustive()
    }
}
