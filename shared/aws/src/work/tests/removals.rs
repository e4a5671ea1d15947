//! What takes something away: until it did, documents that are no longer the newest stay in force, so it is never given up.

use super::*;

const ABORTED: &str = "ERROR: Query (1) cancelled on user's request";

/// A warehouse that is set up, and what may fail in passing may do so only so often.
async fn ready(max_attempts: u32) -> MemoryApp {
    let mut app = app();
    app.config.max_attempts = max_attempts;
    integration(&app, messages(&[warehouse("one", "wh")])).await;
    for queue in Queue::ALL {
        events(&app, queue);
    }
    app
}

/// Lets the last call that was made fail for a reason that passes.
async fn aborted(app: &MemoryApp) {
    assert_eq!(outcome(app, messages(&[ended(app)])).await, [Outcome::Done]);
}

fn last(app: &MemoryApp) -> Vec<String> {
    let (_, call) = app.warehouse.calls().pop().unwrap();
    call.statements.iter().map(|statement| statement.execute().to_owned()).collect()
}

fn passing() -> Script {
    Script::Fail((0..8).map(|place| (place, ABORTED.to_owned())).collect())
}

/// The one refresh that was asked for, and how long it is held back.
fn asked(app: &MemoryApp, queue: Queue) -> (Value, u32) {
    let mut sent = app.queues.take(queue, 10);
    assert_eq!(sent.len(), 1, "one refresh is asked for: {sent:?}");
    let sent = sent.remove(0);
    (serde_json::from_str(&sent.body).unwrap(), sent.delay_seconds)
}

async fn status(app: &MemoryApp, kind: Kind, id: &str) -> (State, Option<String>) {
    let status = app.store.get(kind, id).await.unwrap().unwrap().status().unwrap();
    (status.state, status.reason)
}

#[tokio::test]
async fn a_view_that_was_given_up_is_taken_away_however_often_that_fails() {
    let app = ready(1).await;
    data_source(&app, messages(&[source("a", 1, "v")])).await;
    aborted(&app).await;
    assert_eq!(status(&app, Kind::DataSource, "a").await.0, State::Applied);

    (0..3).for_each(|_| app.warehouse.script(passing()));
    data_source(&app, messages(&[source("a", 2, "v")])).await;
    aborted(&app).await;
    let (again, _) = asked(&app, Queue::DataSource);
    data_source(&app, messages(&[again])).await;
    aborted(&app).await;
    assert!(last(&app).iter().any(|text| text.contains(r#""drop_view"('a', 3"#)), "{:?}", last(&app));
    aborted(&app).await;
    let (again, delay) = asked(&app, Queue::DataSource);
    assert_eq!((&again["ids"], delay), (&json!(["a"]), 900));
    let pending = (State::Pending, Some(format!("not taken away yet: {ABORTED}")));
    assert_eq!(status(&app, Kind::DataSource, "a").await, pending);

    // The newest is tried once more, and if that fails it is the removal's turn again.
    app.warehouse.script(passing());
    data_source(&app, messages(&[again])).await;
    assert!(last(&app).iter().any(|text| text.contains(r#""apply_view"('a', 4"#)), "{:?}", last(&app));
    aborted(&app).await;
    assert!(last(&app).iter().any(|text| text.contains(r#""drop_view"('a', 4"#)), "{:?}", last(&app));
    aborted(&app).await;
    let given_up = (State::Unhealthy, Some(format!("given up after 1 attempts: {ABORTED}")));
    assert_eq!(status(&app, Kind::DataSource, "a").await, given_up);
    assert!(app.queues.take(Queue::DataSource, 10).is_empty());
}

#[tokio::test]
async fn a_profile_that_was_given_up_is_emptied_however_often_that_fails() {
    let app = ready(0).await;
    app.warehouse.script(passing());
    app.warehouse.script(passing());
    user(&app, messages(&[account("u", 1, "ana")])).await;
    aborted(&app).await;
    assert!(last(&app).iter().any(|text| text.contains("FALSE")), "{:?}", last(&app));
    aborted(&app).await;
    let (again, delay) = asked(&app, Queue::User);
    assert_eq!((&again["ids"], delay), (&json!(["u"]), 900));
    user(&app, messages(&[again])).await;
    aborted(&app).await;
    assert_eq!(status(&app, Kind::User, "u").await, (State::Applied, None));
}

#[tokio::test]
async fn what_is_deleted_or_switched_off_is_taken_away_however_often_that_fails() {
    let app = ready(0).await;
    let gone = |version: u64| json!({"type": "data_source.deleted", "id": "a", "version": version});
    let off = |version: u64| json!({"type": "data_source.disabled", "id": "a", "version": version});
    let mut version = 1;
    for (event, settled) in [(off(2), State::Disabled), (gone(3), State::Withdrawn)] {
        data_source(&app, messages(&[source("a", version, "v")])).await;
        aborted(&app).await;
        version += 2;
        (0..3).for_each(|_| app.warehouse.script(passing()));
        data_source(&app, messages(&[event])).await;
        for _ in 0..3 {
            aborted(&app).await;
            assert_eq!(status(&app, Kind::DataSource, "a").await.0, State::Pending);
            let (again, delay) = asked(&app, Queue::DataSource);
            assert_eq!(delay, 900);
            data_source(&app, messages(&[again])).await;
            assert!(last(&app).iter().any(|text| text.contains(r#""drop_view""#)), "{:?}", last(&app));
        }
        aborted(&app).await;
        assert_eq!(status(&app, Kind::DataSource, "a").await, (settled, None));
    }
}

#[tokio::test]
async fn when_a_user_is_given_up_the_account_before_is_emptied_too() {
    let app = ready(0).await;
    user(&app, messages(&[account("u", 1, "ana")])).await;
    aborted(&app).await;
    app.warehouse.script(passing());
    user(&app, messages(&[account("u", 2, "ana_2")])).await;
    aborted(&app).await;
    let removal = last(&app).join(";");
    for account in ["'ana', ", "'ana_2', "] {
        let row = removal.split(account).nth(1).unwrap_or_else(|| panic!("nothing empties {account}: {removal}"));
        assert!(row.split(')').next().unwrap().contains("FALSE"), "{removal}");
    }
}

#[tokio::test]
async fn an_event_that_comes_again_after_its_view_was_given_up_is_tried_at_a_new_revision() {
    let app = ready(1).await;
    app.warehouse.script(Script::Fail((0..8).map(|place| (place, "ERROR: permission denied".to_owned())).collect()));
    data_source(&app, messages(&[source("a", 1, "v")])).await;
    aborted(&app).await;
    assert!(last(&app).iter().any(|text| text.contains("drop_view")), "{:?}", last(&app));
    aborted(&app).await;
    assert_eq!(status(&app, Kind::DataSource, "a").await.0, State::Unhealthy);
    let before = app.store.get(Kind::DataSource, "a").await.unwrap().unwrap().revision;
    data_source(&app, messages(&[source("a", 1, "v")])).await;
    aborted(&app).await;
    assert_eq!(status(&app, Kind::DataSource, "a").await.0, State::Applied);
    let after = app.store.get(Kind::DataSource, "a").await.unwrap().unwrap().revision;
    assert_eq!(after, before + 1, "at the old revision the procedure would do nothing and end well");
}
