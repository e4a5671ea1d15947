//! Which rows a user sees.

use serde::Serialize;

use super::{
    Facts, PolicyRef,
    cases::Cases,
    conflict::number,
    decide::{decide, texts, values_of},
    predicate::{PredicateTest, tests},
    verdict::Verdict,
};
use crate::{
    model::{
        Condition, EntitlementKind,
        policy::{Filter, Match, Rule, Selector},
    },
    plan::{PlanError, PlannedRows},
    resolve::{AppliedRows, Resolution},
    sql::Text,
};

/// A row rule, and which rows it lets the user see. Every rule must let a row pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowsExplanation {
    /// Its policy.
    pub policy: PolicyRef,
    /// Its place in the policy, counted from 1.
    pub rule: usize,
    /// Which rows for whom.
    #[serde(flatten)]
    pub cases: Cases<RowEffect>,
    /// Why the rule can't be applied to the data source, which takes the view away from everyone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<String>,
}

/// Which rows are let pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RowEffect {
    /// Every row.
    All,
    /// No row.
    None,
    /// Those in which columns equal what the user has.
    Match(Matching),
    /// Those of an age.
    TimeWindow {
        /// The event-time column; none where the data source names none.
        column: Option<String>,
        /// Younger than so many days.
        newer_than_days: Option<u32>,
        /// Older than so many days.
        older_than_days: Option<u32>,
    },
    /// A stable share.
    Sample {
        /// The key column; none where the data source names none.
        column: Option<String>,
        /// The share, in hundredths of a percent.
        hundredths: u32,
    },
    /// Every row while the user acts under one of the purposes, else none.
    While {
        /// The purposes.
        purposes: Vec<String>,
        /// Whether they do.
        verdict: Verdict,
    },
    /// Those for which the predicate is true.
    Where {
        /// The predicate.
        predicate: String,
        /// What it asks of the user, from left to right.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tests: Vec<PredicateTest>,
    },
}

/// Columns equal what the user has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Matching {
    /// At least one holds.
    Any(Vec<Matching>),
    /// All hold.
    All(Vec<Matching>),
    /// A value of an attribute equals each of the columns.
    Attribute {
        /// The attribute.
        name: String,
        /// The columns; more than one where the selector finds several.
        columns: Vec<String>,
        /// The user's values; without any no row passes.
        has: Vec<String>,
    },
    /// A group equals each of the columns.
    Group {
        /// The columns.
        columns: Vec<String>,
        /// The user's groups.
        has: Vec<String>,
    },
}

impl RowsExplanation {
    pub(super) fn of(
        facts: &Facts<'_>,
        resolution: &Resolution<'_>,
        applied: &AppliedRows<'_>,
        planned: &Result<PlannedRows, PlanError>,
    ) -> Self {
        Self {
            policy: PolicyRef::new(applied.policy),
            rule: number(applied.policy, |rule| matches!(rule, Rule::Rows(rule) if std::ptr::eq(rule, applied.rule))),
            cases: Cases::of(facts, &applied.rule.cases, &applied.rule.otherwise, |_, filter| {
                effect(facts, resolution, filter)
            }),
            withdrawn: planned.as_ref().err().map(PlanError::to_string),
        }
    }
}

fn effect(facts: &Facts<'_>, resolution: &Resolution<'_>, filter: &Filter) -> RowEffect {
    match filter {
        Filter::All => RowEffect::All,
        Filter::None => RowEffect::None,
        Filter::Match(wanted) => RowEffect::Match(matching(facts, resolution, wanted)),
        Filter::TimeWindow { newer_than, older_than } => RowEffect::TimeWindow {
            column: facts.column_name(facts.source.event_time_column),
            newer_than_days: *newer_than,
            older_than_days: *older_than,
        },
        Filter::Sample(share) => {
            RowEffect::Sample { column: facts.column_name(facts.source.key_column), hundredths: *share }
        }
        Filter::While(condition) => {
            RowEffect::While { purposes: purposes(condition), verdict: decide(condition, facts.user, &facts.projects) }
        }
        Filter::Where(expression) => {
            RowEffect::Where { predicate: expression.to_string(), tests: tests(facts, expression) }
        }
    }
}

fn purposes(condition: &Condition) -> Vec<String> {
    match condition {
        Condition::Any(list) | Condition::All(list) => list.iter().flat_map(purposes).collect(),
        Condition::Has(one) => texts(&one.values),
    }
}

fn matching(facts: &Facts<'_>, resolution: &Resolution<'_>, wanted: &Match) -> Matching {
    let list = |list: &[Match]| list.iter().map(|one| matching(facts, resolution, one)).collect();
    let columns = |selector: &Selector| -> Vec<String> {
        let selected = resolution.columns.select(selector).into_iter();
        selected.filter_map(|index| facts.column_name(Some(index))).collect()
    };
    match wanted {
        Match::Any(any) => Matching::Any(list(any)),
        Match::All(all) => Matching::All(list(all)),
        Match::Attribute(name, selector) => Matching::Attribute {
            name: name.as_str().to_owned(),
            columns: columns(selector),
            has: held(facts, EntitlementKind::Attribute, Some(name)),
        },
        Match::Group(selector) => {
            Matching::Group { columns: columns(selector), has: held(facts, EntitlementKind::Group, None) }
        }
    }
}

pub(super) fn held(facts: &Facts<'_>, kind: EntitlementKind, name: Option<&Text>) -> Vec<String> {
    values_of(facts.user, kind, name).map(|(_, _, value)| value.as_str().to_owned()).collect()
}
