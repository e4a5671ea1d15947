//! What a user sees of a column.

use serde::Serialize;

use super::{
    Facts, PolicyRef,
    cases::{Applies, Cases},
    conflict::{Loser, mask_number, selector},
    decide::decide,
    mask_words::{kind, why_null, words},
    verdict::Verdict,
};
use crate::{
    event::wire::ColumnSelector,
    expression::Expression,
    model::{Condition, EntitlementKind, policy::Mask},
    plan::{PlanError, PlannedColumn, Transform, Treatment},
    resolve::MaskDecision,
};

/// A column, and what the user sees of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ColumnExplanation {
    /// Its name.
    pub column: String,
    /// Its type in the raw table.
    #[serde(rename = "type")]
    pub data_type: String,
    /// Its type in the view, where a mask needs more room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shown_as: Option<String>,
    /// Its mask; without one its values are shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mask: Option<MaskExplanation>,
}

/// The mask of a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MaskExplanation {
    /// The policy that won.
    pub policy: PolicyRef,
    /// The place of the rule in it, counted from 1.
    pub rule: usize,
    /// The columns it means.
    pub columns: ColumnSelector,
    /// The rules that wanted the column too, the closest first.
    pub losers: Vec<Loser>,
    /// Only cells of rows for which this predicate is not false are masked.
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    pub only_where: Option<String>,
    /// What is done for whom.
    #[serde(flatten)]
    pub cases: Cases<MaskEffect>,
    /// Whether the user may undo the mask, once they see the data source; only where the policy says who may.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unmask: Option<Verdict>,
    /// Why the mask can't be applied to the column, which takes the view away from everyone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<String>,
}

/// What becomes of a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MaskEffect {
    /// The kind of mask, as policies call it.
    pub mask: &'static str,
    /// What is seen, in words.
    pub seen: String,
    /// Why a null is seen instead: the column's type can't carry the mask.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub null_because: Option<String>,
    /// The project whose salt makes the hash, so that it equals those in the project's other data sources.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub joins_within: Option<String>,
}

impl ColumnExplanation {
    pub(super) fn of(
        facts: &Facts<'_>,
        index: usize,
        decision: Option<&MaskDecision<'_>>,
        planned: Option<&Result<PlannedColumn, PlanError>>,
    ) -> Option<Self> {
        let column = facts.source.columns.get(index)?;
        let shown = planned.and_then(|planned| planned.as_ref().ok()).map(|planned| planned.shown);
        Some(Self {
            column: column.name.as_str().to_owned(),
            data_type: column.data_type.to_string(),
            shown_as: shown.filter(|shown| *shown != column.data_type).map(|shown| shown.to_string()),
            mask: decision.map(|decision| MaskExplanation::of(facts, index, decision, planned)),
        })
    }
}

impl MaskExplanation {
    fn of(
        facts: &Facts<'_>,
        index: usize,
        decision: &MaskDecision<'_>,
        planned: Option<&Result<PlannedColumn, PlanError>>,
    ) -> Self {
        let winner = &decision.winner;
        let treatment = planned.and_then(|planned| planned.as_ref().ok()).map(|planned| &planned.treatment);
        let cases = Cases::of(facts, &winner.rule.cases, &winner.rule.otherwise, |which, mask| {
            effect(facts, index, mask, treatment.and_then(|treatment| transform(treatment, which)))
        });
        Self {
            policy: PolicyRef::new(winner.policy),
            rule: mask_number(winner.policy, winner.rule),
            columns: selector(&winner.rule.columns),
            losers: decision.losers.iter().map(|loser| Loser::new(winner, loser)).collect(),
            only_where: winner.rule.only_where.as_ref().map(Expression::to_string),
            cases,
            unmask: unmask(facts, decision),
            withdrawn: planned.and_then(|planned| planned.as_ref().err()).map(PlanError::to_string),
        }
    }
}

fn transform(treatment: &Treatment, which: Applies) -> Option<&Transform> {
    match (treatment, which) {
        (Treatment::Masked { cases, .. }, Applies::Case(number)) => {
            cases.get(number.checked_sub(1)?).map(|(_, transform)| transform)
        }
        (Treatment::Masked { otherwise, .. }, Applies::Otherwise) => Some(otherwise),
        (Treatment::Clear, _) => None,
    }
}

fn effect(facts: &Facts<'_>, index: usize, mask: &Mask, transform: Option<&Transform>) -> MaskEffect {
    let column = facts.source.columns.get(index);
    let null_because = match transform {
        Some(Transform::Null) if *mask != Mask::Null => column.map(|column| why_null(mask, column.data_type)),
        _ => None,
    };
    let joins_within = transform.filter(|transform| transform.is_hash()).and_then(|_| {
        let works_in = |id| facts.user.entitlements.contains(&(EntitlementKind::Project, None, id));
        let joined = facts.projects.iter().filter(|project| project.masked_joins);
        let mut joined = joined.filter(|project| works_in(project.id.text().clone()));
        joined.next().map(|project| project.id.as_str().to_owned())
    });
    MaskEffect {
        mask: kind(mask),
        seen: words(mask, column.map(|column| column.data_type)),
        null_because,
        joins_within,
    }
}

/// Whether the user meets a condition under which the rule in force lets its masks be undone.
fn unmask(facts: &Facts<'_>, decision: &MaskDecision<'_>) -> Option<Verdict> {
    let rule = decision.winner.rule;
    let masks = rule.cases.iter().map(|(_, mask)| mask).chain([&rule.otherwise]);
    let mut ways: Vec<Condition> = masks
        .filter_map(|mask| match mask {
            Mask::Reversible { unmask } => unmask.clone(),
            _ => None,
        })
        .collect();
    ways.dedup();
    let wanted = match ways.len() {
        0 => return None,
        1 => ways.pop()?,
        _ => Condition::Any(ways),
    };
    Some(decide(&wanted, facts.user, &facts.projects))
}
