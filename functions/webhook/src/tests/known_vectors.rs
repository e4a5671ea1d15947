//! Signatures that others published.

use super::*;
use crate::signature::{Distrust, Signed};

fn request(headers: &[(&str, &str)]) -> Request {
    let headers: BTreeMap<_, _> = headers.iter().copied().collect();
    serde_json::from_value(json!({"headers": headers})).unwrap()
}

fn verify(request: &Request, body: &str, keys: &Value, now: i64) -> Result<Vec<String>, Distrust> {
    log::start();
    let keys = Keys::parse(&json!({"keys": [keys]}).to_string()).unwrap();
    let signed = Signed::read(request).unwrap();
    let now = OffsetDateTime::from_unix_timestamp(now).unwrap();
    let found = signed.verify(body.as_bytes(), &keys, now, WINDOW)?;
    Ok(found.into_iter().map(|key| key.id().to_owned()).collect())
}

/// From the libraries of <https://github.com/standard-webhooks/standard-webhooks>: `libraries/rust/src/lib.rs` (`test_sign`) and
/// `libraries/go/webhook_symmetric_test.go` (`TestSymmetricWebhookSign`).
#[test]
fn of_standard_webhooks() {
    for (secret, id, timestamp, body, signature) in [
        (
            "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
            "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            1_649_367_553,
            r#"{"email":"test@example.com","username":"test_user"}"#,
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
        ),
        (
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
    ] {
        let key = json!({"id": "k", "scheme": "standard", "secret": secret});
        let time = timestamp.to_string();
        let request = request(&[("webhook-id", id), ("webhook-timestamp", &time), ("webhook-signature", signature)]);
        assert_eq!(verify(&request, body, &key, timestamp), Ok(vec!["k".to_owned()]));
        assert_eq!(verify(&request, &format!("{body} "), &key, timestamp), Err(Distrust::Wrong));
        assert_eq!(verify(&request, body, &key, timestamp + 300), Ok(vec!["k".to_owned()]));
        assert_eq!(verify(&request, body, &key, timestamp + 301), Err(Distrust::Time(301)));
    }
}

/// From <https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries>, "Testing the webhook payload
/// validation".
#[test]
fn of_github() {
    let key = json!({"id": "k", "scheme": "github", "secret": "It's a Secret to Everybody"});
    let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let request = request(&[("X-Hub-Signature-256", signature)]);
    assert_eq!(verify(&request, "Hello, World!", &key, NOW), Ok(vec!["k".to_owned()]));
    assert_eq!(verify(&request, "Hello, World", &key, NOW), Err(Distrust::Wrong));
}
