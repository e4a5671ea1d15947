//! The structural check: every way in which a JSON value differs from the schema of events, not just the first.
//!
//! The schema in `events/event.schema.json` is generated from the wire types. The `reader` turns it into the tree below,
//! which knows exactly the part of JSON Schema that is needed for them and refuses to be built from anything else.
//! A check looks at each value once: where a schema offers alternatives, the value's own tag chooses one, so hostile input
//! can't make it try them all.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::correlation;
use super::describe;
use super::fault::{Fault, Faults};
use super::json;
use super::path::Path;
use super::suggest::suggest;

mod reader;
mod words;

use reader::Defect;

static SCHEMA: LazyLock<Result<Schema, Defect>> =
    LazyLock::new(|| Schema::read(include_str!("../../../../events/event.schema.json")));

/// What a value is checked against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root<'a> {
    /// An event.
    Event,
    /// A definition of the schema of events, such as `PolicyDocument`.
    Definition(&'a str),
}

/// Checks a value that stands at `path`: its structure, its nesting, and that no text in it holds a NUL.
#[must_use]
pub fn check(root: Root<'_>, value: &Value, path: Path<'_>) -> Faults {
    match SCHEMA.as_ref() {
        Ok(schema) => schema.check(root, value, path),
        Err(defect) => Fault::new(path.to_string(), format!("no usable schema ({defect})"), "one built in").into(),
    }
}

/// The schema of events.
#[derive(Debug)]
struct Schema {
    event: Shape,
    definitions: BTreeMap<String, Shape>,
}

/// What a value must look like.
#[derive(Debug, Clone, PartialEq)]
enum Shape {
    /// Anything.
    Any,
    Boolean,
    Number,
    /// A whole number from 0 up to this.
    Whole(u64),
    Text,
    /// What logs may call an event.
    Label,
    List(Box<Shape>),
    /// An object with names of the producer's choice.
    Map(Box<Shape>),
    /// An object with these fields.
    Object(Fields),
    /// An object with a field, the tag, whose value says which fields the others are.
    Tagged {
        tag: String,
        variants: Vec<(String, Fields)>,
    },
    /// One of a few names, or an object with exactly one of a few fields.
    Choice {
        names: Vec<String>,
        fields: Fields,
    },
    /// Null, or this.
    Nullable(Box<Shape>),
    /// A definition.
    Reference(String),
}

/// The fields of an object; others are refused.
#[derive(Debug, Clone, Default, PartialEq)]
struct Fields {
    known: BTreeMap<String, Shape>,
    required: Vec<String>,
}

/// Where a check is, and what it must heed there.
#[derive(Clone, Copy)]
struct Place<'a> {
    path: Path<'a>,
    /// Null would do as well.
    nullable: bool,
    /// The value is not to be repeated.
    withheld: bool,
}

impl<'a> Place<'a> {
    fn field(&'a self, name: &'a str) -> Place<'a> {
        let withheld = self.withheld || describe::withheld(name);
        Place { path: self.path.field(name), nullable: false, withheld }
    }

    fn item(&'a self, index: usize) -> Place<'a> {
        Place { path: self.path.item(index), nullable: false, withheld: self.withheld }
    }

    fn fault(&self, value: &Value, expected: &str) -> Fault {
        let or_null = if self.nullable { " or null" } else { "" };
        Fault::new(self.path.to_string(), describe::value(value, self.withheld), format!("{expected}{or_null}"))
    }
}

impl Schema {
    fn check(&self, root: Root<'_>, value: &Value, path: Path<'_>) -> Faults {
        let mut faults = Faults::new();
        if let Err(refusal) = json::scan(value, path, &mut faults) {
            return refusal;
        }
        let shape = match root {
            Root::Event => Some(&self.event),
            Root::Definition(name) => self.definitions.get(name),
        };
        let place = Place { path, nullable: false, withheld: false };
        match shape {
            Some(shape) => self.check_shape(shape, value, place, &mut faults),
            None => faults.push(place.fault(value, "a definition of the schema")),
        }
        faults
    }

    fn check_shape(&self, shape: &Shape, value: &Value, place: Place<'_>, faults: &mut Faults) {
        match (shape, value) {
            (Shape::Any, _)
            | (Shape::Boolean, Value::Bool(_))
            | (Shape::Number, Value::Number(_))
            | (Shape::Text, Value::String(_))
            | (Shape::Nullable(_), Value::Null) => {}
            (Shape::Label, Value::String(text)) if correlation::fits(text) => {}
            (Shape::Whole(largest), Value::Number(number)) if number.as_u64().is_some_and(|n| n <= *largest) => {}
            (Shape::Nullable(inner), _) => {
                self.check_shape(inner, value, Place { nullable: true, ..place }, faults);
            }
            (Shape::Reference(name), _) => match self.definitions.get(name) {
                Some(definition) => self.check_shape(definition, value, place, faults),
                None => faults.push(place.fault(value, "a definition of the schema")),
            },
            (Shape::List(item), Value::Array(items)) => {
                for (index, value) in items.iter().enumerate() {
                    self.check_shape(item, value, place.item(index), faults);
                }
            }
            (Shape::Map(item), Value::Object(object)) => {
                for (name, value) in object {
                    self.check_shape(item, value, place.field(name), faults);
                }
            }
            (Shape::Object(fields), Value::Object(object)) => self.check_fields(fields, object, place, faults),
            (Shape::Tagged { tag, variants }, Value::Object(object)) => {
                self.check_tagged(tag, variants, object, place, faults);
            }
            (Shape::Choice { names, fields }, Value::Object(object)) if !fields.known.is_empty() => {
                self.check_choice(names, fields, value, object, place, faults);
            }
            (Shape::Choice { names, .. }, Value::String(name)) => {
                if !names.contains(name) {
                    let hint = suggest(name, names.iter().map(String::as_str));
                    faults.push(place.fault(value, &shape.words()).hint(hint));
                }
            }
            _ => faults.push(place.fault(value, &shape.words())),
        }
    }

    fn check_fields(&self, fields: &Fields, object: &Map<String, Value>, place: Place<'_>, faults: &mut Faults) {
        for name in &fields.required {
            if !object.contains_key(name) {
                let expected = fields.known.get(name).map_or_else(String::new, |shape| self.words_of(shape));
                faults.push(Fault::new(place.path.field(name).to_string(), "nothing", expected));
            }
        }
        for (name, value) in object {
            match fields.known.get(name) {
                Some(shape) => self.check_shape(shape, value, place.field(name), faults),
                None => {
                    let absent = fields.known.keys().filter(|known| !object.contains_key(*known));
                    let hint = suggest(name, absent.map(String::as_str));
                    let path = place.path.field(name).to_string();
                    faults.push(Fault::new(path, "a field", "no such field").hint(hint));
                }
            }
        }
    }

    fn check_tagged(
        &self,
        tag: &str,
        variants: &[(String, Fields)],
        object: &Map<String, Value>,
        place: Place<'_>,
        faults: &mut Faults,
    ) {
        let names = || variants.iter().map(|(name, _)| name.as_str());
        let place_of_tag = place.field(tag);
        match object.get(tag) {
            Some(Value::String(name)) => match variants.iter().find(|(variant, _)| variant == name) {
                Some((_, fields)) => self.check_fields(fields, object, place, faults),
                None => {
                    let fault = place_of_tag.fault(&Value::String(name.clone()), &words::one_of(names()));
                    faults.push(fault.hint(suggest(name, names())));
                }
            },
            Some(other) => faults.push(place_of_tag.fault(other, &words::one_of(names()))),
            None => faults.push(Fault::new(place_of_tag.path.to_string(), "nothing", words::one_of(names()))),
        }
    }

    fn check_choice(
        &self,
        names: &[String],
        fields: &Fields,
        value: &Value,
        object: &Map<String, Value>,
        place: Place<'_>,
        faults: &mut Faults,
    ) {
        let chosen = object.keys().filter(|name| fields.known.contains_key(*name)).count();
        match (chosen, object.len()) {
            (1, _) => self.check_fields(fields, object, place, faults),
            (0, 1) => {
                for name in object.keys() {
                    let known = || fields.known.keys().map(String::as_str);
                    let path = place.path.field(name).to_string();
                    faults.push(Fault::new(path, "a field", words::one_of(known())).hint(suggest(name, known())));
                }
            }
            _ => {
                let mut fault = place.fault(value, &words::choice(names, fields));
                fault.found = words::object(object);
                faults.push(fault);
            }
        }
    }

    /// What is expected of a value of a shape, with references followed as far as that says more.
    fn words_of(&self, shape: &Shape) -> String {
        match shape {
            Shape::Reference(name) => self.definitions.get(name).unwrap_or(shape).words(),
            other => other.words(),
        }
    }
}

#[cfg(test)]
mod tests;
