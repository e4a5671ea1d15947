//! Whether what a person saw is what a plan means.

use std::{cell::RefCell, collections::BTreeSet};

use redoubt_core::{
    interpret::{Engine, Functions, Interpreter, Keys, Value, Viewer},
    plan::ViewPlan,
};
use redoubt_mask::{key::MasterSecret, mask::Masker, reply, request::Payload};
use serde_json::json;
use time::{OffsetDateTime, PrimitiveDateTime};

use crate::{scene::Known, warehouse::Answer};

/// The mask functions, called one row at a time.
pub struct Library(RefCell<Masker>);

impl Library {
    pub fn new(master_secret: &str) -> Self {
        let mut masker = Masker::new();
        masker.set_secret(MasterSecret::parse(master_secret).unwrap());
        Self(RefCell::new(masker))
    }
}

impl Functions for Library {
    fn call(&self, name: &str, arguments: &[Option<&str>]) -> Result<Option<String>, String> {
        let payload = json!({
            "external_function": format!("immuta_functions.{name}"), "user": "nobody", "num_records": 1,
            "arguments": [arguments],
        });
        let answer = Payload::parse(payload.to_string().as_bytes())
            .and_then(Payload::check)
            .and_then(|request| self.0.borrow_mut().answer(&request, &BTreeSet::new()))
            .unwrap_or_else(|fault| reply::failure(&fault));
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        if answer["success"] != json!(true) {
            return Err(answer["error_msg"].to_string());
        }
        Ok(answer["results"][0].as_str().map(str::to_owned))
    }
}

/// What the functions and the clock say.
pub struct Judge {
    pub functions: Library,
}

impl Judge {
    /// Compares an answer with what the plan means, and says what differs.
    pub fn judge(
        &self,
        plan: &ViewPlan,
        rows: &[Vec<Value>],
        keys: &Keys,
        person: &Known,
        answer: &Answer,
    ) -> Result<usize, String> {
        let now = OffsetDateTime::now_utc().replace_nanosecond(0).unwrap();
        let interpreter = Interpreter {
            keys,
            functions: &self.functions,
            now: PrimitiveDateTime::new(now.date(), now.time()),
            engine: Engine::POSTGRESQL,
        };
        let viewer = Viewer { account: person.account(), profile: person.profile.as_ref() };
        let meant = interpreter.visible_rows(plan, &viewer, rows);
        match (meant, answer) {
            (Err(_), Err(_)) => Ok(0),
            (Err(meant), Ok(_)) => Err(format!("the meaning fails, SQL does not: {meant}")),
            (Ok(_), Err(seen)) => Err(format!("SQL fails, the meaning does not: {seen}")),
            (Ok(meant), Ok(seen)) => compare(plan, &meant, seen).map(|()| seen.len()),
        }
    }
}

fn compare(plan: &ViewPlan, meant: &[Vec<Value>], seen: &[Vec<Option<String>>]) -> Result<(), String> {
    let mut read = Vec::new();
    for row in seen {
        if row.len() != plan.columns.len() {
            return Err(format!("the view has {} columns, the plan {}", row.len(), plan.columns.len()));
        }
        let mut cells = Vec::new();
        for (column, cell) in plan.columns.iter().zip(row) {
            let value = cell.as_deref().map_or(Some(Value::Null), |cell| Value::read(cell, column.shown));
            cells.push(value.ok_or_else(|| format!("{cell:?} is no {}", column.shown))?);
        }
        read.push(cells);
    }
    let lines = |rows: &[Vec<Value>]| {
        let mut lines: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(print).collect()).collect();
        lines.sort();
        lines
    };
    let (mut meant, mut seen) = (lines(meant), lines(&read));
    // What both have is taken away.
    meant.retain(|line| match seen.iter().position(|other| other == line) {
        Some(place) => {
            seen.remove(place);
            false
        }
        None => true,
    });
    if meant.is_empty() && seen.is_empty() {
        return Ok(());
    }
    Err(difference(plan, &meant, &seen))
}

/// The rows that differ; where one of each does, only its cells.
fn difference(plan: &ViewPlan, meant: &[Vec<String>], seen: &[Vec<String>]) -> String {
    let name = |place: usize| plan.columns[place].name.as_str();
    // Rows are told apart by the last column where it is clear, and else by being nearest.
    let mut message = String::new();
    let mut left: Vec<&Vec<String>> = seen.iter().collect();
    for row in meant {
        let alike = |other: &Vec<String>| row.iter().zip(other).filter(|(one, other)| one == other).count();
        let nearest = left.iter().enumerate().max_by_key(|(_, other)| alike(other)).map(|(place, _)| place);
        match nearest {
            None => message.push_str(&format!("meant, not seen: {row:?}\n")),
            Some(place) => {
                let other = left.remove(place);
                message.push_str(&format!("in the row meant as {row:?}\n"));
                for (column, (meant, seen)) in row.iter().zip(other).enumerate().filter(|(_, (a, b))| a != b) {
                    let shown = plan.columns[column].shown;
                    message.push_str(&format!("  `{}` ({shown}): meant {meant}, seen {seen}\n", name(column)));
                }
            }
        }
    }
    for row in left {
        message.push_str(&format!("seen, not meant: {row:?}\n"));
    }
    message
}

/// A value so that equal ones are printed alike: zero has no sign.
fn print(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Text(text) => format!("{text:?}"),
        Value::Int(_) | Value::Decimal { .. } => value.stable_text().unwrap(),
        Value::Real(number) => format!("{:?}", number + 0.0),
        Value::Float(number) => format!("{:?}", number + 0.0),
        Value::Bool(truth) => truth.to_string(),
        Value::Date(date) => date.to_string(),
        Value::Time(time) => time.to_string(),
        Value::Timestamp(moment) => moment.to_string(),
        Value::TimestampTz(moment) => format!("{moment} UTC"),
        Value::Other(text) => text.clone(),
    }
}
