//! What must be in no text that others can read: view and procedure text, plans, and logs.

use redoubt_core::record::{Kind, State};
use redoubt_tests::stack::{Scene, Session, StackError, ident, logs};
use serde_json::{Value, json};

use crate::Target;

#[tokio::test]
async fn no_salt_and_no_seed_stands_in_the_text_of_an_object() -> Result<(), StackError> {
    let target = Target::begin("text").await?;
    let scene = &target.scene;
    let source = scene.name("people");
    let administrator = scene.administrator().await?;
    let salt =
        administrator.see(&format!("SELECT salt FROM immuta_system.masking_key WHERE source = '{source}'")).await;
    assert_eq!(salt.len(), 64, "{salt}");
    let record = scene.stack.record(Kind::DataSource, &source).await?;
    let seed = record.and_then(|record| record.seed).unwrap_or_default();
    assert!(seed.len() >= 32, "{seed}");
    assert_ne!(seed, salt);
    // All that an account can read of objects' texts, as that account.
    for query in [
        "SELECT coalesce(pg_get_viewdef(c.oid), '') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind = 'v' AND n.nspname NOT LIKE 'pg_%' AND n.nspname <> 'information_schema'",
        "SELECT prosrc FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname NOT LIKE 'pg_%'",
        "SELECT description FROM pg_description",
        "SELECT coalesce(query, '') FROM pg_stat_activity",
        "SELECT coalesce(setting, '') FROM pg_settings",
    ] {
        let seen = target.mallory.see(query).await;
        assert!(!seen.starts_with("ERROR"), "{seen}");
        assert!(!seen.contains(&salt) && !seen.contains(&seed), "{query}");
    }
    let plan = target.mallory.see(&format!("EXPLAIN (VERBOSE) SELECT * FROM {}", target.view)).await;
    assert!(plan.contains("masking_key") && !plan.contains(&salt), "{plan}");
    Ok(())
}

/// Two sources with equal values have different digests, so that a digest can't be looked up in a table of one's own.
#[tokio::test]
async fn digests_of_equal_values_differ_between_sources() -> Result<(), StackError> {
    let target = Target::begin("salts").await?;
    let scene = &target.scene;
    scene.create("others", "name varchar(40), country varchar(20)", "('Ada', 'FRANCE')").await?;
    let columns = json!([{"name": "name", "type": "varchar(40)", "tags": [scene.tag("name")]},
                         {"name": "country", "type": "varchar(20)"}]);
    let others = scene.source("others", 1, columns);
    scene.send(&[others]).await?;
    let other = target
        .mallory
        .until_that(&format!("SELECT name FROM {}", scene.view("others")), "a digest", |seen| seen.len() == 64)
        .await?;
    let this = target.mallory.see(&format!("SELECT name FROM {} WHERE id = 1", target.view)).await;
    assert_eq!(this.len(), 64);
    assert_ne!(this, other);
    let bare = target.mallory.see("SELECT sha2('Ada', 256)").await;
    assert!(bare != this && bare != other);
    Ok(())
}

#[tokio::test]
async fn logs_hold_no_row_value_no_attribute_no_salt_and_no_password() -> Result<(), StackError> {
    let scene = Scene::begin("logs").await?;
    let canary = |what: &str| format!("canary-{what}-{}", scene.prefix);
    scene.create("birds", "id integer, song varchar(80)", &format!("(1, '{}')", canary("row"))).await?;
    let ada = scene.account("ada").await?;
    let columns = json!([{"name": "id", "type": "integer"}, {"name": "song", "type": "varchar(80)"}]);
    let failing = |columns: Value| {
        let mut event = scene.source("nowhere", 1, columns);
        event["data_source"]["table"] = json!(scene.name("no_such_table"));
        event
    };
    let masks = |constant: &str, group: &str| {
        scene.rules(
            "masks",
            1,
            json!([{"mask": {"columns": {"name": "song"}, "cases": [
                {"for": {"group": group}, "using": {"kind": "constant", "value": constant}}], "otherwise": {"kind": "hash"}}},
                {"rows": {"only": {"match": {"attribute": {"name": "tone", "column": {"name": "song"}}}},
                          "except": {"attribute": {"name": "tone", "values": [canary("condition")]}}}}]),
        )
    };
    scene
        .send(&[
            scene.source("birds", 1, columns.clone()),
            failing(columns),
            scene.subscription("readers", 1, json!({"level": "anyone"})),
            masks(&canary("constant"), &canary("group")),
            scene.user("ada", 1, &[&canary("group")], json!({"tone": [canary("condition"), canary("attribute")]})),
        ])
        .await?;
    let query = format!("SELECT song FROM {}", scene.view("birds"));
    ada.until(&query, &canary("constant")).await?;
    scene.stack.unhealthy(Kind::DataSource, &scene.name("nowhere")).await?;
    // Rejected messages are logged without what they say.
    let bad = json!({"type": "user.created", "user": {"id": scene.name("bad"), "version": 1, "groups": [canary("rejected")]}});
    scene.send(&[bad]).await?;
    scene.stack.dead_letter(redoubt_tests::stack::Function::User, &scene.name("bad")).await?;
    scene.stack.status(Kind::DataSource, &scene.name("birds"), State::Applied).await?;

    let administrator = scene.administrator().await?;
    let source = scene.name("birds");
    let salt = format!("SELECT salt FROM immuta_system.masking_key WHERE source = '{source}'");
    let salt = administrator.see(&salt).await;
    let secret = scene.stack.secret(scene.stack.settings.get("REDOUBT_SYSTEM_SECRET_ARN")).await?;
    let password = secret["password"].as_str().unwrap_or_default().to_owned();
    let seed = scene.stack.record(Kind::DataSource, &source).await?.and_then(|record| record.seed).unwrap_or_default();
    assert!([&salt, &password, &seed].iter().all(|text| text.len() >= 16), "what is looked for is there");

    let canaries = ["row", "constant", "group", "condition", "attribute", "rejected"].map(canary);
    let sought: Vec<String> = canaries.into_iter().chain([salt, seed, password]).collect();
    assert_eq!(logs::lines_with(&scene.stack, &sought)?, Vec::<String>::new());
    let own = logs::lines_with(&scene.stack, &[scene.name("nowhere")])?;
    assert!(!own.is_empty(), "these are the logs of another stack");
    Ok(())
}

/// A password digest is PostgreSQL's to keep; here it is checked that Redoubt leaves it nowhere else.
#[tokio::test]
async fn the_system_accounts_password_digest_stands_nowhere_in_the_warehouse() -> Result<(), StackError> {
    let target = Target::begin("digest").await?;
    let scene = &target.scene;
    let record = scene.stack.record(Kind::Integration, "warehouse").await?;
    let digest = record
        .as_ref()
        .and_then(|record| record.document()?.pointer("/setup/system_user_password_digest")?.as_str())
        .and_then(|digest| digest.split('|').nth(1).map(str::to_owned))
        .unwrap_or_default();
    assert_eq!(digest.len(), 64);
    for query in ["SELECT * FROM pg_user", "SELECT coalesce(query, '') FROM pg_stat_activity", "SELECT * FROM pg_roles"]
    {
        assert!(!target.mallory.see(query).await.contains(&digest), "{query}");
    }
    let stored = target.mallory.see("SELECT rolpassword FROM pg_authid").await;
    assert_eq!(stored, "ERROR 42501: permission denied for table pg_authid");
    let session = Session::open(&scene.stack.settings, &scene.name("mallory"), &scene.warehouse.database).await?;
    assert_eq!(
        session.see(&format!("SELECT 1 FROM {} LIMIT 1", ident("pg_shadow"))).await,
        "ERROR 42501: permission denied for view pg_shadow"
    );
    Ok(())
}
