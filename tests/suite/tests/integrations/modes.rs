//! Every mode, in a new and in an existing database: set up by an account that has no right it need not have, and then enforced.

use redoubt_core::record::{Kind, State};
use serde_json::json;

use super::{
    lab::{ELSEWHERE, Lab, integration},
    scene::{govern, is_applied, is_gone, is_governed, source, table},
};

/// An existing database, in which the setup account may do what `docs/warehouse.md` says.
async fn existing(lab: &Lab, name: &str) {
    lab.data_api(ELSEWHERE, &format!("CREATE DATABASE {name}")).await.unwrap();
    for right in ["CREATE", "TEMP", "USAGE"] {
        let sql = format!("GRANT {right} ON DATABASE {name} TO {} WITH GRANT OPTION", super::lab::SETUP);
        lab.data_api(name, &sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    exfunc(lab, name).await;
}

/// The right to pass on the language of external functions, in a database.
pub async fn exfunc(lab: &Lab, database: &str) {
    let sql = format!("GRANT USAGE ON LANGUAGE exfunc TO {} WITH GRANT OPTION", super::lab::SETUP);
    lab.data_api(database, &sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

#[tokio::test]
async fn multi_database_in_a_new_database() {
    let lab = Lab::start().await;
    let deployment = lab.deployment();
    // Rights on languages belong to a database, so that of external functions in a new one is only a superuser's to give.
    let status = deployment.integrate(&integration(json!({}))).await;
    assert_eq!(status.state, State::Unhealthy);
    let reason = status.reason.unwrap();
    assert!(reason.starts_with("setup step `masking functions` failed") && reason.contains("exfunc"), "{reason}");
    lab.data_api("immuta", "GRANT USAGE ON LANGUAGE exfunc TO system").await.unwrap();
    deployment.tell(json!({"type": "integration.refresh", "ids": ["wh"]})).await;
    let status = deployment.status(Kind::Integration, "wh").await;
    assert_eq!(status.state, State::Applied, "{status:?}");
    table(&lab, ELSEWHERE, "system").await;
    govern(&deployment, source(ELSEWHERE, json!({}))).await;
    is_applied(&deployment, "people").await;
    is_governed(&lab, "immuta", "governed.people").await;

    // A database that is there is never taken for a new one.
    lab.data_api(ELSEWHERE, "CREATE DATABASE theirs").await.unwrap();
    let other = lab.deployment();
    let refused = other
        .integrate(&integration(json!({"database": "theirs", "system_user": "other_system", "secret": "other_system"})))
        .await;
    assert_eq!(refused.state, State::Unhealthy);
    let reason = refused.reason.unwrap();
    assert!(reason.contains("theirs") && reason.contains("new_database"), "{reason}");
    lab.stop().await;
}

#[tokio::test]
async fn multi_database_in_an_existing_database() {
    let lab = Lab::start().await;
    existing(&lab, "theirs").await;
    let deployment = lab.deployment();
    let status = deployment.integrate(&integration(json!({"database": "theirs", "new_database": false}))).await;
    assert_eq!(status.state, State::Applied, "{status:?}");
    table(&lab, ELSEWHERE, "system").await;
    govern(&deployment, source(ELSEWHERE, json!({}))).await;
    is_governed(&lab, "theirs", "governed.people").await;
    lab.stop().await;
}

#[tokio::test]
async fn single_database_in_an_existing_database_with_late_and_bound_views() {
    let lab = Lab::start().await;
    existing(&lab, "theirs").await;
    let deployment = lab.deployment();
    let document = integration(json!({"mode": "single_database", "database": "theirs"}));
    let status = deployment.integrate(&document).await;
    assert_eq!(status.state, State::Applied, "{status:?}");
    table(&lab, "theirs", "system").await;
    govern(&deployment, source("theirs", json!({}))).await;
    is_governed(&lab, "theirs", "governed.people").await;

    // A table of another database can't have a view here.
    deployment.tell(source("dev", json!({"id": "far", "view": "far"}))).await;
    let reason = deployment.reason(Kind::DataSource, "far", State::Unhealthy).await;
    assert!(reason.starts_with("`data_source.database`: found `dev`, expected `theirs`"), "{reason}");

    deployment.tell(source("theirs", json!({"version": 2, "binding": "bound"}))).await;
    is_applied(&deployment, "people").await;
    is_governed(&lab, "theirs", "governed.people").await;
    let blocked = lab.data_api("theirs", "DROP TABLE raw.people").await.unwrap_err();
    assert!(blocked.to_string().contains("other objects depend on it"), "{blocked}");
    lab.stop().await;
}

#[tokio::test]
async fn single_database_in_a_new_database() {
    let lab = Lab::start().await;
    let deployment = lab.deployment();
    let document =
        integration(json!({"mode": "single_database", "database": "fresh", "new_database": true, "mask": null}));
    let status = deployment.integrate(&document).await;
    assert_eq!(status.state, State::Applied, "{status:?}");
    table(&lab, "fresh", "system").await;
    govern(&deployment, source("fresh", json!({}))).await;
    is_governed(&lab, "fresh", "governed.people").await;
    deployment.tell(json!({"type": "data_source.disabled", "id": "people", "version": 2})).await;
    assert_eq!(deployment.status(Kind::DataSource, "people").await.state, State::Disabled);
    is_gone(&lab, "fresh", "governed.people").await;
    lab.stop().await;
}

#[tokio::test]
async fn what_is_not_redoubts_own_is_not_used() {
    let lab = Lab::start().await;
    existing(&lab, "theirs").await;
    lab.data_api("theirs", "CREATE SCHEMA governed").await.unwrap();
    let deployment = lab.deployment();
    let status = deployment.integrate(&integration(json!({"database": "theirs", "new_database": false}))).await;
    assert_eq!(status.state, State::Unhealthy);
    assert!(status.reason.as_ref().is_some_and(|reason| reason.contains("governed")), "{status:?}");
    // Once the schema is out of the way, being asked to look again is enough.
    lab.data_api("theirs", "DROP SCHEMA governed").await.unwrap();
    deployment.tell(json!({"type": "integration.refresh", "ids": ["wh"]})).await;
    assert_eq!(deployment.status(Kind::Integration, "wh").await.state, State::Applied);
    lab.stop().await;
}
