use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    event::{document, wire},
    model::{policy::Mask, strategies},
};

fn policy(fields: Value) -> Policy {
    let mut base = json!({
        "id": "p", "version": 1, "name": "p", "created_at": "2026-01-01T00:00:00Z", "scope": "all",
        "rules": [{"mask": {"columns": {"tag": "pii"}, "using": {"kind": "null"}}}],
    });
    base.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    Policy::check(&document::<wire::PolicyDocument>(base).unwrap()).unwrap()
}

fn source(fields: Value) -> DataSource {
    let mut base = json!({
        "id": "d", "version": 1, "host": "wh", "database": "db", "schema": "s", "table": "t",
        "columns": [{"name": "phone", "type": "varchar(15)", "tags": ["pii.phone", "pii.contact"]}, {"name": "id", "type": "bigint"}],
    });
    base.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    DataSource::check(&document::<wire::DataSourceDocument>(base).unwrap()).unwrap()
}

fn mask(columns: Value) -> Value {
    json!({"mask": {"columns": columns, "using": {"kind": "null"}}})
}

/// The identities of the policies that want the first column, the winner first.
fn order(policies: Vec<Policy>) -> Vec<String> {
    let set = PolicySet::new(policies);
    let source = source(json!({}));
    let resolution = set.resolve(&source);
    let decision = &resolution.masks[&0];
    std::iter::once(&decision.winner).chain(&decision.losers).map(|candidate| candidate.policy.id.to_string()).collect()
}

#[test]
fn a_column_found_by_two_of_its_tags_is_found_once() {
    let set = PolicySet::new(vec![policy(json!({}))]);
    let source = source(json!({}));
    let resolution = set.resolve(&source);
    assert_eq!(resolution.masks.len(), 1);
    assert!(resolution.masks[&0].losers.is_empty());
    assert!(resolution.unmatched.is_empty());
}

#[test]
fn local_beats_global_then_name_then_deeper_tag_then_age_then_identity() {
    let rules = |columns: Value| json!([mask(columns)]);
    let old = "2020-01-01T00:00:00Z";
    let policies = vec![
        policy(json!({"id": "shallow", "created_at": old})),
        policy(json!({"id": "deep-b", "rules": rules(json!({"tag": "pii.phone"}))})),
        policy(json!({"id": "deep-a", "rules": rules(json!({"tag": "pii.contact"}))})),
        policy(json!({"id": "deep-old", "created_at": old, "rules": rules(json!({"tag": "pii.phone"}))})),
        policy(json!({"id": "name", "rules": rules(json!({"name": "PHONE"}))})),
        policy(json!({"id": "local", "created_at": "2026-06-01T00:00:00Z", "scope": {"data_sources": ["d"]}})),
    ];
    assert_eq!(order(policies), ["local", "name", "deep-old", "deep-a", "deep-b", "shallow"]);
}

#[test]
fn of_one_policy_the_earlier_rule_wins() {
    let twice = policy(json!({"rules": [
        {"mask": {"columns": {"tag": "pii"}, "using": {"kind": "hash"}}},
        {"mask": {"columns": {"tag": "pii"}, "using": {"kind": "null"}}},
    ]}));
    let set = PolicySet::new(vec![twice]);
    let source = source(json!({}));
    let resolution = set.resolve(&source);
    assert_eq!(resolution.masks[&0].winner.rule.otherwise, Mask::Hash);
    assert_eq!(resolution.masks[&0].losers[0].rule.otherwise, Mask::Null);
}

#[test]
fn age_is_compared_as_time_and_not_as_text() {
    // One second later on the clock of Greenwich, though its text sorts first.
    let later = policy(json!({"id": "later", "created_at": "2026-01-01T00:00:01Z"}));
    let earlier = policy(json!({"id": "zearlier", "created_at": "2026-01-01T02:00:00+02:00"}));
    assert_eq!(order(vec![later, earlier]), ["zearlier", "later"]);
}

#[test]
fn selectors_that_find_nothing_are_kept() {
    let lost = policy(json!({"rules": [mask(json!({"name": "nothing"})), mask(json!({"tag": "pii.phone.mobile"}))]}));
    let set = PolicySet::new(vec![lost]);
    let source = source(json!({}));
    let resolution = set.resolve(&source);
    assert_eq!(resolution.unmatched.len(), 2);
    assert!(resolution.masks.is_empty());
}

#[test]
fn policies_that_are_not_in_force_are_kept_and_win_nothing() {
    let mut off = policy(json!({"id": "off"}));
    off.disabled_for.insert(Id::check("id", "d").unwrap());
    let set = PolicySet::new(vec![
        off,
        policy(json!({"id": "staged", "status": "staged"})),
        policy(json!({"id": "disabled", "status": "disabled"})),
        policy(json!({"id": "elsewhere", "status": "disabled", "scope": {"data_sources": ["e"]}})),
    ]);
    let here = source(json!({}));
    let inactive = |source: &DataSource| -> Vec<String> {
        set.resolve(source).inactive.iter().map(|policy| policy.id.to_string()).collect()
    };
    assert_eq!(inactive(&here), ["disabled", "off", "staged"]);
    assert!(set.resolve(&here).masks.is_empty());
    let there = source(json!({"id": "e"}));
    assert_eq!(inactive(&there), ["disabled", "elsewhere", "staged"]);
    assert_eq!(set.resolve(&there).masks[&0].winner.policy.id.as_str(), "off");
}

/// The identities of all policies that a resolution mentions.
fn mentioned(resolution: &Resolution<'_>) -> BTreeSet<String> {
    let candidates =
        resolution.masks.values().flat_map(|decision| std::iter::once(&decision.winner).chain(&decision.losers));
    let policies = (resolution.subscriptions.iter().map(|applied| applied.policy))
        .chain(resolution.rows.iter().map(|applied| applied.policy))
        .chain(candidates.map(|candidate| candidate.policy))
        .chain(resolution.unmatched.iter().map(|(policy, _)| *policy))
        .chain(resolution.inactive.iter().copied());
    policies.map(|policy| policy.id.to_string()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    /// The index and the plain question agree on which policies cover a data source.
    #[test]
    fn what_covers_a_source_is_what_is_resolved(policies in strategies::policies(), source in strategies::data_source()) {
        let covering: BTreeSet<String> = policies
            .iter()
            .filter(|policy| covers(&policy.scope, &source))
            .map(|policy| policy.id.to_string())
            .collect();
        let set = PolicySet::new(policies);
        prop_assert_eq!(mentioned(&set.resolve(&source)), covering);
    }

    #[test]
    fn the_order_in_which_policies_are_read_does_not_matter(
        (policies, shuffled) in strategies::policies().prop_flat_map(|p| (Just(p.clone()), Just(p).prop_shuffle())),
        source in strategies::data_source(),
    ) {
        let (set, other) = (PolicySet::new(policies), PolicySet::new(shuffled));
        prop_assert_eq!(set.resolve(&source), other.resolve(&source));
    }

    /// A column that any rule in force selects is masked, by a rule that no other one beats.
    #[test]
    fn every_column_that_is_selected_is_masked(policies in strategies::policies(), source in strategies::data_source()) {
        let set = PolicySet::new(policies);
        let resolution = set.resolve(&source);
        for (index, column) in source.columns.iter().enumerate() {
            let selects = |selector: &Selector| match selector {
                Selector::Tag(tag) => column.tags.iter().any(|own| own.lineage().any(|above| above == tag.as_str())),
                Selector::Name(name) => name.folded() == column.name.folded(),
                Selector::NameRegex(pattern) => pattern.matches(&column.name.folded()),
                Selector::Untagged => column.tags.is_empty(),
                Selector::All => true,
            };
            let wanted = set.policies().iter().filter(|policy| {
                policy.status == PolicyStatus::Active && covers(&policy.scope, &source)
            });
            let rules = wanted.flat_map(|policy| match &policy.body {
                Body::Data(rules) => rules.as_slice(),
                Body::Subscription { .. } => &[],
            });
            let count = rules.filter(|rule| matches!(rule, Rule::Mask(rule) if selects(&rule.columns))).count();
            let decision = resolution.masks.get(&index);
            prop_assert_eq!(decision.map_or(0, |decision| 1 + decision.losers.len()), count);
            if let Some(decision) = decision {
                prop_assert!(decision.losers.iter().all(|loser| decision.winner.rank(loser) == Ordering::Less));
            }
        }
    }
}
