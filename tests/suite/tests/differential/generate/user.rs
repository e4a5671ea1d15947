//! Random people.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{owned, pool};
use crate::{
    chance::Chance,
    scene::{Person, RUN},
};

pub fn person(
    chance: &mut Chance,
    number: usize,
    id: &str,
    projects: &[(String, Value)],
    sources: &[String],
) -> Person {
    // Rows have the plain ones, so that they can equal `@username`.
    let account = match number {
        0 => format!("{RUN}u0 O'Hara \\ é"),
        1 => format!("{RUN}U1"),
        _ => format!("{RUN}u{number}"),
    };
    let mut attributes: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, values) in chance.some(&pool::ATTRIBUTES, 1, 4) {
        attributes.insert(name, owned(&chance.some(values, 0, 3)));
    }
    let working = if projects.is_empty() || chance.percent(20) { None } else { Some(chance.of(projects)) };
    let mut acknowledged = Vec::new();
    for (project, document) in projects {
        for purpose in document["purposes"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if chance.percent(75) {
                acknowledged.push((project.clone(), purpose.to_owned()));
            }
        }
    }
    Person {
        user: json!({
            "id": id, "version": 1, "database_user": account, "groups": chance.some(&pool::GROUPS, 0, 4),
            "attributes": attributes, "project": working.map(|(id, _)| id),
        }),
        registered: chance.percent(94),
        gone: chance.percent(3),
        acknowledged,
        approved: if chance.percent(40) { chance.some(sources, 1, 3) } else { Vec::new() },
    }
}
