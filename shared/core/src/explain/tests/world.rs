//! What the tests share: documents with most fields filled in, and random profiles that policies have something to say
//! about.

use std::collections::BTreeSet;

use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Value, json};

use crate::{
    event::{document, wire},
    explain::Held,
    model::{
        Condition, DataSource, Entitlement, EntitlementKind, Id, Policy, Project,
        policy::{Body, Filter, Level, Mask, Rule},
    },
    render::profile::ProfileState,
    sql::Text,
};

pub(super) type Entry = (EntitlementKind, Option<Text>, Text);

pub(super) fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

fn filled(mut base: Value, fields: Value) -> Value {
    base.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    base
}

pub(super) fn policy(fields: Value) -> Policy {
    let base = json!({
        "version": 1, "name": fields["id"], "created_at": "2026-01-01T00:00:00Z", "scope": "all",
    });
    Policy::check(&document::<wire::PolicyDocument>(filled(base, fields)).unwrap()).unwrap()
}

pub(super) fn source(fields: Value) -> DataSource {
    let base =
        json!({"id": "customer", "version": 1, "host": "wh", "database": "db", "schema": "s", "table": "customer"});
    DataSource::check(&document::<wire::DataSourceDocument>(filled(base, fields)).unwrap()).unwrap()
}

pub(super) fn project(fields: Value) -> Project {
    let base = json!({"version": 1, "name": fields["id"], "members": [], "purposes": [], "data_sources": ["customer"]});
    Project::check(&document::<wire::ProjectDocument>(filled(base, fields)).unwrap()).unwrap()
}

/// A profile of groups, `attribute=value`s, and whatever else is given.
pub(super) fn profile(words: &[&str], more: &[(EntitlementKind, Option<&str>, &str)]) -> ProfileState {
    let mut entitlements = BTreeSet::new();
    for word in words {
        entitlements.insert(match word.split_once('=') {
            Some((name, value)) => (EntitlementKind::Attribute, Some(text(name)), text(value)),
            None => (EntitlementKind::Group, None, text(word)),
        });
    }
    for (kind, name, value) in more {
        entitlements.insert((*kind, name.map(text), text(value)));
    }
    let works_in = more.iter().find(|(kind, ..)| *kind == EntitlementKind::Project);
    ProfileState { project: works_in.map(|(.., id)| text(id)), entitlements }
}

/// The row of the profile that something named is.
pub(super) fn entry(held: &Held) -> Entry {
    match held {
        Held::User(id) => (EntitlementKind::User, None, text(id)),
        Held::Group(group) => (EntitlementKind::Group, None, text(group)),
        Held::Attribute { name, value, .. } => (EntitlementKind::Attribute, Some(text(name)), text(value)),
        Held::Purpose { purpose, project } => (EntitlementKind::Purpose, Some(text(project)), text(purpose)),
        Held::Project(project) => (EntitlementKind::Project, None, text(project)),
        Held::Approval(source) => (EntitlementKind::Approval, None, text(source)),
    }
}

const VALUES: [&str; 6] = ["x", "x.y", "x.y.z", "x.yz", "v", "v.w"];
pub(super) const PROJECTS: [&str; 3] = ["one", "two", "three"];

/// Conditions over so few names that random profiles meet some of them.
pub(super) fn condition() -> impl Strategy<Value = Condition> + Clone {
    let values = || vec(select(&VALUES[..]), 1..3).prop_map(|values| values.into_iter().map(text).collect());
    let name = |kind| match kind {
        EntitlementKind::Attribute => select(vec![Some("a"), Some("b")]).boxed(),
        _ => Just(None).boxed(),
    };
    let kinds = vec![
        EntitlementKind::Group,
        EntitlementKind::Attribute,
        EntitlementKind::Attribute,
        EntitlementKind::Purpose,
        EntitlementKind::User,
        EntitlementKind::Approval,
    ];
    let leaf = select(kinds).prop_flat_map(move |kind| {
        (name(kind), values())
            .prop_map(move |(name, values)| Condition::Has(Entitlement { kind, name: name.map(text), values }))
    });
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![vec(inner.clone(), 1..4).prop_map(Condition::Any), vec(inner, 1..4).prop_map(Condition::All)]
    })
}

/// Profiles over the same names, of users who work in one of the projects or in none.
pub(super) fn state() -> impl Strategy<Value = ProfileState> + Clone {
    let plain = vec(
        (select(vec![EntitlementKind::Group, EntitlementKind::User, EntitlementKind::Approval]), select(&VALUES[..])),
        0..6,
    );
    let attributes = vec((select(vec!["a", "b"]), select(&VALUES[..])), 0..6);
    let working = prop::option::of((select(&PROJECTS[..]), vec(select(&VALUES[..]), 0..4)));
    (plain, attributes, working).prop_map(|(plain, attributes, working)| {
        let mut state = profile(&[], &[]);
        state.entitlements.extend(plain.into_iter().map(|(kind, value)| (kind, None, text(value))));
        let attributes = attributes.into_iter();
        state
            .entitlements
            .extend(attributes.map(|(name, value)| (EntitlementKind::Attribute, Some(text(name)), text(value))));
        if let Some((project, purposes)) = working {
            state.project = Some(text(project));
            state.entitlements.insert((EntitlementKind::Project, None, text(project)));
            let above = purposes.into_iter().flat_map(|purpose| text(purpose).lineage().collect::<Vec<_>>());
            state.entitlements.extend(above.map(|purpose| (EntitlementKind::Purpose, Some(text(project)), purpose)));
        }
        state
    })
}

/// Projects with purposes out of a list, each bundling some of the sources.
pub(super) fn projects(
    sources: &'static [&'static str],
    purposes: Vec<Text>,
) -> impl Strategy<Value = Vec<Project>> + Clone {
    let purpose = if purposes.is_empty() { Just(text("x.y")).boxed() } else { select(purposes).boxed() };
    let one = (vec(purpose, 0..3), vec(select(sources), 0..3), any::<bool>());
    vec(one, 0..=PROJECTS.len()).prop_map(|list| {
        std::iter::zip(PROJECTS, list)
            .map(|(id, (purposes, sources, masked_joins))| Project {
                id: Id::check("id", id).unwrap(),
                members: BTreeSet::new(),
                purposes: purposes.into_iter().collect(),
                data_sources: sources.into_iter().map(|id| Id::check("id", id).unwrap()).collect(),
                masked_joins,
            })
            .collect()
    })
}

/// Everything that policies ask of users, so that a profile may hold some of it.
pub(super) fn asked(policies: &[Policy]) -> Vec<Entitlement> {
    let mut found = Vec::new();
    for policy in policies {
        match &policy.body {
            Body::Subscription { level: Level::Entitlement(condition), .. } => collect(condition, &mut found),
            Body::Subscription { level: Level::Individuals(users), .. } => {
                found.push(Entitlement { kind: EntitlementKind::User, name: None, values: users.clone() });
            }
            Body::Subscription { .. } => {}
            Body::Data(rules) => rules.iter().for_each(|rule| match rule {
                Rule::Mask(rule) => {
                    rule.cases.iter().for_each(|(condition, _)| collect(condition, &mut found));
                    for mask in rule.cases.iter().map(|(_, mask)| mask).chain([&rule.otherwise]) {
                        if let Mask::Reversible { unmask: Some(condition) } = mask {
                            collect(condition, &mut found);
                        }
                    }
                }
                Rule::Rows(rule) => {
                    rule.cases.iter().for_each(|(condition, _)| collect(condition, &mut found));
                    for filter in rule.cases.iter().map(|(_, filter)| filter).chain([&rule.otherwise]) {
                        if let Filter::While(condition) = filter {
                            collect(condition, &mut found);
                        }
                    }
                }
            }),
        }
    }
    found
}

fn collect(condition: &Condition, found: &mut Vec<Entitlement>) {
    match condition {
        Condition::Any(list) | Condition::All(list) => list.iter().for_each(|one| collect(one, found)),
        Condition::Has(one) => found.push(one.clone()),
    }
}
