//! A small SQL tree of our own and its printer.
//!
//! Strings from outside reach SQL only as [`Ident`] or [`Text`]; only [`print()`] turns a tree into [`SqlText`], and only
//! `SqlText` is accepted by the warehouse. Rules of quoting and what Redshift takes are said where they are applied.

pub mod data_type;
pub mod name;
pub mod number;
mod print;
mod text;
pub mod tree;

pub use data_type::DataType;
pub use name::{Ident, QualifiedName, Text};
pub use number::Number;
pub(crate) use print::{Fill, fill, fill_parts, literal_bytes};
pub use print::{print, print_indented};
pub use text::SqlText;
