//! Each kind of mask that the `mask` function or a project serves, through the deployed function.

use redoubt_core::record::{Kind, State};
use redoubt_tests::stack::{Scene, Session, StackError, literal};
use serde_json::{Value, json};

/// A table of `columns` that everyone registered sees through one mask rule for each column given.
async fn begin(
    name: &str,
    columns: &str,
    rows: &str,
    masks: &[(&str, &str, Value)],
) -> Result<(Scene, Session), StackError> {
    let scene = Scene::begin(name).await?;
    scene.create("things", &format!("id integer, {columns}"), rows).await?;
    let ada = scene.account("ada").await?;
    let mut documents = vec![json!({"name": "id", "type": "integer"})];
    documents.extend(masks.iter().map(|(column, data_type, _)| json!({"name": column, "type": data_type})));
    let mut source = scene.source("things", 1, json!(documents));
    source["data_source"]["key_column"] = json!("id");
    let rule =
        |(column, _, using): &(&str, &str, Value)| json!({"mask": {"columns": {"name": column}, "using": using}});
    let rules: Vec<Value> = masks.iter().map(rule).collect();
    scene
        .send(&[
            source,
            scene.subscription("readers", 1, json!({"level": "anyone"})),
            scene.rules("masks", 1, json!(rules)),
            scene.user("ada", 1, &[], json!({})),
        ])
        .await?;
    scene.stack.status(Kind::User, &scene.name("ada"), State::Applied).await?;
    scene.stack.status(Kind::DataSource, &scene.name("things"), State::Applied).await?;
    Ok((scene, ada))
}

#[tokio::test]
async fn regular_expressions_replace_the_same_wherever_they_run() -> Result<(), StackError> {
    let by = |engine: &str| json!({"kind": "regex", "pattern": "[0-9]{3}", "replace_with": "###", "engine": engine});
    let swapped = json!({"kind": "regex", "pattern": "([a-z]+)-(\\d+)", "replace_with": "\\2:\\1", "ignore_case": true, "first_only": true});
    let (scene, ada) = begin(
        "regex",
        "own varchar(30), theirs varchar(30), swapped varchar(30)",
        "(1, '0301-555-0101', '0301-555-0101', 'AB-12 cd-34'), (2, NULL, NULL, NULL), (3, '', '', 'none')",
        &[
            ("own", "varchar(30)", by("lambda")),
            ("theirs", "varchar(30)", by("redshift")),
            ("swapped", "varchar(30)", swapped),
        ],
    )
    .await?;
    let query = format!("SELECT own, theirs, swapped FROM {} ORDER BY id", scene.view("things"));
    ada.until(&query, "###1-###-###1|###1-###-###1|12:AB cd-34\nNULL|NULL|NULL\n||none").await
}

#[tokio::test]
async fn encryption_is_the_same_in_every_query_and_keeps_its_form() -> Result<(), StackError> {
    let (scene, ada) = begin(
        "encrypted",
        "note varchar(20), card varchar(30), number bigint, amount decimal(12,2)",
        "(1, 'Ada', '4929-1234-5678-9012', -1234567890, 1234567.89), (2, 'Ada', '4929-1234-5678-9012', 1234567, -0.05), \
         (3, 'Bob', '12', 123456, 9999999999.99), (4, NULL, NULL, NULL, NULL)",
        &[
            ("note", "varchar(20)", json!({"kind": "reversible"})),
            ("card", "varchar(30)", json!({"kind": "format_preserving", "alphabet": "digits"})),
            ("number", "bigint", json!({"kind": "format_preserving"})),
            ("amount", "decimal(12,2)", json!({"kind": "format_preserving"})),
        ],
    )
    .await?;
    let view = scene.view("things");
    let seen = ada
        .until_that(&format!("SELECT * FROM {view} ORDER BY id"), "four rows", |seen| seen.lines().count() == 4)
        .await?;
    let rows: Vec<Vec<&str>> = seen.lines().map(|line| line.split('|').collect()).collect();
    let [one, two, three, four] = rows.as_slice() else { panic!("{seen}") };
    assert_eq!((one[1], one[2]), (two[1], two[2]), "equal values of a column stay equal");
    assert_ne!(one[1], three[1]);
    let form: String = one[2].chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(form, "0000-0000-0000-0000");
    assert_ne!(one[2], "4929-1234-5678-9012");
    assert!(one[3].starts_with('-') && one[3].len() == 11 && one[3] != "-1234567890", "{}", one[3]);
    assert!(one[4].len() == 10 && one[4].chars().nth(7) == Some('.') && one[4] != "1234567.89", "{}", one[4]);
    assert_eq!(two[4], "NULL", "fewer than a million values of so many digits");
    assert_eq!((three[2], three[3]), ("NULL", "NULL"));
    assert_eq!(four[1..], ["NULL"; 4]);
    // Another session, another query: the same.
    let again = Session::open(&scene.stack.settings, &scene.name("ada"), &scene.warehouse.database).await?;
    let found = again.see(&format!("SELECT id FROM {view} WHERE note = {} ORDER BY id", literal(one[1]))).await;
    assert_eq!(found, "1\n2");
    let joined = format!("SELECT count(*) FROM {view} AS a JOIN {view} AS b ON a.card = b.card");
    assert_eq!(again.see(&joined).await, "4");
    Ok(())
}

#[tokio::test]
async fn a_randomized_response_stays_what_it_was() -> Result<(), StackError> {
    let rows: Vec<String> = (1..=200).map(|id| format!("({id}, 'yes', 1000, DATE '2026-06-15')")).collect();
    let (scene, ada) = begin(
        "random",
        "answer varchar(10), income integer, day date",
        &rows.join(", "),
        &[
            (
                "answer",
                "varchar(10)",
                json!({"kind": "randomized_response", "values": ["no", "perhaps", "yes"], "truth_percent": 40.0}),
            ),
            ("income", "integer", json!({"kind": "randomized_response", "noise": 100})),
            ("day", "date", json!({"kind": "randomized_response", "noise_days": 10})),
        ],
    )
    .await?;
    let query = format!("SELECT answer, income, day FROM {} ORDER BY id", scene.view("things"));
    let seen = ada.until_that(&query, "200 rows", |seen| seen.lines().count() == 200).await?;
    assert_eq!(ada.see(&query).await, seen, "asking again does not average it out");
    let count = |wanted: &str| seen.lines().filter(|line| line.starts_with(wanted)).count();
    // 40 % and a third of the rest say yes: 120 of 200, give or take five standard deviations.
    assert!((85..=155).contains(&count("yes|")) && count("no|") > 10 && count("perhaps|") > 10, "{seen}");
    let incomes: Vec<i64> = seen.lines().filter_map(|line| line.split('|').nth(1)?.parse().ok()).collect();
    let mean = incomes.iter().sum::<i64>() / 200;
    assert!(incomes.iter().all(|income| (900..=1100).contains(income)) && (975..=1025).contains(&mean), "{mean}");
    assert!(incomes.iter().collect::<std::collections::BTreeSet<_>>().len() > 50);
    let days = seen.lines().filter_map(|line| line.split('|').nth(2));
    assert!(days.clone().all(|day| ("2026-06-05"..="2026-06-25").contains(&day)));
    assert!(days.collect::<std::collections::BTreeSet<_>>().len() > 10);
    Ok(())
}

#[tokio::test]
async fn cells_and_expressions() -> Result<(), StackError> {
    let scene = Scene::begin("cells").await?;
    let source = scene.people().await?;
    let ada = scene.account("ada").await?;
    let rules = json!([
        {"mask": {"columns": {"name": "name"}, "where": "balance < 0", "using": {"kind": "constant", "value": "?"}}},
        {"mask": {"columns": {"name": "phone"}, "using": {"kind": "custom", "expression": "RIGHT(phone, 2) || ' ' || LOWER(country)"}}},
        {"rows": {"only": {"where": "@attributeValuesContains('country', country) OR id = 4 AND @isInGroups('staff')"}}},
    ]);
    scene
        .send(&[
            source,
            scene.subscription("readers", 1, json!({"level": "anyone"})),
            scene.rules("rules", 1, rules),
            scene.user("ada", 1, &["staff"], json!({"country": ["FRANCE"]})),
        ])
        .await?;
    let query = format!("SELECT id, name, phone FROM {} ORDER BY id", scene.view("people"));
    // Where the balance is not known, the predicate is not false.
    ada.until(&query, "1|Ada|01 france\n3|?|03 france\n4|?|04 spain").await?;
    let mut left = scene.event("user.groups_changed", "ada", 2);
    left["groups"] = json!([]);
    scene.send(&[left]).await?;
    ada.until(&query, "1|Ada|01 france\n3|?|03 france").await
}

#[tokio::test]
async fn hashes_join_for_whoever_works_in_a_project_that_allows_it() -> Result<(), StackError> {
    let scene = Scene::begin("joins").await?;
    let mut sources = vec![scene.people().await?];
    scene.create("orders", "number integer, buyer varchar(40)", "(7, 'Ada'), (8, 'Bob'), (9, 'Ada')").await?;
    sources.push(scene.source(
        "orders",
        1,
        json!([{"name": "number", "type": "integer"}, {"name": "buyer", "type": "varchar(40)", "tags": [scene.tag("name")]}]),
    ));
    let ada = scene.account("ada").await?;
    let bob = scene.account("bob").await?;
    let mask = json!([{"mask": {"columns": {"tag": scene.tag("name")}, "using": {"kind": "hash"}}}]);
    sources.extend([
        scene.subscription("readers", 1, json!({"level": "anyone"})),
        scene.rules("masks", 1, mask),
        scene.user("ada", 1, &[], json!({})),
        scene.user("bob", 1, &[], json!({})),
        json!({"type": "project.created", "project": {
            "id": scene.name("churn"), "version": 1, "name": "Churn", "members": [scene.name("ada")],
            "data_sources": [scene.name("people"), scene.name("orders")], "masked_joins": true}}),
    ]);
    scene.send(&sources).await?;
    let (people, orders) = (scene.view("people"), scene.view("orders"));
    let join =
        format!("SELECT p.id, o.number FROM {people} AS p JOIN {orders} AS o ON o.buyer = p.name ORDER BY o.number");
    for session in [&ada, &bob] {
        session.until(&join, "").await?;
    }
    let mut switched = scene.event("user.project_switched", "ada", 2);
    switched["project"] = json!(scene.name("churn"));
    scene.send(&[switched]).await?;
    ada.until(&join, "1|7\n2|8\n1|9").await?;
    assert_eq!(bob.see(&join).await, "", "nobody else's hashes change");
    Ok(())
}
