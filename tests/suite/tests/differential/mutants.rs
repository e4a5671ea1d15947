//! Wrong plans, which must be noticed: a comparison that finds nothing wrong is worth nothing if it can't.

use std::collections::BTreeMap;

use redoubt_core::{
    interpret::Keys,
    model::{Condition, policy::TimeUnit},
    plan::{Grant, Held, RowMatch, RowTest, Transform, Treatment, ViewPlan},
    sql::Text,
};

use crate::{judge::Judge, run::Run};

/// How often each is to be noticed until it is tried no more.
const OFTEN: usize = 3;

/// Changes a plan, and says whether there was anything to change.
type Change = fn(&mut ViewPlan) -> bool;

const CHANGES: [(&str, Change); 43] = [
    ("a masked column is clear", |plan| treatments(plan, |treatment| *treatment = Treatment::Clear)),
    ("a mask is null", |plan| otherwise(plan, |transform| replace(transform, Transform::Null))),
    ("cases of a mask are left out", |plan| cases(plan, |cases, _| cases.clear())),
    ("cases of a mask are in another order", |plan| cases(plan, |cases, _| cases.reverse())),
    ("`any` is `all` in a case of a mask", |plan| {
        cases(plan, |cases, _| cases.iter_mut().for_each(|(one, _)| swap(one)))
    }),
    ("a case of a mask gives the rest", |plan| {
        cases(plan, |cases, otherwise| cases.iter_mut().for_each(|(_, transform)| *transform = otherwise.clone()))
    }),
    ("cells are masked everywhere", |plan| {
        any(plan.columns.iter_mut().map(|column| match &mut column.treatment {
            Treatment::Masked { only_where, .. } => only_where.take().is_some(),
            Treatment::Clear => false,
        }))
    }),
    ("a constant is null", |plan| of(plan, |t| matches!(t, Transform::Constant(_)).then_some(Transform::Null))),
    ("a hash of text is null", |plan| of(plan, |t| matches!(t, Transform::HashText).then_some(Transform::Null))),
    ("a hash has another modulus", |plan| {
        of(plan, |t| match t {
            Transform::HashInteger { modulus } => Some(Transform::HashInteger { modulus: modulus / 2 }),
            _ => None,
        })
    }),
    ("another bucket", |plan| {
        of(plan, |t| match t {
            Transform::RoundNumber { bucket, inexact } => {
                Some(Transform::RoundNumber { bucket: bucket.saturating_add(1).min(i64::MAX - 1), inexact: *inexact })
            }
            _ => None,
        })
    }),
    ("another unit", |plan| {
        of(plan, |t| match t {
            Transform::RoundTime(TimeUnit::Year) => Some(Transform::RoundTime(TimeUnit::Quarter)),
            Transform::RoundTime(TimeUnit::Day) => Some(Transform::RoundTime(TimeUnit::Hour)),
            Transform::RoundTime(_) => Some(Transform::RoundTime(TimeUnit::Year)),
            _ => None,
        })
    }),
    ("one more character at the start", |plan| shown(plan, |first, _, _| *first += 1)),
    ("one more character at the end", |plan| shown(plan, |_, last, _| *last += 1)),
    ("another sign for what is hidden", |plan| shown(plan, |_, _, with| *with = text("?"))),
    ("a custom mask is null", |plan| of(plan, |t| matches!(t, Transform::Custom(_)).then_some(Transform::Null))),
    ("case does not count in a pattern", |plan| regex(plan, |mask| mask.ignore_case = !mask.ignore_case)),
    ("the first match instead of all", |plan| regex(plan, |mask| mask.first_only = !mask.first_only)),
    ("another replacement", |plan| regex(plan, |mask| mask.replace_with = text("?!"))),
    ("encryption is null", |plan| of(plan, |t| matches!(t, Transform::Reversible).then_some(Transform::Null))),
    ("another alphabet", |plan| {
        of(plan, |t| match t {
            Transform::FormatPreserving { .. } => {
                Some(Transform::FormatPreserving { alphabet: text("abcdefghijklmno0") })
            }
            _ => None,
        })
    }),
    ("another largest number", |plan| {
        of(plan, |t| match t {
            Transform::FormatPreservingNumber { most } => {
                Some(Transform::FormatPreservingNumber { most: text(&most.as_str().replace('9', "8")) })
            }
            _ => None,
        })
    }),
    ("the truth is told always", |plan| categories(plan, |_, truth| *truth = 10_000)),
    ("the truth is told never", |plan| categories(plan, |_, truth| *truth = 0)),
    ("categories in another order", |plan| categories(plan, |values, _| values.reverse())),
    ("more noise", |plan| {
        of(plan, |t| match t {
            Transform::RandomNumber { noise, key } => Some(Transform::RandomNumber { noise: noise + 1, key: *key }),
            _ => None,
        })
    }),
    ("more days", |plan| {
        of(plan, |t| match t {
            Transform::RandomDate { days, key } => Some(Transform::RandomDate { days: days + 1, key: *key }),
            _ => None,
        })
    }),
    ("everyone is let in", |plan| {
        plan.subscription.grants.push(Grant::Anyone);
        true
    }),
    ("a way in is closed", |plan| {
        plan.subscription.grants.pop();
        true
    }),
    ("guardrails are left out", |plan| {
        let there = !plan.subscription.guardrails.is_empty();
        plan.subscription.guardrails.clear();
        there
    }),
    ("a row rule is left out", |plan| plan.rows.pop().is_some()),
    ("cases of row rules are left out", |plan| {
        any(plan.rows.iter_mut().map(|rows| !std::mem::take(&mut rows.cases).is_empty()))
    }),
    ("one match instead of all, or all instead of one", |plan| {
        tests(plan, |test| match test {
            RowTest::Match(RowMatch::Any(list)) => *test = RowTest::Match(RowMatch::All(list.clone())),
            RowTest::Match(RowMatch::All(list)) => *test = RowTest::Match(RowMatch::Any(list.clone())),
            _ => {}
        })
    }),
    ("groups instead of an attribute, or none", |plan| {
        tests(plan, |test| {
            if let RowTest::Match(RowMatch::Equals { held, .. }) = test {
                *held = if *held == Held::Group { Held::Purpose } else { Held::Group };
            }
        })
    }),
    ("a window ends elsewhere", |plan| {
        tests(plan, |test| {
            if let RowTest::TimeWindow { newer_than, older_than, .. } = test {
                std::mem::swap(newer_than, older_than);
            }
        })
    }),
    ("a larger sample", |plan| {
        tests(plan, |test| {
            if let RowTest::Sample { share, .. } = test {
                *share += 2_000;
            }
        })
    }),
    ("no purpose is asked for", |plan| {
        tests(plan, |test| {
            if matches!(test, RowTest::While(_)) {
                *test = RowTest::All;
            }
        })
    }),
    ("a predicate is not asked", |plan| {
        tests(plan, |test| {
            if matches!(test, RowTest::Where(_)) {
                *test = RowTest::All;
            }
        })
    }),
    ("a predicate is never true", |plan| {
        tests(plan, |test| {
            if matches!(test, RowTest::Where(_)) {
                *test = RowTest::None;
            }
        })
    }),
    ("a test of all rows passes none", |plan| {
        tests(plan, |test| {
            if *test == RowTest::All {
                *test = RowTest::None;
            }
        })
    }),
    ("no rows is all rows", |plan| {
        tests(plan, |test| {
            if *test == RowTest::None {
                *test = RowTest::All;
            }
        })
    }),
    ("purposes of no project count", |plan| {
        let there = !plan.purpose_projects.is_empty();
        plan.purpose_projects.clear();
        there
    }),
    ("no project has masked joins", |plan| {
        let there = !plan.join_projects.is_empty();
        plan.join_projects.clear();
        there
    }),
];

/// Changes the secrets.
type KeyChange = fn(&mut Keys);

/// Changes of the secrets.
const KEYS: [(&str, KeyChange); 3] = [
    ("another salt", |keys| keys.salt = Some("0".repeat(64))),
    ("another token", |keys| keys.token = Some("0".repeat(64))),
    ("no salt", |keys| keys.salt = None),
];

fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

fn any(changed: impl Iterator<Item = bool>) -> bool {
    // Each is to be changed, not only the first.
    changed.fold(false, |one, other| one | other)
}

fn replace(transform: &mut Transform, with: Transform) -> bool {
    std::mem::replace(transform, with.clone()) != with
}

fn treatments(plan: &mut ViewPlan, change: impl Fn(&mut Treatment)) -> bool {
    any(plan.columns.iter_mut().map(|column| {
        let masked = column.treatment != Treatment::Clear;
        change(&mut column.treatment);
        masked
    }))
}

fn otherwise(plan: &mut ViewPlan, change: impl Fn(&mut Transform) -> bool) -> bool {
    any(plan.columns.iter_mut().map(|column| match &mut column.treatment {
        Treatment::Masked { otherwise, .. } => change(otherwise),
        Treatment::Clear => false,
    }))
}

fn cases(plan: &mut ViewPlan, change: impl Fn(&mut Vec<(Condition, Transform)>, &Transform)) -> bool {
    any(plan.columns.iter_mut().map(|column| match &mut column.treatment {
        Treatment::Masked { cases, otherwise, .. } if !cases.is_empty() => {
            change(cases, otherwise);
            true
        }
        _ => false,
    }))
}

/// Replaces every transform for which there is another.
fn of(plan: &mut ViewPlan, other: impl Fn(&Transform) -> Option<Transform>) -> bool {
    any(plan.columns.iter_mut().map(|column| match &mut column.treatment {
        Treatment::Masked { cases, otherwise, .. } => {
            let all = cases.iter_mut().map(|(_, transform)| transform).chain([otherwise]);
            any(all.map(|transform| other(transform).is_some_and(|other| replace(transform, other))))
        }
        Treatment::Clear => false,
    }))
}

fn shown(plan: &mut ViewPlan, change: impl Fn(&mut u32, &mut u32, &mut Text)) -> bool {
    of(plan, |transform| match transform.clone() {
        Transform::Show { mut first, mut last, mut replace_with } => {
            change(&mut first, &mut last, &mut replace_with);
            Some(Transform::Show { first, last, replace_with })
        }
        _ => None,
    })
}

fn regex(plan: &mut ViewPlan, change: impl Fn(&mut redoubt_core::model::policy::RegexMask)) -> bool {
    of(plan, |transform| match transform.clone() {
        Transform::Regex(mut mask) => {
            change(&mut mask);
            Some(Transform::Regex(mask))
        }
        _ => None,
    })
}

fn categories(plan: &mut ViewPlan, change: impl Fn(&mut Vec<Text>, &mut u32)) -> bool {
    of(plan, |transform| match transform.clone() {
        Transform::RandomCategory { mut values, mut truth, key } => {
            change(&mut values, &mut truth);
            Some(Transform::RandomCategory { values, truth, key })
        }
        _ => None,
    })
}

fn tests(plan: &mut ViewPlan, change: impl Fn(&mut RowTest)) -> bool {
    any(plan.rows.iter_mut().map(|rows| {
        let all = rows.cases.iter_mut().map(|(_, test)| test).chain([&mut rows.otherwise]);
        any(all.map(|test| {
            let before = test.clone();
            change(test);
            *test != before
        }))
    }))
}

fn swap(condition: &mut Condition) {
    *condition = match condition {
        Condition::Any(list) => Condition::All(list.clone()),
        Condition::All(list) => Condition::Any(list.clone()),
        Condition::Has(_) => return,
    };
}

/// In how many cases each wrong plan was noticed.
pub struct Noticed(BTreeMap<&'static str, usize>);

impl Noticed {
    pub fn new() -> Self {
        let names = CHANGES.iter().map(|(name, _)| *name).chain(KEYS.iter().map(|(name, _)| *name));
        Self(names.map(|name| (name, 0)).collect())
    }

    /// Tries, on a run that was right, what was not noticed often yet.
    pub fn add(&mut self, run: &Run, judge: &Judge) {
        for ((person, place), answer) in &run.answers {
            let planned = &run.prepared.sources[*place];
            let Ok(plan) = &planned.plan else { continue };
            let keys = &run.keys[planned.source.id.as_str()];
            let wrong = |plan: &ViewPlan, keys: &Keys| {
                judge.judge(plan, &planned.rows, keys, &run.prepared.people[*person], answer).is_err()
            };
            for (name, count) in self.0.iter_mut().filter(|(_, count)| **count < OFTEN) {
                let (mut plan, mut keys) = (plan.clone(), keys.clone());
                if let Some((_, change)) = CHANGES.iter().find(|(change, _)| change == name) {
                    if !change(&mut plan) {
                        continue;
                    }
                } else if let Some((_, change)) = KEYS.iter().find(|(change, _)| change == name) {
                    change(&mut keys);
                }
                *count += usize::from(wrong(&plan, &keys));
            }
        }
    }

    /// Wrong plans that nothing was wrong with.
    pub fn missing(&self) -> Vec<&str> {
        self.0.iter().filter(|(_, count)| **count == 0).map(|(name, _)| *name).collect()
    }

    pub fn print(&self) -> String {
        let lines = self.0.iter().map(|(name, count)| format!("{count:>8}  {name}\n"));
        format!("cases in which wrong plans were noticed\n{}", lines.collect::<String>())
    }
}
