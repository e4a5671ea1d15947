//! Redoubt's functions before a warehouse, with their metadata and queues in memory.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

use redoubt_aws::{
    batch::{Message, Outcome},
    config::Config,
    port::{self, Clock, Outgoing, Queue, Queues, Store, Warehouse},
    queue::MemoryQueues,
    runtime::App,
    store::MemoryStore,
    work::{self, Submission},
};
use redoubt_core::record::{Kind, Record, State, Status};
use redoubt_tests::standin::DATABASE as ELSEWHERE;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use super::front::{Cut, Front};

#[derive(Clone)]
struct TestClock(Arc<AtomicI64>);

impl Clock for TestClock {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH + Duration::seconds(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// Redoubt's functions with their metadata, before one warehouse. Several can be at the same warehouse, one after the other.
pub struct Deployment {
    pub app: App<MemoryStore, Front, MemoryQueues>,
    clock: Arc<AtomicI64>,
    received: Mutex<u32>,
}

impl Deployment {
    /// The `number`th before its warehouse: each at another time, as the warehouse remembers the tokens of calls.
    pub(super) fn new(front: Front, number: i64) -> Self {
        let config = Config::from_pairs([("REDOUBT_TABLE".to_owned(), "t".to_owned())].into_iter()).unwrap();
        let clock = Arc::new(AtomicI64::new(1_800_000_000 + 1_000_000 * number));
        let app = App::new(MemoryStore::new(), front, MemoryQueues::new(), config)
            .with(TestClock(Arc::clone(&clock)), port::SystemEntropy);
        Self { app, clock, received: Mutex::new(0) }
    }

    /// Has an integration document followed until nothing is left to do. Gives its status.
    pub async fn integrate(&self, document: &Value) -> Status {
        let event = json!({"type": "integration.updated", "integration": document});
        self.send(Queue::Integration, &event).await;
        self.settle().await;
        self.status(Kind::Integration, document["id"].as_str().unwrap()).await
    }

    /// Removes the integration.
    pub async fn disintegrate(&self, version: u64, keep_profiles: bool, setup: Option<&str>) -> Status {
        let setup = setup.map(|secret| json!({"secret": secret, "database": ELSEWHERE}));
        let event = json!({
            "type": "integration.deleted", "id": "wh", "version": version, "keep_profiles": keep_profiles, "setup": setup,
        });
        self.send(Queue::Integration, &event).await;
        self.settle().await;
        self.status(Kind::Integration, "wh").await
    }

    /// Sends an event and waits until everything that follows from it is done.
    pub async fn tell(&self, event: Value) {
        let name = event["type"].as_str().unwrap().to_owned();
        let queue = match name.split('.').next() {
            Some("policy") => Queue::Policy,
            Some("data_source") => Queue::DataSource,
            Some("integration") => Queue::Integration,
            _ => Queue::User,
        };
        self.send(queue, &event).await;
        self.settle().await;
    }

    pub async fn send(&self, queue: Queue, event: &Value) {
        self.app.queues.send(queue, &[Outgoing::now(event.to_string())]).await.unwrap();
    }

    /// Has every message dealt with and every statement settled, until there are none.
    pub async fn settle(&self) {
        for _ in 0..400 {
            let mut busy = false;
            for queue in Queue::ALL.into_iter().filter(|queue| *queue != Queue::DeadLetter) {
                busy |= self.serve(queue).await;
            }
            busy |= self.tell_ends().await;
            if !busy {
                return;
            }
        }
        panic!("it does not settle");
    }

    /// Deals with the messages of a queue; says whether there were any.
    pub async fn serve(&self, queue: Queue) -> bool {
        let bodies: Vec<String> = self.app.queues.take(queue, 100).into_iter().map(|message| message.body).collect();
        if bodies.is_empty() {
            return false;
        }
        for (body, outcome) in bodies.iter().zip(self.handle(queue, &bodies).await) {
            match outcome {
                Outcome::Done => {}
                Outcome::Retry => self.send(queue, &serde_json::from_str(body).unwrap()).await,
                Outcome::Reject(faults) => {
                    let letter = json!({"faults": faults, "body": body});
                    self.send(Queue::DeadLetter, &letter).await;
                }
            }
        }
        true
    }

    /// Hands messages to the function of a queue.
    pub async fn handle(&self, queue: Queue, bodies: &[String]) -> Vec<Outcome> {
        // Whoever died before is another process.
        self.app.warehouse.revive();
        let receive_count = {
            let mut received = self.received.lock().unwrap();
            *received += 1;
            *received
        };
        let messages = bodies.iter().enumerate();
        let messages: Vec<Message> =
            messages.map(|(index, body)| Message { receive_count, ..Message::new(index.to_string(), body) }).collect();
        match queue {
            Queue::Policy => work::policy(&self.app, messages).await,
            Queue::DataSource => work::data_source(&self.app, messages).await,
            Queue::User => work::user(&self.app, messages).await,
            Queue::Integration => work::integration(&self.app, messages).await,
            Queue::Outcome => work::outcome(&self.app, messages).await,
            Queue::Reconcile => work::reconcile(&self.app, messages).await,
            Queue::DeadLetter => vec![Outcome::Done; messages.len()],
        }
    }

    /// Tells of the end of statements; says whether one ended or is still running.
    async fn tell_ends(&self) -> bool {
        let records = self.app.store.list(Kind::Submission).await.unwrap();
        for record in &records {
            let submission: Submission = serde_json::from_value(record.document().unwrap().clone()).unwrap();
            let Some(id) = submission.statement_id else { continue };
            if self.app.warehouse.inner.describe(&id).await.unwrap().state.is_final() {
                let detail = json!({"statementName": record.id, "statementId": id});
                self.send(Queue::Outcome, &json!({"source": "aws.redshift-data", "detail": detail})).await;
            }
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        !records.is_empty()
    }

    pub async fn record(&self, kind: Kind, id: &str) -> Record {
        self.app.store.get(kind, id).await.unwrap().unwrap_or_else(|| panic!("there is no {kind} `{id}`"))
    }

    pub async fn status(&self, kind: Kind, id: &str) -> Status {
        self.record(kind, id).await.status().unwrap_or_else(|| panic!("{kind} `{id}` has no status"))
    }

    /// The reason of a status that must be this state.
    pub async fn reason(&self, kind: Kind, id: &str, state: State) -> String {
        let status = self.status(kind, id).await;
        assert_eq!(status.state, state, "{status:?}");
        status.reason.unwrap_or_default()
    }

    /// Has the next invocations die at a call, or none.
    pub fn cut(&self, cut: Option<Cut>) {
        self.app.warehouse.cut(cut);
    }

    /// Names of the calls of setup, change and removal since the last cut was set.
    pub fn calls(&self) -> Vec<String> {
        self.app.warehouse.calls()
    }

    /// Lets time pass, in seconds.
    pub fn wait(&self, seconds: i64) {
        self.clock.fetch_add(seconds, Ordering::Relaxed);
    }

    /// Everything that was rejected, by fault.
    pub fn dead_letters(&self) -> BTreeMap<String, String> {
        let letters = self.app.queues.take(Queue::DeadLetter, 100);
        letters
            .into_iter()
            .map(|letter| {
                let letter: Value = serde_json::from_str(&letter.body).unwrap();
                (letter["faults"].to_string(), letter["body"].to_string())
            })
            .collect()
    }
}
