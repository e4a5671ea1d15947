//! The SQL of each way to mask a value.

use super::{
    SOURCE,
    query::{Builder, as_text, digest_number, sha2},
};
use crate::{
    model::policy::{RegexEngine, RegexMask},
    plan::{PlannedColumn, Transform},
    render::expression::expression,
    sql::{
        DataType, Ident, Number, QualifiedName, Text,
        tree::{Expr, Function, Operator},
    },
};

impl<'a> Builder<'a> {
    /// The masked value. Each branch has the column's type, so that the type of the whole does not hang on how branches are
    /// unified.
    pub(super) fn transform(&mut self, transform: &'a Transform, column: &PlannedColumn) -> Expr {
        let value = || Expr::Column(SOURCE, column.name.clone());
        let text = || as_text(value(), column.declared);
        match transform {
            Transform::Clear => value(),
            Transform::Null => Expr::Null.cast(column.shown),
            Transform::Constant(text) => Expr::Text(text.clone()).cast(column.shown),
            Transform::HashText => sha2(self.joined_salt().binary(Operator::Concat, text())),
            Transform::HashInteger { modulus } => {
                let digest = sha2(self.joined_salt().binary(Operator::Concat, text()));
                digest_number(digest, 0, *modulus).cast(column.shown)
            }
            Transform::RoundNumber { bucket, inexact: false } => {
                let rest = Expr::Call(Function::Mod, vec![value(), Expr::Int(*bucket)]);
                value().binary(Operator::Minus, rest).cast(column.shown)
            }
            Transform::RoundNumber { bucket, inexact: true } => {
                let wide = || value().cast(DataType::DoublePrecision);
                let whole = Expr::Call(Function::Trunc, vec![wide().binary(Operator::Divide, Expr::Int(*bucket))]);
                let rounded = whole.binary(Operator::Times, Expr::Int(*bucket)).cast(column.shown);
                let size = || Expr::Call(Function::Abs, vec![wide()]);
                // A tiny number can't be divided without an error, and near 1e308 a multiple may be out of range. Nor is an
                // infinite value rounded.
                let small = size().binary(Operator::Less, Expr::Int(*bucket));
                let most = Expr::fixed("1e300").cast(DataType::DoublePrecision);
                let whens =
                    vec![(small, Expr::Int(0).cast(column.shown)), (size().binary(Operator::Less, most), rounded)];
                Expr::Case(whens, Box::new(Expr::Null.cast(column.shown)))
            }
            Transform::RoundTime(unit) => {
                Expr::Call(Function::DateTrunc, vec![Expr::fixed(unit.as_str()), value()]).cast(column.shown)
            }
            Transform::Show { first, last, replace_with } => show(&value, *first, *last, replace_with),
            Transform::Custom(bound) => expression(bound, self).cast(column.shown),
            Transform::Regex(mask) => self.regex(mask, text()).cast(column.shown),
            Transform::Reversible => {
                let arguments = vec![text(), self.token(), self.source_name(), column_name(column)];
                self.function("mask_reversible", arguments).cast(column.shown)
            }
            Transform::FormatPreserving { alphabet } => {
                let alphabet = Expr::Text(alphabet.clone());
                let arguments = vec![text(), self.token(), self.source_name(), column_name(column), alphabet];
                self.function("mask_format_preserving", arguments).cast(column.shown)
            }
            Transform::FormatPreservingNumber { most } => {
                let most = Expr::Text(most.clone());
                let arguments = vec![text(), self.token(), self.source_name(), column_name(column), most];
                self.function("mask_format_preserving_number", arguments).cast(column.shown)
            }
            Transform::RandomCategory { values, truth, key } => {
                let digest = self.random(column, *key);
                let truthful =
                    digest_number(digest.clone(), 0, 10_000).binary(Operator::Less, Expr::Int(i64::from(*truth)));
                let count = i64::try_from(values.len()).unwrap_or(i64::MAX);
                // The position of a part is a plain integer.
                let place =
                    digest_number(digest, 1, count).binary(Operator::Plus, Expr::Int(1)).cast(DataType::Integer);
                let other = one_of(values, place).cast(column.shown);
                let random = Expr::Case(vec![(truthful, value().cast(column.shown))], Box::new(other));
                self.if_known(column, *key, random.cast(column.shown), column.shown)
            }
            Transform::RandomNumber { noise, key } => {
                let noisy = self.noisy_number(column, *noise, *key);
                self.if_known(column, *key, noisy.cast(column.shown), column.shown)
            }
            Transform::RandomDate { days, key } => {
                let bound = |text: &'static str| Expr::fixed(text).cast(DataType::Date);
                let day = value().cast(DataType::Date);
                let noise = i64::from(*days);
                let amount = digest_number(self.random(column, *key), 0, 2 * noise + 1)
                    .binary(Operator::Minus, Expr::Int(noise))
                    .cast(DataType::Integer);
                let within = Expr::And(vec![
                    day.clone().binary(Operator::GreaterOrEqual, bound("0101-01-01")),
                    day.clone().binary(Operator::LessOrEqual, bound("9899-12-31")),
                ]);
                let moved = day.binary(Operator::Plus, amount).cast(column.shown);
                Expr::Case(vec![(within, moved)], Box::new(Expr::Null.cast(column.shown)))
            }
        }
    }

    fn source_name(&self) -> Expr {
        Expr::Text(self.plan.source.text().clone())
    }

    /// A call of one of the functions that the `mask` Lambda serves.
    fn function(&self, name: &'static str, arguments: Vec<Expr>) -> Expr {
        Expr::External(QualifiedName::new(self.names.functions.clone(), Ident::fixed(name)), arguments)
    }

    fn regex(&self, mask: &RegexMask, value: Expr) -> Expr {
        let (pattern, replacement) = (Expr::Text(mask.pattern.clone()), Expr::Text(mask.replace_with.clone()));
        match mask.engine {
            RegexEngine::Redshift => Expr::Call(Function::RegexpReplace, vec![value, pattern, replacement]),
            RegexEngine::Lambda => {
                let flags = match (mask.first_only, mask.ignore_case) {
                    (false, false) => "g",
                    (false, true) => "gi",
                    (true, false) => "",
                    (true, true) => "i",
                };
                self.function("mask_regex", vec![value, pattern, replacement, Expr::fixed(flags)])
            }
        }
    }

    /// A digest of the row's key that nobody can compute who lacks the token, another one for each column.
    fn random(&mut self, column: &PlannedColumn, key: usize) -> Expr {
        let place = Expr::Text(Text::printed(format!("random:{}:", column.name.as_str())));
        let token = self.token();
        sha2(token.binary(Operator::Concat, place).binary(Operator::Concat, self.text(key)))
    }

    /// Null where the value or the row's key is, or where there is no token to draw from.
    fn if_known(&mut self, column: &PlannedColumn, key: usize, random: Expr, shown: DataType) -> Expr {
        let known = |expr: Expr| Expr::IsNotNull(Box::new(expr));
        let value = Expr::Column(SOURCE, column.name.clone());
        let all = Expr::And(vec![known(value), known(self.raw(key)), known(self.token())]);
        Expr::Case(vec![(all, random)], Box::new(Expr::Null.cast(shown)))
    }

    /// The value and noise, within what the type carries.
    fn noisy_number(&mut self, column: &PlannedColumn, noise: i64, key: usize) -> Expr {
        let value = Expr::Column(SOURCE, column.name.clone());
        let digest = self.random(column, key);
        let amount = |digest: Expr, noise: i64| {
            digest_number(digest, 0, 2 * noise + 1).binary(Operator::Minus, Expr::Int(noise))
        };
        let bounded = |sum: Expr, most: &str, wide: DataType| {
            let bound = |sign: &str| Expr::Text(Text::printed(format!("{sign}{most}"))).cast(wide);
            let raised = Expr::Call(Function::Greatest, vec![sum, bound("-")]);
            Expr::Call(Function::Least, vec![raised, bound("")])
        };
        match column.declared {
            DataType::Real | DataType::DoublePrecision => {
                let part = amount(digest, INEXACT_PARTS).cast(DataType::DoublePrecision);
                let scaled = part.binary(Operator::Times, Expr::Int(noise));
                let share = scaled.binary(Operator::Divide, Expr::Int(INEXACT_PARTS));
                value.cast(DataType::DoublePrecision).binary(Operator::Plus, share)
            }
            DataType::Decimal { precision, scale } => {
                let units = amount(digest, noise).cast(DataType::Decimal { precision: 17, scale: 0 });
                let amount = if scale == 0 {
                    units
                } else {
                    let unit = format!("0.{}1", "0".repeat(usize::from(scale) - 1));
                    let unit = Expr::Text(Text::printed(unit)).cast(DataType::Decimal { precision: scale + 1, scale });
                    units.binary(Operator::Times, unit)
                };
                let most = Number::largest(precision, scale).to_string();
                bounded(value.binary(Operator::Plus, amount), &most, column.declared)
            }
            // A type with room for the sum.
            DataType::BigInt => {
                let wide = DataType::Decimal { precision: 38, scale: 0 };
                bounded(value.cast(wide).binary(Operator::Plus, amount(digest, noise)), "9223372036854775807", wide)
            }
            declared => {
                let most = if declared == DataType::SmallInt { "32767" } else { "2147483647" };
                let sum = value.cast(DataType::BigInt).binary(Operator::Plus, amount(digest, noise));
                bounded(sum, most, DataType::BigInt)
            }
        }
    }
}

/// Parts into which the noise of an inexact number is divided, to each side.
const INEXACT_PARTS: i64 = 1_000_000;

fn column_name(column: &PlannedColumn) -> Expr {
    Expr::Text(Text::printed(column.name.as_str().to_owned()))
}

/// The value at a place of a list, from 1.
fn one_of(values: &[Text], place: Expr) -> Expr {
    let taken = |separator: char| values.iter().any(|value| value.as_str().contains(separator));
    // A value has no control characters, so that the last resort is always free.
    let separator =
        ['|', ';', '~', '^'].into_iter().find(|separator| !taken(*separator)).unwrap_or('\u{1f}').to_string();
    let list: Vec<&str> = values.iter().map(Text::as_str).collect();
    let list = Expr::Text(Text::printed(list.join(&separator)));
    Expr::Call(Function::SplitPart, vec![list, Expr::Text(Text::printed(separator)), place])
}

/// The first and last characters, each of the others replaced; a value that would be shown whole is hidden whole.
fn show(value: &dyn Fn() -> Expr, first: u32, last: u32, replace_with: &Text) -> Expr {
    let shown = i64::from(first) + i64::from(last);
    let length = || Expr::Call(Function::Length, vec![value()]);
    let hide = |count: Expr| Expr::Call(Function::Repeat, vec![Expr::Text(replace_with.clone()), count]);
    let mut parts = hide(length().binary(Operator::Minus, Expr::Int(shown)));
    if first > 0 {
        let start = Expr::Call(Function::Left, vec![value(), Expr::Int(i64::from(first))]);
        parts = start.binary(Operator::Concat, parts);
    }
    if last > 0 {
        let end = Expr::Call(Function::Right, vec![value(), Expr::Int(i64::from(last))]);
        parts = parts.binary(Operator::Concat, end);
    }
    let long_enough = length().binary(Operator::Greater, Expr::Int(shown));
    Expr::Case(vec![(long_enough, parts)], Box::new(hide(length())))
}
