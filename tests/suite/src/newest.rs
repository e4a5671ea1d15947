//! What must be in force once everything was delivered: computed from the events themselves, merged one after the other, without
//! any of the machinery that carries them.

use std::collections::{BTreeMap, BTreeSet};

use redoubt_core::{
    event,
    model::{Command, Integration, command::field, stored},
    plan::{self, ViewPlan},
    record::{Kind, Record},
    render::profile::ProfileState,
    resolve::{PolicySet, ProjectSet},
    sql::Ident,
};
use serde_json::Value;

/// The newest of every document that events are about.
#[derive(Debug)]
pub struct Newest {
    records: BTreeMap<(Kind, String), Record>,
    policies: PolicySet,
    projects: ProjectSet,
}

/// A policy view that must be there.
#[derive(Debug)]
pub struct ExpectedView {
    /// The data source it is of.
    pub source: String,
    /// Its name.
    pub view: Ident,
    /// What it must contain.
    pub plan: ViewPlan,
}

/// What the warehouse must know of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedProfile {
    /// The project the user works in.
    pub project: Option<String>,
    /// Kind, name and value.
    pub entitlements: BTreeSet<(String, Option<String>, String)>,
}

impl Newest {
    /// Merges events in the order given; refreshes say nothing new.
    ///
    /// # Errors
    /// When an event is wrong.
    pub fn of<'a>(events: impl IntoIterator<Item = &'a Value>) -> Result<Self, String> {
        let mut records: BTreeMap<(Kind, String), Record> = BTreeMap::new();
        for value in events {
            let event = event::parse(&value.to_string()).map_err(|faults| format!("{value}: {faults}"))?.event;
            let command = Command::check(&event).map_err(|faults| format!("{value}: {faults}"))?;
            if let Command::Merge { kind, id, writes } = command {
                let record = records.entry((kind, id.to_string())).or_insert_with(|| Record::new(kind, id.as_str()));
                record.merge(&writes).map_err(|conflict| conflict.to_string())?;
            }
        }
        let of = |kind: Kind| records.values().filter(move |record| record.kind == kind);
        let policies = all(of(Kind::Policy).map(stored::policy))?;
        let projects = all(of(Kind::Project).map(stored::project))?;
        Ok(Self { policies: PolicySet::new(policies), projects: ProjectSet::new(projects), records })
    }

    /// Every record, as it must be stored, but for what Redoubt itself notes on it.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.values()
    }

    /// The records of a kind.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Record> {
        self.records().filter(move |record| record.kind == kind)
    }

    /// The policy views of a warehouse.
    ///
    /// # Errors
    /// When a document can't be read, or no view can be planned of it.
    pub fn views(&self, integration: &Integration) -> Result<Vec<ExpectedView>, String> {
        let mut views = Vec::new();
        for (source, enabled) in all(self.of_kind(Kind::DataSource).map(stored::data_source))? {
            if enabled && source.host == integration.host {
                let plan = plan::build(&source, &self.policies.resolve(&source), &self.projects)
                    .map_err(|error| format!("data source `{}`: {error}", source.id))?;
                let view = source.view_named(&integration.view_name).map_err(|fault| fault.to_string())?;
                views.push(ExpectedView { source: source.id.to_string(), view, plan });
            }
        }
        Ok(views)
    }

    /// What a warehouse must know of users, by account.
    ///
    /// # Errors
    /// When a document can't be read.
    pub fn profiles(&self) -> Result<BTreeMap<String, ExpectedProfile>, String> {
        let mut profiles = BTreeMap::new();
        for (user, standing) in all(self.of_kind(Kind::User).map(stored::user))? {
            let record =
                standing.project.as_ref().and_then(|project| self.records.get(&(Kind::Project, project.to_string())));
            let project = record.map(stored::project).transpose().map_err(|faults| faults.to_string())?.flatten();
            let state = ProfileState::resolve(&user, &standing, project.as_ref());
            let rows = state.entitlements.into_iter().map(|(kind, name, value)| {
                (kind.as_str().to_owned(), name.map(|name| name.as_str().to_owned()), value.as_str().to_owned())
            });
            let project = state.project.map(|project| project.as_str().to_owned());
            let profile = ExpectedProfile { project, entitlements: rows.collect() };
            profiles.insert(user.database_user.as_str().to_owned(), profile);
        }
        Ok(profiles)
    }

    /// Status and definition of every policy that was not deleted, by identity.
    #[must_use]
    pub fn definitions(&self) -> BTreeMap<String, (String, String)> {
        let definition = |record: &Record| {
            let status = record.get(field::STATUS).and_then(Value::as_str).unwrap_or("active");
            Some((record.id.clone(), (status.to_owned(), record.document()?.to_string())))
        };
        self.of_kind(Kind::Policy).filter_map(definition).collect()
    }
}

fn all<T>(read: impl Iterator<Item = Result<Option<T>, redoubt_core::event::Faults>>) -> Result<Vec<T>, String> {
    read.filter_map(Result::transpose).collect::<Result<_, _>>().map_err(|faults| faults.to_string())
}
