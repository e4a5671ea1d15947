//! Marks are planted in everything that no log may hold, and then nothing of them stands in what the functions and servers wrote,
//! at the most detailed level. The stack runs the functions with `REDOUBT_LOG=trace`.

use redoubt_core::record::{DOCUMENT, Kind, Record, State};
use redoubt_tests::stack::{Function, Scene, Session, StackError, literal, logs, wait};
use serde_json::{Value, json};

use super::webhook::Producer;

/// Parts of the SQL that the functions send.
const SQL: [&str; 6] = ["CALL \"", "CREATE VIEW", "CREATE TABLE", "INSERT INTO", "SELECT ", " FROM "];

/// What is looked for, and where it must be found instead.
struct Canaries<'a>(&'a Scene);

impl Canaries<'_> {
    fn of(&self, what: &str) -> String {
        format!("canary{what}{}", self.0.prefix.replace('_', ""))
    }

    /// A data source with a mark in its rows.
    async fn birds(&self) -> Result<Value, StackError> {
        let scene = self.0;
        let row = format!("(1, '{0}', '{0}'), (2, 'wren', NULL)", self.of("row"));
        scene.create("birds", "id integer, song varchar(80), note varchar(80)", &row).await?;
        let column = |name: &str, data_type: &str| json!({"name": name, "type": data_type});
        let columns = json!([column("id", "integer"), column("song", "varchar(80)"), column("note", "varchar(80)")]);
        Ok(scene.source("birds", 1, columns))
    }

    /// Policies with marks in every part that can hold a value.
    fn policies(&self) -> Vec<Value> {
        let scene = self.0;
        let constant = json!({"mask": {"columns": {"name": "song"}, "where": format!("song <> '{}'", self.of("cell")), "cases": [
            {"for": {"group": self.of("group")}, "using": {"kind": "constant", "value": self.of("constant")}}],
            "otherwise": {"kind": "regex", "pattern": self.of("pattern"), "replace_with": self.of("replacement"), "engine": "lambda"}}});
        let custom = json!({"mask": {"columns": {"name": "note"},
            "using": {"kind": "custom", "expression": format!("COALESCE(note, '{}')", self.of("custom"))}}});
        let rows = json!({"rows": {"only": {"where": format!("song IS NOT NULL AND song <> '{}'", self.of("where"))},
            "except": {"attribute": {"name": "tone", "values": [self.of("condition")]}}}});
        let mut masks = scene.rules("masks", 1, json!([constant, custom, rows]));
        masks["policy"]["scope"] = json!({"data_sources": [scene.name("birds")]});
        vec![scene.subscription("readers", 1, json!({"level": "anyone"})), masks]
    }

    /// A source whose table is not there, with a mark for its name and that of a column, which the database repeats.
    fn nowhere(&self) -> Value {
        let columns = json!([{"name": self.of("column"), "type": "integer"}]);
        let mut event = self.0.source("nowhere", 1, columns);
        event["data_source"]["table"] = json!(self.of("table"));
        event
    }

    /// Messages that are refused: no JSON, a wrong field, a version with two values, another function's.
    async fn refused(&self) -> Result<Vec<String>, StackError> {
        let scene = self.0;
        let marked = |what: &str| scene.user(what, 1, &[&self.of("refused")], json!({}));
        let mut wrong = marked("wrong");
        wrong["user"]["database_user"] = json!([self.of("wrong")]);
        let broken = format!("{{\"type\": \"user.created\", {}: {}", scene.name("broken"), self.of("broken"));
        let mut contradiction = scene.user("ada", 1, &[&self.of("second")], json!({}));
        contradiction["user"]["database_user"] = json!(scene.name("ada"));
        let foreign = scene.subscription(&self.of("foreign"), 1, json!({"level": "anyone"})).to_string();
        let bodies = [wrong.to_string(), broken, contradiction.to_string(), foreign];
        scene.stack.send_bodies(Function::User, &bodies).await?;
        let markers = [self.of("wrong"), self.of("broken"), self.of("second"), self.of("foreign")];
        for marker in &markers {
            // Where it belongs: with the message, for whoever mends it.
            scene.stack.dead_letter(Function::User, marker).await?;
        }
        Ok(markers.to_vec())
    }
}

/// What the metadata hold of a document.
async fn stored(scene: &Scene, kind: Kind, name: &str) -> Result<String, StackError> {
    let record: Option<Record> = scene.stack.record(kind, &scene.name(name)).await?;
    let record = record.ok_or_else(|| StackError::Unusable(format!("no {kind} `{name}`")))?;
    assert!(record.fields.contains_key(DOCUMENT));
    Ok(serde_json::to_string(&record)?)
}

/// Every text in a secret that is long enough to be one.
fn secrets(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) if text.len() >= 16 => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(secrets).collect(),
        Value::Object(fields) => fields.values().flat_map(secrets).collect(),
        _ => Vec::new(),
    }
}

/// What the functions are asked over the warehouse, with marks in every argument.
async fn call_masks(canaries: &Canaries<'_>, session: &Session) {
    let argument = literal(&canaries.of("argument"));
    for call in [
        format!("mask_reversible({argument}, {argument}, 's', 'c')"),
        format!("mask_regex({argument}, {argument}, {argument}, '')"),
        format!("mask_regex({argument}, '(', {argument}, '')"),
        format!("unmask({argument}, {argument}, 's', 'c')"),
    ] {
        session.see(&format!("SELECT immuta_functions.{call}")).await;
    }
}

#[tokio::test]
async fn nothing_that_is_governed_stands_in_any_log_or_metric() -> Result<(), StackError> {
    let scene = Scene::begin("canaries").await?;
    let canaries = Canaries(&scene);
    let ada = scene.account("ada").await?;
    let tones = json!({"tone": [canaries.of("condition"), canaries.of("attribute")]});
    let mut events = vec![canaries.birds().await?, canaries.nowhere()];
    events.extend(canaries.policies());
    events.push(scene.user("ada", 1, &[&canaries.of("group")], tones));
    scene.send(&events).await?;
    let query = format!("SELECT song, note FROM {} ORDER BY id", scene.view("birds"));
    let seen = format!("{0}|{1}\n{0}|{2}", canaries.of("constant"), canaries.of("row"), canaries.of("custom"));
    ada.until(&query, &seen).await?;
    let reason = scene.stack.unhealthy(Kind::DataSource, &scene.name("nowhere")).await?;
    assert!(reason.contains(&canaries.of("table")), "the status has the database's own words: {reason}");
    let mut sought = canaries.refused().await?;
    // The mask function, through the view and called by hand.
    let group = json!({"type": "user.groups_changed", "id": scene.name("ada"), "version": 2, "groups": []});
    scene.send(&[group]).await?;
    ada.until(&query, &format!("{0}|{0}\nwren|{1}", canaries.of("row"), canaries.of("custom"))).await?;
    call_masks(&canaries, &ada).await;
    // The webhook: taken, with faults, and not signed by anybody.
    let producer = Producer::of(&scene).await?;
    let hooked = scene.user("bob", 1, &[&canaries.of("hooked")], json!({}));
    assert_eq!(producer.send(&scene.name("hook1"), &hooked).await.0, 202);
    let faulty = json!({"type": "user.created", "user": {"id": canaries.of("faulty")}});
    assert_eq!(producer.send(&scene.name("hook2"), &faulty).await.0, 422);
    let forged = canaries.of("forged");
    let headers = [("Content-Type", "application/json"), ("X-Hub-Signature-256", forged.as_str())];
    assert!(producer.post(&headers, &hooked.to_string()).await.0 >= 400);
    scene.stack.status(Kind::User, &scene.name("bob"), State::Applied).await?;
    // Gone again, with what the removal says.
    scene.send(&[scene.event("policy.deleted", "masks", 2), scene.event("data_source.deleted", "nowhere", 2)]).await?;
    ada.until(&query, &format!("{0}|{0}\nwren|NULL", canaries.of("row"))).await?;

    // The marks are where they belong, so they were there to be written.
    let policy = stored(&scene, Kind::User, "ada").await?;
    assert!(policy.contains(&canaries.of("attribute")), "{policy}");
    sought.extend(
        ["row", "cell", "group", "constant", "pattern", "replacement", "custom", "where", "condition", "attribute"]
            .map(|what| canaries.of(what)),
    );
    sought
        .extend(["column", "table", "refused", "argument", "hooked", "faulty", "forged"].map(|what| canaries.of(what)));
    for variable in
        ["REDOUBT_SYSTEM_SECRET_ARN", "REDOUBT_SETUP_SECRET_ARN", "REDOUBT_MASTER_SECRET", "REDOUBT_WEBHOOK_SECRET"]
    {
        let values = secrets(&scene.stack.secret(scene.stack.settings.get(variable)).await?);
        sought.extend(values.into_iter().filter(|value| !value.starts_with("immuta_system")));
    }
    assert!(sought.len() > 24, "{}", sought.len());

    // The last event is in the logs by its name, so these are the logs, and everything before it was written.
    let last = scene.name("last");
    let mut user = scene.user("cyd", 1, &[], json!({}));
    user["correlation_id"] = json!(last);
    scene.send(&[user]).await?;
    wait::until(
        || format!("a line about `{last}`"),
        async || {
            let lines = logs::about(&scene.stack, &last)?;
            Ok(if lines.iter().any(|line| line["message"] == "settled") { Ok(()) } else { Err(format!("{lines:?}")) })
        },
    )
    .await?;
    // The stand-in's own log is the warehouse's, where a message about a table names the table; so marks are found where they are.
    let (warehouse, functions): (Vec<String>, Vec<String>) =
        logs::lines_with(&scene.stack, &sought)?.into_iter().partition(|line| line.contains("redshift-standin.log"));
    assert_eq!(functions, Vec::<String>::new());
    assert!(
        !warehouse.is_empty() && warehouse.iter().all(|line| line.contains(&canaries.of("table"))),
        "{warehouse:#?}"
    );

    let objects = logs::objects(&scene.stack)?;
    let metrics = objects.iter().filter(|object| object.get("_aws").is_some()).count();
    assert!(metrics > 0 && objects.len() > metrics, "log lines and metrics were looked at");
    let with_sql = |object: &&Value| {
        let text = object.to_string().replace("\\\"", "\"");
        SQL.iter().any(|sql| text.contains(sql))
    };
    let found: Vec<&Value> = objects.iter().filter(with_sql).collect();
    assert!(found.is_empty(), "{found:#?}");
    Ok(())
}
