//! `ALTER DEFAULT PRIVILEGES … ON PROCEDURES`. PostgreSQL has no such thing apart from functions, so the shims keep it.

use super::parameter::literal_in_any_mode;
use super::refuse::Refusal;
use super::token::Token;

/// The statements that record the default privilege; `None` when the statement is about something else.
pub fn procedure_defaults(tokens: &[Token<'_>]) -> Result<Option<Vec<String>>, Refusal> {
    let is_about = tokens.windows(2).any(|pair| matches!(pair, [on, what] if on.is("on") && what.is("procedures")));
    if !is_about {
        return Ok(None);
    }
    let malformed = || Refusal("ALTER DEFAULT PRIVILEGES … ON PROCEDURES is not understood".to_owned());
    let verb = tokens.iter().position(|token| token.is_any(&["grant", "revoke"])).ok_or_else(malformed)?;
    let granting = tokens.get(verb).is_some_and(|token| token.is("grant"));
    let head = tokens.get(..verb).unwrap_or_default();
    let tail = tokens.get(verb + 1..).unwrap_or_default();

    let creators =
        names_after(head, "user").or_else(|| names_after(head, "role")).unwrap_or_else(|| vec![String::new()]);
    let schemas = names_after(head, "schema").unwrap_or_else(|| vec![String::new()]);
    if tail.windows(2).any(|pair| matches!(pair, [grant, option] if grant.is("grant") && option.is("option"))) {
        return Err(Refusal("GRANT OPTION in default privileges on procedures is not imitated".to_owned()));
    }
    let marker = if granting { "to" } else { "from" };
    let grantees = tail.iter().position(|token| token.is(marker)).ok_or_else(malformed)?;
    let mut statements = Vec::new();
    for grantee in grantee_names(tail.get(grantees + 1..).unwrap_or_default()) {
        for creator in &creators {
            for schema in &schemas {
                statements.push(format!(
                    "SELECT redshift_internal.set_procedure_default({granting}, {}, {}, {})",
                    literal_in_any_mode(creator),
                    literal_in_any_mode(schema),
                    literal_in_any_mode(&grantee)
                ));
            }
        }
    }
    Ok(Some(statements))
}

/// The comma-separated names after `keyword`.
fn names_after(tokens: &[Token<'_>], keyword: &str) -> Option<Vec<String>> {
    let start = tokens.iter().position(|token| token.is(keyword))? + 1;
    let mut names = Vec::new();
    let mut expected = true;
    for token in tokens.get(start..)? {
        if expected && token.is_identifier() {
            names.push(token.name());
        } else if expected || !token.is_symbol(",") {
            break;
        }
        expected = !expected;
    }
    Some(names)
}

/// PUBLIC is the empty name.
fn grantee_names(tokens: &[Token<'_>]) -> Vec<String> {
    tokens
        .split(|token| token.is_symbol(","))
        .filter_map(|grantee| grantee.iter().rfind(|token| token.is_identifier()))
        .map(|token| if token.is("public") { String::new() } else { token.name() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::token::significant;

    #[test]
    fn each_creator_schema_and_grantee_gets_a_record() {
        let sql =
            "alter default privileges for user a, \"B\" in schema s grant execute on procedures to role x, public";
        assert_eq!(
            procedure_defaults(&significant(sql)).unwrap().unwrap(),
            [
                "SELECT redshift_internal.set_procedure_default(true, 'a', 's', 'x')",
                "SELECT redshift_internal.set_procedure_default(true, 'B', 's', 'x')",
                "SELECT redshift_internal.set_procedure_default(true, 'a', 's', '')",
                "SELECT redshift_internal.set_procedure_default(true, 'B', 's', '')",
            ]
        );
        let other = "alter default privileges in schema s grant execute on functions to public";
        assert_eq!(procedure_defaults(&significant(other)).unwrap(), None);
    }
}
