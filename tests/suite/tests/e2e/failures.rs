//! Valid documents that can't be applied, and statements that fail.

use redoubt_aws::port::{Put, Store};
use redoubt_core::record::{DOCUMENT, Field, Kind, Record, State};
use redoubt_tests::stack::{Function, Scene, StackError, wait};
use serde_json::{Value, json};

fn absent(scene: &Scene, name: &str) -> String {
    format!("ERROR 42P01: relation \"governed.{}\" does not exist", scene.name(name))
}

#[tokio::test]
async fn a_table_that_does_not_exist_makes_its_source_unhealthy_until_it_does() -> Result<(), StackError> {
    let scene = Scene::begin("notable").await?;
    let ada = scene.account("ada").await?;
    let source = scene.people_source(1);
    scene
        .send(&[
            source,
            scene.subscription("readers", 1, json!({"level": "anyone"})),
            scene.user("ada", 1, &[], json!({})),
        ])
        .await?;
    let reason = scene.stack.unhealthy(Kind::DataSource, &scene.name("people")).await?;
    let table = scene.name("people");
    assert!(
        reason.contains(&format!("relation \"dev.suite.{table}\" does not exist")),
        "the database's own message: {reason}"
    );
    let query = format!("SELECT id FROM {} ORDER BY id", scene.view("people"));
    assert_eq!(ada.see(&query).await, absent(&scene, "people"));
    scene.people().await?;
    scene.send(&[json!({"type": "data_source.refresh", "ids": [table]})]).await?;
    ada.until(&query, "1\n2\n3\n4").await?;
    scene.stack.status(Kind::DataSource, &table, State::Applied).await?;
    Ok(())
}

#[tokio::test]
async fn a_statement_that_fails_takes_the_older_view_away() -> Result<(), StackError> {
    let scene = Scene::begin("weaker").await?;
    let source = scene.people().await?;
    let ada = scene.account("ada").await?;
    scene
        .send(&[
            source,
            scene.subscription("readers", 1, json!({"level": "anyone"})),
            scene.user("ada", 1, &[], json!({})),
        ])
        .await?;
    let query = format!("SELECT name FROM {} WHERE id = 1", scene.view("people"));
    ada.until(&query, "Ada").await?;
    // The name is to be hidden from now on, and the document names a column that the table doesn't have.
    let mut wrong = scene.people_source(2);
    wrong["data_source"]["columns"][5]["name"] = json!("no_such_column");
    scene
        .send(&[
            wrong,
            scene.rules("names", 1, json!([{"mask": {"columns": {"name": "name"}, "using": {"kind": "null"}}}])),
        ])
        .await?;
    let reason = scene.stack.unhealthy(Kind::DataSource, &scene.name("people")).await?;
    assert!(reason.contains("no_such_column"), "{reason}");
    ada.until(&query, &absent(&scene, "people")).await?;
    scene.send(&[scene.people_source(3)]).await?;
    ada.until(&query, "NULL").await
}

#[tokio::test]
async fn a_policy_that_can_not_be_applied_withdraws_the_view_until_it_can() -> Result<(), StackError> {
    let scene = Scene::begin("norule").await?;
    let source = scene.people().await?;
    let ada = scene.account("ada").await?;
    scene
        .send(&[
            source,
            scene.subscription("readers", 1, json!({"level": "anyone"})),
            scene.user("ada", 1, &[], json!({"region": ["EU"]})),
        ])
        .await?;
    let query = format!("SELECT id FROM {} ORDER BY id", scene.view("people"));
    ada.until(&query, "1\n2\n3\n4").await?;
    let by_region =
        |column: Value| json!([{"rows": {"only": {"match": {"attribute": {"name": "region", "column": column}}}}}]);
    scene.send(&[scene.rules("region", 1, by_region(json!({"name": "region"})))]).await?;
    ada.until(&query, &absent(&scene, "people")).await?;
    assert_eq!(
        scene.stack.unhealthy(Kind::DataSource, &scene.name("people")).await?,
        format!(
            "policy `{}`: a row rule needs a column named `region`, and the data source has none",
            scene.name("region")
        )
    );
    // A type that can't be compared is as bad.
    scene.send(&[scene.rules("region", 2, by_region(json!({"name": "balance"})))]).await?;
    let expected = format!(
        "policy `{}`: column `balance` of type `DECIMAL(12,2)` can't be matched with what users have",
        scene.name("region")
    );
    let wanted = format!("Unhealthy: {expected}");
    wait::until(
        || wanted.clone(),
        async || {
            let reason = scene.stack.unhealthy(Kind::DataSource, &scene.name("people")).await?;
            Ok(if reason == expected { Ok(()) } else { Err(reason) })
        },
    )
    .await?;
    scene.send(&[scene.rules("region", 3, by_region(json!({"name": "country"})))]).await?;
    ada.until(&query, "").await
}

#[tokio::test]
async fn a_view_is_made_anew_when_its_columns_change() -> Result<(), StackError> {
    let scene = Scene::begin("shape").await?;
    let source = scene.people().await?;
    let ada = scene.account("ada").await?;
    scene
        .send(&[
            source,
            scene.subscription("readers", 1, json!({"level": "anyone"})),
            scene.user("ada", 1, &[], json!({})),
        ])
        .await?;
    let view = scene.view("people");
    ada.until(&format!("SELECT id, name FROM {view} WHERE id = 1"), "1|Ada").await?;
    let raw = scene.raw().await?;
    raw.run(&format!(
        "ALTER TABLE {table} ADD COLUMN city varchar(10) DEFAULT 'Lyon'; ALTER TABLE {table} ALTER COLUMN id TYPE bigint",
        table = scene.table("people")
    ))
    .await?;
    let mut changed = scene.people_source(2);
    changed["data_source"]["columns"] = json!([
        {"name": "city", "type": "varchar(10)"},
        {"name": "id", "type": "bigint"},
        {"name": "name", "type": "varchar(40)"},
    ]);
    scene.send(&[changed]).await?;
    ada.until(&format!("SELECT * FROM {view} WHERE id = 1"), "Lyon|1|Ada").await?;
    let types = format!(
        "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = '{view}'::regclass AND attnum > 0 \
         ORDER BY attnum"
    );
    assert_eq!(ada.see(&types).await, "character varying(10)\nbigint\ncharacter varying(40)");
    // A mask that needs more room changes a type too.
    let hash = json!([{"mask": {"columns": {"name": "city"}, "using": {"kind": "hash"}}}]);
    scene.send(&[scene.rules("cities", 1, hash)]).await?;
    ada.until(&types, "character varying(64)\nbigint\ncharacter varying(40)").await
}

/// A table with so many text columns of which all but the first are to be masked.
async fn wide(scene: &Scene, columns: usize) -> Result<(), StackError> {
    let names: Vec<String> = (0..columns).map(|index| format!("c{index:04}")).collect();
    let definitions: Vec<String> = names.iter().map(|name| format!("{name} varchar(20)")).collect();
    scene.create("wide", &definitions.join(", "), "").await?;
    let raw = scene.raw().await?;
    raw.run(&format!("INSERT INTO {} (c0000, c0001) VALUES ('key', 'secret-1234')", scene.table("wide"))).await?;
    let columns: Vec<Value> = names
        .iter()
        .skip(1)
        .map(|name| json!({"name": name, "type": "varchar(20)", "tags": [scene.tag("hidden")]}))
        .collect();
    let columns = [vec![json!({"name": "c0000", "type": "varchar(20)"})], columns].concat();
    let mask = json!([{"mask": {"columns": {"tag": scene.tag("hidden")}, "using": {"kind": "show", "last": 4}}}]);
    scene
        .send(&[
            scene.subscription("readers", 1, json!({"level": "anyone"})),
            scene.rules("masks", 1, mask),
            scene.user("ada", 1, &[], json!({})),
            scene.source("wide", 1, json!(columns)),
        ])
        .await
}

#[tokio::test]
async fn a_view_too_long_for_an_argument_goes_through_the_guarded_transaction() -> Result<(), StackError> {
    let scene = Scene::begin("wide").await?;
    let ada = scene.account("ada").await?;
    wide(&scene, 400).await?;
    let query = format!("SELECT c0000, c0001, c0399 FROM {}", scene.view("wide"));
    ada.until(&query, "key|*******1234|NULL").await?;
    scene.stack.status(Kind::DataSource, &scene.name("wide"), State::Applied).await?;
    let administrator = scene.administrator().await?;
    let length = format!("SELECT length(pg_get_viewdef('{}'::regclass)) > 65535", scene.view("wide"));
    assert_eq!(administrator.see(&length).await, "t", "else it would fit an argument");
    // The next revision replaces it the same way.
    let id = scene.name("wide");
    let before = scene.stack.revision(Kind::DataSource, &id).await?;
    scene.send(&[json!({"type": "data_source.refresh", "ids": [id]})]).await?;
    scene.stack.applied_after(Kind::DataSource, &id, before).await?;
    let revision = format!("SELECT revision FROM immuta_system.data_source WHERE source = '{id}'");
    let applied = administrator.see(&revision).await;
    assert!(applied.parse::<u64>().is_ok_and(|applied| applied > before), "{applied}");
    assert_eq!(ada.see(&query).await, "key|*******1234|NULL");
    Ok(())
}

#[tokio::test]
async fn a_view_too_long_for_a_call_is_withdrawn_with_the_reason() -> Result<(), StackError> {
    let scene = Scene::begin("toowide").await?;
    wide(&scene, 900).await?;
    let reason = scene.stack.unhealthy(Kind::DataSource, &scene.name("wide")).await?;
    let rest = reason.strip_prefix("its SQL has ").and_then(|rest| rest.strip_suffix(" bytes, a call takes 100000"));
    let bytes: usize = rest.and_then(|bytes| bytes.parse().ok()).unwrap_or_default();
    assert!(bytes > 100_000, "{reason}");
    let views = format!("SELECT count(*) FROM pg_views WHERE viewname = '{}'", scene.name("wide"));
    assert_eq!(scene.administrator().await?.see(&views).await, "0");
    Ok(())
}

#[tokio::test]
async fn a_submission_without_outcome_is_found_by_the_sweep_and_tried_again() -> Result<(), StackError> {
    let scene = Scene::begin("orphan").await?;
    let source = scene.people().await?;
    let id = scene.name("people");
    scene.send(&[source]).await?;
    scene.stack.status(Kind::DataSource, &id, State::Applied).await?;
    let revision = scene.stack.revision(Kind::DataSource, &id).await?;
    // What a submitter leaves that dies between recording a call and making it.
    let submission = json!({
        "targets": [{"kind": "data_source", "id": id, "revision": revision, "statements": 1, "then": {"state": "applied"}}],
        "together": false,
        "recorded_at": "2026-01-01T00:00:00Z",
    });
    let mut record = Record::new(Kind::Submission, scene.name("submission"));
    record.fields.insert(DOCUMENT.to_owned(), Field { version: 1, value: submission });
    assert_eq!(scene.stack.store.put(&record).await?, Put::Stored);
    scene.stack.send_bodies(Function::Reconcile, &[r#"{"type":"sweep"}"#.to_owned()]).await?;
    scene.stack.applied_after(Kind::DataSource, &id, revision).await?;
    let settled = scene.stack.record(Kind::Submission, &scene.name("submission")).await?;
    assert_eq!(settled, None);
    Ok(())
}

#[tokio::test]
async fn a_completion_event_that_tells_nothing_is_rejected() -> Result<(), StackError> {
    let scene = Scene::begin("nothing").await?;
    // A name as Redoubt gives its statements; those of others are nobody's fault.
    let name = redoubt_core::render::digest([scene.prefix.as_bytes()]);
    let event = json!({"source": "aws.redshift-data", "detail": {"statementName": name}});
    scene.stack.send_bodies(Function::Outcome, &[event.to_string()]).await?;
    let letter = scene.stack.dead_letter(Function::Outcome, &name).await?;
    assert_eq!(letter.error.faults, ["`detail.statementId`: found nothing, expected a text"]);
    Ok(())
}
