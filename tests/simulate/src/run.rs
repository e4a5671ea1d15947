//! One history: a seed gives the weather, the deployment, what producers say and everything that goes wrong.

use std::{collections::BTreeSet, sync::Arc};

use redoubt_aws::port::Queue;
use redoubt_core::record::Kind;
use serde_json::{Value, json};

use crate::{
    check,
    faults::{Counts, Fault, Faults},
    kernel::{Executor, HOUR, MILLI, MINUTE, Micros, Random, SECOND, Sim},
    mutation::Mutation,
    services::{
        World,
        data_api::DataApi,
        lambda::{DARK, STOP, SWEEP, Services},
        queue::Broker,
        store::Table,
    },
    settings::{Settings, mappings},
    theme::Theme,
    usage::Usage,
    warehouse::Warehouse,
    watch::{Sightings, Watch},
    workload::{self, Sent, queue_of},
};

/// How a history is to run.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What is broken on purpose.
    pub mutation: Option<Mutation>,
    /// What it is to be about; drawn where nothing is said.
    pub theme: Option<Theme>,
    /// Whether the history is kept to be read.
    pub history: bool,
    /// Events that are left out, by place, to make a history shorter.
    pub without: BTreeSet<usize>,
}

/// What came of a history.
#[derive(Debug)]
pub struct Outcome {
    /// What did not hold.
    pub failure: Option<String>,
    /// How often each kind of fault happened.
    pub faults: Counts,
    /// What happened, where it was kept.
    pub history: String,
    /// How many events there were.
    pub events: usize,
    /// What the watch over the exposure saw.
    pub sightings: Sightings,
    /// Whether something was right in the end, but behind its revision, until it was rendered once more.
    pub behind: bool,
    /// Whether everything ran all the time, apart from crashes and errors.
    pub no_outage: bool,
}

/// How long it may take until everything is at rest.
const PATIENCE: Micros = 12 * 24 * HOUR;
/// Between two looks at whether everything is at rest.
const LOOK: Micros = 20 * SECOND;

struct Outages {
    stopped: Vec<(Queue, Micros, Micros)>,
    dark: Option<(Micros, Micros)>,
    silent: Vec<(Micros, Micros)>,
    all: bool,
}

impl Outages {
    fn draw(random: &mut Random, end: Micros, faults: &Faults) -> Self {
        let mut outages = Self { stopped: Vec::new(), dark: None, silent: Vec::new(), all: false };
        if random.permille(100) {
            let queue = *random.one_of(&[Queue::Policy, Queue::DataSource, Queue::User, Queue::Outcome]);
            let from = random.below(end);
            outages.stopped.push((queue, from, from + STOP));
            faults.happened(Fault::MappingStopped);
        }
        if random.permille(100) {
            let from = random.below(end);
            outages.dark = Some((from, from + DARK));
            faults.happened(Fault::ScheduleStopped);
        }
        if random.permille(200) {
            let from = random.below(end);
            outages.silent.push((from, from + random.between(MINUTE, 10 * MINUTE)));
        }
        outages.all = random.permille(150);
        outages
    }
}

/// A deployment of the size that a history needs: small batches, so that several invocations work at once.
fn settings(theme: Theme, random: &mut Random) -> Settings {
    let mut settings = Settings {
        page_records: *random.one_of(&[1, 2, 100]),
        active: *random.one_of(&[8, 500]),
        running: *random.one_of(&[1, 3, 50]),
        view_statement: *random.one_of(&[60 * MILLI, 2 * SECOND, 15 * SECOND]),
        statement: *random.one_of(&[20 * MILLI, SECOND]),
        store: *random.one_of(&[5 * MILLI, 100 * MILLI, 400 * MILLI]),
        page: *random.one_of(&[10 * MILLI, 500 * MILLI]),
        mappings: mappings(),
        ..Settings::default()
    };
    let batch = *random.one_of(&[1, 3, 10]);
    for mapping in &mut settings.mappings {
        mapping.batch = mapping.batch.min(batch);
        mapping.concurrency = mapping.concurrency.min(3);
    }
    // Mostly it never gives up, so that the end is known. Where it does, that must be told.
    settings.variables.push(never_gives_up());
    if random.permille(100) {
        settings.set("REDOUBT_MAX_ATTEMPTS", "2");
    }
    let statements = *random.one_of(&["7", "40"]);
    settings.set("REDOUBT_BATCH_STATEMENTS", statements);
    theme.deploy(&mut settings);
    settings
}

/// With so many attempts nothing is ever given up in the time a history has.
fn never_gives_up() -> (String, String) {
    ("REDOUBT_MAX_ATTEMPTS".to_owned(), "100".to_owned())
}

struct Run {
    world: World,
    services: Services,
    warehouse: Warehouse,
    watch: Watch,
    executor: Executor,
    behind: bool,
}

impl Run {
    fn new(seed: u64, options: &Options, theme: Theme, random: &mut Random) -> Self {
        let sim = Sim::new(seed, options.history);
        let faults = Faults::weather(random);
        theme.worsen(&faults);
        let settings = Arc::new(settings(theme, random));
        let world = World { sim: sim.clone(), faults, settings, mutation: options.mutation, usage: Usage::default() };
        let (table, broker, warehouse) = (Table::new(&world), Broker::new(&world), Warehouse::new(&world));
        let watch = Watch::new(&sim);
        let witness = watch.clone();
        let api =
            DataApi::new(&world, &broker, &warehouse, Arc::new(move |texts, reads| witness.submitted(texts, reads)));
        let (of_table, of_warehouse) = (watch.clone(), watch.clone());
        table.watch(move |_, _, record| {
            if let Some(record) = record {
                of_table.stored(record);
            }
        });
        warehouse.watch(move |committed| of_warehouse.committed(committed));
        let services =
            Services { world: world.clone(), table, broker, api, busy: Arc::default(), stopped: Arc::default() };
        let executor = Executor::new(&sim);
        Self { world, services, warehouse, watch, executor, behind: false }
    }

    fn start(&mut self, outages: &Outages) {
        *self.services.stopped.lock().unwrap() = outages.stopped.clone();
        if outages.all {
            let services = self.services.clone();
            self.services.api.when_a_reply_is_lost(move || services.stop_all());
        }
        for (from, to) in &outages.silent {
            self.warehouse.silence(*from, *to);
        }
        for mapping in &self.world.settings.mappings {
            for _ in 0..mapping.concurrency {
                self.executor.start(self.services.clone().poll(mapping.clone()));
            }
        }
        if self.world.mutation != Some(Mutation::NoSweep) {
            let body = json!({"type": "sweep"}).to_string();
            self.executor.start(self.services.clone().schedule(Queue::Reconcile, body, SWEEP, outages.dark));
        }
    }

    /// Sends the events, some twice, some after newer ones.
    fn send(&self, events: &[Sent], theme: Theme, random: &mut Random) {
        let mut latest = 0;
        for sent in events {
            let delay = if random.permille(theme.late_events()) { random.between(0, 5 * MINUTE) } else { 0 };
            let at = sent.at + delay;
            if at < latest {
                self.world.faults.happened(Fault::EventsSwapped);
            }
            latest = latest.max(at);
            let twice = self.world.faults.strikes(&self.world.sim, Fault::EventTwice);
            let again = twice.then(|| at + random.between(0, 20 * MINUTE));
            for at in [Some(at), again].into_iter().flatten() {
                let (broker, event) = (self.services.broker.clone(), sent.event.clone());
                self.world.sim.at(at, move |sim| {
                    sim.note(format_args!("event {event}"));
                    broker.put(queue_of(&event), &event.to_string(), 0);
                });
            }
        }
    }

    fn is_at_rest(&self) -> bool {
        self.services.broker.is_empty()
            && *self.services.busy.lock().unwrap() == 0
            && self.services.api.active() == 0
            && self.services.table.has_none(Kind::Submission)
            && !self.is_awaited()
    }

    /// Whether the warehouse is known not to answer, so that the next sweep has something to do.
    fn is_awaited(&self) -> bool {
        let installations = self.services.table.all(Kind::Installation);
        let says = |record: &redoubt_core::record::Record, name: &str| {
            record.document().and_then(|document| document.get(name)).is_some_and(|value| !value.is_null())
        };
        installations.iter().any(|record| says(record, "silent_since") || says(record, "waking"))
    }

    /// Runs until everything is at rest.
    fn settle(&mut self) -> Result<(), String> {
        let end = self.world.sim.now() + PATIENCE;
        loop {
            let until = self.world.sim.now() + LOOK;
            let watch = self.watch.clone();
            // Something is planned at each look, or the clock would stand still.
            self.world.sim.at(until, |_| ());
            self.executor.run_until(until, |sim| sim.now() >= until);
            if let Some(failure) = watch.sightings().failure {
                return Err(failure);
            }
            if self.is_at_rest() {
                return Ok(());
            }
            if self.world.sim.now() > end {
                let left = self.services.table.all(Kind::Submission).len();
                return Err(format!(
                    "it never comes to rest: {} messages, {left} submissions",
                    self.services.broker.len()
                ));
            }
        }
    }

    /// Runs for a while, whatever happens.
    fn pass(&mut self, until: Micros) -> Result<(), String> {
        self.world.sim.at(until, |_| ());
        let watch = self.watch.clone();
        self.executor.run_until(until, |sim| sim.now() >= until);
        watch.sightings().failure.map_or(Ok(()), Err)
    }

    /// Has what is behind its revision rendered, once, as the schedule of `reconcile` would.
    fn mend(&mut self) -> Result<(), String> {
        let refreshes = check::behind(&self.services.table, &self.warehouse);
        if refreshes.is_empty() {
            return Ok(());
        }
        self.behind = true;
        for refresh in refreshes {
            self.world.sim.note(format_args!("behind: {refresh}"));
            self.services.broker.put(queue_of(&refresh), &refresh.to_string(), 0);
        }
        self.settle()
    }

    /// Settles, and has what was refused for a name tried again while that helps, as an operator would.
    fn finish(&mut self) -> Result<BTreeSet<String>, String> {
        let mut before = BTreeSet::new();
        loop {
            self.settle()?;
            let letters = self.services.broker.take_dead();
            let events = letters.iter().map(check::contested).collect::<Result<Vec<Value>, _>>()?;
            let refused: BTreeSet<String> = events.iter().map(Value::to_string).collect();
            if refused.is_empty() || refused == before {
                return Ok(refused);
            }
            for event in events {
                self.world.sim.note(format_args!("sent again: {event}"));
                self.services.broker.put(queue_of(&event), &event.to_string(), 0);
            }
            before = refused;
        }
    }
}

/// Runs a history.
#[must_use]
pub fn run(seed: u64, options: &Options) -> Outcome {
    // What producers say and what goes wrong are drawn apart, so that leaving out an event changes little else.
    let mut random = Random::new(seed ^ 0x5eed_0000_0000_0000);
    let drawn = Theme::draw(&mut random);
    let theme = options.theme.or_else(|| options.mutation.and_then(Mutation::theme)).unwrap_or(drawn);
    let all = workload::events(theme, &mut Random::new(seed.wrapping_mul(0x9e37_79b9)));
    let kept = all.into_iter().enumerate().filter(|(place, _)| !options.without.contains(place));
    let events: Vec<Sent> = kept.map(|(_, sent)| sent).collect();
    let mut run = Run::new(seed, options, theme, &mut random);
    let end = events.last().map_or(0, |sent| sent.at) + 25 * MINUTE;
    let outages = Outages::draw(&mut random, end, &run.world.faults);
    run.world.sim.note(format_args!("a history of kind {theme:?}"));
    run.start(&outages);
    run.send(&events, theme, &mut random);
    let ended = run.pass(end).and_then(|()| {
        run.world.faults.make_peace();
        run.world.sim.note(format_args!("peace"));
        // What stands still for hours does so beyond that.
        let stopped = run.services.stopped.lock().unwrap().clone();
        let stopped = stopped.into_iter().map(|(_, _, to)| to);
        let over = stopped.chain(outages.silent.iter().map(|(_, to)| *to)).chain(outages.dark.map(|(_, to)| to)).max();
        run.pass(over.unwrap_or(0).max(end))?;
        let refused = run.finish()?;
        let events: Vec<&Value> = events.iter().map(|sent| &sent.event).collect();
        let gives_up = !run.world.settings.variables.contains(&never_gives_up());
        check::in_force(&events, &refused, &run.services.table, &run.warehouse, gives_up)?;
        run.mend()?;
        check::end(&events, &refused, &run.services.table, &run.warehouse, gives_up)
    });
    if let Err(failure) = &ended {
        run.world.sim.note(format_args!("FAILED: {failure}"));
    }
    Outcome {
        failure: ended.err(),
        faults: run.world.faults.counts(),
        history: run.world.sim.history(),
        events: events.len(),
        sightings: run.watch.sightings(),
        behind: run.behind,
        no_outage: outages.dark.is_none()
            && run.services.stopped.lock().unwrap().is_empty()
            && outages.silent.is_empty(),
    }
}

/// Leaves out events as long as the history still fails, a few dozen times at most; gives those left out.
#[must_use]
pub fn shorten(seed: u64, mutation: Option<Mutation>) -> BTreeSet<usize> {
    let mut options = Options { mutation, ..Options::default() };
    let count = run(seed, &options).events;
    for place in (0..count).rev() {
        options.without.insert(place);
        if run(seed, &options).failure.is_none() {
            options.without.remove(&place);
        }
    }
    options.without
}
