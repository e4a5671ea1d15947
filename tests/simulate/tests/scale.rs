//! Large bursts under the real quotas, smaller than those of `make scale`: so that what these show stays true.

use redoubt_simulate::scale::cases::{Case, first_load, policy_change, user_changes};

fn hold(case: &Case) {
    assert!(!case.targets.is_empty());
    assert_eq!(case.missed(), 0, "{case}");
    assert!(case.took.calls >= case.floor.calls, "the floor is one");
    assert!(case.took.cost >= case.floor.cost && case.took.cost < case.single.cost, "{case}");
}

#[test]
fn a_policy_change_takes_little_longer_than_the_quotas_demand() {
    let case = policy_change(1_000);
    hold(&case);
    // Each view once, and the definition.
    assert_eq!(case.took.calls, case.floor.calls + 1);
}

#[test]
fn users_share_calls() {
    hold(&user_changes(5_000));
}

#[test]
fn a_first_load_takes_little_longer_than_the_quotas_demand() {
    let case = first_load(1_000);
    hold(&case);
    // Each instance may leave one call unfilled.
    assert!(case.took.calls <= case.floor.calls + 5, "{case}");
}
