//! Adapters of the warehouse.

pub mod data_api;
pub mod memory;

pub use data_api::DataApi;
pub use memory::{MemoryWarehouse, Script};
