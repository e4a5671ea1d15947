//! How many calls of the Data API a burst of events takes, through the use cases and the in-memory adapters. The Data API's
//! limits hold for a whole account, so this is what decides how large a burst may be.

use std::{error::Error, time::Duration};

use redoubt_aws::{
    batch::{Message, Outcome},
    config::Config,
    port::Queue,
    queue::MemoryQueues,
    runtime::App,
    work,
};
use serde_json::{Value, json};

use crate::{
    counting::{CountedStore, STORE_LATENCY, TimedWarehouse, VirtualTime, WAREHOUSE_LATENCY},
    generate::{self, HOST, Random, Shape, World},
    report::{Report, grouped},
};

const EVENTS: usize = 10_000;
/// Events per call of the Data API, at least.
const TARGET_EVENTS_PER_CALL: usize = 50;
/// The most that Lambda hands over at once, in bytes: <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>.
const MAX_PAYLOAD: usize = 6_000_000;
/// What a message takes besides its body: receipt handle, attributes, checksums, ARN.
const MESSAGE_OVERHEAD: usize = 850;
/// What is shipped.
const TEMPLATE: &str = include_str!("../../../infra/template.yaml");

type Functions = App<CountedStore, TimedWarehouse, MemoryQueues>;

/// Counts what bursts of events take.
///
/// # Errors
/// When an event is refused, the template can't be read, or the output can't be written.
pub fn run(report: &mut Report) -> Result<(), Box<dyn Error>> {
    report
        .heading("Coalescing: Data API calls for bursts of events, through the use cases and the in-memory adapters")?;
    users(report)?;
    sources(report)
}

fn users(report: &mut Report) -> Result<(), Box<dyn Error>> {
    let shipped = in_template("UserBatchSize:", "Default:")?;
    let timeout = Duration::from_secs(u64::try_from(in_template("UserFunction:", "Timeout:")?)?);
    let bench = Bench::new()?;
    let mut bursts = vec![bench.burst("users created", Function::User, shipped, created(EVENTS))?];
    for (version, batch) in (2..).zip([10_000, 1_000, 100, 10]) {
        bursts.push(bench.burst("groups changed", Function::User, batch, groups_changed(version, EVENTS, EVENTS))?);
    }
    let attributes = attributes_changed(2, EVENTS);
    bursts.push(bench.burst("attributes changed", Function::User, shipped, attributes)?);
    let few = groups_changed(100, EVENTS, 1_000);
    bursts.push(bench.burst("groups of 1,000 users changed", Function::User, shipped, few)?);
    report.line(&format!(
        "  User events (shipped: up to {} messages in a batch, {} s for it)",
        grouped(shipped),
        timeout.as_secs()
    ))?;
    table(report, &bursts)?;
    for burst in bursts.iter().filter(|burst| burst.batch == shipped) {
        report.target(
            burst.calls * TARGET_EVENTS_PER_CALL <= burst.events,
            &format!(
                "calls for {} events in batches of {} ({})",
                grouped(burst.events),
                grouped(burst.batch),
                burst.name
            ),
            &grouped(burst.calls),
            &format!("at most {}", grouped(burst.events / TARGET_EVENTS_PER_CALL)),
        )?;
    }
    in_time(report, bursts.iter().filter(|burst| burst.batch == shipped), timeout)
}

fn sources(report: &mut Report) -> Result<(), Box<dyn Error>> {
    let shipped = in_template("DataSourceBatchSize:", "Default:")?;
    let timeout = Duration::from_secs(u64::try_from(in_template("DataSourceFunction:", "Timeout:")?)?);
    let bench = Bench::new()?;
    let world = World::new(Shape::new(EVENTS, 30, 500));
    let policies = world.policies.into_iter().map(|policy| json!({"type": "policy.created", "policy": policy}));
    bench.burst("policies created", Function::Policy, 10, policies.collect())?;
    let created = world.sources.into_iter().map(|source| json!({"type": "data_source.created", "data_source": source}));
    let mut bursts = vec![bench.burst("data sources created", Function::DataSource, shipped, created.collect())?];
    bench.settle()?;

    let policy = json!({
        "id": "new", "version": 1, "name": "New", "created_at": "2026-03-01T09:00:00Z", "scope": "all",
        "subscription": {"level": "entitlement", "condition": {"group": "auditors"}},
    });
    let change = vec![json!({"type": "policy.created", "policy": policy})];
    let one = bench.burst("policy that covers all of them", Function::Policy, 10, change)?;
    let messages = bench.app.queues.take(Queue::DataSource, usize::MAX);
    let bodies = messages.into_iter().map(|message| message.body).collect();
    let refreshed = bench.deliver("its refreshes", Function::DataSource, shipped, bodies)?;
    let per_source = refreshed.calls;
    bursts.extend([one, refreshed]);
    report.line(&format!(
        "  {} data sources of 30 columns under 500 policies (shipped: up to {} messages in a batch, {} s for it)",
        grouped(EVENTS),
        grouped(shipped),
        timeout.as_secs()
    ))?;
    table(report, &bursts)?;
    report.line(&format!(
        "  A change of a policy takes {} calls for {} views: one for {:.1}.\n",
        grouped(per_source),
        grouped(EVENTS),
        ratio(EVENTS, per_source)
    ))?;
    in_time(report, bursts.iter().filter(|burst| burst.batch == shipped), timeout)
}

/// Whether the longest batch ends before Lambda stops it.
fn in_time<'a>(
    report: &mut Report,
    bursts: impl Iterator<Item = &'a Burst>,
    timeout: Duration,
) -> Result<(), Box<dyn Error>> {
    let Some(longest) = bursts.max_by_key(|burst| burst.longest) else {
        return Ok(());
    };
    report.target(
        longest.longest < timeout,
        &format!(
            "longest batch ({}) if a store operation takes {} ms and a Data API call {} ms",
            longest.name,
            STORE_LATENCY.as_millis(),
            WAREHOUSE_LATENCY.as_millis()
        ),
        &format!("{:.1} s", longest.longest.as_secs_f64()),
        &format!("under the function's timeout of {} s", timeout.as_secs()),
    )?;
    Ok(())
}

/// A figure of the template: the first of a name after a heading.
fn in_template(heading: &str, name: &str) -> Result<usize, Box<dyn Error>> {
    let missing = || format!("infra/template.yaml: no `{name}` under `{heading}`");
    let after = TEMPLATE
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != heading)
        .find_map(|line| line.strip_prefix(name))
        .ok_or_else(missing)?;
    Ok(after.trim().parse()?)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Function {
    Policy,
    DataSource,
    User,
    Integration,
    Outcome,
}

/// What a burst of events took.
struct Burst {
    name: &'static str,
    events: usize,
    batch: usize,
    batches: usize,
    calls: usize,
    statements: usize,
    bytes: usize,
    operations: usize,
    /// The longest batch, on the clock of the adapters.
    longest: Duration,
}

struct Bench {
    app: Functions,
    time: VirtualTime,
}

impl Bench {
    /// Functions with a warehouse that is set up.
    fn new() -> Result<Self, Box<dyn Error>> {
        let time = VirtualTime::default();
        let config = Config::from_pairs(std::iter::once(("REDOUBT_TABLE".to_owned(), "bench".to_owned())))?;
        let store = CountedStore::new(time.clone());
        let warehouse = TimedWarehouse::new(time.clone());
        let app = App::new(store, warehouse, MemoryQueues::new(), config);
        let bench = Self { app, time };
        let integration = json!({
            "id": "bench",
            "version": 1,
            "host": HOST,
            "workgroup": "bench",
            "mode": "multi_database",
            "database": "immuta",
            "view_schema": "governed",
            "system_user": "immuta_system_account",
            "secret": "redoubt/system-account",
            "setup": {
                "secret": "redoubt/setup",
                "database": "dev",
                "system_user_password_digest": format!("sha256|{}|4f1e2d3c4b5a6978", "0".repeat(64)),
            },
        });
        let event = json!({"type": "integration.created", "integration": integration});
        bench.burst("integration", Function::Integration, 1, vec![event])?;
        Ok(bench)
    }

    /// Delivers events as they come from the event bus.
    fn burst(
        &self,
        name: &'static str,
        function: Function,
        batch: usize,
        events: Vec<Value>,
    ) -> Result<Burst, Box<dyn Error>> {
        let bodies = events.into_iter().enumerate().map(envelope).collect();
        self.deliver(name, function, batch, bodies)
    }

    /// Delivers bodies in batches of at most so many messages and at most as many bytes as Lambda takes.
    fn deliver(
        &self,
        name: &'static str,
        function: Function,
        batch: usize,
        bodies: Vec<String>,
    ) -> Result<Burst, Box<dyn Error>> {
        let (requests, calls, operations) =
            (self.app.warehouse.requests(), self.app.warehouse.calls().len(), self.app.store.operations());
        let mut burst = Burst {
            name,
            events: bodies.len(),
            batch,
            batches: 0,
            calls: 0,
            statements: 0,
            bytes: 0,
            operations: 0,
            longest: Duration::ZERO,
        };
        let (mut messages, mut payload) = (Vec::new(), 0);
        for (number, body) in bodies.into_iter().enumerate() {
            let size = serde_json::to_string(&body)?.len() + MESSAGE_OVERHEAD;
            if messages.len() == batch || payload + size > MAX_PAYLOAD {
                self.invoke(function, std::mem::take(&mut messages), &mut burst)?;
                payload = 0;
            }
            payload += size;
            messages.push(Message::new(number.to_string(), body));
        }
        self.invoke(function, messages, &mut burst)?;
        burst.calls = self.app.warehouse.requests() - requests;
        burst.operations = self.app.store.operations() - operations;
        for (_, call) in self.app.warehouse.calls().into_iter().skip(calls) {
            burst.statements += call.statements.len();
            burst.bytes += call.statements.iter().map(|statement| statement.len()).sum::<usize>();
        }
        Ok(burst)
    }

    fn invoke(&self, function: Function, messages: Vec<Message>, burst: &mut Burst) -> Result<(), Box<dyn Error>> {
        if messages.is_empty() {
            return Ok(());
        }
        let app = &self.app;
        let (outcomes, took) = match function {
            Function::Policy => self.time.run(work::policy(app, messages))?,
            Function::DataSource => self.time.run(work::data_source(app, messages))?,
            Function::User => self.time.run(work::user(app, messages))?,
            Function::Integration => self.time.run(work::integration(app, messages))?,
            Function::Outcome => self.time.run(work::outcome(app, messages))?,
        };
        if let Some(failed) = outcomes.iter().find(|outcome| **outcome != Outcome::Done) {
            return Err(format!("{}: an event came to {failed:?}", burst.name).into());
        }
        burst.batches += 1;
        burst.longest = burst.longest.max(took);
        Ok(())
    }

    /// Tells the outcome of every call so far, so that everything submitted counts as applied.
    fn settle(&self) -> Result<(), Box<dyn Error>> {
        let ended = |(id, call): (String, redoubt_aws::port::Call)| {
            json!({
                "detail-type": "Redshift Data Statement Status Change",
                "source": "aws.redshift-data",
                "detail": {"statementId": id, "statementName": call.name, "state": "FINISHED"},
            })
            .to_string()
        };
        let bodies = self.app.warehouse.calls().into_iter().map(ended).collect();
        self.deliver("outcomes", Function::Outcome, 100, bodies)?;
        Ok(())
    }
}

fn envelope((number, event): (usize, Value)) -> String {
    json!({
        "version": "0",
        "id": format!("3f1c9a52-6a9b-4e0e-9a53-{number:012}"),
        "detail-type": event.get("type"),
        "source": "com.example.catalog",
        "account": "123456789012",
        "time": "2026-03-02T09:30:01Z",
        "region": "eu-central-1",
        "resources": [],
        "detail": event,
    })
    .to_string()
}

fn created(count: usize) -> Vec<Value> {
    let mut random = Random::new(0xc0ffee);
    let user = |number| {
        let user = json!({
            "id": generate::user_id(number),
            "version": 1,
            "database_user": format!("person_{number:05}@example.com"),
            "groups": generate::groups(&mut random),
            "attributes": generate::attributes(&mut random),
        });
        json!({"type": "user.created", "user": user})
    };
    (0..count).map(user).collect()
}

/// Changes of so many users; where there are more changes than users, one after the other of each.
fn groups_changed(version: usize, count: usize, users: usize) -> Vec<Value> {
    let mut random = Random::new(u64::try_from(version).unwrap_or_default());
    let change = |number: usize| {
        json!({
            "type": "user.groups_changed",
            "id": generate::user_id(number % users),
            "version": version + number / users,
            "groups": generate::groups(&mut random),
        })
    };
    (0..count).map(change).collect()
}

fn attributes_changed(version: usize, count: usize) -> Vec<Value> {
    let mut random = Random::new(0xa77);
    let change = |number| {
        json!({
            "type": "user.attributes_changed",
            "id": generate::user_id(number),
            "version": version,
            "attributes": generate::attributes(&mut random),
        })
    };
    (0..count).map(change).collect()
}

#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark are far below 2^53")]
fn ratio(of: usize, to: usize) -> f64 {
    of as f64 / to.max(1) as f64
}

fn table(report: &Report, bursts: &[Burst]) -> Result<(), Box<dyn Error>> {
    let rows: Vec<_> = bursts
        .iter()
        .map(|burst| {
            vec![
                burst.name.to_owned(),
                grouped(burst.events),
                grouped(burst.batch),
                grouped(burst.batches),
                grouped(burst.calls),
                format!("{:.0}", ratio(burst.events, burst.calls)),
                grouped(burst.statements),
                format!("{:.1}", ratio(burst.bytes, 1_000_000)),
                grouped(burst.operations),
                format!("{:.1}", burst.longest.as_secs_f64()),
            ]
        })
        .collect();
    report.table(
        &[
            "burst",
            "messages",
            "batch size",
            "batches",
            "calls",
            "messages per call",
            "statements",
            "MB of SQL",
            "store operations",
            "longest batch, s",
        ],
        &rows,
    )?;
    Ok(())
}
