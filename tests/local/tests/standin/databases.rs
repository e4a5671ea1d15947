//! Names of three parts.

use crate::harness::run;
use aws_sdk_redshiftdata::types::ExecutionMode::AutoCommit;
use redoubt_local::sql::parameter::literal;

#[test]
fn tables_of_other_databases_are_read_with_the_owners_rights() {
    run(
        |_| (),
        async |harness| {
            harness
                .admin(
                    "dev",
                    &[
                        "create user system password disable",
                        "create user analyst password disable",
                        "create user trusted password disable",
                        "create database tpch",
                        "create database immuta owner system",
                    ],
                )
                .await;
            harness
                .admin(
                    "tpch",
                    &[
                        "create table customer (c_custkey bigint, c_name varchar(25), c_acctbal numeric(12, 2))",
                        "insert into customer values (1, 'one', 1.50), (2, 'two', 2.50)",
                        "grant select on customer to trusted",
                    ],
                )
                .await;
            let system = async |sql: &str| harness.execute("system", "immuta", sql).await.error().map(str::to_owned);
            for sql in [
                "create schema governed",
                "create schema proc",
                "grant usage on schema governed to public",
                "create procedure proc.apply(ddl varchar) as $$ begin execute ddl; execute 'grant select on governed.customer to public'; end $$ \
             language plpgsql security definer",
            ] {
                assert_eq!(system(sql).await, None, "{sql}");
            }
            let view = |columns: &str| {
                format!(
                    "CREATE OR REPLACE VIEW \"governed\".\"customer\" AS SELECT /* \"tpch\".\"public\".\"nothing\" */ {columns}, \
                 current_user::varchar AS reader FROM \"tpch\".\"public\".\"customer\" AS s WITH NO SCHEMA BINDING"
                )
            };
            let apply = |columns: &str| format!("call proc.apply({})", literal(&view(columns)));
            assert_eq!(system(&apply("s.\"c_custkey\", 'it''s \\\\' as l")).await, None);

            // The owner's right decides, and the reader needs none.
            let read = "select c_custkey, l, reader from governed.customer order by 1";
            let denied = harness.direct("analyst", "immuta", read).await.unwrap_err();
            assert_eq!(denied, "ERROR: permission denied for table customer");
            harness.admin("tpch", &["grant select on customer to system"]).await;
            assert_eq!(
                harness.direct("analyst", "immuta", read).await.unwrap(),
                [["1", "it's \\", "analyst"], ["2", "it's \\", "analyst"]]
            );

            // Directly only with one's own right there; what lies between can't be reached.
            let direct = "select count(*) from tpch.public.customer";
            assert!(harness.error("analyst", "immuta", direct).await.contains("permission denied for table customer"));
            assert_eq!(harness.rows("trusted", "immuta", direct).await, [["2"]]);
            assert_eq!(
                harness
                    .rows(
                        "awsuser",
                        "immuta",
                        "select \"tpch\".\"public\".\"customer\".c_name from tpch.public.customer order by 1"
                    )
                    .await,
                [["one"], ["two"]]
            );
            harness.admin("dev", &["create user stranger password disable"]).await;
            for (user, message) in
                [("stranger", "permission denied for schema"), ("analyst", "permission denied for table customer")]
            {
                let hidden = harness
                    .direct(user, "immuta", "select * from \"redshift_x:tpch:public\".customer")
                    .await
                    .unwrap_err();
                assert!(hidden.contains(message), "{hidden}");
            }
            for sql in [
                "select redshift_internal.dblink('dbname=tpch', 'select 1')",
                "select redshift_internal.prepare_remote('tpch', 'public', 'customer', 'stranger')",
                "create user mapping for stranger server \"redshift:tpch\" options (user 'awsuser')",
                "select * from redshift_internal.procedure_default",
            ] {
                let refused = harness.direct("stranger", "immuta", sql).await.unwrap_err();
                assert!(refused.contains("permission denied"), "{sql}: {refused}");
            }

            // A changed table: old views go on, new ones see it as it is.
            harness
                .admin(
                    "tpch",
                    &[
                        "alter table customer add column c_more int",
                        "alter table customer alter column c_name type varchar(60)",
                    ],
                )
                .await;
            let newer =
                "create view governed.newer as select c_more, c_name from tpch.public.customer with no schema binding";
            assert_eq!(system(newer).await, None);
            let outdated = "select count(*) from pg_class where relname like 'outdated:%'";
            assert_eq!(harness.rows("awsuser", "immuta", outdated).await, [["1"]]);
            assert_eq!(harness.direct("analyst", "immuta", read).await.unwrap().len(), 2);
            assert_eq!(
                harness.rows("system", "immuta", "select c_more, c_name from governed.newer order by 2").await,
                [["NULL", "one"], ["NULL", "two"]]
            );
            assert_eq!(system(&apply("s.\"c_custkey\", 'new' as l")).await, None);
            assert_eq!(harness.direct("analyst", "immuta", read).await.unwrap()[0], ["1", "new", "analyst"]);

            // Faults.
            assert_eq!(
                harness.error("awsuser", "immuta", "select * from tpch.public.nothing").await,
                "ERROR: relation \"tpch.public.nothing\" does not exist"
            );
            assert_eq!(
                harness.error("awsuser", "immuta", "select * from nodb.public.t").await,
                "ERROR: database \"nodb\" does not exist"
            );
            let bound = "create view governed.bound as select * from tpch.public.customer";
            assert!(harness.error("system", "immuta", bound).await.contains("WITH NO SCHEMA BINDING"));
            // The same database by its own name.
            assert_eq!(harness.rows("trusted", "tpch", "select count(*) from \"tpch\".\"public\".\"customer\" where \"public\".\"customer\".c_custkey > 1").await, [["1"]]);

            // Columns are not taken for tables.
            let columns = "select extract(day from public.days.d), public.days.d from public.days";
            harness.admin("immuta", &["create table public.days as select '2024-02-29'::date as d"]).await;
            assert_eq!(harness.rows("awsuser", "immuta", columns).await, [["29", "2024-02-29"]]);

            // Users that read across can be dropped; who owns something can't, and loses nothing by the attempt.
            assert!(harness.error("awsuser", "dev", "drop user system").await.contains("cannot be dropped"));
            assert_eq!(harness.direct("analyst", "immuta", read).await.unwrap().len(), 2);
            assert!(harness.error("analyst", "dev", "drop user trusted").await.contains("permission denied"));
            assert_eq!(harness.rows("trusted", "immuta", direct).await, [["2"]]);
            harness.admin("tpch", &["revoke all on customer from trusted"]).await;
            harness.admin("dev", &["drop user trusted", "drop user if exists analyst"]).await;
        },
    );
}

#[test]
fn many_calls_at_once_reach_the_same_tables() {
    run(
        |_| (),
        async |harness| {
            harness
                .admin(
                    "dev",
                    &[
                        "create user system password disable",
                        "create database raw",
                        "create database governed owner system",
                    ],
                )
                .await;
            for table in 0..4 {
                let create = format!("create table t{table} (a int)");
                harness
                    .admin(
                        "raw",
                        &[
                            &create,
                            &format!("insert into t{table} values ({table})"),
                            &format!("grant select on t{table} to system"),
                        ],
                    )
                    .await;
            }
            let call = async |number: usize| {
                let table = number % 4;
                let sqls: Vec<String> = (0..4)
                .map(|view| format!("create or replace view v{number}_{view} as select a from raw.public.t{table} with no schema binding"))
                .collect();
                let sqls: Vec<&str> = sqls.iter().map(String::as_str).collect();
                harness.batch("system", "governed", AutoCommit, &sqls).await
            };
            let all: Vec<usize> = (0..16).collect();
            let mut failed = Vec::new();
            for group in all.chunks(8) {
                let [a, b, c, d, e, f, g, h] = group else { panic!("eight at a time") };
                let ended =
                    tokio::join!(call(*a), call(*b), call(*c), call(*d), call(*e), call(*f), call(*g), call(*h));
                for ended in [ended.0, ended.1, ended.2, ended.3, ended.4, ended.5, ended.6, ended.7] {
                    failed.extend(ended.error().map(str::to_owned));
                }
            }
            assert!(failed.is_empty(), "{failed:?}");
            assert_eq!(harness.rows("system", "governed", "select a from v15_3").await, [["3"]]);
        },
    );
}
