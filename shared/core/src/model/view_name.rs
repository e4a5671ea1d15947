//! How policy views are named where their data source does not say.

use super::data_source::DataSource;
use crate::{event::Fault, sql::Ident};

const PATH: &str = "integration.view_name";
const PLACES: [&str; 3] = ["{database}", "{schema}", "{table}"];

/// A text with places for the names of the table, its schema and its database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewName(String);

impl Default for ViewName {
    fn default() -> Self {
        Self("{table}".to_owned())
    }
}

impl ViewName {
    /// Checks a text.
    ///
    /// # Errors
    /// A fault when it has another place, no `{table}`, or blanks at its ends.
    pub fn check(text: &str) -> Result<Self, Fault> {
        let expected = "a text with `{table}` in it, and perhaps `{schema}` and `{database}`";
        let fault = |found: String| Fault::new(PATH, found, expected);
        let mut rest = text.to_owned();
        for place in PLACES {
            rest = rest.replace(place, "");
        }
        if rest.contains(['{', '}']) {
            return Err(fault("another place, or a brace".to_owned()));
        }
        if !text.contains("{table}") {
            return Err(fault("no `{table}`".to_owned()));
        }
        // What stands around the places must be fit for a name.
        super::view_name(PATH, text)?;
        Ok(Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name that a table's view gets.
    ///
    /// # Errors
    /// A fault when it is no name of 1 to 127 bytes.
    pub fn of(&self, source: &DataSource) -> Result<Ident, Fault> {
        let names = [&source.database, &source.schema, &source.table];
        let mut name = String::with_capacity(self.0.len());
        let mut rest = self.0.as_str();
        // One pass, so that a table called `{schema}` stays what it is.
        while let Some((before, from)) = rest.find('{').and_then(|at| rest.split_at_checked(at)) {
            name.push_str(before);
            let place = PLACES.iter().zip(names).find_map(|(place, ident)| Some((from.strip_prefix(place)?, ident)));
            let Some((after, ident)) = place else { break };
            name.push_str(ident.as_str());
            rest = after;
        }
        name.push_str(rest);
        super::view_name(PATH, &name)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::event::wire;

    fn source(schema: &str, table: &str, view: Option<&str>) -> DataSource {
        let wire: wire::DataSourceDocument = serde_json::from_value(json!({
            "id": "s", "version": 1, "host": "h", "database": "d", "schema": schema, "table": table, "view": view,
            "columns": [{"name": "c", "type": "integer"}],
        }))
        .unwrap();
        DataSource::check(&wire).unwrap()
    }

    fn named(template: &str, schema: &str, table: &str) -> String {
        source(schema, table, None).view_named(&ViewName::check(template).unwrap()).unwrap().as_str().to_owned()
    }

    #[test]
    fn names_follow_the_text() {
        assert_eq!(named("{table}", "s", "t"), "t");
        assert_eq!(named("{database}_{schema}_{table}", "s", "t"), "d_s_t");
        assert_eq!(named("secure {table} é", "s", "t"), "secure t é");
        assert_eq!(named("{table}_{schema}", "{table}", "{schema}"), "{schema}_{table}");
    }

    #[test]
    fn a_name_that_the_data_source_gives_comes_first() {
        let template = ViewName::check("x_{table}").unwrap();
        assert_eq!(source("s", "t", Some("v")).view_named(&template).unwrap().as_str(), "v");
    }

    #[test]
    fn what_can_be_no_name_is_refused() {
        for text in ["", "fixed", "{tabel}", "{table", "{table}}", " {table}", "{table} ", "{table}\0"] {
            assert!(ViewName::check(text).is_err(), "{text}");
        }
        let long = ViewName::check(&format!("{}{{table}}", "x".repeat(100))).unwrap();
        assert!(source("s", &"t".repeat(27), None).view_named(&long).is_ok());
        assert!(source("s", &"t".repeat(28), None).view_named(&long).is_err());
    }
}
