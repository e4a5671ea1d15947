//! What can't be taken is found in the dead-letter queue with all that is wrong with it, and harms no neighbour.

use redoubt_core::record::{DOCUMENT, Kind, State};
use redoubt_tests::stack::{Function, Scene, StackError};
use serde_json::{Value, json};

/// Sends a bad body between two good ones of the same batch; gives the faults found with the dead letter.
async fn rejected(scene: &Scene, body: String) -> Result<Vec<String>, StackError> {
    scene.create("good", "id integer", "(1)").await?;
    scene.create("fine", "id integer", "(1)").await?;
    let neighbour = |name: &str| scene.source(name, 1, json!([{"name": "id", "type": "integer"}])).to_string();
    let bodies = [neighbour("good"), body.clone(), neighbour("fine")];
    scene.stack.send_bodies(Function::DataSource, &bodies).await?;
    // Marked by its own identity, which no neighbour has.
    let letter = scene.stack.dead_letter(Function::DataSource, &scene.name("bad")).await?;
    assert_eq!(letter.error.kind, "reject");
    assert_eq!(letter.body, body, "the letter holds what was sent");
    for neighbour in ["good", "fine"] {
        scene.stack.status(Kind::DataSource, &scene.name(neighbour), State::Applied).await?;
    }
    assert_eq!(scene.stack.record(Kind::DataSource, &scene.name("bad")).await?, None);
    Ok(letter.error.faults)
}

/// A registration of `bad` with something else than it should have.
fn bad(scene: &Scene, change: impl FnOnce(&mut Value)) -> String {
    let mut event = scene.source("bad", 1, json!([{"name": "id", "type": "integer"}]));
    change(&mut event["data_source"]);
    event.to_string()
}

#[tokio::test]
async fn a_body_that_is_no_json() -> Result<(), StackError> {
    let scene = Scene::begin("nojson").await?;
    let body = format!("{{\"type\": \"data_source.created\", {}", scene.name("bad"));
    let faults = rejected(&scene, body).await?;
    assert_eq!(
        faults,
        ["`$`: found text that is not JSON (key must be a string at line 1 column 33), expected a JSON object"]
    );
    Ok(())
}

#[tokio::test]
async fn an_unknown_field_and_a_field_of_the_wrong_type() -> Result<(), StackError> {
    let scene = Scene::begin("field").await?;
    let body = bad(&scene, |source| {
        source["colums"] = json!([]);
        source["version"] = json!("two");
    });
    assert_eq!(
        rejected(&scene, body).await?,
        [
            "`data_source.colums`: found a field, expected no such field",
            "`data_source.version`: found the string `two`, expected a whole number from 0 to 18446744073709551615",
        ]
    );
    Ok(())
}

#[tokio::test]
async fn a_name_of_128_bytes() -> Result<(), StackError> {
    let scene = Scene::begin("longname").await?;
    let body = bad(&scene, |source| {
        source["table"] = json!("t".repeat(128));
        source["view"] = json!("v");
        source["columns"][0]["name"] = json!(format!("{}c", "é".repeat(64)));
    });
    assert_eq!(
        rejected(&scene, body).await?,
        [
            "`data_source.table`: found a name of 128 bytes, expected a name of 1 to 127 bytes without NUL",
            "`data_source.columns[0].name`: found a name of 129 bytes, expected a name of 1 to 127 bytes without NUL",
        ]
    );
    Ok(())
}

#[tokio::test]
async fn a_nul_character() -> Result<(), StackError> {
    let scene = Scene::begin("nul").await?;
    let body = bad(&scene, |source| source["schema"] = json!("pub\0lic"));
    assert_eq!(
        rejected(&scene, body).await?,
        ["`data_source.schema`: found a NUL character, expected text without NUL"]
    );
    Ok(())
}

#[tokio::test]
async fn an_unknown_column_type() -> Result<(), StackError> {
    let scene = Scene::begin("coltype").await?;
    let body = bad(&scene, |source| {
        source["columns"] = json!([{"name": "id", "type": "integer"}, {"name": "place", "type": "hllsketch"},
            {"name": "ID", "type": "decimal(39,2)"}]);
    });
    let expected = "expected a Redshift column type, such as `varchar(25)` or `decimal(12,2)`";
    assert_eq!(
        rejected(&scene, body).await?,
        [
            format!("`data_source.columns[1].type`: found `hllsketch`, {expected}"),
            "`data_source.columns[2].name`: found `ID`, expected a name that differs from `id` in more than case"
                .to_owned(),
            format!("`data_source.columns[2].type`: found `decimal(39,2)`, {expected}"),
        ]
    );
    Ok(())
}

#[tokio::test]
async fn a_view_name_that_another_source_has() -> Result<(), StackError> {
    let scene = Scene::begin("dupview").await?;
    scene.create("first", "id integer", "(1)").await?;
    let columns = json!([{"name": "id", "type": "integer"}]);
    scene.send(&[scene.source("first", 1, columns)]).await?;
    scene.stack.status(Kind::DataSource, &scene.name("first"), State::Applied).await?;
    // Redshift folds names, so another case is the same name.
    let taken = scene.name("First").replace("dupview", "DUPVIEW");
    let body = bad(&scene, |source| source["view"] = json!(taken));
    assert_eq!(
        rejected(&scene, body).await?,
        [format!(
            "`data_source.view`: found `{taken}`, expected a view name that data source `{}` does not use",
            scene.name("first")
        )]
    );
    Ok(())
}

#[tokio::test]
async fn an_event_for_another_function() -> Result<(), StackError> {
    let scene = Scene::begin("wrongqueue").await?;
    let body = scene.subscription("bad", 1, json!({"level": "anyone"})).to_string();
    assert_eq!(rejected(&scene, body).await?, ["this queue takes data source events, found `policy`"]);
    Ok(())
}

#[tokio::test]
async fn a_stale_version_changes_nothing_and_a_version_used_twice_is_refused() -> Result<(), StackError> {
    let scene = Scene::begin("stale").await?;
    let ada = scene.account("ada").await?;
    let user = |version: u64, group: &str| scene.user("ada", version, &[&scene.name(group)], json!({}));
    let groups = "SELECT value FROM immuta_system.user_entitlement WHERE kind = 'group'";
    scene.send(&[user(5, "five")]).await?;
    ada.until(groups, &scene.name("five")).await?;
    let before = scene.stack.record(Kind::User, &scene.name("ada")).await?;
    scene.send(&[user(4, "four"), user(5, "other"), scene.user("bob", 1, &[], json!({}))]).await?;
    let letter = scene.stack.dead_letter(Function::User, &scene.name("other")).await?;
    assert_eq!(
        letter.error.faults,
        [format!("user `{}`: version 5 of `groups` was already written with another value", scene.name("ada"))]
    );
    scene.stack.status(Kind::User, &scene.name("bob"), State::Applied).await?;
    assert_eq!(ada.see(groups).await, scene.name("five"));
    let after = scene.stack.record(Kind::User, &scene.name("ada")).await?;
    assert_eq!(before.map(|record| record.revision), after.map(|record| record.revision));
    Ok(())
}

#[tokio::test]
async fn a_host_that_is_no_integrations() -> Result<(), StackError> {
    let scene = Scene::begin("host").await?;
    scene.create("good", "id integer", "(1)").await?;
    let columns = json!([{"name": "id", "type": "integer"}]);
    let mut foreign = scene.source("bad", 1, columns.clone());
    foreign["data_source"]["host"] = json!("Other.example.com");
    scene.send(&[foreign, scene.source("good", 1, columns.clone())]).await?;
    assert_eq!(
        scene.stack.unhealthy(Kind::DataSource, &scene.name("bad")).await?,
        "data_source.host: found `other.example.com`, expected the host of an integration"
    );
    scene.stack.status(Kind::DataSource, &scene.name("good"), State::Applied).await?;
    // A source that moves to such a host loses its view.
    let mut moved = scene.source("good", 2, columns);
    moved["data_source"]["host"] = json!("other.example.com");
    scene.send(&[moved]).await?;
    let administrator = scene.administrator().await?;
    let views = format!(
        "SELECT count(*) FROM pg_views WHERE schemaname = 'governed' AND viewname IN ('{}', '{}')",
        scene.name("good"),
        scene.name("bad")
    );
    administrator.until(&views, "0").await
}

#[tokio::test]
async fn a_bad_document_leaves_the_previous_one_in_force() -> Result<(), StackError> {
    let scene = Scene::begin("previous").await?;
    let source = scene.people().await?;
    let ada = scene.account("ada").await?;
    scene
        .send(&[
            source,
            scene.subscription("readers", 1, json!({"level": "anyone"})),
            scene.rules("names", 1, json!([{"mask": {"columns": {"name": "name"}, "using": {"kind": "null"}}}])),
            scene.user("ada", 1, &[], json!({})),
        ])
        .await?;
    let query = format!("SELECT name FROM {} WHERE id = 1", scene.view("people"));
    ada.until(&query, "NULL").await?;
    let open = json!([{"mask": {"columns": {"name": "name"}, "using": {"kind": "clear"}}}, {"rows": {"only": "all"}}]);
    scene.send(&[scene.rules("names", 2, open)]).await?;
    let letter = scene.stack.dead_letter(Function::Policy, &scene.name("names")).await?;
    assert_eq!(
        letter.error.faults,
        [
            "`policy.rules[0].mask.using.kind`: found `clear`, expected a mask: clear values need a condition that is met",
            "`policy.rules[1].rows.only`: found `all`, expected a filter: all rows need a condition that is met",
        ]
    );
    let record = scene.stack.record(Kind::Policy, &scene.name("names")).await?;
    let version = record.and_then(|record| record.fields.get(DOCUMENT).map(|field| field.version));
    assert_eq!(version, Some(1));
    assert_eq!(ada.see(&query).await, "NULL");
    Ok(())
}
