//! Documented limits and error types.

use crate::harness::{WORKGROUP, run};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[test]
fn limits_have_their_documented_errors() {
    run(
        |config| config.throttle = true,
        async |harness| {
            let client = &harness.client;
            let execute = || client.execute_statement().workgroup_name(WORKGROUP).database("dev").db_user("awsuser");
            let batch =
                || client.batch_execute_statement().workgroup_name(WORKGROUP).database("dev").db_user("awsuser");
            let long = format!("select '{}'", "x".repeat(100_000));

            for (request, message) in [
                (execute().sql("select 1; select 2"), "exactly one SQL statement, found 2"),
                (execute().sql(" -- nothing"), "exactly one SQL statement, found 0"),
                (execute().sql(&long), "text of 100009 bytes exceeds the limit of 100000"),
                (execute().sql("select 1").workgroup_name("other"), "expected `redoubt-local`, found `other`"),
                (execute().sql("select 1").client_token("x".repeat(65)), "ClientToken must have 1 to 64 characters"),
                (execute().sql("select 1").client_token(""), "ClientToken must have 1 to 64 characters"),
                (execute().sql("select 1").statement_name("x".repeat(2_049)), "StatementName must have 0 to 2048"),
                (execute().sql("select 1").wait_time_seconds(31), "WaitTimeSeconds must be 1 to 30"),
                (execute().sql("select 1").secret_arn("admin"), "exclude each other"),
                (execute().sql("select 1").cluster_identifier("redoubt-local"), "exclude each other"),
            ] {
                let error = request.send().await.unwrap_err().into_service_error();
                assert!(error.is_validation_exception() && error.to_string().contains(message), "{error:?}");
            }
            for (sqls, message) in [
                (vec![], "1 to 40 statements, found 0"),
                (vec!["select 1"; 41], "1 to 40 statements, found 41"),
                (vec!["select 1", "select 1; select 2"], "statement 2: the text must hold exactly one"),
            ] {
                let sqls = sqls.into_iter().map(str::to_owned).collect();
                let error = batch().set_sqls(Some(sqls)).send().await.unwrap_err().into_service_error();
                assert!(error.is_validation_exception() && error.to_string().contains(message), "{error:?}");
            }
            assert_eq!(
                batch()
                    .set_sqls(Some(vec!["select 1".to_owned(); 40]))
                    .wait_time_seconds(10)
                    .send()
                    .await
                    .unwrap()
                    .status(),
                Some(&aws_sdk_redshiftdata::types::StatementStatusString::Finished)
            );

            let error = client.describe_statement().id("00000000-0000-4000-8000-000000000000").send().await;
            assert!(error.unwrap_err().into_service_error().is_resource_not_found_exception());

            // The wire itself.
            let raw = async |target: &str, body: &str| {
                let address = harness.standin.endpoint().replace("http://", "");
                let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
                let request = format!(
                    "POST / HTTP/1.1\r\nhost: x\r\nx-amz-target: {target}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                );
                stream.write_all(request.as_bytes()).await.unwrap();
                let mut response = String::new();
                stream.read_to_string(&mut response).await.unwrap();
                response
            };
            let unknown = raw("RedshiftData.ListTables", "{}").await;
            assert!(
                unknown.starts_with("HTTP/1.1 400") && unknown.contains("\"__type\":\"UnknownOperationException\""),
                "{unknown}"
            );
            assert!(unknown.contains("`RedshiftData.ListTables` is not imitated"));
            assert!(raw("RedshiftData.DescribeStatement", "{").await.contains("SerializationException"));

            // Three cancellations a second.
            let mut throttled = 0;
            for _ in 0..6 {
                let error = client.cancel_statement().id("unknown").send().await.unwrap_err();
                let error = aws_sdk_redshiftdata::Error::from(error);
                throttled += usize::from(
                    error.to_string().contains("Rate exceeded") || format!("{error:?}").contains("ThrottlingException"),
                );
            }
            assert!((2..=3).contains(&throttled), "{throttled}");
        },
    );
}
