//! What producers say, and in which order it is sent: everything follows from the seed.

use std::collections::BTreeMap;

use redoubt_core::record::Kind;
use redoubt_tests::chance::Chance;
use serde_json::{Value, json};

/// How an event is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    Queue,
    Bus,
}

/// What must be stored before an event makes sense: whoever wants a name waits until it was given up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Needs {
    pub kind: Kind,
    pub id: String,
    pub version: u64,
}

/// One event to send.
#[derive(Debug, Clone)]
pub struct Step {
    pub event: Value,
    pub channel: Channel,
    pub needs: Vec<Needs>,
}

/// What is sent in a run.
pub struct Plan {
    /// Every event once, in the order in which the producers made it.
    pub events: Vec<Value>,
    /// The same as it is sent: some late, some twice.
    pub steps: Vec<Step>,
    pub duplicates: usize,
    pub late: usize,
}

/// What the events are about.
pub struct Setting {
    /// Every identity, account, view and tag begins with it.
    pub prefix: String,
    /// Hosts of the warehouses, which have the same table each.
    pub hosts: Vec<String>,
    /// Database of the table.
    pub database: String,
    /// Schema and name of the table.
    pub table: (String, String),
}

pub const SOURCES: usize = 12;
pub const POLICIES: usize = 8;
pub const USERS: usize = 24;
pub const PROJECTS: usize = 3;
const GROUPS: [&str; 4] = ["staff", "audit", "sales", "night"];
const COUNTRIES: [&str; 4] = ["FRANCE", "GERMANY", "SPAIN", "it's \\ odd"];
const PURPOSES: [&str; 2] = ["fraud", "care.claims"];

/// Of a hundred events so many are sent late, and so many twice.
const LATE: usize = 30;
const TWICE: usize = 12;
/// By how many events they are late.
const LATENESS: usize = 8;
const REPEATED_WITHIN: usize = 60;

/// A plan of about as many events.
pub fn plan(seed: u64, events: usize, setting: &Setting) -> Plan {
    let mut producer = Producer::new(seed, setting);
    producer.create_everything();
    while producer.made.len() < events {
        producer.change_something();
    }
    let made = producer.made;
    let mut chance = Chance::new(seed, 2);
    let (mut duplicates, mut late) = (0, 0);
    let mut order = Vec::new();
    for (index, step) in made.iter().enumerate() {
        let mut place = index;
        if chance.percent(LATE) {
            place += chance.between(1, LATENESS);
            late += 1;
        }
        order.push((place, step.clone()));
        if chance.percent(TWICE) {
            order.push((place + chance.below(REPEATED_WITHIN), step.clone()));
            duplicates += 1;
        }
    }
    order.sort_by_key(|(place, _)| *place);
    let steps = order.into_iter().map(|(_, step)| step).collect();
    Plan { events: made.into_iter().map(|step| step.event).collect(), steps, duplicates, late }
}

/// A name that goes from one document to another. Only its present holder may have it, and the next one waits for that one's
/// renunciation, and those before: of two changes the later one can be stored first.
#[derive(Default)]
struct Shared {
    holder: Option<usize>,
    given_up: BTreeMap<String, Needs>,
}

impl Shared {
    fn give_up(&mut self, kind: Kind, id: String, version: u64) {
        self.holder = None;
        self.given_up.insert(id.clone(), Needs { kind, id, version });
    }

    fn needs(&self) -> Vec<Needs> {
        self.given_up.values().cloned().collect()
    }
}

struct Producer<'a> {
    chance: Chance,
    setting: &'a Setting,
    versions: BTreeMap<String, u64>,
    /// The view name that data sources of one host take in turns.
    views: Vec<Shared>,
    /// The account that users take in turns.
    account: Shared,
    made: Vec<Step>,
}

impl<'a> Producer<'a> {
    fn new(seed: u64, setting: &'a Setting) -> Self {
        let views = setting.hosts.iter().map(|_| Shared::default()).collect();
        let chance = Chance::new(seed, 1);
        Self { chance, setting, versions: BTreeMap::new(), views, account: Shared::default(), made: Vec::new() }
    }

    fn create_everything(&mut self) {
        for source in 0..SOURCES {
            self.source(source);
        }
        for policy in 0..POLICIES {
            self.policy(policy);
        }
        for project in 0..PROJECTS {
            self.project(project);
        }
        for user in 0..USERS {
            self.user(user);
        }
    }

    fn change_something(&mut self) {
        let source = self.chance.below(SOURCES);
        let policy = self.chance.below(POLICIES);
        let user = self.chance.below(USERS);
        let project = self.chance.below(PROJECTS);
        match self.chance.below(100) {
            0..14 => self.source(source),
            14..18 => self.switch_source(source),
            18..20 => self.remove_source(source),
            20..32 => self.policy(policy),
            32..36 => self.policy_status(policy),
            36..39 => self.policy_on_source(policy, source),
            39..41 => self.versioned("policy.deleted", "p", policy),
            41..53 => self.user(user),
            53..75 => self.delta(user),
            75..78 => self.remove_user(user),
            78..83 => self.project(project),
            83..84 => self.versioned("project.deleted", "j", project),
            84..90 => self.refresh(),
            90..95 => self.hand_over_view(source),
            _ => self.hand_over_account(user),
        }
    }

    fn name(&self, letter: &str, number: usize) -> String {
        format!("{}_{letter}{number}", self.setting.prefix)
    }

    fn version(&mut self, id: &str) -> u64 {
        let version = self.versions.entry(id.to_owned()).or_default();
        *version += 1;
        *version
    }

    fn make(&mut self, event: Value, needs: Vec<Needs>) {
        let channel = if self.chance.percent(50) { Channel::Bus } else { Channel::Queue };
        self.made.push(Step { event, channel, needs });
    }

    fn versioned(&mut self, event_type: &str, letter: &str, number: usize) {
        let id = self.name(letter, number);
        let version = self.version(&id);
        self.make(json!({"type": event_type, "id": id, "version": version}), Vec::new());
    }

    fn host_of(&self, source: usize) -> usize {
        source % self.setting.hosts.len()
    }

    fn source(&mut self, source: usize) {
        let id = self.name("s", source);
        let host = self.host_of(source);
        let own = self.chance.below(2);
        let shared = &self.views[host];
        let (view, needs) = if shared.holder == Some(source) {
            (format!("{}_shared", self.setting.prefix), shared.needs())
        } else {
            (format!("{id}_{own}"), Vec::new())
        };
        let prefix = &self.setting.prefix;
        let tags = json!([prefix, format!("{prefix}.t{}", self.chance.below(3))]);
        let mut columns =
            vec![("id", "integer"), ("name", "varchar(40)"), ("phone", "varchar(20)"), ("country", "varchar(20)")];
        if self.chance.percent(50) {
            columns.extend([("balance", "decimal(12,2)"), ("joined", "date")]);
        }
        let prefix = &self.setting.prefix;
        let columns: Vec<Value> = columns
            .into_iter()
            .map(|(name, data_type)| json!({"name": name, "type": data_type, "tags": [format!("{prefix}.{name}")]}))
            .collect();
        let (schema, table) = self.setting.table.clone();
        let document = json!({
            "id": id, "version": self.version(&id), "host": self.setting.hosts[host], "database": self.setting.database,
            "schema": schema, "table": table, "view": view, "tags": tags, "columns": columns, "key_column": "id",
        });
        self.make(json!({"type": "data_source.updated", "data_source": document}), needs);
    }

    fn switch_source(&mut self, source: usize) {
        let event_type = if self.chance.percent(60) { "data_source.enabled" } else { "data_source.disabled" };
        self.versioned(event_type, "s", source);
    }

    fn remove_source(&mut self, source: usize) {
        self.versioned("data_source.deleted", "s", source);
        let host = self.host_of(source);
        if self.views[host].holder == Some(source) {
            self.view_given_up(source, host);
        }
    }

    /// The document that was made last no longer asks for the shared view name.
    fn view_given_up(&mut self, source: usize, host: usize) {
        let id = self.name("s", source);
        let version = self.versions[&id];
        self.views[host].give_up(Kind::DataSource, id, version);
    }

    /// Whoever has the shared view name of a host gives it up, or a data source takes it.
    fn hand_over_view(&mut self, source: usize) {
        let host = self.host_of(source);
        if let Some(holder) = self.views[host].holder.take() {
            self.source(holder);
            self.view_given_up(holder, host);
        } else {
            self.views[host].holder = Some(source);
            self.source(source);
        }
    }

    fn hand_over_account(&mut self, user: usize) {
        if let Some(holder) = self.account.holder.take() {
            self.user(holder);
            self.account_given_up(holder);
        } else {
            self.account.holder = Some(user);
            self.user(user);
        }
    }

    fn account_given_up(&mut self, user: usize) {
        let id = self.name("u", user);
        let version = self.versions[&id];
        self.account.give_up(Kind::User, id, version);
    }

    fn user(&mut self, user: usize) {
        let id = self.name("u", user);
        let own = self.chance.below(2);
        let shared = self.account.holder == Some(user);
        let account = if shared { format!("{}_shared", self.setting.prefix) } else { format!("{id}_{own}") };
        let needs = if shared { self.account.needs() } else { Vec::new() };
        let mut document = json!({"id": id, "version": self.version(&id), "database_user": account});
        if self.chance.percent(60) {
            document["groups"] = json!(self.chance.some(&GROUPS, 0, 3));
        }
        if self.chance.percent(60) {
            document["attributes"] = json!({"country": self.chance.some(&COUNTRIES, 0, 2)});
        }
        self.make(json!({"type": "user.updated", "user": document}), needs);
    }

    fn remove_user(&mut self, user: usize) {
        self.versioned("user.deleted", "u", user);
        if self.account.holder == Some(user) {
            self.account_given_up(user);
        }
    }

    fn delta(&mut self, user: usize) {
        let id = self.name("u", user);
        let version = self.version(&id);
        let project = self.chance.below(PROJECTS);
        let project = self.name("j", project);
        let source = self.chance.below(SOURCES);
        let source = self.name("s", source);
        let mut event = match self.chance.below(11) {
            0..3 => json!({"type": "user.groups_changed", "groups": self.chance.some(&GROUPS, 0, 3)}),
            3..5 => {
                json!({"type": "user.attributes_changed", "attributes": {"country": self.chance.some(&COUNTRIES, 0, 2)}})
            }
            5..7 => json!({"type": "user.project_switched", "project": project}),
            7 => json!({"type": "user.project_switched", "project": null}),
            8 => {
                let purpose = self.chance.pick(&PURPOSES);
                json!({"type": "user.purpose_acknowledged", "project": project, "purpose": purpose})
            }
            9 => json!({"type": "user.subscription_approved", "data_source": source}),
            _ => json!({"type": "user.subscription_revoked", "data_source": source}),
        };
        event["id"] = json!(id);
        event["version"] = json!(version);
        self.make(event, Vec::new());
    }

    fn policy(&mut self, policy: usize) {
        let id = self.name("p", policy);
        let prefix = &self.setting.prefix;
        let scope = match self.chance.below(3) {
            0 => json!({"tags": [prefix]}),
            1 => json!({"tags": [format!("{prefix}.t{}", self.chance.below(3))]}),
            _ => {
                let all: Vec<String> = (0..SOURCES).map(|source| self.name("s", source)).collect();
                json!({"data_sources": self.chance.some(&all, 1, 5)})
            }
        };
        let mut document = json!({
            "id": id, "version": self.version(&id), "name": id, "created_at": format!("2026-01-{:02}T00:00:00Z", policy + 1),
            "scope": scope,
        });
        let group = json!({"group": self.chance.pick(&GROUPS)});
        let column = |name: &str| json!({"tag": format!("{}.{name}", self.setting.prefix)});
        // The first policies say who sees anything, so that there is always something to see.
        let subject = if policy < 2 { self.chance.below(3) } else { self.chance.between(1, 9) };
        let (part, value) = match subject {
            0 => ("subscription", json!({"level": "anyone"})),
            1 => ("subscription", json!({"level": "entitlement", "condition": group})),
            2 => ("subscription", json!({"level": "approval"})),
            3 => ("rules", json!([{"mask": {"columns": column("name"), "using": {"kind": "hash"}, "except": group}}])),
            4 => ("rules", json!([{"mask": {"columns": column("phone"), "using": {"kind": "show", "last": 4}}}])),
            5 => {
                ("rules", json!([{"mask": {"columns": column("balance"), "using": {"kind": "null"}, "except": group}}]))
            }
            6 => {
                let attribute = json!({"name": "country", "column": {"name": "country"}});
                ("rules", json!([{"rows": {"only": {"match": {"attribute": attribute}}, "except": group}}]))
            }
            7 => ("rules", json!([{"rows": {"only": {"purposes": [self.chance.pick(&PURPOSES)]}}}])),
            8 => ("rules", json!([{"rows": {"only": {"sample": {"percent": 50.0}}, "except": {"purpose": "fraud"}}}])),
            _ => {
                let regex = json!({"kind": "regex", "pattern": "[0-9]+", "replace_with": "#"});
                ("rules", json!([{"mask": {"columns": column("phone"), "using": regex, "except": group}}]))
            }
        };
        document[part] = value;
        self.make(json!({"type": "policy.updated", "policy": document}), Vec::new());
    }

    fn policy_status(&mut self, policy: usize) {
        let event_type = *self.chance.of(&["policy.staged", "policy.disabled", "policy.enabled", "policy.enabled"]);
        self.versioned(event_type, "p", policy);
    }

    fn policy_on_source(&mut self, policy: usize, source: usize) {
        let id = self.name("p", policy);
        let event_type = *self.chance.of(&["policy.disabled_for_data_source", "policy.enabled_for_data_source"]);
        let event = json!({
            "type": event_type, "id": id, "version": self.version(&id), "data_source": self.name("s", source),
        });
        self.make(event, Vec::new());
    }

    fn project(&mut self, project: usize) {
        let id = self.name("j", project);
        let users: Vec<String> = (0..USERS).map(|user| self.name("u", user)).collect();
        let sources: Vec<String> = (0..SOURCES).map(|source| self.name("s", source)).collect();
        let document = json!({
            "id": id, "version": self.version(&id), "name": id, "members": self.chance.some(&users, 4, 16),
            "purposes": self.chance.some(&PURPOSES, 0, 2), "data_sources": self.chance.some(&sources, 0, 6),
            "masked_joins": self.chance.percent(50),
        });
        self.make(json!({"type": "project.updated", "project": document}), Vec::new());
    }

    fn refresh(&mut self) {
        let (event_type, letter, count) = *self.chance.of(&[
            ("data_source.refresh", "s", SOURCES),
            ("user.refresh", "u", USERS),
            ("policy.refresh", "p", POLICIES),
        ]);
        let all: Vec<String> = (0..count).map(|number| self.name(letter, number)).collect();
        let ids = self.chance.some(&all, 1, 6);
        self.make(json!({"type": event_type, "ids": ids}), Vec::new());
    }
}
