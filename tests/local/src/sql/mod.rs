//! Reads Redshift SQL just far enough to say it to PostgreSQL: tokens, refusals, and edits of byte ranges. Text that
//! no rule names, every literal among it, passes byte for byte.

pub mod batch;
pub mod edit;
pub mod external;
pub mod external_schema;
pub mod parameter;
pub mod permission;
pub mod privilege;
pub mod procedure;
pub mod refuse;
pub mod rewrite;
pub mod scoped;
pub mod setting;
pub mod table;
pub mod token;
pub mod user;
