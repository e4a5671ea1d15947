//! Why a person sees what they see of a data source, as a table: which policy decided, and which ones it overruled.
//!
//! The core explains; here it is only laid out.

use redoubt_core::{
    explain::{
        Applies, Cases, Criterion, Explanation, Held, Loser, Matching, NoSuchColumn, Off, RowEffect, Verdict, Way,
        explain,
    },
    model::DataSource,
    resolve::{PolicySet, ProjectSet},
};

use crate::world::Person;

/// One decision: about what, what it came to, which policy made it, and what that policy overruled.
pub type Decision = Vec<String>;

/// The headers of decisions, as a table.
pub const HEADERS: [&str; 4] = ["of customer", "is", "by policy", "which overrules"];

/// The decisions about a data source for a person, or for somebody who isn't registered.
///
/// # Errors
/// Never: every column is asked for.
pub fn decisions(
    policies: &PolicySet,
    projects: &ProjectSet,
    source: &DataSource,
    person: Option<&Person>,
) -> Result<Vec<Decision>, NoSuchColumn> {
    let explanation = explain(source, None, person.map(|person| &person.profile), policies, projects)?;
    if !explanation.access.profile {
        return Ok(vec![row("all rows", "hidden", "none: an account without a profile sees nothing", "")]);
    }
    let mut decisions: Vec<Decision> = explanation.access.grants.iter().map(|way| access(way, false)).collect();
    decisions.extend(explanation.access.guardrails.iter().map(|way| access(way, true)));
    decisions.extend(rows(&explanation));
    for column in &explanation.columns {
        if let Some(mask) = &column.mask {
            let effect = mask.cases.effect();
            let seen = if effect.null_because.is_some() { "null" } else { &effect.seen };
            let is = match &mask.only_where {
                Some(predicate) => format!("{seen}, where `{predicate}`"),
                None => seen.to_owned(),
            };
            let policy = named(&mask.policy.name, decided(&mask.cases));
            decisions.push(row(&column.column, &is, &policy, &overruled(&mask.losers)));
        }
    }
    for policy in &explanation.inactive {
        let because: Vec<&str> = policy.because.iter().map(off).collect();
        decisions.push(row("nothing", &because.join(", "), &policy.policy.name, ""));
    }
    Ok(decisions)
}

/// The headers of conflicts, as a table.
pub const CONFLICT_HEADERS: [&str; 3] = ["column", "in force", "overruled"];

/// Every column that more than one mask is meant for.
///
/// # Errors
/// Never: every column is asked for.
pub fn conflicts(
    policies: &PolicySet,
    projects: &ProjectSet,
    sources: &[DataSource],
) -> Result<Vec<Vec<String>>, NoSuchColumn> {
    let mut conflicts = Vec::new();
    for source in sources {
        for column in explain(source, None, None, policies, projects)?.columns {
            if let Some(mask) = column.mask.filter(|mask| !mask.losers.is_empty()) {
                let column = format!("{}.{}", source.table.as_str(), column.column);
                conflicts.push(vec![column, mask.policy.name, overruled(&mask.losers)]);
            }
        }
    }
    Ok(conflicts)
}

fn row(what: &str, is: &str, policy: &str, overrules: &str) -> Decision {
    [what, is, policy, overrules].map(str::to_owned).to_vec()
}

fn named(policy: &str, because: Option<String>) -> String {
    because.map_or_else(|| policy.to_owned(), |because| format!("{policy} ({because})"))
}

fn access(way: &Way, guardrail: bool) -> Decision {
    let is = match (way.verdict.is_met(), guardrail) {
        (true, false) => "granted",
        (false, false) => "not granted",
        (true, true) => "let through",
        (false, true) => "blocked",
    };
    let policy = way.policy.as_ref().map_or("none: approval needed", |policy| policy.name.as_str());
    row(if guardrail { "guardrail" } else { "access" }, is, &named(policy, because(&way.verdict)), "")
}

fn rows(explanation: &Explanation) -> impl Iterator<Item = Decision> {
    explanation
        .rows
        .iter()
        .map(|rows| row("rows", &filter(rows.cases.effect()), &named(&rows.policy.name, decided(&rows.cases)), ""))
}

/// What made a rule's case the one that applies.
fn decided<E>(cases: &Cases<E>) -> Option<String> {
    match cases.applies {
        Applies::Case(number) => because(&cases.cases.get(number.checked_sub(1)?)?.verdict),
        Applies::Otherwise => None,
    }
}

/// What of a person's decided, if anything did.
fn because(verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::Met { decided_by, .. } if !decided_by.is_empty() => {
            Some(decided_by.iter().map(Held::to_string).collect::<Vec<_>>().join(" and "))
        }
        Verdict::Met { .. } | Verdict::Unmet { .. } => None,
    }
}

fn overruled(losers: &[Loser]) -> String {
    let each = losers.iter().map(|loser| {
        let why = match loser.lost_by {
            Criterion::Local => "global",
            Criterion::Selector { .. } => "broader",
            Criterion::Age { .. } | Criterion::Identity { .. } => "newer",
            Criterion::Rule { .. } => "a later rule",
        };
        format!("{} ({why})", loser.policy.name)
    });
    each.collect::<Vec<_>>().join(", ")
}

const fn off(why: &Off) -> &'static str {
    match why {
        Off::Staged => "staged",
        Off::Disabled => "disabled",
        Off::DisabledForDataSource => "disabled here",
    }
}

fn filter(effect: &RowEffect) -> String {
    match effect {
        RowEffect::Match(wanted) => matching(wanted),
        RowEffect::While { verdict, .. } => {
            because(verdict).map_or_else(|| "no row".to_owned(), |purpose| format!("every row: {purpose}"))
        }
        _ => effect.to_string(),
    }
}

/// Shorter than the core says it, for a cell of a table.
fn matching(wanted: &Matching) -> String {
    let list = |list: &[Matching], word: &str| list.iter().map(matching).collect::<Vec<_>>().join(word);
    match wanted {
        Matching::Any(any) => list(any, " or "),
        Matching::All(all) => list(all, " and "),
        Matching::Attribute { name, columns, has } => {
            format!("{} in {name} {}", columns.join(", "), has.join(", "))
        }
        Matching::Group { columns, has } => format!("{} in groups {}", columns.join(", "), has.join(", ")),
    }
}
