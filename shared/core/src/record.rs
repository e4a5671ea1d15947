//! What the metadata store keeps of one document, and how events merge into it.
//!
//! Events arrive at least once and in any order, so a record is a set of fields, each with the version that wrote it.
//! A newer version replaces an older one field by field, and a deletion voids every field up to its own version. Merging is
//! therefore commutative, associative and idempotent: whatever the order of delivery, the record ends up the same.

use std::collections::BTreeMap;

mod status;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use status::{NOWHERE, State, Status};

/// The name of the field that holds a whole document.
pub const DOCUMENT: &str = "document";

/// What a record is about. Each kind is listed separately in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A policy.
    Policy,
    /// A data source; its revision is that of its policy view.
    DataSource,
    /// A user; the revision is that of their profile.
    User,
    /// A project.
    Project,
    /// A warehouse.
    Integration,
    /// A name that only one document may use, such as a view's or a database user's.
    Claim,
    /// A Data API call whose outcome is awaited.
    Submission,
    /// What Redoubt has made in the warehouse of an integration, and how far it is.
    Installation,
    /// A delivery over the webhook that was accepted.
    Delivery,
}

impl Kind {
    /// The kind's name in keys, logs and messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::DataSource => "data_source",
            Self::User => "user",
            Self::Project => "project",
            Self::Integration => "integration",
            Self::Claim => "claim",
            Self::Submission => "submission",
            Self::Installation => "installation",
            Self::Delivery => "delivery",
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One stored document with everything known of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// What it is about.
    pub kind: Kind,
    /// The document's identity.
    pub id: String,
    /// Counts writes of the record; 0 when it was never stored. Two writers that read the same lock can't both write.
    pub lock: u64,
    /// Redoubt's own counter of what is rendered from the record; only a newer one is ever applied in the warehouse.
    pub revision: u64,
    /// The version that deleted the document; fields written by it or before it are void.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted: Option<u64>,
    /// The fields, by name.
    #[serde(default)]
    pub fields: BTreeMap<String, Field>,
    /// Definitions that were replaced while what they touched has not been refreshed yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub previous: Vec<Value>,
    /// Randomness given to the record when it was first stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<String>,
    /// How the newest revision fared, by place or [`NOWHERE`]; written apart from the rest.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub statuses: BTreeMap<String, Status>,
    /// When the record may be forgotten, in seconds since 1970. The store removes it some time after that, until when it is
    /// still found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<u64>,
}

/// A value and the version that wrote it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// The producer's counter.
    pub version: u64,
    /// What was written.
    pub value: Value,
}

/// One change that an event makes to a record.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// Sets a field.
    Set {
        /// Which field.
        field: String,
        /// The producer's counter.
        version: u64,
        /// The new value.
        value: Value,
    },
    /// Deletes the document.
    Delete {
        /// The producer's counter.
        version: u64,
    },
}

impl Write {
    /// A write of one field.
    #[must_use]
    pub fn set(field: impl Into<String>, version: u64, value: impl Into<Value>) -> Self {
        Self::Set { field: field.into(), version, value: value.into() }
    }

    /// Whether it writes a whole document.
    #[must_use]
    pub fn is_document(&self) -> bool {
        matches!(self, Self::Set { field, .. } if field == DOCUMENT)
    }
}

/// What became of an event's writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merge {
    /// At least one was new: the record changed and must be stored.
    Changed,
    /// All were known already, at the same version: nothing to store, but the rest of the work may still be owed.
    Repeated,
    /// All were older than what is known.
    Stale,
}

/// Two different values came with the same version: the producer broke its promise, and no order can be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} `{id}`: version {version} of `{field}` was already written with another value")]
pub struct VersionConflict {
    /// What the record is about.
    pub kind: Kind,
    /// The record.
    pub id: String,
    /// The field.
    pub field: String,
    /// The version both claim.
    pub version: u64,
}

impl Record {
    /// A record that was never stored.
    #[must_use]
    pub fn new(kind: Kind, id: impl Into<String>) -> Self {
        Self {
            kind,
            id: id.into(),
            lock: 0,
            revision: 0,
            deleted: None,
            fields: BTreeMap::new(),
            previous: Vec::new(),
            seed: None,
            statuses: BTreeMap::new(),
            expires_at: None,
        }
    }

    /// The value of a field, unless a deletion voided it.
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.fields.get(field).filter(|f| Some(f.version) > self.deleted).map(|f| &f.value)
    }

    /// The fields whose name begins with a prefix and that no deletion voided, without the prefix.
    pub fn get_all<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.fields
            .range(prefix.to_owned()..)
            .map_while(move |(name, field)| name.strip_prefix(prefix).map(|rest| (rest, field)))
            .filter(|(_, field)| Some(field.version) > self.deleted)
            .map(|(rest, field)| (rest, &field.value))
    }

    /// The whole document, while it exists.
    #[must_use]
    pub fn document(&self) -> Option<&Value> {
        self.get(DOCUMENT)
    }

    /// Merges an event's writes.
    ///
    /// # Errors
    /// [`VersionConflict`] when a version comes again with another value; the record is then unchanged.
    pub fn merge(&mut self, writes: &[Write]) -> Result<Merge, VersionConflict> {
        let mut merged = Merge::Stale;
        let mut next = self.clone();
        for write in writes {
            let one = next.merge_one(write)?;
            merged = match (merged, one) {
                (Merge::Changed, _) | (_, Merge::Changed) => Merge::Changed,
                (Merge::Repeated, _) | (_, Merge::Repeated) => Merge::Repeated,
                (Merge::Stale, Merge::Stale) => Merge::Stale,
            };
        }
        if merged == Merge::Changed {
            *self = next;
        }
        Ok(merged)
    }

    fn merge_one(&mut self, write: &Write) -> Result<Merge, VersionConflict> {
        match write {
            Write::Delete { version } => {
                if Some(*version) == self.deleted {
                    return Ok(Merge::Repeated);
                }
                if Some(*version) < self.deleted {
                    return Ok(Merge::Stale);
                }
                self.deleted = Some(*version);
                // What a deletion voids can't come back, so it need not be kept.
                self.fields.retain(|_, field| field.version > *version);
                Ok(Merge::Changed)
            }
            Write::Set { field, version, value } => {
                if Some(*version) <= self.deleted {
                    return Ok(Merge::Stale);
                }
                match self.fields.get(field) {
                    Some(known) if known.version > *version => Ok(Merge::Stale),
                    Some(known) if known.version == *version && known.value == *value => Ok(Merge::Repeated),
                    Some(known) if known.version == *version => Err(VersionConflict {
                        kind: self.kind,
                        id: self.id.clone(),
                        field: field.clone(),
                        version: *version,
                    }),
                    _ => {
                        self.fields.insert(field.clone(), Field { version: *version, value: value.clone() });
                        Ok(Merge::Changed)
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn user() -> Record {
        Record::new(Kind::User, "u")
    }

    #[test]
    fn a_deletion_voids_what_came_before_it_but_not_what_comes_after() {
        let mut record = user();
        record.merge(&[Write::set("approval/orders", 3, true), Write::set(DOCUMENT, 4, json!({}))]).unwrap();
        assert_eq!(record.merge(&[Write::Delete { version: 5 }]).unwrap(), Merge::Changed);
        assert_eq!(record.document(), None);
        record.merge(&[Write::set(DOCUMENT, 6, json!({"again": 1}))]).unwrap();
        assert_eq!(record.document(), Some(&json!({"again": 1})));
        assert_eq!(record.get_all("approval/").count(), 0, "an approval must not outlive a deletion");
        assert_eq!(record.merge(&[Write::set("approval/orders", 3, true)]).unwrap(), Merge::Stale);
    }

    #[test]
    fn same_version_is_repeated_and_older_is_stale() {
        let mut record = user();
        record.merge(&[Write::set("groups", 2, json!(["a"]))]).unwrap();
        assert_eq!(record.merge(&[Write::set("groups", 2, json!(["a"]))]).unwrap(), Merge::Repeated);
        assert_eq!(record.merge(&[Write::set("groups", 1, json!(["b"]))]).unwrap(), Merge::Stale);
    }

    #[test]
    fn same_version_with_another_value_is_a_conflict_and_changes_nothing() {
        let mut record = user();
        record.merge(&[Write::set("groups", 2, json!(["a"]))]).unwrap();
        let before = record.clone();
        let error = record.merge(&[Write::set("x", 9, 1), Write::set("groups", 2, json!(["b"]))]).unwrap_err();
        assert_eq!(error.to_string(), "user `u`: version 2 of `groups` was already written with another value");
        assert_eq!(record, before);
    }

    #[test]
    fn fields_are_found_by_prefix() {
        let mut record = user();
        record.merge(&[Write::set("a", 1, 0), Write::set("approval/x", 1, 1), Write::set("b", 1, 2)]).unwrap();
        assert_eq!(record.get_all("approval/").collect::<Vec<_>>(), vec![("x", &json!(1))]);
    }

    fn any_write() -> impl Strategy<Value = Write> {
        // The value follows from field and version, as it does for a producer that keeps its promise.
        prop_oneof![
            4 => ("[abc]", 1_u64..8).prop_map(|(field, version)| Write::set(field.clone(), version, format!("{field}{version}"))),
            1 => (1_u64..8).prop_map(|version| Write::Delete { version }),
        ]
    }

    proptest! {
        #[test]
        fn merging_commutes_and_repeats_are_harmless(
            writes in proptest::collection::vec(any_write(), 1..12).prop_flat_map(|w| (Just(w.clone()), Just(w).prop_shuffle())),
        ) {
            let (writes, shuffled) = writes;
            let mut one = user();
            let mut other = user();
            for write in &writes {
                one.merge(std::slice::from_ref(write)).unwrap();
            }
            for write in shuffled.iter().chain(&writes) {
                other.merge(std::slice::from_ref(write)).unwrap();
            }
            prop_assert_eq!(one, other);
        }
    }
}
