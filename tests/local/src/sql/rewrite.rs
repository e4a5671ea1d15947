//! One Redshift statement to what PostgreSQL is sent for it.

use super::edit::Edits;
use super::external;
use super::privilege::procedure_defaults;
use super::procedure::create_procedure;
use super::refuse::{Refusal, refuse};
use super::scoped::scoped_grant;
use super::table;
use super::token::{Kind, Token, tokens};
use super::user::{dropped, manage_users};
use super::{external_schema, permission, setting};
use std::collections::BTreeSet;

/// A value of type VARCHAR holds no more bytes.
const VARCHAR_BYTES: usize = 65_535;

/// What to run in place of a statement.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Rewritten {
    /// The statement itself.
    pub text: String,
    /// Whether `redshift_internal.translate` has to see it first.
    pub translate: bool,
    /// Whether it may call external functions for many rows: `redshift_internal.batched` knows.
    pub batch: bool,
    /// Whether it gives rows.
    pub rows: bool,
    /// Whether it begins or ends a transaction.
    pub transaction_control: bool,
    /// Roles about to be dropped.
    pub dropped_users: Vec<String>,
    /// Names in a statement that reads, which may be of relations; the schema of one that has none is empty.
    pub reads: Vec<(String, String)>,
}

/// Rewrites `statement`, or says why it is refused.
pub fn rewrite(statement: &str) -> Result<Rewritten, Refusal> {
    let mut all = tokens(statement);
    let mut edits = Edits::default();
    flatten_comments(&all, &mut edits);
    all.retain(|token| !matches!(token.kind, Kind::Blank | Kind::Comment));
    refuse(&all)?;
    if external::is_definition(&all) {
        let text = external::create_external_function(&all)?;
        return Ok(Rewritten { text, ..Rewritten::default() });
    }
    if let Some(text) = setting::show(&all) {
        return Ok(Rewritten { text, rows: true, ..Rewritten::default() });
    }
    let other = match external_schema::create_external_schema(&all)? {
        Some(text) => Some(text),
        None => match scoped_grant(&all)? {
            Some(text) => Some(text),
            None => permission::system_permissions(&all)?,
        },
    };
    if let Some(text) = other {
        return Ok(Rewritten { text, ..Rewritten::default() });
    }
    if let Some(text) = manage_users(statement, &all)? {
        let drops = all.first().is_some_and(|token| token.is("drop"));
        let dropped_users = if drops { dropped(&all) } else { Vec::new() };
        return Ok(Rewritten { text, dropped_users, ..Rewritten::default() });
    }

    let first = |words: &[&str]| all.first().is_some_and(|token| token.is_any(words));
    let object = object(&all);
    let defines = |kind: &str| first(&["create"]) && object.is_some_and(|token| token.is(kind));
    let mut rewritten = Rewritten {
        translate: first(&["grant", "revoke"]) || defines("view") || has_three_parts(&all),
        rows: first(&["select", "with", "show", "explain", "call", "table"])
            || all.first().is_some_and(|token| token.is_symbol("(")),
        transaction_control: first(&["begin", "start", "commit", "end", "rollback", "abort"]),
        ..Rewritten::default()
    };

    if first(&["alter"]) && all.get(1).is_some_and(|token| token.is("default")) {
        if let Some(records) = procedure_defaults(&all)? {
            rewritten.text = records.join("; ");
            return Ok(rewritten);
        }
        rewritten.translate = true;
    }
    if defines("table") {
        table::create_table(&all, &mut edits);
    } else if defines("procedure") {
        create_procedure(&all, &mut edits)?;
        rewritten.translate = all
            .iter()
            .filter_map(Token::dollar_body)
            .any(|(body, _)| has_three_parts(&super::token::significant(body)));
    } else if defines("database") {
        create_database(&all, &mut edits);
    } else if first(&["drop"]) && object.is_some_and(|token| token.is("role")) {
        rewritten.dropped_users = dropped(&all);
    } else if first(&["call"])
        && all.iter().any(|token| token.kind == Kind::Literal && token.literal().len() > VARCHAR_BYTES)
    {
        return Err(Refusal(format!("value too long for type character varying({VARCHAR_BYTES})")));
    }
    let queries =
        first(&["select", "with", "insert"]) || defines("table") || all.first().is_some_and(|t| t.is_symbol("("));
    rewritten.batch = queries && has_qualified_call(&all);
    if queries || first(&["update", "delete", "explain", "merge"]) {
        rewritten.reads = names(&all);
    }
    table::temporary_names(&all, &mut edits);
    table::type_lengths(&all, &mut edits);
    setting::set(&all, &mut edits);
    rewritten.text = edits.apply(statement);
    Ok(rewritten)
}

/// Block comments nest in PostgreSQL and do not in Redshift: an opening mark inside a comment is broken up.
pub fn flatten_comments(tokens: &[Token<'_>], edits: &mut Edits) {
    for token in tokens.iter().filter(|token| token.kind == Kind::Comment) {
        if let Some(inside) = token.text.strip_prefix("/*").filter(|inside| inside.contains("/*")) {
            edits.replace(token.range(), format!("/*{}", inside.replace("/*", "/ *")));
        }
    }
}

/// The kind of object that a definition is about.
fn object<'t, 'a>(tokens: &'t [Token<'a>]) -> Option<&'t Token<'a>> {
    tokens.iter().skip(1).find(|token| !token.is_any(&["or", "replace", "temp", "temporary", "local"]))
}

/// Every name, and every two of them with a dot between.
fn names(tokens: &[Token<'_>]) -> Vec<(String, String)> {
    let mut names = BTreeSet::new();
    for (place, token) in tokens.iter().enumerate().filter(|(_, token)| token.is_identifier()) {
        let qualified = tokens.get(place + 1).filter(|dot| dot.is_symbol(".")).and_then(|_| tokens.get(place + 2));
        match qualified.filter(|name| name.is_identifier()) {
            Some(name) => names.insert((token.name(), name.name())),
            None => names.insert((String::new(), token.name())),
        };
    }
    names.into_iter().collect()
}

fn has_three_parts(tokens: &[Token<'_>]) -> bool {
    tokens.windows(5).any(|window| {
        matches!(window, [database, dot, schema, second, table]
            if database.is_identifier() && dot.is_symbol(".") && schema.is_identifier() && second.is_symbol(".")
                && table.is_identifier())
    })
}

fn has_qualified_call(tokens: &[Token<'_>]) -> bool {
    tokens.windows(4).any(|window| {
        matches!(window, [schema, dot, name, open]
            if schema.is_identifier() && dot.is_symbol(".") && name.is_identifier() && open.is_symbol("("))
    })
}

fn create_database(tokens: &[Token<'_>], edits: &mut Edits) {
    for (place, token) in tokens.iter().enumerate().skip(3) {
        let span = if token.is("collate") {
            1
        } else if token.is("isolation") {
            2
        } else {
            if token.is("unlimited") {
                edits.replace(token.range(), "-1");
            }
            continue;
        };
        if let Some(last) = tokens.get(place + span) {
            edits.remove(token.start..last.end());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_rule_names_is_untouched() {
        for sql in [
            r"select 'it''s \' encode distkey', $$ create table t (a int) distkey $$ from t -- sortkey",
            "insert into t (a, b) values ('\\\\', 'x''y'), ('/* a', 'b /* */')",
            "create view v as select 'with no schema binding' as a with no schema binding",
            "grant select on t to role r",
        ] {
            assert_eq!(rewrite(sql).unwrap().text, sql);
        }
    }

    #[test]
    fn statements_are_told_apart() {
        assert!(rewrite("select a from \"x\".\"y\".\"z\"").unwrap().translate);
        assert!(!rewrite("select a from y.z where b = 'p.q.r'").unwrap().translate);
        assert!(rewrite("/* c */ with a as (select 1 b) select b from a").unwrap().rows);
        assert!(rewrite("select a.f(1)").unwrap().batch && !rewrite("select f(1), a.b from 'a.f(1)'").unwrap().batch);
        assert!(rewrite("commit").unwrap().transaction_control);
        assert_eq!(rewrite("drop user if exists a, \"B\"").unwrap().dropped_users, ["a", "B"]);
        let reads = rewrite("select x.a from \"S\".t x").unwrap().reads;
        let reads: Vec<(&str, &str)> = reads.iter().map(|(schema, name)| (schema.as_str(), name.as_str())).collect();
        assert_eq!(reads, [("", "a"), ("", "from"), ("", "select"), ("", "t"), ("", "x"), ("S", "t"), ("x", "a")]);
        assert!(rewrite("call p('s.t')").unwrap().reads.is_empty());
    }

    #[test]
    fn an_opening_mark_inside_a_comment_is_broken_up() {
        assert_eq!(rewrite("select 1 /* a /* b */").unwrap().text, "select 1 /* a / * b */");
    }

    #[test]
    fn databases_lose_what_postgresql_lacks() {
        let sql =
            "create database d owner u connection limit unlimited collate case_sensitive isolation level snapshot";
        assert_eq!(rewrite(sql).unwrap().text.trim_end(), "create database d owner u connection limit -1");
    }

    #[test]
    fn an_argument_longer_than_varchar_is_refused() {
        let call = |bytes: usize| rewrite(&format!("call p('{}')", "x".repeat(bytes)));
        assert!(call(65_535).is_ok());
        assert!(call(65_536).is_err());
    }
}
