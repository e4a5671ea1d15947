//! An explanation says what the plan enforces, and leaves no policy out.

use std::collections::BTreeSet;

use proptest::{collection::vec, prelude::*, strategy::ValueTree, test_runner::TestRunner};

use serde_json::json;

use super::world::{PROJECTS, asked, policy, profile, projects, source, state, text};
use crate::{
    explain::{Applies, Cases, Criterion, Explanation, MaskExplanation, Off, PredicateTest, RowEffect, explain},
    expression::{Bound, Node, UserTest},
    interpret::{may_see, meets},
    model::{Condition, DataSource, EntitlementKind, Policy, Project, policy::Filter, strategies},
    plan::{self, RowTest, Transform, Treatment},
    render::profile::ProfileState,
    resolve::{PolicySet, ProjectSet, covers},
    unmask::may_unmask,
};

/// Policies, a source, projects, and a user who has some of what is asked.
#[derive(Debug, Clone)]
struct World {
    policies: Vec<Policy>,
    source: DataSource,
    projects: Vec<Project>,
    user: ProfileState,
}

fn world() -> impl Strategy<Value = World> {
    let drawn = (strategies::policies(), strategies::data_source(), vec(any::<u8>(), 32), 0..=PROJECTS.len());
    drawn.prop_flat_map(|(policies, source, dice, works_in)| {
        let asked = asked(&policies);
        let purposes = asked.iter().filter(|one| one.kind == EntitlementKind::Purpose);
        let purposes = purposes.flat_map(|one| &one.values);
        let purposes: Vec<_> = purposes.flat_map(|one| [one.clone(), text(&format!("{}.x", one.as_str()))]).collect();
        let mut user = ProfileState { project: PROJECTS.get(works_in).map(|id| text(id)), ..ProfileState::default() };
        if let Some(project) = &user.project {
            user.entitlements.insert((EntitlementKind::Project, None, project.clone()));
        }
        let mut dice = dice.into_iter().cycle();
        let mut lucky = |chances: u8| dice.next().is_some_and(|die| die % 10 < chances);
        if lucky(4) {
            user.entitlements.insert((EntitlementKind::Approval, None, source.id.text().clone()));
        }
        for one in &asked {
            for value in one.values.iter().filter(|_| lucky(4)) {
                let name = if one.kind == EntitlementKind::Purpose { user.project.clone() } else { one.name.clone() };
                if one.kind != EntitlementKind::Purpose || name.is_some() {
                    user.entitlements.insert((one.kind, name, value.clone()));
                }
            }
        }
        projects(&strategies::SOURCES, purposes).prop_map(move |projects| World {
            policies: policies.clone(),
            source: source.clone(),
            projects,
            user: user.clone(),
        })
    })
}

/// The case that the plan's conditions pick.
fn picked<T>(cases: &[(Condition, T)], user: &ProfileState) -> Applies {
    let met = cases.iter().position(|(condition, _)| meets(condition, user));
    met.map_or(Applies::Otherwise, |index| Applies::Case(index + 1))
}

fn check_mask(mask: &MaskExplanation, treatment: &Treatment, user: &ProfileState) {
    let Treatment::Masked { cases, otherwise, only_where } = treatment else { panic!("a mask that is not planned") };
    assert_eq!(mask.cases.applies, picked(cases, user));
    assert_eq!(mask.only_where.is_some(), only_where.is_some());
    let transforms = cases.iter().map(|(_, transform)| transform).chain([otherwise]);
    let effects = mask.cases.cases.iter().map(|case| &case.effect).chain([&mask.cases.otherwise]);
    for (transform, effect) in transforms.zip(effects) {
        assert_eq!(*transform == Transform::Clear, effect.mask == "clear");
        assert_eq!(*transform == Transform::Null, effect.mask == "null" || effect.null_because.is_some());
        assert!(effect.joins_within.is_none() || transform.is_hash());
    }
}

fn check_rows(cases: &Cases<RowEffect>, planned: &plan::PlannedRows, user: &ProfileState) {
    assert_eq!(cases.applies, picked(&planned.cases, user));
    let tests = planned.cases.iter().map(|(_, test)| test).chain([&planned.otherwise]);
    let effects = cases.cases.iter().map(|case| &case.effect).chain([&cases.otherwise]);
    for (test, effect) in tests.zip(effects) {
        match (test, effect) {
            (RowTest::All, RowEffect::All)
            | (RowTest::None, RowEffect::None)
            | (RowTest::Match(_), RowEffect::Match(_))
            | (RowTest::Where(_), RowEffect::Where { .. })
            | (RowTest::TimeWindow { .. }, RowEffect::TimeWindow { column: Some(_), .. })
            | (RowTest::Sample { .. }, RowEffect::Sample { column: Some(_), .. }) => {}
            (RowTest::While(condition), RowEffect::While { verdict, .. }) => {
                assert_eq!(meets(condition, user), verdict.is_met());
            }
            other => panic!("{other:?}"),
        }
    }
}

/// The identities of all policies that an explanation mentions.
fn mentioned(explanation: &Explanation) -> BTreeSet<String> {
    let access = &explanation.access;
    let ways = access.grants.iter().chain(&access.guardrails).filter_map(|way| way.policy.as_ref());
    let masks = explanation.columns.iter().filter_map(|column| column.mask.as_ref());
    let masks = masks.flat_map(|mask| mask.losers.iter().map(|loser| &loser.policy).chain([&mask.policy]));
    let rows = explanation.rows.iter().map(|rows| &rows.policy);
    let unmatched = explanation.unmatched.iter().map(|unmatched| &unmatched.policy);
    let inactive = explanation.inactive.iter().map(|inactive| &inactive.policy);
    let all = ways.chain(masks).chain(rows).chain(unmatched).chain(inactive).chain(&explanation.elsewhere);
    all.map(|policy| policy.id.clone()).collect()
}

fn check_losers(mask: &MaskExplanation, policies: &[Policy]) {
    let find = |id: &str| policies.iter().find(|policy| policy.id.as_str() == id).unwrap();
    let winner = find(&mask.policy.id);
    for loser in &mask.losers {
        let policy = find(&loser.policy.id);
        match &loser.lost_by {
            Criterion::Local => assert!(winner.is_local() && !policy.is_local()),
            criterion => {
                assert_eq!(winner.is_local(), policy.is_local());
                match criterion {
                    Criterion::Local => {}
                    Criterion::Selector { winner, loser } => assert_ne!(winner, loser),
                    Criterion::Age { winner: older, loser: younger } => {
                        assert!(winner.created_at < policy.created_at && older < younger);
                    }
                    Criterion::Identity { .. } => {
                        assert!(winner.created_at == policy.created_at && winner.id < policy.id);
                    }
                    Criterion::Rule { winner: earlier, loser: later } => {
                        assert_eq!((winner.id.as_str(), *earlier), (policy.id.as_str(), mask.rule));
                        assert!(earlier < later && *later == loser.rule);
                    }
                }
            }
        }
    }
}

/// The conditions of a predicate as they are enforced, from left to right.
fn conditions<'a>(bound: &'a Bound, found: &mut Vec<&'a Condition>) {
    if let Node::User(UserTest::Has(condition)) = bound.node() {
        found.push(condition);
    }
    bound.children().into_iter().for_each(|child| conditions(child, found));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn what_is_explained_is_what_is_enforced(World { policies, source, projects, user } in world()) {
        let (set, projects) = (PolicySet::new(policies), ProjectSet::new(projects));
        let explanation = explain(&source, None, Some(&user), &set, &projects).unwrap();
        let resolution = set.resolve(&source);
        let planned = plan::build(&source, &resolution, &projects);

        prop_assert_eq!(explanation.columns.len(), source.columns.len());
        prop_assert_eq!(explanation.rows.len(), resolution.rows.len());
        match &planned {
            Ok(plan) => {
                prop_assert!(explanation.withdrawn.is_empty());
                prop_assert_eq!(explanation.access.visible, may_see(&plan.subscription, &user));
                for (column, planned) in explanation.columns.iter().zip(&plan.columns) {
                    let shown = column.shown_as.as_ref().unwrap_or(&column.data_type);
                    prop_assert_eq!(shown, &planned.shown.to_string());
                    match &column.mask {
                        None => prop_assert_eq!(&planned.treatment, &Treatment::Clear),
                        Some(mask) => check_mask(mask, &planned.treatment, &user),
                    }
                    let may = column.mask.as_ref().and_then(|mask| mask.unmask.as_ref()).is_some_and(|v| v.is_met());
                    let enforced = may_unmask(&source, &column.column, &set, &projects, &user);
                    prop_assert_eq!(explanation.access.visible && may, enforced);
                }
                for (rows, planned) in explanation.rows.iter().zip(&plan.rows) {
                    check_rows(&rows.cases, planned, &user);
                }
            }
            Err(error) => {
                let reasons: Vec<&str> = explanation.withdrawn.iter().map(|one| one.reason.as_str()).collect();
                prop_assert!(reasons.contains(&error.to_string().as_str()), "{} is not in {:?}", error, reasons);
                prop_assert!(!explanation.sees_view());
                let masks = explanation.columns.iter().filter_map(|column| column.mask.as_ref());
                let marked = masks.filter(|mask| mask.withdrawn.is_some()).count()
                    + explanation.rows.iter().filter(|rows| rows.withdrawn.is_some()).count();
                prop_assert_eq!(marked, explanation.withdrawn.len());
            }
        }
        for mask in explanation.columns.iter().filter_map(|column| column.mask.as_ref()) {
            check_losers(mask, set.policies());
        }
    }

    #[test]
    fn every_policy_in_scope_is_mentioned(world in world(), asked in any::<prop::sample::Index>()) {
        let World { policies, source, projects, user } = world;
        let covering: BTreeSet<String> = policies
            .iter()
            .filter(|policy| covers(&policy.scope, &source))
            .map(|policy| policy.id.to_string())
            .collect();
        let (set, projects) = (PolicySet::new(policies), ProjectSet::new(projects));
        let all = explain(&source, None, Some(&user), &set, &projects).unwrap();
        prop_assert_eq!(&mentioned(&all), &covering);
        prop_assert!(all.elsewhere.is_empty());
        let index = asked.index(source.columns.len());
        let one = explain(&source, Some(source.columns[index].name.as_str()), Some(&user), &set, &projects).unwrap();
        prop_assert_eq!(&mentioned(&one), &covering);
        prop_assert_eq!(&one.columns[..], &all.columns[index..=index]);
        prop_assert_eq!((&one.access, &one.rows, &one.withdrawn), (&all.access, &all.rows, &all.withdrawn));
        for inactive in &one.inactive {
            prop_assert!(!inactive.because.is_empty() && !inactive.because.contains(&Off::DisabledForDataSource));
        }
    }

    #[test]
    fn tests_in_predicates_are_decided_as_they_are_enforced(
        user in state(),
        projects in projects(&["customer"], ["x", "x.y", "v.w"].map(text).to_vec()),
    ) {
        let predicate = "(@hasPurpose('x.y') AND one = 'x') OR @hasAttribute('a', 'x.y.z') OR @isInGroups('x', 'v') \
            OR @purposesContains(one)";
        let rule = policy(json!({"id": "p", "rules": [{"rows": {"only": {"where": predicate}}}]}));
        let source = source(json!({"columns": [{"name": "one", "type": "varchar(9)"}]}));
        let (set, projects) = (PolicySet::new(vec![rule]), ProjectSet::new(projects));
        let explanation = explain(&source, None, Some(&user), &set, &projects).unwrap();
        let plan = plan::build(&source, &set.resolve(&source), &projects).unwrap();
        let (RowTest::Where(bound), RowEffect::Where { tests, .. }) =
            (&plan.rows[0].otherwise, &explanation.rows[0].cases.otherwise)
        else {
            panic!("no predicate")
        };
        let mut enforced = Vec::new();
        conditions(bound, &mut enforced);
        let enforced: Vec<bool> = enforced.into_iter().map(|condition| meets(condition, &user)).collect();
        let told = tests.iter().filter_map(|test| match test {
            PredicateTest::Has(verdict) => Some(verdict.is_met()),
            PredicateTest::Contains { .. } => None,
        });
        prop_assert_eq!(told.collect::<Vec<_>>(), enforced);
        let PredicateTest::Contains { has, .. } = &tests[3] else { panic!("no list") };
        let acting = user.entitlements.iter().filter(|(kind, project, _)| {
            *kind == EntitlementKind::Purpose && project.as_ref().is_some_and(|id| plan.purpose_projects.contains(id))
        });
        prop_assert_eq!(has.len(), acting.count());
    }

    #[test]
    fn whoever_has_no_profile_sees_nothing(World { policies, source, projects, .. } in world()) {
        let (set, projects) = (PolicySet::new(policies), ProjectSet::new(projects));
        let explanation = explain(&source, None, None, &set, &projects).unwrap();
        prop_assert!(!explanation.access.visible && !explanation.sees_view());
        prop_assert!(explanation.access.grants.iter().all(|way| !way.verdict.is_met()));
    }

    /// Every line is one that this crate began, whatever names hold; the data is JSON.
    #[test]
    fn names_cannot_forge_lines(World { policies, source, projects, user } in world()) {
        let (set, projects) = (PolicySet::new(policies), ProjectSet::new(projects));
        let explanation = explain(&source, None, Some(&user), &set, &projects).unwrap();
        let printed = explanation.to_string();
        prop_assert!(printed.ends_with('\n'));
        prop_assert!(printed.chars().all(|c| c == '\n' || !c.is_control()));
        let json = serde_json::to_value(&explanation).unwrap();
        prop_assert_eq!(json["data_source"].as_str(), Some(source.id.as_str()));
    }
}

/// The properties are worth little if hardly anything is met.
#[test]
fn random_users_meet_and_miss_conditions() {
    let mut runner = TestRunner::deterministic();
    let (mut visible, mut hidden, mut cases, mut otherwise, mut withdrawn, mut whiles, mut undone) =
        (0, 0, 0, 0, 0, 0, 0);
    for _ in 0..400 {
        let World { policies, source, projects, user } = world().new_tree(&mut runner).unwrap().current();
        let whole = |filter: &Filter| matches!(filter, Filter::While(_));
        let (set, projects) = (PolicySet::new(policies), ProjectSet::new(projects));
        whiles += set.resolve(&source).rows.iter().filter(|rows| whole(&rows.rule.otherwise)).count();
        let explanation = explain(&source, None, Some(&user), &set, &projects).unwrap();
        *(if explanation.access.visible { &mut visible } else { &mut hidden }) += 1;
        withdrawn += usize::from(!explanation.withdrawn.is_empty());
        for mask in explanation.columns.iter().filter_map(|column| column.mask.as_ref()) {
            undone += usize::from(mask.unmask.as_ref().is_some_and(|verdict| verdict.is_met()));
            match mask.cases.applies {
                Applies::Case(_) => cases += 1,
                Applies::Otherwise => otherwise += 1,
            }
        }
    }
    let counts = [visible, hidden, cases, otherwise, withdrawn, whiles, undone];
    assert!(counts.iter().all(|count| *count >= 5), "{counts:?}");
}

/// A rule may mask reversibly in several ways: who meets the condition of any of them may undo them all.
#[test]
fn who_may_undo_is_who_is_told_so() {
    let reversible = |group: &str| json!({"kind": "reversible", "unmask": {"group": group}});
    let rule = json!([{"mask": {
        "columns": "all", "cases": [{"for": {"group": "a"}, "using": reversible("b")}], "otherwise": reversible("c"),
    }}]);
    let open = policy(json!({"id": "open", "subscription": {"level": "anyone"}}));
    let set = PolicySet::new(vec![open, policy(json!({"id": "p", "rules": rule}))]);
    let source = source(json!({"columns": [{"name": "one", "type": "varchar(9)"}]}));
    for (groups, may) in [(&["a"][..], false), (&["b"], true), (&["a", "c"], true), (&["d"], false)] {
        let (user, projects) = (profile(groups, &[]), ProjectSet::default());
        let explanation = explain(&source, Some("one"), Some(&user), &set, &projects).unwrap();
        let told = explanation.columns[0].mask.as_ref().unwrap().unmask.as_ref().unwrap();
        assert_eq!((told.is_met(), may_unmask(&source, "one", &set, &projects, &user)), (may, may), "{groups:?}");
    }
}
