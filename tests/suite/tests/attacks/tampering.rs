//! What an administrator or a failed merge may leave in the tables: nothing in Redshift enforces that it is well formed.

use redoubt_tests::stack::StackError;

use crate::{ALLOWED, Target};

#[tokio::test]
async fn duplicated_rows_do_not_multiply_what_is_seen() -> Result<(), StackError> {
    let target = Target::begin("twice").await?;
    let administrator = target.scene.administrator().await?;
    let user = target.scene.name("mallory");
    for table in ["profile", "profile_entitlement"] {
        for _ in 0..2 {
            administrator
                .run(&format!(
                    "INSERT INTO immuta_system.{table} SELECT * FROM immuta_system.{table} WHERE immuta__userid = '{user}'"
                ))
                .await?;
        }
    }
    let source = target.scene.name("people");
    administrator
        .run(&format!(
            "INSERT INTO immuta_system.masking_key SELECT * FROM immuta_system.masking_key WHERE source = '{source}'"
        ))
        .await?;
    let rows = format!("SELECT count(*) FROM immuta_system.profile WHERE immuta__userid = '{user}'");
    assert_eq!(administrator.see(&rows).await, "4");
    assert_eq!(target.mallory.see(&target.query()).await, ALLOWED);
    let count = format!("SELECT count(*), count(DISTINCT name) FROM {}", target.view);
    assert_eq!(target.mallory.see(&count).await, "2|2");
    Ok(())
}

#[tokio::test]
async fn nulls_hide_and_do_not_show() -> Result<(), StackError> {
    let target = Target::begin("nulls").await?;
    let administrator = target.scene.administrator().await?;
    let user = target.scene.name("mallory");
    // As little protected as a table can be.
    administrator
        .run(
            "ALTER TABLE immuta_system.profile_entitlement ALTER COLUMN value DROP NOT NULL, ALTER COLUMN kind DROP NOT NULL; \
             ALTER TABLE immuta_system.profile ALTER COLUMN active DROP NOT NULL",
        )
        .await?;
    administrator
        .run(&format!(
            "INSERT INTO immuta_system.profile_entitlement VALUES ('{user}', NULL, NULL, 'support'), \
             ('{user}', 'group', NULL, NULL), ('{user}', NULL, 'clearance', 'high'), ('{user}', 'attribute', NULL, 'high'), \
             ('{user}', 'attribute', 'clearance', NULL), ('{user}', 'attribute', 'country', NULL)"
        ))
        .await?;
    assert_eq!(target.mallory.see(&target.query()).await, ALLOWED);
    let profile =
        |active: &str| format!("UPDATE immuta_system.profile SET active = {active} WHERE immuta__userid = '{user}'");
    for active in ["NULL", "false"] {
        administrator.run(&profile(active)).await?;
        assert_eq!(target.mallory.see(&target.query()).await, "", "active is {active}");
    }
    administrator.run(&profile("true")).await?;
    assert_eq!(target.mallory.see(&target.query()).await, ALLOWED);
    // Without a salt a digest is null, never the bare digest of the value.
    let salt =
        format!("UPDATE immuta_system.masking_key SET salt = NULL WHERE source = '{}'", target.scene.name("people"));
    administrator.run(&salt).await?;
    assert_eq!(target.mallory.see(&format!("SELECT name FROM {} ORDER BY id", target.view)).await, "NULL\nNULL");
    administrator
        .run(&format!("DELETE FROM immuta_system.masking_key WHERE source = '{}'", target.scene.name("people")))
        .await?;
    assert_eq!(target.mallory.see(&format!("SELECT name FROM {} ORDER BY id", target.view)).await, "NULL\nNULL");
    administrator
        .run(
            "DELETE FROM immuta_system.profile_entitlement WHERE kind IS NULL OR value IS NULL; \
             ALTER TABLE immuta_system.profile_entitlement ALTER COLUMN value SET NOT NULL, ALTER COLUMN kind SET NOT NULL; \
             ALTER TABLE immuta_system.profile ALTER COLUMN active SET NOT NULL",
        )
        .await
}

#[tokio::test]
async fn raw_nulls_match_nobody() -> Result<(), StackError> {
    let target = Target::begin("rawnull").await?;
    let raw = target.scene.raw().await?;
    raw.run(&format!("INSERT INTO {} VALUES (5, 'Eve', '100-555-0005', NULL, 1, NULL)", target.scene.table("people")))
        .await?;
    assert_eq!(target.mallory.see(&target.query()).await, ALLOWED);
    Ok(())
}

#[tokio::test]
async fn entitlements_without_a_profile_show_nothing() -> Result<(), StackError> {
    let target = Target::begin("noprofile").await?;
    let stranger = target.scene.account("stranger").await?;
    let administrator = target.scene.administrator().await?;
    let user = target.scene.name("stranger");
    administrator
        .run(&format!(
            "INSERT INTO immuta_system.profile_entitlement VALUES ('{user}', 'group', NULL, 'staff'), \
             ('{user}', 'group', NULL, 'support')"
        ))
        .await?;
    assert_eq!(stranger.see(&target.query()).await, "");
    Ok(())
}
