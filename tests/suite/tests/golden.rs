//! Golden SQL: each folder of `tests/golden` holds documents (`input.yaml`) and the SQL they give (`expected.sql`). A change of
//! either is reviewed as a difference; `make golden` accepts what is printed.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that can't read its files must fail"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use redoubt_core::{
    doctor::Examination,
    model::Integration,
    plan,
    render::{
        install::{self, Connection, Step, StepMode, script},
        view,
    },
    sql::SqlText,
};
use redoubt_tests::{
    calls, case,
    script::parts,
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

fn printed(steps: &[Step]) -> Vec<(&'static str, String)> {
    let print = |step: &Step| {
        let Step { name, connection, mode, tolerates, look, .. } = step;
        let mut printed = format!("-- step `{name}` ({connection:?}, {mode:?}, tolerates {tolerates:?})\n");
        if let Some(look) = look {
            let _ = writeln!(printed, "-- {:?}\n-- {}", look.meaning, look.query.execute());
        }
        for statement in &step.statements {
            let _ = writeln!(printed, "{};", statement.execute());
        }
        (*name, printed)
    };
    steps.iter().map(print).collect()
}

/// The folders of what is done to warehouses, and what is printed there.
fn lifecycle() -> Vec<(String, String)> {
    // A step is written out where it stands first; where it is the same again, that is said.
    let mut first: BTreeMap<String, String> = BTreeMap::new();
    let mut add = |folder: String, head: String, steps: Vec<Step>| {
        let mut text = head;
        for (name, printed) in printed(&steps) {
            match first.get(&printed) {
                Some(place) if *place != folder => text.push_str(&format!("-- step `{name}`: as in {place}\n")),
                _ => {
                    text.push_str(&printed);
                    first.insert(printed, folder.clone());
                }
            }
        }
        (folder, text)
    };
    let mut folders = Vec::new();
    for (name, integration) in calls::integrations().unwrap() {
        folders.push(add(format!("setup-{name}"), String::new(), calls::setup(&integration).unwrap()));
        folders.push(add(format!("removal-{name}"), String::new(), calls::removal(&integration, false).unwrap()));
    }
    let (name, integration) = calls::integrations().unwrap().remove(0);
    let kept = calls::removal(&integration, true).unwrap();
    folders.push(add(format!("removal-{name}-keeping-profiles"), String::new(), kept));
    for (name, before, after) in calls::changes().unwrap() {
        let words: String =
            install::change(&before, &after).words().iter().map(|line| format!("-- {line}\n")).collect();
        folders.push(add(format!("change-{name}"), words, calls::change(&before, &after).unwrap()));
    }
    // What a script looks like; that each holds its steps has a test of its own.
    folders.push((format!("script-setup-{name}"), script::setup(&integration).unwrap()));
    folders.push((format!("script-removal-{name}"), script::remove(&integration, false).unwrap()));
    folders
}

#[test]
fn setups_changes_and_removals() {
    finish(lifecycle().into_iter().map(|(name, printed)| compare(&case::folder().join(name), &printed)));
}

/// The statements of a script are exactly those of the steps, each where its step says.
#[test]
fn scripts_hold_the_steps_and_nothing_else() {
    let digest = |sql: &str| match sql.split_once(" PASSWORD ") {
        Some((head, _)) if sql.starts_with("CREATE USER ") => format!("{head} PASSWORD {}", script::PASSWORD_DIGEST),
        _ => sql.to_owned(),
    };
    let hold = |name: &str, text: &str, integrations: &[&Integration], steps: &[Step]| {
        let parts = parts(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut found = parts.iter().flat_map(|part| part.statements.iter().map(move |sql| (part, sql.as_str())));
        for step in steps {
            let together = step.mode == StepMode::Together && step.statements.len() > 1;
            let wrap = |sql: &'static str| together.then(|| sql.to_owned());
            let statements = step.statements.iter().map(|sql| digest(sql.execute()));
            for expected in wrap("BEGIN").into_iter().chain(statements).chain(wrap("COMMIT")) {
                let (part, sql) = found.next().unwrap_or_else(|| panic!("{name}: lacks {expected}"));
                assert_eq!(sql, expected, "{name}");
                let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
                let is_place = |integration: &&Integration| {
                    let own = Some(quoted(integration.database.as_str()));
                    match step.connection {
                        Connection::System => {
                            part.who == quoted(integration.system_user.as_str()) && part.database == own
                        }
                        Connection::Setup => part.who == "an administrator" && part.database == own,
                        Connection::SetupElsewhere => {
                            part.who == "an administrator" && (!integration.new_database || part.database != own)
                        }
                    }
                };
                assert!(integrations.iter().any(is_place), "{name}: {part:?}");
            }
        }
        assert_eq!(found.next(), None, "{name}");
    };
    let mut all = calls::integrations().unwrap();
    all.extend(case::read_all().unwrap().into_iter().map(|case| ("a case", case.integration)));
    for (name, integration) in all {
        let mut administered = integration.clone();
        administered.setup = calls::integrations().unwrap().remove(0).1.setup;
        let text = script::setup(&integration).unwrap();
        hold(name, &text, &[&integration], &calls::setup(&administered).unwrap());
        for keep_profiles in [false, true] {
            let text = script::remove(&integration, keep_profiles).unwrap();
            hold(name, &text, &[&integration], &calls::removal(&integration, keep_profiles).unwrap());
        }
    }
    for (name, before, mut after) in calls::changes().unwrap() {
        let text = script::change(&before, &after).unwrap();
        after.setup = calls::integrations().unwrap().remove(0).1.setup;
        hold(name, &text, &[&before, &after], &calls::change(&before, &after).unwrap());
    }
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
    known.extend(lifecycle().into_iter().map(|(name, _)| case::folder().join(name)));
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
