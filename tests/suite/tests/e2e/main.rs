//! The whole system on the local stack: events go to the real queues and the bus, the functions run as deployed, and what
//! accounts of the warehouse see is asked over PostgreSQL's own port.
//!
//! The tests know of the stack what `.local/env` says and nothing else. Each has names of its own, so all of them share one
//! stack and run side by side.

#![expect(clippy::indexing_slicing, reason = "documents are changed in place, and a test that meets another one fails")]

mod bad_input;
mod bus;
mod canaries;
mod convergence;
mod failures;
mod logs;
mod main_path;
mod masks;
mod policies;
mod revisions;
mod sources;
mod store;
mod users;
mod warehouses;
mod webhook;
