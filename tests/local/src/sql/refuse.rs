//! What Redshift refuses and PostgreSQL would take, where the tokens show it, and the few things Redshift takes that
//! the stand-in can't do.

use super::token::{Kind, Token};

/// A statement that is not sent to PostgreSQL, and why.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0} (redshift-standin)")]
pub struct Refusal(pub String);

impl Refusal {
    fn redshift(what: &str) -> Self {
        Self(format!("{what} is not supported by Redshift"))
    }

    fn standin(what: &str) -> Self {
        Self(format!("{what} is not imitated by the stand-in"))
    }
}

/// Longest name of Redshift, in bytes.
const REDSHIFT_NAME: usize = 127;
/// Longest name of PostgreSQL, in bytes; it would cut longer ones silently.
const POSTGRESQL_NAME: usize = 63;

const FUNCTIONS: &[&str] = &[
    "string_agg",
    "array_agg",
    "format",
    "encode",
    "regexp_matches",
    "quote_nullable",
    "setseed",
    "generate_subscripts",
];
const TYPES: &[&str] = &["json", "jsonb", "uuid", "bytea", "xml", "inet", "money", "int4range", "tsvector"];
const CREATABLE: &[&str] = &[
    "index",
    "trigger",
    "sequence",
    "domain",
    "type",
    "rule",
    "extension",
    "operator",
    "aggregate",
    "cast",
    "collation",
    "server",
    "foreign",
    "policy",
    "publication",
    "event",
    "tablespace",
];

/// Checks one statement, or the body of a procedure or function, given its significant tokens.
pub fn refuse(tokens: &[Token<'_>]) -> Result<(), Refusal> {
    if let Some(first) = tokens.first() {
        opening(first, tokens)?;
    }
    for (place, token) in tokens.iter().enumerate() {
        name_length(token)?;
        let previous = place.checked_sub(1).and_then(|before| tokens.get(before));
        let following = tokens.get(place + 1..).unwrap_or_default();
        if token.kind == Kind::Word {
            word(token, previous, following)?;
        } else if token.is_symbol("[") {
            return Err(Refusal("brackets (array types, constructors, subscripts) are not supported".to_owned()));
        } else if token.is_symbol("::") && following.first().is_some_and(|name| name.is_any(TYPES)) {
            return Err(Refusal::redshift(&format!("type {}", following.first().map_or("", |name| name.text))));
        }
    }
    Ok(())
}

fn opening(first: &Token<'_>, tokens: &[Token<'_>]) -> Result<(), Refusal> {
    for (keyword, what) in [
        ("do", "a DO block"),
        ("savepoint", "SAVEPOINT"),
        ("release", "RELEASE SAVEPOINT"),
        ("values", "a VALUES list as a table"),
        ("listen", "LISTEN"),
        ("notify", "NOTIFY"),
        ("reindex", "REINDEX"),
        ("cluster", "CLUSTER"),
    ] {
        if first.is(keyword) {
            return Err(Refusal::redshift(what));
        }
    }
    if first.is("set") && tokens.iter().skip(1).find(|t| !t.is_any(&["session", "local"])).is_some_and(|t| t.is("role"))
    {
        return Err(Refusal::redshift("SET ROLE"));
    }
    if first.is("rollback") && tokens.iter().any(|token| token.is("to")) {
        return Err(Refusal::redshift("ROLLBACK TO SAVEPOINT"));
    }
    if first.is_any(&["unload", "copy"]) {
        return Err(Refusal::standin(&first.text.to_ascii_uppercase()));
    }
    if first.is_any(&["create", "alter", "drop"]) {
        definition(first, tokens.get(1..).unwrap_or_default())?;
    }
    Ok(())
}

fn definition(verb: &Token<'_>, tokens: &[Token<'_>]) -> Result<(), Refusal> {
    let noise = ["or", "replace", "temp", "temporary", "unique", "recursive", "local"];
    let mut rest = tokens.iter().skip_while(|token| token.is_any(&noise));
    let Some(kind) = rest.next() else { return Ok(()) };
    let after: Vec<&Token<'_>> = rest.collect();
    let follows = |place: usize, word: &str| after.get(place).is_some_and(|token| token.is(word));
    if kind.is_any(CREATABLE) {
        return Err(Refusal::redshift(&format!("{} {}", verb.text, kind.text).to_ascii_uppercase()));
    }
    let external = verb.is("create") && kind.is("external") && (follows(0, "function") || follows(0, "schema"));
    if !external && kind.is_any(&["external", "materialized", "masking", "rls", "datashare", "library", "model"]) {
        return Err(Refusal::standin(&format!("{} {}", verb.text, kind.text).to_ascii_uppercase()));
    }
    if verb.is("create") && kind.is("view") {
        if follows(0, "if") {
            return Err(Refusal::redshift("CREATE VIEW IF NOT EXISTS"));
        }
        let select = after.iter().position(|token| token.is("as")).unwrap_or(after.len());
        if after.iter().take(select).any(|token| token.is("with")) {
            return Err(Refusal::redshift("a view WITH options"));
        }
    }
    if verb.is("create")
        && kind.is_any(&["role", "user", "group", "database", "function", "procedure"])
        && follows(0, "if")
    {
        return Err(Refusal::redshift(&format!("CREATE {} IF NOT EXISTS", kind.text.to_ascii_uppercase())));
    }
    if verb.is("drop") && kind.is_any(&["procedure", "function", "role", "database", "group"]) && follows(0, "if") {
        return Err(Refusal::redshift(&format!("DROP {} IF EXISTS", kind.text.to_ascii_uppercase())));
    }
    if kind.is("procedure") && after.iter().any(|token| token.is("nonatomic")) {
        return Err(Refusal::standin("a NONATOMIC procedure"));
    }
    if verb.is("create") && kind.is_any(&["procedure", "function"]) {
        let end = after.iter().position(|token| token.is_any(&["as", "returns"])).unwrap_or(after.len());
        if after.iter().take(end).any(|token| token.is("default") || token.is_symbol("=")) {
            return Err(Refusal::redshift("a default value of an argument"));
        }
    }
    if verb.is("create") && kind.is("function") {
        let language = after.iter().position(|token| token.is("language")).and_then(|place| after.get(place + 1));
        if let Some(language) = language.filter(|language| !language.is("sql")) {
            return Err(Refusal::redshift(&format!("a function in language {}", language.text)));
        }
    }
    Ok(())
}

fn word(token: &Token<'_>, previous: Option<&Token<'_>>, following: &[Token<'_>]) -> Result<(), Refusal> {
    let next = following.first();
    let next_is = |word: &str| next.is_some_and(|token| token.is(word));
    let opens = next.is_some_and(|token| token.is_symbol("("));
    let qualified = previous.is_some_and(|token| token.is_symbol("."));
    let after = |word: &str| previous.is_some_and(|token| token.is(word));
    if qualified {
        return Ok(());
    }
    if token.is_any(&["e", "u", "b", "x", "n"])
        && next.is_some_and(|n| n.kind == Kind::Literal && n.start == token.end())
    {
        return Err(Refusal::redshift(&format!("the literal prefix {}'…'", token.text)));
    }
    if token.is("on") && next_is("conflict") {
        return Err(Refusal::redshift("ON CONFLICT"));
    }
    if token.is("returning") {
        return Err(Refusal::redshift("RETURNING"));
    }
    if token.is("lateral") {
        return Err(Refusal::redshift("LATERAL"));
    }
    if token.is("distinct") && next_is("from") && (after("is") || after("not")) {
        return Err(Refusal::redshift("IS DISTINCT FROM"));
    }
    if token.is("values") && previous.is_some_and(|token| token.is_symbol("(") || token.is("as")) {
        return Err(Refusal::redshift("a VALUES list as a table"));
    }
    let begins = previous.is_some_and(|token| token.is_symbol(";") || token.is_any(&["begin", "then", "else", "loop"]));
    if begins && token.is("savepoint") {
        return Err(Refusal::redshift("SAVEPOINT"));
    }
    if token.is("check") && opens {
        return Err(Refusal::redshift("a CHECK constraint"));
    }
    if token.is("filter") && opens && following.get(1).is_some_and(|token| token.is("where")) {
        return Err(Refusal::redshift("FILTER (WHERE …)"));
    }
    if opens && token.is_any(FUNCTIONS) {
        return Err(Refusal::redshift(&format!("function {}", token.text)));
    }
    if opens && token.is("array") {
        return Err(Refusal::standin("function ARRAY"));
    }
    Ok(())
}

fn name_length(token: &Token<'_>) -> Result<(), Refusal> {
    if !token.is_identifier() {
        return Ok(());
    }
    let bytes = token.name().len();
    if bytes > REDSHIFT_NAME {
        return Err(Refusal(format!("name of {bytes} bytes: Redshift allows at most {REDSHIFT_NAME}")));
    }
    if bytes > POSTGRESQL_NAME {
        return Err(Refusal(format!(
            "name of {bytes} bytes: Redshift allows {REDSHIFT_NAME}, but the limit of the stand-in is {POSTGRESQL_NAME}"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::token::significant;

    fn message(sql: &str) -> Option<String> {
        refuse(&significant(sql)).err().map(|refusal| refusal.to_string())
    }

    #[test]
    fn what_redshift_lacks_is_named() {
        for (sql, named) in [
            ("insert into t values (1) on conflict do nothing", "ON CONFLICT"),
            ("insert into t values (1) returning a", "RETURNING"),
            ("select * from t, lateral (select 1) x", "LATERAL"),
            (r"select E'a\n'", "prefix E'"),
            ("do $$ begin end $$", "DO block"),
            ("select array[1, 2]", "brackets"),
            ("create table t (a int[])", "brackets"),
            ("select a is not distinct from b", "DISTINCT FROM"),
            ("create unique index i on t (a)", "CREATE INDEX"),
            ("create trigger x before insert on t", "CREATE TRIGGER"),
            ("create view v with (security_barrier) as select 1", "WITH options"),
            ("create view if not exists v as select 1", "CREATE VIEW IF NOT EXISTS"),
            ("drop procedure if exists p()", "DROP PROCEDURE IF EXISTS"),
            ("savepoint a", "SAVEPOINT"),
            ("rollback to a", "ROLLBACK TO"),
            ("set local role r", "SET ROLE"),
            ("create external table s.t (a int)", "CREATE EXTERNAL"),
            ("select * from (values (1)) v", "VALUES"),
            ("select string_agg(a, ',') from t", "string_agg"),
            ("select a::jsonb", "jsonb"),
            ("create table t (a int check (a > 0))", "CHECK"),
            ("create procedure p(a int default 1) as $$ begin end $$", "default value"),
            ("create function f() returns int as $$ begin end $$ language plpgsql", "language plpgsql"),
        ] {
            assert!(message(sql).is_some_and(|text| text.contains(named)), "{sql}: {:?}", message(sql));
        }
    }

    #[test]
    fn literals_comments_and_quoted_names_are_not_read() {
        for sql in [
            "select 'on conflict returning E''x'' [' -- lateral",
            "select \"lateral\", \"returning\" from t /* do [ */",
            "insert into t (a) values (1), (2)",
            "create or replace view v as with x as (select 1 a) select a from x with no schema binding",
            "select distinct a from t",
            "drop view if exists v",
            "set session authorization role",
            "create external schema s from data catalog database 'd' iam_role default",
        ] {
            assert_eq!(message(sql), None, "{sql}");
        }
    }

    #[test]
    fn names_beyond_each_limit_are_refused() {
        assert_eq!(message(&format!("select {}", "a".repeat(63))), None);
        assert!(message(&format!("select \"{}\"", "a".repeat(64))).unwrap().contains("limit of the stand-in"));
        assert!(message(&format!("select \"{}\"", "a".repeat(128))).unwrap().contains("Redshift allows at most 127"));
    }
}
