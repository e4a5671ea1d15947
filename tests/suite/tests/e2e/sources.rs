//! What is told of data sources, and what becomes of their views.

use redoubt_core::record::{Kind, State};
use redoubt_tests::stack::{Scene, Session, StackError};
use serde_json::json;

const ALL: &str = "1\n2\n3\n4";

async fn begin(name: &str) -> Result<(Scene, Session, String), StackError> {
    let scene = Scene::begin(name).await?;
    let source = scene.people().await?;
    let ada = scene.account("ada").await?;
    let policy = scene.subscription("readers", 1, json!({"level": "anyone"}));
    scene.send(&[source, policy, scene.user("ada", 1, &[], json!({}))]).await?;
    let query = format!("SELECT id FROM {} ORDER BY id", scene.view("people"));
    ada.until(&query, ALL).await?;
    Ok((scene, ada, query))
}

fn absent(scene: &Scene, name: &str) -> String {
    format!("ERROR 42P01: relation \"governed.{}\" does not exist", scene.name(name))
}

#[tokio::test]
async fn a_view_goes_with_its_source_and_comes_back() -> Result<(), StackError> {
    let (scene, ada, query) = begin("source").await?;
    let id = scene.name("people");
    scene.send(&[scene.event("data_source.disabled", "people", 2)]).await?;
    ada.until(&query, &absent(&scene, "people")).await?;
    scene.stack.status(Kind::DataSource, &id, State::Disabled).await?;
    scene.send(&[scene.event("data_source.enabled", "people", 3)]).await?;
    ada.until(&query, ALL).await?;
    scene.stack.status(Kind::DataSource, &id, State::Applied).await?;
    scene.send(&[scene.event("data_source.deleted", "people", 4)]).await?;
    ada.until(&query, &absent(&scene, "people")).await?;
    scene.stack.status(Kind::DataSource, &id, State::Withdrawn).await?;
    let known = format!("SELECT view_name FROM immuta_system.data_source WHERE source = '{id}'");
    assert_eq!(scene.administrator().await?.see(&known).await, "NULL");
    Ok(())
}

#[tokio::test]
async fn a_view_can_be_renamed_and_its_old_name_given_away() -> Result<(), StackError> {
    let (scene, ada, query) = begin("rename").await?;
    let mut renamed = scene.people_source(2);
    renamed["data_source"]["view"] = json!(scene.name("persons"));
    scene.send(&[renamed]).await?;
    let new = format!("SELECT id FROM {} ORDER BY id", scene.view("persons"));
    ada.until(&new, ALL).await?;
    ada.until(&query, &absent(&scene, "people")).await?;
    // Another source takes the name that became free.
    scene.create("others", "id integer", "(7)").await?;
    let mut others = scene.source("others", 1, json!([{"name": "id", "type": "integer"}]));
    others["data_source"]["view"] = json!(scene.name("people"));
    scene.send(&[others]).await?;
    ada.until(&query, "7").await?;
    assert_eq!(ada.see(&new).await, ALL);
    // The first one is deleted later; that must not take the name's new holder along.
    scene.send(&[scene.event("data_source.deleted", "people", 3)]).await?;
    ada.until(&new, &absent(&scene, "persons")).await?;
    assert_eq!(ada.see(&query).await, "7");
    Ok(())
}

#[tokio::test]
async fn tags_decide_which_policies_apply() -> Result<(), StackError> {
    let (scene, ada, query) = begin("tags").await?;
    let mut untagged = scene.people_source(2);
    untagged["data_source"]["tags"] = json!([]);
    for column in untagged["data_source"]["columns"].as_array_mut().into_iter().flatten() {
        column["tags"] = json!([]);
    }
    scene.send(&[untagged]).await?;
    ada.until(&query, "").await?;
    scene.send(&[scene.people_source(3)]).await?;
    ada.until(&query, ALL).await
}

#[tokio::test]
async fn a_column_that_is_not_registered_is_not_shown() -> Result<(), StackError> {
    let (scene, ada, query) = begin("columns").await?;
    let raw = scene.raw().await?;
    raw.run(&format!("ALTER TABLE {} ADD COLUMN salary integer DEFAULT 5000", scene.table("people"))).await?;
    let id = scene.name("people");
    let before = scene.stack.revision(Kind::DataSource, &id).await?;
    scene.send(&[json!({"type": "data_source.refresh", "ids": [id]})]).await?;
    scene.stack.applied_after(Kind::DataSource, &id, before).await?;
    assert_eq!(ada.see(&query).await, ALL);
    let columns = format!(
        "SELECT attname FROM pg_attribute WHERE attrelid = '{}'::regclass AND attnum > 0 ORDER BY attnum",
        scene.view("people")
    );
    assert_eq!(ada.see(&columns).await, "id\nname\nphone\ncountry\nbalance\njoined");
    Ok(())
}
