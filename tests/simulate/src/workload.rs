//! What producers say: random changes of a few sources, policies, users and projects, each document with rising versions.

use std::collections::BTreeMap;

use redoubt_aws::port::Queue;
use serde_json::{Value, json};

use crate::{
    kernel::{MINUTE, Micros, Random, SECOND},
    theme::Theme,
};

/// The host of the warehouse.
pub const HOST: &str = "wh.example";

/// An event, and when its producer sends it.
#[derive(Debug, Clone)]
pub struct Sent {
    /// When.
    pub at: Micros,
    /// What.
    pub event: Value,
}

/// Versions by document.
type Versions = BTreeMap<String, u64>;

/// Events in the order the producers made them. Sooner or later the integration is among them.
#[must_use]
pub fn events(theme: Theme, random: &mut Random) -> Vec<Sent> {
    let mut versions = Versions::new();
    let pause = theme.pause(random);
    let mut events = Vec::new();
    let mut now = SECOND;
    match theme {
        Theme::Overlap => {
            now += begin(&mut events, now, random, &mut versions);
            for number in 0..random.between(3, 8) {
                for event in fresh(number, random, &mut versions) {
                    events.push(Sent { at: now, event });
                    now += random.between(0, 2 * pause);
                }
                now += random.between(0, MINUTE);
            }
        }
        Theme::Exchange => {
            now += begin(&mut events, now, random, &mut versions);
            for round in 0..random.between(3, 6) {
                for event in exchange(round, random, &mut versions) {
                    events.push(Sent { at: now, event });
                    now += random.between(0, 2 * pause);
                }
                now += random.between(MINUTE, 3 * MINUTE);
            }
        }
        Theme::Mixed | Theme::Storm | Theme::Late | Theme::GivesUp => {
            let count = random.between(4, 34);
            // In some everything waits for the setup and then comes at once, in others it is done before anything is said.
            let at = if random.permille(600) { None } else { Some(random.below(3)) };
            if at.is_none() {
                events.push(Sent { at: now, event: integration() });
                now += 10 * MINUTE;
            }
            // Most histories begin with something to see and somebody who sees it.
            if random.permille(800) {
                for _ in 0..3 {
                    events.push(Sent { at: now, event: source(random, &mut versions) });
                    events.push(Sent { at: now, event: user(random, &mut versions) });
                }
                events.push(Sent { at: now, event: open(&mut versions) });
            }
            for index in 0..count {
                if Some(index) == at {
                    events.push(Sent { at: now, event: integration() });
                }
                now += random.between(0, 2 * pause);
                let toggles = theme == Theme::Storm && index > 6;
                let event = if toggles { toggle(random, &mut versions) } else { change(random, &mut versions) };
                events.push(Sent { at: now, event });
            }
        }
    }
    events
}

/// The integration, a policy for everybody and two users; gives how long it takes until all is there.
fn begin(events: &mut Vec<Sent>, at: Micros, random: &mut Random, versions: &mut Versions) -> Micros {
    events.push(Sent { at, event: integration() });
    events.push(Sent { at, event: open(versions) });
    events.extend((0..2).map(|_| Sent { at, event: user(random, versions) }));
    10 * MINUTE
}

/// A policy that lets everybody in.
fn open(versions: &mut Versions) -> Value {
    let (id, version) = ("p3", versions.entry("p3".to_owned()).or_default());
    *version += 1;
    json!({"type": "policy.updated", "policy": {
        "id": id, "version": version, "name": id, "created_at": "2026-01-09T00:00:00Z", "scope": "all",
        "subscription": {"level": "anyone"},
    }})
}

/// A data source or a user that is new, and changes of it.
fn fresh(number: u64, random: &mut Random, versions: &mut Versions) -> Vec<Value> {
    let changes = random.between(1, 3);
    let mut version_of = |id: &str| {
        let version = versions.entry(id.to_owned()).or_default();
        *version += 1;
        *version
    };
    if random.permille(500) {
        let id = format!("n{number}");
        let mut events = vec![source_of(&id, version_of(&id), random)];
        for _ in 0..changes {
            let version = version_of(&id);
            let kind = *random.one_of(&["", "", "data_source.disabled", "data_source.deleted"]);
            events.push(match kind {
                "" => source_of(&id, version, random),
                kind => json!({"type": kind, "id": id, "version": version}),
            });
        }
        return events;
    }
    let id = format!("v{number}");
    let mut events = vec![user_of(&id, version_of(&id), random)];
    for _ in 0..changes {
        let version = version_of(&id);
        let groups = bits("g", random.below(8));
        events.push(json!({"type": "user.groups_changed", "id": id, "version": version, "groups": groups}));
    }
    events
}

/// Two data sources with one name each, or the other's: in between the first has a name of its own.
fn exchange(round: u64, random: &mut Random, versions: &mut Versions) -> Vec<Value> {
    let (here, there) = if round % 2 == 1 { ("here", "there") } else { ("there", "here") };
    let steps: &[(&str, &str)] = match round {
        0 => &[("s0", "here"), ("s1", "there")],
        _ => &[("s0", "s0_0"), ("s1", here), ("s0", there)],
    };
    let mut event = |(id, view): &(&str, &str)| {
        let version = versions.entry((*id).to_owned()).or_default();
        *version += 1;
        let mut event = source_of(id, *version, random);
        event["data_source"]["view"] = json!(view);
        event["data_source"]["host"] = json!(HOST);
        event
    };
    steps.iter().map(&mut event).collect()
}

/// The queue that an event goes to.
#[must_use]
pub fn queue_of(event: &Value) -> Queue {
    match event["type"].as_str().and_then(|kind| kind.split_once('.')).map(|(of, _)| of) {
        Some("policy") => Queue::Policy,
        Some("data_source") => Queue::DataSource,
        Some("user" | "project") => Queue::User,
        _ => Queue::Integration,
    }
}

/// Members of a set of at most three, by bit.
fn bits(prefix: &str, set: u64) -> Vec<String> {
    (0..3).filter(|bit| set & (1 << bit) != 0).map(|bit| format!("{prefix}{bit}")).collect()
}

fn toggle(random: &mut Random, versions: &mut Versions) -> Value {
    if random.permille(250) {
        return policy(random, versions);
    }
    let kind = *random.one_of(&["policy.disabled", "policy.enabled"]);
    bare(kind, "p", 3, random, versions)
}

fn change(random: &mut Random, versions: &mut Versions) -> Value {
    // What most changes are about, each as often as it is listed.
    match *random.one_of(&[
        "source",
        "source",
        "source",
        "source",
        "switch",
        "no source",
        "policy",
        "policy",
        "policy",
        "policy",
        "policy",
        "status",
        "status",
        "off",
        "no policy",
        "user",
        "user",
        "user",
        "groups",
        "groups",
        "attributes",
        "project of",
        "project of",
        "purpose",
        "purpose",
        "approval",
        "approval",
        "no user",
        "project",
        "project",
        "no project",
    ]) {
        "source" => source(random, versions),
        "switch" => {
            let kind = *random.one_of(&["data_source.enabled", "data_source.disabled"]);
            bare(kind, "s", 3, random, versions)
        }
        "no source" => bare("data_source.deleted", "s", 3, random, versions),
        "policy" => policy(random, versions),
        "status" => {
            let kind = *random.one_of(&["policy.staged", "policy.disabled", "policy.enabled"]);
            bare(kind, "p", 3, random, versions)
        }
        "off" => {
            let kind = *random.one_of(&["policy.disabled_for_data_source", "policy.enabled_for_data_source"]);
            let mut event = bare(kind, "p", 3, random, versions);
            event["data_source"] = json!(format!("s{}", random.below(3)));
            event
        }
        "no policy" => bare("policy.deleted", "p", 3, random, versions),
        "user" => user(random, versions),
        "groups" => {
            let mut event = bare("user.groups_changed", "u", 3, random, versions);
            let mut groups = bits("g", random.below(8));
            if random.permille(60) {
                groups.push("refused".to_owned());
            }
            event["groups"] = json!(groups);
            event
        }
        "attributes" => {
            let mut event = bare("user.attributes_changed", "u", 3, random, versions);
            event["attributes"] = json!({"country": countries(random)});
            event
        }
        "project of" => {
            let mut event = bare("user.project_switched", "u", 3, random, versions);
            event["project"] = if random.permille(300) { Value::Null } else { json!(format!("j{}", random.below(2))) };
            event
        }
        "purpose" => {
            let mut event = bare("user.purpose_acknowledged", "u", 3, random, versions);
            event["project"] = json!(format!("j{}", random.below(2)));
            event["purpose"] = json!(format!("w{}", random.below(2)));
            event
        }
        "approval" => {
            let kind = *random.one_of(&["user.subscription_approved", "user.subscription_revoked"]);
            let mut event = bare(kind, "u", 3, random, versions);
            event["data_source"] = json!(format!("s{}", random.below(3)));
            event
        }
        "no user" => bare("user.deleted", "u", 3, random, versions),
        "project" => {
            let (id, version) = next("j", 2, random, versions);
            json!({"type": "project.updated", "project": {
                "id": id, "version": version, "name": id, "members": bits("u", random.below(8)),
                "purposes": bits("w", random.below(4)), "data_sources": bits("s", random.below(8)),
                "masked_joins": random.permille(500),
            }})
        }
        _ => bare("project.deleted", "j", 2, random, versions),
    }
}

fn next(prefix: &str, count: u64, random: &mut Random, versions: &mut Versions) -> (String, u64) {
    let id = format!("{prefix}{}", random.below(count));
    let version = versions.entry(id.clone()).or_default();
    *version += 1;
    (id, *version)
}

fn bare(kind: &str, prefix: &str, count: u64, random: &mut Random, versions: &mut Versions) -> Value {
    let (id, version) = next(prefix, count, random, versions);
    json!({"type": kind, "id": id, "version": version})
}

fn countries(random: &mut Random) -> Vec<&'static str> {
    let all = ["DE", "FR", "it's \\"];
    let set = random.below(8);
    all.into_iter().enumerate().filter(|(bit, _)| set & (1 << bit) != 0).map(|(_, country)| country).collect()
}

fn source(random: &mut Random, versions: &mut Versions) -> Value {
    let (id, version) = next("s", 3, random, versions);
    source_of(&id, version, random)
}

fn source_of(id: &str, version: u64, random: &mut Random) -> Value {
    let tag = |random: &mut Random| match random.below(4) {
        0 => json!([]),
        1 => json!(["t"]),
        tag => json!([format!("t.{tag}")]),
    };
    let mut columns = vec![
        json!({"name": "k", "type": "integer"}),
        json!({"name": "a", "type": "varchar(80)", "tags": tag(random)}),
        json!({"name": "c", "type": "varchar(20)", "tags": if random.permille(700) { json!(["country"]) } else { json!([]) }}),
    ];
    if random.permille(500) {
        columns.push(json!({"name": "b", "type": "bigint", "tags": tag(random)}));
    }
    // Names that pass from one to another, one that the warehouse refuses, and most of the time one's own.
    let view = match random.below(20) {
        0..=2 => "shared".to_owned(),
        3 => format!("{id}_refused"),
        n => format!("{id}_{}", n % 2),
    };
    let host = if random.permille(60) { "elsewhere.example" } else { HOST };
    let mut document = json!({
        "id": id, "version": version, "host": host, "database": "raw", "schema": "public", "table": id,
        "view": view, "columns": columns,
    });
    if !random.permille(100) {
        document["key_column"] = json!("k");
    }
    json!({"type": "data_source.updated", "data_source": document})
}

fn condition(random: &mut Random) -> Value {
    match random.below(5) {
        0 => json!({"attribute": {"name": "country", "values": ["DE"]}}),
        1 => json!({"purpose": format!("w{}", random.below(2))}),
        _ => json!({"group": format!("g{}", random.below(3))}),
    }
}

fn policy(random: &mut Random, versions: &mut Versions) -> Value {
    let (id, version) = next("p", 3, random, versions);
    let scope = match random.below(5) {
        0 => json!("all"),
        1 => json!({"tags": ["t"]}),
        2 => json!({"tags": ["t.2", "country"]}),
        3 => json!({"data_sources": ["s0", "s1"]}),
        _ => json!({"data_sources": ["s2"]}),
    };
    let created_at = format!("2026-01-0{}T00:00:00Z", id.trim_start_matches('p').parse::<u64>().unwrap_or(0) + 1);
    let mut policy = json!({"id": id, "version": version, "name": id, "created_at": created_at, "scope": scope});
    // A policy says either who sees a source or what they see of it; most histories need one that lets people in.
    if random.permille(500) {
        policy["subscription"] = match random.below(6) {
            0..=1 => json!({"level": "anyone"}),
            2 => json!({"level": "approval"}),
            _ => json!({"level": "entitlement", "condition": condition(random)}),
        };
        if random.permille(200) {
            policy["guardrail"] = json!(true);
        }
        return json!({"type": "policy.updated", "policy": policy});
    }
    let mut rules = Vec::new();
    if random.permille(700) {
        let using = random.one_of(&["null", "hash", "hash"]);
        let mut mask = json!({"columns": {"tag": random.one_of(&["t", "t.2"])}, "using": {"kind": using}});
        if random.permille(600) {
            mask["except"] = condition(random);
        }
        rules.push(json!({"mask": mask}));
    }
    if rules.is_empty() || random.permille(400) {
        let only = match random.below(4) {
            0 => json!({"sample": {"percent": 50.0}}),
            1 | 2 => json!({"match": {"attribute": {"name": "country", "column": {"name": "c"}}}}),
            _ => json!({"where": "b > 20"}),
        };
        let mut rows = json!({"only": only});
        if random.permille(500) {
            rows["except"] = condition(random);
        }
        rules.push(json!({"rows": rows}));
    }
    policy["rules"] = json!(rules);
    json!({"type": "policy.updated", "policy": policy})
}

fn user(random: &mut Random, versions: &mut Versions) -> Value {
    let (id, version) = next("u", 3, random, versions);
    user_of(&id, version, random)
}

fn user_of(id: &str, version: u64, random: &mut Random) -> Value {
    // One account passes from one user to another.
    let account = match random.below(8) {
        0 => "shared".to_owned(),
        n => format!("{id}_{}", n % 2),
    };
    let mut user = json!({"id": id, "version": version, "database_user": account});
    if random.permille(600) {
        user["groups"] = json!(bits("g", random.below(8)));
    }
    if random.permille(400) {
        user["attributes"] = json!({"country": countries(random)});
    }
    json!({"type": "user.updated", "user": user})
}

/// The warehouse's integration.
#[must_use]
pub fn integration() -> Value {
    json!({"type": "integration.created", "integration": {
        "id": "wh", "version": 1, "host": HOST, "workgroup": "wg", "mode": "multi_database", "database": "immuta",
        "view_schema": "governed", "system_user": "system", "secret": "secret",
        // The warehouse here answers no questions of the preflight.
        "accepted_risks": ["isolation", "case_sensitive_identifiers", "view_reader", "result_cache", "backslash"],
    }})
}
