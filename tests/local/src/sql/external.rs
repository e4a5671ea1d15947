//! `CREATE EXTERNAL FUNCTION … LAMBDA`. It becomes a call of the shim that defines a function which asks the stand-in.
//!
//! Grammar: <https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_EXTERNAL_FUNCTION.html>. Types:
//! <https://docs.aws.amazon.com/redshift/latest/dg/udf-creating-a-lambda-sql-udf.html>.

use super::parameter::literal_in_any_mode;
use super::refuse::Refusal;
use super::token::{Kind, Token};
use serde::Serialize;

/// How long a throttled call is tried again by default.
const RETRY_MILLISECONDS: u64 = 20_000;
/// Most rows of a batch, and the default.
const BATCH_ROWS: u64 = 2_147_483_647;
/// Most bytes of a batch, and the default.
const BATCH_BYTES: u64 = 5 * 1024 * 1024;

/// What a definition says.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Definition {
    /// Whether one that exists is replaced.
    pub or_replace: bool,
    /// The schema, if it is named.
    pub schema: Option<String>,
    /// The name of the function.
    pub name: String,
    /// PostgreSQL's names of the arguments' types.
    pub arguments: Vec<&'static str>,
    /// The same of the result.
    pub returns: &'static str,
    /// `STABLE` or `VOLATILE`.
    pub volatility: &'static str,
    /// Name or ARN of the Lambda function.
    pub lambda: String,
    /// How long a throttled call is tried again.
    pub retry_milliseconds: u64,
    /// Most rows of a batch.
    pub batch_rows: u64,
    /// Most bytes of a batch.
    pub batch_bytes: u64,
}

/// Whether these are the tokens of a `CREATE EXTERNAL FUNCTION`.
pub fn is_definition(tokens: &[Token<'_>]) -> bool {
    let starts = |words: &[&str]| {
        words.iter().enumerate().all(|(place, word)| tokens.get(place).is_some_and(|token| token.is(word)))
    };
    starts(&["create", "external", "function"]) || starts(&["create", "or", "replace", "external", "function"])
}

/// The statement that defines the function.
pub fn create_external_function(tokens: &[Token<'_>]) -> Result<String, Refusal> {
    let definition = Reader { tokens, place: 0 }.definition()?;
    let json = serde_json::to_string(&definition).map_err(|error| Refusal(error.to_string()))?;
    Ok(format!("SELECT redshift_internal.define_external_function({})", literal_in_any_mode(&json)))
}

/// Walks over the tokens of a definition.
struct Reader<'t, 'a> {
    tokens: &'t [Token<'a>],
    place: usize,
}

impl<'a> Reader<'_, 'a> {
    fn definition(mut self) -> Result<Definition, Refusal> {
        self.expect("create")?;
        let or_replace = self.take("or");
        if or_replace {
            self.expect("replace")?;
        }
        self.expect("external")?;
        self.expect("function")?;
        let mut name = self.name()?;
        let mut schema = None;
        if self.take_symbol(".") {
            schema = Some(std::mem::replace(&mut name, self.name()?));
        }
        let arguments = self.arguments()?;
        self.expect("returns")?;
        let returns = self.data_type()?;
        let volatility = if self.take("stable") {
            "STABLE"
        } else if self.take("volatile") {
            "VOLATILE"
        } else if self.take("immutable") {
            return Err(Refusal("an IMMUTABLE external function is not supported by Redshift".to_owned()));
        } else {
            return Err(self.unexpected("VOLATILE or STABLE"));
        };
        self.expect("lambda")?;
        let lambda = self.text()?;
        self.expect("iam_role")?;
        if !self.take("default") {
            self.text()?;
        }
        let mut definition = Definition {
            or_replace,
            schema,
            name,
            arguments,
            returns,
            volatility,
            lambda,
            retry_milliseconds: RETRY_MILLISECONDS,
            batch_rows: BATCH_ROWS,
            batch_bytes: BATCH_BYTES,
        };
        self.options(&mut definition)?;
        self.take_symbol(";");
        if self.tokens.get(self.place).is_some() {
            return Err(self.unexpected("the end of the statement"));
        }
        Ok(definition)
    }

    fn options(&mut self, definition: &mut Definition) -> Result<(), Refusal> {
        if self.take("retry_timeout") {
            definition.retry_milliseconds = self.number("RETRY_TIMEOUT", 0, u64::from(u32::MAX))?;
        }
        if self.take("max_batch_rows") {
            definition.batch_rows = self.number("MAX_BATCH_ROWS", 1, BATCH_ROWS)?;
        }
        if self.take("max_batch_size") {
            let size = self.number("MAX_BATCH_SIZE", 1, BATCH_BYTES)?;
            let unit = if self.take("mb") {
                1024 * 1024
            } else {
                self.take("kb");
                1024
            };
            definition.batch_bytes = size * unit;
            if definition.batch_bytes > BATCH_BYTES {
                return Err(Refusal("MAX_BATCH_SIZE is from 1 KB to 5 MB".to_owned()));
            }
        }
        Ok(())
    }

    fn arguments(&mut self) -> Result<Vec<&'static str>, Refusal> {
        let mut arguments = Vec::new();
        if !self.take_symbol("(") {
            return Err(self.unexpected("a list of types"));
        }
        if self.take_symbol(")") {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.data_type()?);
            if self.take_symbol(")") {
                return Ok(arguments);
            }
            if !self.take_symbol(",") {
                return Err(self.unexpected("a comma or a closing bracket"));
            }
        }
    }

    /// A type that Lambda functions may have. Its length says nothing to PostgreSQL here.
    fn data_type(&mut self) -> Result<&'static str, Refusal> {
        let Some(token) = self.tokens.get(self.place).filter(|token| token.kind == Kind::Word) else {
            return Err(self.unexpected("a type"));
        };
        self.place += 1;
        let name = match token.name().as_str() {
            "smallint" | "int2" => "int2",
            "integer" | "int" | "int4" => "int4",
            "bigint" | "int8" => "int8",
            "decimal" | "numeric" => "numeric",
            "real" | "float4" => "float4",
            "double" => {
                self.expect("precision")?;
                "float8"
            }
            "float8" | "float" => "float8",
            "char" | "character" if self.take("varying") => "varchar",
            "char" | "character" | "nchar" | "bpchar" => "bpchar",
            "varchar" | "nvarchar" | "text" => "varchar",
            "boolean" | "bool" => "bool",
            "date" => "date",
            "timestamp" => {
                if self.take("without") {
                    self.expect("time")?;
                    self.expect("zone")?;
                } else if self.take("with") {
                    return Err(unsupported("TIMESTAMP WITH TIME ZONE"));
                }
                "timestamp"
            }
            _ => return Err(unsupported(&token.text.to_ascii_uppercase())),
        };
        if self.take_symbol("(") {
            while !self.take_symbol(")") {
                let inside = self.tokens.get(self.place);
                if !inside.is_some_and(|t| t.kind == Kind::Number || t.is("max") || t.is_symbol(",")) {
                    return Err(self.unexpected("a length"));
                }
                self.place += 1;
            }
        }
        Ok(name)
    }

    fn name(&mut self) -> Result<String, Refusal> {
        match self.tokens.get(self.place) {
            Some(token) if token.is_identifier() => {
                self.place += 1;
                Ok(token.name())
            }
            _ => Err(self.unexpected("a name")),
        }
    }

    fn text(&mut self) -> Result<String, Refusal> {
        match self.tokens.get(self.place) {
            Some(token) if token.kind == Kind::Literal && !token.literal().is_empty() => {
                self.place += 1;
                Ok(token.literal())
            }
            _ => Err(self.unexpected("a literal that is not empty")),
        }
    }

    fn number(&mut self, option: &str, least: u64, most: u64) -> Result<u64, Refusal> {
        let number = self.tokens.get(self.place).and_then(|token| token.text.parse::<u64>().ok());
        self.place += 1;
        number
            .filter(|number| (least..=most).contains(number))
            .ok_or_else(|| Refusal(format!("{option} is a whole number from {least} to {most}")))
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.tokens.get(self.place).is_some_and(|token| token.is(word));
        self.place += usize::from(found);
        found
    }

    fn take_symbol(&mut self, symbol: &str) -> bool {
        let found = self.tokens.get(self.place).is_some_and(|token| token.is_symbol(symbol));
        self.place += usize::from(found);
        found
    }

    fn expect(&mut self, word: &str) -> Result<(), Refusal> {
        if self.take(word) { Ok(()) } else { Err(self.unexpected(&word.to_ascii_uppercase())) }
    }

    fn unexpected(&self, expected: &str) -> Refusal {
        let found = self.tokens.get(self.place).map_or("the end", |token| token.text);
        Refusal(format!("CREATE EXTERNAL FUNCTION: found {found}, expected {expected}"))
    }
}

fn unsupported(name: &str) -> Refusal {
    Refusal(format!("type {name} in an external function is not supported by Redshift"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::token::significant;

    fn read(sql: &str) -> Result<Definition, String> {
        let tokens = significant(sql);
        assert!(is_definition(&tokens));
        Reader { tokens: &tokens, place: 0 }.definition().map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn the_whole_grammar_is_read() {
        let sql = "CREATE OR REPLACE EXTERNAL FUNCTION \"S\".f (VARCHAR, varchar(max), double precision, decimal(12, 2), \
                   character varying(10)) RETURNS VARCHAR(65535) STABLE LAMBDA 'redoubt-mask' IAM_ROLE \
                   'arn:aws:iam::1:role/r' RETRY_TIMEOUT 0 MAX_BATCH_ROWS 10 MAX_BATCH_SIZE 2 MB;";
        assert_eq!(
            read(sql).unwrap(),
            Definition {
                or_replace: true,
                schema: Some("S".into()),
                name: "f".into(),
                arguments: vec!["varchar", "varchar", "float8", "numeric", "varchar"],
                returns: "varchar",
                volatility: "STABLE",
                lambda: "redoubt-mask".into(),
                retry_milliseconds: 0,
                batch_rows: 10,
                batch_bytes: 2 * 1024 * 1024,
            }
        );
        let least = read("create external function f() returns int volatile lambda 'l' iam_role default").unwrap();
        assert_eq!((least.retry_milliseconds, least.batch_rows, least.batch_bytes), (20_000, 2_147_483_647, 5_242_880));
        let size = "create external function f() returns int volatile lambda 'l' iam_role default max_batch_size 7";
        assert_eq!(read(size).unwrap().batch_bytes, 7 * 1024);
    }

    #[test]
    fn what_redshift_refuses_is_named() {
        let all = |types: &str, rest: &str| read(&format!("create external function f({types}) returns {rest}"));
        for (types, rest, named) in [
            ("", "int immutable lambda 'l' iam_role default", "IMMUTABLE"),
            ("", "int lambda 'l' iam_role default", "expected VOLATILE or STABLE"),
            ("super", "int stable lambda 'l' iam_role default", "type SUPER"),
            ("timestamptz", "int stable lambda 'l' iam_role default", "type TIMESTAMPTZ"),
            ("", "varbyte stable lambda 'l' iam_role default", "type VARBYTE"),
            ("", "timestamp with time zone stable lambda 'l' iam_role default", "TIME ZONE"),
            ("value varchar", "int stable lambda 'l' iam_role default", "type VALUE"),
            ("", "int stable lambda '' iam_role default", "expected a literal"),
            ("", "int stable lambda 'l'", "expected IAM_ROLE"),
            ("", "int stable lambda 'l' iam_role default max_batch_rows 0", "MAX_BATCH_ROWS"),
            ("", "int stable lambda 'l' iam_role default max_batch_size 6 mb", "MAX_BATCH_SIZE"),
            ("", "int stable lambda 'l' iam_role default max_batch_rows 1 retry_timeout 1", "the end of the statement"),
        ] {
            let error = all(types, rest).unwrap_err();
            assert!(error.contains(named) && error.ends_with("(redshift-standin)"), "{rest}: {error}");
        }
    }
}
