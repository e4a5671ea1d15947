//! Who is let in.

use serde_json::{Value, json};

use super::{check, open};
use crate::{
    explain::tests::world::{policy, profile, project},
    model::EntitlementKind,
};

#[test]
fn who_is_let_in() {
    let entitled = |id: &str, guardrail: bool, condition: Value| {
        policy(json!({
            "id": id, "guardrail": guardrail, "scope": {"tags": ["crm"]},
            "subscription": {"level": "entitlement", "condition": condition},
        }))
    };
    let policies = || {
        vec![
            entitled("backend", false, json!({"attribute": {"name": "org", "values": ["eng.backend"]}})),
            policy(json!({
                "id": "named", "name": "Named users", "subscription": {"level": "individuals", "users": ["u-7", "u-8"]},
            })),
            entitled(
                "staff-only",
                true,
                json!({"any": [{"group": "staff"}, {"all": [{"group": "vendor"}, {"purpose": "audit"}]}]}),
            ),
        ]
    };
    let audit = project(json!({"id": "p1", "purposes": ["audit.yearly"]}));
    let insider = profile(&["org=eng", "staff"], &[(EntitlementKind::User, None, "u-7")]);
    check(
        Some("id"),
        Some(&insider),
        policies(),
        vec![audit.clone()],
        r"
        data source `customer`
          the user is let in
            a way in, policy `backend` (entitlement): met by attribute `org` = `eng` (above `eng.backend`)
            a way in, policy `named` (`Named users`) (individuals): met by being user `u-7`
            guardrail, policy `staff-only` (entitlement): met by group `staff`
          column `id`, BIGINT: the user sees the value itself, which no policy masks
    ",
    );
    let outsider =
        profile(&["vendor"], &[(EntitlementKind::User, None, "u-9"), (EntitlementKind::Project, None, "p1")]);
    check(
        Some("id"),
        Some(&outsider),
        policies(),
        vec![audit],
        r"
        data source `customer`
          the user sees nothing
            a way in, policy `backend` (entitlement): not met, missing attribute `org` = `eng.backend` (has none)
            a way in, policy `named` (`Named users`) (individuals): not met, missing being one of the 2 users listed
            guardrail, policy `staff-only` (entitlement): not met, missing one of [group `staff`; purpose `audit` (not acknowledged in project `p1`)]
          column `id`, BIGINT: the user would see the value itself, which no policy masks
    ",
    );
}

#[test]
fn without_a_grant_an_approval_is_needed() {
    let approved = profile(&[], &[(EntitlementKind::Approval, None, "customer")]);
    check(
        Some("id"),
        Some(&approved),
        vec![],
        vec![],
        r"
        data source `customer`
          the user is let in
            a way in, individual approval, as no policy grants: met by the approval for `customer`
          column `id`, BIGINT: the user sees the value itself, which no policy masks
    ",
    );
    check(
        Some("id"),
        None,
        vec![open()],
        vec![],
        r"
        data source `customer`
          the user sees nothing: they have no profile
            a way in, policy `open` (anyone): not met, missing a profile
          column `id`, BIGINT: the user would see the value itself, which no policy masks
    ",
    );
}
