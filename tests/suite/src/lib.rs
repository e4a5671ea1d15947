//! What several test binaries need: golden cases, the statements Redoubt sends, a tokenizer for SQL, and the local
//! stack as a client sees it.

pub mod calls;
pub mod case;
pub mod script;
pub mod stack;
pub mod token;
