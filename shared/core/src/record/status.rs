//! How a revision fared, in one place and in all of them. A place is the database of a warehouse that holds Redoubt's objects.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use super::Record;

/// Where a status is kept that concerns no warehouse, or an integration itself.
pub const NOWHERE: &str = "";

/// How a revision fared in the warehouse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The revision this is about.
    pub revision: u64,
    /// How it fared.
    pub state: State,
    /// Why, where it did not end well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How many times it was tried again after failures that may pass.
    #[serde(default)]
    pub attempt: u32,
    /// When this was written (RFC 3339).
    pub at: String,
}

/// How a revision fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Submitted, not heard of yet.
    Pending,
    /// In force.
    Applied,
    /// It is gone on purpose: the data source, policy or user was deleted.
    Withdrawn,
    /// The view is gone while its data source is switched off.
    Disabled,
    /// It can't be applied; the reason says why.
    Unhealthy,
}

impl State {
    /// Its name in logs and messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Applied => "applied",
            Self::Withdrawn => "withdrawn",
            Self::Disabled => "disabled",
            Self::Unhealthy => "unhealthy",
        }
    }

    /// Of several places the one that fares worst speaks for all.
    fn rank(self) -> u8 {
        match self {
            Self::Unhealthy => 4,
            Self::Pending => 3,
            Self::Applied => 2,
            Self::Disabled => 1,
            Self::Withdrawn => 0,
        }
    }
}

impl Record {
    /// How the newest revision that anything is known of fared: where it went to several places, as it did in the one where it
    /// fared worst, which the reason then names.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        let newest = self.statuses.values().map(|status| status.revision).max()?;
        let current = || self.statuses.iter().filter(|(_, status)| status.revision == newest);
        let (place, worst) = current().min_by_key(|(_, status)| Reverse(status.state.rank()))?;
        let mut status = worst.clone();
        if current().count() > 1
            && let Some(reason) = &mut status.reason
        {
            *reason = format!("in `{place}`: {reason}");
        }
        Some(status)
    }

    /// How a revision fared in one place.
    #[must_use]
    pub fn status_in(&self, place: &str) -> Option<&Status> {
        self.statuses.get(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Kind;

    fn record(statuses: &[(&str, u64, State)]) -> Record {
        let mut record = Record::new(Kind::User, "u");
        for (warehouse, revision, state) in statuses {
            let reason = (*state != State::Applied).then(|| "why".to_owned());
            let status = Status { revision: *revision, state: *state, reason, attempt: 0, at: String::new() };
            record.statuses.insert((*warehouse).to_owned(), status);
        }
        record
    }

    fn overall(statuses: &[(&str, u64, State)]) -> Option<(u64, State, Option<String>)> {
        record(statuses).status().map(|status| (status.revision, status.state, status.reason))
    }

    #[test]
    fn the_worst_of_the_newest_speaks_for_all() {
        use State::{Applied, Pending, Unhealthy, Withdrawn};
        let because = |reason: &str| Some(reason.to_owned());
        assert_eq!(overall(&[]), None);
        assert_eq!(overall(&[("a", 3, Unhealthy)]), Some((3, Unhealthy, because("why"))));
        assert_eq!(overall(&[("a", 3, Applied), ("b", 3, Applied)]), Some((3, Applied, None)));
        assert_eq!(overall(&[("a", 3, Applied), ("b", 3, Pending)]), Some((3, Pending, because("in `b`: why"))));
        assert_eq!(
            overall(&[("a", 3, Unhealthy), ("b", 3, Pending), ("c", 3, Applied)]),
            Some((3, Unhealthy, because("in `a`: why")))
        );
        assert_eq!(overall(&[("", 2, Unhealthy), ("a", 3, Applied)]), Some((3, Applied, None)));
        assert_eq!(overall(&[("old", 3, Withdrawn), ("new", 3, Applied)]), Some((3, Applied, None)));
    }
}
