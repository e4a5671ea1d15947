//! The program as it is run: what it prints where, and its exit status.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that can't read its files must fail")]

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Value, json};

fn document(own: Value) -> Value {
    let mut document = json!({
        "id": "wh", "version": 1, "host": "wh", "workgroup": "wg", "mode": "multi_database", "database": "immuta",
        "view_schema": "governed", "system_user": "immuta_system_account", "secret": "s",
    });
    for (name, value) in own.as_object().unwrap() {
        document[name] = value.clone();
    }
    document
}

/// A file of this test's own.
fn file(name: &str, content: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}.json", std::process::id()));
    fs::write(&path, content).unwrap();
    path
}

/// Exit status, output and errors.
fn redoubt(arguments: &[&str]) -> (i32, String, String) {
    redoubt_reads(arguments, &[], "")
}

/// The same with variables of the environment, and with something to read.
fn redoubt_reads(arguments: &[&str], variables: &[(&str, &str)], input: &str) -> (i32, String, String) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_redoubt"));
    program.args(arguments).envs(variables.iter().copied());
    let mut running = program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Who reads nothing may be gone before it is written.
    let _ = running.stdin.take().unwrap().write_all(input.as_bytes());
    let output = running.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

const YAML: &str = "\
# As it stands in a repository.
id: wh
host: wh
workgroup: ${REDOUBT_TEST_WORKGROUP}
mode: multi_database
database: immuta
view_schema: governed
system_user: immuta_system_account
secret: s
";

const WORKGROUP: [(&str, &str); 1] = [("REDOUBT_TEST_WORKGROUP", "wg")];

#[test]
fn yaml_is_read_as_json_is() {
    let json = file("as-json", &document(json!({})).to_string());
    let yaml = file("as-yaml", YAML);
    let event =
        file("yaml-event", &format!("type: integration.updated\nintegration:\n  {}", YAML.replace('\n', "\n  ")));
    let [json, yaml, event] = [&json, &yaml, &event].map(|path| path.to_str().unwrap());
    for (command, rest) in [(["script", "setup"], vec![]), (["script", "remove"], vec!["--keep-profiles"])] {
        let run = |file| redoubt_reads(&[command.as_slice(), &[file], rest.as_slice()].concat(), &WORKGROUP, "");
        let (status, script, errors) = run(json);
        assert!(status == 0 && errors.is_empty() && script.contains("-- Part 1 of "), "{errors}");
        assert_eq!(run(yaml), (0, script.clone(), String::new()));
        assert_eq!(run(event), (0, script, String::new()));
    }
    let nothing = (0, "Nothing differs.\n".to_owned(), String::new());
    for (old, new) in [(json, yaml), (yaml, event), (event, json)] {
        assert_eq!(redoubt_reads(&["plan", old, new], &WORKGROUP, ""), nothing);
    }
}

#[test]
fn a_document_comes_by_the_standard_input_too() {
    let file = file("beside-input", YAML);
    let file = file.to_str().unwrap();
    let changed = YAML.replace("view_schema: governed", "view_schema: views");
    let (status, words, errors) = redoubt_reads(&["plan", file, "-"], &WORKGROUP, &changed);
    assert_eq!((status, errors.as_str()), (0, ""));
    assert!(words.starts_with("`view_schema`: `governed` becomes `views`.\n"), "{words}");
    let (_, words, _) = redoubt_reads(&["plan", "-", file], &WORKGROUP, &changed);
    assert!(words.starts_with("`view_schema`: `views` becomes `governed`.\n"), "{words}");
    let (status, _, errors) = redoubt_reads(&["plan", "-", "-"], &WORKGROUP, &changed);
    assert_eq!(
        (status, errors.as_str()),
        (2, "error: found standard input twice, expected `plan OLD NEW`; `redoubt --help` says more\n")
    );
}

#[test]
fn every_command_complains_alike() {
    let unset = "error: standard input: `integration.workgroup`: found the variable `REDOUBT_TEST_WORKGROUP`, which is not set, \
                 expected one that is set in the environment\n";
    let sound = file("sound", &document(json!({})).to_string());
    let sound = sound.to_str().unwrap();
    let commands: [&[&str]; 5] = [
        &["doctor", "-"],
        &["script", "setup", "-"],
        &["script", "change", sound, "-"],
        &["script", "remove", "-"],
        &["plan", "-", sound],
    ];
    let not_yaml = "error: standard input: `$`: found text that is neither JSON nor YAML (";
    for command in commands {
        for (input, begin) in [(YAML, unset), ("[", not_yaml), ("id: a\nid: b\n", not_yaml)] {
            let (status, output, errors) = redoubt_reads(command, &[], input);
            assert_eq!((status, output.as_str()), (1, ""), "{command:?}");
            assert!(errors.starts_with(begin), "{command:?}: {errors}");
        }
        let (_, _, errors) = redoubt_reads(command, &[], "id: a\n");
        assert!(errors.lines().count() > 1, "{errors}");
        for line in errors.lines() {
            assert!(line.starts_with("error: standard input: `integration"), "{line}");
        }
    }
}

#[test]
fn the_doctor_says_how_it_is_called() {
    let cases: [(&[&str], &str); 5] = [
        (&[], "nothing"),
        (&["f", "g"], "`f g`"),
        (&["f", "--reader-secret"], "`--reader-secret` without a value"),
        (&["f", "--quick"], "the option `--quick`"),
        (&["f", "--reader-secret", "a", "--reader-secret", "b"], "`--reader-secret` twice"),
    ];
    for (arguments, found) in cases {
        let (status, output, errors) = redoubt(&[&["doctor"], arguments].concat());
        assert_eq!((status, output.as_str()), (2, ""), "{arguments:?}");
        let expected = "`doctor FILE [--reader-secret ARN] [--json]`; `redoubt --help` says more\n";
        assert_eq!(errors, format!("error: found {found}, expected {expected}"));
    }
    let (status, output, errors) = redoubt(&["doctor", "there-is-no-such-file", "--json"]);
    assert_eq!((status, output.as_str()), (1, ""));
    assert!(errors.starts_with("error: there-is-no-such-file can't be read: "), "{errors}");
    assert_eq!(redoubt(&["doctor", "--help"]), redoubt(&["--help"]));
}

#[test]
fn a_document_alone_and_in_an_event_give_the_same_script() {
    let document = document(json!({}));
    let alone = file("alone", &document.to_string());
    let event = file("event", &json!({"type": "integration.created", "integration": document}).to_string());
    let (status, script, errors) = redoubt(&["script", "setup", alone.to_str().unwrap()]);
    assert_eq!((status, errors.as_str()), (0, ""));
    assert!(script.contains("\n-- Part 1 of 3: as an administrator, connected to another database\n"), "{script}");
    assert_eq!(redoubt(&["script", "setup", event.to_str().unwrap()]), (0, script, String::new()));
}

#[test]
fn profiles_stay_if_asked_for() {
    let alone = file("kept", &document(json!({})).to_string());
    let alone = alone.to_str().unwrap();
    let (_, all, _) = redoubt(&["script", "remove", alone]);
    assert!(all.contains("DROP TABLE IF EXISTS \"immuta_system\".\"profile\"") && all.contains("DROP USER"));
    let (status, kept, _) = redoubt(&["script", "remove", "--keep-profiles", alone]);
    assert_eq!(status, 0);
    assert!(!kept.contains("\"profile\"") && !kept.contains("DROP USER"), "{kept}");
}

#[test]
fn a_plan_is_words() {
    let old = file("old", &document(json!({})).to_string());
    let new = file("new", &document(json!({"view_name": "{schema}_{table}"})).to_string());
    let [old, new] = [&old, &new].map(|path| path.to_str().unwrap());
    let words = "`view_name`: `{table}` becomes `{schema}_{table}`.\n\
                 Every view is rendered anew, each in a transaction of its own.\n";
    assert_eq!(redoubt(&["plan", old, new]), (0, words.to_owned(), String::new()));
    assert_eq!(redoubt(&["plan", old, old]).1, "Nothing differs.\n");
}

#[test]
fn what_can_not_be_done_is_refused_with_the_reason() {
    let old = file("refused-old", &document(json!({})).to_string());
    let new = file("refused-new", &document(json!({"prefix": "other"})).to_string());
    let [old, new] = [&old, &new].map(|path| path.to_str().unwrap());
    let (status, script, errors) = redoubt(&["script", "change", old, new]);
    assert_eq!((status, script.as_str()), (1, ""));
    assert!(errors.starts_with("error: this can't be done: found schema `governed` in the old and in the new place"));
    let (status, words, _) = redoubt(&["plan", old, new]);
    assert_eq!(status, 1);
    assert!(words.starts_with("`prefix`: `immuta` becomes `other`.\n"), "{words}");
}

#[test]
fn every_fault_names_file_place_found_and_expected() {
    let mut wrong = document(json!({"view_schma": "x", "version": "one"}));
    wrong.as_object_mut().unwrap().remove("view_schema");
    let path = file("wrong", &wrong.to_string());
    let path = path.to_str().unwrap();
    let (status, output, errors) = redoubt(&["script", "setup", path]);
    assert_eq!((status, output.as_str()), (1, ""));
    let lines: Vec<&str> = errors.lines().collect();
    assert!(lines.len() >= 3, "{errors}");
    for line in &lines {
        let rest = line.strip_prefix(&format!("error: {path}: `integration")).unwrap();
        assert!(rest.contains("found ") && rest.contains("expected "), "{line}");
    }
    // What the model refuses is said in the same words, and a document twice the same field is no document.
    let path = file("model", &document(json!({"prefix": "Not"})).to_string());
    let (_, _, errors) = redoubt(&["script", "setup", path.to_str().unwrap()]);
    assert!(errors.contains("`integration.prefix`: found"), "{errors}");
    let path = file("twice", "{\"id\": \"a\", \"id\": \"b\"}");
    let (status, _, errors) = redoubt(&["script", "setup", path.to_str().unwrap()]);
    assert!(status == 1 && errors.contains("id"), "{errors}");
    let event = json!({"type": "user.deleted", "id": "a", "version": 1});
    let path = file("other-event", &event.to_string());
    let (_, _, errors) = redoubt(&["script", "setup", path.to_str().unwrap()]);
    assert!(errors.contains("`type`: found \"user.deleted\", expected `integration.created`"), "{errors}");
    let (status, _, errors) = redoubt(&["script", "setup", "there-is-no-such-file"]);
    assert!(status == 1 && errors.starts_with("error: there-is-no-such-file can't be read: "), "{errors}");
}

#[test]
fn what_is_not_understood_says_what_was_expected() {
    let cases: [&[&str]; 7] = [
        &[],
        &["doctr"],
        &["script"],
        &["script", "setup"],
        &["script", "setup", "a", "b"],
        &["script", "remove", "a", "--keep"],
        &["plan", "a"],
    ];
    for arguments in cases {
        let (status, output, errors) = redoubt(arguments);
        assert_eq!((status, output.as_str()), (2, ""), "{arguments:?}");
        assert!(errors.starts_with("error: found ") && errors.contains("expected "), "{errors}");
    }
    let (status, help, _) = redoubt(&["--help"]);
    assert!(status == 0 && help.contains("redoubt script setup FILE"));
}
