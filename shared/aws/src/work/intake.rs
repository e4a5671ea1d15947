//! From messages to records: parse, check, store. What was stored is then rendered by target, so that many messages about
//! one target cost one rendering.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt};
use redoubt_core::{
    event::{self, CorrelationId, Event},
    model::{Command, Id},
    record::{DOCUMENT, Kind, Merge, Record, State, Status, Write},
    render::hex,
};
use serde_json::Value;

use super::{
    claim,
    error::WorkError,
    trace::{Origin, Trace},
};
use crate::{
    batch::{Message, Outcome},
    error::{Error, ErrorKind},
    metrics::Metric,
    port::{Put, Store},
    runtime::App,
};

/// How often a record is read again when others write it at the same time.
const MERGE_ATTEMPTS: usize = 10;

/// The outcomes of a batch: done, unless something failed. And what logs call each message.
#[derive(Debug)]
pub(super) struct Outcomes(Vec<(Trace, Outcome)>);

impl Outcomes {
    /// All done, and called as SQS does.
    pub(super) fn new<S, W, Q>(app: &App<S, W, Q>, messages: &[Message]) -> Self {
        let now = app.clock.now();
        Self(messages.iter().map(|message| (Trace::of(message, now), Outcome::Done)).collect())
    }

    /// The event behind a message.
    pub(super) fn trace(&self, message: usize) -> Option<&Trace> {
        self.0.get(message).map(|(trace, _)| trace)
    }

    /// The event behind what several messages ask for together.
    pub(super) fn together(&self, messages: &[usize]) -> Option<Trace> {
        let mut traces = messages.iter().filter_map(|message| self.trace(*message).cloned());
        let mut origin = Origin::new(traces.next()?);
        for trace in traces {
            if let Some(former) = origin.absorb(trace) {
                tracing::info!(correlation_id = former, into = origin.trace().id, "coalesced");
            }
        }
        Some(origin.trace())
    }

    /// Calls a message as its event does, and measures it from when that was received.
    fn name(&mut self, message: usize, label: Option<CorrelationId>, received_at: Option<u64>) {
        if let Some((trace, _)) = self.0.get_mut(message) {
            trace.id = label.map_or_else(|| std::mem::take(&mut trace.id), |label| label.as_str().to_owned());
            trace.at = received_at.and_then(|at| i64::try_from(at).ok()).unwrap_or(trace.at);
        }
    }

    /// Notes a failure of the messages given. What was rejected stays so.
    pub(super) fn fail(&mut self, messages: &[usize], error: &WorkError) {
        for index in messages {
            let Some((trace, outcome)) = self.0.get_mut(*index) else { continue };
            let correlation_id = trace.id.as_str();
            let then = error.outcome();
            match (&then, error.kind()) {
                // The faults quote the message, so they go with it and not into the log.
                (Outcome::Reject(faults), _) => tracing::warn!(correlation_id, faults = faults.len(), "rejected"),
                (_, ErrorKind::Defect) => tracing::error!(correlation_id, error = error.for_log(), "can't go on"),
                _ => tracing::warn!(correlation_id, error = error.for_log(), "will be tried again"),
            }
            if *outcome == Outcome::Done {
                *outcome = then;
            }
        }
    }

    pub(super) fn into_inner(self) -> Vec<Outcome> {
        self.0.into_iter().map(|(_, outcome)| outcome).collect()
    }
}

/// What a message asks for. From here on it is called as its event is.
///
/// # Errors
/// Every fault of the message.
fn command<S, W, Q>(
    app: &App<S, W, Q>,
    index: usize,
    message: &Message,
    outcomes: &mut Outcomes,
) -> Result<Command, WorkError> {
    let parsed = event::parse(&message.body);
    let event = parsed.as_ref().ok().map(|incoming| &incoming.event);
    match &parsed {
        Ok(incoming) => outcomes.name(index, incoming.label(), incoming.event.received_at()),
        Err(_) => outcomes.name(index, CorrelationId::in_refused(&message.body), None),
    }
    tracing::info!(
        correlation_id = outcomes.trace(index).map(|trace| trace.id.as_str()),
        message_id = message.id,
        event_type = event.map(Event::type_name),
        receive_count = message.receive_count,
        bytes = message.body.len(),
        "received"
    );
    // What the functions send each other is no event of a producer's, and one that comes again was counted.
    if message.receive_count <= 1 && !event.is_some_and(Event::is_refresh) {
        app.metrics.count(Metric::EventsIn, 1_u32);
    }
    Ok(Command::check(&parsed?.event)?)
}

/// A record after a merge.
#[derive(Debug)]
pub(super) struct Merged {
    /// What became of the writes.
    pub(super) merge: Merge,
    /// The record, as stored.
    pub(super) record: Record,
}

/// Merges writes into a record and stores it, with its revision raised in the same step. A definition that is replaced is kept
/// on the record, because what it touched is still to be refreshed. A document that needs a name claims it first.
///
/// # Errors
/// When the store fails, a version comes with two values, or the name is another document's.
async fn merge<S: Store, W, Q>(app: &App<S, W, Q>, kind: Kind, id: &Id, writes: &[Write]) -> Result<Merged, WorkError> {
    for _ in 0..MERGE_ATTEMPTS {
        let mut record = app.store.get(kind, id.as_str()).await?.unwrap_or_else(|| Record::new(kind, id.as_str()));
        let before = record.document().map(|document| footprint(kind, document));
        let merge = record.merge(writes)?;
        // A document that is stale anyway claims nothing.
        if merge != Merge::Stale && writes.iter().any(Write::is_document) {
            claim::claim_for(app, id, &record).await?;
        }
        if merge == Merge::Repeated && was_given_up(&record) {
            // What was taken away at this revision could not be put in force at it, though its statement would end well.
            return Ok(match app.store.bump(kind, id.as_str()).await? {
                Some(record) => Merged { merge: Merge::Changed, record },
                None => Merged { merge, record },
            });
        }
        if merge != Merge::Changed {
            return Ok(Merged { merge, record });
        }
        let after = record.document().map(|document| footprint(kind, document));
        if let Some(before) = before
            && after.as_ref() != Some(&before)
            && !record.previous.contains(&before)
        {
            record.previous.push(before);
        }
        record.revision += 1;
        if record.seed.is_none() {
            record.seed = Some(hex(&app.entropy.seed().map_err(Error::from)?));
        }
        if app.store.put(&record).await? == Put::Stored {
            record.lock += 1;
            return Ok(Merged { merge, record });
        }
    }
    Err(WorkError::Contended { kind, id: id.to_string() })
}

/// Whether the newest revision of a target can't be applied somewhere, and was taken away there.
fn was_given_up(record: &Record) -> bool {
    let given_up = |status: &Status| status.state == State::Unhealthy && status.revision == record.revision;
    matches!(record.kind, Kind::DataSource | Kind::User) && record.statuses.values().any(given_up)
}

/// Forgets the definitions that were replaced, once what they touched was told. Where another document came in between, its own
/// fan-out covers what is kept; where the record was only refreshed, nobody else would forget them.
///
/// # Errors
/// When the store fails.
pub(super) async fn forget_previous<S: Store, W, Q>(app: &App<S, W, Q>, mut record: Record) -> Result<(), WorkError> {
    for _ in 0..MERGE_ATTEMPTS {
        if record.previous.is_empty() {
            return Ok(());
        }
        record.previous.clear();
        if app.store.put(&record).await? == Put::Stored {
            return Ok(());
        }
        let told = |record: &Record| (record.deleted, record.fields.get(DOCUMENT).cloned());
        match app.store.get(record.kind, &record.id).await? {
            Some(current) if told(&current) == told(&record) => record = current,
            _ => return Ok(()),
        }
    }
    // They are told once more with the next event.
    Ok(())
}

/// What of a document must be remembered when it is replaced: all that tells what it touched. For a policy and a project that is
/// the definition, until everything it touched was refreshed; for a data source the host that may hold its view, for a user
/// the account that may hold their profile.
fn footprint(kind: Kind, document: &Value) -> Value {
    let part = |name: &str| serde_json::json!({name: document.get(name)});
    match kind {
        Kind::DataSource => part("host"),
        Kind::User => part("database_user"),
        Kind::Policy
        | Kind::Project
        | Kind::Integration
        | Kind::Claim
        | Kind::Submission
        | Kind::Installation
        | Kind::Delivery => document.clone(),
    }
}

/// Targets to render, each with the messages that wait for it, so that a failure returns just those.
#[derive(Debug, Default)]
pub(super) struct Targets(BTreeMap<Id, Pending>);

/// A target and who waits for it.
#[derive(Debug)]
pub(super) struct Pending {
    /// The record at the revision to render.
    pub(super) record: Record,
    /// Messages by index.
    pub(super) messages: Vec<usize>,
    /// How often a failed statement of it was tried before.
    pub(super) attempt: u32,
    /// The events behind it.
    origin: Origin,
    /// Whether the revision was raised for this batch. That of a repeated event was not, and may be in force already with what
    /// was known then.
    raised: bool,
}

impl Pending {
    /// The event behind it.
    pub(super) fn trace(&self) -> Trace {
        self.origin.trace()
    }

    /// One more message waits for it.
    fn join(&mut self, message: usize, attempt: u32, outcomes: &Outcomes) {
        self.messages.push(message);
        self.attempt = self.attempt.max(attempt);
        let former = outcomes.trace(message).and_then(|trace| self.origin.absorb(trace.clone()));
        if let Some(former) = former {
            let (kind, id) = (self.record.kind, self.record.id.as_str());
            tracing::info!(correlation_id = former, into = self.trace().id, %kind, id, "coalesced");
        }
    }
}

impl Targets {
    /// Adds the target of an event that was merged.
    pub(super) fn add(&mut self, id: Id, merged: Merged, message: usize, outcomes: &Outcomes) {
        self.insert(id, merged.record, message, 0, merged.merge == Merge::Changed, outcomes);
    }

    /// Adds a target at the record's revision; of several, the newest record counts.
    fn insert(&mut self, id: Id, record: Record, message: usize, attempt: u32, raised: bool, outcomes: &Outcomes) {
        match self.0.entry(id) {
            std::collections::btree_map::Entry::Vacant(vacant) => {
                let Some(trace) = outcomes.trace(message) else { return };
                let origin = Origin::new(trace.clone());
                vacant.insert(Pending { record, messages: vec![message], attempt, origin, raised });
            }
            std::collections::btree_map::Entry::Occupied(mut occupied) => {
                let pending = occupied.get_mut();
                pending.raised |= raised;
                if record.lock > pending.record.lock {
                    pending.record = record;
                }
                pending.join(message, attempt, outcomes);
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every message that waits for any of the targets.
    pub(super) fn messages(&self) -> Vec<usize> {
        self.0.values().flat_map(|pending| pending.messages.iter().copied()).collect()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Id, &Pending)> {
        self.0.iter()
    }
}

/// What a function takes from its queue.
#[derive(Debug, Clone, Copy)]
pub(super) struct Accepts {
    /// Documents it stores.
    pub(super) documents: &'static [Kind],
    /// What it renders when asked to.
    pub(super) refreshes: Kind,
    /// The same in words.
    pub(super) words: &'static str,
}

/// A batch once every document in it is stored.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// What was merged and is not stale, with the message it came in.
    pub(super) merged: Vec<(usize, Id, Merged)>,
    /// What is to be rendered again, with the message that asks for it and the attempt.
    pub(super) refreshes: Vec<(usize, Vec<Id>, u32)>,
}

/// A message by index, and what it writes.
type Written = (usize, Vec<Write>);

/// Reads a batch and stores the documents in it. Those of different records are stored at the same time, those of one record one
/// after the other. A document that needs a name claims it first.
pub(super) async fn take<S: Store, W, Q>(
    app: &App<S, W, Q>,
    messages: &[Message],
    accepts: Accepts,
    outcomes: &mut Outcomes,
) -> Taken {
    let mut taken = Taken::default();
    let mut writes: BTreeMap<(Kind, Id), Vec<Written>> = BTreeMap::new();
    for (index, message) in messages.iter().enumerate() {
        match command(app, index, message, outcomes) {
            Ok(Command::Merge { kind, id, writes: new }) if accepts.documents.contains(&kind) => {
                writes.entry((kind, id)).or_default().push((index, new));
            }
            Ok(Command::Refresh { kind, ids, attempt }) if kind == accepts.refreshes => {
                taken.refreshes.push((index, ids, attempt));
            }
            Ok(Command::Merge { kind, .. } | Command::Refresh { kind, .. }) => {
                let error = WorkError::WrongQueue { expected: accepts.words, found: kind.as_str() };
                outcomes.fail(&[index], &error);
            }
            Err(error) => outcomes.fail(&[index], &error),
        }
    }
    let stored = concurrently(writes.into_iter().map(|((kind, id), events)| async move {
        let mut results = Vec::with_capacity(events.len());
        for (index, writes) in events {
            let result = merge(app, kind, &id, &writes).await;
            results.push((index, id.clone(), result));
        }
        results
    }))
    .await;
    for (index, id, result) in stored.into_iter().flatten() {
        match result {
            Ok(merged) => {
                let correlation_id = outcomes.trace(index).map(|trace| trace.id.as_str());
                let (kind, revision) = (merged.record.kind, merged.record.revision);
                if merged.merge == Merge::Stale {
                    app.metrics.count(Metric::EventsStale, 1_u32);
                    tracing::info!(correlation_id, %kind, id = id.as_str(), "older than what is known");
                    continue;
                }
                let changed = merged.merge == Merge::Changed;
                tracing::info!(correlation_id, %kind, id = id.as_str(), revision, changed, "stored");
                taken.merged.push((index, id, merged));
            }
            Err(error) => outcomes.fail(&[index], &error),
        }
    }
    taken
}

impl Targets {
    /// Raises the revisions of the records that refreshes name and makes them targets; once for each, since every input is read
    /// after it, and not for those whose revision this batch raised already. What is unknown is left out: there is nothing to
    /// render.
    pub(super) async fn refresh<S: Store, W, Q>(
        &mut self,
        app: &App<S, W, Q>,
        kind: Kind,
        refreshes: Vec<(usize, Vec<Id>, u32)>,
        outcomes: &mut Outcomes,
    ) {
        let mut asked: BTreeMap<Id, (Vec<usize>, u32)> = BTreeMap::new();
        for (index, ids, attempt) in refreshes {
            for id in ids {
                let (messages, highest) = asked.entry(id).or_default();
                messages.push(index);
                *highest = attempt.max(*highest);
            }
        }
        let raised = |id: &Id| self.0.get(id).is_some_and(|pending| pending.raised);
        let to_raise: Vec<Id> = asked.keys().filter(|id| !raised(id)).cloned().collect();
        let bumped = concurrently(to_raise.into_iter().map(|id| async move {
            let bumped = app.store.bump(kind, id.as_str()).await;
            (id, bumped)
        }))
        .await;
        let mut bumped: BTreeMap<Id, _> = bumped.into_iter().collect();
        for (id, (messages, attempt)) in asked {
            match bumped.remove(&id) {
                Some(Ok(Some(record))) => {
                    for message in messages {
                        self.insert(id.clone(), record.clone(), message, attempt, true, outcomes);
                    }
                }
                Some(Ok(None)) => {
                    let correlation_id = outcomes.together(&messages).map(|trace| trace.id);
                    tracing::info!(correlation_id, %kind, id = id.as_str(), "refresh of something unknown");
                }
                Some(Err(error)) => outcomes.fail(&messages, &error.into()),
                None => {
                    if let Some(pending) = self.0.get_mut(&id) {
                        messages.into_iter().for_each(|message| pending.join(message, attempt, outcomes));
                    }
                }
            }
        }
    }
}

impl Targets {
    /// The targets whose documents still are what they were when their revisions were raised; to be asked once everything else
    /// that counts was read. A document of then under policies of now may show what neither the old nor the new documents do.
    /// Whoever stored a newer one raised the revision, and renders it.
    pub(super) async fn still_present<S: Store, W, Q>(
        &self,
        app: &App<S, W, Q>,
        outcomes: &mut Outcomes,
    ) -> BTreeSet<Id> {
        let read =
            concurrently(self.0.iter().map(|(id, pending)| async move {
                (id, pending, app.store.get(pending.record.kind, id.as_str()).await)
            }));
        let mut present = BTreeSet::new();
        for (id, pending, record) in read.await {
            match record {
                Ok(Some(record))
                    if record.fields == pending.record.fields && record.deleted == pending.record.deleted =>
                {
                    present.insert(id.clone());
                }
                Ok(_) => tracing::info!(kind = %pending.record.kind, id = id.as_str(), "a newer document is there"),
                Err(error) => outcomes.fail(&pending.messages, &error.into()),
            }
        }
        present
    }
}

/// How many calls of the store are under way at once.
const CONCURRENCY: usize = 32;

/// Does several things at once, but not too many, and gives their results in order.
pub(super) async fn concurrently<T>(work: impl IntoIterator<Item = impl Future<Output = T>>) -> Vec<T> {
    at_most(CONCURRENCY, work).await
}

/// The same with another bound.
pub(super) async fn at_most<T>(bound: usize, work: impl IntoIterator<Item = impl Future<Output = T>>) -> Vec<T> {
    stream::iter(work).buffered(bound).collect().await
}
