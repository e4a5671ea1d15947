//! What is wrong with policies is said in these words. Policy authors see them, so a change here is a change for them.

use serde_json::{Value, json};

use super::{policy, refused};
use crate::{event::Faults, model::Policy};

fn mask(rule: Value) -> Result<Policy, Faults> {
    let mut rule = rule;
    rule["columns"] = json!({"name": "c"});
    policy(json!({"rules": [{"mask": rule}]}))
}

fn rows(rule: Value) -> Result<Policy, Faults> {
    policy(json!({"rules": [{"rows": rule}]}))
}

#[test]
fn a_time_that_is_none() {
    for time in ["yesterday", "2026-13-01T00:00:00Z", "2026-01-01 00:00:00"] {
        let expected =
            format!("`policy.created_at`: found `{time}`, expected a time such as `2026-03-01T09:00:00Z` (RFC 3339)");
        refused(policy(json!({"created_at": time})), &[&expected]);
    }
}

#[test]
fn a_policy_says_one_thing() {
    refused(
        policy(json!({"rules": null})),
        &["`policy`: found neither `subscription` nor `rules`, expected one of them"],
    );
    refused(
        policy(json!({"subscription": {"level": "anyone"}})),
        &["`policy`: found both `subscription` and `rules`, expected one of them"],
    );
    refused(
        policy(json!({"guardrail": true})),
        &["`policy.guardrail`: found `true`, expected no guardrail on a data policy"],
    );
}

#[test]
fn empty_lists() {
    let subscription = |level: Value| policy(json!({"rules": null, "subscription": level}));
    refused(policy(json!({"rules": []})), &["`policy.rules`: found an empty list, expected at least one rule"]);
    refused(
        policy(json!({"scope": {"tags": []}})),
        &["`policy.scope.tags`: found an empty list, expected at least one tag"],
    );
    refused(
        policy(json!({"scope": {"data_sources": []}})),
        &["`policy.scope.data_sources`: found an empty list, expected at least one data source"],
    );
    refused(
        subscription(json!({"level": "individuals", "users": []})),
        &["`policy.subscription.users`: found an empty list, expected at least one user"],
    );
    refused(
        subscription(json!({"level": "entitlement", "condition": {"any": [{"all": []}, {"any": []}]}})),
        &[
            "`policy.subscription.condition.any[0].all`: found an empty list, expected at least one condition",
            "`policy.subscription.condition.any[1].any`: found an empty list, expected at least one condition",
        ],
    );
    refused(
        subscription(json!({"level": "entitlement", "condition": {"attribute": {"name": " ", "values": []}}})),
        &[
            "`policy.subscription.condition.attribute.name`: found an empty text, expected a value of 1 to 512 bytes without \
             control characters or blanks at the ends",
            "`policy.subscription.condition.attribute.values`: found an empty list, expected at least one value",
        ],
    );
    refused(
        rows(json!({"only": {"purposes": []}})),
        &["`policy.rules[0].rows.only.purposes`: found an empty list, expected at least one value"],
    );
    refused(
        rows(json!({"only": {"match": {"all": [{"any": []}]}}})),
        &["`policy.rules[0].rows.only.match.all[0].any`: found an empty list, expected at least one match"],
    );
}

#[test]
fn what_everyone_else_gets_is_never_open() {
    let case = json!([{"for": {"group": "g"}, "using": {"kind": "hash"}}]);
    refused(
        mask(json!({"using": {"kind": "clear"}})),
        &[
            "`policy.rules[0].mask.using.kind`: found `clear`, expected a mask: clear values need a condition that is met",
        ],
    );
    refused(
        mask(json!({"cases": case, "otherwise": {"kind": "clear"}})),
        &[
            "`policy.rules[0].mask.otherwise.kind`: found `clear`, expected a mask: clear values need a condition that is met",
        ],
    );
    refused(
        rows(json!({"only": "all"})),
        &["`policy.rules[0].rows.only`: found `all`, expected a filter: all rows need a condition that is met"],
    );
    refused(
        rows(json!({"cases": [{"for": {"group": "g"}, "only": "all"}], "otherwise": "all"})),
        &["`policy.rules[0].rows.otherwise`: found `all`, expected a filter: all rows need a condition that is met"],
    );
}

#[test]
fn a_rule_has_one_form() {
    let case = json!([{"for": {"group": "g"}, "using": {"kind": "hash"}}]);
    refused(
        mask(json!({ "cases": case })),
        &["`policy.rules[0].mask`: found `cases` without `otherwise`, expected what everyone else gets"],
    );
    let two_forms = "`policy.rules[0].mask`: found another combination of fields, expected either `using`, or `cases` with \
                     `otherwise`";
    refused(mask(json!({})), &[two_forms]);
    refused(mask(json!({"using": {"kind": "null"}, "cases": case, "otherwise": {"kind": "null"}})), &[two_forms]);
    refused(mask(json!({"using": {"kind": "null"}, "otherwise": {"kind": "null"}})), &[two_forms]);
    refused(
        rows(json!({"only": "none", "otherwise": "none"})),
        &[
            "`policy.rules[0].rows`: found another combination of fields, expected either `only`, or `cases` with `otherwise`",
        ],
    );
    refused(
        mask(json!({"cases": case, "otherwise": {"kind": "null"}, "except": {"group": "g"}})),
        &["`policy.rules[0].mask.except`: found `except` beside `cases`, expected a case instead"],
    );
    refused(
        mask(json!({"cases": [], "otherwise": {"kind": "null"}})),
        &["`policy.rules[0].mask.cases`: found an empty list, expected at least one case"],
    );
}

#[test]
fn shares_of_a_sample() {
    for (percent, shown) in [(0.0, "0"), (100.0, "100"), (12.345, "12.345"), (-1.0, "-1"), (0.001, "0.001")] {
        let expected = format!(
            "`policy.rules[0].rows.only.sample.percent`: found `{shown}`, expected more than 0 and less than 100, with at most \
             two decimals"
        );
        refused(rows(json!({"only": {"sample": {"percent": percent}}})), &[&expected]);
    }
    for hundredths in 1..10_000 {
        let percent = f64::from(hundredths) / 100.0;
        let checked = rows(json!({"only": {"sample": {"percent": percent}}}));
        assert!(checked.is_ok(), "{percent} was refused");
    }
}

#[test]
fn bounds_of_a_time_window() {
    refused(
        rows(json!({"only": {"time_window": {}}})),
        &[
            "`policy.rules[0].rows.only.time_window`: found neither `newer_than_days` nor `older_than_days`, expected at least \
           one of them",
        ],
    );
    refused(
        rows(json!({"only": {"time_window": {"newer_than_days": 0, "older_than_days": 36501}}})),
        &[
            "`policy.rules[0].rows.only.time_window.newer_than_days`: found `0`, expected 1 to 36500 days",
            "`policy.rules[0].rows.only.time_window.older_than_days`: found `36501`, expected 1 to 36500 days",
        ],
    );
}

#[test]
fn masks_that_mask_nothing() {
    let using = |mask_: Value| mask(json!({ "using": mask_ }));
    refused(
        using(json!({"kind": "round"})),
        &["`policy.rules[0].mask.using`: found neither `bucket` nor `unit`, expected at least one of them"],
    );
    for bucket in [0, 9_223_372_036_854_775_808_u64] {
        let expected = format!(
            "`policy.rules[0].mask.using.bucket`: found `{bucket}`, expected a whole number from 1 to 9223372036854775807"
        );
        refused(using(json!({"kind": "round", "bucket": bucket})), &[&expected]);
    }
    refused(
        using(json!({"kind": "show", "first": 0})),
        &["`policy.rules[0].mask.using`: found neither `first` nor `last`, expected at least one of them, above 0"],
    );
    refused(
        using(json!({"kind": "show", "first": 65536, "last": 1})),
        &["`policy.rules[0].mask.using.first`: found `65536`, expected at most 65535 characters"],
    );
    for (text, found) in
        [("ab", "`ab`"), ("é", "`é`"), ("", "an empty text"), ("\n", "a text with control characters"), (" ", "` `")]
    {
        let expected = format!(
            "`policy.rules[0].mask.using.replace_with`: found {found}, expected one printable ASCII character, so that the \
             value never gets longer"
        );
        refused(using(json!({"kind": "show", "first": 1, "replace_with": text})), &[&expected]);
    }
}

#[test]
fn constants_that_are_none() {
    let constant = |value: Value| mask(json!({"using": {"kind": "constant", "value": value}}));
    let expected = "a text, a number without exponent, or a truth value";
    for (value, found) in [(json!([1]), "a list"), (json!({}), "an object"), (json!(1e300), "`1e+300`")] {
        let message = format!("`policy.rules[0].mask.using.value`: found {found}, expected {expected}");
        refused(constant(value), &[&message]);
    }
    let message =
        format!("`policy.rules[0].mask.using.value`: found a null, expected {expected}; the mask `null` gives nulls");
    refused(constant(Value::Null), &[&message]);
    let message = format!("`policy.rules[0].mask.using.value`: found text with a NUL character, expected {expected}");
    refused(constant(json!("a\0")), &[&message]);
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize, leaf: Value| (0..depth).fold(leaf, |inner, _| json!({"any": [inner]}));
    let except = |depth| mask(json!({"using": {"kind": "null"}, "except": nested(depth, json!({"group": "g"}))}));
    assert!(except(7).is_ok());
    let path = format!("policy.rules[0].mask.except{}", ".any[0]".repeat(8));
    let expected = format!("`{path}`: found deeper nesting, expected conditions nested at most 8 deep");
    refused(except(8), &[&expected]);
    let only = |depth| rows(json!({"only": {"match": nested(depth, json!({"group": {"column": {"name": "c"}}}))}}));
    assert!(only(7).is_ok());
    let path = format!("policy.rules[0].rows.only.match{}", ".any[0]".repeat(8));
    let expected = format!("`{path}`: found deeper nesting, expected matches nested at most 8 deep");
    refused(only(8), &[&expected]);
}

#[test]
fn every_fault_of_a_policy_is_named() {
    refused(
        policy(json!({
            "id": "", "created_at": "now", "scope": {"tags": ["a..b"]}, "guardrail": true,
            "rules": [
                {"mask": {"columns": {"tag": "."}, "using": {"kind": "clear"}}},
                {"mask": {"columns": {"name": "n".repeat(128)}, "using": {"kind": "round"}}},
                {"rows": {"only": {"match": {"attribute": {"name": "", "column": {"name": ""}}}}}},
            ],
        })),
        &[
            "`policy.id`: found an empty text, expected an identity of 1 to 128 bytes without control characters or blanks at \
             the ends",
            "`policy.created_at`: found `now`, expected a time such as `2026-03-01T09:00:00Z` (RFC 3339)",
            "`policy.scope.tags[0]`: found `a..b`, expected segments joined by single dots, such as `pii.phone`",
            "`policy.guardrail`: found `true`, expected no guardrail on a data policy",
            "`policy.rules[0].mask.columns.tag`: found `.`, expected segments joined by single dots, such as `pii.phone`",
            "`policy.rules[0].mask.using.kind`: found `clear`, expected a mask: clear values need a condition that is met",
            "`policy.rules[1].mask.columns.name`: found a name of 128 bytes, expected a name of 1 to 127 bytes without NUL",
            "`policy.rules[1].mask.using`: found neither `bucket` nor `unit`, expected at least one of them",
            "`policy.rules[2].rows.only.match.attribute.name`: found an empty text, expected a value of 1 to 512 bytes without \
             control characters or blanks at the ends",
            "`policy.rules[2].rows.only.match.attribute.column.name`: found an empty name, expected a name of 1 to 127 bytes \
             without NUL",
        ],
    );
}
