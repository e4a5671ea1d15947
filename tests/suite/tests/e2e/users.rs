//! What is told of users and projects, and how it changes what they see.

use redoubt_core::record::{Kind, State};
use redoubt_tests::stack::{Scene, Session, StackError};
use serde_json::{Value, json};

const ALL: &str = "1\n2\n3\n4";

/// A table that `level` opens, and an account that Redoubt knows as `ada`, in no group.
async fn begin(name: &str, level: Value) -> Result<(Scene, Session, String), StackError> {
    let scene = Scene::begin(name).await?;
    let source = scene.people().await?;
    let ada = scene.account("ada").await?;
    let policy = scene.subscription("readers", 1, level);
    scene.send(&[source, policy, scene.user("ada", 1, &[], json!({}))]).await?;
    scene.stack.status(Kind::User, &scene.name("ada"), State::Applied).await?;
    let query = format!("SELECT id FROM {} ORDER BY id", scene.view("people"));
    ada.until_that(&query, "a view", |seen| !seen.starts_with("ERROR")).await?;
    Ok((scene, ada, query))
}

/// An event about `ada` with one more field.
fn about_ada(scene: &Scene, event: &str, version: u64, field: &str, value: Value) -> Value {
    let mut event = scene.event(event, "ada", version);
    event[field] = value;
    event
}

#[tokio::test]
async fn groups_open_and_close() -> Result<(), StackError> {
    let level = json!({"level": "entitlement", "condition": {"group": "staff"}});
    let (scene, ada, query) = begin("groups", level).await?;
    ada.until(&query, "").await?;
    let groups = |version, groups| about_ada(&scene, "user.groups_changed", version, "groups", groups);
    scene.send(&[groups(2, json!(["other", "staff"]))]).await?;
    ada.until(&query, ALL).await?;
    scene.send(&[groups(3, json!(["other", "Staff", "staf", "staff_"]))]).await?;
    ada.until(&query, "").await?;
    // Redshift ignores trailing blanks, so they are cut off before anything is compared.
    scene.send(&[groups(4, json!(["  staff  "]))]).await?;
    ada.until(&query, ALL).await
}

#[tokio::test]
async fn attributes_open_and_close() -> Result<(), StackError> {
    let (scene, ada, query) = begin("attrs", json!({"level": "anyone"})).await?;
    ada.until(&query, ALL).await?;
    let by_country = json!([{"rows": {"only": {"match": {
        "attribute": {"name": "country", "column": {"tag": scene.tag("country")}}}}}}]);
    scene.send(&[scene.rules("own-country", 1, by_country)]).await?;
    ada.until(&query, "").await?;
    let attributes = |version, value| about_ada(&scene, "user.attributes_changed", version, "attributes", value);
    scene.send(&[attributes(2, json!({"country": ["GERMANY", "FRANCE"]}))]).await?;
    ada.until(&query, "1\n2\n3").await?;
    scene.send(&[attributes(3, json!({"country": ["SPAIN"]}))]).await?;
    ada.until(&query, "4").await?;
    scene.send(&[attributes(4, json!({"land": ["SPAIN"]}))]).await?;
    ada.until(&query, "").await
}

#[tokio::test]
async fn a_purpose_counts_once_it_is_acknowledged_in_the_project_switched_to() -> Result<(), StackError> {
    let (scene, ada, query) = begin("purpose", json!({"level": "anyone"})).await?;
    let purpose = json!([{"rows": {"only": {"purposes": ["fraud"]}}}]);
    let project = |version: u64, members: &[String], purposes: Value| {
        json!({"type": "project.updated", "project": {"id": scene.name("desk"), "version": version, "name": "Desk",
               "members": members, "purposes": purposes, "data_sources": [scene.name("people")]}})
    };
    let members = [scene.name("ada")];
    ada.until(&query, ALL).await?;
    scene.send(&[scene.rules("purpose", 1, purpose), project(1, &members, json!(["fraud", "churn"]))]).await?;
    ada.until(&query, "").await?;
    let switched = |version, to| about_ada(&scene, "user.project_switched", version, "project", to);
    let acknowledged = |version, purpose: &str| {
        let mut event = about_ada(&scene, "user.purpose_acknowledged", version, "project", json!(scene.name("desk")));
        event["purpose"] = json!(purpose);
        event
    };
    let desk = json!(scene.name("desk"));
    let acting =
        "SELECT kind, value FROM immuta_system.user_entitlement WHERE kind IN ('project', 'purpose') ORDER BY kind";
    scene.send(&[switched(2, desk.clone())]).await?;
    ada.until(acting, &format!("project|{}", scene.name("desk"))).await?;
    assert_eq!(ada.see(&query).await, "", "not acknowledged yet");
    scene.send(&[acknowledged(3, "fraud")]).await?;
    ada.until(&query, ALL).await?;
    // What the project says changes for its members without an event about them.
    scene.send(&[project(2, &members, json!(["churn"]))]).await?;
    ada.until(&query, "").await?;
    scene.send(&[project(3, &members, json!(["fraud"]))]).await?;
    ada.until(&query, ALL).await?;
    scene.send(&[project(4, &[], json!(["fraud"]))]).await?;
    ada.until(&query, "").await?;
    scene.send(&[project(5, &members, json!(["fraud"]))]).await?;
    ada.until(&query, ALL).await?;
    scene.send(&[switched(4, Value::Null)]).await?;
    ada.until(&query, "").await?;
    scene.send(&[switched(5, desk)]).await?;
    ada.until(&query, ALL).await?;
    scene.send(&[scene.event("project.deleted", "desk", 6)]).await?;
    ada.until(&query, "").await
}

#[tokio::test]
async fn approval_opens_and_revocation_closes() -> Result<(), StackError> {
    let (scene, ada, query) = begin("approval", json!({"level": "approval"})).await?;
    ada.until(&query, "").await?;
    let on_people =
        |event: &str, version| about_ada(&scene, event, version, "data_source", json!(scene.name("people")));
    scene.send(&[on_people("user.subscription_approved", 2)]).await?;
    ada.until(&query, ALL).await?;
    scene.send(&[on_people("user.subscription_revoked", 3)]).await?;
    ada.until(&query, "").await?;
    // Without any subscription policy, those individually approved are the only ones let in.
    scene.send(&[scene.event("policy.deleted", "readers", 2), on_people("user.subscription_approved", 4)]).await?;
    ada.until(&query, ALL).await
}

#[tokio::test]
async fn individuals_are_let_in_by_identity() -> Result<(), StackError> {
    let (scene, ada, query) = begin("individuals", json!({"level": "anyone"})).await?;
    ada.until(&query, ALL).await?;
    let listed = |version, users: &[String]| {
        scene.subscription("readers", version, json!({"level": "individuals", "users": users}))
    };
    scene.send(&[listed(2, &[scene.name("bob")])]).await?;
    ada.until(&query, "").await?;
    scene.send(&[listed(3, &[scene.name("bob"), scene.name("ada")])]).await?;
    ada.until(&query, ALL).await
}

#[tokio::test]
async fn a_deleted_user_sees_nothing_until_created_anew() -> Result<(), StackError> {
    let (scene, ada, query) = begin("deleted", json!({"level": "anyone"})).await?;
    ada.until(&query, ALL).await?;
    scene.send(&[scene.event("user.deleted", "ada", 5)]).await?;
    ada.until(&query, "").await?;
    let id = scene.name("ada");
    scene.stack.status(Kind::User, &id, State::Withdrawn).await?;
    let own = "SELECT count(*) FROM immuta_system.user_profile";
    assert_eq!(ada.see(own).await, "0");
    // What came before the deletion stays without effect however late it arrives.
    scene.send(&[scene.user("ada", 4, &["staff"], json!({})), scene.user("ada", 6, &[], json!({}))]).await?;
    ada.until(&query, ALL).await?;
    assert_eq!(ada.see("SELECT kind, value FROM immuta_system.user_entitlement").await, format!("user|{id}"));
    Ok(())
}

#[tokio::test]
async fn a_profile_moves_with_the_database_account() -> Result<(), StackError> {
    let (scene, ada, query) = begin("renamed", json!({"level": "anyone"})).await?;
    let married = scene.account("married").await?;
    ada.until(&query, ALL).await?;
    let mut user = scene.user("ada", 2, &[], json!({}));
    user["user"]["database_user"] = json!(scene.name("married"));
    scene.send(&[user]).await?;
    married.until(&query, ALL).await?;
    ada.until(&query, "").await
}

#[tokio::test]
async fn an_account_belongs_to_one_user() -> Result<(), StackError> {
    let (scene, ada, query) = begin("account", json!({"level": "individuals", "users": ["nobody"]})).await?;
    let mut rival = scene.user("rival", 1, &[], json!({}));
    rival["user"]["database_user"] = json!(scene.name("ada"));
    scene.send(&[rival]).await?;
    let letter = scene.stack.dead_letter(redoubt_tests::stack::Function::User, &scene.name("rival")).await?;
    assert_eq!(
        letter.error.faults,
        [format!(
            "`user.database_user`: found `{ada}`, expected a database user that user `{ada}` does not use",
            ada = scene.name("ada")
        )]
    );
    assert_eq!(ada.see(&query).await, "");
    Ok(())
}
