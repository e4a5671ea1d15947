//! What should be in a warehouse, of a bounded part of everything: what the questions are about and the answers are held against.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use crate::{
    model::{DataSource, Id, Names},
    render::{hex, profile::ProfileState},
    sql::{Ident, Text},
};

/// Part of what should be in a warehouse.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Views in force.
    pub views: Vec<View>,
    /// Tables of data sources in one database.
    pub tables: Vec<Table>,
    /// Definitions of policies.
    pub definitions: Vec<Definition>,
    /// Accounts that come after this one are asked for …
    pub after: String,
    /// … up to this one, or all.
    pub last: Option<String>,
    /// What accounts in that range should have; nothing is known of one while it changes.
    pub accounts: BTreeMap<String, Option<Account>>,
}

/// A policy view in force, long enough that nothing about it is under way.
#[derive(Debug, Clone)]
pub struct View {
    /// Of which data source.
    pub source: Id,
    /// The revision in force.
    pub revision: u64,
    /// Its name.
    pub name: Ident,
}

/// The table of a data source.
#[derive(Debug, Clone)]
pub struct Table {
    /// The data source.
    pub source: DataSource,
}

/// A policy's definition, as the warehouse keeps it.
#[derive(Debug, Clone)]
pub struct Definition {
    /// Of which policy.
    pub policy: Id,
    /// Its revision.
    pub revision: u64,
    /// Its status; nothing where it was deleted.
    pub status: Option<String>,
    /// The SHA-256 of its text in hexadecimal digits; nothing where it was deleted.
    pub digest: Option<String>,
}

/// What the profile of an account should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Whose it is.
    pub user: Id,
    /// Its revision, over all holders of the account.
    pub revision: u64,
    /// How often the account changed hands.
    pub claim: u64,
    /// Whether the user is there.
    pub active: bool,
    /// The project switched to.
    pub project: Option<String>,
    /// How many things the user has.
    pub rows: u64,
    /// The sum of their digests.
    pub digest: u128,
}

impl Account {
    /// What follows from what a user has.
    #[must_use]
    pub fn of(user: Id, revision: u64, claim: u64, state: Option<&ProfileState>) -> Self {
        let entitlements = state.map(|state| &state.entitlements);
        let digest = entitlements.into_iter().flatten();
        Self {
            user,
            revision,
            claim,
            active: state.is_some(),
            project: state.and_then(|state| state.project.as_ref()).map(|project| project.as_str().to_owned()),
            rows: entitlements.map_or(0, BTreeSet::len) as u64,
            digest: digest.map(|(kind, name, value)| u128::from(number(kind.as_str(), name.as_ref(), value))).sum(),
        }
    }
}

/// Digits of a digest that go into a sum: 48 bits of each, so that the sum over any number of rows fits 63.
pub(super) const DIGITS: usize = 12;

/// The number that a row stands for. The order of rows does not count, their number does.
fn number(kind: &str, name: Option<&Text>, value: &Text) -> u64 {
    let (length, name) = name.map_or(("-".to_owned(), ""), |name| (name.as_str().len().to_string(), name.as_str()));
    let text = format!("{kind}:{length}:{name}:{}", value.as_str());
    let digits: String = sha256(&text).chars().take(DIGITS).collect();
    u64::from_str_radix(&digits, 16).unwrap_or_default()
}

/// The SHA-256 of a text, in hexadecimal digits.
#[must_use]
pub fn sha256(text: &str) -> String {
    hex(&Sha256::digest(text))
}

/// The schemas of Redoubt's own objects, as the catalog writes them.
pub(super) fn schemas(names: &Names, views: &Ident) -> Vec<Text> {
    names.schemas().into_iter().chain([views]).map(folded).collect()
}

/// A name as the catalog writes it.
pub(super) fn folded(name: &Ident) -> Text {
    Text::printed(name.folded())
}
