//! What follows from answers that are wrong, cut off, or missing. What follows from those of a database is tested against one.

use serde_json::json;

use super::{judge::Answers, *};
use crate::{
    doctor::Answer,
    event::wire,
    model::{DataSource, Integration},
};

fn integration() -> Integration {
    let document = json!({
        "id": "wh", "version": 1, "host": "wh", "workgroup": "wg", "mode": "single_database", "database": "dwh",
        "view_schema": "governed", "system_user": "system", "secret": "s",
    });
    Integration::check(&serde_json::from_value::<wire::IntegrationDocument>(document).unwrap()).unwrap()
}

fn table(columns: &[(&str, &str)]) -> Table {
    let columns: Vec<_> = columns.iter().map(|(name, kind)| json!({"name": name, "type": kind})).collect();
    let document = json!({
        "id": "people", "version": 1, "host": "wh", "database": "dwh", "schema": "raw", "table": "people", "columns": columns,
    });
    let source = DataSource::check(&serde_json::from_value::<wire::DataSourceDocument>(document).unwrap()).unwrap();
    Table { source }
}

fn rows(rows: &[&[&str]]) -> Answer {
    let cell = |cell: &&str| (!cell.is_empty()).then(|| (*cell).to_owned());
    Answer::Rows(rows.iter().map(|row| row.iter().map(cell).collect()).collect())
}

/// Answers in which nothing is wrong, to everything that is asked.
fn sound(queries: &[Query]) -> Answers {
    let answer = |question| if question == Question::Sight { rows(&[&["1"]]) } else { rows(&[]) };
    queries.iter().map(|query| (query.question, answer(query.question))).collect()
}

fn account(name: &str) -> Account {
    Account::of(
        Id::check("id", name).unwrap(),
        (1 << 40) + 3,
        1,
        Some(&crate::render::profile::ProfileState::default()),
    )
}

fn told(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|finding| format!("{} {}", finding.kind, finding.object)).collect()
}

#[test]
fn silence_is_no_answer() {
    let (integration, page) = (integration(), Page::default());
    let queries = query::own(&integration, &page).unwrap();
    assert_eq!(told(&judge::own(&integration, &page, &sound(&queries))), [] as [String; 0]);
    for query in &queries {
        for answer in [Answer::NotRun, Answer::Error("permission denied".to_owned())] {
            let mut answers = sound(&queries);
            answers.insert(query.question, answer);
            let found = judge::own(&integration, &page, &answers);
            assert_eq!(found.len(), 1, "{:?}: {found:#?}", query.question);
            assert_eq!((found[0].kind, found[0].remedy.repairs()), (Kind::NotSeen, false));
            assert!(!found[0].found.contains("denied"), "what the database says may quote values");
        }
    }
    // A warehouse in which nothing is, not even the row that a count always has, says nothing about views and profiles.
    let mut page = page;
    let name = crate::sql::Ident::new("v").unwrap();
    page.views.push(View { source: Id::check("id", "a").unwrap(), revision: 1, name });
    page.accounts.insert("ana".to_owned(), Some(account("ana")));
    let queries = query::own(&integration, &page).unwrap();
    let answers: Answers = queries.iter().map(|query| (query.question, rows(&[]))).collect();
    let found = judge::own(&integration, &page, &answers);
    assert!(found.iter().all(|finding| finding.kind == Kind::NotSeen), "{found:#?}");
}

#[test]
fn rights_are_taken_back_from_whom_they_were_given_and_unknown_ones_are_told() {
    let (integration, page) = (integration(), Page::default());
    let mut answers = sound(&query::own(&integration, &page).unwrap());
    let relations: [&[&str]; 5] = [
        &["immuta_system", "profile", "SELECT", "bob", "user"],
        &["immuta_system", "profile", "DELETE", "a\"b", "role"],
        &["governed", "people", "UPDATE", "public", "public"],
        &["governed", "people", "CONJURE", "bob", "user"],
        &["governed", "people", "DELETE", "bob", "ghost"],
    ];
    answers.insert(Question::Relations, rows(&relations));
    answers.insert(Question::Procedures, rows(&[&["immuta_procedures", "put_policy", "EXECUTE", "crew", "group"]]));
    let undone: Vec<_> = judge::own(&integration, &page, &answers)
        .into_iter()
        .map(|finding| match finding.remedy {
            Remedy::Revoke(statement) => statement.execute().to_owned(),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(
        undone,
        [
            "REVOKE SELECT ON \"immuta_system\".\"profile\" FROM \"bob\"",
            "REVOKE DELETE ON \"immuta_system\".\"profile\" FROM ROLE \"a\"\"b\"",
            "REVOKE UPDATE ON \"governed\".\"people\" FROM PUBLIC",
            "Report { source: None }",
            "Report { source: None }",
            "REVOKE EXECUTE ON PROCEDURE \"immuta_procedures\".\"put_policy\"(VARCHAR, BIGINT, VARCHAR, VARCHAR) FROM GROUP \"crew\"",
        ]
    );
}

#[test]
fn of_what_an_answer_was_cut_off_nothing_is_known() {
    let integration = integration();
    let mut page = Page::default();
    for name in ["a", "zoe"] {
        page.accounts.insert(name.to_owned(), Some(account(name)));
    }
    let mut answers = sound(&query::own(&integration, &page).unwrap());
    assert_eq!(
        told(&judge::own(&integration, &page, &answers)),
        ["profile_changed profile of user `a`", "profile_changed profile of user `zoe`"]
    );
    let many: Vec<Vec<Option<String>>> = (0..query::ACCOUNTS)
        .map(|number| vec![Some(format!("m{number:04}")), Some("1".to_owned()), Some("false".to_owned()), None])
        .collect();
    answers.insert(Question::Profiles, Answer::Rows(many));
    assert_eq!(told(&judge::own(&integration, &page, &answers)), ["profile_changed profile of user `a`"]);
}

#[test]
fn columns_are_compared_by_name_and_type_as_far_as_the_catalog_tells() {
    let integration = integration();
    let columns = [
        ("id", "integer"),
        ("Phone", "varchar(15)"),
        ("paid", "decimal(12,2)"),
        ("at", "timestamp"),
        ("x", "varchar(9)"),
    ];
    let mut page = Page::default();
    page.tables.push(table(&columns));
    let mut answers = sound(&query::tables(&integration, &integration.database, &page).unwrap());
    answers.insert(Question::Tables, rows(&[&["raw", "people", "owner"]]));
    let mut there: Vec<[&str; 7]> = vec![
        ["raw", "people", "id", "integer", "", "32", "0"],
        ["raw", "people", "phone", "character varying", "15", "", ""],
        ["raw", "people", "paid", "numeric", "", "12", "2"],
        ["raw", "people", "at", "timestamp without time zone", "", "", ""],
        ["raw", "people", "x", "character varying", "", "", ""],
        ["raw", "other", "y", "integer", "", "", ""],
    ];
    let mut judged = |there: &[[&str; 7]]| {
        let there: Vec<&[&str]> = there.iter().map(<[&str; 7]>::as_slice).collect();
        answers.insert(Question::Columns, rows(&there));
        let found = judge::tables(&integration, &integration.database, &page, &answers);
        found.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(judged(&there), [] as [String; 0]);
    there[1][4] = "16";
    there[2][6] = "3";
    there[3][3] = "hllsketch";
    there[4][2] = "y";
    let of = "of table `dwh.raw.people`";
    assert_eq!(
        judged(&there),
        [
            format!("column_retyped column `Phone` {of}: found type `VARCHAR(16)`, expected type `VARCHAR(15)`"),
            format!("column_retyped column `paid` {of}: found type `DECIMAL(12,3)`, expected type `DECIMAL(12,2)`"),
            format!("column_retyped column `at` {of}: found type `hllsketch`, expected type `TIMESTAMP`"),
            format!("column_vanished column `x` {of}: found nothing, expected type `VARCHAR(9)`"),
            format!("column_appeared column `y` {of}: found a column, expected none, by the data source"),
        ]
    );
    // The catalog shows no columns of some views, but it shows the views.
    assert_eq!(judged(&[]), [] as [String; 0]);
    answers.insert(Question::Tables, rows(&[]));
    let found = judge::tables(&integration, &integration.database, &page, &answers);
    assert_eq!(told(&found), ["table_vanished table `dwh.raw.people`"]);
}

#[test]
fn owners_and_superusers_read_tables_anyway() {
    let integration = integration();
    let mut page = Page::default();
    page.tables.push(table(&[("id", "integer")]));
    let mut answers = sound(&query::tables(&integration, &integration.database, &page).unwrap());
    answers.insert(Question::Tables, rows(&[&["raw", "people", "owner"]]));
    answers.insert(Question::Columns, rows(&[&["raw", "people", "id", "integer", "", "", ""]]));
    answers.insert(Question::Superusers, rows(&[&["root"]]));
    let readers = ["owner", "root", "bob"].map(|name| ["raw", "people", name, "user"]);
    let readers: Vec<&[&str]> = readers.iter().map(<[&str; 4]>::as_slice).collect();
    answers.insert(Question::Readers, rows(&readers));
    let found = judge::tables(&integration, &integration.database, &page, &answers);
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        ["raw_table_grant table `raw.people`: found SELECT for `bob`, expected readers of its view only"]
    );
}
