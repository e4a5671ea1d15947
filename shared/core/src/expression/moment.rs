//! Dates and timestamps written out.

use time::{Date, Month, PrimitiveDateTime, Time};

use crate::sql::Text;

/// Reads exactly `YYYY-MM-DD`.
pub(super) fn date(text: &Text) -> Option<Date> {
    let [year, month, day] = numbers(text.as_str(), &[4, 2, 2], "--")?;
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    // PostgreSQL and Redshift count the year before 1 as 1 BC and refuse 0.
    if year == 0 {
        return None;
    }
    Date::from_calendar_date(i32::from(year), month, u8::try_from(day).ok()?).ok()
}

/// Reads exactly `YYYY-MM-DD HH:MM:SS`.
pub(super) fn timestamp(text: &Text) -> Option<PrimitiveDateTime> {
    let (day, clock) = text.as_str().split_once(' ')?;
    let day = date(&Text::new(day).ok()?)?;
    let [hour, minute, second] = numbers(clock, &[2, 2, 2], "::")?;
    let byte = |number: u16| u8::try_from(number).ok();
    Some(PrimitiveDateTime::new(day, Time::from_hms(byte(hour)?, byte(minute)?, byte(second)?).ok()?))
}

/// Three numbers of so many digits each, with these marks between them.
fn numbers(text: &str, digits: &[usize; 3], marks: &str) -> Option<[u16; 3]> {
    let mut rest = text;
    let mut numbers = [0; 3];
    let mut marks = marks.chars();
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let (head, tail) = rest.split_at_checked(*digits)?;
        if !head.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *number = head.parse().ok()?;
        rest = match marks.next() {
            Some(mark) => tail.strip_prefix(mark)?,
            None => tail,
        };
    }
    rest.is_empty().then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_days_and_moments_that_exist_are_read() {
        let text = |text: &str| Text::new(text).unwrap();
        for (written, exists) in [
            ("2024-02-29", true),
            ("2023-02-29", false),
            ("0001-01-01", true),
            ("0000-01-01", false),
            ("9999-12-31", true),
            ("2024-1-1", false),
            ("2024-01-01 ", false),
            ("+024-01-01", false),
            ("２024-01-01", false),
        ] {
            assert_eq!(date(&text(written)).is_some(), exists, "{written}");
        }
        for (written, exists) in [
            ("2024-02-29 23:59:59", true),
            ("2024-02-29 24:00:00", false),
            ("2024-02-29 23:59:60", false),
            ("2024-02-29T23:59:59", false),
            ("2024-02-29 23:59:59.5", false),
            ("2024-02-29", false),
        ] {
            assert_eq!(timestamp(&text(written)).is_some(), exists, "{written}");
        }
    }
}
