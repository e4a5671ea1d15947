//! `docs/observability.md` against the code: every metric and every log field is there, and nothing else.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that can't read its files must fail")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use redoubt_aws::metrics::Metric;

/// What the formatter and the runtime around a function write in every line.
const OF_EVERY_LINE: [&str; 5] = ["timestamp", "level", "message", "target", "span"];
/// Everything that runs in a function.
const SOURCES: [&str; 4] = ["functions", "shared/aws/src", "shared/core/src", "shared/mask/src"];

fn repository() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The rows of the table in a section of the page, as cells.
fn table(section: &str) -> Vec<Vec<String>> {
    let page = fs::read_to_string(repository().join("docs/observability.md")).expect("docs/observability.md");
    let start = format!("## {section}\n");
    let (_, rest) = page.split_once(&start).unwrap_or_else(|| panic!("no section `{section}`"));
    let section = rest.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

/// What stands in backticks.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn metrics_are_those_of_the_page() {
    let documented: BTreeMap<String, String> =
        table("Metrics").into_iter().map(|row| (quoted(&row[0]).join(" "), row[1].clone())).collect();
    let known: BTreeMap<String, String> =
        Metric::ALL.iter().map(|metric| (metric.as_str().to_owned(), metric.unit().to_owned())).collect();
    assert_eq!(documented, known);
}

#[test]
fn log_fields_are_those_of_the_page() {
    let documented: BTreeSet<String> = table("Log fields").iter().flat_map(|row| quoted(&row[0])).collect();
    let mut used = BTreeMap::new();
    for folder in SOURCES {
        for file in rust_files(&repository().join(folder)) {
            let text = fs::read_to_string(&file).expect("a source file");
            for field in fields(without_tests(&text)) {
                used.entry(field).or_insert_with(|| file.display().to_string());
            }
        }
    }
    assert!(used.len() > 20, "the lines are found: {used:?}");
    for (field, file) in &used {
        assert!(documented.contains(field), "`{field}` of {file} is not in docs/observability.md");
    }
    for field in &documented {
        let known = used.contains_key(field) || OF_EVERY_LINE.contains(&field.as_str());
        assert!(known, "no line has the field `{field}` of docs/observability.md");
    }
}

#[test]
fn messages_of_the_page_are_written() {
    let mut text = String::new();
    for folder in SOURCES {
        for file in rust_files(&repository().join(folder)) {
            text.push_str(without_tests(&fs::read_to_string(file).expect("a source file")));
        }
    }
    let messages: Vec<String> = table("Where is my event?").iter().flat_map(|row| quoted(&row[0])).collect();
    assert!(messages.len() > 10, "{messages:?}");
    for message in messages {
        assert!(text.contains(&format!("\"{message}\"")), "no line says `{message}`");
    }
}

/// The files below a folder that are not only tests.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && name != "tests" {
            files.extend(rust_files(&path));
        } else if name.ends_with(".rs") && name != "tests.rs" && name != "testing.rs" {
            files.push(path);
        }
    }
    files
}

/// The text of a file up to its unit tests, which stand last.
fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default()
}

/// The fields of every log line and span in a source text.
fn fields(text: &str) -> Vec<String> {
    const MACROS: [&str; 9] =
        ["trace!(", "debug!(", "info!(", "warn!(", "error!(", "event!(", "span!(", "info_span!(", "debug_span!("];
    let mut found = Vec::new();
    for (start, _) in text.match_indices("tracing::") {
        let call = text.get(start + "tracing::".len()..).unwrap_or_default();
        let Some(arguments) = MACROS.iter().find_map(|name| call.strip_prefix(name)) else { continue };
        for argument in arguments_of(arguments) {
            let name = argument.split('=').next().unwrap_or_default().trim().trim_start_matches(['%', '?']);
            if !argument.starts_with('"') && !name.starts_with("target:") {
                found.push(name.to_owned());
            }
        }
    }
    found
}

/// The arguments up to the bracket that closes the call.
fn arguments_of(text: &str) -> Vec<String> {
    let (mut arguments, mut current) = (Vec::new(), String::new());
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for c in text.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' if !quoted && depth == 0 => break,
            ')' | ']' | '}' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                arguments.push(std::mem::take(&mut current).trim().to_owned());
                continue;
            }
            _ => {}
        }
        current.push(c);
    }
    arguments.push(current.trim().to_owned());
    arguments.retain(|argument| !argument.is_empty());
    arguments
}

#[test]
fn fields_are_found_in_every_form() {
    let text = r#"
        tracing::info!(
            plain,
            %shown, ?debugged,
            named = call(a, "b, (c"),
            other = %value.get("x")[0],
            "a message, with (brackets) and \"quotes\""
        );
        tracing::warn!(target: "elsewhere", last = 1, "{what}");
        info!(elsewhere = 1);
    "#;
    assert_eq!(fields(text), ["plain", "shown", "debugged", "named", "other", "last"]);
}
