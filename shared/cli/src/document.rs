//! Integrations as they stand in files: YAML or JSON, the document alone or in an event, with variables of the environment.

use std::{fs, io};

use redoubt_core::{
    event::{self, Event, Fault, Faults, Path, wire::IntegrationDocument},
    model::Integration,
};
use serde_json::{Value, json};
use serde_saphyr::UserMessageFormatter;

use crate::failure::Failure;

/// The name that stands for the standard input.
pub const STANDARD_INPUT: &str = "-";

/// Reads and checks the integration in a file, or in what comes by the standard input.
pub fn integration(file: &str) -> Result<Integration, Failure> {
    let (name, text) = match file {
        STANDARD_INPUT => ("standard input", io::read_to_string(io::stdin())),
        file => (file, fs::read_to_string(file)),
    };
    let text = text.map_err(|source| Failure::Read { file: name.to_owned(), source })?;
    read(&text, &|name| std::env::var(name).ok()).map_err(|faults| Failure::Document { file: name.to_owned(), faults })
}

/// Reads and checks the integration in a text.
fn read(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Integration, Faults> {
    let mut value = parse(text)?;
    let is_event = ["type", "detail", "detail-type", "integration"].iter().any(|field| value.get(field).is_some());
    let mut faults = Faults::new();
    if !is_event {
        fill(&mut value, Path::Root.field("integration"), variable, &mut faults);
        add_version(Some(&mut value));
    } else if let Some(detail) = value.get_mut("detail") {
        // As events do, paths begin inside of the envelope.
        fill(detail, Path::Root, variable, &mut faults);
        add_version(detail.get_mut("integration"));
    } else {
        fill(&mut value, Path::Root, variable, &mut faults);
        add_version(value.get_mut("integration"));
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let document = if is_event { in_event(&value)? } else { event::document(value)? };
    Integration::check(&document)
}

/// JSON is read as events are. What is no JSON may be YAML, which is as strict about fields that stand twice.
fn parse(text: &str) -> Result<Value, Faults> {
    match event::json::read(text) {
        Ok((value, faults)) if faults.is_empty() => Ok(value),
        Ok((_, faults)) => Err(faults),
        Err(_) => serde_saphyr::from_str(text).map_err(|error| {
            let found = format!(
                "text that is neither JSON nor YAML ({})",
                error.without_snippet().render_with_formatter(&UserMessageFormatter)
            );
            Fault::new(Path::Root.to_string(), found, "the document of an integration, or an event with one").into()
        }),
    }
}

fn in_event(value: &Value) -> Result<IntegrationDocument, Faults> {
    let other = |found: String| Fault::new("type", found, "`integration.created` or `integration.updated`").into();
    if ["type", "detail", "detail-type"].iter().all(|field| value.get(field).is_none()) {
        return Err(other("nothing".to_owned()));
    }
    match event::parse(&value.to_string())?.event {
        Event::IntegrationCreated { integration } | Event::IntegrationUpdated { integration } => Ok(integration),
        event => Err(other(Value::from(event.type_name()).to_string())),
    }
}

/// Who keeps the document in a file may count its versions elsewhere, and no command depends on them.
fn add_version(document: Option<&mut Value>) {
    if let Some(fields) = document.and_then(Value::as_object_mut) {
        fields.entry("version").or_insert(json!(1));
    }
}

/// Replaces `${NAME}`, which must be the whole text.
fn fill(value: &mut Value, path: Path<'_>, variable: &dyn Fn(&str) -> Option<String>, faults: &mut Faults) {
    match value {
        Value::String(text) => {
            if let Some(name) = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) {
                match variable(name) {
                    Some(content) => *text = content,
                    None => {
                        let found = format!("the variable `{name}`, which is not set");
                        faults.push(Fault::new(path.to_string(), found, "one that is set in the environment"));
                    }
                }
            }
        }
        Value::Array(list) => {
            for (index, one) in list.iter_mut().enumerate() {
                fill(one, path.item(index), variable, faults);
            }
        }
        Value::Object(fields) => {
            for (name, one) in fields.iter_mut() {
                fill(one, path.field(name), variable, faults);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const DOCUMENT: &str = "\
id: wh
host: wh
workgroup: ${WORKGROUP}
mode: single_database
database: immuta
view_schema: governed
system_user: redoubt
secret: system
";

    pub(crate) fn document(text: &str) -> Result<Integration, String> {
        let variable = |name: &str| (name == "WORKGROUP").then(|| "wg".to_owned());
        read(text, &variable).map_err(|faults| faults.to_string())
    }

    #[test]
    fn a_document_is_read_bare_or_in_its_event_in_yaml_or_json() {
        let bare = document(DOCUMENT).unwrap();
        assert_eq!(bare.warehouse, redoubt_core::model::WarehouseName::Workgroup("wg".to_owned()));
        let inner = DOCUMENT.trim_end();
        let event = format!("type: integration.created\nintegration:\n  {}", inner.replace('\n', "\n  "));
        assert_eq!(document(&event).unwrap(), bare);
        let inner = inner.replace('\n', "\n    ");
        let envelope = format!("detail-type: integration.updated\ndetail:\n  integration:\n    {inner}");
        assert_eq!(document(&envelope).unwrap(), bare);
        for text in [DOCUMENT, &event, &envelope] {
            let json: Value = serde_saphyr::from_str(text).unwrap();
            assert_eq!(document(&json.to_string()).unwrap(), bare);
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let nobody = DOCUMENT.replace("WORKGROUP", "NOBODY");
        let unset = "found the variable `NOBODY`, which is not set, expected one that is set in the environment";
        let event = format!("type: integration.created\nintegration:\n  {}", nobody.trim_end().replace('\n', "\n  "));
        for text in [&nobody, &event] {
            assert_eq!(document(text).unwrap_err(), format!("`integration.workgroup`: {unset}"));
        }
        for (text, begin) in [
            (
                DOCUMENT.replace("single_database", "no_database"),
                "`integration.mode`: found the string `no_database`, expected ",
            ),
            (DOCUMENT.replace("id: wh", "id: 7"), "`integration.id`: found "),
            (format!("{DOCUMENT}id: other\n"), "`$`: found text that is neither JSON nor YAML (duplicate"),
            ("[".to_owned(), "`$`: found text that is neither JSON nor YAML ("),
            ("a text".to_owned(), "`integration`: found the string `a text`, expected an object"),
            ("{\"id\": 1, \"id\": 1}".to_owned(), "`id`: found the field again, expected each field once"),
            (format!("{}1{}", "[".repeat(100), "]".repeat(100)), "`$`: found text that is neither JSON nor YAML ("),
            ("integration: {}".to_owned(), "`type`: found nothing, expected `integration.created` or "),
            (
                "type: user.deleted\nid: a\nversion: 1".to_owned(),
                "`type`: found \"user.deleted\", expected `integration.c",
            ),
        ] {
            let error = document(&text).unwrap_err();
            assert!(error.starts_with(begin), "{error}");
        }
    }
}
