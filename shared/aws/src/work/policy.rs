//! Policy events: store the policy, tell every source that the new or the previous definition touches, and keep the definition
//! readable in the warehouses.

use std::collections::{BTreeMap, BTreeSet};

use redoubt_core::{
    advice::unknown_names,
    model::{DataSource, Id, command::field, policy::Scope, stored},
    record::{Kind, Record},
    render::{self, pack, policy::put},
    resolve::covers,
    sql::Text,
};
use serde_json::Value;

use super::{
    error::WorkError,
    fan_out::{self, Reason},
    intake::{self, Accepts, Outcomes, Targets},
    reach::Waiting,
    submission::{Order, Target, Then, is_settled, limits, rendered, submit},
    world,
};
use crate::{
    batch::{Message, Outcome},
    port::{Mode, Queues, Store, Warehouse},
    runtime::App,
};

/// Longest definition the warehouse stores, in bytes.
const MAX_DEFINITION: usize = 65_535;

const ACCEPTS: Accepts = Accepts { documents: &[Kind::Policy], refreshes: Kind::Policy, words: "policy events" };

/// Handles a batch of policy events.
pub async fn policy<S: Store, W: Warehouse, Q: Queues>(app: &App<S, W, Q>, messages: Vec<Message>) -> Vec<Outcome> {
    let mut outcomes = Outcomes::new(app, &messages);
    let taken = intake::take(app, &messages, ACCEPTS, &mut outcomes).await;
    // Policies whose sources are to be told, and those whose definitions are to be written.
    let mut changed: BTreeMap<Id, Vec<usize>> = BTreeMap::new();
    let mut definitions = Targets::default();
    for (index, id, merged) in taken.merged {
        changed.entry(id.clone()).or_default().push(index);
        definitions.add(id, merged, index, &outcomes);
    }
    definitions.refresh(app, Kind::Policy, taken.refreshes, &mut outcomes).await;
    if !changed.is_empty() {
        let messages: Vec<usize> = changed.values().flatten().copied().collect();
        let reason = Reason::event(outcomes.together(&messages));
        if let Err(error) = tell_sources(app, changed.keys(), &reason).await {
            outcomes.fail(&messages, &error);
        }
    }
    if !definitions.is_empty()
        && let Err(error) = advise_and_write(app, &definitions, &mut outcomes).await
    {
        outcomes.fail(&definitions.messages(), &error);
    }
    outcomes.into_inner()
}

/// Has every source refreshed that a policy touches or touched. The previous definitions are forgotten only after that, and only
/// if nobody replaced another one meanwhile.
///
/// # Errors
/// When the store or a queue fails, or a definition can't be read.
pub(super) async fn tell_sources<S: Store, W, Q: Queues>(
    app: &App<S, W, Q>,
    policies: impl Iterator<Item = &Id>,
    reason: &Reason,
) -> Result<(), WorkError> {
    let mut scopes = Vec::new();
    let mut records = Vec::new();
    for id in policies {
        let Some(record) = app.store.get(Kind::Policy, id.as_str()).await? else {
            continue;
        };
        for document in record.document().into_iter().chain(&record.previous) {
            scopes.push(stored::policy_scope(document).map_err(|source| world::unreadable(&record, source))?);
        }
        records.push(record);
    }
    let touched = touched(app, &scopes).await?;
    fan_out::send(&app.queues, fan_out::What::DataSources, &touched, reason).await?;
    for record in records {
        intake::forget_previous(app, record).await?;
    }
    Ok(())
}

/// The sources that one of the scopes covers. All of them are read, strongly: an index could miss one stored a moment ago.
async fn touched<S: Store, W, Q>(app: &App<S, W, Q>, scopes: &[Scope]) -> Result<Vec<String>, WorkError> {
    if let Some(listed) = only_listed(scopes) {
        return Ok(listed.into_iter().map(|id| id.to_string()).collect());
    }
    let mut touched = Vec::new();
    for record in app.store.list(Kind::DataSource).await? {
        let is_touched = match stored::data_source(&record) {
            Ok(Some((source, _))) => scopes.iter().any(|scope| covers(scope, &source)),
            Ok(None) => false,
            // What can't be read might be touched; rendering it will say what is wrong.
            Err(_) => true,
        };
        if is_touched {
            touched.push(record.id);
        }
    }
    Ok(touched)
}

/// The sources named by scopes that all name theirs one by one.
fn only_listed(scopes: &[Scope]) -> Option<BTreeSet<&Id>> {
    let mut listed = BTreeSet::new();
    for scope in scopes {
        match scope {
            Scope::DataSources(ids) => listed.extend(ids),
            Scope::All | Scope::Tags(_) => return None,
        }
    }
    Some(listed)
}

async fn advise_and_write<S: Store, W: Warehouse, Q>(
    app: &App<S, W, Q>,
    policies: &Targets,
    outcomes: &mut Outcomes,
) -> Result<(), WorkError> {
    let advice = advice(app, policies).await?;
    write_definitions(app, policies, &advice, outcomes).await
}

/// What policies name that no data source has, by policy. It can't be refused, since a data source may still come; it is told.
async fn advice<S: Store, W, Q>(app: &App<S, W, Q>, policies: &Targets) -> Result<BTreeMap<Id, String>, WorkError> {
    let records = app.store.list(Kind::DataSource).await?;
    // One that can't be read is reported where it is rendered.
    let sources: Vec<DataSource> =
        records.iter().filter_map(|record| stored::data_source(record).ok()?).map(|(source, _)| source).collect();
    let mut advice = BTreeMap::new();
    for (id, pending) in policies.iter() {
        let policy = stored::policy(&pending.record).map_err(|source| world::unreadable(&pending.record, source))?;
        let unknown = policy.map(|policy| unknown_names(&policy, &sources)).filter(|unknown| !unknown.is_empty());
        if let Some(unknown) = unknown {
            // What it names stands in its status.
            tracing::warn!(
                correlation_id = pending.trace().id,
                kind = %Kind::Policy,
                id = id.as_str(),
                "a policy names what no data source has"
            );
            advice.insert(id.clone(), unknown.to_string());
        }
    }
    Ok(advice)
}

/// Writes definitions to every warehouse that is set up; the others ask for them once they are.
async fn write_definitions<S: Store, W: Warehouse, Q>(
    app: &App<S, W, Q>,
    policies: &Targets,
    advice: &BTreeMap<Id, String>,
    outcomes: &mut Outcomes,
) -> Result<(), WorkError> {
    let mut waiting = Waiting::default();
    for warehouse in world::warehouses(app).await?.values().filter(|warehouse| warehouse.ready) {
        let (names, home) = (&warehouse.integration.names, warehouse.home());
        let due = policies.iter().filter(|(_, pending)| !is_settled(&pending.record, &home));
        let items = due.map(|(id, pending)| {
            let definition = definition(&pending.record);
            let definition = definition.as_ref().map(|(status, definition)| (status, definition));
            let target = Target {
                kind: Kind::Policy,
                id: id.to_string(),
                home: Some(home.clone()),
                revision: pending.record.revision,
                attempt: pending.attempt,
                statements: 0,
                trace: Some(pending.trace()),
                then: match definition {
                    Some(_) => Then { reason: advice.get(id).cloned(), ..Then::applied() },
                    None => Then::withdrawn(),
                },
            };
            (put(names, id, pending.record.revision, definition), target)
        });
        if warehouse.silent {
            for (_, target) in items {
                waiting.add(target, &policies.messages());
            }
            continue;
        }
        let lock = render::policy::lock(names);
        let overhead = pack::Size { statements: 1, bytes: lock.len() };
        let size = |(statement, _): &(redoubt_core::sql::SqlText, Target)| pack::Size {
            statements: 1,
            bytes: statement.len(),
        };
        let (groups, too_large) = pack::pack(items, limits(app), overhead, size);
        for (_, target) in too_large {
            tracing::error!(
                correlation_id = target.correlation_id(),
                kind = %target.kind,
                id = target.id,
                revision = target.revision,
                "definition is too long for a call; the warehouse keeps the previous one"
            );
        }
        for group in groups {
            let (statements, targets): (Vec<_>, Vec<_>) = group.into_iter().unzip();
            targets.iter().for_each(|target| rendered(app, target, &target.place()));
            let statements = std::iter::once(lock.clone()).chain(statements).collect();
            let connection = warehouse.connection();
            submit(app, Order { connection, mode: Mode::Transaction, statements, targets, messages: Vec::new() })
                .await?;
        }
    }
    waiting.park(app, outcomes).await;
    Ok(())
}

/// Status and document of a policy as the warehouse keeps them; `None` when it was deleted.
pub(super) fn definition(record: &Record) -> Option<(Text, Text)> {
    let document = record.document()?.to_string();
    let status = record.get(field::STATUS).and_then(Value::as_str).unwrap_or("active");
    let document = if document.len() <= MAX_DEFINITION { document } else { r#"{"omitted":"too long"}"#.to_owned() };
    // Documents with a NUL were refused at the door.
    Some((Text::new(status).ok()?, Text::new(document).ok()?))
}
