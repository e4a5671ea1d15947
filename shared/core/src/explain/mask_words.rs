//! Masks in words.

use super::words::{Name, Percent, count};
use crate::{
    model::policy::{Constant, Mask, Randomized, RegexEngine, RegexMask, TimeUnit},
    sql::DataType,
};

/// The kind of a mask, as policies call it.
pub(super) const fn kind(mask: &Mask) -> &'static str {
    match mask {
        Mask::Clear => "clear",
        Mask::Null => "null",
        Mask::Constant(_) => "constant",
        Mask::Hash => "hash",
        Mask::Round { .. } => "round",
        Mask::Show { .. } => "show",
        Mask::Custom(_) => "custom",
        Mask::Regex(_) => "regex",
        Mask::Reversible { .. } => "reversible",
        Mask::FormatPreserving { .. } => "format_preserving",
        Mask::RandomizedResponse(_) => "randomized_response",
    }
}

/// What is seen of a value of a type, in words that end «the user sees …».
pub(super) fn words(mask: &Mask, data_type: Option<DataType>) -> String {
    match mask {
        Mask::Clear => "the value itself".to_owned(),
        Mask::Null => "null".to_owned(),
        Mask::Constant(Constant::Text(text) | Constant::Number(text)) => {
            format!("the constant {}", Name(text.as_str()))
        }
        Mask::Constant(Constant::Bool(value)) => format!("the constant `{value}`"),
        Mask::Hash => "a salted hash of the value".to_owned(),
        Mask::Round { bucket, unit } => round(*bucket, *unit, data_type),
        Mask::Show { first, last, replace_with } => show(*first, *last, replace_with.as_str()),
        Mask::Custom(expression) => format!("the value of {}", Name(&expression.to_string())),
        Mask::Regex(mask) => regex(mask),
        Mask::Reversible { .. } => "the value encrypted, as text".to_owned(),
        Mask::FormatPreserving { .. } if data_type.is_some_and(|own| own.text_bytes().is_none()) => {
            "the number encrypted to one of as many digits".to_owned()
        }
        Mask::FormatPreserving { alphabet } => format!(
            "the value with its characters out of an alphabet of {} encrypted in place",
            alphabet.as_str().chars().count()
        ),
        Mask::RandomizedResponse(randomized) => random(randomized, data_type),
    }
}

fn is_time(data_type: DataType) -> bool {
    matches!(data_type, DataType::Date | DataType::Timestamp | DataType::TimestampTz)
}

fn round(bucket: Option<i64>, unit: Option<TimeUnit>, data_type: Option<DataType>) -> String {
    let unit = unit.map(|unit| match unit {
        TimeUnit::Hour => "hour",
        TimeUnit::Day => "day",
        TimeUnit::Week => "week",
        TimeUnit::Month => "month",
        TimeUnit::Quarter => "quarter",
        TimeUnit::Year => "year",
    });
    match (bucket, unit) {
        (Some(bucket), unit) if unit.is_none() || !data_type.is_some_and(is_time) => {
            format!("the value rounded towards zero to a multiple of {bucket}")
        }
        (_, Some(unit)) => format!("the start of its {unit}"),
        (_, None) => "the value rounded".to_owned(),
    }
}

fn show(first: u32, last: u32, replace_with: &str) -> String {
    let characters = |number: u32| count(usize::try_from(number).unwrap_or(usize::MAX), "character", "characters");
    let shown = match (first, last) {
        (first, 0) => format!("the first {}", characters(first)),
        (0, last) => format!("the last {}", characters(last)),
        (first, last) => format!("the first {first} and the last {}", characters(last)),
    };
    format!("{shown}, each other one replaced by {}", Name(replace_with))
}

fn regex(mask: &RegexMask) -> String {
    let which = if mask.first_only { "the first match" } else { "every match" };
    let case = if mask.ignore_case { ", whatever the case" } else { "" };
    let engine = if mask.engine == RegexEngine::Redshift { ", by Redshift itself" } else { "" };
    let (pattern, with) = (Name(mask.pattern.as_str()), Name(mask.replace_with.as_str()));
    format!("the value with {which} of {pattern}{case} replaced by {with}{engine}")
}

fn random(randomized: &Randomized, data_type: Option<DataType>) -> String {
    let is_text = data_type.is_some_and(|own| own.text_bytes().is_some());
    match randomized {
        Randomized { categories: Some((values, truth)), .. } if is_text => {
            let values = count(values.len(), "value", "values");
            format!("the truth in {} of the rows, else one of {values}", Percent(*truth))
        }
        Randomized { noise_days: Some(days), .. } if data_type.is_some_and(is_time) => {
            format!("the day moved by up to {}", count(usize::try_from(*days).unwrap_or(usize::MAX), "day", "days"))
        }
        Randomized { noise: Some(noise), .. } if !is_text => {
            format!("the value with up to {noise} added or taken away")
        }
        _ => "a randomized response".to_owned(),
    }
}

/// Why a type that can't carry a mask gives null.
pub(super) fn why_null(mask: &Mask, data_type: DataType) -> String {
    let exact =
        matches!(data_type, DataType::SmallInt | DataType::Integer | DataType::BigInt | DataType::Decimal { .. });
    match (mask, data_type) {
        (Mask::Hash, DataType::SmallInt | DataType::Decimal { scale: 0, .. })
        | (Mask::FormatPreserving { .. }, DataType::SmallInt | DataType::Decimal { .. }) => {
            format!("a `{data_type}` has too few values to hide among")
        }
        (Mask::Round { unit: Some(_), .. }, DataType::Date) => {
            format!("a `{data_type}` rounded to a day or less would be shown whole")
        }
        (Mask::Round { bucket: Some(bucket), .. }, _) if exact => {
            format!("a `{data_type}` has no multiple of {bucket} but 0")
        }
        (Mask::Reversible { .. }, DataType::Char(_) | DataType::VarChar(_)) => {
            format!("a `{data_type}`, encrypted, would be longer than a text can be")
        }
        (Mask::RandomizedResponse(Randomized { noise: Some(_), .. }), _) if exact => {
            format!("a `{data_type}` has no room for so much noise")
        }
        _ => format!("a `{data_type}` can't carry this mask"),
    }
}
