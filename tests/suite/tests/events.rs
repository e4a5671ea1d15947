//! The files in `events/`: the schemas are those of the types, and the samples are what the schemas and the types say.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that can't read its files must fail")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use proptest::sample::Index;
use redoubt_core::event::{Event, parse, schema};
use redoubt_core::model::Command;
use serde_json::{Value, json};

/// Samples that are not bare events.
const OTHERS: [&str; 3] = ["eventbridge-envelope", "statement-finished", "sweep"];

fn events() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../events"))
}

fn read(file: PathBuf) -> Value {
    let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// Every sample of an event by the name of its file, such as `policy.created` or `policy.created.rows`.
fn samples() -> BTreeMap<String, Value> {
    let entries = fs::read_dir(events().join("samples")).expect("events/samples");
    let files = entries.map(|entry| entry.expect("entry of events/samples").path());
    files
        .map(|file| (file.file_stem().expect("a name").to_string_lossy().into_owned(), read(file)))
        .filter(|(name, _)| !OTHERS.contains(&name.as_str()))
        .collect()
}

fn sample(name: &str) -> Value {
    read(events().join("samples").join(format!("{name}.json")))
}

fn validator() -> jsonschema::Validator {
    let schema = read(events().join("event.schema.json"));
    jsonschema::draft202012::new(&schema).expect("a valid schema")
}

#[test]
fn schemas_are_those_of_the_types() {
    for (name, schema) in schema::files() {
        let file = read(events().join(name));
        assert!(file == schema.to_value(), "events/{name} is not what the types give: run `make schemas`");
        jsonschema::meta::validate(&file).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let known: BTreeSet<String> = schema::files().iter().map(|(name, _)| (*name).to_owned()).collect();
    let names = fs::read_dir(events()).expect("events").map(|entry| entry.expect("entry of events").file_name());
    let files: BTreeSet<String> =
        names.map(|name| name.to_string_lossy().into_owned()).filter(|name| name.ends_with(".schema.json")).collect();
    assert_eq!(files, known);
}

#[test]
fn every_event_type_has_a_sample() {
    let samples = samples();
    for name in Event::TYPES {
        assert!(samples.contains_key(name), "events/samples/{name}.json is missing");
    }
}

#[test]
fn samples_are_read_make_sense_and_are_written_unchanged() {
    let validator = validator();
    for (name, sample) in samples() {
        if let Err(error) = validator.validate(&sample) {
            panic!("{name}: {error}");
        }
        let incoming = parse(&sample.to_string()).unwrap_or_else(|faults| panic!("{name}: {faults}"));
        let type_name = incoming.event.type_name();
        assert!(name == type_name || name.starts_with(&format!("{type_name}.")), "{name} holds a `{type_name}`");
        let written = incoming.event.labelled(incoming.correlation_id.as_ref()).expect("JSON");
        assert_eq!(written, sample, "{name}");
        Command::check(&incoming.event).unwrap_or_else(|faults| panic!("{name}: {faults}"));
    }
}

#[test]
fn samples_show_the_whole_policy_language() {
    let mut said = BTreeSet::new();
    for sample in samples().values() {
        words(sample, &mut said);
    }
    let schema = read(events().join("event.schema.json"));
    let enums = [
        "ColumnSelector",
        "Condition",
        "Mask",
        "Match",
        "Mode",
        "PolicyStatus",
        "RowFilter",
        "Rule",
        "Scope",
        "SubscriptionLevel",
    ];
    for name in enums {
        let branches =
            schema["$defs"][name]["oneOf"].as_array().unwrap_or_else(|| panic!("{name} has no alternatives"));
        for branch in branches {
            let tag = ["kind", "level"].iter().find_map(|tag| branch["properties"][tag]["const"].as_str());
            let field = branch["required"][0].as_str();
            let word = branch["const"].as_str().or(tag).or(field).expect("an alternative with a name");
            assert!(said.contains(word), "no sample shows `{word}` of {name}");
        }
    }
}

fn words(value: &Value, said: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            said.insert(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| words(item, said)),
        Value::Object(fields) => {
            said.extend(fields.keys().cloned());
            fields.values().for_each(|field| words(field, said));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[test]
fn the_sample_in_an_envelope_is_an_event() {
    let envelope = sample("eventbridge-envelope");
    let incoming = parse(&envelope.to_string()).expect("an event");
    assert_eq!(incoming.envelope_id.as_deref(), envelope["id"].as_str());
    assert_eq!(incoming.label().expect("a name").as_str(), envelope["id"]);
    assert_eq!(serde_json::to_value(&incoming.event).expect("JSON"), envelope["detail"]);
}

#[test]
fn what_is_for_outcome_and_reconcile_is_no_event() {
    let sweep = parse(&sample("sweep").to_string()).expect_err("no event");
    assert!(sweep.to_string().starts_with("`type`: found the string `sweep`, expected one of "), "{sweep}");
    let finished = sample("statement-finished");
    assert_eq!(finished["source"], "aws.redshift-data");
    assert_eq!(finished["detail-type"], "Redshift Data Statement Status Change");
    let finished = parse(&finished.to_string()).expect_err("no event");
    assert!(
        finished.to_string().starts_with("`type`: found the string `Redshift Data Statement Status Change`, expected"),
        "{finished}"
    );
}

/// One change to a document.
#[derive(Debug, Clone)]
enum Mutation {
    Replace(Value),
    Remove(Index),
    Rename(Index, String),
    Add(String, Value),
    Wrap,
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let junk = prop::sample::select(vec![
        json!(null),
        json!(true),
        json!(0),
        json!(7),
        json!(-1),
        json!(1.5),
        json!("1"),
        json!(""),
        json!("all"),
        json!("x".repeat(100)),
        json!("\u{202e}`\n"),
        json!([]),
        json!(["a"]),
        json!([[]]),
        json!({}),
        json!({"a": 1}),
        json!({"kind": "hash"}),
        json!({"group": "a"}),
        json!({"all": []}),
    ]);
    let name = prop_oneof![
        "[a-z_]{1,6}",
        prop::sample::select(vec!["kind", "unit", "except", "tag", "any"]).prop_map(str::to_owned),
        "\\PC{0,80}",
    ];
    prop_oneof![
        3 => junk.clone().prop_map(Mutation::Replace),
        2 => any::<Index>().prop_map(Mutation::Remove),
        2 => (any::<Index>(), name.clone()).prop_map(|(which, name)| Mutation::Rename(which, name)),
        2 => (name, junk).prop_map(|(name, value)| Mutation::Add(name, value)),
        1 => Just(Mutation::Wrap),
    ]
}

/// How many values there are in a document.
fn size(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Object(fields) => 1 + fields.values().map(size).sum::<usize>(),
        _ => 1,
    }
}

/// Changes the value that is counted down to; says whether it was reached.
fn mutate(value: &mut Value, countdown: &mut usize, mutation: &Mutation) -> bool {
    if *countdown > 0 {
        *countdown -= 1;
        return match value {
            Value::Array(items) => items.iter_mut().any(|item| mutate(item, countdown, mutation)),
            Value::Object(fields) => fields.values_mut().any(|field| mutate(field, countdown, mutation)),
            _ => false,
        };
    }
    match (mutation, &mut *value) {
        (Mutation::Add(name, added), Value::Object(fields)) => {
            fields.insert(name.clone(), added.clone());
        }
        (Mutation::Add(_, added), Value::Array(items)) => items.push(added.clone()),
        (Mutation::Remove(which) | Mutation::Rename(which, _), Value::Object(fields)) if !fields.is_empty() => {
            let old = which.get(&fields.keys().cloned().collect::<Vec<_>>()).clone();
            let removed = fields.remove(&old).expect("one of its fields");
            if let Mutation::Rename(_, name) = mutation {
                fields.insert(name.clone(), removed);
            }
        }
        (Mutation::Remove(which), Value::Array(items)) if !items.is_empty() => {
            items.remove(which.index(items.len()));
        }
        (Mutation::Replace(other), _) => *value = other.clone(),
        _ => *value = json!([value.take()]),
    }
    true
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(3000) })]

    /// Our check and an independent implementation of JSON Schema agree on what is an event.
    #[test]
    fn a_changed_sample_is_an_event_or_its_faults_are_named(
        which in any::<Index>(),
        changes in prop::collection::vec((any::<Index>(), mutation()), 1..4),
    ) {
        thread_local! {
            static KNOWN: (Vec<Value>, jsonschema::Validator) = (samples().into_values().collect(), validator());
        }
        let (event, valid) = KNOWN.with(|(samples, validator)| {
            let mut event = which.get(samples).clone();
            for (place, mutation) in &changes {
                let mut countdown = place.index(size(&event));
                mutate(&mut event, &mut countdown, mutation);
            }
            let valid = validator.is_valid(&event);
            (event, valid)
        });
        match parse(&event.to_string()) {
            Ok(_) => prop_assert!(valid, "read, though the schema refuses it: {}", event),
            Err(faults) => {
                prop_assert!(!valid, "refused, though the schema allows it: {}: {}", event, faults);
                prop_assert!(!faults.is_empty());
                for fault in &faults {
                    prop_assert!(!fault.path.is_empty() && !fault.found.is_empty() && !fault.expected.is_empty());
                    let line = fault.to_string();
                    prop_assert!(!line.chars().any(char::is_control) && !line.contains(&"x".repeat(65)), "{}", line);
                }
            }
        }
    }
}
