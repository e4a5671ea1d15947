//! What a run found, where people read it: in the installation's record, and what is about a table in the status of its data
//! source.

use std::collections::{BTreeMap, BTreeSet};

use redoubt_core::{
    drift::{Finding, Remedy},
    record::{Kind, State},
};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use super::{page::Part, repair::Fate};
use crate::{
    port::Store,
    runtime::App,
    work::{
        error::WorkError,
        installation,
        submission::{Then, status},
        world::Warehouse,
    },
};

/// Most findings that are kept.
const FINDINGS: usize = 200;
/// How the reason of a data source begins whose table differs.
const DRIFT: &str = "drift: ";

/// Notes what was found, and where the next run goes on. A dry run notes what it found and nothing else.
///
/// # Errors
/// When the store fails.
pub(super) async fn write<S: Store, W, Q>(
    app: &App<S, W, Q>,
    warehouse: &Warehouse,
    part: &Part,
    findings: &[Finding],
    fates: &[Fate],
    dry_run: bool,
) -> Result<(), WorkError> {
    let now = app.clock.now().format(&Rfc3339).unwrap_or_default();
    let looked_at: BTreeSet<&str> =
        part.tables.iter().flat_map(|(_, page)| &page.tables).map(|table| table.source.id.as_str()).collect();
    let new: Vec<Value> = findings
        .iter()
        .zip(fates)
        .map(|(finding, fate)| {
            let source = match &finding.remedy {
                Remedy::Report { source } => source.as_ref().map(|source| source.as_str()),
                _ => None,
            };
            json!({
                "kind": finding.kind, "object": finding.object, "found": finding.found, "expected": finding.expected,
                "then": fate.as_str(), "at": now, "data_source": source,
            })
        })
        .collect();
    let integration = warehouse.integration.id.as_str();
    installation::change(app, integration, |installation| {
        // What was told of data sources that were not looked at now still stands.
        let told = installation.drift.as_ref().and_then(|drift| drift.get("findings")?.as_array());
        let still = told.into_iter().flatten().filter(|finding| {
            let source = finding.get("data_source").and_then(Value::as_str);
            source.is_some_and(|source| !looked_at.contains(source))
        });
        let all: Vec<Value> = new.iter().chain(still).cloned().collect();
        let more = all.len().saturating_sub(FINDINGS);
        let kept: Vec<Value> = all.into_iter().take(FINDINGS).collect();
        installation.drift = Some(json!({"at": now, "dry_run": dry_run, "findings": kept, "more": more}));
        if !dry_run {
            installation.cursor = part.next.clone();
        }
    })
    .await?;
    if dry_run { Ok(()) } else { tell_sources(app, warehouse, part, findings).await }
}

/// Says in the status of each data source that was looked at what is wrong with its table, or that nothing is any more.
async fn tell_sources<S: Store, W, Q>(
    app: &App<S, W, Q>,
    warehouse: &Warehouse,
    part: &Part,
    findings: &[Finding],
) -> Result<(), WorkError> {
    let place = warehouse.home().place();
    let mut told: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for finding in findings {
        if let Remedy::Report { source: Some(source) } = &finding.remedy {
            told.entry(source.as_str()).or_default().push(finding.to_string());
        }
    }
    for view in &part.own.views {
        let id = view.source.as_str();
        let before = part.reasons.get(id).map(String::as_str);
        let reason = told.get(id).map(|findings| format!("{DRIFT}{}", findings.join("; ")));
        let was_told = before.is_some_and(|before| before.starts_with(DRIFT));
        if reason.is_none() && !was_told {
            continue;
        }
        // Not of one that was raised meanwhile; its next status says nothing of the table, and the next run does.
        let Some(record) = app.store.get(Kind::DataSource, id).await? else { continue };
        let Some(known) = record.status_in(&place) else { continue };
        let then = Then { state: State::Applied, reason };
        let next = status(&*app.clock, view.revision, known.attempt, &then);
        let current = known.revision == view.revision && record.revision == view.revision;
        if current && known.state == State::Applied && known.reason != next.reason {
            app.store.set_status(Kind::DataSource, id, &place, &next).await?;
        }
    }
    Ok(())
}
