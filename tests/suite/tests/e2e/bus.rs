//! The same through EventBridge: each event comes to the queue of its function in the whole envelope.

use redoubt_tests::stack::{Function, Scene, StackError};
use serde_json::json;

#[tokio::test]
async fn events_put_on_the_bus_are_enforced() -> Result<(), StackError> {
    let scene = Scene::begin("bus").await?;
    let source = scene.people().await?;
    let ada = scene.account("ada").await?;
    let desk = scene.name("desk");
    let mut switched = scene.event("user.project_switched", "ada", 2);
    switched["project"] = json!(desk);
    let mut acknowledged = scene.event("user.purpose_acknowledged", "ada", 2);
    acknowledged["project"] = json!(desk);
    acknowledged["purpose"] = json!("fraud");
    scene
        .stack
        .put_events(&[
            source,
            scene.subscription("readers", 1, json!({"level": "anyone"})),
            scene.rules("purpose", 1, json!([{"rows": {"only": {"purposes": ["fraud"]}}}])),
            scene.user("ada", 1, &[], json!({})),
            json!({"type": "project.created", "project": {"id": desk, "version": 1, "name": "Desk",
                   "members": [scene.name("ada")], "purposes": ["fraud"], "data_sources": [scene.name("people")]}}),
            switched,
            acknowledged,
        ])
        .await?;
    let query = format!("SELECT id FROM {} ORDER BY id", scene.view("people"));
    ada.until(&query, "1\n2\n3\n4").await?;
    scene.stack.put_events(&[scene.event("policy.disabled", "readers", 2)]).await?;
    ada.until(&query, "").await
}

#[tokio::test]
async fn an_integration_event_on_the_bus_reaches_its_function() -> Result<(), StackError> {
    let scene = Scene::begin("busint").await?;
    let id = scene.name("wh");
    let event = json!({"type": "integration.created", "integration": {"id": id, "version": 1}});
    scene.stack.put_events(&[event]).await?;
    let letter = scene.stack.dead_letter(Function::Integration, &id).await?;
    assert_eq!(letter.error.kind, "reject");
    assert_eq!(letter.error.faults.len(), 6, "{:?}", letter.error.faults);
    assert!(letter.body.contains("\"detail-type\""), "the letter holds what came: {}", letter.body);
    Ok(())
}
