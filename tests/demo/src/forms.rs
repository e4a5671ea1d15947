//! The form of masked values that can't be foretold: what can be said of one by whoever has no key.

use std::collections::BTreeMap;

use time::{Date, format_description::well_known::Iso8601};

/// A form, given the raw value.
#[derive(Debug, Clone, Copy)]
pub enum Form {
    /// 64 hexadecimal digits.
    Hash,
    /// Base64url of a key's number, 16 bytes of tag, and as many bytes as the value has.
    Reversible,
    /// Digits where the value has digits, and the rest as it is.
    Digits,
    /// A number with the sign, the point and as many digits; null where they are fewer than seven.
    Number,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// A number with two decimals, no further away than so many hundredths.
    Within(i64),
    /// A date, no further away than so many days.
    WithinDays(i64),
}

/// Digits that make a million of values, the first of them not being zero.
const ENOUGH_DIGITS: usize = 7;

impl Form {
    /// Whether what is seen of a raw value has the form.
    pub fn fits(self, raw: &str, seen: Option<&str>) -> bool {
        let Some(seen) = seen else {
            return matches!(self, Self::Number) && significant(raw) < ENOUGH_DIGITS;
        };
        match self {
            Self::Hash => seen.len() == 64 && seen.bytes().all(|byte| byte.is_ascii_hexdigit()),
            Self::Reversible => {
                let bytes = 1 + 16 + raw.len();
                let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
                seen.len() == (bytes * 4).div_ceil(3) && seen.bytes().all(is_base64)
            }
            Self::Digits => shape(seen) == shape(raw),
            Self::Number => {
                significant(raw) >= ENOUGH_DIGITS && shape(seen) == shape(raw) && significant(seen) == significant(raw)
            }
            Self::OneOf(values) => values.contains(&seen),
            Self::Within(most) => distance(hundredths(raw), hundredths(seen)).is_some_and(|distance| distance <= most),
            Self::WithinDays(most) => distance(day(raw), day(seen)).is_some_and(|distance| distance <= most),
        }
    }

    /// Whether the value alone decides what is seen, so that equal values stay equal and different ones different. The others
    /// are drawn anew for each row, and the same whenever the row is asked for.
    pub fn follows_value(self) -> bool {
        matches!(self, Self::Hash | Self::Reversible | Self::Digits | Self::Number)
    }

    /// The first fault of a column, of which raw and seen values are given: one without the form, equal values that are no
    /// longer equal, different ones that no longer differ, or that nothing is masked at all.
    pub fn fault<'a>(
        self,
        values: impl Iterator<Item = (&'a Option<String>, &'a Option<String>)>,
    ) -> Option<(String, String)> {
        let (mut masks, mut values_of) = (BTreeMap::new(), BTreeMap::new());
        let (mut clear, mut some) = (true, false);
        for (raw, seen) in values {
            let Some(raw) = raw else { continue };
            if !self.fits(raw, seen.as_deref()) {
                return Some((format!("{self:?} of {raw}"), text(seen)));
            }
            (clear, some) = (clear && seen.as_ref() == Some(raw), true);
            let (true, Some(seen)) = (self.follows_value(), seen) else { continue };
            let before = masks.insert(raw, seen).filter(|before| *before != seen);
            if let Some(before) = before {
                return Some((format!("for {raw} always {before}"), seen.clone()));
            }
            let before = values_of.insert(seen, raw).filter(|before| *before != raw);
            if let Some(before) = before {
                return Some((format!("for {before} another value than for {raw}"), seen.clone()));
            }
        }
        (clear && some).then(|| ("masked values".to_owned(), "every value as it is".to_owned()))
    }
}

/// A value as text, a null too.
pub fn text(value: &Option<String>) -> String {
    value.clone().unwrap_or_else(|| "null".to_owned())
}

/// A text with every digit alike.
fn shape(text: &str) -> String {
    text.chars().map(|character| if character.is_ascii_digit() { '0' } else { character }).collect()
}

/// Digits from the first that isn't zero.
fn significant(number: &str) -> usize {
    let digits = number.chars().filter(char::is_ascii_digit);
    digits.skip_while(|digit| *digit == '0').count()
}

fn hundredths(number: &str) -> Option<i64> {
    let (whole, part) = number.split_once('.').filter(|(_, part)| part.len() == 2)?;
    format!("{whole}{part}").parse().ok()
}

fn day(date: &str) -> Option<i64> {
    Date::parse(date, &Iso8601::DATE).ok().map(|date| i64::from(date.to_julian_day()))
}

fn distance(one: Option<i64>, other: Option<i64>) -> Option<i64> {
    Some((one? - other?).abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_tell_masked_from_clear_and_from_nonsense() {
        let hash = "0f".repeat(32);
        let (reversible, short) = ("A".repeat(43), "A".repeat(42));
        let phone = "12-970-682-3487";
        for (form, raw, seen, fits) in [
            (Form::Hash, "Ann", Some(hash.as_str()), true),
            (Form::Hash, "Ann", Some("Ann"), false),
            (Form::Hash, "Ann", None, false),
            (Form::Reversible, phone, Some(reversible.as_str()), true),
            (Form::Reversible, phone, Some(&short), false),
            (Form::Reversible, phone, Some(phone), false),
            (Form::Digits, phone, Some("55-123-000-9999"), true),
            (Form::Digits, phone, Some("55-1230-00-9999"), false),
            (Form::Number, "-173665.47", Some("-903371.02"), true),
            (Form::Number, "173665.47", Some("-903371.02"), false),
            (Form::Number, "173665.47", Some("003371.02"), false),
            (Form::Number, "173665.47", None, false),
            (Form::Number, "1736.47", None, true),
            (Form::Number, "1736.47", Some("9182.00"), false),
            (Form::OneOf(&["a", "b"]), "a", Some("b"), true),
            (Form::OneOf(&["a", "b"]), "a", Some("c"), false),
            (Form::Within(500), "-1.00", Some("4.00"), true),
            (Form::Within(500), "-1.00", Some("4.01"), false),
            (Form::Within(500), "-1.00", Some("4"), false),
            (Form::WithinDays(14), "2026-02-20", Some("2026-03-06"), true),
            (Form::WithinDays(14), "2026-02-20", Some("2026-03-07"), false),
        ] {
            assert_eq!(form.fits(raw, seen), fits, "{form:?} {raw} {seen:?}");
        }
    }

    #[test]
    fn equal_values_must_stay_equal_and_different_ones_different() {
        let fault = |form: Form, values: &[(&str, &str)]| {
            let values: Vec<_> =
                values.iter().map(|(raw, seen)| (Some((*raw).to_owned()), Some((*seen).to_owned()))).collect();
            form.fault(values.iter().map(|(raw, seen)| (raw, seen))).map(|(expected, _)| expected)
        };
        assert_eq!(fault(Form::Digits, &[("1", "2"), ("2", "3"), ("1", "2")]), None);
        assert_eq!(fault(Form::Digits, &[("1", "2"), ("1", "3")]).unwrap(), "for 1 always 2");
        assert_eq!(fault(Form::Digits, &[("1", "3"), ("2", "3")]).unwrap(), "for 1 another value than for 2");
        assert_eq!(fault(Form::Digits, &[("1", "1"), ("2", "2")]).unwrap(), "masked values");
        assert_eq!(fault(Form::OneOf(&["a", "b"]), &[("a", "a"), ("a", "b"), ("b", "b")]), None);
        assert_eq!(fault(Form::OneOf(&["a", "b"]), &[("a", "x")]).unwrap(), "OneOf([\"a\", \"b\"]) of a");
    }
}
