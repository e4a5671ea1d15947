//! Which part of what should be in a warehouse is looked at next. A part is as large as a few statements can ask for, so a run
//! costs the same whatever there is; the next one goes on where it ended.

use std::collections::{BTreeMap, BTreeSet};

use redoubt_core::{
    drift::{Account, Definition, Page, Table, View, expected::sha256},
    model::{DataSource, Id, stored},
    record::{Kind, Record, State},
    render::profile::{ProfileState, profile_revision},
    sql::Ident,
};

use crate::{
    port::Store,
    runtime::App,
    work::{
        claim::{self, Name},
        error::WorkError,
        installation::Cursor,
        intake::concurrently,
        policy::definition,
        user::former_accounts,
        world::{self, Warehouse},
    },
};

/// Most data sources in a part.
const SOURCES: usize = 1_000;
/// Most accounts in a part.
const ACCOUNTS: usize = 1_000;
/// Most policies in a part.
const POLICIES: usize = 500;
/// Most databases that the tables of a part lie in: each is asked by itself.
pub(super) const DATABASES: usize = 4;
/// Most columns that the data sources of a part list.
const COLUMNS: usize = 20_000;
/// Most bytes of names in one list of a statement; a call takes 100,000 bytes.
const BYTES: usize = 20_000;

/// What is looked at in one run.
#[derive(Debug, Default)]
pub(super) struct Part {
    /// What is asked in Redoubt's own database.
    pub(super) own: Page,
    /// What is asked in each database of tables.
    pub(super) tables: Vec<(Ident, Page)>,
    /// Where the next run goes on.
    pub(super) next: Cursor,
    /// The revisions of everything in it, as they were read.
    pub(super) revisions: BTreeMap<(Kind, String), u64>,
    /// What the statuses of its data sources say, where they say something.
    pub(super) reasons: BTreeMap<String, String>,
}

/// Chooses the part after a cursor.
///
/// # Errors
/// When the store fails.
pub(super) async fn choose<S: Store, W, Q>(
    app: &App<S, W, Q>,
    warehouse: &Warehouse,
    cursor: &Cursor,
) -> Result<Part, WorkError> {
    let mut part = Part::default();
    sources(app, warehouse, cursor, &mut part).await?;
    policies(app, warehouse, cursor, &mut part).await?;
    accounts(app, warehouse, cursor, &mut part).await?;
    Ok(part)
}

/// Whether the newest revision of a record is in a place, as `states` have it.
fn is_there(record: &Record, place: &str, states: &[State]) -> bool {
    let status = record.status_in(place).filter(|status| status.revision == record.revision);
    status.is_some_and(|status| states.contains(&status.state))
}

async fn sources<S: Store, W, Q>(
    app: &App<S, W, Q>,
    warehouse: &Warehouse,
    cursor: &Cursor,
    part: &mut Part,
) -> Result<(), WorkError> {
    let integration = &warehouse.integration;
    let place = warehouse.home().place();
    let mut sources: BTreeMap<(String, String), (DataSource, u64, Option<String>)> = BTreeMap::new();
    for record in app.store.list(Kind::DataSource).await? {
        // What is under way, or can't be read, is looked at once it is in force.
        let Ok(Some((source, true))) = stored::data_source(&record) else { continue };
        if source.host == integration.host && is_there(&record, &place, &[State::Applied]) {
            let reason = record.status_in(&place).and_then(|status| status.reason.clone());
            sources.insert((source.database.folded(), record.id), (source, record.revision, reason));
        }
    }
    let (mut bytes, mut columns, mut databases) = (0, 0, BTreeSet::new());
    let mut tables: BTreeMap<String, (Ident, Page)> = BTreeMap::new();
    let after = sources.iter().filter(|(key, _)| cursor.sources.as_ref().is_none_or(|cursor| *key > cursor));
    for (count, (key, (source, revision, reason))) in after.enumerate() {
        let Ok(view) = source.view_named(&integration.view_name) else { continue };
        bytes += source.id.as_str().len().max(view.as_str().len()).max(source.table.as_str().len()) + 12;
        columns += source.columns.len();
        databases.insert(key.0.clone());
        if count > 0 && (count >= SOURCES || bytes > BYTES || columns > COLUMNS) || databases.len() > DATABASES {
            return Ok(());
        }
        part.next.sources = Some(key.clone());
        part.revisions.insert((Kind::DataSource, key.1.clone()), *revision);
        part.reasons.extend(reason.clone().map(|reason| (key.1.clone(), reason)));
        part.own.views.push(View { source: source.id.clone(), revision: *revision, name: view });
        let (_, page) = tables.entry(key.0.clone()).or_insert_with(|| (source.database.clone(), Page::default()));
        page.tables.push(Table { source: source.clone() });
        part.tables = tables.values().cloned().collect();
    }
    part.next.sources = None;
    Ok(())
}

async fn policies<S: Store, W, Q>(
    app: &App<S, W, Q>,
    warehouse: &Warehouse,
    cursor: &Cursor,
    part: &mut Part,
) -> Result<(), WorkError> {
    let place = warehouse.home().place();
    let records = app.store.list(Kind::Policy).await?;
    let after = records.iter().filter(|record| cursor.policies.as_ref().is_none_or(|cursor| record.id > *cursor));
    let mut bytes = 0;
    for (count, record) in after.enumerate() {
        bytes += record.id.len() + 4;
        if count > 0 && (count >= POLICIES || bytes > BYTES) {
            return Ok(());
        }
        part.next.policies = Some(record.id.clone());
        if !is_there(record, &place, &[State::Applied, State::Withdrawn]) {
            continue;
        }
        let Ok(policy) = Id::check("policy", &record.id) else { continue };
        let kept = definition(record);
        part.revisions.insert((Kind::Policy, record.id.clone()), record.revision);
        part.own.definitions.push(Definition {
            policy,
            revision: record.revision,
            status: kept.as_ref().map(|(status, _)| status.as_str().to_owned()),
            digest: kept.as_ref().map(|(_, text)| sha256(text.as_str())),
        });
    }
    part.next.policies = None;
    Ok(())
}

async fn accounts<S: Store, W, Q>(
    app: &App<S, W, Q>,
    warehouse: &Warehouse,
    cursor: &Cursor,
    part: &mut Part,
) -> Result<(), WorkError> {
    let place = warehouse.home().place();
    let mut present: BTreeMap<String, &Record> = BTreeMap::new();
    let mut changing: BTreeSet<String> = BTreeSet::new();
    let records = app.store.list(Kind::User).await?;
    for record in &records {
        let user = stored::user(record);
        let settled = is_there(record, &place, &[State::Applied, State::Withdrawn]) && user.is_ok();
        let user = user.ok().flatten().map(|(user, _)| user);
        if !settled {
            // Both what they had and what they get.
            changing.extend(former_accounts(record, None).iter().map(|account| account.as_str().to_owned()));
            changing.extend(user.iter().map(|user| user.database_user.as_str().to_owned()));
        } else if let Some(user) = user {
            present.insert(user.database_user.as_str().to_owned(), record);
        }
    }
    let all: BTreeSet<&String> = present.keys().chain(&changing).collect();
    let after = cursor.accounts.clone().unwrap_or_default();
    let mut chosen: Vec<&String> = all.into_iter().filter(|account| **account > after).take(ACCOUNTS + 1).collect();
    let more = chosen.len() > ACCOUNTS;
    chosen.truncate(ACCOUNTS);
    part.own.after = after;
    part.own.last = chosen.last().filter(|_| more).map(|last| (*last).clone());
    part.next.accounts.clone_from(&part.own.last);
    let projects = world::projects(app.store.list(Kind::Project).await?)?.set;
    let expected = concurrently(chosen.into_iter().map(|account| {
        let record = present.get(account).filter(|_| !changing.contains(account)).copied();
        let projects = &projects;
        async move {
            let known = match record {
                Some(record) => profile(app, record, projects).await?,
                None => None,
            };
            Ok::<_, WorkError>((account.clone(), known, record))
        }
    }));
    for expected in expected.await {
        let (account, known, record) = expected?;
        part.revisions.extend(record.map(|record| ((Kind::User, record.id.clone()), record.revision)));
        part.own.accounts.insert(account, known);
    }
    Ok(())
}

/// What the profile of a user should be; nothing where another document holds the account.
async fn profile<S: Store, W, Q>(
    app: &App<S, W, Q>,
    record: &Record,
    projects: &redoubt_core::resolve::ProjectSet,
) -> Result<Option<Account>, WorkError> {
    let Ok(Some((user, standing))) = stored::user(record) else { return Ok(None) };
    let claim = claim::holder(app, Name::DatabaseUser(&user.database_user)).await?;
    let Some(claim) = claim.filter(|claim| claim.holder == record.id) else { return Ok(None) };
    let project = standing.project.as_ref().and_then(|project| projects.get(project));
    let state = ProfileState::resolve(&user, &standing, project);
    let revision = profile_revision(claim.count, record.revision);
    Ok(Some(Account::of(user.id, revision, claim.count, Some(&state))))
}
