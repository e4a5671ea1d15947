//! Setup, change and removal, interrupted before and after each of their steps and gone on with: the end is always the same.

use redoubt_aws::{batch::Outcome, port::Queue};
use redoubt_core::record::{Kind, State};
use serde_json::{Value, json};

use super::{
    deployment::Deployment,
    front::Cut,
    lab::{ELSEWHERE, Lab, integration},
};

fn first() -> Value {
    integration(json!({"mask": null, "impersonation": true}))
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

/// Which deaths are tried at a step. To die before a step and to die after the one before it differ only in what was written down in
/// between, so the former are tried only when asked for.
fn cuts(number: usize) -> Vec<Cut> {
    let mut cuts = vec![Cut::After(number)];
    if std::env::var_os("REDOUBT_EVERY_INTERRUPTION").is_some() {
        cuts.push(Cut::Before(number));
    }
    cuts
}

async fn is_in(deployment: &Deployment, state: State, when: &str) {
    let status = deployment.status(Kind::Integration, "wh").await;
    assert_eq!(status.state, state, "{when}: {status:?}");
}

/// Walks through every step of the last of some events, the others being done before; each time from nothing to nothing.
async fn walk(events: &[Value], state: State) {
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
    is_in(&deployment, state, "uninterrupted").await;
    let expected = lab.catalog().await;
    clean(&deployment).await;
    assert!(calls.len() > 3, "{calls:?}");
    for cut in (0..calls.len()).flat_map(cuts) {
        let deployment = prepared().await;
        run_cut(&deployment, last, cut).await;
        is_in(&deployment, state, &format!("{cut:?} of {calls:?}")).await;
        assert_eq!(lab.catalog().await, expected, "{cut:?} of {calls:?}");
        clean(&deployment).await;
    }
    lab.stop().await;
}

/// Walks through every step of a change from one document to another, and back each time.
async fn walk_change(from: Value, to: Value) {
    let lab = Lab::start().await;
    let deployment = lab.sound_deployment();
    let mut version = 0;
    let mut next = |document: &Value| {
        version += 1;
        let mut document = document.clone();
        document["version"] = json!(version);
        event(&document)
    };
    run(&deployment, &next(&from)).await;
    let before = lab.catalog().await;
    let calls = run(&deployment, &next(&to)).await;
    is_in(&deployment, State::Applied, "uninterrupted").await;
    let expected = lab.catalog().await;
    assert_ne!(before, expected);
    assert!(calls.len() > 3, "{calls:?}");
    for cut in (0..calls.len()).flat_map(cuts) {
        run(&deployment, &next(&from)).await;
        is_in(&deployment, State::Applied, "back").await;
        assert_eq!(lab.catalog().await, before, "the way back is a change too");
        run_cut(&deployment, &next(&to), cut).await;
        is_in(&deployment, State::Applied, &format!("{cut:?} of {calls:?}")).await;
        assert_eq!(lab.catalog().await, expected, "{cut:?} of {calls:?}");
    }
    lab.stop().await;
}

#[tokio::test]
async fn a_setup() {
    walk(&[event(&first())], State::Applied).await;
}

#[tokio::test]
async fn a_change() {
    walk_change(first(), integration(json!({"mask": null, "view_schema": "safe"}))).await;
}

#[tokio::test]
async fn a_removal() {
    walk(&[event(&first()), deleted()], State::Withdrawn).await;
}

#[tokio::test]
async fn a_move_to_another_database() {
    let single = json!({"mask": null, "mode": "single_database", "database": "former", "new_database": true});
    walk_change(integration(single), integration(json!({"mask": null}))).await;
}
