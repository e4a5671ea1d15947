//! Integrations as they stand in files: the document alone, or in an event.

use std::fs;

use redoubt_core::{
    event::{self, Event, Fault, Faults, wire::IntegrationDocument},
    model::Integration,
};
use serde_json::Value;

use crate::failure::Failure;

/// Reads and checks the integration in a file.
pub fn integration(file: &str) -> Result<Integration, Failure> {
    let text = fs::read_to_string(file).map_err(|source| Failure::Read { file: file.to_owned(), source })?;
    let checked = document(&text).and_then(|document| Integration::check(&document));
    checked.map_err(|faults| Failure::Document { file: file.to_owned(), faults })
}

fn document(text: &str) -> Result<IntegrationDocument, Faults> {
    let (value, faults) = event::json::read(text)?;
    let is_event = ["type", "detail", "detail-type"].iter().any(|field| value.get(field).is_some());
    if !is_event {
        return if faults.is_empty() { event::document(value) } else { Err(faults) };
    }
    match event::parse(text)?.event {
        Event::IntegrationCreated { integration } | Event::IntegrationUpdated { integration } => Ok(integration),
        other => {
            let found = Value::from(other.type_name()).to_string();
            Err(Faults(vec![Fault::new("type", found, "`integration.created` or `integration.updated`")]))
        }
    }
}
