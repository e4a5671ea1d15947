//! One table under snapshot isolation: versions of rows, and what one transaction sees and changes of them.
//!
//! A transaction sees what was committed when its snapshot was taken, and its own changes. Deleting a row that another
//! transaction deleted since is a conflict; two inserts never are, since Redshift enforces no keys
//! (<https://docs.aws.amazon.com/redshift/latest/dg/c_serial_isolation.html>).

use std::collections::{BTreeMap, BTreeSet};

/// A row of a table.
pub trait Row: Clone {
    /// What it is looked up by.
    fn key(&self) -> &str;

    /// What else it is looked up by.
    fn name(&self) -> Option<&str> {
        None
    }
}

#[derive(Debug, Clone)]
struct Version<R> {
    row: R,
    born: u64,
    died: Option<u64>,
}

/// A table.
#[derive(Debug, Clone)]
pub struct Table<R> {
    rows: BTreeMap<u64, Version<R>>,
    keys: BTreeMap<String, BTreeSet<u64>>,
    names: BTreeMap<String, BTreeSet<u64>>,
    next: u64,
}

impl<R> Default for Table<R> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), keys: BTreeMap::new(), names: BTreeMap::new(), next: 0 }
    }
}

/// What a transaction has changed and not committed.
#[derive(Debug, Clone)]
pub struct Changes<R> {
    inserted: Vec<R>,
    deleted: BTreeSet<u64>,
}

impl<R> Default for Changes<R> {
    fn default() -> Self {
        Self { inserted: Vec::new(), deleted: BTreeSet::new() }
    }
}

impl<R> Changes<R> {
    /// The rows that were inserted.
    pub fn inserted(&self) -> impl Iterator<Item = &R> {
        self.inserted.iter()
    }
}

/// A row that somebody else changed since the snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conflict;

impl<R: Row> Table<R> {
    fn sees(version: &Version<R>, snapshot: u64) -> bool {
        version.born <= snapshot && version.died.is_none_or(|died| died > snapshot)
    }

    fn ids(&self, key: Option<&str>) -> Vec<u64> {
        match key {
            Some(key) => self.keys.get(key).into_iter().flatten().copied().collect(),
            None => self.rows.keys().copied().collect(),
        }
    }

    /// The rows a transaction sees, those of one key or all.
    #[must_use]
    pub fn select(&self, key: Option<&str>, snapshot: u64, changes: &Changes<R>) -> Vec<R> {
        let stored = self.ids(key).into_iter().filter(|id| !changes.deleted.contains(id));
        let stored = stored.filter_map(|id| self.rows.get(&id)).filter(|version| Self::sees(version, snapshot));
        let own = changes.inserted.iter().filter(|row| key.is_none_or(|key| row.key() == key));
        stored.map(|version| version.row.clone()).chain(own.cloned()).collect()
    }

    /// The rows a transaction sees that have a name.
    #[must_use]
    pub fn named(&self, name: &str, snapshot: u64, changes: &Changes<R>) -> Vec<R> {
        let ids = self.names.get(name).into_iter().flatten().filter(|id| !changes.deleted.contains(id));
        let stored = ids.filter_map(|id| self.rows.get(id)).filter(|version| Self::sees(version, snapshot));
        let own = changes.inserted.iter().filter(|row| row.name() == Some(name));
        stored.map(|version| version.row.clone()).chain(own.cloned()).collect()
    }

    /// Deletes the rows a transaction sees that are of a key, or of any, and meet a condition.
    ///
    /// # Errors
    /// [`Conflict`] when one of them is gone already.
    pub fn delete(
        &self,
        key: Option<&str>,
        snapshot: u64,
        changes: &mut Changes<R>,
        condition: impl Fn(&R) -> bool,
    ) -> Result<Vec<R>, Conflict> {
        let mut deleted = Vec::new();
        for id in self.ids(key) {
            let Some(version) = self.rows.get(&id) else { continue };
            if Self::sees(version, snapshot) && !changes.deleted.contains(&id) && condition(&version.row) {
                if version.died.is_some() {
                    return Err(Conflict);
                }
                changes.deleted.insert(id);
                deleted.push(version.row.clone());
            }
        }
        changes.inserted.retain(|row| {
            let goes = key.is_none_or(|key| row.key() == key) && condition(row);
            if goes {
                deleted.push(row.clone());
            }
            !goes
        });
        Ok(deleted)
    }

    /// Inserts a row.
    pub fn insert(changes: &mut Changes<R>, row: R) {
        changes.inserted.push(row);
    }

    /// Makes a transaction's changes everybody's. Versions that nobody can see any more are forgotten.
    pub fn commit(&mut self, changes: Changes<R>, commit: u64, oldest_snapshot: u64) {
        for id in changes.deleted {
            if let Some(version) = self.rows.get_mut(&id) {
                version.died = Some(commit);
                if oldest_snapshot >= commit {
                    let Some(Version { row, .. }) = self.rows.remove(&id) else { continue };
                    forget(&mut self.keys, row.key(), id);
                    if let Some(name) = row.name() {
                        forget(&mut self.names, name, id);
                    }
                }
            }
        }
        for row in changes.inserted {
            self.next += 1;
            self.keys.entry(row.key().to_owned()).or_default().insert(self.next);
            if let Some(name) = row.name() {
                self.names.entry(name.to_owned()).or_default().insert(self.next);
            }
            self.rows.insert(self.next, Version { row, born: commit, died: None });
        }
    }

    /// The rows that are committed and not deleted.
    #[must_use]
    pub fn committed(&self, key: Option<&str>) -> Vec<R> {
        self.select(key, u64::MAX, &Changes::default())
    }
}

fn forget(index: &mut BTreeMap<String, BTreeSet<u64>>, key: &str, id: u64) {
    if let Some(ids) = index.get_mut(key) {
        ids.remove(&id);
        if ids.is_empty() {
            index.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Row for (String, u64) {
        fn key(&self) -> &str {
            &self.0
        }
    }

    fn row(key: &str, value: u64) -> (String, u64) {
        (key.to_owned(), value)
    }

    #[test]
    fn a_transaction_sees_its_snapshot_and_its_own_changes() {
        let mut table = Table::default();
        let mut first = Changes::default();
        Table::insert(&mut first, row("a", 1));
        table.commit(first, 1, 0);
        let mut reader = Changes::default();
        let mut writer = Changes::default();
        table.delete(Some("a"), 1, &mut writer, |_| true).unwrap();
        Table::insert(&mut writer, row("a", 2));
        assert_eq!(table.select(Some("a"), 1, &writer), [row("a", 2)]);
        table.commit(writer, 2, 0);
        assert_eq!(table.select(Some("a"), 1, &reader), [row("a", 1)]);
        assert_eq!(table.select(None, 2, &reader), [row("a", 2)]);
        assert_eq!(table.delete(Some("a"), 1, &mut reader, |_| true), Err(Conflict));
    }

    #[test]
    fn two_inserts_never_conflict() {
        let mut table = Table::default();
        for commit in [1, 2] {
            let mut changes = Changes::default();
            Table::insert(&mut changes, row("a", commit));
            table.commit(changes, commit, 0);
        }
        assert_eq!(table.committed(Some("a")).len(), 2);
    }
}
