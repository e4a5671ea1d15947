//! Every statement Redoubt can send: it parses with an independent grammar of Redshift, uses nothing that Redshift is known to
//! lack, and keeps the rules that Redshift has for late-binding views.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that can't read what it checks must fail"
)]

mod bodies;
mod collect;
mod deny;
mod fluff;

use redoubt_tests::token::{Token, tokens};
use sqlparser::{dialect::RedshiftSqlDialect, parser::Parser};

/// Statements that sqlfluff does not parse although Redshift documents them: how they begin, and the page that allows them.
const UNKNOWN_TO_SQLFLUFF: [(&str, &str); 0] = [];

#[test]
fn an_independent_grammar_of_redshift_parses_every_statement() {
    let mut statements = collect::all();
    let inner: Vec<_> = statements.iter().flat_map(bodies::statements).collect();
    assert!(inner.len() > 20, "only {} statements were found in procedures", inner.len());
    statements.extend(inner);
    let statements = collect::distinct(statements);
    let refused = fluff::refused(&statements);
    let allowed = |sql: &str| UNKNOWN_TO_SQLFLUFF.iter().any(|(start, _)| sql.starts_with(start));
    let unknown: Vec<_> = refused.iter().filter(|refusal| !allowed(&refusal.statement.sql)).collect();
    let unknown: Vec<_> = unknown.iter().map(ToString::to_string).collect();
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
    for (start, page) in UNKNOWN_TO_SQLFLUFF {
        assert!(page.starts_with("https://docs.aws.amazon.com/redshift/latest/dg/"), "{start}: {page}");
        let needed = refused.iter().any(|refusal| refusal.statement.sql.starts_with(start));
        assert!(needed, "sqlfluff parses `{start}` by now: take it off the list");
    }
}

#[test]
fn the_check_of_the_grammar_notices_what_is_wrong() {
    let wrong =
        ["SELECT FROM WHERE", "CREATE OR REPLACE VIEW a.b AS SELECT 1 WITH NO SCHEMA", "SELECT 1; SELECT 2", ""];
    let statements: Vec<_> = wrong.iter().map(|sql| collect::Statement::new("wrong", sql)).collect();
    let refused: Vec<_> = fluff::refused(&statements).into_iter().map(|refusal| refusal.statement.sql).collect();
    assert_eq!(refused, wrong);
}

#[test]
fn no_statement_uses_what_redshift_lacks() {
    let statements = collect::all();
    assert!(statements.len() > 100, "only {} statements were found", statements.len());
    for statement in &statements {
        let found = deny::found(&statement.sql);
        assert!(found.is_empty(), "{}: {found:?}: {}", statement.what, statement.sql);
    }
    for statement in statements.iter().flat_map(bodies::statements) {
        let found = deny::found(&statement.sql);
        assert!(found.is_empty(), "{}: {found:?}: {}", statement.what, statement.sql);
    }
}

#[test]
fn a_second_parser_reads_every_view() {
    for view in collect::views() {
        let parsed = Parser::parse_sql(&RedshiftSqlDialect {}, &view.sql);
        let parsed = parsed.unwrap_or_else(|error| panic!("{}: {error}: {}", view.what, view.sql));
        assert_eq!(parsed.len(), 1, "{}", view.sql);
    }
}

/// <https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_VIEW.html>
#[test]
fn late_binding_views_qualify_every_relation() {
    for view in collect::views() {
        let tokens = tokens(&view.sql).unwrap();
        let mut relations = 0;
        for (index, token) in tokens.iter().enumerate() {
            if !token.is("FROM") && !token.is("JOIN") {
                continue;
            }
            let after = &tokens[index + 1..];
            if after[0].is_symbol('(') {
                continue;
            }
            relations += 1;
            let parts = after.chunks(2).take_while(|pair| matches!(pair, [Token::Quoted(_), Token::Symbol('.')]));
            assert!((1..=2).contains(&parts.count()), "{}: {:?}: {}", view.what, &after[..4], view.sql);
        }
        assert!(relations >= 2, "{}", view.sql);
        assert!(view.sql.ends_with("WITH NO SCHEMA BINDING"), "{}", view.sql);
    }
}

/// Everybody can read the text of a view, so no key stands in it; and no reader of the view gets to see one.
#[test]
fn views_hold_no_key_and_show_none() {
    for view in collect::views() {
        let tokens = tokens(&view.sql).unwrap();
        for (index, token) in tokens.iter().enumerate() {
            let before = &tokens[..index];
            if let Token::Literal(text) = token {
                let digits = text.chars().filter(char::is_ascii_hexdigit).count();
                assert!(digits < 32 || digits < text.len(), "{}: a literal that may be a key: {}", view.what, view.sql);
            }
            assert!(!token.is("token"), "{}: {}", view.what, view.sql);
            if !token.is("salt") || before.ends_with(&[Token::Word("AS".to_owned())]) {
                continue;
            }
            let from = |function: &str, alias: &str| {
                before.ends_with(&[
                    Token::Word(function.to_owned()),
                    Token::Symbol('('),
                    Token::Word(alias.to_owned()),
                    Token::Symbol('.'),
                ])
            };
            assert!(from("SHA2", "k") || from("MAX", "m"), "{}: the salt goes elsewhere: {}", view.what, view.sql);
        }
    }
}
