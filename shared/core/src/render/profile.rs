//! What Redshift knows of a user, and the statements that tell it.

use std::collections::BTreeSet;

use super::{counter, plain, procedure, system};
use crate::{
    model::{EntitlementKind, Id, Names, Project, Standing, User},
    sql::{
        DataType, Ident, QualifiedName, SqlText, Text, literal_bytes, print,
        tree::{Expr, Statement},
    },
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

/// What a user has, resolved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileState {
    /// The project switched to, if the user is a member of it.
    pub project: Option<Text>,
    /// Kind, name and value of everything the user has.
    pub entitlements: BTreeSet<(EntitlementKind, Option<Text>, Text)>,
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

const STAGE_PROFILE: &str = "redoubt_stage_profile";
const STAGE_ENTITLEMENT: &str = "redoubt_stage_entitlement";

/// The statements that store profiles: one transaction, whatever their number. The lock comes first, so that the snapshot is
/// taken after the last writer committed, and two batches can't both take a user for new.
#[must_use]
pub fn merge(names: &Names, profiles: &[Profile]) -> Vec<SqlText> {
    let mut statements = vec![
        print(&Statement::Lock(system(names, "mutex"))),
        print(&Statement::CreateTemporaryTable {
            name: Ident::fixed(STAGE_PROFILE),
            columns: vec![
                ("userid".into(), DataType::VarChar(128)),
                ("revision".into(), DataType::BigInt),
                ("active".into(), DataType::Boolean),
                ("project".into(), DataType::VarChar(128)),
            ],
        }),
        print(&Statement::CreateTemporaryTable {
            name: Ident::fixed(STAGE_ENTITLEMENT),
            columns: vec![
                ("userid".into(), DataType::VarChar(128)),
                ("revision".into(), DataType::BigInt),
                ("kind".into(), DataType::VarChar(16)),
                ("name".into(), DataType::VarChar(512)),
                ("value".into(), DataType::VarChar(512)),
            ],
        }),
        print(&Statement::Insert {
            table: QualifiedName::temporary(Ident::fixed(STAGE_PROFILE)),
            columns: vec!["userid".into(), "revision".into(), "active".into(), "project".into()],
            rows: profiles.iter().map(profile_row).collect(),
        }),
    ];
    let rows: Vec<_> = profiles.iter().flat_map(entitlement_rows).collect();
    if !rows.is_empty() {
        statements.push(print(&Statement::Insert {
            table: QualifiedName::temporary(Ident::fixed(STAGE_ENTITLEMENT)),
            columns: vec!["userid".into(), "revision".into(), "kind".into(), "name".into(), "value".into()],
            rows,
        }));
    }
    statements.push(print(&Statement::Call { procedure: procedure(names, "merge_profiles"), arguments: vec![] }));
    statements
}

/// Bytes that [`merge`] takes whatever the number of profiles, at most.
pub const MERGE_OVERHEAD: usize = 1_024;

/// Bytes a profile adds to [`merge`], at most.
#[must_use]
pub fn merge_bytes(profile: &Profile) -> usize {
    /// The digits of a revision, `FALSE`, parentheses, and the commas and blanks between and behind.
    const MARKS: usize = 20 + 5 + 2 + 10;
    let or_null = |text: &Option<Text>| text.as_ref().map_or("NULL".len(), |text| literal_bytes(text.as_str()));
    let user = literal_bytes(profile.database_user.as_str()) + MARKS;
    let Some(state) = &profile.state else { return user + "NULL".len() };
    let entitlements = state
        .entitlements
        .iter()
        .map(|(kind, name, value)| user + literal_bytes(kind.as_str()) + or_null(name) + literal_bytes(value.as_str()));
    user + or_null(&state.project) + entitlements.sum::<usize>()
}

fn user(profile: &Profile) -> Expr {
    plain(profile.database_user.as_str().to_owned())
}

fn profile_row(profile: &Profile) -> Vec<Expr> {
    let project = profile.state.as_ref().and_then(|state| state.project.clone()).map_or(Expr::Null, Expr::Text);
    vec![user(profile), counter(profile.revision), Expr::Bool(profile.state.is_some()), project]
}

fn entitlement_rows(profile: &Profile) -> impl Iterator<Item = Vec<Expr>> {
    profile.state.iter().flat_map(|state| &state.entitlements).map(move |(kind, name, value)| {
        let name = name.clone().map_or(Expr::Null, Expr::Text);
        vec![user(profile), counter(profile.revision), Expr::fixed(kind.as_str()), name, Expr::Text(value.clone())]
    })
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

    fn profile(user: &str, values: &[&str]) -> Profile {
        let mut state = ProfileState::default();
        for value in values {
            state.entitlements.insert((EntitlementKind::Group, None, Text::new(*value).unwrap()));
        }
        Profile { database_user: Ident::new(user).unwrap(), revision: 7, state: Some(state) }
    }

    #[test]
    fn the_estimate_is_never_too_small() {
        let names = Names::check("immuta").unwrap();
        let profiles = [profile("it's", &["a'b\\c", "x"]), profile(&"é".repeat(60), &[])];
        let estimate: usize = MERGE_OVERHEAD + profiles.iter().map(merge_bytes).sum::<usize>();
        let real: usize = merge(&names, &profiles).iter().map(SqlText::len).sum();
        assert!(real <= estimate, "{real} bytes, estimated {estimate}");
    }

    #[test]
    fn a_later_holder_of_an_account_is_always_newer() {
        assert!(profile_revision(2, 1) > profile_revision(1, 1_000_000));
        assert!(profile_revision(1, 2) > profile_revision(1, 1));
    }
}
