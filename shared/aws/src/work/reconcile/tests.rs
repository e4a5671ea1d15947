//! What requests say, what a run costs, and what is behind. What is found in a warehouse is tested against one.

use std::collections::BTreeSet;

use redoubt_core::record::{DOCUMENT, Kind, Record, State, Status, Write};
use serde_json::json;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::*;
use crate::{
    config::Config,
    error::ErrorKind,
    port::{Call, Put, Queue},
    queue::MemoryQueues,
    store::MemoryStore,
    warehouse::{MemoryWarehouse, Script},
};

#[test]
fn requests_that_are_none_are_refused_with_the_reason() {
    let error = |body: &str| Request::read(body).err().unwrap().to_string();
    assert_eq!(error("{}"), "`type`: found nothing, expected `sweep` or `reconcile`");
    assert_eq!(error(r#"{"type":"policy.created"}"#), "`type`: found something else, expected `sweep` or `reconcile`");
    assert!(error("{").starts_with("`$`: found no JSON: "), "{}", error("{"));
    assert_eq!(
        error(r#"{"type":"reconcile","dry_run":"yes"}"#),
        "`dry_run`: found another type, expected true or false",
        "what may be a wish not to change anything is not taken for the opposite"
    );
    assert_eq!(error(r#"{"type":"reconcile","integration":1}"#), "`integration`: found another type, expected a text");
    assert_eq!(Request::read(r#"{"type":"sweep"}"#).unwrap(), Request::Sweep);
    assert_eq!(
        Request::read(r#"{"type":"reconcile"}"#).unwrap(),
        Request::Reconcile { dry_run: false, integration: None }
    );
    assert_eq!(
        Request::read(r#"{"type":"reconcile","dry_run":true,"integration":"wh"}"#).unwrap(),
        Request::Reconcile { dry_run: true, integration: Some("wh".to_owned()) }
    );
}

const SIGHT: &str = "stv_db_isolation_level";

/// A warehouse that is set up, and answers every question with nothing, as one does that nobody touched and that holds nothing.
async fn app() -> App<MemoryStore, MemoryWarehouse, MemoryQueues> {
    let config = Config::from_pairs([("REDOUBT_TABLE".to_owned(), "t".to_owned())].into_iter()).unwrap();
    let warehouse = MemoryWarehouse::default().answering(|call: &Call, part| {
        let answer = |value: &str| vec![vec![Some(value.to_owned())]];
        match call.statements[part].execute() {
            sql if sql.contains(SIGHT) => answer("1"),
            _ if call.name.starts_with("redoubt reconcile") => Vec::new(),
            _ => answer("0"),
        }
    });
    let app = App::new(MemoryStore::new(), warehouse, MemoryQueues::new(), config);
    let app = app.with(TestClock::default(), crate::port::SystemEntropy);
    let event = json!({"type": "integration.created", "integration": {
        "id": "wh", "version": 1, "host": "wh", "workgroup": "wg", "mode": "multi_database", "database": "immuta",
        "view_schema": "governed", "system_user": "system", "secret": "s",
        "accepted_risks": ["isolation", "case_sensitive_identifiers", "view_reader", "result_cache", "backslash"],
    }});
    let message = Message::new("m", event.to_string());
    assert_eq!(crate::work::integration(&app, vec![message]).await, [Outcome::Done]);
    for queue in Queue::ALL {
        app.queues.take(queue, 1_000);
    }
    app
}

/// A clock that a test moves.
#[derive(Clone, Default)]
struct TestClock(std::sync::Arc<std::sync::atomic::AtomicI64>);

impl crate::port::Clock for TestClock {
    fn now(&self) -> OffsetDateTime {
        let seconds = self.0.load(std::sync::atomic::Ordering::Relaxed);
        OffsetDateTime::UNIX_EPOCH + time::Duration::days(20_000) + time::Duration::seconds(seconds)
    }
}

/// A data source in force at revision 1, in one of so many databases.
async fn put_source(app: &App<MemoryStore, MemoryWarehouse, MemoryQueues>, number: usize, databases: usize) -> String {
    let id = format!("source_{number:05}");
    let mut record = Record::new(Kind::DataSource, id.as_str());
    let document = json!({
        "id": id, "version": 1, "host": "wh", "database": format!("db{}", number % databases), "schema": "s",
        "table": id, "columns": [{"name": "c", "type": "integer"}],
    });
    record.merge(&[Write::set(DOCUMENT, 1, document)]).unwrap();
    record.revision = 1;
    assert_eq!(app.store.put(&record).await.unwrap(), Put::Stored);
    set_status(app, Kind::DataSource, &id, 1, State::Applied).await;
    id
}

async fn set_status<W, Q>(app: &App<MemoryStore, W, Q>, kind: Kind, id: &str, revision: u64, state: State) {
    let at = app.clock.now().format(&Rfc3339).unwrap();
    let status = Status { revision, state, reason: None, attempt: 0, at };
    assert!(app.store.set_status(kind, id, "wh/immuta", &status).await.unwrap());
}

async fn run<W: Warehouse>(app: &App<MemoryStore, W, MemoryQueues>, dry_run: bool) {
    let body = json!({"type": "reconcile", "dry_run": dry_run}).to_string();
    assert_eq!(reconcile(app, vec![Message::new("m", body)]).await, [Outcome::Done]);
}

/// The calls of one run, and the data sources whose rows it asked for.
async fn calls(app: &App<MemoryStore, MemoryWarehouse, MemoryQueues>) -> (usize, usize, String) {
    let before = app.warehouse.calls().len();
    run(app, false).await;
    let calls: Vec<Call> = app.warehouse.calls().into_iter().skip(before).map(|(_, call)| call).collect();
    let statements: Vec<_> = calls.iter().flat_map(|call| &call.statements).collect();
    assert!(statements.iter().all(|statement| statement.len() <= app.config.statement_bytes));
    assert!(calls.iter().all(|call| call.statements.iter().map(|statement| statement.len()).sum::<usize>() <= 200_000));
    let rows = statements.iter().find(|statement| statement.execute().contains("definition_digest"));
    (calls.len(), statements.len(), rows.map_or_else(String::new, |rows| rows.execute().to_owned()))
}

#[tokio::test]
async fn a_run_costs_the_same_whatever_there_is_and_runs_cover_everything() {
    // One call for Redoubt's own database and one for each of at most four with tables.
    for (sources, databases, most) in [(10, 1, 2), (2_000, 1, 2), (2_000, 10, 5)] {
        let app = app().await;
        let mut left = BTreeSet::new();
        for number in 0..sources {
            left.insert(put_source(&app, number, databases).await);
        }
        let mut runs = 0;
        while !left.is_empty() {
            let (calls, statements, rows) = calls(&app).await;
            assert!(
                calls <= most && statements <= 12 + 8 * (most - 1),
                "{sources}: {calls} calls, {statements} statements"
            );
            let before = left.len();
            left.retain(|id| !rows.contains(&format!("'{id}'")));
            assert!(left.len() < before, "{sources}: a run that looked at nothing new");
            assert!(before - left.len() <= 1_000);
            runs += 1;
        }
        assert!(runs <= sources / 500 + databases, "{sources} in {databases} databases took {runs} runs");
        let (_, _, rows) = calls(&app).await;
        assert!(rows.contains("'source_00000'"), "{sources}: it begins anew");
    }
}

/// What a run had refreshed.
fn refreshed(app: &App<MemoryStore, MemoryWarehouse, MemoryQueues>) -> Vec<String> {
    let mut ids = Vec::new();
    for queue in [Queue::Policy, Queue::User, Queue::DataSource] {
        for message in app.queues.take(queue, 100) {
            let event: Value = serde_json::from_str(&message.body).unwrap();
            ids.extend(event["ids"].as_array().unwrap().iter().map(|id| format!("{queue} {}", id.as_str().unwrap())));
        }
    }
    ids
}

fn user_record(id: &str, revision: u64) -> Record {
    let mut record = Record::new(Kind::User, id);
    record.merge(&[Write::set(DOCUMENT, 1, json!({"id": id, "version": 1, "database_user": id}))]).unwrap();
    record.revision = revision;
    record
}

#[tokio::test]
async fn what_stays_behind_its_revision_is_rendered_and_what_is_under_way_is_not() {
    let clock = TestClock::default();
    let app = app().await.with(clock.clone(), crate::port::SystemEntropy);
    for (id, revision) in [("lost", 2), ("pending", 1), ("flying", 2), ("broken", 1), ("fine", 1)] {
        app.store.put(&user_record(id, revision)).await.unwrap();
    }
    set_status(&app, Kind::User, "lost", 1, State::Applied).await;
    set_status(&app, Kind::User, "pending", 1, State::Pending).await;
    set_status(&app, Kind::User, "flying", 1, State::Applied).await;
    set_status(&app, Kind::User, "broken", 1, State::Unhealthy).await;
    set_status(&app, Kind::User, "fine", 1, State::Applied).await;
    let mut policy = Record::new(Kind::Policy, "told");
    let document = json!({"id": "told", "version": 1, "name": "told", "created_at": "2026-01-01T00:00:00Z",
        "scope": {"data_sources": ["orders"]}, "subscription": {"level": "anyone"}});
    policy.merge(&[Write::set(DOCUMENT, 1, document.clone())]).unwrap();
    (policy.revision, policy.previous) = (1, vec![document]);
    app.store.put(&policy).await.unwrap();
    set_status(&app, Kind::Policy, "told", 1, State::Applied).await;
    let target = json!({"kind": "user", "id": "flying", "revision": 2, "statements": 0, "then": {"state": "applied"}});
    let submission = || {
        json!({"targets": [target], "together": true,
        "recorded_at": app.clock.now().format(&Rfc3339).unwrap()})
    };
    let mut record = Record::new(Kind::Submission, "0");
    record.merge(&[Write::set(DOCUMENT, 1, submission())]).unwrap();
    app.store.put(&record).await.unwrap();

    // What the warehouse would say is not what this is about.
    for _ in 0..3 {
        app.warehouse.script(Script::Refuse(ErrorKind::Retry, "ThrottlingException"));
    }
    run(&app, false).await;
    assert_eq!(refreshed(&app), [] as [String; 0], "all of it may be under way");
    let behind = |app: &App<MemoryStore, _, _>| {
        let lines = app.metrics.take_lines(app.clock.now());
        let line: Value = serde_json::from_str(lines.first().unwrap()).unwrap();
        (line["Unhealthy"].clone(), line["Behind"].clone(), line["OldestPending"].clone())
    };
    assert_eq!(behind(&app), (json!(1), json!(0), json!(0)));
    clock.0.store(1_500, std::sync::atomic::Ordering::Relaxed);
    let mut again = app.store.get(Kind::Submission, "0").await.unwrap().unwrap();
    again.merge(&[Write::set(DOCUMENT, 2, submission())]).unwrap();
    app.store.put(&again).await.unwrap();
    run(&app, true).await;
    assert_eq!(refreshed(&app), [] as [String; 0], "a dry run");
    assert_eq!(behind(&app), (json!(1), json!(3), json!(1_500)));
    run(&app, false).await;
    let mut found = refreshed(&app);
    found.sort();
    assert_eq!(found, ["data-source orders", "policy told", "user lost", "user pending"]);
    let policy = app.store.get(Kind::Policy, "told").await.unwrap().unwrap();
    assert!(policy.previous.is_empty(), "once told, it is forgotten");
}

#[tokio::test]
async fn only_the_warehouse_that_is_asked_for_is_looked_at() {
    let app = app().await;
    let before = app.warehouse.calls().len();
    let body = json!({"type": "reconcile", "integration": "other"}).to_string();
    assert_eq!(reconcile(&app, vec![Message::new("m", body)]).await, [Outcome::Done]);
    assert_eq!(app.warehouse.calls().len(), before);
    let body = json!({"type": "reconcile", "integration": "wh"}).to_string();
    assert_eq!(reconcile(&app, vec![Message::new("m", body)]).await, [Outcome::Done]);
    assert_eq!(app.warehouse.calls().len(), before + 1);
}
