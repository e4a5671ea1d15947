//! One warehouse, held against what should be there.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use redoubt_core::{
    drift::{Finding, Kind, Remedy, judge, query},
    record,
};

use super::{
    ask::ask,
    page::{self, Part},
    repair::{self, Fate},
    report,
};
use crate::{
    metrics::Metric,
    port::{Queues, Store, Warehouse as Port},
    runtime::App,
    work::{
        claim::{self, Name},
        error::WorkError,
        installation::Installation,
        world::Warehouse,
    },
};

/// Looks at the next part of a warehouse, repairs what is Redoubt's own and reports the rest; a dry run only reports, and the next
/// run looks at the same part.
///
/// # Errors
/// When the store or a queue fails.
pub(super) async fn look<S: Store, W: Port, Q: Queues>(
    app: &App<S, W, Q>,
    warehouse: &Warehouse,
    dry_run: bool,
) -> Result<(), WorkError> {
    let integration = &warehouse.integration;
    let id = integration.id.as_str();
    let (installation, _) = Installation::load(app, id).await?;
    // Whoever sets it up, or changes it, is about to make it another one.
    if installation.is_leased(app.clock.now()) {
        tracing::info!(integration = id, "is being changed: not looked at");
        return Ok(());
    }
    let part = page::choose(app, warehouse, &installation.cursor).await?;
    let answers = ask(app, warehouse, &integration.database, query::own(integration, &part.own)?).await?;
    let mut findings = judge::own(integration, &part.own, &answers);
    for (database, page) in &part.tables {
        let answers = ask(app, warehouse, database, query::tables(integration, database, page)?).await?;
        findings.extend(judge::tables(integration, database, page, &answers));
    }
    let findings = still_true(app, &part, findings).await?;
    let found = findings.iter().filter(|finding| finding.kind != Kind::NotSeen).count();
    app.metrics.count(Metric::DriftFound, found);
    let fates = if dry_run { vec![Fate::Told; findings.len()] } else { repair::all(app, warehouse, &findings).await? };
    let repaired = fates.iter().filter(|fate| matches!(fate, Fate::Done | Fate::Asked)).count();
    app.metrics.count(Metric::DriftRepaired, repaired);
    for (finding, fate) in findings.iter().zip(&fates) {
        let (kind, object) = (finding.kind.as_str(), finding.object.as_str());
        tracing::warn!(integration = id, drift = kind, object, then = fate.as_str(), dry_run, "drift");
    }
    tracing::info!(
        integration = id,
        views = part.own.views.len(),
        accounts = part.own.accounts.len(),
        policies = part.own.definitions.len(),
        found,
        repaired,
        dry_run,
        "looked for drift"
    );
    report::write(app, warehouse, &part, &findings, &fates, dry_run).await
}

/// What was found of a target that was raised meanwhile is how it was before, and says nothing: whoever raised it has it
/// rendered. An account that nobody had may have somebody now.
async fn still_true<S: Store, W, Q>(
    app: &App<S, W, Q>,
    part: &Part,
    findings: Vec<Finding>,
) -> Result<Vec<Finding>, WorkError> {
    let mut now: BTreeMap<(record::Kind, String), Option<u64>> = BTreeMap::new();
    let mut taken: BTreeSet<String> = BTreeSet::new();
    for finding in &findings {
        let (target, account) = match &finding.remedy {
            Remedy::Render(target) | Remedy::Remake(target) | Remedy::RenderAbove(target, _) => (Some(target), None),
            Remedy::Delete { then, account, .. } => (then.as_ref(), Some(account)),
            Remedy::Revoke(_) | Remedy::Report { .. } => (None, None),
        };
        if let Some(target) = target {
            let key = (target.kind, target.id.clone());
            if let Entry::Vacant(vacant) = now.entry(key) {
                let record = app.store.get(target.kind, &target.id).await?;
                vacant.insert(record.map(|record| record.revision));
            }
        } else if let Some(account) = account
            && let Ok(name) = redoubt_core::sql::Ident::new(account.as_str())
            && let Some(claim) = claim::holder(app, Name::DatabaseUser(&name)).await?
            && let Some(holder) = app.store.get(record::Kind::User, &claim.holder).await?
            && holder.document().and_then(|user| user.get("database_user")?.as_str()) == Some(account.as_str())
        {
            taken.insert(account.as_str().to_owned());
        }
    }
    let is_true = |finding: &Finding| match &finding.remedy {
        Remedy::Render(target)
        | Remedy::Remake(target)
        | Remedy::RenderAbove(target, _)
        | Remedy::Delete { then: Some(target), .. } => {
            let key = (target.kind, target.id.clone());
            now.get(&key).copied().flatten() == part.revisions.get(&key).copied()
        }
        Remedy::Delete { account, .. } => !taken.contains(account.as_str()),
        Remedy::Revoke(_) | Remedy::Report { .. } => true,
    };
    Ok(findings.into_iter().filter(is_true).collect())
}
