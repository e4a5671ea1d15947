//! From plans and profiles to the statements that put them in force, and how statements are packed into calls.

pub mod expression;
pub mod install;
pub mod pack;
pub mod policy;
pub mod profile;
pub mod view;

use sha2::{Digest, Sha256};

use crate::{
    model::Names,
    sql::{Ident, QualifiedName, Text, tree::Expr},
};

/// Name of a table or view of Redoubt's own.
fn system(names: &Names, table: &'static str) -> QualifiedName {
    QualifiedName::new(names.system.clone(), Ident::fixed(table))
}

/// Name of a procedure of Redoubt's own.
fn procedure(names: &Names, procedure: &'static str) -> QualifiedName {
    QualifiedName::new(names.procedures.clone(), Ident::fixed(procedure))
}

/// A counter as a literal. Counters start at 0 and grow by 1, so none gets near the bound.
fn counter(value: u64) -> Expr {
    Expr::Int(i64::try_from(value).unwrap_or(i64::MAX))
}

/// A counter as it stands in SQL.
pub(crate) fn counter_text(value: u64) -> u64 {
    value.min(i64::MAX.unsigned_abs())
}

/// The SHA-256 of parts, each with its length before it so that no two lists of parts look alike, in hexadecimal digits.
#[must_use]
pub fn digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hex(&hash.finalize())
}

/// Bytes in hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Text made of digits and letters of this crate's own.
fn plain(text: String) -> Expr {
    Expr::Text(Text::printed(text))
}

#[cfg(test)]
mod tests;
