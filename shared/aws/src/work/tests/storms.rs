//! Calls that the warehouse has no room for come again with their messages, and never as more than they were.

use super::*;
use crate::error::ErrorKind;

async fn full(app: &MemoryApp, refusals: usize) {
    for _ in 0..refusals {
        app.warehouse.script(Script::Refuse(ErrorKind::Retry, "ActiveStatementsExceededException"));
        let refresh = json!({"type": "data_source.refresh", "ids": ["a"]});
        assert_eq!(data_source(app, messages(&[refresh])).await, [Outcome::Retry]);
    }
}

async fn governed() -> MemoryApp {
    let app = app();
    assert_eq!(integration(&app, messages(&[warehouse("one", "wh")])).await, [Outcome::Done]);
    assert_eq!(data_source(&app, messages(&[source("a", 1, "v")])).await, [Outcome::Done]);
    for record in app.store.list(Kind::Submission).await.unwrap() {
        app.store.remove(Kind::Submission, &record.id).await.unwrap();
    }
    app
}

#[tokio::test]
async fn a_call_that_was_refused_for_want_of_room_leaves_nothing_to_wait_for() {
    let app = governed().await;
    full(&app, 5).await;
    assert!(app.store.list(Kind::Submission).await.unwrap().is_empty());
}

#[tokio::test]
async fn attempts_that_were_lost_are_asked_for_once_however_many_they_were() {
    let app = governed().await;
    // The reply is lost: whether it was taken is not known.
    for _ in 0..5 {
        app.warehouse.script(Script::Refuse(ErrorKind::Retry, "InternalServerException"));
        let refresh = json!({"type": "data_source.refresh", "ids": ["a"]});
        assert_eq!(data_source(&app, messages(&[refresh])).await, [Outcome::Retry]);
    }
    let lost = app.store.list(Kind::Submission).await.unwrap();
    assert_eq!(lost.len(), 5);
    for mut record in lost {
        let mut submission = record.document().unwrap().clone();
        submission["recorded_at"] = json!("2020-01-01T00:00:00Z");
        record.merge(&[Write::set(DOCUMENT, record.fields[DOCUMENT].version + 1, submission)]).unwrap();
        assert_eq!(app.store.put(&record).await.unwrap(), Put::Stored);
    }
    events(&app, Queue::DataSource);
    assert_eq!(reconcile(&app, messages(&[json!({"type": "sweep"})])).await, [Outcome::Done]);
    assert!(app.store.list(Kind::Submission).await.unwrap().is_empty());
    assert_eq!(events(&app, Queue::DataSource).len(), 1, "only the newest revision is tried again");
}
