//! Convergence: whatever order events come in, however often, whatever crashes and fails in between, once the queues are empty
//! the warehouse holds exactly what the newest documents give.
//!
//! The use cases are the real ones, over services in memory that misbehave. What a case does follows from its seed alone.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "the simulated world is a test, and a step that can't be taken fails it"
)]

mod model;
mod scenario;
mod services;
mod world;

use proptest::{prelude::*, strategy::ValueTree};

fn cases() -> u32 {
    std::env::var("REDOUBT_CONVERGENCE_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(150)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn the_end_state_is_that_of_the_newest_documents(seed in any::<u64>(), events in scenario::events()) {
        let mut world = world::World::new(seed);
        let outcome = world.run(&events);
        prop_assert!(outcome.is_ok(), "{}\n{}", outcome.unwrap_err(), world.history());
    }
}

/// The test above is worth something only if the faults it is about really occur.
#[test]
fn every_kind_of_fault_is_injected() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut faults = world::Faults::default();
    for seed in 0..40 {
        let events = scenario::events().new_tree(&mut runner).unwrap().current();
        let mut world = world::World::new(seed);
        world.run(&events).unwrap();
        faults.add(&world.faults);
    }
    println!("{faults:?}");
    assert!(faults.all_occurred(), "{faults:?}");
}
