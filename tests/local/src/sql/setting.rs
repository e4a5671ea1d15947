//! Settings that Redshift has and PostgreSQL lacks: `SET`, `SHOW` and `RESET` of them. PostgreSQL keeps such settings
//! under a name with a prefix. What they say is what was set; they change nothing else here.

use super::edit::Edits;
use super::token::Token;

/// Where PostgreSQL keeps them.
const PREFIX: &str = "redshift";
const SETTINGS: &[&str] = &[
    "enable_case_sensitive_identifier",
    "enable_case_sensitive_super_attribute",
    "enable_result_cache_for_session",
    "metadata_security",
    "query_group",
];

/// The query that answers a SHOW of one of them.
pub fn show(tokens: &[Token<'_>]) -> Option<String> {
    let (first, name) = (tokens.first()?, tokens.get(1)?);
    let ended = tokens.get(2).is_none_or(|token| token.is_symbol(";"));
    let name = name.is_any(SETTINGS).then(|| name.name())?;
    (first.is("show") && ended).then(|| format!("SELECT pg_catalog.current_setting('{PREFIX}.{name}') AS {name}"))
}

/// Puts the prefix before the name in `SET [SESSION | LOCAL] name …` and `RESET name`.
pub fn set(tokens: &[Token<'_>], edits: &mut Edits) {
    if !tokens.first().is_some_and(|token| token.is_any(&["set", "reset"])) {
        return;
    }
    let name = tokens.iter().skip(1).find(|token| !token.is_any(&["session", "local"]));
    if let Some(name) = name.filter(|name| name.is_any(SETTINGS)) {
        edits.insert(name.start, format!("{PREFIX}."));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::token::significant;

    #[test]
    fn only_these_settings_get_the_prefix() {
        let edited = |sql: &str| {
            let mut edits = Edits::default();
            set(&significant(sql), &mut edits);
            edits.apply(sql)
        };
        for (sql, expected) in [
            ("set Query_Group to 'x'", "set redshift.Query_Group to 'x'"),
            ("SET LOCAL query_group = 'x'", "SET LOCAL redshift.query_group = 'x'"),
            ("reset query_group", "reset redshift.query_group"),
            ("set search_path to query_group", "set search_path to query_group"),
            ("set session authorization query_group", "set session authorization query_group"),
            ("select query_group", "select query_group"),
        ] {
            assert_eq!(edited(sql), expected);
        }
    }

    #[test]
    fn show_becomes_a_query() {
        let shown = show(&significant("SHOW Metadata_Security ;"));
        let expected = "SELECT pg_catalog.current_setting('redshift.metadata_security') AS metadata_security";
        assert_eq!(shown.as_deref(), Some(expected));
        assert_eq!(show(&significant("show search_path")), None);
        assert_eq!(show(&significant("show query_group x")), None);
    }
}
