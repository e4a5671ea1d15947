use serde_json::json;
use time::macros::{date, datetime};

use super::*;
use crate::{
    event::wire,
    model::{DataSource, EntitlementKind, Policy},
    plan,
    resolve::{PolicySet, ProjectSet},
};

struct Echo;

impl Functions for Echo {
    fn call(&self, name: &str, arguments: &[Option<&str>]) -> Result<Option<String>, String> {
        match arguments.first() {
            Some(Some("fail")) => Err("row 1: refused".to_owned()),
            Some(Some(value)) => Ok(Some(format!("{name}:{value}"))),
            _ => Ok(None),
        }
    }
}

fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

fn read<T: serde::de::DeserializeOwned>(document: serde_json::Value) -> T {
    serde_json::from_value(document).unwrap()
}

/// The plan of a source with columns `id`, `name`, `day` and `price` under rules, for everyone.
fn planned(rules: &serde_json::Value, projects: &ProjectSet) -> ViewPlan {
    let source: wire::DataSourceDocument = read(json!({
        "id": "s", "version": 1, "host": "wh", "database": "d", "schema": "p", "table": "t", "key_column": "id",
        "event_time_column": "day", "columns": [
            {"name": "id", "type": "integer"}, {"name": "name", "type": "varchar(20)"},
            {"name": "day", "type": "date"}, {"name": "price", "type": "decimal(9,2)"},
        ],
    }));
    let source = DataSource::check(&source).unwrap();
    let head =
        |id: &str| json!({"id": id, "version": 1, "name": id, "created_at": "2026-01-01T00:00:00Z", "scope": "all"});
    let policy = |id: &str, field: &str, body: &serde_json::Value| {
        let mut document = head(id);
        document[field] = body.clone();
        Policy::check(&read::<wire::PolicyDocument>(document)).unwrap()
    };
    let mut policies = vec![policy("in", "subscription", &json!({"level": "anyone"}))];
    if rules.as_array().is_some_and(|rules| !rules.is_empty()) {
        policies.push(policy("data", "rules", rules));
    }
    let policies = PolicySet::new(policies);
    plan::build(&source, &policies.resolve(&source), projects).unwrap()
}

fn profile(entitlements: &[(EntitlementKind, Option<&str>, &str)]) -> ProfileState {
    let entitlements = entitlements.iter().map(|(kind, name, value)| (*kind, name.map(text), text(value)));
    ProfileState { project: None, entitlements: entitlements.collect() }
}

fn row(id: i64, name: Option<&str>) -> Vec<Value> {
    let name = name.map_or(Value::Null, |name| Value::Text(name.to_owned()));
    vec![Value::Int(id), name, Value::Date(date!(2024 - 02 - 29)), Value::Decimal { units: 1_250, scale: 2 }]
}

fn keys() -> Keys {
    Keys { salt: Some("salt".into()), token: Some("token".into()), project_salts: [(text("p"), "joint".into())].into() }
}

fn see(plan: &ViewPlan, profile: Option<&ProfileState>, engine: Engine, rows: &[Vec<Value>]) -> Vec<Vec<Value>> {
    let keys = keys();
    let interpreter = Interpreter { keys: &keys, functions: &Echo, now: datetime!(2024-03-02 12:00), engine };
    interpreter.visible_rows(plan, &Viewer { account: "ada", profile }, rows).unwrap()
}

#[test]
fn without_a_profile_nothing_is_seen() {
    let plan = planned(&json!([]), &ProjectSet::default());
    let rows = [row(1, Some("a")), row(2, None)];
    assert!(see(&plan, None, Engine::POSTGRESQL, &rows).is_empty());
    assert!(see(&plan, Some(&profile(&[])), Engine::POSTGRESQL, &rows) == rows);
}

#[test]
fn the_first_case_that_is_met_decides() {
    let rules = json!([{"mask": {"columns": {"name": "name"}, "cases": [
        {"for": {"group": "a"}, "using": {"kind": "clear"}},
        {"for": {"any": [{"group": "a"}, {"group": "b"}]}, "using": {"kind": "show", "last": 1}},
    ], "otherwise": {"kind": "null"}}}]);
    let plan = planned(&rules, &ProjectSet::default());
    let name = |groups: &[&str]| {
        let groups: Vec<_> = groups.iter().map(|group| (EntitlementKind::Group, None, *group)).collect();
        see(&plan, Some(&profile(&groups)), Engine::POSTGRESQL, &[row(1, Some("Ada"))]).remove(0).remove(1)
    };
    assert!(name(&["a", "b"]) == Value::Text("Ada".into()));
    assert!(name(&["b"]) == Value::Text("**a".into()));
    assert!(name(&[]) == Value::Null);
}

#[test]
fn matches_follow_the_engine_in_what_blanks_count() {
    let rules = json!([{"rows": {"only": {"match": {"attribute": {"name": "who", "column": {"name": "name"}}}}}}]);
    let plan = planned(&rules, &ProjectSet::default());
    let profile = profile(&[(EntitlementKind::Attribute, Some("who"), "ada"), (EntitlementKind::Group, None, "bob")]);
    let rows = [row(1, Some("ada")), row(2, Some("ada ")), row(3, Some("bob")), row(4, None)];
    let ids = |engine| -> Vec<Value> {
        see(&plan, Some(&profile), engine, &rows).into_iter().map(|mut row| row.remove(0)).collect()
    };
    assert!(ids(Engine::POSTGRESQL) == [Value::Int(1)]);
    assert!(ids(Engine::REDSHIFT) == [Value::Int(1), Value::Int(2)]);
}

#[test]
fn hashes_have_the_salt_of_the_project_worked_in() {
    let document: wire::ProjectDocument = read(json!({
        "id": "p", "version": 1, "name": "p", "data_sources": ["s"], "masked_joins": true,
    }));
    let projects = ProjectSet::new(vec![crate::model::Project::check(&document).unwrap()]);
    let rules = json!([{"mask": {"columns": {"name": "name"}, "using": {"kind": "hash"}}}]);
    let plan = planned(&rules, &projects);
    let name = |profile: &ProfileState| {
        see(&plan, Some(profile), Engine::POSTGRESQL, &[row(1, Some("x"))]).remove(0).remove(1)
    };
    let elsewhere = name(&profile(&[(EntitlementKind::Project, None, "q")]));
    let inside = name(&profile(&[(EntitlementKind::Project, None, "p")]));
    assert!(elsewhere == Value::Text(digest::sha256(&["salt", "x"])));
    assert!(inside == Value::Text(digest::sha256(&["joint", "x"])));
}

#[test]
fn windows_and_samples_pass_what_is_known_to_be_in_them() {
    let window = |bounds: serde_json::Value| {
        planned(&json!([{"rows": {"only": {"time_window": bounds}}}]), &ProjectSet::default())
    };
    let mut unknown = row(2, None);
    unknown[2] = Value::Null;
    let rows = [row(1, None), unknown];
    let nobody = profile(&[]);
    let count = |plan: &ViewPlan| see(plan, Some(&nobody), Engine::POSTGRESQL, &rows).len();
    // It is noon, two days and a half after the row's day began.
    assert_eq!(count(&window(json!({"newer_than_days": 3}))), 1);
    assert_eq!(count(&window(json!({"newer_than_days": 2}))), 0);
    assert_eq!(count(&window(json!({"older_than_days": 2}))), 1);
    assert_eq!(count(&window(json!({"older_than_days": 2, "newer_than_days": 3}))), 1);

    let plan = planned(&json!([{"rows": {"only": {"sample": {"percent": 50.0}}}}]), &ProjectSet::default());
    let rows: Vec<_> = (0..1_000).map(|id| row(id, None)).collect();
    let sampled = see(&plan, Some(&nobody), Engine::POSTGRESQL, &rows).len();
    assert!((400..600).contains(&sampled), "{sampled} of 1,000");
}

#[test]
fn functions_get_the_value_and_may_fail() {
    let rules = json!([{"mask": {"columns": {"name": "name"}, "using": {"kind": "regex", "pattern": "a", "replace_with": "b"}}}]);
    let plan = planned(&rules, &ProjectSet::default());
    let nobody = profile(&[]);
    let seen = see(&plan, Some(&nobody), Engine::POSTGRESQL, &[row(1, Some("Ada")), row(2, None)]);
    assert!(seen[0][1] == Value::Text("mask_regex:Ada".into()));
    assert!(seen[1][1] == Value::Null);
    let keys = keys();
    let interpreter =
        Interpreter { keys: &keys, functions: &Echo, now: datetime!(2024-03-02 12:00), engine: Engine::REDSHIFT };
    let viewer = Viewer { account: "ada", profile: Some(&nobody) };
    let error = interpreter.visible_rows(&plan, &viewer, &[row(1, Some("fail"))]).unwrap_err();
    assert_eq!(error.to_string(), "function `mask_regex` failed for column `name`: row 1: refused");
}

#[test]
fn random_answers_are_the_same_every_time_and_mostly_near() {
    let rules = json!([{"mask": {"columns": {"name": "price"}, "using": {"kind": "randomized_response", "noise": 2}}}]);
    let plan = planned(&rules, &ProjectSet::default());
    let nobody = profile(&[]);
    let rows: Vec<_> = (0..200).map(|id| row(id, None)).collect();
    let seen = see(&plan, Some(&nobody), Engine::POSTGRESQL, &rows);
    assert!(seen == see(&plan, Some(&nobody), Engine::REDSHIFT, &rows));
    let prices: Vec<i128> = seen
        .iter()
        .map(|row| match row[3] {
            Value::Decimal { units, .. } => units,
            _ => panic!("no price"),
        })
        .collect();
    assert!(prices.iter().all(|price| (1_050..=1_450).contains(price)));
    assert!(prices.iter().any(|price| *price < 1_250) && prices.iter().any(|price| *price > 1_250));
}

#[test]
fn rows_that_are_not_the_plans_are_refused_without_their_values() {
    let plan = planned(&json!([]), &ProjectSet::default());
    let keys = keys();
    let interpreter =
        Interpreter { keys: &keys, functions: &Echo, now: datetime!(2024-03-02 12:00), engine: Engine::REDSHIFT };
    let viewer = Viewer { account: "ada", profile: None };
    let mut wrong = row(1, Some("secret"));
    wrong.swap(0, 1);
    let error = interpreter.visible_rows(&plan, &viewer, &[row(1, None), wrong]).unwrap_err();
    assert_eq!(error.to_string(), "row 2: the value of column `id` is not of its type");
    let error = interpreter.visible_rows(&plan, &viewer, &[vec![]]).unwrap_err();
    assert_eq!(error.to_string(), "row 1 has 0 values, and the plan 4 columns");
}

#[test]
fn a_cell_is_masked_where_it_is_unknown_whether_it_is_meant() {
    let rules = json!([{"mask": {"columns": {"name": "name"}, "where": "price > 10", "using": {"kind": "null"}}}]);
    let plan = planned(&rules, &ProjectSet::default());
    let with = |price: Value| {
        let mut row = row(1, Some("x"));
        row[3] = price;
        row
    };
    let rows = [
        with(Value::Decimal { units: 999, scale: 2 }),
        with(Value::Null),
        with(Value::Decimal { units: 1_001, scale: 2 }),
    ];
    let seen = see(&plan, Some(&profile(&[])), Engine::POSTGRESQL, &rows);
    assert!(seen[0][1] == Value::Text("x".into()));
    assert!(seen[1][1] == Value::Null && seen[2][1] == Value::Null);
}

#[test]
fn predicates_ask_row_and_user() {
    let predicate =
        "@username = name OR (@hasAttribute('dept', 'a.b') AND @attributeValuesContains('who', name)) OR id = 9";
    let plan = planned(&json!([{"rows": {"only": {"where": predicate}}}]), &ProjectSet::default());
    let rows = [row(1, Some("ada")), row(2, Some("bob")), row(3, None), row(9, None)];
    let seen = |profile: &ProfileState| {
        let seen = see(&plan, Some(profile), Engine::POSTGRESQL, &rows);
        seen.into_iter().map(|mut row| row.remove(0)).collect::<Vec<_>>()
    };
    let who = (EntitlementKind::Attribute, Some("who"), "bob");
    assert!(seen(&profile(&[who])) == [Value::Int(1), Value::Int(9)]);
    let above = (EntitlementKind::Attribute, Some("dept"), "a");
    assert!(seen(&profile(&[who, above])) == [Value::Int(1), Value::Int(2), Value::Int(9)]);
}

#[test]
fn custom_masks_are_values_of_their_rows() {
    let rules = json!([
        {"mask": {"columns": {"name": "name"}, "using": {"kind": "custom", "expression": "LEFT(name, 1) || '. ' || UPPER(RIGHT(name, 1))"}}},
        {"mask": {"columns": {"name": "id"}, "using": {"kind": "custom", "expression": "id * 1000000000"}}},
        {"mask": {"columns": {"name": "price"}, "using": {"kind": "custom", "expression": "price * 0.5 - 1"}}},
    ]);
    let plan = planned(&rules, &ProjectSet::default());
    let seen = see(&plan, Some(&profile(&[])), Engine::REDSHIFT, &[row(2, Some("ada")), row(3, None)]);
    assert!(seen[0][1] == Value::Text("a. A".into()));
    assert!(seen[0][0] == Value::Int(2_000_000_000));
    assert!(seen[0][3] == Value::Decimal { units: 525, scale: 2 });
    assert!(seen[1][1] == Value::Null, "null joined to anything is null");
    assert!(seen[1][0] == Value::Null, "out of range is null");
}
