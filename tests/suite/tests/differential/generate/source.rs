//! Random tables: columns of every type, and rows with values at the edges of theirs.

use redoubt_core::sql::DataType;
use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime, macros::format_description};

use super::pool;
use crate::{chance::Chance, scene::RUN};

/// Digits of the `DECIMAL` that Redshift keeps in eight bytes, and that therefore ends where they do.
const EIGHT_BYTES: u8 = 19;

/// One type or several that are the same to policies.
pub const FAMILIES: [&[&str]; 15] = [
    &["smallint"],
    &["integer"],
    &["bigint"],
    &["decimal(5,0)", "decimal(12,0)", "decimal(18,0)", "decimal(19,0)", "decimal(38,0)"],
    &["decimal(12,2)", "decimal(38,10)", "decimal(19,3)", "decimal(3,3)", "decimal(9,4)"],
    &["real"],
    &["double precision"],
    &["boolean"],
    &["char(1)", "char(12)"],
    &["varchar(8)", "varchar(40)", "varchar(300)"],
    &["date"],
    &["timestamp"],
    &["timestamptz"],
    &["time", "timetz"],
    &["super", "varbyte(16)"],
];

/// Names by place; no two of a table begin alike, so that patterns can mean one.
const NAMES: [&str; 12] = [
    "c0",
    "c1_name",
    "C2 Phone",
    "c3\"quoted",
    "c4_é",
    "c5 it's \\",
    "c6",
    "C7Balance",
    "c8.dotted",
    "d9",
    "d10",
    "d11",
];

/// A column of what users have, so that matches find something.
pub const REGION: &str = "Region";

pub struct Column {
    pub name: String,
    pub data_type: DataType,
    pub tags: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    Groups,
    Purposes,
    /// Values of the attribute at this place.
    Attribute(usize),
}

pub struct Table {
    pub id: String,
    pub columns: Vec<Column>,
    pub rows: Vec<Map<String, Value>>,
    /// Whether there are to be row rules; few rows are left where there are.
    pub hides_rows: bool,
    /// What the column [`REGION`] mostly has.
    pub theme: Theme,
    name: String,
    tags: Vec<String>,
    key: Option<String>,
    event_time: Option<String>,
}

/// Whether a value's text is the same in every session.
pub fn has_stable_text(data_type: DataType) -> bool {
    match data_type {
        DataType::SmallInt | DataType::Integer | DataType::BigInt | DataType::Char(_) | DataType::VarChar(_) => true,
        DataType::Decimal { scale, .. } => scale == 0,
        _ => false,
    }
}

pub fn table(chance: &mut Chance, number: usize) -> Table {
    let id = format!("{RUN}s{number}");
    let mut columns: Vec<Column> = (0..chance.between(5, 12))
        .map(|place| {
            let family = chance.of(&FAMILIES);
            let data_type = chance.pick(family).parse().unwrap();
            let tags = if chance.percent(55) { chance.some(&pool::TAGS, 1, 2) } else { Vec::new() };
            Column { name: NAMES[place].to_owned(), data_type, tags: super::owned(&tags) }
        })
        .collect();
    let hides_rows = chance.percent(70);
    let theme = *chance.of(&[Theme::Groups, Theme::Purposes, Theme::Attribute(0), Theme::Attribute(1)]);
    if hides_rows && chance.percent(75) {
        let data_type = DataType::VarChar(40);
        columns.push(Column { name: REGION.to_owned(), data_type, tags: vec!["geo.region".to_owned()] });
    }
    // Rows are told apart by it where no mask covers it.
    columns.push(Column { name: "row_no".to_owned(), data_type: DataType::Integer, tags: Vec::new() });
    let named = |chance: &mut Chance, wanted: &dyn Fn(&Column) -> bool| {
        let found: Vec<&Column> = columns.iter().filter(|column| wanted(column)).collect();
        (!found.is_empty()).then(|| chance.of(&found).name.clone())
    };
    let key = match chance.below(100) {
        0..50 => Some("row_no".to_owned()),
        50..90 => named(chance, &|column| has_stable_text(column.data_type)),
        90..95 => named(chance, &|_| true),
        _ => None,
    };
    let is_moment =
        |column: &Column| matches!(column.data_type, DataType::Date | DataType::Timestamp | DataType::TimestampTz);
    let event_time = if chance.percent(95) { named(chance, &is_moment) } else { None };
    let count = if chance.percent(4) { 0 } else { chance.between(2, 14) };
    let rows = (0..count)
        .map(|row| {
            let cells = columns.iter().filter_map(|column| {
                if column.name == "row_no" {
                    return Some((column.name.clone(), json!(row.to_string())));
                }
                let is_null = chance.percent(10);
                let value = if column.name == REGION { region(chance, theme) } else { value(chance, column.data_type) };
                (!is_null).then(|| (column.name.clone(), json!(value)))
            });
            cells.collect()
        })
        .collect();
    let tags = if chance.percent(40) { chance.some(&pool::TAGS, 1, 2) } else { Vec::new() };
    let names = ["t", "T able", "it's \\ \"t\"", "été"];
    let name = format!("{RUN}{}{number}", chance.pick(&names));
    Table { id, columns, rows, hides_rows, theme, name, tags: super::owned(&tags), key, event_time }
}

impl Table {
    pub fn has_event_time(&self) -> bool {
        self.event_time.is_some()
    }

    pub fn has_key(&self) -> bool {
        self.key.is_some()
    }

    pub fn all_tags(&self) -> Vec<String> {
        self.tags.iter().chain(self.columns.iter().flat_map(|column| &column.tags)).cloned().collect()
    }

    pub fn document(&self) -> Value {
        let columns: Vec<Value> = self
            .columns
            .iter()
            .map(|column| json!({"name": column.name, "type": column.data_type.to_string(), "tags": column.tags}))
            .collect();
        json!({
            "id": self.id, "version": 1, "host": "wh", "database": "dev", "schema": crate::warehouse::RAW,
            "table": self.name, "tags": self.tags, "columns": columns, "key_column": self.key,
            "event_time_column": self.event_time,
        })
    }
}

/// As many characters as the bytes allow.
fn cut(text: &str, bytes: u32) -> String {
    text[..text.floor_char_boundary(usize::try_from(bytes).unwrap())].to_owned()
}

fn text(chance: &mut Chance) -> String {
    match chance.below(10) {
        0..2 => chance.pick(&pool::GROUPS).to_owned(),
        2..5 => {
            let (_, values) = chance.of(&pool::ATTRIBUTES);
            chance.pick(values).to_owned()
        }
        5 => chance.pick(&pool::PURPOSES).to_owned(),
        6 => format!("{RUN}u{}", chance.below(5)),
        _ => chance.pick(&pool::TEXTS).to_owned(),
    }
}

/// Something that many users have.
fn region(chance: &mut Chance, theme: Theme) -> String {
    match chance.below(10) {
        0..6 => {
            let values = match theme {
                Theme::Groups => &pool::GROUPS[..],
                Theme::Purposes => &pool::PURPOSES[..],
                Theme::Attribute(place) => pool::ATTRIBUTES[place].1,
            };
            chance.pick(values).to_owned()
        }
        6 | 7 => chance.pick(&pool::PURPOSES).to_owned(),
        8 => format!("{RUN}u{}", chance.between(2, 4)),
        9 if chance.percent(50) => chance.pick(&["DE ", "de", "", "Engineering.", "ENGINEERING"]).to_owned(),
        _ => text(chance),
    }
}

fn digits(chance: &mut Chance, count: usize) -> String {
    (0..count).map(|_| char::from(b'0' + u8::try_from(chance.below(10)).unwrap())).collect()
}

/// A value as a literal says it and PostgreSQL prints it.
pub fn value(chance: &mut Chance, data_type: DataType) -> String {
    let whole = |chance: &mut Chance, least: i128, most: i128| {
        let (_, levels) = pool::ATTRIBUTES[2];
        let number = match chance.below(8) {
            0 => least,
            1 => most,
            2 => most - 1,
            3 => 0,
            4 => -1,
            5 => i128::from(chance.next() % 2_000) - 1_000,
            6 => chance.pick(levels).parse().unwrap(),
            _ => i128::from(chance.next()) % (most / 2 + 1),
        };
        number.clamp(least, most).to_string()
    };
    match data_type {
        DataType::SmallInt => whole(chance, i16::MIN.into(), i16::MAX.into()),
        DataType::Integer => whole(chance, i32::MIN.into(), i32::MAX.into()),
        DataType::BigInt => whole(chance, i64::MIN.into(), i64::MAX.into()),
        DataType::Decimal { precision, scale: 0 } => {
            let most = if precision == EIGHT_BYTES { i64::MAX.into() } else { 10_i128.pow(precision.into()) - 1 };
            whole(chance, -most, most)
        }
        DataType::Decimal { precision, scale } => {
            let (before, after) = (usize::from(precision - scale), usize::from(scale));
            let sign = if chance.percent(40) { "-" } else { "" };
            match chance.below(5) {
                0 if precision == EIGHT_BYTES => {
                    let most = i64::MAX.to_string();
                    let (before, after) = most.split_at(before);
                    format!("{sign}{before}.{after}")
                }
                0 => format!("{sign}{:0>1}.{}", "9".repeat(before), "9".repeat(after)),
                1 => format!("0.{}", "0".repeat(after)),
                2 => format!("{sign}0.{}1", "0".repeat(after - 1)),
                _ => {
                    let most = if precision == EIGHT_BYTES { before - 1 } else { before };
                    let before = chance.between(0, most);
                    let number = digits(chance, before);
                    let number = number.trim_start_matches('0');
                    let fraction = digits(chance, after);
                    let zero = number.is_empty() && fraction.bytes().all(|digit| digit == b'0');
                    format!("{}{number:0>1}.{fraction}", if zero { "" } else { sign })
                }
            }
        }
        DataType::Real => chance
            .pick(&[
                "0",
                "-0",
                "1.5",
                "-2.25",
                "3.4028235e+38",
                "-3.4028235e+38",
                "-Infinity",
                "1e-45",
                "16777216",
                "0.1",
                "123456.79",
                "7",
            ])
            .to_owned(),
        DataType::DoublePrecision => chance
            .pick(&[
                "0",
                "-0",
                "0.1",
                "-17.999999999999996",
                "1.7976931348623157e+308",
                "Infinity",
                "5e-324",
                "9007199254740993",
                "1e+15",
                "123456.789",
                "-999.5",
                "7",
            ])
            .to_owned(),
        DataType::Boolean => chance.pick(&["t", "f"]).to_owned(),
        DataType::Char(bytes) => {
            let text: String = text(chance).chars().filter(char::is_ascii).collect();
            // A padded value reads back without its padding.
            cut(&text, bytes).trim_end_matches(' ').to_owned()
        }
        DataType::VarChar(bytes) => {
            let text = text(chance);
            // The name of a run is longer than what stands for it.
            if text.contains(RUN) && bytes < 24 { "ab".to_owned() } else { cut(&text, bytes) }
        }
        DataType::Date => match chance.below(2) {
            0 => near_now(chance)[..10].to_owned(),
            _ => chance.pick(&pool::DATES).to_owned(),
        },
        DataType::Timestamp | DataType::TimestampTz => {
            let zone = if data_type == DataType::TimestampTz { "+00" } else { "" };
            match chance.below(2) {
                0 => format!("{}{zone}", near_now(chance)),
                _ => format!("{} {}{zone}", chance.pick(&pool::DATES), chance.pick(&pool::TIMES)),
            }
        }
        DataType::Time => chance.pick(&pool::TIMES).to_owned(),
        DataType::TimeTz => chance.pick(&["00:00:00+00", "23:59:59-05", "12:34:56.789+14"]).to_owned(),
        DataType::Super => {
            chance.pick(&["null", "1.50", "\"it's \\\\ \"", "[1, \"é\"]", "{\"a\": {\"b\": 1}}"]).to_owned()
        }
        DataType::VarByte(_) => chance.pick(&["\\x", "\\x00ff", "\\x6162270a5c"]).to_owned(),
    }
}

/// A moment some days ago and some hours off, so that no window's bound is met while the test runs.
fn near_now(chance: &mut Chance) -> String {
    let days = *chance.of(&[0_i64, 1, 7, 30, 365, 3_650]);
    let hours = *chance.of(&[-6_i64, 6, 30]);
    // The day is the same for all of a run that does not go on for hours.
    let base =
        OffsetDateTime::now_utc().replace_minute(0).unwrap().replace_second(0).unwrap().replace_nanosecond(0).unwrap();
    let moment = base - Duration::days(days) + Duration::hours(hours);
    moment.format(format_description!("[year]-[month]-[day] [hour]:[minute]:[second]")).unwrap()
}
