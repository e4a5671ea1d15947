//! What is wrong with an event or a document: where, what was found, what was expected.

use std::fmt;

use serde::Serialize;

use super::path::Path;

/// One thing that is wrong with an event or a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Where it is, such as `policy.rules[2].mask.using.kind`; `$` is the whole.
    pub path: String,
    /// What stands there, described; long or unprintable values are never repeated.
    pub found: String,
    /// What should stand there, in plain words.
    pub expected: String,
    /// A name that the producer probably meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Fault {
    /// A fault without a hint.
    pub fn new(path: impl Into<String>, found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { path: path.into(), found: found.into(), expected: expected.into(), hint: None }
    }

    /// The same fault with a name that was probably meant, if there is one.
    #[must_use]
    pub fn hint(mut self, name: Option<impl Into<String>>) -> Self {
        self.hint = name.map(Into::into);
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: found {}, expected {}", self.path, self.found, self.expected)?;
        match &self.hint {
            Some(name) => write!(f, " (did you mean `{name}`?)"),
            None => Ok(()),
        }
    }
}

/// Everything that is wrong with an event or a document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Faults(pub Vec<Fault>);

impl Faults {
    /// How many faults [`push`](Self::push) keeps. Input of a megabyte can hold a hundred thousand, and they must fit
    /// into one message of the dead-letter queue.
    pub const LIMIT: usize = 100;

    /// No faults yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a fault. Beyond [`Self::LIMIT`] one last fault says that there are more, and the rest are dropped.
    pub fn push(&mut self, fault: Fault) {
        if self.0.len() < Self::LIMIT {
            self.0.push(fault);
        } else if self.0.len() == Self::LIMIT {
            let found = format!("more than {} faults", Self::LIMIT);
            self.0.push(Fault::new(Path::Root.to_string(), found, "none"));
        }
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The faults in the order they were found.
    pub fn iter(&self) -> std::slice::Iter<'_, Fault> {
        self.0.iter()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self(vec![fault])
    }
}

impl Extend<Fault> for Faults {
    fn extend<I: IntoIterator<Item = Fault>>(&mut self, faults: I) {
        for fault in faults {
            self.push(fault);
        }
    }
}

impl FromIterator<Fault> for Faults {
    fn from_iter<I: IntoIterator<Item = Fault>>(faults: I) -> Self {
        let mut all = Self::new();
        all.extend(faults);
        all
    }
}

impl IntoIterator for Faults {
    type Item = Fault;
    type IntoIter = std::vec::IntoIter<Fault>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Faults {
    type Item = &'a Fault;
    type IntoIter = std::slice::Iter<'a, Fault>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_read_as_one_line() {
        let mut faults = Faults::from(Fault::new("id", "nothing", "a string"));
        faults.push(Fault::new("rules[0].maks", "a field", "no such field").hint(Some("mask")));
        assert_eq!(
            faults.to_string(),
            "`id`: found nothing, expected a string; \
             `rules[0].maks`: found a field, expected no such field (did you mean `mask`?)"
        );
    }

    #[test]
    fn the_number_of_faults_is_limited() {
        let faults: Faults = (0..1000).map(|n| Fault::new(format!("[{n}]"), "nothing", "a string")).collect();
        assert_eq!(faults.0.len(), Faults::LIMIT + 1);
        let last = faults.iter().last().map(ToString::to_string);
        assert_eq!(last.as_deref(), Some("`$`: found more than 100 faults, expected none"));
    }

    #[test]
    fn a_fault_is_written_as_json_without_an_absent_hint() {
        let json = serde_json::to_string(&Faults::from(Fault::new("id", "nothing", "a string"))).unwrap();
        assert_eq!(json, r#"[{"path":"id","found":"nothing","expected":"a string"}]"#);
    }
}
