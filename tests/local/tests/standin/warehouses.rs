//! Several warehouses behind one endpoint.

use crate::harness::{Directory, Harness, WORKGROUP, config, run, runtime};
use aws_sdk_redshiftdata::operation::execute_statement::builders::ExecuteStatementFluentBuilder;
use redoubt_local::{Standin, StartError};

const SECOND: &str = "second";

fn on(harness: &Harness, workgroup: &str, sql: &str) -> ExecuteStatementFluentBuilder {
    harness.client.execute_statement().workgroup_name(workgroup).database("dev").secret_arn("admin").sql(sql)
}

/// The rows of a query, or its error.
async fn see(harness: &Harness, workgroup: &str, sql: &str) -> Result<Vec<Vec<String>>, String> {
    let submitted = on(harness, workgroup, sql).wait_time_seconds(30).send().await.unwrap();
    let ended = harness.describe(submitted.id().unwrap()).await;
    match ended.error() {
        Some(error) => Err(error.to_owned()),
        None if ended.has_result_set() == Some(true) => Ok(harness.result(ended.id()).await),
        None => Ok(Vec::new()),
    }
}

#[test]
fn each_has_its_own_data_accounts_and_places() {
    run(
        |config| {
            config.workgroups.push(SECOND.to_owned());
            config.running = 1;
        },
        async |harness| {
            let ports: Vec<u16> = harness.standin.warehouses().map(|warehouse| warehouse.port()).collect();
            assert_eq!(harness.standin.pg_port(), ports[0]);
            assert_ne!(ports[0], ports[1]);
            for (workgroup, value) in [(WORKGROUP, "1"), (SECOND, "2")] {
                see(harness, workgroup, "create table t (a int)").await.unwrap();
                see(harness, workgroup, &format!("insert into t values ({value})")).await.unwrap();
            }
            see(harness, WORKGROUP, "create table alone (a int)").await.unwrap();
            see(harness, WORKGROUP, "create user analyst password disable").await.unwrap();
            see(harness, WORKGROUP, "create database lonely").await.unwrap();
            assert_eq!(see(harness, WORKGROUP, "select a from t").await.unwrap(), [["1"]]);
            assert_eq!(see(harness, SECOND, "select a from t").await.unwrap(), [["2"]]);
            let error = see(harness, SECOND, "select * from alone").await.unwrap_err();
            assert_eq!(error, "ERROR: relation \"alone\" does not exist");
            let count = "select count(*) from pg_user where usename = 'analyst'";
            assert_eq!(see(harness, SECOND, count).await.unwrap(), [["0"]]);
            let databases = "select count(*) from pg_database where datname = 'lonely'";
            assert_eq!(see(harness, SECOND, databases).await.unwrap(), [["0"]]);
            assert_eq!(harness.direct("analyst", "dev", "select 1").await.unwrap(), [["1"]]);

            // The password of the administrator is each warehouse's own.
            see(harness, SECOND, "alter user awsuser password 'Other-one-1'").await.unwrap();
            let error = see(harness, SECOND, "select 1").await.unwrap_err();
            assert_eq!(error, "FATAL: password authentication failed for user \"awsuser\"");
            assert_eq!(see(harness, WORKGROUP, "select 1").await.unwrap(), [["1"]]);

            // Statements of both are listed, apart if asked for.
            let list = harness.client.list_statements().status("ALL".into());
            let all = list.clone().send().await.unwrap().statements().len();
            let second = list.workgroup_name(SECOND).send().await.unwrap().statements().len();
            assert!(second > 3 && second < all, "{second} of {all}");
            let error = on(harness, "third", "select 1").send().await.unwrap_err().into_service_error();
            let expected = "Redshift endpoint doesn't exist: expected `redoubt-local` or `second`, found `third`";
            assert!(error.is_validation_exception() && error.to_string().contains(expected), "{error:?}");

            // As many as may be active on one keep nobody from the other.
            let mut ids = Vec::new();
            for _ in 0..500 {
                ids.push(on(harness, WORKGROUP, "select pg_sleep(60)").send().await.unwrap().id.unwrap());
            }
            let full = on(harness, WORKGROUP, "select 1").send().await.unwrap_err().into_service_error();
            assert!(full.is_active_statements_exceeded_exception(), "{full:?}");
            let sql = "select 1";
            let submitted = on(harness, SECOND, sql).set_secret_arn(None).db_user("awsuser").wait_time_seconds(30);
            let submitted = submitted.send().await.unwrap();
            assert_eq!(harness.result(submitted.id().unwrap()).await, [["1"]]);
            for id in ids {
                harness.client.cancel_statement().id(id).send().await.unwrap();
            }
        },
    );
}

#[test]
fn their_data_is_found_again() {
    let directory = Directory::new();
    let runtime = runtime();
    let mut config = config(&directory);
    config.workgroups.push(SECOND.to_owned());
    runtime.block_on(async {
        let first = Harness::start(config.clone()).await;
        see(&first, SECOND, "create table t as select 2 as a").await.unwrap();
        first.standin.stop().await.unwrap();
        for path in ["pgdata", "standin.lock", "workgroup-second/pgdata", "workgroup-second/standin.lock"] {
            assert!(directory.0.join(path).exists(), "{path}");
        }
        let again = Harness::start(config.clone()).await;
        assert_eq!(see(&again, SECOND, "select a from t").await.unwrap(), [["2"]]);
        assert!(see(&again, WORKGROUP, "select a from t").await.is_err());
        again.standin.stop().await.unwrap();
    });
    let _ = std::fs::remove_file(config.secrets.unwrap());
}

#[test]
fn names_that_no_workgroup_has_are_refused() {
    let directory = Directory::new();
    let runtime = runtime();
    for (workgroups, ports, message) in [
        (vec!["one", "two", "one"], vec![], "workgroup `one`: expected"),
        (vec!["one", "../two"], vec![], "workgroup `../two`: expected"),
        (vec!["no"], vec![], "workgroup `no`: expected"),
        (vec!["one"], vec![1, 2], "2 ports of PostgreSQL for 1 workgroups"),
        (vec![], vec![], "0 ports of PostgreSQL for 0 workgroups"),
    ] {
        let mut config = config(&directory);
        config.workgroups = workgroups.into_iter().map(str::to_owned).collect();
        config.pg_ports = ports;
        let secrets = config.secrets.clone().unwrap();
        let error: StartError = runtime.block_on(Standin::start(config)).unwrap_err();
        assert!(error.to_string().starts_with(message), "{error}");
        std::fs::remove_file(secrets).unwrap();
    }
    assert!(!directory.0.exists());
}
