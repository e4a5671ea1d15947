//! Users who see very different things in the same tables.

use redoubt_core::{
    event::wire,
    model::{Id, Standing, User, user},
    render::profile::{Profile, ProfileState},
    sql::Text,
};
use redoubt_tests::case::Case;
use serde_json::{Value, json};

use crate::stand::{Session, Warehouse, integration};

/// Accounts of users. `gail` left, and nobody told Redshift of `hans`.
pub const USERS: [&str; 8] = ["ada", "Bob O'Hara", "carl", "dora", "eve", "frank", "gail", "hans"];

const TABLES: &str = "
    CREATE SCHEMA raw; GRANT USAGE ON SCHEMA raw TO redoubt_system;
    CREATE TABLE raw.people (id bigint, name varchar(64), phone varchar(15), balance decimal(12,2), country varchar(20));
    INSERT INTO raw.people VALUES (1, 'Ann', '100-555-0001', 10.50, 'FRANCE'), (2, 'Ben', '100-555-0002', 20.25, 'GERMANY'),
        (3, 'Cid', '100-555-0003', 30.75, 'FRANCE'), (4, 'Dan', '100-555-0004', 40.00, 'SPAIN'), (5, NULL, NULL, NULL, NULL);
    CREATE TABLE raw.notes (id bigint, owner varchar(128), team varchar(20), note varchar(64));
    INSERT INTO raw.notes VALUES (1, 'ada', 'staff', 'hers'), (2, 'Bob O''Hara', 'support', 'his'), (3, 'carl', 'staff', 'own'),
        (4, 'tess', 'nobody', 'the tester''s'), (5, 'eve', 'research', 'open');
    CREATE TABLE raw.orders (id bigint, customer varchar(64));
    INSERT INTO raw.orders VALUES (1, 'Ann'), (2, 'Ben'), (3, 'Ann');
    GRANT SELECT ON ALL TABLES IN SCHEMA raw TO redoubt_system;";

/// The case with every way in which a view depends on its reader.
pub fn case(impersonation: bool) -> Case {
    let phone =
        json!({"columns": {"name": "phone"}, "using": {"kind": "show", "last": 4}, "except": {"group": "support"}});
    let high = json!({"attribute": {"name": "clearance", "values": ["high"]}});
    let documents = json!({
        "integration": integration(impersonation),
        "data_sources": [
            {"id": "people", "database": "dev", "schema": "raw", "table": "people", "columns": [
                {"name": "id", "type": "bigint"}, {"name": "name", "type": "varchar(64)", "tags": ["pii.name"]},
                {"name": "phone", "type": "varchar(15)"}, {"name": "balance", "type": "decimal(12,2)"},
                {"name": "country", "type": "varchar(20)"}]},
            {"id": "notes", "database": "dev", "schema": "raw", "table": "notes", "columns": [
                {"name": "id", "type": "bigint"}, {"name": "owner", "type": "varchar(128)"},
                {"name": "team", "type": "varchar(20)"}, {"name": "note", "type": "varchar(64)"}]},
            {"id": "orders", "database": "dev", "schema": "raw", "table": "orders", "columns": [
                {"name": "id", "type": "bigint"}, {"name": "customer", "type": "varchar(64)", "tags": ["pii.name"]}]},
        ],
        "projects": [{"id": "churn", "version": 1, "name": "Churn", "data_sources": ["people", "orders"],
                      "purposes": ["research"], "members": ["eve", "frank", "tess"], "masked_joins": true}],
        "policies": [
            {"id": "readers", "scope": {"data_sources": ["people"]}, "subscription": {
                "level": "entitlement", "condition": {"any": [{"group": "staff"}, {"group": "support"}, {"purpose": "research"}]}}},
            {"id": "writers", "scope": {"data_sources": ["notes"]}, "subscription": {
                "level": "individuals", "users": ["ada", "bob", "carl", "eve", "tess"]}},
            {"id": "askers", "scope": {"data_sources": ["orders"]}, "subscription": {"level": "approval"}},
            {"id": "names", "rules": [
                {"mask": {"columns": {"tag": "pii.name"}, "using": {"kind": "hash"}, "except": {"group": "support"}}}]},
            {"id": "people", "scope": {"data_sources": ["people"]}, "rules": [
                {"mask": phone},
                {"mask": {"columns": {"name": "balance"}, "using": {"kind": "null"}, "except": high}},
                {"rows": {"only": {"match": {"attribute": {"name": "country", "column": {"name": "country"}}}},
                          "except": {"any": [{"group": "support"}, {"purpose": "research"}]}}}]},
            {"id": "notes", "scope": {"data_sources": ["notes"]}, "rules": [
                {"rows": {"only": {"where": "owner = @username OR @groupsContains(team)"}}}]},
        ],
    });
    Case::parse("people", &documents.to_string()).unwrap()
}

/// What Redshift is told of everyone. `tess` is to impersonate them, and has something herself.
fn profiles(case: &Case, revision: u64) -> Vec<Profile> {
    let person = |id: &str, account: &str, groups: &[&str], attributes: Value, more: &[&str]| {
        let document: wire::UserDocument =
            serde_json::from_value(json!({"id": id, "version": 1, "database_user": account})).unwrap();
        let user = User::check(&document).unwrap();
        let groups: Vec<String> = groups.iter().map(|group| (*group).to_owned()).collect();
        let mut standing = Standing {
            groups: user::groups("groups", &groups).unwrap(),
            attributes: user::attributes("attributes", &serde_json::from_value(attributes).unwrap()).unwrap(),
            ..Standing::default()
        };
        let project = Id::check("id", "churn").unwrap();
        if more.contains(&"project") {
            standing.project = Some(project.clone());
        }
        if more.contains(&"purpose") {
            standing.acknowledged.insert((project, Text::new("research").unwrap()));
        }
        if more.contains(&"approved") {
            standing.approved.insert(Id::check("id", "orders").unwrap());
        }
        let churn = case.projects.of(&Id::check("id", "people").unwrap()).first().copied();
        let state = ProfileState::resolve(&user, &standing, churn.filter(|_| standing.project.is_some()));
        Profile { database_user: user.database_user.clone(), revision, state: Some(state) }
    };
    let mut all = vec![
        person("ada", "ada", &["staff"], json!({"country": ["FRANCE"]}), &[]),
        person("bob", "Bob O'Hara", &["support"], json!({}), &["approved"]),
        person(
            "carl",
            "carl",
            &["staff"],
            json!({"country": ["GERMANY", "SPAIN"], "clearance": ["high"]}),
            &["approved"],
        ),
        person("dora", "dora", &[], json!({}), &["approved"]),
        person("eve", "eve", &["research"], json!({}), &["project", "purpose", "approved"]),
        person("frank", "frank", &["staff"], json!({}), &["project"]),
        person("gail", "gail", &["support"], json!({}), &["approved"]),
        person(
            "tess",
            "tess",
            &["staff", "audit"],
            json!({"country": ["SPAIN"], "clearance": ["high"]}),
            &["approved"],
        ),
        person("mallory", "mallory", &["staff"], json!({"country": ["FRANCE"]}), &[]),
        person("root", "root", &["support"], json!({}), &["approved"]),
    ];
    for profile in all.iter_mut().filter(|profile| profile.database_user.as_str() == "gail") {
        profile.state = None;
    }
    all
}

/// Sets a warehouse up, with tables, accounts, views and profiles.
pub async fn begin(warehouse: &Warehouse, impersonation: bool) -> Case {
    let case = case(impersonation);
    warehouse.set_up(&case.integration).await;
    warehouse.administer(TABLES).await;
    for account in USERS.iter().chain(&["tess", "mallory"]) {
        warehouse.administer(&format!("CREATE ROLE {} LOGIN", redoubt_tests::stack::ident(account))).await;
    }
    warehouse.administer("CREATE ROLE root LOGIN SUPERUSER").await;
    warehouse.apply(&case).await;
    warehouse.tell(&case.integration, &profiles(&case, warehouse.next())).await;
    case
}

/// Everything that a session sees of what depends on its reader.
pub async fn everything(session: &Session) -> Vec<String> {
    let mut seen = Vec::new();
    for sql in [
        "SELECT * FROM governed.people ORDER BY id",
        "SELECT * FROM governed.notes ORDER BY id",
        "SELECT * FROM governed.orders ORDER BY id",
        "SELECT o.id, p.id FROM governed.orders AS o JOIN governed.people AS p ON o.customer = p.name ORDER BY 1, 2",
        "SELECT count(*), max(balance) FROM governed.people GROUP BY country ORDER BY 1, 2",
        "SELECT * FROM immuta_system.user_profile",
        "SELECT * FROM immuta_system.user_entitlement ORDER BY kind, name, value",
        "SELECT * FROM immuta_system.unmask_key ORDER BY source",
    ] {
        seen.push(session.see(sql).await);
    }
    seen
}
