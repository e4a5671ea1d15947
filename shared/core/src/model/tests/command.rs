//! What each event writes. Names of fields and what carries which version are kept in the store, so a change here is a
//! migration.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    event::{Event, parse},
    model::{Command, command::MAX_REFRESH},
    record::{Kind, Write},
};

fn command(event: &Value) -> Command {
    Command::check(&parse(&event.to_string()).unwrap().event).unwrap()
}

fn refusal(event: &Value) -> String {
    Command::check(&parse(&event.to_string()).unwrap().event).unwrap_err().to_string()
}

/// Events, the record each is about, and what it writes.
fn translations() -> Vec<(Value, Kind, &'static str, Vec<Write>)> {
    let set = |field: &str, version: u64, value: Value| Write::set(field, version, value);
    let policy = |status: Value| {
        json!({
            "id": "p", "version": 3, "name": "P", "created_at": "2026-01-01T00:00:00Z", "status": status,
            "scope": {"tags": ["pii"]}, "subscription": {"level": "anyone"},
        })
    };
    let stored_policy = json!({
        "id": "p", "version": 3, "name": "P", "created_at": "2026-01-01T00:00:00Z",
        "scope": {"tags": ["pii"]}, "subscription": {"level": "anyone"},
    });
    let source = json!({
        "id": "d", "version": 4, "host": "wh", "database": "db", "schema": "s", "table": "t",
        "columns": [{"name": "id", "type": "bigint"}],
    });
    let project = json!({"id": "j", "version": 6, "name": "J", "members": ["u"]});
    let integration = json!({
        "id": "i", "version": 7, "host": "wh", "workgroup": "wg", "mode": "single_database", "database": "db",
        "view_schema": "governed", "system_user": "sys", "secret": "s",
    });
    let versioned = |name: &str| json!({"type": name, "id": "x", "version": 9});
    let on_source = |name: &str| json!({"type": name, "id": "x", "version": 9, "data_source": "d/1"});
    let delete = vec![Write::Delete { version: 9 }];
    vec![
        (
            json!({"type": "policy.created", "policy": policy(json!("staged"))}),
            Kind::Policy,
            "p",
            vec![set("document", 3, stored_policy.clone()), set("status", 3, json!("staged"))],
        ),
        (
            json!({"type": "policy.updated", "policy": stored_policy}),
            Kind::Policy,
            "p",
            vec![set("document", 3, stored_policy), set("status", 3, json!("active"))],
        ),
        (versioned("policy.staged"), Kind::Policy, "x", vec![set("status", 9, json!("staged"))]),
        (versioned("policy.disabled"), Kind::Policy, "x", vec![set("status", 9, json!("disabled"))]),
        (versioned("policy.enabled"), Kind::Policy, "x", vec![set("status", 9, json!("active"))]),
        (versioned("policy.deleted"), Kind::Policy, "x", delete.clone()),
        (
            on_source("policy.disabled_for_data_source"),
            Kind::Policy,
            "x",
            vec![set("disabled_for/d/1", 9, json!(true))],
        ),
        (
            on_source("policy.enabled_for_data_source"),
            Kind::Policy,
            "x",
            vec![set("disabled_for/d/1", 9, json!(false))],
        ),
        (
            json!({"type": "data_source.created", "data_source": source}),
            Kind::DataSource,
            "d",
            vec![set("document", 4, source.clone())],
        ),
        (
            json!({"type": "data_source.updated", "data_source": source}),
            Kind::DataSource,
            "d",
            vec![set("document", 4, source)],
        ),
        (versioned("data_source.disabled"), Kind::DataSource, "x", vec![set("enabled", 9, json!(false))]),
        (versioned("data_source.enabled"), Kind::DataSource, "x", vec![set("enabled", 9, json!(true))]),
        (versioned("data_source.deleted"), Kind::DataSource, "x", delete.clone()),
        (
            json!({"type": "user.created", "user": {
                "id": "u", "version": 5, "database_user": "Ada", "groups": ["g"], "attributes": {"a": ["1", "2"]},
                "project": "j",
            }}),
            Kind::User,
            "u",
            vec![
                set("document", 5, json!({"id": "u", "version": 5, "database_user": "Ada"})),
                set("groups", 5, json!(["g"])),
                set("attributes", 5, json!({"a": ["1", "2"]})),
                set("project", 5, json!("j")),
            ],
        ),
        (
            json!({"type": "user.updated", "user": {"id": "u", "version": 5, "database_user": "Ada"}}),
            Kind::User,
            "u",
            vec![set("document", 5, json!({"id": "u", "version": 5, "database_user": "Ada"}))],
        ),
        (versioned("user.deleted"), Kind::User, "x", delete.clone()),
        (
            json!({"type": "user.groups_changed", "id": "x", "version": 9, "groups": ["b", "a"]}),
            Kind::User,
            "x",
            vec![set("groups", 9, json!(["b", "a"]))],
        ),
        (
            json!({"type": "user.attributes_changed", "id": "x", "version": 9, "attributes": {}}),
            Kind::User,
            "x",
            vec![set("attributes", 9, json!({}))],
        ),
        (
            json!({"type": "user.project_switched", "id": "x", "version": 9, "project": "j"}),
            Kind::User,
            "x",
            vec![set("project", 9, json!("j"))],
        ),
        (
            json!({"type": "user.project_switched", "id": "x", "version": 9}),
            Kind::User,
            "x",
            vec![set("project", 9, Value::Null)],
        ),
        (
            json!({"type": "user.purpose_acknowledged", "id": "x", "version": 9, "project": "j\"/", "purpose": " re/search "}),
            Kind::User,
            "x",
            vec![set(r#"acknowledged/["j\"/","re/search"]"#, 9, json!(true))],
        ),
        (on_source("user.subscription_approved"), Kind::User, "x", vec![set("approved/d/1", 9, json!(true))]),
        (on_source("user.subscription_revoked"), Kind::User, "x", vec![set("approved/d/1", 9, json!(false))]),
        (
            json!({"type": "project.created", "project": project}),
            Kind::Project,
            "j",
            vec![set("document", 6, project.clone())],
        ),
        (json!({"type": "project.updated", "project": project}), Kind::Project, "j", vec![set("document", 6, project)]),
        (versioned("project.deleted"), Kind::Project, "x", delete),
        (
            json!({"type": "integration.created", "integration": integration}),
            Kind::Integration,
            "i",
            vec![set("document", 7, integration.clone())],
        ),
        (
            json!({"type": "integration.updated", "integration": integration}),
            Kind::Integration,
            "i",
            vec![set("document", 7, integration)],
        ),
        (
            json!({"type": "integration.deleted", "id": "i", "version": 8, "setup": {"secret": "s", "database": "dev"}}),
            Kind::Integration,
            "i",
            vec![set("removal", 8, json!({"keep_profiles": false, "setup": {"secret": "s", "database": "dev"}}))],
        ),
    ]
}

#[test]
fn every_event_is_translated() {
    let mut translated = BTreeSet::new();
    for (event, kind, id, expected) in translations() {
        let Command::Merge { kind: found, id: found_id, writes } = command(&event) else {
            panic!("{event} writes nothing");
        };
        assert_eq!((found, found_id.as_str(), writes), (kind, id, expected), "{event}");
        translated.insert(event["type"].as_str().unwrap().to_owned());
    }
    for name in Event::TYPES.into_iter().filter(|name| !name.ends_with(".refresh")) {
        assert!(translated.contains(name), "{name} is not tested");
    }
}

#[test]
fn refreshes_name_their_targets() {
    for (name, kind) in [
        ("policy.refresh", Kind::Policy),
        ("data_source.refresh", Kind::DataSource),
        ("user.refresh", Kind::User),
        ("integration.refresh", Kind::Integration),
    ] {
        let Command::Refresh { kind: found, ids, attempt } =
            command(&json!({"type": name, "ids": ["a", "b"], "attempt": 2}))
        else {
            panic!("{name} refreshes nothing");
        };
        let ids: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
        assert_eq!((found, ids, attempt), (kind, vec!["a", "b"], 2));
    }
    let refreshes = Event::TYPES.into_iter().filter(|name| name.ends_with(".refresh"));
    assert_eq!(refreshes.count(), 4, "a refresh is not tested");
    let ids = |count: usize| json!({"type": "user.refresh", "ids": vec!["a"; count]});
    assert!(matches!(command(&ids(MAX_REFRESH)), Command::Refresh { .. }));
    assert_eq!(refusal(&ids(0)), "`ids`: found 0 identities, expected 1 to 100 identities");
    assert_eq!(refusal(&ids(101)), "`ids`: found 101 identities, expected 1 to 100 identities");
    assert_eq!(
        refusal(&json!({"type": "user.refresh", "ids": ["a", "", " b"]})),
        "`ids[1]`: found an empty text, expected an identity of 1 to 128 bytes without control characters or blanks at the \
         ends; `ids[2]`: found ` b`, expected an identity of 1 to 128 bytes without control characters or blanks at the ends"
    );
}

#[test]
fn what_a_delta_says_is_checked_like_a_document() {
    let value = "expected a value of 1 to 512 bytes without control characters or blanks at the ends";
    let identity = "expected an identity of 1 to 128 bytes without control characters or blanks at the ends";
    for (event, expected) in [
        (
            json!({"type": "user.groups_changed", "id": "u", "version": 1, "groups": ["a", "\n"]}),
            format!("`groups[1]`: found an empty text, {value}"),
        ),
        (
            json!({"type": "user.attributes_changed", "id": "u", "version": 1, "attributes": {"a": ["b\u{7}"]}}),
            format!("`attributes.a[0]`: found a text with control characters, {value}"),
        ),
        (
            json!({"type": "user.project_switched", "id": "u", "version": 1, "project": ""}),
            format!("`project`: found an empty text, {identity}"),
        ),
        (
            json!({"type": "user.purpose_acknowledged", "id": "u", "version": 1, "project": "j", "purpose": ""}),
            format!("`purpose`: found an empty text, {value}"),
        ),
        (
            json!({"type": "user.subscription_approved", "id": "u", "version": 1, "data_source": " d"}),
            format!("`data_source`: found ` d`, {identity}"),
        ),
        (
            json!({"type": "policy.deleted", "id": "p\n", "version": 1}),
            format!("`id`: found a text with control characters, {identity}"),
        ),
    ] {
        assert_eq!(refusal(&event), expected);
    }
}

#[test]
fn purposes_acknowledged_in_different_projects_are_told_apart() {
    let field = |project: &str, purpose: &str| {
        let event = json!({"type": "user.purpose_acknowledged", "id": "u", "version": 1, "project": project, "purpose": purpose});
        match command(&event) {
            Command::Merge { writes, .. } => match writes.as_slice() {
                [Write::Set { field, .. }] => field.clone(),
                other => panic!("{other:?}"),
            },
            Command::Refresh { .. } => panic!("a refresh"),
        }
    };
    assert_ne!(field("a", "b/c"), field("a/b", "c"));
    assert_ne!(field("a\",\"b", "c"), field("a", "b\",\"c"));
}
