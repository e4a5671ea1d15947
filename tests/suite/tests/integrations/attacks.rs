//! What an ordinary user, and the setup account after the setup, can get out of a warehouse in either mode: nothing.

use redoubt_core::record::State;
use serde_json::json;

use super::{
    lab::{ELSEWHERE, Lab, SETUP, integration},
    scene::{ANA, govern, is_governed, source, table},
};

/// Statements that would show or change something, each by somebody who has no right to it.
fn attempts(database: &str, raw: &str) -> Vec<String> {
    let mut attempts: Vec<String> = [
        "SELECT count(*) FROM {raw}.raw.people",
        "SELECT * FROM immuta_system.profile",
        "SELECT * FROM immuta_system.profile_entitlement",
        "SELECT * FROM immuta_system.masking_key",
        "SELECT * FROM immuta_system.policy",
        "SELECT * FROM immuta_system.data_source",
        "SELECT * FROM immuta_system.data_source_health",
        "INSERT INTO immuta_system.profile_entitlement (immuta__userid, kind, value) VALUES ('{me}', 'group', 'support')",
        "UPDATE immuta_system.profile SET immuta__userid = '{me}' WHERE immuta__userid = 'bob'",
        "DELETE FROM immuta_system.profile",
        "CALL immuta_procedures.merge_profiles()",
        "CALL immuta_procedures.drop_view('people', 999, 'withdrawn', NULL)",
        "CALL immuta_procedures.put_policy('rules', 999, 'active', '{}')",
        "CREATE OR REPLACE VIEW governed.people AS SELECT 1 AS id WITH NO SCHEMA BINDING",
        "CREATE VIEW governed.mine AS SELECT id FROM raw.people WITH NO SCHEMA BINDING",
        "CREATE TABLE immuta_system.mine (id integer)",
        "DROP VIEW governed.people",
        "DROP SCHEMA governed CASCADE",
        "ALTER TABLE governed.people OWNER TO {me}",
        "ALTER USER system PASSWORD 'Redoubt-local-9'",
        "SET SESSION AUTHORIZATION system",
        "ALTER USER {me} CREATEUSER",
        "CREATE USER boss PASSWORD 'Redoubt-local-9' CREATEUSER",
    ]
    .map(str::to_owned)
    .to_vec();
    for attempt in &mut attempts {
        *attempt = attempt.replace("{raw}.", if database == raw { "" } else { "dev." });
    }
    attempts
}

async fn attack(document: serde_json::Value, database: &str, raw: &str) {
    let lab = Lab::start().await;
    let deployment = lab.deployment();
    let status = deployment.integrate(&document).await;
    assert_eq!(status.state, State::Applied, "{status:?}");
    table(&lab, raw, "system").await;
    govern(&deployment, source(raw, json!({}))).await;
    is_governed(&lab, database, "governed.people").await;
    lab.data_api(ELSEWHERE, "ALTER USER ana PASSWORD 'Redoubt-local-1'").await.unwrap();
    for (who, secret) in [("ana", "ana"), (SETUP, "setup")] {
        // PostgreSQL takes some grants without a right to them, and they then have no effect.
        for grant in [
            "GRANT SELECT ON immuta_system.masking_key TO {me}",
            "GRANT ALL ON SCHEMA immuta_system TO {me}",
            "GRANT ALL ON ALL TABLES IN SCHEMA immuta_system TO {me}",
            "GRANT EXECUTE ON ALL PROCEDURES IN SCHEMA immuta_procedures TO {me}",
        ] {
            let _ = lab.data_api_as(secret, database, &grant.replace("{me}", who)).await;
        }
        for attempt in attempts(database, raw) {
            let sql = attempt.replace("{me}", who);
            let done = lab.data_api_as(secret, database, &sql).await;
            assert!(done.is_err(), "{who} in {database}: {sql}");
        }
        let everything = "SELECT id, phone, country FROM governed.people ORDER BY id";
        let allowed = if who == "ana" { ANA } else { "" };
        assert_eq!(lab.see(who, database, everything).await, allowed);
    }
    is_governed(&lab, database, "governed.people").await;
    lab.stop().await;
}

#[tokio::test]
async fn in_multi_database_mode() {
    attack(integration(json!({"mask": null})), "immuta", ELSEWHERE).await;
}

#[tokio::test]
async fn in_single_database_mode() {
    attack(
        integration(json!({"mask": null, "mode": "single_database", "database": "theirs", "new_database": true})),
        "theirs",
        "theirs",
    )
    .await;
}
