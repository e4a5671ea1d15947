//! `GRANT privilege FOR TABLES IN SCHEMA s TO grantee`: rights for everything in a schema or database, now and in future. They
//! are remembered and shown by the system relations; nobody can do more for having them here.
//!
//! Grammar: <https://docs.aws.amazon.com/redshift/latest/dg/r_GRANT.html>.

use super::parameter::literal_in_any_mode;
use super::refuse::Refusal;
use super::token::Token;

const SCOPES: &[&str] = &["schemas", "tables", "functions", "procedures", "languages"];

/// What a GRANT or REVOKE of scoped rights becomes; `None` when it is of something else.
pub fn scoped_grant(tokens: &[Token<'_>]) -> Result<Option<String>, Refusal> {
    let Some(verb) = tokens.first().filter(|token| token.is_any(&["grant", "revoke"])) else { return Ok(None) };
    let granting = verb.is("grant");
    let is_scope = |pair: &[Token<'_>]| matches!(pair, [word, scope] if word.is("for") && scope.is_any(SCOPES));
    let Some(place) = tokens.windows(2).position(is_scope) else { return Ok(None) };
    let malformed = || Refusal("scoped permissions must be FOR … IN SCHEMA or DATABASE … TO user or ROLE".to_owned());
    let scope = tokens.get(place + 1).ok_or_else(malformed)?;
    let rest = tokens.get(place + 2..).unwrap_or_default();
    let [word, of, name, marker, grantees @ ..] = rest else { return Err(malformed()) };
    let known = word.is("in") && of.is_any(&["schema", "database"]) && name.is_identifier();
    if !known || !marker.is(if granting { "to" } else { "from" }) {
        return Err(malformed());
    }
    let schema = if of.is("schema") { name.name() } else { String::new() };
    let mut statements = Vec::new();
    for privilege in tokens.get(1..place).unwrap_or_default().split(|token| token.is_symbol(",")) {
        let [privilege] = privilege else { return Err(malformed()) };
        for grantee in grantees.split(|token| token.is_symbol(",") || token.is_symbol(";")) {
            let grantee = match grantee {
                [] => continue,
                [name] if name.is_identifier() && !name.is("public") => name.name(),
                [role, name] if role.is("role") && name.is_identifier() => name.name(),
                _ => return Err(malformed()),
            };
            let texts = [&privilege.text.to_ascii_uppercase(), &scope.text.to_ascii_uppercase(), &schema, &grantee];
            let texts = texts.map(|text| literal_in_any_mode(text)).join(", ");
            statements.push(format!("SELECT redshift_internal.set_scoped_grant({granting}, {texts})"));
        }
    }
    Ok(Some(statements.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::token::significant;

    #[test]
    fn each_privilege_and_grantee_gets_a_record() {
        let read = |sql: &str| scoped_grant(&significant(sql));
        assert_eq!(
            read("grant select, insert for tables in schema \"S\" to role r, u;").unwrap().unwrap().lines().next(),
            Some(
                "SELECT redshift_internal.set_scoped_grant(true, 'SELECT', 'TABLES', 'S', 'r'); \
                 SELECT redshift_internal.set_scoped_grant(true, 'SELECT', 'TABLES', 'S', 'u'); \
                 SELECT redshift_internal.set_scoped_grant(true, 'INSERT', 'TABLES', 'S', 'r'); \
                 SELECT redshift_internal.set_scoped_grant(true, 'INSERT', 'TABLES', 'S', 'u')"
            )
        );
        assert_eq!(
            read("REVOKE EXECUTE FOR FUNCTIONS IN DATABASE d FROM u").unwrap().unwrap(),
            "SELECT redshift_internal.set_scoped_grant(false, 'EXECUTE', 'FUNCTIONS', '', 'u')"
        );
        for other in ["grant select on t to u", "select 1 for update", "grant role r to u"] {
            assert_eq!(read(other).unwrap(), None, "{other}");
        }
        for refused in ["grant select for tables in schema s to public", "grant select for tables to u"] {
            assert!(read(refused).is_err(), "{refused}");
        }
    }
}
