//! What several test binaries need: golden cases, the statements Redoubt sends, a tokenizer for SQL, the local stack
//! as a client sees it, warehouses of a test's own, what the newest documents say, and randomness that a seed repeats.

pub mod calls;
pub mod case;
pub mod chance;
pub mod newest;
pub mod script;
pub mod stack;
pub mod standin;
pub mod token;
