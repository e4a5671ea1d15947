//! The JSON Schemas of `events/`, made from the wire types.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

use super::correlation;
use super::wire::{DataSourceDocument, Event, IntegrationDocument, PolicyDocument, ProjectDocument, UserDocument};

/// The name and the content of every schema file in `events/`.
#[must_use]
pub fn files() -> [(&'static str, Schema); 6] {
    [
        ("event.schema.json", events()),
        ("policy.schema.json", schema::<PolicyDocument>()),
        ("data-source.schema.json", schema::<DataSourceDocument>()),
        ("user.schema.json", schema::<UserDocument>()),
        ("project.schema.json", schema::<ProjectDocument>()),
        ("integration.schema.json", schema::<IntegrationDocument>()),
    ]
}

/// The schema of events: that of the type, and in each event the name that logs may call it by.
fn events() -> Schema {
    let mut schema = schema::<Event>();
    let branches = schema.get_mut("oneOf").and_then(Value::as_array_mut).into_iter().flatten();
    for fields in branches.filter_map(|branch| branch.get_mut("properties")?.as_object_mut()) {
        fields.insert(correlation::FIELD.to_owned(), json!({"$ref": "#/$defs/CorrelationId"}));
    }
    if let Some(definitions) = schema.get_mut("$defs").and_then(Value::as_object_mut) {
        let description = "What logs call the event, from its receipt to its being in force.";
        let definition = json!({"description": description, "type": "string", "pattern": correlation::PATTERN});
        definitions.insert("CorrelationId".to_owned(), definition);
    }
    schema
}

fn schema<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>()
}
