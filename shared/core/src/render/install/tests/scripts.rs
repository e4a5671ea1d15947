use serde_json::json;

use super::{integration, setup_account};
use crate::render::install::script;

#[test]
fn a_setup_by_hand_has_the_account_too_and_no_digest() {
    for setup in [json!(null), setup_account()] {
        let script = script::setup(&integration(json!({"setup": setup, "mask": {"function": "f"}}))).unwrap();
        assert!(script.contains("CREATE USER \"immuta_system_account\" PASSWORD :'password_digest';"), "{script}");
        assert!(script.contains("\nGRANT USAGE ON LANGUAGE exfunc TO \"immuta_system_account\";"));
        assert!(!script.contains(&"0".repeat(64)), "{script}");
        let elsewhere = if setup.is_null() { "another database" } else { "database \"dev\"" };
        let heading = format!("\n-- Part 1 of 3: as an administrator, connected to {elsewhere}\n");
        assert!(script.contains(&heading), "{script}");
    }
}

#[test]
fn parts_of_one_account_in_one_database_are_one() {
    let script = script::setup(&integration(json!({"new_database": false}))).unwrap();
    assert!(script.contains("\n-- Part 1 of 2: as an administrator, connected to database \"immuta\"\n"), "{script}");
    assert!(script.contains("\n-- Part 2 of 2: as \"immuta_system_account\", connected to database \"immuta\"\n"));
    assert_eq!(script.matches("-- Part ").count(), 2);
}

/// What follows a line break in a comment would be a statement.
#[test]
fn no_name_ends_a_comment() {
    let hostile = integration(json!({
        "database": "a\nDROP DATABASE b;\r--", "view_schema": "c\nd", "system_user": "e\nf\"g", "id": "wh",
        "setup": {"secret": "t", "database": "x\ny", "system_user_password_digest": format!("sha256|{}|a", "1".repeat(64))},
    }));
    let other = integration(json!({"database": "h\ni", "setup": setup_account()}));
    for script in [
        script::setup(&hostile).unwrap(),
        script::remove(&hostile, false).unwrap(),
        script::change(&hostile, &other).unwrap(),
    ] {
        for line in script.lines().filter(|line| line.starts_with("-- Part") || line.starts_with("-- In psql")) {
            assert!(line.ends_with('"'), "{line}");
        }
        // Outside comments a name only stands between its quotes.
        let bare: String =
            script.lines().filter(|line| !line.starts_with("--")).map(|line| format!("{line}\n")).collect();
        let outside: Vec<&str> = bare.split('"').step_by(2).collect();
        assert!(outside.iter().all(|text| !text.contains("DROP DATABASE b")), "{bare}");
    }
}

#[test]
fn a_change_says_when_to_send_it() {
    let (before, after) = (integration(json!({})), integration(json!({"view_schema": "policies"})));
    let text = script::change(&before, &after).unwrap();
    let (first, last) = text.split_once("-- Now send the changed integration").unwrap();
    assert!(first.contains("CREATE SCHEMA IF NOT EXISTS \"policies\";") && !first.contains("CREATE USER"));
    assert!(
        last.contains("-- Part 2 of 2: as \"immuta_system_account\"")
            && last.contains("DROP SCHEMA IF EXISTS \"governed\"")
    );
    let masked = integration(json!({"mask": {"function": "f"}}));
    assert!(script::change(&before, &masked).unwrap().contains("GRANT USAGE ON LANGUAGE exfunc"));
}
