//! The type of each kind of node.

use super::{BindError, Binder, convert, text_bytes, text_type};
use crate::{
    expression::{
        ast::{self, Arithmetic, Comparison},
        bound::{Bound, Call, Node, UserTest},
        calls,
        error::Place,
        functions::Function,
        types::{Class, in_words},
        units,
    },
    model::policy::TimeUnit,
    sql::{DataType, Text},
};

/// Most bytes of a character.
const CHARACTER: u64 = 4;

const NO_NULL: &str = "a value: with NULL the result is always null; test for it with `IS NULL`";

fn boolean(node: Node) -> Bound {
    Bound::new(node, DataType::Boolean)
}

fn negate(negated: bool, bound: Bound) -> Bound {
    if negated { boolean(Node::Not(Box::new(bound))) } else { bound }
}

impl Binder<'_> {
    /// A node of any type. A bare NULL has none and must be met before.
    pub(super) fn value(&self, expr: &ast::Expr) -> Result<Bound, BindError> {
        let place = expr.place;
        Ok(match &expr.node {
            ast::Node::Column(column) => self.column(column, place)?,
            ast::Node::Null | ast::Node::Username => return Err(BindError::mismatch(place, "NULL", NO_NULL)),
            ast::Node::Bool(value) => boolean(Node::Bool(*value)),
            ast::Node::Number(number) => Bound::new(Node::Number(number.clone()), number.data_type()),
            ast::Node::Text(text) => {
                Bound::new(Node::Text(text.clone()), text_type(text.as_str().len() as u64, place)?)
            }
            ast::Node::Date(date) => Bound::new(Node::Date(*date), DataType::Date),
            ast::Node::Timestamp(moment) => Bound::new(Node::Timestamp(*moment), DataType::Timestamp),
            ast::Node::Or(list) => boolean(Node::Or(self.conditions(list)?)),
            ast::Node::And(list) => boolean(Node::And(self.conditions(list)?)),
            ast::Node::Not(inner) => boolean(Node::Not(Box::new(self.condition(inner)?))),
            ast::Node::Compare(left, comparison, right) => self.compare(left, *comparison, right)?,
            ast::Node::IsNull { operand, negated } => {
                negate(*negated, boolean(Node::IsNull(Box::new(self.value(operand)?))))
            }
            ast::Node::In { operand, values, negated } => {
                let (operand, values) = self.first_and_rest(operand, values)?;
                negate(*negated, boolean(Node::In(Box::new(operand), values)))
            }
            ast::Node::Like { operand, pattern, negated } => {
                negate(*negated, boolean(Node::Like(Box::new(self.text(operand)?), pattern.clone())))
            }
            ast::Node::Between { operand, low, high, negated } => {
                self.between([operand, low, high]).map(|bound| negate(*negated, bound))?
            }
            ast::Node::Concat(list) => self.concat(list, place)?,
            ast::Node::Arithmetic(left, operator, right) => self.arithmetic(left, *operator, right, place)?,
            ast::Node::Negate(inner) => {
                let bound = self.signed(inner)?;
                let data_type = bound.data_type;
                Bound::new(Node::Negate(Box::new(bound)), data_type)
            }
            ast::Node::Case { whens, otherwise } => self.case(whens, otherwise.as_deref(), place)?,
            ast::Node::Cast(inner, data_type) if inner.node == ast::Node::Null => Bound::new(Node::Null, *data_type),
            ast::Node::Cast(inner, data_type) => convert::cast(self.value(inner)?, *data_type, inner.place)?,
            ast::Node::Call(function, arguments) => self.call(*function, arguments, place)?,
            ast::Node::User(test) => self.user(test)?,
        })
    }

    fn compare(&self, left: &ast::Expr, comparison: Comparison, right: &ast::Expr) -> Result<Bound, BindError> {
        for (side, other) in [(left, right), (right, left)] {
            if side.node == ast::Node::Username {
                let other = self.text(other)?;
                return Ok(boolean(Node::User(UserTest::Username(Box::new(other)))));
            }
        }
        let (left, right) = self.pair(left, right, |class| {
            class == Class::Boolean && !matches!(comparison, Comparison::Equal | Comparison::NotEqual)
        })?;
        Ok(boolean(Node::Compare(Box::new(left), comparison, Box::new(right))))
    }

    fn between(&self, exprs: [&ast::Expr; 3]) -> Result<Bound, BindError> {
        let [operand, low, high] = exprs;
        let (bound, bounds) = self.first_and_rest(operand, [low, high])?;
        if Class::of(bound.data_type) == Some(Class::Boolean) {
            return Err(unordered(operand.place));
        }
        match <[Bound; 2]>::try_from(bounds) {
            Ok([low, high]) => {
                let node = Node::Between(Box::new(bound), Box::new(low), Box::new(high));
                Ok(boolean(node))
            }
            Err(_) => Err(BindError::mismatch(operand.place, "other bounds", "two")),
        }
    }

    /// Two values that compare, of a class that may be compared so.
    fn pair(
        &self,
        left: &ast::Expr,
        right: &ast::Expr,
        refused: impl Fn(Class) -> bool,
    ) -> Result<(Bound, Bound), BindError> {
        let (first, rest) = self.first_and_rest(left, [right])?;
        if Class::of(first.data_type).is_some_and(refused) {
            return Err(unordered(left.place));
        }
        match <[Bound; 1]>::try_from(rest) {
            Ok([second]) => Ok((first, second)),
            Err(_) => Err(BindError::mismatch(right.place, "another value", "one")),
        }
    }

    /// A value and those it is compared with.
    fn first_and_rest<'a>(
        &self,
        first: &ast::Expr,
        rest: impl IntoIterator<Item = &'a ast::Expr>,
    ) -> Result<(Bound, Vec<Bound>), BindError> {
        let mut values = vec![(self.value(first)?, first.place)];
        for expr in rest {
            values.push((self.value(expr)?, expr.place));
        }
        let mut comparable = convert::comparable(values)?.into_iter();
        let first = comparable.next().ok_or_else(|| BindError::mismatch(first.place, "nothing", "a value"))?;
        Ok((first, comparable.collect()))
    }

    fn concat(&self, list: &[ast::Expr], place: Place) -> Result<Bound, BindError> {
        let texts = list.iter().map(|text| self.text(text)).collect::<Result<Vec<_>, _>>()?;
        let data_type = text_type(texts.iter().map(text_bytes).sum(), place)?;
        Ok(Bound::new(Node::Concat(texts), data_type))
    }

    fn arithmetic(
        &self,
        left: &ast::Expr,
        operator: Arithmetic,
        right: &ast::Expr,
        place: Place,
    ) -> Result<Bound, BindError> {
        let (left, own) = convert::decimal(self.value(left)?, left.place)?;
        let (right, other) = convert::decimal(self.value(right)?, right.place)?;
        let digits = match operator {
            Arithmetic::Plus | Arithmetic::Minus => own.sum(other),
            Arithmetic::Times => own.product(other),
        };
        let data_type = digits.decimal().map_err(|digits| BindError::TooWide { place, digits })?;
        Ok(Bound::new(Node::Arithmetic(Box::new(left), operator, Box::new(right)), data_type))
    }

    /// A number whose sign may change: an exact one as `DECIMAL`, since the least whole number has no opposite.
    fn signed(&self, expr: &ast::Expr) -> Result<Bound, BindError> {
        let bound = self.value(expr)?;
        match Class::of(bound.data_type) {
            Some(Class::Float) => Ok(bound),
            Some(Class::Exact) => Ok(convert::decimal(bound, expr.place)?.0),
            _ => Err(BindError::mismatch(expr.place, in_words(bound.data_type), "a number")),
        }
    }

    fn case(
        &self,
        whens: &[(ast::Expr, ast::Expr)],
        otherwise: Option<&ast::Expr>,
        place: Place,
    ) -> Result<Bound, BindError> {
        let conditions = whens.iter().map(|(when, _)| self.condition(when)).collect::<Result<Vec<_>, _>>()?;
        let (mut results, data_type) = self.results(
            whens.iter().map(|(_, then)| then).chain(otherwise),
            place,
            "a CASE with a result that is not",
        )?;
        let last = if otherwise.is_some() { results.pop() } else { None };
        let last = last.unwrap_or_else(|| Bound::new(Node::Null, data_type));
        Ok(Bound::new(Node::Case(std::iter::zip(conditions, results).collect(), Box::new(last)), data_type))
    }

    /// Results of one type, some of which may be NULL.
    fn results<'a>(
        &self,
        exprs: impl IntoIterator<Item = &'a ast::Expr>,
        place: Place,
        expected: &str,
    ) -> Result<(Vec<Bound>, DataType), BindError> {
        let mut values = Vec::new();
        let mut are_null = Vec::new();
        for expr in exprs {
            are_null.push(expr.node == ast::Node::Null);
            if expr.node != ast::Node::Null {
                values.push((self.value(expr)?, expr.place));
            }
        }
        if values.is_empty() {
            return Err(BindError::mismatch(place, "only NULL", expected));
        }
        let (unified, data_type) = convert::unified(values)?;
        let mut unified = unified.into_iter();
        let next = |is_null| if is_null { None } else { unified.next() };
        let results = are_null.into_iter().map(next);
        let results = results.map(|value| value.unwrap_or_else(|| Bound::new(Node::Null, data_type))).collect();
        Ok((results, data_type))
    }

    fn call(&self, function: Function, arguments: &[ast::Expr], place: Place) -> Result<Bound, BindError> {
        let missing = || BindError::mismatch(place, "other arguments", format!("those of {}", function.name()));
        let argument = |index: usize| arguments.get(index).ok_or_else(missing);
        let text = |index: usize| self.text(argument(index)?).map(Box::new);
        let count = |index: usize| calls::count(argument(index)?).ok_or_else(missing);
        let written = |index: usize| match &argument(index)?.node {
            ast::Node::Text(text) => Ok(text.clone()),
            _ => Err(missing()),
        };
        let (call, data_type) = match function {
            Function::Abs => {
                let number = self.signed(argument(0)?)?;
                let data_type = number.data_type;
                (Call::Abs(Box::new(number)), data_type)
            }
            Function::Coalesce => {
                let (values, data_type) = self.results(arguments, place, "a value that is not")?;
                (Call::Coalesce(values), data_type)
            }
            Function::Concat => return self.concat(arguments, place),
            Function::DateTrunc => {
                let unit = units::find(written(0)?.as_str()).ok_or_else(missing)?;
                let moment = self.value(argument(1)?)?;
                let data_type = truncated(unit, moment.data_type, argument(1)?.place)?;
                (Call::DateTrunc(unit, Box::new(moment)), data_type)
            }
            Function::GetDate => (Call::GetDate, DataType::Timestamp),
            Function::Left | Function::Right => {
                let (text, count) = (text(0)?, count(1)?);
                let data_type = cut(&text, count);
                let call = if function == Function::Left { Call::Left(text, count) } else { Call::Right(text, count) };
                (call, data_type)
            }
            Function::Length => (Call::Length(text(0)?), DataType::Integer),
            Function::Lower | Function::Upper | Function::Trim => {
                let text = text(0)?;
                let data_type = text.data_type;
                let call = match function {
                    Function::Lower => Call::Lower(text),
                    Function::Upper => Call::Upper(text),
                    _ => Call::Trim(text),
                };
                (call, data_type)
            }
            Function::NullIf => {
                let (value, other) = self.pair(argument(0)?, argument(1)?, |_| false)?;
                let data_type = value.data_type;
                (Call::NullIf(Box::new(value), Box::new(other)), data_type)
            }
            Function::Replace => {
                let (text, search, replacement) = (text(0)?, written(1)?, written(2)?);
                let data_type = text_type(replaced(text_bytes(&text), &search, &replacement), place)?;
                (Call::Replace(text, search, replacement), data_type)
            }
            Function::Substring => {
                let (text, start, count) = (text(0)?, count(1)?, count(2)?);
                let data_type = cut(&text, count);
                (Call::Substring(text, start, count), data_type)
            }
        };
        Ok(Bound::new(Node::Call(call), data_type))
    }
}

fn unordered(place: Place) -> BindError {
    BindError::mismatch(place, "a condition", "something with an order: conditions are only equal or not")
}

/// The type of so many characters of a text.
fn cut(text: &Bound, count: u32) -> DataType {
    let bytes = text_bytes(text).min(CHARACTER * u64::from(count));
    DataType::VarChar(u32::try_from(bytes).unwrap_or(u32::MAX))
}

/// Most bytes of a text after a replacement.
fn replaced(bytes: u64, search: &Text, replacement: &Text) -> u64 {
    let (search, replacement) = (search.as_str().len().max(1) as u64, replacement.as_str().len() as u64);
    if replacement <= search { bytes } else { bytes / search * replacement + bytes % search }
}

/// The type of a date or timestamp that is rounded down. With time zone it would depend on the reader's session.
fn truncated(unit: TimeUnit, data_type: DataType, place: Place) -> Result<DataType, BindError> {
    match (data_type, unit) {
        (DataType::Timestamp, _) => Ok(data_type),
        (DataType::Date, TimeUnit::Hour) => {
            Err(BindError::mismatch(place, in_words(data_type), "a timestamp: a date has no hours"))
        }
        (DataType::Date, _) => Ok(data_type),
        _ => Err(BindError::mismatch(place, in_words(data_type), "a date or a timestamp without time zone")),
    }
}
