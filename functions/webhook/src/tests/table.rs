//! One request each: what is answered, and whether anything reached a queue.

use redoubt_aws::queue::MAX_MESSAGE_BYTES;
use redoubt_core::event::CorrelationId;

use super::*;

fn unauthenticated() -> (u16, Value) {
    (401, problem("bad-signature", "Not authenticated", 401, "the signature is missing, wrong or expired"))
}

fn bad_header(detail: &str) -> (u16, Value) {
    (400, problem("bad-header", "Malformed header", 400, detail))
}

fn not_json(detail: &str) -> (u16, Value) {
    (400, problem("not-json", "Not JSON", 400, detail))
}

fn forbidden(event: &str) -> (u16, Value) {
    let detail = format!("`{event}` events are not taken from this sender");
    (403, problem("not-permitted", "Not permitted", 403, &detail))
}

fn too_large() -> (u16, Value) {
    (413, problem("too-large", "Too large", 413, "the body has more than 1048576 bytes"))
}

fn faults(faults: Value) -> (u16, Value) {
    let mut problem = problem("faults", "Faults in the event", 422, "the event has faults");
    problem["faults"] = faults;
    (422, problem)
}

async fn refused(cases: Vec<(&str, Sent, (u16, Value))>) {
    for (name, sent, expected) in cases {
        let world = World::new();
        assert_eq!(world.ask(&sent).await, expected, "{name}");
        assert_eq!(world.sent(), 0, "{name}");
        let headers = world.answer(&sent).await.headers;
        assert_eq!(headers["content-type"], "application/problem+json", "{name}");
    }
}

async fn accepted(cases: Vec<(&str, Sent, Queue, &str)>) {
    for (name, sent, queue, id) in cases {
        let world = World::new();
        assert_eq!(world.ask(&sent).await, (202, json!({"status": "accepted", "id": id})), "{name}");
        let messages = world.webhook.app.queues.take(queue, 9);
        assert_eq!(messages.len(), 1, "{name}");
        let body =
            if sent.base64 { String::from_utf8(STANDARD.decode(&sent.body).unwrap()).unwrap() } else { sent.body };
        // An event without a name gets that of its delivery in front, if that can stand in a log line.
        let unnamed = !body.contains("detail-type") && CorrelationId::new(id).is_some();
        let before = if unnamed { format!("{{\"correlation_id\":\"{id}\",") } else { "{".to_owned() };
        let rest = messages[0].body.strip_prefix(&before).unwrap_or_else(|| panic!("{name}: {}", messages[0].body));
        assert_eq!(format!("{{{rest}"), body, "{name}: what was signed is what is sent on");
        assert_eq!(world.sent(), 0, "{name}: and nothing else");
    }
}

#[tokio::test]
async fn good_requests() {
    let user = user("ann");
    let old_and_new = format!(
        "v1,{} v1a,aaaa {} {}",
        STANDARD.encode([7; 32]),
        standard_signature("old", "msg_1", NOW, &user.to_string()),
        standard_signature("new", "msg_1", NOW, &user.to_string()),
    );
    let policy = json!({"type": "policy.disabled", "id": "p", "version": 2});
    let source = json!({"type": "data_source.deleted", "id": "s", "version": 2});
    let project = json!({"type": "project.deleted", "id": "p", "version": 2});
    let envelope =
        json!({"id": "e", "detail-type": "user.deleted", "source": "x", "detail": {"id": "u", "version": 2}});
    let hub = Sent::github(&user, "hub");
    let digits = hub.headers["x-hub-signature-256"].strip_prefix("sha256=").unwrap().to_uppercase();
    let mut shouted = Sent::standard(&user, "new");
    shouted.headers = shouted.headers.into_iter().map(|(name, value)| (name.to_uppercase(), value)).collect();
    accepted(vec![
        ("a user event", Sent::standard(&user, "new"), Queue::User, "msg_1"),
        ("a key in its last second", Sent::standard(&user, "old"), Queue::User, "msg_1"),
        (
            "several signatures",
            Sent::standard(&user, "new").header("webhook-signature", &old_and_new),
            Queue::User,
            "msg_1",
        ),
        ("a policy event", Sent::standard(&policy, "new"), Queue::Policy, "msg_1"),
        ("a data source event", Sent::standard(&source, "new"), Queue::DataSource, "msg_1"),
        ("a project event", Sent::standard(&project, "new"), Queue::User, "msg_1"),
        ("an EventBridge event", Sent::standard(&envelope, "new"), Queue::User, "msg_1"),
        ("a key for policies", Sent::standard(&policy, "policies"), Queue::Policy, "msg_1"),
        ("a key that names the type", Sent::standard(&envelope, "policies"), Queue::User, "msg_1"),
        ("an integration event with permission", Sent::standard(&integration(), "admin"), Queue::Integration, "msg_1"),
        ("the same with GitHub's scheme", Sent::github(&integration(), "hubadmin"), Queue::Integration, "d-1"),
        ("an old signature", Sent::standard_at(&user, "new", "m", NOW - 300), Queue::User, "m"),
        ("a new signature", Sent::standard_at(&user, "new", "m", NOW + 300), Queue::User, "m"),
        ("an id with every character", Sent::standard_at(&user, "new", "!~:/\"{", NOW), Queue::User, "!~:/\"{"),
        ("a base64 body", Sent::standard(&user, "new").encoded(), Queue::User, "msg_1"),
        ("uppercase names of headers", shouted, Queue::User, "msg_1"),
        (
            "a charset",
            Sent::standard(&user, "new").header("content-type", "Application/JSON; charset=utf-8"),
            Queue::User,
            "msg_1",
        ),
        ("GitHub's scheme", hub.clone(), Queue::User, "d-1"),
        (
            "uppercase digits",
            hub.clone().header("x-hub-signature-256", &format!("sha256={digits}")),
            Queue::User,
            "d-1",
        ),
        ("GitHub's scheme in base64", hub.encoded(), Queue::User, "d-1"),
    ])
    .await;
}

#[tokio::test]
async fn an_id_that_the_sender_does_not_give_is_made_up() {
    let world = World::new();
    let (status, body) = world.ask(&Sent::github(&user("ann"), "hub").without("x-github-delivery")).await;
    assert_eq!((status, body["id"].as_str().unwrap().len()), (202, 64));
}

#[tokio::test]
async fn requests_of_unknown_origin() {
    let user = user("ann");
    let good = Sent::standard(&user, "new");
    let other = self::user("bob").to_string();
    let v1 = |bytes: usize| format!("v1,{}", STANDARD.encode(vec![7; bytes]));
    let signed_as_github = format!("sha256={}", hex(&mac(secret("new").as_bytes(), &[good.body.as_bytes()])));
    let signed_as_standard = standard_signature("hub", "msg_1", NOW, &good.body);
    refused(vec![
        ("unsigned", Sent::of(&user), unauthenticated()),
        ("no signature", good.clone().without("webhook-signature"), unauthenticated()),
        ("no id", good.clone().without("webhook-id"), unauthenticated()),
        ("no time", good.clone().without("webhook-timestamp"), unauthenticated()),
        ("wrong id", good.clone().header("webhook-id", "msg_2"), unauthenticated()),
        ("wrong time", good.clone().header("webhook-timestamp", &(NOW + 1).to_string()), unauthenticated()),
        ("tampered body", good.clone().body(&other), unauthenticated()),
        ("tampered base64 body", good.clone().body(&other).encoded(), unauthenticated()),
        ("empty body", good.clone().body(""), unauthenticated()),
        ("unknown key", Sent::standard(&user, "nobody"), unauthenticated()),
        ("a key that expired", Sent::standard(&user, "expired"), unauthenticated()),
        ("a key of tomorrow", Sent::standard(&user, "future"), unauthenticated()),
        ("too old", Sent::standard_at(&user, "new", "m", NOW - 301), unauthenticated()),
        ("too new", Sent::standard_at(&user, "new", "m", NOW + 301), unauthenticated()),
        ("from 1970", Sent::standard_at(&user, "new", "m", 0), unauthenticated()),
        ("only other versions", good.clone().header("webhook-signature", "v1a,aaaa v2,bbbb"), unauthenticated()),
        ("a wrong signature", good.clone().header("webhook-signature", &v1(32)), unauthenticated()),
        ("a key of GitHub's scheme", good.clone().header("webhook-signature", &signed_as_standard), unauthenticated()),
        (
            "GitHub's scheme with a key of the other",
            Sent::github(&user, "hub").header("x-hub-signature-256", &signed_as_github),
            unauthenticated(),
        ),
        ("tampered body, GitHub's scheme", Sent::github(&user, "hub").body(&other), unauthenticated()),
        ("not even JSON", good.clone().body("{"), unauthenticated()),
    ])
    .await;
}

#[tokio::test]
async fn malformed_requests() {
    let user = user("ann");
    let good = Sent::standard(&user, "new");
    let v1 = |bytes: usize| format!("v1,{}", STANDARD.encode(vec![7; bytes]));
    let signature = "`webhook-signature` is not `v1,` and the base64 of 32 bytes";
    let not_a_list = "`webhook-signature` is not a list of versions with signatures";
    let time = "`webhook-timestamp` is not a number of seconds since 1970";
    let id = "`webhook-id` is not 1 to 256 visible ASCII characters without a dot";
    let hub = "`x-hub-signature-256` is not `sha256=` and 64 hexadecimal digits";
    let mut twice = good.clone();
    twice.headers.insert("Webhook-Id".to_owned(), "msg_2".to_owned());
    let mut cases = vec![
        (good.clone().header("webhook-id", &"i".repeat(257)), bad_header(id)),
        (twice, bad_header("a header is there twice")),
        (good.clone().header("x-hub-signature-256", "sha256="), bad_header("there are signatures of two schemes")),
        (
            good.clone().header("webhook-signature", &vec![v1(32); 17].join(" ")),
            bad_header("`webhook-signature` has more than 16 signatures"),
        ),
        (
            Sent::github(&user, "hub").header("x-github-delivery", "a b"),
            bad_header("`x-github-delivery` is not 1 to 256 visible ASCII characters"),
        ),
        (Sent { base64: true, ..good.clone() }, not_json("the body is not base64")),
    ];
    for bad in ["v1,", "v1,=", "v1,a-_=", &v1(31), &v1(33), "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4"] {
        cases.push((good.clone().header("webhook-signature", bad), bad_header(signature)));
    }
    for bad in ["v1", "K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="] {
        cases.push((good.clone().header("webhook-signature", bad), bad_header(not_a_list)));
    }
    for bad in ["", "now", "+1767225600", "-1", "1767225600.0", "1e9", "0x5", "1767225600000000000000000000", "１"] {
        cases.push((good.clone().header("webhook-timestamp", bad), bad_header(time)));
    }
    for bad in ["", "a b", "a.b", "ä", "a\u{7f}"] {
        cases.push((good.clone().header("webhook-id", bad), bad_header(id)));
    }
    for bad in ["", "sha256=", "sha1=aa", &format!("sha256={}", "g".repeat(64)), &format!("SHA256={}", "a".repeat(64))]
    {
        cases.push((Sent::github(&user, "hub").header("x-hub-signature-256", bad), bad_header(hub)));
    }
    for bad in ["a".repeat(63), "a".repeat(65), format!("{}+a", "a".repeat(62)), "é".repeat(32)] {
        let bad = format!("sha256={bad}");
        cases.push((Sent::github(&user, "hub").header("x-hub-signature-256", &bad), bad_header(hub)));
    }
    refused(cases.into_iter().map(|(sent, expected)| ("malformed", sent, expected)).collect()).await;
}

#[tokio::test]
async fn requests_that_are_refused_for_what_they_hold() {
    let user = user("ann");
    let signed = |body: &str, key: &str| {
        let sent = Sent::standard(&Value::Null, key).body(body);
        let signature = standard_signature(key, "msg_1", NOW, body);
        sent.header("webhook-signature", &signature)
    };
    let refresh = |what: &str| Sent::standard(&json!({"type": format!("{what}.refresh"), "ids": ["a"]}), "new");
    let latin = STANDARD.encode(b"\"\xe9\"");
    let latin_signature =
        format!("v1,{}", STANDARD.encode(mac(secret("new").as_bytes(), &[b"msg_1.1767225600.", b"\"\xe9\""])));
    let latin = Sent { base64: true, ..signed("", "new").body(latin).header("webhook-signature", &latin_signature) };
    let fault = |path: &str, found: &str, expected: &str| json!({"path": path, "found": found, "expected": expected});
    let no_id = json!({"type": "user.created", "user": {"version": 1, "database_user": "x"}});
    let long = json!({"type": "user.created", "user": {"id": "u", "version": 1, "database_user": "d".repeat(128)}});
    let unknown = World::new().ask(&signed(r#"{"type":"user.invented"}"#, "new")).await;
    assert_eq!((unknown.0, &unknown.1["faults"][0]["path"]), (422, &json!("type")));
    refused(vec![
        ("no JSON", signed("{\"type\"", "new"), not_json("the body is not JSON")),
        ("no body", signed("", "new"), not_json("the body is not JSON")),
        ("two events", signed(&format!("{user}{user}"), "new"), not_json("the body is not JSON")),
        ("no UTF-8", latin, not_json("the body is not UTF-8")),
        ("a list", signed("[]", "new"), faults(json!([fault("$", "a list", "an object with the field `type`")]))),
        ("no id", Sent::standard(&no_id, "new"), faults(json!([fault("user.id", "nothing", "a string")]))),
        (
            "a long name",
            Sent::standard(&long, "new"),
            faults(json!([fault("user.database_user", "a name of 128 bytes", "a name of 1 to 127 bytes without NUL")])),
        ),
        ("an integration event", Sent::standard(&integration(), "new"), forbidden("integration.created")),
        ("the same, GitHub's scheme", Sent::github(&integration(), "hub"), forbidden("integration.created")),
        (
            "an integration event of another type",
            Sent::standard(
                &json!({"type": "integration.updated", "integration": integration()["integration"]}),
                "admin",
            ),
            forbidden("integration.updated"),
        ),
        ("a key for something else", Sent::standard(&user, "policies"), forbidden("user.created")),
        ("a key for integrations", Sent::standard(&user, "admin"), forbidden("user.created")),
        ("a key for nothing", Sent::standard(&user, "nothing"), forbidden("user.created")),
        ("policy.refresh", refresh("policy"), forbidden("policy.refresh")),
        ("data_source.refresh", refresh("data_source"), forbidden("data_source.refresh")),
        ("user.refresh", refresh("user"), forbidden("user.refresh")),
        ("integration.refresh", refresh("integration"), forbidden("integration.refresh")),
        (
            "a bad refresh",
            Sent::standard(&json!({"type": "user.refresh", "ids": []}), "new"),
            forbidden("user.refresh"),
        ),
        (
            "policy.refresh with a key for policies",
            Sent::standard(&json!({"type": "policy.refresh", "ids": ["a"]}), "policies"),
            forbidden("policy.refresh"),
        ),
    ])
    .await;
}

#[tokio::test]
async fn requests_that_are_refused_unread() {
    let user = user("ann");
    let good = Sent::standard(&user, "new");
    let bad_type = || {
        let detail = "the content type must be application/json";
        (415, problem("bad-content-type", "Unsupported content type", 415, detail))
    };
    let method = (405, problem("bad-method", "Method not allowed", 405, "only POST is taken here"));
    let mut cases = vec![
        ("no content type", good.clone().without("content-type"), bad_type()),
        // 10 MB is what an HTTP API hands over at most.
        ("10 MB", good.clone().body("x".repeat(10_000_000)), too_large()),
        ("10 MB of base64", Sent { base64: true, ..good.clone().body("A".repeat(10_000_000)) }, too_large()),
        ("a byte too many", good.clone().body("x".repeat(MAX_MESSAGE_BYTES + 1)), too_large()),
        ("the same in base64", good.clone().body("x".repeat(MAX_MESSAGE_BYTES + 1)).encoded(), too_large()),
        ("10 MB that are no base64", Sent { base64: true, ..good.clone().body("?".repeat(10_000_000)) }, too_large()),
        ("10 MB, unsigned", Sent::of(&user).body("x".repeat(10_000_000)), too_large()),
    ];
    for content_type in ["", "text/plain", "application/x-www-form-urlencoded", "application/json+x", "json"] {
        cases.push(("content type", good.clone().header("content-type", content_type), bad_type()));
    }
    for verb in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "post", ""] {
        cases.push(("method", Sent { method: verb, ..good.clone() }, method.clone()));
    }
    for (name, sent, expected) in &cases {
        let world = World::new();
        assert_eq!(world.ask(sent).await, *expected, "{name}");
        assert_eq!(world.webhook.keys.source().readings(), 0, "{name}: refused before any key is looked at");
    }
    let get = World::new().answer(&Sent { method: "GET", ..good }).await;
    assert_eq!(get.headers["allow"], "POST");
    refused(cases).await;
}

#[tokio::test]
async fn a_body_as_long_as_a_message_is_taken_and_one_that_grows_beyond_it_is_not() {
    let with = |filler: String| {
        let mut event = user("ann");
        event["user"]["groups"] = json!([filler]);
        event
    };
    let room = MAX_MESSAGE_BYTES - with(String::new()).to_string().len();
    // A group of a megabyte is a fault, but the size is not what is wrong with it.
    let (status, _) = World::new().ask(&Sent::standard(&with("g".repeat(room)), "new")).await;
    assert_eq!(status, 422);
    let (status, _) = World::new().ask(&Sent::standard(&with("g".repeat(room)), "new").encoded()).await;
    assert_eq!(status, 422);
    // SQS refuses this character, so it is escaped, in twice as many bytes.
    let world = World::new();
    let (status, _) = world.ask(&Sent::standard(&with("\u{ffff}".to_owned()), "new")).await;
    assert_eq!(status, 202);
    assert!(world.webhook.app.queues.take(Queue::User, 1)[0].body.contains(r#"["\uffff"]"#));
    let mut event = user("ann");
    let groups: Vec<_> = (0..3_000).map(|number| format!("{number}{}", "\u{ffff}".repeat(100))).collect();
    event["user"]["groups"] = json!(groups);
    assert!(event.to_string().len() < MAX_MESSAGE_BYTES);
    let world = World::new();
    assert_eq!(world.ask(&Sent::standard(&event, "new")).await, too_large());
    assert_eq!(world.sent(), 0);
}
