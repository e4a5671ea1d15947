//! External tables: in a database that has them, and in a new one where their schemas are made anew.

use redoubt_core::record::{Kind, State};
use serde_json::{Value, json};

use super::{
    lab::{ADMINISTRATOR, Lab, integration},
    scene::{govern, is_applied, is_gone, is_governed, source},
};

/// A catalog database with the table of the scene.
async fn lake(lab: &Lab) {
    let session = lab.session(ADMINISTRATOR, "redoubt_catalog").await;
    session
        .run(
            "CREATE SCHEMA lake; CREATE TABLE lake.people (id integer, phone varchar(15), country varchar(25)); \
             INSERT INTO lake.people VALUES (1, '100-555-0001', 'FRANCE'), (2, '100-555-0002', 'GERMANY'), \
             (3, '100-555-0003', 'FRANCE')",
        )
        .await
        .unwrap();
    for person in ["ana", "bob", "eve"] {
        lab.data_api("dev", &format!("CREATE USER {person} PASSWORD DISABLE")).await.unwrap();
    }
}

fn external(database: &str, fields: Value) -> Value {
    let mut event = source(database, json!({"schema": "spectrum", "external": true}));
    for (name, value) in fields.as_object().unwrap() {
        event["data_source"][name] = value.clone();
    }
    event
}

#[tokio::test]
async fn schemas_are_made_anew_and_refused_until_the_risk_is_accepted() {
    let lab = Lab::start().await;
    lake(&lab).await;
    let deployment = lab.deployment();
    let document = |version: u64, risks: Value| {
        integration(json!({
            "mask": null, "version": version, "accepted_risks": risks,
            "external_schemas": [{"name": "spectrum", "catalog_database": "lake", "role": "arn:aws:iam::123456789012:role/lake"}],
        }))
    };
    let status = deployment.integrate(&document(1, json!([]))).await;
    assert_eq!(status.state, State::Applied, "{status:?}");
    govern(&deployment, external("immuta", json!({}))).await;
    let reason = deployment.reason(Kind::DataSource, "people", State::Unhealthy).await;
    assert!(reason.contains("expected `external_schema_usage`"), "{reason}");
    is_gone(&lab, "immuta", "governed.people").await;
    assert!(lab.see("eve", "immuta", "SELECT id FROM spectrum.people").await.starts_with("ERROR 42501"));

    // With the risk accepted, readers see what they may in the view, and everything in the table: that is the risk.
    assert_eq!(deployment.integrate(&document(2, json!(["external_schema_usage"]))).await.state, State::Applied);
    is_applied(&deployment, "people").await;
    is_governed(&lab, "immuta", "governed.people").await;
    assert_eq!(lab.see("eve", "immuta", "SELECT count(*) FROM spectrum.people").await, "3");

    // Taken back, it is closed again.
    assert_eq!(deployment.integrate(&document(3, json!([]))).await.state, State::Applied);
    is_gone(&lab, "immuta", "governed.people").await;
    assert!(lab.see("eve", "immuta", "SELECT id FROM spectrum.people").await.starts_with("ERROR 42501"));

    let gone = deployment.disintegrate(9, false, Some("setup")).await;
    assert_eq!((gone.state, gone.reason), (State::Withdrawn, None));
    let catalog = lab.session(ADMINISTRATOR, "redoubt_catalog").await;
    assert_eq!(catalog.see("SELECT count(*) FROM lake.people").await, "3", "the catalog's tables stay");
    lab.stop().await;
}

#[tokio::test]
async fn a_database_that_has_them_is_used_as_it_is() {
    let lab = Lab::start().await;
    lake(&lab).await;
    lab.data_api("dev", "CREATE DATABASE theirs").await.unwrap();
    for sql in [
        "CREATE EXTERNAL SCHEMA spectrum FROM DATA CATALOG DATABASE 'lake' IAM_ROLE default".to_owned(),
        format!("GRANT CREATE, TEMP, USAGE ON DATABASE theirs TO {} WITH GRANT OPTION", super::lab::SETUP),
    ] {
        lab.data_api("theirs", &sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    let deployment = lab.deployment();
    let document = integration(json!({
        "mask": null, "mode": "single_database", "database": "theirs", "accepted_risks": ["external_schema_usage"],
    }));
    let status = deployment.integrate(&document).await;
    assert_eq!(status.state, State::Applied, "{status:?}");
    // What the administrator must give: to the owner of the views, and to their readers.
    for whom in ["system", "PUBLIC"] {
        lab.data_api("theirs", &format!("GRANT USAGE ON SCHEMA spectrum TO {whom}")).await.unwrap();
    }
    govern(&deployment, external("theirs", json!({}))).await;
    is_applied(&deployment, "people").await;
    is_governed(&lab, "theirs", "governed.people").await;

    // They have no name in another database, no bound views, and no nested columns.
    deployment.tell(external("dev", json!({"id": "far", "view": "far"}))).await;
    let reason = deployment.reason(Kind::DataSource, "far", State::Unhealthy).await;
    assert!(reason.contains("expected `theirs`"), "{reason}");
    deployment.tell(external("theirs", json!({"id": "bound", "view": "bound", "binding": "bound"}))).await;
    let nested = json!([{"name": "id", "type": "struct<a:int>"}]);
    deployment.tell(external("theirs", json!({"id": "nested", "view": "nested", "columns": nested}))).await;
    let letters = deployment.dead_letters();
    let faults: Vec<&String> = letters.keys().collect();
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(faults.iter().any(|fault| fault.contains("Redshift binds no view to an external table")), "{faults:?}");
    assert!(faults.iter().any(|fault| fault.contains("no structure")), "{faults:?}");
    lab.stop().await;
}
