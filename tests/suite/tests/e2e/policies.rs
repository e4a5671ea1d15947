//! What is told of policies, and which sources it changes.

use redoubt_tests::stack::{Scene, Session, StackError};
use serde_json::{Value, json};

const ALL: &str = "1\n2\n3\n4";

async fn begin(name: &str, events: impl Fn(&Scene) -> Vec<Value>) -> Result<(Scene, Session), StackError> {
    let scene = Scene::begin(name).await?;
    let source = scene.people().await?;
    let ada = scene.account("ada").await?;
    scene.send(&[source, scene.user("ada", 1, &["staff"], json!({}))]).await?;
    let events = events(&scene);
    scene.send(&events).await?;
    Ok((scene, ada))
}

fn ids(scene: &Scene) -> String {
    format!("SELECT id FROM {} ORDER BY id", scene.view("people"))
}

#[tokio::test]
async fn a_staged_or_disabled_policy_enforces_nothing() -> Result<(), StackError> {
    let (scene, ada) = begin("status", |scene| {
        let mut policy = scene.subscription("readers", 1, json!({"level": "anyone"}));
        policy["policy"]["status"] = json!("staged");
        vec![policy]
    })
    .await?;
    let query = ids(&scene);
    ada.until(&query, "").await?;
    for (version, event, seen) in [
        (2, "policy.enabled", ALL),
        (3, "policy.disabled", ""),
        (4, "policy.enabled", ALL),
        (5, "policy.staged", ""),
        (6, "policy.enabled", ALL),
        (7, "policy.deleted", ""),
    ] {
        scene.send(&[scene.event(event, "readers", version)]).await?;
        ada.until(&query, seen).await?;
    }
    // The warehouse keeps the definition readable for its owner while the policy exists.
    let kept =
        format!("SELECT status, definition FROM immuta_system.policy WHERE policy = '{}'", scene.name("readers"));
    scene.administrator().await?.until(&kept, "NULL|NULL").await
}

#[tokio::test]
async fn a_policy_can_be_switched_off_for_one_source() -> Result<(), StackError> {
    let (scene, ada) = begin("oneoff", |scene| {
        let mask = json!([{"mask": {"columns": {"tag": scene.tag("name")}, "using": {"kind": "null"}}}]);
        vec![scene.subscription("readers", 1, json!({"level": "anyone"})), scene.rules("names", 1, mask)]
    })
    .await?;
    scene.create("pets", "id integer, name varchar(9)", "(1, 'Rex')").await?;
    let columns = json!([{"name": "id", "type": "integer"},
                         {"name": "name", "type": "varchar(9)", "tags": [scene.tag("name")]}]);
    scene.send(&[scene.source("pets", 1, columns)]).await?;
    let people = format!("SELECT name FROM {} WHERE id = 1", scene.view("people"));
    let pets = format!("SELECT name FROM {}", scene.view("pets"));
    ada.until(&people, "NULL").await?;
    ada.until(&pets, "NULL").await?;
    let switch = |event: &str, version| {
        let mut event = scene.event(event, "names", version);
        event["data_source"] = json!(scene.name("pets"));
        event
    };
    scene.send(&[switch("policy.disabled_for_data_source", 2)]).await?;
    ada.until(&pets, "Rex").await?;
    assert_eq!(ada.see(&people).await, "NULL", "the other source keeps the mask");
    scene.send(&[switch("policy.enabled_for_data_source", 3)]).await?;
    ada.until(&pets, "NULL").await
}

#[tokio::test]
async fn an_update_changes_what_it_covers_and_what_it_covered() -> Result<(), StackError> {
    let (scene, ada) = begin("scope", |scene| {
        let mut policy = scene.subscription("readers", 1, json!({"level": "anyone"}));
        policy["policy"]["scope"] = json!({"data_sources": [scene.name("people")]});
        vec![policy]
    })
    .await?;
    scene.create("pets", "id integer", "(9)").await?;
    scene.send(&[scene.source("pets", 1, json!([{"name": "id", "type": "integer"}]))]).await?;
    let pets = format!("SELECT id FROM {}", scene.view("pets"));
    ada.until(&ids(&scene), ALL).await?;
    ada.until(&pets, "").await?;
    let mut moved = scene.subscription("readers", 2, json!({"level": "anyone"}));
    moved["policy"]["scope"] = json!({"data_sources": [scene.name("pets")]});
    scene.send(&[moved]).await?;
    ada.until(&pets, "9").await?;
    ada.until(&ids(&scene), "").await
}

#[tokio::test]
async fn grants_add_up_and_guardrails_must_all_hold() -> Result<(), StackError> {
    let group = |group: &str| json!({"level": "entitlement", "condition": {"group": group}});
    let (scene, ada) = begin("guard", |scene| {
        vec![scene.subscription("first", 1, group("finance")), scene.subscription("second", 1, group("staff"))]
    })
    .await?;
    let query = ids(&scene);
    ada.until(&query, ALL).await?;
    let mut guardrail = scene.subscription("trained", 1, group("trained"));
    guardrail["policy"]["guardrail"] = json!(true);
    scene.send(&[guardrail]).await?;
    ada.until(&query, "").await?;
    let groups = json!({"type": "user.groups_changed", "id": scene.name("ada"), "version": 2,
        "groups": ["trained", "finance"]});
    scene.send(&[groups]).await?;
    ada.until(&query, ALL).await
}

#[tokio::test]
async fn the_deeper_tag_then_the_older_policy_wins_a_column() -> Result<(), StackError> {
    let constant = |scene: &Scene, name: &str, tag: &str, created: &str| {
        let rule = json!([{"mask": {"columns": {"tag": tag}, "using": {"kind": "constant", "value": name}}}]);
        let mut policy = scene.rules(name, 1, rule);
        policy["policy"]["created_at"] = json!(created);
        policy
    };
    let (scene, ada) = begin("winner", |scene| {
        vec![
            scene.subscription("readers", 1, json!({"level": "anyone"})),
            constant(scene, "general", &scene.prefix, "2020-01-01T00:00:00Z"),
        ]
    })
    .await?;
    // The general policy's constant fits no number, so it wants text columns only after it is replaced.
    let query = format!("SELECT name FROM {} WHERE id = 1", scene.view("people"));
    let reason = scene.stack.unhealthy(redoubt_core::record::Kind::DataSource, &scene.name("people")).await?;
    assert_eq!(
        reason,
        format!("policy `{}`: the constant does not fit column `id` of type `INTEGER`", scene.name("general"))
    );
    let name = scene.tag("name");
    scene
        .send(&[
            scene.event("policy.deleted", "general", 2),
            constant(&scene, "younger", &name, "2023-01-01T00:00:00Z"),
            constant(&scene, "older", &name, "2022-01-01T00:00:00Z"),
        ])
        .await?;
    ada.until(&query, "older").await?;
    let mut local = constant(&scene, "local", &name, "2024-01-01T00:00:00Z");
    local["policy"]["scope"] = json!({"data_sources": [scene.name("people")]});
    scene.send(&[local]).await?;
    ada.until(&query, "local").await
}
