//! Making a scene that fails as small as it can be while it fails.

use std::sync::Arc;

use serde_json::Value;

use crate::{
    judge::Judge,
    run::{Mismatch, mismatch},
    scene::{RUN, Scene},
    warehouse::Warehouse,
};

/// How many smaller scenes are tried.
const MOST_TRIES: usize = 600;

/// A smaller scene that fails too, and how.
pub async fn shrink(
    warehouse: &Arc<Warehouse>,
    judge: &Judge,
    scene: &Scene,
    first: Mismatch,
    name: &str,
) -> (Scene, Mismatch) {
    let mut best = serde_json::to_value(focused(scene, &first)).unwrap();
    let mut found = first;
    let mut tries = 0;
    loop {
        let mut progress = false;
        let mut place = 0;
        while tries < MOST_TRIES {
            let Some(smaller) = smaller(&best, place) else { break };
            let Ok(candidate) = serde_json::from_value::<Scene>(smaller.clone()) else {
                place += 1;
                continue;
            };
            if candidate.named("x").prepare().is_err() {
                place += 1;
                continue;
            }
            tries += 1;
            match mismatch(warehouse, judge, &candidate, &format!("{name}_{tries}_")).await {
                Some(mismatch) => {
                    (best, found, progress) = (smaller, mismatch, true);
                }
                None => place += 1,
            }
        }
        if !progress || tries >= MOST_TRIES {
            return (serde_json::from_value(best).unwrap(), found);
        }
    }
}

/// The scene with only the source and the person of a mismatch, first of all others.
fn focused(scene: &Scene, mismatch: &Mismatch) -> Scene {
    let mut scene = scene.clone();
    scene.sources.swap(0, mismatch.source);
    scene.users.swap(0, mismatch.person);
    scene
}

/// The scene with one thing taken away: the one at this place of all that can be.
fn smaller(scene: &Value, place: usize) -> Option<Value> {
    let mut cuts = Vec::new();
    cut(scene, "", &mut cuts);
    let (pointer, how) = cuts.into_iter().nth(place)?;
    let mut smaller = scene.clone();
    let (above, last) = pointer.rsplit_once('/')?;
    let parent = smaller.pointer_mut(above)?;
    match (how, parent) {
        (Cut::Remove, Value::Array(list)) => {
            list.remove(last.parse().ok()?);
        }
        (Cut::Remove, Value::Object(fields)) => {
            fields.remove(&unescape(last));
        }
        (Cut::Replace(value), Value::Array(list)) => list[last.parse::<usize>().ok()?] = value,
        (Cut::Replace(value), Value::Object(fields)) => {
            fields.insert(unescape(last), value);
        }
        _ => return None,
    }
    Some(smaller)
}

enum Cut {
    Remove,
    Replace(Value),
}

fn unescape(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

/// All that can be taken away, the largest first.
fn cut(value: &Value, pointer: &str, cuts: &mut Vec<(String, Cut)>) {
    match value {
        Value::Array(list) => {
            for place in (0..list.len()).rev() {
                cuts.push((format!("{pointer}/{place}"), Cut::Remove));
            }
            for (place, one) in list.iter().enumerate() {
                cut(one, &format!("{pointer}/{place}"), cuts);
            }
        }
        Value::Object(fields) => {
            let at = |name: &str| format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
            // The short form of a rule says less than cases.
            if let (Some(otherwise), Some(_)) = (fields.get("otherwise"), fields.get("cases")) {
                let short = if fields.contains_key("columns") { "using" } else { "only" };
                let mut simple = fields.clone();
                simple.remove("cases");
                simple.remove("otherwise");
                simple.insert(short.to_owned(), otherwise.clone());
                cuts.push((pointer.to_owned(), Cut::Replace(Value::Object(simple))));
            }
            for name in ["any", "all"] {
                for one in fields.get(name).and_then(Value::as_array).into_iter().flatten() {
                    cuts.push((pointer.to_owned(), Cut::Replace(one.clone())));
                }
            }
            for (name, one) in fields {
                if !matches!(one, Value::Number(_)) && name != "id" {
                    cuts.push((at(name), Cut::Remove));
                }
            }
            for (name, one) in fields {
                cut(one, &at(name), cuts);
            }
        }
        // Half a number may be none, and a name stays one.
        Value::String(text)
            if pointer.contains("/rows/") && text.len() > 1 && text.parse::<f64>().is_err() && !text.contains(RUN) =>
        {
            let half = text.chars().count() / 2;
            let first: String = text.chars().take(half).collect();
            let last: String = text.chars().skip(half).collect();
            cuts.extend([first, last].map(|part| (pointer.to_owned(), Cut::Replace(Value::String(part)))));
        }
        Value::String(text) if pointer.ends_with("/where") || pointer.ends_with("/expression") => {
            // Whatever stands in parentheses may be all that matters.
            let opened: Vec<usize> = text.match_indices('(').map(|(place, _)| place + 1).collect();
            for start in opened {
                let mut depth = 1;
                let end = text[start..].char_indices().find(|(_, character)| {
                    depth += match character {
                        '(' => 1,
                        ')' => -1,
                        _ => 0,
                    };
                    depth == 0
                });
                if let Some((end, _)) = end {
                    let inside = text[start..start + end].to_owned();
                    cuts.push((pointer.to_owned(), Cut::Replace(Value::String(inside))));
                }
            }
        }
        _ => {}
    }
}
