//! What a user sees of columns.

use serde_json::{Value, json};

use super::{check, customer, open, rules};
use crate::{
    explain::{
        explain,
        tests::world::{policy, profile, project},
    },
    model::{EntitlementKind, Id},
    resolve::{PolicySet, ProjectSet},
};

#[test]
fn an_exception_decides() {
    let masked = rules(
        "phones",
        json!([{"mask": {
            "columns": {"tag": "pii"}, "using": {"kind": "hash"},
            "except": {"all": [
                {"group": "support"},
                {"attribute": {"name": "org", "values": ["eng.backend", "eng.web"]}},
            ]},
        }}]),
    );
    let rest = || vec![open(), masked.clone()];
    let support = profile(&["support", "staff", "org=eng", "org=eng.web"], &[]);
    check(
        Some("PHONE"),
        Some(&support),
        rest(),
        vec![],
        r"
        data source `customer`
          the user is let in
            a way in, policy `open` (anyone): met by having a profile
          column `phone`, VARCHAR(15), shown as VARCHAR(64): the user sees the value itself
            masked by policy `phones`, rule 1, columns tagged `pii`
            case 1: applies, met by group `support` and attribute `org` = `eng.web`; would do too: attribute `org` = `eng` (above `eng.backend`)
            otherwise, a salted hash of the value: not reached
    ",
    );
    let other = profile(&["support", "org=sales"], &[]);
    check(
        Some("phone"),
        Some(&other),
        rest(),
        vec![],
        r"
        data source `customer`
          the user is let in
            a way in, policy `open` (anyone): met by having a profile
          column `phone`, VARCHAR(15), shown as VARCHAR(64): the user sees a salted hash of the value
            masked by policy `phones`, rule 1, columns tagged `pii`
            case 1, the value itself: not met, missing attribute `org` = one of `eng.backend`, `eng.web` (has `sales`)
            otherwise: applies
    ",
    );
}

#[test]
fn every_criterion_settles_a_conflict() {
    let mask = |columns: Value, kind: &str| json!({"mask": {"columns": columns, "using": {"kind": kind}}});
    let of = |id: &str, created: &str, scope: Value, rules: Value| {
        policy(json!({"id": id, "created_at": created, "scope": scope, "rules": rules}))
    };
    let here = json!({"data_sources": ["customer"]});
    let (first, second) = ("2026-01-01T00:00:00Z", "2026-02-01T01:00:00+01:00");
    let policies = vec![
        open(),
        of(
            "l1",
            second,
            here.clone(),
            json!([mask(json!({"tag": "pii.phone"}), "null"), mask(json!({"tag": "pii.phone"}), "hash")]),
        ),
        of("l2", second, here.clone(), json!([mask(json!({"tag": "pii.phone"}), "null")])),
        of("l3", "2026-03-01T00:00:00Z", here.clone(), json!([mask(json!({"tag": "pii.phone"}), "null")])),
        of("l4", first, here, json!([mask(json!("all"), "null")])),
        of("global", first, json!("all"), json!([mask(json!({"name": "phone"}), "null")])),
    ];
    check(
        Some("phone"),
        Some(&profile(&[], &[])),
        policies,
        vec![],
        r"
        data source `customer`
          the user is let in
            a way in, policy `open` (anyone): met by having a profile
          column `phone`, VARCHAR(15): the user sees null
            masked by policy `l1`, rule 1, columns tagged `pii.phone`
            over policy `l1`, rule 2, columns tagged `pii.phone`: the earlier rule wins, 1 over 2
            over policy `l2`, rule 1, columns tagged `pii.phone`: of the same age, the smaller identity wins, `l1` over `l2`
            over policy `l3`, rule 1, columns tagged `pii.phone`: the older policy wins, 2026-02-01T00:00:00Z over 2026-03-01T00:00:00Z
            over policy `l4`, rule 1, columns of any kind: the closer selector wins, a tag of 2 segments over every column
            over policy `global`, rule 1, columns named `phone`: a local policy beats a global one
    ",
    );
}

#[test]
fn a_mask_that_a_type_cannot_carry_is_told() {
    let fraud = json!({"kind": "reversible", "unmask": {"any": [{"group": "fraud"}, {"group": "legal"}]}});
    let policies = vec![
        open(),
        rules(
            "pii",
            json!([
                {"mask": {"columns": {"name": "phone"}, "using": fraud, "where": "country = 'DE' OR country = '`'"}},
                {"mask": {"columns": {"tag": "pii"}, "cases": [
                    {"for": {"group": "analysts"}, "using": {"kind": "round", "unit": "month"}},
                    {"for": {"group": "fraud"}, "using": {"kind": "show", "first": 2, "last": 1}},
                    {"for": {"group": "staff"}, "using": {"kind": "clear"}},
                ], "otherwise": {"kind": "hash"}}},
                {"mask": {"columns": {"name": "id"}, "using": {"kind": "hash"}}},
            ]),
        ),
    ];
    let shared = project(json!({"id": "churn", "masked_joins": true}));
    let fraud = profile(&["fraud", "staff"], &[(EntitlementKind::Project, None, "churn")]);
    check(
        None,
        Some(&fraud),
        policies,
        vec![shared],
        r"
        data source `customer`
          the user is let in
            a way in, policy `open` (anyone): met by having a profile
          column `id`, BIGINT: the user sees a salted hash of the value, equal to those in the other data sources of project `churn`
            masked by policy `pii`, rule 3, columns named `id`
          column `phone`, VARCHAR(15), shown as VARCHAR(44): the user sees the value encrypted, as text, in the rows that are masked
            masked by policy `pii`, rule 1, columns named `phone`
            over policy `pii`, rule 2, columns tagged `pii`: the closer selector wins, a column's name over a tag of 1 segment
            only in rows for which `country = 'DE' OR country = '\`'` is not false; in others the value itself
            undoing the mask: met by group `fraud`
          column `country`, CHAR(2): the user sees the value itself, which no policy masks
          column `signed_up`, DATE: the user sees null instead of the first 2 and the last 1 character, each other one replaced by `*` (a `DATE` can't carry this mask)
            masked by policy `pii`, rule 2, columns tagged `pii`
            case 1, the start of its month: not met, missing group `analysts`
            case 2: applies, met by group `fraud`
            case 3, the value itself: not reached
            otherwise, null instead of a salted hash of the value (a `DATE` can't carry this mask): not reached
    ",
    );
}

#[test]
fn a_policy_that_does_not_fit_withdraws_the_view() {
    let policies = vec![
        open(),
        rules(
            "constant",
            json!([{"mask": {"columns": {"tag": "pii"}, "using": {"kind": "constant", "value": "unknown"}}}]),
        ),
        rules("regions", json!([{"rows": {"only": {"match": {"group": {"column": {"tag": "geo.region"}}}}}}])),
    ];
    check(
        Some("signed_up"),
        Some(&profile(&["staff"], &[])),
        policies,
        vec![],
        r"
        data source `customer`
          nobody sees anything: the view is withdrawn
            policy `constant`: the constant does not fit column `signed_up` of type `DATE`
            policy `regions`: a row rule needs a column tagged `geo.region`, and the data source has none
            a way in, policy `open` (anyone): met by having a profile
          column `signed_up`, DATE: its mask can't be applied, see above
            masked by policy `constant`, rule 1, columns tagged `pii`
            for everyone, the constant `unknown`: applies
          rows by policy `regions`, rule 1: can't be applied, see above
            for everyone, rows in which a column that is missing equals a group (the user has `staff`): applies
    ",
    );
}

#[test]
fn what_has_no_effect_is_told_and_names_are_harmless() {
    let mask = |columns: Value| json!([{"mask": {"columns": columns, "using": {"kind": "null"}}}]);
    let mut off = rules("off", mask(json!("all")));
    off.disabled_for.insert(Id::check("id", "customer").unwrap());
    let policies = vec![
        open(),
        off,
        policy(json!({"id": "later", "status": "staged", "rules": mask(json!("untagged"))})),
        policy(json!({"id": "it`s\u{202e}", "name": "x` (y", "rules": mask(json!({"tag": "pii.phon"}))})),
        rules("names", mask(json!({"name_regex": "x.*"}))),
        rules("dates", mask(json!({"tag": "pii.date"}))),
    ];
    check(
        Some("phone"),
        Some(&profile(&["a"], &[])),
        policies,
        vec![],
        r"
        data source `customer`
          the user is let in
            a way in, policy `open` (anyone): met by having a profile
          column `phone`, VARCHAR(15): the user sees the value itself, which no policy masks
          without effect: policy `it\`s\u{202e}` (`x\` (y`), no column is tagged `pii.phon` (did you mean `pii.phone`?)
          without effect: policy `names`, no column is one whose name matches `x.*`
          not in force: policy `later`, staged
          not in force: policy `off`, disabled for this data source
          on other columns: policy `dates`
    ",
    );
}

#[test]
fn the_data_is_json() {
    let masked = rules(
        "phones",
        json!([{"mask": {
            "columns": {"tag": "pii"}, "using": {"kind": "hash"}, "except": {"group": "support"}, "where": "country = 'DE'",
        }}]),
    );
    let (set, user) = (PolicySet::new(vec![open(), masked]), profile(&["staff"], &[]));
    let found = explain(&customer(), Some("phone"), Some(&user), &set, &ProjectSet::default()).unwrap();
    let named = |id: &str| json!({"id": id, "name": id});
    assert_eq!(
        serde_json::to_value(&found).unwrap(),
        json!({
            "data_source": "customer",
            "access": {
                "visible": true, "profile": true, "guardrails": [],
                "grants": [{
                    "policy": named("open"), "level": "anyone", "verdict": {"outcome": "met", "decided_by": []},
                }],
            },
            "withdrawn": [],
            "columns": [{
                "column": "phone", "type": "VARCHAR(15)", "shown_as": "VARCHAR(64)",
                "mask": {
                    "policy": named("phones"), "rule": 1, "columns": {"tag": "pii"}, "losers": [],
                    "where": "country = 'DE'",
                    "cases": [{
                        "verdict": {"outcome": "unmet", "missing": {"group": ["support"]}},
                        "effect": {"mask": "clear", "seen": "the value itself"},
                    }],
                    "otherwise": {"mask": "hash", "seen": "a salted hash of the value"},
                    "applies": "otherwise",
                },
            }],
            "rows": [], "unmatched": [], "inactive": [], "elsewhere": [],
        })
    );
}

#[test]
fn a_column_that_is_not_there_is_refused() {
    let ask = |name| explain(&customer(), Some(name), None, &PolicySet::default(), &ProjectSet::default());
    let error = ask("fone").unwrap_err().to_string();
    assert_eq!(error, "data source `customer` has no column `fone` (did you mean `phone`?)");
    assert_eq!(ask("a`\nb").unwrap_err().to_string(), "data source `customer` has no column `a\\`\\nb`");
    assert!(ask("").is_err());
}
