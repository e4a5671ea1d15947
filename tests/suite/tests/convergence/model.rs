//! A model of the warehouse: what Redoubt's procedures do, in a few lines each, and what it must hold in the end.
//!
//! The procedures themselves are tested on a real database; here only their contract counts: newer revisions replace older ones.

use std::collections::{BTreeMap, BTreeSet};

use redoubt_core::{model::stored, record::Kind, render::view};
use redoubt_tests::newest::{ExpectedView, Newest};
use serde_json::Value;

/// A literal argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    Text(String),
    Number(u64),
    Bool(bool),
    Null,
}

impl Literal {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            other => panic!("expected a text, found {other:?}"),
        }
    }

    fn number(&self) -> u64 {
        match self {
            Self::Number(number) => *number,
            other => panic!("expected a number, found {other:?}"),
        }
    }
}

/// What the warehouse holds.
#[derive(Debug, Clone, Default)]
pub struct Warehouse {
    /// Revision, claim, and view by source.
    sources: BTreeMap<String, (u64, u64, Option<String>)>,
    pub views: BTreeMap<String, String>,
    profiles: BTreeMap<String, (u64, bool)>,
    pub entitlements: BTreeMap<String, BTreeSet<(String, Option<String>, String)>>,
    policies: BTreeMap<String, (u64, Option<String>)>,
    /// Projects that have a salt.
    salted: BTreeSet<String>,
}

impl Warehouse {
    /// Runs one statement that commits by itself, or the statements of one transaction.
    pub fn run(&mut self, statements: &[String]) -> Result<(), String> {
        let mut next = self.clone();
        let mut stage: Vec<(String, u64, bool)> = Vec::new();
        let mut rows: Vec<(String, u64, String, Option<String>, String)> = Vec::new();
        for statement in statements {
            if statement.starts_with("LOCK ") || statement.starts_with("CREATE TEMPORARY TABLE ") {
            } else if let Some(values) = statement.strip_prefix("INSERT INTO \"redoubt_stage_profile\" ") {
                for row in tuples(values) {
                    stage.push((row[0].text(), row[1].number(), row[2] == Literal::Bool(true)));
                }
            } else if let Some(values) = statement.strip_prefix("INSERT INTO \"redoubt_stage_entitlement\" ") {
                for row in tuples(values) {
                    let name = (row[3] != Literal::Null).then(|| row[3].text());
                    rows.push((row[0].text(), row[1].number(), row[2].text(), name, row[4].text()));
                }
            } else if let Some(call) = statement.strip_prefix("CALL \"immuta_procedures\".\"") {
                let (name, arguments) = call.split_once('"').unwrap();
                let arguments = tuples(arguments).remove(0);
                next.call(name, &arguments, &stage, &rows)?;
            } else {
                return Err(format!("unknown statement {statement}"));
            }
        }
        *self = next;
        Ok(())
    }

    fn call(
        &mut self,
        name: &str,
        arguments: &[Literal],
        stage: &[(String, u64, bool)],
        rows: &[(String, u64, String, Option<String>, String)],
    ) -> Result<(), String> {
        match name {
            "prepare_view" => {
                self.sources.entry(arguments[0].text()).or_insert((0, 0, None));
            }
            "prepare_project" => {
                self.salted.insert(arguments[0].text());
            }
            "apply_view" => {
                let (source, revision, claim) = (arguments[0].text(), arguments[1].number(), arguments[2].number());
                let (view, definition) = (arguments[6].text(), arguments[7].text());
                let Some((known, _, old)) = self.sources.get(&source).cloned() else {
                    return Err("redoubt: not prepared".to_owned());
                };
                if known >= revision {
                    return Ok(());
                }
                if let Some(old) = old.filter(|old| *old != view) {
                    self.views.remove(&old);
                }
                self.views.insert(view.clone(), definition);
                self.sources.insert(source, (revision, claim, Some(view)));
            }
            "drop_view" => {
                let (source, revision) = (arguments[0].text(), arguments[1].number());
                let known = self.sources.get(&source).cloned();
                if known.as_ref().is_some_and(|known| known.0 >= revision) {
                    return Ok(());
                }
                if let Some((_, _, Some(view))) = known {
                    self.views.remove(&view);
                }
                self.sources.insert(source, (revision, 0, None));
            }
            "merge_profiles" => {
                for (user, revision, active) in stage {
                    if self.profiles.get(user).is_some_and(|known| known.0 >= *revision) {
                        continue;
                    }
                    self.profiles.insert(user.clone(), (*revision, *active));
                    let theirs = rows.iter().filter(|row| row.0 == *user && row.1 == *revision && *active);
                    let theirs = theirs.map(|row| (row.2.clone(), row.3.clone(), row.4.clone())).collect();
                    self.entitlements.insert(user.clone(), theirs);
                }
                self.entitlements.retain(|user, _| self.profiles.get(user).is_some_and(|profile| profile.1));
            }
            "put_policy" | "drop_policy" => {
                let (policy, revision) = (arguments[0].text(), arguments[1].number());
                if self.policies.get(&policy).is_none_or(|known| known.0 < revision) {
                    self.policies.insert(policy, (revision, arguments.get(3).map(Literal::text)));
                }
            }
            other => return Err(format!("unknown procedure {other}")),
        }
        Ok(())
    }

    /// Projects whose salt a view in force needs and that have none: a statement that failed must have been made up for.
    pub fn unsalted(&self) -> Vec<&str> {
        let mentions = self.views.values().flat_map(|definition| {
            let hits = definition.match_indices("') AND (m.column_name = '@project')");
            hits.filter_map(|(before, _)| definition.get(..before)?.rsplit('\'').next())
        });
        mentions.filter(|project| !self.salted.contains(*project)).collect()
    }

    /// Definitions of policies that were not dropped.
    pub fn definitions(&self) -> BTreeMap<String, String> {
        self.policies.iter().filter_map(|(id, (_, text))| Some((id.clone(), text.clone()?))).collect()
    }
}

/// The parenthesised lists of literals in a text, read as Redshift reads them.
fn tuples(text: &str) -> Vec<Vec<Literal>> {
    let mut tuples = Vec::new();
    let text = text.split_once(" VALUES ").map_or(text, |(_, values)| values);
    let mut chars = text.chars().peekable();
    let mut tuple = Vec::new();
    let mut word = String::new();
    while let Some(c) = chars.next() {
        match c {
            '\'' => {
                let mut value = String::new();
                loop {
                    match chars.next().unwrap() {
                        '\\' => value.push(chars.next().unwrap()),
                        '\'' if chars.peek() == Some(&'\'') => {
                            chars.next();
                            value.push('\'');
                        }
                        '\'' => break,
                        c => value.push(c),
                    }
                }
                tuple.push(Literal::Text(value));
            }
            ',' | ')' => {
                match word.as_str() {
                    "" => {}
                    "NULL" => tuple.push(Literal::Null),
                    "TRUE" | "FALSE" => tuple.push(Literal::Bool(word == "TRUE")),
                    number => tuple.push(Literal::Number(number.parse().unwrap())),
                }
                word.clear();
                if c == ')' {
                    tuples.push(std::mem::take(&mut tuple));
                }
            }
            '(' | ' ' => {}
            c => word.push(c),
        }
    }
    tuples
}

/// What the warehouse must hold once everything was delivered: rendered from the events themselves, merged one after the other,
/// without any of the machinery under test.
#[derive(Debug, PartialEq, Eq)]
pub struct Expected {
    pub views: BTreeMap<String, String>,
    pub entitlements: BTreeMap<String, BTreeSet<(String, Option<String>, String)>>,
    pub definitions: BTreeMap<String, String>,
}

pub fn expected(events: &[Value]) -> Expected {
    let newest = Newest::of(events).unwrap();
    let mut integrations = newest.of_kind(Kind::Integration).map(|record| stored::integration(record).unwrap());
    let integration = integrations.find_map(|integration| integration).unwrap();
    let definition = |expected: &ExpectedView| {
        let place = view::Place {
            names: &integration.names,
            database: &integration.database,
            schema: &integration.view_schema,
            view: &expected.view,
        };
        let definition = view::view(&expected.plan, &place).definition.execute().to_owned();
        (expected.view.as_str().to_owned(), definition)
    };
    let profiles = newest.profiles().unwrap();
    let definitions = newest.definitions();
    Expected {
        views: newest.views(&integration).unwrap().iter().map(definition).collect(),
        entitlements: profiles.into_iter().map(|(account, profile)| (account, profile.entitlements)).collect(),
        definitions: definitions.into_iter().map(|(id, (_, document))| (id, document)).collect(),
    }
}
