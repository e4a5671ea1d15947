//! A warehouse that stops and starts again while the API goes on.

use crate::aws::FakeAws;
use crate::fake::{Fake, prepare};
use crate::harness::{Directory, Harness, WORKGROUP, config, run, runtime};
use aws_sdk_redshiftdata::types::{ExecutionMode, StatusString};
use serde_json::{Value, json};
use std::time::Duration;

const REFUSED: &str = "Connection refused. Check that the hostname and port are correct and that the postmaster is \
                       accepting TCP/IP connections.";
const TERMINATED: &str = "FATAL: terminating connection due to administrator command";

/// Submits without waiting, and waits until it runs.
async fn running(harness: &Harness, sql: &str) -> String {
    let execute = harness.client.execute_statement().workgroup_name(WORKGROUP).database("dev").db_user("awsuser");
    until_it_runs(harness, execute.sql(sql).send().await.unwrap().id.unwrap(), sql).await
}

async fn until_it_runs(harness: &Harness, id: String, sql: &str) -> String {
    let query = "select count(*) from pg_stat_activity where state = 'active' and query like '%' || '";
    let query = format!("{query}{sql}' and pid <> pg_backend_pid()");
    while harness.direct("awsuser", "dev", &query).await.unwrap() != [["1"]] {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    id
}

#[test]
fn statements_fail_while_it_is_stopped_and_its_data_stays() {
    run(
        |config| config.workgroups.push("second".to_owned()),
        async |harness| {
            harness.admin("dev", &["create table t (a int)", "insert into t values (1)"]).await;
            let port = harness.standin.pg_port();
            let single = running(harness, "select pg_sleep(60)").await;
            let sqls = ["insert into t values (2)", "select pg_sleep(61)", "insert into t values (3)"];
            let batch = |mode| {
                let batch = harness.client.batch_execute_statement().workgroup_name(WORKGROUP).execution_mode(mode);
                let batch = batch.database("dev").db_user("awsuser");
                batch.set_sqls(Some(sqls.map(str::to_owned).to_vec())).send()
            };
            let each = batch(ExecutionMode::AutoCommit).await.unwrap().id.unwrap();
            let each = until_it_runs(harness, each, sqls[1]).await;
            let name = WORKGROUP.to_owned();

            harness.standin.stop_warehouse(&name).await.unwrap();
            let refused = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap_err();
            assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
            let described = harness.client.describe_statement().id(&single).wait_time_seconds(10).send().await.unwrap();
            assert_eq!((described.status(), described.error()), (Some(&StatusString::Failed), Some(TERMINATED)));
            let described = harness.client.describe_statement().id(&each).wait_time_seconds(10).send().await.unwrap();
            assert_eq!(described.error(), Some(format!("Query #2 failed with {TERMINATED}").as_str()));
            let parts: Vec<_> = described.sub_statements().iter().map(|part| part.status().unwrap().as_str()).collect();
            assert_eq!(parts, ["FINISHED", "FAILED", "ABORTED"]);

            // Taken as ever, and failed; whoever it is, and whether or not there is such a database.
            assert_eq!(harness.error("awsuser", "dev", "select 1").await, REFUSED);
            assert_eq!(harness.error("nobody", "nowhere", "select 1").await, REFUSED);
            let secret = harness.client.execute_statement().workgroup_name(WORKGROUP).database("dev");
            let secret = secret.secret_arn("wrong").sql("select 1").wait_time_seconds(10).send().await.unwrap();
            assert_eq!(harness.describe(secret.id().unwrap()).await.error(), Some(REFUSED));
            for mode in [ExecutionMode::AutoCommit, ExecutionMode::Transaction] {
                let failed = harness.batch("awsuser", "dev", mode, &["select 1", "select 2"]).await;
                assert_eq!((failed.status(), failed.error()), (Some(&StatusString::Failed), Some(REFUSED)));
            }
            let other = harness.client.execute_statement().workgroup_name("second").database("dev").db_user("awsuser");
            let other = other.sql("select 2").wait_time_seconds(10).send().await.unwrap();
            assert_eq!(harness.result(other.id().unwrap()).await, [["2"]]);
            harness.standin.stop_warehouse(&name).await.unwrap();

            harness.standin.start_warehouse(&name).await.unwrap();
            harness.standin.start_warehouse(&name).await.unwrap();
            assert_eq!(harness.standin.pg_port(), port);
            assert_eq!(harness.rows("awsuser", "dev", "select a from t order by a").await, [["1"], ["2"]]);
            assert_eq!(harness.direct("awsuser", "dev", "select count(*) from t").await.unwrap(), [["2"]]);
            // What the stand-in's own session is for.
            for (secret, error) in
                [("admin", None), ("wrong", Some("FATAL: password authentication failed for user \"awsuser\""))]
            {
                let execute = harness.client.execute_statement().workgroup_name(WORKGROUP).database("dev");
                let ended = execute.secret_arn(secret).sql("select 1").wait_time_seconds(10).send().await.unwrap();
                assert_eq!(harness.describe(ended.id().unwrap()).await.error(), error);
            }
            harness.admin("dev", &["create user leaver password disable", "drop user leaver"]).await;

            let unknown = harness.standin.stop_warehouse("third").await.unwrap_err();
            assert_eq!(unknown.to_string(), "no warehouse `third`");
            // Left stopped, which the end of the stand-in must cope with.
            harness.standin.stop_warehouse(&name).await.unwrap();
        },
    );
}

#[test]
fn a_transaction_that_it_interrupts_leaves_nothing() {
    run(
        |_| (),
        async |harness| {
            harness.admin("dev", &["create table t (a int)"]).await;
            let sqls = ["insert into t values (1)", "select pg_sleep(60)"].map(str::to_owned);
            let batch = harness.client.batch_execute_statement().workgroup_name(WORKGROUP).database("dev");
            let batch = batch.db_user("awsuser").set_sqls(Some(sqls.to_vec())).send().await.unwrap().id.unwrap();
            let batch = until_it_runs(harness, batch, &sqls[1]).await;
            harness.standin.stop_warehouse(WORKGROUP).await.unwrap();
            harness.standin.start_warehouse(WORKGROUP).await.unwrap();
            let described = harness.client.describe_statement().id(batch).wait_time_seconds(10).send().await.unwrap();
            assert_eq!(described.error(), Some(format!("Query #2 failed with {TERMINATED}").as_str()));
            assert_eq!(harness.rows("awsuser", "dev", "select count(*) from t").await, [["0"]]);
        },
    );
}

#[test]
fn what_was_committed_outlasts_a_crash() {
    run(
        |_| (),
        async |harness| {
            harness.admin("dev", &["create table t (a int)"]).await;
            let interrupted = running(harness, "select pg_sleep(62)").await;
            harness.admin("dev", &["insert into t values (1)"]).await;
            harness.standin.crash_warehouse(WORKGROUP).await.unwrap();
            let described =
                harness.client.describe_statement().id(interrupted).wait_time_seconds(10).send().await.unwrap();
            let error = described.error().unwrap();
            assert!(error.starts_with("FATAL: terminating connection"), "{error}");
            assert_eq!(harness.error("awsuser", "dev", "select 1").await, REFUSED);
            harness.standin.start_warehouse(WORKGROUP).await.unwrap();
            assert_eq!(harness.rows("awsuser", "dev", "select a from t").await, [["1"]]);
        },
    );
}

#[test]
fn other_databases_and_functions_are_reached_after_the_start() {
    let fake = Fake::new();
    run(
        |config| fake.adjust(config),
        async |harness| {
            prepare(harness).await;
            harness
                .admin("dev", &["create database views", "create view v as select ext.echo(name) as name from t"])
                .await;
            harness.admin("views", &["create view w as select name from dev.public.t with no schema binding"]).await;
            harness.standin.stop_warehouse(WORKGROUP).await.unwrap();
            harness.standin.start_warehouse(WORKGROUP).await.unwrap();
            let names = harness.rows("awsuser", "dev", "select count(name) from v").await;
            assert_eq!(names, [["4"]]);
            assert_eq!(fake.sizes(), [5]);
            assert_eq!(harness.rows("awsuser", "views", "select count(name) from w").await, names);
        },
    );
}

#[test]
fn the_end_of_what_it_interrupts_or_refuses_is_sent_to_the_queue() {
    let directory = Directory::new();
    let runtime = runtime();
    let fake = runtime.block_on(FakeAws::start());
    let mut config = config(&directory);
    std::fs::remove_file(config.secrets.take().unwrap()).unwrap();
    config.event_queue = Some("events".to_owned());
    config.aws = Some(fake.config.clone());
    config.workgroups = vec!["first".to_owned(), "second".to_owned()];
    let harness = runtime.block_on(Harness::start(config));
    let test = async {
        let execute = |sql: &str| {
            let execute = harness.client.execute_statement().workgroup_name("second").database("dev");
            execute.secret_arn("admin-secret").sql(sql).with_event(true)
        };
        let interrupted = execute("select pg_sleep(60)").statement_name("interrupted").send().await.unwrap();
        while harness.describe(interrupted.id().unwrap()).await.status() != Some(&StatusString::Started) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        harness.standin.stop_warehouse("second").await.unwrap();
        let mut messages = fake.until(1).await;
        let refused = execute("select 1").statement_name("refused").send().await.unwrap();
        messages.extend(fake.until(2).await.split_off(1));
        harness.standin.start_warehouse("second").await.unwrap();
        let finished = execute("select 1").statement_name("finished").send().await.unwrap();
        messages.extend(fake.until(3).await.split_off(2));
        for (message, id, name, state) in [
            (&messages[0], interrupted.id(), "interrupted", "FAILED"),
            (&messages[1], refused.id(), "refused", "FAILED"),
            (&messages[2], finished.id(), "finished", "FINISHED"),
        ] {
            let event: Value = serde_json::from_str(message["MessageBody"].as_str().unwrap()).unwrap();
            let workgroup = "arn:aws:redshift-serverless:eu-west-1:000000000000:workgroup/second";
            assert_eq!(event["resources"], json!([workgroup]));
            let detail = &event["detail"];
            assert_eq!(
                (&detail["statementId"], &detail["statementName"], &detail["state"]),
                (&json!(id), &json!(name), &json!(state))
            );
        }
    };
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| runtime.block_on(test)));
    runtime.block_on(harness.standin.stop()).unwrap();
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn it_is_stopped_and_started_from_outside() {
    run(
        |config| config.workgroups.push("second".to_owned()),
        async |harness| {
            let ask = async |request: &str, header: &str| harness.raw(request, header).await;
            let ports: Vec<u16> = harness.standin.warehouses().map(|warehouse| warehouse.port()).collect();
            let first = json!({ "name": WORKGROUP, "state": "running", "port": ports[0] });
            let second = |state: &str| json!({ "name": "second", "state": state, "port": ports[1] });
            let list = "GET /_standin/warehouses";
            assert_eq!(ask(list, "").await, (200, json!({ "warehouses": [first, second("running")] })));
            for _ in 0..2 {
                assert_eq!(ask("POST /_standin/warehouses/second/stop", "").await, (200, second("stopped")));
            }
            assert_eq!(ask(list, "").await, (200, json!({ "warehouses": [first, second("stopped")] })));
            let execute =
                harness.client.execute_statement().workgroup_name("second").database("dev").db_user("awsuser");
            let failed = execute.clone().sql("select 1").wait_time_seconds(10).send().await.unwrap();
            assert_eq!(harness.describe(failed.id().unwrap()).await.error(), Some(REFUSED));
            assert_eq!(harness.rows("awsuser", "dev", "select 1").await, [["1"]]);
            assert_eq!(ask("POST /_standin/warehouses/second/start", "").await, (200, second("running")));
            let works = execute.sql("select 2").wait_time_seconds(10).send().await.unwrap();
            assert_eq!(harness.result(works.id().unwrap()).await, [["2"]]);

            assert_eq!(ask("POST /_standin/warehouses/second/crash", "").await, (200, second("stopped")));
            assert_eq!(ask("POST /_standin/warehouses/second/start", "").await, (200, second("running")));

            // Neither is taken for the other.
            for (request, status) in [
                ("POST /_standin/warehouses/third/stop", 404),
                ("POST /_standin/warehouses/second/pause", 404),
                ("GET /_standin/other", 404),
                ("GET /_standin/warehouses/second/stop", 405),
                ("POST /_standin/warehouses", 405),
            ] {
                assert_eq!(ask(request, "").await.0, status, "{request}");
            }
            let header = "x-amz-target: RedshiftData.ListStatements\r\n";
            let (status, body) = ask("POST /_standin/warehouses/second/stop", header).await;
            assert!(status == 200 && body["Statements"].is_array(), "{body}");
            assert_eq!(ask("POST /", "").await.1["__type"], "UnknownOperationException");
            assert_eq!(ask(list, "").await, (200, json!({ "warehouses": [first, second("running")] })));
        },
    );
}
