//! Why a person sees what they see of a data source: which policy decided, and which ones it overruled.

use redoubt_core::{
    model::{
        Condition, DataSource, EntitlementKind,
        policy::{Constant, Filter, Level, Mask, Match, Selector, TimeUnit},
    },
    resolve::{AppliedLevel, Candidate, MaskDecision, PolicySet},
};

use crate::world::Person;

/// One decision: about what, what it came to, which policy made it, and what that policy overruled.
pub type Decision = Vec<String>;

/// The headers of decisions, as a table.
pub const HEADERS: [&str; 4] = ["of customer", "is", "by policy", "which overrules"];

/// The decisions about a data source for a person, or for somebody who isn't registered.
pub fn decisions(policies: &PolicySet, source: &DataSource, person: Option<&Person>) -> Vec<Decision> {
    let Some(person) = person else {
        return vec![row("all rows", "hidden", "none: an account without a profile sees nothing", "")];
    };
    let resolution = policies.resolve(source);
    let mut decisions = access(&resolution.subscriptions, source, person);
    for applied in &resolution.rows {
        let (filter, because) = met(&applied.rule.cases, person).unwrap_or((&applied.rule.otherwise, None));
        decisions.push(row("rows", &filter_text(filter, person), &name(&applied.policy.name, because), ""));
    }
    for (index, decision) in &resolution.masks {
        let column = source.columns.get(*index).map_or("", |column| column.name.as_str());
        let (mask, because) =
            met(&decision.winner.rule.cases, person).unwrap_or((&decision.winner.rule.otherwise, None));
        let winner = name(&decision.winner.policy.name, because);
        decisions.push(row(column, &mask_text(mask), &winner, &overruled(decision)));
    }
    for policy in &resolution.inactive {
        decisions.push(row("nothing", &format!("{:?}", policy.status).to_lowercase(), &policy.name, ""));
    }
    decisions
}

fn row(what: &str, is: &str, policy: &str, overrules: &str) -> Decision {
    [what, is, policy, overrules].map(str::to_owned).to_vec()
}

fn name(policy: &str, because: Option<String>) -> String {
    because.map_or_else(|| policy.to_owned(), |because| format!("{policy} ({because})"))
}

/// Grants of which one must hold, then guardrails which must all hold. Where no policy grants, only an approval does.
fn access(levels: &[AppliedLevel<'_>], source: &DataSource, person: &Person) -> Vec<Decision> {
    let mut decisions = Vec::new();
    if levels.iter().all(|level| level.guardrail) {
        let is = if grants(&Level::Approval, source, person).is_some() { "granted" } else { "not granted" };
        decisions.push(row("access", is, "none: approval needed", ""));
    }
    for level in levels {
        let because = grants(level.level, source, person);
        let is = match (&because, level.guardrail) {
            (Some(_), false) => "granted",
            (None, false) => "not granted",
            (Some(_), true) => "let through",
            (None, true) => "blocked",
        };
        let what = if level.guardrail { "guardrail" } else { "access" };
        decisions.push(row(what, is, &name(&level.policy.name, because), ""));
    }
    decisions
}

fn grants(level: &Level, source: &DataSource, person: &Person) -> Option<String> {
    match level {
        Level::Anyone => Some("anyone".to_owned()),
        Level::Approval => person.standing.approved.contains(&source.id).then(|| "approved".to_owned()),
        Level::Entitlement(condition) => holds(condition, person),
        Level::Individuals(users) => users.contains(person.user.id.text()).then(|| "named".to_owned()),
    }
}

/// The headers of conflicts, as a table.
pub const CONFLICT_HEADERS: [&str; 3] = ["column", "in force", "overruled"];

/// Every column that more than one mask is meant for.
pub fn conflicts(policies: &PolicySet, sources: &[DataSource]) -> Vec<Vec<String>> {
    let mut conflicts = Vec::new();
    for source in sources {
        for (index, decision) in policies.resolve(source).masks {
            if let (Some(column), false) = (source.columns.get(index), decision.losers.is_empty()) {
                let column = format!("{}.{}", source.table.as_str(), column.name.as_str());
                conflicts.push(vec![column, decision.winner.policy.name.clone(), overruled(&decision)]);
            }
        }
    }
    conflicts
}

/// The first case that the person meets, with what made it so.
fn met<'a, T>(cases: &'a [(Condition, T)], person: &Person) -> Option<(&'a T, Option<String>)> {
    cases.iter().find_map(|(condition, then)| holds(condition, person).map(|because| (then, Some(because))))
}

/// What makes a condition hold for a person, if it does.
fn holds(condition: &Condition, person: &Person) -> Option<String> {
    match condition {
        Condition::Any(any) => any.iter().find_map(|one| holds(one, person)),
        Condition::All(all) => {
            all.iter().map(|one| holds(one, person)).collect::<Option<Vec<_>>>().map(|reasons| reasons.join(" and "))
        }
        Condition::Has(wanted) => {
            let has = |(kind, name, value): &&(EntitlementKind, Option<_>, _)| {
                *kind == wanted.kind && *name == wanted.name && wanted.values.contains(value)
            };
            let (kind, name, value) = person.profile.entitlements.iter().find(has)?;
            let label = name.as_ref().map_or(kind.as_str(), |name| name.as_str());
            Some(format!("{label} {}", value.as_str()))
        }
    }
}

fn overruled(decision: &MaskDecision<'_>) -> String {
    let why = |loser: &Candidate<'_>| {
        let winner = &decision.winner;
        if winner.policy.is_local() != loser.policy.is_local() {
            "global"
        } else if winner.depth != loser.depth {
            "broader tag"
        } else {
            "newer"
        }
    };
    let losers: Vec<String> =
        decision.losers.iter().map(|loser| format!("{} ({})", loser.policy.name, why(loser))).collect();
    losers.join(", ")
}

fn mask_text(mask: &Mask) -> String {
    match mask {
        Mask::Clear => "clear".to_owned(),
        Mask::Null => "null".to_owned(),
        Mask::Hash => "hashed".to_owned(),
        Mask::Constant(Constant::Text(text) | Constant::Number(text)) => format!("always {}", text.as_str()),
        Mask::Constant(Constant::Bool(value)) => format!("always {value}"),
        Mask::Round { bucket: Some(bucket), .. } => format!("rounded to {bucket}"),
        Mask::Round { unit, .. } => format!("rounded to the {}", unit.map_or("unit", TimeUnit::as_str)),
        Mask::Show { first, last, .. } => {
            let part = |count: &u32, which: &str| (*count > 0).then(|| format!("{which} {count} shown"));
            [part(first, "first"), part(last, "last")].into_iter().flatten().collect::<Vec<_>>().join(", ")
        }
    }
}

fn filter_text(filter: &Filter, person: &Person) -> String {
    match filter {
        Filter::All => "all".to_owned(),
        Filter::None => "none".to_owned(),
        Filter::Match(wanted) => match_text(wanted, person),
        Filter::TimeWindow { newer_than, older_than } => {
            let bound = |days: &Option<u32>, how: &str| days.map(|days| format!("{how} than {days} days"));
            [bound(newer_than, "newer"), bound(older_than, "older")]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join(", ")
        }
        Filter::Sample(share) => format!("a stable {}.{:02} %", share / 100, share % 100),
        Filter::While(condition) => if holds(condition, person).is_some() { "all" } else { "none" }.to_owned(),
    }
}

fn match_text(wanted: &Match, person: &Person) -> String {
    let list =
        |list: &[Match], word: &str| list.iter().map(|one| match_text(one, person)).collect::<Vec<_>>().join(word);
    match wanted {
        Match::Any(any) => list(any, " or "),
        Match::All(all) => list(all, " and "),
        Match::Attribute(attribute, selector) => {
            let values = person.standing.attributes.get(attribute).into_iter().flatten();
            let values: Vec<&str> = values.map(|value| value.as_str()).collect();
            format!("{} in {attribute} {}", selector_text(selector), values.join(", "), attribute = attribute.as_str())
        }
        Match::Group(selector) => {
            let groups: Vec<&str> = person.standing.groups.iter().map(|group| group.as_str()).collect();
            format!("{} in groups {}", selector_text(selector), groups.join(", "))
        }
    }
}

fn selector_text(selector: &Selector) -> &str {
    match selector {
        Selector::Tag(tag) => tag.as_str(),
        Selector::Name(name) => name.as_str(),
    }
}
