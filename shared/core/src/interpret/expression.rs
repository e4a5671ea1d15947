//! The value of an expression over a row.

use std::cmp::Ordering;

use time::{PrimitiveDateTime, Time};

use super::{
    error::InterpretError,
    exact::{MISFIT, cast, compute, exact, narrow, negated, scaled},
    meets,
    scope::{Row, Scope},
    transform::down,
    value::Value,
};
use crate::{
    expression::{Bound, Call, Node, UserTest, ast::Comparison},
    model::EntitlementKind,
    plan::Held,
};

/// True, false or unknown.
type Truth = Option<bool>;

impl Scope<'_> {
    /// Whether a predicate is true of a row; unknown is not.
    pub(super) fn is_true(&self, predicate: &Bound, row: Row<'_>) -> Result<bool, InterpretError> {
        Ok(self.truth(predicate, row)? == Some(true))
    }

    /// Whether a predicate is false of a row; unknown is not.
    pub(super) fn is_false(&self, predicate: &Bound, row: Row<'_>) -> Result<bool, InterpretError> {
        Ok(self.truth(predicate, row)? == Some(false))
    }

    fn truth(&self, predicate: &Bound, row: Row<'_>) -> Result<Truth, InterpretError> {
        match self.value(predicate, row)? {
            Value::Bool(truth) => Ok(Some(truth)),
            Value::Null => Ok(None),
            _ => Err(MISFIT),
        }
    }

    /// The text of an expression, or nothing where it is null.
    fn text(&self, bound: &Bound, row: Row<'_>) -> Result<Option<String>, InterpretError> {
        match self.value(bound, row)? {
            Value::Text(text) => Ok(Some(text)),
            Value::Null => Ok(None),
            _ => Err(MISFIT),
        }
    }

    /// The value of an expression over a row.
    pub(super) fn value(&self, bound: &Bound, row: Row<'_>) -> Result<Value, InterpretError> {
        Ok(match bound.node() {
            Node::Column(index) => row.value(*index)?.clone(),
            Node::Null => Value::Null,
            Node::Bool(truth) => Value::Bool(*truth),
            Node::Number(number) => Value::read(&number.to_string(), number.data_type()).ok_or(MISFIT)?,
            Node::Text(text) => Value::Text(text.as_str().to_owned()),
            Node::Date(date) => Value::Date(*date),
            Node::Timestamp(moment) => Value::Timestamp(*moment),
            Node::Or(list) => known(self.any(list, true, row)?),
            Node::And(list) => known(self.any(list, false, row)?),
            Node::Not(one) => known(self.truth(one, row)?.map(|truth| !truth)),
            Node::Compare(left, comparison, right) => {
                let order = self.order(&self.value(left, row)?, &self.value(right, row)?)?;
                known(order.map(|order| compares(order, *comparison)))
            }
            Node::IsNull(one) => Value::Bool(self.value(one, row)? == Value::Null),
            Node::In(one, values) => {
                let one = self.value(one, row)?;
                let mut found = Some(false);
                for value in values {
                    found = match self.order(&one, &self.value(value, row)?)? {
                        None => found.filter(|found| *found),
                        Some(order) => found.map(|found| found || order == Ordering::Equal),
                    };
                }
                known(found)
            }
            Node::Like(one, pattern) => known(self.text(one, row)?.map(|text| like(&text, pattern.as_str()))),
            Node::Between(one, low, high) => {
                let one = self.value(one, row)?;
                let above = self.order(&one, &self.value(low, row)?)?.map(Ordering::is_ge);
                let below = self.order(&one, &self.value(high, row)?)?.map(Ordering::is_le);
                known(both(above, below))
            }
            Node::Concat(list) => {
                let texts: Option<Vec<String>> =
                    list.iter().map(|one| self.text(one, row)).collect::<Result<Option<Vec<_>>, _>>()?;
                texts.map_or(Value::Null, |texts| Value::Text(texts.concat()))
            }
            Node::Arithmetic(left, arithmetic, right) => {
                compute(&self.value(left, row)?, *arithmetic, &self.value(right, row)?)?
            }
            Node::Negate(one) => negated(self.value(one, row)?)?,
            Node::Case(whens, otherwise) => {
                for (when, then) in whens {
                    if self.is_true(when, row)? {
                        return self.value(then, row);
                    }
                }
                self.value(otherwise, row)?
            }
            Node::Cast(one) => cast(self.value(one, row)?, bound.data_type())?,
            Node::Narrow(one) => narrow(self.value(one, row)?, bound.data_type())?,
            Node::Call(call) => self.call_of(call, row)?,
            Node::User(test) => Value::Bool(self.user(test, row)?),
        })
    }

    /// Whether one of several is the wanted truth, and then it; the opposite if all are; else unknown.
    fn any(&self, list: &[Bound], wanted: bool, row: Row<'_>) -> Result<Truth, InterpretError> {
        let mut truth = Some(!wanted);
        for one in list {
            match self.truth(one, row)? {
                Some(found) if found == wanted => return Ok(Some(wanted)),
                Some(_) => {}
                None => truth = None,
            }
        }
        Ok(truth)
    }

    fn call_of(&self, call: &Call, row: Row<'_>) -> Result<Value, InterpretError> {
        let of_text = |one: &Bound, make: &dyn Fn(&str) -> String| -> Result<Value, InterpretError> {
            Ok(self.text(one, row)?.map_or(Value::Null, |text| Value::Text(make(&text))))
        };
        let count = |count: &u32| usize::try_from(*count).unwrap_or(usize::MAX);
        match call {
            Call::Abs(one) => match self.value(one, row)? {
                Value::Decimal { units, scale } => Ok(Value::Decimal { units: units.abs(), scale }),
                Value::Real(number) => Ok(Value::Real(number.abs())),
                Value::Float(number) => Ok(Value::Float(number.abs())),
                Value::Null => Ok(Value::Null),
                _ => Err(MISFIT),
            },
            Call::Coalesce(list) => {
                for one in list {
                    let value = self.value(one, row)?;
                    if value != Value::Null {
                        return Ok(value);
                    }
                }
                Ok(Value::Null)
            }
            Call::DateTrunc(unit, one) => {
                let down = |moment| down(moment, *unit).ok_or(MISFIT);
                Ok(match self.value(one, row)? {
                    Value::Null => Value::Null,
                    Value::Date(date) => Value::Date(down(PrimitiveDateTime::new(date, Time::MIDNIGHT))?.date()),
                    Value::Timestamp(moment) => Value::Timestamp(down(moment)?),
                    Value::TimestampTz(moment) => Value::TimestampTz(down(moment)?),
                    _ => return Err(MISFIT),
                })
            }
            Call::GetDate => Ok(Value::Timestamp(self.now())),
            Call::Left(one, length) => of_text(one, &|text| text.chars().take(count(length)).collect()),
            Call::Length(one) => {
                let length = self.text(one, row)?.map(|text| text.chars().count());
                let length = length.map(|length| i64::try_from(length).map_err(|_| MISFIT)).transpose()?;
                Ok(length.map_or(Value::Null, Value::Int))
            }
            Call::Lower(one) => of_text(one, &str::to_ascii_lowercase),
            Call::NullIf(one, other) => {
                let value = self.value(one, row)?;
                let order = self.order(&value, &self.value(other, row)?)?;
                Ok(if order == Some(Ordering::Equal) { Value::Null } else { value })
            }
            Call::Replace(one, search, replacement) => {
                of_text(one, &|text| text.replace(search.as_str(), replacement.as_str()))
            }
            Call::Right(one, length) => of_text(one, &|text| {
                let hidden = text.chars().count().saturating_sub(count(length));
                text.chars().skip(hidden).collect()
            }),
            Call::Substring(one, start, length) => {
                let before = count(start).saturating_sub(1);
                of_text(one, &|text| text.chars().skip(before).take(count(length)).collect())
            }
            Call::Trim(one) => of_text(one, &|text| text.trim_matches(' ').to_owned()),
            Call::Upper(one) => of_text(one, &str::to_ascii_uppercase),
        }
    }

    /// A test of the user, which is never unknown.
    fn user(&self, test: &UserTest, row: Row<'_>) -> Result<bool, InterpretError> {
        match test {
            UserTest::Has(condition) => Ok(meets(condition, self.profile)),
            UserTest::Contains { kind, attribute, column } => {
                let held = match (kind, attribute) {
                    (EntitlementKind::Attribute, Some(attribute)) => Held::Attribute(attribute.clone()),
                    (EntitlementKind::Group, None) => Held::Group,
                    (EntitlementKind::Purpose, None) => Held::Purpose,
                    _ => return Err(MISFIT),
                };
                Ok(row.value(*column)?.stable_text().is_some_and(|text| self.holds(&held, &text)))
            }
            UserTest::Username(text) => {
                Ok(self.text(text, row)?.is_some_and(|text| self.engine().same(&text, self.account())))
            }
        }
    }

    /// How two values compare; unknown where one is null.
    fn order(&self, left: &Value, right: &Value) -> Result<Option<Ordering>, InterpretError> {
        let engine = self.engine();
        Ok(Some(match (left, right) {
            (Value::Null, _) | (_, Value::Null) => return Ok(None),
            (Value::Text(left), Value::Text(right)) => engine.compared(left).cmp(engine.compared(right)),
            (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
            (Value::Date(left), Value::Date(right)) => left.cmp(right),
            (Value::Timestamp(left), Value::Timestamp(right))
            | (Value::TimestampTz(left), Value::TimestampTz(right)) => left.cmp(right),
            (Value::Real(left), Value::Real(right)) => left.partial_cmp(right).ok_or(MISFIT)?,
            (Value::Float(left), Value::Float(right)) => left.partial_cmp(right).ok_or(MISFIT)?,
            _ => {
                let (left, right) = (exact(left)?, exact(right)?);
                let scale = left.1.max(right.1);
                scaled(left, scale)?.cmp(&scaled(right, scale)?)
            }
        }))
    }
}

fn known(truth: Truth) -> Value {
    truth.map_or(Value::Null, Value::Bool)
}

fn both(one: Truth, other: Truth) -> Truth {
    match (one, other) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

fn compares(order: Ordering, comparison: Comparison) -> bool {
    match comparison {
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
    }
}

/// Whether a text matches a pattern, in which `%` is any characters and `_` is one.
fn like(text: &str, pattern: &str) -> bool {
    let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
    // Which ends of the text the pattern so far may reach.
    let mut reached = vec![false; text.len() + 1];
    if let Some(start) = reached.first_mut() {
        *start = true;
    }
    for wanted in pattern {
        let before = reached.clone();
        let mut any = false;
        for (end, now) in reached.iter_mut().enumerate() {
            let one_less = end.checked_sub(1);
            let from = one_less.and_then(|end| before.get(end)).copied().unwrap_or(false);
            let found = one_less.and_then(|end| text.get(end));
            any |= before.get(end).copied().unwrap_or(false);
            *now = match wanted {
                '%' => any,
                '_' => from,
                _ => from && found == Some(&wanted),
            };
        }
    }
    reached.last().copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns() {
        for (text, pattern, expected) in [
            ("", "", true),
            ("", "%", true),
            ("", "_", false),
            ("abc", "a%", true),
            ("abc", "a_", false),
            ("abc", "%b%", true),
            ("a𐍈c", "a_c", true),
            ("abab", "%ab", true),
            ("ab ", "ab", false),
            ("a%c", "a%%c", true),
        ] {
            assert_eq!(like(text, pattern), expected, "{text} LIKE {pattern}");
        }
    }

    #[test]
    fn unknown_is_neither() {
        assert_eq!(both(Some(true), None), None);
        assert_eq!(both(None, Some(false)), Some(false));
    }

    proptest! {
        #[test]
        fn a_text_without_signs_matches_itself_alone(text in "[a-c]{0,6}", other in "[a-c]{0,6}") {
            prop_assert_eq!(like(&text, &other), text == other);
            let around = format!("%{other}%");
            prop_assert_eq!(like(&text, &around), text.contains(&other));
        }
    }
}
