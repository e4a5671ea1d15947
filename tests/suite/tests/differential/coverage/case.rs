//! What is in force in one case.

use redoubt_core::{
    expression::{Bound, Call, Node, UserTest},
    interpret::{may_see, meets},
    model::{
        Condition, EntitlementKind,
        policy::{Level, Mask, PolicyStatus, RegexEngine, Selector},
    },
    plan::{Grant, Held, PlanError, RowMatch, RowTest, Transform, Treatment, ViewPlan},
    render::profile::ProfileState,
};

use super::mask_line;
use crate::{generate::FAMILIES, run::Run, scene::Planned, warehouse::Answer};

pub fn plan_error(error: &PlanError) -> &'static str {
    match error {
        PlanError::ConstantDoesNotFit { .. } => "constant does not fit",
        PlanError::MaskShowsColumn { .. } => "mask shows column",
        PlanError::NoSuchColumn { .. } => "no such column",
        PlanError::Expression { .. } => "expression",
        PlanError::CannotMatch { .. } => "can't match",
        PlanError::NoEventTime { .. } => "no event time",
        PlanError::NoKey { .. } => "no key",
        PlanError::CannotBeKey { .. } => "can't be key",
    }
}

fn level(level: &Level) -> &'static str {
    match level {
        Level::Anyone => "anyone",
        Level::Approval => "approval",
        Level::Entitlement(_) => "entitlement",
        Level::Individuals(_) => "individuals",
    }
}

fn kind(mask: &Mask) -> &'static str {
    match mask {
        Mask::Clear => "clear",
        Mask::Null => "null",
        Mask::Constant(_) => "constant",
        Mask::Hash => "hash",
        Mask::Round { .. } => "round",
        Mask::Show { .. } => "show",
        Mask::Custom(_) => "custom",
        Mask::Regex(mask) if mask.engine == RegexEngine::Redshift => "regex by redshift",
        Mask::Regex(_) => "regex",
        Mask::Reversible { .. } => "reversible",
        Mask::FormatPreserving { .. } => "format_preserving",
        Mask::RandomizedResponse(_) => "randomized_response",
    }
}

/// One case.
pub struct Case<'a> {
    run: &'a Run,
    planned: &'a Planned,
    /// What was found.
    pub lines: Vec<String>,
}

impl<'a> Case<'a> {
    pub fn new(run: &'a Run, planned: &'a Planned) -> Self {
        Self { run, planned, lines: Vec::new() }
    }

    fn say(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    /// Finds what was in force for a person.
    pub fn look(&mut self, profile: Option<&ProfileState>, answer: &Answer) {
        let Ok(plan) = &self.planned.plan else { return };
        let Some(profile) = profile else { return self.say("viewer: without a profile") };
        self.subscription(plan);
        if !may_see(&plan.subscription, profile) {
            return self.say("viewer: not let in");
        }
        self.say("viewer: let in");
        let seen = answer.as_ref().map_or(0, Vec::len);
        let there = self.planned.rows.len();
        self.say(match (seen, there) {
            (_, 0) => "rows: none there",
            (0, _) => "rows: none seen, though let in",
            (seen, there) if seen == there => "rows: all seen",
            _ => "rows: some seen",
        });
        for written in self.written() {
            for function in ["CONCAT", "@columnTagged", "@columnReference"] {
                if written.contains(&format!("{function}(")) {
                    self.say(format!("expression: {function}"));
                }
            }
        }
        // Without a row, neither a filter nor a mask did anything.
        if there > 0 {
            self.filters(plan, profile);
        }
        if seen > 0 {
            self.masks(plan, profile);
        }
    }

    /// The texts of policies that have a rule in force here. Some functions leave no trace in a plan.
    fn written(&self) -> Vec<String> {
        let resolution = self.run.prepared.policies.resolve(&self.planned.source);
        let masks = resolution.masks.values().map(|decision| decision.winner.policy);
        let policies = masks.chain(resolution.rows.iter().map(|rows| rows.policy));
        policies.filter_map(|policy| self.run.prepared.written.get(policy.id.as_str()).cloned()).collect()
    }

    fn subscription(&mut self, plan: &ViewPlan) {
        let resolution = self.run.prepared.policies.resolve(&self.planned.source);
        for applied in &resolution.subscriptions {
            let what = if applied.guardrail { "guardrail" } else { "subscription" };
            self.say(format!("{what}: {}", level(applied.level)));
        }
        if resolution.subscriptions.iter().all(|applied| applied.guardrail) {
            self.say("subscription: nobody");
        }
        for grant in plan.subscription.grants.iter().chain(&plan.subscription.guardrails) {
            if let Grant::If(condition) = grant {
                self.condition(condition);
            }
        }
        for policy in &resolution.inactive {
            self.say(match policy.status {
                PolicyStatus::Staged => "status: staged",
                PolicyStatus::Disabled => "status: disabled",
                PolicyStatus::Active => "status: disabled for the source",
            });
        }
    }

    fn condition(&mut self, condition: &Condition) {
        match condition {
            Condition::Any(list) | Condition::All(list) => {
                let any = matches!(condition, Condition::Any(_));
                self.say(if any { "condition: any" } else { "condition: all" });
                list.iter().for_each(|one| self.condition(one));
            }
            Condition::Has(entitlement) => self.say(format!("condition: {}", entitlement.kind.as_str())),
        }
    }

    /// The case of a list that a viewer is in, if any.
    fn case<'c, T>(&mut self, cases: &'c [(Condition, T)], profile: &ProfileState) -> Option<&'c T> {
        cases.iter().for_each(|(condition, _)| self.condition(condition));
        let place = cases.iter().position(|(condition, _)| meets(condition, profile));
        if !cases.is_empty() {
            self.say(match place {
                Some(0) => "case: first that is met",
                Some(_) => "case: a later one",
                None => "case: otherwise",
            });
        }
        cases.get(place?).map(|(_, what)| what)
    }

    fn filters(&mut self, plan: &ViewPlan, profile: &ProfileState) {
        if plan.rows.len() > 1 {
            self.say("filter: two or more rules");
        }
        for rows in &plan.rows {
            match self.case(&rows.cases, profile).unwrap_or(&rows.otherwise) {
                RowTest::All => self.say("filter: all"),
                RowTest::None => self.say("filter: none"),
                RowTest::Match(wanted) => self.matching(wanted),
                RowTest::TimeWindow { newer_than, older_than, .. } => {
                    if newer_than.is_some() {
                        self.say("filter: time window, newer");
                    }
                    if older_than.is_some() {
                        self.say("filter: time window, older");
                    }
                }
                RowTest::Sample { .. } => self.say("filter: sample"),
                RowTest::While(condition) => {
                    self.condition(condition);
                    self.say("filter: purposes");
                }
                RowTest::Where(bound) => {
                    self.say("filter: where");
                    self.say("expression: as row predicate");
                    self.expression(bound);
                }
            }
        }
    }

    fn matching(&mut self, wanted: &RowMatch) {
        match wanted {
            RowMatch::Any(list) => {
                self.say("filter: match any");
                list.iter().for_each(|one| self.matching(one));
            }
            RowMatch::All(list) => {
                self.say("filter: match all");
                list.iter().for_each(|one| self.matching(one));
            }
            RowMatch::Equals { held, .. } => self.say(match held {
                Held::Attribute(_) => "filter: match attribute",
                Held::Group | Held::Purpose => "filter: match group",
            }),
        }
    }

    fn masks(&mut self, plan: &ViewPlan, profile: &ProfileState) {
        let resolution = self.run.prepared.policies.resolve(&self.planned.source);
        for (place, decision) in &resolution.masks {
            let column = &self.planned.source.columns[*place];
            let winner = &decision.winner;
            self.say(match &winner.rule.columns {
                Selector::All => "selector: all",
                Selector::Untagged => "selector: untagged",
                Selector::NameRegex(_) => "selector: name regex",
                Selector::Tag(tag) if column.tags.contains(tag) => "selector: tag",
                Selector::Tag(_) => "selector: tag above",
                Selector::Name(_) => "selector: name",
            });
            for loser in &decision.losers {
                self.say(if loser.policy.is_local() != winner.policy.is_local() {
                    "conflict: local beats global"
                } else if loser.depth != winner.depth {
                    "conflict: deeper beats"
                } else {
                    "conflict: older beats"
                });
            }
            let Treatment::Masked { only_where, cases, otherwise } = &plan.columns[*place].treatment else { continue };
            let at = cases.iter().position(|(condition, _)| meets(condition, profile));
            let mask = at.map_or(&winner.rule.otherwise, |at| &winner.rule.cases[at].1);
            let family =
                FAMILIES.iter().position(|types| types.iter().any(|name| name.parse() == Ok(column.data_type)));
            self.say(family.map_or_else(|| "mask of another type".to_owned(), |family| mask_line(kind(mask), family)));
            let transform = self.case(cases, profile).unwrap_or(otherwise);
            if transform.is_hash() {
                let joined = plan.join_projects.iter().any(|project| meets(&project.works_in, profile));
                self.say(if joined { "hash: salt of a project" } else { "hash: salt of the source" });
            }
            if let Transform::Custom(bound) = transform {
                self.say("expression: as mask");
                self.expression(bound);
            }
            if let Some(bound) = only_where {
                self.say("expression: as cell predicate");
                self.say("mask: only where");
                self.expression(bound);
            }
        }
    }

    fn expression(&mut self, bound: &Bound) {
        let mut say = |what: &str| self.lines.push(format!("expression: {what}"));
        let mut below: Vec<&Bound> = Vec::new();
        match bound.node() {
            Node::Column(_) => say("column"),
            Node::Null => say("NULL"),
            Node::Bool(_) | Node::Number(_) | Node::Text(_) | Node::Date(_) | Node::Timestamp(_) => say("literal"),
            Node::Or(list) | Node::And(list) | Node::Concat(list) => {
                say(match bound.node() {
                    Node::Or(_) => "OR",
                    Node::And(_) => "AND",
                    _ => "||",
                });
                below.extend(list);
            }
            Node::Not(one) => (say("NOT"), below.push(one)).1,
            Node::Compare(left, comparison, right) => {
                say(comparison.as_str());
                below.extend([&**left, &**right]);
            }
            Node::IsNull(one) => (say("IS NULL"), below.push(one)).1,
            Node::In(one, list) => {
                say("IN");
                below.push(one);
                below.extend(list);
            }
            Node::Like(one, _) => (say("LIKE"), below.push(one)).1,
            Node::Between(one, low, high) => (say("BETWEEN"), below.extend([&**one, &**low, &**high])).1,
            Node::Arithmetic(left, arithmetic, right) => {
                say(arithmetic.as_str());
                below.extend([&**left, &**right]);
            }
            Node::Negate(one) => (say("unary minus"), below.push(one)).1,
            Node::Case(whens, otherwise) => {
                say("CASE");
                below.extend(whens.iter().flat_map(|(when, then)| [when, then]));
                below.push(otherwise);
            }
            Node::Cast(one) => (say("CAST"), below.push(one)).1,
            Node::Narrow(one) => (say("out of range"), below.push(one)).1,
            Node::Call(call) => {
                let (name, arguments) = called(call);
                say(name);
                below.extend(arguments);
            }
            Node::User(test) => match test {
                UserTest::Has(condition) => {
                    let name = asked(condition);
                    say(name);
                }
                UserTest::Contains { kind, .. } => say(match kind {
                    EntitlementKind::Attribute => "@attributeValuesContains",
                    EntitlementKind::Group => "@groupsContains",
                    _ => "@purposesContains",
                }),
                UserTest::Username(one) => (say("@username"), below.push(one)).1,
            },
        }
        below.into_iter().for_each(|one| self.expression(one));
    }
}

/// The function that asks for a condition; of several for one function, any tells.
fn asked(condition: &Condition) -> &'static str {
    match condition {
        Condition::Any(list) | Condition::All(list) => list.first().map_or("@hasPurpose", asked),
        Condition::Has(entitlement) => match entitlement.kind {
            EntitlementKind::Attribute => "@hasAttribute",
            EntitlementKind::Group => "@isInGroups",
            _ => "@hasPurpose",
        },
    }
}

fn called(call: &Call) -> (&'static str, Vec<&Bound>) {
    match call {
        Call::Abs(one) => ("ABS", vec![one]),
        Call::Coalesce(list) => ("COALESCE", list.iter().collect()),
        Call::DateTrunc(_, one) => ("DATE_TRUNC", vec![one]),
        Call::GetDate => ("GETDATE", vec![]),
        Call::Left(one, _) => ("LEFT", vec![one]),
        Call::Length(one) => ("LENGTH", vec![one]),
        Call::Lower(one) => ("LOWER", vec![one]),
        Call::NullIf(one, other) => ("NULLIF", vec![one, other]),
        Call::Replace(one, _, _) => ("REPLACE", vec![one]),
        Call::Right(one, _) => ("RIGHT", vec![one]),
        Call::Substring(one, _, _) => ("SUBSTRING", vec![one]),
        Call::Trim(one) => ("TRIM", vec![one]),
        Call::Upper(one) => ("UPPER", vec![one]),
    }
}
