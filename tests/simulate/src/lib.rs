//! Redoubt in virtual time: the real use cases over services that behave as AWS documents, with everything going wrong that may.
//!
//! [`run`](run::run) is one history, from a seed: the same seed gives the same history, byte for byte. Read the modules in this order:
//! [`kernel`] (time, tasks and chance) → [`faults`] → [`services`] and [`warehouse`] (what is simulated) → [`workload`] (what
//! producers say) → [`documents`] (what they ask for) → [`watch`] (at every step, nobody sees more than they may) → [`check`]
//! (in the end, everything is as asked for) → [`mutation`] (that all this would notice).

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "the simulated world is a test, and a step that can't be taken fails it"
)]

pub mod check;
pub mod documents;
pub mod faults;
pub mod kernel;
pub mod mutation;
pub mod price;
pub mod run;
pub mod scale;
pub mod services;
pub mod settings;
pub mod theme;
pub mod usage;
pub mod warehouse;
pub mod watch;
pub mod workload;
