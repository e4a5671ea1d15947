//! External schemas and tables.

use crate::harness::{Harness, run};
use aws_sdk_redshiftdata::types::ExecutionMode::{AutoCommit, Transaction};
use redoubt_local::sql::parameter::literal;

const LAKE: &str = "create external schema lake from data catalog database 'raw' region 'us-east-1' iam_role default";

async fn prepare(harness: &Harness) {
    harness
        .admin(
            "redoubt_catalog",
            &[
                "create schema raw",
                "create table raw.events (id bigint, name varchar(20), note super)",
                "insert into raw.events (id, name) values (1, 'one'), (2, 'two')",
            ],
        )
        .await;
    harness
        .admin(
            "dev",
            &[
                "create user system password disable",
                "create user analyst password disable",
                "create database governed",
                "create schema views",
                "grant usage, create on schema views to system",
                "grant usage on schema views to analyst",
                LAKE,
            ],
        )
        .await;
}

#[test]
fn usage_of_an_external_schema_opens_all_of_it() {
    run(
        |_| (),
        async |harness| {
            prepare(harness).await;
            let read = "select id, name from lake.events order by id";
            let rows = [["1", "one"], ["2", "two"]];
            assert_eq!(harness.rows("awsuser", "dev", read).await, rows);
            assert_eq!(harness.error("system", "dev", read).await, "ERROR: permission denied for schema lake");
            harness.admin("dev", &["grant usage on schema lake to system"]).await;
            assert_eq!(harness.rows("system", "dev", read).await, rows);
            assert!(harness.error("system", "dev", "insert into lake.events (id) values (3)").await.contains("denied"));

            // A reader of the view needs USAGE as well, and so can read the table itself.
            let view = "create view views.v as select id, current_user::varchar(20) as reader from lake.events";
            let error = harness.error("system", "dev", view).await;
            assert!(error.contains("External tables are not supported in views"), "{error}");
            let late = format!("{view} with no schema binding");
            assert_eq!(harness.execute("system", "dev", &late).await.error(), None);
            assert_eq!(harness.execute("system", "dev", "grant select on views.v to analyst").await.error(), None);
            let read_view = "select reader from views.v where id = 1";
            let error = harness.error("analyst", "dev", read_view).await;
            assert_eq!(error, "ERROR: permission denied for schema lake");
            let nested = "create view views.w as select reader from views.v where id = 1 with no schema binding";
            assert_eq!(harness.execute("system", "dev", nested).await.error(), None);
            assert_eq!(harness.execute("system", "dev", "grant select on views.w to analyst").await.error(), None);
            assert!(harness.error("analyst", "dev", "select * from views.w").await.contains("schema lake"));
            harness.admin("dev", &["grant usage on schema lake to analyst"]).await;
            assert_eq!(harness.rows("analyst", "dev", read_view).await, [["analyst"]]);
            assert_eq!(harness.rows("analyst", "dev", "select * from views.w").await, [["analyst"]]);
            assert_eq!(harness.rows("analyst", "dev", read).await, rows);
            let known = "select schemaname, tablename from svv_external_tables";
            assert_eq!(harness.rows("analyst", "dev", known).await, [["lake", "events"]]);
            let schemas = "select schemaname, databasename from svv_external_schemas";
            assert_eq!(harness.rows("analyst", "dev", schemas).await, [["lake", "raw"]]);

            // What the catalog has is there at once: a new table, a changed one, none any more.
            harness
                .admin(
                    "redoubt_catalog",
                    &[
                        "create table raw.more as select 7 as n",
                        "alter table raw.events add column extra int",
                        "create table raw.gone (a int)",
                    ],
                )
                .await;
            assert_eq!(harness.rows("analyst", "dev", "select n from lake.more").await, [["7"]]);
            assert_eq!(harness.rows("analyst", "dev", "select extra from lake.events where id = 1").await, [["NULL"]]);
            assert_eq!(harness.rows("analyst", "dev", read_view).await, [["analyst"]]);
            let newer = "create view views.newer as select extra from lake.events with no schema binding";
            assert_eq!(harness.execute("system", "dev", newer).await.error(), None);
            harness.admin("redoubt_catalog", &["drop table raw.gone"]).await;
            assert!(harness.error("analyst", "dev", "select * from lake.gone").await.contains("does not exist"));

            // Its tables don't keep it.
            harness.admin("dev", &["drop view views.newer", "drop view views.w", "drop view views.v"]).await;
            assert!(harness.error("analyst", "dev", "drop schema lake").await.contains("must be owner"));
            harness.admin("dev", &["drop schema lake restrict", LAKE, "drop schema lake"]).await;
            assert!(harness.error("awsuser", "dev", read).await.contains("does not exist"));
            assert_eq!(harness.rows("awsuser", "redoubt_catalog", "select count(*) from raw.events").await, [["2"]]);
        },
    );
}

#[test]
fn what_is_refused_is_named() {
    run(
        |_| (),
        async |harness| {
            prepare(harness).await;
            for (database, sql, message) in [
                ("dev", LAKE, "schema \"lake\" already exists"),
                (
                    "dev",
                    "create external schema x from data catalog database 'no' iam_role default",
                    "does not exist in the data",
                ),
                ("dev", "create external schema x from redshift database 'd'", "not imitated"),
                ("dev", "grant select on lake.events to analyst", "Operation not supported on external tables"),
                ("dev", "grant select on table lake.events to analyst", "Operation not supported on external tables"),
                (
                    "dev",
                    "grant select on all tables in schema lake to analyst",
                    "Operation not supported on external tables",
                ),
                ("dev", "revoke select on lake.events from analyst", "Operation not supported on external tables"),
                ("governed", "select * from dev.lake.events", "of another database is not supported"),
                (
                    "governed",
                    "create view v as select id from dev.lake.events with no schema binding",
                    "of another database is not supported",
                ),
            ] {
                let error = harness.error("awsuser", database, sql).await;
                assert!(error.contains(message), "{sql}: {error}");
            }
            let refused = harness.error("analyst", "dev", &LAKE.replace("schema lake", "schema mine")).await;
            assert_eq!(refused, "ERROR: permission denied for database dev");
            // The same again is no error, nor is a database that is made for it.
            let again = LAKE.replace("schema lake", "schema if not exists lake");
            let made = "create external schema made from data catalog database 'made' iam_role 'arn:aws:iam::0:role/r' \
                        create external database if not exists";
            harness.admin("dev", &[&again, made]).await;

            let grant = ["grant usage on schema lake to analyst"];
            for (mode, message) in [(Transaction, Some("cannot run inside a transaction block")), (AutoCommit, None)] {
                let ended = harness.batch("awsuser", "dev", mode, &grant).await;
                assert_eq!(ended.error().is_some(), message.is_some());
                assert!(message.is_none_or(|message| ended.error().unwrap().contains(message)), "{ended:?}");
            }
            let procedure =
                "create procedure run(statement varchar) as $$ begin execute statement; end $$ language plpgsql";
            harness.admin("dev", &[procedure, "grant usage on schema views to role analyst"]).await;
            let call = format!("call run({})", literal("revoke usage on schema lake from analyst"));
            assert!(harness.error("awsuser", "dev", &call).await.contains("cannot run inside a transaction block"));
            harness.admin("dev", &["revoke usage on schema lake from analyst"]).await;
        },
    );
}
