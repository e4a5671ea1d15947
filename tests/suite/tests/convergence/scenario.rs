//! What producers say: random changes of a few sources, policies, users and projects, each with rising versions.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

const HOST: &str = "wh.example";

/// One change, before it has a version.
#[derive(Debug, Clone)]
pub enum Change {
    Source { id: u8, tag: u8, view: u8, wide: bool },
    SourceSwitch { id: u8, on: bool },
    SourceGone { id: u8 },
    Policy { id: u8, scope: u8, group: u8, subscription: bool },
    PolicyStatus { id: u8, status: u8 },
    PolicyOnSource { id: u8, source: u8, off: bool },
    PolicyGone { id: u8 },
    User { id: u8, account: u8, groups: Option<u8> },
    Groups { id: u8, groups: u8 },
    Attributes { id: u8, value: u8 },
    Switch { id: u8, project: Option<u8> },
    Acknowledge { id: u8, project: u8 },
    Approval { id: u8, source: u8, approved: bool },
    UserGone { id: u8 },
    Project { id: u8, members: u8, purposes: u8, sources: u8, joins: bool },
    ProjectGone { id: u8 },
}

/// Events in the order the producers made them, each as JSON.
pub fn events() -> impl Strategy<Value = Vec<Value>> {
    proptest::collection::vec(change(), 1..30).prop_map(|changes| {
        let mut versions = BTreeMap::new();
        let mut events = vec![integration()];
        events.extend(changes.iter().map(|change| event(change, &mut versions)));
        events
    })
}

fn change() -> impl Strategy<Value = Change> {
    let id = || 0_u8..3;
    prop_oneof![
        6 => (id(), 0_u8..3, 0_u8..2, any::<bool>()).prop_map(|(id, tag, view, wide)| Change::Source { id, tag, view, wide }),
        1 => (id(), any::<bool>()).prop_map(|(id, on)| Change::SourceSwitch { id, on }),
        1 => id().prop_map(|id| Change::SourceGone { id }),
        6 => (id(), 0_u8..4, 0_u8..3, any::<bool>()).prop_map(|(id, scope, group, subscription)| Change::Policy { id, scope, group, subscription }),
        2 => (id(), 0_u8..3).prop_map(|(id, status)| Change::PolicyStatus { id, status }),
        1 => (id(), id(), any::<bool>()).prop_map(|(id, source, off)| Change::PolicyOnSource { id, source, off }),
        1 => id().prop_map(|id| Change::PolicyGone { id }),
        5 => (id(), 0_u8..2, proptest::option::of(0_u8..8)).prop_map(|(id, account, groups)| Change::User { id, account, groups }),
        2 => (id(), 0_u8..8).prop_map(|(id, groups)| Change::Groups { id, groups }),
        2 => (id(), 0_u8..3).prop_map(|(id, value)| Change::Attributes { id, value }),
        2 => (id(), proptest::option::of(0_u8..2)).prop_map(|(id, project)| Change::Switch { id, project }),
        2 => (id(), 0_u8..2).prop_map(|(id, project)| Change::Acknowledge { id, project }),
        2 => (id(), id(), any::<bool>()).prop_map(|(id, source, approved)| Change::Approval { id, source, approved }),
        1 => id().prop_map(|id| Change::UserGone { id }),
        3 => (0_u8..2, 0_u8..8, 0_u8..4, 0_u8..8, any::<bool>()).prop_map(|(id, members, purposes, sources, joins)| {
            Change::Project { id, members, purposes, sources, joins }
        }),
        1 => (0_u8..2).prop_map(|id| Change::ProjectGone { id }),
    ]
}

/// The members of a set of at most three, by bit.
fn bits(prefix: &str, set: u8) -> Vec<String> {
    (0..3).filter(|bit| set & (1 << bit) != 0).map(|bit| format!("{prefix}{bit}")).collect()
}

fn event(change: &Change, versions: &mut BTreeMap<String, u64>) -> Value {
    let mut next = |id: &str| {
        let version = versions.entry(id.to_owned()).or_default();
        *version += 1;
        *version
    };
    let versioned = |kind: &str, id: String, version: u64| json!({"type": kind, "id": id, "version": version});
    match change {
        Change::Source { id, tag, view, wide } => {
            let id = format!("s{id}");
            let version = next(&id);
            let mut columns = vec![
                json!({"name": "k", "type": "integer"}),
                json!({"name": "a", "type": "varchar(20)", "tags": [format!("t.{tag}")]}),
            ];
            if *wide {
                columns.push(json!({"name": "b", "type": "bigint", "tags": ["t"]}));
            }
            json!({"type": "data_source.updated", "data_source": {
                "id": id, "version": version, "host": HOST, "database": "raw", "schema": "public", "table": id,
                // Names of its own: whom a contested name goes to hangs on the order by design.
                "view": format!("{id}_{view}"), "columns": columns, "key_column": "k",
            }})
        }
        Change::SourceSwitch { id, on } => {
            let id = format!("s{id}");
            let version = next(&id);
            versioned(if *on { "data_source.enabled" } else { "data_source.disabled" }, id, version)
        }
        Change::SourceGone { id } => {
            let id = format!("s{id}");
            let version = next(&id);
            versioned("data_source.deleted", id, version)
        }
        Change::Policy { id, scope, group, subscription } => {
            let created_at = format!("2026-01-0{}T00:00:00Z", id + 1);
            let id = format!("p{id}");
            let version = next(&id);
            let scope = match scope {
                0 => json!("all"),
                1 => json!({"tags": ["t"]}),
                2 => json!({"tags": ["t.1", "t.2"]}),
                _ => json!({"data_sources": ["s0", "s1"]}),
            };
            let group = json!({"group": format!("g{group}")});
            let mut policy =
                json!({"id": id, "version": version, "name": id, "created_at": created_at, "scope": scope});
            if *subscription {
                policy["subscription"] = json!({"level": "entitlement", "condition": group});
            } else {
                policy["rules"] = json!([
                    {"mask": {"columns": {"tag": "t"}, "using": {"kind": "hash"}, "except": group}},
                    {"rows": {"only": {"sample": {"percent": 50.0}}, "except": {"purpose": "u0"}}},
                ]);
            }
            json!({"type": "policy.updated", "policy": policy})
        }
        Change::PolicyStatus { id, status } => {
            let id = format!("p{id}");
            let version = next(&id);
            versioned(["policy.staged", "policy.disabled", "policy.enabled"][usize::from(*status)], id, version)
        }
        Change::PolicyOnSource { id, source, off } => {
            let id = format!("p{id}");
            let version = next(&id);
            let kind = if *off { "policy.disabled_for_data_source" } else { "policy.enabled_for_data_source" };
            json!({"type": kind, "id": id, "version": version, "data_source": format!("s{source}")})
        }
        Change::PolicyGone { id } => {
            let id = format!("p{id}");
            let version = next(&id);
            versioned("policy.deleted", id, version)
        }
        Change::User { id, account, groups } => {
            let id = format!("u{id}");
            let version = next(&id);
            let mut user = json!({"id": id, "version": version, "database_user": format!("{id}_{account}")});
            if let Some(groups) = groups {
                user["groups"] = json!(bits("g", *groups));
            }
            json!({"type": "user.updated", "user": user})
        }
        Change::Groups { id, groups } => {
            let id = format!("u{id}");
            let version = next(&id);
            json!({"type": "user.groups_changed", "id": id, "version": version, "groups": bits("g", *groups)})
        }
        Change::Attributes { id, value } => {
            let id = format!("u{id}");
            let version = next(&id);
            let attributes = json!({"country": [format!("it's {value}\\")]});
            json!({"type": "user.attributes_changed", "id": id, "version": version, "attributes": attributes})
        }
        Change::Switch { id, project } => {
            let id = format!("u{id}");
            let version = next(&id);
            let project = project.map(|project| format!("j{project}"));
            json!({"type": "user.project_switched", "id": id, "version": version, "project": project})
        }
        Change::Acknowledge { id, project } => {
            let id = format!("u{id}");
            let version = next(&id);
            let project = format!("j{project}");
            json!({"type": "user.purpose_acknowledged", "id": id, "version": version, "project": project, "purpose": "u0"})
        }
        Change::Approval { id, source, approved } => {
            let id = format!("u{id}");
            let version = next(&id);
            let kind = if *approved { "user.subscription_approved" } else { "user.subscription_revoked" };
            json!({"type": kind, "id": id, "version": version, "data_source": format!("s{source}")})
        }
        Change::UserGone { id } => {
            let id = format!("u{id}");
            let version = next(&id);
            versioned("user.deleted", id, version)
        }
        Change::Project { id, members, purposes, sources, joins } => {
            let id = format!("j{id}");
            let version = next(&id);
            json!({"type": "project.updated", "project": {
                "id": id, "version": version, "name": id, "members": bits("u", *members), "purposes": bits("u", *purposes),
                "data_sources": bits("s", *sources), "masked_joins": joins,
            }})
        }
        Change::ProjectGone { id } => {
            let id = format!("j{id}");
            let version = next(&id);
            versioned("project.deleted", id, version)
        }
    }
}

fn integration() -> Value {
    json!({"type": "integration.created", "integration": {
        "id": "wh", "version": 1, "host": HOST, "workgroup": "wg", "mode": "multi_database", "database": "immuta",
        "view_schema": "governed", "system_user": "system", "secret": "secret",
        // The warehouse here answers no questions.
        "accepted_risks": ["isolation", "case_sensitive_identifiers", "view_reader", "result_cache", "backslash"],
    }})
}
