//! Impersonation as it is meant to be used.

use redoubt_tests::stack::literal;

use crate::{
    people::{USERS, begin, case, everything},
    stand::{SYSTEM, Session, Warehouse, with},
};

const NOBODY: &str = "CALL immuta_procedures.impersonate_user(NULL)";

fn impersonate(user: &str) -> String {
    format!("CALL immuta_procedures.impersonate_user({})", literal(user))
}

/// A warehouse in which `tess` may impersonate others, and a session of hers.
async fn with_tess(warehouse: &Warehouse) -> Session {
    begin(warehouse, true).await;
    warehouse.session(SYSTEM).await.run("CALL immuta_procedures.grant_impersonation('tess')").await;
    warehouse.session("tess").await
}

#[test]
fn an_impersonator_sees_exactly_what_the_user_sees() {
    with(async |warehouse| {
        let tess = with_tess(warehouse).await;
        let own = everything(&tess).await;
        let mut views = vec![own.clone()];
        for user in USERS {
            let theirs = everything(&warehouse.session(user).await).await;
            if matches!(user, "gail" | "hans") {
                assert_eq!(theirs.concat(), "", "{user} sees nothing");
                let refused = tess.see(&impersonate(user)).await;
                assert_eq!(refused, "ERROR: redoubt: no user has this account");
                assert_eq!(everything(&tess).await, own, "who is not impersonated changes nothing");
                continue;
            }
            tess.run(&impersonate(user)).await;
            assert_eq!(everything(&tess).await, theirs, "{user}");
            assert!(!views.contains(&theirs), "{user} sees what another sees: the test shows nothing");
            views.push(theirs);
            tess.run(NOBODY).await;
            assert_eq!(everything(&tess).await, own, "after {user}");
        }
        // Nothing is stacked: whoever comes next takes the place of the one before.
        tess.run(&impersonate("ada")).await;
        tess.run(&impersonate("carl")).await;
        assert_eq!(everything(&tess).await, everything(&warehouse.session("carl").await).await);
        tess.run(NOBODY).await;
        assert_eq!(everything(&tess).await, own);
        // What was not begun can be ended.
        tess.run(NOBODY).await;
        assert_eq!(everything(&tess).await, own);
    });
}

#[test]
fn it_is_a_matter_of_one_session() {
    with(async |warehouse| {
        let tess = with_tess(warehouse).await;
        let (other, mallory) = (warehouse.session("tess").await, warehouse.session("mallory").await);
        let (own, theirs) = (everything(&tess).await, everything(&mallory).await);
        tess.run(&impersonate("carl")).await;
        assert_eq!(everything(&other).await, own, "another session of the same account");
        other.run(&impersonate("dora")).await;
        let carl = everything(&warehouse.session("carl").await).await;
        assert_eq!(everything(&tess).await, carl, "each session has its own");
        assert_eq!(everything(&mallory).await, theirs);
        other.run(NOBODY).await;
        assert_eq!(everything(&tess).await, carl, "another session's end");
        drop(tess);
        assert_eq!(everything(&warehouse.session("tess").await).await, own, "a session that comes later");

        // Whoever is impersonated has become nobody else's profile, and changes while they are.
        let tess = warehouse.session("tess").await;
        tess.run(&impersonate("ada")).await;
        warehouse.administer("UPDATE immuta_system.profile SET active = false WHERE immuta__userid = 'ada'").await;
        assert_eq!(everything(&tess).await[0], "", "nothing rather than one's own");
    });
}

#[test]
fn a_revoked_impersonator_is_only_itself_at_once() {
    with(async |warehouse| {
        let tess = with_tess(warehouse).await;
        let own = everything(&tess).await;
        let system = warehouse.session(SYSTEM).await;
        tess.run(&impersonate("carl")).await;
        assert_ne!(everything(&tess).await, own);
        system.run("CALL immuta_procedures.revoke_impersonation('tess')").await;
        assert_eq!(everything(&tess).await, own);
        let refused = "ERROR: permission denied for procedure impersonate_user";
        assert_eq!(tess.see(&impersonate("carl")).await, refused);
        assert_eq!(tess.see(NOBODY).await, refused);
        // What was granted again is begun again.
        system.run("CALL immuta_procedures.grant_impersonation('tess')").await;
        assert_eq!(everything(&tess).await, own);
        tess.run(&impersonate("carl")).await;
        assert_ne!(everything(&tess).await, own);
        // The row alone decides, in every query, whatever rights on the procedure there are.
        warehouse.administer("DELETE FROM immuta_system.impersonator").await;
        assert_eq!(everything(&tess).await, own);
        assert_eq!(tess.see(&impersonate("ada")).await, "ERROR: redoubt: this account is no impersonator");
        assert_eq!(
            system.see("CALL immuta_procedures.revoke_impersonation('tess')").await,
            "ERROR: redoubt: this account is no impersonator"
        );
        // An account that is gone can be taken off the list.
        system.run("CALL immuta_procedures.grant_impersonation('mallory')").await;
        system.run("CALL immuta_procedures.revoke_impersonation('mallory')").await;
        warehouse.administer("INSERT INTO immuta_system.impersonator VALUES ('gone', 'x', GETDATE())").await;
        system.run("CALL immuta_procedures.revoke_impersonation('gone')").await;
        assert_eq!(system.see("SELECT count(*) FROM immuta_system.impersonator").await, "0");
    });
}

#[test]
fn it_ends_by_itself_and_all_of_it_is_recorded() {
    with(async |warehouse| {
        let tess = with_tess(warehouse).await;
        let own = everything(&tess).await;
        let system = warehouse.session(SYSTEM).await;
        tess.run(&impersonate("ada")).await;
        tess.run(&impersonate("Bob O'Hara")).await;
        tess.run(NOBODY).await;
        assert_eq!(tess.see(&impersonate("nobody")).await, "ERROR: redoubt: no user has this account");
        tess.run(&impersonate("carl")).await;
        let hours = "SELECT ends_at - began_at FROM immuta_system.impersonation";
        assert_eq!(system.see(hours).await, "08:00:00");
        let past = "UPDATE immuta_system.impersonation SET ends_at = GETDATE() - INTERVAL '1 hours'";
        warehouse.administer(past).await;
        assert_eq!(everything(&tess).await, own, "its time is over");
        tess.run(&impersonate("dora")).await;
        system.run("CALL immuta_procedures.revoke_impersonation('tess')").await;
        let log = "SELECT action, account, immuta__userid, done_by FROM immuta_system.impersonation_log";
        let mut seen: Vec<String> = system.see(log).await.lines().map(str::to_owned).collect();
        let mut expected = [
            "granted|tess|NULL|redoubt_system",
            "began|tess|ada|tess",
            "ended|tess|ada|tess",
            "began|tess|Bob O'Hara|tess",
            "ended|tess|Bob O'Hara|tess",
            "began|tess|carl|tess",
            "expired|tess|carl|tess",
            "began|tess|dora|tess",
            "ended|tess|dora|redoubt_system",
            "revoked|tess|NULL|redoubt_system",
        ];
        seen.sort_unstable();
        expected.sort_unstable();
        assert_eq!(seen, expected);
        assert_eq!(system.see("SELECT count(*) FROM immuta_system.impersonation").await, "0");
        let expired = "SELECT happened_at < GETDATE() - INTERVAL '30 minutes' FROM immuta_system.impersonation_log \
                       WHERE action = 'expired'";
        assert_eq!(system.see(expired).await, "t", "when its time was over, not when that was seen");
    });
}

/// Whatever a later setup says, what is seen is the same, and what is switched off leaves nothing.
#[test]
fn it_is_off_unless_asked_for_and_leaves_nothing_when_switched_off() {
    with(async |warehouse| {
        let off = begin(warehouse, false).await;
        let own =
            [everything(&warehouse.session("tess").await).await, everything(&warehouse.session("ada").await).await];
        let system = warehouse.session(SYSTEM).await;
        let texts = "SELECT viewname, definition FROM pg_views WHERE schemaname = 'immuta_system' ORDER BY 1";
        let objects = "SELECT relname, relkind FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace \
                       WHERE nspname = 'immuta_system' UNION ALL SELECT proname, 'p' FROM pg_proc p \
                       JOIN pg_namespace n ON n.oid = pronamespace WHERE nspname = 'immuta_procedures' ORDER BY 1, 2";
        let before = [system.see(texts).await, system.see(objects).await];
        assert!(before.iter().all(|seen| !seen.contains("imperson")), "{before:?}");
        let missing = "ERROR: procedure immuta_procedures.impersonate_user(unknown) does not exist";
        assert!(system.see(&impersonate("ada")).await.starts_with(missing));

        warehouse.set_up(&case(true).integration).await;
        system.run("CALL immuta_procedures.grant_impersonation('tess')").await;
        let tess = warehouse.session("tess").await;
        assert_eq!([everything(&tess).await, everything(&warehouse.session("ada").await).await], own);
        tess.run(&impersonate("ada")).await;
        assert_eq!(everything(&tess).await, own[1]);
        // Again, in the middle of it.
        warehouse.set_up(&case(true).integration).await;
        assert_eq!(everything(&tess).await, own[1]);

        warehouse.change(&case(true).integration, &off.integration).await;
        assert_eq!([system.see(texts).await, system.see(objects).await], before);
        assert_eq!(everything(&tess).await, own[0]);
    });
}
