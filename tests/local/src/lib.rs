//! A stand-in for Amazon Redshift: the Data API's wire protocol over a PostgreSQL server of its own. See README.md
//! for what it imitates, what it does not, and what it refuses. State is in memory; tables are PostgreSQL's.

pub mod api;
pub mod arguments;
pub mod auth;
pub mod cache;
pub mod callback;
pub mod cell;
pub mod event;
pub mod faults;
pub mod identifier;
pub mod lambda;
pub mod postgres;
pub mod registry;
pub mod runner;
pub mod sql;
pub mod standin;
pub mod statement;
pub mod warehouse;

pub use faults::Fault;
pub use standin::{Config, Standin, StartError};
pub use warehouse::WarehouseError;
