//! A table with policies and two people, in any integration.

use redoubt_core::record::{Kind, State};
use serde_json::{Value, json};

use super::{
    deployment::Deployment,
    lab::{HOST, Lab},
};

/// What Ana, in group `staff` with the country FRANCE, sees: her country's rows, the phone masked.
pub const ANA: &str = "1|********0001|FRANCE\n3|********0003|FRANCE";
/// What Bob, in group `support`, sees.
pub const BOB: &str = "1|100-555-0001|FRANCE\n2|100-555-0002|GERMANY\n3|100-555-0003|FRANCE";

/// Makes the raw table and the accounts of people, once for a database. The system account may read the table.
pub async fn table(lab: &Lab, database: &str, system_user: &str) {
    for sql in [
        "CREATE SCHEMA IF NOT EXISTS raw".to_owned(),
        "CREATE TABLE raw.people (id integer, phone varchar(15), country varchar(25))".to_owned(),
        "INSERT INTO raw.people VALUES (1, '100-555-0001', 'FRANCE'), (2, '100-555-0002', 'GERMANY'), \
         (3, '100-555-0003', 'FRANCE')"
            .to_owned(),
        format!("GRANT USAGE ON SCHEMA raw TO \"{system_user}\""),
        format!("GRANT SELECT ON raw.people TO \"{system_user}\""),
    ] {
        lab.data_api(database, &sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    for person in ["ana", "bob", "eve"] {
        // Accounts belong to the warehouse, so another database may have brought them.
        let _ = lab.data_api(database, &format!("CREATE USER {person} PASSWORD DISABLE")).await;
    }
}

/// The data source of the raw table.
pub fn source(database: &str, fields: Value) -> Value {
    let mut document = json!({
        "id": "people", "version": 1, "host": HOST, "database": database, "schema": "raw", "table": "people",
        "columns": [
            {"name": "id", "type": "integer"}, {"name": "phone", "type": "varchar(15)"},
            {"name": "country", "type": "varchar(25)"},
        ],
    });
    for (name, value) in fields.as_object().unwrap() {
        document[name] = value.clone();
    }
    json!({"type": "data_source.updated", "data_source": document})
}

/// Policies and people, and the data source.
pub async fn govern(deployment: &Deployment, source: Value) {
    let policy = |id: &str, fields: Value| {
        let mut policy =
            json!({"id": id, "version": 1, "name": id, "created_at": "2026-01-01T00:00:00Z", "scope": "all"});
        for (name, value) in fields.as_object().unwrap() {
            policy[name] = value.clone();
        }
        json!({"type": "policy.created", "policy": policy})
    };
    let user = |id: &str, group: &str, country: &str| {
        json!({"type": "user.created", "user": {
            "id": id, "version": 1, "database_user": id, "groups": [group], "attributes": {"country": [country]},
        }})
    };
    deployment
        .tell(policy(
            "readers",
            json!({"subscription": {"level": "entitlement", "condition": {"any": [{"group": "staff"}, {"group": "support"}]}}}),
        ))
        .await;
    deployment
        .tell(policy(
            "rules",
            json!({"rules": [
                {"mask": {"columns": {"name": "phone"}, "using": {"kind": "show", "last": 4}, "except": {"group": "support"}}},
                {"rows": {"only": {"match": {"attribute": {"name": "country", "column": {"name": "country"}}}},
                          "except": {"group": "support"}}},
            ]}),
        ))
        .await;
    deployment.tell(user("ana", "staff", "FRANCE")).await;
    deployment.tell(user("bob", "support", "USA")).await;
    deployment.tell(user("eve", "guests", "FRANCE")).await;
    deployment.tell(source).await;
}

/// Each person sees just what policies allow, in a view of this name.
pub async fn is_governed(lab: &Lab, database: &str, view: &str) {
    let query = format!("SELECT id, phone, country FROM {view} ORDER BY id");
    assert_eq!(lab.see("ana", database, &query).await, ANA);
    assert_eq!(lab.see("bob", database, &query).await, BOB);
    assert_eq!(lab.see("eve", database, &query).await, "");
}

/// The view is gone.
pub async fn is_gone(lab: &Lab, database: &str, view: &str) {
    let seen = lab.see("bob", database, &format!("SELECT id FROM {view}")).await;
    let gone =
        ["ERROR 42P01", "ERROR 3F000", "ERROR 3D000", "ERROR db error"].iter().any(|start| seen.starts_with(start));
    assert!(gone || seen.contains("does not exist"), "{seen}");
}

/// The data source is in force.
pub async fn is_applied(deployment: &Deployment, id: &str) {
    let status = deployment.status(Kind::DataSource, id).await;
    assert_eq!(status.state, State::Applied, "{status:?}");
}
