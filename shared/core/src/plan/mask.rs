//! How a mask fits a column's type.
//!
//! A mask that a type can't carry gives null: the value stays hidden and the view keeps its shape. Only a constant, which the
//! policy's author chose for a type they had in mind, is refused instead.

use time::{Date, PrimitiveDateTime, Time, macros::format_description};

use super::Transform;
use crate::{
    model::policy::{Constant, Mask, Randomized, RegexMask, TimeUnit},
    sql::{DataType, Number, Text, data_type::MAX_VARCHAR},
};

/// Length of a SHA-256 in hexadecimal digits.
const DIGEST_LENGTH: u32 = 64;

/// Why a mask has no transform yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Misfit {
    /// A constant does not fit the type.
    Constant,
    /// It needs the data source's key column, and there is none.
    NoKey,
}

/// The transform of a mask on a column of a type, and the type it needs. Custom masks are bound elsewhere and give null here.
///
/// # Errors
/// Why there is none.
pub(super) fn transform(mask: &Mask, data_type: DataType, key: Option<usize>) -> Result<(Transform, DataType), Misfit> {
    let text = data_type.text_bytes();
    let transform = match mask {
        Mask::Clear => Transform::Clear,
        Mask::Null | Mask::Custom(_) => Transform::Null,
        Mask::Constant(constant) => Transform::Constant(constant_text(constant, data_type).ok_or(Misfit::Constant)?),
        Mask::Hash => return Ok(hash(data_type)),
        Mask::Round { bucket, unit } => round(*bucket, *unit, data_type),
        Mask::Show { first, last, replace_with } if text.is_some() => {
            Transform::Show { first: *first, last: *last, replace_with: replace_with.clone() }
        }
        Mask::Regex(mask) if text.is_some() => Transform::Regex(RegexMask::clone(mask)),
        Mask::Show { .. } | Mask::Regex(_) => Transform::Null,
        Mask::Reversible { .. } => return Ok(reversible(data_type)),
        Mask::FormatPreserving { alphabet } => return Ok(format_preserving(alphabet, data_type)),
        Mask::RandomizedResponse(randomized) => return randomize(randomized, data_type, key),
    };
    Ok((transform, data_type))
}

/// Bytes that encryption adds before the text is made of it: a key's number and a tag (RFC 5297).
const SEALED_BYTES: u32 = 17;

fn reversible(data_type: DataType) -> (Transform, DataType) {
    // Base64 makes four characters of three bytes; a value too long for that is hidden.
    let sealed = data_type.text_bytes().map(|bytes| (bytes + SEALED_BYTES).div_ceil(3) * 4);
    match (sealed, data_type.text_bytes()) {
        (Some(sealed), Some(bytes)) if sealed <= MAX_VARCHAR => {
            (Transform::Reversible, DataType::VarChar(sealed.max(bytes)))
        }
        _ => (Transform::Null, data_type),
    }
}

fn format_preserving(alphabet: &Text, data_type: DataType) -> (Transform, DataType) {
    let number = |most: Text| (Transform::FormatPreservingNumber { most }, data_type);
    match data_type {
        // Characters of several bytes may stand in for shorter ones.
        DataType::Char(bytes) | DataType::VarChar(bytes) if !alphabet.as_str().is_ascii() => (
            Transform::FormatPreserving { alphabet: alphabet.clone() },
            DataType::VarChar(bytes.saturating_mul(4).min(MAX_VARCHAR)),
        ),
        DataType::Char(_) | DataType::VarChar(_) => {
            (Transform::FormatPreserving { alphabet: alphabet.clone() }, data_type)
        }
        DataType::Integer => number(Text::fixed("2147483647")),
        DataType::BigInt => number(Text::fixed("9223372036854775807")),
        DataType::Decimal { precision, .. } if precision > SMALL_DOMAIN_DIGITS => {
            number(Text::printed(Number::largest(precision, 0).to_string()))
        }
        _ => (Transform::Null, data_type),
    }
}

/// Numbers of so many digits are fewer than a million, too few to hide among (NIST SP 800-38G Rev. 1).
const SMALL_DOMAIN_DIGITS: u8 = 6;

/// Values that a digest may be reduced to with no visible bias.
const MOST_OUTCOMES: i64 = 1 << 53;

fn randomize(
    randomized: &Randomized,
    data_type: DataType,
    key: Option<usize>,
) -> Result<(Transform, DataType), Misfit> {
    let transform = match (data_type, randomized) {
        (DataType::Char(_) | DataType::VarChar(_), Randomized { categories: Some((values, truth)), .. }) => {
            let longest = values.iter().map(|value| value.as_str().len()).max().unwrap_or(0);
            if data_type.text_bytes().is_none_or(|bytes| u32::try_from(longest).map_or(true, |longest| longest > bytes))
            {
                return Err(Misfit::Constant);
            }
            Transform::RandomCategory { values: values.clone(), truth: *truth, key: key.ok_or(Misfit::NoKey)? }
        }
        (DataType::Date | DataType::Timestamp, Randomized { noise_days: Some(days), .. }) => {
            Transform::RandomDate { days: *days, key: key.ok_or(Misfit::NoKey)? }
        }
        (_, Randomized { noise: Some(noise), .. }) => {
            let units = match data_type {
                DataType::SmallInt
                | DataType::Integer
                | DataType::BigInt
                | DataType::Real
                | DataType::DoublePrecision => Some(*noise),
                // One digit of room, for the noise.
                DataType::Decimal { precision, scale } if precision < 38 => {
                    10_i64.checked_pow(u32::from(scale)).and_then(|unit| noise.checked_mul(unit))
                }
                _ => None,
            };
            match units.filter(|units| *units <= MOST_OUTCOMES / 2) {
                Some(noise) => Transform::RandomNumber { noise, key: key.ok_or(Misfit::NoKey)? },
                None => Transform::Null,
            }
        }
        _ => Transform::Null,
    };
    Ok((transform, data_type))
}

fn hash(data_type: DataType) -> (Transform, DataType) {
    match data_type {
        DataType::Char(bytes) | DataType::VarChar(bytes) => {
            (Transform::HashText, DataType::VarChar(bytes.max(DIGEST_LENGTH)))
        }
        DataType::BigInt => (Transform::HashInteger { modulus: i64::MAX }, data_type),
        DataType::Integer => (Transform::HashInteger { modulus: i64::from(i32::MAX) }, data_type),
        DataType::Decimal { precision, scale: 0 } if precision >= 9 => {
            let modulus = 10_i64.checked_pow(u32::from(precision)).unwrap_or(i64::MAX);
            (Transform::HashInteger { modulus }, data_type)
        }
        // Too few values: most of a small integer's would share a digest, and guessing would be easy.
        _ => (Transform::Null, data_type),
    }
}

fn round(bucket: Option<i64>, unit: Option<TimeUnit>, data_type: DataType) -> Transform {
    let fits = |bucket: i64, most: i64| if bucket <= most { Some(bucket) } else { None };
    match data_type {
        DataType::SmallInt => bucket
            .and_then(|b| fits(b, i64::from(i16::MAX)))
            .map_or(Transform::Null, |bucket| Transform::RoundNumber { bucket, inexact: false }),
        DataType::Integer => bucket
            .and_then(|b| fits(b, i64::from(i32::MAX)))
            .map_or(Transform::Null, |bucket| Transform::RoundNumber { bucket, inexact: false }),
        DataType::BigInt => bucket.map_or(Transform::Null, |bucket| Transform::RoundNumber { bucket, inexact: false }),
        DataType::Decimal { precision, scale } => {
            let most = 10_i64.checked_pow(u32::from(precision - scale)).map_or(i64::MAX, |bound| bound - 1);
            bucket
                .and_then(|b| fits(b, most))
                .map_or(Transform::Null, |bucket| Transform::RoundNumber { bucket, inexact: false })
        }
        DataType::Real | DataType::DoublePrecision => {
            bucket.map_or(Transform::Null, |bucket| Transform::RoundNumber { bucket, inexact: true })
        }
        // A day has no hours to round to: rounding it to one would show it whole.
        DataType::Date => unit
            .filter(|unit| !matches!(unit, TimeUnit::Hour | TimeUnit::Day))
            .map_or(Transform::Null, Transform::RoundTime),
        DataType::Timestamp | DataType::TimestampTz => unit.map_or(Transform::Null, Transform::RoundTime),
        _ => Transform::Null,
    }
}

/// The text of a constant in a form that casts to the type, or `None` when it does not fit.
fn constant_text(constant: &Constant, data_type: DataType) -> Option<Text> {
    match (constant, data_type) {
        (Constant::Text(text), DataType::Char(bytes) | DataType::VarChar(bytes)) => {
            let fits = u32::try_from(text.as_str().len()).is_ok_and(|length| length <= bytes);
            fits.then(|| text.clone())
        }
        (Constant::Text(text), DataType::Date) => parses(Date::parse(text.as_str(), DATE), text),
        (Constant::Text(text), DataType::Time) => parses(Time::parse(text.as_str(), TIME), text),
        (Constant::Text(text), DataType::Timestamp | DataType::TimestampTz) => {
            parses(PrimitiveDateTime::parse(text.as_str(), DATE_TIME), text)
        }
        (Constant::Bool(value), DataType::Boolean) => Some(Text::fixed(if *value { "true" } else { "false" })),
        (Constant::Number(number), _) => number_fits(number.as_str(), data_type).then(|| number.clone()),
        _ => None,
    }
}

const DATE: &[time::format_description::BorrowedFormatItem<'static>] = format_description!("[year]-[month]-[day]");
const TIME: &[time::format_description::BorrowedFormatItem<'static>] = format_description!("[hour]:[minute]:[second]");
const DATE_TIME: &[time::format_description::BorrowedFormatItem<'static>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");

fn parses<T, E>(parsed: Result<T, E>, text: &Text) -> Option<Text> {
    parsed.is_ok().then(|| text.clone())
}

fn number_fits(number: &str, data_type: DataType) -> bool {
    let unsigned = number.strip_prefix('-').unwrap_or(number);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let whole = whole.trim_start_matches('0').len();
    match data_type {
        DataType::SmallInt => number.parse::<i16>().is_ok(),
        DataType::Integer => number.parse::<i32>().is_ok(),
        DataType::BigInt => number.parse::<i64>().is_ok(),
        DataType::Decimal { precision, scale } => {
            whole <= usize::from(precision - scale) && fraction.trim_end_matches('0').len() <= usize::from(scale)
        }
        DataType::Real => number.parse::<f32>().is_ok_and(f32::is_finite),
        DataType::DoublePrecision => number.parse::<f64>().is_ok_and(f64::is_finite),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn constant(text: &str, data_type: &str) -> bool {
        let constant = match text {
            "true" | "false" => Constant::Bool(text == "true"),
            _ if text.starts_with(|c: char| c.is_ascii_digit() || c == '-')
                && !text.contains(':')
                && text.matches('-').count() < 2 =>
            {
                Constant::Number(Text::new(text).unwrap())
            }
            _ => Constant::Text(Text::new(text).unwrap()),
        };
        transform(&Mask::Constant(constant), data_type.parse().unwrap(), None).is_ok()
    }

    #[test]
    fn constants_are_checked_against_the_type() {
        for (text, data_type, fits) in [
            ("REDACTED", "varchar(8)", true),
            ("REDACTED", "varchar(7)", false),
            ("é", "char(1)", false),
            ("REDACTED", "integer", false),
            ("1970-01-01", "date", true),
            ("1970-02-30", "date", false),
            ("1970-01-01 00:00:00", "timestamp", true),
            ("0", "integer", true),
            ("70000", "smallint", false),
            ("12.50", "decimal(4,2)", true),
            ("123.5", "decimal(4,2)", false),
            ("1.234", "decimal(9,2)", false),
            ("true", "boolean", true),
            ("1", "boolean", false),
            ("0", "varchar(9)", false),
        ] {
            assert_eq!(constant(text, data_type), fits, "{text} as {data_type}");
        }
    }

    #[test]
    fn types_that_cannot_carry_a_mask_become_null() {
        for data_type in ["date", "boolean", "smallint", "real", "super", "decimal(12,2)", "decimal(5,0)"] {
            assert_eq!(
                transform(&Mask::Hash, data_type.parse().unwrap(), None).unwrap().0,
                Transform::Null,
                "{data_type}"
            );
        }
        let show = Mask::Show { first: 1, last: 0, replace_with: Text::fixed("*") };
        assert_eq!(transform(&show, DataType::Integer, None).unwrap().0, Transform::Null);
        let round = Mask::Round { bucket: Some(10), unit: Some(TimeUnit::Day) };
        assert_eq!(transform(&round, DataType::VarChar(5), None).unwrap().0, Transform::Null);
        assert_eq!(
            transform(&round, DataType::Date, None).unwrap().0,
            Transform::Null,
            "a date rounded to the day is the date"
        );
    }

    #[test]
    fn randomized_response_takes_what_is_meant_for_the_type() {
        let text = |text: &str| Text::new(text).unwrap();
        let all = Randomized {
            categories: Some((vec![text("a"), text("bcd")], 5_000)),
            noise: Some(10),
            noise_days: Some(3),
        };
        let given = |randomized: &Randomized, data_type: &str, key| {
            transform(&Mask::RandomizedResponse(randomized.clone()), data_type.parse().unwrap(), key)
        };
        for (data_type, expected) in [
            ("date", Transform::RandomDate { days: 3, key: 7 }),
            ("timestamp", Transform::RandomDate { days: 3, key: 7 }),
            ("smallint", Transform::RandomNumber { noise: 10, key: 7 }),
            ("decimal(9,2)", Transform::RandomNumber { noise: 1_000, key: 7 }),
            ("double precision", Transform::RandomNumber { noise: 10, key: 7 }),
            ("decimal(38,0)", Transform::Null),
            ("timestamptz", Transform::Null),
            ("boolean", Transform::Null),
        ] {
            assert_eq!(given(&all, data_type, Some(7)).unwrap().0, expected, "{data_type}");
        }
        assert!(matches!(
            given(&all, "varchar(3)", Some(7)).unwrap().0,
            Transform::RandomCategory { truth: 5_000, .. }
        ));
        assert_eq!(given(&all, "varchar(2)", Some(7)).unwrap_err(), Misfit::Constant, "a value that does not fit");
        assert_eq!(given(&all, "integer", None).unwrap_err(), Misfit::NoKey);
        assert_eq!(given(&all, "boolean", None).unwrap().0, Transform::Null, "no key is needed for nothing");
    }

    #[test]
    fn digests_widen_text_and_nothing_else() {
        assert_eq!(transform(&Mask::Hash, DataType::Char(10), None).unwrap().1, DataType::VarChar(64));
        assert_eq!(transform(&Mask::Hash, DataType::VarChar(100), None).unwrap().1, DataType::VarChar(100));
        assert_eq!(transform(&Mask::Hash, DataType::BigInt, None).unwrap().1, DataType::BigInt);
    }
}
