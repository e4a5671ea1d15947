//! Why a user sees what they see: which policies were considered, which won, and what of the user's decided.
//!
//! An [`Explanation`] is data: it prints as text for people (`Display`) and as JSON for programs (`Serialize`). It
//! holds names of policies, columns, groups, attributes and purposes, and never a value of a row, since no row is read.
//! What it says is what the view enforces: both follow the same resolution, and tests hold it against the plan.

mod access;
mod cases;
mod conflict;
mod decide;
mod mask;
mod mask_words;
mod predicate;
mod print;
mod rows;
mod verdict;
mod words;

use std::{collections::BTreeMap, fmt};

use serde::Serialize;

pub use access::{Access, Way, WayLevel};
pub use cases::{Applies, Case, Cases};
pub use conflict::{Criterion, Loser};
pub use mask::{ColumnExplanation, MaskEffect, MaskExplanation};
pub use predicate::PredicateTest;
pub use rows::{Matching, RowEffect, RowsExplanation};
pub use verdict::{Held, Lack, Need, Through, Verdict};

use crate::{
    event::{suggest::suggest, wire::ColumnSelector},
    model::{DataSource, EntitlementKind, Policy, Project, policy::PolicyStatus},
    plan::{self, PlanError, PlannedColumn, PlannedRows, did_you_mean},
    render::profile::ProfileState,
    resolve::{PolicySet, ProjectSet, Resolution},
    sql::{Ident, Text},
};

/// Why a user sees of a data source what they see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The data source.
    pub data_source: String,
    /// Whether the user may see any row.
    pub access: Access,
    /// Why nobody sees anything, whatever `access` says: policies that can't be applied take the view away.
    pub withdrawn: Vec<Withdrawal>,
    /// The column asked for, or all of them.
    pub columns: Vec<ColumnExplanation>,
    /// Which rows; without any rule, all.
    pub rows: Vec<RowsExplanation>,
    /// Mask rules in scope that mean no column of the data source.
    pub unmatched: Vec<Unmatched>,
    /// Policies in scope that are not in force.
    pub inactive: Vec<Inactive>,
    /// Policies in force that only mask columns not asked for.
    pub elsewhere: Vec<PolicyRef>,
}

/// A policy, by what it is found by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct PolicyRef {
    /// Its identity.
    pub id: String,
    /// What people call it.
    pub name: String,
}

/// A policy that can't be applied to the data source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Withdrawal {
    /// The policy.
    pub policy: PolicyRef,
    /// Why.
    pub reason: String,
}

/// A mask rule that means no column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unmatched {
    /// Its policy.
    pub policy: PolicyRef,
    /// The columns it means.
    pub columns: ColumnSelector,
    /// The tag or name it probably means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub did_you_mean: Option<String>,
}

/// A policy that is not in force here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inactive {
    /// The policy.
    pub policy: PolicyRef,
    /// Why: each of these alone would do.
    pub because: Vec<Off>,
}

/// Why a policy is not in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Off {
    /// It waits to be enabled.
    Staged,
    /// It is switched off.
    Disabled,
    /// It is switched off for this data source.
    DisabledForDataSource,
}

/// The data source has no such column.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct NoSuchColumn {
    /// The data source.
    pub data_source: String,
    /// The column asked for.
    pub column: String,
    /// The column that was probably meant.
    pub did_you_mean: Option<String>,
}

/// What is known while a question is answered.
struct Facts<'a> {
    source: &'a DataSource,
    user: &'a ProfileState,
    has_profile: bool,
    projects: Vec<&'a Project>,
}

impl Facts<'_> {
    fn column_name(&self, index: Option<usize>) -> Option<String> {
        self.source.columns.get(index?).map(|column| column.name.as_str().to_owned())
    }

    /// The purposes under which the user acts on this data source.
    fn purposes(&self) -> Vec<String> {
        let here =
            |project: &Text| self.projects.iter().any(|one| !one.purposes.is_empty() && one.id.text() == project);
        let entries = self.user.entitlements.iter();
        let acting = entries
            .filter(|(kind, project, _)| *kind == EntitlementKind::Purpose && project.as_ref().is_some_and(here));
        acting.map(|(_, _, purpose)| purpose.as_str().to_owned()).collect()
    }
}

/// Explains what a user sees of a data source: of one column (upper and lower case count as the same), or of all.
/// `user` is what Redshift knows of them, nothing where they have no profile. `policies` are those of any status.
///
/// # Errors
/// When the data source has no such column.
pub fn explain(
    source: &DataSource,
    column: Option<&str>,
    user: Option<&ProfileState>,
    policies: &PolicySet,
    projects: &ProjectSet,
) -> Result<Explanation, NoSuchColumn> {
    let asked = column.map(|name| index_of(source, name)).transpose()?;
    let nobody = ProfileState::default();
    let facts =
        Facts { source, user: user.unwrap_or(&nobody), has_profile: user.is_some(), projects: projects.of(&source.id) };
    let resolution = policies.resolve(source);
    let planned = Planned::of(source, &resolution, projects);
    let wanted = |index: usize| asked.is_none_or(|asked| asked == index);
    let columns = (0..source.columns.len()).filter(|index| wanted(*index)).filter_map(|index| {
        ColumnExplanation::of(&facts, index, resolution.masks.get(&index), planned.columns.get(&index))
    });
    let rows = resolution.rows.iter().zip(&planned.rows);
    Ok(Explanation {
        data_source: source.id.as_str().to_owned(),
        access: Access::of(&facts, &resolution.subscriptions),
        withdrawn: planned.withdrawals(&resolution),
        columns: columns.collect(),
        rows: rows.map(|(applied, planned)| RowsExplanation::of(&facts, &resolution, applied, planned)).collect(),
        unmatched: unmatched(source, &resolution),
        inactive: resolution.inactive.iter().map(|policy| Inactive::new(policy, source)).collect(),
        elsewhere: elsewhere(&resolution, wanted),
    })
}

impl Explanation {
    /// Whether the user sees anything: the view is there and lets them in. Row rules may still hide every row.
    #[must_use]
    pub fn sees_view(&self) -> bool {
        self.access.visible && self.withdrawn.is_empty()
    }
}

fn index_of(source: &DataSource, name: &str) -> Result<usize, NoSuchColumn> {
    let found = Ident::new(name).ok();
    let found = found.and_then(|name| source.columns.iter().position(|column| column.name.is_same(&name)));
    found.ok_or_else(|| NoSuchColumn {
        data_source: source.id.as_str().to_owned(),
        column: name.to_owned(),
        did_you_mean: suggest(name, source.columns.iter().map(|column| column.name.as_str())),
    })
}

/// What became of each rule in the plan.
struct Planned {
    columns: BTreeMap<usize, Result<PlannedColumn, PlanError>>,
    rows: Vec<Result<PlannedRows, PlanError>>,
}

impl Planned {
    /// Plans everything at once, or, where that fails, every rule by itself: each that can't be applied has a reason of
    /// its own.
    fn of(source: &DataSource, resolution: &Resolution<'_>, projects: &ProjectSet) -> Self {
        let masked = resolution.masks.keys().copied();
        if let Ok(plan) = plan::build(source, resolution, projects) {
            let columns = plan.columns.into_iter().enumerate();
            return Self {
                columns: columns
                    .filter(|(index, _)| resolution.masks.contains_key(index))
                    .map(|(index, column)| (index, Ok(column)))
                    .collect(),
                rows: plan.rows.into_iter().map(Ok).collect(),
            };
        }
        let mut alone = resolution.clone();
        let columns = masked.filter_map(|index| {
            alone.rows.clear();
            alone.masks = resolution
                .masks
                .get_key_value(&index)
                .map(|(index, mask)| (*index, mask.clone()))
                .into_iter()
                .collect();
            match plan::build(source, &alone, projects) {
                Ok(plan) => plan.columns.into_iter().nth(index).map(|column| (index, Ok(column))),
                Err(error) => Some((index, Err(error))),
            }
        });
        let columns = columns.collect();
        alone.masks.clear();
        let rows = resolution.rows.iter().filter_map(|applied| {
            alone.rows = vec![*applied];
            plan::build(source, &alone, projects).map(|plan| plan.rows.into_iter().next()).transpose()
        });
        Self { columns, rows: rows.collect() }
    }

    fn withdrawals(&self, resolution: &Resolution<'_>) -> Vec<Withdrawal> {
        let masks = self.columns.iter().filter_map(|(index, planned)| {
            let decision = resolution.masks.get(index)?;
            Some((decision.winner.policy, planned.as_ref().err()?))
        });
        let rows = resolution.rows.iter().zip(&self.rows);
        let rows = rows.filter_map(|(applied, planned)| Some((applied.policy, planned.as_ref().err()?)));
        let each = masks.chain(rows);
        each.map(|(policy, error)| Withdrawal { policy: PolicyRef::new(policy), reason: error.to_string() }).collect()
    }
}

fn unmatched(source: &DataSource, resolution: &Resolution<'_>) -> Vec<Unmatched> {
    let each = resolution.unmatched.iter();
    each.map(|(policy, selector)| Unmatched {
        policy: PolicyRef::new(policy),
        columns: conflict::selector(selector),
        did_you_mean: did_you_mean(selector, source),
    })
    .collect()
}

/// Policies that want only columns other than those wanted.
fn elsewhere(resolution: &Resolution<'_>, wanted: impl Fn(usize) -> bool) -> Vec<PolicyRef> {
    let (mut here, mut there) = (Vec::new(), Vec::new());
    for (index, decision) in &resolution.masks {
        let list = if wanted(*index) { &mut here } else { &mut there };
        list.extend([&decision.winner].into_iter().chain(&decision.losers).map(|rule| PolicyRef::new(rule.policy)));
    }
    there.retain(|policy| !here.contains(policy));
    there.sort_unstable();
    there.dedup();
    there
}

impl PolicyRef {
    fn new(policy: &Policy) -> Self {
        Self { id: policy.id.as_str().to_owned(), name: policy.name.clone() }
    }
}

impl Inactive {
    fn new(policy: &Policy, source: &DataSource) -> Self {
        let status = match policy.status {
            PolicyStatus::Active => None,
            PolicyStatus::Staged => Some(Off::Staged),
            PolicyStatus::Disabled => Some(Off::Disabled),
        };
        let here = policy.disabled_for.contains(&source.id).then_some(Off::DisabledForDataSource);
        Self { policy: PolicyRef::new(policy), because: status.into_iter().chain(here).collect() }
    }
}

impl fmt::Display for NoSuchColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (column, source) = (words::Name(&self.column), words::Name(&self.data_source));
        write!(f, "data source {source} has no column {column}")?;
        match &self.did_you_mean {
            Some(name) => write!(f, " (did you mean {}?)", words::Name(name)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
