//! Exact numbers as they stand in SQL: digits, perhaps a point, perhaps a minus.

use std::fmt;

use super::DataType;

/// Most digits of a `DECIMAL`: <https://docs.aws.amazon.com/redshift/latest/dg/r_Numeric_types201.html>.
pub const MAX_DIGITS: u8 = 38;
/// Digits of the one precision that is not full: a `DECIMAL(19,s)` is stored in eight bytes, and ends where they do.
const EIGHT_BYTES: u8 = 19;
/// The digits of the largest number that eight bytes hold.
const LARGEST: &str = "9223372036854775807";
/// Most digits of a `DECIMAL` after the point.
const MAX_SCALE: usize = 37;

/// A number literal that a `DECIMAL` can hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number {
    negative: bool,
    /// Digits before the point, without leading zeros; empty for zero.
    whole: Box<str>,
    /// Digits after the point.
    fraction: Box<str>,
}

impl Number {
    /// A number from its digits before and after the point; `None` when there are others than digits, or too many.
    #[must_use]
    pub fn new(whole: &str, fraction: &str) -> Option<Self> {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let whole = whole.trim_start_matches('0');
        let fits = whole.len() + fraction.len() <= usize::from(MAX_DIGITS) && fraction.len() <= MAX_SCALE;
        (fits && digits(whole) && digits(fraction)).then(|| Self {
            negative: false,
            whole: whole.into(),
            fraction: fraction.into(),
        })
    }

    /// The largest number of a `DECIMAL`.
    #[must_use]
    pub(crate) fn largest(precision: u8, scale: u8) -> Self {
        let digits = if precision == EIGHT_BYTES { LARGEST.to_owned() } else { "9".repeat(precision.into()) };
        let (whole, fraction) = digits.split_at_checked(precision.saturating_sub(scale).into()).unwrap_or_default();
        Self { negative: false, whole: whole.into(), fraction: fraction.into() }
    }

    /// The number with the other sign; zero has none.
    #[must_use]
    pub fn negated(mut self) -> Self {
        let zero = self.whole.is_empty() && self.fraction.bytes().all(|byte| byte == b'0');
        self.negative = !self.negative && !zero;
        self
    }

    /// Whether it is below zero.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        self.negative
    }

    /// Digits before the point; none for a number between -1 and 1.
    #[must_use]
    pub fn whole_digits(&self) -> u8 {
        u8::try_from(self.whole.len()).unwrap_or(MAX_DIGITS)
    }

    /// Digits after the point.
    #[must_use]
    pub fn scale(&self) -> u8 {
        u8::try_from(self.fraction.len()).unwrap_or(MAX_DIGITS)
    }

    /// A type that holds it: the smallest, but never a `DECIMAL` of 19 digits, which does not hold all of them.
    #[must_use]
    pub fn data_type(&self) -> DataType {
        let integer = if self.fraction.is_empty() { self.to_string().parse::<i64>().ok() } else { None };
        match integer {
            Some(value) if i16::try_from(value).is_ok() => DataType::SmallInt,
            Some(value) if i32::try_from(value).is_ok() => DataType::Integer,
            // The least of all is read as the opposite of a number that is one too large.
            Some(value) if value > i64::MIN => DataType::BigInt,
            _ => decimal(self.whole_digits().max(1), self.scale()),
        }
    }
}

/// A `DECIMAL` that holds every number of so many digits before and after the point.
#[must_use]
pub(crate) fn decimal(whole: u8, scale: u8) -> DataType {
    let precision = whole.saturating_add(scale).max(1);
    let precision = if precision == EIGHT_BYTES { precision + 1 } else { precision };
    DataType::Decimal { precision, scale }
}

/// As SQL writes it, and people.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.negative { "-" } else { "" };
        let whole = if self.whole.is_empty() { "0" } else { &self.whole };
        match &*self.fraction {
            "" => write!(f, "{sign}{whole}"),
            fraction => write!(f, "{sign}{whole}.{fraction}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_kept_as_digits() {
        for (whole, fraction, printed, data_type) in [
            ("007", "", "7", "SMALLINT"),
            ("0", "", "0", "SMALLINT"),
            ("32768", "", "32768", "INTEGER"),
            ("9223372036854775807", "", "9223372036854775807", "BIGINT"),
            ("9223372036854775808", "", "9223372036854775808", "DECIMAL(20,0)"),
            ("12345678901234567", "89", "12345678901234567.89", "DECIMAL(20,2)"),
            ("0", "50", "0.50", "DECIMAL(3,2)"),
            ("12", "5", "12.5", "DECIMAL(3,1)"),
        ] {
            let number = Number::new(whole, fraction).unwrap();
            assert_eq!(
                (number.to_string(), number.data_type().to_string()),
                (printed.to_owned(), data_type.to_owned())
            );
        }
        assert_eq!(Number::new(&"9".repeat(39), ""), None);
        assert_eq!(Number::new("", &"0".repeat(38)), None);
        assert_eq!(Number::new("1e5", ""), None);
    }

    #[test]
    fn the_largest_number_of_19_digits_ends_with_eight_bytes() {
        assert_eq!(Number::largest(5, 2).to_string(), "999.99");
        assert_eq!(Number::largest(2, 2).to_string(), "0.99");
        assert_eq!(Number::largest(19, 4).to_string(), "922337203685477.5807");
        assert_eq!(Number::largest(20, 0).to_string(), "99999999999999999999");
    }

    #[test]
    fn zero_has_no_sign() {
        assert_eq!(Number::new("0", "00").unwrap().negated().to_string(), "0.00");
        assert_eq!(Number::new("1", "").unwrap().negated().to_string(), "-1");
        assert_eq!(Number::new("1", "").unwrap().negated().negated().to_string(), "1");
    }
}
