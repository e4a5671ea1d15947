//! What is logged, and what is not.

use std::{
    cell::RefCell,
    io::{Result, Write},
    sync::Once,
};

use super::*;

thread_local! {
    /// What was logged on this thread, and thereby in this test.
    static LINES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

struct Lines;

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        LINES.with_borrow_mut(|lines| lines.write(bytes))
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

/// Starts logging for the whole process before any line is logged: a line first reached while a subscriber comes can be lost to it.
pub(super) fn start() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false).with_writer(|| Lines).init();
    });
}

#[tokio::test]
async fn the_log_says_why_and_quotes_nothing() {
    let world = World::new();
    let event = user("marker");
    let mut wrong = event.clone();
    wrong["user"]["marker"] = json!("marker");
    let good = Sent::standard(&event, "new");
    let signature = good.headers["webhook-signature"].clone();
    for sent in [
        good.clone(),
        good.clone(),
        good.clone().body(r#"{"marker"#),
        good.clone().header("content-type", "marker"),
        good.clone().header("webhook-timestamp", "marker"),
        Sent::standard(&event, "marker"),
        Sent::standard(&event, "expired"),
        Sent::standard(&event, "policies"),
        Sent::standard(&wrong, "new"),
        Sent::standard_at(&event, "new", "m", NOW - 600),
        Sent::github(&event, "marker"),
    ] {
        world.ask(&sent).await;
    }
    world.webhook.app.queues.fail_next(1);
    world.ask(&Sent::standard_at(&event, "new", "m2", NOW)).await;
    let log = LINES.with_borrow(|bytes| String::from_utf8(bytes.clone()).unwrap());
    for (secret, what) in
        [("marker", "the body"), (&*secret("new"), "a key"), ("whsec", "a key"), (&*signature, "a signature")]
    {
        assert!(!log.contains(secret), "{what}: {log}");
    }
    for reason in [
        "accepted key=\"new\" id=\"msg_1\" event_type=\"user.created\"",
        "accepted before",
        "no key bears it out",
        "the key `expired` is not active",
        "it was signed 600 seconds ago",
        "`user.created` events are not taken from this sender",
        "refused status=422 faults=1",
        "RequestThrottled",
    ] {
        assert!(log.contains(reason), "{reason}: {log}");
    }
}
