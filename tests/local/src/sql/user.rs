//! `CREATE USER`, `ALTER USER` and `DROP USER`. PostgreSQL keeps the password as its md5 form, which is Redshift's md5
//! form too; of a `sha256|digest|salt` it keeps the md5 of that text, and the salt as a setting of the role, which is
//! enough to check a password against (see `auth`).
//!
//! PostgreSQL has nothing like Redshift's permissions to do this that would give no more than that. So the statement is
//! handed to a shim twice: as text, which a superuser executes, and as what it says, which the shim does for a member
//! of a role with the permission.

use super::edit::Edits;
use super::parameter::{literal, literal_in_any_mode};
use super::refuse::Refusal;
use super::token::{Kind, Token};
use serde::Serialize;

/// The role setting that holds the salt of a sha256 password.
pub const SALT_SETTING: &str = "redshift.password_salt";

/// What a statement says. An option that is absent is left as it is.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Command {
    verb: &'static str,
    names: Vec<String>,
    if_exists: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    superuser: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    createdb: Option<bool>,
    /// Empty when it is disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    salt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection_limit: Option<String>,
    /// The first word that says something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    other: Option<String>,
}

/// Rewrites the statement, given its tokens; `None` when it is not about users.
pub fn manage_users(statement: &str, tokens: &[Token<'_>]) -> Result<Option<String>, Refusal> {
    let Some(verb) = ["create", "alter", "drop"].into_iter().find(|verb| tokens.first().is_some_and(|t| t.is(verb)))
    else {
        return Ok(None);
    };
    if !tokens.get(1).is_some_and(|token| token.is("user")) {
        return Ok(None);
    }
    let mut edits = Edits::default();
    let (mut command, mut follow) = (Command { verb, ..Command::default() }, None);
    if verb == "drop" {
        command.if_exists = tokens.get(2).is_some_and(|token| token.is("if"));
        command.names = dropped(tokens);
    } else {
        command.names = tokens.get(2).filter(|token| token.is_identifier()).map(Token::name).into_iter().collect();
        follow = options(tokens, &mut command, &mut edits)?;
    }
    super::rewrite::flatten_comments(&super::token::tokens(statement), &mut edits);
    let json = serde_json::to_string(&command).map_err(|error| Refusal(error.to_string()))?;
    let texts = [json, edits.apply(statement), follow.unwrap_or_default()].map(|text| literal_in_any_mode(&text));
    Ok(Some(format!("CALL redshift_internal.manage_users({})", texts.join(", "))))
}

/// The names in a DROP of users or roles.
pub fn dropped(tokens: &[Token<'_>]) -> Vec<String> {
    let skip = if tokens.get(2).is_some_and(|token| token.is("if")) { 4 } else { 2 };
    tokens.iter().skip(skip).filter(|token| token.is_identifier()).map(Token::name).collect()
}

/// Edits the options of the statement and returns the statement that must follow it, if any.
fn options(tokens: &[Token<'_>], command: &mut Command, edits: &mut Edits) -> Result<Option<String>, Refusal> {
    let Some(name) = tokens.get(2) else { return Ok(None) };
    let mut follow = None;
    let mut place = 3;
    while let Some(token) = tokens.get(place) {
        let next = tokens.get(place + 1);
        let follows = |word: &str| next.is_some_and(|next| next.is(word));
        let mut last = place;
        if token.is("password") {
            last += 1;
            match next {
                Some(value) if value.kind == Kind::Literal => {
                    let (stored, salt) = stored_password(&value.literal())?;
                    edits.replace(value.range(), literal(&stored));
                    let setting = match &salt {
                        Some(salt) => format!("SET {SALT_SETTING} = {}", literal(salt)),
                        None => format!("RESET {SALT_SETTING}"),
                    };
                    follow = Some(format!("ALTER USER {} {setting}", name.text));
                    (command.password, command.salt) = (Some(stored), salt);
                }
                Some(value) if value.is("disable") => {
                    edits.replace(value.range(), "NULL");
                    command.password = Some(String::new());
                }
                _ => return Err(Refusal("PASSWORD must be followed by a literal or DISABLE".to_owned())),
            }
        } else if token.is_any(&["createuser", "nocreateuser"]) {
            let superuser = token.is("createuser");
            let attributes = if superuser { "SUPERUSER CREATEROLE" } else { "NOSUPERUSER NOCREATEROLE" };
            edits.replace(token.range(), attributes);
            command.superuser = Some(superuser);
        } else if token.is_any(&["createdb", "nocreatedb"]) {
            command.createdb = Some(token.is("createdb"));
        } else if (token.is("syslog") && follows("access")) || (token.is("session") && follows("timeout")) {
            last += 2;
            remove(tokens, place, last, edits);
        } else if token.is("valid") && follows("until") {
            last += 2;
            command.valid_until = tokens.get(last).filter(|token| token.kind == Kind::Literal).map(Token::literal);
        } else if token.is("connection") && follows("limit") {
            last += 2;
            let limit = tokens.get(last);
            if let Some(unlimited) = limit.filter(|token| token.is("unlimited")) {
                edits.replace(unlimited.range(), "-1");
            }
            let limit = limit.map(|token| if token.is("unlimited") { "-1" } else { token.text });
            command.connection_limit = limit.map(str::to_owned);
        } else if !token.is("with") && !token.is_symbol(";") {
            command.other.get_or_insert_with(|| token.text.to_ascii_uppercase());
        }
        place = last + 1;
    }
    Ok(follow)
}

fn remove(tokens: &[Token<'_>], first: usize, last: usize, edits: &mut Edits) {
    if let (Some(first), Some(last)) = (tokens.get(first), tokens.get(last)) {
        edits.remove(first.start..last.end());
    }
}

/// What PostgreSQL is told, and the salt of a digest.
fn stored_password(given: &str) -> Result<(String, Option<String>), Refusal> {
    if let Some(digest) = given.strip_prefix("md5")
        && digest.len() == 32
        && digest.chars().all(|c| c.is_ascii_hexdigit())
    {
        return Ok((given.to_ascii_lowercase(), None));
    }
    if let Some(rest) = given.strip_prefix("sha256|") {
        return match rest.split_once('|') {
            Some((digest, salt)) if digest.len() == 64 && digest.chars().all(|c| c.is_ascii_hexdigit()) => {
                Ok((format!("sha256|{}|{salt}", digest.to_ascii_lowercase()), Some(salt.to_owned())))
            }
            Some(_) => Err(Refusal("the password is not of the form sha256|<64 hexadecimal digits>|<salt>".to_owned())),
            None => clear_password(rest),
        };
    }
    clear_password(given)
}

fn clear_password(password: &str) -> Result<(String, Option<String>), Refusal> {
    let has = |test: fn(&char) -> bool| password.chars().any(|c| test(&c));
    let valid = (8..=64).contains(&password.chars().count())
        && has(char::is_ascii_uppercase)
        && has(char::is_ascii_lowercase)
        && has(char::is_ascii_digit);
    if !valid {
        return Err(Refusal(
            "password must have 8 to 64 characters, among them an upper case letter, a lower case letter and a digit"
                .to_owned(),
        ));
    }
    Ok((password.to_owned(), None))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::token::significant;

    fn edited(sql: &str) -> Result<(String, Option<String>), Refusal> {
        let mut edits = Edits::default();
        let follow = options(&significant(sql), &mut Command::default(), &mut edits)?;
        Ok((edits.apply(sql), follow))
    }

    #[test]
    fn a_statement_is_handed_over_as_text_and_as_what_it_says() {
        let call = |sql: &str| manage_users(sql, &significant(sql)).unwrap();
        assert_eq!(
            call("create user \"U\" with password disable createdb connection limit 3 valid until '2030-01-01'")
                .unwrap(),
            "CALL redshift_internal.manage_users('{\"verb\":\"create\",\"names\":[\"U\"],\"if_exists\":false,\
             \"createdb\":true,\"password\":\"\",\"valid_until\":\"2030-01-01\",\"connection_limit\":\"3\"}', \
             'create user \"U\" with password NULL createdb connection limit 3 valid until ''2030-01-01''', '')"
        );
        assert_eq!(
            call("drop user if exists a, \"B\"").unwrap(),
            "CALL redshift_internal.manage_users('{\"verb\":\"drop\",\"names\":[\"a\",\"B\"],\"if_exists\":true}', \
             'drop user if exists a, \"B\"', '')"
        );
        assert!(call("alter user u set search_path to s").unwrap().contains("\"other\":\"SET\""));
        assert!(call("alter user u nocreateuser").unwrap().contains("\"superuser\":false"));
        assert_eq!(call("create role user"), None);
    }

    #[test]
    fn a_salted_digest_keeps_its_salt() {
        let digest = "AB".repeat(32);
        let (statement, follow) =
            edited(&format!("create user \"U\" password 'sha256|{digest}|s''x' createuser")).unwrap();
        assert_eq!(
            statement,
            format!("create user \"U\" password 'sha256|{}|s''x' SUPERUSER CREATEROLE", "ab".repeat(32))
        );
        assert_eq!(follow.as_deref(), Some("ALTER USER \"U\" SET redshift.password_salt = 's''x'"));
    }

    #[test]
    fn options_postgresql_lacks_are_taken_out() {
        let (statement, follow) =
            edited("create user u password disable syslog access restricted connection limit unlimited").unwrap();
        assert_eq!(statement, "create user u password NULL  connection limit -1");
        assert_eq!(follow, None);
    }

    #[test]
    fn weak_passwords_are_refused() {
        assert!(edited("create user u password 'short1A'").is_err());
        assert!(edited("create user u password 'nouppercase1'").is_err());
        assert!(edited("create user u password 'sha256|abc|salt'").is_err());
        assert!(edited("create user u password 'sha256|Mypassword1'").is_ok());
    }
}
