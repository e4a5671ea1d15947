//! Source, policy and user events, and what each user then sees.

use redoubt_core::record::{Kind, State};
use redoubt_tests::stack::{Scene, StackError};
use serde_json::json;

#[tokio::test]
async fn rows_and_clear_values_follow_groups_and_attributes() -> Result<(), StackError> {
    let scene = Scene::begin("main").await?;
    let source = scene.people().await?;
    let ada = scene.account("ada").await?;
    let bob = scene.account("bob").await?;
    let outsider = scene.account("outsider").await?;
    let stranger = scene.account("stranger").await?;
    scene
        .send(&[
            source,
            scene.subscription("readers", 1, json!({"level": "entitlement", "condition": {"group": "staff"}})),
            scene.rules(
                "personal",
                1,
                json!([
                    {"mask": {"columns": {"tag": scene.tag("phone")}, "using": {"kind": "show", "last": 4},
                              "except": {"group": "support"}}},
                    {"rows": {"only": {"match": {"attribute": {"name": "country", "column": {"name": "country"}}}},
                              "except": {"group": "support"}}},
                ]),
            ),
            scene.user("ada", 1, &["staff"], json!({"country": ["FRANCE", "SPAIN"]})),
            scene.user("bob", 1, &["staff", "support"], json!({})),
            scene.user("outsider", 1, &["support"], json!({"country": ["FRANCE"]})),
        ])
        .await?;
    let query = format!("SELECT id, name, phone FROM {} ORDER BY id", scene.view("people"));
    ada.until(&query, "1|Ada|********0001\n3|Cyd|********0003\n4|Dan|********0004").await?;
    bob.until(&query, "1|Ada|100-555-0001\n2|Bob|100-555-0002\n3|Cyd|100-555-0003\n4|Dan|100-555-0004").await?;
    scene.stack.status(Kind::User, &scene.name("outsider"), State::Applied).await?;
    assert_eq!(outsider.see(&query).await, "", "a user without a subscription");
    assert_eq!(stranger.see(&query).await, "", "an account nobody registered");
    Ok(())
}

#[tokio::test]
async fn every_mask_gives_what_it_promises() -> Result<(), StackError> {
    let scene = Scene::begin("masks").await?;
    let source = scene.people().await?;
    let ada = scene.account("ada").await?;
    let mask =
        |column: &str, mask: serde_json::Value| json!({"mask": {"columns": {"tag": scene.tag(column)}, "using": mask}});
    scene
        .send(&[
            source,
            scene.subscription("readers", 1, json!({"level": "anyone"})),
            scene.rules(
                "masks",
                1,
                json!([
                    mask("id", json!({"kind": "null"})),
                    mask("name", json!({"kind": "hash"})),
                    mask("phone", json!({"kind": "show", "first": 3, "replace_with": "#"})),
                    mask("country", json!({"kind": "constant", "value": "somewhere"})),
                    mask("joined", json!({"kind": "round", "unit": "month"})),
                    {"mask": {
                        "columns": {"name": "balance"},
                        "cases": [{"for": {"group": "finance"}, "using": {"kind": "clear"}},
                                  {"for": {"attribute": {"name": "clearance", "values": ["low", "high"]}},
                                   "using": {"kind": "round", "bucket": 100}}],
                        "otherwise": {"kind": "null"},
                    }},
                ]),
            ),
            scene.user("ada", 1, &[], json!({})),
        ])
        .await?;
    let view = scene.view("people");
    let query = format!("SELECT id, phone, country, balance, joined FROM {view} ORDER BY phone, joined");
    ada.until(
        &query,
        "NULL|100#########|somewhere|NULL|2024-03-01\nNULL|100#########|somewhere|NULL|2024-11-01\n\
         NULL|100#########|somewhere|NULL|2025-06-01\nNULL|100#########|somewhere|NULL|NULL",
    )
    .await?;
    // The digest is that of the source's own salt and the value.
    let administrator = scene.administrator().await?;
    let salted = format!(
        "SELECT sha2(salt || 'Ada', 256) FROM immuta_system.masking_key WHERE source = '{}'",
        scene.name("people")
    );
    let digest = administrator.see(&salted).await;
    assert_eq!(digest.len(), 64, "{digest}");
    let names = ada.see(&format!("SELECT name FROM {view}")).await;
    assert_eq!(names.lines().filter(|name| *name == digest).count(), 1, "{names}");
    assert!(!names.contains("Ada"), "{names}");

    let balances = format!("SELECT balance FROM {view} ORDER BY balance");
    let attributes = json!({"type": "user.attributes_changed", "id": scene.name("ada"), "version": 2,
        "attributes": {"clearance": ["none", "high"]}});
    scene.send(&[attributes]).await?;
    ada.until(&balances, "0.00\n0.00\n1200.00\nNULL").await?;
    let groups = json!({"type": "user.groups_changed", "id": scene.name("ada"), "version": 3, "groups": ["finance"]});
    scene.send(&[groups]).await?;
    ada.until(&balances, "-20.00\n99.50\n1234.56\nNULL").await
}

#[tokio::test]
async fn time_windows_and_samples_hide_rows() -> Result<(), StackError> {
    let scene = Scene::begin("rows").await?;
    let rows = "(1, CURRENT_DATE - 10), (2, CURRENT_DATE - 1000), (3, NULL)";
    scene.create("visits", "id integer, day date", rows).await?;
    let many: Vec<String> = (1..=400).map(|id| format!("({id}, CURRENT_DATE)")).collect();
    scene.create("sampled", "id integer, day date", &many.join(", ")).await?;
    let columns = json!([{"name": "id", "type": "integer"}, {"name": "day", "type": "date"}]);
    let mut visits = scene.source("visits", 1, columns.clone());
    visits["data_source"]["event_time_column"] = json!("day");
    let mut sampled = scene.source("sampled", 1, columns);
    sampled["data_source"]["key_column"] = json!("id");
    let local = |name: &str, source: &str, filter: serde_json::Value| {
        let mut policy = scene.rules(name, 1, json!([{"rows": {"only": filter, "except": {"group": "auditors"}}}]));
        policy["policy"]["scope"] = json!({"data_sources": [scene.name(source)]});
        policy
    };
    let ada = scene.account("ada").await?;
    let eve = scene.account("eve").await?;
    scene
        .send(&[
            visits,
            sampled,
            scene.subscription("readers", 1, json!({"level": "anyone"})),
            local("window", "visits", json!({"time_window": {"newer_than_days": 365}})),
            local("sample", "sampled", json!({"sample": {"percent": 25.0}})),
            scene.user("ada", 1, &[], json!({})),
            scene.user("eve", 1, &["auditors"], json!({})),
        ])
        .await?;
    let visits = format!("SELECT id FROM {} ORDER BY id", scene.view("visits"));
    ada.until(&visits, "1").await?;
    eve.until(&visits, "1\n2\n3").await?;
    let sampled = format!("SELECT id FROM {} ORDER BY id", scene.view("sampled"));
    let all = eve.until_that(&sampled, "all rows", |seen| seen.lines().count() == 400).await?;
    // A quarter of 400, give or take five standard deviations.
    let some = ada.until_that(&sampled, "a share", |seen| (57..=143).contains(&seen.lines().count())).await?;
    assert!(some.lines().all(|id| all.lines().any(|one| one == id)));
    assert_eq!(ada.see(&sampled).await, some, "the share is stable");
    Ok(())
}
