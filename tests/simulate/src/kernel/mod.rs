//! Virtual time and the tasks that live in it, in one thread.
//!
//! Nothing waits for real time: while no task can go on, the clock jumps to the next thing that is due. Of things due at the same
//! moment the one that was planned first comes first, and every draw of chance comes from one generator, so a seed gives one
//! history.

mod random;

use std::{
    collections::{BTreeMap, VecDeque},
    fmt::{self, Write as _},
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Wake, Waker},
};

pub use random::Random;

/// A moment or a span of virtual time, in microseconds.
pub type Micros = u64;

/// Microseconds of a millisecond.
pub const MILLI: Micros = 1_000;
/// Microseconds of a second.
pub const SECOND: Micros = 1_000 * MILLI;
/// Microseconds of a minute.
pub const MINUTE: Micros = 60 * SECOND;
/// Microseconds of an hour.
pub const HOUR: Micros = 60 * MINUTE;

/// Something that happens at a moment.
type Action = Box<dyn FnOnce(&Sim) + Send>;
type Task = Pin<Box<dyn Future<Output = ()>>>;

struct Core {
    now: Micros,
    planned: BTreeMap<(Micros, u64), Action>,
    count: u64,
    random: Random,
    history: Option<String>,
    spawned: Vec<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

/// The simulated world's time, chance and history. Clones are the same world.
#[derive(Clone)]
pub struct Sim(Arc<Mutex<Core>>);

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim").field("now", &self.now()).finish_non_exhaustive()
    }
}

impl Sim {
    /// A world at its beginning. Its history is kept only where somebody will read it; what happens is the same.
    #[must_use]
    pub fn new(seed: u64, keep_history: bool) -> Self {
        Self(Arc::new(Mutex::new(Core {
            now: 0,
            planned: BTreeMap::new(),
            count: 0,
            random: Random::new(seed),
            history: keep_history.then(String::new),
            spawned: Vec::new(),
        })))
    }

    fn core(&self) -> MutexGuard<'_, Core> {
        self.0.lock().unwrap()
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Micros {
        self.core().now
    }

    /// Draws from the world's chance.
    pub fn draw<T>(&self, draw: impl FnOnce(&mut Random) -> T) -> T {
        draw(&mut self.core().random)
    }

    /// Plans something.
    pub fn at(&self, moment: Micros, action: impl FnOnce(&Sim) + Send + 'static) {
        let mut core = self.core();
        core.count += 1;
        let key = (moment.max(core.now), core.count);
        core.planned.insert(key, Box::new(action));
    }

    /// Plans something after a while.
    pub fn after(&self, span: Micros, action: impl FnOnce(&Sim) + Send + 'static) {
        self.at(self.now() + span, action);
    }

    /// Starts a task beside the present one.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.core().spawned.push(Box::pin(task));
    }

    /// Ends after a while.
    pub fn sleep(&self, span: Micros) -> impl Future<Output = ()> + Send + 'static {
        let slot = Slot::new();
        let set = slot.clone();
        self.after(span, move |_| set.set(()));
        slot
    }

    /// A request to a service: it has its effect after `there`, whether or not the caller still lives then, and the caller
    /// has the reply after `back` more.
    pub fn request<T: Send + 'static>(
        &self,
        there: Micros,
        back: Micros,
        effect: impl FnOnce(&Sim) -> T + Send + 'static,
    ) -> impl Future<Output = T> + Send + 'static {
        let slot = Slot::new();
        let set = slot.clone();
        self.after(there, move |sim| {
            let reply = effect(sim);
            sim.after(back, move |_| set.set(reply));
        });
        slot
    }

    /// Notes what happened.
    pub fn note(&self, line: fmt::Arguments<'_>) {
        let mut core = self.core();
        let now = core.now;
        if let Some(history) = &mut core.history {
            let (minutes, seconds) = (now / MINUTE, now % MINUTE);
            let _ = writeln!(history, "{minutes:>5}:{:02}.{:06} {line}", seconds / SECOND, seconds % SECOND);
        }
    }

    /// What was noted, if it was kept.
    #[must_use]
    pub fn history(&self) -> String {
        self.core().history.clone().unwrap_or_default()
    }
}

/// A place for one value that somebody waits for.
pub struct Slot<T>(Arc<Mutex<(Option<T>, Option<Waker>)>>);

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for Slot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Slot")
    }
}

impl<T> Slot<T> {
    /// An empty place.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new((None, None))))
    }

    /// Puts the value there.
    pub fn set(&self, value: T) {
        let mut slot = self.0.lock().unwrap();
        slot.0 = Some(value);
        if let Some(waker) = slot.1.take() {
            waker.wake();
        }
    }
}

impl<T> Future for Slot<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let mut slot = self.0.lock().unwrap();
        match slot.0.take() {
            Some(value) => Poll::Ready(value),
            None => {
                slot.1 = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// Gives what ends first; the other is dropped. The first wins a draw.
pub async fn race<T>(one: impl Future<Output = T>, other: impl Future<Output = T>) -> T {
    let (mut one, mut other) = (std::pin::pin!(one), std::pin::pin!(other));
    std::future::poll_fn(|context| match one.as_mut().poll(context) {
        Poll::Ready(value) => Poll::Ready(value),
        Poll::Pending => other.as_mut().poll(context),
    })
    .await
}

#[derive(Debug)]
struct Bell {
    task: u64,
    ready: Arc<Mutex<VecDeque<u64>>>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.ready.lock().unwrap().push_back(self.task);
    }
}

/// Runs tasks in a world.
pub struct Executor {
    sim: Sim,
    tasks: BTreeMap<u64, (Task, Waker)>,
    next: u64,
    ready: Arc<Mutex<VecDeque<u64>>>,
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Executor").field("tasks", &self.tasks.len()).finish_non_exhaustive()
    }
}

impl Executor {
    /// No tasks yet.
    #[must_use]
    pub fn new(sim: &Sim) -> Self {
        Self { sim: sim.clone(), tasks: BTreeMap::new(), next: 0, ready: Arc::default() }
    }

    /// Starts a task.
    pub fn start(&mut self, task: impl Future<Output = ()> + 'static) {
        self.add(Box::pin(task));
    }

    fn add(&mut self, task: Task) {
        let id = self.next;
        self.next += 1;
        let waker = Waker::from(Arc::new(Bell { task: id, ready: self.ready.clone() }));
        self.tasks.insert(id, (task, waker));
        self.ready.lock().unwrap().push_back(id);
    }

    /// Runs until a condition holds, which is looked at whenever the clock is about to move on. Tells whether it ever did: it
    /// does not where nothing is left to happen, or the time is up.
    pub fn run_until(&mut self, end: Micros, mut done: impl FnMut(&Sim) -> bool) -> bool {
        loop {
            loop {
                let spawned = std::mem::take(&mut self.sim.core().spawned);
                for task in spawned {
                    self.add(task);
                }
                let Some(id) = self.ready.lock().unwrap().pop_front() else { break };
                // A task that ended may still be called.
                if let Some((task, waker)) = self.tasks.get_mut(&id) {
                    let waker = waker.clone();
                    if task.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
                        self.tasks.remove(&id);
                    }
                }
            }
            if done(&self.sim) {
                return true;
            }
            let action = {
                let mut core = self.sim.core();
                match core.planned.first_key_value() {
                    Some(((moment, _), _)) if *moment <= end => {}
                    _ => return false,
                }
                let ((moment, _), action) = core.planned.pop_first().unwrap();
                core.now = moment;
                action
            };
            action(&self.sim);
        }
    }
}
