//! Reading JSON strictly: no field twice, no NUL, no deep nesting.
//!
//! `serde_json` alone keeps the last of two fields with the same name. Who reads the first would then see another policy
//! than the one enforced, so such a document is refused.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::fault::{Fault, Faults};
use super::path::Path;

/// The longest body, in bytes. SQS takes no longer one.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// How deep lists and objects may be nested.
pub const MAX_DEPTH: usize = 64;

/// Reads a body, and finds fields that stand twice.
///
/// # Errors
///
/// A single fault when the body is too long, too deeply nested or no JSON, so that there is no value to go on with.
pub fn read(body: &str) -> Result<(Value, Faults), Faults> {
    if body.len() > MAX_BODY_BYTES {
        let found = format!("{} bytes", body.len());
        return Err(whole(found, format!("at most {MAX_BODY_BYTES} bytes")));
    }
    let mut reading = Reading { faults: Faults::new(), too_deep: false };
    let mut input = serde_json::Deserializer::from_str(body);
    let seed = Place { reading: &mut reading, path: Path::Root, depth: 0 };
    match seed.deserialize(&mut input).and_then(|value| input.end().map(|()| value)) {
        Ok(value) => Ok((value, reading.faults)),
        Err(_) if reading.too_deep => Err(too_deep()),
        Err(error) => Err(whole(format!("text that is not JSON ({error})"), "a JSON object")),
    }
}

/// Finds NUL characters, which no database takes, in strings and names of fields.
///
/// # Errors
///
/// A single fault when the value is too deeply nested to be looked at.
pub(super) fn scan(value: &Value, path: Path<'_>, faults: &mut Faults) -> Result<(), Faults> {
    scan_at(value, path, 0, faults)
}

fn scan_at(value: &Value, path: Path<'_>, depth: usize, faults: &mut Faults) -> Result<(), Faults> {
    match value {
        Value::Array(_) | Value::Object(_) if depth == MAX_DEPTH => return Err(too_deep()),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
        Value::String(text) => scan_text(text, path, faults),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                scan_at(item, path.item(index), depth + 1, faults)?;
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                let path = path.field(name);
                scan_text(name, path, faults);
                scan_at(field, path, depth + 1, faults)?;
            }
        }
    }
    Ok(())
}

fn scan_text(text: &str, path: Path<'_>, faults: &mut Faults) {
    if text.contains('\0') {
        faults.push(Fault::new(path.to_string(), "a NUL character", "text without NUL"));
    }
}

fn whole(found: impl Into<String>, expected: impl Into<String>) -> Faults {
    Fault::new(Path::Root.to_string(), found, expected).into()
}

fn too_deep() -> Faults {
    whole("deeper nesting", format!("at most {MAX_DEPTH} levels"))
}

/// What was noticed while reading.
struct Reading {
    faults: Faults,
    too_deep: bool,
}

/// Reads the value at one place.
struct Place<'a> {
    reading: &'a mut Reading,
    path: Path<'a>,
    depth: usize,
}

impl Place<'_> {
    /// The depth of what stands inside a list or an object.
    fn inside<E: serde::de::Error>(&mut self) -> Result<usize, E> {
        if self.depth == MAX_DEPTH {
            self.reading.too_deep = true;
            return Err(E::custom("nested too deeply"));
        }
        Ok(self.depth + 1)
    }
}

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Value, D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Place<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        serde_json::Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<Value, A::Error> {
        let depth = self.inside()?;
        let mut items = Vec::new();
        loop {
            let path = self.path.item(items.len());
            let Some(item) = list.next_element_seed(Place { reading: &mut *self.reading, path, depth })? else {
                return Ok(Value::Array(items));
            };
            items.push(item);
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut object: A) -> Result<Value, A::Error> {
        let depth = self.inside()?;
        let mut fields = Map::new();
        while let Some(name) = object.next_key::<String>()? {
            let path = self.path.field(&name);
            let value = object.next_value_seed(Place { reading: &mut *self.reading, path, depth })?;
            if fields.contains_key(&name) {
                self.reading.faults.push(Fault::new(path.to_string(), "the field again", "each field once"));
            } else {
                fields.insert(name, value);
            }
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(body: &str) -> String {
        read(body).unwrap_err().to_string()
    }

    #[test]
    fn json_is_read_as_serde_json_reads_it() {
        let body = r#"{"a": [1, -2, 2.5, 1e2, 18446744073709551615], "b": {"c": null, "d": "\u00e9\"", "e": true}}"#;
        let (value, faults) = read(body).unwrap();
        assert_eq!(value, serde_json::from_str::<Value>(body).unwrap());
        assert!(faults.is_empty());
    }

    #[test]
    fn text_that_is_not_json_is_located_and_not_repeated() {
        assert_eq!(
            refusal("{\n  \"secret\": hunter2}"),
            "`$`: found text that is not JSON (expected value at line 2 column 13), expected a JSON object"
        );
        assert_eq!(
            refusal(""),
            "`$`: found text that is not JSON (EOF while parsing a value at line 1 column 0), expected a JSON object"
        );
        assert_eq!(
            refusal("{} {}"),
            "`$`: found text that is not JSON (trailing characters at line 1 column 4), expected a JSON object"
        );
        assert_eq!(
            refusal("[1e999]"),
            "`$`: found text that is not JSON (number out of range at line 1 column 6), expected a JSON object"
        );
        assert!(refusal(r#"["\ud800"]"#).starts_with("`$`: found text that is not JSON ("));
    }

    #[test]
    fn a_body_that_is_too_long_is_refused_unread() {
        assert_eq!(
            refusal(&"[".repeat(MAX_BODY_BYTES + 1)),
            "`$`: found 1048577 bytes, expected at most 1048576 bytes"
        );
    }

    #[test]
    fn deep_nesting_is_refused() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(read(&nested(MAX_DEPTH)).is_ok());
        assert_eq!(refusal(&nested(MAX_DEPTH + 1)), "`$`: found deeper nesting, expected at most 64 levels");
        assert_eq!(refusal(&"[".repeat(MAX_BODY_BYTES)), "`$`: found deeper nesting, expected at most 64 levels");
        assert_eq!(refusal(&"{\"a\":".repeat(1000)), "`$`: found deeper nesting, expected at most 64 levels");
    }

    #[test]
    fn scanning_stops_at_deep_nesting_too() {
        let nested = |depth: usize| (0..depth).fold(json!(1), |inner, _| json!([inner]));
        assert!(scan(&nested(MAX_DEPTH), Path::Root, &mut Faults::new()).is_ok());
        let refusal = scan(&nested(MAX_DEPTH + 1), Path::Root, &mut Faults::new()).unwrap_err();
        assert_eq!(refusal.to_string(), "`$`: found deeper nesting, expected at most 64 levels");
    }

    #[test]
    fn every_field_that_stands_again_is_a_fault() {
        let (value, faults) = read(r#"{"a": 1, "a": 2, "b": [{"c": 1, "d": 2, "c": 3}]}"#).unwrap();
        assert_eq!(value, json!({"a": 1, "b": [{"c": 1, "d": 2}]}));
        assert_eq!(
            faults.to_string(),
            "`a`: found the field again, expected each field once; \
             `b[0].c`: found the field again, expected each field once"
        );
    }

    #[test]
    fn nul_is_found_in_strings_and_names() {
        let mut faults = Faults::new();
        scan(&json!({"a": ["x\0"], "b\0": 1}), Path::Root, &mut faults).unwrap();
        assert_eq!(
            faults.to_string(),
            "`a[0]`: found a NUL character, expected text without NUL; \
             `[\"b\\0\"]`: found a NUL character, expected text without NUL"
        );
    }
}
