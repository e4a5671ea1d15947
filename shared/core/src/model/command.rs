//! What an event asks for: writes to one record, or targets to render again.

use serde_json::Value;

use super::{
    data_source::DataSource,
    integration::{Integration, Removal},
    name::{Id, value},
    policy::Policy,
    user::{self, Project, User},
};
use crate::{
    event::{Event, Fault, Faults, wire},
    record::{DOCUMENT, Kind, Write},
};

/// Names of the fields of records. Prefixes end in a slash and are followed by an identity.
pub mod field {
    /// A policy's status.
    pub const STATUS: &str = "status";
    /// Whether a policy is off for a data source: prefix.
    pub const DISABLED_FOR: &str = "disabled_for/";
    /// Whether a data source is switched on.
    pub const ENABLED: &str = "enabled";
    /// A user's groups.
    pub const GROUPS: &str = "groups";
    /// A user's attributes.
    pub const ATTRIBUTES: &str = "attributes";
    /// The project a user works in.
    pub const PROJECT: &str = "project";
    /// A purpose acknowledged, as `project/purpose` in JSON: prefix.
    pub const ACKNOWLEDGED: &str = "acknowledged/";
    /// Whether a user is approved for a data source: prefix.
    pub const APPROVED: &str = "approved/";
    /// How an integration is to be removed; of document and removal the later one counts.
    pub const REMOVAL: &str = "removal";
}

/// What an event asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Write to a record.
    Merge {
        /// Its kind.
        kind: Kind,
        /// Its identity.
        id: Id,
        /// What to write.
        writes: Vec<Write>,
    },
    /// Render targets again.
    Refresh {
        /// Their kind.
        kind: Kind,
        /// Their identities.
        ids: Vec<Id>,
        /// How often a failed statement was tried before.
        attempt: u32,
    },
}

/// Most targets one refresh may name.
pub const MAX_REFRESH: usize = 100;

impl Command {
    /// Checks an event and tells what it asks for.
    ///
    /// # Errors
    /// Every fault of the document in it.
    pub fn check(event: &Event) -> Result<Self, Faults> {
        match event {
            Event::PolicyCreated { policy } | Event::PolicyUpdated { policy } => {
                let checked = Policy::check(policy)?;
                let mut document = json(policy)?;
                // The status has a version of its own, so that it can be switched without the document.
                let status = document.as_object_mut().and_then(|object| object.remove("status"));
                let status = status.unwrap_or_else(|| Value::from("active"));
                let writes = vec![
                    Write::set(DOCUMENT, policy.version, document),
                    Write::set(field::STATUS, policy.version, status),
                ];
                Ok(Self::Merge { kind: Kind::Policy, id: checked.id, writes })
            }
            Event::PolicyStaged(it) => set(Kind::Policy, it, field::STATUS, "staged"),
            Event::PolicyDisabled(it) => set(Kind::Policy, it, field::STATUS, "disabled"),
            Event::PolicyEnabled(it) => set(Kind::Policy, it, field::STATUS, "active"),
            Event::PolicyDeleted(it) => delete(Kind::Policy, it),
            Event::PolicyDisabledForDataSource(it) => {
                on_source(Kind::Policy, field::DISABLED_FOR, &it.id, it.version, &it.data_source, true)
            }
            Event::PolicyEnabledForDataSource(it) => {
                on_source(Kind::Policy, field::DISABLED_FOR, &it.id, it.version, &it.data_source, false)
            }
            Event::PolicyRefresh(it) => refresh(Kind::Policy, it),
            Event::DataSourceCreated { data_source } | Event::DataSourceUpdated { data_source } => {
                let checked = DataSource::check(data_source)?;
                let writes = vec![Write::set(DOCUMENT, data_source.version, json(data_source)?)];
                Ok(Self::Merge { kind: Kind::DataSource, id: checked.id, writes })
            }
            Event::DataSourceDisabled(it) => set(Kind::DataSource, it, field::ENABLED, false),
            Event::DataSourceEnabled(it) => set(Kind::DataSource, it, field::ENABLED, true),
            Event::DataSourceDeleted(it) => delete(Kind::DataSource, it),
            Event::DataSourceRefresh(it) => refresh(Kind::DataSource, it),
            Event::UserCreated { user } | Event::UserUpdated { user } => {
                let checked = User::check(user)?;
                let mut writes = Vec::new();
                let document =
                    serde_json::json!({"id": user.id, "version": user.version, "database_user": user.database_user});
                writes.push(Write::set(DOCUMENT, user.version, document));
                if let Some(groups) = &user.groups {
                    writes.push(Write::set(field::GROUPS, user.version, json(groups)?));
                }
                if let Some(attributes) = &user.attributes {
                    writes.push(Write::set(field::ATTRIBUTES, user.version, json(attributes)?));
                }
                if let Some(project) = &user.project {
                    writes.push(Write::set(field::PROJECT, user.version, project.as_str()));
                }
                Ok(Self::Merge { kind: Kind::User, id: checked.id, writes })
            }
            Event::UserDeleted(it) => delete(Kind::User, it),
            Event::UserGroupsChanged { id, version, groups } => {
                user::groups("groups", groups)?;
                one(Kind::User, id, vec![Write::set(field::GROUPS, *version, json(groups)?)])
            }
            Event::UserAttributesChanged { id, version, attributes } => {
                user::attributes("attributes", attributes)?;
                one(Kind::User, id, vec![Write::set(field::ATTRIBUTES, *version, json(attributes)?)])
            }
            Event::UserProjectSwitched { id, version, project } => {
                if let Some(project) = project {
                    Id::check("project", project).map_err(fault)?;
                }
                one(Kind::User, id, vec![Write::set(field::PROJECT, *version, json(project)?)])
            }
            Event::UserPurposeAcknowledged { id, version, project, purpose } => {
                let project = Id::check("project", project).map_err(fault)?;
                let purpose = value("purpose", purpose).map_err(fault)?;
                // A JSON list as the name, so that no character in either part can make two pairs look alike.
                let name = serde_json::json!([project.as_str(), purpose.as_str()]).to_string();
                one(Kind::User, id, vec![Write::set(format!("{}{name}", field::ACKNOWLEDGED), *version, true)])
            }
            Event::UserSubscriptionApproved(it) => {
                on_source(Kind::User, field::APPROVED, &it.id, it.version, &it.data_source, true)
            }
            Event::UserSubscriptionRevoked(it) => {
                on_source(Kind::User, field::APPROVED, &it.id, it.version, &it.data_source, false)
            }
            Event::UserRefresh(it) => refresh(Kind::User, it),
            Event::ProjectCreated { project } | Event::ProjectUpdated { project } => {
                let checked = Project::check(project)?;
                let writes = vec![Write::set(DOCUMENT, project.version, json(project)?)];
                Ok(Self::Merge { kind: Kind::Project, id: checked.id, writes })
            }
            Event::ProjectDeleted(it) => delete(Kind::Project, it),
            Event::IntegrationCreated { integration } | Event::IntegrationUpdated { integration } => {
                let checked = Integration::check(integration)?;
                let writes = vec![Write::set(DOCUMENT, integration.version, json(integration)?)];
                Ok(Self::Merge { kind: Kind::Integration, id: checked.id, writes })
            }
            // The document stays: it says where what is to be removed is.
            Event::IntegrationDeleted(it) => {
                Removal::check(it)?;
                let removal = serde_json::json!({"keep_profiles": it.keep_profiles, "setup": it.setup});
                set(
                    Kind::Integration,
                    &wire::Versioned { id: it.id.clone(), version: it.version },
                    field::REMOVAL,
                    removal,
                )
            }
            Event::IntegrationRefresh(it) => refresh(Kind::Integration, it),
        }
    }
}

fn json(document: &impl serde::Serialize) -> Result<Value, Faults> {
    serde_json::to_value(document)
        .map_err(|error| fault(Fault::new("$", error.to_string(), "a document that JSON can carry")))
}

fn fault(fault: Fault) -> Faults {
    Faults(vec![fault])
}

fn one(kind: Kind, id: &str, writes: Vec<Write>) -> Result<Command, Faults> {
    Ok(Command::Merge { kind, id: Id::check("id", id).map_err(fault)?, writes })
}

fn set(kind: Kind, it: &wire::Versioned, field: &str, value: impl Into<Value>) -> Result<Command, Faults> {
    one(kind, &it.id, vec![Write::set(field, it.version, value)])
}

fn delete(kind: Kind, it: &wire::Versioned) -> Result<Command, Faults> {
    one(kind, &it.id, vec![Write::Delete { version: it.version }])
}

fn on_source(kind: Kind, prefix: &str, id: &str, version: u64, source: &str, on: bool) -> Result<Command, Faults> {
    let source = Id::check("data_source", source).map_err(fault)?;
    one(kind, id, vec![Write::set(format!("{prefix}{source}"), version, on)])
}

fn refresh(kind: Kind, it: &wire::Refresh) -> Result<Command, Faults> {
    if it.ids.is_empty() || it.ids.len() > MAX_REFRESH {
        let found = format!("{} identities", it.ids.len());
        return Err(fault(Fault::new("ids", found, format!("1 to {MAX_REFRESH} identities"))));
    }
    let mut ids = Vec::with_capacity(it.ids.len());
    let mut faults = Vec::new();
    for (index, id) in it.ids.iter().enumerate() {
        match Id::check(&format!("ids[{index}]"), id) {
            Ok(id) => ids.push(id),
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() { Ok(Command::Refresh { kind, ids, attempt: it.attempt }) } else { Err(Faults(faults)) }
}
