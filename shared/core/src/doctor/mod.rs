//! The doctor: looks at a customer's warehouse for everything the design takes for granted of Redshift, and tells what it saw.
//!
//! Read in this order: [`Probe`] (what is assumed) → [`plan`] (what is run, by whom and where) → [`judge`] (what follows from
//! what was seen) → [`report`]. Whoever runs the statements only carries them out and keeps the answers.

pub mod judge;
pub mod plan;
pub mod report;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::{
    plan::{BACKSLASHED, Examination, MASKED_SAMPLE, Mode, Place, Run, SAMPLE, STATEMENT_BYTES, Who},
    report::{Finding, Report, Verdict},
};
use crate::model::integration::Risk;

/// One assumption, and what looks at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Probe {
    /// The isolation of Redoubt's database.
    Isolation,
    /// Whether names keep their case.
    CaseSensitiveIdentifiers,
    /// Names of three parts.
    CrossDatabase,
    /// The option that changes what VARCHAR(MAX) is.
    LargeStrings,
    /// Whether the catalog is hidden.
    MetadataSecurity,
    /// What readers of a late-binding view must be granted below it.
    UsageBelowViews,
    /// Who `CURRENT_USER` is in a late-binding view.
    ViewReader,
    /// Whether one user's results are given to another.
    ResultCache,
    /// What a backslash in a literal is.
    Backslash,
    /// In which form a Lambda function replies.
    LambdaReply,
    /// Whom a Lambda function is told of.
    LambdaUser,
    /// What remains of a batch with a failure in it.
    AutoCommit,
    /// How long a statement may be.
    StatementSize,
}

/// What a failure means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Severity {
    /// Somebody could see more than policies allow: nothing is enforced unless the administrator accepts the risk.
    Leaks(Risk),
    /// Something will not work, or not as documented; nothing is shown that should not be.
    Warns,
}

impl Probe {
    /// Every probe, in the order of reports.
    pub const ALL: [Self; 13] = [
        Self::Isolation,
        Self::CaseSensitiveIdentifiers,
        Self::CrossDatabase,
        Self::LargeStrings,
        Self::MetadataSecurity,
        Self::UsageBelowViews,
        Self::ViewReader,
        Self::ResultCache,
        Self::Backslash,
        Self::LambdaReply,
        Self::LambdaUser,
        Self::AutoCommit,
        Self::StatementSize,
    ];

    /// The name in reports and documents.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Isolation => "isolation",
            Self::CaseSensitiveIdentifiers => "case_sensitive_identifiers",
            Self::CrossDatabase => "cross_database",
            Self::LargeStrings => "large_strings",
            Self::MetadataSecurity => "metadata_security",
            Self::UsageBelowViews => "usage_below_views",
            Self::ViewReader => "view_reader",
            Self::ResultCache => "result_cache",
            Self::Backslash => "backslash",
            Self::LambdaReply => "lambda_reply",
            Self::LambdaUser => "lambda_user",
            Self::AutoCommit => "auto_commit",
            Self::StatementSize => "statement_size",
        }
    }

    /// What is assumed.
    #[must_use]
    pub fn assumption(self) -> &'static str {
        match self {
            Self::Isolation => "the database isolates transactions by SNAPSHOT or SERIALIZABLE",
            Self::CaseSensitiveIdentifiers => "enable_case_sensitive_identifier is off",
            Self::CrossDatabase => "a table of another database can be read as database.schema.table",
            Self::LargeStrings => "enable_large_strings_opt_in is off",
            Self::MetadataSecurity => "metadata_security is off",
            Self::UsageBelowViews => "the reader of a late-binding view needs no USAGE on the schema below",
            Self::ViewReader => "CURRENT_USER in a late-binding view is its reader",
            Self::ResultCache => "results of a view with CURRENT_USER are not reused for another user",
            Self::Backslash => "a backslash in a literal escapes",
            Self::LambdaReply => "a Lambda function may reply with a JSON text",
            Self::LambdaUser => "a Lambda function is told who asks, below a view too",
            Self::AutoCommit => "in an AUTO_COMMIT batch, a failure neither undoes nor stops the others",
            Self::StatementSize => "a statement of 100,000 bytes is taken",
        }
    }

    /// What a failure means.
    #[must_use]
    pub fn severity(self) -> Severity {
        match self {
            Self::Isolation => Severity::Leaks(Risk::Isolation),
            Self::CaseSensitiveIdentifiers => Severity::Leaks(Risk::CaseSensitiveIdentifiers),
            Self::ViewReader => Severity::Leaks(Risk::ViewReader),
            Self::ResultCache => Severity::Leaks(Risk::ResultCache),
            Self::Backslash => Severity::Leaks(Risk::Backslash),
            Self::CrossDatabase
            | Self::LargeStrings
            | Self::MetadataSecurity
            | Self::UsageBelowViews
            | Self::LambdaReply
            | Self::LambdaUser
            | Self::AutoCommit
            | Self::StatementSize => Severity::Warns,
        }
    }

    /// The risk that must be accepted where the assumption fails, or can't be checked and that is no comfort.
    ///
    /// What can't be checked counts as failed, with one exception. AWS documents two isolation levels, and both are right
    /// (<https://docs.aws.amazon.com/redshift/latest/dg/r_STV_DB_ISOLATION_LEVEL.html>): an account from which the level is
    /// hidden learns less, but there is no third one it could be. Of who `CURRENT_USER` is in a view and of whose results
    /// are reused, the documentation says nothing, so both need a second account that looks, or somebody who answers for it.
    #[must_use]
    pub fn blocking(self, verdict: Verdict) -> Option<Risk> {
        match (self.severity(), verdict) {
            (Severity::Warns, _) | (_, Verdict::Passed | Verdict::NotNeeded) => None,
            (Severity::Leaks(_), Verdict::Unknown) if self == Self::Isolation => None,
            (Severity::Leaks(risk), Verdict::Failed | Verdict::Unknown) => Some(risk),
        }
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What one statement came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It ended well. A query's rows as texts, `None` for null; nothing for what is no query.
    Rows(Vec<Vec<Option<String>>>),
    /// What the warehouse said.
    Error(String),
    /// It was not run: there was nobody to run it, or what came before had failed.
    NotRun,
}

/// What the statements of each run came to, in the order of the [`Examination`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Of [`Examination::begin`].
    pub begin: Vec<Vec<Answer>>,
    /// Of [`Examination::people`].
    pub people: Vec<Vec<Answer>>,
    /// Of [`Examination::probes`].
    pub probes: Vec<Vec<Vec<Answer>>>,
}
