//! The services that Redoubt stands on, with the behaviour that AWS documents, and what is common to them: the world they are
//! in, and the invocation that calls them.

pub mod data_api;
pub mod lambda;
pub mod queue;
pub mod store;

use std::{
    future::Future,
    sync::{Arc, Mutex},
};

use redoubt_core::record::Record;

use crate::{
    faults::{Fault, Faults},
    kernel::{MILLI, MINUTE, Micros, Sim, Slot},
    mutation::Mutation,
    settings::Settings,
    usage::Usage,
};

/// What every service knows.
#[derive(Debug, Clone)]
pub struct World {
    /// Time, chance and history.
    pub sim: Sim,
    /// What goes wrong.
    pub faults: Faults,
    /// How long things take, and what is deployed.
    pub settings: Arc<Settings>,
    /// What is broken on purpose, to see that it is noticed.
    pub mutation: Option<Mutation>,
    /// What was used, for the bill.
    pub usage: Usage,
}

impl World {
    /// Whether something is broken on purpose.
    #[must_use]
    pub fn has(&self, mutation: Mutation) -> bool {
        self.mutation == Some(mutation)
    }

    /// Half of the time a call takes: around a mean, between half and twice of it where chance plays.
    fn half(&self, mean: Micros) -> Micros {
        if self.settings.exact { mean / 2 } else { self.sim.draw(|random| random.between(mean / 4, mean)) }
    }
}

/// What one invocation read of the documents, so that a text it renders can be told apart.
#[derive(Debug, Clone, Default)]
pub struct Reads {
    /// Lists of policies.
    pub policies: Vec<Arc<Vec<Record>>>,
    /// Lists of projects.
    pub projects: Vec<Arc<Vec<Record>>>,
    /// Data sources, each time one was seen.
    pub sources: Vec<Arc<Record>>,
}

#[derive(Debug, Default)]
struct Life {
    /// Calls left until it dies, and whether the last has its effect.
    fuse: Option<(u64, bool)>,
    killed: Option<Slot<()>>,
    reads: Reads,
}

/// One invocation as its service calls see it.
#[derive(Debug, Clone, Default)]
pub struct Invocation(Arc<Mutex<Life>>);

impl Invocation {
    /// A new invocation begins; gives what ends when it is killed.
    #[must_use]
    pub fn begin(&self, fuse: Option<(u64, bool)>) -> Slot<()> {
        let slot = Slot::new();
        *self.0.lock().unwrap() = Life { fuse, killed: Some(slot.clone()), reads: Reads::default() };
        slot
    }

    /// What it has read so far.
    #[must_use]
    pub fn reads(&self) -> Reads {
        self.0.lock().unwrap().reads.clone()
    }

    fn note(&self, note: impl FnOnce(&mut Reads)) {
        note(&mut self.0.lock().unwrap().reads);
    }

    /// Makes a request, or dies over it.
    async fn request<T: Send + 'static>(
        &self,
        world: &World,
        mean: Micros,
        effect: impl FnOnce(&Sim) -> T + Send + 'static,
    ) -> T {
        let dies = {
            let mut life = self.0.lock().unwrap();
            match &mut life.fuse {
                Some((0, after)) => Some((*after, life.killed.clone())),
                Some((left, _)) => {
                    *left -= 1;
                    None
                }
                None => None,
            }
        };
        let (mut there, back) = (world.half(mean), world.half(mean));
        if world.faults.strikes(&world.sim, Fault::Slow) {
            there += world.sim.draw(|random| random.between(MINUTE / 2, 6 * MINUTE));
        }
        let Some((after, killed)) = dies else { return world.sim.request(there, back, effect).await };
        world.faults.happened(if after { Fault::CrashAfter } else { Fault::CrashBefore });
        if after {
            drop(world.sim.request(there, back, effect));
        }
        if let Some(killed) = killed {
            killed.set(());
        }
        std::future::pending().await
    }
}

/// The shortest time anything takes.
pub const TICK: Micros = MILLI;

/// Lets futures be boxed without fuss.
pub type Boxed<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;
