//! From JSON Schema to the tree that values are checked against.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{Fields, Schema, Shape};
use crate::event::correlation;

/// Keywords that describe and do not constrain.
const ANNOTATIONS: [&str; 5] = ["$schema", "$defs", "title", "description", "default"];

/// The schema says something that this reader does not know. A test keeps the schema that is built in free of defects.
#[derive(Debug, thiserror::Error)]
pub(super) enum Defect {
    /// The schema is no JSON.
    #[error("it is not JSON")]
    Json(#[from] serde_json::Error),
    /// A part of it is not understood.
    #[error("`{part}` has {problem}")]
    Part {
        /// Name of the definition.
        part: String,
        /// What is not understood.
        problem: String,
    },
}

impl Schema {
    pub(super) fn read(text: &str) -> Result<Self, Defect> {
        let value: Value = serde_json::from_str(text)?;
        let part = |part: &str| {
            let part = part.to_owned();
            move |problem| Defect::Part { part, problem }
        };
        let event = shape(&value).map_err(part("Event"))?;
        let mut definitions = BTreeMap::new();
        if let Some(Value::Object(schemas)) = value.get("$defs") {
            for (name, schema) in schemas {
                definitions.insert(name.clone(), shape(schema).map_err(part(name))?);
            }
        }
        let schema = Self { event, definitions };
        schema.check_references().map_err(part("$defs"))?;
        Ok(schema)
    }

    /// Every reference must lead to a definition, and following references alone must come to an end.
    fn check_references(&self) -> Result<(), String> {
        for shape in self.definitions.values().chain([&self.event]) {
            let mut next = direct(shape);
            let mut seen = BTreeSet::new();
            while let Some(name) = next {
                if !seen.insert(name) {
                    return Err(format!("the reference `{name}` in a circle"));
                }
                next = self.definitions.get(name).and_then(direct);
            }
            let mut names = Vec::new();
            references(shape, &mut names);
            if let Some(name) = names.iter().find(|name| !self.definitions.contains_key(**name)) {
                return Err(format!("no definition of `{name}`"));
            }
        }
        Ok(())
    }
}

/// The definition a shape stands for without any value in between.
fn direct(shape: &Shape) -> Option<&str> {
    match shape {
        Shape::Reference(name) => Some(name),
        Shape::Nullable(inner) => direct(inner),
        _ => None,
    }
}

fn references<'a>(shape: &'a Shape, names: &mut Vec<&'a str>) {
    match shape {
        Shape::Any | Shape::Boolean | Shape::Number | Shape::Whole(_) | Shape::Text | Shape::Label => {}
        Shape::Reference(name) => names.push(name),
        Shape::List(inner) | Shape::Map(inner) | Shape::Nullable(inner) => references(inner, names),
        Shape::Object(fields) | Shape::Choice { fields, .. } => {
            fields.known.values().for_each(|shape| references(shape, names));
        }
        Shape::Tagged { variants, .. } => {
            let shapes = variants.iter().flat_map(|(_, fields)| fields.known.values());
            shapes.for_each(|shape| references(shape, names));
        }
    }
}

/// The shape that a schema describes.
fn shape(schema: &Value) -> Result<Shape, String> {
    let Value::Object(schema) = schema else {
        return Err("a schema that is no object".to_owned());
    };
    let mut keywords = Keywords(schema.iter().filter(|(key, _)| !ANNOTATIONS.contains(&key.as_str())).collect());
    let shape = if let Some(reference) = keywords.take("$ref") {
        let name = reference.as_str().and_then(|name| name.strip_prefix("#/$defs/"));
        Shape::Reference(name.ok_or("a reference to elsewhere")?.to_owned())
    } else if let Some(branches) = keywords.take("anyOf") {
        nullable(branches)?
    } else if let Some(branches) = keywords.take("oneOf") {
        alternatives(branches)?
    } else if let Some(types) = keywords.take("type") {
        typed(types, &mut keywords)?
    } else {
        Shape::Any
    };
    match keywords.0.keys().next() {
        None => Ok(shape),
        Some(keyword) => Err(format!("the keyword `{keyword}`, unknown here")),
    }
}

/// The keywords of a schema that were not looked at yet.
struct Keywords<'a>(BTreeMap<&'a String, &'a Value>);

impl<'a> Keywords<'a> {
    fn take(&mut self, keyword: &str) -> Option<&'a Value> {
        self.0.remove(&keyword.to_owned())
    }
}

fn typed(types: &Value, keywords: &mut Keywords<'_>) -> Result<Shape, String> {
    match types {
        Value::String(name) => of_type(name, keywords),
        Value::Array(names) => match names.as_slice() {
            [Value::String(name), Value::String(null)] if null == "null" => {
                Ok(Shape::Nullable(Box::new(of_type(name, keywords)?)))
            }
            _ => Err("a list of types other than one and null".to_owned()),
        },
        _ => Err("a type that is no name".to_owned()),
    }
}

fn of_type(name: &str, keywords: &mut Keywords<'_>) -> Result<Shape, String> {
    match name {
        "boolean" => Ok(Shape::Boolean),
        "string" => match keywords.take("const") {
            None => match keywords.take("pattern").map(Value::as_str) {
                None => Ok(Shape::Text),
                Some(Some(correlation::PATTERN)) => Ok(Shape::Label),
                Some(_) => Err("a pattern, unknown here".to_owned()),
            },
            Some(Value::String(name)) => Ok(Shape::Choice { names: vec![name.clone()], fields: Fields::default() }),
            Some(_) => Err("a constant that is no string".to_owned()),
        },
        "number" => match keywords.take("format").and_then(Value::as_str) {
            Some("double") => Ok(Shape::Number),
            _ => Err("a number that is no double".to_owned()),
        },
        "integer" => {
            let format = keywords.take("format").and_then(Value::as_str);
            let minimum = keywords.take("minimum").and_then(Value::as_u64);
            match (format, minimum) {
                (Some("uint64"), Some(0)) => Ok(Shape::Whole(u64::MAX)),
                (Some("uint32"), Some(0)) => Ok(Shape::Whole(u64::from(u32::MAX))),
                _ => Err("an integer that is no u32 or u64".to_owned()),
            }
        }
        "array" => match keywords.take("items") {
            Some(items) => Ok(Shape::List(Box::new(shape(items)?))),
            None => Err("a list without `items`".to_owned()),
        },
        "object" => object(keywords),
        _ => Err(format!("the type `{name}`, unknown here")),
    }
}

fn object(keywords: &mut Keywords<'_>) -> Result<Shape, String> {
    match keywords.take("additionalProperties") {
        Some(Value::Bool(false)) => {}
        Some(items @ Value::Object(_)) => return Ok(Shape::Map(Box::new(shape(items)?))),
        _ => return Err("an object that takes unknown fields".to_owned()),
    }
    let mut fields = Fields::default();
    match keywords.take("properties") {
        None => {}
        Some(Value::Object(properties)) => {
            for (name, schema) in properties {
                fields.known.insert(name.clone(), shape(schema)?);
            }
        }
        Some(_) => return Err("`properties` that are no object".to_owned()),
    }
    for name in keywords.take("required").and_then(Value::as_array).into_iter().flatten() {
        match name.as_str() {
            Some(name) if fields.known.contains_key(name) => fields.required.push(name.to_owned()),
            _ => return Err("a required field that is not described".to_owned()),
        }
    }
    Ok(Shape::Object(fields))
}

/// `anyOf` stands for what may be null.
fn nullable(branches: &Value) -> Result<Shape, String> {
    match branches.as_array().map(Vec::as_slice) {
        Some([inner, null]) if is_null(null) => Ok(Shape::Nullable(Box::new(shape(inner)?))),
        _ => Err("an `anyOf` other than one schema and null".to_owned()),
    }
}

fn is_null(schema: &Value) -> bool {
    let null = Map::from_iter([("type".to_owned(), Value::from("null"))]);
    schema.as_object() == Some(&null)
}

/// `oneOf` stands for an enum: with a tag inside, or of names and objects with one field.
fn alternatives(branches: &Value) -> Result<Shape, String> {
    let branches: Vec<Shape> = branches.as_array().into_iter().flatten().map(shape).collect::<Result<_, _>>()?;
    let mut names = Vec::new();
    let mut tagged = Vec::new();
    let mut tags = BTreeSet::new();
    let mut choices = Fields::default();
    for branch in branches {
        match branch {
            Shape::Choice { names: more, fields } if fields == Fields::default() => names.extend(more),
            Shape::Object(fields) => match tag(&fields) {
                Some((tag, name)) => {
                    tags.insert(tag);
                    tagged.push((name, fields));
                }
                None if fields.known.len() == 1 && fields.required.len() == 1 => choices.known.extend(fields.known),
                None => return Err("an alternative without a tag".to_owned()),
            },
            _ => return Err("an alternative that is neither a name nor an object".to_owned()),
        }
    }
    let untagged = names.is_empty() && choices.known.is_empty();
    match (tags.pop_first(), tags.is_empty()) {
        (None, _) if !untagged => Ok(Shape::Choice { names, fields: choices }),
        (Some(tag), true) if untagged => Ok(Shape::Tagged { tag, variants: tagged }),
        _ => Err("alternatives of several kinds".to_owned()),
    }
}

/// The required field that has a constant value, and the value.
fn tag(fields: &Fields) -> Option<(String, String)> {
    fields.required.iter().find_map(|name| match fields.known.get(name)? {
        Shape::Choice { names, fields } if *fields == Fields::default() => {
            names.first().map(|constant| (name.clone(), constant.clone()))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defect(schema: &str) -> String {
        Schema::read(schema).unwrap_err().to_string()
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let cases = [
            ("{", "it is not JSON"),
            ("[]", "`Event` has a schema that is no object"),
            (r#"{"type": "string", "pattern": "^a"}"#, "`Event` has a pattern, unknown here"),
            (r#"{"type": "string", "maxLength": 1}"#, "`Event` has the keyword `maxLength`, unknown here"),
            (r#"{"type": "tuple"}"#, "`Event` has the type `tuple`, unknown here"),
            (r#"{"type": ["string", "integer"]}"#, "`Event` has a list of types other than one and null"),
            (r#"{"type": 1}"#, "`Event` has a type that is no name"),
            (r#"{"type": "object"}"#, "`Event` has an object that takes unknown fields"),
            (r#"{"type": "integer", "format": "int64"}"#, "`Event` has an integer that is no u32 or u64"),
            (
                r#"{"type": "integer", "format": "uint32", "minimum": 1}"#,
                "`Event` has an integer that is no u32 or u64",
            ),
            (r#"{"type": "number"}"#, "`Event` has a number that is no double"),
            (r#"{"type": "array"}"#, "`Event` has a list without `items`"),
            (r#"{"type": "string", "const": 1}"#, "`Event` has a constant that is no string"),
            (r#"{"$ref": "other.json"}"#, "`Event` has a reference to elsewhere"),
            (r##"{"$ref": "#/$defs/A"}"##, "`$defs` has no definition of `A`"),
            (
                r##"{"$defs": {"A": {"$ref": "#/$defs/B"}, "B": {"$ref": "#/$defs/A"}}}"##,
                "`$defs` has the reference `B` in a circle",
            ),
            (r#"{"oneOf": [{"type": "boolean"}]}"#, "`Event` has an alternative that is neither a name nor an object"),
            (r#"{"oneOf": []}"#, "`Event` has alternatives of several kinds"),
            (r#"{"anyOf": [{}, {}]}"#, "`Event` has an `anyOf` other than one schema and null"),
            (
                r#"{"$defs": {"A": {"type": "object", "required": ["a"], "additionalProperties": false}}}"#,
                "`A` has a required field that is not described",
            ),
        ];
        for (schema, message) in cases {
            assert_eq!(defect(schema), message, "{schema}");
        }
    }
}
