//! What the statements do in a warehouse that was set up with them alone: no function is deployed, PostgreSQL behind the
//! stand-in is asked as each account.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test, whose warehouse is right or fails it"
)]

mod bound;
mod forging;
mod health;
mod impersonation;
mod people;
mod stand;
mod stopping;
