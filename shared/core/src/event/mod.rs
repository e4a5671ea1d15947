//! Events as they arrive: the wire documents, the structural check that names every fault, and the envelopes around them.
//!
//! [`parse()`] takes the body of a message, [`document`] a single document from a file; both give [`wire`] types or all
//! [`Faults`]. What they check is structure: JSON that says nothing twice, known fields of the right types, known names
//! in closed lists. Whether it makes sense is the business of the model, which reports in the same [`Fault`]s.
//!
//! The structure itself is said once, by the types in [`wire`]. The schemas in `events/` are generated from them, and
//! [`shape`] checks against the schema for events, because `serde` alone stops at the first fault and often can't say where.

mod correlation;
mod describe;
pub mod fault;
pub mod json;
mod names;
pub mod parse;
pub mod path;
#[cfg(feature = "schema")]
pub mod schema;
pub mod shape;
#[cfg(test)]
mod strategies;
pub(crate) mod suggest;
pub mod wire;

pub use correlation::CorrelationId;
pub use fault::{Fault, Faults};
pub use parse::{Document, Incoming, document, parse};
pub use path::Path;
pub use wire::Event;
