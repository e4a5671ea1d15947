use proptest::prelude::*;

use super::{
    install, view,
    view::{Application, Place, Revision, view, view_indented},
};
use crate::{
    event::{document, wire},
    model::{DataSource, Integration, strategies, strategies::SECRET},
    plan,
    record::State,
    resolve::{PolicySet, ProjectSet},
    sql::Ident,
};

/// SQL without what is quoted: literals become `''` and quoted names `""`. `None` when something is never closed.
fn skeleton(sql: &str) -> Option<String> {
    let mut out = String::new();
    let mut chars = sql.chars().peekable();
    while let Some(c) = chars.next() {
        out.push(c);
        match c {
            '\'' | '"' => loop {
                match chars.next()? {
                    // A backslash in a plain literal escapes, as Redshift reads it.
                    '\\' if c == '\'' => {
                        chars.next()?;
                    }
                    d if d == c && chars.peek() == Some(&c) => {
                        chars.next();
                    }
                    d if d == c => {
                        out.push(c);
                        break;
                    }
                    _ => {}
                }
            },
            '/' if chars.peek() == Some(&'*') => {
                let mut last = ' ';
                loop {
                    let d = chars.next()?;
                    if last == '*' && d == '/' {
                        break;
                    }
                    last = d;
                }
            }
            _ => {}
        }
    }
    Some(out)
}

fn balanced(sql: &str) -> bool {
    let mut depth = 0_i32;
    for c in sql.chars() {
        depth += match c {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        if depth < 0 {
            return false;
        }
    }
    depth == 0
}

fn integration(prefix: &str, setup: bool) -> Integration {
    let digest = format!("sha256|{}|{SECRET}", "0".repeat(64));
    let setup =
        setup.then(|| serde_json::json!({"secret": "t", "database": "dev", "system_user_password_digest": digest}));
    let wire: wire::IntegrationDocument = document(serde_json::json!({
        "id": "wh", "version": 1, "host": "wh", "workgroup": "wg", "mode": "multi_database", "database": "im{views}(",
        "view_schema": "go'v\"(\\{", "prefix": prefix, "system_user": "sys {system}", "secret": "s", "setup": setup,
    }))
    .unwrap();
    Integration::check(&wire).unwrap()
}

fn place<'a>(integration: &'a Integration, source: &'a DataSource) -> Place<'a> {
    Place {
        names: &integration.names,
        database: &integration.database,
        schema: &integration.view_schema,
        view: &source.view,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    /// Whatever policies and names say stays inside literals, quoted names and the comment.
    #[test]
    fn nothing_from_outside_leaves_its_quotes(policies in strategies::policies(), source in strategies::data_source()) {
        let set = PolicySet::new(policies);
        let Ok(plan) = plan::build(&source, &set.resolve(&source), &ProjectSet::default()) else {
            return Ok(());
        };
        let integration = integration("immuta", false);
        let place = place(&integration, &source);
        let view = view(&plan, &place);
        let bare = skeleton(view.definition.execute());
        prop_assert!(bare.is_some(), "{}", view.definition.execute());
        let bare = bare.unwrap_or_default();
        prop_assert!(balanced(&bare), "{}", bare);
        prop_assert!(!bare.contains(SECRET) && !bare.contains([';', '\\', '$', '{']) && !bare.contains("--"), "{}", bare);
        prop_assert!(!view.definition.redacted().contains(SECRET), "{}", view.definition.redacted());
        let debug = format!("{view:?}");
        prop_assert!(!debug.contains(SECRET), "{}", debug);

        let indented = view_indented(&plan, &place);
        let words = |sql: &str| sql.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        prop_assert_eq!(words(indented.execute()), words(view.definition.execute()));

        let revision = Revision { source: &source.id, revision: 1, claim: 1 };
        let Application::Call(call) = view::apply(&view, &place, revision) else {
            return Err(TestCaseError::fail("a short definition is an argument"));
        };
        let bare = skeleton(call.execute()).unwrap_or_default();
        prop_assert_eq!(bare, r#"CALL "".""('', 1, 1, '', '', '', '', '')"#);
        prop_assert!(!call.redacted().contains(SECRET));
    }

    #[test]
    fn the_fingerprint_follows_from_what_is_executed(policies in strategies::policies(), source in strategies::data_source()) {
        let set = PolicySet::new(policies);
        let Ok(plan) = plan::build(&source, &set.resolve(&source), &ProjectSet::default()) else {
            return Ok(());
        };
        let integration = integration("immuta", false);
        let one = view(&plan, &place(&integration, &source));
        prop_assert_eq!(&one, &view(&plan, &place(&integration, &source)));
        prop_assert_eq!(one.definition.execute().matches(one.fingerprint.as_str()).count(), 1);
        let mut other = plan.clone();
        other.location.name = Ident::new("another").unwrap();
        let other = view(&other, &place(&integration, &source));
        prop_assert_ne!(&one.fingerprint, &other.fingerprint);
        prop_assert_eq!(&one.shape, &other.shape);
    }
}

#[test]
fn a_view_called_like_the_blank_stays_what_it_is() {
    let zeros = "0".repeat(32);
    let wire: wire::DataSourceDocument = document(serde_json::json!({
        "id": zeros, "version": 1, "host": "wh", "database": "db", "schema": "s", "table": "t",
        "view": format!("\"fingerprint\":\"{zeros}"), "columns": [{"name": zeros, "type": "bigint"}],
    }))
    .unwrap();
    let source = DataSource::check(&wire).unwrap();
    let set = PolicySet::default();
    let plan = plan::build(&source, &set.resolve(&source), &ProjectSet::default()).unwrap();
    let integration = integration("immuta", false);
    let view = view(&plan, &place(&integration, &source));
    let start = format!(r#"CREATE OR REPLACE VIEW "go'v""(\{{"."""fingerprint"":""{zeros}" AS SELECT"#);
    assert!(view.definition.execute().starts_with(&start), "{}", view.definition.execute());
    let comment = format!(r#"/* redoubt {{"fingerprint":"{}","source":"{zeros}"}} */"#, view.fingerprint);
    assert!(view.definition.execute().contains(&comment), "{}", view.definition.execute());
}

#[test]
fn the_shape_changes_with_names_types_and_order() {
    let shape = |columns: &[(&str, &str)]| {
        let columns: Vec<_> =
            columns.iter().map(|(name, data_type)| serde_json::json!({"name": name, "type": data_type})).collect();
        let wire: wire::DataSourceDocument = document(serde_json::json!({
            "id": "d", "version": 1, "host": "wh", "database": "db", "schema": "s", "table": "t", "columns": columns,
        }))
        .unwrap();
        let source = DataSource::check(&wire).unwrap();
        let set = PolicySet::default();
        let plan = plan::build(&source, &set.resolve(&source), &ProjectSet::default()).unwrap();
        let integration = integration("immuta", false);
        view(&plan, &place(&integration, &source)).shape
    };
    let one = shape(&[("a", "bigint"), ("b", "char(1)")]);
    assert_eq!(one, shape(&[("a", "int8"), ("b", "character")]));
    for other in [
        shape(&[("b", "char(1)"), ("a", "bigint")]),
        shape(&[("a", "bigint"), ("b", "char(2)")]),
        shape(&[("a", "bigint"), ("c", "char(1)")]),
        shape(&[("a", "bigint")]),
        shape(&[("aBIGINT", "char(1)")]),
    ] {
        assert_ne!(one, other);
    }
}

fn planned(fields: serde_json::Value) -> (DataSource, plan::ViewPlan) {
    let mut document = serde_json::json!({
        "id": "d", "version": 1, "host": "wh", "database": "db", "schema": "s", "table": "t",
        "columns": [{"name": "a", "type": "bigint"}],
    });
    document.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let wire: wire::DataSourceDocument = crate::event::document(document).unwrap();
    let source = DataSource::check(&wire).unwrap();
    let set = PolicySet::default();
    let plan = plan::build(&source, &set.resolve(&source), &ProjectSet::default()).unwrap();
    (source, plan)
}

#[test]
fn a_bound_view_is_another_shape_and_lacks_the_clause() {
    let integration = integration("immuta", false);
    let made = |binding: &str| {
        let (source, plan) = planned(serde_json::json!({ "binding": binding }));
        view(&plan, &place(&integration, &source))
    };
    let (late, bound) = (made("late"), made("bound"));
    assert_ne!(late.shape, bound.shape, "a view whose binding changes is dropped first");
    assert_ne!(late.fingerprint, bound.fingerprint);
    let clause = " WITH NO SCHEMA BINDING";
    let rest = late.definition.execute().strip_suffix(clause).unwrap();
    assert_eq!(rest.replace(&late.fingerprint, &bound.fingerprint), bound.definition.execute());
}

#[test]
fn a_withdrawal_says_why_in_what_the_column_holds() {
    let integration = integration("immuta", false);
    let id = crate::model::Id::check("id", "d").unwrap();
    let revision = Revision { source: &id, revision: 3, claim: 0 };
    let call =
        |state, reason: Option<&str>| view::withdraw(&integration.names, revision, state, reason).execute().to_owned();
    let start = r#"CALL "immuta_procedures"."drop_view"('d', 3, "#;
    assert_eq!(call(State::Withdrawn, None), format!("{start}'withdrawn', NULL)"));
    assert_eq!(call(State::Disabled, None), format!("{start}'disabled', NULL)"));
    assert_eq!(call(State::Unhealthy, Some("it's\0 so\\")), format!("{start}'unhealthy', 'it''s so\\\\')"));
    // The view is gone, whatever else is said.
    assert_eq!(call(State::Applied, None), call(State::Withdrawn, None));
    for (reason, kept) in [
        ("é".repeat(600), "é".repeat(512)),
        (format!("a{}", "é".repeat(600)), format!("a{}", "é".repeat(511))),
        ("x".repeat(1_024), "x".repeat(1_024)),
        ("🦀".repeat(300), "🦀".repeat(256)),
    ] {
        assert_eq!(call(State::Unhealthy, Some(&reason)), format!("{start}'unhealthy', '{kept}')"));
    }
}

#[test]
fn setup_fills_each_place_once_and_keeps_the_rest() {
    for (prefix, setup) in [("immuta", true), ("other_9", true), ("immuta", false)] {
        let integration = integration(prefix, setup);
        let steps = install::setup(&integration).unwrap();
        let connections: Vec<_> = steps.iter().map(|step| step.connection).collect();
        assert_eq!(connections.contains(&install::Connection::Setup), setup);
        assert!(connections.is_sorted_by_key(|connection| match connection {
            install::Connection::SetupElsewhere => 0,
            install::Connection::Setup => 1,
            install::Connection::System => 2,
        }));
        for step in &steps {
            for statement in &step.statements {
                let sql = statement.execute();
                let bare = skeleton(sql).unwrap_or_else(|| panic!("{sql}"));
                // A value that looks like a place is not filled again, and stays inside its quotes.
                assert!(balanced(&bare) && !bare.contains(['{', '}']), "{bare}");
                assert!(!sql.contains(";;") && !sql.ends_with(';') && !sql.starts_with(char::is_whitespace), "{sql}");
                assert!(!statement.redacted().contains(SECRET), "{statement:?}");
                assert_eq!(sql.contains(SECRET), step.name == "account");
                assert!(!sql.contains("immuta") || prefix == "immuta", "{sql}");
            }
        }
    }
}
