//! What is read after a revision was raised: the policies in force and the warehouses.

use std::collections::BTreeMap;

use futures_util::future::try_join;
use redoubt_core::{
    model::{Integration, Policy, WarehouseName, stored},
    record::{Kind, Record},
    resolve::ProjectSet,
    sql::Text,
};

use super::{error::WorkError, installation::Installation, submission::Home};
use crate::{
    port::{self, Connection, Store},
    runtime::App,
};

/// A warehouse and what is known of it.
#[derive(Debug, Clone)]
pub(super) struct Warehouse {
    pub(super) integration: Integration,
    /// It is set up, and nothing speaks against enforcing there.
    pub(super) ready: bool,
    /// It does not answer: whatever is for it waits until it does again.
    pub(super) silent: bool,
}

impl Warehouse {
    /// Where the system account's statements run.
    pub(super) fn connection(&self) -> Connection {
        connection(&self.integration, self.integration.database.as_str(), &self.integration.secret)
    }

    /// The place that statuses go by.
    pub(super) fn home(&self) -> Home {
        Home::of(&self.integration)
    }
}

/// Where statements run.
pub(super) fn connection(integration: &Integration, database: &str, secret: &str) -> Connection {
    Connection {
        warehouse: match &integration.warehouse {
            WarehouseName::Workgroup(name) => port::WarehouseName::Workgroup(name.clone()),
            WarehouseName::Cluster(name) => port::WarehouseName::Cluster(name.clone()),
        },
        database: database.to_owned(),
        secret: secret.to_owned(),
    }
}

/// Every warehouse, by host.
///
/// # Errors
/// When the store fails, or what is stored of a warehouse can't be read.
pub(super) async fn warehouses<S: Store, W, Q>(app: &App<S, W, Q>) -> Result<BTreeMap<String, Warehouse>, WorkError> {
    let (records, installations) =
        try_join(app.store.list(Kind::Integration), app.store.list(Kind::Installation)).await?;
    let installations: BTreeMap<&str, &Record> =
        installations.iter().map(|record| (record.id.as_str(), record)).collect();
    let mut warehouses = BTreeMap::new();
    for record in &records {
        let integration = stored::integration(record).map_err(|source| unreadable(record, source))?;
        let (Some(integration), Some(document)) = (integration, record.document()) else { continue };
        let installation = match installations.get(record.id.as_str()) {
            Some(installation) => Installation::of(installation)?,
            None => Installation::default(),
        };
        let ready = installation.is_ready_for(document);
        let silent = installation.silent_since.is_some();
        warehouses.insert(integration.host.clone(), Warehouse { integration, ready, silent });
    }
    Ok(warehouses)
}

/// The projects that were not deleted, and the seed of each.
#[derive(Debug, Default)]
pub(super) struct Projects {
    pub(super) set: ProjectSet,
    /// By identity.
    pub(super) seeds: BTreeMap<String, Text>,
}

/// How often policies and projects are read before they stand still.
const RULES_ATTEMPTS: usize = 10;

/// Every policy of any status and every project that was not deleted, *as they were together at one moment*. A list is read page by
/// page while others write: it can hold one policy as it was before it was tightened and another as it is after it was
/// loosened, which together show what neither the old nor the new policies do. So both are read until two readings agree.
///
/// One that can't be read by this release stops everything that asks: what it would have hidden is not known.
///
/// # Errors
/// When the store fails, something stored can't be read, or they never stand still.
pub(super) async fn rules<S: Store, W, Q>(app: &App<S, W, Q>) -> Result<(Vec<Policy>, Projects), WorkError> {
    let read = || try_join(app.store.list(Kind::Policy), app.store.list(Kind::Project));
    let mut before = read().await?;
    for _ in 0..RULES_ATTEMPTS {
        let now = read().await?;
        if locks(&before).eq(locks(&now)) {
            return Ok((policies(&now.0)?, projects(now.1)?));
        }
        before = now;
    }
    Err(WorkError::Restless)
}

/// What tells readings apart.
fn locks((policies, projects): &(Vec<Record>, Vec<Record>)) -> impl Iterator<Item = (Kind, &str, u64)> {
    policies.iter().chain(projects).map(|record| (record.kind, record.id.as_str(), record.lock))
}

fn policies(records: &[Record]) -> Result<Vec<Policy>, WorkError> {
    let mut policies = Vec::new();
    for record in records {
        policies.extend(stored::policy(record).map_err(|source| unreadable(record, source))?);
    }
    Ok(policies)
}

pub(super) fn projects(records: Vec<Record>) -> Result<Projects, WorkError> {
    let mut projects = Vec::new();
    let mut seeds = BTreeMap::new();
    for record in records {
        if let Some(project) = stored::project(&record).map_err(|source| unreadable(&record, source))? {
            projects.push(project);
            // Every stored record has a seed, in digits.
            seeds.extend(record.seed.and_then(|seed| Some((record.id, Text::new(seed).ok()?))));
        }
    }
    Ok(Projects { set: ProjectSet::new(projects), seeds })
}

pub(super) fn unreadable(record: &Record, source: redoubt_core::event::Faults) -> WorkError {
    WorkError::Unreadable { kind: record.kind, id: record.id.clone(), source }
}
