//! User and project events and refreshes: store what is said, then write the profiles of the users it touches.

use std::collections::{BTreeMap, BTreeSet};

use redoubt_core::{
    model::{Command, Id, Project, User, stored},
    record::{DOCUMENT, Kind, Merge, Record, Write},
    render::{
        pack::{self, Size},
        profile::{MERGE_OVERHEAD, Profile, ProfileState, merge, merge_bytes, profile_revision},
    },
    sql::Ident,
};

use super::{
    claim::{self, Name},
    error::WorkError,
    fan_out,
    intake::{self, Outcomes, Pending, Targets},
    submission::{Target, Then, status, submit},
    world,
};
use crate::{
    batch::{Message, Outcome},
    port::{Mode, Queues, Store, Warehouse},
    runtime::App,
};

/// Statements a merge of profiles takes, whatever their number.
const MERGE_STATEMENTS: usize = 6;

/// Handles a batch of user and project events.
pub async fn user<S: Store, W: Warehouse, Q: Queues>(app: &App<S, W, Q>, messages: Vec<Message>) -> Vec<Outcome> {
    let mut outcomes = Outcomes::new(messages.len());
    let mut users = Targets::default();
    let mut projects: BTreeMap<Id, Vec<usize>> = BTreeMap::new();
    for (index, message) in messages.iter().enumerate() {
        match take(app, message, index, &mut users).await {
            Ok(Some(project)) => projects.entry(project).or_default().push(index),
            Ok(None) => {}
            Err(error) => outcomes.fail(&[index], &error),
        }
    }
    for (project, messages) in &projects {
        if let Err(error) = tell_members(app, project).await {
            outcomes.fail(messages, &error);
        }
    }
    if !users.is_empty()
        && let Err(error) = write_profiles(app, &users, &mut outcomes).await
    {
        outcomes.fail(&users.messages(), &error);
    }
    outcomes.into_inner()
}

/// Stores what a message says; gives the project whose members must be told.
async fn take<S: Store, W, Q>(
    app: &App<S, W, Q>,
    message: &Message,
    index: usize,
    users: &mut Targets,
) -> Result<Option<Id>, WorkError> {
    match intake::command(message)? {
        Command::Merge {
            kind: Kind::User,
            id,
            writes,
        } => {
            claim_account(app, &id, &writes).await?;
            let merged = intake::merge(app, Kind::User, &id, &writes).await?;
            if merged.merge == Merge::Stale {
                tracing::info!(user = id.as_str(), "older than what is known");
            } else {
                users.add(id, merged, index);
            }
            Ok(None)
        }
        Command::Merge {
            kind: Kind::Project,
            id,
            writes,
        } => {
            let merged = intake::merge(app, Kind::Project, &id, &writes).await?;
            Ok((merged.merge != Merge::Stale).then_some(id))
        }
        Command::Refresh {
            kind: Kind::User,
            ids,
            attempt,
        } => {
            intake::refresh(app, Kind::User, ids, users, index, attempt).await?;
            Ok(None)
        }
        Command::Merge { kind, .. } | Command::Refresh { kind, .. } => Err(WorkError::WrongQueue {
            expected: "user and project events",
            found: kind.as_str(),
        }),
    }
}

/// Claims the database account before a document is stored: two users with one account would each see what either may.
async fn claim_account<S: Store, W, Q>(app: &App<S, W, Q>, id: &Id, writes: &[Write]) -> Result<(), WorkError> {
    if !writes
        .iter()
        .any(|write| matches!(write, Write::Set { field, .. } if field == DOCUMENT))
    {
        return Ok(());
    }
    let mut record = app
        .store
        .get(Kind::User, id.as_str())
        .await?
        .unwrap_or_else(|| Record::new(Kind::User, id.as_str()));
    if record.merge(writes)? == Merge::Stale {
        return Ok(());
    }
    if let Some((user, _)) = stored::user(&record)? {
        claim::claim(app, Name::DatabaseUser(&user.database_user), id).await?;
    }
    Ok(())
}

/// Has the profile of everyone refreshed who is or was a member of a project.
async fn tell_members<S: Store, W, Q: Queues>(app: &App<S, W, Q>, project: &Id) -> Result<(), WorkError> {
    let Some(mut record) = app.store.get(Kind::Project, project.as_str()).await? else {
        return Ok(());
    };
    let mut members = BTreeSet::new();
    for document in record.document().into_iter().chain(&record.previous) {
        members.extend(stored::project_members(document).map_err(|source| world::unreadable(&record, source))?);
    }
    let members: Vec<String> = members.into_iter().map(|id| id.to_string()).collect();
    fan_out::send(&app.queues, fan_out::What::Users, &members, 0, 0).await?;
    if !record.previous.is_empty() {
        record.previous.clear();
        // A conflict means that another event came in between; its own fan-out covers what is kept.
        app.store.put(&record).await?;
    }
    Ok(())
}

/// What is submitted for one user.
struct Work {
    /// The present account's profile and those of accounts the user had before.
    profiles: Vec<Profile>,
    target: Target,
    messages: Vec<usize>,
}

/// Reads everything, resolves every profile, and submits in as few calls as fit.
async fn write_profiles<S: Store, W: Warehouse, Q>(
    app: &App<S, W, Q>,
    users: &Targets,
    outcomes: &mut Outcomes,
) -> Result<(), WorkError> {
    let warehouses = world::warehouses(app).await?;
    let mut projects: BTreeMap<Id, Option<Project>> = BTreeMap::new();
    let mut work = Vec::new();
    for (id, pending) in users.iter() {
        match resolve(app, id, pending, &mut projects).await {
            Ok(one) => work.extend(one),
            Err(error) => outcomes.fail(&pending.messages, &error),
        }
    }
    let size = |work: &&Work| Size {
        statements: 0,
        bytes: work.profiles.iter().map(merge_bytes).sum(),
    };
    let overhead = Size {
        statements: MERGE_STATEMENTS,
        bytes: MERGE_OVERHEAD,
    };
    for warehouse in warehouses.values().filter(|warehouse| warehouse.ready) {
        // One that failed before goes alone, so that it takes nobody along again.
        let (tried, fresh): (Vec<_>, Vec<_>) = work.iter().partition(|work| work.target.attempt > 0);
        let (mut groups, mut too_large) = pack::pack(fresh, super::source::limits(app), overhead, size);
        for one in tried {
            let (alone, refused) = pack::pack([one], super::source::limits(app), overhead, size);
            groups.extend(alone);
            too_large.extend(refused);
        }
        for group in groups {
            let profiles: Vec<Profile> = group.iter().flat_map(|work| work.profiles.iter().cloned()).collect();
            let targets = group.iter().map(|work| work.target.clone()).collect();
            let statements = merge(&warehouse.integration.names, &profiles);
            if let Err(error) = submit(app, warehouse.connection(), Mode::Transaction, statements, targets).await {
                outcomes.fail(
                    &group
                        .iter()
                        .flat_map(|work| work.messages.iter().copied())
                        .collect::<Vec<_>>(),
                    &error,
                );
            }
        }
        for work in too_large {
            let reason = format!(
                "the profile takes {} bytes of SQL, a call takes {}",
                size(&work).bytes,
                app.config.statement_bytes
            );
            clear(app, warehouse, work, reason, outcomes).await;
        }
    }
    Ok(())
}

/// Empties a profile that can't be written: rather nothing than what the user had before.
async fn clear<S: Store, W: Warehouse, Q>(
    app: &App<S, W, Q>,
    warehouse: &world::Warehouse,
    work: &Work,
    reason: String,
    outcomes: &mut Outcomes,
) {
    let profiles: Vec<Profile> = work
        .profiles
        .iter()
        .map(|profile| Profile {
            state: None,
            ..profile.clone()
        })
        .collect();
    let target = Target {
        then: Then::unhealthy(reason),
        ..work.target.clone()
    };
    let statements = merge(&warehouse.integration.names, &profiles);
    if let Err(error) = submit(app, warehouse.connection(), Mode::Transaction, statements, vec![target]).await {
        outcomes.fail(&work.messages, &error);
    }
}

/// The profiles that follow from a user's record; `None` where nothing is to be submitted.
async fn resolve<S: Store, W, Q>(
    app: &App<S, W, Q>,
    id: &Id,
    pending: &Pending,
    projects: &mut BTreeMap<Id, Option<Project>>,
) -> Result<Option<Work>, WorkError> {
    let record = &pending.record;
    let user = stored::user(record).map_err(|source| world::unreadable(record, source))?;
    let mut profiles = Vec::new();
    let mut then = if user.is_some() {
        Then::applied()
    } else {
        Then::withdrawn()
    };
    if let Some((user, standing)) = &user {
        let project = match &standing.project {
            Some(project) => read_project(app, project, projects).await?,
            None => None,
        };
        match claim::holder(app, Name::DatabaseUser(&user.database_user)).await? {
            Some(claim) if claim.holder == id.as_str() => profiles.push(Profile {
                database_user: user.database_user.clone(),
                revision: profile_revision(claim.count, record.revision),
                state: Some(ProfileState::resolve(user, standing, project.as_ref())),
            }),
            claim => {
                let holder =
                    claim.map_or_else(|| "another user".to_owned(), |claim| format!("user `{}`", claim.holder));
                let account = user.database_user.as_str();
                then = Then::unhealthy(format!("user.database_user: `{account}` is used by {holder}"));
            }
        }
    }
    for account in former_accounts(record, user.as_ref().map(|(user, _)| user)) {
        // Whoever holds the account now writes it at a higher count, and so needs no help.
        if let Some(claim) = claim::holder(app, Name::DatabaseUser(&account)).await?
            && claim.holder == id.as_str()
        {
            let revision = profile_revision(claim.count, record.revision);
            profiles.push(Profile {
                database_user: account,
                revision,
                state: None,
            });
        }
    }
    if profiles.is_empty() {
        let status = status(&*app.clock, record.revision, pending.attempt, &then);
        app.store.set_status(Kind::User, id.as_str(), &status).await?;
        return Ok(None);
    }
    let target = Target {
        kind: Kind::User,
        id: id.to_string(),
        revision: record.revision,
        attempt: pending.attempt,
        statements: 0,
        then,
    };
    Ok(Some(Work {
        profiles,
        target,
        messages: pending.messages.clone(),
    }))
}

async fn read_project<S: Store, W, Q>(
    app: &App<S, W, Q>,
    id: &Id,
    projects: &mut BTreeMap<Id, Option<Project>>,
) -> Result<Option<Project>, WorkError> {
    if let Some(project) = projects.get(id) {
        return Ok(project.clone());
    }
    let project = match app.store.get(Kind::Project, id.as_str()).await? {
        Some(record) => stored::project(&record).map_err(|source| world::unreadable(&record, source))?,
        None => None,
    };
    projects.insert(id.clone(), project.clone());
    Ok(project)
}

/// Accounts that earlier documents of the user named and the present one does not.
fn former_accounts(record: &Record, user: Option<&User>) -> BTreeSet<Ident> {
    record
        .previous
        .iter()
        .filter_map(|document| Ident::new(document.get("database_user")?.as_str()?).ok())
        .filter(|account| user.is_none_or(|user| user.database_user != *account))
        .collect()
}
