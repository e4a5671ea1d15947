//! The stand-in driven from outside, through the SDK and through PostgreSQL's own port.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what a test does not expect fails it"
)]

mod aws;
mod batches;
mod catalog;
mod databases;
mod dialect;
mod events;
mod external;
mod external_faults;
mod fake;
mod faults;
mod harness;
mod limits;
mod privileges;
mod restart;
mod setup_account;
mod statements;
mod stopped;
mod system;
mod warehouses;
