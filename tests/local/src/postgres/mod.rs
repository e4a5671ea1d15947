//! The PostgreSQL server that the stand-in owns.

pub mod account;
pub mod install;
pub mod link;
pub mod prepared;
pub mod server;
pub mod session;
