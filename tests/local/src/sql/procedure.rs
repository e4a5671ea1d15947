//! Procedure bodies. What a body EXECUTEs is only known when it runs, so the expression is wrapped in the shim that
//! translates statements inside the database.

use super::edit::Edits;
use super::refuse::{Refusal, refuse};
use super::table;
use super::token::{Kind, Token, tokens};

/// Edits the dollar-quoted body of `CREATE PROCEDURE`.
pub fn create_procedure(statement: &[Token<'_>], edits: &mut Edits) -> Result<(), Refusal> {
    let body = statement.iter().find_map(Token::dollar_body);
    let Some((body, start)) = body else {
        return Err(Refusal("the body of a procedure must be dollar-quoted".to_owned()));
    };
    let mut all = tokens(body);
    for token in &mut all {
        token.start += start;
    }
    super::rewrite::flatten_comments(&all, edits);
    all.retain(|token| !matches!(token.kind, Kind::Blank | Kind::Comment));
    refuse(&all)?;
    table::temporary_names(&all, edits);
    table::type_lengths(&all, edits);
    let mut place = 0;
    while place < all.len() {
        let begins = begins_statement(&all, place);
        let here = all.get(place..).unwrap_or_default();
        if begins && here.first().is_some_and(|token| token.is("create")) {
            let end = here.iter().position(|token| token.is_symbol(";")).unwrap_or(here.len());
            table::create_table(here.get(..end).unwrap_or_default(), edits);
        } else if begins && here.first().is_some_and(|token| token.is("execute")) {
            wrap_execute(here, edits)?;
        }
        place += 1;
    }
    Ok(())
}

/// Whether the token at `place` is the first of a statement, or stands where `FOR … IN EXECUTE` has its query.
fn begins_statement(tokens: &[Token<'_>], place: usize) -> bool {
    match place.checked_sub(1).and_then(|before| tokens.get(before)) {
        None => true,
        Some(previous) => {
            previous.is_symbol(";")
                || previous.is_symbol(">")
                || previous.is_any(&["begin", "then", "else", "loop", "in", "for", "query"])
        }
    }
}

fn wrap_execute(tokens: &[Token<'_>], edits: &mut Edits) -> Result<(), Refusal> {
    let mut last = 0;
    while let Some(token) = tokens.get(last + 1) {
        if token.is_symbol(";") || token.is_any(&["into", "loop"]) {
            break;
        }
        if token.is("using") {
            return Err(Refusal("EXECUTE … USING is not supported by Redshift".to_owned()));
        }
        last = if token.is_symbol("(") { table::closing(tokens, last + 1) } else { last + 1 };
    }
    if let (Some(first), Some(last)) = (tokens.get(1), tokens.get(last))
        && last.start >= first.start
    {
        edits.insert(first.start, "redshift_internal.translate((");
        edits.insert(last.end(), ")::text)");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::token::significant;

    fn edited(sql: &str) -> Result<String, Refusal> {
        let mut edits = Edits::default();
        create_procedure(&significant(sql), &mut edits)?;
        Ok(edits.apply(sql))
    }

    #[test]
    fn executed_statements_are_translated_when_they_run() {
        let body = "begin execute 'a;' || b; execute f(';', (x)) into y; for r in execute q loop end loop; \
                    execute 'grant execute on procedure p() to u'; grant execute on procedure p() to u; end";
        let expected = "begin execute redshift_internal.translate(('a;' || b)::text); \
                        execute redshift_internal.translate((f(';', (x)))::text) into y; \
                        for r in execute redshift_internal.translate((q)::text) loop end loop; \
                        execute redshift_internal.translate(('grant execute on procedure p() to u')::text); \
                        grant execute on procedure p() to u; end";
        assert_eq!(
            edited(&format!("create procedure p() as $$ {body} $$ language plpgsql")).unwrap(),
            format!("create procedure p() as $$ {expected} $$ language plpgsql")
        );
    }

    #[test]
    fn tables_in_a_body_lose_their_attributes() {
        let sql = "create procedure p() as $b$ begin create temp table t (a int) diststyle all; select 1; end $b$";
        assert!(edited(sql).unwrap().contains("(a int) ; select"), "{}", edited(sql).unwrap());
    }

    #[test]
    fn using_and_literal_bodies_are_refused() {
        let using = "create procedure p() as $$ begin execute q using 1; end $$ language plpgsql";
        assert!(edited(using).unwrap_err().to_string().contains("USING"));
        assert!(edited("create procedure p() as 'begin end' language plpgsql").is_err());
    }
}
