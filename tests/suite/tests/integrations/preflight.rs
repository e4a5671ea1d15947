//! What the preflight finds decides whether anything is enforced.

use redoubt_core::record::{Kind, State};
use redoubt_local::Fault;
use serde_json::json;

use super::{
    lab::{ELSEWHERE, Lab, integration},
    scene::{govern, is_gone, is_governed, source, table},
};

const LEAKS: [(Fault, &str); 5] = [
    (Fault::Isolation, "isolation"),
    (Fault::CaseSensitiveIdentifiers, "case_sensitive_identifiers"),
    (Fault::ViewReader, "view_reader"),
    (Fault::ResultCache, "result_cache"),
    (Fault::Backslash, "backslash"),
];

#[tokio::test]
async fn what_leaks_keeps_a_warehouse_from_being_used_until_it_is_mended() {
    let lab = Lab::start().await;
    table(&lab, ELSEWHERE, "awsuser").await;
    for (fault, id) in LEAKS {
        let deployment = lab.deployment();
        lab.set_faults(&[fault]).await;
        let status = deployment.integrate(&integration(json!({"mask": null}))).await;
        assert_eq!(status.state, State::Unhealthy, "{id}: {status:?}");
        let reason = status.reason.unwrap();
        assert!(reason.starts_with("nothing is enforced: preflight: ") && reason.contains(id), "{id}: {reason}");
        deployment.tell(source(ELSEWHERE, json!({}))).await;
        let waits = deployment.reason(Kind::DataSource, "people", State::Pending).await;
        assert_eq!(waits, "the warehouse is not set up yet", "{id}");
        is_gone(&lab, "immuta", "governed.people").await;

        lab.set_faults(&[]).await;
        for sql in ["GRANT USAGE ON SCHEMA raw TO system", "GRANT SELECT ON raw.people TO system"] {
            lab.data_api(ELSEWHERE, sql).await.unwrap();
        }
        deployment.tell(json!({"type": "integration.refresh", "ids": ["wh"]})).await;
        assert_eq!(deployment.status(Kind::Integration, "wh").await.state, State::Applied, "{id}");
        assert_eq!(deployment.status(Kind::DataSource, "people").await.state, State::Applied, "{id}");
        for sql in ["REVOKE SELECT ON raw.people FROM system", "REVOKE USAGE ON SCHEMA raw FROM system"] {
            lab.data_api(ELSEWHERE, sql).await.unwrap();
        }
        assert_eq!(deployment.disintegrate(9, false, Some("setup")).await.state, State::Withdrawn, "{id}");
    }
    lab.stop().await;
}

#[tokio::test]
async fn what_is_accepted_or_only_warns_does_not() {
    let lab = Lab::start().await;
    let warns =
        [Fault::CrossDatabase, Fault::LargeStrings, Fault::MetadataSecurity, Fault::AutoCommit, Fault::StatementSize];
    lab.set_faults(&[&warns[..], &[Fault::CaseSensitiveIdentifiers]].concat()).await;
    let deployment = lab.deployment();
    let accepted = integration(json!({"mask": null, "accepted_risks": ["case_sensitive_identifiers"]}));
    let status = deployment.integrate(&accepted).await;
    assert_eq!(status.state, State::Applied, "{status:?}");
    // What was seen is there to be read.
    let record = deployment.record(Kind::Installation, "wh").await;
    let preflight = record.document().unwrap()["preflight"].to_string();
    for seen in ["case_sensitive_identifiers", "statement_size", "failed"] {
        assert!(preflight.contains(seen), "{preflight}");
    }
    lab.stop().await;
}

#[tokio::test]
async fn what_begins_to_leak_later_is_told_and_policies_still_come_through() {
    let lab = Lab::start().await;
    let deployment = lab.deployment();
    assert_eq!(deployment.integrate(&integration(json!({"mask": null}))).await.state, State::Applied);
    table(&lab, ELSEWHERE, "system").await;
    govern(&deployment, source(ELSEWHERE, json!({}))).await;
    is_governed(&lab, "immuta", "governed.people").await;
    lab.set_faults(&[Fault::CaseSensitiveIdentifiers]).await;
    deployment.tell(json!({"type": "integration.refresh", "ids": ["wh"]})).await;
    let reason = deployment.reason(Kind::Integration, "wh", State::Unhealthy).await;
    assert!(reason.contains("case_sensitive_identifiers"), "{reason}");
    deployment.tell(json!({"type": "data_source.disabled", "id": "people", "version": 2})).await;
    is_gone(&lab, "immuta", "governed.people").await;
    lab.stop().await;
}
