//! Targets behind their revision: their message was given up, or whoever had it died in a way that nobody foresaw.
//!
//! A target may be behind because it is being rendered this moment. So one counts once an earlier run saw it behind at the same
//! revision, or once it has been pending for long without a statement that is under way.

use std::collections::{BTreeMap, BTreeSet};

use redoubt_core::{
    model::{Id, stored},
    record::{Kind, NOWHERE, Record, State},
};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    metrics::Metric,
    port::{Queues, Store},
    runtime::App,
    work::{
        error::WorkError,
        fan_out::{self, Reason, What},
        installation,
        policy::tell_sources,
        submission::Submission,
        user::tell_members_and_sources,
        world::Warehouse,
    },
};

/// How long a target may be behind: longer than the longest delay before an attempt.
const GRACE: Duration = Duration::minutes(20);
/// Most targets that are remembered, and refreshed, for one warehouse in one run.
const TARGETS: usize = 1_000;

/// Has what is behind rendered, what was not told told, and says how much of either there is, and how much can't be applied.
///
/// # Errors
/// When the store or a queue fails.
pub(super) async fn look<S: Store, W, Q: Queues>(
    app: &App<S, W, Q>,
    warehouses: &[Warehouse],
    dry_run: bool,
) -> Result<(), WorkError> {
    let now = app.clock.now();
    let mut records = Vec::new();
    for kind in [Kind::Policy, Kind::User, Kind::DataSource, Kind::Project] {
        records.extend(app.store.list(kind).await?);
    }
    let in_flight = in_flight(app).await?;
    let unhealthy = records.iter().filter(|record| is_unhealthy(record)).count();
    let (mut due, mut oldest) = (0, Duration::ZERO);
    let ready = || warehouses.iter().filter(|warehouse| warehouse.ready && !warehouse.silent);
    // What is told concerns no warehouse, so one of them remembers it.
    let first = ready().map(|warehouse| warehouse.integration.id.as_str()).min();
    for warehouse in ready() {
        let id = warehouse.integration.id.as_str();
        let candidates = records.iter().filter(|record| {
            let target = (record.kind, record.id.clone());
            is_behind(record, warehouse) && !in_flight.contains(&target) || first == Some(id) && is_untold(record)
        });
        let candidates: Vec<&Record> = candidates.take(TARGETS).collect();
        let late = remember(app, warehouse, &candidates, now, dry_run).await?;
        oldest = late.iter().map(|(_, age)| *age).max().unwrap_or_default().max(oldest);
        let late: Vec<&Record> = late.into_iter().filter(|(_, age)| *age >= GRACE).map(|(record, _)| record).collect();
        due += late.len();
        if !late.is_empty() {
            tracing::warn!(integration = id, targets = late.len(), dry_run, "behind their revision");
        }
        if !dry_run {
            refresh(app, &late).await?;
        }
    }
    app.metrics.gauge(Metric::Unhealthy, unhealthy);
    app.metrics.gauge(Metric::Behind, due);
    app.metrics.gauge(Metric::OldestPending, u64::try_from(oldest.whole_seconds()).unwrap_or_default());
    tracing::info!(unhealthy, behind = due, "compared revisions");
    Ok(())
}

/// What statements are under way for.
async fn in_flight<S: Store, W, Q>(app: &App<S, W, Q>) -> Result<BTreeSet<(Kind, String)>, WorkError> {
    let mut targets = BTreeSet::new();
    for record in app.store.list(Kind::Submission).await? {
        let submission = Submission::read(&record)?;
        let carried = submission.into_iter().flat_map(|submission| submission.targets);
        targets.extend(carried.map(|target| (target.kind, target.id)));
    }
    Ok(targets)
}

/// Whether a data source or user can't be applied as it is now.
fn is_unhealthy(record: &Record) -> bool {
    let status = record.status().filter(|status| status.revision == record.revision);
    matches!(record.kind, Kind::DataSource | Kind::User)
        && status.is_some_and(|status| status.state == State::Unhealthy)
}

/// Whether the newest revision of a record should be in a warehouse, or gone from there, and is not known to be.
fn is_behind(record: &Record, warehouse: &Warehouse) -> bool {
    let place = warehouse.home().place();
    let concerned = match record.kind {
        Kind::User | Kind::Policy => true,
        Kind::DataSource => match stored::data_source(record) {
            Ok(Some((source, _))) if source.host == warehouse.integration.host => true,
            // Of one that belongs elsewhere, or nowhere, only what was there.
            _ => record.status_in(&place).is_some_and(|status| status.state != State::Withdrawn),
        },
        _ => false,
    };
    let known = |place: &str| {
        record
            .status_in(place)
            .is_some_and(|status| status.revision == record.revision && status.state != State::Pending)
    };
    concerned && !known(&place) && !known(NOWHERE)
}

/// Whether a definition was replaced and what it touched was not told.
fn is_untold(record: &Record) -> bool {
    matches!(record.kind, Kind::Policy | Kind::Project) && !record.previous.is_empty()
}

/// Notes what is behind, and says for how long each has been.
async fn remember<'a, S: Store, W, Q>(
    app: &App<S, W, Q>,
    warehouse: &Warehouse,
    candidates: &[&'a Record],
    now: OffsetDateTime,
    dry_run: bool,
) -> Result<Vec<(&'a Record, Duration)>, WorkError> {
    let integration = warehouse.integration.id.as_str();
    let place = warehouse.home().place();
    let (known, _) = installation::Installation::load(app, integration).await?;
    let mut behind = BTreeMap::new();
    let mut ages = Vec::with_capacity(candidates.len());
    for record in candidates {
        let key = format!("{}/{}", record.kind, record.id);
        let noted = known.behind.get(&key).filter(|(revision, _)| *revision == record.revision);
        // Who is pending was told so at a time.
        let pending = record.status_in(&place).filter(|status| status.revision == record.revision);
        let since = [noted.map(|(_, since)| since), pending.map(|status| &status.at)].into_iter().flatten();
        let since = since.filter_map(|since| OffsetDateTime::parse(since, &Rfc3339).ok()).min().unwrap_or(now);
        ages.push((*record, now - since));
        behind.insert(key, (record.revision, since.format(&Rfc3339).unwrap_or_default()));
    }
    if !dry_run && behind != known.behind {
        installation::change(app, integration, |installation| installation.behind.clone_from(&behind)).await?;
    }
    Ok(ages)
}

/// Has targets rendered anew, and tells again what was not told.
async fn refresh<S: Store, W, Q: Queues>(app: &App<S, W, Q>, late: &[&Record]) -> Result<(), WorkError> {
    let reason = Reason::event(None);
    for what in What::ALL {
        let of_kind = late.iter().filter(|record| record.kind == what.kind() && !is_untold(record));
        let ids: Vec<String> = of_kind.map(|record| record.id.clone()).collect();
        fan_out::send(&app.queues, what, &ids, &reason).await?;
    }
    for record in late.iter().filter(|record| is_untold(record)) {
        let Ok(id) = Id::check("id", &record.id) else { continue };
        match record.kind {
            Kind::Project => tell_members_and_sources(app, &id, &reason).await?,
            _ => {
                tell_sources(app, std::iter::once(&id), &reason).await?;
                fan_out::send(&app.queues, What::Policies, std::slice::from_ref(&record.id), &reason).await?;
            }
        }
    }
    Ok(())
}
