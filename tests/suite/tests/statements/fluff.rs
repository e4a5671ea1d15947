//! sqlfluff as an independent grammar of Redshift.

use std::{
    env, fmt, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
};

use serde_json::Value;

use super::collect::Statement;

/// A statement that sqlfluff does not parse.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) statement: Statement,
    reason: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.statement.what, self.reason, self.statement.sql)
    }
}

const CONFIGURATION: &str = "[sqlfluff]\ndialect = redshift\ntemplater = raw\nlarge_file_skip_byte_limit = 0\n";

fn program() -> PathBuf {
    let program = env::var_os("REDOUBT_SQLFLUFF")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../.venv/bin/sqlfluff")), PathBuf::from);
    assert!(program.is_file(), "{} is missing: run make deps", program.display());
    program
}

/// The statements that are not parsed as one statement each. One process reads them all.
pub(crate) fn refused(statements: &[Statement]) -> Vec<Refusal> {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let run = format!("statements-{}-{}", std::process::id(), RUNS.fetch_add(1, Ordering::Relaxed));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(run);
    fs::create_dir_all(&folder).unwrap();
    let configuration = folder.join("configuration");
    fs::write(&configuration, CONFIGURATION).unwrap();
    for (index, statement) in statements.iter().enumerate() {
        fs::write(folder.join(format!("{index:05}.sql")), &statement.sql).unwrap();
    }
    let output = Command::new(program())
        .args(["parse", "--format", "json", "--disable-noqa", "--nocolor", "--ignore-local-config", "--config"])
        .args([&configuration, &folder])
        .env("PYTHONUTF8", "1")
        .output()
        .expect("sqlfluff runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    let trees: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {errors}"));
    assert_eq!(trees.len(), statements.len(), "sqlfluff left files out: {errors}");
    fs::remove_dir_all(&folder).unwrap();
    let mut refused = Vec::new();
    for tree in &trees {
        let file = Path::new(tree["filepath"].as_str().expect("a path"));
        let index: usize =
            file.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok()).expect("a number");
        let file = &tree["segments"]["file"];
        let parsed = count(file, "statement", 1);
        let mut unparsed = Vec::new();
        unparsable(file, &mut unparsed);
        if parsed != 1 || !unparsed.is_empty() {
            refused.push(Refusal {
                statement: statements[index].clone(),
                reason: format!("{parsed} statements, not parsed: {unparsed:?}"),
            });
        }
    }
    refused.sort_by_key(|refusal| statements.iter().position(|statement| *statement == refusal.statement));
    refused
}

/// How often a segment stands in a tree, down to a depth. A segment's children are an object, or a list where names repeat.
fn count(tree: &Value, name: &str, depth: usize) -> usize {
    match tree {
        Value::Array(list) => list.iter().map(|one| count(one, name, depth)).sum(),
        Value::Object(segments) if depth > 0 => {
            segments.iter().map(|(key, inner)| usize::from(key == name) + count(inner, name, depth - 1)).sum()
        }
        _ => 0,
    }
}

fn unparsable(tree: &Value, found: &mut Vec<String>) {
    match tree {
        Value::Array(list) => list.iter().for_each(|one| unparsable(one, found)),
        Value::Object(segments) => {
            for (name, inner) in segments {
                if name == "unparsable" {
                    found.push(inner.to_string());
                }
                unparsable(inner, found);
            }
        }
        _ => {}
    }
}
