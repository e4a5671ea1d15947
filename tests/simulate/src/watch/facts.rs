//! What a user sees of fixed sample rows, by the interpreter of plans.

use std::collections::{BTreeMap, BTreeSet};

use redoubt_core::{
    interpret::{Engine, Functions, Interpreter, Keys, Value, Viewer},
    plan::ViewPlan,
    sql::Text,
};
use time::macros::datetime;

use crate::{documents::state, warehouse::Entitlement};

/// Values that are shown, by row and column.
pub type Facts = BTreeMap<(i64, String), BTreeSet<String>>;

/// Nothing is masked by the Lambda function here.
struct NoFunctions;

impl Functions for NoFunctions {
    fn call(&self, name: &str, _: &[Option<&str>]) -> Result<Option<String>, String> {
        Err(format!("no function {name} is simulated"))
    }
}

type SampleRow = (i64, &'static str, i64, Option<&'static str>);

/// Rows of every table: keys, and values that the workload's policies tell apart.
const ROWS: [SampleRow; 6] = [
    (1, "anna", 10, Some("DE")),
    (2, "bert", 20, Some("FR")),
    (3, "cara", 30, Some("it's \\")),
    (4, "dora", 40, Some("DE")),
    (5, "emil", 50, None),
    (6, "fred", 15, Some("FR")),
];

fn value(column: &str, row: &SampleRow) -> Value {
    match column {
        "k" => Value::Int(row.0),
        "a" => Value::Text(row.1.to_owned()),
        "b" => Value::Int(row.2),
        _ => row.3.map_or(Value::Null, |country| Value::Text(country.to_owned())),
    }
}

/// A value as it is compared; the debug form of a text does not say what it is.
fn print(value: &Value) -> String {
    value.stable_text().unwrap_or_else(|| format!("{value:?}"))
}

/// The value that stands in the table.
fn raw(key: i64, column: &str) -> String {
    ROWS.iter().find(|row| row.0 == key).map(|row| print(&value(column, row))).unwrap_or_default()
}

/// What somebody with these entitlements sees through a view.
///
/// # Panics
/// When the plan can't be evaluated: the workload makes none of that kind.
#[must_use]
pub fn facts(plan: &ViewPlan, rows: &BTreeSet<Entitlement>) -> Facts {
    let salts = ["j0", "j1"].map(|id| (Text::new(id).unwrap(), format!("salt of {id}")));
    let keys = Keys {
        salt: Some(format!("salt of {}", plan.source.as_str())),
        token: Some("token".to_owned()),
        project_salts: salts.into_iter().collect(),
    };
    let now = datetime!(2026-11-22 12:00);
    let interpreter = Interpreter { keys: &keys, functions: &NoFunctions, now, engine: Engine::REDSHIFT };
    let profile = state(rows);
    let viewer = Viewer { account: "viewer", profile: Some(&profile) };
    let mut facts = Facts::new();
    for row in &ROWS {
        let cells: Vec<Value> = plan.columns.iter().map(|column| value(column.name.as_str(), row)).collect();
        for seen in interpreter.visible_rows(plan, &viewer, std::slice::from_ref(&cells)).unwrap() {
            for (column, shown) in plan.columns.iter().zip(seen) {
                // A null says no more than that the row is there, which the key says.
                if shown != Value::Null {
                    let place = (row.0, column.name.as_str().to_owned());
                    facts.entry(place).or_default().insert(print(&shown));
                }
            }
        }
    }
    facts
}

/// The first fact that is not among those allowed. Who may see a value may see whatever stands for it.
#[must_use]
pub fn excess<'a>(seen: &'a Facts, allowed: &[&Facts]) -> Option<(&'a (i64, String), &'a String)> {
    seen.iter().find_map(|(place, shown)| {
        let clear = raw(place.0, &place.1);
        let is_allowed = |one: &String| {
            let allows =
                |facts: &&Facts| facts.get(place).is_some_and(|values| values.contains(one) || values.contains(&clear));
            allowed.iter().any(allows)
        };
        shown.iter().find(|one| !is_allowed(one)).map(|one| (place, one))
    })
}
