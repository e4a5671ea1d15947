//! Lambda behind SQS: event source mappings, and the instances that they invoke.
//!
//! | rule | source |
//! | --- | --- |
//! | a batch is handed over when it is full, its window ends, or it has 6 MB | <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html> |
//! | at most so many invocations at once per mapping | <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html> |
//! | what a reply does not name as failed is deleted; after an error or a timeout nothing is | <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html> |

use std::sync::{Arc, Mutex};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use redoubt_aws::{
    batch::{self, Message, Outcome},
    config::Config,
    error::EntropyError,
    port::{Clock, Entropy, Queue},
    runtime::App,
    work,
};
use time::OffsetDateTime;

use super::{
    Invocation, World,
    data_api::{DataApi, SimWarehouse},
    queue::{self, Broker, Delivery, SimQueues},
    store::{SimStore, Table},
};
use crate::{
    faults::Fault,
    kernel::{HOUR, MINUTE, Micros, Random, SECOND, Sim, race},
    mutation::Mutation,
    settings::Mapping,
};

/// The most that Lambda hands over at once, in bytes.
const PAYLOAD: usize = 6_000_000;
/// What a message takes besides its body: receipt handle, attributes, checksums, ARN.
const OVERHEAD: usize = 850;
/// When the simulated time begins, in seconds since 1970.
const EPOCH: i64 = 1_790_000_000;
/// Messages in one call that deletes.
const DELETES: usize = 10;

type SimApp = App<SimStore, SimWarehouse, SimQueues>;

/// An instance's clock.
struct SimClock {
    sim: Sim,
    /// How far it is off, in seconds.
    skew: i64,
}

impl Clock for SimClock {
    fn now(&self) -> OffsetDateTime {
        let micros = i64::try_from(self.sim.now()).unwrap();
        OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(EPOCH + self.skew) + time::Duration::microseconds(micros)
    }

    fn sleep(&self, duration: std::time::Duration) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(self.sim.sleep(u64::try_from(duration.as_micros()).unwrap()))
    }
}

struct SimEntropy(Mutex<Random>);

impl Entropy for SimEntropy {
    fn seed(&self) -> Result<[u8; 32], EntropyError> {
        let mut seed = [0; 32];
        let mut random = self.0.lock().unwrap();
        seed.chunks_exact_mut(8).for_each(|chunk| chunk.copy_from_slice(&random.bits().to_be_bytes()));
        Ok(seed)
    }
}

/// What the functions work on.
#[derive(Debug, Clone)]
pub struct Services {
    /// Time, chance and faults.
    pub world: World,
    /// The metadata.
    pub table: Table,
    /// The queues.
    pub broker: Broker,
    /// The Data API.
    pub api: DataApi,
    /// How many invocations run.
    pub busy: Arc<Mutex<usize>>,
    /// When mappings stand still: queue, from, to.
    pub stopped: Arc<Mutex<Vec<(Queue, Micros, Micros)>>>,
}

/// One instance of a function: a process that handles one invocation after the other.
struct Instance {
    app: SimApp,
    invocation: Invocation,
}

impl Services {
    fn instance(&self) -> Instance {
        let invocation = Invocation::default();
        let world = &self.world;
        let exact = world.settings.exact;
        let skew = if exact { 0 } else { world.sim.draw(|random| random.below(241)) };
        let skew = i64::try_from(skew).unwrap() - if exact { 0 } else { 120 };
        if skew.abs() > 60 {
            world.faults.happened(Fault::ClockSkew);
        }
        let pairs = [("REDOUBT_TABLE".to_owned(), "t".to_owned())].into_iter();
        let config = Config::from_pairs(pairs.chain(world.settings.variables.iter().cloned())).unwrap();
        let store = SimStore { table: self.table.clone(), invocation: invocation.clone() };
        let warehouse = SimWarehouse { api: self.api.clone(), invocation: invocation.clone() };
        let queues = SimQueues { broker: self.broker.clone(), invocation: invocation.clone() };
        let random = Random::new(world.sim.draw(Random::bits));
        let app = App::new(store, warehouse, queues, config)
            .with(SimClock { sim: world.sim.clone(), skew }, SimEntropy(Mutex::new(random)));
        Instance { app, invocation }
    }

    /// Takes from a queue and invokes its function for ever: one of as many as may run at once.
    pub async fn poll(self, mapping: Mapping) {
        let mut instance = self.instance();
        loop {
            self.broker.wait(mapping.queue).await;
            let now = self.world.sim.now();
            let stopped =
                self.stopped.lock().unwrap().iter().find_map(|(queue, from, to)| {
                    (*queue == mapping.queue && (*from..*to).contains(&now)).then_some(*to)
                });
            if let Some(until) = stopped {
                self.world.sim.sleep(until - now).await;
                continue;
            }
            let batch = self.gather(&mapping).await;
            if batch.is_empty() {
                continue;
            }
            *self.busy.lock().unwrap() += 1;
            if !self.invoke(&mapping, &instance, batch).await {
                instance = self.instance();
            }
            *self.busy.lock().unwrap() -= 1;
        }
    }

    /// Receives until the batch is full or its window ends.
    async fn gather(&self, mapping: &Mapping) -> Vec<Delivery> {
        let sim = &self.world.sim;
        let settings = &self.world.settings;
        let end = sim.now() + mapping.window;
        let (mut batch, mut bytes) = (Vec::new(), 0);
        loop {
            let room = (mapping.batch - batch.len()).min(settings.receive * settings.receives_at_once);
            let (broker, mapping) = (self.broker.clone(), mapping.clone());
            let queue = mapping.queue;
            let received = sim
                .request(settings.queue / 2, settings.queue / 2, move |_| {
                    broker.receive(mapping.queue, room, mapping.visibility, mapping.max_receives)
                })
                .await;
            let calls = received.len().div_ceil(settings.receive).max(1);
            self.world.usage.add().queue += u64::try_from(calls).unwrap();
            bytes += received.iter().map(|delivery| delivery.body.len() + OVERHEAD).sum::<usize>();
            batch.extend(received);
            if batch.len() >= mapping_size(&self.world, queue) || bytes + 100_000 > PAYLOAD || sim.now() >= end {
                return batch;
            }
            let rest = end.saturating_sub(sim.now());
            race(self.broker.wait(queue), sim.sleep(rest)).await;
            if sim.now() >= end {
                return batch;
            }
        }
    }

    /// Invokes the function; tells whether its process lives on.
    async fn invoke(&self, mapping: &Mapping, instance: &Instance, batch: Vec<Delivery>) -> bool {
        let world = &self.world;
        let sim = &world.sim;
        if world.has(Mutation::AtMostOnce) {
            batch.iter().for_each(|delivery| self.broker.delete(mapping.queue, delivery));
        }
        // Where it dies, if it does: most do at one of their first calls.
        let strikes = world.faults.strikes_quietly(sim, Fault::CrashBefore);
        let fuse = strikes.then(|| sim.draw(|random| (random.below(40), random.permille(500))));
        let killed = instance.invocation.begin(fuse);
        let event = event(mapping.queue, &batch);
        let begin = sim.now();
        let work = async {
            let computing = world.settings.invocation + world.settings.message * u64::try_from(batch.len()).unwrap();
            sim.sleep(computing).await;
            let handle = async |messages| handle(mapping.queue, &instance.app, messages).await;
            End::Reply(batch::run(&instance.app.queues, &instance.app.metrics, event, handle).await)
        };
        let stop = async {
            let killed = async {
                killed.await;
                End::Crashed
            };
            let timeout = async {
                sim.sleep(mapping.timeout).await;
                End::TimedOut
            };
            race(killed, timeout).await
        };
        let end = race(Box::pin(work), stop).await;
        let took = sim.now() - begin;
        {
            let mut used = world.usage.add();
            used.invocations += 1;
            used.running += took;
        }
        let ids: Vec<u64> = batch.iter().map(|delivery| delivery.id).collect();
        sim.note(format_args!("{} took {ids:?} for {} ms: {}", mapping.queue, took / 1_000, end.words()));
        match end {
            End::Reply(response) => {
                self.acknowledge(mapping, &batch, &response);
                true
            }
            End::Crashed => false,
            End::TimedOut => {
                world.faults.happened(Fault::TimedOut);
                false
            }
        }
    }

    fn acknowledge(&self, mapping: &Mapping, batch: &[Delivery], response: &SqsBatchResponse) {
        let failed: std::collections::BTreeSet<&str> =
            response.batch_item_failures.iter().map(|failure| failure.item_identifier.as_str()).collect();
        let done: Vec<&Delivery> =
            batch.iter().filter(|delivery| !failed.contains(delivery.id.to_string().as_str())).collect();
        self.world.usage.add().queue += u64::try_from(done.len().div_ceil(DELETES)).unwrap();
        for delivery in done {
            self.broker.delete(mapping.queue, delivery);
        }
    }

    /// Stops all functions for hours. They come back one after the other.
    pub fn stop_all(&self) {
        let sim = &self.world.sim;
        sim.note(format_args!("all functions stop"));
        self.world.faults.happened(Fault::AllStopped);
        for mapping in &self.world.settings.mappings {
            let to = sim.now() + STOP + sim.draw(|random| random.below(HOUR));
            self.stopped.lock().unwrap().push((mapping.queue, sim.now(), to));
        }
    }

    /// Sends a message on a schedule, for ever.
    pub async fn schedule(self, queue: Queue, body: String, every: Micros, stopped: Option<(Micros, Micros)>) {
        loop {
            self.world.sim.sleep(every).await;
            let now = self.world.sim.now();
            if stopped.is_some_and(|(from, to)| (from..to).contains(&now)) {
                continue;
            }
            self.broker.put(queue, &body, 0);
        }
    }
}

fn mapping_size(world: &World, queue: Queue) -> usize {
    world.settings.mappings.iter().find(|mapping| mapping.queue == queue).map_or(1, |mapping| mapping.batch)
}

enum End {
    Reply(SqsBatchResponse),
    Crashed,
    TimedOut,
}

impl End {
    fn words(&self) -> String {
        match self {
            Self::Reply(response) if response.batch_item_failures.is_empty() => "done".to_owned(),
            Self::Reply(response) => {
                let ids = response.batch_item_failures.iter().map(|failure| failure.item_identifier.as_str());
                format!("failed {}", ids.collect::<Vec<_>>().join(" "))
            }
            Self::Crashed => "CRASHED".to_owned(),
            Self::TimedOut => "TIMED OUT".to_owned(),
        }
    }
}

async fn handle(queue: Queue, app: &SimApp, messages: Vec<Message>) -> Vec<Outcome> {
    match queue {
        Queue::Policy => work::policy(app, messages).await,
        Queue::DataSource => work::data_source(app, messages).await,
        Queue::User => work::user(app, messages).await,
        Queue::Integration => work::integration(app, messages).await,
        Queue::Outcome => work::outcome(app, messages).await,
        Queue::Reconcile => work::reconcile(app, messages).await,
        Queue::DeadLetter => Vec::new(),
    }
}

fn event(queue: Queue, batch: &[Delivery]) -> SqsEvent {
    let record = |delivery: &Delivery| {
        let mut message = SqsMessage::default();
        message.message_id = Some(delivery.id.to_string());
        message.body = Some(delivery.body.to_string());
        message.receipt_handle = Some(queue::handle(delivery));
        message.event_source_arn = Some(queue::source(queue));
        message.attributes.insert("ApproximateReceiveCount".to_owned(), delivery.receives.to_string());
        message
    };
    let mut event = SqsEvent::default();
    event.records = batch.iter().map(record).collect();
    event
}

/// How long a stop of a function lasts: longer than tokens are kept.
pub const STOP: Micros = 9 * HOUR;
/// How long a stop of the schedules lasts: longer than results are kept.
pub const DARK: Micros = 26 * HOUR;
/// How often the sweep is due.
pub const SWEEP: Micros = 5 * MINUTE;
/// How often something is looked at that has no event.
pub const LOOK: Micros = 30 * SECOND;
