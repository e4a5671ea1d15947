//! Random policies.

use serde_json::{Value, json};

use super::{
    expression,
    mask::mask,
    owned, pool,
    source::{Column, REGION, Table, Theme, has_stable_text},
};
use crate::{chance::Chance, scene::Written};

pub fn policies(chance: &mut Chance, tables: &[Table], people: &[String]) -> Vec<Written> {
    let mut policies = Vec::new();
    // Most scenes let people in, or nothing else could be seen to work.
    if chance.percent(92) {
        let level = match chance.below(6) {
            0 => json!({"level": "entitlement", "condition": condition(chance, 2)}),
            _ => json!({"level": "anyone"}),
        };
        policies.push(("in", json!({"subscription": level, "scope": "all"})));
    }
    for _ in 0..chance.below(3) {
        let table = chance.of(tables);
        let level = match chance.below(5) {
            0 => json!({"level": "anyone"}),
            1 => json!({"level": "approval"}),
            2 => json!({"level": "individuals", "users": chance.some(people, 1, people.len())}),
            _ => json!({"level": "entitlement", "condition": condition(chance, 3)}),
        };
        policies.push((
            "level",
            json!({"subscription": level, "guardrail": chance.percent(20), "scope": scope(chance, table)}),
        ));
    }
    for _ in 0..chance.between(2, 4) + tables.len() - 1 {
        let table = chance.of(tables);
        let mut rules: Vec<Value> = (0..chance.between(2, 5)).map(|_| masks(chance, table)).collect();
        // Few rows pass several.
        if table.hides_rows && chance.percent(45) {
            rules.push(rows(chance, table));
        }
        // What means columns of one table seldom fits another.
        let text = json!(rules).to_string();
        let is_special = ["where", "expression", "match", "constant"].iter().any(|word| text.contains(word));
        let scope = if tables.len() > 1 && is_special && chance.percent(85) {
            json!({"data_sources": [table.id]})
        } else {
            scope(chance, table)
        };
        policies.push(("data", json!({"rules": rules, "scope": scope})));
    }
    let mut written = Vec::new();
    for (number, (what, mut policy)) in policies.into_iter().enumerate() {
        policy["id"] = json!(format!("{what} {number}"));
        policy["version"] = json!(1);
        policy["name"] = json!("it's \\ a policy");
        policy["created_at"] = json!(format!("2026-01-0{}T00:00:00Z", chance.between(1, 3)));
        policy["status"] = json!(match chance.below(100) {
            0..90 => "active",
            90..95 => "staged",
            _ => "disabled",
        });
        let off = chance.percent(6).then(|| chance.of(tables).id.clone());
        written.push(Written { policy, disabled_for: off.into_iter().collect() });
    }
    written
}

/// A scope that covers a table, in the words that may cover others too.
fn scope(chance: &mut Chance, table: &Table) -> Value {
    let tags = table.all_tags();
    match chance.below(10) {
        0..3 => json!("all"),
        3..6 if !tags.is_empty() => json!({"tags": chance.some(&tags, 1, 2)}),
        6 => json!({"tags": owned(&chance.some(&pool::TAGS, 1, 2))}),
        _ => json!({"data_sources": [table.id]}),
    }
}

/// A condition nested so deep.
pub fn condition(chance: &mut Chance, depth: usize) -> Value {
    match chance.below(if depth == 0 { 6 } else { 10 }) {
        0..3 => json!({"group": chance.pick(&pool::GROUPS)}),
        3..5 => {
            let (name, values) = chance.of(&pool::ATTRIBUTES);
            json!({"attribute": {"name": name, "values": chance.some(values, 1, 2)}})
        }
        5 => json!({"purpose": chance.pick(&pool::PURPOSES)}),
        kind => {
            let list: Vec<Value> = (0..chance.between(1, 3)).map(|_| condition(chance, depth - 1)).collect();
            if kind == 6 { json!({"all": list}) } else { json!({"any": list}) }
        }
    }
}

/// What a rule may say of a column, and other columns too.
fn selector(chance: &mut Chance, table: &Table, column: &Column) -> Value {
    match chance.below(100) {
        0..60 => json!({"name": column.name}),
        // Redshift folds names.
        60..64 => json!({"name": column.name.to_ascii_uppercase()}),
        64..80 => {
            let tags = table.all_tags();
            let tags = if column.tags.is_empty() { tags } else { column.tags.clone() };
            let tag =
                if tags.is_empty() || chance.percent(14) { "pii.nobody".to_owned() } else { chance.of(&tags).clone() };
            let above = tag.split('.').next().unwrap().to_owned();
            json!({"tag": if chance.percent(40) { above } else { tag }})
        }
        80..88 => {
            let start: String = column.name.chars().take(2).collect();
            json!({"name_regex": if chance.percent(70) { format!("{start}.*") } else { "[C-Z][0-4].*".to_owned() }})
        }
        88..94 => json!("untagged"),
        _ => json!("all"),
    }
}

fn masks(chance: &mut Chance, table: &Table) -> Value {
    let column = chance.of(&table.columns);
    let columns = selector(chance, table, column);
    // What must fit the type is for one column.
    let any_type = columns.get("name").is_none();
    let only_where = chance.percent(25).then(|| expression::cell_predicate(chance, table));
    let mut rule = match chance.below(10) {
        0..4 => json!({"using": mask(chance, table, column, any_type)}),
        4..7 => json!({"using": mask(chance, table, column, any_type), "except": condition(chance, 2)}),
        _ => {
            let cases: Vec<Value> = (0..chance.between(1, 3))
                .map(|_| {
                    let using = if chance.percent(25) {
                        json!({"kind": "clear"})
                    } else {
                        mask(chance, table, column, any_type)
                    };
                    json!({"for": condition(chance, 2), "using": using})
                })
                .collect();
            json!({"cases": cases, "otherwise": mask(chance, table, column, any_type)})
        }
    };
    rule["columns"] = columns;
    if let Some(only_where) = only_where {
        rule["where"] = json!(only_where);
    }
    json!({"mask": rule})
}

fn rows(chance: &mut Chance, table: &Table) -> Value {
    let rule = match chance.below(10) {
        0..2 => json!({"only": filter(chance, table)}),
        2..6 => json!({"only": filter(chance, table), "except": condition(chance, 2)}),
        _ => {
            let cases: Vec<Value> = (0..chance.between(1, 3))
                .map(|_| {
                    let only = if chance.percent(35) { json!("all") } else { filter(chance, table) };
                    json!({"for": condition(chance, 2), "only": only})
                })
                .collect();
            json!({"cases": cases, "otherwise": filter(chance, table)})
        }
    };
    json!({"rows": rule})
}

/// A filter that may be everyone's.
fn filter(chance: &mut Chance, table: &Table) -> Value {
    let has_region = table.columns.iter().any(|column| column.name == REGION);
    if table.theme == Theme::Purposes && has_region && chance.percent(40) {
        return json!({"where": format!("@purposesContains({REGION})")});
    }
    loop {
        return match chance.below(14) {
            0 if chance.percent(50) => json!("none"),
            1..5 => json!({"match": matching(chance, table, 2)}),
            5..7 if table.has_event_time() || chance.percent(35) => {
                let days = [1, 7, 30, 365, 3_650, 36_500];
                let newer = chance.percent(60).then(|| *chance.of(&days));
                let older = (newer.is_none() || chance.percent(40)).then(|| *chance.of(&days));
                json!({"time_window": {"newer_than_days": newer, "older_than_days": older}})
            }
            7 if table.has_key() || chance.percent(30) => {
                json!({"sample": {"percent": chance.of(&[0.01, 33.33, 50.0, 60.0, 75.5, 99.99])}})
            }
            8 => json!({"purposes": owned(&chance.some(&pool::PURPOSES, 1, 3))}),
            9.. => json!({"where": expression::row_predicate(chance, table)}),
            _ => continue,
        };
    }
}

fn matching(chance: &mut Chance, table: &Table, depth: usize) -> Value {
    if depth > 0 && chance.percent(35) {
        let list: Vec<Value> = (0..chance.between(2, 4)).map(|_| matching(chance, table, depth - 1)).collect();
        return if chance.percent(70) { json!({"any": list}) } else { json!({"all": list}) };
    }
    let stable: Vec<&Column> = table.columns.iter().filter(|column| has_stable_text(column.data_type)).collect();
    let column = match table.columns.iter().find(|column| column.name == REGION) {
        Some(region) if chance.percent(60) => region,
        _ if chance.percent(98) => *chance.of(&stable),
        _ => chance.of(&table.columns),
    };
    // Others than the name may find columns that can't be matched.
    let columns = if chance.percent(2) {
        json!({"name": "no such column"})
    } else if chance.percent(88) {
        json!({"name": column.name})
    } else {
        selector(chance, table, column)
    };
    let theme = if column.name == REGION && chance.percent(70) { Some(table.theme) } else { None };
    if theme == Some(Theme::Groups) || (theme.is_none() && chance.percent(30)) {
        json!({"group": {"column": columns}})
    } else {
        let (name, _) = match theme {
            Some(Theme::Attribute(place)) => &pool::ATTRIBUTES[place],
            _ => chance.of(&pool::ATTRIBUTES),
        };
        json!({"attribute": {"name": name, "column": columns}})
    }
}
