//! What Redshift knows of a user, and the statements that tell it.

use std::collections::BTreeSet;

mod merge;

pub use merge::{MERGE_OVERHEAD, Staged, merge};

use crate::{
    model::{EntitlementKind, Id, Project, Standing, User},
    sql::{Ident, Text},
};

/// What Redshift is told of one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The database account.
    pub database_user: Ident,
    /// Only a newer revision replaces what is stored. It rises over all holders the account's name ever had.
    pub revision: u64,
    /// What the user has; `None` when the user is gone.
    pub state: Option<ProfileState>,
}

/// Kind, name and value of something that a user has.
pub type Entitlement = (EntitlementKind, Option<Text>, Text);

/// What a user has, resolved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileState {
    /// The project switched to, if the user is a member of it.
    pub project: Option<Text>,
    /// Everything the user has.
    pub entitlements: BTreeSet<Entitlement>,
}

impl ProfileState {
    /// Resolves what a user has. `project` is the one the user switched to, as it is now; without it, or when the user is not
    /// a member, they act under no purpose. Whoever acts under a purpose acts under those above it too, and only for the data
    /// sources of the project, whose identity is therefore the name of the entitlement.
    #[must_use]
    pub fn resolve(user: &User, standing: &Standing, project: Option<&Project>) -> Self {
        let mut entitlements = BTreeSet::new();
        entitlements.insert((EntitlementKind::User, None, user.id.text().clone()));
        for group in &standing.groups {
            entitlements.insert((EntitlementKind::Group, None, group.clone()));
        }
        for (name, values) in &standing.attributes {
            for value in values {
                entitlements.insert((EntitlementKind::Attribute, Some(name.clone()), value.clone()));
            }
        }
        for source in &standing.approved {
            entitlements.insert((EntitlementKind::Approval, None, source.text().clone()));
        }
        let project = project
            .filter(|project| Some(&project.id) == standing.project.as_ref() && project.members.contains(&user.id));
        if let Some(project) = project {
            entitlements.insert((EntitlementKind::Project, None, project.id.text().clone()));
            for purpose in &project.purposes {
                if standing.acknowledged.contains(&(project.id.clone(), purpose.clone())) {
                    for purpose in purpose.lineage() {
                        entitlements.insert((EntitlementKind::Purpose, Some(project.id.text().clone()), purpose));
                    }
                }
            }
        }
        Self { project: project.map(|project| project.id.text().clone()), entitlements }
    }
}

/// The revision under which a profile is stored: how often the account's name changed hands comes first, so that what an
/// earlier holder left behind, however high its own counter, is never newer than what the present one says.
#[must_use]
pub fn profile_revision(claim: u64, revision: u64) -> u64 {
    (claim << BITS) | revision_of(revision)
}

/// The part of a profile's revision that is the user's own counter.
const BITS: u32 = 40;

/// How often the account's name had changed hands at a profile's revision.
#[must_use]
pub fn claim_of(revision: u64) -> u64 {
    revision >> BITS
}

/// The user's own counter in a profile's revision.
#[must_use]
pub fn revision_of(revision: u64) -> u64 {
    revision & ((1 << BITS) - 1)
}

/// What a user is called in messages.
#[must_use]
pub fn label(id: &Id, user: &Ident) -> String {
    format!("{id} ({})", user.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_holder_of_an_account_is_always_newer() {
        assert!(profile_revision(2, 1) > profile_revision(1, 1_000_000));
        assert!(profile_revision(1, 2) > profile_revision(1, 1));
    }
}
