//! `CREATE USER` and `ALTER USER`. PostgreSQL keeps the password as its md5 form, which is Redshift's md5 form too; of a
//! `sha256|digest|salt` it keeps the md5 of that text, and the salt as a setting of the role, which is enough to check
//! a password against (see `auth`).

use super::edit::Edits;
use super::parameter::literal;
use super::refuse::Refusal;
use super::token::{Kind, Token};

/// The role setting that holds the salt of a sha256 password.
pub const SALT_SETTING: &str = "redshift.password_salt";

/// Edits the options of the statement and returns the statement that must follow it, if any.
pub fn define_user(tokens: &[Token<'_>], edits: &mut Edits) -> Result<Option<String>, Refusal> {
    let Some(name) = tokens.get(2) else { return Ok(None) };
    let mut follow = None;
    let mut place = 3;
    while let Some(token) = tokens.get(place) {
        let next = tokens.get(place + 1);
        let mut last = place;
        if token.is("password") {
            last += 1;
            match next {
                Some(value) if value.kind == Kind::Literal => {
                    let (stored, salt) = stored_password(&value.literal())?;
                    edits.replace(value.range(), literal(&stored));
                    let setting = match salt {
                        Some(salt) => format!("SET {SALT_SETTING} = {}", literal(&salt)),
                        None => format!("RESET {SALT_SETTING}"),
                    };
                    follow = Some(format!("ALTER USER {} {setting}", name.text));
                }
                Some(value) if value.is("disable") => edits.replace(value.range(), "NULL"),
                _ => return Err(Refusal("PASSWORD must be followed by a literal or DISABLE".to_owned())),
            }
        } else if token.is("createuser") {
            edits.replace(token.range(), "SUPERUSER CREATEROLE");
        } else if token.is("nocreateuser") {
            edits.replace(token.range(), "NOSUPERUSER NOCREATEROLE");
        } else if next.is_some_and(|next| {
            (token.is("syslog") && next.is("access")) || (token.is("session") && next.is("timeout"))
        }) {
            last += 2;
            remove(tokens, place, last, edits);
        } else if token.is("unlimited") {
            edits.replace(token.range(), "-1");
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
        let follow = define_user(&significant(sql), &mut edits)?;
        Ok((edits.apply(sql), follow))
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
