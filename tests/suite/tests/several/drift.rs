//! Drift on the deployed stack: made by hand, found through the reconcile queue, and repaired or reported within one run. It runs
//! alone, since a run looks at everything and puts back what other tests change on purpose. Each kind by itself is in
//! `integrations::drift`.

use redoubt_core::record::{Kind, State};
use redoubt_tests::stack::{Function, INTEGRATION, Scene, StackError, Workgroup, ident, wait};
use serde_json::{Value, json};

/// What is done by hand as the administrator, through the Data API.
async fn by_hand(scene: &Scene, database: &str, sql: &str) -> Result<(), StackError> {
    let settings = &scene.stack.settings;
    let call = scene.stack.data_api().execute_statement().workgroup_name(settings.workgroup(Workgroup::First));
    let call = call.database(database).secret_arn(settings.get("REDOUBT_SETUP_SECRET_ARN")).sql(sql);
    let taken =
        call.wait_time_seconds(20).send().await.map_err(StackError::service("the Data API", "take a statement"))?;
    let described = scene.stack.data_api().describe_statement().id(taken.id().unwrap_or_default()).send().await;
    let described = described.map_err(StackError::service("the Data API", "describe a statement"))?;
    match described.error() {
        Some(error) => Err(StackError::Refused(format!("{sql}: {error}"))),
        None => Ok(()),
    }
}

/// Has a run made, and gives what it says of this test's own things.
async fn run(scene: &Scene) -> Result<Vec<(String, String)>, StackError> {
    let looked_at = async || {
        let record = scene.stack.record(Kind::Installation, INTEGRATION).await?;
        let drift = record.and_then(|record| Some(record.document()?["drift"].clone()));
        Ok::<Value, StackError>(drift.unwrap_or_default())
    };
    let before = looked_at().await?.get("at").cloned();
    let request = json!({"type": "reconcile", "integration": INTEGRATION}).to_string();
    scene.stack.send_bodies(Function::Reconcile, &[request]).await?;
    let report = wait::until(
        || "the warehouse is looked over".to_owned(),
        async || {
            let now = looked_at().await?;
            Ok(if now.get("at") == before.as_ref() { Err("no newer report".to_owned()) } else { Ok(now) })
        },
    )
    .await?;
    let text = |finding: &Value, name: &str| finding.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let findings = report.get("findings").and_then(Value::as_array).cloned().unwrap_or_default();
    let own = findings.iter().filter(|finding| finding.to_string().contains(&scene.prefix));
    let mut own: Vec<_> = own.map(|finding| (text(finding, "kind"), text(finding, "then"))).collect();
    own.sort();
    Ok(own)
}

/// Waits until the view is known to be in force at its newest revision: what is under way is not judged.
async fn settled(scene: &Scene) -> Result<(), StackError> {
    let id = scene.name("people");
    wait::until(
        || format!("data source `{id}` is in force at its newest revision"),
        async || {
            let record = scene.stack.record(Kind::DataSource, &id).await?;
            let revision = record.as_ref().map(|record| record.revision);
            let status = record.and_then(|record| record.status());
            let is_settled = status
                .as_ref()
                .is_some_and(|status| status.state == State::Applied && Some(status.revision) == revision);
            Ok(if is_settled { Ok(()) } else { Err(format!("{status:?} of revision {revision:?}")) })
        },
    )
    .await
}

#[tokio::test]
async fn what_is_changed_by_hand_is_put_back_or_reported_within_one_run() -> Result<(), StackError> {
    let scene = Scene::begin("drift").await?;
    let (own, raw) = (scene.warehouse.database.as_str(), scene.stack.settings.get("PGDATABASE"));
    let (view, ada) = (scene.view("people"), ident(&scene.name("ada")));
    let (sight, system) = (ident(&scene.name("sight")), ident(&scene.warehouse.system_user));
    for sql in [
        format!("CREATE ROLE {sight}"),
        format!("GRANT ACCESS SYSTEM TABLE TO ROLE {sight}"),
        format!("GRANT ROLE {sight} TO {system}"),
    ] {
        by_hand(&scene, raw, &sql).await?;
    }
    let source = scene.people().await?;
    let session = scene.account("ada").await?;
    let country =
        json!([{"rows": {"only": {"match": {"attribute": {"name": "country", "column": {"name": "country"}}}}}}]);
    scene
        .send(&[
            source,
            scene.subscription("readers", 1, json!({"level": "anyone"})),
            scene.rules("rows", 1, country),
            scene.user("ada", 1, &[], json!({"country": ["FRANCE"]})),
        ])
        .await?;
    let ids = format!("SELECT id FROM {view} ORDER BY id");
    session.until(&ids, "1\n3").await?;
    settled(&scene).await?;
    assert_eq!(run(&scene).await?, [], "nobody touched anything");

    let everything = format!(
        "CREATE OR REPLACE VIEW {view} AS SELECT id, name, phone, country, balance, joined FROM {raw}.{} \
         WITH NO SCHEMA BINDING",
        scene.table("people")
    );
    let entitlement = format!(
        "INSERT INTO immuta_system.profile_entitlement (immuta__userid, kind, name, value) \
         VALUES ('{}', 'attribute', 'country', 'SPAIN')",
        scene.name("ada")
    );
    let pin = ident(&scene.name("pin"));
    for (database, sql) in [
        (own, everything),
        (own, entitlement),
        (own, format!("GRANT SELECT ON immuta_system.masking_key TO {ada}")),
        (own, format!("CREATE VIEW public.{pin} AS SELECT id FROM {view}")),
        (raw, format!("GRANT SELECT ON {} TO {ada}", scene.table("people"))),
        (raw, format!("ALTER TABLE {} ADD COLUMN salary integer", scene.table("people"))),
    ] {
        by_hand(&scene, database, &sql).await?;
    }
    assert_eq!(session.see(&ids).await, "1\n2\n3\n4", "the view shows everything now");
    let (rendering, repaired, reported) = ("rendering", "repaired", "reported");
    let told = |kind: &str, then: &str| (kind.to_owned(), then.to_owned());
    let left = [told("column_appeared", reported), told("frozen_view", reported), told("raw_table_grant", reported)];
    let mut expected = left.to_vec();
    expected.extend([
        told("object_grant", repaired),
        told("profile_changed", rendering),
        told("view_edited", rendering),
    ]);
    expected.sort();
    assert_eq!(run(&scene).await?, expected);
    session.until(&ids, "1\n3").await?;
    let key = session.see("SELECT COUNT(*) FROM immuta_system.masking_key").await;
    assert!(key.starts_with("ERROR 42501"), "{key}");

    settled(&scene).await?;
    // What is not Redoubt's to change stays until somebody does it; a bound view goes with the view that was made anew.
    assert_eq!(run(&scene).await?, [left[0].clone(), left[2].clone()]);
    for (database, sql) in [
        (raw, format!("REVOKE SELECT ON {} FROM {ada}", scene.table("people"))),
        (raw, format!("ALTER TABLE {} DROP COLUMN salary", scene.table("people"))),
    ] {
        by_hand(&scene, database, &sql).await?;
    }
    assert_eq!(run(&scene).await?, []);
    by_hand(&scene, raw, &format!("REVOKE ROLE {sight} FROM {system}")).await
}
