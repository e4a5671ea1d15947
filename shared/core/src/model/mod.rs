//! Checked values: what documents say, once it is known to be right.
//!
//! The only door is `check`, which takes a wire document and reports every fault it has, each with its path, what was found
//! and what was expected. Whatever has one of these types needs no further checking on its way to SQL.

mod collect;
pub mod command;
pub mod condition;
pub mod data_source;
pub mod integration;
pub mod mask;
pub mod name;
pub mod policy;
pub mod stored;
#[cfg(test)]
pub(crate) mod strategies;
pub mod user;
mod view_name;

pub use command::Command;
pub use condition::{Condition, Entitlement, EntitlementKind};
pub use data_source::{Binding, Column, DataSource};
pub use integration::{ExternalSchema, Integration, Mode, Names, Removal, Risk, WarehouseName};
pub use name::{Id, Tag};
pub use policy::Policy;
pub use user::{Project, Standing, User};
pub use view_name::ViewName;

use crate::{event::Fault, sql::Ident};

/// Checks an identifier at a path.
fn ident(path: &str, name: &str) -> Result<Ident, Fault> {
    Ident::new(name).map_err(|error| Fault::new(path, error.to_string(), "a name of 1 to 127 bytes without NUL"))
}

/// Checks the name of a view or of its schema at a path. Procedures compare these as text, and Redshift then ignores trailing
/// blanks, so two views could pass for one.
fn view_name(path: &str, name: &str) -> Result<Ident, Fault> {
    let ident = ident(path, name)?;
    if name.trim() == name { Ok(ident) } else { Err(Fault::new(path, "blanks at the ends", "a name without them")) }
}

/// Checks a host at a path. Hosts are compared as DNS does, so the case is folded.
fn host(path: &str, host: &str) -> Result<String, Fault> {
    let well_formed = !host.is_empty()
        && host.len() <= 253
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    if well_formed {
        Ok(host.to_ascii_lowercase())
    } else {
        Err(Fault::new(
            path,
            name::found(host),
            "a host name without port, such as `wh.123456789012.eu-west-1.redshift-serverless.amazonaws.com`",
        ))
    }
}

#[cfg(test)]
mod tests;
