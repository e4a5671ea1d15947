//! How warehouses are set up, changed and left, by the real use case over the real Data API protocol: the warehouse is the stand-in
//! over PostgreSQL, metadata and queues are in memory, so that a run can be interrupted anywhere and looked at in between.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected fails"
)]

mod attacks;
mod changes;
mod deployment;
mod drift;
mod external;
mod front;
mod interruption;
mod lab;
mod modes;
mod preflight;
mod removal;
mod scene;
