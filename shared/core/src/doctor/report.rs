//! What was found, for people and for the record.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

use super::{Probe, Severity};
use crate::model::integration::Risk;

/// How an assumption stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It holds.
    Passed,
    /// It does not.
    Failed,
    /// It could not be looked at.
    Unknown,
    /// Nothing rests on it here.
    NotNeeded,
}

impl Verdict {
    fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "FAILED",
            Self::Unknown => "unknown",
            Self::NotNeeded => "not needed",
        }
    }
}

/// What was found about one assumption.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The probe.
    pub id: Probe,
    /// How the assumption stands.
    pub verdict: Verdict,
    /// What was seen, or what is missing to see it: one line.
    pub saw: String,
}

/// Longest text of what was seen, in characters: what a database says can be as long as the statement it is about.
const MAX_SAW: usize = 300;

impl Finding {
    pub(super) fn new(id: Probe, verdict: Verdict, saw: &str) -> Self {
        let words = saw.split(|c: char| c.is_control() || c == ' ').filter(|word| !word.is_empty());
        let line = words.collect::<Vec<_>>().join(" ");
        Self { id, verdict, saw: line.chars().take(MAX_SAW).collect() }
    }

    /// Whether nothing may be enforced because of it, for an administrator who accepts these risks.
    #[must_use]
    pub fn blocks(&self, accepted: &BTreeSet<Risk>) -> bool {
        self.id.blocking(self.verdict).is_some_and(|risk| !accepted.contains(&risk))
    }
}

/// One line.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.id.severity() {
            Severity::Leaks(_) => "leaks",
            Severity::Warns => "warns",
        };
        let (id, verdict) = (self.id.as_str(), self.verdict.as_str());
        write!(f, "{verdict:<10}  {id:<26}  {severity}  {}: {}", self.id.assumption(), self.saw)
    }
}

/// What an examination found. This is what is stored of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// One for each probe, in their order.
    pub findings: Vec<Finding>,
}

impl Report {
    /// The findings because of which nothing may be enforced, for an administrator who accepts these risks.
    #[must_use]
    pub fn blocks(&self, accepted: &BTreeSet<Risk>) -> Vec<&Finding> {
        self.findings.iter().filter(|finding| finding.blocks(accepted)).collect()
    }
}

/// A line for each finding.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.findings.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            finding.fmt(f)?;
        }
        Ok(())
    }
}
