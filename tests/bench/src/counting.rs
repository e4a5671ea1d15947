//! The in-memory adapters with a counter, and with a clock that only they move: a call takes as long as it typically does on
//! AWS without anybody waiting for it. So a batch's duration shows what is done one after the other and what at once.

use std::{
    collections::BTreeMap,
    error::Error,
    future::Future,
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicUsize, atomic::Ordering::Relaxed},
    task::{Context, Poll, Waker},
    time::Duration,
};

use redoubt_aws::{
    error::{DescribeError, StoreError, SubmitError},
    port::{Call, Put, Report, Row, Store, Warehouse},
    store::MemoryStore,
    warehouse::MemoryWarehouse,
};
use redoubt_core::record::{Kind, Record, Status};

/// A read or write of one item in DynamoDB.
pub const STORE_LATENCY: Duration = Duration::from_millis(5);
/// A call of the Data API, which only hands SQL over.
pub const WAREHOUSE_LATENCY: Duration = Duration::from_millis(100);

/// A clock that stands still while anything can go on, and then goes straight to the next thing that is due.
#[derive(Debug, Clone, Default)]
pub struct VirtualTime(Arc<Mutex<Timers>>);

#[derive(Debug, Default)]
struct Timers {
    now: Duration,
    count: u64,
    waiting: BTreeMap<(Duration, u64), Waker>,
}

impl VirtualTime {
    fn timers(&self) -> MutexGuard<'_, Timers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends after a while.
    fn pass(&self, duration: Duration) -> Pass {
        let mut timers = self.timers();
        timers.count += 1;
        Pass { time: self.clone(), due: (timers.now + duration, timers.count) }
    }

    /// Runs a future to its end and tells how long that took on this clock.
    ///
    /// # Errors
    /// When the future waits for something that this clock does not move.
    pub fn run<F: Future>(&self, future: F) -> Result<(F::Output, Duration), Box<dyn Error>> {
        let begin = self.timers().now;
        let mut future = pin!(future);
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                return Ok((output, self.timers().now - begin));
            }
            let mut timers = self.timers();
            let ((now, _), waker) =
                timers.waiting.pop_first().ok_or("the use case waits for something that never happens")?;
            timers.now = now;
            drop(timers);
            waker.wake();
        }
    }
}

struct Pass {
    time: VirtualTime,
    due: (Duration, u64),
}

impl Future for Pass {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut timers = self.time.timers();
        if timers.now >= self.due.0 {
            return Poll::Ready(());
        }
        timers.waiting.insert(self.due, context.waker().clone());
        Poll::Pending
    }
}

/// The metadata store in memory, counted.
#[derive(Debug)]
pub struct CountedStore {
    inner: MemoryStore,
    time: VirtualTime,
    operations: AtomicUsize,
}

impl CountedStore {
    /// An empty store on a clock.
    pub fn new(time: VirtualTime) -> Self {
        Self { inner: MemoryStore::new(), time, operations: AtomicUsize::new(0) }
    }

    /// How many operations there were.
    pub fn operations(&self) -> usize {
        self.operations.load(Relaxed)
    }

    async fn count(&self) {
        self.operations.fetch_add(1, Relaxed);
        self.time.pass(STORE_LATENCY).await;
    }
}

impl Store for CountedStore {
    async fn get(&self, kind: Kind, id: &str) -> Result<Option<Record>, StoreError> {
        self.count().await;
        self.inner.get(kind, id).await
    }

    async fn list(&self, kind: Kind) -> Result<Vec<Record>, StoreError> {
        self.count().await;
        self.inner.list(kind).await
    }

    async fn put(&self, record: &Record) -> Result<Put, StoreError> {
        self.count().await;
        self.inner.put(record).await
    }

    async fn bump(&self, kind: Kind, id: &str) -> Result<Option<Record>, StoreError> {
        self.count().await;
        self.inner.bump(kind, id).await
    }

    async fn set_status(&self, kind: Kind, id: &str, place: &str, status: &Status) -> Result<bool, StoreError> {
        self.count().await;
        self.inner.set_status(kind, id, place, status).await
    }

    async fn remove(&self, kind: Kind, id: &str) -> Result<(), StoreError> {
        self.count().await;
        self.inner.remove(kind, id).await
    }
}

/// The warehouse in memory, on a clock. It counts by itself.
#[derive(Debug)]
pub struct TimedWarehouse {
    inner: MemoryWarehouse,
    time: VirtualTime,
}

impl TimedWarehouse {
    /// A warehouse where every call ends well.
    pub fn new(time: VirtualTime) -> Self {
        Self { inner: MemoryWarehouse::default(), time }
    }

    /// How many calls of the Data API were made.
    pub fn requests(&self) -> usize {
        self.inner.requests()
    }

    /// The calls that carried SQL, with their statement ids, oldest first.
    pub fn calls(&self) -> Vec<(String, Call)> {
        self.inner.calls()
    }
}

impl Warehouse for TimedWarehouse {
    async fn submit(&self, call: &Call) -> Result<String, SubmitError> {
        self.time.pass(WAREHOUSE_LATENCY).await;
        self.inner.submit(call).await
    }

    async fn describe(&self, statement_id: &str) -> Result<Report, DescribeError> {
        self.time.pass(WAREHOUSE_LATENCY).await;
        self.inner.describe(statement_id).await
    }

    async fn rows(&self, statement_id: &str) -> Result<Vec<Row>, DescribeError> {
        self.time.pass(WAREHOUSE_LATENCY).await;
        self.inner.rows(statement_id).await
    }
}
