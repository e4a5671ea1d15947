//! One statement at a time: states, results, parameters, names, cancelling.

use crate::harness::{WORKGROUP, run};
use aws_sdk_redshiftdata::types::{Field, SqlParameter, StatusString};
use std::time::Duration;

#[test]
fn statements_run_asynchronously_and_give_typed_results() {
    run(
        |_| (),
        async |harness| {
            let client = &harness.client;
            let execute = || client.execute_statement().workgroup_name(WORKGROUP).database("dev").secret_arn("admin");

            // Through the states.
            let id = execute().sql("select pg_sleep(0.4)").send().await.unwrap().id().unwrap().to_owned();
            assert!(client.get_statement_result().id(&id).send().await.is_err());
            let mut seen = Vec::new();
            loop {
                let status = harness.describe(&id).await.status().unwrap().clone();
                if seen.last() != Some(&status) {
                    seen.push(status.clone());
                }
                if status == StatusString::Finished {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            assert!(seen.contains(&StatusString::Started), "{seen:?}");

            // Every kind of field.
            let sql = "select true as b, 7::smallint as s, 1.5::float8 as f, 12.30::numeric(6,2) as n, 'x'::varchar(5) as v, \
                   null::int as i, '2024-02-29'::date as d, '2024-02-29 01:02:03'::timestamp as t";
            let ended = execute().sql(sql).wait_time_seconds(10).send().await.unwrap();
            assert_eq!(ended.has_result_set(), Some(true));
            let result = client.get_statement_result().id(ended.id().unwrap()).send().await.unwrap();
            assert_eq!(
                result.records()[0],
                [
                    Field::BooleanValue(true),
                    Field::LongValue(7),
                    Field::DoubleValue(1.5),
                    Field::StringValue("12.30".into()),
                    Field::StringValue("x".into()),
                    Field::IsNull(true),
                    Field::StringValue("2024-02-29".into()),
                    Field::StringValue("2024-02-29 01:02:03".into()),
                ]
            );
            let columns = result.column_metadata();
            assert_eq!(columns[3].type_name(), Some("numeric"));
            assert_eq!((columns[3].precision(), columns[3].scale()), (6, 2));
            assert_eq!((columns[4].type_name(), columns[4].precision()), (Some("varchar"), 5));

            // Pages.
            let many = harness.rows("awsuser", "dev", "select n from generate_series(1, 2500) as g (n)").await;
            assert_eq!(many.len(), 2500);
            assert_eq!(many[2499], ["2500"]);

            // Parameters are values and nothing else.
            let bound = execute()
                .sql("select :a || ':a', :n::int + 1")
                .parameters(SqlParameter::builder().name("a").value("x'; select \\' 1").build().unwrap())
                .parameters(SqlParameter::builder().name("n").value("41").build().unwrap())
                .wait_time_seconds(10)
                .send()
                .await
                .unwrap();
            assert_eq!(harness.result(bound.id().unwrap()).await, [["x'; select \\' 1:a", "42"]]);

            // Errors are the statement's, on one line.
            let failed = harness.execute("awsuser", "dev", "select * from nowhere").await;
            assert_eq!(failed.status(), Some(&StatusString::Failed));
            assert_eq!(failed.error(), Some("ERROR: relation \"nowhere\" does not exist"));
            assert!(
                client
                    .get_statement_result()
                    .id(failed.id())
                    .send()
                    .await
                    .unwrap_err()
                    .into_service_error()
                    .is_resource_not_found_exception()
            );
            let failed = harness.error("awsuser", "nodatabase", "select 1").await;
            assert_eq!(failed, "FATAL: database \"nodatabase\" does not exist");

            // Rows affected.
            harness.admin("dev", &["create table t (a int)"]).await;
            let inserted = harness.execute("awsuser", "dev", "insert into t values (1), (2), (3)").await;
            assert_eq!((inserted.result_rows(), inserted.has_result_set()), (3, Some(false)));

            // Every call has a session of its own.
            harness.admin("dev", &["create temp table #mine (a int)"]).await;
            assert!(harness.error("awsuser", "dev", "select * from #mine").await.contains("does not exist"));

            // Names and lists.
            for name in ["list-a", "list-b", "other"] {
                execute().sql("select 1").statement_name(name).wait_time_seconds(10).send().await.unwrap();
            }
            execute().sql("select nothing").statement_name("list-c").wait_time_seconds(10).send().await.unwrap();
            let list = || client.list_statements().statement_name("list-");
            let names = |page: &aws_sdk_redshiftdata::operation::list_statements::ListStatementsOutput| {
                page.statements().iter().map(|s| s.statement_name().unwrap().to_owned()).collect::<Vec<_>>()
            };
            assert_eq!(names(&list().send().await.unwrap()), ["list-b", "list-a"]);
            assert_eq!(names(&list().status(StatusString::Failed).send().await.unwrap()), ["list-c"]);
            let page = list().status(StatusString::All).max_results(2).send().await.unwrap();
            assert_eq!(names(&page), ["list-c", "list-b"]);
            let page =
                list().status(StatusString::All).max_results(2).set_next_token(page.next_token).send().await.unwrap();
            assert_eq!((names(&page), page.next_token()), (vec!["list-a".to_owned()], None));
        },
    );
}

#[test]
fn statements_can_be_cancelled_and_only_so_many_are_active() {
    run(
        |config| config.running = 1,
        async |harness| {
            let client = &harness.client;
            let execute = |sql: &str| {
                client.execute_statement().workgroup_name(WORKGROUP).database("dev").db_user("awsuser").sql(sql)
            };
            let running = execute("select pg_sleep(60)").send().await.unwrap().id().unwrap().to_owned();
            while harness.describe(&running).await.status() != Some(&StatusString::Started) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let waiting = execute("create table never (a int)").send().await.unwrap().id().unwrap().to_owned();
            assert_eq!(harness.describe(&waiting).await.status(), Some(&StatusString::Submitted));

            for _ in 0..498 {
                execute("select 1").send().await.unwrap();
            }
            let full = execute("select 1").send().await.unwrap_err().into_service_error();
            assert!(full.is_active_statements_exceeded_exception(), "{full:?}");

            for id in [&waiting, &running] {
                assert_eq!(client.cancel_statement().id(id).send().await.unwrap().status(), Some(true));
            }
            let cancelled = client.describe_statement().id(&running).wait_time_seconds(10).send().await.unwrap();
            assert_eq!(cancelled.status(), Some(&StatusString::Aborted));
            let again = client.cancel_statement().id(&running).send().await.unwrap_err().into_service_error();
            assert!(again.is_validation_exception(), "{again:?}");

            // The backend is gone as well, once it has heard of it, and the one that waited never ran.
            let query = "select count(*) from pg_stat_activity where query like '%pg_sleep(60)%' and state = 'active' \
                     and pid <> pg_backend_pid()";
            let mut looks = 0;
            while harness.direct("awsuser", "dev", query).await.unwrap() != [["0"]] {
                looks += 1;
                assert!(looks < 200, "it goes on for ten seconds after it was cancelled");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            let ended = client.describe_statement().id(&waiting).wait_time_seconds(10).send().await.unwrap();
            assert_eq!(ended.status(), Some(&StatusString::Aborted));
            assert!(harness.direct("awsuser", "dev", "select * from never").await.is_err());
        },
    );
}

#[test]
fn transactions_in_each_others_way_have_the_number_of_redshift() {
    run(
        |_| (),
        async |harness| {
            harness.admin("dev", &["create table t (a int)", "insert into t values (1)"]).await;
            let slow = "with pause as (select pg_sleep(0.5)) update t set a = a + 1 from pause";
            let both = tokio::join!(harness.execute("awsuser", "dev", slow), harness.execute("awsuser", "dev", slow));
            let errors: Vec<&str> = [&both.0, &both.1].into_iter().filter_map(|ended| ended.error()).collect();
            assert_eq!(
                errors,
                [
                    "ERROR: 1023 Detail: Serializable isolation violation: could not serialize access due to concurrent update"
                ]
            );
        },
    );
}
