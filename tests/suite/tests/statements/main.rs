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

/// A clause that Redshift documents and sqlfluff does not know: how the statement begins, the clause with its value left out,
/// the values that the page allows, and the page. It is taken out of a statement before sqlfluff reads the rest.
const UNKNOWN_TO_SQLFLUFF: (&str, &str, std::ops::RangeInclusive<u32>, &str) = (
    "CREATE OR REPLACE EXTERNAL FUNCTION ",
    " MAX_BATCH_SIZE {} MB",
    1..=5,
    "https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_EXTERNAL_FUNCTION.html",
);

/// A word that Redshift documents and sqlfluff does not take for a value, one that it does, and the page.
const WORD_UNKNOWN_TO_SQLFLUFF: (&str, &str, &str) =
    ("SESSION_USER", "CURRENT_USER", "https://docs.aws.amazon.com/redshift/latest/dg/r_SESSION_USER.html");

/// A statement with another word for the one that sqlfluff does not know, if it has it and is no procedure: the bodies of
/// those are read by themselves.
fn without_unknown_word(sql: &str) -> Option<String> {
    let (word, known, _) = WORD_UNKNOWN_TO_SQLFLUFF;
    (sql.contains(word) && !sql.contains(" PROCEDURE ")).then(|| sql.replace(word, known))
}

/// Rights on everything in a schema and default privileges of roles, which Redshift documents and sqlfluff does not know: how the
/// statement begins, the words, words that sqlfluff takes for them, and the pages.
const RIGHTS_UNKNOWN_TO_SQLFLUFF: [(&str, &str, &str, &str); 4] = [
    ("REVOKE ", " FOR TABLES IN SCHEMA ", " ON ALL TABLES IN SCHEMA ", SCOPED),
    ("REVOKE ", " FOR FUNCTIONS IN SCHEMA ", " ON ALL TABLES IN SCHEMA ", SCOPED),
    ("REVOKE ", " FOR PROCEDURES IN SCHEMA ", " ON ALL TABLES IN SCHEMA ", SCOPED),
    (
        "ALTER DEFAULT PRIVILEGES ",
        " FROM ROLE ",
        " FROM GROUP ",
        "https://docs.aws.amazon.com/redshift/latest/dg/r_ALTER_DEFAULT_PRIVILEGES.html",
    ),
];
const SCOPED: &str = "https://docs.aws.amazon.com/redshift/latest/dg/r_REVOKE.html";

/// A statement with other words for rights that sqlfluff does not know, if it has them.
fn without_unknown_rights(sql: &str) -> Option<String> {
    let known =
        RIGHTS_UNKNOWN_TO_SQLFLUFF.iter().find(|(start, words, ..)| sql.starts_with(start) && sql.contains(words));
    known.map(|(_, words, other, _)| sql.replacen(words, other, 1))
}

/// A statement without the clause, if it has it.
fn without_unknown_clause(sql: &str) -> Option<String> {
    let (start, clause, values, _) = UNKNOWN_TO_SQLFLUFF;
    let rest = sql.strip_prefix(start)?;
    let clause =
        values.map(|value| clause.replace("{}", &value.to_string())).find(|clause| rest.ends_with(clause.as_str()))?;
    sql.strip_suffix(&clause).map(str::to_owned)
}

#[test]
fn an_independent_grammar_of_redshift_parses_every_statement() {
    let mut statements = collect::all();
    let inner: Vec<_> = statements.iter().flat_map(bodies::statements).collect();
    assert!(inner.len() > 20, "only {} statements were found in procedures", inner.len());
    statements.extend(inner);
    let mut statements = collect::distinct(statements);
    let mut originals = Vec::new();
    for rewrite in [without_unknown_clause, without_unknown_word, without_unknown_rights] {
        let original = statements.iter().find(|statement| rewrite(&statement.sql).is_some()).cloned();
        originals.push(original.expect("a statement with what sqlfluff does not know"));
        for statement in &mut statements {
            if let Some(rest) = rewrite(&statement.sql) {
                statement.sql = rest;
            }
        }
    }
    // The last must be refused: once sqlfluff knows what they have, nothing need be taken out any more.
    statements.extend(originals.iter().cloned());
    let refused = fluff::refused(&statements);
    let unknown: Vec<_> = refused.iter().filter(|refusal| !originals.contains(&refusal.statement)).collect();
    let unknown: Vec<_> = unknown.iter().map(ToString::to_string).collect();
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
    assert_eq!(refused.len(), originals.len(), "sqlfluff parses more by now: take it off the list");
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
fn views_qualify_every_relation() {
    let views = collect::views();
    let mut late = 0;
    for view in &views {
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
        late += usize::from(view.sql.ends_with("WITH NO SCHEMA BINDING"));
    }
    assert_eq!(late, views.len() - 1, "all but the one of the case `bound`");
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
                // The largest number of a type is all nines.
                let is_bound = text.bytes().all(|byte| byte == b'9');
                assert!(
                    digits < 32 || digits < text.len() || is_bound,
                    "{}: a literal that may be a key: {}",
                    view.what,
                    view.sql
                );
            }
            let is_key = matches!(token, Token::Word(word) if word.starts_with("salt") || word == "token");
            if !is_key || before.ends_with(&[Token::Word("AS".to_owned())]) {
                continue;
            }
            let calls = calls_around(before);
            let digested = calls.iter().any(|call| call.is("SHA2"));
            let handed_on = token.is("token")
                && calls.iter().any(|call| matches!(call, Token::Quoted(name) if name.starts_with("mask_")));
            // One row is made of the keys; only the view's own rows are computed with it.
            let gathered = matches!(before, [.., max, open, Token::Word(alias), dot]
                if max.is("MAX") && open.is_symbol('(') && dot.is_symbol('.') && alias != "p");
            let tested =
                matches!(&tokens[index + 1..], [is, not, null, ..] if is.is("IS") && not.is("NOT") && null.is("NULL"));
            assert!(
                digested || handed_on || gathered || tested,
                "{}: a key goes elsewhere: {:?}: {}",
                view.what,
                &tokens[index.saturating_sub(8)..=index],
                view.sql
            );
        }
    }
}

/// The functions in whose brackets the end of some tokens stands, the outermost first.
fn calls_around(tokens: &[Token]) -> Vec<&Token> {
    let mut open = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        if token.is_symbol('(') {
            open.push(index.checked_sub(1).and_then(|before| tokens.get(before)));
        } else if token.is_symbol(')') {
            open.pop();
        }
    }
    open.into_iter().flatten().collect()
}
