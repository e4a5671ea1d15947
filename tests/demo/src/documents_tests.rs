use std::collections::BTreeSet;

use redoubt_core::{
    event::wire::{ColumnSelector, Mask, RowFilter, Rule, SubscriptionLevel},
    model::policy::PolicyStatus,
    plan,
};

use super::*;
use crate::{
    columns::COLUMNS,
    explain, masks,
    viewers::{SCIENTIST, VIEWERS},
    world::World,
};

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
    let (policies, projects) = (world.policies().unwrap(), world.projects().unwrap());
    let sources = world.sources().unwrap();
    assert_eq!(sources.len(), 8);
    assert!(world.people().unwrap().len() >= 20);
    assert!(policies.policies().len() >= 12);
    for source in &sources {
        let resolution = policies.resolve(source);
        plan::build(source, &resolution, &projects).unwrap();
    }
    assert_eq!(world.fingerprints().unwrap().len(), 8);
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
    let (mut masks, mut filters, mut selectors) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut cells = 0;
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
                selectors.insert(match rule.columns {
                    ColumnSelector::Tag(_) => "tag",
                    ColumnSelector::Name(_) => "name",
                    ColumnSelector::NameRegex(_) => "name_regex",
                    ColumnSelector::Untagged => "untagged",
                    ColumnSelector::All => "all",
                });
                cells += usize::from(rule.only_where.is_some());
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
    assert_eq!(
        masks,
        all(&[
            "clear",
            "constant",
            "custom",
            "format_preserving",
            "hash",
            "null",
            "randomized_response",
            "regex",
            "reversible",
            "round",
            "show"
        ])
    );
    assert_eq!(filters, all(&["all", "match", "none", "purposes", "sample", "time_window", "where"]));
    assert_eq!(selectors, BTreeSet::from(["name", "name_regex", "tag", "untagged"]));
    assert_eq!(cells, 1);
}

#[test]
fn what_must_be_seen_is_said_of_every_column_and_every_view() {
    let world = world();
    let masks = world.source(masks::SOURCE).unwrap();
    let columns: Vec<_> = masks.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(columns, COLUMNS.iter().map(|column| column.name).collect::<Vec<_>>());
    let views: BTreeSet<_> = world.sources().unwrap().iter().map(|source| source.id.as_str().to_owned()).collect();
    for rows in VIEWERS.iter().map(|viewer| &viewer.rows).chain([&SCIENTIST.1]) {
        assert_eq!(rows.iter().map(|(view, _)| (*view).to_owned()).collect::<BTreeSet<_>>(), views);
    }
}

#[test]
fn decisions_name_the_policy_what_decided_and_what_was_overruled() {
    let world = world();
    let (policies, projects) = (world.policies().unwrap(), world.projects().unwrap());
    let decisions = |source: &str, account: &str| {
        let (source, person) = (world.source(source).unwrap(), world.person(account).unwrap());
        let decisions = explain::decisions(&policies, &projects, &source, person.as_ref()).unwrap();
        decisions
            .into_iter()
            .map(|decision| decision.join(" | ").trim_end_matches(" | ").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        decisions("customer", "chloe.martin"),
        [
            "access | granted | Departments that read sales data (group `marketing`)",
            "guardrail | let through | Sales data needs a clearance (attribute `clearance` = `internal`)",
            "rows | c_nationkey in nation 2, 3 | Own nations only",
            "rows | c_mktsegment in groups AUTOMOBILE, marketing | Marketing sees its segments",
            "c_name | a salted hash of the value | Names are hashed | Personal data is hidden (broader)",
            "c_address | null | Personal data is hidden",
            "c_phone | the last 4 characters, each other one replaced by `*` | Phones by need (group `marketing`) | \
             Personal data is hidden (broader)",
            "c_acctbal | the value rounded towards zero to a multiple of 1000 | Balances are rounded",
            "c_comment | the constant `[withheld]` | Free text is withheld",
            "nothing | staged | Segments are withheld",
        ]
    );
    assert_eq!(decisions("part", "ana.silva")[0], "access | not granted | Parts on approval");
    assert_eq!(
        decisions("lineitem", "chloe.martin")[4],
        "rows | every row: purpose `campaign-analysis` through project `spring-campaign` | Line items for a purpose"
    );
    let cells = decisions("masks", "ana.silva").into_iter().find(|line| line.starts_with("balance_cells")).unwrap();
    assert_eq!(cells, "balance_cells | null, where `@columnTagged('finance.debt') < 0` | Debts are hidden");
    assert_eq!(
        decisions("masks", "dora.stone"),
        ["all rows | hidden | none: an account without a profile sees nothing"]
    );
    let conflicts = explain::conflicts(&policies, &projects, &world.sources().unwrap()).unwrap();
    let beside: Vec<_> = conflicts.iter().map(|conflict| conflict[0].as_str()).collect();
    assert_eq!(beside, ["customer.c_name", "customer.c_phone", "masks.name_hash", "supplier.s_phone"]);
}

#[test]
fn a_sub_purpose_brings_those_above_it() {
    let aisha = world().person("aisha.khan").unwrap().unwrap();
    let purposes = aisha.profile.entitlements.iter().filter(|(kind, _, _)| kind.as_str() == "purpose");
    let purposes: Vec<_> =
        purposes.map(|(_, project, purpose)| (project.as_ref().unwrap().as_str(), purpose.as_str())).collect();
    assert_eq!(purposes, [("churn-study", "research"), ("churn-study", "research.churn")]);
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
