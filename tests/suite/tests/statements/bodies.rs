//! The statements inside procedures. Bodies stand between dollar marks, where parsers don't look, so they are taken apart:
//! control flow is dropped, conditions and expressions are read as queries, and what `EXECUTE` puts together is put together.

use redoubt_tests::token::{Token, tokens};

use super::collect::Statement;

/// The statements in the body of a procedure; none of a statement that makes no procedure.
pub(crate) fn statements(outer: &Statement) -> Vec<Statement> {
    let tokens_of = |sql: &str| tokens(sql).unwrap_or_else(|error| panic!("{}: {error}: {sql}", outer.what));
    let bodies = tokens_of(&outer.sql).into_iter().filter_map(|token| match token {
        Token::Dollar(body) => Some(body),
        _ => None,
    });
    let mut found = Vec::new();
    for body in bodies {
        let tokens = tokens_of(&body);
        let begin = tokens.iter().position(|token| token.is("BEGIN")).expect("a body with BEGIN");
        for piece in tokens[begin + 1..].split(|token| token.is_symbol(';')) {
            take_apart(piece, &mut found);
        }
    }
    found.iter().map(|sql| Statement::new(format!("{}: body", outer.what), sql)).collect()
}

fn take_apart(piece: &[Token], found: &mut Vec<String>) {
    let [first, rest @ ..] = piece else {
        return;
    };
    if first.is("FOR") {
        let begin = rest.iter().position(|token| token.is("LOOP")).expect("a LOOP");
        let query = rest[..begin].iter().position(|token| token.is("IN")).expect("a loop over a query") + 1;
        found.push(text(&rest[query..begin]));
        take_apart(&rest[begin + 1..], found);
    } else if first.is("IF") || first.is("ELSIF") {
        let then = rest.iter().position(|token| token.is("THEN")).expect("a THEN");
        found.push(format!("SELECT {}", text(&rest[..then])));
        take_apart(&rest[then + 1..], found);
    } else if first.is("ELSE") {
        take_apart(rest, found);
    } else if first.is("END") || first.is("RETURN") || first.is("RAISE") {
        // The rules of RAISE are checked with the rest of what Redshift lacks.
    } else if first.is("EXECUTE") {
        found.extend(executed(rest));
    } else if first.is("SELECT") && rest.first().is_some_and(|token| token.is("INTO")) {
        // A variable after each comma; what is selected follows without one.
        let mut targets = 2;
        while rest.get(targets).is_some_and(|token| token.is_symbol(',')) {
            targets += 2;
        }
        found.push(format!("SELECT {}", text(&rest[targets..])));
    } else {
        found.push(text(piece));
    }
}

/// What is executed: literals and quoted names put together. A variable alone is a definition, which is checked by itself.
fn executed(tokens: &[Token]) -> Option<String> {
    if let [Token::Word(_)] = tokens {
        return None;
    }
    let mut sql = String::new();
    let mut rest = tokens;
    loop {
        rest = match rest {
            [Token::Literal(part), rest @ ..] => {
                sql.push_str(part);
                rest
            }
            [quote, Token::Symbol('('), Token::Word(name), Token::Symbol(')'), rest @ ..]
                if quote.is("QUOTE_IDENT") =>
            {
                sql.push_str(&format!("\"{name}\""));
                rest
            }
            [
                quote,
                Token::Symbol('('),
                Token::Word(row),
                Token::Symbol('.'),
                Token::Word(name),
                Token::Symbol(')'),
                rest @ ..,
            ] if quote.is("QUOTE_IDENT") => {
                sql.push_str(&format!("\"{row}.{name}\""));
                rest
            }
            _ => panic!("EXECUTE of something else than literals and quoted names: {}", text(tokens)),
        };
        rest = match rest {
            [] => return Some(sql),
            [Token::Symbol('|'), Token::Symbol('|'), rest @ ..] => rest,
            _ => panic!("EXECUTE of something else than literals and quoted names: {}", text(tokens)),
        };
    }
}

/// Tokens as SQL again. Operators of several characters and names of several parts are kept together.
fn text(tokens: &[Token]) -> String {
    let mut sql = String::new();
    let mut last = None;
    for token in tokens {
        let is_operator = |token: &Token| matches!(token, Token::Symbol('|' | '<' | '>' | '=' | ':' | '!'));
        let is_dot = |token: &Token| token.is_symbol('.');
        let together =
            last.is_some_and(|last| is_operator(last) && is_operator(token) || is_dot(last) || is_dot(token));
        if !together {
            sql.push(' ');
        }
        last = Some(token);
        match token {
            Token::Word(text) | Token::Number(text) => sql.push_str(text),
            Token::Quoted(name) => sql.push_str(&format!("\"{}\"", name.replace('"', "\"\""))),
            Token::Literal(text) => sql.push_str(&format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))),
            Token::Dollar(text) => sql.push_str(&format!("$x${text}$x$")),
            Token::Comment(_) => {}
            Token::Symbol(symbol) => sql.push(*symbol),
            Token::DoubleColon => sql.push_str("::"),
        }
    }
    sql.trim_start().to_owned()
}

#[test]
fn bodies_are_taken_apart() {
    let body = "DECLARE v BIGINT; BEGIN SELECT INTO v, w MAX(a.b), 1 FROM s.t AS a WHERE a.c <> p; \
                IF v >= 1 THEN RETURN; ELSE DELETE FROM s.t; END IF; \
                EXECUTE 'DROP VIEW ' || QUOTE_IDENT(p) || '.' || QUOTE_IDENT(v); EXECUTE p; RAISE NOTICE 'x;y'; \
                FOR r IN SELECT t.a FROM t LOOP EXECUTE 'DROP VIEW ' || QUOTE_IDENT(r.a); END LOOP; END;";
    let outer = Statement::new("p", &format!("CREATE PROCEDURE p() AS $b$ {body} $b$ LANGUAGE plpgsql"));
    let found: Vec<_> = statements(&outer).into_iter().map(|statement| statement.sql).collect();
    assert_eq!(
        found,
        [
            "SELECT MAX ( a.b ) , 1 FROM s.t AS a WHERE a.c <> p",
            "SELECT v >= 1",
            "DELETE FROM s.t",
            "DROP VIEW \"p\".\"v\"",
            "SELECT t.a FROM t",
            "DROP VIEW \"r.a\"",
        ]
    );
}
