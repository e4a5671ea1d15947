//! Waiting until everything has settled once nothing more is sent and nothing is killed.

use std::time::{Duration, Instant};

use redoubt_aws::port::{Put, Store};
use redoubt_core::record::{DOCUMENT, Field, Kind, Record, State};
use redoubt_tests::stack::{Function, SECOND, Stack, StackError, wait};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::run::depth;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(500);
/// How often in a row everything must be at rest.
const LOOKS: u32 = 3;

/// How a run ends.
#[derive(Debug, Clone, Copy)]
pub struct Ending {
    /// How often the sweep is asked for, besides the deployment's own schedule.
    pub sweep_every: Duration,
    /// How long it may take.
    pub patience: Duration,
    /// Whether submissions that are left when the queues are empty are made old, since nobody wants to wait until they are: the
    /// sweep asks after two minutes, and gives one without a statement up after ten.
    pub hurried: bool,
}

/// How it came to rest.
#[derive(Debug)]
pub struct Quiet {
    pub after: Duration,
    pub sweeps: usize,
    /// Submissions that were made old.
    pub aged: usize,
}

/// Waits until the queues are empty, no submission is left, and nothing waits.
pub async fn until_quiet(stack: &Stack, prefix: &str, ending: Ending) -> Result<Quiet, StackError> {
    let begin = Instant::now();
    let mut swept: Option<Instant> = None;
    let (mut sweeps, mut aged, mut at_rest) = (0, 0, 0);
    loop {
        let messages = depth(stack).await?;
        let submissions = stack.store.list(Kind::Submission).await?;
        let waiting = waiting(stack, prefix).await?;
        at_rest = if messages == 0 && submissions.is_empty() && waiting.is_empty() { at_rest + 1 } else { 0 };
        // One sweep at least, since there is one in every deployment.
        if at_rest >= LOOKS && sweeps > 0 {
            return Ok(Quiet { after: begin.elapsed(), sweeps, aged });
        }
        if begin.elapsed() > ending.patience {
            let submissions: Vec<_> = submissions.iter().map(|record| record.document()).collect();
            return Err(StackError::Late {
                patience: ending.patience,
                wanted: "everything is at rest".to_owned(),
                seen: format!("{messages} messages, submissions {submissions:?}, waiting {waiting:#?}"),
            });
        }
        if swept.is_none_or(|swept| swept.elapsed() >= ending.sweep_every) {
            if ending.hurried && messages == 0 {
                for submission in submissions {
                    aged += usize::from(age(stack, submission).await?);
                }
            }
            stack.send_bodies(Function::Reconcile, &[json!({"type": "sweep"}).to_string()]).await?;
            swept = Some(Instant::now());
            sweeps += 1;
        }
        sleep(LOOK).await;
    }
}

/// Has Redoubt itself look for drift, which must find nothing to mend: what it would mend was not brought about by anybody, and what
/// people may have done to their tables is only told.
pub async fn until_nothing_is_found(stack: &Stack, prefix: &str, integrations: &[&str]) -> Result<(), StackError> {
    let looked = async |integration: &str| {
        let record = stack.record(Kind::Installation, integration).await?;
        Ok::<_, StackError>(record.and_then(|record| record.document()?.get("drift").cloned()).unwrap_or_default())
    };
    for integration in integrations {
        let before = looked(integration).await?;
        let request = json!({"type": "reconcile", "integration": integration}).to_string();
        stack.send_bodies(Function::Reconcile, &[request]).await?;
        let report = wait::until(
            || format!("`{integration}` is looked at"),
            async || {
                let report = looked(integration).await?;
                Ok(if report["at"] == before["at"] { Err("not yet".to_owned()) } else { Ok(report) })
            },
        )
        .await?;
        let findings = report["findings"].as_array().cloned().unwrap_or_default();
        // Other tests leave things of their own.
        let own = |finding: &&Value| finding["object"].as_str().is_some_and(|object| object.contains(prefix));
        let mended: Vec<_> = findings.iter().filter(own).filter(|finding| finding["then"] != "reported").collect();
        if !mended.is_empty() {
            return Err(StackError::Unusable(format!("at rest there was still something to mend: {mended:#?}")));
        }
    }
    Ok(())
}

/// What is neither in force nor found to be impossible.
async fn waiting(stack: &Stack, prefix: &str) -> Result<Vec<String>, StackError> {
    let mut waiting = Vec::new();
    for kind in [Kind::DataSource, Kind::User, Kind::Policy, Kind::Integration] {
        let concerns = |record: &Record| match kind {
            Kind::Integration => ["warehouse", SECOND].contains(&record.id.as_str()),
            _ => record.id.starts_with(prefix),
        };
        for record in stack.store.list(kind).await?.into_iter().filter(concerns) {
            let settled = record
                .status()
                .is_some_and(|status| status.revision == record.revision && status.state != State::Pending);
            if !settled && record.document().is_some() {
                waiting.push(format!("{kind} {} revision {}: {:?}", record.id, record.revision, record.status()));
            }
        }
    }
    Ok(waiting)
}

/// Makes a submission older than any the sweep leaves alone; false where it was settled meanwhile.
async fn age(stack: &Stack, mut record: Record) -> Result<bool, StackError> {
    let Some(Field { version, value }) = record.fields.remove(DOCUMENT) else { return Ok(false) };
    let mut value = value;
    value["recorded_at"] = json!("2026-01-01T00:00:00Z");
    record.fields.insert(DOCUMENT.to_owned(), Field { version, value });
    Ok(stack.store.put(&record).await? == Put::Stored)
}
