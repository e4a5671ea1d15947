//! Events over the webhook, as deployed: a function URL that anybody can reach, and producers that only have a key.

#![expect(clippy::unwrap_used, reason = "what a producer can't do fails the test")]

use std::{
    collections::BTreeMap,
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use redoubt_aws::port::Store;
use redoubt_core::{
    record::{Kind, State},
    render::hex,
};
use redoubt_tests::stack::{Function, Scene, StackError};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// An answer: status, headers in lower case, body.
pub(super) type Answer = (u16, BTreeMap<String, String>, Value);

/// A producer: it knows the URL and the keys.
pub(super) struct Producer {
    host: String,
    path: String,
    pub(super) keys: Value,
}

impl Producer {
    pub(super) async fn of(scene: &Scene) -> Result<Self, StackError> {
        let settings = &scene.stack.settings;
        let keys = scene.stack.secret(settings.get("REDOUBT_WEBHOOK_SECRET")).await?;
        let url = settings.get("REDOUBT_WEBHOOK_URL").trim_start_matches("http://");
        let (host, path) = url.split_once('/').unwrap();
        Ok(Self { host: host.to_owned(), path: format!("/{path}"), keys })
    }

    fn secret(&self, id: &str) -> &str {
        let keys = self.keys["keys"].as_array().unwrap();
        keys.iter().find(|key| key["id"] == id).and_then(|key| key["secret"].as_str()).unwrap()
    }

    pub(super) async fn post(&self, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = format!(
            "POST {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n",
            self.path,
            self.host,
            body.len()
        );
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        let mut connection = TcpStream::connect(&self.host).await.unwrap();
        connection.write_all(request.as_bytes()).await.unwrap();
        connection.write_all(body.as_bytes()).await.unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap().parse().unwrap();
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
        (status, headers, serde_json::from_str(body).unwrap())
    }

    /// Sends an event as Standard Webhooks say.
    pub(super) async fn send(&self, id: &str, event: &Value) -> Answer {
        let key = STANDARD.decode(self.secret("producer").trim_start_matches("whsec_")).unwrap();
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().to_string();
        let signature = format!("v1,{}", STANDARD.encode(mac(&key, &format!("{id}.{time}.{event}"))));
        let headers = [
            ("Content-Type", "application/json"),
            ("Webhook-Id", id),
            ("Webhook-Timestamp", &time),
            ("Webhook-Signature", &signature),
        ];
        self.post(&headers, &event.to_string()).await
    }

    /// Sends an event as GitHub does.
    async fn send_as_hub(&self, key: &str, delivery: &str, event: &Value) -> Answer {
        let body = event.to_string();
        let signature = format!("sha256={}", hex(&mac(self.secret(key).as_bytes(), &body)));
        let headers = [
            ("Content-Type", "application/json"),
            ("X-GitHub-Delivery", delivery),
            ("X-Hub-Signature-256", &signature),
        ];
        self.post(&headers, &body).await
    }
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

#[tokio::test]
async fn events_sent_to_the_webhook_are_enforced() -> Result<(), StackError> {
    let scene = Scene::begin("hook").await?;
    let producer = Producer::of(&scene).await?;
    let source = scene.people().await?;
    let ada = scene.account("ada").await?;
    let events = [
        source,
        scene.subscription("readers", 1, json!({"level": "anyone"})),
        scene.rules("names", 1, json!([{"mask": {"columns": {"name": "name"}, "using": {"kind": "null"}}}])),
        scene.user("ada", 1, &[], json!({})),
    ];
    for (index, event) in events.iter().enumerate() {
        let id = scene.name(&index.to_string());
        let (status, headers, body) = producer.send(&id, event).await;
        assert_eq!((status, body), (202, json!({"status": "accepted", "id": id})));
        assert_eq!(headers["content-type"], "application/json");
    }
    ada.until(&format!("SELECT id, name FROM {} WHERE id = 1", scene.view("people")), "1|NULL").await?;
    let (status, _, body) = producer.send_as_hub("hub", "d-1", &scene.event("policy.disabled", "readers", 2)).await;
    assert_eq!((status, body), (202, json!({"status": "accepted", "id": "d-1"})));
    ada.until(&format!("SELECT id FROM {}", scene.view("people")), "").await
}

#[tokio::test]
async fn a_delivery_that_comes_again_is_a_duplicate() -> Result<(), StackError> {
    let scene = Scene::begin("hooktwice").await?;
    let producer = Producer::of(&scene).await?;
    let id = scene.name("delivery");
    let event = scene.user("ada", 1, &[], json!({}));
    assert_eq!(producer.send(&id, &event).await.0, 202);
    scene.stack.status(Kind::User, &scene.name("ada"), State::Applied).await?;
    let (status, _, body) = producer.send(&id, &event).await;
    assert_eq!((status, body), (200, json!({"status": "duplicate", "id": id})));
    let deliveries = scene.stack.store.list(Kind::Delivery).await?;
    let noted = deliveries.iter().find(|record| record.document().is_some_and(|document| document["id"] == id));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let expires_at = noted.and_then(|record| record.expires_at).unwrap();
    assert!((now + 6 * 86_400..now + 8 * 86_400).contains(&expires_at), "{expires_at}");
    Ok(())
}

#[tokio::test]
async fn what_nobody_vouches_for_is_refused() -> Result<(), StackError> {
    let scene = Scene::begin("hookbad").await?;
    let producer = Producer::of(&scene).await?;
    let event = scene.user("ada", 1, &[], json!({}));
    let unauthenticated = json!({
        "type": "urn:redoubt:webhook:bad-signature", "title": "Not authenticated", "status": 401,
        "detail": "the signature is missing, wrong or expired",
    });
    let json_type = ("Content-Type", "application/json");
    let (status, headers, body) = producer.post(&[json_type], &event.to_string()).await;
    assert_eq!((status, body), (401, unauthenticated.clone()));
    assert_eq!(headers["content-type"], "application/problem+json");
    let zeros = format!("sha256={}", "0".repeat(64));
    let (status, _, body) = producer.post(&[json_type, ("X-Hub-Signature-256", &zeros)], &event.to_string()).await;
    assert_eq!((status, body), (401, unauthenticated));
    let large = "x".repeat(1_048_577);
    assert_eq!(producer.post(&[json_type], &large).await.0, 413);
    let text = [("Content-Type", "text/plain")];
    assert_eq!(producer.post(&text, &event.to_string()).await.0, 415);
    assert_eq!(scene.stack.record(Kind::User, &scene.name("ada")).await?, None);
    Ok(())
}

#[tokio::test]
async fn a_sender_learns_at_once_what_is_wrong_with_an_event() -> Result<(), StackError> {
    let scene = Scene::begin("hookfault").await?;
    let producer = Producer::of(&scene).await?;
    let mut event = scene.user("ada", 1, &[], json!({}));
    event["user"]["version"] = json!("one");
    let (status, _, body) = producer.send("fault", &event).await;
    assert_eq!((status, &body["faults"][0]["path"]), (422, &json!("user.version")));
    assert_eq!(producer.send("refresh", &json!({"type": "user.refresh", "ids": ["a"]})).await.0, 403);
    Ok(())
}

#[tokio::test]
async fn integrations_need_a_key_that_names_them() -> Result<(), StackError> {
    let scene = Scene::begin("hookint").await?;
    let producer = Producer::of(&scene).await?;
    let host = scene.stack.settings.get("REDOUBT_WAREHOUSE_HOST");
    let id = scene.name("wh");
    // Right in itself, so it is taken; but the host is another integration's, so its function refuses it.
    let event = json!({"type": "integration.created", "integration": {
        "id": id, "version": 1, "host": host, "workgroup": "w", "mode": "single_database", "database": "dev",
        "view_schema": "governed", "system_user": "sys", "secret": "arn:aws:secretsmanager:x",
        "setup": {"secret": "arn:aws:secretsmanager:y", "database": "dev",
                  "system_user_password_digest": format!("sha256|{}|salt", "a".repeat(64))},
    }});
    assert_eq!(producer.send("int", &event).await.0, 403);
    assert_eq!(producer.send_as_hub("hub", "int", &event).await.0, 403);
    assert_eq!(producer.send_as_hub("administrator", "int", &event).await.0, 202);
    let letter = scene.stack.dead_letter(Function::Integration, &id).await?;
    assert_eq!(letter.error.faults.len(), 1, "{:?}", letter.error.faults);
    assert!(letter.error.faults[0].starts_with("`integration.host`: found "), "{:?}", letter.error.faults);
    Ok(())
}
