//! Users and projects, as checked, and what of them makes a profile.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    collect::Collector,
    name::{self, Id},
};
use crate::{
    event::{Fault, Faults, wire},
    sql::{Ident, Text},
};

/// A user whose document passed every check. What deltas may change stands apart, in [`Standing`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Their identity.
    pub id: Id,
    /// The database account, exactly as Redshift has it.
    pub database_user: Ident,
}

/// What a user has: groups, attributes, project, acknowledgements and approvals.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Groups.
    pub groups: BTreeSet<Text>,
    /// Attributes, each with its values.
    pub attributes: BTreeMap<Text, BTreeSet<Text>>,
    /// The project switched to.
    pub project: Option<Id>,
    /// Purposes acknowledged, by project.
    pub acknowledged: BTreeSet<(Id, Text)>,
    /// Data sources approved.
    pub approved: BTreeSet<Id>,
}

/// A project whose document passed every check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Its identity.
    pub id: Id,
    /// Users who may switch to it.
    pub members: BTreeSet<Id>,
    /// Purposes its members act under, once acknowledged.
    pub purposes: BTreeSet<Text>,
    /// Data sources it bundles.
    pub data_sources: BTreeSet<Id>,
    /// Whether equal values have equal hashes in all of them, for those who work in it.
    pub masked_joins: bool,
}

impl User {
    /// Checks a user document, with the groups, attributes and project it may state.
    ///
    /// # Errors
    /// Every fault it has.
    pub fn check(wire: &wire::UserDocument) -> Result<Self, Faults> {
        let mut faults = Collector::default();
        let id = faults.take(Id::check("user.id", &wire.id));
        let database_user = faults.take(super::ident("user.database_user", &wire.database_user));
        if wire.database_user.trim() != wire.database_user {
            // Redshift ignores trailing blanks when it compares, so two accounts could pass for one.
            faults.push(Fault::new("user.database_user", "blanks at the ends", "an account without them"));
        }
        if let Some(groups) = &wire.groups {
            groups_at(&mut faults, "user.groups", groups);
        }
        if let Some(attributes) = &wire.attributes {
            attributes_at(&mut faults, "user.attributes", attributes);
        }
        if let Some(project) = &wire.project {
            faults.take(Id::check("user.project", project));
        }
        let user = id.zip(database_user).map(|(id, database_user)| Self { id, database_user });
        faults.finish(user)
    }
}

/// Checks a list of groups at a path.
///
/// # Errors
/// Every fault it has.
pub fn groups(path: &str, wire: &[String]) -> Result<BTreeSet<Text>, Faults> {
    let mut faults = Collector::default();
    let checked = groups_at(&mut faults, path, wire);
    faults.finish(Some(checked))
}

/// Checks attributes at a path.
///
/// # Errors
/// Every fault they have.
pub fn attributes(path: &str, wire: &BTreeMap<String, Vec<String>>) -> Result<BTreeMap<Text, BTreeSet<Text>>, Faults> {
    let mut faults = Collector::default();
    let checked = attributes_at(&mut faults, path, wire);
    faults.finish(Some(checked))
}

fn groups_at(faults: &mut Collector, path: &str, wire: &[String]) -> BTreeSet<Text> {
    faults.each(path, wire, |faults, path, group| faults.take(name::value(path, group))).into_iter().collect()
}

fn attributes_at(
    faults: &mut Collector,
    path: &str,
    wire: &BTreeMap<String, Vec<String>>,
) -> BTreeMap<Text, BTreeSet<Text>> {
    let mut checked: BTreeMap<Text, BTreeSet<Text>> = BTreeMap::new();
    for (attribute, values) in wire {
        // A name that is no good may not be fit to be shown either.
        let path = match name::value(path, attribute) {
            Ok(_) => format!("{path}.{attribute}"),
            Err(_) => path.to_owned(),
        };
        let attribute = faults.take(name::value(&path, attribute));
        let values = groups_at(faults, &path, values);
        if let Some(attribute) = attribute {
            checked.entry(attribute).or_default().extend(values);
        }
    }
    checked
}

impl Project {
    /// Checks a project document.
    ///
    /// # Errors
    /// Every fault it has.
    pub fn check(wire: &wire::ProjectDocument) -> Result<Self, Faults> {
        let mut faults = Collector::default();
        let id = faults.take(Id::check("project.id", &wire.id));
        let mut ids = |path: &str, ids: &[String]| -> BTreeSet<Id> {
            faults.each(path, ids, |faults, path, id| faults.take(Id::check(path, id))).into_iter().collect()
        };
        let members = ids("project.members", &wire.members);
        let data_sources = ids("project.data_sources", &wire.data_sources);
        let purposes = groups_at(&mut faults, "project.purposes", &wire.purposes);
        faults.finish(id.map(|id| Self { id, members, purposes, data_sources, masked_joins: wire.masked_joins }))
    }
}
