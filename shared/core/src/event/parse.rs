//! From the body of a message, raw or in an EventBridge envelope, to an event.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::fault::{Fault, Faults};
use super::path::Path;
use super::wire::{DataSourceDocument, Event, IntegrationDocument, PolicyDocument, ProjectDocument, UserDocument};
use super::{CorrelationId, correlation, describe, json, shape};

/// An event and what the envelope around it says.
#[derive(Debug, Clone, PartialEq)]
pub struct Incoming {
    /// The event.
    pub event: Event,
    /// EventBridge's id of the delivery; absent where the body is the event itself.
    pub envelope_id: Option<String>,
    /// Whether there is an envelope around it.
    pub enveloped: bool,
    /// What the producer calls it in logs.
    pub correlation_id: Option<CorrelationId>,
}

impl Incoming {
    /// What logs call it: what the producer does, or else EventBridge; nothing where neither gave it a name.
    #[must_use]
    pub fn label(&self) -> Option<CorrelationId> {
        self.correlation_id.clone().or_else(|| CorrelationId::new(self.envelope_id.as_deref()?))
    }
}

/// A document that can stand alone, in a file, as well as in an event.
pub trait Document: DeserializeOwned + sealed::Sealed {
    /// The document's definition in `events/event.schema.json`.
    const DEFINITION: &'static str;
    /// The field that holds the document in an event; paths of faults start with it in a file too.
    const FIELD: &'static str;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! documents {
    ($($document:ident at $field:literal),+) => {
        $(
            impl sealed::Sealed for $document {}
            impl Document for $document {
                const DEFINITION: &'static str = stringify!($document);
                const FIELD: &'static str = $field;
            }
        )+
    };
}

documents!(
    PolicyDocument at "policy",
    DataSourceDocument at "data_source",
    UserDocument at "user",
    ProjectDocument at "project",
    IntegrationDocument at "integration"
);

/// Reads the body of a message: an event, or an EventBridge event (`detail-type`, `detail`) around one.
///
/// Inside an envelope `type` may be left out of the event; `detail-type` then stands for it. Paths of faults are those
/// inside the event, with or without an envelope around it.
///
/// # Errors
///
/// All faults of structure: text that is no JSON, too long or too deeply nested; fields that are unknown, missing, of the
/// wrong type or there twice; NUL characters; a `type` that is not the `detail-type`.
pub fn parse(body: &str) -> Result<Incoming, Faults> {
    let (value, mut faults) = json::read(body)?;
    let found = match value {
        Value::Object(fields) if fields.contains_key("detail") || fields.contains_key("detail-type") => {
            in_envelope(fields, &mut faults)
        }
        value => event(value, None, false, &mut faults),
    };
    match found {
        Some(incoming) if faults.is_empty() => Ok(incoming),
        _ => Err(faults),
    }
}

/// An event, apart from what it is called.
fn event(value: Value, envelope_id: Option<String>, enveloped: bool, faults: &mut Faults) -> Option<Incoming> {
    let in_value = shape::check(shape::Root::Event, &value, Path::Root);
    if !in_value.is_empty() {
        faults.extend(in_value);
        return None;
    }
    let mut value = value;
    // Any event may have it, so it stands beside the types of events and not in each of them.
    let name = value.as_object_mut().and_then(|fields| fields.remove(correlation::FIELD));
    let correlation_id = name.as_ref().and_then(Value::as_str).and_then(CorrelationId::new);
    let event = typed(value, Path::Root, faults)?;
    Some(Incoming { event, envelope_id, enveloped, correlation_id })
}

/// Reads a single document, as it stands in a file of its own.
///
/// # Errors
///
/// All faults of structure, as [`parse`] reports them. Fields that stand twice must be found by whoever made the value.
pub fn document<T: Document>(value: Value) -> Result<T, Faults> {
    let mut faults = Faults::new();
    match checked(shape::Root::Definition(T::DEFINITION), value, Path::Root.field(T::FIELD), &mut faults) {
        Some(document) if faults.is_empty() => Ok(document),
        _ => Err(faults),
    }
}

/// Takes the event out of its envelope. EventBridge's other fields are of no interest.
fn in_envelope(mut envelope: Map<String, Value>, faults: &mut Faults) -> Option<Incoming> {
    let detail_type = text(&mut envelope, "detail-type", faults);
    let envelope_id = if envelope.contains_key("id") { text(&mut envelope, "id", faults) } else { None };
    for fault in &mut faults.0 {
        if let Some(inside) = fault.path.strip_prefix("detail.") {
            fault.path = inside.to_owned();
        }
    }
    let mut detail = match envelope.remove("detail") {
        Some(Value::Object(detail)) => detail,
        other => {
            let found = other.map_or_else(|| "nothing".to_owned(), |value| describe::value(&value, false));
            faults.push(Fault::new("detail", found, "an object"));
            return None;
        }
    };
    if let Some(detail_type) = detail_type {
        match detail.get("type") {
            None => {
                detail.insert("type".to_owned(), Value::String(detail_type));
            }
            Some(Value::String(inner)) if *inner != detail_type => {
                let found = describe::value(&Value::String(inner.clone()), false);
                let expected = "the same as in `detail-type`";
                faults.push(Fault::new("type", found, expected));
            }
            Some(_) => {}
        }
    }
    event(Value::Object(detail), envelope_id, true, faults)
}

/// A field of the envelope that must be text.
fn text(envelope: &mut Map<String, Value>, name: &str, faults: &mut Faults) -> Option<String> {
    let found = match envelope.remove(name) {
        Some(Value::String(text)) if !text.contains('\0') => return Some(text),
        Some(Value::String(_)) => "a NUL character".to_owned(),
        Some(other) => describe::value(&other, false),
        None => "nothing".to_owned(),
    };
    faults.push(Fault::new(Path::Root.field(name).to_string(), found, "a string"));
    None
}

/// Checks a value and turns it into its type. Nothing is given back when there were faults in the value.
fn checked<T: DeserializeOwned>(root: shape::Root<'_>, value: Value, path: Path<'_>, faults: &mut Faults) -> Option<T> {
    let in_value = shape::check(root, &value, path);
    if !in_value.is_empty() {
        faults.extend(in_value);
        return None;
    }
    typed(value, path, faults)
}

/// Turns a value that was checked into its type.
fn typed<T: DeserializeOwned>(value: Value, path: Path<'_>, faults: &mut Faults) -> Option<T> {
    match serde_path_to_error::deserialize(value) {
        Ok(typed) => Some(typed),
        Err(error) => {
            // The check against the schema is as strict as the types, so this names a gap between the two. The message is
            // left out because it repeats values.
            let inner = error.path().to_string();
            let place = match (path, inner.as_str()) {
                (path, ".") => path.to_string(),
                (Path::Root, inner) => describe::shortened(inner),
                (path, inner) => format!("{path}.{}", describe::shortened(inner)),
            };
            faults.push(Fault::new(place, "a value that can't be taken", "what the schema in `events/` says"));
            None
        }
    }
}

#[cfg(test)]
mod tests;
