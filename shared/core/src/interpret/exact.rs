//! Numbers in expressions, computed exactly, and what values become in other types.

use time::{PrimitiveDateTime, Time};

use super::{
    error::InterpretError,
    value::{Value, most_units},
};
use crate::{expression::ast::Arithmetic, sql::DataType};

pub(super) const MISFIT: InterpretError = InterpretError::Expression;

/// An exact number as units and digits after the point.
pub(super) fn exact(value: &Value) -> Result<(i128, u8), InterpretError> {
    match value {
        Value::Int(number) => Ok(((*number).into(), 0)),
        Value::Decimal { units, scale } => Ok((*units, *scale)),
        _ => Err(MISFIT),
    }
}

/// The same number with more digits after the point, or with fewer, cut off.
pub(super) fn scaled((units, scale): (i128, u8), wanted: u8) -> Result<i128, InterpretError> {
    let power = |digits: u8| 10_i128.checked_pow(digits.into()).ok_or(MISFIT);
    if wanted >= scale {
        units.checked_mul(power(wanted - scale)?).ok_or(MISFIT)
    } else {
        units.checked_div(power(scale - wanted)?).ok_or(MISFIT)
    }
}

pub(super) fn compute(left: &Value, arithmetic: Arithmetic, right: &Value) -> Result<Value, InterpretError> {
    if *left == Value::Null || *right == Value::Null {
        return Ok(Value::Null);
    }
    let (left, right) = (exact(left)?, exact(right)?);
    let scale = left.1.max(right.1);
    let (units, scale) = match arithmetic {
        Arithmetic::Plus => (scaled(left, scale)?.checked_add(scaled(right, scale)?), scale),
        Arithmetic::Minus => (scaled(left, scale)?.checked_sub(scaled(right, scale)?), scale),
        Arithmetic::Times => (left.0.checked_mul(right.0), left.1.checked_add(right.1).ok_or(MISFIT)?),
    };
    Ok(Value::Decimal { units: units.ok_or(MISFIT)?, scale })
}

pub(super) fn negated(value: Value) -> Result<Value, InterpretError> {
    Ok(match value {
        Value::Null => Value::Null,
        Value::Decimal { units, scale } => Value::Decimal { units: -units, scale },
        Value::Real(number) => Value::Real(-number),
        Value::Float(number) => Value::Float(-number),
        _ => return Err(MISFIT),
    })
}

/// A value as one of a type in which it has a place.
pub(super) fn cast(value: Value, data_type: DataType) -> Result<Value, InterpretError> {
    let misfit = || Err(MISFIT);
    Ok(match (value, data_type) {
        (Value::Null, _) => Value::Null,
        (Value::Date(date), DataType::Timestamp) => Value::Timestamp(PrimitiveDateTime::new(date, Time::MIDNIGHT)),
        (Value::Timestamp(moment), DataType::Date) => Value::Date(moment.date()),
        (Value::Real(number), DataType::DoublePrecision) => Value::Float(number.into()),
        (value @ (Value::Int(_) | Value::Decimal { .. }), _) => match data_type {
            DataType::Decimal { scale, .. } => Value::Decimal { units: scaled(exact(&value)?, scale)?, scale },
            DataType::SmallInt | DataType::Integer | DataType::BigInt => {
                Value::Int(i64::try_from(scaled(exact(&value)?, 0)?).map_err(|_| MISFIT)?)
            }
            // The digits are read at once as what is wanted, so that nothing is rounded twice.
            DataType::VarChar(_) | DataType::Real | DataType::DoublePrecision => {
                Value::read(&value.stable_text().ok_or(MISFIT)?, data_type).ok_or(MISFIT)?
            }
            _ => return misfit(),
        },
        (value, wanted) if value.is_of(wanted) => value,
        _ => return misfit(),
    })
}

/// An exact number as one of a type, null where it is out of range.
pub(super) fn narrow(value: Value, data_type: DataType) -> Result<Value, InterpretError> {
    if value == Value::Null {
        return Ok(value);
    }
    let number = exact(&value)?;
    let whole = scaled(number, 0)?;
    let is_in_range = match data_type {
        DataType::SmallInt => i16::try_from(whole).is_ok(),
        DataType::Integer => i32::try_from(whole).is_ok(),
        DataType::BigInt => i64::try_from(whole).is_ok(),
        DataType::Decimal { precision, scale } => {
            // With as many digits before the point as there are, the number can be too large to be told in units.
            scaled(number, scale).is_ok_and(|units| units.unsigned_abs() <= most_units(precision).unsigned_abs())
        }
        _ => return Err(MISFIT),
    };
    if is_in_range { cast(value, data_type) } else { Ok(Value::Null) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_cut_towards_zero() {
        let decimal = |units, scale| Value::Decimal { units, scale };
        assert!(cast(decimal(-199, 2), DataType::Integer) == Ok(Value::Int(-1)));
        assert!(cast(decimal(-199, 2), DataType::Decimal { precision: 3, scale: 1 }) == Ok(decimal(-19, 1)));
        assert!(cast(Value::Int(7), DataType::VarChar(9)) == Ok(Value::Text("7".into())));
        assert!(narrow(Value::Int(40_000), DataType::SmallInt) == Ok(Value::Null));
        assert!(narrow(Value::Int(-32_768), DataType::SmallInt) == Ok(Value::Int(-32_768)));
        assert!(narrow(decimal(1_000, 0), DataType::Decimal { precision: 5, scale: 2 }) == Ok(Value::Null));
    }

    #[test]
    fn computing_keeps_every_digit() {
        let decimal = |units, scale| Value::Decimal { units, scale };
        assert!(compute(&decimal(15, 1), Arithmetic::Times, &decimal(-25, 2)) == Ok(decimal(-375, 3)));
        assert!(compute(&decimal(15, 1), Arithmetic::Minus, &decimal(25, 2)) == Ok(decimal(125, 2)));
        assert!(compute(&Value::Null, Arithmetic::Plus, &Value::Int(1)) == Ok(Value::Null));
    }
}
