//! What those who may impersonate nobody, or somebody else, can try.

use redoubt_tests::stack::ident;

use crate::{
    people::{begin, everything},
    stand::{ADMINISTRATOR, SYSTEM, Session, Warehouse, with},
};

const TOKEN: &str = "SELECT current_setting('redoubt.impersonation', FALSE)";

async fn begun(warehouse: &Warehouse) -> Session {
    begin(warehouse, true).await;
    warehouse.session(SYSTEM).await.run("CALL immuta_procedures.grant_impersonation('tess')").await;
    let tess = warehouse.session("tess").await;
    tess.run("CALL immuta_procedures.impersonate_user('carl')").await;
    tess
}

#[test]
fn nothing_forged_counts() {
    with(async |warehouse| {
        let tess = begun(warehouse).await;
        let token = tess.see(TOKEN).await;
        assert_eq!(token.len(), 64, "{token}");
        let mallory = warehouse.session("mallory").await;
        let own = everything(&mallory).await;
        let administrator = warehouse.session(ADMINISTRATOR).await;
        // Another's token, whatever comes to mind, and what a pattern would match.
        for forged in [token.as_str(), "", "%", "carl", "tess", "NULL", &"0".repeat(64), &format!("{token} ")] {
            mallory.run(&format!("SELECT set_config('redoubt.impersonation', '{forged}', FALSE)")).await;
            assert_eq!(everything(&mallory).await, own, "`{forged}`");
            mallory.run(&format!("SET redoubt.impersonation TO '{forged}'")).await;
            assert_eq!(everything(&mallory).await, own, "`{forged}`");
        }
        mallory.run("RESET redoubt.impersonation").await;
        assert_eq!(everything(&mallory).await, own);
        // Even one who may impersonate others has no use of another's token.
        warehouse.session(SYSTEM).await.run("CALL immuta_procedures.grant_impersonation('mallory')").await;
        mallory.run(&format!("SET redoubt.impersonation TO '{token}'")).await;
        assert_eq!(everything(&mallory).await, own);
        // And what is stored for somebody whose name is almost the same is not theirs.
        for almost in ["mallory ", "Mallory", " mallory"] {
            administrator
                .run(&format!(
                    "INSERT INTO immuta_system.impersonation VALUES ('forged', '{almost}', 'carl', GETDATE(), \
                     GETDATE() + INTERVAL '1 hours'); INSERT INTO immuta_system.impersonator VALUES ('{almost}', 'x', GETDATE())"
                ))
                .await;
        }
        mallory.run("SET redoubt.impersonation TO 'forged'").await;
        assert_eq!(everything(&mallory).await, own);
        // Rows that are stored twice, as nothing in Redshift prevents, multiply nothing and add nobody up.
        let carl = everything(&tess).await;
        for table in ["impersonation", "impersonator"] {
            administrator.run(&format!("INSERT INTO immuta_system.{table} SELECT * FROM immuta_system.{table}")).await;
        }
        assert_eq!(everything(&tess).await, carl);
        administrator
            .run(&format!(
                "INSERT INTO immuta_system.impersonation VALUES ('{token}', 'tess', 'ada', GETDATE(), \
                 GETDATE() + INTERVAL '1 hours')"
            ))
            .await;
        let (one, ada) = (everything(&tess).await, everything(&warehouse.session("ada").await).await);
        assert!(one == carl || one == ada, "{one:?}");
        // A profile that is stored twice is impersonated once.
        for table in ["profile", "profile_entitlement"] {
            administrator.run(&format!("INSERT INTO immuta_system.{table} SELECT * FROM immuta_system.{table}")).await;
        }
        assert_eq!(everything(&tess).await[..5], one[..5]);
    });
}

#[test]
fn nobody_reaches_what_it_rests_on() {
    with(async |warehouse| {
        let tess = begun(warehouse).await;
        let mallory = warehouse.session("mallory").await;
        let own = everything(&mallory).await;
        for session in [&tess, &mallory] {
            assert_eq!(
                session.see("SELECT * FROM immuta_system.reader").await,
                "ERROR: permission denied for view reader"
            );
            for table in ["impersonator", "impersonation", "impersonation_log"] {
                for statement in [
                    format!("SELECT * FROM immuta_system.{table}"),
                    format!("INSERT INTO immuta_system.{table} SELECT * FROM immuta_system.{table}"),
                    format!("DELETE FROM immuta_system.{table}"),
                    format!("UPDATE immuta_system.{table} SET account = 'x'"),
                ] {
                    let seen = session.see(&statement).await;
                    assert!(seen.starts_with("ERROR: permission denied for "), "{statement}: {seen}");
                }
            }
            for call in ["grant_impersonation('mallory')", "revoke_impersonation('tess')"] {
                let seen = session.see(&format!("CALL immuta_procedures.{call}")).await;
                assert!(seen.starts_with("ERROR: permission denied for procedure "), "{call}: {seen}");
            }
            let seen =
                session.see("GRANT EXECUTE ON PROCEDURE immuta_procedures.impersonate_user(varchar) TO mallory").await;
            assert!(seen.starts_with("ERROR: permission denied") || seen.is_empty(), "{seen}");
        }
        let refused = "ERROR: permission denied for procedure impersonate_user";
        assert_eq!(mallory.see("CALL immuta_procedures.impersonate_user('carl')").await, refused);
        // The right alone, given by an administrator past the procedures, makes nobody an impersonator.
        warehouse.administer("GRANT EXECUTE ON PROCEDURE immuta_procedures.impersonate_user(varchar) TO mallory").await;
        assert_eq!(
            mallory.see("CALL immuta_procedures.impersonate_user('carl')").await,
            "ERROR: redoubt: this account is no impersonator"
        );
        assert_eq!(everything(&mallory).await, own);
        // Whoever is impersonated lends no right of theirs to impersonate.
        let system = warehouse.session(SYSTEM).await;
        system.run("CALL immuta_procedures.grant_impersonation('mallory')").await;
        system.run("CALL immuta_procedures.revoke_impersonation('tess')").await;
        system.run("CALL immuta_procedures.grant_impersonation('carl')").await;
        mallory.run("CALL immuta_procedures.impersonate_user('carl')").await;
        let denied = "ERROR: permission denied for procedure grant_impersonation";
        assert_eq!(mallory.see("CALL immuta_procedures.grant_impersonation('eve')").await, denied);
        assert_eq!(tess.see("CALL immuta_procedures.impersonate_user('carl')").await, refused);
    });
}

#[test]
fn only_accounts_and_users_that_there_are() {
    with(async |warehouse| {
        let tess = begun(warehouse).await;
        let system = warehouse.session(SYSTEM).await;
        let before = everything(&tess).await;
        assert_eq!(
            tess.see("CALL immuta_procedures.impersonate_user('root')").await,
            "ERROR: redoubt: a superuser is not impersonated"
        );
        for user in ["", "carl ", "Carl", "redoubt_system", "awsuser", "' OR TRUE --", "%"] {
            let call = format!("CALL immuta_procedures.impersonate_user({})", redoubt_tests::stack::literal(user));
            assert_eq!(tess.see(&call).await, "ERROR: redoubt: no user has this account", "`{user}`");
        }
        assert_eq!(everything(&tess).await, before, "who is refused stays who they were");
        for account in ["public", "PUBLIC", "", "nobody", "tess ", "mallory, eve", "GROUP all", "mallory\"; --"] {
            let call =
                format!("CALL immuta_procedures.grant_impersonation({})", redoubt_tests::stack::literal(account));
            assert_eq!(system.see(&call).await, "ERROR: redoubt: there is no such account", "`{account}`");
        }
        assert_eq!(
            system.see("CALL immuta_procedures.grant_impersonation(NULL)").await,
            "ERROR: redoubt: there is no such account"
        );
        assert_eq!(system.see("SELECT account FROM immuta_system.impersonator").await, "tess");
        // Names that have to be quoted are.
        for account in ["IAM:foo\"bar", "it's", "group"] {
            warehouse.administer(&format!("CREATE ROLE {} LOGIN", ident(account))).await;
            let account = redoubt_tests::stack::literal(account);
            system.run(&format!("CALL immuta_procedures.grant_impersonation({account})")).await;
        }
        let foo = warehouse.session("IAM:foo\"bar").await;
        assert_eq!(everything(&foo).await.concat(), "");
        foo.run("CALL immuta_procedures.impersonate_user('carl')").await;
        assert_eq!(everything(&foo).await, before);
        system.run("CALL immuta_procedures.revoke_impersonation('IAM:foo\"bar')").await;
        assert_eq!(everything(&foo).await.concat(), "");
        // What an administrator trusted with it does is recorded as theirs.
        warehouse.administer("GRANT EXECUTE ON PROCEDURE immuta_procedures.grant_impersonation(varchar) TO dora").await;
        warehouse.session("dora").await.run("CALL immuta_procedures.grant_impersonation('eve')").await;
        let by = "SELECT granted_by FROM immuta_system.impersonator WHERE account = 'eve'";
        assert_eq!(system.see(by).await, "dora");
    });
}

/// The procedures run with the rights of the system account: nothing of the caller's may be found in place of what they name.
#[test]
fn objects_of_ones_own_do_not_shadow_what_the_procedures_use() {
    with(async |warehouse| {
        let tess = begun(warehouse).await;
        let own = warehouse.session("tess").await;
        for statement in [
            "CREATE TEMP TABLE impersonator (account varchar(128), granted_by varchar(128), granted_at timestamp)",
            "CREATE TEMP TABLE profile (immuta__userid varchar(128), active boolean)",
            "CREATE TEMP TABLE pg_user (usename varchar(128), usesuper boolean)",
            "INSERT INTO profile VALUES ('root', true), ('gail', true)",
            "CREATE SCHEMA IF NOT EXISTS mine",
        ] {
            let _ = own.see(statement).await;
        }
        warehouse.administer("CREATE SCHEMA IF NOT EXISTS mine; GRANT ALL ON SCHEMA mine TO PUBLIC").await;
        for statement in [
            "CREATE FUNCTION mine.octet_length(varchar) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
            "CREATE FUNCTION mine.lower(varchar) RETURNS varchar LANGUAGE sql AS 'SELECT $1'",
            "CREATE FUNCTION mine.sha2(varchar, integer) RETURNS varchar LANGUAGE sql AS $$SELECT 'known'::varchar$$",
            "CREATE FUNCTION mine.quote_ident(varchar) RETURNS text LANGUAGE sql AS $$SELECT 'PUBLIC'::text$$",
            "CREATE FUNCTION mine.same(varchar, varchar) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
            "CREATE OPERATOR mine.= (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = mine.same)",
            "SET search_path = mine, pg_temp, pg_catalog",
        ] {
            own.run(statement).await;
        }
        for (user, message) in [("root", "a superuser is not impersonated"), ("gail", "no user has this account")] {
            let seen = own.see(&format!("CALL immuta_procedures.impersonate_user('{user}')")).await;
            assert_eq!(seen, format!("ERROR: redoubt: {message}"));
        }
        own.run("CALL immuta_procedures.impersonate_user('ada')").await;
        assert_ne!(own.see("SELECT pg_catalog.current_setting('redoubt.impersonation', FALSE)").await, "known");
        own.run("SET search_path = public").await;
        assert_eq!(everything(&own).await, everything(&warehouse.session("ada").await).await);
        assert_eq!(everything(&tess).await, everything(&warehouse.session("carl").await).await);
    });
}
