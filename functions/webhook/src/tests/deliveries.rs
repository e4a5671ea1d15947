//! Deliveries that come again.

use redoubt_aws::port::Queue;
use redoubt_core::{event::parse, record::Kind};

use super::*;

const DAY: i64 = 86_400;

fn accepted(id: &str) -> (u16, Value) {
    (202, json!({"status": "accepted", "id": id}))
}

fn duplicate(id: &str) -> (u16, Value) {
    (200, json!({"status": "duplicate", "id": id}))
}

#[tokio::test]
async fn a_replay_is_told_and_sent_on_once() {
    for (sent, id) in [(Sent::standard(&user("ann"), "new"), "msg_1"), (Sent::github(&user("ann"), "hub"), "d-1")] {
        let world = World::new();
        assert_eq!(world.ask(&sent).await, accepted(id));
        assert_eq!(world.ask(&sent).await, duplicate(id));
        assert_eq!(world.ask(&sent.clone().encoded()).await, duplicate(id));
        assert_eq!(world.sent(), 1);
    }
}

#[tokio::test]
async fn an_event_without_a_name_is_called_as_its_delivery() {
    let world = World::new();
    let mut named = user("bob");
    named["correlation_id"] = json!("change-7");
    let envelope = json!({"id": "e-1", "detail-type": "user.created", "detail": user("cyd")});
    for (event, name) in [(user("ann"), "msg_1"), (named, "change-7"), (envelope, "e-1")] {
        world.ask(&Sent::standard(&event, "new")).await;
        let body = world.webhook.app.queues.take(Queue::User, 1).remove(0).body;
        let incoming = parse(&body).unwrap();
        assert_eq!(incoming.label().unwrap().as_str(), name, "{body}");
        assert_eq!(incoming.event, parse(&event.to_string()).unwrap().event);
    }
}

#[tokio::test]
async fn a_sender_that_tries_again_signs_anew_and_perhaps_with_another_key() {
    let world = World::new();
    assert_eq!(world.ask(&Sent::standard_at(&user("ann"), "old", "m", NOW)).await, accepted("m"));
    world.hand.0.store(NOW + DAY, Relaxed);
    assert_eq!(world.ask(&Sent::standard_at(&user("ann"), "new", "m", NOW + DAY)).await, duplicate("m"));
    assert_eq!(world.sent(), 1);
}

#[tokio::test]
async fn what_is_replayed_later_is_too_old() {
    let world = World::new();
    let sent = Sent::standard(&user("ann"), "new");
    world.ask(&sent).await;
    world.hand.0.store(NOW + 301, Relaxed);
    assert_eq!(world.ask(&sent).await.0, 401);
}

#[tokio::test]
async fn another_event_under_the_same_id_is_not_lost() {
    let world = World::new();
    assert_eq!(world.ask(&Sent::standard(&user("ann"), "new")).await, accepted("msg_1"));
    assert_eq!(world.ask(&Sent::standard(&user("bob"), "new")).await, accepted("msg_1"));
    assert_eq!(world.ask(&Sent::standard_at(&user("ann"), "new", "msg_2", NOW)).await, accepted("msg_2"));
    assert_eq!(world.sent(), 3);
}

#[tokio::test]
async fn an_id_that_is_not_signed_makes_no_new_delivery() {
    let world = World::new();
    let sent = Sent::github(&user("ann"), "hub");
    assert_eq!(world.ask(&sent).await, accepted("d-1"));
    assert_eq!(world.ask(&sent.clone().header("x-github-delivery", "d-2")).await, duplicate("d-2"));
    let digits = sent.headers["x-hub-signature-256"].strip_prefix("sha256=").unwrap().to_uppercase();
    let shouted = sent.header("x-hub-signature-256", &format!("sha256={digits}"));
    assert_eq!(world.ask(&shouted).await, duplicate("d-1"));
    assert_eq!(world.sent(), 1);
}

#[tokio::test]
async fn a_replay_needs_the_permission_too() {
    let world = World::new();
    world.ask(&Sent::standard(&user("ann"), "new")).await;
    assert_eq!(world.ask(&Sent::standard(&user("ann"), "policies")).await.0, 403);
}

#[tokio::test]
async fn a_delivery_is_forgotten_after_a_week() {
    let world = World::new();
    let sent = Sent::github(&user("ann"), "hub");
    assert_eq!(world.ask(&sent).await, accepted("d-1"));
    let record = || async {
        let records = world.webhook.app.store.list(Kind::Delivery).await.unwrap();
        assert_eq!(records.len(), 1);
        records.into_iter().next().unwrap()
    };
    let first = record().await;
    assert_eq!(first.expires_at, Some(u64::try_from(NOW + 7 * DAY).unwrap()));
    assert_eq!(first.document(), Some(&json!({"key": "hub", "id": "d-1", "at": "2026-01-01T00:00:00Z"})));
    assert_eq!(first.id.len(), 64, "a digest");
    world.hand.0.store(NOW + 7 * DAY - 1, Relaxed);
    assert_eq!(world.ask(&sent).await, duplicate("d-1"));
    // The store has not removed it yet.
    world.hand.0.store(NOW + 7 * DAY, Relaxed);
    assert_eq!(world.ask(&sent).await, accepted("d-1"));
    assert_eq!(world.ask(&sent).await, duplicate("d-1"));
    assert_eq!(record().await.expires_at, Some(u64::try_from(NOW + 14 * DAY).unwrap()));
    assert_eq!(world.sent(), 2);
}
