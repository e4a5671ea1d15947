//! The warehouse's own guard: whatever comes late, only a newer revision is applied. Called as the system account, the way
//! Redoubt's statements arrive.

use std::time::Duration;

use aws_sdk_redshiftdata::types::StatusString;
use redoubt_tests::stack::{Scene, StackError, wait};

/// A call that puts a view in force that has one column with one value.
fn apply(scene: &Scene, revision: u64, value: u64) -> String {
    let view = scene.name("view");
    format!(
        "CALL immuta_procedures.apply_view('{source}', {revision}, 1, 'print-{revision}', 'shape', 'governed', '{view}', \
         'CREATE OR REPLACE VIEW governed.\"{view}\" AS SELECT CAST({value} AS bigint) AS value')",
        source = scene.name("source")
    )
}

fn value(scene: &Scene) -> String {
    format!("SELECT value FROM {}", scene.view("view"))
}

fn applied(scene: &Scene) -> String {
    format!("SELECT revision, fingerprint FROM immuta_system.data_source WHERE source = '{}'", scene.name("source"))
}

#[tokio::test]
async fn a_stale_revision_changes_nothing() -> Result<(), StackError> {
    let scene = Scene::begin("late").await?;
    let system = scene.system().await?;
    let anyone = scene.account("anyone").await?;
    let unprepared = system.see(&apply(&scene, 1, 1)).await;
    assert_eq!(unprepared, "ERROR P0001: redoubt: not prepared");
    let prepare = format!("CALL immuta_procedures.prepare_view('{}', 'seed')", scene.name("source"));
    system.run(&prepare).await?;
    system.run(&apply(&scene, 5, 5)).await?;
    assert_eq!(anyone.see(&value(&scene)).await, "5");
    for (revision, expected) in [(4, "5"), (5, "5"), (6, "6"), (1, "6")] {
        // Late and repeated statements succeed and do nothing, so that no outcome looks like a failure.
        system.run(&apply(&scene, revision, revision)).await?;
        assert_eq!(anyone.see(&value(&scene)).await, expected, "after revision {revision}");
    }
    system.run(&apply(&scene, 6, 66)).await?;
    assert_eq!(anyone.see(&value(&scene)).await, "6", "the same revision with another definition");
    assert_eq!(system.see(&applied(&scene)).await, "6|print-6");

    let stale_drop = |revision| {
        format!("CALL immuta_procedures.drop_view('{}', {revision}, 'withdrawn', NULL)", scene.name("source"))
    };
    system.run(&stale_drop(6)).await?;
    assert_eq!(anyone.see(&value(&scene)).await, "6", "a late withdrawal");
    system.run(&stale_drop(7)).await?;
    assert!(anyone.see(&value(&scene)).await.starts_with("ERROR 42P01"));
    system.run(&apply(&scene, 7, 7)).await?;
    assert!(anyone.see(&value(&scene)).await.starts_with("ERROR 42P01"), "a view that comes after its withdrawal");
    system.run(&apply(&scene, 8, 8)).await?;
    assert_eq!(anyone.see(&value(&scene)).await, "8");
    Ok(())
}

#[tokio::test]
async fn the_guard_of_a_long_definition_fails_when_stale() -> Result<(), StackError> {
    let scene = Scene::begin("guarded").await?;
    let system = scene.system().await?;
    let source = scene.name("source");
    system.run(&format!("CALL immuta_procedures.prepare_view('{source}', 'seed')")).await?;
    system.run(&apply(&scene, 5, 5)).await?;
    let begin = |revision: u64| {
        format!(
            "CALL immuta_procedures.begin_view('{source}', {revision}, 1, 'shape', 'governed', '{}')",
            scene.name("view")
        )
    };
    for revision in [4, 5] {
        let transaction = format!(
            "BEGIN; {}; CREATE OR REPLACE VIEW {} AS SELECT CAST(0 AS bigint) AS value; COMMIT",
            begin(revision),
            scene.view("view")
        );
        assert_eq!(system.see(&transaction).await, "ERROR P0001: redoubt: superseded", "revision {revision}");
        system.run("ROLLBACK").await?;
    }
    assert_eq!(system.see(&value(&scene)).await, "5");
    // The name changed hands since: a higher claim than this revision's holds it.
    let rival = scene.name("rival");
    system.run(&format!("CALL immuta_procedures.prepare_view('{rival}', 'seed')")).await?;
    let take_over = apply(&scene, 1, 77).replace(&source, &rival).replace(", 1, 'print", ", 2, 'print");
    system.run(&take_over).await?;
    assert_eq!(system.see(&value(&scene)).await, "77");
    assert_eq!(system.see(&apply(&scene, 9, 9)).await, "ERROR P0001: redoubt: superseded");
    assert_eq!(system.see(&value(&scene)).await, "77");
    Ok(())
}

#[tokio::test]
async fn an_older_profile_does_not_replace_a_newer_one() -> Result<(), StackError> {
    let scene = Scene::begin("merge").await?;
    let system = scene.system().await?;
    let ada = scene.account("ada").await?;
    let user = scene.name("ada");
    let merge = |revision: u64, group: &str| {
        format!(
            "BEGIN; LOCK immuta_system.mutex; \
             CREATE TEMPORARY TABLE redoubt_stage_profile \
               (place integer, userid varchar(128), revision bigint, active boolean, project varchar(128)); \
             CREATE TEMPORARY TABLE redoubt_stage_entitlement \
               (entitlement integer, kind varchar(16), name varchar(512), value varchar(512)); \
             CREATE TEMPORARY TABLE redoubt_stage_held (place integer, entitlement integer); \
             INSERT INTO redoubt_stage_profile VALUES (0, '{user}', {revision}, true, NULL); \
             INSERT INTO redoubt_stage_entitlement VALUES (0, 'group', NULL, '{group}'); \
             INSERT INTO redoubt_stage_held VALUES (0, 0); \
             CALL immuta_procedures.merge_profiles(); \
             DROP TABLE redoubt_stage_profile; DROP TABLE redoubt_stage_entitlement; DROP TABLE redoubt_stage_held; COMMIT"
        )
    };
    let groups = "SELECT value FROM immuta_system.user_entitlement";
    for (revision, group, expected) in
        [(5, "five", "five"), (4, "four", "five"), (5, "again", "five"), (6, "six", "six")]
    {
        system.run(&merge(revision, group)).await?;
        assert_eq!(ada.see(groups).await, expected, "after revision {revision}");
    }
    Ok(())
}

#[tokio::test]
async fn revisions_applied_at_once_leave_the_newest_alone() -> Result<(), StackError> {
    let scene = Scene::begin("atonce").await?;
    let system = scene.system().await?;
    let source = scene.name("source");
    system.run(&format!("CALL immuta_procedures.prepare_view('{source}', 'seed')")).await?;
    let client = scene.stack.data_api();
    let settings = &scene.stack.settings;
    let mut open: Vec<(u64, String)> = Vec::new();
    let submit = async |revision: u64| {
        let call = client
            .execute_statement()
            .workgroup_name(settings.get("REDOUBT_WORKGROUP"))
            .database(&scene.warehouse.database)
            .secret_arn(settings.get("REDOUBT_SYSTEM_SECRET_ARN"))
            .sql(apply(&scene, revision, revision));
        let reply = call.send().await.map_err(|source| StackError::Service {
            service: "the Data API",
            what: "take a statement",
            source: source.into(),
        })?;
        Ok::<_, StackError>(reply.id().unwrap_or_default().to_owned())
    };
    for revision in [3, 8, 1, 6, 2, 7, 5, 4] {
        open.push((revision, submit(revision).await?));
    }
    // A conflict between transactions is tried again, as the outcome function does.
    let mut tries = 0;
    while let Some((revision, id)) = open.pop() {
        let status = wait::until(
            || format!("statement of revision {revision} ends"),
            async || {
                let reply = client.describe_statement().id(&id).send().await;
                let reply = reply.map_err(|source| StackError::Service {
                    service: "the Data API",
                    what: "describe a statement",
                    source: source.into(),
                })?;
                Ok(match reply.status() {
                    Some(StatusString::Finished) => Ok(None),
                    Some(StatusString::Failed) => Ok(Some(reply.error().unwrap_or_default().to_owned())),
                    status => Err(format!("{status:?}")),
                })
            },
        )
        .await?;
        if let Some(error) = status {
            tries += 1;
            let conflict = ["1023", "concurrent", "already exists"].iter().any(|sign| error.contains(sign));
            assert!(conflict && tries < 100, "revision {revision}: {error}");
            tokio::time::sleep(Duration::from_millis(20)).await;
            open.push((revision, submit(revision).await?));
        }
    }
    assert_eq!(system.see(&value(&scene)).await, "8");
    assert_eq!(system.see(&applied(&scene)).await, "8|print-8");
    Ok(())
}

/// The application began before the withdrawal was committed and can't see it. Were the source unknown to the warehouse, nothing
/// would stop it, and the view of a source that was switched off would stay.
#[tokio::test]
async fn a_first_application_under_way_does_not_outlive_a_newer_withdrawal() -> Result<(), StackError> {
    let scene = Scene::begin("underway").await?;
    let (system, late) = (scene.system().await?, scene.system().await?);
    let source = scene.name("source");
    system.run(&format!("CALL immuta_procedures.prepare_view('{source}', 'seed')")).await?;
    late.run("BEGIN ISOLATION LEVEL REPEATABLE READ").await?;
    assert_eq!(late.see(&applied(&scene)).await, "0|NULL");
    system.run(&format!("CALL immuta_procedures.drop_view('{source}', 3, 'withdrawn', NULL)")).await?;
    let outcome = late.see(&apply(&scene, 2, 2)).await;
    assert!(outcome.starts_with("ERROR 40001"), "{outcome}");
    late.run("ROLLBACK").await?;
    let anyone = scene.account("anyone").await?;
    assert!(anyone.see(&value(&scene)).await.starts_with("ERROR 42P01"));
    assert_eq!(system.see(&applied(&scene)).await, "3|NULL");
    Ok(())
}
