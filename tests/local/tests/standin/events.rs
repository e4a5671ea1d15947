//! Completion events, and secrets from the real protocol.

use crate::aws::FakeAws;
use crate::harness::{Directory, Harness, WORKGROUP, config, runtime};
use serde_json::{Value, json};

#[test]
fn the_end_of_a_statement_is_sent_to_the_queue() {
    let directory = Directory::new();
    let runtime = runtime();
    let fake = runtime.block_on(FakeAws::start());
    let mut config = config(&directory);
    std::fs::remove_file(config.secrets.take().unwrap()).unwrap();
    config.event_queue = Some("events".to_owned());
    config.aws = Some(fake.config.clone());
    let harness = runtime.block_on(Harness::start(config));
    let test = async {
        let execute =
            || harness.client.execute_statement().workgroup_name(WORKGROUP).database("dev").secret_arn("admin-secret");
        let quiet = execute().sql("select 1").wait_time_seconds(10).send().await.unwrap();
        assert_eq!(quiet.status(), Some(&aws_sdk_redshiftdata::types::StatementStatusString::Finished));
        let good = execute()
            .sql("select 1 as a union all select 2")
            .statement_name("good")
            .with_event(true)
            .send()
            .await
            .unwrap();
        let messages = fake.until(1).await;
        let bad = execute().sql("select x").statement_name("bad").with_event(true).send().await.unwrap();
        let messages = [messages, fake.until(2).await.split_off(1)].concat();

        for (message, id, name, state, rows) in
            [(&messages[0], good.id(), "good", "FINISHED", 2), (&messages[1], bad.id(), "bad", "FAILED", -1)]
        {
            assert!(message["QueueUrl"].as_str().unwrap().ends_with("/queue/events"));
            let event: Value = serde_json::from_str(message["MessageBody"].as_str().unwrap()).unwrap();
            assert_eq!(event["source"], "aws.redshift-data");
            assert_eq!(event["detail-type"], "Redshift Data Statement Status Change");
            assert_eq!(event["region"], "eu-west-1");
            let detail = &event["detail"];
            assert_eq!(detail["statementId"], json!(id));
            assert_eq!(
                (&detail["statementName"], &detail["state"], &detail["rows"]),
                (&json!(name), &json!(state), &json!(rows))
            );
        }
        // Looked for again after it was missing.
        assert_eq!(fake.seen.lock().unwrap().lookups, 3);

        let unknown =
            harness.client.execute_statement().workgroup_name(WORKGROUP).database("dev").secret_arn("no-secret");
        let unknown = unknown.sql("select 1").wait_time_seconds(10).send().await.unwrap();
        let error = harness.describe(unknown.id().unwrap()).await.error().unwrap().to_owned();
        assert!(error.starts_with("FATAL: can't get secret `no-secret`"), "{error}");
    };
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| runtime.block_on(test)));
    runtime.block_on(harness.standin.stop()).unwrap();
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}
