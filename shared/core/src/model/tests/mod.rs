//! The checks of documents, and what events ask for.

mod bad_input;
mod bad_masks;
mod bad_policy;
mod command;
mod stored;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{DataSource, Integration, Policy, Project, User};
use crate::event::{Faults, wire};

/// All faults, in order.
#[track_caller]
fn refused<T: std::fmt::Debug>(checked: Result<T, Faults>, expected: &[&str]) {
    let faults: Vec<String> = checked.unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(faults, expected);
}

/// A document with fields replaced; those that are null are left out.
fn document<T: DeserializeOwned>(mut base: Value, fields: Value) -> T {
    let (Some(object), Value::Object(fields)) = (base.as_object_mut(), fields) else {
        panic!("documents are objects");
    };
    for (name, value) in fields {
        if value.is_null() {
            object.remove(&name);
        } else {
            object.insert(name, value);
        }
    }
    serde_json::from_value(base).unwrap()
}

fn policy(fields: Value) -> Result<Policy, Faults> {
    let base = json!({
        "id": "p", "version": 1, "name": "p", "created_at": "2026-01-01T00:00:00Z", "scope": "all",
        "rules": [{"mask": {"columns": {"name": "c"}, "using": {"kind": "null"}}}],
    });
    Policy::check(&document::<wire::PolicyDocument>(base, fields))
}

fn data_source(fields: Value) -> Result<DataSource, Faults> {
    let base = json!({
        "id": "d", "version": 1, "host": "wh", "database": "db", "schema": "s", "table": "t",
        "columns": [{"name": "id", "type": "bigint"}],
    });
    DataSource::check(&document::<wire::DataSourceDocument>(base, fields))
}

fn user(fields: Value) -> Result<User, Faults> {
    let base = json!({"id": "u", "version": 1, "database_user": "Ada"});
    User::check(&document::<wire::UserDocument>(base, fields))
}

fn project(fields: Value) -> Result<Project, Faults> {
    let base = json!({"id": "j", "version": 1, "name": "j"});
    Project::check(&document::<wire::ProjectDocument>(base, fields))
}

fn integration(fields: Value) -> Result<Integration, Faults> {
    let base = json!({
        "id": "i", "version": 1, "host": "wh", "workgroup": "wg", "mode": "multi_database", "database": "immuta",
        "view_schema": "governed", "system_user": "system", "secret": "s",
    });
    Integration::check(&document::<wire::IntegrationDocument>(base, fields))
}
