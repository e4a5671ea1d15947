//! Random policies and data sources that pass every check, for property tests.
//!
//! Names come from few, so that policies and data sources meet. Text that policies put into literals begins with
//! [`SECRET`] and holds whatever could end a literal early.

use proptest::{collection::vec, option::of, prelude::*, sample::select};
use serde_json::{Value, json};

use super::{DataSource, Policy};
use crate::event::{document, wire};

/// How every text begins that may stand in a literal only.
pub(crate) const SECRET: &str = "zqx";

const TAGS: [&str; 8] = ["a", "a.b", "a.b.c", "a.bc", "d", "d.e", "aa", "b"];
const COLUMNS: [&str; 5] = ["one", "TWO", "three\"'", "four\\)(", "five -- /*"];
const TYPES: [&str; 12] = [
    "smallint",
    "integer",
    "bigint",
    "decimal(12,0)",
    "decimal(9,2)",
    "real",
    "char(9)",
    "varchar(30)",
    "date",
    "timestamp",
    "boolean",
    "super",
];

/// Identities of data sources.
pub(crate) const SOURCES: [&str; 3] = ["s1", "s2", "it's"];

fn secret() -> impl Strategy<Value = String> + Clone {
    let ends = prop_oneof![
        3 => "[a-c]{0,3}".boxed(),
        2 => select(vec!["'", "\\", "\\'", "''", "')(", "*/", "--", "$$", "\"", "é🦀", "; DROP"]).prop_map(str::to_owned).boxed(),
    ];
    ends.prop_map(|end| format!("{SECRET}{end}"))
}

fn secrets() -> impl Strategy<Value = Vec<String>> + Clone {
    vec(secret(), 1..4)
}

fn tags(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<&'static str>> + Clone {
    vec(select(&TAGS[..]), count)
}

fn condition() -> impl Strategy<Value = Value> + Clone {
    let leaf = prop_oneof![
        secret().prop_map(|group| json!({ "group": group })),
        secret().prop_map(|purpose| json!({ "purpose": purpose })),
        (secret(), secrets()).prop_map(|(name, values)| json!({"attribute": {"name": name, "values": values}})),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 1..3).prop_map(|list| json!({ "any": list })),
            vec(inner, 1..3).prop_map(|list| json!({ "all": list })),
        ]
    })
}

fn selector() -> impl Strategy<Value = Value> + Clone {
    prop_oneof![
        select(&TAGS[..]).prop_map(|tag| json!({ "tag": tag })),
        select(&COLUMNS[..]).prop_map(|name| json!({ "name": name.to_lowercase() })),
        select(vec!["t.*", "O|.*e", "FIVE -- /\\*"]).prop_map(|pattern| json!({ "name_regex": pattern })),
        Just(json!("untagged")),
        Just(json!("all")),
    ]
}

fn mask() -> impl Strategy<Value = Value> + Clone {
    prop_oneof![
        3 => Just(json!({"kind": "null"})),
        3 => Just(json!({"kind": "hash"})),
        1 => secret().prop_map(|value| json!({"kind": "constant", "value": value})),
        2 => (1_u64..100_000, select(vec!["hour", "week", "year"]))
            .prop_map(|(bucket, unit)| json!({"kind": "round", "bucket": bucket, "unit": unit})),
        2 => (1_u32..5, 0_u32..5, select(vec!["*", "'", "\\", "("]))
            .prop_map(|(first, last, with)| json!({"kind": "show", "first": first, "last": last, "replace_with": with})),
        2 => secret().prop_map(|with| {
            json!({"kind": "regex", "pattern": format!("{SECRET}(['\\\\]+)"), "replace_with": with.replace('\\', "\\\\")})
        }),
        1 => secret().prop_map(|with| {
            json!({"kind": "regex", "pattern": "[0-9]+'", "replace_with": with.replace(['\\', '$'], "_"), "engine": "redshift"})
        }),
        1 => of(condition()).prop_map(|unmask| json!({"kind": "reversible", "unmask": unmask})),
        1 => select(vec![json!(null), json!("digits"), json!({"characters": "zqx'\\\"é"})])
            .prop_map(|alphabet| json!({"kind": "format_preserving", "alphabet": alphabet})),
        2 => (secrets(), 1_u32..400, 1_u64..100_000, 1_u32..1_000).prop_map(|(values, quarter, noise, days)| {
            let truth = (f64::from(quarter) / 4.0).min(99.5);
            json!({"kind": "randomized_response", "values": values, "truth_percent": truth, "noise": noise, "noise_days": days})
        }),
        1 => secret().prop_map(|text| {
            json!({"kind": "custom", "expression": format!("'{}' || one", text.replace('\'', "''"))})
        }),
    ]
}

fn mask_rule() -> impl Strategy<Value = Value> + Clone {
    let case = (condition(), prop_oneof![mask(), Just(json!({"kind": "clear"}))])
        .prop_map(|(whom, using)| json!({"for": whom, "using": using}));
    prop_oneof![
        (selector(), mask(), of(condition())).prop_map(|(columns, using, except)| {
            json!({"mask": {"columns": columns, "using": using, "except": except}})
        }),
        (selector(), vec(case, 1..4), mask()).prop_map(|(columns, cases, otherwise)| {
            json!({"mask": {"columns": columns, "cases": cases, "otherwise": otherwise}})
        }),
    ]
}

fn filter() -> impl Strategy<Value = Value> + Clone {
    let matched = prop_oneof![
        (secret(), selector()).prop_map(|(name, column)| json!({"attribute": {"name": name, "column": column}})),
        selector().prop_map(|column| json!({"group": {"column": column}})),
    ]
    .prop_recursive(2, 5, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 1..3).prop_map(|list| json!({ "any": list })),
            vec(inner, 1..3).prop_map(|list| json!({ "all": list })),
        ]
    });
    prop_oneof![
        Just(json!("none")),
        matched.prop_map(|wanted| json!({ "match": wanted })),
        (1_u32..400, of(1_u32..400)).prop_map(|(newer, older)| {
            json!({"time_window": {"newer_than_days": newer, "older_than_days": older}})
        }),
        (1_u32..400)
            .prop_map(|quarter| json!({"sample": {"percent": f64::from(quarter) / 4.0}}))
            .prop_filter("less than everything", |sample| sample["sample"]["percent"].as_f64() < Some(100.0)),
        secrets().prop_map(|purposes| json!({ "purposes": purposes })),
    ]
}

fn row_rule() -> impl Strategy<Value = Value> + Clone {
    let case = (condition(), prop_oneof![filter(), Just(json!("all"))])
        .prop_map(|(whom, only)| json!({"for": whom, "only": only}));
    prop_oneof![
        (filter(), of(condition())).prop_map(|(only, except)| json!({"rows": {"only": only, "except": except}})),
        (vec(case, 1..4), filter())
            .prop_map(|(cases, otherwise)| json!({"rows": {"cases": cases, "otherwise": otherwise}})),
    ]
}

fn scope() -> impl Strategy<Value = Value> + Clone {
    prop_oneof![
        1 => Just(json!("all")),
        3 => tags(1..4).prop_map(|tags| json!({ "tags": tags })),
        2 => vec(select(&SOURCES[..]), 1..3).prop_map(|sources| json!({ "data_sources": sources })),
    ]
}

fn body() -> impl Strategy<Value = Value> + Clone {
    let level = prop_oneof![
        Just(json!({"level": "anyone"})),
        Just(json!({"level": "approval"})),
        condition().prop_map(|condition| json!({"level": "entitlement", "condition": condition})),
        secrets().prop_map(|users| json!({"level": "individuals", "users": users})),
    ];
    prop_oneof![
        1 => (level, any::<bool>()).prop_map(|(level, guardrail)| json!({"subscription": level, "guardrail": guardrail})),
        4 => vec(prop_oneof![3 => mask_rule(), 1 => row_rule()], 1..4).prop_map(|rules| json!({ "rules": rules })),
    ]
}

/// Policies with identities of their own, some as old as others.
pub(crate) fn policies() -> impl Strategy<Value = Vec<Policy>> {
    let status = prop_oneof![6 => Just("active"), 1 => Just("staged"), 1 => Just("disabled")];
    vec((scope(), body(), status, 1..4_u8), 0..8).prop_map(|policies| {
        let policies = policies.into_iter().enumerate().map(|(index, (scope, body, status, day))| {
            let mut fields = json!({
                "id": format!("p{index}"), "version": 1, "name": "p", "created_at": format!("2026-01-0{day}T00:00:00Z"),
                "scope": scope, "status": status,
            });
            fields.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
            Policy::check(&document::<wire::PolicyDocument>(fields).unwrap()).unwrap()
        });
        policies.collect()
    })
}

/// A data source, with an event-time column and a key where its types allow them.
pub(crate) fn data_source() -> impl Strategy<Value = DataSource> {
    let column = (select(&TYPES[..]), tags(0..3));
    (select(&SOURCES[..]), tags(0..3), vec(column, 1..=COLUMNS.len())).prop_map(|(id, tags, columns)| {
        let columns: Vec<Value> = std::iter::zip(COLUMNS, columns)
            .map(|(name, (data_type, tags))| json!({"name": name, "type": data_type, "tags": tags}))
            .collect();
        let of_type = |wanted: &[&str]| {
            let found = columns.iter().find(|column| wanted.iter().any(|wanted| column["type"] == *wanted));
            found.map(|column| column["name"].clone())
        };
        let fields = json!({
            "id": id, "version": 1, "host": "wh", "database": "db(\"", "schema": "s'", "table": "t\\", "tags": tags,
            "event_time_column": of_type(&["date", "timestamp"]), "key_column": of_type(&["bigint", "varchar(30)"]),
            "columns": columns,
        });
        DataSource::check(&document::<wire::DataSourceDocument>(fields).unwrap()).unwrap()
    })
}
