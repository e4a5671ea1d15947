//! Changing what an integration is: shown, applied, and never with more to see than before or after.

use redoubt_core::record::{Kind, State};
use serde_json::{Value, json};

use super::{
    deployment::Deployment,
    lab::{ADMINISTRATOR, ELSEWHERE, Lab, integration},
    scene::{ANA, BOB, govern, is_gone, is_governed, source, table},
};

/// A warehouse with a data source in force.
async fn governed(lab: &Lab, document: &Value) -> Deployment {
    let deployment = lab.deployment();
    let status = deployment.integrate(document).await;
    assert_eq!(status.state, State::Applied, "{status:?}");
    table(lab, ELSEWHERE, "system").await;
    govern(&deployment, source(ELSEWHERE, json!({}))).await;
    deployment
}

async fn schemas(lab: &Lab, database: &str) -> String {
    let query = "SELECT nspname FROM pg_namespace WHERE nspowner >= 16384 ORDER BY 1";
    lab.see(ADMINISTRATOR, database, query).await
}

#[tokio::test]
async fn another_schema_and_other_names_for_views() {
    let lab = Lab::start().await;
    let deployment = governed(&lab, &integration(json!({"mask": null}))).await;
    let moved =
        integration(json!({"mask": null, "version": 2, "view_schema": "safe", "view_name": "{schema}_{table}"}));
    let status = deployment.integrate(&moved).await;
    assert_eq!(status.state, State::Applied, "{status:?}");
    is_governed(&lab, "immuta", "safe.raw_people").await;
    is_gone(&lab, "immuta", "governed.people").await;
    assert_eq!(schemas(&lab, "immuta").await, "immuta_functions\nimmuta_procedures\nimmuta_system\nsafe");

    // Only the name.
    let renamed = integration(json!({"mask": null, "version": 3, "view_schema": "safe"}));
    assert_eq!(deployment.integrate(&renamed).await.state, State::Applied);
    is_governed(&lab, "immuta", "safe.people").await;
    is_gone(&lab, "immuta", "safe.raw_people").await;
    lab.stop().await;
}

#[tokio::test]
async fn another_secret_changes_nothing_in_the_warehouse_and_a_wrong_one_is_told() {
    let lab = Lab::start().await;
    let deployment = governed(&lab, &integration(json!({"mask": null}))).await;
    let wrong = integration(json!({"mask": null, "version": 2, "secret": "setup"}));
    let status = deployment.integrate(&wrong).await;
    assert_eq!(status.state, State::Unhealthy, "{status:?}");
    is_governed(&lab, "immuta", "governed.people").await;
    let right = integration(json!({"mask": null, "version": 3, "secret": "system"}));
    assert_eq!(deployment.integrate(&right).await.state, State::Applied);
    is_governed(&lab, "immuta", "governed.people").await;
    lab.stop().await;
}

#[tokio::test]
async fn the_setup_secret_is_used_once() {
    let lab = Lab::start().await;
    let deployment = governed(&lab, &integration(json!({"mask": null}))).await;
    // The account loses its rights; nothing asks for it any more.
    lab.data_api(ELSEWHERE, "ALTER USER setup_person NOCREATEDB").await.unwrap();
    lab.data_api(ELSEWHERE, "REVOKE ROLE redoubt_setup FROM setup_person").await.unwrap();
    let changed = integration(json!({"mask": null, "version": 2, "view_schema": "safe"}));
    assert_eq!(deployment.integrate(&changed).await.state, State::Applied);
    is_governed(&lab, "immuta", "safe.people").await;
    // Without it, too.
    let without = integration(json!({"mask": null, "version": 3, "view_schema": "governed", "setup": null}));
    assert_eq!(deployment.integrate(&without).await.state, State::Applied);
    is_governed(&lab, "immuta", "governed.people").await;
    lab.stop().await;
}

#[tokio::test]
async fn from_single_to_multi_database() {
    let lab = Lab::start().await;
    let single =
        integration(json!({"mask": null, "mode": "single_database", "database": "theirs", "new_database": true}));
    let deployment = lab.deployment();
    assert_eq!(deployment.integrate(&single).await.state, State::Applied);
    table(&lab, "theirs", "system").await;
    govern(&deployment, source("theirs", json!({}))).await;
    is_governed(&lab, "theirs", "governed.people").await;
    // The database has somebody's tables, so it is not Redoubt's to drop any more.
    let multi = integration(json!({"mask": null, "version": 2, "new_database": true}));
    deployment
        .send(redoubt_aws::port::Queue::Integration, &json!({"type": "integration.updated", "integration": multi}))
        .await;
    // Whatever is looked at in between, nobody sees more than policies allow.
    let mut looked = 0;
    for _ in 0..200 {
        let mut busy = false;
        for queue in redoubt_aws::port::Queue::ALL {
            busy |= queue != redoubt_aws::port::Queue::DeadLetter && deployment.serve(queue).await;
            for database in ["theirs", "immuta"] {
                for (person, allowed) in [("ana", ANA), ("bob", BOB), ("eve", "")] {
                    let seen =
                        lab.see(person, database, "SELECT id, phone, country FROM governed.people ORDER BY id").await;
                    assert!(
                        seen == allowed || seen.is_empty() || seen.contains("ERROR"),
                        "{person}@{database}: {seen}"
                    );
                    looked += 1;
                }
            }
        }
        if !busy {
            break;
        }
    }
    assert!(looked > 20);
    deployment.settle().await;
    is_governed(&lab, "immuta", "governed.people").await;
    is_gone(&lab, "theirs", "governed.people").await;
    assert_eq!(schemas(&lab, "theirs").await, "raw");
    let status = deployment.status(Kind::Integration, "wh").await;
    assert_eq!(status.state, State::Unhealthy, "{status:?}");
    assert!(status.reason.unwrap().contains("not Redoubt's in database `theirs`"));
    lab.stop().await;
}
