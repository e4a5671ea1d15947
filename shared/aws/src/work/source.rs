//! Data source events and refreshes: store the source, then render its policy view at the newest revision and submit it.

use std::collections::BTreeMap;

use redoubt_core::{
    event::Fault,
    model::{Binding, DataSource, Id, Integration, Mode as IntegrationMode, Risk, stored},
    plan::{self, Transform},
    record::{Kind, Record, State},
    render::{
        pack::{self, Size},
        view::{self, Application, Place, Revision},
    },
    resolve::PolicySet,
    sql::{Ident, SqlText, Text},
};

use super::{
    claim::{self, Name},
    error::WorkError,
    intake::{self, Accepts, Outcomes, Pending, Targets, concurrently},
    reach::Waiting,
    submission::{Order, Target, Then, in_force_already, is_settled, limits, note, rendered, submit_all},
    world,
};
use crate::{
    batch::{Message, Outcome},
    port::{Mode, Queues, Store, Warehouse},
    runtime::App,
};

const ACCEPTS: Accepts =
    Accepts { documents: &[Kind::DataSource], refreshes: Kind::DataSource, words: "data source events" };

/// Handles a batch of data source events.
pub async fn data_source<S: Store, W: Warehouse, Q: Queues>(
    app: &App<S, W, Q>,
    messages: Vec<Message>,
) -> Vec<Outcome> {
    let mut outcomes = Outcomes::new(app, &messages);
    let taken = intake::take(app, &messages, ACCEPTS, &mut outcomes).await;
    let mut targets = Targets::default();
    for (index, id, merged) in taken.merged {
        targets.add(id, merged, index, &outcomes);
    }
    targets.refresh(app, Kind::DataSource, taken.refreshes, &mut outcomes).await;
    if !targets.is_empty()
        && let Err(error) = render(app, &targets, &mut outcomes).await
    {
        outcomes.fail(&targets.messages(), &error);
    }
    outcomes.into_inner()
}

/// What is submitted for one source to one warehouse.
struct Work {
    id: Id,
    /// Makes the source, and the projects whose salts it needs, known to the warehouse. It must be committed before the
    /// statements run, so that two first statements about a source conflict on its row instead of missing each other.
    prepare: Vec<SqlText>,
    statements: Vec<SqlText>,
    target: Target,
    messages: Vec<usize>,
    /// Its statements need a transaction of their own.
    alone: bool,
}

/// Reads everything, renders every target, and submits in as few calls as fit.
async fn render<S: Store, W: Warehouse, Q>(
    app: &App<S, W, Q>,
    targets: &Targets,
    outcomes: &mut Outcomes,
) -> Result<(), WorkError> {
    let (policies, projects) = world::rules(app).await?;
    let warehouses = world::warehouses(app).await?;
    let mut work: BTreeMap<&str, Vec<Work>> = BTreeMap::new();
    let (rules, warehouses) = (&Rules { policies: PolicySet::new(policies), projects }, &warehouses);
    let present = &targets.still_present(app, outcomes).await;
    let targets = || targets.iter().filter(|(id, _)| present.contains(*id));
    let planned = concurrently(targets().map(|(id, pending)| plan_one(app, id, pending, rules, warehouses))).await;
    let mut waiting = Waiting::default();
    for ((_, pending), planned) in targets().zip(planned) {
        let planned = match planned {
            Ok(planned) => planned,
            Err(error) => {
                outcomes.fail(&pending.messages, &error);
                continue;
            }
        };
        for (host, one) in planned {
            let Some(warehouse) = warehouses.get(host) else { continue };
            if is_settled(&pending.record, &warehouse.home()) {
                in_force_already(&one.target, &one.target.place());
                continue;
            }
            if warehouse.silent {
                waiting.add(one.target, &one.messages);
            } else {
                rendered(app, &one.target, &one.target.place());
                work.entry(host).or_default().push(one);
            }
        }
    }
    waiting.park(app, outcomes).await;
    let mut orders = Vec::new();
    for (host, work) in work {
        let Some(warehouse) = warehouses.get(host) else {
            continue;
        };
        let (alone, together): (Vec<_>, Vec<_>) = work.into_iter().partition(|work| work.alone);
        let size = |work: &Work| Size { statements: work.all().count(), bytes: work.all().map(SqlText::len).sum() };
        let none = Size { statements: 0, bytes: 0 };
        let (groups, mut too_large) = pack::pack(together, limits(app), none, size);
        orders.extend(groups.into_iter().map(|group| order(warehouse, Mode::AutoCommit, group)));
        for mut work in alone {
            if size(&work).bytes > app.config.statement_bytes {
                too_large.push(work);
                continue;
            }
            if !work.prepare.is_empty() {
                // A call of its own, since the other is one transaction. Where that one comes first it fails for being
                // unprepared, and is tried again.
                orders.push(Order {
                    connection: warehouse.connection(),
                    mode: Mode::AutoCommit,
                    statements: std::mem::take(&mut work.prepare),
                    targets: Vec::new(),
                    messages: work.messages.clone(),
                });
            }
            orders.push(order(warehouse, Mode::Transaction, vec![work]));
        }
        for work in too_large {
            // Rather no view than one of an older policy.
            let reason =
                format!("its SQL has {} bytes, a call takes {}", size(&work).bytes, app.config.statement_bytes);
            let revision = Revision { source: &work.id, revision: work.target.revision, claim: 0 };
            let then = Then::unhealthy(reason);
            let names = &warehouse.integration.names;
            let statements = vec![view::withdraw(names, revision, then.state, then.reason.as_deref())];
            let target = Target { then, ..work.target };
            let work = Work { statements, target, alone: false, ..work };
            orders.push(order(warehouse, Mode::AutoCommit, vec![work]));
        }
    }
    submit_all(app, orders, outcomes).await;
    Ok(())
}

impl Work {
    fn all(&self) -> impl Iterator<Item = &SqlText> {
        self.prepare.iter().chain(&self.statements)
    }
}

/// The call that carries a group of work.
fn order(warehouse: &world::Warehouse, mode: Mode, group: Vec<Work>) -> Order {
    let messages = group.iter().flat_map(|work| work.messages.iter().copied()).collect();
    let mut statements = Vec::new();
    let mut targets = Vec::with_capacity(group.len());
    for work in group {
        targets.push(Target { statements: work.all().count(), ..work.target });
        statements.extend(work.prepare.into_iter().chain(work.statements));
    }
    Order { connection: warehouse.connection(), mode, statements, targets, messages }
}

/// The call that takes a source's view away at the revision of the record, whatever is in force; none where no warehouse is
/// set up for it.
///
/// # Errors
/// When the store fails.
pub(super) async fn removal<S: Store, W, Q>(
    app: &App<S, W, Q>,
    record: &Record,
    target: Target,
) -> Result<Vec<Order>, WorkError> {
    let Ok(Some((source, _))) = stored::data_source(record) else {
        return Ok(Vec::new());
    };
    let warehouses = world::warehouses(app).await?;
    let Some(warehouse) =
        warehouses.values().find(|warehouse| warehouse.ready && Some(warehouse.home()) == target.home)
    else {
        return Ok(Vec::new());
    };
    let work = withdrawal(warehouse, record, &source.id, target, Vec::new());
    Ok(vec![order(warehouse, Mode::AutoCommit, vec![work])])
}

/// What decides about every source.
struct Rules {
    policies: PolicySet,
    projects: world::Projects,
}

/// What one source asks of which warehouse, by host.
async fn plan_one<'w, S: Store, W, Q>(
    app: &App<S, W, Q>,
    id: &Id,
    pending: &Pending,
    rules: &Rules,
    warehouses: &'w BTreeMap<String, world::Warehouse>,
) -> Result<Vec<(&'w str, Work)>, WorkError> {
    let record = &pending.record;
    let mut planned = Vec::new();
    let source = match stored::data_source(record) {
        Ok(source) => source,
        Err(faults) => {
            // An older release took what this one does not: the view goes, from wherever it may be.
            let then = Then::unhealthy(faults.to_string());
            return Ok(withdraw_from(warehouses.values(), id, pending, &then));
        }
    };
    // Where the view may be and does not belong, it goes: an earlier document named another host, or an integration got one.
    let here = source.as_ref().map(|(source, _)| source.host.as_str());
    let left = warehouses.values().filter(|warehouse| {
        let host = warehouse.integration.host.as_str();
        Some(host) != here && may_have(record, warehouse)
    });
    planned.extend(withdraw_from(left, id, pending, &Then::withdrawn()));

    // A state for which nothing is submitted.
    let note = async |then: Then| note(app, &target(pending, id, None, then)).await;
    let Some((source, enabled)) = source else {
        // Or what was said of it while it was there would stay.
        if !warehouses.values().any(|warehouse| may_have(record, warehouse)) {
            note(Then::withdrawn()).await?;
        }
        return Ok(planned);
    };
    let Some((host, warehouse)) = warehouses.get_key_value(&source.host) else {
        let reason = format!("data_source.host: found `{}`, expected the host of an integration", source.host);
        note(Then::unhealthy(reason)).await?;
        return Ok(planned);
    };
    if !warehouse.ready {
        // The setup asks for every source once it is done.
        note(Then::pending("the warehouse is not set up yet")).await?;
        return Ok(planned);
    }
    let integration = &warehouse.integration;
    let withdraw = |then: Then| withdraw_from(std::iter::once(warehouse), id, pending, &then);
    if !enabled {
        planned.extend(withdraw(Then::disabled()));
        return Ok(planned);
    }
    if let Err(fault) = fits(&source, integration) {
        planned.extend(withdraw(Then::unhealthy(fault.to_string())));
        return Ok(planned);
    }
    // A name may follow from the integration's rule, so it is only known here which one it is.
    let view = match source.view_named(&integration.view_name) {
        Ok(view) => view,
        Err(fault) => {
            planned.extend(withdraw(Then::unhealthy(fault.to_string())));
            return Ok(planned);
        }
    };
    let name = Name::View { host: &source.host, view: &view };
    let claim = match claim::claim(app, name, id).await {
        Ok(claim) => claim,
        Err(WorkError::Faults(faults)) => {
            planned.extend(withdraw(Then::unhealthy(faults.to_string())));
            return Ok(planned);
        }
        Err(error) => return Err(error),
    };
    match plan::build(&source, &rules.policies.resolve(&source), &rules.projects.set) {
        Err(error) => planned.extend(withdraw(Then::unhealthy(error.to_string()))),
        Ok(plan) if integration.mask.is_none() && plan.transforms().any(Transform::needs_function) => {
            let reason =
                "integration.mask: found nothing, expected the Lambda function that a mask on this data source needs";
            planned.extend(withdraw(Then::unhealthy(reason.to_owned())));
        }
        Ok(plan) => {
            let mut work = application(&source, &view, &plan, warehouse, claim.count, pending);
            if plan.transforms().any(Transform::is_hash) {
                work.prepare.extend(plan.join_projects.iter().filter_map(|project| {
                    let seed = rules.projects.seeds.get(project.id.as_str())?;
                    Some(view::prepare_project(&integration.names, &project.id, seed))
                }));
            }
            planned.push((host.as_str(), work));
        }
    }
    Ok(planned)
}

/// Whether a warehouse may have a source's view: an earlier document named its host, or something was submitted there that did not
/// end in a withdrawal.
fn may_have(record: &Record, warehouse: &world::Warehouse) -> bool {
    match record.status_in(&warehouse.home().place()) {
        Some(status) => status.state != State::Withdrawn,
        None => {
            let mut hosts = record.previous.iter().filter_map(|document| document.get("host")?.as_str());
            hosts.any(|host| host.eq_ignore_ascii_case(&warehouse.integration.host))
        }
    }
}

/// Whether a source can have a policy view in an integration at all.
fn fits(source: &DataSource, integration: &Integration) -> Result<(), Fault> {
    let elsewhere = source.database.folded() != integration.database.folded();
    let found = |name: &Ident| format!("`{}`", name.as_str());
    let single = integration.mode == IntegrationMode::SingleDatabase;
    if elsewhere && single {
        let expected = format!("{}, the only database of a single-database integration", found(&integration.database));
        return Err(Fault::new("data_source.database", found(&source.database), expected));
    }
    if source.binding == Binding::Bound && !single {
        let expected =
            "`late`: in a multi-database integration the table is in another database, and no view can be bound to it";
        return Err(Fault::new("data_source.binding", "`bound`", expected));
    }
    if !source.external {
        return Ok(());
    }
    // What a data catalog holds has no name in other databases:
    // https://docs.aws.amazon.com/redshift/latest/dg/cross-database_limitation.html
    if elsewhere {
        let expected = format!(
            "{}: external tables are read in the database that holds the view; let the integration make the external schema there",
            found(&integration.database)
        );
        return Err(Fault::new("data_source.database", found(&source.database), expected));
    }
    if !integration.accepts(Risk::ExternalSchemaUsage) {
        let expected = "`external_schema_usage`, since readers of the view need `USAGE` on the external schema, which opens its \
                        tables to them unless Lake Formation governs it";
        return Err(Fault::new("integration.accepted_risks", "nothing about it", expected));
    }
    Ok(())
}

fn application(
    source: &DataSource,
    view: &Ident,
    plan: &plan::ViewPlan,
    warehouse: &world::Warehouse,
    claim: u64,
    pending: &Pending,
) -> Work {
    let (record, integration) = (&pending.record, &warehouse.integration);
    let place =
        Place { names: &integration.names, database: &integration.database, schema: &integration.view_schema, view };
    let view = view::view(plan, &place);
    let revision = Revision { source: &source.id, revision: record.revision, claim };
    let target = target(pending, &source.id, Some(warehouse), Then::applied());
    let (statements, alone) = match view::apply(&view, &place, revision) {
        Application::Call(call) => (vec![call], false),
        Application::Guarded(guarded) => (guarded.to_vec(), true),
    };
    let prepare = preparation(record, warehouse, &source.id);
    Work { id: source.id.clone(), prepare, statements, target, messages: pending.messages.clone(), alone }
}

/// The statement that makes a source known to the warehouse, unless a revision of it is in force: its row and its salt are then
/// there.
fn preparation(record: &Record, warehouse: &world::Warehouse, id: &Id) -> Vec<SqlText> {
    let status = record.status_in(&warehouse.home().place());
    let in_force = status.is_some_and(|status| status.state == State::Applied);
    // Every stored record has a seed, in digits.
    let seed = record.seed.clone().filter(|_| !in_force).and_then(|seed| Text::new(seed).ok());
    seed.iter().map(|seed| view::prepare(&warehouse.integration.names, id, seed)).collect()
}

fn target(pending: &Pending, id: &Id, warehouse: Option<&world::Warehouse>, then: Then) -> Target {
    Target {
        kind: Kind::DataSource,
        id: id.to_string(),
        home: warehouse.map(world::Warehouse::home),
        revision: pending.record.revision,
        attempt: pending.attempt,
        statements: 1,
        trace: Some(pending.trace()),
        then,
    }
}

/// What takes a source's view away from a warehouse.
fn withdrawal(warehouse: &world::Warehouse, record: &Record, id: &Id, target: Target, messages: Vec<usize>) -> Work {
    let names = &warehouse.integration.names;
    let revision = Revision { source: id, revision: record.revision, claim: 0 };
    let statements = vec![view::withdraw(names, revision, target.then.state, target.then.reason.as_deref())];
    Work { id: id.clone(), prepare: preparation(record, warehouse, id), statements, target, messages, alone: false }
}

/// The same for every warehouse of several that is set up.
fn withdraw_from<'w>(
    warehouses: impl Iterator<Item = &'w world::Warehouse>,
    id: &Id,
    pending: &Pending,
    then: &Then,
) -> Vec<(&'w str, Work)> {
    let withdrawal = |warehouse: &'w world::Warehouse| {
        let target = target(pending, id, Some(warehouse), then.clone());
        let work = withdrawal(warehouse, &pending.record, id, target, pending.messages.clone());
        (warehouse.integration.host.as_str(), work)
    };
    warehouses.filter(|warehouse| warehouse.ready).map(withdrawal).collect()
}
