//! The pure core of Redoubt: from governance events to the SQL that enforces them.
//!
//! Read the modules in the order of the data: [`event`] (what arrived) → [`model`] (what is known to be right) →
//! [`resolve`] (which policies apply, conflicts settled) → [`plan`] (what the view must contain, as data) → [`sql`] (text).
//! Nothing in here is async, reads a clock, the network, the environment or a random source.

pub mod advice;
pub mod doctor;
pub mod drift;
pub mod event;
pub mod explain;
pub mod expression;
pub mod interpret;
pub mod model;
pub mod plan;
pub mod record;
pub mod render;
pub mod resolve;
pub mod sql;
pub mod unmask;
