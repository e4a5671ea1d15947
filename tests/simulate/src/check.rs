//! What must hold in the end: the warehouse has exactly what the newest documents ask for, and everything that was said of it
//! is true.

use std::{collections::BTreeSet, fmt::Debug};

use redoubt_core::record::{Kind, Record, State};
use serde_json::{Value, json};

use crate::{
    documents::{Documents, Source},
    services::{queue::DeadLetter, store::Table},
    warehouse::Warehouse,
};

/// The event in a dead letter, if it was rejected for a name that another document uses.
///
/// # Errors
/// When it is dead for any other reason.
pub fn contested(letter: &DeadLetter) -> Result<Value, String> {
    let wrong = || format!("this became a dead letter: {}", letter.body);
    if letter.queue.is_some() {
        return Err(wrong());
    }
    let value: Value = serde_json::from_str(&letter.body).map_err(|_| wrong())?;
    let faults = value["error"]["faults"].as_array().ok_or_else(wrong)?;
    let is_name = |fault: &Value| fault.as_str().is_some_and(|fault| fault.contains("does not use"));
    if faults.is_empty() || !faults.iter().all(is_name) {
        return Err(wrong());
    }
    value["body"].as_str().and_then(|body| serde_json::from_str(body).ok()).ok_or_else(wrong)
}

fn same<T: PartialEq + Debug>(what: &str, found: &T, expected: &T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what}: found {found:#?}\nexpected {expected:#?}")) }
}

/// Compares what is in force in the end with the events, of which some stay refused; gives what they say together.
///
/// # Errors
/// What does not hold.
pub fn in_force(
    events: &[&Value],
    refused: &BTreeSet<String>,
    table: &Table,
    warehouse: &Warehouse,
    gives_up: bool,
) -> Result<Documents, String> {
    let accepted = events.iter().copied().filter(|event| !refused.contains(&event.to_string()));
    let mut documents = Documents::merged(accepted);
    for kind in [Kind::Policy, Kind::DataSource, Kind::User, Kind::Project] {
        let stored: Vec<_> = table.all(kind).iter().map(|record| said(record)).collect();
        let merged: Vec<_> = documents.of(kind).map(said).collect();
        same(&format!("documents of kind {kind}"), &stored, &merged)?;
    }
    for claim in table.all(Kind::Claim) {
        documents.note(&claim);
    }
    let given_up = |kind: Kind, id: &str| {
        let reason = table.now(kind, id).and_then(|record| record.status()).and_then(|status| status.reason);
        gives_up && reason.is_some_and(|reason| reason.contains("given up after"))
    };
    let sources = documents.sources();
    // What was given up is gone, or the newest: the statement that failed may have been the one that only prepares it.
    let known = warehouse.views();
    let wanted = sources.iter().filter_map(|(id, source)| Some((id, source.view()?)));
    let wanted =
        wanted.filter(|(id, view)| !given_up(Kind::DataSource, id) || known.get(&view.name) == Some(&view.text));
    let wanted = wanted.map(|(_, view)| (view.name.clone(), view.text.clone())).collect();
    same("views", &known, &wanted)?;
    let profiles = documents.profiles();
    let holder = |account: &str| {
        let claim = table.now(Kind::Claim, &format!("database_user/{account}"));
        claim.and_then(|claim| Some(claim.document()?.get("holder")?.as_str()?.to_owned())).unwrap_or_default()
    };
    let wanted = profiles.into_iter().filter_map(|(account, rows)| Some((account, rows?)));
    let known = warehouse.profiles();
    let wanted = wanted
        .filter(|(account, rows)| !given_up(Kind::User, &holder(account)) || known.get(account) == Some(rows))
        .collect();
    same("profiles", &known, &wanted)?;
    if !gives_up {
        same("definitions of policies", &warehouse.definitions(), &documents.definitions())?;
    }
    Ok(documents)
}

/// Compares the end of a run with the events, of which some stay refused: what is in force, and what is said of it.
///
/// # Errors
/// What does not hold.
pub fn end(
    events: &[&Value],
    refused: &BTreeSet<String>,
    table: &Table,
    warehouse: &Warehouse,
    gives_up: bool,
) -> Result<(), String> {
    let documents = in_force(events, refused, table, warehouse, gives_up)?;
    same("rows that stand twice", &warehouse.doubled(), &Vec::new())?;
    same("projects without a salt that views need", &warehouse.unsalted(), &Vec::new())?;
    statuses(table, &documents, gives_up)?;
    for kind in [Kind::Policy, Kind::Project] {
        for record in table.all(kind) {
            same(&format!("previous definitions of {kind} {}", record.id), &record.previous, &Vec::new())?;
        }
    }
    same("submissions left", &table.all(Kind::Submission).len(), &0)
}

/// Refreshes of what is behind its revision while nothing is under way, and of what has two rows in the warehouse, as `reconcile`
/// asks for them. Two deliveries of one message raise a revision twice; if the first of them succeeds, the message is gone, and
/// nobody tries for the second. Two first statements about a data source may each insert its row; the next one leaves one. What is
/// in force is right by then.
pub fn behind(table: &Table, warehouse: &Warehouse) -> Vec<Value> {
    let doubled = warehouse.doubled();
    let is_behind = |record: &Record| {
        let status = record.status();
        let is_old = status.is_some_and(|status| {
            status.state == State::Pending && status.attempt == 0
                || status.revision < record.revision
                    && (record.document().is_some() || status.state != State::Withdrawn)
        });
        is_old || record.kind == Kind::DataSource && doubled.contains(&format!("data_source {}", record.id))
    };
    let kinds = [(Kind::Policy, "policy"), (Kind::DataSource, "data_source"), (Kind::User, "user")];
    let refresh = |(kind, name): (Kind, &str)| {
        let all = table.all(kind);
        let ids: Vec<&str> = all.iter().filter(|record| is_behind(record)).map(|record| record.id.as_str()).collect();
        (!ids.is_empty()).then(|| json!({"type": format!("{name}.refresh"), "ids": ids}))
    };
    kinds.into_iter().filter_map(refresh).collect()
}

/// What a record says, without what Redoubt counts.
fn said(record: &Record) -> (String, Option<u64>, String) {
    (record.id.clone(), record.deleted, serde_json::to_string(&record.fields).unwrap())
}

fn statuses(table: &Table, documents: &Documents, gives_up: bool) -> Result<(), String> {
    let sources = documents.sources();
    for record in table.all(Kind::DataSource) {
        let (state, reason) = match &sources[&record.id] {
            Source::View(_) => (State::Applied, None),
            Source::Disabled => (State::Disabled, None),
            Source::Gone => (State::Withdrawn, None),
            Source::Unhealthy(reason) => (State::Unhealthy, Some(reason.as_str())),
        };
        status(&record, state, reason, gives_up)?;
    }
    for record in table.all(Kind::User) {
        let account = record.document().and_then(|document| document.get("database_user")?.as_str());
        let (state, reason) = match account {
            None => (State::Withdrawn, None),
            Some(account) => match documents.profiles().get(account) {
                Some(Some(_)) => (State::Applied, None),
                _ => (State::Unhealthy, Some("")),
            },
        };
        status(&record, state, reason, gives_up)?;
    }
    for record in table.all(Kind::Policy) {
        let state = if record.document().is_some() { State::Applied } else { State::Withdrawn };
        status(&record, state, None, gives_up)?;
    }
    Ok(())
}

fn status(record: &Record, state: State, reason: Option<&str>, gives_up: bool) -> Result<(), String> {
    let Some(status) = record.status() else {
        // One that was gone before it ever came has nothing to withdraw.
        return if record.document().is_none() {
            Ok(())
        } else {
            Err(format!("{} {} has no status", record.kind, record.id))
        };
    };
    // What is gone is not taken away again by later refreshes.
    if record.document().is_none() && status.state == State::Withdrawn {
        return Ok(());
    }
    // What takes something away is never given up.
    let given_up = gives_up
        && matches!(state, State::Applied | State::Unhealthy)
        && status.reason.as_deref().is_some_and(|reason| reason.contains("given up after"));
    let right = status.state == state
        && reason.is_none_or(|reason| status.reason.as_deref().is_some_and(|found| found.contains(reason)));
    if status.revision == record.revision && (right || given_up && status.state == State::Unhealthy) {
        return Ok(());
    }
    Err(format!(
        "{} {} is at revision {} and its status is {status:?}, expected {state:?} {}",
        record.kind,
        record.id,
        record.revision,
        reason.unwrap_or_default()
    ))
}
