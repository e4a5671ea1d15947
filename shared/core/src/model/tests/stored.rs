//! From events through a record to checked values again.

use serde_json::{Value, json};

use super::{data_source, integration, policy, project, user};
use crate::{
    event::parse,
    model::{Command, Id, Standing, policy::PolicyStatus, stored},
    record::{DOCUMENT, Kind, Record, Write},
};

/// A record after events, in their order.
fn after(kind: Kind, events: &[Value]) -> Record {
    let mut record = Record::new(kind, "x");
    for event in events {
        match Command::check(&parse(&event.to_string()).unwrap().event).unwrap() {
            Command::Merge { kind: of, writes, .. } => {
                assert_eq!(of, kind);
                record.merge(&writes).unwrap();
            }
            Command::Refresh { .. } => panic!("a refresh writes nothing"),
        }
    }
    // What is stored is JSON.
    serde_json::from_value(serde_json::to_value(&record).unwrap()).unwrap()
}

fn id(id: &str) -> Id {
    Id::check("id", id).unwrap()
}

fn policy_created(version: u64, status: &str) -> Value {
    json!({"type": "policy.created", "policy": {
        "id": "p", "version": version, "name": "p", "created_at": "2026-01-01T00:00:00Z", "scope": "all", "status": status,
        "rules": [{"mask": {"columns": {"name": "c"}, "using": {"kind": "null"}}}],
    }})
}

fn change(name: &str, version: u64) -> Value {
    json!({"type": name, "id": "x", "version": version})
}

fn on_source(name: &str, version: u64, source: &str) -> Value {
    json!({"type": name, "id": "x", "version": version, "data_source": source})
}

#[test]
fn documents_come_back_as_they_were_checked() {
    let record = after(Kind::Policy, &[policy_created(1, "active")]);
    assert_eq!(stored::policy(&record).unwrap(), Some(policy(json!({})).unwrap()));
    assert_eq!(stored::policy_scope(record.document().unwrap()).unwrap(), policy(json!({})).unwrap().scope);

    let document = json!({
        "id": "d", "version": 1, "host": "wh", "database": "db", "schema": "s", "table": "t",
        "columns": [{"name": "id", "type": "bigint"}],
    });
    let record = after(Kind::DataSource, &[json!({"type": "data_source.created", "data_source": document})]);
    assert_eq!(stored::data_source(&record).unwrap(), Some((data_source(json!({})).unwrap(), true)));

    let document = json!({"id": "u", "version": 1, "database_user": "Ada"});
    let record = after(Kind::User, &[json!({"type": "user.created", "user": document})]);
    let (read, standing) = stored::user(&record).unwrap().unwrap();
    assert_eq!(read, user(json!({})).unwrap());
    assert_eq!(standing, Standing::default());

    let document = json!({"id": "j", "version": 1, "name": "j", "members": ["u"]});
    let record = after(Kind::Project, &[json!({"type": "project.created", "project": document})]);
    let expected = project(json!({"members": ["u"]})).unwrap();
    assert_eq!(stored::project(&record).unwrap(), Some(expected.clone()));
    assert_eq!(stored::project_of(record.document().unwrap()).unwrap(), expected);

    let document = json!({
        "id": "i", "version": 1, "host": "wh", "workgroup": "wg", "mode": "multi_database", "database": "immuta",
        "view_schema": "governed", "system_user": "system", "secret": "s",
    });
    let record = after(Kind::Integration, &[json!({"type": "integration.created", "integration": document})]);
    assert_eq!(stored::integration(&record).unwrap(), Some(integration(json!({})).unwrap()));
}

#[test]
fn nothing_is_there_before_a_document_comes() {
    let record = after(Kind::User, &[on_source("user.subscription_approved", 3, "d")]);
    assert_eq!(stored::user(&record).unwrap(), None);
    let record = after(Kind::Policy, &[change("policy.enabled", 3)]);
    assert_eq!(stored::policy(&record).unwrap(), None);
    let record = after(Kind::DataSource, &[change("data_source.enabled", 3)]);
    assert_eq!(stored::data_source(&record).unwrap(), None);
}

#[test]
fn a_status_has_a_version_of_its_own() {
    let status = |events: &[Value]| stored::policy(&after(Kind::Policy, events)).unwrap().unwrap().status;
    let [created, updated] = [policy_created(1, "staged"), policy_created(3, "active")];
    assert_eq!(status(std::slice::from_ref(&created)), PolicyStatus::Staged);
    assert_eq!(status(&[created.clone(), change("policy.enabled", 2)]), PolicyStatus::Active);
    assert_eq!(status(&[change("policy.disabled", 2), created.clone()]), PolicyStatus::Disabled);
    assert_eq!(status(&[created.clone(), change("policy.disabled", 2), updated.clone()]), PolicyStatus::Active);
    assert_eq!(status(&[updated, change("policy.staged", 4), created]), PolicyStatus::Staged);
}

#[test]
fn a_policy_is_off_for_a_source_until_it_is_on_again() {
    let off = |events: &[Value]| {
        let record = after(Kind::Policy, events);
        let policy = stored::policy(&record).unwrap().unwrap();
        policy.disabled_for.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let created = policy_created(1, "active");
    let disabled = on_source("policy.disabled_for_data_source", 2, "a/b");
    let enabled = on_source("policy.enabled_for_data_source", 3, "a/b");
    let other = on_source("policy.disabled_for_data_source", 2, "c");
    assert_eq!(off(&[created.clone(), disabled.clone(), other.clone()]), ["a/b", "c"]);
    assert_eq!(off(&[enabled.clone(), created.clone(), other.clone(), disabled.clone()]), ["c"]);
    // What was said before a deletion does not come back with the policy.
    assert!(off(&[created, disabled, other, change("policy.deleted", 5), policy_created(6, "active")]).is_empty());
}

#[test]
fn a_data_source_is_off_until_it_is_on_again() {
    let created = |version: u64| {
        json!({"type": "data_source.created", "data_source": {
            "id": "d", "version": version, "host": "wh", "database": "db", "schema": "s", "table": "t",
            "columns": [{"name": "id", "type": "bigint"}],
        }})
    };
    let enabled = |events: &[Value]| stored::data_source(&after(Kind::DataSource, events)).unwrap().map(|(_, on)| on);
    let [disable, enable] = [change("data_source.disabled", 2), change("data_source.enabled", 3)];
    assert_eq!(enabled(&[created(1), disable.clone()]), Some(false));
    assert_eq!(enabled(&[created(1), disable.clone(), created(4)]), Some(false), "an update does not switch it on");
    assert_eq!(enabled(&[enable, disable, created(1)]), Some(true));
    assert_eq!(enabled(&[created(1), change("data_source.deleted", 2)]), None);
}

#[test]
fn what_a_user_has_comes_from_deltas_and_goes_with_a_deletion() {
    let created = |version: u64| {
        json!({"type": "user.created", "user": {
            "id": "u", "version": version, "database_user": "Ada", "groups": ["a"], "attributes": {"country": ["DE"]},
            "project": "j",
        }})
    };
    let bare =
        |version: u64| json!({"type": "user.created", "user": {"id": "u", "version": version, "database_user": "Ada"}});
    let acknowledged = json!({
        "type": "user.purpose_acknowledged", "id": "u", "version": 2, "project": "j\"]/", "purpose": "re\"search",
    });
    let groups = json!({"type": "user.groups_changed", "id": "u", "version": 2, "groups": ["b ", "b", "c"]});
    let attributes = json!({
        "type": "user.attributes_changed", "id": "u", "version": 2, "attributes": {"country": ["FR"], "country ": ["IT"]},
    });
    let events = [
        created(1),
        acknowledged,
        groups,
        attributes,
        json!({"type": "user.project_switched", "id": "u", "version": 2, "project": "k"}),
        on_source("user.subscription_approved", 2, "orders"),
        on_source("user.subscription_approved", 2, "kept/1"),
        on_source("user.subscription_revoked", 3, "orders"),
    ];
    let (_, standing) = stored::user(&after(Kind::User, &events)).unwrap().unwrap();
    let names = |values: &std::collections::BTreeSet<crate::sql::Text>| {
        values.iter().map(|value| value.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&standing.groups), ["b", "c"]);
    let attributes: Vec<_> = standing.attributes.iter().map(|(name, values)| (name.as_str(), names(values))).collect();
    assert_eq!(attributes, [("country", vec!["FR".to_owned(), "IT".to_owned()])]);
    assert_eq!(standing.project, Some(id("k")));
    let acknowledged: Vec<_> =
        standing.acknowledged.iter().map(|(project, purpose)| (project.as_str(), purpose.as_str())).collect();
    assert_eq!(acknowledged, [("j\"]/", "re\"search")]);
    assert_eq!(standing.approved, [id("kept/1")].into());

    // A project left for none.
    let left = [created(1), json!({"type": "user.project_switched", "id": "u", "version": 2, "project": null})];
    assert_eq!(stored::user(&after(Kind::User, &left)).unwrap().unwrap().1.project, None);

    // Whoever comes back under the identity of a user that was deleted has nothing of theirs, in whatever order it is heard of.
    let deleted = change("user.deleted", 5);
    let mut gone = events.to_vec();
    gone.push(deleted.clone());
    assert_eq!(stored::user(&after(Kind::User, &gone)).unwrap(), None);
    for again in
        [[events.to_vec(), vec![deleted.clone(), bare(6)]].concat(), [vec![bare(6), deleted], events.to_vec()].concat()]
    {
        let (_, standing) = stored::user(&after(Kind::User, &again)).unwrap().unwrap();
        assert_eq!(standing, Standing::default());
    }
}

#[test]
fn what_no_longer_passes_the_checks_is_reported() {
    let mut record = Record::new(Kind::Policy, "p");
    record.merge(&[Write::set(DOCUMENT, 1, json!({"id": "p", "version": 1}))]).unwrap();
    assert_eq!(
        stored::policy(&record).unwrap_err().to_string(),
        "`policy`: found missing field `name`, expected what was checked before"
    );
    let mut record = after(Kind::Policy, &[policy_created(1, "active")]);
    record.merge(&[Write::set("status", 2, "paused")]).unwrap();
    assert!(stored::policy(&record).unwrap_err().to_string().starts_with("`policy.status`: "));
    let mut record = Record::new(Kind::DataSource, "d");
    let document = json!({
        "id": "d", "version": 1, "host": "wh", "database": "db", "schema": "s", "table": "t",
        "columns": [{"name": "id", "type": "bigint"}, {"name": "ID", "type": "bigint"}],
    });
    record.merge(&[Write::set(DOCUMENT, 1, document)]).unwrap();
    assert_eq!(
        stored::data_source(&record).unwrap_err().to_string(),
        "`data_source.columns[1].name`: found `ID`, expected a name that differs from `id` in more than case"
    );
}

#[test]
fn of_an_integration_and_its_removal_the_later_counts() {
    let created = |version: u64| {
        json!({"type": "integration.updated", "integration": {
            "id": "i", "version": version, "host": "wh", "workgroup": "wg", "mode": "multi_database", "database": "immuta",
            "view_schema": "governed", "system_user": "system", "secret": "s",
        }})
    };
    let deleted = |version: u64| {
        json!({"type": "integration.deleted", "id": "i", "version": version, "keep_profiles": true,
            "setup": {"secret": "t", "database": "dev"}})
    };
    let there = after(Kind::Integration, &[created(1)]);
    assert!(stored::integration(&there).unwrap().is_some() && stored::removal(&there).unwrap().is_none());
    for gone in [[created(1), deleted(2)], [deleted(2), created(1)], [created(2), deleted(2)]] {
        let record = after(Kind::Integration, &gone);
        assert_eq!(stored::integration(&record).unwrap(), None);
        let removal = stored::removal(&record).unwrap().unwrap();
        assert!(removal.keep_profiles);
        assert_eq!(removal.setup.unwrap().0, "t");
        assert!(record.document().is_some(), "it says where things are");
    }
    let back = after(Kind::Integration, &[created(1), deleted(2), created(3)]);
    assert!(stored::integration(&back).unwrap().is_some() && stored::removal(&back).unwrap().is_none());
}
