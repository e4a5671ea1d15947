//! What an account may read, call and make.

use redoubt_tests::stack::{Session, StackError};

use crate::{ALLOWED, Target};

/// The error that means an account lacks a right.
fn refused(seen: &str) -> bool {
    seen.starts_with("ERROR 42501: permission denied")
}

#[tokio::test]
async fn raw_tables_can_not_be_read() -> Result<(), StackError> {
    let target = Target::begin("rawread").await?;
    let scene = &target.scene;
    let settings = &scene.stack.settings;
    let direct = Session::open(settings, &scene.name("mallory"), settings.get("PGDATABASE")).await?;
    let table = scene.table("people");
    for statement in [
        format!("SELECT * FROM {table}"),
        format!("COPY {table} TO STDOUT"),
        format!("UPDATE {table} SET country = 'FRANCE'"),
        format!("DELETE FROM {table}"),
        format!("CREATE VIEW public.mine_{} AS SELECT * FROM {table}", scene.prefix),
        format!("BEGIN; LOCK TABLE {table}"),
    ] {
        let seen = direct.see(&statement).await;
        assert!(refused(&seen), "{statement}: {seen}");
        direct.run("ROLLBACK").await?;
    }
    // Where the warehouse's stand-in keeps its way from one database to the other.
    let hidden = "SELECT n.nspname || '|' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                  WHERE c.relkind = 'f'";
    let foreign = target.mallory.see(hidden).await;
    let mut tried = 0;
    for line in foreign.lines().filter(|line| line.ends_with(&scene.name("people"))) {
        let (schema, table) = line.split_once('|').unwrap_or_default();
        let statement = format!("SELECT * FROM \"{schema}\".\"{table}\"");
        let seen = target.mallory.see(&statement).await;
        assert!(refused(&seen), "{statement}: {seen}");
        tried += 1;
    }
    assert!(tried > 0, "the foreign table is there: {foreign}");
    Ok(())
}

#[tokio::test]
async fn redoubts_own_tables_can_not_be_read_or_written() -> Result<(), StackError> {
    let target = Target::begin("owntables").await?;
    for table in ["profile", "profile_entitlement", "masking_key", "policy", "data_source", "mutex"] {
        for statement in [
            format!("SELECT * FROM immuta_system.{table}"),
            format!("SELECT count(*) FROM immuta_system.{table}"),
            format!("DELETE FROM immuta_system.{table}"),
            format!("TRUNCATE immuta_system.{table}"),
            format!("BEGIN; LOCK TABLE immuta_system.{table}"),
            format!("CREATE TEMP TABLE mine AS SELECT * FROM immuta_system.{table}"),
        ] {
            let seen = target.mallory.see(&statement).await;
            assert!(refused(&seen), "{statement}: {seen}");
            target.mallory.run("ROLLBACK").await?;
        }
        let altered = target.mallory.see(&format!("DROP TABLE immuta_system.{table}")).await;
        assert_eq!(altered, format!("ERROR 42501: must be owner of table {table}"));
    }
    for statement in [
        "INSERT INTO immuta_system.profile_entitlement VALUES (current_user, 'group', NULL, 'support')",
        "INSERT INTO immuta_system.user_entitlement VALUES (current_user, 'group', NULL, 'support')",
        "UPDATE immuta_system.user_entitlement SET value = 'support'",
        "DELETE FROM immuta_system.user_profile",
        "SELECT * FROM immuta_system.data_source_health",
    ] {
        let seen = target.mallory.see(statement).await;
        assert!(refused(&seen), "{statement}: {seen}");
    }
    Ok(())
}

#[tokio::test]
async fn of_profiles_only_ones_own_is_visible() -> Result<(), StackError> {
    let target = Target::begin("ownprofile").await?;
    let scene = &target.scene;
    let own = target.mallory.see("SELECT immuta__userid, project FROM immuta_system.user_profile").await;
    assert_eq!(own, format!("{}|NULL", scene.name("mallory")));
    let entitlements = "SELECT kind, name, value FROM immuta_system.user_entitlement ORDER BY kind";
    assert_eq!(
        target.mallory.see(entitlements).await,
        format!("attribute|country|FRANCE\ngroup|NULL|staff\nuser|NULL|{}", scene.name("mallory"))
    );
    let stranger = scene.account("stranger").await?;
    assert_eq!(stranger.see(entitlements).await, "");
    Ok(())
}

#[tokio::test]
async fn no_procedure_can_be_called() -> Result<(), StackError> {
    let target = Target::begin("calls").await?;
    let list = "SELECT p.proname || '(' || coalesce((SELECT string_agg('NULL', ', ') FROM unnest(p.proargtypes)), '') || ')' \
                FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'immuta_procedures' \
                ORDER BY 1";
    let procedures = target.mallory.see(list).await;
    assert_eq!(
        procedures.lines().map(|line| line.split('(').next().unwrap_or_default()).collect::<Vec<_>>(),
        [
            "apply_view",
            "begin_view",
            "drop_policy",
            "drop_view",
            "finish_view",
            "merge_profiles",
            "prepare_project",
            "prepare_view",
            "put_policy"
        ]
    );
    for procedure in procedures.lines() {
        let statement = format!("CALL immuta_procedures.{procedure}");
        let name = procedure.split('(').next().unwrap_or_default();
        assert_eq!(
            target.mallory.see(&statement).await,
            format!("ERROR 42501: permission denied for procedure {name}")
        );
    }
    Ok(())
}

#[tokio::test]
async fn nothing_can_be_made_or_changed_beside_redoubts_objects() -> Result<(), StackError> {
    let target = Target::begin("making").await?;
    let view = &target.view;
    for schema in ["immuta_system", "immuta_functions", "immuta_procedures", "governed"] {
        for statement in [
            format!("CREATE TABLE {schema}.mine (id integer)"),
            format!("CREATE VIEW {schema}.mine AS SELECT 1 AS one"),
            format!("CREATE FUNCTION {schema}.mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'"),
            format!("CREATE OPERATOR {schema}.= (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = texteq)"),
        ] {
            let seen = target.mallory.see(&statement).await;
            assert!(refused(&seen), "{statement}: {seen}");
        }
    }
    let name = target.scene.name("people");
    for (statement, expected) in [
        (
            format!("CREATE OR REPLACE VIEW {view} AS SELECT 1 AS id"),
            "ERROR 42501: permission denied for schema governed".to_owned(),
        ),
        (format!("DROP VIEW {view}"), format!("ERROR 42501: must be owner of view {name}")),
        (format!("ALTER VIEW {view} OWNER TO CURRENT_USER"), format!("ERROR 42501: must be owner of view {name}")),
        (format!("ALTER VIEW {view} RENAME TO mine"), format!("ERROR 42501: must be owner of view {name}")),
        (
            format!("CREATE RULE mine AS ON UPDATE TO {view} DO INSTEAD NOTHING"),
            format!("ERROR 42501: must be owner of view {name}"),
        ),
        ("CREATE SCHEMA mine".to_owned(), "ERROR 42501: permission denied for database immuta".to_owned()),
        ("CREATE USER other".to_owned(), "ERROR 42501: permission denied to create role".to_owned()),
        (
            "GRANT immuta_system_account TO CURRENT_USER".to_owned(),
            "ERROR 42501: must have admin option on role \"immuta_system_account\"".to_owned(),
        ),
    ] {
        assert_eq!(target.mallory.see(&statement).await, expected, "{statement}");
    }
    // What PostgreSQL takes without a right has no effect.
    let _ = target.mallory.see(&format!("GRANT ALL ON {view} TO PUBLIC")).await;
    let grants = format!(
        "SELECT privilege_type FROM information_schema.role_table_grants WHERE table_name = '{name}' AND grantee = 'PUBLIC'"
    );
    assert_eq!(target.scene.administrator().await?.see(&grants).await, "SELECT");
    assert_eq!(target.mallory.see(&target.query()).await, ALLOWED);
    Ok(())
}

#[tokio::test]
async fn a_view_can_not_be_written_through() -> Result<(), StackError> {
    let target = Target::begin("writing").await?;
    let view = &target.view;
    for statement in [
        format!("INSERT INTO {view} (id) VALUES (9)"),
        format!("UPDATE {view} SET country = 'FRANCE'"),
        format!("DELETE FROM {view}"),
        format!("TRUNCATE {view}"),
    ] {
        let seen = target.mallory.see(&statement).await;
        let not_writable = ["ERROR 55000: cannot ", "ERROR 42809: "].iter().any(|start| seen.starts_with(start));
        assert!(refused(&seen) || not_writable, "{statement}: {seen}");
    }
    let count = format!("SELECT count(*) FROM {}", target.scene.table("people"));
    assert_eq!(target.scene.raw().await?.see(&count).await, "4");
    Ok(())
}
