//! Who may do what by default, and the grant forms of Redshift.

use crate::harness::run;
use redoubt_local::sql::parameter::literal;

#[test]
fn default_rights_are_those_of_redshift() {
    run(
        |_| (),
        async |harness| {
            harness
                .admin(
                    "dev",
                    &[
                        "create user owner_ password disable",
                        "create user caller password disable",
                        "create role team",
                        "create database immuta owner owner_",
                        "grant usage, temp on database immuta to role team",
                        "revoke usage on database immuta from public",
                        "grant role team to caller",
                        "grant usage on language exfunc to owner_",
                        "grant create on database dev to owner_",
                    ],
                )
                .await;
            // USAGE of a database is what lets one connect.
            assert!(harness.direct("caller", "immuta", "select 1").await.is_ok());

            // Functions are everybody's, procedures their owner's, however they are made.
            let body = "as $$ begin null; end $$ language plpgsql";
            let admin = async |sql: &str| {
                let ended = harness.execute("owner_", "dev", sql).await;
                assert_eq!(ended.error(), None, "{sql}");
            };
            admin("create schema own").await;
            admin("grant usage on schema own to public").await;
            admin("create function own.f(int) returns int stable as $$ select $1 + 1 $$ language sql").await;
            admin(&format!("create procedure own.p() {body}")).await;
            admin(&format!(
                "create procedure own.maker() as $$ begin execute {}; end $$ language plpgsql",
                literal(&format!("create procedure own.q() {}", body.replace("$$", "$x$")))
            ))
            .await;
            admin("call own.maker()").await;
            harness.direct("owner_", "dev", &format!("create procedure own.r() {body}")).await.unwrap();
            assert_eq!(harness.rows("caller", "dev", "select own.f(1)").await, [["2"]]);
            for name in ["p", "q", "r"] {
                let error = harness.error("caller", "dev", &format!("call own.{name}()")).await;
                assert_eq!(error, format!("ERROR: permission denied for procedure {name}"));
            }

            // Replacing keeps what was granted.
            admin("grant execute on procedure own.p() to role team").await;
            admin(&format!("create or replace procedure own.p() {body}")).await;
            assert_eq!(harness.execute("caller", "dev", "call own.p()").await.error(), None);

            // Default privileges on procedures and on functions are different things.
            admin("alter default privileges in schema own grant execute on functions to public").await;
            admin(&format!("create procedure own.closed() {body}")).await;
            assert!(harness.error("caller", "dev", "call own.closed()").await.contains("permission denied"));
            admin("alter default privileges in schema own grant execute on procedures to caller").await;
            admin(&format!("create procedure own.open() {body}")).await;
            assert_eq!(harness.execute("caller", "dev", "call own.open()").await.error(), None);
            admin("alter default privileges in schema own revoke execute on procedures from caller").await;
            admin(&format!("create procedure own.closed_again() {body}")).await;
            assert!(harness.error("caller", "dev", "call own.closed_again()").await.contains("permission denied"));
            let others = "alter default privileges for user owner_ in schema own grant execute on procedures to caller";
            assert!(
                harness.error("caller", "dev", others).await.contains("permission denied to change default privileges")
            );

            admin("alter default privileges in schema own grant select on tables to role team").await;
            admin("create table own.t (a int)").await;
            assert_eq!(harness.rows("caller", "dev", "select count(*) from own.t").await, [["0"]]);

            // PUBLIC creates in the schema public.
            assert_eq!(harness.execute("caller", "dev", "create table public.mine (a int)").await.error(), None);

            // current_user is who asks, also below a view.
            admin("create view own.who as select current_user::varchar as name").await;
            admin("grant select on own.who to public").await;
            assert_eq!(harness.direct("caller", "dev", "select name from own.who").await.unwrap(), [["caller"]]);
        },
    );
}
