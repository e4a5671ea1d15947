//! Which rows a user sees.

use serde_json::json;

use super::{check, open, rules};
use crate::{
    explain::tests::world::{profile, project},
    model::EntitlementKind,
};

#[test]
fn rows_by_what_the_user_has() {
    let matched = json!({"match": {"any": [
        {"attribute": {"name": "country", "column": {"tag": "geo.country"}}},
        {"all": [{"group": {"column": {"name": "phone"}}}]},
    ]}});
    let predicate = "country = 'DE' OR @isInGroups('staff', 'it''s') OR @attributeValuesContains('region', phone)";
    let policies = vec![
        open(),
        rules(
            "regions",
            json!([
                {"rows": {"only": matched, "except": {"group": "auditors"}}},
                {"rows": {"cases": [
                    {"for": {"group": "interns"}, "only": {"sample": {"percent": 12.5}}},
                    {"for": {"group": "staff"}, "only": {"time_window": {"newer_than_days": 30, "older_than_days": 2}}},
                ], "otherwise": "none"}},
                {"rows": {"only": {"where": predicate}}},
            ]),
        ),
    ];
    let user = profile(&["staff", "country=DE", "country=FR"], &[]);
    check(
        Some("id"),
        Some(&user),
        policies,
        vec![],
        r"
        data source `customer`
          the user is let in
            a way in, policy `open` (anyone): met by having a profile
          column `id`, BIGINT: the user sees the value itself, which no policy masks
          rows by policy `regions`, rule 1: the user sees rows in which one of [column `country` equals a value of attribute `country` (the user has `DE`, `FR`); all of [column `phone` equals a group (the user has `staff`)]]
            case 1, every row: not met, missing group `auditors`
            otherwise: applies
          rows by policy `regions`, rule 2: the user sees rows newer than 30 days and older than 2 days, by column `signed_up`
            case 1, a stable 12.5% of the rows, by column `id`: not met, missing group `interns`
            case 2: applies, met by group `staff`
            otherwise, no row: not reached
          rows by policy `regions`, rule 3: the user sees rows for which `country = 'DE' OR @isInGroups('it''s', 'staff') OR @attributeValuesContains('region', phone)` is true
            it asks: met by group `staff`
            it asks: column `phone` in attribute `region`, of which the user has none
    ",
    );
}

#[test]
fn purposes_count_through_the_project_worked_in() {
    let policies = || {
        vec![
            open(),
            rules(
                "fraud",
                json!([
                    {"rows": {"only": {"purposes": ["fraud", "risk"]}, "except": {"purpose": "audit"}}},
                ]),
            ),
        ]
    };
    let projects = || {
        vec![
            project(json!({"id": "cards", "purposes": ["fraud.cards"]})),
            project(json!({"id": "loans", "purposes": ["risk"]})),
        ]
    };
    let acting = profile(
        &[],
        &[
            (EntitlementKind::Project, None, "cards"),
            (EntitlementKind::Purpose, Some("cards"), "fraud"),
            (EntitlementKind::Purpose, Some("cards"), "fraud.cards"),
        ],
    );
    check(
        Some("id"),
        Some(&acting),
        policies(),
        projects(),
        r"
        data source `customer`
          the user is let in
            a way in, policy `open` (anyone): met by having a profile
          column `id`, BIGINT: the user sees the value itself, which no policy masks
          rows by policy `fraud`, rule 1: the user sees every row
            case 1, every row: not met, missing purpose `audit` (no project of this data source has it)
            otherwise: applies
            every row while acting under one of the purposes `fraud`, `risk`, else none: met by purpose `fraud` through project `cards`
    ",
    );
    let idle = profile(&[], &[(EntitlementKind::Project, None, "cards")]);
    check(
        Some("id"),
        Some(&idle),
        policies(),
        projects(),
        r"
        data source `customer`
          the user is let in
            a way in, policy `open` (anyone): met by having a profile
          column `id`, BIGINT: the user sees the value itself, which no policy masks
          rows by policy `fraud`, rule 1: the user sees no row
            case 1, every row: not met, missing purpose `audit` (no project of this data source has it)
            otherwise: applies
            every row while acting under one of the purposes `fraud`, `risk`, else none: not met, missing one of the purposes `fraud`, `risk` (not acknowledged in project `cards`; not working in project `loans`)
    ",
    );
}
