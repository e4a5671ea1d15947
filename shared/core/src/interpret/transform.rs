//! What a transform makes of one value.

use time::{Date, Duration, Month, PrimitiveDateTime, Time, macros::date};

use super::{
    digest::{number, sha256},
    error::InterpretError,
    scope::{Row, Scope},
    value::{Value, most_units},
};
use crate::{
    model::policy::{RegexEngine, RegexMask, TimeUnit},
    plan::{PlannedColumn, Transform},
    sql::DataType,
};

impl Scope<'_> {
    /// What a transform makes of a column's value in a row, before it takes the shown type.
    pub(super) fn transformed(
        &self,
        transform: &Transform,
        column: &PlannedColumn,
        value: &Value,
        row: Row<'_>,
    ) -> Result<Value, InterpretError> {
        let misfit = || InterpretError::Misfit(column.name.as_str().to_owned());
        // Whatever is made of a null is a null, except where the value plays no part.
        match transform {
            Transform::Clear => return Ok(value.clone()),
            Transform::Null => return Ok(Value::Null),
            // In a column that was widened, a text keeps the blanks it ends with.
            Transform::Constant(text) if column.declared.text_bytes().is_some() => {
                return Ok(Value::Text(text.as_str().to_owned()));
            }
            Transform::Constant(text) => return Value::read(text.as_str(), column.declared).ok_or_else(misfit),
            Transform::Custom(bound) => return self.value(bound, row),
            _ if *value == Value::Null => return Ok(Value::Null),
            _ => {}
        }
        let text = || value.stable_text().ok_or_else(misfit);
        match transform {
            Transform::HashText => Ok(match self.hash_salt() {
                None => Value::Null,
                Some(salt) => Value::Text(sha256(&[salt, &text()?])),
            }),
            Transform::HashInteger { modulus } => match self.hash_salt() {
                None => Ok(Value::Null),
                Some(salt) => {
                    let number = number(&sha256(&[salt, &text()?]), 0, *modulus);
                    match column.declared {
                        DataType::Decimal { scale, .. } => Ok(Value::Decimal { units: number.into(), scale }),
                        _ => Ok(Value::Int(number)),
                    }
                }
            },
            Transform::RoundNumber { bucket, .. } => round(value, *bucket).ok_or_else(misfit),
            Transform::RoundTime(unit) => round_time(value, *unit).ok_or_else(misfit),
            Transform::Show { first, last, replace_with } => {
                Ok(Value::Text(show(&text()?, *first, *last, replace_with.as_str())))
            }
            Transform::Regex(mask) => self.regex(mask, &text()?, column),
            Transform::Reversible => {
                self.call("mask_reversible", &[Some(&text()?), self.token(), self.source(), named(column)], column)
            }
            Transform::FormatPreserving { alphabet } => {
                let arguments = [Some(&*text()?), self.token(), self.source(), named(column), Some(alphabet.as_str())];
                self.call("mask_format_preserving", &arguments, column)
            }
            Transform::FormatPreservingNumber { most } => {
                let arguments = [Some(&*text()?), self.token(), self.source(), named(column), Some(most.as_str())];
                self.call("mask_format_preserving_number", &arguments, column)
            }
            Transform::RandomCategory { values, truth, key } => {
                let Some(digest) = self.random_digest(column, *key, row)? else { return Ok(Value::Null) };
                if number(&digest, 0, 10_000) < i64::from(*truth) {
                    return Ok(value.clone());
                }
                let count = i64::try_from(values.len()).unwrap_or(i64::MAX);
                let chosen = usize::try_from(number(&digest, 1, count)).unwrap_or_default();
                values.get(chosen).map(|chosen| Value::Text(chosen.as_str().to_owned())).ok_or_else(misfit)
            }
            Transform::RandomNumber { noise, key } => {
                let Some(digest) = self.random_digest(column, *key, row)? else { return Ok(Value::Null) };
                noisy(value, &digest, *noise, column.declared).ok_or_else(misfit)
            }
            Transform::RandomDate { days, key } => {
                let Some(digest) = self.random_digest(column, *key, row)? else { return Ok(Value::Null) };
                noisy_day(value, &digest, *days).ok_or_else(misfit)
            }
            Transform::Clear | Transform::Null | Transform::Constant(_) | Transform::Custom(_) => Ok(Value::Null),
        }
    }

    /// The digest that a cell's random draws are made of, the same whenever it is asked for; `None` without a key or token.
    fn random_digest(
        &self,
        column: &PlannedColumn,
        key: usize,
        row: Row<'_>,
    ) -> Result<Option<String>, InterpretError> {
        let key = row.value(key)?;
        let text = key.stable_text();
        if text.is_none() && *key != Value::Null {
            return Err(InterpretError::Misfit(column.name.as_str().to_owned()));
        }
        Ok(text.zip(self.token()).map(|(key, token)| sha256(&[token, "random:", column.name.as_str(), ":", &key])))
    }

    fn regex(&self, mask: &RegexMask, text: &str, column: &PlannedColumn) -> Result<Value, InterpretError> {
        match mask.engine {
            RegexEngine::Lambda => {
                let every = if mask.first_only { "" } else { "g" };
                let flags = format!("{every}{}", if mask.ignore_case { "i" } else { "" });
                let arguments =
                    [Some(text), Some(mask.pattern.as_str()), Some(mask.replace_with.as_str()), Some(&*flags)];
                self.call("mask_regex", &arguments, column)
            }
            RegexEngine::Redshift => {
                let regex = regex_lite::Regex::new(mask.pattern.as_str())?;
                let replaced = regex.replace_all(text, regex_lite::NoExpand(mask.replace_with.as_str()));
                Ok(Value::Text(replaced.into_owned()))
            }
        }
    }

    /// Calls a function that the mask Lambda serves.
    fn call(
        &self,
        function: &'static str,
        arguments: &[Option<&str>],
        column: &PlannedColumn,
    ) -> Result<Value, InterpretError> {
        let name = || column.name.as_str().to_owned();
        let failed = |message| InterpretError::Function { function, column: name(), message };
        match self.functions().call(function, arguments).map_err(failed)? {
            None => Ok(Value::Null),
            Some(text) if column.shown.text_bytes().is_some() => Ok(Value::Text(text)),
            Some(text) => {
                Value::read(&text, column.declared).ok_or_else(|| InterpretError::Result { function, column: name() })
            }
        }
    }
}

fn named(column: &PlannedColumn) -> Option<&str> {
    Some(column.name.as_str())
}

/// From here on inexact numbers are not rounded but null.
const MOST_ROUNDED: f64 = 1e300;

/// A number to a multiple of the bucket, towards zero.
fn round(value: &Value, bucket: i64) -> Option<Value> {
    #[expect(clippy::cast_precision_loss, reason = "inexact types are rounded inexactly")]
    let wide = bucket as f64;
    Some(match value {
        Value::Int(number) => Value::Int(number - number.checked_rem(bucket)?),
        Value::Decimal { units, scale } => {
            let bucket = i128::from(bucket).checked_mul(10_i128.checked_pow((*scale).into())?)?;
            Value::Decimal { units: units - units.checked_rem(bucket)?, scale: *scale }
        }
        // So large a number times a bucket may be none.
        Value::Float(number) if number.abs() < MOST_ROUNDED => Value::Float((number / wide).trunc() * wide),
        Value::Float(_) => Value::Null,
        Value::Real(number) if number.is_finite() => Value::Real(narrow((f64::from(*number) / wide).trunc() * wide)),
        Value::Real(_) => Value::Null,
        _ => return None,
    })
}

#[expect(clippy::cast_possible_truncation, reason = "a REAL is as exact as it is")]
fn narrow(number: f64) -> f32 {
    number as f32
}

/// A moment down to a unit.
fn round_time(value: &Value, unit: TimeUnit) -> Option<Value> {
    Some(match value {
        Value::Date(date) => Value::Date(down(PrimitiveDateTime::new(*date, Time::MIDNIGHT), unit)?.date()),
        Value::Timestamp(moment) => Value::Timestamp(down(*moment, unit)?),
        Value::TimestampTz(moment) => Value::TimestampTz(down(*moment, unit)?),
        _ => return None,
    })
}

pub(super) fn down(moment: PrimitiveDateTime, unit: TimeUnit) -> Option<PrimitiveDateTime> {
    let date = moment.date();
    let first_of = |month: Month| Date::from_calendar_date(date.year(), month, 1).ok();
    let day = match unit {
        TimeUnit::Hour => {
            let hour = Time::from_hms(moment.hour(), 0, 0).ok()?;
            return Some(PrimitiveDateTime::new(date, hour));
        }
        TimeUnit::Day => date,
        TimeUnit::Week => date.checked_sub(Duration::days(date.weekday().number_days_from_monday().into()))?,
        TimeUnit::Month => first_of(date.month())?,
        TimeUnit::Quarter => {
            let month = u8::from(date.month());
            first_of(Month::try_from(month - (month - 1) % 3).ok()?)?
        }
        TimeUnit::Year => first_of(Month::January)?,
    };
    Some(PrimitiveDateTime::new(day, Time::MIDNIGHT))
}

/// First and last characters shown, each of the others replaced. What would be shown whole is hidden whole.
fn show(text: &str, first: u32, last: u32, replace_with: &str) -> String {
    let length = text.chars().count();
    let [first, last] = [first, last].map(|shown| usize::try_from(shown).unwrap_or(usize::MAX));
    if first.saturating_add(last) >= length {
        return replace_with.repeat(length);
    }
    let start: String = text.chars().take(first).collect();
    let end: String = text.chars().skip(length - last).collect();
    format!("{start}{}{end}", replace_with.repeat(length - first - last))
}

/// A number and some noise, within what the type carries.
fn noisy(value: &Value, digest: &str, noise: i64, data_type: DataType) -> Option<Value> {
    let whole = || i128::from(number(digest, 0, noise.saturating_mul(2).saturating_add(1)) - noise);
    let within = |sum: i128, most: i128| sum.clamp(-most, most);
    let int = |number: i64, most: i64| i64::try_from(within(i128::from(number) + whole(), most.into())).ok();
    Some(match (value, data_type) {
        (Value::Int(number), DataType::SmallInt) => Value::Int(int(*number, i16::MAX.into())?),
        (Value::Int(number), DataType::Integer) => Value::Int(int(*number, i32::MAX.into())?),
        (Value::Int(number), DataType::BigInt) => Value::Int(int(*number, i64::MAX)?),
        (Value::Decimal { units, scale }, DataType::Decimal { precision, .. }) => {
            Value::Decimal { units: within(units + whole(), most_units(precision)), scale: *scale }
        }
        (Value::Float(number), _) => Value::Float(number + share_of_noise(digest, noise)),
        (Value::Real(number), _) => Value::Real(narrow(f64::from(*number) + share_of_noise(digest, noise))),
        _ => return None,
    })
}

/// Noise in so many steps that they can't be seen.
fn share_of_noise(digest: &str, noise: i64) -> f64 {
    const STEPS: i64 = 1_000_000;
    let step = number(digest, 0, 2 * STEPS + 1) - STEPS;
    #[expect(clippy::cast_precision_loss, reason = "inexact types are noised inexactly")]
    let share = (step as f64) * (noise as f64) / (STEPS as f64);
    share
}

/// A day and some days; null for days from which the noise could lead out of the calendar. A moment loses its time of day.
fn noisy_day(value: &Value, digest: &str, days: u32) -> Option<Value> {
    let day = match value {
        Value::Date(date) => *date,
        Value::Timestamp(moment) => moment.date(),
        _ => return None,
    };
    if !(date!(0101 - 01 - 01)..=date!(9899 - 12 - 31)).contains(&day) {
        return Some(Value::Null);
    }
    let days = i64::from(days);
    let shifted = day.checked_add(Duration::days(number(digest, 0, 2 * days + 1) - days))?;
    Some(match value {
        Value::Timestamp(_) => Value::Timestamp(PrimitiveDateTime::new(shifted, Time::MIDNIGHT)),
        _ => Value::Date(shifted),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_value_that_would_be_shown_whole_is_hidden_whole() {
        assert_eq!(show("12345", 0, 2, "*"), "***45");
        assert_eq!(show("ab𐍈de", 1, 1, "#"), "a###e");
        assert_eq!(show("ab", 1, 1, "*"), "**");
        assert_eq!(show("", 1, 0, "*"), "");
        assert_eq!(show("abc", u32::MAX, u32::MAX, "*"), "***");
    }

    #[test]
    fn numbers_are_rounded_towards_zero() {
        assert!(round(&Value::Int(-17), 10) == Some(Value::Int(-10)));
        assert!(round(&Value::Int(i64::MIN), i64::MAX) == Some(Value::Int(-i64::MAX)));
        let decimal = |units| Value::Decimal { units, scale: 2 };
        assert!(round(&decimal(-1_999), 10) == Some(decimal(-1_000)));
        assert!(round(&Value::Float(-19.9), 10) == Some(Value::Float(-10.0)));
        assert!(round(&Value::Bool(true), 10).is_none());
        assert!(round(&Value::Float(5e-324), 3) == Some(Value::Float(0.0)));
        for number in [f64::MAX, f64::NEG_INFINITY, f64::NAN] {
            assert!(round(&Value::Float(number), 3) == Some(Value::Null), "{number} has no multiple near it");
        }
    }

    #[test]
    fn moments_are_rounded_down() {
        for (unit, rounded) in [
            (TimeUnit::Hour, datetime!(2024-02-29 23:00)),
            (TimeUnit::Day, datetime!(2024-02-29 0:00)),
            (TimeUnit::Week, datetime!(2024-02-26 0:00)),
            (TimeUnit::Month, datetime!(2024-02-01 0:00)),
            (TimeUnit::Quarter, datetime!(2024-01-01 0:00)),
            (TimeUnit::Year, datetime!(2024-01-01 0:00)),
        ] {
            assert_eq!(down(datetime!(2024-02-29 23:59:59.999999), unit), Some(rounded), "{unit:?}");
        }
        assert_eq!(down(datetime!(0001-01-07 1:00), TimeUnit::Week), Some(datetime!(0001-01-01 0:00)));
    }

    #[test]
    fn noise_stays_within_the_type_and_the_calendar() {
        // The first fifteen digits are the greatest number there is: the most noise, or nearly.
        let digest = sha256(&["x"]);
        let noise = number(&digest, 0, 201) - 100;
        assert!(noisy(&Value::Int(5), &digest, 100, DataType::SmallInt) == Some(Value::Int(5 + noise)));
        let most = i64::from(i16::MAX);
        assert!(
            noisy(&Value::Int(-most - 1), &digest, 1, DataType::SmallInt)
                .is_some_and(|noisy| { matches!(noisy, Value::Int(number) if (-most..=-most + 1).contains(&number)) })
        );
        let early = Value::Date(date!(0100 - 12 - 31));
        assert!(noisy_day(&early, &digest, 1) == Some(Value::Null));
        let moment = Value::Timestamp(datetime!(2024-05-05 5:05));
        assert!(
            matches!(noisy_day(&moment, &digest, 3), Some(Value::Timestamp(shifted)) if shifted.time() == Time::MIDNIGHT)
        );
    }

    proptest! {
        #[test]
        fn what_is_shown_is_as_long_as_the_value(text in "\\PC{0,12}", first in 0_u32..6, last in 0_u32..6) {
            let shown = show(&text, first, last, "*");
            prop_assert_eq!(shown.chars().count(), text.chars().count());
            let whole = u32::try_from(text.chars().count()).unwrap() <= first + last;
            prop_assert!(!whole || shown.chars().all(|c| c == '*'));
        }
    }
}
