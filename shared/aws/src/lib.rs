//! Ports, adapters and use cases of Redoubt on AWS.
//!
//! Read the modules in this order: [`port`] (what the use cases need of the world) → [`error`] (what to do about a failure) →
//! the adapters of each port, one for AWS and one in memory: [`store`], [`warehouse`], [`queue`] → [`batch`] (each message on
//! its own) → [`runtime`] (what is around a use case in a function). [`secret`] keeps
//! what is read from Secrets Manager, [`config`], [`metrics`] and [`telemetry`] are what their names say;
//! [`fault`] is what the AWS adapters make of a failed call.

pub mod batch;
pub mod config;
pub mod error;
pub mod fault;
pub mod metrics;
pub mod port;
pub mod queue;
pub mod runtime;
pub mod secret;
pub mod store;
pub mod telemetry;
#[cfg(test)]
mod testing;
pub mod warehouse;
pub mod work;
