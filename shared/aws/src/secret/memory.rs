//! A secret in memory, for tests.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use zeroize::Zeroizing;

use super::{ReadError, Source};

/// A secret that changes with every reading, and can't be read while it is `None`.
#[derive(Debug, Default)]
pub struct MemorySecret {
    texts: Mutex<VecDeque<Option<String>>>,
    readings: AtomicUsize,
}

impl MemorySecret {
    /// The documents, first to last; the last one stays.
    #[must_use]
    pub fn new(texts: &[Option<&str>]) -> Self {
        let texts = texts.iter().map(|text| text.map(str::to_owned)).collect();
        Self { texts: Mutex::new(texts), readings: AtomicUsize::new(0) }
    }

    /// How often it was read.
    #[must_use]
    pub fn readings(&self) -> usize {
        self.readings.load(Ordering::Relaxed)
    }
}

impl Source for MemorySecret {
    async fn read(&self) -> Result<Zeroizing<String>, ReadError> {
        self.readings.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        let text = if texts.len() > 1 { texts.pop_front().flatten() } else { texts.front().cloned().flatten() };
        text.map(Zeroizing::new).ok_or(ReadError::Service { code: "ResourceNotFoundException".to_owned() })
    }
}
