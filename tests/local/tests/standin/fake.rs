//! A small program in place of a Lambda function, and external functions that it answers.

use crate::harness::{Directory, Harness};
use redoubt_local::Config;
use serde_json::Value;
use std::path::PathBuf;

/// The fake function and what it was asked.
pub struct Fake {
    directory: Directory,
}

impl Fake {
    pub fn new() -> Self {
        let directory = Directory::new();
        std::fs::create_dir_all(&directory.0).unwrap();
        Self { directory }
    }

    pub fn log(&self) -> PathBuf {
        self.directory.0.join("requests")
    }

    pub fn adjust(&self, config: &mut Config) {
        let program = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/standin/fake_lambda.py");
        let log = self.log().to_str().unwrap().to_owned();
        *config = config.clone().lambda("fake", program, [("FAKE_LAMBDA_LOG", log)]);
    }

    /// The requests since this was last asked.
    pub fn requests(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.log()).unwrap_or_default();
        let _ = std::fs::remove_file(self.log());
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// As many rows as each request had.
    pub fn sizes(&self) -> Vec<u64> {
        self.requests().iter().map(|request| request["num_records"].as_u64().unwrap()).collect()
    }
}

/// Functions of the schema `ext` and a table of five rows.
pub async fn prepare(harness: &Harness) {
    harness
        .admin(
            "dev",
            &["create user analyst password disable", "create schema ext", "grant usage on schema ext to public"],
        )
        .await;
    for name in [
        "echo(varchar)",
        "joined(varchar, varchar, varchar)",
        "who(varchar)",
        "refuse(varchar)",
        "short(varchar)",
        "garbage(varchar)",
        "object(varchar)",
        "raise(varchar)",
        "die(varchar)",
        "long(varchar)",
        "written(varchar)",
        "other()",
    ] {
        let sql =
            format!("create external function ext.{name} returns varchar(65535) stable lambda 'fake' iam_role default");
        harness.admin("dev", &[&sql]).await;
    }
    harness
        .admin(
            "dev",
            &[
                "create table t (id int, name varchar(20))",
                "insert into t values (1, 'one'), (2, null), (3, 'it''s \\\\ \"3\"'), (4, ''), (5, 'fünf')",
                "grant select on t to public",
            ],
        )
        .await;
}
