//! The documents on disk, as events.
//!
//! Files leave out `version`, the producer's counter, because the demo takes it from the clock: that way a second run says
//! something newer than the first.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use redoubt_core::event::{self, Document, Event, Faults};
use serde::Deserialize;
use serde_json::Value;

/// Why documents can't be sent.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// A file or directory can't be read.
    #[error("can't read `{}`", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is no YAML.
    #[error("`{}` is no YAML", path.display())]
    Yaml {
        /// Which.
        path: PathBuf,
        /// Why.
        source: Box<serde_saphyr::Error>,
    },
    /// A document names a variable that isn't set.
    #[error("`{}`: `${{{name}}}` has no value: read the stack's environment with `. .local/env`", path.display())]
    Variable {
        /// The file.
        path: PathBuf,
        /// The variable.
        name: String,
    },
    /// A document has faults.
    #[error("`{}`: {faults}", path.display())]
    Faults {
        /// The file.
        path: PathBuf,
        /// Path, what was found and what was expected, of each.
        faults: Faults,
    },
}

/// The documents, as the events that tell them.
#[derive(Debug)]
pub struct Documents {
    /// The warehouse; must come first only because the tables can't be granted before its account exists.
    pub integration: Event,
    /// All others, in the order of the files.
    pub others: Vec<Event>,
}

/// The directory of the documents.
pub fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("documents")
}

/// Reads and checks every document below a directory. `variable` gives the value of a `${NAME}`.
///
/// # Errors
/// The first file that can't be read, or has faults; all faults of it.
pub fn load(
    directory: &Path,
    version: u64,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Documents, DocumentError> {
    let loader = Loader { directory, version, variable };
    let mut integrations = loader.documents("integration", |integration| Event::IntegrationCreated { integration })?;
    let mut others = loader.documents("data-sources", |data_source| Event::DataSourceCreated { data_source })?;
    others.extend(loader.documents("users", |user| Event::UserCreated { user })?);
    others.extend(loader.documents("projects", |project| Event::ProjectCreated { project })?);
    others.extend(loader.documents("policies", |policy| Event::PolicyCreated { policy })?);
    others.extend(loader.events("events")?);
    let integration = integrations.pop().ok_or_else(|| DocumentError::Read {
        path: directory.join("integration"),
        source: io::Error::from(io::ErrorKind::NotFound),
    })?;
    Ok(Documents { integration, others })
}

struct Loader<'a> {
    directory: &'a Path,
    version: u64,
    variable: &'a dyn Fn(&str) -> Option<String>,
}

impl Loader<'_> {
    /// The documents of a kind: any number in a file, parted by `---`.
    fn documents<T: Document>(&self, kind: &str, event: impl Fn(T) -> Event) -> Result<Vec<Event>, DocumentError> {
        let mut events = Vec::new();
        for path in files(&self.directory.join(kind))? {
            for value in self.values(&path)? {
                let document =
                    event::document(value).map_err(|faults| DocumentError::Faults { path: path.clone(), faults })?;
                events.push(event(document));
            }
        }
        Ok(events)
    }

    /// Events that are no whole documents: a list in each file.
    fn events(&self, kind: &str) -> Result<Vec<Event>, DocumentError> {
        let mut events = Vec::new();
        for path in files(&self.directory.join(kind))? {
            for value in self.values(&path)? {
                let incoming = event::parse(&value.to_string())
                    .map_err(|faults| DocumentError::Faults { path: path.clone(), faults })?;
                events.push(incoming.event);
            }
        }
        Ok(events)
    }

    /// What a file holds, with the version and the values of variables put in.
    fn values(&self, path: &Path) -> Result<Vec<Value>, DocumentError> {
        let text = fs::read_to_string(path).map_err(|source| DocumentError::Read { path: path.to_owned(), source })?;
        let documents: Vec<OneOrMany> = serde_saphyr::from_multiple(&text)
            .map_err(|source| DocumentError::Yaml { path: path.to_owned(), source: Box::new(source) })?;
        let mut values: Vec<Value> = documents.into_iter().flat_map(OneOrMany::into_vec).collect();
        for value in &mut values {
            self.fill(value).map_err(|name| DocumentError::Variable { path: path.to_owned(), name })?;
            if let Some(fields) = value.as_object_mut() {
                fields.insert("version".to_owned(), self.version.into());
            }
        }
        Ok(values)
    }

    /// Replaces `${NAME}`, which must be the whole text.
    fn fill(&self, value: &mut Value) -> Result<(), String> {
        match value {
            Value::String(text) => {
                if let Some(name) = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) {
                    *text = (self.variable)(name).ok_or_else(|| name.to_owned())?;
                }
                Ok(())
            }
            Value::Array(list) => list.iter_mut().try_for_each(|one| self.fill(one)),
            Value::Object(fields) => fields.values_mut().try_for_each(|one| self.fill(one)),
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    Many(Vec<Value>),
    One(Value),
}

impl OneOrMany {
    fn into_vec(self) -> Vec<Value> {
        match self {
            Self::Many(many) => many,
            Self::One(one) => vec![one],
        }
    }
}

/// The YAML files of a directory, by name.
fn files(directory: &Path) -> Result<Vec<PathBuf>, DocumentError> {
    let unreadable = |source| DocumentError::Read { path: directory.to_owned(), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
#[path = "documents_tests.rs"]
mod tests;
