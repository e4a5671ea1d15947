//! DynamoDB: the metadata table.
//!
//! | rule | source |
//! | --- | --- |
//! | reads of one item are strongly consistent, writes are conditional | <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.ReadConsistency.html> |
//! | a query comes in pages of 1 MB, each read at its own moment: a list is no snapshot | <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html> |
//! | 4 KB a read unit, 1 KB a write unit, a failed condition costs the write | <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html> |
//! | a call that failed may have had its effect | <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html> |

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard},
};

use futures_util::stream::{self, StreamExt, TryStreamExt};
use redoubt_aws::{
    error::{ErrorKind, StoreError},
    fault::ServiceFault,
    port::{Put, Store},
};
use redoubt_core::record::{Kind, Record, Status};

use super::{Invocation, World};
use crate::{faults::Fault, kernel::SECOND, mutation::Mutation};

/// Partitions of a kind with many records, as the adapter spreads them.
const SHARDS: u64 = 16;
/// Partitions that are queried at a time.
const QUERIES_AT_ONCE: usize = 8;
/// How far behind a list is that is not consistent.
const STALE: u64 = 20 * SECOND;

#[derive(Debug, Clone)]
struct Item {
    record: Arc<Record>,
    /// Bytes of the record without statuses, and with them.
    body: usize,
    size: usize,
}

type Partition = BTreeMap<String, Item>;

/// Told of each record that was stored or removed.
pub type Watcher = dyn Fn(Kind, &str, Option<&Record>) + Send + Sync;

/// A record as it was before, and when that ended.
type Former = (u64, Kind, String, Option<Arc<Record>>);

#[derive(Default)]
struct State {
    partitions: BTreeMap<(Kind, u64), Partition>,
    /// Counts changes of each kind.
    changes: BTreeMap<Kind, u64>,
    watchers: Vec<Arc<Watcher>>,
    former: Vec<Former>,
}

/// The table. Clones are the same.
#[derive(Clone)]
pub struct Table {
    world: World,
    state: Arc<Mutex<State>>,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Table")
    }
}

fn shards(kind: Kind) -> u64 {
    match kind {
        Kind::DataSource | Kind::User | Kind::Submission | Kind::Delivery => SHARDS,
        Kind::Policy | Kind::Project | Kind::Integration | Kind::Claim | Kind::Installation => 1,
    }
}

fn key(kind: Kind, id: &str) -> (Kind, u64) {
    let hash = id
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    (kind, hash % shards(kind))
}

fn units(bytes: usize, unit: usize) -> u64 {
    u64::try_from(bytes.div_ceil(unit).max(1)).unwrap()
}

/// Enough of an id to know it again.
fn short(id: &str) -> &str {
    if id.len() == 64 { id.get(..8).unwrap_or(id) } else { id }
}

/// Bytes of a record as JSON, without its statuses.
fn body(record: &Record) -> usize {
    let fields = serde_json::to_string(&record.fields).map_or(0, |text| text.len());
    let previous: usize = record.previous.iter().map(|value| value.to_string().len()).sum();
    fields + previous + record.id.len() + 150
}

fn statuses(record: &Record) -> usize {
    let size = |(place, status): (&String, &Status)| {
        // Names of two attributes, the revision twice, state, attempt, time and punctuation.
        place.len() * 2 + status.reason.as_ref().map_or(0, String::len) + 150
    };
    record.statuses.iter().map(size).sum()
}

impl Table {
    /// An empty table.
    #[must_use]
    pub fn new(world: &World) -> Self {
        Self { world: world.clone(), state: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Has somebody told of every change.
    pub fn watch(&self, watcher: impl Fn(Kind, &str, Option<&Record>) + Send + Sync + 'static) {
        self.state().watchers.push(Arc::new(watcher));
    }

    fn item(&self, kind: Kind, id: &str) -> Option<Item> {
        self.state().partitions.get(&key(kind, id)).and_then(|partition| partition.get(id)).cloned()
    }

    /// A record as it is now.
    #[must_use]
    pub fn now(&self, kind: Kind, id: &str) -> Option<Arc<Record>> {
        self.item(kind, id).map(|item| item.record)
    }

    /// All records of a kind as they are now, by id.
    #[must_use]
    pub fn all(&self, kind: Kind) -> Vec<Arc<Record>> {
        let state = self.state();
        let partitions = state.partitions.range((kind, 0)..=(kind, u64::MAX));
        let mut records: Vec<_> =
            partitions.flat_map(|(_, partition)| partition.values().map(|item| item.record.clone())).collect();
        records.sort_by(|a, b| a.id.cmp(&b.id));
        records
    }

    /// The units that reading each record of a kind once takes, and writing each once.
    #[must_use]
    pub fn units(&self, kind: Kind) -> (u64, u64) {
        let state = self.state();
        let items = state.partitions.range((kind, 0)..=(kind, u64::MAX)).flat_map(|(_, partition)| partition.values());
        items.fold((0, 0), |(reads, writes), item| (reads + units(item.size, 4_096), writes + units(item.size, 1_000)))
    }

    /// Whether there are no records of a kind.
    #[must_use]
    pub fn has_none(&self, kind: Kind) -> bool {
        self.state().partitions.range((kind, 0)..=(kind, u64::MAX)).all(|(_, partition)| partition.is_empty())
    }

    fn store(&self, record: Record, body_changed: bool) {
        let (kind, id) = (record.kind, record.id.clone());
        let watchers = {
            let mut state = self.state();
            *state.changes.entry(kind).or_default() += 1;
            let State { partitions, watchers, former, .. } = &mut *state;
            let partition = partitions.entry(key(kind, &id)).or_default();
            let before = partition.get(&id);
            let body = match before {
                Some(before) if !body_changed => before.body,
                _ => body(&record),
            };
            if self.world.has(Mutation::StaleLists) {
                former.push((self.world.sim.now(), kind, id.clone(), before.map(|item| item.record.clone())));
            }
            let size = body + statuses(&record);
            partition.insert(id.clone(), Item { record: Arc::new(record), body, size });
            watchers.clone()
        };
        if let Some(record) = self.now(kind, &id) {
            watchers.iter().for_each(|watcher| watcher(kind, &id, Some(&record)));
        }
    }

    fn put(&self, record: &Record) -> Put {
        let stored = self.item(record.kind, &record.id);
        self.world.usage.add().writes += units(body(record), 1_000);
        if stored.as_ref().map_or(0, |item| item.record.lock) != record.lock {
            return Put::Conflict;
        }
        let statuses = stored.map(|item| item.record.statuses.clone()).unwrap_or_default();
        let mut next = Record { lock: record.lock + 1, statuses, ..record.clone() };
        if self.world.has(Mutation::NoPrevious) && matches!(record.kind, Kind::Policy | Kind::Project) {
            next.previous.clear();
        }
        let sim = &self.world.sim;
        sim.note(format_args!("  stored {} {} at revision {}", next.kind, short(&next.id), next.revision));
        self.store(next, true);
        Put::Stored
    }

    fn bump(&self, kind: Kind, id: &str) -> Option<Record> {
        let item = self.item(kind, id)?;
        self.world.usage.add().writes += units(item.size, 1_000);
        let mut next = Record::clone(&item.record);
        next.revision += 1;
        next.lock += 1;
        self.world.sim.note(format_args!("  raised {kind} {id} to revision {}", next.revision));
        self.store(next.clone(), false);
        Some(next)
    }

    fn set_status(&self, kind: Kind, id: &str, place: &str, status: &Status) -> bool {
        let Some(item) = self.item(kind, id) else { return false };
        self.world.usage.add().writes += units(item.size, 1_000);
        if item.record.status_in(place).is_some_and(|known| known.revision > status.revision) {
            return false;
        }
        let mut next = Record::clone(&item.record);
        next.statuses.insert(place.to_owned(), status.clone());
        let Status { revision, state, attempt, reason, .. } = status;
        let reason = reason.as_deref().unwrap_or_default();
        let noted = format_args!("  status of {kind} {id} in `{place}`: {revision} {state:?} {attempt} {reason}");
        self.world.sim.note(noted);
        self.store(next, false);
        true
    }

    fn remove(&self, kind: Kind, id: &str) {
        let watchers = {
            let mut state = self.state();
            *state.changes.entry(kind).or_default() += 1;
            let removed = state.partitions.get_mut(&key(kind, id)).and_then(|partition| partition.remove(id));
            self.world.usage.add().writes += units(removed.map_or(0, |item| item.size), 1_000);
            state.watchers.clone()
        };
        watchers.iter().for_each(|watcher| watcher(kind, id, None));
    }

    /// One page of a partition: what comes after an id, and whether there is more.
    fn page(&self, kind: Kind, shard: u64, after: Option<&str>) -> (Vec<Record>, bool) {
        let state = self.state();
        let Some(partition) = state.partitions.get(&(kind, shard)) else { return (Vec::new(), false) };
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let (mut page, mut bytes) = (Vec::new(), 0);
        let mut rest = partition.range::<str, _>((from, Bound::Unbounded));
        let mut more = false;
        for (_, item) in rest.by_ref() {
            if page.len() == self.world.settings.page_records || bytes >= self.world.settings.page_bytes {
                more = true;
                break;
            }
            bytes += item.size;
            page.push(Record::clone(&item.record));
        }
        self.world.usage.add().reads += units(bytes, 4_096);
        (page, more)
    }

    fn changes(&self, kind: Kind) -> u64 {
        self.state().changes.get(&kind).copied().unwrap_or(0)
    }

    /// Makes of a list what it was a moment ago, where lists are broken on purpose.
    fn age(&self, kind: Kind, mut list: Vec<Record>) -> Vec<Record> {
        if !self.world.has(Mutation::StaleLists) || !matches!(kind, Kind::Policy | Kind::DataSource | Kind::Project) {
            return list;
        }
        let since = self.world.sim.now().saturating_sub(STALE);
        for (when, of, id, record) in self.state().former.iter().rev() {
            if *when < since {
                break;
            }
            if *of == kind {
                list.retain(|one| one.id != *id);
                list.extend(record.as_deref().cloned());
            }
        }
        list.sort_by(|a, b| a.id.cmp(&b.id));
        list
    }
}

/// The table as a function sees it.
#[derive(Debug, Clone)]
pub struct SimStore {
    /// The table.
    pub table: Table,
    /// Who calls.
    pub invocation: Invocation,
}

fn fault(operation: &'static str, code: &str) -> StoreError {
    StoreError::Service { operation, source: ServiceFault::new(ErrorKind::Retry, code) }
}

impl SimStore {
    async fn call<T: Send + 'static>(
        &self,
        operation: &'static str,
        effect: impl FnOnce(&Table) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let world = &self.table.world;
        if world.faults.strikes(&world.sim, Fault::StoreThrottled) {
            self.invocation.request(world, world.settings.store, |_| ()).await;
            return Err(fault(operation, "ThrottlingException"));
        }
        let lost = world.faults.strikes(&world.sim, Fault::StoreReplyLost);
        let table = self.table.clone();
        let reply = self.invocation.request(world, world.settings.store, move |_| effect(&table)).await;
        if lost { Err(fault(operation, "timed out")) } else { Ok(reply) }
    }

    async fn partition(&self, kind: Kind, shard: u64) -> Result<Vec<Record>, StoreError> {
        let world = &self.table.world;
        let mut records: Vec<Record> = Vec::new();
        loop {
            if world.faults.strikes(&world.sim, Fault::StoreThrottled) {
                return Err(fault("list", "ThrottlingException"));
            }
            let (table, after) = (self.table.clone(), records.last().map(|record| record.id.clone()));
            let effect = move |_: &crate::kernel::Sim| table.page(kind, shard, after.as_deref());
            let (page, more) = self.invocation.request(world, world.settings.page, effect).await;
            records.extend(page);
            if !more {
                return Ok(records);
            }
        }
    }

    fn seen(&self, record: &Record) {
        if record.kind == Kind::DataSource && !self.table.world.settings.exact {
            let record = Arc::new(record.clone());
            self.invocation.note(|reads| reads.sources.push(record));
        }
    }
}

impl Store for SimStore {
    async fn get(&self, kind: Kind, id: &str) -> Result<Option<Record>, StoreError> {
        let key = id.to_owned();
        let effect = move |table: &Table| {
            let item = table.item(kind, &key);
            table.world.usage.add().reads += units(item.as_ref().map_or(0, |item| item.size), 4_096);
            item.map(|item| Record::clone(&item.record))
        };
        let record = self.call("get", effect).await?;
        if let Some(record) = &record {
            self.seen(record);
        }
        Ok(record)
    }

    async fn list(&self, kind: Kind) -> Result<Vec<Record>, StoreError> {
        let before = self.table.changes(kind);
        let queries = (0..shards(kind)).map(|shard| self.partition(kind, shard));
        let partitions: Vec<Vec<Record>> =
            stream::iter(queries).buffer_unordered(QUERIES_AT_ONCE).try_collect().await?;
        if self.table.changes(kind) != before {
            self.table.world.faults.happened(Fault::ListTorn);
        }
        let mut records: Vec<Record> = partitions.into_iter().flatten().collect();
        records.sort_by(|a, b| a.id.cmp(&b.id));
        let records = self.table.age(kind, records);
        if matches!(kind, Kind::Policy | Kind::Project) && !self.table.world.settings.exact {
            let list = Arc::new(records.clone());
            self.invocation.note(|reads| {
                (if kind == Kind::Policy { &mut reads.policies } else { &mut reads.projects }).push(list);
            });
        }
        Ok(records)
    }

    async fn put(&self, record: &Record) -> Result<Put, StoreError> {
        let stored = record.clone();
        let put = self.call("put", move |table| table.put(&stored)).await?;
        if put == Put::Stored {
            self.seen(record);
        }
        Ok(put)
    }

    async fn bump(&self, kind: Kind, id: &str) -> Result<Option<Record>, StoreError> {
        let id = id.to_owned();
        let bumped = self.call("bump", move |table| table.bump(kind, &id)).await?;
        if let Some(record) = &bumped {
            self.seen(record);
        }
        Ok(bumped)
    }

    async fn set_status(&self, kind: Kind, id: &str, place: &str, status: &Status) -> Result<bool, StoreError> {
        let (id, place, status) = (id.to_owned(), place.to_owned(), status.clone());
        self.call("set status", move |table| table.set_status(kind, &id, &place, &status)).await
    }

    async fn remove(&self, kind: Kind, id: &str) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.call("remove", move |table| table.remove(kind, &id)).await
    }
}
