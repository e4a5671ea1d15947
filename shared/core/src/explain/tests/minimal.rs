//! What is named as having decided did decide, and nothing too much is named.

use proptest::prelude::*;

use super::world::{Entry, condition, entry, profile, projects, state, text};
use crate::{
    explain::{Held, Lack, Need, Verdict, decide::decide},
    interpret::meets,
    model::{Condition, Entitlement, EntitlementKind, Project},
    plan::condition_on,
    render::profile::ProfileState,
};

fn with(entries: impl IntoIterator<Item = Entry>) -> ProfileState {
    ProfileState { project: None, entitlements: entries.into_iter().collect() }
}

fn without(user: &ProfileState, held: &[&Held]) -> ProfileState {
    let mut user = user.clone();
    for held in held {
        assert!(user.entitlements.remove(&entry(held)), "{held} is named and not there");
    }
    user
}

/// Adds one way of what is missing; `false` where there is none.
fn supply(user: &mut ProfileState, need: &Need, wanted: &Condition) -> bool {
    let mut add = |kind, name: Option<&str>, value: &str| {
        user.entitlements.insert((kind, name.map(text), text(value)));
        true
    };
    match need {
        Need::Any(needs) => needs.iter().any(|need| supply(user, need, wanted)),
        Need::All(needs) => needs.iter().all(|need| supply(user, need, wanted)),
        Need::Group(groups) => add(EntitlementKind::Group, None, &groups[0]),
        Need::Approval(sources) => add(EntitlementKind::Approval, None, &sources[0]),
        Need::Project(projects) => add(EntitlementKind::Project, None, &projects[0]),
        Need::Attribute { name, values, .. } => {
            let above = values[0].split('.').next().unwrap();
            add(EntitlementKind::Attribute, Some(name), above)
        }
        Need::Purpose { purposes, through } => match through.first() {
            None => false,
            Some(through) => {
                purposes.iter().all(|purpose| add(EntitlementKind::Purpose, Some(&through.project), purpose))
            }
        },
        // The list itself is not told; whoever stands in it is in the condition.
        Need::Listed(_) => {
            let mut users = Vec::new();
            every_user(wanted, &mut users);
            user.entitlements.extend(users);
            true
        }
        Need::Profile => false,
    }
}

fn every_user(wanted: &Condition, users: &mut Vec<Entry>) {
    match wanted {
        Condition::Any(list) | Condition::All(list) => list.iter().for_each(|one| every_user(one, users)),
        Condition::Has(one) if one.kind == EntitlementKind::User => {
            users.extend(one.values.iter().map(|id| (EntitlementKind::User, None, id.clone())));
        }
        Condition::Has(_) => {}
    }
}

fn lacks(need: &Need) -> Vec<(String, Lack)> {
    match need {
        Need::Any(needs) | Need::All(needs) => needs.iter().flat_map(lacks).collect(),
        Need::Purpose { through, .. } => {
            through.iter().map(|through| (through.project.clone(), through.lacks)).collect()
        }
        _ => Vec::new(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn what_decided_is_enough_and_needed(
        wanted in condition(),
        user in state(),
        projects in projects(&["customer"], ["x", "x.y", "v.w"].map(text).to_vec()),
    ) {
        let projects: Vec<&Project> = projects.iter().collect();
        let enforced = condition_on(&wanted, &projects);
        let verdict = decide(&wanted, &user, &projects);
        prop_assert_eq!(verdict.is_met(), meets(&enforced, &user));
        match &verdict {
            Verdict::Met { decided_by, also } => {
                prop_assert!(!decided_by.is_empty());
                prop_assert!(meets(&enforced, &with(decided_by.iter().map(entry))), "not enough: {}", verdict);
                for spared in decided_by {
                    let rest = decided_by.iter().filter(|one| *one != spared).map(entry);
                    prop_assert!(!meets(&enforced, &with(rest)), "{} can be spared", spared);
                }
                let all: Vec<&Held> = decided_by.iter().chain(also).collect();
                prop_assert!(!meets(&enforced, &without(&user, &all)), "something is not named: {}", verdict);
                for one in also {
                    prop_assert!(!decided_by.contains(one));
                }
                for held in all {
                    if let Held::Attribute { value, covers: Some(below), .. } = held {
                        prop_assert!(below.starts_with(&format!("{value}.")), "{}", held);
                    }
                }
            }
            Verdict::Unmet { missing } => {
                for (project, lack) in lacks(missing) {
                    prop_assert_eq!(lack == Lack::Acknowledgement, user.project == Some(text(&project)));
                }
                let mut helped = user.clone();
                if supply(&mut helped, missing, &wanted) {
                    prop_assert!(meets(&enforced, &helped), "not enough: {}", missing);
                } else {
                    prop_assert!(missing.to_string().contains("no project of this data source has it"));
                }
            }
        }
    }
}

#[test]
fn of_several_ways_the_shortest_is_named() {
    let group = |name: &str| Condition::Has(Entitlement::one(EntitlementKind::Group, text(name)));
    let wanted = Condition::Any(vec![Condition::All(vec![group("a"), group("b")]), group("c"), group("d")]);
    let printed = decide(&wanted, &profile(&["a", "b", "c"], &[]), &[]).to_string();
    assert_eq!(printed, "met by group `c`; would do too: group `a`, group `b`");
    let printed = decide(&wanted, &profile(&["b"], &[]), &[]).to_string();
    assert_eq!(printed, "not met, missing one of [group `a`; group `c`; group `d`]");
}
