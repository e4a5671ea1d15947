//! The program as it is run: what it prints where, and its exit status.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that can't read its files must fail")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
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
    let output = Command::new(env!("CARGO_BIN_EXE_redoubt")).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
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
