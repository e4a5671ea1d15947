use serde_json::{Value, json};

use super::{BOTH, external, integration, names, removed, setup_account, texts};
use crate::render::install::*;

fn changed(before: Value, after: Value) -> (Change, ChangeSteps) {
    let (before, after) = (integration(before), integration(after));
    (change(&before, &after), change_steps(&before, &after).unwrap())
}

#[test]
fn another_secret_changes_nothing_in_the_warehouse() {
    let (change, steps) = changed(json!({}), json!({"secret": "another", "setup": setup_account()}));
    assert!(!change.is_none() && !change.leaves && !change.installs && !change.renders);
    assert!(steps.first.is_empty() && steps.last.is_empty());
    assert_eq!(change.words(), ["`secret` is another.", "`setup` is another.", "Nothing in the warehouse changes."]);
    let (change, _) = changed(json!({}), json!({"version": 2}));
    assert!(change.is_none());
}

#[test]
fn another_view_schema_is_filled_before_the_old_one_goes() {
    let (change, steps) = changed(json!({}), json!({"view_schema": "policies", "setup": setup_account()}));
    assert!(change.installs && change.renders && !change.leaves);
    assert!(texts(&steps.first).contains(&"CREATE SCHEMA IF NOT EXISTS \"policies\""));
    assert!(steps.first.iter().all(|step| step.connection == Connection::System), "the setup account is not needed");
    assert_eq!(texts(&steps.last), ["DROP SCHEMA IF EXISTS \"governed\" RESTRICT"]);
    assert_eq!(
        change.words(),
        [
            "`view_schema`: `governed` becomes `policies`.",
            "`setup` is another.",
            "The system account makes its objects again where they are. Nothing is closed meanwhile.",
            "Every view is rendered anew, each in a transaction of its own.",
            "Schema `governed` is dropped once no view is left in it.",
        ]
    );
    // Redshift folds names: this is the same schema.
    let (change, _) = changed(json!({}), json!({"view_schema": "GOVERNED"}));
    assert_eq!(change.old_view_schemas, []);
}

#[test]
fn other_names_of_views_are_only_rendered() {
    let (change, steps) = changed(json!({}), json!({"view_name": "{schema}_{table}"}));
    assert!(change.renders && !change.installs);
    assert!(steps.first.is_empty() && steps.last.is_empty());
    let (change, _) = changed(json!({}), json!({"host": "other"}));
    assert!(change.renders && !change.installs && !change.leaves);
}

#[test]
fn masks_come_before_views_call_them_and_go_after() {
    let mask = json!({"mask": {"function": "f"}});
    let (change, steps) = changed(json!({}), mask.clone());
    assert_eq!(change.language, Some(ChangeBy::Administrator));
    assert!(names(&steps.first).contains(&"masking functions") && !names(&steps.first).contains(&"mask language"));
    let (change, steps) = changed(json!({}), json!({"mask": {"function": "f"}, "setup": setup_account()}));
    assert_eq!(change.language, Some(ChangeBy::SetupAccount));
    assert_eq!(steps.first[0].name, "mask language");
    let (change, steps) = changed(mask, json!({}));
    assert!(change.renders);
    assert_eq!(names(&steps.last), ["former masking functions"]);
    assert!(!texts(&steps.first).iter().any(|sql| sql.contains("mask_regex")));
    let (change, steps) = changed(json!({"mask": {"function": "f"}}), json!({"mask": {"function": "g"}}));
    assert!(change.installs && !change.renders);
    assert!(texts(&steps.first).iter().any(|sql| sql.contains("LAMBDA 'g'")));
}

#[test]
fn what_is_no_longer_accepted_is_closed_at_once() {
    let open = json!({"external_schemas": external(), "accepted_risks": ["external_schema_usage"]});
    let (_, steps) = changed(open.clone(), json!({"external_schemas": external()}));
    assert_eq!(steps.first[0].name, "external schemas closed");
    assert_eq!(steps.first[0].mode, StepMode::Each);
    assert_eq!(steps.first[0].statements[0].execute(), "REVOKE USAGE ON SCHEMA \"lake\" FROM PUBLIC");
    assert!(!names(&steps.first).contains(&"external schema usage"));
    let (change, steps) = changed(open, json!({}));
    assert_eq!(change.old_external_schemas.len(), 2);
    assert_eq!(steps.last[0].statements[0].execute(), "DROP SCHEMA IF EXISTS \"lake\" RESTRICT");
}

#[test]
fn an_external_schema_that_is_defined_anew_is_made_anew() {
    let one = |catalog: &str| json!({"external_schemas": [{"name": "lake", "catalog_database": catalog}]});
    let (change, steps) = changed(one("raw"), one("cooked"));
    assert!(change.words().contains(&"`external_schemas` is another.".to_owned()));
    assert!(change.old_external_schemas.is_empty());
    let texts = texts(&steps.first);
    let place = |sql: &str| texts.iter().position(|text| text.starts_with(sql)).unwrap();
    assert!(place("DROP SCHEMA IF EXISTS \"lake\"") < place("CREATE EXTERNAL SCHEMA"));
    assert!(steps.last.is_empty());
}

#[test]
fn another_place_is_filled_before_the_old_one_is_left() {
    let single = json!({"mode": "single_database", "database": "analytics", "setup": setup_account()});
    let (before, after) = (integration(json!({"mask": {"function": "f"}})), integration(single));
    let change = change(&before, &after);
    assert!(change.leaves && change.renders && change.refused.is_none());
    assert_eq!(change.shared, Shared { account: true, database: false });
    let steps = change_steps(&before, &after).unwrap();
    assert_eq!(steps.first, setup(&after).unwrap());
    assert!(change.old_view_schemas.is_empty() && steps.last.is_empty());
    let left = leave(&before, &after, &removed(false, true), BOTH).unwrap();
    // The new place works as the same account.
    assert_eq!(left.last().unwrap().name, "database");
    assert!(texts(&left).iter().all(|sql| !sql.contains("DROP USER")));
    assert!(texts(&left).contains(&"REVOKE USAGE ON LANGUAGE exfunc FROM \"immuta_system_account\""));

    let elsewhere = integration(json!({"workgroup": "other"}));
    let left = leave(&before, &elsewhere, &removed(false, true), BOTH).unwrap();
    assert_eq!(left.last().unwrap().name, "account");
}

#[test]
fn two_places_in_one_database_share_nothing_that_a_removal_would_take() {
    let (change, steps) = changed(json!({}), json!({"prefix": "other"}));
    let refused = change.refused.as_deref().unwrap();
    assert!(refused.starts_with("found schema `governed` in the old and in the new place"), "{refused}");
    assert!(steps.first.is_empty() && change.words().last().unwrap().starts_with("This can't be done: found schema"));

    let after = json!({"prefix": "other", "view_schema": "policies"});
    let (change, _) = changed(json!({}), after.clone());
    assert_eq!((change.refused, change.leaves), (None, true));
    let left = leave(&integration(json!({})), &integration(after), &removed(false, true), BOTH).unwrap();
    assert!(
        left.iter().all(|step| step.connection == Connection::System),
        "both grants and account are the new one's too"
    );

    let after = json!({"prefix": "other", "view_schema": "policies", "system_user": "second"});
    let left = leave(&integration(json!({})), &integration(after), &removed(false, true), BOTH).unwrap();
    let of_setup: Vec<_> = left.into_iter().filter(|step| step.connection != Connection::System).collect();
    assert_eq!(names(&of_setup), ["database grants", "account"]);
    assert!(texts(&of_setup).iter().all(|sql| !sql.contains("PUBLIC")), "everybody still needs the database");
}
