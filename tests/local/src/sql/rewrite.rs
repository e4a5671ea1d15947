//! One Redshift statement to what PostgreSQL is sent for it.

use super::edit::Edits;
use super::external;
use super::privilege::procedure_defaults;
use super::procedure::create_procedure;
use super::refuse::{Refusal, refuse};
use super::table;
use super::token::{Kind, Token, tokens};
use super::user::define_user;

/// A value of type VARCHAR holds no more bytes.
const VARCHAR_BYTES: usize = 65_535;

/// What to run in place of a statement.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Rewritten {
    /// The statement itself.
    pub text: String,
    /// Statements that belong to it and run right after it.
    pub follow: Vec<String>,
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
    } else if first(&["create", "alter"]) && all.get(1).is_some_and(|token| token.is("user")) {
        rewritten.follow = define_user(&all, &mut edits)?.into_iter().collect();
    } else if first(&["drop"]) && object.is_some_and(|token| token.is_any(&["user", "role"])) {
        rewritten.dropped_users = dropped(&all);
    } else if first(&["call"])
        && all.iter().any(|token| token.kind == Kind::Literal && token.literal().len() > VARCHAR_BYTES)
    {
        return Err(Refusal(format!("value too long for type character varying({VARCHAR_BYTES})")));
    }
    let queries =
        first(&["select", "with", "insert"]) || defines("table") || all.first().is_some_and(|t| t.is_symbol("("));
    rewritten.batch = queries && has_qualified_call(&all);
    table::temporary_names(&all, &mut edits);
    table::type_lengths(&all, &mut edits);
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

fn dropped(tokens: &[Token<'_>]) -> Vec<String> {
    let skip = if tokens.get(2).is_some_and(|token| token.is("if")) { 4 } else { 2 };
    tokens.iter().skip(skip).filter(|token| token.is_identifier()).map(Token::name).collect()
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
