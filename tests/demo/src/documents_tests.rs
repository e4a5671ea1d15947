use std::collections::BTreeSet;

use redoubt_core::{
    event::wire::{Mask, RowFilter, Rule, SubscriptionLevel},
    model::policy::PolicyStatus,
    plan,
};

use super::*;
use crate::world::World;

fn stack(name: &str) -> Option<String> {
    Some(match name {
        "REDOUBT_WAREHOUSE_HOST" => "wh.example.com".to_owned(),
        "REDOUBT_SYSTEM_PASSWORD_DIGEST" => format!("sha256|{}|a1b2", "0".repeat(64)),
        name if name.starts_with("REDOUBT_") => format!("value-of-{name}"),
        _ => return None,
    })
}

fn documents() -> Documents {
    load(&directory(), 7, &stack).unwrap()
}

fn world() -> World {
    let documents = documents();
    let mut world = World::default();
    for event in std::iter::once(&documents.integration).chain(&documents.others) {
        world.apply(event).unwrap();
    }
    world
}

fn rules() -> Vec<Rule> {
    let rules = documents().others.into_iter().filter_map(|event| match event {
        Event::PolicyCreated { policy } => policy.rules,
        _ => None,
    });
    rules.flatten().collect()
}

#[test]
fn every_document_passes_and_every_view_can_be_planned() {
    let world = world();
    let policies = world.policies().unwrap();
    let sources = world.sources().unwrap();
    assert_eq!(sources.len(), 7);
    assert!(world.people().unwrap().len() >= 20);
    assert!(policies.policies().len() >= 12);
    for source in &sources {
        let resolution = policies.resolve(source);
        plan::build(source, &resolution).unwrap();
    }
    assert_eq!(world.fingerprints().unwrap().len(), 7);
}

#[test]
fn the_order_of_events_does_not_matter() {
    let documents = documents();
    let mut world = World::default();
    world.apply(&documents.integration).unwrap();
    for event in documents.others.iter().rev() {
        world.apply(event).unwrap();
        world.apply(event).unwrap();
    }
    assert_eq!(world.fingerprints().unwrap(), self::world().fingerprints().unwrap());
    assert_eq!(world.entitlements().unwrap(), self::world().entitlements().unwrap());
}

#[test]
fn every_policy_applies_to_a_data_source() {
    let world = world();
    let policies = world.policies().unwrap();
    let mut used = BTreeSet::new();
    let sources = world.sources().unwrap();
    for source in &sources {
        let resolution = policies.resolve(source);
        assert!(resolution.unmatched.iter().all(|(policy, _)| policy.id.as_str() == "personal-data-hidden"));
        used.extend(resolution.subscriptions.iter().map(|it| it.policy.id.clone()));
        used.extend(resolution.rows.iter().map(|it| it.policy.id.clone()));
        used.extend(resolution.inactive.iter().map(|it| it.id.clone()));
        for decision in resolution.masks.values() {
            used.extend(std::iter::once(&decision.winner).chain(&decision.losers).map(|it| it.policy.id.clone()));
        }
    }
    let all: BTreeSet<_> = policies.policies().iter().map(|policy| policy.id.clone()).collect();
    assert_eq!(used, all);
}

#[test]
fn every_kind_of_rule_appears() {
    let (mut masks, mut filters) = (BTreeSet::new(), BTreeSet::new());
    let mut mask = |mask: &Mask| {
        masks.insert(serde_json::to_value(mask).unwrap()["kind"].as_str().unwrap().to_owned());
    };
    let mut filter = |filter: &RowFilter| {
        let value = serde_json::to_value(filter).unwrap();
        let name = value
            .as_object()
            .map_or_else(|| value.as_str().unwrap().to_owned(), |object| object.keys().next().unwrap().clone());
        filters.insert(name);
    };
    for rule in rules() {
        match rule {
            Rule::Mask(rule) => {
                rule.using.iter().chain(&rule.otherwise).for_each(&mut mask);
                rule.cases.iter().flatten().for_each(|case| mask(&case.using));
            }
            Rule::Rows(rule) => {
                rule.only.iter().chain(&rule.otherwise).for_each(&mut filter);
                rule.cases.iter().flatten().for_each(|case| filter(&case.only));
            }
        }
    }
    let all = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(masks, all(&["clear", "constant", "hash", "null", "round", "show"]));
    assert_eq!(filters, all(&["all", "match", "none", "purposes", "sample", "time_window"]));
}

#[test]
fn every_level_and_status_appears() {
    let world = world();
    let policies = world.policies().unwrap();
    let status = |status| policies.policies().iter().filter(|policy| policy.status == status).count();
    assert_eq!(status(PolicyStatus::Staged), 1);
    assert!(policies.policies().iter().any(|policy| policy.is_local()));
    let levels = documents().others.into_iter().filter_map(|event| match event {
        Event::PolicyCreated { policy } => policy.subscription.map(|level| (level, policy.guardrail)),
        _ => None,
    });
    let (mut kinds, mut guardrails) = (BTreeSet::new(), 0);
    for (level, guardrail) in levels {
        kinds.insert(match level {
            SubscriptionLevel::Anyone => "anyone",
            SubscriptionLevel::Approval => "approval",
            SubscriptionLevel::Entitlement { .. } => "entitlement",
            SubscriptionLevel::Individuals { .. } => "individuals",
        });
        guardrails += usize::from(guardrail);
    }
    assert_eq!((kinds.len(), guardrails), (4, 1));
}

#[test]
fn a_fault_names_the_file_and_the_place() {
    let place = std::env::temp_dir().join(format!("redoubt-demo-{}", std::process::id()));
    for kind in ["integration", "data-sources", "users", "projects", "policies", "events"] {
        fs::create_dir_all(place.join(kind)).unwrap();
    }
    let check = |text: &str, expected: &str| {
        fs::write(place.join("users/a.yaml"), text).unwrap();
        let error = load(&place, 1, &stack).unwrap_err().to_string();
        assert!(error.ends_with(expected) && error.contains("users/a.yaml"), "{error}");
    };
    check("id: a\ndatabase_user: 5\n", "`user.database_user`: found the number `5`, expected a string");
    check(
        "id: a\ndatabase_user: ${NOBODY}\n",
        "`${NOBODY}` has no value: read the stack's environment with `. .local/env`",
    );
    check("id: [\n", "is no YAML");
    fs::remove_dir_all(&place).unwrap();
}
