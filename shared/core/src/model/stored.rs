//! Reading checked values back from the records that the store keeps.
//!
//! What is stored was checked before it was written, so a fault here means that a newer release is stricter than the one that
//! wrote the record. It is reported like any other fault, and what it describes is not enforced in a weaker form.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    command::field,
    data_source::DataSource,
    integration::{Integration, Removal},
    name::{Id, value},
    policy::{Policy, PolicyStatus, Scope},
    user::{self, Project, Standing, User},
};
use crate::{
    event::{Fault, Faults, wire},
    record::Record,
};

fn read<T: DeserializeOwned>(path: &str, value: &Value) -> Result<T, Faults> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let place = match error.path().to_string().as_str() {
            "." => path.to_owned(),
            inner => format!("{path}.{inner}"),
        };
        Faults(vec![Fault::new(place, error.inner().to_string(), "what was checked before")])
    })
}

/// The policy in a record, with its status and the data sources it is off for. `None` when it was deleted or never came.
///
/// # Errors
/// When the stored document no longer passes the checks.
pub fn policy(record: &Record) -> Result<Option<Policy>, Faults> {
    let Some(document) = record.document() else {
        return Ok(None);
    };
    let mut policy = Policy::check(&read::<wire::PolicyDocument>("policy", document)?)?;
    policy.status = match record.get(field::STATUS) {
        Some(status) => read("policy.status", status)?,
        None => PolicyStatus::Active,
    };
    for (source, off) in record.get_all(field::DISABLED_FOR) {
        if *off == Value::Bool(true) {
            policy.disabled_for.insert(Id::check("policy.disabled_for", source).map_err(|fault| Faults(vec![fault]))?);
        }
    }
    Ok(Some(policy))
}

/// The scope of a policy document that was replaced.
///
/// # Errors
/// When it no longer passes the checks.
pub fn policy_scope(document: &Value) -> Result<Scope, Faults> {
    Scope::check(&read::<wire::PolicyDocument>("policy", document)?.scope)
}

/// The data source in a record, and whether it is switched on.
///
/// # Errors
/// When the stored document no longer passes the checks.
pub fn data_source(record: &Record) -> Result<Option<(DataSource, bool)>, Faults> {
    let Some(document) = record.document() else {
        return Ok(None);
    };
    let source = DataSource::check(&read::<wire::DataSourceDocument>("data_source", document)?)?;
    let enabled = record.get(field::ENABLED) != Some(&Value::Bool(false));
    Ok(Some((source, enabled)))
}

/// The user in a record with what they have.
///
/// # Errors
/// When the stored document no longer passes the checks.
pub fn user(record: &Record) -> Result<Option<(User, Standing)>, Faults> {
    let Some(document) = record.document() else {
        return Ok(None);
    };
    let user = User::check(&read::<wire::UserDocument>("user", document)?)?;
    let fault = |fault| Faults(vec![fault]);
    let mut standing = Standing::default();
    if let Some(groups) = record.get(field::GROUPS) {
        standing.groups = user::groups("groups", &read::<Vec<String>>("groups", groups)?)?;
    }
    if let Some(attributes) = record.get(field::ATTRIBUTES) {
        standing.attributes = user::attributes("attributes", &read("attributes", attributes)?)?;
    }
    if let Some(Value::String(project)) = record.get(field::PROJECT) {
        standing.project = Some(Id::check("project", project).map_err(fault)?);
    }
    for (name, _) in record.get_all(field::ACKNOWLEDGED) {
        let (project, purpose): (String, String) = serde_json::from_str(name).map_err(|error| {
            Faults(vec![Fault::new(field::ACKNOWLEDGED, error.to_string(), "a project and a purpose")])
        })?;
        let project = Id::check("acknowledged.project", &project).map_err(fault)?;
        standing.acknowledged.insert((project, value("acknowledged.purpose", &purpose).map_err(fault)?));
    }
    for (source, approved) in record.get_all(field::APPROVED) {
        if *approved == Value::Bool(true) {
            standing.approved.insert(Id::check("approved", source).map_err(fault)?);
        }
    }
    Ok(Some((user, standing)))
}

/// The project in a record.
///
/// # Errors
/// When the stored document no longer passes the checks.
pub fn project(record: &Record) -> Result<Option<Project>, Faults> {
    record.document().map(project_of).transpose()
}

/// The project in a document, also in one that was replaced.
///
/// # Errors
/// When it no longer passes the checks.
pub fn project_of(document: &Value) -> Result<Project, Faults> {
    Project::check(&read::<wire::ProjectDocument>("project", document)?)
}

/// The integration in a record; `None` where there is none, or where it is to be removed.
///
/// # Errors
/// When the stored document no longer passes the checks.
pub fn integration(record: &Record) -> Result<Option<Integration>, Faults> {
    if is_removed(record) {
        return Ok(None);
    }
    record.document().map(integration_of).transpose()
}

/// The integration in a document, also in one that was replaced.
///
/// # Errors
/// When it no longer passes the checks.
pub fn integration_of(document: &Value) -> Result<Integration, Faults> {
    Integration::check(&read::<wire::IntegrationDocument>("integration", document)?)
}

/// What the removal of an integration shall do; `None` where it is not to be removed.
///
/// # Errors
/// When the stored request no longer passes the checks.
pub fn removal(record: &Record) -> Result<Option<Removal>, Faults> {
    let Some(removal) = record.get(field::REMOVAL).filter(|_| is_removed(record)) else {
        return Ok(None);
    };
    let setup = removal.get("setup").map(|setup| read("setup", setup)).transpose()?.flatten();
    let keep_profiles = removal.get("keep_profiles") == Some(&Value::Bool(true));
    Removal::check(&wire::IntegrationRemoval { id: record.id.clone(), version: 0, keep_profiles, setup }).map(Some)
}

/// Whether the removal is the last that was said of an integration.
fn is_removed(record: &Record) -> bool {
    let version = |name: &str| record.fields.get(name).map(|field| field.version);
    version(field::REMOVAL) >= version(crate::record::DOCUMENT) && version(field::REMOVAL).is_some()
}
