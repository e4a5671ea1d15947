//! External functions: what is sent, and when.

use crate::fake::{Fake, prepare};
use crate::harness::{Directory, Harness, config, run, runtime};
use redoubt_local::sql::parameter::literal;
use serde_json::json;

#[test]
fn a_view_sends_all_its_rows_in_batches() {
    let fake = Fake::new();
    run(
        |config| fake.adjust(config),
        async |harness| {
            prepare(harness).await;
            let view = "create or replace view v as select id, ext.echo(name) as name, \
                        cast(ext.joined(name, 'a''b\\\\ )', null) as varchar(200)) as joined from public.t \
                        where id <> 4 order by id with no schema binding";
            harness.admin("dev", &[view, "grant select on v to public"]).await;
            let expected = [
                ["1", "one", "one|a'b\\ )|~"],
                ["2", "NULL", "NULL"],
                ["3", "it's \\ \"3\"", "it's \\ \"3\"|a'b\\ )|~"],
                ["5", "fünf", "fünf|a'b\\ )|~"],
            ];
            assert_eq!(harness.rows("analyst", "dev", "select * from v").await, expected);
            let requests = fake.requests();
            assert_eq!(requests.len(), 2, "{requests:?}");
            let echo = requests.iter().find(|request| request["external_function"] == "ext.echo").unwrap();
            assert_eq!(echo["arguments"], json!([["one"], [null], ["it's \\ \"3\""], ["fünf"]]));
            assert_eq!((&echo["user"], &echo["database"]), (&json!("analyst"), &json!("dev")));
            assert_eq!(echo["cluster"], "arn:aws:redshift-serverless:us-east-1:000000000000:workgroup/redoubt-local");
            assert_eq!(requests[0]["query_id"], requests[1]["query_id"]);
            assert!(echo["request_id"].as_str().unwrap().len() == 36 && echo["query_id"].as_i64().unwrap() > 0);

            // A query that is submitted sends what it needs, and no more.
            let query = "insert into kept select ext.echo(name) from t where id < 3";
            harness.admin("dev", &["create table kept (name varchar(20))", query]).await;
            assert_eq!(fake.sizes(), [2]);
            assert_eq!(
                harness.rows("awsuser", "dev", "select distinct ext.echo(name) from t where id = 1").await,
                [["one"]]
            );
            assert_eq!(harness.rows("analyst", "dev", "select id from v where id < 3").await, [["1"], ["2"]]);
            assert_eq!(fake.sizes(), [1]);

            // Through psql, through other views, under conditions and subqueries.
            assert_eq!(harness.direct("analyst", "dev", "select * from v").await.unwrap(), expected);
            assert_eq!(fake.sizes(), [4, 4]);
            harness
                .admin(
                    "dev",
                    &["create view w as select upper(x.name) as name, id from v as x", "grant select on w to public"],
                )
                .await;
            for (sql, rows) in [
                ("select name from w where id = 5", vec![["FüNF"]]),
                ("select name from (select name, id from w where name like '%E') q order by id desc", vec![["ONE"]]),
                ("select count(*) from w join v on v.id = w.id and v.name = 'one'", vec![["1"]]),
                ("select max(name) from w where id in (select id from v where joined like 'one|%')", vec![["ONE"]]),
            ] {
                assert_eq!(harness.rows("analyst", "dev", sql).await, rows, "{sql}");
            }
            assert!(fake.sizes().iter().all(|size| *size == 4));

            // No rows, no request.
            harness.admin("dev", &["create view none as select ext.echo(name) from t where id > 5"]).await;
            assert!(harness.rows("awsuser", "dev", "select echo from none").await.is_empty());
            assert!(fake.sizes().is_empty());

            // A branch of CASE sends what reaches it.
            let cases = "create view cases as select case when id < 3 then case id when 1 then ext.echo('first') else 'second' end \
                         when id = 4 then null else ext.echo(name) || '!' end as c from t order by id";
            harness.admin("dev", &[cases]).await;
            let rows = harness.rows("awsuser", "dev", "select c from cases").await;
            assert_eq!(rows, [["first"], ["second"], ["it's \\ \"3\"!"], ["NULL"], ["fünf!"]]);
            let mut requests = fake.requests();
            requests.sort_by_key(|request| request["num_records"].as_u64());
            assert_eq!(requests[0]["arguments"], json!([["first"]]));
            assert_eq!(requests[1]["arguments"], json!([["it's \\ \"3\""], ["fünf"]]));

            // Where no batch can be, each call is one: in WHERE, under GROUP BY, inside another call.
            harness.admin("dev", &[
                "create view single as select name, count(ext.echo(name)) as n from t where ext.echo(name) <> 'one' group by name",
                "create view nested as select ext.echo(ext.echo(name)) as name from t where id < 4",
            ]).await;
            assert_eq!(harness.rows("awsuser", "dev", "select sum(n) from single").await, [["3"]]);
            assert!(fake.sizes().iter().all(|size| *size == 1));
            assert_eq!(harness.rows("awsuser", "dev", "select name from nested").await.len(), 3);
            assert_eq!(fake.sizes(), [1, 1, 1, 3]);

            // A view that is made by a procedure is read the same way.
            harness.admin("dev", &[
                "create procedure make(ddl varchar) as $$ begin execute ddl; end $$ language plpgsql",
                &format!("call make({})", literal(&view.replace("view v", "view made"))),
                &format!("call make({})", literal("create or replace external function ext.made(varchar, int) returns varchar \
                          volatile lambda 'arn:aws:lambda:us-east-1:000000000000:function:fake' iam_role 'arn:aws:iam::0:role/r'")),
            ]).await;
            assert_eq!(harness.rows("awsuser", "dev", "select * from made").await, expected);
            assert_eq!(fake.sizes(), [4, 4]);
            assert_eq!(harness.rows("awsuser", "dev", "select ext.made('x', 1)").await, [["x"]]);
        },
    );
}

#[test]
fn batches_keep_to_their_limits() {
    let fake = Fake::new();
    run(
        |config| fake.adjust(config),
        async |harness| {
            prepare(harness).await;
            let define = |options: &str| {
                format!(
                    "create or replace external function ext.echo(varchar) returns varchar stable lambda 'fake' iam_role default {options}"
                )
            };
            harness.admin("dev", &[
                "create table many as select n::int as id, ('value ' || n)::varchar(40) as v from generate_series(1, 2500) n",
                "create view v as select id, ext.echo(v) as v from many",
            ]).await;
            let check = "select count(*), sum(case when v = 'value ' || id then 1 else 0 end) from v";
            for (options, sizes) in [("", vec![2500]), ("max_batch_rows 1000", vec![1000, 1000, 500])] {
                harness.admin("dev", &[&define(options)]).await;
                assert_eq!(harness.rows("awsuser", "dev", check).await, [["2500", "2500"]]);
                assert_eq!(fake.sizes(), sizes, "{options}");
            }
            harness.admin("dev", &[&define("max_batch_size 10 kb")]).await;
            assert_eq!(harness.rows("awsuser", "dev", check).await, [["2500", "2500"]]);
            let requests = fake.requests();
            assert!(requests.len() > 3);
            assert!(requests.iter().all(|request| request["arguments"].to_string().len() <= 10 * 1024 + 2));
        },
    );
}

#[test]
fn text_that_looks_like_a_call_is_left_alone() {
    let fake = Fake::new();
    run(
        |config| fake.adjust(config),
        async |harness| {
            prepare(harness).await;
            let view = "create view v as select 'ext.echo(name) from t' as a, ext.echo('ext.echo(''x'') -- \\\\' /* ext.echo(1) */) as b, \
                        \"ext\" . \"echo\"(name -- ext.echo(\n ) as \"ext.echo(name)\", /* a /* ext.echo(id) */ $$ext.echo(name)$$ as d \
                        from t where name = 'one' and 'ext.echo(name)' <> '' -- ext.echo(id)";
            harness.admin("dev", &[view]).await;
            assert_eq!(
                harness.rows("awsuser", "dev", "select * from v").await,
                [["ext.echo(name) from t", "ext.echo('x') -- \\", "one", "ext.echo(name)"]]
            );
            assert_eq!(fake.sizes(), [1, 1]);
        },
    );
}

#[test]
fn functions_outlast_a_restart() {
    let fake = Fake::new();
    let (directory, runtime) = (Directory::new(), runtime());
    let mut config = config(&directory);
    fake.adjust(&mut config);
    runtime.block_on(async {
        let first = Harness::start(config.clone()).await;
        prepare(&first).await;
        first.admin("dev", &["create view v as select ext.echo(name) as name from t where id = 1"]).await;
        assert_eq!(first.rows("awsuser", "dev", "select ext.echo('a'), name from v").await, [["a", "one"]]);
        first.standin.stop().await.unwrap();
        let second = Harness::start(config.clone()).await;
        assert_eq!(second.rows("awsuser", "dev", "select ext.echo('b'), name from v").await, [["b", "one"]]);
        second.standin.stop().await.unwrap();
    });
    let _ = std::fs::remove_file(config.secrets.unwrap());
}
