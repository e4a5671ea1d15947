//! Hostile text in every string that reaches SQL.

use redoubt_core::{
    record::{Kind, State},
    render::hex,
};
use redoubt_tests::stack::{Scene, Session, StackError, ident, literal};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Pieces that end literals, identifiers or comments somewhere, or look like something else.
const HOSTILE: [&str; 12] = [
    "it's",
    "''; DROP TABLE x; --",
    "back\\slash\\",
    "\\' OR 1=1 --",
    "\"quoted\" \"\"twice\"\"",
    "*/ comment /*",
    "-- line",
    "$redoubt$ $$ $1 :name ?",
    "{place} %s %I",
    "ünïcödé ẞ İ",
    "\u{1f600}\u{200d}\u{202e}rtl",
    "U&'\\0041' E'\\x41' N'a'",
];

/// The pieces over and over, cut to so many bytes at a character.
fn hostile(bytes: usize) -> String {
    let mut text = String::new();
    for character in HOSTILE.join(" ").chars().cycle() {
        if text.len() + character.len_utf8() > bytes {
            break;
        }
        text.push(character);
    }
    text.trim_end().to_owned()
}

/// An identity of the test's own, as long as an identity may be.
fn identity(scene: &Scene, what: &str) -> String {
    let start = format!("{} {what} ", scene.prefix);
    format!("{start}{}", hostile(128 - start.len()))
}

/// Everything in the warehouse that a statement could have made or dropped by accident.
async fn objects(scene: &Scene) -> Result<String, StackError> {
    let query = "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                 WHERE n.nspname IN ('immuta_system', 'immuta_functions', 'immuta_procedures', 'public') \
                 UNION ALL SELECT count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace \
                 WHERE n.nspname LIKE 'immuta%' UNION ALL SELECT count(*) FROM pg_namespace WHERE nspname NOT LIKE 'redshift_x:%' \
                 AND nspname NOT LIKE 'pg_%'";
    Ok(scene.administrator().await?.see(query).await)
}

/// The event that registers the table of two columns whose second has a name of its own.
fn source(scene: &Scene, name: &str, column: &str, tag: &str) -> Value {
    scene.source(
        name,
        1,
        json!([{"name": "id", "type": "integer"}, {"name": column, "type": "varchar(300)", "tags": [tag]}]),
    )
}

/// A table with two rows, the second of which holds the text.
async fn create(scene: &Scene, name: &str, column: &str, text: &str) -> Result<(), StackError> {
    let columns = format!("id integer, {} varchar(300)", ident(column));
    // PostgreSQL's own port reads a backslash as Redshift does.
    scene.create(name, &columns, &format!("(1, 'plain'), (2, {})", literal(text))).await
}

async fn login(scene: &Scene, account: &str) -> Result<Session, StackError> {
    scene.administrator().await?.run(&format!("CREATE ROLE {} LOGIN", ident(account))).await?;
    Session::open(&scene.stack.settings, account, &scene.warehouse.database).await
}

#[tokio::test]
async fn identities_groups_attributes_and_purposes() -> Result<(), StackError> {
    let scene = Scene::begin("hostile").await?;
    let before = objects(&scene).await?;
    let [id, user, project, readers, masks] =
        ["source", "user", "project", "readers", "masks"].map(|what| identity(&scene, what));
    let value = hostile(512);
    let constant = hostile(300);
    create(&scene, "texts", "body", "text").await?;
    let account = format!("{}'\\\"\u{1f600};--", scene.prefix);
    let session = login(&scene, &account).await?;
    let mut registered = source(&scene, "texts", "body", &hostile(256));
    registered["data_source"]["id"] = json!(id);
    let policy = |id: &str, body: &str, content: Value| {
        json!({"type": "policy.created", "policy": {"id": id, "version": 1, "name": value,
               "created_at": "2026-01-01T00:00:00Z", "scope": {"tags": [hostile(256)]}, body: content}})
    };
    let condition = json!({"all": [
        {"group": value},
        {"attribute": {"name": value, "values": ["other", value]}},
        {"purpose": value},
    ]});
    scene
        .send(&[
            registered,
            policy(&readers, "subscription", json!({"level": "entitlement", "condition": condition})),
            policy(
                &masks,
                "rules",
                json!([{"mask": {"columns": {"tag": hostile(256)}, "using": {"kind": "constant", "value": constant},
                                 "except": {"group": "it's nobody's"}}}]),
            ),
            json!({"type": "project.created", "project": {"id": project, "version": 1, "name": value,
                   "members": [user], "purposes": [value], "data_sources": [id]}}),
            json!({"type": "user.created", "user": {"id": user, "version": 1, "database_user": account,
                   "groups": [value], "attributes": {value.as_str(): [value]}, "project": project}}),
        ])
        .await?;
    let query = format!("SELECT id, body FROM {} ORDER BY id", scene.view("texts"));
    session.until(&query, "").await?;
    scene
        .send(&[json!({"type": "user.purpose_acknowledged", "id": user, "version": 2, "project": project,
                       "purpose": value})])
        .await?;
    session.until(&query, &format!("1|{constant}\n2|{constant}")).await?;
    let approval = json!({"type": "user.subscription_approved", "id": user, "version": 3, "data_source": id});
    scene.send(&[approval]).await?;
    let own = "SELECT kind, name, value FROM immuta_system.user_entitlement ORDER BY kind";
    let entitlements = format!(
        "approval|NULL|{id}\nattribute|{value}|{value}\ngroup|NULL|{value}\nproject|NULL|{project}\npurpose|{project}|{value}\n\
         user|NULL|{user}"
    );
    session.until(own, &entitlements).await?;
    scene.send(&[json!({"type": "data_source.deleted", "id": id, "version": 2})]).await?;
    scene.stack.status(Kind::DataSource, &id, State::Withdrawn).await?;
    assert!(session.see(&query).await.starts_with("ERROR 42P01"));
    scene.send(&[json!({"type": "user.deleted", "id": user, "version": 4})]).await?;
    session.until(own, "").await?;
    assert_eq!(objects(&scene).await?, before, "nothing else was made or dropped");
    Ok(())
}

#[tokio::test]
async fn names_of_tables_views_and_columns() -> Result<(), StackError> {
    let scene = Scene::begin("names").await?;
    let before = objects(&scene).await?;
    let ada = scene.account("ada").await?;
    let mut events = vec![
        scene.subscription("readers", 1, json!({"level": "anyone"})),
        scene.user("ada", 1, &[], json!({})),
        scene.rules(
            "masks",
            1,
            json!([{"mask": {"columns": {"tag": scene.tag("secret")}, "using": {"kind": "show", "last": 1}}}]),
        ),
    ];
    // PostgreSQL's names have 63 bytes; the limit of 127 is a matter of unit tests.
    let short = |piece: &str| -> String { piece.chars().take(16).collect::<String>().trim().to_owned() };
    for piece in HOSTILE {
        let name = short(piece);
        create(&scene, &name, &name, "abc").await?;
        let mut event = source(&scene, &name, &name, &scene.tag("secret"));
        event["data_source"]["view"] = json!(scene.name(&name));
        events.push(event);
    }
    scene.send(&events).await?;
    for piece in HOSTILE {
        let name = short(piece);
        let query = format!("SELECT id, {} FROM {} ORDER BY id", ident(&name), scene.view(&name));
        ada.until(&query, "1|****n\n2|**c").await?;
    }
    let views =
        format!("SELECT count(*) FROM pg_views WHERE schemaname = 'governed' AND viewname LIKE '{}%'", scene.prefix);
    assert_eq!(scene.administrator().await?.see(&views).await, HOSTILE.len().to_string());
    assert_eq!(objects(&scene).await?, before, "nothing else was made or dropped");
    Ok(())
}

#[tokio::test]
async fn values_that_are_matched_hashed_and_shown() -> Result<(), StackError> {
    let scene = Scene::begin("values").await?;
    let ada = scene.account("ada").await?;
    let rows: Vec<String> = HOSTILE
        .iter()
        .enumerate()
        .map(|(id, text)| format!("({id}, {text}, {text}, {text})", text = literal(text)))
        .collect();
    let columns = "id integer, matched varchar(60), hashed varchar(60), shown varchar(60)";
    scene.create("texts", columns, &rows.join(", ")).await?;
    let column = |name: &str| json!({"name": name, "type": "varchar(60)"});
    let columns = json!([{"name": "id", "type": "integer"}, column("matched"), column("hashed"), column("shown")]);
    let mine = &HOSTILE[1..4];
    let rules = |version, mark: char| {
        scene.rules(
            "rules",
            version,
            json!([
                {"rows": {"only": {"match": {"attribute": {"name": "it's", "column": {"name": "matched"}}}}}},
                {"mask": {"columns": {"name": "hashed"}, "using": {"kind": "hash"}}},
                {"mask": {"columns": {"name": "shown"},
                          "using": {"kind": "show", "first": 2, "replace_with": mark.to_string()}}},
            ]),
        )
    };
    scene
        .send(&[
            scene.source("texts", 1, columns),
            scene.subscription("readers", 1, json!({"level": "anyone"})),
            scene.user("ada", 1, &[], json!({"it's": mine})),
        ])
        .await?;
    let query = format!("SELECT id, matched, shown FROM {} ORDER BY id", scene.view("texts"));
    for (version, mark) in (1..).zip(['\'', '\\', '"', '%']) {
        scene.send(&[rules(version, mark)]).await?;
        let shown = |text: &str| {
            let hidden = text.chars().count() - 2;
            format!("{}{}", text.chars().take(2).collect::<String>(), mark.to_string().repeat(hidden))
        };
        let expected: Vec<String> = (1..).zip(mine).map(|(id, text)| format!("{id}|{text}|{}", shown(text))).collect();
        ada.until(&query, &expected.join("\n")).await?;
    }
    // Digests are those of the values, byte for byte.
    let salt = format!("SELECT salt FROM immuta_system.masking_key WHERE source = '{}'", scene.name("texts"));
    let salt = scene.administrator().await?.see(&salt).await;
    let digests: Vec<String> = mine.iter().map(|text| hex(&Sha256::digest(format!("{salt}{text}")))).collect();
    let hashed = format!("SELECT hashed FROM {} ORDER BY id", scene.view("texts"));
    assert_eq!(ada.see(&hashed).await, digests.join("\n"));
    Ok(())
}
