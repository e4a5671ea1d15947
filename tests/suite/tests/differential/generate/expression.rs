//! Random expressions, typed so that nearly all of them fit.

use redoubt_core::sql::DataType;

use super::{
    pool,
    source::{Column, REGION, Table, Theme, has_stable_text},
};
use crate::chance::Chance;

/// What can be compared with each other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Text,
    Exact,
    Float,
    Boolean,
    Date,
    Timestamp,
    TimestampTz,
}

fn class(data_type: DataType) -> Option<Class> {
    Some(match data_type {
        DataType::Char(_) | DataType::VarChar(_) => Class::Text,
        DataType::SmallInt | DataType::Integer | DataType::BigInt | DataType::Decimal { .. } => Class::Exact,
        DataType::Real | DataType::DoublePrecision => Class::Float,
        DataType::Boolean => Class::Boolean,
        DataType::Date => Class::Date,
        DataType::Timestamp => Class::Timestamp,
        DataType::TimestampTz => Class::TimestampTz,
        DataType::Time | DataType::TimeTz | DataType::Super | DataType::VarByte(_) => return None,
    })
}

/// A predicate over rows and the user.
pub fn row_predicate(chance: &mut Chance, table: &Table) -> String {
    let mut writer = Writer { chance, table };
    // A test alone decides more than one among many.
    let depth = if writer.chance.percent(40) { 0 } else { 2 };
    writer.about_user(depth)
}

/// A predicate over rows.
pub fn cell_predicate(chance: &mut Chance, table: &Table) -> String {
    let mut writer = Writer { chance, table };
    writer.boolean(2)
}

/// A value for a column, over its row.
pub fn mask_value(chance: &mut Chance, table: &Table, column: &Column) -> String {
    let mut writer = Writer { chance, table };
    match class(column.data_type) {
        Some(_) if writer.chance.percent(2) => writer.reference(column),
        // There are no literals of it.
        Some(Class::TimestampTz) => {
            let (when, column) = (writer.boolean(1), writer.reference(column));
            format!("CASE WHEN {when} THEN {column} END")
        }
        _ if writer.chance.percent(5) => "NULL".to_owned(),
        None => "NULL".to_owned(),
        // A column alone would be shown as it is, and is refused.
        Some(class) if writer.chance.percent(90) => writer.computed(class, 1),
        Some(class) => writer.literal(class),
    }
}

struct Writer<'a> {
    chance: &'a mut Chance,
    table: &'a Table,
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

impl Writer<'_> {
    fn one_of(&mut self, list: &[&str]) -> String {
        self.chance.pick(list).to_owned()
    }

    fn reference(&mut self, column: &Column) -> String {
        let tag = column.tags.iter().find(|tag| {
            let below = |other: &String| *other == **tag || other.starts_with(&format!("{tag}."));
            self.table.columns.iter().filter(|column| column.tags.iter().any(below)).count() == 1
        });
        match tag {
            Some(tag) if self.chance.percent(30) => format!("@columnTagged({})", quoted(tag)),
            _ if self.chance.percent(15) => format!("@columnReference({})", quoted(&column.name)),
            _ if column.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') => column.name.clone(),
            _ => format!("\"{}\"", column.name.replace('"', "\"\"")),
        }
    }

    /// A column that passes a test, if there is any.
    fn column(&mut self, wanted: impl Fn(&Column) -> bool) -> Option<String> {
        let table = self.table;
        let found: Vec<&Column> = table.columns.iter().filter(|column| wanted(column)).collect();
        let column = *found.get(self.chance.below(found.len()))?;
        Some(self.reference(column))
    }

    fn of_class(&mut self, wanted: Class) -> Option<String> {
        self.column(|column| class(column.data_type) == Some(wanted))
    }

    fn about_user(&mut self, depth: usize) -> String {
        if self.table.theme == Theme::Purposes && self.chance.percent(25) {
            return self.user_test("purposesContains");
        }
        match self.chance.below(if depth == 0 { 8 } else { 12 }) {
            0 => self.user_test("attributeValuesContains"),
            1 => self.user_test("groupsContains"),
            2 | 7 => self.user_test("purposesContains"),
            3 => {
                let (name, values) = self.chance.of(&pool::ATTRIBUTES);
                let value = self.one_of(values);
                format!("@hasAttribute({}, {})", quoted(name), quoted(&value))
            }
            4 => self.list("@isInGroups", &pool::GROUPS),
            5 => self.list("@hasPurpose", &pool::PURPOSES),
            6 => {
                let text = self.value(Class::Text, 1);
                if self.chance.percent(50) { format!("@username = {text}") } else { format!("{text} = @username") }
            }
            kind => {
                let operator = if kind < 11 { " OR " } else { " AND " };
                let count = self.chance.between(2, 3);
                let parts: Vec<String> = (0..count)
                    .map(|_| if self.chance.percent(30) { self.boolean(1) } else { self.about_user(depth - 1) })
                    .map(|part| format!("({part})"))
                    .collect();
                parts.join(operator)
            }
        }
    }

    fn user_test(&mut self, function: &str) -> String {
        let region = if self.chance.percent(60) { self.column(|column| column.name == REGION) } else { None };
        let any = self.column(|column| has_stable_text(column.data_type));
        let Some(column) = region.or(any) else { return "TRUE".to_owned() };
        if function == "attributeValuesContains" {
            let (name, _) = match self.table.theme {
                Theme::Attribute(place) if self.chance.percent(70) => &pool::ATTRIBUTES[place],
                _ => self.chance.of(&pool::ATTRIBUTES),
            };
            return format!("@attributeValuesContains({}, {column})", quoted(name));
        }
        format!("@{function}({column})")
    }

    fn list(&mut self, function: &str, words: &[&str]) -> String {
        let words: Vec<String> = self.chance.some(words, 1, 3).into_iter().map(quoted).collect();
        format!("{function}({})", words.join(", "))
    }

    fn boolean(&mut self, depth: usize) -> String {
        if depth > 0 {
            match self.chance.below(8) {
                0 => return format!("({}) AND ({})", self.boolean(depth - 1), self.boolean(depth - 1)),
                1 => return format!("({}) OR ({})", self.boolean(depth - 1), self.boolean(depth - 1)),
                2 => return format!("NOT ({})", self.boolean(depth - 1)),
                _ => {}
            }
        }
        let class = *self.chance.of(&[
            Class::Text,
            Class::Text,
            Class::Text,
            Class::Exact,
            Class::Exact,
            Class::Float,
            Class::Boolean,
            Class::Date,
            Class::Timestamp,
            Class::Timestamp,
            Class::TimestampTz,
        ]);
        if class == Class::TimestampTz {
            return match self.of_class(class) {
                Some(column) if self.chance.percent(50) => format!("{column} IS NOT NULL"),
                Some(column) => format!("{column} >= {}", self.of_class(class).unwrap()),
                None => "TRUE".to_owned(),
            };
        }
        let value = self.value(class, depth);
        let other = |writer: &mut Self| writer.value(class, depth.saturating_sub(1));
        match self.chance.below(11) {
            0 => format!("{value} IS NULL"),
            1 => format!("{value} IS NOT NULL"),
            2 if class != Class::Boolean => {
                let not = self.one_of(&["", "NOT "]);
                format!("{value} {not}BETWEEN {} AND {}", other(self), other(self))
            }
            3 if class != Class::Boolean && class != Class::Float => {
                let not = self.one_of(&["", "NOT "]);
                let count = self.chance.between(1, 3);
                let list: Vec<String> = (0..count).map(|_| self.literal(class)).collect();
                format!("{value} {not}IN ({})", list.join(", "))
            }
            4 | 5 if class == Class::Text => {
                let not = self.one_of(&["", "NOT "]);
                let pattern =
                    self.one_of(&["%", "a%", "%é%", "_", "%_b", "DE", "O''%", "%''", "%😀", "E%.B%", "%%", ""]);
                format!("{value} {not}LIKE '{pattern}'")
            }
            6 if class == Class::Boolean => value,
            _ => {
                let operator = if class == Class::Boolean {
                    self.one_of(&["=", "<>"])
                } else {
                    self.one_of(&["=", "<>", "!=", "<", "<=", ">", ">="])
                };
                format!("{value} {operator} {}", other(self))
            }
        }
    }

    fn value(&mut self, class: Class, depth: usize) -> String {
        if depth > 0 && self.chance.percent(60) && class != Class::TimestampTz {
            return self.computed(class, depth - 1);
        }
        match self.of_class(class) {
            Some(column) if self.chance.percent(75) => column,
            _ => self.literal(class),
        }
    }

    fn computed(&mut self, class: Class, depth: usize) -> String {
        let one = self.value(class, depth);
        match self.chance.below(9) {
            0 => return format!("COALESCE({one}, {})", self.value(class, depth)),
            1 => return format!("NULLIF({one}, {})", self.value(class, depth)),
            2 => {
                let otherwise =
                    if self.chance.percent(60) { format!(" ELSE {}", self.value(class, depth)) } else { String::new() };
                return format!("CASE WHEN {} THEN {one}{otherwise} END", self.boolean(depth));
            }
            _ => {}
        }
        match class {
            Class::Text => match self.chance.below(11) {
                0 => format!("LOWER({one})"),
                1 => format!("UPPER({one})"),
                2 => format!("TRIM({one})"),
                3 => format!("LEFT({one}, {})", self.chance.between(1, 5)),
                4 => format!("RIGHT({one}, {})", self.chance.between(1, 5)),
                5 => format!("SUBSTRING({one}, {}, {})", self.chance.between(1, 4), self.chance.between(1, 4)),
                6 => {
                    let (search, replacement) =
                        *self.chance.of(&[("a", "b"), ("''", ""), ("\\", "/"), ("😀", "a\\"), ("E", "ee"), (" ", "_")]);
                    format!("REPLACE({one}, '{search}', '{replacement}')")
                }
                7 | 8 => format!("{one} || {}", self.value(class, depth)),
                9 => format!("CONCAT({one}, {})", self.value(class, depth)),
                _ => {
                    let number = self.small_number();
                    format!("CAST({number} AS VARCHAR(45))")
                }
            },
            Class::Exact => {
                let one = self.small_number();
                match self.chance.below(9) {
                    0..4 => {
                        let operator = self.one_of(&["+", "-", "*"]);
                        format!("{one} {operator} {}", self.small_number())
                    }
                    4 => format!("-{one}"),
                    5 => format!("ABS({one})"),
                    6 => format!("LENGTH({})", self.value(Class::Text, depth)),
                    7 => format!("CAST({one} AS DECIMAL(25,4))"),
                    _ => format!("{one} - 1"),
                }
            }
            Class::Float => match self.of_class(Class::Float) {
                Some(column) if self.chance.percent(50) => format!("ABS({column})"),
                Some(column) => format!("-{column}"),
                None => self.literal(class),
            },
            Class::Boolean => format!("({})", self.boolean(depth)),
            Class::Date => match self.chance.below(3) {
                0 => {
                    let unit = self.one_of(&["day", "week", "month", "quarter", "year"]);
                    format!("DATE_TRUNC('{unit}', {one})")
                }
                1 => format!("CAST({} AS DATE)", self.value(Class::Timestamp, depth)),
                _ => one,
            },
            Class::Timestamp => match self.chance.below(4) {
                0 | 1 => {
                    let unit = self.one_of(&["hour", "day", "week", "month", "quarter", "year"]);
                    format!("DATE_TRUNC('{unit}', {one})")
                }
                2 => format!("CAST({} AS TIMESTAMP)", self.value(Class::Date, depth)),
                // Its day is the same as long as the test runs, or nearly.
                _ => "DATE_TRUNC('year', GETDATE())".to_owned(),
            },
            Class::TimestampTz => one,
        }
    }

    /// A number of so few digits that it can be computed with.
    fn small_number(&mut self) -> String {
        let is_small = |column: &Column| match column.data_type {
            DataType::SmallInt | DataType::Integer => true,
            DataType::Decimal { precision, .. } => precision <= 12,
            _ => false,
        };
        match self.column(is_small) {
            Some(column) if self.chance.percent(75) => column,
            _ => self.one_of(&["0", "1", "7", "2.5", "0.01", "100"]),
        }
    }

    fn literal(&mut self, class: Class) -> String {
        match class {
            Class::Text => {
                let text = match self.chance.below(4) {
                    0 => {
                        let (_, values) = self.chance.of(&pool::ATTRIBUTES);
                        self.one_of(values)
                    }
                    _ => self.one_of(&pool::TEXTS),
                };
                quoted(&text)
            }
            Class::Exact => {
                self.one_of(&["0", "-1", "7", "2147483647", "0.5", "-17.25", "99999", "32767", "12345678901234567890"])
            }
            Class::Float => self.one_of(&["0", "1.5", "-7", "123456.789"]),
            Class::Boolean => self.one_of(&["TRUE", "FALSE"]),
            Class::Date => {
                let day = self.one_of(&pool::DATES);
                format!("DATE '{day}'")
            }
            Class::Timestamp | Class::TimestampTz => {
                let day = self.one_of(&pool::DATES);
                format!("TIMESTAMP '{day} 12:34:56'")
            }
        }
    }
}
