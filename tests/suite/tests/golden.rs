//! Golden SQL: each folder of `tests/golden` holds documents (`input.yaml`) and the SQL they give (`expected.sql`). A change of
//! either is reviewed as a difference; `make golden` accepts what is printed.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test that can't read its files must fail")]

use std::{
    collections::BTreeSet,
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use redoubt_core::{doctor::Examination, plan, render::view, sql::SqlText};
use redoubt_tests::{
    calls, case,
    token::{Token, tokens},
};

/// Set to accept what is printed instead of comparing with it.
const UPDATE: &str = "UPDATE_GOLDEN";

/// Longest statement that is worth reading in a golden file, in bytes.
const LONGEST: usize = 20_000;

fn compare(folder: &Path, printed: &str) -> Result<(), String> {
    let file = folder.join("expected.sql");
    if env::var_os(UPDATE).is_some_and(|value| !value.is_empty()) {
        fs::create_dir_all(folder).expect("a folder for golden files");
        return fs::write(&file, printed).map_err(|error| format!("{}: {error}", file.display()));
    }
    let expected = fs::read_to_string(&file).unwrap_or_default();
    if expected == printed {
        return Ok(());
    }
    let mut message = format!("{}: not what is printed now; `make golden` accepts it\n", file.display());
    let (old, new): (Vec<_>, Vec<_>) = (expected.lines().collect(), printed.lines().collect());
    let same = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let same_at_end = |from: &[&str]| from.len() - same;
    let tail = old[same..].iter().rev().zip(new[same..].iter().rev());
    let tail = tail.take_while(|(old, new)| old == new).count();
    for (mark, lines) in [('-', &old), ('+', &new)] {
        for line in &lines[same..same + same_at_end(lines) - tail] {
            let _ = writeln!(message, "{mark} {line}");
        }
    }
    Err(message)
}

fn finish(results: impl IntoIterator<Item = Result<(), String>>) {
    let wrong: Vec<String> = results.into_iter().filter_map(Result::err).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn views() {
    let cases = case::read_all().unwrap_or_else(|error| panic!("{error}"));
    assert!(cases.len() >= 25, "only {} cases were found", cases.len());
    finish(cases.iter().map(|case| compare(&case::folder().join(&case.name), &case.expected())));
}

#[test]
fn setup() {
    let results = calls::integrations().unwrap().into_iter().map(|(name, integration)| {
        let mut printed = String::new();
        for step in calls::setup(&integration).unwrap() {
            let may_exist = if step.may_exist { ", may exist" } else { "" };
            let _ = writeln!(printed, "-- step `{}` ({:?}{may_exist})", step.name, step.connection);
            for statement in &step.statements {
                let _ = writeln!(printed, "{};", statement.execute());
            }
        }
        compare(&case::folder().join(format!("setup-{name}")), &printed)
    });
    finish(results);
}

#[test]
fn calls() {
    let (_, integration) = calls::integrations().unwrap().remove(0);
    let mut printed = String::new();
    for (what, statement) in calls::calls(&integration).unwrap() {
        let _ = writeln!(printed, "-- {what}\n{};", shortened(&statement));
    }
    finish([compare(&case::folder().join("calls"), &printed)]);
}

#[test]
fn doctor() {
    let (_, integration) = calls::integrations().unwrap().remove(0);
    let examination = Examination::of(&integration).unwrap();
    let probes = examination.probes.iter().map(|(probe, runs)| (probe.as_str(), runs));
    let all = [("begin", &examination.begin), ("people", &examination.people)];
    let mut printed = String::new();
    for (name, runs) in all.into_iter().chain(probes).chain([("end", &examination.end)]) {
        for run in runs {
            let _ = writeln!(printed, "-- {name} ({:?}, {:?}, {:?})", run.who, run.place, run.mode);
            for statement in &run.statements {
                let _ = writeln!(printed, "{};", shortened(statement));
            }
        }
    }
    finish([compare(&case::folder().join("doctor"), &printed)]);
}

fn shortened(statement: &SqlText) -> String {
    if statement.len() > LONGEST {
        let head: String = statement.execute().chars().take(80).collect();
        format!("-- {} bytes: {head} …", statement.len())
    } else {
        statement.execute().to_owned()
    }
}

#[test]
fn no_golden_file_is_left_over() {
    let mut known: BTreeSet<PathBuf> = ["calls", "doctor"].map(|name| case::folder().join(name)).into();
    known.extend(calls::integrations().unwrap().iter().map(|(name, _)| case::folder().join(format!("setup-{name}"))));
    for entry in fs::read_dir(case::folder()).unwrap() {
        let path = entry.unwrap().path();
        let is_case = path.join("input.yaml").is_file();
        assert!(is_case || known.contains(&path), "{}: nothing prints this", path.display());
    }
}

#[test]
fn what_people_read_is_what_is_executed() {
    for case in case::read_all().unwrap() {
        for (source, resolution, _) in case.plans() {
            let Ok(plan) = plan::build(source, &resolution, &case.projects) else {
                continue;
            };
            let place = case.place(source);
            let executed = view::view(&plan, &place).definition;
            let read = view::view_indented(&plan, &place);
            let [executed, read] = [executed.execute(), read.execute()].map(|sql| tokens(sql).unwrap());
            assert_eq!(executed, read, "{}", case.name);
            assert!(executed.contains(&Token::Quoted(source.view.as_str().to_owned())), "{}", case.name);
        }
    }
}
