//! Which of two mask rules that want one column won, and by what.

use serde::Serialize;
use std::fmt;
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

use super::{
    PolicyRef,
    words::{Name, Selected, count},
};
use crate::{
    event::wire::ColumnSelector,
    model::{
        Policy,
        policy::{Body, MaskRule, Rule, Selector},
    },
    resolve::Candidate,
};

/// A rule that wanted the column and lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Loser {
    /// Its policy.
    pub policy: PolicyRef,
    /// Its place in the policy, counted from 1.
    pub rule: usize,
    /// The columns it means.
    pub columns: ColumnSelector,
    /// Why it lost.
    pub lost_by: Criterion,
}

/// The first criterion in which winner and loser differ, with both sides' values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "criterion", rename_all = "snake_case")]
pub enum Criterion {
    /// The winner's policy names its data sources, the loser's is global.
    Local,
    /// The winner means its columns more closely.
    Selector {
        /// How the winner means them.
        winner: String,
        /// How the loser means them.
        loser: String,
    },
    /// The winner's policy is older.
    Age {
        /// When the winner's was first written (RFC 3339, in UTC).
        winner: String,
        /// When the loser's was.
        loser: String,
    },
    /// Both were first written at the same moment: the smaller identity wins.
    Identity {
        /// The winner's.
        winner: String,
        /// The loser's.
        loser: String,
    },
    /// Both stand in one policy: the earlier rule wins.
    Rule {
        /// The winner's place, counted from 1.
        winner: usize,
        /// The loser's.
        loser: usize,
    },
}

impl Loser {
    pub(super) fn new(winner: &Candidate<'_>, loser: &Candidate<'_>) -> Self {
        Self {
            policy: PolicyRef::new(loser.policy),
            rule: mask_number(loser.policy, loser.rule),
            columns: selector(&loser.rule.columns),
            lost_by: criterion(winner, loser),
        }
    }
}

fn criterion(winner: &Candidate<'_>, loser: &Candidate<'_>) -> Criterion {
    let (first, second) = (winner.policy, loser.policy);
    if first.is_local() != second.is_local() {
        Criterion::Local
    } else if winner.depth != loser.depth {
        Criterion::Selector { winner: closeness(&winner.rule.columns), loser: closeness(&loser.rule.columns) }
    } else if first.created_at != second.created_at {
        Criterion::Age { winner: moment(first.created_at), loser: moment(second.created_at) }
    } else if first.id != second.id {
        Criterion::Identity { winner: first.id.as_str().to_owned(), loser: second.id.as_str().to_owned() }
    } else {
        Criterion::Rule { winner: mask_number(first, winner.rule), loser: mask_number(second, loser.rule) }
    }
}

fn closeness(selector: &Selector) -> String {
    match selector {
        Selector::All => "every column".to_owned(),
        Selector::Untagged => "columns without a tag".to_owned(),
        Selector::NameRegex(_) => "a pattern of names".to_owned(),
        Selector::Tag(tag) => format!("a tag of {}", count(tag.depth(), "segment", "segments")),
        Selector::Name(_) => "a column's name".to_owned(),
    }
}

/// In UTC, so that two can be compared by eye.
fn moment(moment: OffsetDateTime) -> String {
    let utc = moment.checked_to_offset(UtcOffset::UTC).unwrap_or(moment);
    utc.format(&Rfc3339).unwrap_or_else(|_| utc.to_string())
}

/// A selector as policies write it.
pub(super) fn selector(selector: &Selector) -> ColumnSelector {
    match selector {
        Selector::Tag(tag) => ColumnSelector::Tag(tag.as_str().to_owned()),
        Selector::Name(name) => ColumnSelector::Name(name.as_str().to_owned()),
        Selector::NameRegex(pattern) => ColumnSelector::NameRegex(pattern.as_str().to_owned()),
        Selector::Untagged => ColumnSelector::Untagged,
        Selector::All => ColumnSelector::All,
    }
}

/// The place of a rule in its policy, counted from 1. Two rules may say the same, so it is found by where it stands.
pub(super) fn number(policy: &Policy, is: impl Fn(&Rule) -> bool) -> usize {
    match &policy.body {
        Body::Data(rules) => rules.iter().position(is).map_or(0, |index| index + 1),
        Body::Subscription { .. } => 0,
    }
}

pub(super) fn mask_number(policy: &Policy, wanted: &MaskRule) -> usize {
    number(policy, |rule| matches!(rule, Rule::Mask(rule) if std::ptr::eq(rule, wanted)))
}

impl fmt::Display for Loser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, rule {}, columns {}: ", self.policy, self.rule, Selected(&self.columns))?;
        write!(f, "{}", self.lost_by)
    }
}

impl fmt::Display for Criterion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str("a local policy beats a global one"),
            Self::Selector { winner, loser } => write!(f, "the closer selector wins, {winner} over {loser}"),
            Self::Age { winner, loser } => write!(f, "the older policy wins, {winner} over {loser}"),
            Self::Identity { winner, loser } => {
                write!(f, "of the same age, the smaller identity wins, {} over {}", Name(winner), Name(loser))
            }
            Self::Rule { winner, loser } => write!(f, "the earlier rule wins, {winner} over {loser}"),
        }
    }
}
