//! What was in force in how many cases. A line without a case means that something is not tested.

mod case;

use std::{collections::BTreeMap, fmt::Write as _};

use redoubt_core::expression::{AT_FUNCTIONS, FUNCTIONS};

use crate::{
    generate::{FAMILIES, KINDS},
    run::Run,
};
use case::{Case, plan_error};

/// Counts of cases by what was in force.
pub struct Coverage(BTreeMap<String, usize>);

const FIXED: [&str; 61] = [
    "viewer: without a profile",
    "viewer: not let in",
    "viewer: let in",
    "subscription: nobody",
    "subscription: anyone",
    "subscription: approval",
    "subscription: entitlement",
    "subscription: individuals",
    "guardrail: anyone",
    "guardrail: approval",
    "guardrail: entitlement",
    "guardrail: individuals",
    "status: staged",
    "status: disabled",
    "status: disabled for the source",
    "selector: all",
    "selector: untagged",
    "selector: name regex",
    "selector: tag",
    "selector: tag above",
    "selector: name",
    "conflict: local beats global",
    "conflict: deeper beats",
    "conflict: older beats",
    "condition: any",
    "condition: all",
    "condition: user",
    "condition: group",
    "condition: attribute",
    "condition: purpose",
    "condition: approval",
    "case: first that is met",
    "case: a later one",
    "case: otherwise",
    "mask: only where",
    "hash: salt of a project",
    "hash: salt of the source",
    "filter: all",
    "filter: none",
    "filter: match any",
    "filter: match all",
    "filter: match attribute",
    "filter: match group",
    "filter: time window, newer",
    "filter: time window, older",
    "filter: sample",
    "filter: purposes",
    "filter: where",
    "filter: two or more rules",
    "plan error: constant does not fit",
    "plan error: mask shows column",
    "plan error: no such column",
    "plan error: expression",
    "plan error: can't match",
    "plan error: no event time",
    "plan error: no key",
    "plan error: can't be key",
    "rows: none seen, though let in",
    "rows: some seen",
    "rows: all seen",
    "rows: none there",
];

/// What expressions are made of, apart from functions.
const OPERATORS: [&str; 24] = [
    "column",
    "literal",
    "NULL",
    "OR",
    "AND",
    "NOT",
    "=",
    "<>",
    "<",
    "<=",
    ">",
    ">=",
    "IS NULL",
    "IN",
    "LIKE",
    "BETWEEN",
    "||",
    "+",
    "-",
    "*",
    "unary minus",
    "CASE",
    "CAST",
    "out of range",
];

impl Coverage {
    pub fn new() -> Self {
        let mut lines: BTreeMap<String, usize> = FIXED.iter().map(|line| ((*line).to_owned(), 0)).collect();
        for kind in KINDS {
            for (family, types) in FAMILIES.iter().enumerate() {
                // There is no such constant, and an expression of no such type is always the column itself.
                let never = kind == "constant" && types.contains(&"super");
                if !never {
                    lines.insert(mask_line(kind, family), 0);
                }
            }
        }
        lines.extend(OPERATORS.iter().map(|operator| (format!("expression: {operator}"), 0)));
        lines.extend(FUNCTIONS.iter().map(|function| (format!("expression: {}", function.names[0]), 0)));
        let asked = AT_FUNCTIONS.iter().filter(|function| function.asks_user);
        lines.extend(asked.map(|function| (format!("expression: @{}", function.name), 0)));
        for purpose in ["row predicate", "cell predicate", "mask"] {
            lines.insert(format!("expression: as {purpose}"), 0);
        }
        for function in ["@columnTagged", "@columnReference"] {
            lines.insert(format!("expression: {function}"), 0);
        }
        Self(lines)
    }

    fn count(&mut self, line: impl Into<String>) {
        *self.0.entry(line.into()).or_default() += 1;
    }

    /// Adds the cases of a run.
    pub fn add(&mut self, run: &Run) {
        for (place, planned) in run.prepared.sources.iter().enumerate() {
            if let Err(error) = &planned.plan {
                self.count(format!("plan error: {}", plan_error(error)));
                continue;
            }
            for (person, known) in run.prepared.people.iter().enumerate() {
                if let Some(answer) = run.answers.get(&(person, place)) {
                    // One case counts once for each line.
                    let mut case = Case::new(run, planned);
                    case.look(known.profile.as_ref(), answer);
                    let mut lines = case.lines;
                    lines.sort();
                    lines.dedup();
                    lines.into_iter().for_each(|line| self.count(line));
                }
            }
        }
    }

    /// Lines without a case.
    pub fn missing(&self) -> Vec<&str> {
        self.0.iter().filter(|(_, count)| **count == 0).map(|(line, _)| line.as_str()).collect()
    }

    /// The table of masks, then a line for each other thing.
    pub fn print(&self) -> String {
        let mut out = String::from("cases in which each mask was in force, by type of the column\n");
        let _ = write!(out, "{:<20}", "");
        for types in FAMILIES {
            let _ = write!(out, "{:>12}", types[0].split(' ').next().unwrap_or_default());
        }
        out.push('\n');
        for kind in KINDS {
            let _ = write!(out, "{kind:<20}");
            for family in 0..FAMILIES.len() {
                let count = self.0.get(&mask_line(kind, family)).map_or_else(|| "-".to_owned(), ToString::to_string);
                let _ = write!(out, "{count:>12}");
            }
            out.push('\n');
        }
        for (line, count) in self.0.iter().filter(|(line, _)| !line.starts_with("mask ")) {
            let _ = writeln!(out, "{count:>8}  {line}");
        }
        out
    }
}

fn mask_line(kind: &str, family: usize) -> String {
    format!("mask {kind}: {}", FAMILIES[family].join(", "))
}
