//! From what applies to a source to the plan of its view.

use super::{
    Access, Grant, Held, JoinProject, PlanError, PlannedColumn, PlannedRows, RowMatch, RowTest, Transform, Treatment,
    ViewPlan,
    mask::{Misfit, transform},
};
use crate::{
    event::suggest::suggest,
    expression::{self, BindError, Bound, Expression},
    model::{
        Column, Condition, DataSource, Entitlement, EntitlementKind, Id, Policy, Project, Tag,
        policy::{Filter, Level, Mask, Match, Selector},
    },
    resolve::{AppliedLevel, AppliedRows, Candidate, ColumnIndex, ProjectSet, Resolution},
    sql::{DataType, Text},
};

/// Plans the view of a data source.
///
/// # Errors
/// When a policy that applies can't be applied to this source.
pub fn build(source: &DataSource, resolution: &Resolution<'_>, projects: &ProjectSet) -> Result<ViewPlan, PlanError> {
    let planner = Planner { source, index: &resolution.columns, projects: &projects.of(&source.id) };
    let mut columns = Vec::with_capacity(source.columns.len());
    for (index, column) in source.columns.iter().enumerate() {
        let (treatment, shown) = match resolution.masks.get(&index) {
            None => (Treatment::Clear, column.data_type),
            Some(decision) => planner.treatment(&decision.winner, index, column)?,
        };
        columns.push(PlannedColumn { name: column.name.clone(), declared: column.data_type, shown, treatment });
    }
    let rows = resolution.rows.iter().map(|rows| planner.rows(rows)).collect::<Result<_, _>>()?;
    let with_purposes = planner.projects.iter().filter(|project| !project.purposes.is_empty());
    let joined = planner.projects.iter().filter(|project| project.masked_joins).map(|project| JoinProject {
        id: project.id.text().clone(),
        works_in: Condition::Has(Entitlement::one(EntitlementKind::Project, project.id.text().clone())),
    });
    Ok(ViewPlan {
        source: source.id.clone(),
        location: source.location(),
        binding: source.binding,
        columns,
        subscription: planner.access(&resolution.subscriptions),
        rows,
        purpose_projects: with_purposes.map(|project| project.id.text().clone()).collect(),
        join_projects: joined.collect(),
    })
}

/// The condition as it is to be met on a data source in these projects. A value of an attribute is met by every value above
/// it, and a purpose only while working in one of the projects.
#[must_use]
pub fn condition_on(wanted: &Condition, projects: &[&Project]) -> Condition {
    let never = Condition::Any(Vec::new());
    let list = |list: &[Condition]| list.iter().map(|one| condition_on(one, projects)).collect::<Vec<_>>();
    match wanted {
        Condition::Any(any) => Condition::Any(list(any).into_iter().filter(|one| *one != never).collect()),
        Condition::All(all) => {
            let all = list(all);
            if all.contains(&never) { never } else { Condition::All(all) }
        }
        Condition::Has(entitlement) => match entitlement.kind {
            EntitlementKind::Attribute => Condition::Has(Entitlement {
                values: entitlement.values.iter().flat_map(Text::lineage).collect(),
                ..entitlement.clone()
            }),
            EntitlementKind::Purpose => {
                // A project whose purposes have nothing to do with it can't make it hold.
                let may = |project: &Project| {
                    project.purposes.iter().flat_map(Text::lineage).any(|purpose| entitlement.values.contains(&purpose))
                };
                let here = projects.iter().filter(|project| may(project));
                let mut here: Vec<Condition> = here
                    .map(|project| {
                        let name = Some(project.id.text().clone());
                        Condition::Has(Entitlement { name, ..entitlement.clone() })
                    })
                    .collect();
                if here.len() == 1 { here.remove(0) } else { Condition::Any(here) }
            }
            _ => wanted.clone(),
        },
    }
}

/// What is known while a source is planned.
struct Planner<'a> {
    source: &'a DataSource,
    index: &'a ColumnIndex<'a>,
    projects: &'a [&'a Project],
}

impl Planner<'_> {
    fn condition(&self, wanted: &Condition) -> Condition {
        condition_on(wanted, self.projects)
    }

    fn treatment(
        &self,
        winner: &Candidate<'_>,
        index: usize,
        column: &Column,
    ) -> Result<(Treatment, DataType), PlanError> {
        let declared = column.data_type;
        let mut shown = declared;
        let mut fit = |mask: &Mask| -> Result<Transform, PlanError> {
            let (transform, needed) = match mask {
                Mask::Custom(expression) => self.custom(winner.policy, expression, index, column)?,
                mask => transform(mask, declared, self.source.key_column).map_err(|misfit| match misfit {
                    Misfit::Constant => PlanError::ConstantDoesNotFit {
                        policy: winner.policy.id.clone(),
                        column: column.name.as_str().to_owned(),
                        data_type: declared,
                    },
                    Misfit::NoKey => PlanError::NoKey { policy: winner.policy.id.clone(), rule: RANDOMIZED },
                })?,
            };
            if let Transform::RandomCategory { key, .. }
            | Transform::RandomNumber { key, .. }
            | Transform::RandomDate { key, .. } = &transform
            {
                self.check_key(winner.policy, *key, RANDOMIZED)?;
            }
            // Where several masks need room, the one that needs most decides.
            if needed.text_bytes() > shown.text_bytes() || (needed != declared && shown == declared) {
                shown = needed;
            }
            Ok(transform)
        };
        let mut cases = Vec::with_capacity(winner.rule.cases.len());
        for (condition, mask) in &winner.rule.cases {
            cases.push((self.condition(condition), fit(mask)?));
        }
        let otherwise = fit(&winner.rule.otherwise)?;
        let only_where = match &winner.rule.only_where {
            None => None,
            Some(expression) => Some(self.bind(winner.policy, expression)?),
        };
        Ok((Treatment::Masked { only_where, cases, otherwise }, shown))
    }

    fn custom(
        &self,
        policy: &Policy,
        expression: &Expression,
        index: usize,
        column: &Column,
    ) -> Result<(Transform, DataType), PlanError> {
        let bound = expression::bind_mask(expression, self.source, index).map_err(|error| misplaced(policy, error))?;
        if bound.is_column(index) {
            let (policy, column) = (policy.id.clone(), column.name.as_str().to_owned());
            return Err(PlanError::MaskShowsColumn { policy, column });
        }
        let needed = bound.data_type();
        Ok((Transform::Custom(bound), needed))
    }

    /// Grants combine with OR, guardrails with AND. Where nothing grants, only those individually approved are let in.
    fn access(&self, levels: &[AppliedLevel<'_>]) -> Access {
        let approved = || Grant::If(approved(&self.source.id));
        let grant = |level: &Level| match level {
            Level::Anyone => Grant::Anyone,
            Level::Approval => approved(),
            Level::Entitlement(condition) => Grant::If(self.condition(condition)),
            Level::Individuals(users) => Grant::If(Condition::Has(Entitlement {
                kind: EntitlementKind::User,
                name: None,
                values: users.clone(),
            })),
        };
        let with = |guardrail: bool| -> Vec<Grant> {
            levels.iter().filter(|applied| applied.guardrail == guardrail).map(|applied| grant(applied.level)).collect()
        };
        let mut grants = with(false);
        if grants.is_empty() {
            grants.push(approved());
        }
        Access { grants, guardrails: with(true) }
    }

    fn rows(&self, applied: &AppliedRows<'_>) -> Result<PlannedRows, PlanError> {
        let test = |filter: &Filter| self.row_test(applied.policy, filter);
        let mut cases = Vec::with_capacity(applied.rule.cases.len());
        for (condition, filter) in &applied.rule.cases {
            cases.push((self.condition(condition), test(filter)?));
        }
        Ok(PlannedRows { cases, otherwise: test(&applied.rule.otherwise)? })
    }

    fn row_test(&self, policy: &Policy, filter: &Filter) -> Result<RowTest, PlanError> {
        Ok(match filter {
            Filter::All => RowTest::All,
            Filter::None => RowTest::None,
            Filter::While(condition) => RowTest::While(self.condition(condition)),
            Filter::Where(expression) => RowTest::Where(self.bind(policy, expression)?),
            Filter::Match(wanted) => RowTest::Match(self.row_match(policy, wanted)?),
            Filter::TimeWindow { newer_than, older_than } => {
                let column = self.source.event_time_column;
                RowTest::TimeWindow {
                    column: column.ok_or_else(|| PlanError::NoEventTime { policy: policy.id.clone() })?,
                    newer_than: *newer_than,
                    older_than: *older_than,
                }
            }
            Filter::Sample(share) => {
                let column = self.source.key_column;
                let column = column.ok_or_else(|| PlanError::NoKey { policy: policy.id.clone(), rule: SAMPLE })?;
                self.check_key(policy, column, SAMPLE)?;
                RowTest::Sample { column, share: *share }
            }
        })
    }

    fn bind(&self, policy: &Policy, expression: &Expression) -> Result<Bound, PlanError> {
        let mut bound = expression::bind(expression, self.source).map_err(|error| misplaced(policy, error))?;
        bound.map_conditions(&|condition| self.condition(condition));
        Ok(bound)
    }

    fn check_key(&self, policy: &Policy, column: usize, rule: &'static str) -> Result<(), PlanError> {
        match self.source.columns.get(column).filter(|key| !has_stable_text(key.data_type)) {
            None => Ok(()),
            Some(key) => Err(PlanError::CannotBeKey {
                rule,
                policy: policy.id.clone(),
                column: key.name.as_str().to_owned(),
                data_type: key.data_type,
            }),
        }
    }

    fn row_match(&self, policy: &Policy, wanted: &Match) -> Result<RowMatch, PlanError> {
        let list = |list: &[Match]| list.iter().map(|one| self.row_match(policy, one)).collect::<Result<_, _>>();
        match wanted {
            Match::Any(any) => list(any).map(RowMatch::Any),
            Match::All(all) => list(all).map(RowMatch::All),
            Match::Attribute(attribute, selector) => self.equals(policy, selector, &Held::Attribute(attribute.clone())),
            Match::Group(selector) => self.equals(policy, selector, &Held::Group),
        }
    }

    fn equals(&self, policy: &Policy, selector: &Selector, held: &Held) -> Result<RowMatch, PlanError> {
        let selected = self.index.select(selector);
        if selected.is_empty() {
            let hint = did_you_mean(selector, self.source);
            let selector = selector.to_string();
            return Err(PlanError::NoSuchColumn { policy: policy.id.clone(), selector, hint });
        }
        let mut all = Vec::with_capacity(selected.len());
        for column in selected {
            if let Some(found) = self.source.columns.get(column).filter(|found| !has_stable_text(found.data_type)) {
                return Err(PlanError::CannotMatch {
                    policy: policy.id.clone(),
                    column: found.name.as_str().to_owned(),
                    data_type: found.data_type,
                });
            }
            all.push(RowMatch::Equals { column, held: held.clone() });
        }
        // Where a selector finds several columns, each must match: the stricter reading of an ambiguous rule.
        Ok(match <[RowMatch; 1]>::try_from(all) {
            Ok([one]) => one,
            Err(several) => RowMatch::All(several),
        })
    }
}

const SAMPLE: &str = "sample";
const RANDOMIZED: &str = "randomized response";

fn misplaced(policy: &Policy, error: BindError) -> PlanError {
    PlanError::Expression { policy: policy.id.clone(), error }
}

fn approved(source: &Id) -> Condition {
    Condition::Has(Entitlement::one(EntitlementKind::Approval, source.text().clone()))
}

/// The tag or column of a source that a selector which finds nothing probably means.
#[must_use]
pub fn did_you_mean(selector: &Selector, source: &DataSource) -> Option<String> {
    match selector {
        Selector::Tag(tag) => {
            suggest(tag.as_str(), source.columns.iter().flat_map(|column| &column.tags).flat_map(Tag::lineage))
        }
        Selector::Name(name) => suggest(name.as_str(), source.columns.iter().map(|column| column.name.as_str())),
        Selector::NameRegex(_) | Selector::Untagged | Selector::All => None,
    }
}

/// Whether a value's text is the same whatever the session's settings, so that it can be compared or hashed.
fn has_stable_text(data_type: DataType) -> bool {
    match data_type {
        DataType::SmallInt | DataType::Integer | DataType::BigInt | DataType::Char(_) | DataType::VarChar(_) => true,
        DataType::Decimal { scale, .. } => scale == 0,
        _ => false,
    }
}
