//! Results kept by the text of the query, for a warehouse that has the fault of giving them to any user.
//!
//! As on Redshift, who is given one must have the right to run the query, a query over no table or over a catalog has
//! no kept result, nor has one with a function of its moment, and a session can do without. Whatever may change a
//! table throws all of them away; changes through PostgreSQL's own port are not seen.

use crate::sql::token::{Kind, significant};
use crate::statement::ResultSet;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio_postgres::Client;

const MOMENTARY: &[&str] = &["getdate", "sysdate", "now", "random", "current_date", "current_timestamp"];
/// Statements that begin so change no table.
const HARMLESS: &[&str] = &[
    "select", "with", "show", "explain", "set", "reset", "begin", "start", "commit", "end", "rollback", "grant",
    "revoke",
];
const CATALOGS: [&str; 6] = ["pg_", "stv_", "stl_", "svv_", "sys_", "information_schema"];

/// A database and the text of a query.
type Key = (String, String);

/// The results.
#[derive(Debug, Default)]
pub struct ResultCache(Mutex<HashMap<Key, ResultSet>>);

impl ResultCache {
    fn lock(&self) -> MutexGuard<'_, HashMap<Key, ResultSet>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the result of a statement is kept under, if it is; fails when the session may not run what is kept.
    /// `text` is what PostgreSQL is sent for it.
    pub async fn key(
        &self,
        sql: &str,
        text: &str,
        database: &str,
        client: &Client,
    ) -> Result<Option<Key>, tokio_postgres::Error> {
        if !is_kept(sql) {
            return Ok(None);
        }
        let wanted = "SELECT coalesce(current_setting('redshift.enable_result_cache_for_session', false), '') \
                      NOT IN ('off', 'false', 'f')";
        if !client.query_one(wanted, &[]).await?.get::<_, bool>(0) {
            return Ok(None);
        }
        let key = (database.to_owned(), sql.to_owned());
        if self.lock().contains_key(&key) {
            client.simple_query(&format!("EXPLAIN {text}")).await?;
        }
        Ok(Some(key))
    }

    /// A kept result.
    pub fn get(&self, key: &Key) -> Option<ResultSet> {
        self.lock().get(key).cloned()
    }

    /// Keeps the result of a statement, or throws all away when the statement may have changed a table.
    pub fn put(&self, sql: &str, key: Option<Key>, result: Option<&ResultSet>) {
        if let (Some(key), Some(result)) = (key, result) {
            self.lock().insert(key, result.clone());
        } else if !significant(sql).first().is_some_and(|token| token.is_any(HARMLESS)) {
            self.lock().clear();
        }
    }
}

/// Whether the text is a query over tables that gives the same at any moment.
fn is_kept(sql: &str) -> bool {
    let tokens = significant(sql);
    let catalog = |name: &str| CATALOGS.iter().any(|prefix| name.starts_with(prefix));
    let fleeting = |text: &str| catalog(&text.to_ascii_lowercase());
    tokens.first().is_some_and(|token| token.is_any(&["select", "with"]))
        && tokens.iter().any(|token| token.is("from"))
        && !tokens.iter().any(|token| token.is_any(MOMENTARY) || (token.kind == Kind::Word && fleeting(token.text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_queries_over_tables_are_kept() {
        for sql in ["select a from s.v", "WITH x AS (SELECT 1) SELECT * FROM x, t", "select 'now' from t"] {
            assert!(is_kept(sql), "{sql}");
        }
        for sql in [
            "select current_user",
            "insert into t select a from u",
            "select getdate() from t",
            "select usename from pg_user",
            "select db_name from STV_db_isolation_level",
            "call p()",
        ] {
            assert!(!is_kept(sql), "{sql}");
        }
    }
}
