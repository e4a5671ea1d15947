//! What is wrong with masks, selectors, cells and expressions is said in these words.

use serde_json::{Value, json};

use super::{policy, refused};
use crate::{event::Faults, model::Policy};

fn using(mask: Value) -> Result<Policy, Faults> {
    policy(json!({"rules": [{"mask": {"columns": {"name": "c"}, "using": mask}}]}))
}

fn regex(fields: Value) -> Result<Policy, Faults> {
    let mut mask = json!({"kind": "regex", "pattern": "[0-9]+", "replace_with": "#"});
    mask.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    using(mask)
}

fn rows(predicate: &str) -> Result<Policy, Faults> {
    policy(json!({"rules": [{"rows": {"only": {"where": predicate}}}]}))
}

#[test]
fn selectors() {
    let columns =
        |columns: Value| policy(json!({"rules": [{"mask": {"columns": columns, "using": {"kind": "null"}}}]}));
    refused(
        columns(json!({"name_regex": "c_(phone"})),
        &[
            "`policy.rules[0].mask.columns.name_regex`: found `c_(phone`: found open group without closing ')', expected a regular expression of 1 to \
           512 bytes without control characters",
        ],
    );
    refused(
        columns(json!({"name_regex": ""})),
        &[
            "`policy.rules[0].mask.columns.name_regex`: found an empty text, expected a regular expression of 1 to 512 bytes \
           without control characters",
        ],
    );
    assert!(columns(json!({"name_regex": "a|b"})).is_ok());
}

#[test]
fn patterns_and_replacements() {
    refused(
        regex(json!({"pattern": "[z-a]"})),
        &["`policy.rules[0].mask.using.pattern`: found `[z-a]`: invalid range in character class, expected a regular \
           expression of 1 to 512 bytes without control characters"],
    );
    refused(
        regex(json!({"pattern": "(a)(b)", "replace_with": "\\3"})),
        &["`policy.rules[0].mask.using.replace_with`: found `\\3`, expected a group that the pattern has; it has 2"],
    );
    refused(
        regex(json!({"replace_with": "\\x"})),
        &[
            "`policy.rules[0].mask.using.replace_with`: found a single `\\`, expected `\\1` to `\\9` for a group, `\\\\` for a \
           backslash",
        ],
    );
    refused(
        regex(json!({"engine": "redshift", "pattern": "a|b", "ignore_case": true, "replace_with": "$1"})),
        &[
            "`policy.rules[0].mask.using.pattern`: found `|`, expected only characters, classes and their quantifiers with \
             `engine: redshift`; the engine `lambda` takes all",
            "`policy.rules[0].mask.using.ignore_case`: found `true`, expected no such option with `engine: redshift`, whose own \
             may mean something else",
            "`policy.rules[0].mask.using.replace_with`: found `$1`, expected no `\\`, `$` or `&` with `engine: redshift`, where \
             what they mean is not documented",
        ],
    );
    refused(
        regex(json!({"engine": "redshift", "pattern": "[0-9]+[0-5]"})),
        &[
            "`policy.rules[0].mask.using.pattern`: found two readings of the same text, expected after a repeated class nothing \
           that it matches too, with `engine: redshift`; the engine `lambda` takes all",
        ],
    );
}

#[test]
fn alphabets_and_random_responses() {
    for characters in ["a", "aa", "ab\n", ""] {
        let found = match characters {
            "" => "an empty text".to_owned(),
            "ab\n" => "a text with control characters".to_owned(),
            other => format!("`{other}`"),
        };
        refused(
            using(json!({"kind": "format_preserving", "alphabet": {"characters": characters}})),
            &[&format!(
                "`policy.rules[0].mask.using.alphabet.characters`: found {found}, expected 2 to 1024 characters, each once and \
                 none a control character"
            )],
        );
    }
    refused(
        using(json!({"kind": "randomized_response"})),
        &[
            "`policy.rules[0].mask.using`: found neither `values`, `noise` nor `noise_days`, expected at least one of them",
        ],
    );
    refused(
        using(json!({"kind": "randomized_response", "values": ["a"], "noise": 0, "noise_days": 40000})),
        &[
            "`policy.rules[0].mask.using`: found one of `values` and `truth_percent`, expected both of them or none",
            "`policy.rules[0].mask.using.noise`: found `0`, expected a whole number from 1 to 9223372036854775807",
            "`policy.rules[0].mask.using.noise_days`: found `40000`, expected 1 to 36500 days",
        ],
    );
    refused(
        using(json!({"kind": "randomized_response", "values": [], "truth_percent": 100.0})),
        &[
            "`policy.rules[0].mask.using.values`: found an empty list, expected at least one value",
            "`policy.rules[0].mask.using.truth_percent`: found `100`, expected more than 0 and less than 100, with at most two \
             decimals",
        ],
    );
    refused(
        using(json!({"kind": "reversible", "unmask": {"any": []}})),
        &["`policy.rules[0].mask.using.unmask.any`: found an empty list, expected at least one condition"],
    );
}

#[test]
fn expressions_say_what_where_and_what_was_meant() {
    for (predicate, expected) in [
        (
            "LOWR(c) = 'x'",
            "found the function `LOWR` at line 1, column 1, expected a known function (did you mean `LOWER`?)",
        ),
        (
            "@isInGroup('a')",
            "found `@isInGroup` at line 1, column 1, expected a known @ function (did you mean `@isInGroups`?)",
        ),
        ("c = 'x", ""),
        ("c = 'x'; DROP TABLE t", ""),
        ("c IN (SELECT d FROM t)", ""),
        ("NOT @isInGroups('a')", ""),
        ("c::text = 'x'", ""),
        ("c / 2 > 1", ""),
    ] {
        let faults = rows(predicate).unwrap_err();
        let [fault] = faults.0.as_slice() else { panic!("{faults}") };
        assert_eq!(fault.path, "policy.rules[0].rows.only.where");
        assert!(fault.found.contains(" at line 1, column "), "{fault}");
        if let Some(hint) = expected.split("did you mean `").nth(1) {
            assert_eq!(fault.hint.as_deref(), hint.split('`').next(), "{fault}");
        }
    }
    let cell = policy(json!({"rules": [{"mask": {
        "columns": {"name": "c"}, "where": "@isInGroups('a')", "using": {"kind": "custom", "expression": "@username"}}}]}));
    let paths: Vec<String> = cell.unwrap_err().iter().map(|fault| fault.path.clone()).collect();
    assert_eq!(paths, ["policy.rules[0].mask.where", "policy.rules[0].mask.using.expression"]);
}
