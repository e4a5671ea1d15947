//! What a user must have, as checked.

use std::collections::BTreeSet;

use super::{collect::Collector, name};
use crate::{
    event::{Fault, wire},
    sql::Text,
};

/// How deep conditions may nest.
const MAX_DEPTH: usize = 8;

/// A condition on a user. It has no negation, so an entitlement that is missing or unknown can't open anything.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Condition {
    /// At least one holds.
    Any(Vec<Condition>),
    /// All hold.
    All(Vec<Condition>),
    /// The user has one of these.
    Has(Entitlement),
}

/// What kind of thing a user has; the words stand in `profile_entitlement.kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntitlementKind {
    /// The user's own identity.
    User,
    /// Membership of a group.
    Group,
    /// A value of an attribute.
    Attribute,
    /// Membership of a project.
    Project,
    /// A purpose the user acts under.
    Purpose,
    /// A data source the user was approved for.
    Approval,
}

impl EntitlementKind {
    /// The word in the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Attribute => "attribute",
            Self::Project => "project",
            Self::Purpose => "purpose",
            Self::Approval => "approval",
        }
    }
}

/// Something a user may have, in one of several values.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entitlement {
    /// What kind of thing.
    pub kind: EntitlementKind,
    /// The attribute's name; absent for other kinds.
    pub name: Option<Text>,
    /// The values, one of which is enough; never empty.
    pub values: BTreeSet<Text>,
}

impl Entitlement {
    /// One value of a kind that has no name.
    #[must_use]
    pub fn one(kind: EntitlementKind, value: Text) -> Self {
        Self { kind, name: None, values: BTreeSet::from([value]) }
    }
}

impl Condition {
    pub(super) fn check(faults: &mut Collector, path: &str, wire: &wire::Condition) -> Option<Self> {
        Self::check_at(faults, path, wire, 0)
    }

    fn check_at(faults: &mut Collector, path: &str, wire: &wire::Condition, depth: usize) -> Option<Self> {
        if depth >= MAX_DEPTH {
            faults.push(Fault::new(path, "deeper nesting", format!("conditions nested at most {MAX_DEPTH} deep")));
            return None;
        }
        let has = |kind, value| Self::Has(Entitlement::one(kind, value));
        match wire {
            wire::Condition::Any(list) => Self::check_list(faults, &format!("{path}.any"), list, depth).map(Self::Any),
            wire::Condition::All(list) => Self::check_list(faults, &format!("{path}.all"), list, depth).map(Self::All),
            wire::Condition::Group(group) => faults
                .take(name::value(&format!("{path}.group"), group))
                .map(|group| has(EntitlementKind::Group, group)),
            wire::Condition::Purpose(purpose) => faults
                .take(name::value(&format!("{path}.purpose"), purpose))
                .map(|purpose| has(EntitlementKind::Purpose, purpose)),
            wire::Condition::Attribute(test) => {
                let path = format!("{path}.attribute");
                let attribute = faults.take(name::value(&format!("{path}.name"), &test.name));
                let values = check_values(faults, &format!("{path}.values"), &test.values)?;
                Some(Self::Has(Entitlement { kind: EntitlementKind::Attribute, name: Some(attribute?), values }))
            }
        }
    }

    fn check_list(faults: &mut Collector, path: &str, list: &[wire::Condition], depth: usize) -> Option<Vec<Self>> {
        if list.is_empty() {
            faults.push(Fault::new(path, "an empty list", "at least one condition"));
            return None;
        }
        let checked = faults.each(path, list, |faults, path, one| Self::check_at(faults, path, one, depth + 1));
        (checked.len() == list.len()).then_some(checked)
    }
}

/// Checks a list of values of which at least one is needed.
pub(super) fn check_values(faults: &mut Collector, path: &str, values: &[String]) -> Option<BTreeSet<Text>> {
    if values.is_empty() {
        faults.push(Fault::new(path, "an empty list", "at least one value"));
        return None;
    }
    let checked = faults.each(path, values, |faults, path, value| faults.take(name::value(path, value)));
    (checked.len() == values.len()).then(|| checked.into_iter().collect())
}
