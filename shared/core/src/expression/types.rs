//! What types can be compared, joined, computed and cast without an error on any value.
//!
//! Whole numbers and decimals are *exact*: computed in `DECIMAL`, whose results have the digits that
//! <https://docs.aws.amazon.com/redshift/latest/dg/r_numeric_computations201.html> says. As long as these are at most 38,
//! nothing can overflow.

use crate::sql::{
    DataType,
    number::{self, MAX_DIGITS},
};

/// What of a type matters for what can be done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Text,
    Exact,
    Float,
    Boolean,
    Date,
    Timestamp,
    TimestampTz,
}

impl Class {
    /// The class, or none for a type that takes no part in expressions.
    pub(super) fn of(data_type: DataType) -> Option<Self> {
        match data_type {
            DataType::Char(_) | DataType::VarChar(_) => Some(Self::Text),
            DataType::SmallInt | DataType::Integer | DataType::BigInt | DataType::Decimal { .. } => Some(Self::Exact),
            DataType::Real | DataType::DoublePrecision => Some(Self::Float),
            DataType::Boolean => Some(Self::Boolean),
            DataType::Date => Some(Self::Date),
            DataType::Timestamp => Some(Self::Timestamp),
            DataType::TimestampTz => Some(Self::TimestampTz),
            DataType::Time | DataType::TimeTz | DataType::Super | DataType::VarByte(_) => None,
        }
    }

    /// In words.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Exact => "a number",
            Self::Float => "a floating-point number",
            Self::Boolean => "a condition",
            Self::Date => "a date",
            Self::Timestamp => "a timestamp",
            Self::TimestampTz => "a timestamp with time zone",
        }
    }
}

/// A type in words, for messages.
pub(super) fn in_words(data_type: DataType) -> String {
    Class::of(data_type).map_or_else(|| data_type.to_string(), |class| format!("{} ({data_type})", class.as_str()))
}

/// Digits of an exact type before and after the point.
///
/// `BIGINT` counts as 20 digits: a `DECIMAL(19,0)` of Redshift can't hold the least of its values
/// (<https://docs.aws.amazon.com/redshift/latest/dg/r_Numeric_types201.html>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Digits {
    pub(super) whole: u8,
    pub(super) scale: u8,
}

impl Digits {
    pub(super) fn of(data_type: DataType) -> Option<Self> {
        let (whole, scale) = match data_type {
            DataType::SmallInt => (5, 0),
            DataType::Integer => (10, 0),
            DataType::BigInt => (20, 0),
            DataType::Decimal { precision, scale } => (precision.saturating_sub(scale), scale),
            _ => return None,
        };
        Some(Self { whole, scale })
    }

    /// The digits in which both are compared. An engine widens the shortest whole numbers to those of an `INTEGER`.
    pub(super) fn compared(self, other: Self) -> Self {
        let widened = |digits: Self| if digits.scale == 0 { digits.whole.max(10) } else { digits.whole };
        Self { whole: widened(self).max(widened(other)), scale: self.scale.max(other.scale) }
    }

    /// The digits that hold both.
    pub(super) fn common(self, other: Self) -> Self {
        Self { whole: self.whole.max(other.whole), scale: self.scale.max(other.scale) }
    }

    /// The digits of a sum or a difference.
    pub(super) fn sum(self, other: Self) -> Self {
        let common = self.common(other);
        Self { whole: common.whole + 1, scale: common.scale }
    }

    /// The digits of a product.
    pub(super) fn product(self, other: Self) -> Self {
        Self { whole: self.whole + other.whole + 1, scale: self.scale + other.scale }
    }

    /// A type with room for them, or how many digits are too many.
    pub(super) fn decimal(self) -> Result<DataType, u8> {
        let total = self.whole + self.scale;
        if total > MAX_DIGITS || self.scale >= MAX_DIGITS {
            return Err(total);
        }
        Ok(number::decimal(self.whole, self.scale))
    }
}

/// Whether every value of one exact type, once the digits after the point are cut to those of the other, is one of the other.
pub(super) fn fits(from: DataType, to: DataType) -> bool {
    let (Some(from_digits), Some(to_digits)) = (Digits::of(from), Digits::of(to)) else {
        return false;
    };
    let whole = |data_type| match data_type {
        DataType::SmallInt => Some(1),
        DataType::Integer => Some(2),
        DataType::BigInt => Some(3),
        _ => None,
    };
    match (whole(from), whole(to)) {
        (Some(from), Some(to)) => from <= to,
        // Nines in all places but the first fit a binary type.
        (None, Some(3)) => from_digits.whole <= 18,
        (None, Some(_)) => from_digits.whole < to_digits.whole,
        // A `DECIMAL` of 19 digits does not hold all of them, but those of another one.
        (_, None) if to_digits.whole + to_digits.scale == 19 => {
            let another = from_digits.whole + from_digits.scale <= 19 && from_digits.scale >= to_digits.scale;
            from_digits.whole < to_digits.whole || (another && from_digits.whole == to_digits.whole)
        }
        (_, None) => from_digits.whole <= to_digits.whole,
    }
}

/// Bytes that the text of an exact type needs: digits, a sign, and a point with a digit before it.
pub(super) fn text_bytes(digits: Digits, data_type: DataType) -> u32 {
    let whole = if data_type == DataType::BigInt { 19 } else { digits.whole.max(1) };
    let point = u32::from(digits.scale > 0);
    u32::from(whole) + u32::from(digits.scale) + point + 1
}

/// Whether a column's text is the same whatever the session's settings, so that it can be compared with what users have.
pub(super) fn has_stable_text(data_type: DataType) -> bool {
    match Class::of(data_type) {
        Some(Class::Text) => true,
        Some(Class::Exact) => Digits::of(data_type).is_some_and(|digits| digits.scale == 0),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_without_looking_at_a_value() {
        for (from, to, expected) in [
            ("smallint", "integer", true),
            ("integer", "smallint", false),
            ("decimal(4,0)", "smallint", true),
            ("decimal(5,0)", "smallint", false),
            ("decimal(9,3)", "integer", true),
            ("decimal(10,0)", "integer", false),
            ("decimal(18,0)", "bigint", true),
            ("decimal(19,0)", "bigint", false),
            ("bigint", "decimal(19,0)", false),
            ("bigint", "decimal(20,0)", true),
            ("decimal(20,1)", "decimal(19,0)", false),
            ("decimal(19,1)", "decimal(19,1)", true),
            ("decimal(18,0)", "decimal(19,1)", false),
            ("decimal(18,1)", "decimal(19,1)", true),
            ("integer", "decimal(12,2)", true),
            ("integer", "decimal(11,2)", false),
            ("decimal(12,4)", "decimal(10,2)", true),
            ("decimal(12,4)", "decimal(9,2)", false),
            ("real", "integer", false),
        ] {
            assert_eq!(fits(from.parse().unwrap(), to.parse().unwrap()), expected, "{from} to {to}");
        }
    }

    #[test]
    fn texts_of_numbers_have_room() {
        for (data_type, longest) in [
            ("smallint", "-32768"),
            ("integer", "-2147483648"),
            ("bigint", "-9223372036854775808"),
            ("decimal(4,2)", "-99.99"),
            ("decimal(2,2)", "-0.99"),
            ("decimal(38,0)", "-99999999999999999999999999999999999999"),
        ] {
            let data_type = data_type.parse().unwrap();
            let digits = Digits::of(data_type).unwrap();
            assert_eq!(text_bytes(digits, data_type) as usize, longest.len(), "{longest}");
        }
    }
}
