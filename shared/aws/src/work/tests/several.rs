//! Several warehouses in one deployment: each has its own statuses, and one that does not answer delays only itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::port::WarehouseName;

const SILENCE: &str = "FATAL: Connection refused. Check that the hostname and port are correct";

/// Two warehouses that are set up, the second of which answers as long as nobody turns it off.
async fn two() -> (MemoryApp, Arc<AtomicBool>) {
    let off = Arc::new(AtomicBool::new(false));
    let is_off = Arc::clone(&off);
    let mut app = app();
    app.warehouse = MemoryWarehouse::new(move |call| {
        let second = call.connection.warehouse == WarehouseName::Workgroup("wg-two".to_owned());
        if second && is_off.load(Ordering::Relaxed) {
            Script::Fail(BTreeMap::from([(0, SILENCE.to_owned())]))
        } else {
            Script::Finish
        }
    });
    for id in ["one", "two"] {
        let mut event = warehouse(id, &format!("host-{id}"));
        event["integration"]["workgroup"] = json!(format!("wg-{id}"));
        assert_eq!(integration(&app, messages(&[event])).await, [Outcome::Done]);
    }
    for queue in Queue::ALL {
        events(&app, queue);
    }
    (app, off)
}

fn source_on(id: &str, host: &str) -> Value {
    let mut event = source(id, 1, id);
    event["data_source"]["host"] = json!(host);
    event
}

/// Tells of the end of every call that was made since the one with this number, and gives the number of the last.
async fn tell_from(app: &MemoryApp, seen: usize) -> usize {
    let calls = app.warehouse.calls();
    for (statement_id, call) in calls.iter().skip(seen).filter(|(_, call)| call.with_event) {
        let detail = json!({"statementName": call.name, "statementId": statement_id});
        let event = json!({"source": "aws.redshift-data", "detail": detail});
        assert_eq!(outcome(app, messages(&[event])).await, [Outcome::Done]);
    }
    calls.len()
}

async fn state(app: &MemoryApp, kind: Kind, id: &str, place: &str) -> (State, Option<String>) {
    let record = app.store.get(kind, id).await.unwrap().unwrap();
    let status = record.status_in(place).unwrap_or_else(|| panic!("{id} has no status in {place}: {record:?}"));
    (status.state, status.reason.clone())
}

#[tokio::test]
async fn each_source_goes_to_the_warehouse_of_its_host_and_each_user_to_all() {
    let (app, _) = two().await;
    let seen = app.warehouse.calls().len();
    data_source(&app, messages(&[source_on("a", "host-one"), source_on("b", "host-two")])).await;
    user(&app, messages(&[account("u", 1, "ana")])).await;
    let calls = app.warehouse.calls();
    let workgroups: Vec<String> =
        calls.iter().skip(seen).map(|(_, call)| format!("{:?}", call.connection.warehouse)).collect();
    assert_eq!(workgroups.len(), 4);
    for name in ["wg-one", "wg-two"] {
        assert_eq!(workgroups.iter().filter(|workgroup| workgroup.contains(name)).count(), 2, "{workgroups:?}");
    }
    tell_from(&app, seen).await;
    assert_eq!(state(&app, Kind::DataSource, "a", "one/immuta").await, (State::Applied, None));
    assert_eq!(state(&app, Kind::DataSource, "b", "two/immuta").await, (State::Applied, None));
    for place in ["one/immuta", "two/immuta"] {
        assert_eq!(state(&app, Kind::User, "u", place).await, (State::Applied, None));
    }
}

#[tokio::test]
async fn one_that_does_not_answer_delays_only_itself() {
    let (app, off) = two().await;
    let mut seen = app.warehouse.calls().len();
    off.store(true, Ordering::Relaxed);
    data_source(&app, messages(&[source_on("a", "host-one"), source_on("b", "host-two")])).await;
    user(&app, messages(&[account("u", 1, "ana")])).await;
    seen = tell_from(&app, seen).await;
    let waits = (State::Pending, Some(format!("the warehouse does not answer: {SILENCE}")));
    assert_eq!(state(&app, Kind::DataSource, "a", "one/immuta").await, (State::Applied, None));
    assert_eq!(state(&app, Kind::User, "u", "one/immuta").await, (State::Applied, None));
    assert_eq!(state(&app, Kind::DataSource, "b", "two/immuta").await, waits);
    assert_eq!(state(&app, Kind::User, "u", "two/immuta").await, waits);
    let overall = app.store.get(Kind::User, "u").await.unwrap().unwrap().status().unwrap();
    assert_eq!(overall.state, State::Pending);
    assert!(overall.reason.unwrap().starts_with("in `two/immuta`: the warehouse does not answer"));

    // From here on nothing is even tried there, whatever happens, and no message is kept waiting.
    user(&app, messages(&[account("v", 1, "bo")])).await;
    data_source(&app, messages(&[source_on("c", "host-two")])).await;
    let tried: Vec<_> = app.warehouse.calls().split_off(seen).into_iter().map(|(_, call)| call).collect();
    assert!(tried.iter().all(|call| call.connection.warehouse == WarehouseName::Workgroup("wg-one".to_owned())));
    seen = tell_from(&app, seen).await;
    assert_eq!(state(&app, Kind::User, "v", "one/immuta").await, (State::Applied, None));
    assert_eq!(state(&app, Kind::DataSource, "c", "two/immuta").await.0, State::Pending);

    // The schedule asks in vain, then not in vain; what waited is rendered, and nothing else.
    assert_eq!(reconcile(&app, messages(&[json!({"type": "sweep"})])).await, [Outcome::Done]);
    assert!(events(&app, Queue::User).is_empty() && events(&app, Queue::DataSource).is_empty());
    off.store(false, Ordering::Relaxed);
    assert_eq!(reconcile(&app, messages(&[json!({"type": "sweep"})])).await, [Outcome::Done]);
    let (users, sources) = (events(&app, Queue::User), events(&app, Queue::DataSource));
    assert_eq!(users, [r#"{"ids":["u","v"],"type":"user.refresh"}"#]);
    assert_eq!(sources, [r#"{"ids":["b","c"],"type":"data_source.refresh"}"#]);
    let again =
        |bodies: &[String]| -> Vec<Value> { bodies.iter().map(|body| serde_json::from_str(body).unwrap()).collect() };
    user(&app, messages(&again(&users))).await;
    data_source(&app, messages(&again(&sources))).await;
    tell_from(&app, seen).await;
    for (kind, id) in [(Kind::User, "u"), (Kind::User, "v"), (Kind::DataSource, "b"), (Kind::DataSource, "c")] {
        assert_eq!(state(&app, kind, id, "two/immuta").await, (State::Applied, None), "{id}");
        assert_eq!(app.store.get(kind, id).await.unwrap().unwrap().status().unwrap().state, State::Applied);
    }
}

#[tokio::test]
async fn what_waits_for_a_warehouse_is_told_even_if_the_first_attempt_to_do_so_fails() {
    let (app, off) = two().await;
    let seen = app.warehouse.calls().len();
    off.store(true, Ordering::Relaxed);
    data_source(&app, messages(&[source_on("b", "host-two")])).await;
    tell_from(&app, seen).await;
    off.store(false, Ordering::Relaxed);
    app.queues.fail_next(1);
    assert_eq!(reconcile(&app, messages(&[json!({"type": "sweep"})])).await, [Outcome::Retry]);
    events(&app, Queue::DataSource);
    assert_eq!(reconcile(&app, messages(&[json!({"type": "sweep"})])).await, [Outcome::Done]);
    let told = events(&app, Queue::DataSource);
    assert!(told.len() == 1 && told[0].contains(r#""ids":["b"]"#), "{told:?}");
    assert_eq!(reconcile(&app, messages(&[json!({"type": "sweep"})])).await, [Outcome::Done]);
    assert!(events(&app, Queue::DataSource).is_empty(), "once told is enough");
}

#[tokio::test]
async fn a_repeated_event_is_not_submitted_again_where_it_is_in_force() {
    let (app, _) = two().await;
    let seen = app.warehouse.calls().len();
    let events = [source_on("a", "host-one")];
    data_source(&app, messages(&events)).await;
    user(&app, messages(&[account("u", 1, "ana")])).await;
    let seen = tell_from(&app, seen).await;
    data_source(&app, messages(&events)).await;
    user(&app, messages(&[account("u", 1, "ana")])).await;
    assert_eq!(app.warehouse.calls().len(), seen);
    assert_eq!(state(&app, Kind::DataSource, "a", "one/immuta").await, (State::Applied, None));
}

#[tokio::test]
async fn a_source_that_moves_leaves_its_former_warehouse() {
    let (app, _) = two().await;
    let seen = app.warehouse.calls().len();
    data_source(&app, messages(&[source_on("a", "host-one")])).await;
    let seen = tell_from(&app, seen).await;
    let mut moved = source_on("a", "host-two");
    moved["data_source"]["version"] = json!(2);
    data_source(&app, messages(&[moved])).await;
    let sql = |workgroup: &str| {
        let calls = app.warehouse.calls().split_off(seen);
        let of = calls
            .into_iter()
            .filter(|(_, call)| call.connection.warehouse == WarehouseName::Workgroup(workgroup.into()));
        of.flat_map(|(_, call)| call.statements.iter().map(|s| s.execute().to_owned()).collect::<Vec<_>>())
            .collect::<Vec<_>>()
    };
    assert!(sql("wg-one").iter().any(|sql| sql.contains(r#""drop_view"('a', 2"#)), "{:?}", sql("wg-one"));
    // The new warehouse does not know the source: it is prepared there first.
    let there = sql("wg-two");
    assert!(there[0].contains("prepare_view") && there[1].contains("apply_view"), "{there:?}");
    tell_from(&app, seen).await;
    assert_eq!(state(&app, Kind::DataSource, "a", "one/immuta").await.0, State::Withdrawn);
    let record = app.store.get(Kind::DataSource, "a").await.unwrap().unwrap();
    assert_eq!(record.status().unwrap().state, State::Applied);
}

#[tokio::test]
async fn names_follow_the_rule_of_the_integration_and_are_claimed_under_it() {
    let app = app();
    let mut event = warehouse("one", "wh");
    event["integration"]["view_name"] = json!("{schema}_{table}");
    integration(&app, messages(&[event.clone()])).await;
    let mut unnamed = source("a", 1, "");
    unnamed["data_source"].as_object_mut().unwrap().remove("view");
    assert_eq!(data_source(&app, messages(&[unnamed])).await, [Outcome::Done]);
    let applied = |name: &str| {
        let calls = app.warehouse.calls();
        let (_, call) = calls.last().unwrap();
        call.statements.iter().any(|sql| sql.execute().contains(&format!(r#"VIEW "governed"."{name}""#)))
    };
    assert!(applied("s_t"));
    let taken = rejected("`data_source.view`: found `S_T`, expected a view name that data source `a` does not use");
    assert_eq!(data_source(&app, messages(&[source("b", 1, "S_T")])).await, [taken]);

    // Under another rule the name is free, and the view gets the new one.
    event["integration"]["view_name"] = json!("{table}");
    event["integration"]["version"] = json!(2);
    event["type"] = json!("integration.updated");
    assert_eq!(integration(&app, messages(&[event])).await, [Outcome::Done]);
    let asked = events(&app, Queue::DataSource);
    data_source(&app, messages(&[serde_json::from_str(&asked[0]).unwrap()])).await;
    assert!(applied("t"));
    assert_eq!(data_source(&app, messages(&[source("b", 1, "S_T")])).await, [Outcome::Done]);
    assert!(applied("S_T"));
}

#[tokio::test]
async fn a_source_whose_host_the_warehouse_no_longer_has_loses_its_view() {
    let (app, _) = two().await;
    let seen = app.warehouse.calls().len();
    data_source(&app, messages(&[source_on("a", "host-one")])).await;
    let seen = tell_from(&app, seen).await;
    let mut renamed = warehouse("one", "another-host");
    renamed["integration"]["workgroup"] = json!("wg-one");
    renamed["integration"]["version"] = json!(2);
    assert_eq!(integration(&app, messages(&[renamed])).await, [Outcome::Done]);
    for body in events(&app, Queue::DataSource) {
        data_source(&app, messages(&[serde_json::from_str(&body).unwrap()])).await;
    }
    let dropped =
        app.warehouse.calls().split_off(seen).into_iter().any(|(_, call)| {
            call.statements.iter().any(|statement| statement.execute().contains(r#""drop_view"('a', 2"#))
        });
    assert!(dropped, "nothing keeps it up to date any more");
    tell_from(&app, seen).await;
    assert_eq!(state(&app, Kind::DataSource, "a", "one/immuta").await.0, State::Withdrawn);
    let (overall, reason) = state(&app, Kind::DataSource, "a", "").await;
    assert_eq!(overall, State::Unhealthy);
    assert_eq!(reason.unwrap(), "data_source.host: found `host-one`, expected the host of an integration");
}
