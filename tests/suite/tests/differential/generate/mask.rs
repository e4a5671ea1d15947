//! Random masks.

use redoubt_core::sql::DataType;
use serde_json::{Value, json};

use super::{
    expression, pool,
    source::{Column, Table},
};
use crate::chance::Chance;

/// The kinds there are; a coverage table has a line for each of them on each family of types.
pub const KINDS: [&str; 12] = [
    "null",
    "constant",
    "hash",
    "round",
    "show",
    "custom",
    "regex",
    "regex by redshift",
    "reversible",
    "format_preserving",
    "randomized_response",
    "clear",
];

/// A mask that may be everyone's, chosen for a column or, where it is to be for columns of any type, so that it fits them.
pub fn mask(chance: &mut Chance, table: &Table, column: &Column, any_type: bool) -> Value {
    loop {
        // Those that are for one type are drawn twice as often.
        let kind = match chance.below(KINDS.len() + 4) {
            place if place < KINDS.len() - 1 => KINDS[place],
            place => ["constant", "custom", "randomized_response", "constant", "randomized_response"]
                [place - (KINDS.len() - 1)],
        };
        // What withdraws the view is rare.
        let may_fail = match kind {
            "constant" => any_type || constant(chance, column.data_type).is_none(),
            "custom" => any_type,
            "randomized_response" => any_type || !table.has_key(),
            _ => false,
        };
        if !may_fail || chance.percent(3) {
            return of_kind(chance, kind, table, column);
        }
    }
}

fn of_kind(chance: &mut Chance, kind: &str, table: &Table, column: &Column) -> Value {
    match kind {
        "null" | "hash" => json!({"kind": kind}),
        "constant" => {
            let value = constant(chance, column.data_type);
            json!({"kind": "constant", "value": value.unwrap_or_else(|| json!("no such value"))})
        }
        "round" => {
            let bucket =
                chance.percent(80).then(|| *chance.of(&[1_u64, 3, 10, 1_000, 100_000, 9_223_372_036_854_775_807]));
            let unit = *chance.of(&["hour", "day", "week", "month", "quarter", "year"]);
            let unit = (bucket.is_none() || chance.percent(80)).then_some(unit);
            json!({"kind": "round", "bucket": bucket, "unit": unit})
        }
        "show" => {
            let (first, last) = (chance.below(4), chance.below(5));
            let first = if first + last == 0 { 1 } else { first };
            let with = chance.of(&[Value::Null, json!("#"), json!("\\"), json!("'")]).clone();
            json!({"kind": "show", "first": first, "last": last, "replace_with": with})
        }
        "custom" => json!({"kind": "custom", "expression": expression::mask_value(chance, table, column)}),
        "regex" => {
            let (pattern, replace_with) = *chance.of(&[
                ("[0-9]", "#"),
                ("\\d+", ""),
                ("[aeior]", "\\\\"),
                ("(\\w+)@(\\w+)", "\\2 at \\1"),
                ("^.", "<$1>"),
                ("[a-z]", "'"),
                ("[a-f]+", ""),
                ("(e|d|r)", "<\\1>"),
                ("n|é", "N"),
                (".", "*"),
                ("\\w+", "😀"),
                ("(a)|(b)", "[\\1\\2]"),
                ("$", "!"),
                ("b*", "-"),
            ]);
            json!({
                "kind": "regex", "pattern": pattern, "replace_with": replace_with, "ignore_case": chance.percent(50),
                "first_only": chance.percent(30),
            })
        }
        "regex by redshift" => {
            let (pattern, replace_with) = *chance.of(&[
                ("[0-9]", "#"),
                ("[a-z]+", "it's"),
                ("^[A-Z]", ""),
                ("[0-9]{3}", "x"),
                ("-", "+"),
                ("[0-9]+$", "N"),
                ("[^ ]", "*"),
                ("o?b", "_"),
            ]);
            json!({"kind": "regex", "pattern": pattern, "replace_with": replace_with, "engine": "redshift"})
        }
        "reversible" => json!({"kind": kind}),
        "format_preserving" => {
            let alphabets = [
                Value::Null,
                json!("digits"),
                json!("alphanumerics"),
                json!({"characters": "0123456789abcdef"}),
                json!({"characters": "aeiouäöüé日本語😀𐍈0123456789'\\"}),
            ];
            json!({"kind": kind, "alphabet": chance.of(&alphabets)})
        }
        "randomized_response" => {
            let room = column.data_type.text_bytes().is_none_or(|bytes| bytes >= 8);
            let values: &[&str] = if room { &["A", "it's \\", "É😀"] } else { &["A", "B", "c"] };
            json!({
                "kind": kind, "values": chance.some(values, 1, 3), "truth_percent": chance.of(&[0.01, 33.33, 50.0, 99.99]),
                "noise": chance.of(&[1_u64, 10, 100_000, 1 << 51]), "noise_days": chance.of(&[1, 30, 36_500]),
            })
        }
        _ => json!({"kind": "clear"}),
    }
}

/// A constant of the type, if there is any.
fn constant(chance: &mut Chance, data_type: DataType) -> Option<Value> {
    Some(match data_type {
        DataType::Char(bytes) | DataType::VarChar(bytes) => {
            let fitting: Vec<&&str> = pool::TEXTS.iter().filter(|text| text.len() <= bytes as usize).collect();
            json!(chance.of(&fitting))
        }
        DataType::SmallInt => chance.of(&[json!(0), json!(-32_768), json!(32_767)]).clone(),
        DataType::Integer => chance.of(&[json!(0), json!(i32::MIN), json!(i32::MAX)]).clone(),
        DataType::BigInt => chance.of(&[json!(0), json!(i64::MIN), json!(i64::MAX)]).clone(),
        DataType::Decimal { scale: 0, .. } => chance.of(&[json!(0), json!(-7), json!(99_999)]).clone(),
        DataType::Decimal { precision, scale } if precision > scale => {
            chance.of(&[json!(0), json!(-7.25), json!(0.5)]).clone()
        }
        DataType::Decimal { .. } => chance.of(&[json!(0), json!(-0.25), json!(0.999)]).clone(),
        DataType::Real | DataType::DoublePrecision => {
            chance.of(&[json!(0), json!(-7.25), json!(0.1), json!(123_456_789)]).clone()
        }
        DataType::Boolean => json!(chance.percent(50)),
        DataType::Date => json!(chance.pick(&pool::DATES)),
        DataType::Time => chance.of(&[json!("00:00:00"), json!("23:59:59")]).clone(),
        DataType::Timestamp | DataType::TimestampTz => json!(format!("{} 12:34:56", chance.pick(&pool::DATES))),
        DataType::TimeTz | DataType::Super | DataType::VarByte(_) => return None,
    })
}
