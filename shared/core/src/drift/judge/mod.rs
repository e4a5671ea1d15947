//! What follows from the answers.

mod content;
mod profiles;
mod rights;
mod tables;

use std::collections::BTreeMap;

use super::{Finding, Kind, Page, Question, Remedy};
use crate::{doctor::Answer, model::Integration, sql::Ident};

/// What the questions came to.
pub type Answers = BTreeMap<Question, Answer>;

/// What follows from the answers of Redoubt's own database to the questions of [`own`](super::query::own).
#[must_use]
pub fn own(integration: &Integration, page: &Page, answers: &Answers) -> Vec<Finding> {
    let mut judge = Judge::new(integration, &integration.database, answers);
    judge.sight();
    // It counts, so it gives a row. A warehouse that gives none answers nothing, whatever it says.
    if matches!(answers.get(&Question::Sight), Some(Answer::Rows(rows)) if rows.is_empty()) {
        return judge.findings;
    }
    judge.relations();
    judge.procedures();
    judge.schemas();
    judge.database();
    judge.defaults();
    judge.frozen();
    judge.views(page);
    judge.definitions(page);
    judge.profiles(page);
    judge.findings
}

/// What follows from the answers of a database of tables to the questions of [`tables`](super::query::tables).
#[must_use]
pub fn tables(integration: &Integration, database: &Ident, page: &Page, answers: &Answers) -> Vec<Finding> {
    let mut judge = Judge::new(integration, database, answers);
    if page.tables.is_empty() {
        return judge.findings;
    }
    if answers.contains_key(&Question::Sight) {
        judge.sight();
        judge.database_readers();
    }
    judge.tables(page);
    judge.findings
}

/// A row of an answer.
type Row = Vec<Option<String>>;

/// Collects findings.
struct Judge<'a> {
    integration: &'a Integration,
    database: &'a Ident,
    answers: &'a Answers,
    findings: Vec<Finding>,
}

impl<'a> Judge<'a> {
    fn new(integration: &'a Integration, database: &'a Ident, answers: &'a Answers) -> Self {
        Self { integration, database, answers, findings: Vec::new() }
    }

    fn note(
        &mut self,
        kind: Kind,
        object: impl Into<String>,
        found: impl Into<String>,
        expected: impl Into<String>,
        remedy: Remedy,
    ) {
        let (object, found, expected) = (object.into(), found.into(), expected.into());
        self.findings.push(Finding { kind, object, found, expected, remedy });
    }

    /// The rows of an answer. What has none is noted: nothing follows from silence.
    fn rows(&mut self, question: Question) -> Option<&'a [Row]> {
        match self.answers.get(&question) {
            Some(Answer::Rows(rows)) => Some(rows),
            answer => {
                let found = if matches!(answer, Some(Answer::Error(_))) { "an error" } else { "no answer" };
                let object = format!("{} in database `{}`", question.as_str(), self.database.as_str());
                self.note(Kind::NotSeen, object, found, "an answer", Remedy::report());
                None
            }
        }
    }

    /// Whether the account sees the rights of others. What it does not see it can't judge.
    fn sight(&mut self) {
        let shown = match self.answers.get(&Question::Sight) {
            Some(Answer::Rows(rows)) => rows.first().is_some_and(|row| number(row, 0).is_some_and(|shown| shown > 0)),
            _ => false,
        };
        if !shown {
            let object = format!("rights of others in database `{}`", self.database.as_str());
            let expected = format!("`ACCESS SYSTEM TABLE` for `{}`", self.integration.system_user.as_str());
            self.note(Kind::NotSeen, object, "only what everybody sees", expected, Remedy::report());
        }
    }
}

/// A value as text; nothing of what is null.
fn cell(row: &Row, index: usize) -> &str {
    row.get(index).and_then(Option::as_deref).unwrap_or_default()
}

/// A value as a number; none of what is null or no number.
fn number(row: &Row, index: usize) -> Option<u64> {
    cell(row, index).parse().ok()
}

/// A value as truth.
fn truth(row: &Row, index: usize) -> bool {
    matches!(cell(row, index), "true" | "t" | "1")
}

/// Whether Redshift takes both for the same name.
fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// How many digits of a number of the warehouse's are believed; Redoubt's own counters never get there.
const MAX_REVISION: u64 = 1 << 39;
