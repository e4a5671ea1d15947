//! Whether a row may be seen.

use time::{Duration, PrimitiveDateTime, Time};

use super::{
    digest::{number, sha256},
    error::InterpretError,
    meets,
    scope::{Row, Scope},
    value::Value,
};
use crate::plan::{PlannedRows, RowMatch, RowTest};

impl Scope<'_> {
    /// Whether a row passes a condition: by the first case that the viewer meets, else by the rest.
    pub(super) fn passes(&self, rows: &PlannedRows, row: Row<'_>) -> Result<bool, InterpretError> {
        let case = rows.cases.iter().find(|(condition, _)| meets(condition, self.profile));
        self.test(case.map_or(&rows.otherwise, |(_, test)| test), row)
    }

    /// Whether a row passes a test. What is unknown does not pass.
    fn test(&self, test: &RowTest, row: Row<'_>) -> Result<bool, InterpretError> {
        match test {
            RowTest::All => Ok(true),
            RowTest::None => Ok(false),
            RowTest::While(condition) => Ok(meets(condition, self.profile)),
            RowTest::Match(wanted) => self.matches(wanted, row),
            RowTest::Where(predicate) => self.is_true(predicate, row),
            RowTest::TimeWindow { column, newer_than, older_than } => {
                let moment = match row.value(*column)? {
                    Value::Date(date) => PrimitiveDateTime::new(*date, Time::MIDNIGHT),
                    Value::Timestamp(moment) | Value::TimestampTz(moment) => *moment,
                    _ => return Ok(false),
                };
                let bound = |days: u32| self.now().checked_sub(Duration::days(days.into()));
                let newer = newer_than.is_none_or(|days| bound(days).is_some_and(|bound| moment > bound));
                let older = older_than.is_none_or(|days| bound(days).is_some_and(|bound| moment < bound));
                Ok(newer && older)
            }
            RowTest::Sample { column, share } => {
                let key = row.value(*column)?.stable_text();
                let digest = key.zip(self.salt()).map(|(key, salt)| sha256(&[salt, &key]));
                Ok(digest.is_some_and(|digest| number(&digest, 0, 10_000) < i64::from(*share)))
            }
        }
    }

    fn matches(&self, wanted: &RowMatch, row: Row<'_>) -> Result<bool, InterpretError> {
        match wanted {
            RowMatch::Any(any) => {
                for one in any {
                    if self.matches(one, row)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            RowMatch::All(all) => {
                for one in all {
                    if !self.matches(one, row)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            RowMatch::Equals { column, held } => {
                let text = row.value(*column)?.stable_text();
                Ok(text.is_some_and(|text| self.holds(held, &text)))
            }
        }
    }
}
