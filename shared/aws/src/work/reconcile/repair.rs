//! Undoes what is Redoubt's own to undo: targets are rendered anew, rights taken back, rows deleted that Redoubt did not write.

use std::collections::BTreeSet;

use redoubt_core::{
    drift::{Finding, Remedy, Target, remedy},
    render::policy::lock,
    sql::SqlText,
};

use super::ask::run;
use crate::{
    port::{Mode, Put, Queues, StatementState, Store, Warehouse as Port},
    runtime::App,
    work::{
        error::WorkError,
        fan_out::{self, Reason, What},
        world::Warehouse,
    },
};

/// Most statements in one call (`BatchExecuteStatement`).
const STATEMENTS: usize = 40;
/// How often a record is read again when others write it at the same time.
const ATTEMPTS: usize = 10;

/// What became of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is told.
    Told,
    /// What is rendered anew will undo it.
    Asked,
    /// It is undone.
    Done,
    /// The warehouse did not let it be undone: it is told.
    Refused,
    /// More was found than one run undoes.
    Later,
}

impl Fate {
    /// The word in logs and reports.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Told => "reported",
            Self::Asked => "rendering",
            Self::Done => "repaired",
            Self::Refused => "refused",
            Self::Later => "next run",
        }
    }
}

/// Undoes findings, as far as two calls and refreshes do. Says what became of each.
///
/// # Errors
/// When the store or a queue fails.
pub(super) async fn all<S: Store, W: Port, Q: Queues>(
    app: &App<S, W, Q>,
    warehouse: &Warehouse,
    findings: &[Finding],
) -> Result<Vec<Fate>, WorkError> {
    let mut fates = vec![Fate::Told; findings.len()];
    let mut targets: BTreeSet<&Target> = BTreeSet::new();
    let mut remade: Vec<&str> = Vec::new();
    let mut revoked: Vec<(usize, &SqlText)> = Vec::new();
    let mut deleted: Vec<(usize, &[SqlText], Option<&Target>)> = Vec::new();
    for (index, (finding, fate)) in findings.iter().zip(&mut fates).enumerate() {
        match &finding.remedy {
            Remedy::Report { .. } => {}
            Remedy::Render(target) => {
                targets.insert(target);
                *fate = Fate::Asked;
            }
            Remedy::Remake(target) => {
                remade.push(&target.id);
                targets.insert(target);
                *fate = Fate::Asked;
            }
            Remedy::RenderAbove(target, revision) => {
                raise(app, target, *revision).await?;
                targets.insert(target);
                *fate = Fate::Asked;
            }
            Remedy::Revoke(statement) => revoked.push((index, statement)),
            Remedy::Delete { statements, then, .. } => deleted.push((index, statements, then.as_ref())),
        }
    }
    revoke(app, warehouse, &remade, &revoked, &mut fates).await?;
    delete(app, warehouse, &deleted, &mut targets, &mut fates).await?;
    for what in What::ALL {
        let ids: Vec<String> =
            targets.iter().filter(|target| target.kind == what.kind()).map(|target| target.id.clone()).collect();
        fan_out::send(&app.queues, what, &ids, &Reason::event(None)).await?;
    }
    Ok(fates)
}

/// Notes which views are to be dropped before they are made anew, and takes rights back. Each on its own: one that the warehouse
/// refuses leaves the others.
async fn revoke<S: Store, W: Port, Q>(
    app: &App<S, W, Q>,
    warehouse: &Warehouse,
    remade: &[&str],
    revoked: &[(usize, &SqlText)],
    fates: &mut [Fate],
) -> Result<(), WorkError> {
    let mut statements = Vec::new();
    if !remade.is_empty() {
        statements.push(remedy::remake(&warehouse.integration, remade.iter().copied())?);
    }
    let first = statements.len();
    let (now, later) = revoked.split_at(revoked.len().min(STATEMENTS - first));
    for (index, _) in later {
        note(fates, *index, Fate::Later);
    }
    statements.extend(now.iter().map(|(_, statement)| (*statement).clone()));
    if statements.is_empty() {
        return Ok(());
    }
    let database = &warehouse.integration.database;
    let name = "redoubt reconcile puts views and rights back".to_owned();
    let ended = run(app, warehouse, database, Mode::AutoCommit, statements, name).await?;
    for (place, (index, _)) in now.iter().enumerate() {
        let state = ended.as_ref().and_then(|(_, states)| states.get(first + place)).map(|(state, _)| *state);
        note(fates, *index, if state == Some(StatementState::Finished) { Fate::Done } else { Fate::Refused });
    }
    Ok(())
}

/// All or none, under the lock that writers of profiles take first.
async fn delete<'a, S: Store, W: Port, Q>(
    app: &App<S, W, Q>,
    warehouse: &Warehouse,
    deleted: &[(usize, &[SqlText], Option<&'a Target>)],
    targets: &mut BTreeSet<&'a Target>,
    fates: &mut [Fate],
) -> Result<(), WorkError> {
    let integration = &warehouse.integration;
    let mut statements = vec![lock(&integration.names)];
    let mut now = Vec::new();
    for (index, own, then) in deleted {
        if statements.len() + own.len() > STATEMENTS {
            note(fates, *index, Fate::Later);
            continue;
        }
        statements.extend_from_slice(own);
        now.push((*index, *then));
    }
    if now.is_empty() {
        return Ok(());
    }
    let name = "redoubt reconcile deletes rows".to_owned();
    let ended = run(app, warehouse, &integration.database, Mode::Transaction, statements, name).await?;
    let done = ended.is_some_and(|(_, states)| states.iter().all(|(state, _)| *state == StatementState::Finished));
    for (index, then) in now {
        note(fates, index, if done { Fate::Done } else { Fate::Refused });
        targets.extend(then.filter(|_| done));
    }
    Ok(())
}

fn note(fates: &mut [Fate], index: usize, fate: Fate) {
    if let Some(known) = fates.get_mut(index) {
        *known = fate;
    }
}

/// Raises a record's revision to one that the warehouse has, so that the next one is newer. A revision that never was may be
/// skipped; one that was is never given again.
async fn raise<S: Store, W, Q>(app: &App<S, W, Q>, target: &Target, revision: u64) -> Result<(), WorkError> {
    for _ in 0..ATTEMPTS {
        let Some(mut record) = app.store.get(target.kind, &target.id).await? else { return Ok(()) };
        if record.revision >= revision {
            return Ok(());
        }
        record.revision = revision;
        if app.store.put(&record).await? == Put::Stored {
            return Ok(());
        }
    }
    Err(WorkError::Contended { kind: target.kind, id: target.id.clone() })
}
