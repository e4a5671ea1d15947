//! What several test binaries need: golden cases, the statements Redoubt sends, a tokenizer for SQL, the local stack
//! as a client sees it, and warehouses of a test's own.

pub mod calls;
pub mod case;
pub mod script;
pub mod stack;
pub mod standin;
pub mod token;
