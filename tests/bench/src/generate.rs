//! Made-up data sources, policies and users that are the same in every run.
//!
//! Tags form a tree of four levels: `area` → `topic` → `kind` → `detail`. A data source belongs to one or two areas and has
//! the details of these on its columns; a policy is about one tag of any level, or about data sources by name. With more
//! areas, each policy meets fewer data sources: that is how a company's policies grow without all of them covering everything.

use std::error::Error;

use redoubt_core::{
    event::wire,
    model::{DataSource, Policy},
};
use serde_json::{Value, json};

/// The host of every data source.
pub const HOST: &str = "bench.123456789012.eu-central-1.redshift-serverless.amazonaws.com";

/// Policies about each area where their number per data source shall be realistic.
const POLICIES_PER_AREA: usize = 7;
/// What columns below an area are about; it decides their types.
const TOPICS: [Topic; 3] = [Topic::Text, Topic::Number, Topic::Time];
const KINDS: usize = 3;
const DETAILS: usize = 3;

/// Sebastiano Vigna's splitmix64: small, fast, and good enough for test data.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The same numbers for the same seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below a bound above 0. The bias towards small numbers is far below what a benchmark could see.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.next() % bound).unwrap_or(0)
    }

    /// Whether something of so many percent happens.
    pub fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Copy>(&mut self, from: &[T], otherwise: T) -> T {
        from.get(self.below(from.len())).copied().unwrap_or(otherwise)
    }
}

/// How much there is of everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Data sources.
    pub sources: usize,
    /// Columns of each.
    pub columns: usize,
    /// Policies.
    pub policies: usize,
    /// Areas that the tags are divided into.
    pub areas: usize,
}

impl Shape {
    /// As many areas as leave each data source about ten policies, whatever the number of policies.
    pub fn new(sources: usize, columns: usize, policies: usize) -> Self {
        Self { sources, columns, policies, areas: (policies / POLICIES_PER_AREA).max(1) }
    }

    /// The same with so many areas.
    pub fn in_areas(self, areas: usize) -> Self {
        Self { areas, ..self }
    }
}

#[derive(Debug, Clone, Copy)]
enum Topic {
    Text,
    Number,
    Time,
}

impl Topic {
    fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Time => "time",
        }
    }

    fn column_type(self, random: &mut Random) -> &'static str {
        match self {
            Self::Text => random.pick(&["character varying(64)", "character varying(256)", "character(15)"], "text"),
            Self::Number => random.pick(&["integer", "bigint", "numeric(12,2)", "double precision"], "bigint"),
            Self::Time => random.pick(&["date", "timestamp without time zone"], "date"),
        }
    }

    /// A mask that makes sense for the type.
    fn mask(self, random: &mut Random) -> Value {
        let number = random.below(4);
        match (self, number) {
            (_, 0) => json!({"kind": "null"}),
            (Self::Text, 1) => json!({"kind": "constant", "value": "[redacted]"}),
            (Self::Text, 2) => json!({"kind": "show", "last": 4, "replace_with": "*"}),
            (Self::Number, 1) => json!({"kind": "constant", "value": 0}),
            (Self::Number, 2) => json!({"kind": "round", "bucket": 1000}),
            (Self::Time, _) => json!({"kind": "round", "unit": random.pick(&["month", "quarter", "year"], "month")}),
            _ => json!({"kind": "hash"}),
        }
    }
}

/// Data sources and policies.
#[derive(Debug)]
pub struct World {
    /// As events carry them.
    pub sources: Vec<Value>,
    /// As events carry them.
    pub policies: Vec<Value>,
}

impl World {
    /// Makes data sources and policies of a shape.
    pub fn new(shape: Shape) -> Self {
        let mut random = Random::new(0x5eed);
        // One policy in six names its data sources; each data source is named by about one of them.
        let local_count = shape.policies / 6;
        let mut members: Vec<Vec<String>> = vec![Vec::new(); local_count];
        let sources = (0..shape.sources)
            .map(|number| {
                let id = source_id(number);
                if random.percent(80)
                    && let Some(members) = members.get_mut(random.below(local_count))
                {
                    members.push(id.clone());
                }
                source(&mut random, shape, &id, number)
            })
            .collect();
        let mut policies = vec![
            everywhere("employees", true, &json!({"group": "employees"})),
            everywhere("stewards", false, &json!({"group": "data-stewards"})),
        ];
        policies.extend((members.into_iter().enumerate()).map(|(number, members)| local(&mut random, number, members)));
        let mut number = 0;
        while policies.len() < shape.policies {
            policies.push(by_tag(&mut random, shape, number));
            number += 1;
        }
        Self { sources, policies }
    }

    /// The checked data sources.
    ///
    /// # Errors
    /// When one of them has a fault.
    pub fn checked_sources(&self) -> Result<Vec<DataSource>, Box<dyn Error>> {
        let check = |source: &Value| {
            let wire: wire::DataSourceDocument = serde_json::from_value(source.clone())?;
            Ok(DataSource::check(&wire)?)
        };
        self.sources.iter().map(check).collect()
    }

    /// The checked policies.
    ///
    /// # Errors
    /// When one of them has a fault.
    pub fn checked_policies(&self) -> Result<Vec<Policy>, Box<dyn Error>> {
        let check = |policy: &Value| {
            let wire: wire::PolicyDocument = serde_json::from_value(policy.clone())?;
            Ok(Policy::check(&wire)?)
        };
        self.policies.iter().map(check).collect()
    }
}

/// The identity of a data source.
pub fn source_id(number: usize) -> String {
    format!("lake.schema_{:02}.table_{number:05}", number % 40)
}

fn area(number: usize) -> String {
    format!("area_{number:03}")
}

fn source(random: &mut Random, shape: Shape, id: &str, number: usize) -> Value {
    let mut areas = vec![random.below(shape.areas)];
    if random.percent(50) {
        areas.push(random.below(shape.areas));
    }
    areas.dedup();
    let mut columns = vec![
        json!({"name": "record_id", "type": "bigint"}),
        json!({"name": "recorded_at", "type": "timestamp without time zone"}),
    ];
    for area_number in &areas {
        columns.push(json!({
            "name": format!("region_{area_number}"),
            "type": "character varying(40)",
            "tags": [format!("{}.region", area(*area_number))],
        }));
    }
    while columns.len() < shape.columns {
        let topic = random.pick(&TOPICS, Topic::Text);
        let name = format!("{}_column_{}", topic.name(), columns.len());
        let mut column = json!({"name": name, "type": topic.column_type(random)});
        if random.percent(40) {
            let area_number = random.pick(&areas, 0);
            let (kind, detail) = (random.below(KINDS), random.below(DETAILS));
            let tag = format!("{}.{}.kind_{kind}.detail_{detail}", area(area_number), topic.name());
            insert(&mut column, "tags", json!([tag]));
        }
        columns.push(column);
    }
    json!({
        "id": id,
        "version": 1,
        "host": HOST,
        "database": "lake",
        "schema": format!("schema_{:02}", number % 40),
        "table": format!("table_{number:05}"),
        "tags": areas.iter().map(|number| area(*number)).collect::<Vec<_>>(),
        "columns": columns,
        "event_time_column": "recorded_at",
        "key_column": "record_id",
    })
}

fn insert(object: &mut Value, field: &str, value: Value) {
    if let Value::Object(fields) = object {
        fields.insert(field.to_owned(), value);
    }
}

fn everywhere(id: &str, guardrail: bool, condition: &Value) -> Value {
    let mut policy = policy(id, 0, json!("all"), "active");
    insert(&mut policy, "subscription", json!({"level": "entitlement", "condition": condition}));
    if guardrail {
        insert(&mut policy, "guardrail", json!(true));
    }
    policy
}

fn policy(id: &str, day: usize, scope: Value, status: &str) -> Value {
    json!({
        "id": id,
        "version": 1,
        "name": format!("Policy {id}"),
        "created_at": format!("20{:02}-{:02}-{:02}T09:00:00Z", 10 + day / 336 % 15, 1 + day / 28 % 12, 1 + day % 28),
        "status": status,
        "scope": scope,
    })
}

/// A policy about data sources by name: masks a column by name, or keeps rows of some age.
fn local(random: &mut Random, number: usize, mut members: Vec<String>) -> Value {
    if members.is_empty() {
        members.push("lake.retired".to_owned());
    }
    let rule = if random.percent(30) {
        json!({"rows": {"only": {"time_window": {"newer_than_days": 365}}, "except": condition(random)}})
    } else {
        json!({"mask": {"columns": {"name": "record_id"}, "using": {"kind": "hash"}, "except": condition(random)}})
    };
    let mut policy = policy(&format!("local-{number}"), number, json!({"data_sources": members}), status(random));
    insert(&mut policy, "rules", json!([rule]));
    policy
}

/// One policy in twenty is not in force.
fn status(random: &mut Random) -> &'static str {
    if random.percent(95) { "active" } else { random.pick(&["staged", "disabled"], "staged") }
}

/// A policy about a tag of any level: who may see the data sources, masks, or rows.
fn by_tag(random: &mut Random, shape: Shape, number: usize) -> Value {
    let area = area(number % shape.areas);
    let id = format!("tag-{number}");
    let status = status(random);
    let what = random.below(100);
    if what < 20 {
        let mut policy = policy(&id, number, json!({"tags": [area]}), status);
        let level = match random.below(4) {
            0 => json!({"level": "approval"}),
            1 => {
                json!({"level": "individuals", "users": [user_id(random.below(10_000)), user_id(random.below(10_000))]})
            }
            _ => json!({"level": "entitlement", "condition": condition(random)}),
        };
        insert(&mut policy, "subscription", level);
        return policy;
    }
    if what < 40 {
        let mut policy = policy(&id, number, json!({"tags": [format!("{area}.region")]}), status);
        insert(&mut policy, "rules", json!([{"rows": rows(random, &area)}]));
        return policy;
    }
    let masks: Vec<_> = (0..=random.below(3)).map(|_| mask(random, &area)).collect();
    let tags: Vec<_> = masks.iter().filter_map(|mask| mask.pointer("/columns/tag")).collect();
    let mut policy = policy(&id, number, json!({"tags": tags}), status);
    let rules: Vec<_> = masks.iter().map(|mask| json!({"mask": mask})).collect();
    insert(&mut policy, "rules", json!(rules));
    policy
}

/// A mask of columns below an area. Deeper tags are more common than the few on top.
fn mask(random: &mut Random, area: &str) -> Value {
    let topic = random.pick(&TOPICS, Topic::Text);
    let (topic_tag, kind) = (format!("{area}.{}", topic.name()), random.below(KINDS));
    let tag = match random.below(10) {
        0 | 1 => topic_tag,
        2..=5 => format!("{topic_tag}.kind_{kind}"),
        _ => format!("{topic_tag}.kind_{kind}.detail_{}", random.below(DETAILS)),
    };
    let columns = json!({"tag": tag});
    match random.below(10) {
        0 | 1 => json!({"columns": columns, "using": topic.mask(random)}),
        2 | 3 => json!({
            "columns": columns,
            "cases": [
                {"for": condition(random), "using": {"kind": "clear"}},
                {"for": condition(random), "using": topic.mask(random)},
            ],
            "otherwise": {"kind": "null"},
        }),
        _ => json!({"columns": columns, "using": topic.mask(random), "except": condition(random)}),
    }
}

fn rows(random: &mut Random, area: &str) -> Value {
    let region = json!({"tag": format!("{area}.region")});
    let matches = json!({"match": {"attribute": {"name": "region", "column": region}}});
    match random.below(6) {
        0 => json!({"only": matches}),
        1 => json!({"only": {"match": {"any": [
            {"attribute": {"name": "region", "column": region}},
            {"group": {"column": region}},
        ]}}, "except": condition(random)}),
        2 => json!({
            "cases": [
                {"for": condition(random), "only": "all"},
                {"for": condition(random), "only": {"time_window": {"newer_than_days": 90}}},
            ],
            "otherwise": matches,
        }),
        3 => json!({"only": {"sample": {"percent": 12.5}}, "except": condition(random)}),
        4 => json!({"only": {"purposes": ["fraud-investigation", "audit"]}}),
        _ => json!({"only": matches, "except": condition(random)}),
    }
}

fn condition(random: &mut Random) -> Value {
    let group = json!({"group": format!("team-{:03}", random.below(200))});
    let attribute = json!({"attribute": {"name": "clearance", "values": ["secret", "top-secret"]}});
    match random.below(5) {
        0 => json!({"any": [group, {"purpose": "fraud-investigation"}]}),
        1 => json!({"all": [group, attribute]}),
        2 => json!({"any": [{"group": "data-stewards"}, {"all": [group, attribute]}]}),
        3 => attribute,
        _ => group,
    }
}

/// The identity of a user.
pub fn user_id(number: usize) -> String {
    format!("u-{number:05}")
}

/// Groups of a user: one to five.
pub fn groups(random: &mut Random) -> Vec<String> {
    let mut groups = vec!["employees".to_owned()];
    for _ in 0..random.below(5) {
        groups.push(format!("team-{:03}", random.below(200)));
    }
    groups
}

/// Attributes of a user: one to three regions and a clearance.
pub fn attributes(random: &mut Random) -> Value {
    let regions: Vec<_> = (0..=random.below(3)).map(|_| format!("region-{:02}", random.below(30))).collect();
    json!({"region": regions, "clearance": [random.pick(&["internal", "confidential", "secret"], "internal")]})
}
