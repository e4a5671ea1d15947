//! Who may undo a reversible mask.

use crate::{
    interpret::{may_see, meets},
    model::{DataSource, policy::Mask},
    plan::{self, condition_on},
    render::profile::ProfileState,
    resolve::{PolicySet, ProjectSet},
};

/// Whether a user may undo the mask of a column: they may see the data source, the rule in force on the column masks
/// reversibly, and they meet the condition that this mask names. Whatever is not known means no.
#[must_use]
pub fn may_unmask(
    source: &DataSource,
    column: &str,
    policies: &PolicySet,
    projects: &ProjectSet,
    profile: &ProfileState,
) -> bool {
    let resolution = policies.resolve(source);
    let Ok(plan) = plan::build(source, &resolution, projects) else { return false };
    if !may_see(&plan.subscription, profile) {
        return false;
    }
    let index = source.columns.iter().position(|own| own.name.as_str() == column);
    let Some(decision) = index.and_then(|index| resolution.masks.get(&index)) else { return false };
    let here = projects.of(&source.id);
    let rule = decision.winner.rule;
    let mut masks = rule.cases.iter().map(|(_, mask)| mask).chain([&rule.otherwise]);
    masks.any(|mask| match mask {
        Mask::Reversible { unmask: Some(condition) } => meets(&condition_on(condition, &here), profile),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        event::{document, wire},
        model::{EntitlementKind, Policy},
        sql::Text,
    };

    fn source() -> DataSource {
        let wire: wire::DataSourceDocument = document(json!({
            "id": "customer", "version": 1, "host": "wh", "database": "db", "schema": "s", "table": "t",
            "columns": [{"name": "c_phone", "type": "varchar(15)", "tags": ["pii"]}, {"name": "c_name", "type": "varchar(25)"}],
        }))
        .unwrap();
        DataSource::check(&wire).unwrap()
    }

    fn policies(subscription: serde_json::Value, using: serde_json::Value) -> PolicySet {
        let policy = |id: &str, key: &str, value: serde_json::Value| {
            let mut fields = json!({
                "id": id, "version": 1, "name": id, "created_at": "2026-01-01T00:00:00Z", "scope": "all",
            });
            fields[key] = value;
            Policy::check(&document::<wire::PolicyDocument>(fields).unwrap()).unwrap()
        };
        PolicySet::new(vec![
            policy("open", "subscription", subscription),
            policy("masked", "rules", json!([{"mask": {"columns": {"tag": "pii"}, "using": using}}])),
        ])
    }

    fn group(name: &str) -> ProfileState {
        let mut profile = ProfileState::default();
        profile.entitlements.insert((EntitlementKind::Group, None, Text::new(name).unwrap()));
        profile
    }

    #[test]
    fn only_those_named_may_and_only_where_the_mask_is_in_force() {
        let reversible = json!({"kind": "reversible", "unmask": {"group": "fraud"}});
        let anyone = json!({"level": "anyone"});
        let fraud_only = json!({"level": "entitlement", "condition": {"group": "fraud"}});
        let others_only = json!({"level": "entitlement", "condition": {"group": "others"}});
        for (subscription, using, column, who, may) in [
            (&anyone, &reversible, "c_phone", "fraud", true),
            (&fraud_only, &reversible, "c_phone", "fraud", true),
            (&others_only, &reversible, "c_phone", "fraud", false),
            (&anyone, &reversible, "c_phone", "others", false),
            (&anyone, &reversible, "c_name", "fraud", false),
            (&anyone, &reversible, "C_PHONE", "fraud", false),
            (&anyone, &reversible, "nothing", "fraud", false),
            (&anyone, &json!({"kind": "reversible"}), "c_phone", "fraud", false),
            (&anyone, &json!({"kind": "hash"}), "c_phone", "fraud", false),
        ] {
            let set = policies(subscription.clone(), using.clone());
            let found = may_unmask(&source(), column, &set, &ProjectSet::default(), &group(who));
            assert_eq!(found, may, "{subscription} {using} {column} {who}");
        }
    }
}
