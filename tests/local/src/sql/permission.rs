//! System permissions: `GRANT CREATE USER TO ROLE r`. Roles of the database stand for them, which no one logs in as;
//! who is a member has the permission.
//!
//! Grammar: <https://docs.aws.amazon.com/redshift/latest/dg/r_GRANT.html>.

use super::refuse::Refusal;
use super::token::Token;

/// The permissions that are imitated. The last one lets a member read what shows catalogs; nothing is hidden here.
pub const PERMISSIONS: [&str; 5] = ["create user", "alter user", "drop user", "access system table", "access catalog"];

/// How a system permission begins.
const VERBS: &[&str] =
    &["create", "alter", "drop", "access", "truncate", "vacuum", "analyze", "cancel", "ignore", "explain"];

/// The role that stands for a permission.
pub fn role(permission: &str) -> String {
    format!("redshift:{permission}")
}

/// What a GRANT or REVOKE of system permissions becomes; `None` when it is of something else.
pub fn system_permissions(tokens: &[Token<'_>]) -> Result<Option<String>, Refusal> {
    let Some(verb) = tokens.first().filter(|token| token.is_any(&["grant", "revoke"])) else { return Ok(None) };
    let marker = if verb.is("grant") { "to" } else { "from" };
    let Some(split) = tokens.iter().position(|token| token.is(marker)) else { return Ok(None) };
    let what = tokens.get(1..split).unwrap_or_default();
    let others = |token: &Token<'_>| token.is_any(&["on", "for"]);
    if what.iter().any(others) || !what.first().is_some_and(|token| token.is_any(VERBS)) {
        return Ok(None);
    }
    let mut roles = Vec::new();
    for words in what.split(|token| token.is_symbol(",")) {
        let words: Vec<String> = words.iter().map(|token| token.text.to_ascii_lowercase()).collect();
        let permission = words.join(" ");
        if !PERMISSIONS.contains(&permission.as_str()) {
            return Err(Refusal(format!("the system permission {} is not imitated", permission.to_ascii_uppercase())));
        }
        roles.push(format!("\"{}\"", role(&permission)));
    }
    let to = tokens.get(split + 1..).unwrap_or_default();
    let to: Vec<&Token<'_>> = to.iter().filter(|token| !token.is_symbol(";")).collect();
    let mut grantees = Vec::new();
    for grantee in to.split(|token| token.is_symbol(",")) {
        match grantee {
            [keyword, name] if keyword.is("role") && name.is_identifier() => grantees.push(name.text),
            _ => return Err(Refusal("system permissions are granted to roles only: TO ROLE name".to_owned())),
        }
    }
    Ok(Some(format!("{} {} {marker} {}", verb.text, roles.join(", "), grantees.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::token::significant;

    #[test]
    fn permissions_become_roles() {
        let read = |sql: &str| system_permissions(&significant(sql));
        assert_eq!(
            read("grant CREATE USER, drop user to role \"R\", role s;").unwrap().as_deref(),
            Some("grant \"redshift:create user\", \"redshift:drop user\" to \"R\", s")
        );
        assert_eq!(
            read("revoke alter user from role r").unwrap().as_deref(),
            Some("revoke \"redshift:alter user\" from r")
        );
        for other in [
            "grant role r to u",
            "grant create on database d to u",
            "grant alter, drop on schema s to role r",
            "grant drop for tables in schema s to role r",
            "select 1",
        ] {
            assert_eq!(read(other).unwrap(), None, "{other}");
        }
        for refused in [
            "grant create user to u",
            "grant create user to public",
            "grant create user to role r with admin option",
            "grant create role to role r",
        ] {
            assert!(read(refused).is_err(), "{refused}");
        }
    }
}
