//! Leaving: everything of Redoubt's goes, and nothing else.

use redoubt_core::record::{Kind, State};
use serde_json::json;

use super::{
    lab::{ELSEWHERE, Lab, integration},
    scene::{govern, is_governed, source, table},
};

#[tokio::test]
async fn everything_goes_and_nothing_else() {
    let lab = Lab::start().await;
    table(&lab, ELSEWHERE, "awsuser").await;
    let before = lab.catalog().await;
    for mode in ["multi_database", "single_database"] {
        let deployment = lab.deployment();
        let fresh = integration(json!({"mode": mode, "new_database": true, "impersonation": true, "mask": null}));
        let status = deployment.integrate(&fresh).await;
        assert_eq!(status.state, State::Applied, "{status:?}");
        for sql in ["GRANT USAGE ON SCHEMA raw TO system", "GRANT SELECT ON raw.people TO system"] {
            lab.data_api(ELSEWHERE, sql).await.unwrap();
        }
        if mode == "multi_database" {
            govern(&deployment, source(ELSEWHERE, json!({}))).await;
            is_governed(&lab, "immuta", "governed.people").await;
        }
        // What the administrator gave, the administrator takes back, or the account can't be dropped.
        for sql in ["REVOKE SELECT ON raw.people FROM system", "REVOKE USAGE ON SCHEMA raw FROM system"] {
            lab.data_api(ELSEWHERE, sql).await.unwrap();
        }
        let gone = deployment.disintegrate(9, false, Some("setup")).await;
        assert_eq!((gone.state, gone.reason), (State::Withdrawn, None), "{mode}");
        assert_eq!(lab.catalog().await, before, "{mode}");
        if mode == "multi_database" {
            let reason = deployment.reason(Kind::DataSource, "people", State::Unhealthy).await;
            assert_eq!(reason, "data_source.host: found `warehouse`, expected the host of an integration");
        }
    }
    lab.stop().await;
}

#[tokio::test]
async fn an_existing_database_is_as_it_was_and_profiles_may_stay() {
    let lab = Lab::start().await;
    lab.data_api(ELSEWHERE, "CREATE DATABASE theirs").await.unwrap();
    table(&lab, "theirs", "awsuser").await;
    for right in ["CREATE", "TEMP", "USAGE"] {
        let sql = format!("GRANT {right} ON DATABASE theirs TO {} WITH GRANT OPTION", super::lab::SETUP);
        lab.data_api("theirs", &sql).await.unwrap();
    }
    super::modes::exfunc(&lab, "theirs").await;
    let before = lab.catalog().await;
    let document = integration(json!({"mode": "single_database", "database": "theirs"}));
    let deployment = lab.deployment();
    assert_eq!(deployment.integrate(&document).await.state, State::Applied);
    govern(&deployment, source("theirs", json!({}))).await;
    let gone = deployment.disintegrate(9, false, Some("setup")).await;
    assert_eq!((gone.state, gone.reason), (State::Withdrawn, None));
    assert_eq!(lab.catalog().await, before);

    // It may come back, and be left in another way.
    let mut again = document.clone();
    again["version"] = json!(10);
    assert_eq!(deployment.integrate(&again).await.state, State::Applied);
    // The account is another one of that name.
    for sql in ["GRANT USAGE ON SCHEMA raw TO system", "GRANT SELECT ON raw.people TO system"] {
        lab.data_api("theirs", sql).await.unwrap();
    }
    deployment.tell(json!({"type": "data_source.refresh", "ids": ["people"]})).await;
    is_governed(&lab, "theirs", "governed.people").await;
    let gone = deployment.disintegrate(11, true, Some("setup")).await;
    assert_eq!(gone.state, State::Withdrawn);
    assert!(gone.reason.unwrap().contains("kept"));
    let tables = "SELECT n.nspname, relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace \
                  WHERE n.nspname LIKE 'immuta%' ORDER BY 2";
    let kept = lab.see("awsuser", "theirs", tables).await;
    assert_eq!(kept, "immuta_system|profile\nimmuta_system|profile_entitlement");
    let profiles = "SELECT immuta__userid FROM immuta_system.profile ORDER BY 1";
    assert_eq!(lab.see("awsuser", "theirs", profiles).await, "ana\nbob\neve");
    assert!(lab.see("ana", "theirs", profiles).await.starts_with("ERROR 42501"));
    lab.stop().await;
}

#[tokio::test]
async fn what_others_built_on_a_view_is_not_dropped_but_named() {
    let lab = Lab::start().await;
    let deployment = lab.deployment();
    assert_eq!(deployment.integrate(&integration(json!({"mask": null}))).await.state, State::Applied);
    table(&lab, ELSEWHERE, "system").await;
    govern(&deployment, source(ELSEWHERE, json!({}))).await;
    lab.data_api("immuta", "CREATE SCHEMA marts").await.unwrap();
    lab.data_api("immuta", "CREATE VIEW marts.copy AS SELECT id FROM governed.people").await.unwrap();
    let stuck = deployment.disintegrate(9, false, Some("setup")).await;
    assert_eq!(stuck.state, State::Unhealthy, "{stuck:?}");
    assert!(stuck.reason.unwrap().contains("depend"));
    assert_eq!(lab.see("awsuser", "immuta", "SELECT count(*) FROM pg_views WHERE schemaname = 'marts'").await, "1");
    lab.data_api("immuta", "DROP VIEW marts.copy").await.unwrap();
    deployment.tell(json!({"type": "integration.refresh", "ids": ["wh"]})).await;
    // The views are gone by now. What else is in the database would go with it.
    let stuck = deployment.status(Kind::Integration, "wh").await;
    assert_eq!(stuck.state, State::Unhealthy, "{stuck:?}");
    assert!(stuck.reason.unwrap().contains("not Redoubt's in database `immuta`"));
    lab.data_api("immuta", "DROP SCHEMA marts").await.unwrap();
    for sql in ["REVOKE SELECT ON raw.people FROM system", "REVOKE USAGE ON SCHEMA raw FROM system"] {
        lab.data_api(ELSEWHERE, sql).await.unwrap();
    }
    deployment.tell(json!({"type": "integration.refresh", "ids": ["wh"]})).await;
    let gone = deployment.status(Kind::Integration, "wh").await;
    assert_eq!(gone.state, State::Withdrawn, "{gone:?}");
    lab.stop().await;
}

#[tokio::test]
async fn a_setup_that_was_refused_takes_nothing_from_others() {
    let lab = Lab::start().await;
    lab.data_api(ELSEWHERE, "CREATE DATABASE theirs").await.unwrap();
    for sql in ["GRANT TEMP ON DATABASE theirs TO PUBLIC", "CREATE TABLE public.kept (id integer)"] {
        lab.data_api("theirs", sql).await.unwrap();
    }
    let before = lab.catalog().await;
    let deployment = lab.deployment();
    let refused = deployment.integrate(&integration(json!({"mask": null, "database": "theirs"}))).await;
    assert_eq!(refused.state, State::Unhealthy, "{refused:?}");
    // Elsewhere it works; what was refused is left, then all of it.
    let status = deployment.integrate(&integration(json!({"mask": null, "version": 2}))).await;
    assert_eq!(status.state, State::Applied, "{status:?}");
    let gone = deployment.disintegrate(9, false, Some("setup")).await;
    assert_eq!((gone.state, gone.reason), (State::Withdrawn, None));
    assert_eq!(lab.catalog().await, before);

    let refused = deployment.integrate(&integration(json!({"mask": null, "database": "theirs", "version": 10}))).await;
    assert_eq!(refused.state, State::Unhealthy, "{refused:?}");
    let gone = deployment.disintegrate(11, false, Some("setup")).await;
    assert_eq!(gone.state, State::Withdrawn, "{gone:?}");
    assert_eq!(lab.catalog().await, before);
    lab.stop().await;
}
