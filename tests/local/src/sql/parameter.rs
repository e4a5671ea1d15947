//! Named parameters (`:name`): values only, put in as text literals of unknown type.

use super::edit::Edits;
use super::token::{Kind, significant};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// A parameter as it is on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// The name that follows the colon.
    pub name: String,
    /// Its value; never empty.
    pub value: String,
}

/// Why parameters can't be put in.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ParameterError {
    /// The statement names one that was not given.
    #[error("parameter `:{0}` of the SQL statement has no value")]
    Missing(String),
    /// A given one appears in no statement.
    #[error("parameter `{0}` is not used by any SQL statement")]
    Unused(String),
    /// The service has no way to pass an empty string.
    #[error("parameter `{0}` has an empty value")]
    Empty(String),
    /// Names are letters, digits and underscores.
    #[error("parameter name `{0}` is not of the form [0-9A-Za-z_]+")]
    Name(String),
    /// Two of the same name.
    #[error("parameter `{0}` is given twice")]
    Duplicate(String),
}

/// Checks `parameters` and puts them into `statements`; every one must be used at least once.
pub fn bind(statements: &[String], parameters: &[Parameter]) -> Result<Vec<String>, ParameterError> {
    let mut names = HashSet::new();
    for parameter in parameters {
        let named = !parameter.name.is_empty() && parameter.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !named {
            return Err(ParameterError::Name(parameter.name.clone()));
        }
        if parameter.value.is_empty() {
            return Err(ParameterError::Empty(parameter.name.clone()));
        }
        if !names.insert(parameter.name.as_str()) {
            return Err(ParameterError::Duplicate(parameter.name.clone()));
        }
    }
    if parameters.is_empty() {
        return Ok(statements.to_vec());
    }
    let mut used = HashSet::new();
    let bound =
        statements.iter().map(|statement| bind_one(statement, parameters, &mut used)).collect::<Result<_, _>>()?;
    match names.into_iter().find(|name| !used.contains(*name)) {
        Some(unused) => Err(ParameterError::Unused(unused.to_owned())),
        None => Ok(bound),
    }
}

fn bind_one(statement: &str, parameters: &[Parameter], used: &mut HashSet<String>) -> Result<String, ParameterError> {
    let mut edits = Edits::default();
    let tokens = significant(statement);
    for (colon, name) in tokens.iter().zip(tokens.iter().skip(1)) {
        let adjacent = colon.is_symbol(":") && colon.end() == name.start;
        if !adjacent || !matches!(name.kind, Kind::Word | Kind::Number) {
            continue;
        }
        let Some(parameter) = parameters.iter().find(|parameter| parameter.name == name.text) else {
            return Err(ParameterError::Missing(name.text.to_owned()));
        };
        used.insert(parameter.name.clone());
        edits.replace(colon.start..name.end(), literal(&parameter.value));
    }
    Ok(edits.apply(statement))
}

/// A plain literal that means `value` where a backslash escapes.
pub fn literal(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''").replace('\\', "\\\\"))
}

/// The same for a session of which it is not known whether a backslash escapes.
pub fn literal_in_any_mode(value: &str) -> String {
    let escapes = if value.contains('\\') { "E" } else { "" };
    format!("{escapes}{}", literal(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_for_any_mode_says_that_its_backslashes_escape() {
        assert_eq!(literal_in_any_mode("it's"), "'it''s'");
        assert_eq!(literal_in_any_mode("\\'"), r"E'\\'''");
    }

    fn parameter(name: &str, value: &str) -> Parameter {
        Parameter { name: name.to_owned(), value: value.to_owned() }
    }

    fn bind_text(text: &str, parameters: &[Parameter]) -> Result<String, ParameterError> {
        bind(&[text.to_owned()], parameters).map(|mut bound| bound.remove(0))
    }

    #[test]
    fn values_become_literals_and_nothing_else_is_touched() {
        let sql = "select ':a', :a::int, \":a\", x::a /* :b */ from t where c = :b";
        let bound = bind_text(sql, &[parameter("a", "1"), parameter("b", "x' or \\'1")]).unwrap();
        assert_eq!(bound, "select ':a', '1'::int, \":a\", x::a /* :b */ from t where c = 'x'' or \\\\''1'");
    }

    #[test]
    fn faults_are_named() {
        assert_eq!(bind_text("select :a", &[parameter("b", "1")]), Err(ParameterError::Missing("a".into())));
        assert_eq!(bind_text("select 1", &[parameter("a", "1")]), Err(ParameterError::Unused("a".into())));
        assert_eq!(bind_text("select :a", &[parameter("a", "")]), Err(ParameterError::Empty("a".into())));
        assert_eq!(bind_text("select :a", &[parameter("a b", "1")]), Err(ParameterError::Name("a b".into())));
    }
}
