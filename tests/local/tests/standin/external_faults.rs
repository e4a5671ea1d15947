//! External functions: what they refuse, what goes wrong, and who may call them.

use crate::aws::FakeAws;
use crate::fake::{Fake, prepare};
use crate::harness::{run, runtime};
use serde_json::json;

#[test]
fn faults_become_errors_of_the_statement() {
    let fake = Fake::new();
    run(
        |config| fake.adjust(config),
        async |harness| {
            prepare(harness).await;
            for (name, message) in [
                ("refuse", "external function ext.refuse failed: row 2: no"),
                ("short", "the reply has 4 results for 5 rows"),
                ("garbage", "does not hold the documented JSON object"),
                ("object", "the reply is not a JSON string"),
                ("raise", "external function ext.raise failed: ValueError: it broke"),
                ("die", "Runtime.ExitError: the process ended: exit status: 3"),
                ("long", "Lambda takes 6291556"),
            ] {
                harness
                    .admin("dev", &[&format!("create or replace view v_{name} as select ext.{name}(name) as c from t")])
                    .await;
                let error = harness.error("awsuser", "dev", &format!("select * from v_{name}")).await;
                assert!(
                    error.starts_with("ERROR: external function ext.") && error.contains(message),
                    "{name}: {error}"
                );
                let direct = harness.direct("analyst", "dev", &format!("select ext.{name}('x')")).await.unwrap_err();
                assert!(direct.contains(&format!("external function ext.{name} failed")), "{direct}");
            }
            // It starts anew after all that.
            assert_eq!(
                harness.rows("analyst", "dev", "select ext.written('x'), ext.other()").await,
                [["x", "nothing"]]
            );
            // A function of no program is asked of the service, and there is none here.
            harness.admin("dev", &["create external function ext.gone(int) returns int stable lambda 'gone' iam_role default retry_timeout 0"]).await;
            assert!(
                harness
                    .error("awsuser", "dev", "select ext.gone(1)")
                    .await
                    .contains("external function ext.gone failed: Lambda")
            );
        },
    );
}

#[test]
fn the_service_is_asked_with_a_signed_request() {
    // On a runtime of its own, which outlives the stand-in.
    let runtime = runtime();
    let aws = runtime.block_on(FakeAws::start());
    run(
        |config| config.aws = Some(aws.config.clone()),
        async |harness| {
            for name in ["mask", "missing", "busy", "busier", "broken"] {
                let lambda = if name == "busier" { "busy" } else { name };
                let timeout = if name == "busier" { "retry_timeout 0" } else { "" };
                let sql = format!(
                    "create external function {name}(varchar) returns varchar stable lambda '{lambda}' iam_role default {timeout}"
                );
                harness.admin("dev", &[&sql]).await;
            }
            let invocations = || std::mem::take(&mut aws.seen.lock().unwrap().invocations);
            assert_eq!(harness.rows("awsuser", "dev", "select mask('x')").await, [["awsuser"]]);
            let seen = invocations();
            let (path, authorization, payload) = &seen[0];
            assert_eq!(path, "/2015-03-31/functions/mask/invocations");
            assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=test/"), "{authorization}");
            assert!(authorization.contains("/eu-west-1/lambda/aws4_request"), "{authorization}");
            assert_eq!(
                (&payload["arguments"], &payload["external_function"]),
                (&json!([["x"]]), &json!("public.mask"))
            );

            // Tried again for as long as RETRY_TIMEOUT says.
            assert_eq!(harness.rows("awsuser", "dev", "select busy('x')").await, [["awsuser"]]);
            assert_eq!(invocations().len(), 3);
            for (name, message) in [
                ("busier", "TooManyRequestsException: Rate Exceeded"),
                ("missing", "Lambda says ResourceNotFoundException: Function not found"),
                ("broken", "Runtime.ExitError: it ended"),
            ] {
                let error = harness.error("awsuser", "dev", &format!("select {name}('x')")).await;
                assert_eq!(error, format!("ERROR: external function public.{name} failed: {message}"));
                assert_eq!(invocations().len(), 1);
            }
        },
    );
}

#[test]
fn types_are_those_of_the_definition() {
    let fake = Fake::new();
    run(
        |config| fake.adjust(config),
        async |harness| {
            prepare(harness).await;
            harness.admin("dev", &[
                "create external function ext.kinds(smallint, bigint, decimal(8, 2), double precision, char(3), boolean, date, timestamp) \
                 returns varchar(max) stable lambda 'fake' iam_role default",
                "create external function ext.twice(bigint) returns bigint stable lambda 'fake' iam_role default",
                "create view n as select ext.twice(id) + 1 as n, ext.twice(id) from t order by id",
            ]).await;
            let sql = "select ext.kinds(1::smallint, 9007199254740993, 1.50, 0.5, 'a'::char(3), true, '2024-02-29'::date, '2024-02-29 01:02:03'::timestamp)";
            let kinds = "int:1 int:9007199254740993 float:1.5 float:0.5 str:a   bool:True str:2024-02-29 str:2024-02-29 01:02:03";
            assert_eq!(harness.rows("awsuser", "dev", sql).await, [[kinds]]);
            assert_eq!(harness.rows("awsuser", "dev", "select * from n").await[4], ["11", "10"]);
            let columns = "select attname || ' ' || atttypid::regtype from pg_attribute where attrelid = 'n'::regclass and attnum > 0 order by attnum";
            assert_eq!(harness.rows("awsuser", "dev", columns).await, [["n bigint"], ["twice bigint"]]);
            for (sql, message) in [
                ("create external function ext.x(super) returns int stable lambda 'l' iam_role default", "type SUPER"),
                ("create external function ext.x(int) returns int immutable lambda 'l' iam_role default", "IMMUTABLE"),
                (
                    "create external function ext.twice(bigint) returns bigint stable lambda 'fake' iam_role default",
                    "already exists",
                ),
                (
                    "create or replace external function ext.twice(bigint) returns int stable lambda 'fake' iam_role default",
                    "cannot change return type",
                ),
                ("create external schema x from postgres database 'd'", "not imitated"),
                ("create external table x (a int)", "not imitated"),
            ] {
                let error = harness.error("awsuser", "dev", sql).await;
                assert!(error.contains(message), "{sql}: {error}");
            }
        },
    );
}

#[test]
fn rights_are_those_of_redshift() {
    let fake = Fake::new();
    run(
        |config| fake.adjust(config),
        async |harness| {
            prepare(harness).await;
            harness
                .admin(
                    "dev",
                    &[
                        "create user maker password disable",
                        "create schema own",
                        "grant all on schema own to maker",
                        "grant usage on schema own to public",
                        "create view v as select ext.who(name) as who from t limit 1",
                        "grant select on v to public",
                    ],
                )
                .await;

            // Defining takes USAGE ON LANGUAGE exfunc.
            let define = "create or replace external function own.who(varchar) returns varchar stable lambda 'fake' iam_role default";
            assert_eq!(harness.error("maker", "dev", define).await, "ERROR: permission denied for language exfunc");
            assert!(harness.error("maker", "dev", "select own.who('x')").await.contains("does not exist"));
            harness.admin("dev", &["grant usage on language exfunc to maker"]).await;
            assert_eq!(harness.execute("maker", "dev", define).await.error(), None);
            assert!(harness.error("analyst", "dev", &define.replace("own.", "public.")).await.contains("exfunc"));
            assert!(
                harness
                    .error("maker", "dev", &define.replace("own.", "ext."))
                    .await
                    .contains("permission denied for schema ext")
            );

            // Who asks is who the function hears of, below a view too; EXECUTE is everybody's until it is revoked.
            assert_eq!(
                harness.rows("analyst", "dev", "select own.who('x'), who from v").await,
                [["analyst@dev", "analyst@dev"]]
            );
            harness.admin("dev", &[
                "create procedure own.ask() as $$ begin create temp table asked as select own.who('x') as a; end $$ language plpgsql security definer",
                "grant execute on procedure own.ask() to analyst",
            ]).await;
            harness.direct("analyst", "dev", "call own.ask()").await.unwrap();
            assert_eq!(fake.requests().last().unwrap()["user"], "awsuser");
            harness.admin("dev", &["revoke execute on function ext.who(varchar) from public"]).await;
            for sql in ["select ext.who('x')", "select * from v"] {
                let error = harness.error("analyst", "dev", sql).await;
                assert_eq!(error, "ERROR: permission denied for function who", "{sql}");
            }
            harness.admin("dev", &["grant execute on function ext.who(varchar) to analyst"]).await;
            assert_eq!(harness.rows("analyst", "dev", "select who from v").await, [["analyst@dev"]]);

            // Nobody speaks for another, and what calls out is out of reach.
            fake.requests();
            for sql in [
                "select redshift_internal.invoke((select key from redshift_internal.external_function limit 1), 'awsuser', proof, '[[1]]') from redshift_internal.caller",
                "select redshift_internal.invoke('k', 'awsuser', proof, '[[1]]') from redshift_internal.caller",
                "select redshift_internal.invoke('k', 'awsuser', null, '[[1]]')",
                "select redshift_internal.ask('{}')",
                "select redshift_internal.proof('awsuser')",
                "select secret from redshift_internal.callback",
                "select redshift_internal.dblink('redshift_callback', '{}')",
                "select redshift_internal.register_external_function(name, proof, 'ext.echo(varchar)'::regprocedure, '{\"lambda\": \"x\"}') \
                 from redshift_internal.caller",
            ] {
                let refused = harness.direct("analyst", "dev", sql).await.unwrap_err();
                assert!(refused.contains("permission denied"), "{sql}: {refused}");
            }
            // Arguments can't smuggle in a field of the request.
            let key = harness.rows("awsuser", "dev", "select key from redshift_internal.external_function where function = 'ext.echo(varchar)'::regprocedure").await[0][0].clone();
            let smuggled = format!("select redshift_internal.invoke('{key}', '[[1]], \"user\": \"awsuser\"')");
            assert!(
                harness
                    .direct("analyst", "dev", &smuggled)
                    .await
                    .unwrap_err()
                    .contains("invalid input syntax for type json")
            );
            assert!(fake.requests().is_empty());

            // Dropped, a function is gone from views as well, and made anew it is back.
            harness.admin("dev", &["create view e as select ext.echo(name) as name from t where id = 1"]).await;
            assert_eq!(harness.rows("awsuser", "dev", "select * from e").await, [["one"]]);
            harness.admin("dev", &["drop function ext.echo(varchar)"]).await;
            assert!(harness.error("awsuser", "dev", "select * from e").await.contains("does not exist"));
            assert!(harness.error("awsuser", "dev", "select ext.echo('a')").await.contains("does not exist"));
            harness.admin("dev", &["create external function ext.echo(varchar) returns varchar stable lambda 'fake' iam_role default"]).await;
            assert_eq!(harness.rows("awsuser", "dev", "select * from e").await, [["one"]]);
            // One of another kind in its place is called as it is.
            harness.admin("dev", &["create or replace function ext.echo(varchar) returns varchar stable as $$ select 'sql' || $1 $$ language sql"]).await;
            assert_eq!(harness.rows("awsuser", "dev", "select ext.echo('a')").await, [["sqla"]]);
            assert!(harness.error("awsuser", "dev", "select * from e").await.contains("does not exist"));

            // Two of one name: a view calls the one that its arguments choose.
            harness.admin("dev", &[
                "create external function ext.twice(int) returns int stable lambda 'fake' iam_role default",
                "create external function ext.twice(varchar) returns varchar stable lambda 'fake' iam_role default",
                "create view both_kinds as select ext.twice(id) as i, ext.twice(name) as n from t where id = 1",
            ]).await;
            assert_eq!(harness.rows("awsuser", "dev", "select * from both_kinds").await, [["2", "oneone"]]);
        },
    );
}
