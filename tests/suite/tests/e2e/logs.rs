//! One id leads through the logs of all functions, from an event to its being in force, and the metrics say how long it took.

use redoubt_core::record::Kind;
use redoubt_tests::stack::{Function, Scene, StackError, logs, wait};
use serde_json::{Value, json};

/// What the lines say, each with what it is about.
fn steps(lines: &[Value]) -> Vec<String> {
    let text = |line: &Value, name: &str| line[name].as_str().map(str::to_owned);
    let about = |line: &Value| text(line, "event_type").or_else(|| text(line, "queue")).or_else(|| text(line, "kind"));
    let step =
        |line: &Value| format!("{} {}", text(line, "message").unwrap_or_default(), about(line).unwrap_or_default());
    lines.iter().map(step).collect()
}

/// Waits until the lines about an event hold these steps in this order, whatever stands between them, and gives the lines.
async fn followed(scene: &Scene, id: &str, wanted: &[&str]) -> Result<Vec<Value>, StackError> {
    wait::until(
        || format!("lines about `{id}`: {wanted:?}"),
        async || {
            let lines = logs::about(&scene.stack, id)?;
            let found = steps(&lines);
            let mut rest = found.iter();
            let all = wanted.iter().all(|wanted| rest.any(|step| step == wanted));
            Ok(if all { Ok(lines) } else { Err(format!("{found:#?}")) })
        },
    )
    .await
}

#[tokio::test]
async fn the_id_of_a_policy_event_leads_to_the_view_that_enforces_it() -> Result<(), StackError> {
    let scene = Scene::begin("chain").await?;
    let source = scene.people().await?;
    let ada = scene.account("ada").await?;
    scene
        .send(&[
            source,
            scene.subscription("readers", 1, json!({"level": "anyone"})),
            scene.user("ada", 1, &[], json!({})),
        ])
        .await?;
    let query = format!("SELECT name FROM {} WHERE id = 1", scene.view("people"));
    ada.until(&query, "Ada").await?;
    let id = scene.name("change/1");
    let mut hidden =
        scene.rules("names", 1, json!([{"mask": {"columns": {"name": "name"}, "using": {"kind": "null"}}}]));
    hidden["correlation_id"] = json!(id);
    scene.send(&[hidden]).await?;
    ada.until(&query, "NULL").await?;
    let chain = [
        "received policy.created",
        "stored policy",
        "asking for a refresh data-source",
        "received data_source.refresh",
        "rendered data_source",
        "submitted data_source",
        "settled data_source",
    ];
    let lines = followed(&scene, &id, &chain).await?;
    let view: Vec<&Value> = lines.iter().filter(|line| line["kind"] == "data_source").collect();
    assert!(view.iter().all(|line| line["id"] == scene.name("people") && line["revision"] == view[0]["revision"]));
    let find = |step: &str| {
        let found = view.iter().find(|line| line["message"] == step);
        found.copied().cloned().ok_or_else(|| StackError::Unusable(format!("no `{step}`")))
    };
    let (submitted, in_force) = (find("submitted")?, find("settled")?);
    let everything = logs::objects(&scene.stack)?;
    let same = |line: &Value, name: &str| line[name].is_string() && line[name] == submitted[name];
    let ended = everything.iter().filter(|line| line["message"] == "ended" && same(line, "submission"));
    assert!(ended.clone().count() == 1 && ended.clone().all(|line| same(line, "statement_id")), "{submitted}");
    // How long it took is what the metric says.
    let took = &in_force["milliseconds"];
    let measured = |line: &Value| {
        line["Function"] == "redoubt-outcome"
            && line["PropagationTime"].as_array().is_some_and(|all| all.contains(took))
    };
    assert!(everything.iter().any(measured), "{in_force}");
    Ok(())
}

#[tokio::test]
async fn an_event_on_the_bus_is_called_as_the_bus_calls_it() -> Result<(), StackError> {
    let scene = Scene::begin("chainbus").await?;
    let ids = scene.stack.put_events(&[scene.user("ada", 1, &[], json!({}))]).await?;
    let [id] = ids.as_slice() else { panic!("{ids:?}") };
    let chain = ["received user.created", "stored user", "rendered user", "submitted user", "settled user"];
    let lines = followed(&scene, id, &chain).await?;
    assert_eq!(steps(&lines), chain, "and nothing else bears its name");
    assert_ne!(lines[0]["message_id"], *id, "SQS has a name of its own for it");
    Ok(())
}

#[tokio::test]
async fn what_can_not_be_applied_and_what_is_rejected_is_told_by_its_id() -> Result<(), StackError> {
    let scene = Scene::begin("chainbad").await?;
    let (missing, wrong) = (scene.name("missing"), scene.name("wrong"));
    let mut source = scene.people_source(1);
    source["correlation_id"] = json!(missing);
    let mut event = scene.event("data_source.enabled", "people", 1);
    event["version"] = json!("one");
    event["correlation_id"] = json!(wrong);
    scene.send(&[source, event]).await?;
    scene.stack.unhealthy(Kind::DataSource, &scene.name("people")).await?;
    scene.stack.dead_letter(Function::DataSource, &wrong).await?;
    let chain = ["stored data_source", "submitted data_source", "can't be applied data_source", "settled data_source"];
    let lines = followed(&scene, &missing, &chain).await?;
    let last = lines.iter().rfind(|line| line["message"] == "settled");
    let state = last.map(|line| line["state"].clone());
    assert_eq!(state, Some(json!("unhealthy")), "it is settled that there is no view");
    let lines = followed(&scene, &wrong, &["received ", "rejected "]).await?;
    assert_eq!(lines[1]["faults"], 1);
    Ok(())
}
