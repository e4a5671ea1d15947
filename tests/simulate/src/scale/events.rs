//! Events of a large organisation.

use serde_json::{Value, json};

use crate::workload::HOST;

/// Groups that there are.
const GROUPS: usize = 300;
/// Values that an attribute has.
const VALUES: usize = 200;

/// So many data sources of eight columns, of which one is personal.
#[must_use]
pub fn sources(count: usize) -> Vec<Value> {
    let source = |number: usize| {
        let id = format!("s{number:06}");
        let column = |column: usize| {
            let tags = if column == 3 { json!(["pii.phone"]) } else { json!([]) };
            json!({"name": format!("c{column}"), "type": "varchar(80)", "tags": tags})
        };
        let columns: Vec<Value> = (0..8).map(column).collect();
        json!({"type": "data_source.created", "data_source": {
            "id": id, "version": 1, "host": HOST, "database": "raw", "schema": "public", "table": id, "view": id, "columns": columns,
        }})
    };
    (0..count).map(source).collect()
}

/// The group that a version of the policy excepts.
#[must_use]
pub fn excepted(version: u64) -> String {
    format!("support {version}")
}

/// A policy that covers every data source, in a version.
#[must_use]
pub fn policy(version: u64) -> Value {
    json!({"type": "policy.updated", "policy": {
        "id": "mask", "version": version, "name": "mask", "created_at": "2026-01-01T00:00:00Z", "scope": "all",
        "rules": [{"mask": {"columns": {"tag": "pii"}, "using": {"kind": "hash"}, "except": {"group": excepted(version)}}}],
    }})
}

/// Changes of so many users, no two of one user, so that none stands for another. Each is in two groups and has two attributes,
/// spread as by chance.
#[must_use]
pub fn users(count: usize) -> Vec<Value> {
    let user = |number: usize| {
        // Knuth's multiplicative hash.
        let drawn = |salt: usize, of: usize| ((number + 1) * 2_654_435_761 + salt * 40_503) / 65_536 % of;
        let first = drawn(1, GROUPS);
        let second = (first + 1 + drawn(2, GROUPS - 1)) % GROUPS;
        json!({"type": "user.created", "user": {
            "id": format!("u{number:06}"), "version": 1, "database_user": format!("person{number:06}"),
            "groups": [format!("team {first:03}"), format!("team {second:03}")],
            "attributes": {"country": [format!("C{}", drawn(3, 40))], "cost_center": [format!("{:05}", drawn(4, VALUES) * 37)]},
        }})
    };
    (0..count).map(user).collect()
}
