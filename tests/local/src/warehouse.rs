//! One warehouse: a PostgreSQL server that can be stopped and started while the API goes on.

use crate::faults::Faults;
use crate::postgres::link::Link;
use crate::postgres::server::{INTERNAL_DATABASE, INTERNAL_USER, Server, ServerError, Stop};
use crate::postgres::session::connect;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpSocket;
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
    faults: Arc<Faults>,
    /// Locked while it changes, so that one change ends before another begins.
    state: Mutex<State>,
}

/// Whether PostgreSQL runs.
enum State {
    Up,
    /// The socket listens to nobody; it keeps the port from being given to another program.
    Down {
        _port: Option<TcpSocket>,
    },
}

impl Warehouse {
    /// Starts PostgreSQL in `directory`, created when absent, as a copy of `prepared` if that is given. Statements are refused
    /// until [`Warehouse::start`].
    pub async fn create(
        name: &str,
        directory: PathBuf,
        port: Option<u16>,
        prepared: Option<PathBuf>,
    ) -> Result<Self, WarehouseError> {
        let server = spawn_blocking(move || Server::start(&directory, port, prepared.as_deref())).await??;
        let (name, faults) = (name.to_owned(), Arc::new(Faults::new(server.port)));
        Ok(Self { name, server: Arc::new(server), link: Arc::default(), faults, state: Mutex::new(State::Up) })
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

    /// What is wrong with it; changed only while it runs.
    pub fn faults(&self) -> &Arc<Faults> {
        &self.faults
    }

    /// Whether statements can run.
    pub fn is_running(&self) -> bool {
        self.link.session().is_some_and(|session| !session.is_closed())
    }

    /// Ends every session and stops PostgreSQL; nothing when it is stopped already.
    pub async fn stop(&self) -> Result<(), WarehouseError> {
        self.end(Stop::Fast).await
    }

    /// Stops PostgreSQL as a crash does; nothing when it is stopped already.
    pub async fn crash(&self) -> Result<(), WarehouseError> {
        self.end(Stop::Crash).await
    }

    async fn end(&self, stop: Stop) -> Result<(), WarehouseError> {
        let mut state = self.state.lock().await;
        self.link.close();
        if matches!(*state, State::Up) {
            let server = Arc::clone(&self.server);
            spawn_blocking(move || server.stop(stop)).await??;
            *state = State::Down { _port: keep(self.port()).ok() };
        }
        Ok(())
    }

    /// Starts PostgreSQL with the data it had and lets statements in; nothing when it runs already.
    pub async fn start(&self) -> Result<(), WarehouseError> {
        let mut state = self.state.lock().await;
        if !matches!(*state, State::Up) {
            *state = State::Down { _port: None };
            let server = Arc::clone(&self.server);
            spawn_blocking(move || server.launch()).await??;
            *state = State::Up;
        }
        if !self.is_running() {
            self.link.open(connect(self.port(), INTERNAL_USER, INTERNAL_DATABASE).await?);
        }
        Ok(())
    }
}

/// A socket that has the port and does not listen, so that whoever connects is refused.
fn keep(port: u16) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    Ok(socket)
}

impl fmt::Debug for Warehouse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Warehouse").field("name", &self.name).field("server", &self.server).finish_non_exhaustive()
    }
}
