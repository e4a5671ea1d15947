use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    template::{Kind, PARTS, made, statements},
    *,
};
use crate::{
    event::wire,
    model::{Integration, Removal},
    sql::Ident,
};

/// An integration's document, with some fields of its own.
pub(super) fn integration(own: Value) -> Integration {
    let mut document = json!({
        "id": "wh", "version": 1, "host": "wh", "workgroup": "wg", "mode": "multi_database", "database": "immuta",
        "view_schema": "governed", "system_user": "immuta_system_account", "secret": "s",
    });
    for (name, value) in own.as_object().unwrap() {
        document[name] = value.clone();
    }
    let wire: wire::IntegrationDocument = serde_json::from_value(document).unwrap();
    Integration::check(&wire).unwrap()
}

pub(super) fn setup_account() -> Value {
    json!({"secret": "t", "database": "dev", "system_user_password_digest": format!("sha256|{}|a1", "0".repeat(64))})
}

fn external() -> Value {
    json!([{"name": "lake", "catalog_database": "raw"},
        {"name": "other", "catalog_database": "x", "region": "eu-west-1", "role": "arn:aws:iam::1:role/r"}])
}

/// Every way a warehouse can be set up.
fn every() -> Vec<Integration> {
    let mut every = Vec::new();
    for mode in ["multi_database", "single_database"] {
        for new_database in [true, false] {
            for setup in [Value::Null, setup_account()] {
                for mask in [Value::Null, json!({"function": "f"})] {
                    for (external_schemas, risks) in [
                        (json!([]), json!([])),
                        (external(), json!([])),
                        (external(), json!(["external_schema_usage"])),
                    ] {
                        every.push(integration(json!({
                            "mode": mode, "new_database": new_database, "setup": setup, "mask": mask,
                            "external_schemas": external_schemas, "accepted_risks": risks,
                        })));
                    }
                }
            }
        }
    }
    every
}

fn names(steps: &[Step]) -> Vec<&'static str> {
    steps.iter().map(|step| step.name).collect()
}

fn texts(steps: &[Step]) -> Vec<&str> {
    steps.iter().flat_map(|step| &step.statements).map(SqlText::execute).collect()
}

const BOTH: Made = Made { account: true, database: true };

fn removed(keep_profiles: bool, administers: bool) -> Removal {
    Removal { keep_profiles, setup: administers.then(|| ("t".to_owned(), Ident::new("dev").unwrap())) }
}

#[test]
fn every_place_is_filled_and_quoted() {
    let hostile = json!({
        "view_schema": "gover\"ned", "prefix": "other", "system_user": "o'system", "setup": setup_account(),
        "external_schemas": external(), "accepted_risks": ["external_schema_usage"], "mask": {"function": "f"},
    });
    let integration = integration(hostile);
    let mut steps = setup(&integration).unwrap();
    for keep_profiles in [true, false] {
        steps.extend(removal(&integration, &removed(keep_profiles, true), BOTH).unwrap());
    }
    let queries: Vec<_> = steps.iter().filter_map(|step| step.look.as_ref()).map(|look| look.query.execute()).collect();
    for sql in texts(&steps).into_iter().chain(queries) {
        assert!(!sql.contains(['{', '}']), "{sql}");
        assert!(!sql.contains("immuta_"), "the prefix is one setting: {sql}");
        assert!(!sql.contains("gover\"ned\""), "{sql}");
        assert!(!sql.contains("'o'system"), "{sql}");
    }
}

#[test]
fn the_password_digest_is_redacted() {
    let steps = setup(&integration(json!({"setup": setup_account()}))).unwrap();
    let account = steps.iter().find(|step| step.name == "account").unwrap();
    assert_eq!(format!("{:?}", account.statements), "[SqlText(CREATE USER \"immuta_system_account\" PASSWORD '…')]");
}

#[test]
fn each_case_has_its_steps_and_no_other() {
    for integration in every() {
        let steps = setup(&integration).unwrap();
        let administers = integration.setup.is_some();
        let mut expected = Vec::new();
        for (name, there) in [
            ("account", administers),
            ("database", administers && integration.new_database),
            ("database grants", administers),
            ("mask language", administers && integration.mask.is_some()),
            ("schemas", true),
            ("tables", true),
            ("secure views", true),
            ("procedures", true),
            ("grants", true),
            ("masking functions", integration.mask.is_some()),
            ("external schemas", !integration.external_schemas.is_empty()),
            ("external schema usage", !integration.accepted_risks.is_empty()),
        ] {
            expected.extend(there.then_some(name));
        }
        assert_eq!(names(&steps), expected);
        assert!(steps.is_sorted_by_key(|step| step.connection), "{:?}", names(&steps));
        for step in &steps {
            let alone = matches!(step.name, "database" | "external schemas" | "external schema usage");
            assert_eq!(step.mode == StepMode::Each, alone, "{}", step.name);
            assert!(!step.statements.is_empty());
        }
    }
}

#[test]
fn what_is_there_already_is_not_taken_for_new() {
    let steps = setup(&integration(json!({"setup": setup_account(), "external_schemas": external()}))).unwrap();
    let look = |name| steps.iter().find(|step| step.name == name).and_then(|step| step.look.as_ref());
    assert_eq!(look("account").unwrap().meaning, LookMeaning::Exists { refuse: None });
    let LookMeaning::Exists { refuse: Some(refuse) } = &look("database").unwrap().meaning else { panic!() };
    assert!(refuse.contains("`immuta` is there already") && refuse.contains("set `new_database` to false"), "{refuse}");
    let LookMeaning::MustBeNone { refuse } = &look("schemas").unwrap().meaning else { panic!() };
    assert_eq!(
        refuse,
        "found a schema called `immuta_system` or `immuta_functions` or `immuta_procedures` or `governed` that belongs to \
         another account, expected none, or one that `immuta_system_account` owns"
    );
    let query = look("external schemas").unwrap().query.execute();
    assert!(query.ends_with("IN (LOWER('lake'), LOWER('other'))"), "{query}");
}

#[test]
fn steps_grant_what_the_list_says() {
    for integration in every().into_iter().filter(|integration| integration.setup.is_some()) {
        let steps = setup(&integration).unwrap();
        let is_grant = |sql: &&str| sql.starts_with("GRANT ") || sql.starts_with("ALTER DEFAULT PRIVILEGES ");
        let printed: Vec<_> = texts(&steps).into_iter().filter(is_grant).collect();
        let listed = grants::statements("test", &integration, true, |_| true).unwrap();
        let listed: Vec<_> = listed.iter().map(SqlText::execute).collect();
        let set = |list: &[&str]| list.iter().map(|sql| (*sql).to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(set(&printed), set(&listed));
        assert_eq!(printed.len(), listed.len(), "one of them twice");
        for sql in texts(&steps) {
            let elsewhere = sql.contains("GRANT ") && !is_grant(&sql);
            assert!(!elsewhere || sql.contains("\"finish_view\""), "a grant in something else: {sql}");
        }
    }
}

#[test]
fn a_database_that_was_there_is_opened_to_nobody() {
    let list = grants(&integration(json!({"new_database": false})));
    let open = |grant: &&Grant| grant.grantee == Grantee::Public && matches!(grant.object, Object::Database(_));
    assert!(!list.iter().any(|grant| open(&grant)));
    assert_eq!(grants(&integration(json!({}))).iter().filter(open).count(), 2);
}

#[test]
fn the_documented_grants_are_the_list() {
    let documentation = include_str!("../../../../../docs/warehouse.md");
    let (_, rest) =
        documentation.split_once("| on | privilege | who | how | when |\n| --- | --- | --- | --- | --- |\n").unwrap();
    let documented: Vec<_> = rest.lines().take_while(|line| line.starts_with('|')).collect();
    let existing = grants(&integration(json!({"new_database": false})));
    let new = grants(&integration(json!({})));
    let full = grants(&integration(json!({
        "mask": {"function": "f"}, "accepted_risks": ["external_schema_usage"],
        "external_schemas": [{"name": "lake", "catalog_database": "raw"}],
    })));
    let rows: Vec<String> = full
        .iter()
        .map(|grant| {
            let when = if existing.contains(grant) {
                "always"
            } else if new.contains(grant) {
                "`new_database`"
            } else if matches!(&grant.object, Object::Schema(_)) {
                "`external_schemas`, `external_schema_usage` accepted"
            } else {
                "`mask`"
            };
            let who = match grant.grantee {
                Grantee::SystemAccount => "system account",
                Grantee::Public => "`PUBLIC`",
            };
            let how = match grant.by {
                grants::By::Setup => "setup",
                grants::By::Default => "Redshift's default",
                grants::By::PolicyView => "with each view",
            };
            format!("| {} | `{}` | {who} | {how} | {when} |", grant.object, grant.privilege.as_str())
        })
        .collect();
    assert_eq!(documented, rows, "docs/warehouse.md should have:\n{}", rows.join("\n"));
}

#[test]
fn every_statement_that_makes_something_is_understood() {
    for part in PARTS {
        let makes = statements(part.template).filter(|statement| statement.starts_with("CREATE ")).count();
        let found: Vec<_> = made(part.template).collect();
        assert_eq!(found.len(), makes, "{}", part.name);
        for object in found {
            let routine = matches!(object.kind, Kind::Function | Kind::Procedure);
            assert_eq!(
                routine && part.template.contains(&format!("{}()", object.name)),
                routine && object.types.is_empty()
            );
            for data_type in object.types {
                let plain =
                    data_type.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' ');
                assert!(plain && !data_type.is_empty(), "{}: {data_type:?}", object.name);
                // A parameter that is handed out is no part of a signature; there are none.
                assert!(!matches!(data_type, "OUT" | "INOUT" | "IN"), "{}", object.name);
            }
        }
    }
}

#[test]
fn signatures_are_read_off_the_definitions() {
    let steps = removal(&integration(json!({"mask": {"function": "f"}})), &removed(false, false), BOTH).unwrap();
    let texts = texts(&steps);
    for drop in [
        r#"DROP PROCEDURE "immuta_procedures"."merge_profiles"()"#,
        r#"DROP PROCEDURE "immuta_procedures"."drop_policy"(VARCHAR, BIGINT)"#,
        r#"DROP FUNCTION "immuta_functions"."mask_regex"(VARCHAR, VARCHAR, VARCHAR, VARCHAR) RESTRICT"#,
        r#"DROP TABLE IF EXISTS "immuta_system"."mutex" RESTRICT"#,
        r#"DROP VIEW IF EXISTS "immuta_system"."user_profile" RESTRICT"#,
    ] {
        assert!(texts.contains(&drop), "{drop} is not among {texts:#?}");
    }
}

/// What a statement makes or drops, as `kind name`; signatures and places of dropping apart.
fn object(sql: &str, verbs: &[&str]) -> Option<String> {
    let rest = verbs.iter().find_map(|verb| sql.strip_prefix(verb))?;
    let rest = rest.replace("IF NOT EXISTS ", "").replace("IF EXISTS ", "").replace("EXTERNAL ", "");
    let words: Vec<_> = rest.split(['(', '\n']).next()?.split_whitespace().take(2).collect();
    Some(words.join(" "))
}

#[test]
fn a_removal_drops_all_that_the_setup_made_and_nothing_else() {
    for integration in every() {
        let steps = setup(&integration).unwrap();
        let create = ["CREATE OR REPLACE ", "CREATE "];
        let mut made: BTreeSet<_> = texts(&steps).iter().filter_map(|sql| object(sql, &create)).collect();
        let steps = removal(&integration, &removed(false, integration.setup.is_some()), BOTH).unwrap();
        let mut dropped: BTreeSet<_> = texts(&steps).iter().filter_map(|sql| object(sql, &["DROP "])).collect();
        for schema in ["immuta_doctor", "immuta_doctor_below"] {
            assert!(dropped.remove(&format!("SCHEMA \"{schema}\"")));
        }
        // What the removal makes for itself.
        assert!(dropped.remove("PROCEDURE \"immuta_procedures\".\"remove_views\""));
        if !integration.new_database {
            assert!(dropped.remove("DATABASE \"immuta\"") || integration.setup.is_none());
            made.remove("DATABASE \"immuta\"");
        }
        assert_eq!(made, dropped);
        let cascades =
            |sql: &&str| sql.contains("CASCADE") && !sql.starts_with("DROP SCHEMA IF EXISTS \"immuta_doctor");
        assert_eq!(texts(&steps).into_iter().find(cascades), None);
    }
}

#[test]
fn what_puts_things_in_force_goes_first_and_the_account_last() {
    let full = integration(json!({
        "mask": {"function": "f"}, "external_schemas": external(), "setup": setup_account(), "impersonation": true,
    }));
    let steps = removal(&full, &removed(false, true), BOTH).unwrap();
    assert_eq!(
        names(&steps),
        [
            "procedures",
            "policy views",
            "preflight",
            "secure views",
            "masking functions",
            "tables",
            "default privileges",
            "external schemas",
            "schemas",
            "database grants",
            "database",
            "account",
        ]
    );
    let own = steps.iter().position(|step| step.connection != Connection::System).unwrap();
    assert!(steps[own..].iter().all(|step| step.connection != Connection::System));
    for step in &steps {
        let together = step.name == "policy views";
        assert_eq!(step.mode == StepMode::Together, together, "{}", step.name);
        assert_eq!(step.tolerates == Tolerates::Gone, !together, "{}", step.name);
    }
    let views: Vec<_> = steps[1].statements.iter().map(SqlText::execute).collect();
    assert_eq!(views[2], r#"CALL "immuta_procedures"."remove_views"('governed')"#);
    assert_eq!(views[4], r#"DROP SCHEMA IF EXISTS "governed" RESTRICT"#);
    // A view that reads another one goes before it.
    let secure = |view: &str| {
        let of = |statement: &SqlText| statement.execute().contains(&format!("\"{view}\""));
        steps[3].statements.iter().position(of).unwrap()
    };
    assert!(secure("unmask_key") < secure("user_profile") && secure("user_profile") < secure("reader"));
    assert!(steps[9].look.is_some(), "others' objects are looked for before the database is dropped");
}

#[test]
fn only_what_was_made_is_dropped_by_the_setup_account() {
    let full = integration(json!({"mask": {"function": "f"}}));
    let of = |keep_profiles, administers, made| {
        let steps = removal(&full, &removed(keep_profiles, administers), made).unwrap();
        let of_setup = steps.into_iter().filter(|step| step.connection != Connection::System);
        of_setup.map(|step| (step.name, step.connection, step.look.is_some())).collect::<Vec<_>>()
    };
    let grants = ("database grants", Connection::Setup, false);
    assert_eq!(of(false, false, BOTH), []);
    assert_eq!(of(false, true, Made::default()), [grants]);
    // Redshift looks for what an account owns only in the database where it is dropped.
    assert_eq!(
        of(false, true, Made { account: true, database: false }),
        [grants, ("account", Connection::Setup, false)]
    );
    assert_eq!(
        of(false, true, Made { account: false, database: true }),
        [("database grants", Connection::Setup, true), ("database", Connection::SetupElsewhere, false)]
    );
    assert_eq!(of(true, true, BOTH), [grants]);
}

#[test]
fn profiles_may_stay_with_nobody_to_read_them_but_their_owner() {
    let full = integration(json!({"mask": {"function": "f"}}));
    let steps = removal(&full, &removed(true, true), BOTH).unwrap();
    let texts = texts(&steps);
    let any = |part: &str| texts.iter().any(|sql| sql.contains(part));
    assert!(!any("\"profile\"") && !any("\"profile_entitlement\"") && !any("DROP SCHEMA IF EXISTS \"immuta_system\""));
    assert!(any("DROP TABLE IF EXISTS \"immuta_system\".\"masking_key\""));
    assert!(any("DROP VIEW IF EXISTS \"immuta_system\".\"user_entitlement\""));
    assert!(texts.contains(&"REVOKE USAGE ON SCHEMA \"immuta_system\" FROM PUBLIC"));
    assert!(texts.contains(&"REVOKE CREATE ON DATABASE \"immuta\" FROM \"immuta_system_account\""));
    assert!(!texts.contains(&"REVOKE USAGE ON DATABASE \"immuta\" FROM \"immuta_system_account\""));
}

#[test]
fn a_fault_of_another_kind_is_never_tolerated() {
    assert!(Tolerates::There.covers("database \"x\" already exists"));
    assert!(Tolerates::Gone.covers("schema \"x\" does not exist"));
    for message in ["must be owner of schema x", "cannot drop table t because other objects depend on it"] {
        for tolerates in [Tolerates::Nothing, Tolerates::There, Tolerates::Gone] {
            assert!(!tolerates.covers(message));
        }
    }
}

mod changes;
mod scripts;
