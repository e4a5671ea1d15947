//! What a warehouse says of itself, and bound views.

use crate::harness::run;
use aws_sdk_redshiftdata::types::ExecutionMode::AutoCommit;

#[test]
fn settings_and_system_relations_are_there() {
    run(
        |_| (),
        async |harness| {
            harness.admin("dev", &["create user analyst password disable", "create database governed"]).await;
            for setting in ["enable_case_sensitive_identifier", "METADATA_SECURITY"] {
                let ended = harness.execute("analyst", "dev", &format!("show {setting}")).await;
                assert_eq!(ended.error(), None, "{setting}");
                assert_eq!(harness.result(ended.id()).await, [["off"]]);
            }
            assert_eq!(harness.rows("analyst", "dev", "show search_path").await, [["\"$user\", public"]]);
            let sqls = ["set enable_case_sensitive_identifier to on", "show enable_case_sensitive_identifier"];
            let ended = harness.batch("analyst", "dev", AutoCommit, &sqls).await;
            assert_eq!(harness.result(&format!("{}:2", ended.id())).await, [["on"]]);
            assert_eq!(harness.rows("analyst", "dev", "select is_large_string_enabled()").await, [["false"]]);

            let levels = "select trim(db_name), isolation_level from pg_catalog.stv_db_isolation_level order by 1";
            let expected = [["dev", "Snapshot Isolation  "], ["governed", "Snapshot Isolation  "]];
            assert_eq!(harness.rows("awsuser", "governed", levels).await, expected);
            assert!(harness.error("analyst", "dev", levels).await.contains("permission denied for view stv_db"));
            let databases = "select database_name, database_isolation_level from svv_redshift_databases order by 1";
            let expected = [["dev", "Snapshot Isolation"], ["governed", "Snapshot Isolation"]];
            assert_eq!(harness.rows("analyst", "dev", databases).await, expected);
            harness
                .admin(
                    "dev",
                    &[
                        "create role readers",
                        "grant access system table to role readers",
                        "grant role readers to analyst",
                    ],
                )
                .await;
            assert_eq!(harness.rows("analyst", "dev", levels).await.len(), 2);

            for (catalog, sql) in [
                ("pg_user", "select usename, usesuper, usecreatedb from pg_user where usename = 'awsuser'"),
                ("pg_database", "select datname from pg_database where datname = 'governed'"),
                ("pg_namespace", "select nspname from pg_namespace where nspname = 'public'"),
                ("pg_views", "select schemaname, viewname from pg_views where viewname = 'stv_db_isolation_level'"),
                ("pg_class", "select relname from pg_class where relname = 'pg_class'"),
            ] {
                assert_eq!(harness.rows("analyst", "dev", sql).await.len(), 1, "{catalog}");
            }
        },
    );
}

#[test]
fn bound_views_stay_in_their_database() {
    run(
        |_| (),
        async |harness| {
            harness
                .admin(
                    "dev",
                    &[
                        "create database tpch",
                        "create user analyst password disable",
                        "create schema source",
                        "create schema governed",
                        "grant usage on schema governed to analyst",
                        "create table source.t as select 1 as a",
                        "create view governed.v as select a, current_user::varchar(20) as reader from source.t",
                        "grant select on governed.v to analyst",
                    ],
                )
                .await;
            assert_eq!(harness.rows("analyst", "dev", "select * from governed.v").await, [["1", "analyst"]]);
            let error = harness.error("awsuser", "dev", "drop table source.t").await;
            assert!(error.contains("cannot drop table source.t because other objects depend on it"), "{error}");
            harness.admin("tpch", &["create table t (a int)"]).await;
            let error = harness.error("awsuser", "dev", "create view w as select a from tpch.public.t").await;
            assert!(error.contains("must be created WITH NO SCHEMA BINDING"), "{error}");
            harness.admin("dev", &["drop view governed.v", "drop table source.t"]).await;
        },
    );
}
