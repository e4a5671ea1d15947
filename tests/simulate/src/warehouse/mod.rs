//! The warehouse: transactions under snapshot isolation that run beside each other, with locks on tables and views, and a
//! catalog that is outside of snapshots.
//!
//! | rule | source |
//! | --- | --- |
//! | snapshot isolation; writers of one row conflict with error 1023; catalog changes are seen at once | <https://docs.aws.amazon.com/redshift/latest/dg/c_serial_isolation.html> |
//! | a writer of a table waits for another's commit; `LOCK` takes no snapshot | <https://docs.aws.amazon.com/redshift/latest/dg/c_write_readwrite.html> |
//! | replacing a view locks it until commit | <https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_VIEW.html> |
//! | in a batch, AUTO_COMMIT runs what follows a failure, TRANSACTION undoes all | <https://docs.aws.amazon.com/redshift/latest/mgmt/data-api.html> |

pub mod literal;
mod procedures;
mod table;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
};

use literal::{Literal, tuples};
use redoubt_core::record::Kind;
use table::{Changes, Conflict, Row, Table};

use crate::{
    faults::Fault,
    kernel::{Micros, Slot},
    mutation::Mutation,
    services::World,
};

/// A row of `data_source`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRow {
    source: String,
    revision: u64,
    claim: u64,
    shape: Option<String>,
    view: Option<String>,
    state: String,
}

/// A row of `profile`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ProfileRow {
    account: String,
    revision: u64,
    active: bool,
}

/// An entitlement: kind, name and value.
pub type Entitlement = (String, Option<String>, String);

#[derive(Debug, Clone, PartialEq, Eq)]
struct EntitlementRow {
    account: String,
    entitlement: Entitlement,
}

/// A row of `policy`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct PolicyRow {
    policy: String,
    revision: u64,
    definition: Option<String>,
}

/// A row of `masking_key`: whose.
#[derive(Debug, Clone, PartialEq, Eq)]
struct KeyRow {
    /// Source and column, or project and `@project`.
    key: String,
}

macro_rules! keyed {
    ($($row:ident.$field:ident),*) => { $(impl Row for $row { fn key(&self) -> &str { &self.$field } })* };
}
keyed!(ProfileRow.account, EntitlementRow.account, PolicyRow.policy, KeyRow.key);

impl Row for SourceRow {
    fn key(&self) -> &str {
        &self.source
    }

    fn name(&self) -> Option<&str> {
        self.view.as_deref()
    }
}

/// A view in the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The statement that made it.
    pub text: String,
    /// What can't be changed without dropping it.
    shape: String,
}

/// What is locked until a transaction ends.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Lock {
    Table(&'static str),
    View(String),
}

#[derive(Debug, Default)]
struct Lockable {
    holder: Option<u64>,
    waiting: Vec<Slot<()>>,
}

#[derive(Debug, Default)]
struct Store {
    commits: u64,
    transactions: u64,
    snapshots: BTreeMap<u64, u64>,
    sources: Table<SourceRow>,
    profiles: Table<ProfileRow>,
    entitlements: Table<EntitlementRow>,
    policies: Table<PolicyRow>,
    keys: Table<KeyRow>,
    views: BTreeMap<String, View>,
    locks: BTreeMap<Lock, Lockable>,
    /// Which lock a transaction waits for.
    waits: BTreeMap<u64, Lock>,
}

/// What changed with a commit, as users see it.
#[derive(Debug, Clone, Default)]
pub struct Committed {
    /// Views by name, with their texts now.
    pub views: BTreeMap<String, Option<String>>,
    /// Accounts, with what is known of them now; nothing of those that have no profile.
    pub profiles: BTreeMap<String, Option<BTreeSet<Entitlement>>>,
    /// Revisions that data sources and accounts have now.
    pub revisions: BTreeMap<(Kind, String), u64>,
}

type Watcher = dyn Fn(&Committed) + Send + Sync;

/// The warehouse. Clones are the same.
#[derive(Clone)]
pub struct Warehouse {
    world: World,
    store: Arc<Mutex<Store>>,
    watchers: Arc<Mutex<Vec<Arc<Watcher>>>>,
    silent: Arc<Mutex<Vec<(Micros, Micros)>>>,
}

impl std::fmt::Debug for Warehouse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Warehouse")
    }
}

/// One transaction under way.
#[derive(Debug, Default)]
struct Transaction {
    id: u64,
    snapshot: Option<u64>,
    sources: Changes<SourceRow>,
    profiles: Changes<ProfileRow>,
    entitlements: Changes<EntitlementRow>,
    policies: Changes<PolicyRow>,
    keys: Changes<KeyRow>,
    views: BTreeMap<String, Option<View>>,
    accounts: BTreeSet<String>,
    locks: BTreeSet<Lock>,
    /// By place.
    stage: Vec<(u64, ProfileRow)>,
    /// What somebody may have, by number.
    staged: BTreeMap<u64, Entitlement>,
    /// Who has what, by place and number.
    held: Vec<(u64, u64)>,
    /// The shape that the next definition of a view gets.
    shape: String,
}

/// What the database says of a conflict.
const CONFLICT: &str = "ERROR: 1023 DETAIL: Serializable isolation violation on table";
/// What a definition or a value holds that the database refuses for good.
pub const REFUSED: &str = "refused";

impl From<Conflict> for String {
    fn from(_: Conflict) -> Self {
        CONFLICT.to_owned()
    }
}

impl Warehouse {
    /// A warehouse that is set up and empty.
    #[must_use]
    pub fn new(world: &World) -> Self {
        Self { world: world.clone(), store: Arc::default(), watchers: Arc::default(), silent: Arc::default() }
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap()
    }

    /// Has somebody told of every commit that users can see.
    pub fn watch(&self, watcher: impl Fn(&Committed) + Send + Sync + 'static) {
        self.watchers.lock().unwrap().push(Arc::new(watcher));
    }

    /// Makes it unreachable for a while.
    pub fn silence(&self, from: Micros, to: Micros) {
        self.silent.lock().unwrap().push((from, to));
    }

    /// Whether it can't be reached now.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        let now = self.world.sim.now();
        self.silent.lock().unwrap().iter().any(|(from, to)| (*from..*to).contains(&now))
    }

    /// The views that are there.
    #[must_use]
    pub fn views(&self) -> BTreeMap<String, String> {
        self.store().views.iter().map(|(name, view)| (name.clone(), view.text.clone())).collect()
    }

    /// What is known of each account that has an active profile.
    #[must_use]
    pub fn profiles(&self) -> BTreeMap<String, BTreeSet<Entitlement>> {
        let store = self.store();
        let active = store.profiles.committed(None).into_iter().filter(|row| row.active);
        active.map(|row| (row.account.clone(), entitlements(&store, &row.account))).collect()
    }

    /// Definitions of policies that were not dropped.
    #[must_use]
    pub fn definitions(&self) -> BTreeMap<String, String> {
        let rows = self.store().policies.committed(None);
        rows.into_iter().filter_map(|row| Some((row.policy, row.definition?))).collect()
    }

    /// Tables in which a row stands twice that may stand once.
    #[must_use]
    pub fn doubled(&self) -> Vec<String> {
        let store = self.store();
        let mut doubled = Vec::new();
        let mut look = |table: &str, keys: Vec<String>| {
            let mut seen = BTreeSet::new();
            doubled
                .extend(keys.into_iter().filter(|key| !seen.insert(key.clone())).map(|key| format!("{table} {key}")));
        };
        look("data_source", store.sources.committed(None).into_iter().map(|row| row.source).collect());
        look("profile", store.profiles.committed(None).into_iter().map(|row| row.account).collect());
        look("policy", store.policies.committed(None).into_iter().map(|row| row.policy).collect());
        doubled
    }

    /// Projects whose salt a view in force needs and that have none.
    #[must_use]
    pub fn unsalted(&self) -> Vec<String> {
        let store = self.store();
        let mentions = store.views.values().flat_map(|view| {
            let hits = view.text.match_indices("') AND (m.column_name = '@project')");
            hits.filter_map(|(before, _)| view.text.get(..before)?.rsplit('\'').next().map(str::to_owned))
        });
        mentions.filter(|project| store.keys.committed(Some(&format!("{project} @project"))).is_empty()).collect()
    }

    /// Runs one statement that commits by itself, or the statements of one transaction.
    ///
    /// # Errors
    /// What the database says.
    pub async fn run(&self, statements: &[String]) -> Result<(), String> {
        let mut transaction = {
            let mut store = self.store();
            store.transactions += 1;
            Transaction { id: store.transactions, ..Transaction::default() }
        };
        let mut ended = Ok(());
        for statement in statements {
            ended = self.statement(&mut transaction, statement).await;
            if ended.is_ok() && self.world.faults.strikes(&self.world.sim, Fault::StatementFailed) {
                ended = Err(self.world.sim.draw(|random| random.one_of(&TRANSIENT).to_string()));
            }
            if ended.is_err() {
                break;
            }
        }
        self.end(transaction, ended.is_ok());
        ended
    }

    async fn statement(&self, transaction: &mut Transaction, statement: &str) -> Result<(), String> {
        let settings = &self.world.settings;
        if statement.starts_with("CREATE OR REPLACE VIEW ") {
            self.pass(settings.view_statement).await;
        } else if !statement.contains("\"apply_view\"") {
            // The time that one takes passes within it.
            self.pass(settings.statement).await;
        }
        if statement.starts_with("LOCK ") {
            if !self.world.has(Mutation::NoLock) {
                self.lock(transaction, Lock::Table("mutex")).await?;
            }
        } else if statement.starts_with("CREATE TEMPORARY TABLE ") {
            self.snapshot(transaction);
        } else if let Some(values) = statement.strip_prefix("INSERT INTO \"redoubt_stage_profile\" ") {
            for row in tuples(values) {
                let active = row[3] == Literal::Bool(true);
                let profile = ProfileRow { account: row[1].text(), revision: row[2].number(), active };
                transaction.stage.push((row[0].number(), profile));
            }
        } else if let Some(values) = statement.strip_prefix("INSERT INTO \"redoubt_stage_entitlement\" ") {
            for row in tuples(values) {
                if row[3].text().contains(REFUSED) {
                    self.world.faults.happened(Fault::StatementRefused);
                    return Err("ERROR: value too long for type character varying(512)".to_owned());
                }
                transaction.staged.insert(row[0].number(), (row[1].text(), row[2].optional(), row[3].text()));
            }
        } else if let Some(values) = statement.strip_prefix("INSERT INTO \"redoubt_stage_held\" ") {
            transaction.held.extend(tuples(values).iter().map(|row| (row[0].number(), row[1].number())));
        } else if statement.starts_with("CREATE OR REPLACE VIEW ") {
            let name = view_name(statement);
            self.create_view(transaction, &name, statement).await?;
        } else if let Some(call) = statement.strip_prefix("CALL \"immuta_procedures\".\"") {
            let (name, arguments) = call.split_once('"').unwrap();
            let arguments = tuples(arguments);
            let arguments = arguments.first().map_or(&[][..], Vec::as_slice);
            self.call(transaction, name, arguments).await?;
        } else {
            return Err(format!("ERROR: the simulated warehouse does not know: {statement}"));
        }
        Ok(())
    }

    async fn pass(&self, mean: Micros) {
        let span =
            if self.world.settings.exact { mean } else { self.world.sim.draw(|random| random.between(1, 2 * mean)) };
        self.world.sim.sleep(span).await;
    }

    /// A moment between two statements of a procedure, in which others get on.
    async fn moment(&self) {
        if !self.world.settings.exact {
            self.pass(self.world.settings.statement / 4).await;
        }
    }

    fn snapshot(&self, transaction: &mut Transaction) -> u64 {
        let mut store = self.store();
        let commits = store.commits;
        let snapshot = *transaction.snapshot.get_or_insert(commits);
        store.snapshots.insert(transaction.id, snapshot);
        snapshot
    }

    async fn lock(&self, transaction: &mut Transaction, lock: Lock) -> Result<(), String> {
        let mut waited = false;
        loop {
            let slot = {
                let mut store = self.store();
                store.waits.remove(&transaction.id);
                let lockable = store.locks.entry(lock.clone()).or_default();
                match lockable.holder {
                    Some(holder) if holder != transaction.id => {}
                    _ => {
                        lockable.holder = Some(transaction.id);
                        transaction.locks.insert(lock);
                        return Ok(());
                    }
                }
                let slot = Slot::new();
                lockable.waiting.push(slot.clone());
                store.waits.insert(transaction.id, lock.clone());
                if is_deadlock(&store, transaction.id) {
                    store.waits.remove(&transaction.id);
                    self.world.faults.happened(Fault::Deadlock);
                    return Err("ERROR: deadlock detected".to_owned());
                }
                slot
            };
            if !std::mem::replace(&mut waited, true) {
                self.world.faults.happened(Fault::LockWaited);
            }
            slot.await;
        }
    }

    fn end(&self, transaction: Transaction, commits: bool) {
        let mut committed = Committed::default();
        {
            let mut store = self.store();
            store.snapshots.remove(&transaction.id);
            if commits {
                store.commits += 1;
                let commit = store.commits;
                let oldest = store.snapshots.values().copied().min().unwrap_or(commit);
                for row in transaction.sources.inserted() {
                    committed.revisions.insert((Kind::DataSource, row.source.clone()), row.revision);
                }
                store.sources.commit(transaction.sources, commit, oldest);
                store.profiles.commit(transaction.profiles, commit, oldest);
                store.entitlements.commit(transaction.entitlements, commit, oldest);
                store.policies.commit(transaction.policies, commit, oldest);
                store.keys.commit(transaction.keys, commit, oldest);
                for (name, view) in transaction.views {
                    committed.views.insert(name.clone(), view.as_ref().map(|view| view.text.clone()));
                    match view {
                        Some(view) => store.views.insert(name, view),
                        None => store.views.remove(&name),
                    };
                }
                for account in transaction.accounts {
                    let active = store.profiles.committed(Some(&account)).iter().any(|row| row.active);
                    let known = active.then(|| entitlements(&store, &account));
                    let revision = store.profiles.committed(Some(&account)).iter().map(|row| row.revision).max();
                    committed.revisions.insert((Kind::User, account.clone()), revision.unwrap_or(0));
                    committed.profiles.insert(account, known);
                }
            }
            for lock in transaction.locks {
                if let Some(lockable) = store.locks.get_mut(&lock) {
                    lockable.holder = None;
                    for slot in std::mem::take(&mut lockable.waiting) {
                        slot.set(());
                    }
                }
            }
        }
        if !committed.views.is_empty() || !committed.revisions.is_empty() {
            let watchers = self.watchers.lock().unwrap().clone();
            watchers.iter().for_each(|watcher| watcher(&committed));
        }
    }
}

/// Failures that pass, as databases word them.
const TRANSIENT: [&str; 4] = [
    CONFLICT,
    "ERROR: could not open relation with OID 123456",
    "ERROR: Query (42) cancelled on user's request",
    "FATAL: the database system is shutting down",
];

fn entitlements(store: &Store, account: &str) -> BTreeSet<Entitlement> {
    store.entitlements.committed(Some(account)).into_iter().map(|row| row.entitlement).collect()
}

/// Whether a transaction waits, over others, for itself.
fn is_deadlock(store: &Store, id: u64) -> bool {
    let mut next = id;
    for _ in 0..=store.waits.len() {
        let holder = store.waits.get(&next).and_then(|lock| store.locks.get(lock)).and_then(|lockable| lockable.holder);
        match holder {
            Some(holder) if holder == id => return true,
            Some(holder) => next = holder,
            None => return false,
        }
    }
    false
}

/// The name in `CREATE OR REPLACE VIEW "schema"."name" AS …`.
fn view_name(statement: &str) -> String {
    statement.split('"').nth(3).unwrap_or_default().to_owned()
}
