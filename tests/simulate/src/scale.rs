//! Scale: the same functions and services without faults, under the real quotas.

use std::sync::{Arc, Mutex};

use redoubt_aws::port::Queue;
use redoubt_core::record::Kind;
use serde_json::{Value, json};

use crate::{
    faults::Faults,
    kernel::{Executor, HOUR, Micros, SECOND, Sim},
    services::{World, data_api::DataApi, lambda::Services, queue::Broker, store::Table},
    settings::{Settings, quota},
    usage::{Usage, Used},
    warehouse::Warehouse,
    workload::{HOST, integration, queue_of},
};

/// A deployment at rest.
pub struct Deployment {
    services: Services,
    executor: Executor,
    changed: Arc<Mutex<Micros>>,
}

impl std::fmt::Debug for Deployment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Deployment")
    }
}

/// What a burst of events took.
#[derive(Debug, Clone, Copy)]
pub struct Burst {
    /// Events sent.
    pub events: u64,
    /// Until the last of it was in force.
    pub enforced: Micros,
    /// What was used.
    pub used: Used,
}

impl Burst {
    /// The shortest time in which the Data API takes as many calls.
    #[must_use]
    pub fn floor(&self) -> Micros {
        self.used.batches * SECOND / quota::BATCH + self.used.executes * SECOND / quota::EXECUTE
    }

    /// Statement calls.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.used.batches + self.used.executes
    }
}

impl Default for Deployment {
    fn default() -> Self {
        Self::new()
    }
}

impl Deployment {
    /// One warehouse, set up.
    #[must_use]
    pub fn new() -> Self {
        let sim = Sim::new(1, false);
        let settings = Arc::new(Settings { exact: true, ..Settings::default() });
        let world =
            World { sim: sim.clone(), faults: Faults::none(), settings, mutation: None, usage: Usage::default() };
        let (table, broker, warehouse) = (Table::new(&world), Broker::new(&world), Warehouse::new(&world));
        let changed = Arc::new(Mutex::new(0));
        let (clock, latest) = (sim.clone(), changed.clone());
        warehouse.watch(move |_| *latest.lock().unwrap() = clock.now());
        let api = DataApi::new(&world, &broker, &warehouse, Arc::new(|_, _| ()));
        let services =
            Services { world, table, broker, api, busy: Arc::default(), stopped: Arc::new(Mutex::new(Vec::new())) };
        let mut executor = Executor::new(&sim);
        for mapping in &services.world.settings.mappings {
            for _ in 0..mapping.concurrency {
                executor.start(services.clone().poll(mapping.clone()));
            }
        }
        let mut deployment = Self { services, executor, changed };
        let _ = deployment.burst(&[integration()]);
        deployment
    }

    /// Sends events at once and waits for the end.
    ///
    /// # Panics
    /// When it does not end within a day.
    pub fn burst(&mut self, events: &[Value]) -> Burst {
        let sim = self.services.world.sim.clone();
        let (begin, before) = (sim.now(), self.services.world.usage.so_far());
        for event in events {
            self.services.broker.put(queue_of(event), &event.to_string(), 0);
        }
        while !self.is_at_rest() {
            let until = sim.now() + 5 * SECOND;
            sim.at(until, |_| ());
            self.executor.run_until(until, |sim| sim.now() >= until);
            assert!(sim.now() < begin + 24 * HOUR, "it does not end");
        }
        let used = self.services.world.usage.so_far();
        let enforced = self.changed.lock().unwrap().saturating_sub(begin);
        Burst { events: u64::try_from(events.len()).unwrap(), enforced, used: difference(used, before) }
    }

    fn is_at_rest(&self) -> bool {
        let services = &self.services;
        Queue::ALL.into_iter().all(|queue| services.broker.count(queue) == 0)
            && *services.busy.lock().unwrap() == 0
            && services.api.active() == 0
            && services.table.has_none(Kind::Submission)
    }
}

fn difference(now: Used, before: Used) -> Used {
    Used {
        batches: now.batches - before.batches,
        executes: now.executes - before.executes,
        describes: now.describes - before.describes,
        results: now.results - before.results,
        throttled: now.throttled - before.throttled,
        statements: now.statements - before.statements,
        reads: now.reads - before.reads,
        writes: now.writes - before.writes,
        queue: now.queue - before.queue,
        invocations: now.invocations - before.invocations,
        running: now.running - before.running,
    }
}

/// So many data sources.
#[must_use]
pub fn sources(count: usize) -> Vec<Value> {
    let source = |number: usize| {
        let id = format!("s{number:06}");
        let columns: Vec<Value> = (0..8)
            .map(|column| json!({"name": format!("c{column}"), "type": "varchar(80)", "tags": if column == 3 { json!(["pii.phone"]) } else { json!([]) }}))
            .collect();
        json!({"type": "data_source.created", "data_source": {
            "id": id, "version": 1, "host": HOST, "database": "raw", "schema": "public", "table": id, "view": id, "columns": columns,
        }})
    };
    (0..count).map(source).collect()
}

/// A policy that covers every data source, in a version.
#[must_use]
pub fn policy(version: u64) -> Value {
    json!({"type": "policy.updated", "policy": {
        "id": "mask", "version": version, "name": "mask", "created_at": "2026-01-01T00:00:00Z", "scope": "all",
        "rules": [{"mask": {"columns": {"tag": "pii"}, "using": {"kind": "hash"}, "except": {"group": format!("support {version}")}}}],
    }})
}

/// Changes of so many users, each of whom is new.
#[must_use]
pub fn users(count: usize) -> Vec<Value> {
    let user = |number: usize| {
        json!({"type": "user.created", "user": {
            "id": format!("u{number:06}"), "version": 1, "database_user": format!("person{number:06}"),
            "groups": [format!("team {}", number % 40), "staff"], "attributes": {"country": ["DE"]},
        }})
    };
    (0..count).map(user).collect()
}
