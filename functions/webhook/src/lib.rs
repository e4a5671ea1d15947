//! Takes governance events over HTTPS from producers that have no AWS credentials: a Lambda function behind a function URL or
//! an HTTP API (payload format 2.0).
//!
//! Read the modules in this order: [`request`] (what came) → [`signature`] (who sent it, by which of the [`keys`]) →
//! [`webhook`] (what becomes of it) → [`answer`].

pub mod answer;
mod delivery;
pub mod keys;
pub mod request;
pub mod settings;
pub mod signature;
pub mod webhook;

pub use answer::Answer;
pub use request::Request;
pub use webhook::Webhook;

#[cfg(test)]
mod tests;
