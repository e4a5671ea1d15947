//! Names that only one document may use, and what refusals look like, over services in memory.

mod removals;
mod several;
mod storms;
mod torn;
mod traces;

use std::collections::BTreeMap;

use redoubt_core::record::{DOCUMENT, Kind, State, Write};
use serde_json::{Value, json};

use super::{data_source, intake::forget_previous, integration, may_unmask, outcome, policy, reconcile, user};
use crate::{
    batch::{Message, Outcome},
    config::Config,
    port::{Put, Queue, Store},
    queue::MemoryQueues,
    runtime::App,
    store::MemoryStore,
    warehouse::{MemoryWarehouse, Script},
};

type MemoryApp = App<MemoryStore, MemoryWarehouse, MemoryQueues>;

fn app() -> MemoryApp {
    let config = Config::from_pairs([("REDOUBT_TABLE".to_owned(), "t".to_owned())].into_iter()).unwrap();
    App::new(MemoryStore::new(), MemoryWarehouse::default(), MemoryQueues::new(), config)
}

fn messages(events: &[Value]) -> Vec<Message> {
    events.iter().enumerate().map(|(index, event)| Message::new(index.to_string(), event.to_string())).collect()
}

fn source(id: &str, version: u64, view: &str) -> Value {
    json!({"type": "data_source.updated", "data_source": {
        "id": id, "version": version, "host": "wh", "database": "d", "schema": "s", "table": "t", "view": view,
        "columns": [{"name": "c", "type": "integer"}],
    }})
}

fn account(id: &str, version: u64, database_user: &str) -> Value {
    json!({"type": "user.updated", "user": {"id": id, "version": version, "database_user": database_user}})
}

fn warehouse(id: &str, host: &str) -> Value {
    json!({"type": "integration.created", "integration": {
        "id": id, "version": 1, "host": host, "workgroup": "wg", "mode": "multi_database", "database": "immuta",
        "view_schema": "governed", "system_user": "system", "secret": "s",
        // The warehouse in memory answers no questions.
        "accepted_risks": ["isolation", "case_sensitive_identifiers", "view_reader", "result_cache", "backslash"],
    }})
}

fn rejected(fault: &str) -> Outcome {
    Outcome::Reject(vec![fault.to_owned()])
}

#[tokio::test]
async fn a_view_name_has_one_user_until_it_is_let_go() {
    let app = app();
    let taken = rejected("`data_source.view`: found `V`, expected a view name that data source `a` does not use");
    assert_eq!(data_source(&app, messages(&[source("a", 1, "v")])).await, [Outcome::Done]);
    // Redshift folds names, so case makes no difference.
    assert_eq!(data_source(&app, messages(&[source("b", 1, "V")])).await, [taken]);
    assert!(app.store.get(Kind::DataSource, "b").await.unwrap().is_none(), "a refused document is not stored");
    assert_eq!(data_source(&app, messages(&[source("a", 2, "w")])).await, [Outcome::Done]);
    assert_eq!(data_source(&app, messages(&[source("b", 1, "V")])).await, [Outcome::Done]);
    let claim = app.store.get(Kind::Claim, "view/wh/v").await.unwrap().unwrap();
    assert_eq!(claim.document().unwrap(), &json!({"holder": "b", "count": 2}));
}

#[tokio::test]
async fn an_account_has_one_user_until_that_one_is_deleted() {
    let app = app();
    let taken = rejected("`user.database_user`: found `ana`, expected a database user that user `a` does not use");
    assert_eq!(user(&app, messages(&[account("a", 1, "ana")])).await, [Outcome::Done]);
    assert_eq!(user(&app, messages(&[account("b", 1, "ana"), account("c", 1, "Ana")])).await, [taken, Outcome::Done]);
    let gone = json!({"type": "user.deleted", "id": "a", "version": 2});
    assert_eq!(user(&app, messages(&[gone])).await, [Outcome::Done]);
    assert_eq!(user(&app, messages(&[account("b", 1, "ana")])).await, [Outcome::Done]);
}

#[tokio::test]
async fn a_host_has_one_integration() {
    let app = app();
    let taken = rejected("`integration.host`: found `wh`, expected a host that integration `one` does not have");
    let outcomes = integration(&app, messages(&[warehouse("one", "wh")])).await;
    assert_eq!(outcomes, [Outcome::Done]);
    assert_eq!(integration(&app, messages(&[warehouse("two", "WH")])).await, [taken]);
}

#[tokio::test]
async fn a_version_used_twice_is_refused_and_its_neighbours_are_not() {
    let app = app();
    let outcomes = data_source(&app, messages(&[source("a", 1, "v"), source("a", 1, "w"), source("b", 1, "x")])).await;
    let conflict = rejected("data_source `a`: version 1 of `document` was already written with another value");
    assert_eq!(outcomes, [Outcome::Done, conflict, Outcome::Done]);
}

#[tokio::test]
async fn a_message_on_the_wrong_queue_is_refused() {
    let app = app();
    let wrong = rejected("this queue takes policy events, found `data_source`");
    assert_eq!(policy(&app, messages(&[source("a", 1, "v")])).await, [wrong]);
}

#[tokio::test]
async fn a_source_of_another_host_gets_no_view_and_says_why() {
    let app = app();
    assert_eq!(data_source(&app, messages(&[source("a", 1, "v")])).await, [Outcome::Done]);
    let status = app.store.get(Kind::DataSource, "a").await.unwrap().unwrap().status().unwrap();
    assert_eq!(status.state, State::Unhealthy);
    let reason = "data_source.host: found `wh`, expected the host of an integration";
    assert_eq!(status.reason.as_deref(), Some(reason));
    assert_eq!(app.warehouse.requests(), 0);
}

#[tokio::test]
async fn what_came_before_the_warehouse_was_set_up_is_asked_for_afterwards() {
    let app = app();
    data_source(&app, messages(&[source("a", 1, "v")])).await;
    user(&app, messages(&[account("u", 1, "ana")])).await;
    assert_eq!(integration(&app, messages(&[warehouse("one", "wh")])).await, [Outcome::Done]);
    let asked = |queue| events(&app, queue);
    assert_eq!(asked(Queue::DataSource), [r#"{"ids":["a"],"type":"data_source.refresh"}"#]);
    assert_eq!(asked(Queue::User), [r#"{"ids":["u"],"type":"user.refresh"}"#]);
    let repeated = integration(&app, messages(&[warehouse("one", "wh")])).await;
    assert_eq!((repeated, asked(Queue::DataSource).len()), (vec![Outcome::Done], 0));
}

#[tokio::test]
async fn profiles_are_written_however_few_statements_may_share_a_call() {
    let mut app = app();
    let settings = [("REDOUBT_TABLE", "t"), ("REDOUBT_BATCH_STATEMENTS", "1")];
    app.config =
        Config::from_pairs(settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter()).unwrap();
    assert_eq!(integration(&app, messages(&[warehouse("one", "wh")])).await, [Outcome::Done]);
    assert_eq!(user(&app, messages(&[account("u", 1, "ana")])).await, [Outcome::Done]);
    let calls = app.warehouse.calls();
    let mut written = calls.iter().flat_map(|(_, call)| &call.statements).map(|sql| sql.execute());
    let profile = written.rfind(|sql| sql.starts_with("INSERT INTO \"redoubt_stage_profile\"")).unwrap();
    assert!(profile.contains("'ana'") && profile.contains("TRUE"), "{profile}");
}

#[tokio::test]
async fn after_an_upgrade_a_refresh_of_the_integration_has_everything_rendered_by_the_new_release() {
    let app = app();
    data_source(&app, messages(&[source("a", 1, "v")])).await;
    assert_eq!(integration(&app, messages(&[warehouse("one", "wh")])).await, [Outcome::Done]);
    events(&app, Queue::DataSource);
    let refresh = json!({"type": "integration.refresh", "ids": ["one"]});
    assert_eq!(integration(&app, messages(std::slice::from_ref(&refresh))).await, [Outcome::Done]);
    assert!(events(&app, Queue::DataSource).is_empty(), "nothing has changed");

    let mut record = app.store.get(Kind::Installation, "one").await.unwrap().unwrap();
    let mut installation = record.document().unwrap().clone();
    installation["release"] = json!("0.0.0");
    record.merge(&[Write::set(DOCUMENT, record.fields[DOCUMENT].version + 1, installation)]).unwrap();
    assert_eq!(app.store.put(&record).await.unwrap(), Put::Stored);
    let calls = app.warehouse.calls().len();
    assert_eq!(integration(&app, messages(&[refresh])).await, [Outcome::Done]);
    assert_eq!(events(&app, Queue::DataSource), [r#"{"ids":["a"],"type":"data_source.refresh"}"#]);
    let again = app.warehouse.calls();
    let procedures = again[calls..].iter().flat_map(|(_, call)| &call.statements);
    assert!(procedures.into_iter().any(|sql| sql.execute().contains("PROCEDURE")), "the procedures are made anew");
}

/// What was sent to a queue, without where it came from.
fn events(app: &MemoryApp, queue: Queue) -> Vec<String> {
    let without_origin = |body: &str| {
        let mut event: Value = serde_json::from_str(body).unwrap();
        let fields = event.as_object_mut().unwrap();
        fields.remove("correlation_id");
        fields.remove("received_at");
        // With the fields in the order of their names.
        event.to_string()
    };
    app.queues.take(queue, 10).iter().map(|message| without_origin(&message.body)).collect()
}

fn statements(app: &MemoryApp) -> Vec<String> {
    let calls = app.warehouse.calls();
    let texts = calls.iter().flat_map(|(_, call)| &call.statements);
    texts.map(|statement| statement.execute().chars().take(80).collect()).collect()
}

fn project(version: u64, members: &[&str], sources: &[&str], masked_joins: bool) -> Value {
    json!({"type": "project.updated", "project": {
        "id": "desk", "version": version, "name": "Desk", "members": members, "purposes": ["fraud"],
        "data_sources": sources, "masked_joins": masked_joins,
    }})
}

fn masked(using: &Value) -> Value {
    json!({"type": "policy.created", "policy": {
        "id": "masked", "version": 1, "name": "m", "created_at": "2026-01-01T00:00:00Z", "scope": "all",
        "rules": [{"mask": {"columns": {"name": "c"}, "using": using}}],
    }})
}

#[tokio::test]
async fn a_project_tells_members_and_data_sources_old_and_new() {
    let app = app();
    assert_eq!(user(&app, messages(&[project(1, &["ana"], &["a", "b"], false)])).await, [Outcome::Done]);
    assert_eq!(events(&app, Queue::User), [r#"{"ids":["ana"],"type":"user.refresh"}"#]);
    assert_eq!(events(&app, Queue::DataSource), [r#"{"ids":["a","b"],"type":"data_source.refresh"}"#]);
    assert_eq!(user(&app, messages(&[project(2, &["bo"], &["b", "c"], false)])).await, [Outcome::Done]);
    assert_eq!(events(&app, Queue::User), [r#"{"ids":["ana","bo"],"type":"user.refresh"}"#]);
    assert_eq!(events(&app, Queue::DataSource), [r#"{"ids":["a","b","c"],"type":"data_source.refresh"}"#]);
    let gone = json!({"type": "project.deleted", "id": "desk", "version": 3});
    assert_eq!(user(&app, messages(&[gone])).await, [Outcome::Done]);
    assert_eq!(events(&app, Queue::DataSource), [r#"{"ids":["b","c"],"type":"data_source.refresh"}"#]);
}

#[tokio::test]
async fn a_shared_salt_is_there_before_the_view_that_needs_it() {
    let app = app();
    integration(&app, messages(&[warehouse("one", "wh")])).await;
    let before = statements(&app).len();
    policy(&app, messages(&[masked(&json!({"kind": "hash"}))])).await;
    user(&app, messages(&[project(1, &[], &["a"], true)])).await;
    data_source(&app, messages(&[source("a", 1, "v")])).await;
    let found = statements(&app).split_off(before);
    let starts =
        |start: &str| found.iter().position(|text| text.starts_with(start)).unwrap_or_else(|| panic!("{found:?}"));
    let project = starts(r#"CALL "immuta_procedures"."prepare_project"('desk', '"#);
    assert!(project < starts(r#"CALL "immuta_procedures"."apply_view"('a', "#), "{found:?}");
}

#[tokio::test]
async fn a_mask_that_nothing_can_compute_withdraws_the_view() {
    let app = app();
    integration(&app, messages(&[warehouse("one", "wh")])).await;
    let mut text = source("a", 1, "v");
    text["data_source"]["columns"][0]["type"] = json!("varchar(20)");
    policy(&app, messages(&[masked(&json!({"kind": "reversible"}))])).await;
    assert_eq!(data_source(&app, messages(&[text])).await, [Outcome::Done]);
    let found = statements(&app);
    let withdrawal = r#"CALL "immuta_procedures"."drop_view"('a', 1, 'unhealthy', 'integrat"#;
    assert!(found.last().is_some_and(|last| last.starts_with(withdrawal)), "{found:?}");
    outcome(&app, messages(&[ended(&app)])).await;
    let status = app.store.get(Kind::DataSource, "a").await.unwrap().unwrap().status().unwrap();
    let reason = "integration.mask: found nothing, expected the Lambda function that a mask on this data source needs";
    assert_eq!((status.state, status.reason.as_deref()), (State::Unhealthy, Some(reason)));
}

#[tokio::test]
async fn a_policy_that_means_nothing_known_is_enforced_and_says_so() {
    let app = app();
    integration(&app, messages(&[warehouse("one", "wh")])).await;
    data_source(&app, messages(&[source("a", 1, "v")])).await;
    let mut misspelt = masked(&json!({"kind": "null"}));
    misspelt["policy"]["rules"][0]["mask"]["columns"]["name"] = json!("d");
    assert_eq!(policy(&app, messages(&[misspelt])).await, [Outcome::Done]);
    outcome(&app, messages(&[ended(&app)])).await;
    let status = app.store.get(Kind::Policy, "masked").await.unwrap().unwrap().status().unwrap();
    let reason = "`policy.rules[0].mask.columns`: found column `d`, expected a column of a data source in scope \
                  (did you mean `c`?)";
    assert_eq!((status.state, status.reason.as_deref()), (State::Applied, Some(reason)));
}

#[tokio::test]
async fn only_a_registered_account_with_the_right_may_unmask() {
    let app = app();
    let mut text = source("a", 1, "v");
    text["data_source"]["columns"][0]["type"] = json!("varchar(20)");
    let anyone = json!({"type": "policy.created", "policy": {
        "id": "open", "version": 1, "name": "o", "created_at": "2026-01-01T00:00:00Z", "scope": "all",
        "subscription": {"level": "anyone"},
    }});
    let mask = json!({"kind": "reversible", "unmask": {"all": [{"group": "fraud"}, {"purpose": "fraud"}]}});
    policy(&app, messages(&[anyone, masked(&mask)])).await;
    data_source(&app, messages(&[text])).await;
    let mut ana = account("u", 1, "Ana");
    ana["user"]["groups"] = json!(["fraud"]);
    ana["user"]["project"] = json!("desk");
    let acknowledged =
        json!({"type": "user.purpose_acknowledged", "id": "u", "version": 2, "project": "desk", "purpose": "fraud"});
    user(&app, messages(&[ana, account("w", 1, "bo"), project(1, &["u", "w"], &["a"], false), acknowledged])).await;
    let may =
        async |account: &str, source: &str, column: &str| may_unmask(&app, account, source, column).await.unwrap();
    assert!(may("Ana", "a", "c").await);
    for (account, source, column) in
        [("ana", "a", "c"), ("bo", "a", "c"), ("u", "a", "c"), ("", "a", "c"), ("Ana", "b", "c"), ("Ana", "a", "d")]
    {
        assert!(!may(account, source, column).await, "{account} {source} {column}");
    }
    let left = json!({"type": "user.groups_changed", "id": "u", "version": 3, "groups": []});
    user(&app, messages(&[left])).await;
    assert!(!may("Ana", "a", "c").await, "a right that was taken away is gone at once");
}

/// The event that a call's end sends.
fn ended(app: &MemoryApp) -> Value {
    let (statement_id, call) = app.warehouse.calls().pop().unwrap();
    json!({"source": "aws.redshift-data", "detail": {"statementName": call.name, "statementId": statement_id}})
}

#[tokio::test]
async fn what_can_not_be_written_takes_the_older_state_away() {
    let app = app();
    integration(&app, messages(&[warehouse("one", "wh")])).await;
    let fail = || Script::Fail(BTreeMap::from([(0, "ERROR: permission denied".to_owned())]));

    app.warehouse.script(fail());
    user(&app, messages(&[account("u", 1, "ana")])).await;
    assert_eq!(outcome(&app, messages(&[ended(&app)])).await, [Outcome::Done]);
    let (_, call) = app.warehouse.calls().pop().unwrap();
    assert!(call.statements.iter().any(|statement| statement.execute().contains("'ana', 1099511627777, FALSE, NULL")));
    outcome(&app, messages(&[ended(&app)])).await;
    let status = app.store.get(Kind::User, "u").await.unwrap().unwrap().status().unwrap();
    assert_eq!((status.state, status.reason.as_deref()), (State::Unhealthy, Some("ERROR: permission denied")));

    app.warehouse.script(fail());
    data_source(&app, messages(&[source("a", 1, "v")])).await;
    outcome(&app, messages(&[ended(&app)])).await;
    let (_, call) = app.warehouse.calls().pop().unwrap();
    let texts: Vec<_> = call.statements.iter().map(redoubt_core::sql::SqlText::execute).collect();
    // Known before, so that the withdrawal and a late first application would conflict instead of missing each other.
    assert!(texts[0].starts_with(r#"CALL "immuta_procedures"."prepare_view"('a', '"#), "{texts:?}");
    let withdrawal = r#"CALL "immuta_procedures"."drop_view"('a', 1, 'unhealthy', 'ERROR: permission denied')"#;
    assert_eq!(texts[1..], [withdrawal]);
    outcome(&app, messages(&[ended(&app)])).await;
    let status = app.store.get(Kind::DataSource, "a").await.unwrap().unwrap().status().unwrap();
    assert_eq!((status.state, status.reason.as_deref()), (State::Unhealthy, Some("ERROR: permission denied")));
}

#[tokio::test]
async fn a_replaced_definition_is_forgotten_though_its_record_was_refreshed_meanwhile() {
    let app = app();
    let version = |version: u64| {
        json!({"type": "policy.updated", "policy": {
            "id": "p", "version": version, "name": format!("v{version}"), "created_at": "2026-01-01T00:00:00Z",
            "scope": {"tags": ["t"]}, "subscription": {"level": "anyone"},
        }})
    };
    let stored = async || app.store.get(Kind::Policy, "p").await.unwrap().unwrap();
    policy(&app, messages(&[version(1)])).await;
    let mut told = stored().await;
    let former = told.document().unwrap().clone();
    // As it is while what the former definition touched is told.
    told.merge(&[Write::set(DOCUMENT, 2, version(2)["policy"].clone())]).unwrap();
    told.previous.push(former.clone());
    assert_eq!(app.store.put(&told).await.unwrap(), Put::Stored);
    let told = stored().await;
    app.store.bump(Kind::Policy, "p").await.unwrap().unwrap();
    forget_previous(&app, told).await.unwrap();
    assert_eq!(stored().await.previous, Vec::<Value>::new());

    // Where it was replaced again, whoever did that tells what both touched.
    let mut told = stored().await;
    told.previous.push(former.clone());
    assert_eq!(app.store.put(&told).await.unwrap(), Put::Stored);
    let told = stored().await;
    let mut newer = told.clone();
    newer.merge(&[Write::set(DOCUMENT, 3, version(3)["policy"].clone())]).unwrap();
    assert_eq!(app.store.put(&newer).await.unwrap(), Put::Stored);
    forget_previous(&app, told).await.unwrap();
    assert_eq!(stored().await.previous, [former]);
}
