//! Who may: conditions, held against what Redshift knows of a user.

use crate::{
    model::{Condition, Entitlement},
    plan::{Access, Grant},
    render::profile::ProfileState,
};

/// Whether a user meets a condition. What is not known of them is not there.
#[must_use]
pub fn meets(condition: &Condition, profile: &ProfileState) -> bool {
    match condition {
        Condition::Any(any) => any.iter().any(|one| meets(one, profile)),
        Condition::All(all) => all.iter().all(|one| meets(one, profile)),
        Condition::Has(wanted) => has(wanted, profile),
    }
}

fn has(wanted: &Entitlement, profile: &ProfileState) -> bool {
    profile
        .entitlements
        .iter()
        .any(|(kind, name, value)| *kind == wanted.kind && *name == wanted.name && wanted.values.contains(value))
}

/// Whether a user may see any row: by one of the grants, and by every guardrail.
#[must_use]
pub fn may_see(access: &Access, profile: &ProfileState) -> bool {
    let holds = |grant: &Grant| match grant {
        Grant::Anyone => true,
        Grant::If(condition) => meets(condition, profile),
    };
    access.grants.iter().any(holds) && access.guardrails.iter().all(holds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::EntitlementKind, sql::Text};

    fn text(text: &str) -> Text {
        Text::new(text).unwrap()
    }

    fn group(name: &str) -> Condition {
        Condition::Has(Entitlement::one(EntitlementKind::Group, text(name)))
    }

    fn profile() -> ProfileState {
        let mut profile = ProfileState::default();
        profile.entitlements.insert((EntitlementKind::Group, None, text("support")));
        profile.entitlements.insert((EntitlementKind::Attribute, Some(text("country")), text("DE")));
        profile
    }

    #[test]
    fn kind_name_and_value_count() {
        let attribute = |name: &str, values: &[&str]| {
            Condition::Has(Entitlement {
                kind: EntitlementKind::Attribute,
                name: Some(text(name)),
                values: values.iter().map(|value| text(value)).collect(),
            })
        };
        let profile = profile();
        assert!(meets(&group("support"), &profile));
        assert!(!meets(&group("Support"), &profile), "case counts");
        assert!(!meets(&group("DE"), &profile), "an attribute's value is no group");
        assert!(meets(&attribute("country", &["FR", "DE"]), &profile));
        assert!(!meets(&attribute("region", &["DE"]), &profile));
    }

    #[test]
    fn an_empty_list_of_ways_opens_nothing() {
        let profile = profile();
        assert!(!meets(&Condition::Any(vec![]), &profile));
        assert!(meets(&Condition::Any(vec![group("x"), group("support")]), &profile));
        assert!(!meets(&Condition::All(vec![group("x"), group("support")]), &profile));
    }

    #[test]
    fn guardrails_hold_besides() {
        let profile = profile();
        let access = |grants, guardrails| Access { grants, guardrails };
        assert!(may_see(&access(vec![Grant::Anyone], vec![]), &profile));
        assert!(!may_see(&access(vec![], vec![Grant::Anyone]), &profile));
        assert!(!may_see(&access(vec![Grant::Anyone], vec![Grant::If(group("x"))]), &profile));
        assert!(may_see(
            &access(vec![Grant::If(group("x")), Grant::If(group("support"))], vec![Grant::Anyone]),
            &profile
        ));
    }
}
