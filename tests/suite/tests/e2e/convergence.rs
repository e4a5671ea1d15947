//! Order and repetition don't matter.

use redoubt_core::record::{Kind, State};
use redoubt_tests::stack::{Scene, StackError};
use serde_json::json;

#[tokio::test]
async fn events_in_reverse_and_twice_give_the_same_end() -> Result<(), StackError> {
    let scene = Scene::begin("reverse").await?;
    let first = scene.people().await?;
    let ada = scene.account("ada").await?;
    let groups = |version: u64, groups: serde_json::Value| json!({"type": "user.groups_changed", "id": scene.name("ada"), "version": version, "groups": groups});
    let approval = |event: &str, version| {
        let mut event = scene.event(event, "ada", version);
        event["data_source"] = json!(scene.name("people"));
        event
    };
    let hidden = |kind: &str| json!([{"mask": {"columns": {"name": "name"}, "using": {"kind": kind}, "except": {"group": "support"}}}]);
    let mut second = scene.people_source(2);
    second["data_source"]["columns"] =
        json!([{"name": "id", "type": "integer"}, {"name": "name", "type": "varchar(40)"}]);
    let mut events = vec![
        first,
        second,
        scene.event("data_source.disabled", "people", 3),
        scene.event("data_source.enabled", "people", 4),
        scene.subscription("readers", 1, json!({"level": "anyone"})),
        scene.subscription("readers", 2, json!({"level": "approval"})),
        scene.event("policy.staged", "readers", 3),
        scene.event("policy.enabled", "readers", 4),
        scene.rules("names", 1, hidden("null")),
        scene.rules("names", 2, hidden("hash")),
        scene.event("policy.deleted", "names", 3),
        scene.rules(
            "names",
            4,
            json!([{"mask": {"columns": {"name": "name"}, "using": {"kind": "show", "first": 1},
                                                  "except": {"group": "support"}}}]),
        ),
        scene.user("ada", 1, &["support"], json!({})),
        groups(2, json!(["support", "staff"])),
        groups(3, json!(["staff"])),
        approval("user.subscription_approved", 1),
        approval("user.subscription_revoked", 2),
        approval("user.subscription_approved", 3),
    ];
    events.reverse();
    let repeated: Vec<_> = events.iter().chain(&events).cloned().collect();
    scene.send(&repeated).await?;
    let query = format!("SELECT * FROM {} ORDER BY id", scene.view("people"));
    ada.until(&query, "1|A**\n2|B**\n3|C**\n4|D**").await?;
    // And it stays, with the newest revisions in force.
    let entitlements = "SELECT kind, value FROM immuta_system.user_entitlement ORDER BY kind";
    ada.until(entitlements, &format!("approval|{}\ngroup|staff\nuser|{}", scene.name("people"), scene.name("ada")))
        .await?;
    scene.stack.status(Kind::DataSource, &scene.name("people"), State::Applied).await?;
    assert_eq!(ada.see(&query).await, "1|A**\n2|B**\n3|C**\n4|D**");
    // Preparations at the same time may each leave a row of revision 0; the next application takes them along.
    let rows = format!(
        "SELECT count(*) FROM immuta_system.data_source WHERE source = '{}' AND revision > 0",
        scene.name("people")
    );
    assert_eq!(scene.administrator().await?.see(&rows).await, "1");
    Ok(())
}

#[tokio::test]
async fn a_burst_about_one_user_ends_with_the_newest() -> Result<(), StackError> {
    let scene = Scene::begin("burst").await?;
    let ada = scene.account("ada").await?;
    let mut events: Vec<_> = (2..=60_u64)
        .map(|version| {
            json!({"type": "user.groups_changed", "id": scene.name("ada"), "version": version,
                   "groups": [format!("group-{version}")]})
        })
        .collect();
    events.push(scene.user("ada", 1, &["group-1"], json!({})));
    // A fixed order that is neither theirs nor the reverse.
    events.sort_by_key(|event| event["version"].as_u64().unwrap_or(1) * 37 % 61);
    scene.send(&events).await?;
    let groups = "SELECT value FROM immuta_system.user_entitlement WHERE kind = 'group'";
    ada.until(groups, "group-60").await?;
    scene.stack.status(Kind::User, &scene.name("ada"), State::Applied).await?;
    assert_eq!(ada.see(groups).await, "group-60");
    let rows = format!("SELECT count(*) FROM immuta_system.profile WHERE immuta__userid = '{}'", scene.name("ada"));
    assert_eq!(scene.administrator().await?.see(&rows).await, "1");
    Ok(())
}
