//! Bringing values to a common type, and to the type of a cast or a column.

use time::Time;

use super::{BindError, text_bytes};
use crate::{
    expression::{
        bound::{Bound, Node},
        error::Place,
        moment,
        types::{self, Class, Digits, fits, in_words},
    },
    sql::{DataType, data_type::MAX_VARCHAR},
};

/// To a type in which every value has a place.
pub(super) fn to(bound: Bound, data_type: DataType) -> Bound {
    if bound.data_type == data_type {
        return bound;
    }
    if let (Node::Date(date), DataType::Timestamp) = (&bound.node, data_type) {
        return Bound::new(Node::Timestamp(date.with_time(Time::MIDNIGHT)), data_type);
    }
    Bound::new(Node::Cast(Box::new(bound)), data_type)
}

/// The digits of an exact value; a literal has those it is written with.
fn digits(bound: &Bound) -> Option<Digits> {
    match &bound.node {
        Node::Number(number) => Some(Digits { whole: number.whole_digits(), scale: number.scale() }),
        _ => Digits::of(bound.data_type),
    }
}

/// An exact value as a `DECIMAL`, so that computing with it can't overflow.
pub(super) fn decimal(bound: Bound, place: Place) -> Result<(Bound, Digits), BindError> {
    let digits = digits(&bound).ok_or_else(|| {
        let expected = match Class::of(bound.data_type) {
            Some(Class::Float) => "an exact number: floating-point numbers can overflow",
            Some(Class::Date | Class::Timestamp | Class::TimestampTz) => "a number: there is no arithmetic on dates",
            _ => "a number",
        };
        BindError::mismatch(place, in_words(bound.data_type), expected)
    })?;
    let data_type = digits.decimal().map_err(|digits| BindError::TooWide { place, digits })?;
    Ok((to(bound, data_type), Digits::of(data_type).unwrap_or(digits)))
}

/// A text written out beside a date or a timestamp, read as one.
fn read_as(bound: Bound, other: DataType, place: Place) -> Result<Bound, BindError> {
    let Node::Text(text) = &bound.node else {
        return Ok(bound);
    };
    let (node, expected) = match other {
        DataType::Date => (moment::date(text).map(Node::Date), "a day that exists, as 'YYYY-MM-DD'"),
        DataType::Timestamp => {
            let midnight = || moment::date(text).map(|date| date.with_time(Time::MIDNIGHT));
            let moment = moment::timestamp(text).or_else(midnight);
            (moment.map(Node::Timestamp), "a moment that exists, as 'YYYY-MM-DD HH:MM:SS'")
        }
        _ => return Ok(bound),
    };
    let node = node.ok_or_else(|| BindError::mismatch(place, "a text", expected))?;
    Ok(Bound::new(node, other))
}

/// Several values as they can be compared with each other.
pub(super) fn comparable(values: Vec<(Bound, Place)>) -> Result<Vec<Bound>, BindError> {
    let moment = values
        .iter()
        .map(|(value, _)| value.data_type)
        .find(|data_type| matches!(data_type, DataType::Date | DataType::Timestamp));
    let mut read = Vec::with_capacity(values.len());
    for (value, place) in values {
        read.push((moment.map_or(Ok(value.clone()), |moment| read_as(value, moment, place))?, place));
    }
    let mut digits: Option<Digits> = None;
    for (value, place) in &read {
        if let Some(own) = Digits::of(value.data_type) {
            let all = digits.map_or(own, |digits| digits.compared(own));
            if let Err(digits) = all.decimal() {
                return Err(BindError::TooWide { place: *place, digits });
            }
            digits = Some(all);
        }
    }
    let common = common(&read)?;
    // Texts and exact numbers of any length compare as they are, and a column without a cast can be looked up faster.
    let as_they_are = matches!(Class::of(common), Some(Class::Text | Class::Exact));
    Ok(read.into_iter().map(|(value, _)| if as_they_are { value } else { to(value, common) }).collect())
}

/// Several results of which one is taken, all of one type.
pub(super) fn unified(values: Vec<(Bound, Place)>) -> Result<(Vec<Bound>, DataType), BindError> {
    let common = common(&values)?;
    let binary = |data_type| matches!(data_type, DataType::SmallInt | DataType::Integer | DataType::BigInt);
    let unified = values.into_iter().map(|(value, _)| {
        let alike = Class::of(common) == Some(Class::Text) || (binary(common) && binary(value.data_type));
        if alike { value } else { to(value, common) }
    });
    Ok((unified.collect(), common))
}

/// The type that holds them all.
fn common(values: &[(Bound, Place)]) -> Result<DataType, BindError> {
    let mut all: Option<(DataType, Digits)> = None;
    for (value, place) in values {
        let own = digits(value).unwrap_or(Digits { whole: 0, scale: 0 });
        all = Some(match all {
            None => (value.data_type, own),
            Some((others, digits)) => {
                let data_type = common_of(others, value.data_type, digits.common(own), *place)?;
                (data_type, digits.common(own))
            }
        });
    }
    Ok(all.map_or(DataType::Boolean, |(data_type, _)| data_type))
}

fn common_of(a: DataType, b: DataType, digits: Digits, place: Place) -> Result<DataType, BindError> {
    let mismatch = || BindError::mismatch(place, in_words(b), format!("the same as beside it, {}", in_words(a)));
    let (Some(class), Some(other)) = (Class::of(a), Class::of(b)) else {
        return Err(mismatch());
    };
    match (class, other) {
        (Class::Text, Class::Text) => {
            let bytes = a.text_bytes().max(b.text_bytes()).unwrap_or(MAX_VARCHAR);
            Ok(DataType::VarChar(bytes))
        }
        (Class::Exact, Class::Exact) => match (a, b) {
            (DataType::Decimal { .. }, _) | (_, DataType::Decimal { .. }) => {
                digits.decimal().map_err(|digits| BindError::TooWide { place, digits })
            }
            _ => Ok(a.max(b)),
        },
        (Class::Float, Class::Float) if a == b => Ok(a),
        (Class::Float, Class::Float | Class::Exact) | (Class::Exact, Class::Float) => Ok(DataType::DoublePrecision),
        (Class::Date, Class::Timestamp) | (Class::Timestamp, Class::Date) => Ok(DataType::Timestamp),
        (class, other) if class == other => Ok(a),
        _ => Err(mismatch()),
    }
}

/// Whether an exact value always fits a type; a literal is looked at.
fn fits_as_written(bound: &Bound, data_type: DataType) -> bool {
    let written = match &bound.node {
        Node::Number(_) => digits(bound).and_then(|digits| digits.decimal().ok()),
        _ => None,
    };
    fits(bound.data_type, data_type) || written.is_some_and(|written| fits(written, data_type))
}

/// `CAST(value AS type)`, if no value can fail it and every engine does it alike.
pub(super) fn cast(bound: Bound, data_type: DataType, place: Place) -> Result<Bound, BindError> {
    let from = bound.data_type;
    let refuse = |expected: String| Err(BindError::mismatch(place, in_words(from), expected));
    match (Class::of(from), data_type) {
        (Some(Class::Exact), DataType::VarChar(bytes)) => {
            let needed = Digits::of(from).map_or(MAX_VARCHAR, |digits| types::text_bytes(digits, from));
            if needed > bytes { refuse(format!("at least VARCHAR({needed}) for it")) } else { Ok(to(bound, data_type)) }
        }
        (Some(Class::Text), DataType::VarChar(bytes)) => {
            let needed = text_bytes(&bound);
            if needed > u64::from(bytes) {
                return refuse(format!("at least VARCHAR({needed}) for it, or LEFT to cut it"));
            }
            Ok(to(bound, data_type))
        }
        (Some(Class::Exact), _) if Class::of(data_type) == Some(Class::Exact) => {
            if fits_as_written(&bound, data_type) {
                Ok(to(bound, data_type))
            } else {
                refuse(format!("a number that always fits {data_type}"))
            }
        }
        (Some(Class::Date | Class::Timestamp), DataType::Date | DataType::Timestamp) => Ok(to(bound, data_type)),
        _ => refuse(format!("something that can always be cast to {data_type}")),
    }
}

/// A mask's result as its column can show it; `None` when it can't.
pub(super) fn fit(bound: Bound, column: DataType, place: Place) -> Result<Option<Bound>, BindError> {
    let from = bound.data_type;
    Ok(match (Class::of(from), Class::of(column)) {
        (Some(Class::Text), Some(Class::Text)) => {
            let bytes = from.text_bytes().max(column.text_bytes()).unwrap_or(MAX_VARCHAR);
            Some(to(bound, DataType::VarChar(bytes)))
        }
        (Some(Class::Exact), Some(Class::Exact)) => narrow(bound, column, place)?,
        (Some(Class::Exact), Some(Class::Float)) => Some(to(bound, column)),
        (Some(Class::Float), Some(Class::Float)) if from <= column => Some(to(bound, column)),
        (Some(Class::Date), Some(Class::Timestamp)) => Some(to(bound, column)),
        (Some(class), Some(wanted)) if class == wanted && class != Class::Float => Some(bound),
        _ => None,
    })
}

/// An exact number as a column's; null where it is out of range, but a literal must be in it.
fn narrow(bound: Bound, column: DataType, place: Place) -> Result<Option<Bound>, BindError> {
    let (Some(own), Some(room)) = (digits(&bound), Digits::of(column)) else {
        return Ok(None);
    };
    if fits_as_written(&bound, column) {
        return Ok(Some(to(bound, column)));
    }
    if matches!(bound.node, Node::Number(_)) {
        return Ok(None);
    }
    let bound = if own.scale > room.scale {
        let cut = Digits { whole: own.whole, scale: room.scale };
        to(bound, cut.decimal().map_err(|digits| BindError::TooWide { place, digits })?)
    } else {
        bound
    };
    let compared = own.compared(room);
    let compared = Digits { whole: compared.whole, scale: room.scale };
    compared.decimal().map_err(|digits| BindError::TooWide { place, digits })?;
    Ok(Some(Bound::new(Node::Narrow(Box::new(bound)), column)))
}
