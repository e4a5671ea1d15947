//! User and project events and refreshes: store what is said, then write the profiles of the users it touches.

use std::collections::{BTreeMap, BTreeSet};

use redoubt_core::{
    model::{Id, Project, Standing, User, stored},
    record::{Kind, Record},
    render::{
        pack::{self, Group, Size},
        profile::{MERGE_OVERHEAD, Profile, ProfileState, Staged, merge, profile_revision},
    },
    sql::Ident,
};

use super::{
    claim::{self, Name},
    error::WorkError,
    fan_out::{self, Reason},
    intake::{self, Accepts, Outcomes, Pending, Targets, concurrently},
    reach::Waiting,
    submission::{Order, Target, Then, in_force_already, limits, note, rendered, settled, submit_all},
    world,
};
use crate::{
    batch::{Message, Outcome},
    port::{Mode, Queues, Store, Warehouse},
    runtime::App,
};

const ACCEPTS: Accepts =
    Accepts { documents: &[Kind::User, Kind::Project], refreshes: Kind::User, words: "user and project events" };

/// Handles a batch of user and project events.
pub async fn user<S: Store, W: Warehouse, Q: Queues>(app: &App<S, W, Q>, messages: Vec<Message>) -> Vec<Outcome> {
    let mut outcomes = Outcomes::new(app, &messages);
    let taken = intake::take(app, &messages, ACCEPTS, &mut outcomes).await;
    let mut users = Targets::default();
    let mut projects: BTreeMap<Id, Vec<usize>> = BTreeMap::new();
    for (index, id, merged) in taken.merged {
        if merged.record.kind == Kind::User {
            users.add(id, merged, index, &outcomes);
        } else {
            projects.entry(id).or_default().push(index);
        }
    }
    users.refresh(app, Kind::User, taken.refreshes, &mut outcomes).await;
    for (project, messages) in &projects {
        let reason = Reason::event(outcomes.together(messages));
        if let Err(error) = tell_members_and_sources(app, project, &reason).await {
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

/// Has the profile of everyone refreshed who is or was a member of a project, and the views of the data sources that it bundles
/// or bundled: purposes and shared salts stand in them.
///
/// # Errors
/// When the store or a queue fails, or the project can't be read.
pub(super) async fn tell_members_and_sources<S: Store, W, Q: Queues>(
    app: &App<S, W, Q>,
    project: &Id,
    reason: &Reason,
) -> Result<(), WorkError> {
    let Some(record) = app.store.get(Kind::Project, project.as_str()).await? else {
        return Ok(());
    };
    let mut members = BTreeSet::new();
    let mut sources = BTreeSet::new();
    for document in record.document().into_iter().chain(&record.previous) {
        let project = stored::project_of(document).map_err(|source| world::unreadable(&record, source))?;
        members.extend(project.members);
        sources.extend(project.data_sources);
    }
    for (what, ids) in [(fan_out::What::Users, members), (fan_out::What::DataSources, sources)] {
        let ids: Vec<String> = ids.into_iter().map(|id| id.to_string()).collect();
        fan_out::send(&app.queues, what, &ids, reason).await?;
    }
    intake::forget_previous(app, record).await
}

/// What is submitted for one user.
struct Work {
    /// The present account's profile and those of accounts the user had before.
    profiles: Vec<Profile>,
    target: Target,
    messages: Vec<usize>,
    /// Where this revision is in force already.
    settled: Vec<String>,
}

impl AsRef<[Profile]> for Work {
    fn as_ref(&self) -> &[Profile] {
        &self.profiles
    }
}

/// Reads everything, resolves every profile, and submits in as few calls as fit.
async fn write_profiles<S: Store, W: Warehouse, Q>(
    app: &App<S, W, Q>,
    users: &Targets,
    outcomes: &mut Outcomes,
) -> Result<(), WorkError> {
    let warehouses = world::warehouses(app).await?;
    let mut people = Vec::new();
    for (id, pending) in users.iter() {
        match stored::user(&pending.record) {
            Ok(user) => people.push(Person { id, pending, user }),
            Err(source) => outcomes.fail(&pending.messages, &world::unreadable(&pending.record, source)),
        }
    }
    let projects = &read_projects(app, &people).await?;
    let present = users.still_present(app, outcomes).await;
    people.retain(|person| present.contains(person.id));
    let resolved = concurrently(people.iter().map(|person| resolve(app, person, projects))).await;
    let mut work = Vec::new();
    for (person, resolved) in people.iter().zip(resolved) {
        match resolved {
            Ok(one) => work.extend(one),
            Err(error) => outcomes.fail(&person.pending.messages, &error),
        }
    }
    // Its statements stand or fall together and are always as few, so how many may share a call does not matter.
    let overhead = Size { statements: 0, bytes: MERGE_OVERHEAD };
    let mut orders = Vec::new();
    let mut waiting = Waiting::default();
    for warehouse in warehouses.values().filter(|warehouse| warehouse.ready) {
        let home = warehouse.home();
        let place = home.place();
        let mut due = Vec::new();
        for one in &work {
            if one.settled.contains(&place) {
                in_force_already(&one.target, &place);
                continue;
            }
            if warehouse.silent {
                waiting.add(Target { home: Some(home.clone()), ..one.target.clone() }, &one.messages);
            } else {
                rendered(app, &one.target, &place);
                due.push(one);
            }
        }
        // One that failed before goes alone, so that it takes nobody along again.
        let (tried, fresh): (Vec<_>, Vec<_>) = due.into_iter().partition(|work| work.target.attempt > 0);
        let (mut groups, mut too_large) = pack::pack_into(fresh, limits(app), overhead, Staged::default);
        for one in tried {
            let (alone, refused) = pack::pack_into([one], limits(app), overhead, Staged::default);
            groups.extend(alone);
            too_large.extend(refused);
        }
        orders.extend(groups.iter().map(|group| order(warehouse, group, |work| work.target.clone(), Profile::clone)));
        for work in too_large {
            // Rather nothing than what the user had before.
            let bytes = Staged::default().size(&work).bytes;
            let reason = format!("the profile takes {bytes} bytes of SQL, a call takes {}", app.config.statement_bytes);
            let then = Then::unhealthy(reason);
            let target = |work: &Work| Target { then: then.clone(), ..work.target.clone() };
            orders.push(order(warehouse, &[work], target, |profile| Profile { state: None, ..profile.clone() }));
        }
    }
    waiting.park(app, outcomes).await;
    submit_all(app, orders, outcomes).await;
    Ok(())
}

/// The call that carries the profiles of a group.
fn order(
    warehouse: &world::Warehouse,
    group: &[&Work],
    target: impl Fn(&Work) -> Target,
    profile: impl Fn(&Profile) -> Profile,
) -> Order {
    let profiles: Vec<Profile> = group.iter().flat_map(|work| work.profiles.iter().map(&profile)).collect();
    Order {
        connection: warehouse.connection(),
        mode: Mode::Transaction,
        statements: merge(&warehouse.integration.names, &profiles),
        targets: group.iter().map(|work| Target { home: Some(warehouse.home()), ..target(work) }).collect(),
        messages: group.iter().flat_map(|work| work.messages.iter().copied()).collect(),
    }
}

/// The calls that empty a user's profiles at the revision of the record, whatever is in force.
///
/// # Errors
/// When the store fails.
pub(super) async fn removal<S: Store, W, Q>(
    app: &App<S, W, Q>,
    record: &Record,
    target: Target,
) -> Result<Vec<Order>, WorkError> {
    let Ok(Some((user, _))) = stored::user(record) else {
        return Ok(Vec::new());
    };
    // The accounts of earlier documents too: the call that failed was to empty them.
    let mut accounts = former_accounts(record, Some(&user));
    accounts.insert(user.database_user);
    let mut profiles = Vec::new();
    for account in accounts {
        if let Some(claim) = claim::holder(app, Name::DatabaseUser(&account)).await?
            && claim.holder == record.id
        {
            let revision = profile_revision(claim.count, record.revision);
            profiles.push(Profile { database_user: account, revision, state: None });
        }
    }
    if profiles.is_empty() {
        return Ok(Vec::new());
    }
    let work = Work { profiles, target, messages: Vec::new(), settled: Vec::new() };
    let warehouses = world::warehouses(app).await?;
    let there = warehouses.values().filter(|warehouse| warehouse.ready && Some(warehouse.home()) == work.target.home);
    Ok(there.map(|warehouse| order(warehouse, &[&work], |work| work.target.clone(), Profile::clone)).collect())
}

/// A user to write, as read from the record.
struct Person<'a> {
    id: &'a Id,
    pending: &'a Pending,
    user: Option<(User, Standing)>,
}

/// The projects that any of the users switched to, each read once.
async fn read_projects<S: Store, W, Q>(
    app: &App<S, W, Q>,
    people: &[Person<'_>],
) -> Result<BTreeMap<Id, Project>, WorkError> {
    let wanted: BTreeSet<&Id> = people.iter().filter_map(|person| person.user.as_ref()?.1.project.as_ref()).collect();
    let read = concurrently(wanted.into_iter().map(|id| app.store.get(Kind::Project, id.as_str()))).await;
    let mut projects = BTreeMap::new();
    for record in read {
        if let Some(record) = record? {
            let project = stored::project(&record).map_err(|source| world::unreadable(&record, source))?;
            projects.extend(project.map(|project| (project.id.clone(), project)));
        }
    }
    Ok(projects)
}

/// The profiles that follow from a user's record; `None` where nothing is to be submitted.
async fn resolve<S: Store, W, Q>(
    app: &App<S, W, Q>,
    Person { id, pending, user }: &Person<'_>,
    projects: &BTreeMap<Id, Project>,
) -> Result<Option<Work>, WorkError> {
    let record = &pending.record;
    let mut profiles = Vec::new();
    let mut then = if user.is_some() { Then::applied() } else { Then::withdrawn() };
    if let Some((user, standing)) = user {
        let project = standing.project.as_ref().and_then(|project| projects.get(project));
        match claim::holder(app, Name::DatabaseUser(&user.database_user)).await? {
            Some(claim) if claim.holder == id.as_str() => profiles.push(Profile {
                database_user: user.database_user.clone(),
                revision: profile_revision(claim.count, record.revision),
                state: Some(ProfileState::resolve(user, standing, project)),
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
            profiles.push(Profile { database_user: account, revision, state: None });
        }
    }
    let target = Target {
        kind: Kind::User,
        id: id.to_string(),
        home: None,
        revision: record.revision,
        attempt: pending.attempt,
        statements: 0,
        trace: Some(pending.trace()),
        then,
    };
    if profiles.is_empty() {
        note(app, &target).await?;
        return Ok(None);
    }
    let settled = settled(record).map(str::to_owned).collect();
    Ok(Some(Work { profiles, target, messages: pending.messages.clone(), settled }))
}

/// Accounts that earlier documents of the user named and the present one does not.
pub(super) fn former_accounts(record: &Record, user: Option<&User>) -> BTreeSet<Ident> {
    record
        .previous
        .iter()
        .filter_map(|document| Ident::new(document.get("database_user")?.as_str()?).ok())
        .filter(|account| user.is_none_or(|user| user.database_user != *account))
        .collect()
}
