//! The use cases: what each function does with a batch of messages.
//!
//! All follow one order, which is what makes the outcome independent of how events were delivered: **store** the newest
//! document and raise the target's revision in the same step; only then **read** every input; **render** at that revision;
//! **record** what is about to be submitted; **submit**. Whoever raised the revision last read everything that was written
//! before, and the warehouse applies only what is newer than what it has, so the highest revision is always right.

mod claim;
mod doctor;
mod error;
mod fan_out;
mod installation;
mod intake;
mod integration;
mod outcome;
mod policy;
mod reach;
mod reconcile;
mod source;
mod steps;
mod submission;
#[cfg(test)]
mod tests;
mod trace;
mod unmask;
mod user;
mod wait;
mod world;

pub use doctor::{examine, examine_with, second_account, sound};
pub use error::WorkError;
pub use integration::integration;
pub use outcome::outcome;
pub use policy::policy;
pub use reconcile::reconcile;
pub use source::data_source;
pub use submission::{Submission, Target, Then};
pub use trace::Trace;
pub use unmask::may_unmask;
pub use user::user;
