//! Each assumption that can be made to fail: how the warehouse is with the fault and without.

use crate::fake::{Fake, prepare};
use crate::harness::{Harness, WORKGROUP, run};
use aws_sdk_redshiftdata::types::ExecutionMode::AutoCommit;
use redoubt_local::Fault;
use serde_json::json;

/// The first value of a query.
async fn value(harness: &Harness, user: &str, sql: &str) -> String {
    harness.rows(user, "dev", sql).await[0][0].clone()
}

async fn set(harness: &Harness, faults: &[Fault]) {
    harness.standin.set_faults(faults).await.unwrap();
    assert_eq!(harness.standin.faults().unwrap().list(), faults);
}

#[test]
fn what_a_warehouse_says_of_itself() {
    run(
        |config| *config = config.clone().fault(Fault::LargeStrings),
        async |harness| {
            // One that is there from the start, and goes.
            assert_eq!(harness.standin.faults().unwrap().list(), [Fault::LargeStrings]);
            for (fault, sql, without, with) in [
                (Fault::LargeStrings, "select is_large_string_enabled()", "false", "true"),
                (Fault::MetadataSecurity, "show metadata_security", "off", "on"),
                (Fault::CaseSensitiveIdentifiers, "show enable_case_sensitive_identifier", "off", "on"),
                (
                    Fault::Isolation,
                    "select trim(isolation_level) from stv_db_isolation_level where db_name = 'dev'",
                    "Snapshot Isolation",
                    "Read Committed",
                ),
                (
                    Fault::Isolation,
                    "select database_isolation_level from svv_redshift_databases where database_name = 'dev'",
                    "Snapshot Isolation",
                    "Read Committed",
                ),
                (Fault::Backslash, r"select len('\\')", "1", "2"),
                (Fault::Backslash, r"select 'a\nb'", "a\nb", r"a\nb"),
            ] {
                set(harness, &[fault]).await;
                assert_eq!(value(harness, "awsuser", sql).await, with, "{sql}");
                set(harness, &[]).await;
                assert_eq!(value(harness, "awsuser", sql).await, without, "{sql}");
            }
            // One by one, and none in the way of the stand-in's own statements.
            let faults = harness.standin.faults().unwrap();
            for fault in Fault::ALL {
                faults.set(fault).await.unwrap();
            }
            assert_eq!(faults.list(), Fault::ALL);
            let function = r"create external function f() returns int stable lambda 'l' iam_role 'a\b'";
            harness.admin("dev", &[r"create user u password 'Back\slash-1'", function, "drop user u"]).await;
            for fault in Fault::ALL {
                faults.clear(fault).await.unwrap();
            }
            assert!(faults.list().is_empty());
        },
    );
}

#[test]
fn what_a_warehouse_takes() {
    run(
        |_| (),
        async |harness| {
            harness.admin("dev", &["create database tpch", "create table t (a int)"]).await;
            harness.admin("tpch", &["create table t as select 1 as a"]).await;

            let remote = "select a from tpch.public.t";
            let view = "create view v as select a from tpch.public.t with no schema binding";
            set(harness, &[Fault::CrossDatabase]).await;
            for sql in [remote, view] {
                let error = harness.error("awsuser", "dev", sql).await;
                assert_eq!(error, "ERROR: cross-database reference to database \"tpch\" is not supported");
            }
            set(harness, &[]).await;
            assert_eq!(value(harness, "awsuser", remote).await, "1");
            harness.admin("dev", &[view]).await;

            let long = format!("select '{}'", "x".repeat(60_000));
            set(harness, &[Fault::StatementSize]).await;
            let submit =
                || harness.client.execute_statement().workgroup_name("redoubt-local").database("dev").sql(&long);
            let error = submit().db_user("awsuser").send().await.unwrap_err().into_service_error();
            assert!(error.to_string().contains("text of 60009 bytes exceeds the limit of 50000"), "{error}");
            set(harness, &[]).await;
            assert_eq!(value(harness, "awsuser", &long).await.len(), 60_000);

            let sqls = ["insert into t values (1)", "insert into t values ('x')", "insert into t values (3)"];
            set(harness, &[Fault::AutoCommit]).await;
            assert!(harness.batch("awsuser", "dev", AutoCommit, &sqls).await.error().is_some());
            assert_eq!(value(harness, "awsuser", "select count(*) from t").await, "0");
            set(harness, &[]).await;
            assert!(harness.batch("awsuser", "dev", AutoCommit, &sqls).await.error().is_some());
            assert_eq!(value(harness, "awsuser", "select count(*) from t").await, "2");
        },
    );
}

#[test]
fn who_reads_a_view() {
    run(
        |_| (),
        async |harness| {
            harness
                .admin(
                    "dev",
                    &[
                        "create user system password disable",
                        "create user analyst password disable",
                        "create user stranger password disable",
                        "create database tpch",
                        "create schema source",
                        "create schema views",
                        "grant usage on schema source to system",
                        "grant usage, create on schema views to system",
                        "grant usage on schema views to public",
                        "create table source.t as select 1 as a",
                        "grant select on source.t to system",
                    ],
                )
                .await;
            harness
                .admin(
                    "tpch",
                    &[
                        "create schema far",
                        "create table far.t as select 2 as a",
                        "grant usage on schema far to system",
                        "grant select on far.t to system",
                    ],
                )
                .await;
            let system = async |sql: &str| {
                let ended = harness.execute("system", "dev", sql).await;
                assert_eq!(ended.error(), None, "{sql}");
            };
            let make = async |name: &str, rest: &str| {
                system(&format!(
                    "create or replace view views.{name} as select a, current_user::varchar(20) as reader {rest}"
                ))
                .await;
                system(&format!("grant select on views.{name} to analyst")).await;
            };

            // CURRENT_USER of a view that is made under the fault.
            let near = "from source.t with no schema binding";
            make("near", near).await;
            let reader = "select reader from views.near";
            assert_eq!(value(harness, "analyst", reader).await, "analyst");
            set(harness, &[Fault::ViewReader]).await;
            make("near", near).await;
            assert_eq!(value(harness, "analyst", reader).await, "system");
            assert_eq!(harness.direct("analyst", "dev", reader).await.unwrap(), [["system"]]);
            system("create view views.unnamed as select current_user, user as u from source.t").await;
            system("grant select on views.unnamed to analyst").await;
            let unnamed = harness.rows("analyst", "dev", "select \"current_user\", u from views.unnamed").await;
            assert_eq!(unnamed, [["system", "system"]]);
            set(harness, &[]).await;
            make("near", near).await;
            assert_eq!(value(harness, "analyst", reader).await, "analyst");

            // USAGE on the schema of a table, here, there, and below another view; not below a bound one.
            make("far", "from tpch.far.t with no schema binding").await;
            make("above", "from views.near with no schema binding").await;
            make("bound", "from source.t").await;
            let read = |name: &str| format!("select a from views.{name}");
            for (name, a) in [("near", "1"), ("far", "2"), ("above", "1")] {
                assert_eq!(value(harness, "analyst", &read(name)).await, a, "{name}");
            }
            set(harness, &[Fault::UsageBelowViews]).await;
            for (name, schema) in [("near", "source"), ("far", "far"), ("above", "source")] {
                let error = harness.error("analyst", "dev", &read(name)).await;
                assert_eq!(error, format!("ERROR: permission denied for schema {schema}"), "{name}");
                value(harness, "system", &read(name)).await;
            }
            assert_eq!(value(harness, "analyst", &read("bound")).await, "1");
            harness.admin("dev", &["grant usage on schema source to analyst"]).await;
            harness.admin("tpch", &["grant usage on schema far to analyst"]).await;
            for (name, a) in [("near", "1"), ("far", "2"), ("above", "1")] {
                assert_eq!(value(harness, "analyst", &read(name)).await, a, "{name}");
            }
            set(harness, &[]).await;

            // A result that another user was given.
            assert_eq!(value(harness, "system", reader).await, "system");
            assert_eq!(value(harness, "analyst", reader).await, "analyst");
            set(harness, &[Fault::ResultCache]).await;
            assert_eq!(value(harness, "system", reader).await, "system");
            harness.admin("dev", &["grant usage on schema views to stranger"]).await;
            assert_eq!(value(harness, "analyst", reader).await, "system");
            let error = harness.error("stranger", "dev", reader).await;
            assert_eq!(error, "ERROR: permission denied for view near");
            let sqls = ["set enable_result_cache_for_session to off", reader];
            let ended = harness.batch("analyst", "dev", AutoCommit, &sqls).await;
            assert_eq!(harness.result(&format!("{}:2", ended.id())).await, [["analyst"]]);
            assert_eq!(value(harness, "analyst", "select reader from views.near where a = 1").await, "analyst");
            harness.admin("dev", &["insert into source.t values (1)"]).await;
            assert_eq!(harness.rows("analyst", "dev", reader).await, [["analyst"], ["analyst"]]);
        },
    );
}

#[test]
fn what_lambda_functions_are_told_and_may_answer() {
    let fake = Fake::new();
    run(
        |config| fake.adjust(config),
        async |harness| {
            prepare(harness).await;
            harness
                .admin(
                    "dev",
                    &[
                        "create view asked as select ext.who(name) as c from t where id = 1",
                        "grant select on asked to analyst",
                    ],
                )
                .await;
            let (view, direct) = ("select c from asked", "select ext.who('x')");
            for sql in [view, direct] {
                assert_eq!(value(harness, "analyst", sql).await, "analyst@dev");
            }
            set(harness, &[Fault::LambdaUser]).await;
            assert_eq!(value(harness, "analyst", view).await, "awsuser@dev");
            assert_eq!(value(harness, "analyst", direct).await, "analyst@dev");

            set(harness, &[Fault::LambdaReply]).await;
            let (text, object) = ("select ext.echo('x')", "select ext.object('x')");
            let error = harness.error("analyst", "dev", text).await;
            assert!(error.contains("external function ext.echo failed: Empty format"), "{error}");
            assert_eq!(value(harness, "analyst", object).await, "x");
            set(harness, &[]).await;
            assert_eq!(value(harness, "analyst", text).await, "x");
            assert!(harness.error("analyst", "dev", object).await.contains("not a JSON string"));
        },
    );
}

#[test]
fn they_are_set_and_cleared_from_outside_for_each_warehouse() {
    run(
        |config| {
            config.workgroups.push("second".to_owned());
            config.faults.push(Fault::Isolation);
        },
        async |harness| {
            let ask = async |request: &str| harness.raw(&request.replace('~', "/_standin/warehouses"), "").await;
            let seen = |faults: &[&str]| (200, json!({ "faults": faults }));
            assert_eq!(ask("GET ~/second/faults").await, seen(&["isolation"]));
            assert_eq!(ask("PUT ~/second/faults/large_strings").await, seen(&["isolation", "large_strings"]));
            assert_eq!(ask("DELETE ~/second/faults/isolation").await, seen(&["large_strings"]));
            assert_eq!(ask(&format!("GET ~/{WORKGROUP}/faults")).await, seen(&["isolation"]));
            let execute =
                harness.client.execute_statement().workgroup_name("second").database("dev").db_user("awsuser");
            let sql = "select is_large_string_enabled()";
            let sent = execute.sql(sql).wait_time_seconds(10).send().await.unwrap();
            assert_eq!(harness.result(sent.id().unwrap()).await, [["true"]]);
            assert_eq!(value(harness, "awsuser", sql).await, "false");
            for (request, status) in [
                ("PUT ~/second/faults/no_such", 404),
                ("PUT ~/third/faults/isolation", 404),
                ("POST ~/second/faults/isolation", 405),
                ("DELETE ~/second/faults", 405),
            ] {
                assert_eq!(ask(request).await.0, status, "{request}");
            }
            // A stop does not change them, and a stopped one can't be told.
            harness.standin.stop_warehouse("second").await.unwrap();
            assert_eq!(ask("PUT ~/second/faults/isolation").await.0, 500);
            harness.standin.start_warehouse("second").await.unwrap();
            assert_eq!(ask("GET ~/second/faults").await, seen(&["large_strings"]));
        },
    );
}
