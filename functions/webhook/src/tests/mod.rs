//! Requests against the webhook in memory.

mod deliveries;
mod failures;
mod known_vectors;
mod log;
mod properties;
mod table;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use redoubt_aws::{
    config::Config,
    port::{Clock, Queue, Store, SystemEntropy},
    queue::MemoryQueues,
    runtime::App,
    secret::{MemorySecret, Secret},
    store::MemoryStore,
};
use redoubt_core::render::hex;
use serde_json::{Value, json};
use sha2::Sha256;
use time::OffsetDateTime;

use crate::{Answer, Request, Webhook, keys::Keys};

/// 2026-01-01T00:00:00Z.
pub(super) const NOW: i64 = 1_767_225_600;
pub(super) const WINDOW: Duration = Duration::from_secs(300);

/// Seconds since 1970.
#[derive(Clone)]
pub(super) struct Hand(pub(super) Arc<AtomicI64>);

impl Clock for Hand {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(self.0.load(Relaxed)).unwrap()
    }
}

/// The webhook, and the hand on its clock.
pub(super) struct World<S = MemoryStore> {
    pub(super) webhook: Webhook<S, MemoryQueues, MemorySecret>,
    pub(super) hand: Hand,
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(MemoryStore::new(), &[Some(&document())])
    }
}

impl<S: Store> World<S> {
    pub(super) fn with(store: S, documents: &[Option<&str>]) -> Self {
        log::start();
        let hand = Hand(Arc::new(AtomicI64::new(NOW)));
        let config = Config::from_pairs([("REDOUBT_TABLE".to_owned(), "t".to_owned())].into_iter()).unwrap();
        let app = App::new(store, (), MemoryQueues::new(), config).with(hand.clone(), SystemEntropy);
        let keys = Secret::new(MemorySecret::new(documents), |text| Keys::parse(text).map(Arc::new), WINDOW);
        Self { webhook: Webhook::new(app, keys.with_clock(hand.clone()), WINDOW), hand }
    }

    /// Status and body of the answer to a request, as Lambda hands it over.
    pub(super) async fn ask(&self, sent: &Sent) -> (u16, Value) {
        let answer = self.answer(sent).await;
        (answer.status_code, serde_json::from_str(&answer.body).unwrap())
    }

    pub(super) async fn answer(&self, sent: &Sent) -> Answer {
        let request: Request = serde_json::from_value(sent.event()).unwrap();
        self.webhook.answer(&request).await
    }

    /// How many messages are in all queues.
    pub(super) fn sent(&self) -> usize {
        Queue::ALL.iter().map(|queue| self.webhook.app.queues.len(*queue)).sum()
    }
}

/// The secret of a key: the same text for all schemes, of 24 bytes.
pub(super) fn secret(id: &str) -> String {
    format!("{id:_<24}")
}

/// Keys of every sort.
pub(super) fn document() -> String {
    let key = |id: &str, rest: Value| {
        let mut key =
            json!({"id": id, "scheme": "standard", "secret": format!("whsec_{}", STANDARD.encode(secret(id)))});
        key.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        key
    };
    json!({"keys": [
        key("old", json!({"not_after": "2026-01-01T00:00:01Z"})),
        key("new", json!({"not_before": "2026-01-01T01:00:00+01:00"})),
        key("expired", json!({"not_after": "2026-01-01T00:00:00Z"})),
        key("future", json!({"not_before": "2026-01-01T00:00:01Z"})),
        key("policies", json!({"events": ["policy.", "user.deleted"]})),
        key("admin", json!({"events": ["integration.created"]})),
        key("nothing", json!({"events": []})),
        key("hub", json!({"scheme": "github", "secret": secret("hub")})),
        key("hubadmin", json!({"scheme": "github", "secret": secret("hubadmin"), "events": ["integration."]})),
    ]})
    .to_string()
}

pub(super) fn mac(secret: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

/// A request to send, well-formed until it is changed.
#[derive(Clone)]
pub(super) struct Sent {
    pub(super) method: &'static str,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: String,
    pub(super) base64: bool,
}

impl Sent {
    fn of(body: &Value) -> Self {
        let headers = [("content-type", "application/json"), ("host", "abc.lambda-url.eu-west-1.on.aws")];
        let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { method: "POST", headers, body: body.to_string(), base64: false }
    }

    /// Signed as Standard Webhooks do.
    pub(super) fn standard(body: &Value, key: &str) -> Self {
        Self::standard_at(body, key, "msg_1", NOW)
    }

    pub(super) fn standard_at(body: &Value, key: &str, id: &str, timestamp: i64) -> Self {
        let sent = Self::of(body);
        let signature = standard_signature(key, id, timestamp, &sent.body);
        sent.header("webhook-id", id)
            .header("webhook-timestamp", &timestamp.to_string())
            .header("webhook-signature", &signature)
    }

    /// Signed as GitHub does.
    pub(super) fn github(body: &Value, key: &str) -> Self {
        let sent = Self::of(body);
        let signature = hex(&mac(secret(key).as_bytes(), &[sent.body.as_bytes()]));
        sent.header("x-hub-signature-256", &format!("sha256={signature}")).header("x-github-delivery", "d-1")
    }

    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(super) fn without(mut self, name: &str) -> Self {
        self.headers.remove(name).unwrap();
        self
    }

    pub(super) fn body(mut self, body: impl Into<String>) -> Self {
        self.body = body.into();
        self
    }

    pub(super) fn encoded(mut self) -> Self {
        self.body = STANDARD.encode(&self.body);
        self.base64 = true;
        self
    }

    fn event(&self) -> Value {
        json!({
            "version": "2.0", "routeKey": "$default", "rawPath": "/", "rawQueryString": "", "cookies": [],
            "headers": self.headers, "body": self.body, "isBase64Encoded": self.base64,
            "requestContext": {"accountId": "anonymous", "http": {"method": self.method, "path": "/"}},
        })
    }
}

pub(super) fn standard_signature(key: &str, id: &str, timestamp: i64, body: &str) -> String {
    let text = format!("{id}.{timestamp}.{body}");
    format!("v1,{}", STANDARD.encode(mac(secret(key).as_bytes(), &[text.as_bytes()])))
}

pub(super) fn user(id: &str) -> Value {
    json!({"type": "user.created", "user": {"id": id, "version": 1, "database_user": id}})
}

pub(super) fn integration() -> Value {
    json!({"type": "integration.created", "integration": {
        "id": "wh", "version": 1, "host": "wh.example.com", "workgroup": "wh", "mode": "single_database",
        "database": "dev", "view_schema": "governed", "system_user": "sys", "secret": "arn:aws:s",
        "setup": {"secret": "arn:aws:setup", "database": "dev",
                  "system_user_password_digest": format!("sha256|{}|salt", "a".repeat(64))},
    }})
}

/// The body of a refusal.
pub(super) fn problem(kind: &str, title: &str, status: u16, detail: &str) -> Value {
    json!({"type": format!("urn:redoubt:webhook:{kind}"), "title": title, "status": status, "detail": detail})
}
