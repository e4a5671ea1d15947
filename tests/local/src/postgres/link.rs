//! The stand-in's own session with a server, there as long as the server is.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_postgres::Client;

/// A session that can be closed and opened anew. Whoever took it before keeps one that no longer works.
#[derive(Default)]
pub struct Link(Mutex<Option<Arc<Client>>>);

impl Link {
    fn lock(&self) -> MutexGuard<'_, Option<Arc<Client>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session; none while the server is stopped.
    pub fn session(&self) -> Option<Arc<Client>> {
        self.lock().clone()
    }

    /// Hands this session out from now on.
    pub fn open(&self, client: Client) {
        *self.lock() = Some(Arc::new(client));
    }

    /// Hands none out from now on.
    pub fn close(&self) {
        *self.lock() = None;
    }
}
