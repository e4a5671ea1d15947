//! What is needed fails.

use redoubt_aws::{
    error::{ErrorKind, StoreError},
    fault::ServiceFault,
    port::Put,
};
use redoubt_core::record::{Kind, Record, Status};

use super::*;

fn unavailable() -> (u16, Value) {
    (503, problem("unavailable", "Unavailable", 503, "the event could not be taken now"))
}

/// A store that fails to read or to write, or never answers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Broken {
    Get,
    Put,
    Silent,
}

impl Broken {
    async fn fail<T>(self, when: Self, otherwise: T) -> Result<T, StoreError> {
        if self == Self::Silent {
            std::future::pending::<()>().await;
        }
        let source = ServiceFault::new(ErrorKind::Retry, "ThrottlingException");
        if self == when { Err(StoreError::Service { operation: "get", source }) } else { Ok(otherwise) }
    }
}

impl Store for Broken {
    async fn get(&self, _: Kind, _: &str) -> Result<Option<Record>, StoreError> {
        self.fail(Self::Get, None).await
    }

    async fn list(&self, _: Kind) -> Result<Vec<Record>, StoreError> {
        panic!("not needed")
    }

    async fn put(&self, _: &Record) -> Result<Put, StoreError> {
        self.fail(Self::Put, Put::Stored).await
    }

    async fn bump(&self, _: Kind, _: &str) -> Result<Option<Record>, StoreError> {
        panic!("not needed")
    }

    async fn set_status(&self, _: Kind, _: &str, _: &str, _: &Status) -> Result<bool, StoreError> {
        panic!("not needed")
    }

    async fn remove(&self, _: Kind, _: &str) -> Result<(), StoreError> {
        panic!("not needed")
    }
}

#[tokio::test]
async fn what_the_queue_refused_is_not_noted() {
    let world = World::new();
    let sent = Sent::standard(&user("ann"), "new");
    world.webhook.app.queues.fail_next(1);
    let answer = world.answer(&sent).await;
    assert_eq!((answer.status_code, answer.headers["retry-after"]), (503, "30"));
    assert_eq!(world.sent(), 0);
    assert_eq!(world.ask(&sent).await, (202, json!({"status": "accepted", "id": "msg_1"})));
    assert_eq!(world.sent(), 1);
}

#[tokio::test]
async fn without_keys_nothing_is_taken() {
    let keys = document();
    for bad in [None, Some(""), Some("{}"), Some(r#"{"keys":[{"id":"a"}]}"#)] {
        let world = World::with(MemoryStore::new(), &[bad, Some(&keys)]);
        let sent = Sent::standard(&user("ann"), "new");
        assert_eq!(world.ask(&sent).await, unavailable(), "{bad:?}");
        assert_eq!(world.ask(&sent).await.0, 202, "{bad:?}: read again");
    }
    let none = World::with(MemoryStore::new(), &[Some(r#"{"keys":[]}"#)]);
    assert_eq!(none.ask(&Sent::standard(&user("ann"), "new")).await.0, 401);
}

#[tokio::test]
async fn a_key_that_was_withdrawn_counts_no_longer_than_the_copy() {
    let keys = document();
    let world = World::with(MemoryStore::new(), &[Some(&keys), Some(r#"{"keys":[]}"#)]);
    let at = |seconds: i64| Sent::standard_at(&user("ann"), "new", "m", NOW + seconds);
    assert_eq!(world.ask(&at(0)).await.0, 202);
    world.hand.0.store(NOW + 300, Relaxed);
    assert_eq!(world.ask(&at(300)).await.0, 401);
}

#[tokio::test]
async fn a_store_that_can_not_be_read_stops_it_and_one_that_can_not_be_written_does_not() {
    let keys = document();
    let world = World::with(Broken::Get, &[Some(&keys)]);
    assert_eq!(world.ask(&Sent::standard(&user("ann"), "new")).await, unavailable());
    assert_eq!(world.sent(), 0);
    let world = World::with(Broken::Put, &[Some(&keys)]);
    assert_eq!(world.ask(&Sent::standard(&user("ann"), "new")).await.0, 202);
    assert_eq!(world.sent(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_sender_is_answered_before_it_gives_up() {
    let keys = document();
    let world = World::with(Broken::Silent, &[Some(&keys)]);
    let begin = tokio::time::Instant::now();
    assert_eq!(world.ask(&Sent::standard(&user("ann"), "new")).await, unavailable());
    assert!(begin.elapsed() < Duration::from_secs(10));
}
