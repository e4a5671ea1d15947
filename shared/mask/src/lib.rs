//! The masking functions of Redoubt, over whole requests as Redshift sends them to a Lambda function.
//!
//! Read the modules in this order: [`request`] (what came in) → [`mask`] (what is done with it, row by row) → [`reply`] (what goes
//! out); then the masks themselves: [`regex`], [`siv`] (reversible), [`format`](mod@format) over [`ff1`] (format-preserving), and [`key`],
//! which derives their keys. [`error`] says what can be wrong. Nothing in here is async, reads a clock, the network, the
//! environment or a random source.
//!
//! ```
//! use std::collections::BTreeSet;
//! use redoubt_mask::{mask::Masker, reply, request::Payload};
//!
//! let json = br#"{"external_function": "immuta_functions.mask_regex", "user": "ann", "num_records": 2,
//!     "arguments": [["123-45-6789", "^.{7}", "XXX-XX-", ""], [null, "^.{7}", "XXX-XX-", ""]]}"#;
//! let answer = Payload::parse(json)
//!     .and_then(Payload::check)
//!     // Here the caller finds out whether the user may unmask `request.unmasks()`, and reads the master secret.
//!     .and_then(|request| Masker::new().answer(&request, &BTreeSet::new()))
//!     .unwrap_or_else(|fault| reply::failure(&fault));
//! assert_eq!(answer, r#"{"success":true,"num_records":2,"results":["XXX-XX-6789",null]}"#);
//! ```

pub mod error;
pub mod ff1;
pub mod format;
pub mod key;
pub mod mask;
pub mod regex;
pub mod reply;
pub mod request;
pub mod siv;
#[cfg(test)]
mod testing;
