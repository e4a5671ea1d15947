//! Values of rows, their text, and what becomes of them in a column of a type.

use std::fmt;

use time::{Date, PrimitiveDateTime, Time, format_description::BorrowedFormatItem, macros::format_description};

use super::Engine;
use crate::sql::DataType;

/// A value of a row, by what it is and not by how wide its column is.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// `CHAR` or `VARCHAR`. The padding of a `CHAR` is no part of it.
    Text(String),
    /// `SMALLINT`, `INTEGER` or `BIGINT`.
    Int(i64),
    /// `DECIMAL`: so many units of the last digit.
    Decimal {
        /// The number without its point.
        units: i128,
        /// Digits after the point.
        scale: u8,
    },
    /// `REAL`.
    Real(f32),
    /// `DOUBLE PRECISION`.
    Float(f64),
    /// `BOOLEAN`.
    Bool(bool),
    /// `DATE`.
    Date(Date),
    /// `TIME`.
    Time(Time),
    /// `TIMESTAMP`.
    Timestamp(PrimitiveDateTime),
    /// `TIMESTAMPTZ`, in UTC.
    TimestampTz(PrimitiveDateTime),
    /// Any other type; such a value is shown or hidden, and nothing else is done with it.
    Other(String),
}

/// Names the kind only: debug output ends up in logs, and a row's value must not.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Text(_) => "Text(…)",
            Self::Int(_) => "Int(…)",
            Self::Decimal { .. } => "Decimal(…)",
            Self::Real(_) => "Real(…)",
            Self::Float(_) => "Float(…)",
            Self::Bool(_) => "Bool(…)",
            Self::Date(_) => "Date(…)",
            Self::Time(_) => "Time(…)",
            Self::Timestamp(_) => "Timestamp(…)",
            Self::TimestampTz(_) => "TimestampTz(…)",
            Self::Other(_) => "Other(…)",
        })
    }
}

const DATE: &[BorrowedFormatItem<'static>] = format_description!("[year]-[month]-[day]");
const TIME: &[BorrowedFormatItem<'static>] =
    format_description!("[hour]:[minute]:[second][optional [.[subsecond digits:1+]]]");
const MOMENT: &[BorrowedFormatItem<'static>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second][optional [.[subsecond digits:1+]]]");

impl Value {
    /// Reads what a database prints for a value of a type, or `None` where that is no such value. Moments with a zone are
    /// read where the zone is UTC, written `+00` or not at all.
    #[must_use]
    pub fn read(text: &str, data_type: DataType) -> Option<Self> {
        match data_type {
            DataType::SmallInt => text.parse::<i16>().ok().map(|number| Self::Int(number.into())),
            DataType::Integer => text.parse::<i32>().ok().map(|number| Self::Int(number.into())),
            DataType::BigInt => text.parse().ok().map(Self::Int),
            DataType::Decimal { precision, scale } => decimal(text, precision, scale),
            DataType::Real => text.parse().ok().map(Self::Real),
            DataType::DoublePrecision => text.parse().ok().map(Self::Float),
            DataType::Boolean => match text {
                "t" | "true" => Some(Self::Bool(true)),
                "f" | "false" => Some(Self::Bool(false)),
                _ => None,
            },
            DataType::Char(_) => Some(Self::Text(text.trim_end_matches(' ').to_owned())),
            DataType::VarChar(_) => Some(Self::Text(text.to_owned())),
            DataType::Date => Date::parse(text, DATE).ok().map(Self::Date),
            DataType::Time => Time::parse(text, TIME).ok().map(Self::Time),
            DataType::Timestamp => PrimitiveDateTime::parse(text, MOMENT).ok().map(Self::Timestamp),
            DataType::TimestampTz => {
                let text = text.strip_suffix("+00").unwrap_or(text);
                PrimitiveDateTime::parse(text, MOMENT).ok().map(Self::TimestampTz)
            }
            DataType::TimeTz | DataType::Super | DataType::VarByte(_) => Some(Self::Other(text.to_owned())),
        }
    }

    /// The text that is compared, hashed and encrypted: that of texts and of exact numbers, which is the same in every
    /// session. `None` for nulls and for all other types.
    #[must_use]
    pub fn stable_text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Int(number) => Some(number.to_string()),
            Self::Decimal { units, scale } => Some(decimal_text(*units, *scale)),
            _ => None,
        }
    }

    /// Whether it is null or can stand in a column of the type.
    #[must_use]
    pub fn is_of(&self, data_type: DataType) -> bool {
        match (self, data_type) {
            (Self::Null, _)
            | (Self::Text(_), DataType::Char(_) | DataType::VarChar(_))
            | (Self::Int(_), DataType::SmallInt | DataType::Integer | DataType::BigInt)
            | (Self::Real(_), DataType::Real)
            | (Self::Float(_), DataType::DoublePrecision)
            | (Self::Bool(_), DataType::Boolean)
            | (Self::Date(_), DataType::Date)
            | (Self::Time(_), DataType::Time)
            | (Self::Timestamp(_), DataType::Timestamp)
            | (Self::TimestampTz(_), DataType::TimestampTz)
            | (Self::Other(_), DataType::TimeTz | DataType::Super | DataType::VarByte(_)) => true,
            (Self::Decimal { scale, .. }, DataType::Decimal { scale: wanted, .. }) => *scale == wanted,
            _ => false,
        }
    }

    /// What a column of the type shows for it: longer text is cut, and a `CHAR` has its padding taken off.
    #[must_use]
    pub fn shown_as(self, data_type: DataType, engine: Engine) -> Self {
        match (self, data_type) {
            (Self::Text(text), DataType::Char(length)) => {
                Self::Text(engine.cut(&text, length).trim_end_matches(' ').to_owned())
            }
            (Self::Text(text), DataType::VarChar(length)) => Self::Text(engine.cut(&text, length).to_owned()),
            (other, _) => other,
        }
    }
}

/// A number in plain digits as units of the last digit, or `None` where it has more digits than the type.
fn decimal(text: &str, precision: u8, scale: u8) -> Option<Value> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let missing = usize::from(scale).checked_sub(fraction.len())?;
    let digits = format!("{whole}{fraction}{}", "0".repeat(missing));
    if whole.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let units: i128 = digits.parse().ok()?;
    let fits = units <= most_units(precision);
    fits.then_some(Value::Decimal { units: if unsigned.len() == text.len() { units } else { -units }, scale })
}

/// The largest number of a `DECIMAL` of so many digits. One of 19 is stored in eight bytes and ends where they do:
/// <https://docs.aws.amazon.com/redshift/latest/dg/r_Numeric_types201.html>.
pub(super) fn most_units(digits: u8) -> i128 {
    match digits {
        19 => i64::MAX.into(),
        _ => 10_i128.checked_pow(digits.into()).map_or(i128::MAX, |bound| bound - 1),
    }
}

fn decimal_text(units: i128, scale: u8) -> String {
    let scale = usize::from(scale);
    let digits = format!("{:0>width$}", units.unsigned_abs(), width = scale + 1);
    let sign = if units < 0 { "-" } else { "" };
    match digits.split_at_checked(digits.len() - scale) {
        Some((whole, fraction)) if scale > 0 => format!("{sign}{whole}.{fraction}"),
        _ => format!("{sign}{digits}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::{date, datetime, time};

    use super::*;
    use crate::interpret::{Blanks, Lengths};

    fn read(text: &str, data_type: &str) -> Option<Value> {
        Value::read(text, data_type.parse().unwrap())
    }

    #[test]
    fn what_a_database_prints_is_read() {
        for (text, data_type, value) in [
            ("-32768", "smallint", Value::Int(-32768)),
            ("-0.05", "decimal(4,2)", Value::Decimal { units: -5, scale: 2 }),
            ("7", "decimal(4,2)", Value::Decimal { units: 700, scale: 2 }),
            ("1e+30", "real", Value::Real(1e30)),
            ("-0", "double precision", Value::Float(0.0)),
            ("t", "boolean", Value::Bool(true)),
            ("ab  ", "char(4)", Value::Text("ab".into())),
            ("ab  ", "varchar(4)", Value::Text("ab  ".into())),
            ("0001-01-01", "date", Value::Date(date!(0001 - 01 - 01))),
            ("24:00:00", "timetz", Value::Other("24:00:00".into())),
            ("09:08:07.5", "time", Value::Time(time!(09:08:07.5))),
            ("9999-12-31 23:59:59.999999", "timestamp", Value::Timestamp(datetime!(9999-12-31 23:59:59.999999))),
            ("2024-02-29 00:00:00+00", "timestamptz", Value::TimestampTz(datetime!(2024-02-29 0:00))),
        ] {
            assert!(read(text, data_type) == Some(value), "{text} as {data_type}");
        }
    }

    #[test]
    fn what_is_no_such_value_is_not_read() {
        for (text, data_type) in [
            ("32768", "smallint"),
            ("", "decimal(4,2)"),
            (".5", "decimal(4,2)"),
            ("100.00", "decimal(4,2)"),
            ("0.001", "decimal(4,2)"),
            ("9999999999999999999", "decimal(19,0)"),
            ("yes", "boolean"),
            ("2023-02-29", "date"),
            ("2024-01-01 00:00:00+01", "timestamptz"),
        ] {
            assert!(read(text, data_type).is_none(), "{text} as {data_type}");
        }
    }

    #[test]
    fn text_is_cut_where_the_engine_cuts_it() {
        let cut = |lengths| {
            let engine = Engine { blanks: Blanks::Significant, lengths };
            Value::Text("aéz".into()).shown_as(DataType::VarChar(2), engine)
        };
        assert!(cut(Lengths::Characters) == Value::Text("aé".into()));
        assert!(cut(Lengths::Bytes) == Value::Text("a".into()), "half a character is none");
    }

    #[test]
    fn debug_output_holds_no_value() {
        assert_eq!(format!("{:?}", Value::Text("secret".into())), "Text(…)");
    }

    proptest! {
        #[test]
        fn printed_decimals_read_back(units in -999_999_i128..1_000_000, scale in 0_u8..=6) {
            let value = Value::Decimal { units, scale };
            let text = value.stable_text().unwrap();
            prop_assert!(Value::read(&text, DataType::Decimal { precision: 6, scale }) == Some(value), "{text}");
        }
    }
}
