//! Rules of the form «for those who …, otherwise …», held against a user.

use serde::Serialize;

use super::{Facts, decide::decide, verdict::Verdict};
use crate::model::Condition;

/// What a rule does for whom, and which of it is for this user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cases<E> {
    /// In order; the first that is met applies.
    pub cases: Vec<Case<E>>,
    /// For those who meet none.
    pub otherwise: E,
    /// Which one is for this user.
    pub applies: Applies,
}

/// What a rule does for those who meet a condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Case<E> {
    /// Whether the user meets it, also where an earlier case applies.
    pub verdict: Verdict,
    /// What it does.
    pub effect: E,
}

/// Which case of a rule is for the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Applies {
    /// The one of this number, counted from 1.
    Case(usize),
    /// None: the user gets what everyone else gets.
    Otherwise,
}

impl<E> Cases<E> {
    pub(super) fn of<T>(
        facts: &Facts<'_>,
        cases: &[(Condition, T)],
        otherwise: &T,
        mut effect: impl FnMut(Applies, &T) -> E,
    ) -> Self {
        let cases: Vec<Case<E>> = cases
            .iter()
            .enumerate()
            .map(|(index, (condition, what))| Case {
                verdict: decide(condition, facts.user, &facts.projects),
                effect: effect(Applies::Case(index + 1), what),
            })
            .collect();
        let met = cases.iter().position(|case| case.verdict.is_met());
        Self {
            applies: met.map_or(Applies::Otherwise, |index| Applies::Case(index + 1)),
            cases,
            otherwise: effect(Applies::Otherwise, otherwise),
        }
    }

    /// What is done for the user.
    #[must_use]
    pub fn effect(&self) -> &E {
        match self.applies {
            Applies::Case(number) => {
                self.cases.get(number.wrapping_sub(1)).map_or(&self.otherwise, |case| &case.effect)
            }
            Applies::Otherwise => &self.otherwise,
        }
    }
}
