//! The metadata store in memory, for tests and benchmarks. It limits ids and sizes as the real one does.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use redoubt_core::record::{Kind, Record, Status};

use super::{check_id, encode, encode_status};
use crate::error::StoreError;
use crate::port::{Put, Store};

/// Records in a map.
#[derive(Debug, Default)]
pub struct MemoryStore {
    records: Mutex<BTreeMap<Kind, BTreeMap<String, Record>>>,
}

impl MemoryStore {
    /// A store without records.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn records(&self) -> MutexGuard<'_, BTreeMap<Kind, BTreeMap<String, Record>>> {
        // Every change is a single assignment, so a panic elsewhere can't have left one half done.
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    async fn get(&self, kind: Kind, id: &str) -> Result<Option<Record>, StoreError> {
        check_id(kind, id)?;
        Ok(self.records().get(&kind).and_then(|records| records.get(id)).cloned())
    }

    async fn list(&self, kind: Kind) -> Result<Vec<Record>, StoreError> {
        Ok(self.records().get(&kind).map(|records| records.values().cloned().collect()).unwrap_or_default())
    }

    async fn put(&self, record: &Record) -> Result<Put, StoreError> {
        encode(record)?;
        let mut records = self.records();
        let records = records.entry(record.kind).or_default();
        let stored = records.get(&record.id);
        if stored.map_or(0, |stored| stored.lock) != record.lock {
            return Ok(Put::Conflict);
        }
        let statuses = stored.map(|stored| stored.statuses.clone()).unwrap_or_default();
        let next = Record { lock: record.lock.saturating_add(1), statuses, ..record.clone() };
        records.insert(record.id.clone(), next);
        Ok(Put::Stored)
    }

    async fn bump(&self, kind: Kind, id: &str) -> Result<Option<Record>, StoreError> {
        check_id(kind, id)?;
        Ok(self.records().get_mut(&kind).and_then(|records| records.get_mut(id)).map(|record| {
            record.revision = record.revision.saturating_add(1);
            record.lock = record.lock.saturating_add(1);
            record.clone()
        }))
    }

    async fn set_status(&self, kind: Kind, id: &str, place: &str, status: &Status) -> Result<bool, StoreError> {
        encode_status(kind, id, status)?;
        let mut records = self.records();
        let Some(record) = records.get_mut(&kind).and_then(|records| records.get_mut(id)) else {
            return Ok(false);
        };
        if record.status_in(place).is_some_and(|known| known.revision > status.revision) {
            return Ok(false);
        }
        record.statuses.insert(place.to_owned(), status.clone());
        Ok(true)
    }

    async fn remove(&self, kind: Kind, id: &str) -> Result<(), StoreError> {
        check_id(kind, id)?;
        if let Some(records) = self.records().get_mut(&kind) {
            records.remove(id);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conformance;

    #[tokio::test]
    async fn conforms() {
        conformance::check(&MemoryStore::new(), "test/").await.unwrap();
    }
}
