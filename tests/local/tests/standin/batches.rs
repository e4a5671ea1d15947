//! Batches in both modes, their parts, and client tokens.

use crate::harness::{WORKGROUP, run};
use aws_sdk_redshiftdata::types::ExecutionMode::{AutoCommit, Transaction};
use aws_sdk_redshiftdata::types::{StatementStatusString, StatusString};

#[test]
fn batches_run_in_order_as_one_transaction_or_each_alone() {
    run(
        |_| (),
        async |harness| {
            harness.admin("dev", &["create table t (a int)"]).await;
            let count = async || harness.rows("awsuser", "dev", "select count(*) from t").await[0][0].clone();
            let statuses = |ended: &aws_sdk_redshiftdata::operation::describe_statement::DescribeStatementOutput| {
                ended.sub_statements().iter().map(|part| part.status().unwrap().clone()).collect::<Vec<_>>()
            };
            use StatementStatusString::{Aborted, Failed, Finished};

            // One transaction: all or nothing, in one session.
            let sqls = [
                "create temp table stage (a int)",
                "insert into stage values (1), (2)",
                "insert into t select a from stage",
                "select a from t order by a",
            ];
            let ended = harness.batch("awsuser", "dev", Transaction, &sqls).await;
            assert_eq!(ended.status(), Some(&StatusString::Finished));
            assert_eq!(statuses(&ended), [Finished, Finished, Finished, Finished]);
            assert_eq!(count().await, "2");
            assert_eq!(ended.sub_statements()[1].result_rows(), 2);
            assert!(ended.sub_statements()[0].duration() > 0);
            assert_eq!(ended.sub_statements()[2].query_string(), Some(sqls[2]));

            // A part by its own id.
            let part = format!("{}:4", ended.id());
            assert_eq!(ended.sub_statements()[3].id(), part);
            assert_eq!(harness.describe(&part).await.query_string(), Some(sqls[3]));
            assert_eq!(harness.result(&part).await, [["1"], ["2"]]);
            assert!(harness.client.get_statement_result().id(ended.id()).send().await.is_err());
            assert!(harness.client.describe_statement().id(format!("{}:5", ended.id())).send().await.is_err());

            let failing = ["insert into t values (3)", "insert into t values ('x')", "insert into t values (4)"];
            let ended = harness.batch("awsuser", "dev", Transaction, &failing).await;
            assert_eq!(ended.status(), Some(&StatusString::Failed));
            assert_eq!(statuses(&ended), [Finished, Failed, Aborted]);
            assert!(
                ended.error().unwrap().starts_with("Query #2 failed with ERROR: invalid input syntax"),
                "{ended:?}"
            );
            assert_eq!(count().await, "2");

            // Each alone: the others stay.
            let ended = harness.batch("awsuser", "dev", AutoCommit, &failing).await;
            assert_eq!(ended.status(), Some(&StatusString::Failed));
            assert_eq!(statuses(&ended), [Finished, Failed, Finished]);
            assert!(ended.sub_statements()[1].error().unwrap().contains("invalid input syntax"));
            assert_eq!(count().await, "4");

            // A database is not created in a transaction.
            let create = ["create database other"];
            assert!(
                harness
                    .batch("awsuser", "dev", Transaction, &create)
                    .await
                    .error()
                    .unwrap()
                    .contains("transaction block")
            );
            assert_eq!(harness.batch("awsuser", "dev", AutoCommit, &create).await.error(), None);
            let commit = harness.batch("awsuser", "dev", Transaction, &["insert into t values (9)", "commit"]).await;
            assert!(commit.error().unwrap().contains("can't begin or end"), "{commit:?}");

            // The same token: the same statement, run once.
            let submit = async |token: &str| {
                let insert =
                    harness.client.execute_statement().workgroup_name(WORKGROUP).database("dev").db_user("awsuser");
                let insert = insert.sql("insert into t values (5)").client_token(token).wait_time_seconds(10);
                insert.send().await.unwrap().id().unwrap().to_owned()
            };
            let first = submit("token-1").await;
            assert_eq!(submit("token-1").await, first);
            assert_ne!(submit("token-2").await, first);
            assert_eq!(count().await, "6");
        },
    );
}
