//! The units of `DATE_TRUNC`.

use crate::model::policy::TimeUnit;

const UNITS: [TimeUnit; 6] =
    [TimeUnit::Hour, TimeUnit::Day, TimeUnit::Week, TimeUnit::Month, TimeUnit::Quarter, TimeUnit::Year];

/// The unit of a name; case does not count.
pub(super) fn find(name: &str) -> Option<TimeUnit> {
    UNITS.into_iter().find(|unit| unit.as_str().eq_ignore_ascii_case(name))
}
