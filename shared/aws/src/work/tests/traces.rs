//! What logs and metrics say of an event, from its receipt to its being in force.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use time::OffsetDateTime;

use super::*;
use crate::{
    error::EntropyError,
    port::{Clock, Entropy},
    testing::LogLines,
    work::Target,
};

/// Milliseconds since 1970.
#[derive(Clone, Default)]
struct Hand(Arc<AtomicI64>);

impl Clock for Hand {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0.load(Relaxed)) * 1_000_000).unwrap()
    }
}

struct Always;

impl Entropy for Always {
    fn seed(&self) -> Result<[u8; 32], EntropyError> {
        Ok([7; 32])
    }
}

/// One warehouse, set up; nothing is measured yet.
async fn one(hand: &Hand) -> MemoryApp {
    let app = app().with(hand.clone(), Always);
    assert_eq!(integration(&app, messages(&[warehouse("one", "wh")])).await, [Outcome::Done]);
    measured(&app);
    app
}

fn message(id: &str, event: &Value, sent_at: i64) -> Message {
    Message { sent_at: Some(sent_at), ..Message::new(id, event.to_string()) }
}

fn called(mut event: Value, correlation_id: &str) -> Value {
    event["correlation_id"] = json!(correlation_id);
    event
}

/// What was measured, by name.
fn measured(app: &MemoryApp) -> Value {
    let lines = app.metrics.take_lines(app.clock.now());
    assert!(lines.len() <= 1, "{lines:?}");
    lines.first().map_or_else(|| json!({}), |line| serde_json::from_str(line).unwrap())
}

/// Hands the messages of a queue to its function, as SQS would.
async fn deliver(app: &MemoryApp, queue: Queue, sent_at: i64) -> Vec<Outcome> {
    let sent = app.queues.take(queue, 10).into_iter().enumerate();
    let received = sent
        .map(|(index, sent)| Message { sent_at: Some(sent_at), ..Message::new(format!("{queue}-{index}"), sent.body) });
    match queue {
        Queue::DataSource => data_source(app, received.collect()).await,
        Queue::User => user(app, received.collect()).await,
        _ => policy(app, received.collect()).await,
    }
}

#[tokio::test]
async fn an_id_leads_from_the_event_to_its_outcome_in_order() {
    let hand = Hand::default();
    let app = one(&hand).await;
    data_source(&app, messages(&[source("a", 1, "v")])).await;
    outcome(&app, messages(&[ended(&app)])).await;
    measured(&app);

    let logs = LogLines::begin();
    hand.0.store(5_000, Relaxed);
    let event = called(masked(&json!({"kind": "null"})), "change-7");
    assert_eq!(policy(&app, vec![message("m", &event, 1_000)]).await, [Outcome::Done]);
    assert_eq!(measured(&app)["EventsIn"], 1);
    hand.0.store(6_000, Relaxed);
    assert_eq!(deliver(&app, Queue::DataSource, 5_500).await, [Outcome::Done]);
    let rendered = measured(&app);
    assert_eq!(rendered.get("EventsIn"), None, "what the functions send each other is no event: {rendered}");
    assert_eq!((&rendered["TargetsRendered"], &rendered["Statements"]), (&json!(1), &json!(1)));
    let (_, call) = app.warehouse.calls().pop().unwrap();
    let bytes: usize = call.statements.iter().map(redoubt_core::sql::SqlText::len).sum();
    assert_eq!(rendered["StatementBytes"], bytes);
    hand.0.store(9_250, Relaxed);
    assert_eq!(outcome(&app, messages(&[ended(&app)])).await, [Outcome::Done]);
    assert_eq!(measured(&app)["PropagationTime"], json!([8_250]), "from the event, not from the refresh");

    let lines = logs.of("change-7");
    let steps: Vec<_> = lines.iter().map(|line| line["message"].as_str().unwrap()).collect();
    let expected = [
        "received",
        "stored",
        "asking for a refresh",
        // The definition,
        "rendered",
        "submitted",
        // and the view.
        "received",
        "rendered",
        "submitted",
        "settled",
    ];
    assert_eq!(steps, expected, "{lines:#?}");
    let last = &lines[8];
    assert_eq!((&last["kind"], &last["id"], &last["state"]), (&json!("data_source"), &json!("a"), &json!("applied")));
    assert_eq!(last["milliseconds"], 8_250);
    assert_eq!((&lines[6]["revision"], &last["revision"]), (&json!(2), &json!(2)));
    assert_eq!(lines[0]["message_id"], "m");
    let submitted = lines[7]["submission"].as_str().unwrap();
    let settled = logs.all().into_iter().find(|line| line["message"] == "ended").unwrap();
    assert_eq!(settled["submission"], submitted, "the call and its end are told by its token");
    assert_eq!(settled["statement_id"], lines[7]["statement_id"]);
}

#[tokio::test]
async fn of_several_events_about_one_target_the_newest_names_it_and_the_oldest_measures_it() {
    let hand = Hand::default();
    let app = one(&hand).await;
    let logs = LogLines::begin();
    hand.0.store(10_000, Relaxed);
    let groups = json!({"type": "user.groups_changed", "id": "u", "version": 2, "groups": ["g"]});
    let batch = vec![
        message("m1", &called(account("u", 1, "ana"), "first"), 2_000),
        message("m2", &called(groups, "second"), 4_000),
        message("m3", &called(account("w", 1, "bo"), "other"), 3_000),
    ];
    assert_eq!(user(&app, batch).await, vec![Outcome::Done; 3]);
    outcome(&app, messages(&[ended(&app)])).await;
    let steps = |id: &str| -> Vec<String> {
        logs.of(id).iter().map(|line| line["message"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(steps("first"), ["received", "stored", "coalesced"]);
    assert_eq!(logs.of("first")[2]["into"], "second");
    assert_eq!(steps("second"), ["received", "stored", "rendered", "submitted", "settled"]);
    let measured = measured(&app);
    assert_eq!(measured["PropagationTime"], json!([8_000, 7_000]));
    assert_eq!((&measured["EventsIn"], &measured["TargetsRendered"]), (&json!(3), &json!(2)));
}

#[tokio::test]
async fn what_is_tried_again_keeps_its_id_and_its_time() {
    let hand = Hand::default();
    let app = one(&hand).await;
    let logs = LogLines::begin();
    app.warehouse.script(Script::Fail(BTreeMap::from([(0, "ERROR: deadlock detected".to_owned())])));
    hand.0.store(2_000, Relaxed);
    data_source(&app, vec![message("m", &source("a", 1, "v"), 1_000)]).await;
    outcome(&app, messages(&[ended(&app)])).await;
    let failed = measured(&app);
    assert_eq!((&failed["StatementsFailed"], &failed["Retries"]), (&json!(1), &json!(1)));
    assert_eq!(failed.get("PropagationTime"), None);
    let sent = app.queues.take(Queue::DataSource, 1).remove(0).body;
    let refresh: Value = serde_json::from_str(&sent).unwrap();
    assert_eq!((&refresh["correlation_id"], &refresh["received_at"]), (&json!("m"), &json!(1_000)));
    data_source(&app, vec![message("n", &refresh, 3_000)]).await;
    hand.0.store(7_000, Relaxed);
    outcome(&app, messages(&[ended(&app)])).await;
    assert_eq!(measured(&app)["PropagationTime"], json!([6_000]));
    let last = logs.of("m").pop().unwrap();
    assert_eq!((&last["message"], &last["attempt"]), (&json!("settled"), &json!(1)));
}

#[tokio::test]
async fn the_token_of_a_call_does_not_depend_on_names_and_times() {
    let hand = Hand::default();
    let mut tokens = Vec::new();
    for (id, sent_at) in [("one", 1), ("another", 2)] {
        let app = one(&hand).await;
        data_source(&app, vec![message("m", &called(source("a", 1, "v"), id), sent_at)]).await;
        tokens.push(app.warehouse.calls().pop().unwrap().1.token);
    }
    assert_eq!(tokens[0], tokens[1], "or a redelivery that is called otherwise would submit twice");
}

#[tokio::test]
async fn stale_and_rejected_events_are_counted_and_told() {
    let hand = Hand::default();
    let app = one(&hand).await;
    data_source(&app, messages(&[source("a", 5, "v")])).await;
    measured(&app);
    let logs = LogLines::begin();
    let batch = [
        called(source("a", 4, "v"), "old"),
        called(json!({"type": "data_source.deleted", "id": "", "version": "secret-value"}), "wrong"),
    ];
    let outcomes = data_source(&app, messages(&batch)).await;
    assert!(matches!(outcomes.as_slice(), [Outcome::Done, Outcome::Reject(_)]), "{outcomes:?}");
    assert_eq!((&measured(&app)["EventsStale"], logs.of("old").len()), (&json!(1), 2));
    let wrong = logs.of("wrong");
    assert_eq!((&wrong[1]["message"], &wrong[1]["faults"]), (&json!("rejected"), &json!(1)));
    assert!(!logs.text().contains("secret-value"), "{}", logs.text());

    let again = Message { receive_count: 2, ..message("m", &source("a", 6, "v"), 1) };
    data_source(&app, vec![again]).await;
    assert_eq!(measured(&app).get("EventsIn"), None, "it was counted when it came first");
}

#[tokio::test]
async fn an_event_that_is_said_again_is_told_to_be_in_force() {
    let hand = Hand::default();
    let app = one(&hand).await;
    data_source(&app, messages(&[source("a", 1, "v")])).await;
    user(&app, messages(&[account("u", 1, "ana")])).await;
    for (statement_id, call) in app.warehouse.calls().iter().filter(|(_, call)| call.with_event) {
        let detail = json!({"statementName": call.name, "statementId": statement_id});
        outcome(&app, messages(&[json!({"source": "aws.redshift-data", "detail": detail})])).await;
    }
    let (logs, requests) = (LogLines::begin(), app.warehouse.requests());
    data_source(&app, messages(&[called(source("a", 1, "v"), "again")])).await;
    user(&app, messages(&[called(account("u", 1, "ana"), "again")])).await;
    let lines = logs.of("again");
    let steps: Vec<_> = lines.iter().map(|line| (&line["message"], &line["changed"])).collect();
    let (received, stored, in_force) = (json!("received"), json!("stored"), json!("in force already"));
    let one = [(&received, &Value::Null), (&stored, &json!(false)), (&in_force, &Value::Null)];
    assert_eq!(steps, [one, one].concat());
    assert_eq!(app.warehouse.requests(), requests, "nothing is submitted");
}

#[test]
fn targets_that_were_recorded_without_an_id_are_read() {
    let recorded =
        json!({"kind": "user", "id": "u", "revision": 3, "attempt": 0, "statements": 0, "then": {"state": "applied"}});
    let target: Target = serde_json::from_value(recorded.clone()).unwrap();
    assert_eq!(target.trace, None);
    assert_eq!(serde_json::to_value(&target).unwrap(), recorded);
}

/// Everything that a log may not hold, in events, in what the warehouse says, and in what services say.
#[tokio::test]
async fn nothing_governed_is_logged_at_any_level_whatever_fails() {
    let hand = Hand::default();
    let app = one(&hand).await;
    let logs = LogLines::with("trace");
    let refused = json!({"type": "user.created", "user": {"id": "bad", "version": "canary", "database_user": "ana"}});
    let mut person = account("u", 1, "ana");
    person["user"]["groups"] = json!(["canary"]);
    person["user"]["attributes"] = json!({"tone": ["canary"]});
    let fails = |message: &str| Script::Fail(BTreeMap::from([(0, message.to_owned()), (1, message.to_owned())]));
    let scripts = [
        Script::Finish,
        fails("ERROR: deadlock detected in CALL \"canary\""),
        fails("ERROR: invalid input syntax: \"canary\""),
        Script::Refuse(crate::error::ErrorKind::Retry, "ThrottlingException"),
        Script::Refuse(crate::error::ErrorKind::Reject, "ValidationException"),
        Script::Refuse(crate::error::ErrorKind::Defect, "AccessDeniedException"),
        Script::LoseReply,
        Script::Abort,
        // Last, since nothing is submitted after it.
        fails("FATAL: Connection refused: canary"),
    ];
    let mut in_status = 0;
    for (round, script) in scripts.into_iter().enumerate() {
        let version = u64::try_from(round).unwrap() + 2;
        let mut policy_event = masked(&json!({"kind": "constant", "value": "canary"}));
        policy_event["policy"]["version"] = json!(version);
        policy_event["policy"]["name"] = json!(format!("canary {round}"));
        policy(&app, messages(&[policy_event, refused.clone()])).await;
        person["user"]["version"] = json!(version);
        app.warehouse.script(script.clone());
        user(&app, messages(&[person.clone(), json!({"type": "canary"})])).await;
        outcome(&app, messages(&[ended(&app)])).await;
        app.warehouse.script(script);
        data_source(&app, messages(&[source("a", version, "v")])).await;
        outcome(&app, messages(&[ended(&app)])).await;
        app.queues.fail_next(1);
        policy(&app, messages(&[json!({"type": "policy.disabled", "id": "masked", "version": version})])).await;
        let record = app.store.get(Kind::DataSource, "a").await.unwrap();
        let reason = record.and_then(|record| record.status()?.reason);
        in_status += usize::from(reason.is_some_and(|reason| reason.contains("canary")));
    }
    let stored = format!("{:?}", app.store.get(Kind::User, "u").await.unwrap().unwrap());
    assert!(stored.contains("canary"), "the marks are where they belong: {stored}");
    assert!(in_status > 1, "and the warehouse's words in the status");
    let (text, lines) = (logs.text(), logs.all());
    for line in &lines {
        let shown = line.to_string();
        assert!(!["canary", "CALL", "SELECT", "INSERT"].iter().any(|mark| shown.contains(mark)), "{shown}");
    }
    for step in [
        "rejected",
        "settled",
        "can't be applied",
        "will be tried again",
        "the warehouse refused a call",
        "can't go on",
    ] {
        assert!(text.contains(&format!("\"{step}\"")), "it was put to the test: {step}");
    }
}
