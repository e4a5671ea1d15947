//! Scale: the same functions and services without faults, under the real quotas. [`events`] are sent in bursts to a [`Deployment`];
//! [`cases`] holds each burst against what the quotas allow.

pub mod cases;
pub mod events;

use std::sync::{Arc, Mutex};

use redoubt_aws::port::Queue;
use redoubt_core::record::Kind;
use serde_json::Value;

use crate::{
    faults::Faults,
    kernel::{Executor, HOUR, Micros, SECOND, Sim},
    services::{World, data_api::DataApi, lambda::Services, queue::Broker, store::Table},
    settings::Settings,
    usage::{Usage, Used},
    warehouse::Warehouse,
    workload::{integration, queue_of},
};

/// A deployment at rest.
pub struct Deployment {
    services: Services,
    executor: Executor,
    warehouse: Warehouse,
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
        let services = Services { world, table, broker, api, busy: Arc::default(), stopped: Arc::default() };
        let mut executor = Executor::new(&sim);
        for mapping in &services.world.settings.mappings {
            for _ in 0..mapping.concurrency {
                executor.start(services.clone().poll(mapping.clone()));
            }
        }
        let mut deployment = Self { services, executor, warehouse, changed };
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
        // Each is delivered to its queue by a request.
        self.services.world.usage.add().queue += u64::try_from(events.len()).unwrap();
        for event in events {
            self.services.broker.put(queue_of(event), &event.to_string(), 0);
        }
        while !self.is_at_rest() {
            let until = sim.now() + 5 * SECOND;
            sim.at(until, |_| ());
            self.executor.run_until(until, |sim| sim.now() >= until);
            assert!(sim.now() < begin + 24 * HOUR, "it does not end");
        }
        assert!(self.services.broker.take_dead().is_empty(), "nothing is given up");
        let used = self.services.world.usage.so_far().since(before);
        let enforced = self.changed.lock().unwrap().saturating_sub(begin);
        Burst { events: u64::try_from(events.len()).unwrap(), enforced, used }
    }

    /// What is deployed.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.services.world.settings
    }

    /// What the warehouse has.
    #[must_use]
    pub fn warehouse(&self) -> &Warehouse {
        &self.warehouse
    }

    /// The units that reading each record of a kind once takes, and writing each once.
    #[must_use]
    pub fn units(&self, kind: Kind) -> (u64, u64) {
        self.services.table.units(kind)
    }

    fn is_at_rest(&self) -> bool {
        let services = &self.services;
        Queue::ALL.into_iter().all(|queue| services.broker.count(queue) == 0)
            && *services.busy.lock().unwrap() == 0
            && services.api.active() == 0
            && services.table.has_none(Kind::Submission)
    }
}
