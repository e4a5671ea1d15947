//! What Redshift lacks, in tokens, so that nothing in a literal, a quoted name or a comment counts:
//! <https://docs.aws.amazon.com/redshift/latest/dg/c_unsupported-postgresql-features.html>,
//! <https://docs.aws.amazon.com/redshift/latest/dg/c_unsupported-postgresql-functions.html>,
//! <https://docs.aws.amazon.com/redshift/latest/dg/c_unsupported-postgresql-datatypes.html> and the pages of the statements.

use redoubt_tests::token::{Token, tokens};

/// Something Redshift lacks.
struct Lack {
    /// What it is called in failures.
    what: &'static str,
    /// Whether it is there.
    is_in: fn(&[Token]) -> bool,
    /// A statement that has it, and nothing else of this list.
    example: &'static str,
}

const fn lack(what: &'static str, is_in: fn(&[Token]) -> bool, example: &'static str) -> Lack {
    Lack { what, is_in, example }
}

/// Everything of this list that a statement has, in it, in the bodies in it, or in the definitions it hands over.
pub(crate) fn found(sql: &str) -> Vec<&'static str> {
    let all = tokens(sql).unwrap_or_else(|error| panic!("{error}: {sql}"));
    let all: Vec<_> = all.into_iter().filter(|token| !matches!(token, Token::Comment(_))).collect();
    let mut found: Vec<_> = LACKS.iter().filter(|lack| (lack.is_in)(&all)).map(|lack| lack.what).collect();
    for token in &all {
        match token {
            Token::Dollar(body) => found.extend(self::found(body)),
            // The definition is the only literal of a call that is SQL.
            Token::Literal(text) if all[0].is("CALL") && text.starts_with("CREATE ") => found.extend(self::found(text)),
            _ => {}
        }
    }
    found
}

/// Where words and symbols stand one after the other: `'` stands for any literal.
fn at<'a>(tokens: &'a [Token], pattern: &'a str) -> impl Iterator<Item = usize> + 'a {
    let wanted: Vec<&str> = pattern.split(' ').collect();
    tokens.windows(wanted.len()).enumerate().filter_map(move |(index, window)| {
        let matches = window.iter().zip(&wanted).all(|(token, wanted)| match (token, *wanted) {
            (Token::Literal(_), "'") | (Token::DoubleColon, "::") => true,
            (Token::Symbol(symbol), wanted) => wanted.chars().eq([*symbol]),
            (token, wanted) => token.is(wanted),
        });
        matches.then_some(index)
    })
}

fn has(tokens: &[Token], pattern: &str) -> bool {
    at(tokens, pattern).next().is_some()
}

fn has_any(tokens: &[Token], patterns: &[&str]) -> bool {
    patterns.iter().any(|pattern| has(tokens, pattern))
}

/// The statements in a list of tokens; those inside control flow keep what stands before them.
fn pieces(tokens: &[Token]) -> impl Iterator<Item = &[Token]> {
    tokens.split(|token| {
        token.is_symbol(';') || token.is("THEN") || token.is("ELSE") || token.is("LOOP") || token.is("BEGIN")
    })
}

fn starts(tokens: &[Token], word: &str) -> bool {
    tokens.first().is_some_and(|token| token.is(word))
}

const LACKS: &[Lack] = &[
    lack("ON CONFLICT", |t| has(t, "ON CONFLICT"), "INSERT INTO t (a) VALUES (1) ON CONFLICT DO NOTHING"),
    lack("RETURNING", |t| has(t, "RETURNING"), "DELETE FROM t RETURNING a"),
    lack("LATERAL", |t| has(t, "LATERAL"), "SELECT 1 FROM t, LATERAL (SELECT 2) AS u"),
    lack("VALUES as a table", values_as_a_table, "SELECT a FROM (VALUES (1), (2)) AS v (a)"),
    lack("DISTINCT FROM", |t| has(t, "DISTINCT FROM"), "SELECT a IS NOT DISTINCT FROM b FROM t"),
    lack("an array", |t| has_any(t, &["[", "ARRAY ["]), "SELECT a[1] FROM t"),
    lack("ARRAY_AGG", |t| has(t, "ARRAY_AGG"), "SELECT ARRAY_AGG(a) FROM t"),
    lack("STRING_AGG", |t| has(t, "STRING_AGG"), "SELECT STRING_AGG(a, ',') FROM t"),
    lack("GENERATE_SERIES", |t| has(t, "GENERATE_SERIES"), "SELECT * FROM GENERATE_SERIES(1, 2)"),
    lack("a row type", |t| has(t, "% ROWTYPE"), "CREATE PROCEDURE p() AS $$ DECLARE r t%ROWTYPE; BEGIN NULL; END; $$"),
    lack(
        "a table function",
        |t| has_any(t, &["RETURNS TABLE", "RETURNS SETOF"]),
        "CREATE FUNCTION f() RETURNS SETOF INT",
    ),
    lack(
        "a sequence",
        |t| has_any(t, &["SEQUENCE", "NEXTVAL", "CURRVAL", "SERIAL", "BIGSERIAL"]),
        "SELECT NEXTVAL('s')",
    ),
    lack("a trigger", |t| has(t, "TRIGGER"), "CREATE TRIGGER g BEFORE INSERT ON t EXECUTE PROCEDURE p()"),
    lack("an index", |t| has(t, "INDEX"), "CREATE UNIQUE INDEX i ON t (a)"),
    lack("a check constraint", |t| has(t, "CHECK ("), "CREATE TABLE t (a INT CHECK (a > 0))"),
    lack("JSON", |t| has_any(t, &["JSON", "JSONB"]), "CREATE TABLE t (a JSONB)"),
    lack("UUID", |t| has(t, "UUID"), "CREATE TABLE t (a UUID)"),
    lack("BYTEA", |t| has(t, "BYTEA"), "CREATE TABLE t (a BYTEA)"),
    lack("ENUM", |t| has(t, "ENUM"), "CREATE TYPE e AS ENUM ('a')"),
    lack("a domain", |t| has(t, "CREATE DOMAIN"), "CREATE DOMAIN d AS INT"),
    lack("FORMAT()", |t| has(t, "FORMAT ("), "SELECT FORMAT('%s', a) FROM t"),
    lack("ENCODE()", |t| has(t, "ENCODE ("), "SELECT ENCODE(a, 'hex') FROM t"),
    lack("REGEXP_MATCHES", |t| has(t, "REGEXP_MATCHES"), "SELECT REGEXP_MATCHES(a, 'b') FROM t"),
    lack("QUOTE_NULLABLE", |t| has(t, "QUOTE_NULLABLE"), "SELECT QUOTE_NULLABLE(a) FROM t"),
    lack("SETSEED", |t| has(t, "SETSEED ("), "SELECT SETSEED(0.5)"),
    lack("an advisory lock", advisory_lock, "SELECT PG_ADVISORY_XACT_LOCK(1)"),
    lack("a savepoint", |t| has(t, "SAVEPOINT"), "ROLLBACK TO SAVEPOINT s"),
    lack("DO", |t| starts(t, "DO"), "DO $$ BEGIN NULL; END $$"),
    lack(
        "EXECUTE with USING",
        |t| pieces(t).any(|piece| starts(piece, "EXECUTE") && has(piece, "USING")),
        "CREATE PROCEDURE p() AS $$ BEGIN EXECUTE 'SELECT $1' USING a; END; $$",
    ),
    lack(
        "RAISE with an expression",
        |t| pieces(t).any(|piece| starts(piece, "RAISE") && !is_plain_raise(piece)),
        "CREATE PROCEDURE p() AS $$ BEGIN RAISE NOTICE '%', a || b; END; $$",
    ),
    lack(
        "a query loop in a query loop",
        has_nested_query_loops,
        "CREATE PROCEDURE p() AS $$ BEGIN FOR a IN SELECT 1 LOOP IF a THEN FOR b IN EXECUTE c LOOP NULL; END LOOP; END IF; \
         END LOOP; END; $$",
    ),
    lack("NOW()", |t| has(t, "NOW ("), "SELECT a FROM t WHERE b < NOW()"),
    lack("CURRENT_TIMESTAMP", |t| has(t, "CURRENT_TIMESTAMP"), "SELECT a FROM t WHERE b < CURRENT_TIMESTAMP"),
    lack(
        "CURRENT_SCHEMA",
        |t| has_any(t, &["CURRENT_SCHEMA", "CURRENT_SCHEMAS"]),
        "SELECT a FROM t WHERE b = CURRENT_SCHEMA()",
    ),
    lack(
        "an argument with a default",
        has_default_argument,
        "CREATE OR REPLACE PROCEDURE s.p(a VARCHAR(2), b INT DEFAULT 1) AS $$ BEGIN NULL; END; $$",
    ),
    lack(
        "IF EXISTS where there is none",
        |t| ["FUNCTION", "PROCEDURE", "ROLE", "DATABASE"].iter().any(|kind| has(t, &format!("DROP {kind} IF EXISTS"))),
        "DROP PROCEDURE IF EXISTS p(INT)",
    ),
    lack(
        "IF NOT EXISTS where there is none",
        |t| {
            let kinds = ["VIEW", "FUNCTION", "PROCEDURE", "ROLE", "USER", "GROUP", "DATABASE"];
            kinds.iter().any(|kind| has(t, &format!("{kind} IF NOT EXISTS")))
        },
        "CREATE DATABASE IF NOT EXISTS d",
    ),
    lack("a literal with a prefix", |t| has_any(t, &["E '", "B '", "X '", "N '"]), r"SELECT E'a\'b'"),
    lack("a cast to an object identifier", cast_to_object_identifier, "SELECT 't'::regclass"),
    lack(
        "a view with options",
        |t| has_any(t, &["SECURITY_BARRIER", "SECURITY_INVOKER"]),
        "CREATE VIEW v WITH (security_barrier) AS SELECT 1",
    ),
    lack("CHECK OPTION", |t| has(t, "CHECK OPTION"), "CREATE VIEW v AS SELECT 1 WITH LOCAL CHECK OPTION"),
    lack(
        "WITH RECURSIVE in a late-binding view",
        |t| has(t, "WITH RECURSIVE"),
        "WITH RECURSIVE r AS (SELECT 1) SELECT 2",
    ),
    lack(
        "Python in the database",
        |t| has(t, "PLPYTHONU"),
        "CREATE FUNCTION f() RETURNS INT AS $$ 1 $$ LANGUAGE plpythonu",
    ),
    lack(
        "a lock on a table that views read",
        |t| pieces(t).any(|piece| starts(piece, "LOCK") && !locks_mutex(piece)),
        r#"LOCK "immuta_system"."profile""#,
    ),
];

fn values_as_a_table(tokens: &[Token]) -> bool {
    at(tokens, "VALUES").any(|index| !tokens[..index].last().is_some_and(|token| token.is_symbol(')')))
}

fn advisory_lock(tokens: &[Token]) -> bool {
    tokens.iter().any(|token| matches!(token, Token::Word(word) if word.to_lowercase().contains("_advisory_")))
}

fn cast_to_object_identifier(tokens: &[Token]) -> bool {
    let is_object = |token: &Token| matches!(token, Token::Word(word) if word.to_lowercase().starts_with("reg"));
    tokens.windows(2).any(|pair| pair[0] == Token::DoubleColon && is_object(&pair[1]))
}

/// `RAISE level 'format' [, variable ...]`.
fn is_plain_raise(piece: &[Token]) -> bool {
    let [_, Token::Word(_), Token::Literal(_), arguments @ ..] = piece else {
        return false;
    };
    arguments.chunks(2).all(|argument| matches!(argument, [Token::Symbol(','), Token::Word(_)]))
}

fn has_nested_query_loops(tokens: &[Token]) -> bool {
    let mut loops = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        if !token.is("LOOP") {
            continue;
        }
        if tokens[..index].last().is_some_and(|before| before.is("END")) {
            loops.pop();
            continue;
        }
        let head = tokens[..index].rsplit(|token| token.is_symbol(';') || token.is("LOOP") || token.is("THEN")).next();
        let over_query = head.is_some_and(|head| has_any(head, &["IN SELECT", "IN EXECUTE"]));
        if over_query && loops.contains(&true) {
            return true;
        }
        loops.push(over_query);
    }
    false
}

fn has_default_argument(tokens: &[Token]) -> bool {
    ["PROCEDURE", "FUNCTION"].iter().flat_map(|kind| at(tokens, kind)).any(|index| {
        let arguments = tokens[index..].split(|token| token.is("AS") || token.is("RETURNS")).next();
        starts(tokens, "CREATE") && arguments.is_some_and(|arguments| has_any(arguments, &["DEFAULT", "="]))
    })
}

fn locks_mutex(piece: &[Token]) -> bool {
    matches!(piece, [_, Token::Quoted(_), Token::Symbol('.'), Token::Quoted(table)] if table == "mutex")
}

#[test]
fn each_entry_finds_its_example_and_no_other() {
    for lack in LACKS {
        assert_eq!(found(lack.example), [lack.what], "{}", lack.example);
    }
}

#[test]
fn entries_are_found_in_bodies_and_definitions() {
    assert_eq!(found("CREATE PROCEDURE p() AS $x$ BEGIN SELECT NOW(); END; $x$ LANGUAGE plpgsql"), ["NOW()"]);
    assert_eq!(found("CALL \"p\".\"apply_view\"('s', 1, 'CREATE OR REPLACE VIEW v AS SELECT NOW()')"), ["NOW()"]);
    assert_eq!(
        found("CREATE PROCEDURE p() AS $$ BEGIN IF a THEN LOCK t; END IF; END; $$"),
        ["a lock on a table that views read"]
    );
}

#[test]
fn literals_names_and_comments_do_not_count() {
    let sql = r#"SELECT 'ON CONFLICT \' RETURNING', "LATERAL ""[1]""", INTERVAL '1 days' /* NOW() */ FROM "DO" -- DO
                 WHERE a IN (SELECT 'E', json_x, "JSON" FROM u)"#;
    assert!(found(sql).is_empty(), "{:?}", found(sql));
    assert!(found("CALL p('RETURNING')").is_empty());
    assert!(found("INSERT INTO t (a) VALUES (1), (2)").is_empty());
    assert!(found("CREATE PROCEDURE p() AS $$ BEGIN FOR a IN SELECT 1 LOOP NULL; END LOOP; FOR b IN SELECT 2 LOOP NULL; END LOOP; END; $$").is_empty());
}
