//! From what applies to a source to the plan of its view.

use super::{
    Access, Grant, PlanError, PlannedColumn, PlannedRows, RowMatch, RowTest, Transform, Treatment, ViewPlan,
    mask::transform,
};
use crate::{
    model::{
        Condition, DataSource, Entitlement, EntitlementKind, Id, Policy,
        policy::{Filter, Level, Mask, Match, Selector},
    },
    resolve::{AppliedLevel, AppliedRows, Candidate, ColumnIndex, Resolution},
    sql::{DataType, Text},
};

/// Plans the view of a data source.
///
/// # Errors
/// When a policy that applies can't be applied to this source.
pub fn build(source: &DataSource, resolution: &Resolution<'_>) -> Result<ViewPlan, PlanError> {
    let mut columns = Vec::with_capacity(source.columns.len());
    for (index, column) in source.columns.iter().enumerate() {
        let (treatment, shown) = match resolution.masks.get(&index) {
            None => (Treatment::Clear, column.data_type),
            Some(decision) => treatment(&decision.winner, column.name.as_str(), column.data_type)?,
        };
        columns.push(PlannedColumn { name: column.name.clone(), declared: column.data_type, shown, treatment });
    }
    let index = &resolution.columns;
    let rows = resolution.rows.iter().map(|rows| planned_rows(source, index, rows)).collect::<Result<_, _>>()?;
    Ok(ViewPlan {
        source: source.id.clone(),
        location: source.location(),
        columns,
        subscription: access(&source.id, &resolution.subscriptions),
        rows,
    })
}

fn treatment(winner: &Candidate<'_>, column: &str, data_type: DataType) -> Result<(Treatment, DataType), PlanError> {
    let mut shown = data_type;
    let mut fit = |mask: &Mask| -> Result<Transform, PlanError> {
        let (transform, needed) = transform(mask, data_type).ok_or_else(|| PlanError::ConstantDoesNotFit {
            policy: winner.policy.id.clone(),
            column: column.to_owned(),
            data_type,
        })?;
        if needed != data_type {
            shown = needed;
        }
        Ok(transform)
    };
    let mut cases = Vec::with_capacity(winner.rule.cases.len());
    for (condition, mask) in &winner.rule.cases {
        cases.push((condition.clone(), fit(mask)?));
    }
    let otherwise = fit(&winner.rule.otherwise)?;
    Ok((Treatment::Masked { cases, otherwise }, shown))
}

/// Grants combine with OR, guardrails with AND. Where nothing grants, only those individually approved are let in.
fn access(source: &Id, levels: &[AppliedLevel<'_>]) -> Access {
    let grant = |level: &Level| match level {
        Level::Anyone => Grant::Anyone,
        Level::Approval => Grant::If(approved(source)),
        Level::Entitlement(condition) => Grant::If(condition.clone()),
        Level::Individuals(users) => {
            Grant::If(Condition::Has(Entitlement { kind: EntitlementKind::User, name: None, values: users.clone() }))
        }
    };
    let with = |guardrail: bool| -> Vec<Grant> {
        levels.iter().filter(|applied| applied.guardrail == guardrail).map(|applied| grant(applied.level)).collect()
    };
    let mut grants = with(false);
    if grants.is_empty() {
        grants.push(Grant::If(approved(source)));
    }
    Access { grants, guardrails: with(true) }
}

fn approved(source: &Id) -> Condition {
    Condition::Has(Entitlement::one(EntitlementKind::Approval, source.text().clone()))
}

fn planned_rows(
    source: &DataSource,
    index: &ColumnIndex<'_>,
    applied: &AppliedRows<'_>,
) -> Result<PlannedRows, PlanError> {
    let test = |filter: &Filter| row_test(source, index, applied.policy, filter);
    let mut cases = Vec::with_capacity(applied.rule.cases.len());
    for (condition, filter) in &applied.rule.cases {
        cases.push((condition.clone(), test(filter)?));
    }
    Ok(PlannedRows { cases, otherwise: test(&applied.rule.otherwise)? })
}

fn row_test(
    source: &DataSource,
    index: &ColumnIndex<'_>,
    policy: &Policy,
    filter: &Filter,
) -> Result<RowTest, PlanError> {
    Ok(match filter {
        Filter::All => RowTest::All,
        Filter::None => RowTest::None,
        Filter::While(condition) => RowTest::While(condition.clone()),
        Filter::Match(wanted) => RowTest::Match(row_match(source, index, policy, wanted)?),
        Filter::TimeWindow { newer_than, older_than } => RowTest::TimeWindow {
            column: source.event_time_column.ok_or_else(|| PlanError::NoEventTime { policy: policy.id.clone() })?,
            newer_than: *newer_than,
            older_than: *older_than,
        },
        Filter::Sample(share) => {
            let column = source.key_column.ok_or_else(|| PlanError::NoKey { policy: policy.id.clone() })?;
            if let Some(key) = source.columns.get(column).filter(|key| !has_stable_text(key.data_type)) {
                return Err(PlanError::CannotSample {
                    policy: policy.id.clone(),
                    column: key.name.as_str().to_owned(),
                    data_type: key.data_type,
                });
            }
            RowTest::Sample { column, share: *share }
        }
    })
}

/// Whether a value's text is the same whatever the session's settings, so that it can be compared or hashed.
fn has_stable_text(data_type: DataType) -> bool {
    match data_type {
        DataType::SmallInt | DataType::Integer | DataType::BigInt | DataType::Char(_) | DataType::VarChar(_) => true,
        DataType::Decimal { scale, .. } => scale == 0,
        _ => false,
    }
}

fn row_match(
    source: &DataSource,
    index: &ColumnIndex<'_>,
    policy: &Policy,
    wanted: &Match,
) -> Result<RowMatch, PlanError> {
    let list = |list: &[Match]| list.iter().map(|one| row_match(source, index, policy, one)).collect::<Result<_, _>>();
    match wanted {
        Match::Any(any) => list(any).map(RowMatch::Any),
        Match::All(all) => list(all).map(RowMatch::All),
        Match::Attribute(attribute, selector) => equals(source, index, policy, selector, Some(attribute)),
        Match::Group(selector) => equals(source, index, policy, selector, None),
    }
}

fn equals(
    source: &DataSource,
    index: &ColumnIndex<'_>,
    policy: &Policy,
    selector: &Selector,
    attribute: Option<&Text>,
) -> Result<RowMatch, PlanError> {
    let selected = index.select(selector);
    if selected.is_empty() {
        let selector = match selector {
            Selector::Tag(tag) => format!("tagged `{tag}`"),
            Selector::Name(name) => format!("named `{}`", name.as_str()),
        };
        return Err(PlanError::NoSuchColumn { policy: policy.id.clone(), selector });
    }
    let mut all = Vec::with_capacity(selected.len());
    for column in selected {
        if let Some(found) = source.columns.get(column).filter(|found| !has_stable_text(found.data_type)) {
            return Err(PlanError::CannotMatch {
                policy: policy.id.clone(),
                column: found.name.as_str().to_owned(),
                data_type: found.data_type,
            });
        }
        all.push(RowMatch::Equals { column, attribute: attribute.cloned() });
    }
    // Where a tag finds several columns, each must match: the stricter reading of an ambiguous rule.
    Ok(match <[RowMatch; 1]>::try_from(all) {
        Ok([one]) => one,
        Err(several) => RowMatch::All(several),
    })
}
