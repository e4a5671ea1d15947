//! What faults say was expected.

use serde_json::{Map, Value};

use super::{Fields, Shape};
use crate::event::{correlation, describe};

impl Shape {
    /// What a value must be, in plain words.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Any | Self::Reference(_) => "a value".to_owned(),
            Self::Boolean => "`true` or `false`".to_owned(),
            Self::Number => "a number".to_owned(),
            Self::Whole(largest) => format!("a whole number from 0 to {largest}"),
            Self::Text => "a string".to_owned(),
            Self::Label => correlation::WORDS.to_owned(),
            Self::List(_) => "a list".to_owned(),
            Self::Map(_) | Self::Object(_) => "an object".to_owned(),
            Self::Tagged { tag, .. } => format!("an object with the field `{tag}`"),
            Self::Choice { names, fields } => choice(names, fields),
            Self::Nullable(inner) => format!("{} or null", inner.words()),
        }
    }
}

/// The names a value may have.
pub(super) fn one_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names = names.into_iter().peekable();
    let first = names.next();
    let several = names.peek().is_some();
    let names = describe::names(first.into_iter().chain(names));
    if several { format!("one of {names}") } else { names }
}

/// The names and fields that a value may choose from.
pub(super) fn choice(names: &[String], fields: &Fields) -> String {
    let names = (!names.is_empty()).then(|| one_of(names.iter().map(String::as_str)));
    let fields = (!fields.known.is_empty()).then(|| {
        let fields = fields.known.keys().map(String::as_str);
        format!("an object with exactly {}", one_of(fields))
    });
    let words: Vec<String> = names.into_iter().chain(fields).collect();
    words.join(", or ")
}

/// An object that was found, by the names of its first fields.
pub(super) fn object(object: &Map<String, Value>) -> String {
    const SHOWN: usize = 4;
    let short = object.keys().map(String::as_str).filter(|name| describe::short(name)).take(SHOWN);
    let names = describe::names(short);
    match object.len() {
        0 => "an object without fields".to_owned(),
        count if count > SHOWN || names.is_empty() => format!("an object of {count} fields"),
        _ => format!("an object with {names}"),
    }
}
