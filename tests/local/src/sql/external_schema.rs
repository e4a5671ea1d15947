//! `CREATE EXTERNAL SCHEMA … FROM DATA CATALOG`. It becomes a call of the shim that makes a schema of foreign tables.
//!
//! Grammar: <https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_EXTERNAL_SCHEMA.html>.

use super::parameter::literal_in_any_mode;
use super::refuse::Refusal;
use super::token::{Kind, Token};
use serde::Serialize;

/// What a definition says.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Definition {
    name: String,
    /// The database of the data catalog.
    catalog: String,
    /// The role that reads the data; `default` for the warehouse's own.
    iam_role: String,
    if_not_exists: bool,
    /// Whether the database of the data catalog is made when there is none.
    create_database: bool,
}

/// The statement in place of a `CREATE EXTERNAL SCHEMA`; `None` when it is something else.
pub fn create_external_schema(tokens: &[Token<'_>]) -> Result<Option<String>, Refusal> {
    let starts = ["create", "external", "schema"];
    if !starts.iter().zip(tokens).all(|(word, token)| token.is(word)) || tokens.len() < starts.len() {
        return Ok(None);
    }
    let definition = Reader { tokens, place: starts.len() }.definition()?;
    let json = serde_json::to_string(&definition).map_err(|error| Refusal(error.to_string()))?;
    Ok(Some(format!("CALL redshift_internal.create_external_schema({})", literal_in_any_mode(&json))))
}

struct Reader<'t, 'a> {
    tokens: &'t [Token<'a>],
    place: usize,
}

impl Reader<'_, '_> {
    fn definition(mut self) -> Result<Definition, Refusal> {
        let if_not_exists = self.take(&["if", "not", "exists"]);
        let name = match self.next() {
            Some(token) if token.is_identifier() => token.name(),
            _ => return Err(self.malformed("a name")),
        };
        if !self.take(&["from", "data", "catalog"]) {
            return Err(Refusal("an external schema from anything but the DATA CATALOG is not imitated".to_owned()));
        }
        let (mut catalog, mut iam_role, mut create_database) = (None, None, false);
        while self.tokens.get(self.place).is_some_and(|token| !token.is_symbol(";")) {
            if self.take(&["database"]) {
                catalog = Some(self.text()?);
            } else if self.take(&["region"]) {
                self.text()?;
            } else if self.take(&["iam_role"]) {
                iam_role = Some(if self.take(&["default"]) { "default".to_owned() } else { self.text()? });
            } else if self.take(&["create", "external", "database", "if", "not", "exists"]) {
                create_database = true;
            } else {
                return Err(self.malformed("DATABASE, REGION or IAM_ROLE"));
            }
        }
        let catalog = catalog.ok_or_else(|| self.malformed("DATABASE"))?;
        let iam_role = iam_role.ok_or_else(|| self.malformed("IAM_ROLE"))?;
        Ok(Definition { name, catalog, iam_role, if_not_exists, create_database })
    }

    fn next(&mut self) -> Option<&Token<'_>> {
        self.place += 1;
        self.tokens.get(self.place - 1)
    }

    fn take(&mut self, words: &[&str]) -> bool {
        let rest = self.tokens.get(self.place..).unwrap_or_default();
        let found = rest.len() >= words.len() && words.iter().zip(rest).all(|(word, token)| token.is(word));
        self.place += if found { words.len() } else { 0 };
        found
    }

    fn text(&mut self) -> Result<String, Refusal> {
        match self.next() {
            Some(token) if token.kind == Kind::Literal && !token.literal().is_empty() => Ok(token.literal()),
            _ => Err(self.malformed("a literal that is not empty")),
        }
    }

    fn malformed(&self, expected: &str) -> Refusal {
        Refusal(format!("CREATE EXTERNAL SCHEMA: {expected} is missing or misplaced"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::token::significant;

    fn read(sql: &str) -> Result<Option<String>, Refusal> {
        create_external_schema(&significant(sql))
    }

    #[test]
    fn the_grammar_is_read() {
        let sql = "create external schema if not exists \"Lake\" from data catalog database 'raw''s' region 'eu-west-1' \
                   iam_role 'arn:aws:iam::1:role/r' create external database if not exists;";
        assert_eq!(
            read(sql).unwrap().unwrap(),
            "CALL redshift_internal.create_external_schema('{\"name\":\"Lake\",\"catalog\":\"raw''s\",\
             \"iam_role\":\"arn:aws:iam::1:role/r\",\"if_not_exists\":true,\"create_database\":true}')"
        );
        assert_eq!(read("create schema external").unwrap(), None);
        assert_eq!(read("create external").unwrap(), None);
        for (sql, named) in [
            ("create external schema s from postgres database 'd'", "DATA CATALOG"),
            ("create external schema s from data catalog database 'd'", "IAM_ROLE"),
            ("create external schema s from data catalog iam_role default", "DATABASE"),
            ("create external schema s from data catalog database 'd' iam_role default uri 'x'", "REGION"),
            ("create external schema from", "DATA CATALOG"),
        ] {
            assert!(read(sql).unwrap_err().to_string().contains(named), "{sql}: {:?}", read(sql));
        }
    }
}
