//! Setup, change and removal, interrupted before and after each of their steps and gone on with: the end is always the same.

use redoubt_aws::{batch::Outcome, port::Queue};
use redoubt_core::record::State;
use serde_json::{Value, json};

use super::{
    deployment::Deployment,
    front::Cut,
    lab::{ELSEWHERE, Lab, integration},
};

fn first() -> Value {
    integration(json!({"mask": null, "impersonation": true}))
}

fn second() -> Value {
    integration(json!({"mask": null, "version": 2, "view_schema": "safe"}))
}

fn event(document: &Value) -> Value {
    json!({"type": "integration.updated", "integration": document})
}

fn deleted() -> Value {
    json!({"type": "integration.deleted", "id": "wh", "version": 9, "setup": {"secret": "setup", "database": ELSEWHERE}})
}

/// Has a deployment do what an event asks, uninterrupted. Gives the calls it took.
async fn run(deployment: &Deployment, event: &Value) -> Vec<String> {
    deployment.cut(None);
    deployment.send(Queue::Integration, event).await;
    deployment.settle().await;
    deployment.calls()
}

/// The same, with the first invocation dying at a call, and others going on.
async fn run_cut(deployment: &Deployment, event: &Value, cut: Cut) {
    deployment.cut(Some(cut));
    let outcome = deployment.handle(Queue::Integration, &[event.to_string()]).await;
    assert_eq!(outcome, [Outcome::Retry], "{cut:?}: it was interrupted");
    // Who died has not said so: the lease has to run out.
    deployment.wait(600);
    run(deployment, event).await;
}

/// Walks through every step of the last of some events, the others being done before. To die before a step and to die after the
/// one before it differ only in what was written down in between.
async fn walk(events: &[Value], state: State, cuts: &[fn(usize) -> Cut]) {
    let lab = Lab::start().await;
    let (last, before) = events.split_last().unwrap();
    let empty = lab.catalog().await;
    let prepared = async || {
        let deployment = lab.sound_deployment();
        for event in before {
            run(&deployment, event).await;
        }
        deployment
    };
    let clean = async |deployment: &Deployment| {
        run(deployment, &deleted()).await;
        assert_eq!(lab.catalog().await, empty, "a removal leaves nothing");
    };
    let deployment = prepared().await;
    let calls = run(&deployment, last).await;
    let status = deployment.status(redoubt_core::record::Kind::Integration, "wh").await;
    assert_eq!(status.state, state, "{status:?}");
    let expected = lab.catalog().await;
    clean(&deployment).await;
    assert!(calls.len() > 3, "{calls:?}");
    for number in 0..calls.len() {
        for cut in cuts.iter().map(|cut| cut(number)) {
            let deployment = prepared().await;
            run_cut(&deployment, last, cut).await;
            let status = deployment.status(redoubt_core::record::Kind::Integration, "wh").await;
            assert_eq!(status.state, state, "{cut:?} of {calls:?}: {status:?}");
            assert_eq!(lab.catalog().await, expected, "{cut:?} of {calls:?}");
            clean(&deployment).await;
        }
    }
    lab.stop().await;
}

#[tokio::test]
async fn a_setup() {
    walk(&[event(&first())], State::Applied, &[Cut::Before, Cut::After]).await;
}

#[tokio::test]
async fn a_change() {
    walk(&[event(&first()), event(&second())], State::Applied, &[Cut::After]).await;
}

#[tokio::test]
async fn a_removal() {
    walk(&[event(&first()), deleted()], State::Withdrawn, &[Cut::Before, Cut::After]).await;
}

#[tokio::test]
async fn a_move_to_another_database() {
    let single =
        integration(json!({"mask": null, "mode": "single_database", "database": "former", "new_database": true}));
    let multi = integration(json!({"mask": null, "version": 2}));
    walk(&[event(&single), event(&multi)], State::Applied, &[Cut::After]).await;
}
