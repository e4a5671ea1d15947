//! The statements that store profiles. What many users have is said once, with a number by which each of them refers to it: a
//! deployment has few groups and attributes' values beside its users, and a call takes so many bytes only.

use std::collections::BTreeMap;

use super::{Entitlement, Profile};
use crate::{
    model::Names,
    render::{
        counter,
        pack::{Group, Size},
        plain, procedure, system,
    },
    sql::{
        DataType, Ident, QualifiedName, SqlText, literal_bytes, print,
        tree::{Expr, Statement},
    },
};

const STAGE_PROFILE: &str = "redoubt_stage_profile";
const STAGE_ENTITLEMENT: &str = "redoubt_stage_entitlement";
const STAGE_HELD: &str = "redoubt_stage_held";

/// Profiles for one call of [`merge`], and how large it is with them.
#[derive(Debug, Default)]
pub struct Staged<'a> {
    profiles: u64,
    entitlements: BTreeMap<&'a Entitlement, u64>,
}

/// Bytes that [`merge`] takes whatever the profiles, at most.
pub const MERGE_OVERHEAD: usize = 1_280;

/// The statements that store profiles: one transaction, whatever their number. The lock comes first, so that the snapshot is
/// taken after the last writer committed, and two batches can't both take a user for new.
#[must_use]
pub fn merge(names: &Names, profiles: &[Profile]) -> Vec<SqlText> {
    let mut staged = Staged::default();
    let mut rows = [const { Vec::new() }; 3];
    let [users, entitlements, held] = &mut rows;
    for profile in profiles {
        let place = staged.profiles;
        staged.profiles += 1;
        let project = profile.state.as_ref().and_then(|state| state.project.clone()).map_or(Expr::Null, Expr::Text);
        users.push(vec![
            counter(place),
            plain(profile.database_user.as_str().to_owned()),
            counter(profile.revision),
            Expr::Bool(profile.state.is_some()),
            project,
        ]);
        for entitlement in profile.state.iter().flat_map(|state| &state.entitlements) {
            let known = staged.entitlements.len() as u64;
            let number = *staged.entitlements.entry(entitlement).or_insert_with(|| {
                let (kind, name, value) = entitlement;
                let name = name.clone().map_or(Expr::Null, Expr::Text);
                entitlements.push(vec![counter(known), Expr::fixed(kind.as_str()), name, Expr::Text(value.clone())]);
                known
            });
            held.push(vec![counter(place), counter(number)]);
        }
    }
    let mut statements = vec![print(&Statement::Lock(system(names, "mutex")))];
    statements.extend(tables().map(|(name, columns)| {
        print(&Statement::CreateTemporaryTable {
            name: Ident::fixed(name),
            columns: columns.iter().map(|(column, data_type)| ((*column).into(), *data_type)).collect(),
        })
    }));
    let filled = tables().zip(rows).filter(|(_, rows)| !rows.is_empty());
    statements.extend(filled.map(|((name, columns), rows)| {
        print(&Statement::Insert {
            table: QualifiedName::temporary(Ident::fixed(name)),
            columns: columns.iter().map(|(column, _)| (*column).into()).collect(),
            rows,
        })
    }));
    statements.push(print(&Statement::Call { procedure: procedure(names, "merge_profiles"), arguments: vec![] }));
    statements
}

/// The temporary tables that the procedure reads.
fn tables() -> impl Iterator<Item = (&'static str, &'static [(&'static str, DataType)])> {
    const PROFILES: &[(&str, DataType)] = &[
        ("place", DataType::Integer),
        ("userid", DataType::VarChar(128)),
        ("revision", DataType::BigInt),
        ("active", DataType::Boolean),
        ("project", DataType::VarChar(128)),
    ];
    const ENTITLEMENTS: &[(&str, DataType)] = &[
        ("entitlement", DataType::Integer),
        ("kind", DataType::VarChar(16)),
        ("name", DataType::VarChar(512)),
        ("value", DataType::VarChar(512)),
    ];
    const HELD: &[(&str, DataType)] = &[("place", DataType::Integer), ("entitlement", DataType::Integer)];
    [(STAGE_PROFILE, PROFILES), (STAGE_ENTITLEMENT, ENTITLEMENTS), (STAGE_HELD, HELD)].into_iter()
}

/// Parentheses of a row, and the comma and blank behind it.
const ROW: usize = 4;
/// A comma and a blank between the values of a row.
const COMMA: usize = 2;

impl<'a> Staged<'a> {
    /// Bytes that a profile adds.
    fn bytes(&self, profile: &'a Profile) -> usize {
        let optional = |text: Option<&str>| text.map_or("NULL".len(), literal_bytes);
        let project = profile.state.as_ref().and_then(|state| state.project.as_ref());
        let place = digits(self.profiles);
        let user = literal_bytes(profile.database_user.as_str());
        let row = ROW + 4 * COMMA + place + user + digits(profile.revision) + "FALSE".len();
        let mut bytes = row + optional(project.map(|project| project.as_str()));
        let mut next = self.entitlements.len() as u64;
        for entitlement in profile.state.iter().flat_map(|state| &state.entitlements) {
            let number = self.entitlements.get(entitlement).copied().unwrap_or_else(|| {
                let (kind, name, value) = entitlement;
                let name = optional(name.as_ref().map(|name| name.as_str()));
                bytes += ROW + 3 * COMMA + digits(next) + literal_bytes(kind.as_str()) + name;
                bytes += literal_bytes(value.as_str());
                next += 1;
                next - 1
            });
            bytes += ROW + COMMA + place + digits(number);
        }
        bytes
    }

    fn stage(&mut self, profile: &'a Profile) {
        self.profiles += 1;
        for entitlement in profile.state.iter().flat_map(|state| &state.entitlements) {
            let next = self.entitlements.len() as u64;
            self.entitlements.entry(entitlement).or_insert(next);
        }
    }
}

impl<'a, T: AsRef<[Profile]> + ?Sized> Group<&'a T> for Staged<'a> {
    fn size(&self, item: &&'a T) -> Size {
        // Each as if it came first: what several profiles of one user share is counted for each of them.
        Size { statements: 0, bytes: (*item).as_ref().iter().map(|profile| self.bytes(profile) + SLACK).sum() }
    }

    fn add(&mut self, item: &&'a T) {
        for profile in (*item).as_ref() {
            self.stage(profile);
        }
    }
}

/// What numbers of a later profile of the same user may be longer by.
const SLACK: usize = 4;

fn digits(number: u64) -> usize {
    number.checked_ilog10().map_or(1, |digits| digits as usize + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{model::EntitlementKind, render::profile::ProfileState, sql::Text};

    fn profile(user: &str, revision: u64, values: &[String]) -> Profile {
        let mut state = ProfileState::default();
        for value in values {
            state.entitlements.insert((EntitlementKind::Group, None, Text::new(value.as_str()).unwrap()));
        }
        Profile { database_user: Ident::new(user).unwrap(), revision, state: Some(state) }
    }

    fn estimate(profiles: &[Profile]) -> usize {
        let mut staged = Staged::default();
        let mut bytes = MERGE_OVERHEAD;
        for profile in profiles {
            let one = std::slice::from_ref(profile);
            bytes += staged.size(&one).bytes;
            staged.add(&one);
        }
        bytes
    }

    fn real(profiles: &[Profile]) -> usize {
        merge(&Names::check("immuta").unwrap(), profiles).iter().map(SqlText::len).sum()
    }

    proptest! {
        #[test]
        fn the_estimate_is_never_too_small_and_not_much_too_large(
            users in proptest::collection::vec(("[a-z'\\\\é]{1,40}", any::<u32>(), proptest::collection::vec("[a-f'\\\\]{1,2}", 0..6)), 1..60)
        ) {
            let profiles: Vec<Profile> =
                users.iter().map(|(user, revision, values)| profile(user, u64::from(*revision), values)).collect();
            let (real, estimate) = (real(&profiles), estimate(&profiles));
            prop_assert!(real <= estimate, "{} bytes, estimated {}", real, estimate);
            prop_assert!(estimate <= real + MERGE_OVERHEAD + 8 * profiles.len(), "{} bytes, estimated {}", real, estimate);
        }
    }

    #[test]
    fn what_many_have_is_said_once() {
        let groups: Vec<String> = (0..5).map(|number| format!("a group with a long name {number}")).collect();
        let profiles: Vec<Profile> =
            (0..1_000_u64).map(|user| profile(&format!("user{user:05}"), user, &groups)).collect();
        let statements = merge(&Names::check("immuta").unwrap(), &profiles);
        assert_eq!(statements.len(), 8);
        let all: String = statements.iter().map(|statement| statement.execute()).collect();
        assert_eq!(all.matches("a group with a long name 3").count(), 1);
        assert!(real(&profiles) < 110 * profiles.len(), "{} bytes", real(&profiles));
    }

    #[test]
    fn nobody_has_anything_where_nobody_is_left() {
        let gone = Profile { database_user: Ident::new("ana").unwrap(), revision: 3, state: None };
        let statements = merge(&Names::check("immuta").unwrap(), &[gone]);
        assert_eq!(statements.len(), 6, "no rows for what nobody has");
    }
}
