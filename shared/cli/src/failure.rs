//! Why a command failed.

use std::{error::Error, fmt, io};

use redoubt_aws::{error::chain, work::WorkError};
use redoubt_core::{event::Faults, render::install::TemplateError};

/// Why a command failed.
#[derive(Debug)]
pub enum Failure {
    /// The arguments are not understood.
    Usage {
        /// What was expected.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// A file can't be read.
    Read {
        /// The file.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// A document is wrong.
    Document {
        /// The file.
        file: String,
        /// All that is wrong with it.
        faults: Faults,
    },
    /// What is asked for can't be done.
    Refused(String),
    /// The warehouse can't be examined.
    Examination(WorkError),
    /// A defect of this program.
    Template(TemplateError),
    /// The output can't be written.
    Output(io::Error),
}

impl Failure {
    /// Arguments that are not understood.
    pub fn usage(expected: &str, found: &[&str]) -> Self {
        let found = if found.is_empty() { "nothing".to_owned() } else { format!("`{}`", found.join(" ")) };
        Self::Usage { expected: expected.to_owned(), found }
    }

    /// The process's exit status.
    pub fn status(&self) -> u8 {
        match self {
            Self::Usage { .. } => 2,
            Self::Read { .. }
            | Self::Document { .. }
            | Self::Refused(_)
            | Self::Examination(_)
            | Self::Template(_)
            | Self::Output(_) => 1,
        }
    }
}

impl From<TemplateError> for Failure {
    fn from(error: TemplateError) -> Self {
        Self::Template(error)
    }
}

impl From<WorkError> for Failure {
    fn from(error: WorkError) -> Self {
        Self::Examination(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage { expected, found } => {
                write!(f, "error: found {found}, expected {expected}; `redoubt --help` says more")
            }
            Self::Read { file, source } => write!(f, "error: {file} can't be read: {source}"),
            Self::Document { file, faults } => {
                let lines: Vec<String> = faults.0.iter().map(|fault| format!("error: {file}: {fault}")).collect();
                f.write_str(&lines.join("\n"))
            }
            Self::Refused(why) => write!(f, "error: this can't be done: {why}"),
            Self::Examination(error) => write!(f, "error: the warehouse can't be examined: {}", chain(error)),
            Self::Template(error) => write!(f, "error: {error}"),
            Self::Output(source) => write!(f, "error: the output can't be written: {source}"),
        }
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Read { source, .. } | Self::Output(source) => Some(source),
            Self::Examination(error) => Some(error),
            Self::Template(error) => Some(error),
            Self::Usage { .. } | Self::Document { .. } | Self::Refused(_) => None,
        }
    }
}
