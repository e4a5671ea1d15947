//! Situations written by hand, with the whole print.

mod columns;
mod people;
mod rows;

use serde_json::{Value, json};

use super::world::{policy, source};
use crate::{
    explain::explain,
    model::{DataSource, Policy, Project},
    render::profile::ProfileState,
    resolve::{PolicySet, ProjectSet},
};

/// A source of several types.
pub(super) fn customer() -> DataSource {
    source(json!({
        "tags": ["crm"], "key_column": "id", "event_time_column": "signed_up",
        "columns": [
            {"name": "id", "type": "bigint"},
            {"name": "phone", "type": "varchar(15)", "tags": ["pii.phone"]},
            {"name": "country", "type": "char(2)", "tags": ["geo.country"]},
            {"name": "signed_up", "type": "date", "tags": ["pii.date"]},
        ],
    }))
}

pub(super) fn open() -> Policy {
    policy(json!({"id": "open", "subscription": {"level": "anyone"}}))
}

pub(super) fn rules(id: &str, rules: Value) -> Policy {
    policy(json!({"id": id, "rules": rules}))
}

/// Explains and compares; the expected text is indented as the source around it is.
pub(super) fn check(
    column: Option<&str>,
    user: Option<&ProfileState>,
    policies: Vec<Policy>,
    projects: Vec<Project>,
    expected: &str,
) {
    let printed =
        explain(&customer(), column, user, &PolicySet::new(policies), &ProjectSet::new(projects)).unwrap().to_string();
    let expected = expected.trim_start_matches('\n').trim_end_matches(' ').replace("\n        ", "\n");
    let expected = expected.strip_prefix("        ").unwrap();
    assert_eq!(printed, expected, "\n{printed}");
}
