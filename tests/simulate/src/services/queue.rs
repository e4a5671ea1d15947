//! SQS: standard queues.
//!
//! | rule | source |
//! | --- | --- |
//! | at least once, best-effort order; a copy may survive its deletion | <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues-at-least-once-delivery.html> |
//! | what is received is hidden for the visibility timeout, which a receipt can change | <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html> |
//! | only the newest receipt deletes | <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html> |
//! | after `maxReceiveCount` receives a message goes to the dead-letter queue | <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html> |
//! | 10 messages and 1 MiB a call, a request is billed per 64 KB | <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html> |

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
};

use redoubt_aws::{
    error::{ErrorKind, QueueError},
    fault::ServiceFault,
    port::{Outgoing, Queue, Queues, Received},
};

use super::{Invocation, World};
use crate::{
    faults::Fault,
    kernel::{Micros, SECOND, Sim, Slot},
};

/// The most messages in one call.
const CALL: usize = 10;
/// What a request is billed by, in bytes.
const REQUEST_BYTES: usize = 64 * 1024;
/// Calls that one send makes at a time.
const CALLS_AT_ONCE: usize = 8;

#[derive(Debug)]
struct Message {
    body: Arc<str>,
    receives: u32,
    /// Counts up with each receive; only the newest receipt works.
    receipt: u64,
    /// Hidden until then, while in flight or delayed.
    hidden: Option<Micros>,
}

#[derive(Debug, Default)]
struct Standard {
    messages: BTreeMap<u64, Message>,
    visible: VecDeque<u64>,
    hidden: BTreeMap<(Micros, u64), ()>,
    waiting: Vec<Slot<()>>,
}

/// A message as it is handed out.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// SQS's id of it.
    pub id: u64,
    /// What was sent.
    pub body: Arc<str>,
    /// How often it was received, this time included.
    pub receives: u32,
    /// Of this delivery.
    pub receipt: u64,
}

/// A message that nobody takes any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The queue it came from, where the receive count moved it; the function that rejected it puts it there itself.
    pub queue: Option<Queue>,
    /// What it says.
    pub body: String,
}

#[derive(Debug, Default)]
struct State {
    queues: BTreeMap<Queue, Standard>,
    next: u64,
    dead: Vec<DeadLetter>,
}

/// All queues. Clones are the same.
#[derive(Debug, Clone)]
pub struct Broker {
    world: World,
    state: Arc<Mutex<State>>,
}

impl Broker {
    /// Empty queues.
    #[must_use]
    pub fn new(world: &World) -> Self {
        Self { world: world.clone(), state: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Puts a message into a queue, to be seen after a delay.
    pub fn put(&self, queue: Queue, body: &str, delay: Micros) {
        if queue == Queue::DeadLetter {
            self.world.sim.note(format_args!("dead letter: {body}"));
            self.state().dead.push(DeadLetter { queue: None, body: body.to_owned() });
            return;
        }
        let until = (delay > 0).then(|| self.world.sim.now() + delay);
        let mut state = self.state();
        state.next += 1;
        let id = state.next;
        let standard = state.queues.entry(queue).or_default();
        standard.messages.insert(id, Message { body: body.into(), receives: 0, receipt: 0, hidden: until });
        match until {
            Some(until) => {
                standard.hidden.insert((until, id), ());
                drop(state);
                self.look_at(queue, until);
            }
            None => {
                standard.visible.push_back(id);
                // All of them: some no longer wait.
                let waiting = std::mem::take(&mut standard.waiting);
                drop(state);
                waiting.iter().for_each(|slot| slot.set(()));
            }
        }
    }

    /// Has whoever waits look when something becomes visible.
    fn look_at(&self, queue: Queue, moment: Micros) {
        let broker = self.clone();
        self.world.sim.at(moment, move |_| {
            let waiting = {
                let mut state = broker.state();
                let standard = state.queues.entry(queue).or_default();
                broker.reveal(standard);
                if standard.visible.is_empty() { Vec::new() } else { std::mem::take(&mut standard.waiting) }
            };
            waiting.iter().for_each(|slot| slot.set(()));
        });
    }

    fn reveal(&self, standard: &mut Standard) {
        let now = self.world.sim.now();
        while let Some((&(until, id), ())) = standard.hidden.first_key_value() {
            if until > now {
                break;
            }
            standard.hidden.pop_first();
            if let Some(message) = standard.messages.get_mut(&id)
                && message.hidden == Some(until)
            {
                message.hidden = None;
                standard.visible.push_back(id);
            }
        }
    }

    /// Ends once a queue has something to receive.
    pub async fn wait(&self, queue: Queue) {
        loop {
            let slot = {
                let mut state = self.state();
                let standard = state.queues.entry(queue).or_default();
                self.reveal(standard);
                if !standard.visible.is_empty() {
                    return;
                }
                let slot = Slot::new();
                standard.waiting.push(slot.clone());
                slot
            };
            slot.await;
        }
    }

    /// Receives at most so many messages, which are then hidden.
    #[must_use]
    pub fn receive(&self, queue: Queue, most: usize, visibility: Micros, max_receives: u32) -> Vec<Delivery> {
        let now = self.world.sim.now();
        let mut deliveries = Vec::new();
        let mut again = Vec::new();
        let mut state = self.state();
        let State { queues, dead, .. } = &mut *state;
        let standard = queues.entry(queue).or_default();
        self.reveal(standard);
        while deliveries.len() < most && !standard.visible.is_empty() {
            let place = if self.world.settings.exact {
                0
            } else {
                self.world.sim.draw(|random| random.index(standard.visible.len()))
            };
            if place > 0 {
                self.world.faults.happened(Fault::OutOfOrder);
            }
            let Some(id) = standard.visible.remove(place) else { break };
            let Some(message) = standard.messages.get_mut(&id) else { continue };
            if message.receives >= max_receives {
                let body = message.body.to_string();
                standard.messages.remove(&id);
                self.world.sim.note(format_args!("dead letter after {max_receives} receives on {queue}: {body}"));
                dead.push(DeadLetter { queue: Some(queue), body });
                continue;
            }
            message.receives += 1;
            message.receipt += 1;
            let until = now + visibility;
            message.hidden = Some(until);
            standard.hidden.insert((until, id), ());
            deliveries.push(Delivery {
                id,
                body: message.body.clone(),
                receives: message.receives,
                receipt: message.receipt,
            });
            if self.world.faults.strikes(&self.world.sim, Fault::Duplicate) {
                again.push(id);
            }
            self.wake_later(queue, until);
        }
        // A server that did not hear of the receive hands them out once more.
        for id in again {
            if let Some(message) = standard.messages.get_mut(&id) {
                message.hidden = None;
                standard.visible.push_back(id);
            }
        }
        deliveries
    }

    fn wake_later(&self, queue: Queue, until: Micros) {
        // In a calm world with much traffic nobody waits for a message in flight; the next receive reveals it.
        if !self.world.settings.exact {
            self.look_at(queue, until);
        }
    }

    /// Deletes a message, if the receipt is its newest.
    pub fn delete(&self, queue: Queue, delivery: &Delivery) {
        let mut state = self.state();
        let standard = state.queues.entry(queue).or_default();
        let newest = standard.messages.get(&delivery.id).is_some_and(|message| message.receipt == delivery.receipt);
        if newest
            && !self.world.faults.strikes(&self.world.sim, Fault::DeleteLost)
            && let Some(Message { hidden: Some(until), .. }) = standard.messages.remove(&delivery.id)
        {
            standard.hidden.remove(&(until, delivery.id));
        }
    }

    fn hide(&self, queue: Queue, id: u64, receipt: u64, delay: Micros) {
        let until = self.world.sim.now() + delay;
        {
            let mut state = self.state();
            let standard = state.queues.entry(queue).or_default();
            let Some(message) = standard.messages.get_mut(&id) else { return };
            let Some(before) = message.hidden.filter(|_| message.receipt == receipt) else { return };
            standard.hidden.remove(&(before, id));
            message.hidden = Some(until);
            standard.hidden.insert((until, id), ());
        }
        self.look_at(queue, until);
    }

    /// How many messages are in the queues, seen or hidden.
    #[must_use]
    pub fn len(&self) -> usize {
        self.state().queues.values().map(|standard| standard.messages.len()).sum()
    }

    /// How many messages a queue has.
    #[must_use]
    pub fn count(&self, queue: Queue) -> usize {
        self.state().queues.get(&queue).map_or(0, |standard| standard.messages.len())
    }

    /// Whether no queue has a message.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the dead letters out.
    #[must_use]
    pub fn take_dead(&self) -> Vec<DeadLetter> {
        std::mem::take(&mut self.state().dead)
    }
}

/// The name of a queue in its ARN.
fn arn(queue: Queue) -> String {
    format!("arn:aws:sqs:eu-west-1:123456789012:redoubt-{}", queue.as_str())
}

/// The receipt handle of a delivery.
#[must_use]
pub fn handle(delivery: &Delivery) -> String {
    format!("{}/{}", delivery.id, delivery.receipt)
}

/// The ARN that a record of a batch names.
#[must_use]
pub fn source(queue: Queue) -> String {
    arn(queue)
}

/// The queues as a function sees them.
#[derive(Debug, Clone)]
pub struct SimQueues {
    /// The queues.
    pub broker: Broker,
    /// Who calls.
    pub invocation: Invocation,
}

impl Queues for SimQueues {
    async fn send(&self, queue: Queue, messages: &[Outgoing]) -> Result<(), QueueError> {
        let world = &self.broker.world;
        let mut unsent = messages.len();
        let failed = |unsent| QueueError::Service {
            queue,
            unsent,
            source: ServiceFault::new(ErrorKind::Retry, "ServiceUnavailable"),
        };
        // Several calls at a time, as the adapter makes them.
        for wave in messages.chunks(CALL * CALLS_AT_ONCE) {
            if world.faults.strikes(&world.sim, Fault::SendFailed) {
                self.invocation.request(world, world.settings.queue, |_| ()).await;
                return Err(failed(unsent));
            }
            let partly = world.faults.strikes(&world.sim, Fault::SendPartly);
            let sent = if partly { world.sim.draw(|random| random.index(wave.len() + 1)) } else { wave.len() };
            let bytes: usize = wave.iter().map(|message| message.body.len()).sum();
            let calls = wave.len().div_ceil(CALL).max(bytes.div_ceil(REQUEST_BYTES));
            world.usage.add().queue += u64::try_from(calls).unwrap();
            let (broker, going) = (self.broker.clone(), wave[..sent].to_vec());
            self.invocation
                .request(world, world.settings.queue, move |_| {
                    for message in going {
                        broker.put(queue, &message.body, Micros::from(message.delay_seconds.min(900)) * SECOND);
                    }
                })
                .await;
            unsent -= sent;
            if partly {
                return Err(failed(unsent));
            }
        }
        Ok(())
    }

    async fn postpone(&self, messages: &[Received]) -> Result<(), QueueError> {
        let world = &self.broker.world;
        if world.faults.strikes(&world.sim, Fault::PostponeFailed) {
            let source = ServiceFault::new(ErrorKind::Retry, "ServiceUnavailable");
            return Err(QueueError::Service { queue: Queue::Outcome, unsent: messages.len(), source });
        }
        world.usage.add().queue += u64::try_from(messages.len().div_ceil(CALL)).unwrap();
        let (broker, messages) = (self.broker.clone(), messages.to_vec());
        let effect = move |_: &Sim| {
            for message in messages {
                let queue = Queue::ALL.into_iter().find(|queue| arn(*queue) == message.queue_arn);
                let ids = message.receipt.split_once('/');
                let ids = ids.and_then(|(id, receipt)| Some((id.parse().ok()?, receipt.parse().ok()?)));
                if let (Some(queue), Some((id, receipt))) = (queue, ids) {
                    broker.hide(queue, id, receipt, Micros::from(message.delay_seconds.min(900)) * SECOND);
                }
            }
        };
        self.invocation.request(world, world.settings.queue, effect).await;
        Ok(())
    }
}
