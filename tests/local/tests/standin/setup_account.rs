//! The account that sets a warehouse up without being a superuser: what it can do, and that it can do nothing more.

use crate::harness::{Harness, run};
use aws_sdk_redshiftdata::types::ExecutionMode::Transaction;

async fn prepare(harness: &Harness) {
    harness
        .admin(
            "dev",
            &[
                "create role installers",
                "create user \"Setup\" password 'Redoubt-1' createdb",
                "grant create user, alter user, drop user to role installers",
                "grant role installers to \"Setup\"",
                "grant all on database dev to \"Setup\" with grant option",
                "grant usage on language exfunc to \"Setup\" with grant option",
                "grant usage on language plpgsql to \"Setup\" with grant option",
                "create user other password disable",
                "create schema private",
                "create table private.t (a int)",
                "create table public.t as select 1 as a",
            ],
        )
        .await;
}

#[test]
fn it_makes_users_and_databases_and_takes_them_away() {
    run(
        |_| (),
        async |harness| {
            prepare(harness).await;
            let setup = async |database: &str, sql: &str| {
                let ended = harness.execute("Setup", database, sql).await;
                assert_eq!(ended.error(), None, "{sql}");
            };
            // What the secret `clear` says.
            setup("dev", "create user clear password 'Clear-text-1'").await;
            let log_in = async || {
                let request = harness.client.execute_statement().workgroup_name("redoubt-local").database("dev");
                let sent = request.secret_arn("clear").sql("select 1").wait_time_seconds(10).send().await.unwrap();
                harness.describe(sent.id().unwrap()).await.error().map(str::to_owned)
            };
            assert_eq!(log_in().await, None);
            let exists = harness.error("Setup", "dev", "create user clear password disable").await;
            assert_eq!(exists, "ERROR: role \"clear\" already exists");
            setup("dev", "alter user clear password 'Other-text-1' valid until '2030-01-01' connection limit 5").await;
            assert!(log_in().await.unwrap().contains("password authentication failed"));
            let digest = "select 'sha256|' || sha2('Clear-text-1' || 'salt', 256) || '|salt'";
            let digest = harness.rows("awsuser", "dev", digest).await[0][0].clone();
            setup("dev", &format!("alter user clear password '{digest}'")).await;
            assert_eq!(log_in().await, None);

            // In one transaction with others, and undone with them.
            let sqls = ["create user gone password disable", "select * from nowhere"];
            assert!(harness.batch("Setup", "dev", Transaction, &sqls).await.error().is_some());
            setup("dev", "create user gone password disable createdb").await;

            setup("dev", "create database governed").await;
            for sql in [
                "grant all on database governed to clear",
                "grant usage, temp on database governed to public",
                "revoke usage on database governed from public",
                "grant usage on language plpgsql to clear",
                "create schema own",
                "grant all on schema own to clear",
            ] {
                setup("governed", sql).await;
            }
            setup("dev", "grant usage on language exfunc to clear").await;
            setup("dev", "grant usage on database dev to clear").await;
            assert_eq!(harness.execute("clear", "governed", "create schema theirs").await.error(), None);
            assert_eq!(harness.execute("clear", "governed", "create table own.t (a int)").await.error(), None);

            // Whom much belongs to can't be dropped, and then can.
            let kept = harness.error("Setup", "dev", "drop user clear").await;
            assert!(kept.contains("cannot be dropped because some objects depend on it"), "{kept}");
            setup("dev", "drop database governed").await;
            assert_eq!(
                harness.error("Setup", "dev", "drop database governed").await,
                "ERROR: database \"governed\" does not exist"
            );
            setup("dev", "revoke all on language exfunc from clear").await;
            setup("dev", "revoke all on database dev from clear").await;
            setup("dev", "drop user clear, gone").await;
            assert_eq!(harness.error("Setup", "dev", "drop user clear").await, "ERROR: role \"clear\" does not exist");
            setup("dev", "drop user if exists clear").await;
        },
    );
}

#[test]
fn it_can_do_nothing_more() {
    run(
        |_| (),
        async |harness| {
            prepare(harness).await;
            harness.admin("dev", &["create user root password disable createuser"]).await;
            harness
                .admin("dev", &["create user \"Small\" password disable", "grant role installers to \"Small\""])
                .await;
            for (sql, message) in [
                ("select * from public.t", "permission denied for table t"),
                ("select * from private.t", "permission denied for schema private"),
                ("create user x password disable createuser", "must be superuser to create superusers"),
                ("alter user other createuser", "must be superuser to create superusers"),
                ("alter user \"Setup\" createuser", "must be superuser to create superusers"),
                ("alter user root password 'Redoubt-2'", "must be superuser to alter superusers"),
                ("alter user installers password 'Redoubt-2'", "must be superuser to alter superusers or roles"),
                ("alter user other set search_path to x", "option SET of a user is not imitated"),
                ("drop user awsuser", "must be superuser to drop superusers"),
                ("drop user installers", "must be superuser to drop superusers or roles"),
                ("drop user \"Setup\"", "current user cannot be dropped"),
                ("grant role installers to other", "must have admin option on role"),
                ("grant create user to role installers", "must have admin option on role"),
                ("create role more", "permission denied to create role"),
                ("drop database tpch", "must be owner of database tpch"),
                ("grant select on private.t to other", "permission denied for schema private"),
                ("grant select on public.t to \"Setup\"", "permission denied for table t"),
                ("set session authorization awsuser", "permission denied to set session authorization"),
                ("set role redshift", "SET ROLE is not supported by Redshift"),
                ("select * from stv_db_isolation_level", "permission denied for view stv_db_isolation_level"),
                ("create database taken owner awsuser", "must be member of role \"awsuser\""),
            ] {
                if sql.starts_with("drop database") {
                    harness.admin("dev", &["create database tpch"]).await;
                }
                let error = harness.error("Setup", "dev", sql).await;
                assert!(error.contains(message), "{sql}: {error}");
            }
            // Without the permission, without the right to create databases.
            for (user, sql, message) in [
                ("other", "create user x password disable", "permission denied to create role"),
                ("other", "alter user \"Setup\" password 'Redoubt-2'", "permission denied"),
                ("other", "drop user \"Setup\"", "permission denied to drop role"),
                ("other", "create database x", "permission denied to create database"),
                (
                    "Small",
                    "create user x password disable createdb",
                    "permission denied to let a user create databases",
                ),
            ] {
                let error = harness.error(user, "dev", sql).await;
                assert!(error.contains(message), "{user}: {sql}: {error}");
            }
            assert_eq!(harness.execute("other", "dev", "alter user other password 'Redoubt-3'").await.error(), None);
            // A permission is taken back with its role, and goes to roles only.
            let error = harness.error("awsuser", "dev", "grant create user to other").await;
            assert!(error.contains("granted to roles only"), "{error}");
            harness.admin("dev", &["revoke create user from role installers"]).await;
            let error = harness.error("Setup", "dev", "create user x password disable").await;
            assert!(error.contains("permission denied to create role"), "{error}");

            // What the shims offer is no way round.
            let command = r#"{"verb": "create", "names": ["x"], "if_exists": false}"#;
            for sql in [
                format!("select redshift_internal.manage_permitted_users('awsuser', 'proof', '{command}')"),
                format!("call redshift_internal.manage_users('{command}', 'create user x', '')"),
                "select redshift_internal.import_external_schema('s')".to_owned(),
            ] {
                let refused = harness.direct("other", "dev", &sql).await.unwrap_err();
                assert!(refused.contains("permission denied"), "{sql}: {refused}");
            }
            // It grants what it has no option for, and nobody gets anything.
            let ended = harness.execute("Small", "dev", "grant create on database dev to other").await;
            assert!(ended.error().is_none_or(|error| error.contains("permission denied")));
            let gained = "select has_database_privilege('other', 'dev', 'CREATE')";
            assert_eq!(harness.rows("awsuser", "dev", gained).await, [["false"]]);
        },
    );
}

#[test]
fn procedures_run_as_their_owner_and_objects_go_by_their_signature() {
    run(
        |_| (),
        async |harness| {
            prepare(harness).await;
            let setup = async |sql: &str| {
                let ended = harness.execute("Setup", "dev", sql).await;
                assert_eq!(ended.error(), None, "{sql}");
            };
            for sql in [
                "create schema own",
                "grant usage on schema own to public",
                "create table own.log (session_user_ varchar(20), current_user_ varchar(20), pid int, note varchar(20))",
                "create procedure own.note(text varchar(20)) as $$ begin insert into own.log \
                 select session_user::varchar, current_user::varchar, pg_backend_pid(), text; end $$ \
                 language plpgsql security definer",
                "create procedure own.note(number int) as $$ begin null; end $$ language plpgsql",
                "create function own.twice(int) returns int stable as $$ select $1 * 2 $$ language sql",
                "grant execute on procedure own.note(varchar) to other",
            ] {
                setup(sql).await;
            }
            assert_eq!(harness.execute("other", "dev", "call own.note('first'::varchar)").await.error(), None);
            let error = harness.error("other", "dev", "call own.note(1)").await;
            assert_eq!(error, "ERROR: permission denied for procedure note");
            setup("revoke execute on procedure own.note(varchar) from other").await;
            assert!(harness.error("other", "dev", "call own.note('x'::varchar)").await.contains("permission denied"));
            setup("grant execute on procedure own.note(varchar) to public").await;
            assert_eq!(harness.execute("other", "dev", "call own.note('second'::varchar)").await.error(), None);
            // SESSION AUTHORIZATION is a superuser's, and SESSION_USER in a procedure that of the call.
            let sqls = ["set session authorization other", "call own.note('third'::varchar)"];
            assert_eq!(harness.batch("awsuser", "dev", Transaction, &sqls).await.error(), None);
            let query = "select session_user_, current_user_, note from own.log where pid > 0 order by note";
            let expected = [["other", "Setup", "first"], ["other", "Setup", "second"], ["other", "Setup", "third"]];
            assert_eq!(harness.rows("Setup", "dev", query).await, expected);

            for (sql, message) in [
                ("drop procedure if exists own.note(varchar)", "DROP PROCEDURE IF EXISTS is not supported"),
                ("drop function if exists own.twice(int)", "DROP FUNCTION IF EXISTS is not supported"),
                ("drop schema own restrict", "cannot drop schema own because other objects depend on it"),
                ("create schema own", "schema \"own\" already exists"),
                ("create function own.twice(int) returns int stable as $$ select 1 $$ language sql", "already exists"),
                ("drop procedure own.nothing(int)", "procedure own.nothing(integer) does not exist"),
            ] {
                let error = harness.error("Setup", "dev", sql).await;
                assert!(error.contains(message), "{sql}: {error}");
            }
            for sql in [
                "drop procedure own.note(varchar)",
                "drop procedure own.note(int)",
                "drop function own.twice(int)",
                "drop table own.log",
                "drop schema own restrict",
            ] {
                setup(sql).await;
            }
        },
    );
}
