//! The JSON Schemas of `events/`, made from the wire types.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};

use super::wire::{DataSourceDocument, Event, IntegrationDocument, PolicyDocument, ProjectDocument, UserDocument};

/// The name and the content of every schema file in `events/`.
#[must_use]
pub fn files() -> [(&'static str, Schema); 6] {
    [
        ("event.schema.json", schema::<Event>()),
        ("policy.schema.json", schema::<PolicyDocument>()),
        ("data-source.schema.json", schema::<DataSourceDocument>()),
        ("user.schema.json", schema::<UserDocument>()),
        ("project.schema.json", schema::<ProjectDocument>()),
        ("integration.schema.json", schema::<IntegrationDocument>()),
    ]
}

fn schema<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>()
}
