//! Pretending to be somebody else.

use redoubt_core::record::{Kind, State};
use redoubt_tests::stack::{Session, StackError, ident};
use serde_json::json;

use crate::{ALLOWED, Target};

#[tokio::test]
async fn the_sessions_user_can_not_be_changed() -> Result<(), StackError> {
    let target = Target::begin("setrole").await?;
    let boss = target.scene.name("boss");
    target.scene.account("boss").await?;
    target.scene.send(&[target.scene.user("boss", 1, &["staff", "support"], json!({}))]).await?;
    target.scene.stack.status(Kind::User, &boss, State::Applied).await?;
    for (statement, expected) in [
        (
            format!("SET SESSION AUTHORIZATION {}", ident(&boss)),
            format!("ERROR 42501: permission denied to set session authorization \"{boss}\""),
        ),
        (format!("SET ROLE {}", ident(&boss)), format!("ERROR 42501: permission denied to set role \"{boss}\"")),
        (
            "SET ROLE immuta_system_account".to_owned(),
            "ERROR 42501: permission denied to set role \"immuta_system_account\"".to_owned(),
        ),
        (
            format!("ALTER ROLE {} RENAME TO mallory", ident(&boss)),
            "ERROR 42501: permission denied to rename role".to_owned(),
        ),
    ] {
        assert_eq!(target.mallory.see(&statement).await, expected, "{statement}");
    }
    assert_eq!(target.mallory.see(&target.query()).await, ALLOWED);
    Ok(())
}

#[tokio::test]
async fn objects_of_ones_own_do_not_shadow_what_views_use() -> Result<(), StackError> {
    let target = Target::begin("shadow").await?;
    // Temporary objects come first in the search path; functions and operators of one's own can be put first.
    for statement in [
        "CREATE TEMP TABLE user_profile (immuta__userid varchar(128), immuta__revision bigint, project varchar(128), \
         updated_at timestamp)",
        "INSERT INTO user_profile SELECT 'someone', 1, NULL, now()",
        "CREATE TEMP TABLE user_entitlement (immuta__userid varchar(128), kind varchar(16), name varchar(512), \
         value varchar(512))",
        "INSERT INTO user_entitlement VALUES (current_user, 'group', NULL, 'support')",
        "CREATE TEMP TABLE masking_key (source varchar(128), column_name varchar(128), salt varchar(64))",
        "CREATE FUNCTION pg_temp.sha2(value varchar, bits integer) RETURNS varchar LANGUAGE sql AS 'SELECT $1'",
        "CREATE FUNCTION pg_temp.sha2(value text, bits integer) RETURNS varchar LANGUAGE sql AS 'SELECT $1::varchar'",
        "CREATE FUNCTION pg_temp.length(value varchar) RETURNS integer LANGUAGE sql AS 'SELECT 0'",
        "CREATE FUNCTION pg_temp.max(integer) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "CREATE FUNCTION pg_temp.same(varchar, varchar) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
        "CREATE OPERATOR pg_temp.= (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = pg_temp.same)",
        "SET search_path = pg_temp, public, pg_catalog, immuta_system",
    ] {
        target.mallory.run(statement).await?;
    }
    assert_eq!(target.mallory.see(&target.query()).await, ALLOWED);
    let names = target.mallory.see(&format!("SELECT name FROM {} WHERE id = 1", target.view)).await;
    assert_eq!(names.len(), 64, "a digest and not the name: {names}");
    Ok(())
}

#[tokio::test]
async fn an_account_with_almost_the_same_name_is_another_account() -> Result<(), StackError> {
    let target = Target::begin("almost").await?;
    let mallory = target.scene.name("mallory");
    let administrator = target.scene.administrator().await?;
    for other in [mallory.to_uppercase(), format!("{mallory} "), format!(" {mallory}"), format!("{mallory}\u{a0}")] {
        administrator.run(&format!("CREATE ROLE {} LOGIN", ident(&other))).await?;
        let session = Session::open(&target.scene.stack.settings, &other, &target.scene.warehouse.database).await?;
        assert_eq!(session.see("SELECT count(*) FROM immuta_system.user_profile").await, "0", "`{other}`");
        assert_eq!(session.see("SELECT count(*) FROM immuta_system.user_entitlement").await, "0", "`{other}`");
        assert_eq!(session.see(&target.query()).await, "", "`{other}`");
    }
    Ok(())
}

#[tokio::test]
async fn a_user_without_any_entitlement_sees_nothing() -> Result<(), StackError> {
    let target = Target::begin("noflags").await?;
    let open = target.scene.subscription("readers", 2, json!({"level": "anyone"}));
    let plain = target.scene.account("plain").await?;
    target.scene.send(&[open, target.scene.user("plain", 1, &[], json!({}))]).await?;
    let known = "SELECT count(*) FROM immuta_system.user_profile";
    plain.until(known, "1").await?;
    // Even the entitlement that everybody has, their own identity: all that is known of them is then NULL.
    let administrator = target.scene.administrator().await?;
    let own = format!(
        "DELETE FROM immuta_system.profile_entitlement WHERE immuta__userid = '{}'",
        target.scene.name("plain")
    );
    administrator.run(&own).await?;
    assert_eq!(plain.see("SELECT count(*) FROM immuta_system.user_entitlement").await, "0");
    assert_eq!(plain.see(&target.query()).await, "");
    let masks = target.scene.rules(
        "rules",
        2,
        json!([{"mask": {"columns": {"tag": target.scene.tag("phone")}, "using": {"kind": "show", "last": 4},
                         "except": {"group": "support"}}},
               {"mask": {"columns": {"tag": target.scene.tag("balance")}, "using": {"kind": "null"},
                         "except": {"any": [{"group": "support"}, {"attribute": {"name": "a", "values": ["b"]}}]}}}]),
    );
    target.scene.send(&[masks]).await?;
    // Without the row rule everyone else sees all rows, masked.
    target
        .mallory
        .until(
            &target.query(),
            "1|********0001|NULL|FRANCE\n2|********0002|NULL|GERMANY\n3|********0003|NULL|FRANCE\n4|********0004|NULL|SPAIN",
        )
        .await?;
    assert_eq!(plain.see(&target.query()).await, "");
    Ok(())
}
