//! What large bursts take, held against what the quotas allow and against one call for each change.

use std::fmt;

use redoubt_aws::port::Queue;
use redoubt_core::{record::Kind, render::pack::Limits};

use super::{Burst, Deployment, events};
use crate::{
    kernel::{Micros, SECOND},
    price::{cost, float, gb_seconds},
    settings::{Settings, quota},
    usage::Used,
};

/// How much longer than the quotas demand it may take.
const RATIO: f64 = 1.5;
/// From how many calls on the quotas decide, and not what has to be waited for in any case.
const MANY_CALLS: u64 = 250;
/// How many changes a call carries at least.
const CHANGES_A_CALL: f64 = 500.0;
/// Microseconds in which a function makes one call, or sees to its outcome.
const SINGLE: Micros = 200_000;
/// Changes of documents and targets that one message asks to be rendered anew.
const TARGETS_PER_MESSAGE: u64 = 40;

/// What something took, or would.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Until the last change is in force.
    pub time: Micros,
    /// Statement calls.
    pub calls: u64,
    /// US dollars.
    pub cost: f64,
}

/// What may not be exceeded.
#[derive(Debug, Clone)]
pub struct Target {
    /// What is measured.
    pub what: &'static str,
    /// What it is.
    pub found: f64,
    /// What it may be.
    pub most: f64,
}

/// A burst and what it is held against.
#[derive(Debug, Clone)]
pub struct Case {
    /// What happened.
    pub name: String,
    /// What was used.
    pub used: Used,
    /// Memory of a function, in MB.
    pub megabytes: u64,
    /// What it took.
    pub took: Effort,
    /// What the quotas of the Data API allow: as few calls as their limits allow, as fast as it takes them, and for the cost no
    /// more than each record read once and written twice, and each message received and deleted in tens.
    pub floor: Effort,
    /// What must be waited for beside the quotas: batching windows, one call, its statements.
    pub waits: Micros,
    /// One call for each change.
    pub single: Effort,
    /// What must hold.
    pub targets: Vec<Target>,
}

/// What a burst needs.
struct Needs {
    kind: Kind,
    changes: u64,
    /// Statements, where their number counts.
    statements: u64,
    /// Queues on the way.
    queues: &'static [Queue],
    /// How long the statements of a full call run.
    run: Micros,
}

impl Case {
    fn new(name: String, deployment: &Deployment, burst: &Burst, needs: &Needs) -> Self {
        let (settings, used, limits) = (deployment.settings(), burst.used, Limits::default());
        let (most_statements, most_bytes) =
            (u64::try_from(limits.statements).unwrap(), u64::try_from(limits.bytes).unwrap());
        let calls = needs.statements.div_ceil(most_statements).max(used.bytes.div_ceil(most_bytes)).max(1);
        let took =
            Effort { time: burst.enforced, calls: used.calls(), cost: cost(&used, burst.events, settings.megabytes) };
        let (reads, writes) = deployment.units(needs.kind);
        let messages = burst.events.max(needs.changes.div_ceil(TARGETS_PER_MESSAGE)) + calls;
        let least = Used { reads, writes: writes * 2, queue: messages + 2 * messages.div_ceil(10), ..Used::default() };
        let time = calls * SECOND / quota::BATCH;
        let floor = Effort { time, calls, cost: cost(&least, burst.events, settings.megabytes) };
        let windows: Micros = needs.queues.iter().map(|queue| settings.window(*queue)).sum();
        let mut case = Self {
            name,
            used,
            megabytes: settings.megabytes,
            took,
            floor,
            waits: windows + settings.api + needs.run,
            single: single(needs.changes, burst, settings),
            targets: Vec::new(),
        };
        case.hold("time, of what quotas and waits allow", case.ratio_with_waits(), RATIO);
        if calls >= MANY_CALLS {
            case.hold("time, of what the quotas allow", case.ratio(), RATIO);
        }
        case
    }

    fn hold(&mut self, what: &'static str, found: f64, most: f64) {
        self.targets.push(Target { what, found, most });
    }

    /// The time taken, of what the quotas alone allow.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        float(self.took.time) / float(self.floor.time)
    }

    /// The time taken, of what the quotas allow and of what must be waited for besides.
    #[must_use]
    pub fn ratio_with_waits(&self) -> f64 {
        float(self.took.time) / float(self.floor.time + self.waits)
    }

    /// How many targets are missed.
    #[must_use]
    pub fn missed(&self) -> usize {
        self.targets.iter().filter(|target| target.is_missed()).count()
    }
}

impl Target {
    fn is_missed(&self) -> bool {
        // What is no number is missed too.
        !matches!(self.found.partial_cmp(&self.most), Some(std::cmp::Ordering::Less | std::cmp::Ordering::Equal))
    }
}

/// Every change a message, an invocation, a call, an outcome and an invocation of its own: the records are read and written as
/// often, and three writes and a read for a submission come with each.
fn single(changes: u64, burst: &Burst, settings: &Settings) -> Effort {
    let used = Used {
        executes: changes,
        describes: changes,
        completions: changes,
        // Sent, received and deleted, twice.
        queue: changes * 6,
        invocations: changes * 2,
        running: changes * 2 * SINGLE,
        reads: burst.used.reads + changes,
        writes: burst.used.writes + 3 * changes,
        ..Used::default()
    };
    Effort {
        time: changes * SECOND / quota::EXECUTE,
        calls: changes,
        cost: cost(&used, burst.events, settings.megabytes),
    }
}

/// One policy is changed that covers so many data sources.
///
/// # Panics
/// When it is not in force in the end.
#[must_use]
pub fn policy_change(sources: usize) -> Case {
    let mut deployment = Deployment::new();
    let _ = deployment.burst(&events::sources(sources));
    let _ = deployment.burst(&[events::policy(1)]);
    let burst = deployment.burst(&[events::policy(2)]);
    let views = deployment.warehouse().views();
    assert_eq!(views.len(), sources);
    assert!(views.values().all(|view| view.contains(&events::excepted(2))), "a view has the earlier policy");
    let changes = u64::try_from(sources).unwrap();
    let settings = deployment.settings();
    let needs = Needs {
        kind: Kind::DataSource,
        changes,
        // The definition that the warehouse keeps enforces nothing.
        statements: changes,
        queues: &[Queue::Policy, Queue::DataSource],
        run: changes.min(40) * settings.view_statement,
    };
    Case::new(format!("one policy changed over {sources} data sources"), &deployment, &burst, &needs)
}

/// So many users change.
///
/// # Panics
/// When a profile is not in force in the end.
#[must_use]
pub fn user_changes(users: usize) -> Case {
    let mut deployment = Deployment::new();
    let burst = deployment.burst(&events::users(users));
    let profiles = deployment.warehouse().profiles();
    assert_eq!(profiles.len(), users);
    assert!(profiles.values().all(|entitlements| entitlements.len() == 5), "a profile is not whole");
    let changes = u64::try_from(users).unwrap();
    let needs = Needs {
        kind: Kind::User,
        changes,
        statements: 0,
        queues: &[Queue::User],
        run: 8 * deployment.settings().statement,
    };
    let mut case = Case::new(format!("{users} users changed"), &deployment, &burst, &needs);
    // Merges wait for each other, and batches are larger than what the quotas ask for: what counts here is calls.
    case.targets.clear();
    case.hold("calls for 500 changes", float(case.used.calls()) * CHANGES_A_CALL / float(changes), 1.0);
    case
}

/// So many data sources are stored for the first time.
///
/// # Panics
/// When a view is not there in the end.
#[must_use]
pub fn first_load(sources: usize) -> Case {
    let mut deployment = Deployment::new();
    let burst = deployment.burst(&events::sources(sources));
    assert_eq!(deployment.warehouse().views().len(), sources);
    let changes = u64::try_from(sources).unwrap();
    let settings = deployment.settings();
    let needs = Needs {
        kind: Kind::DataSource,
        changes,
        // A row for the source, committed before its view.
        statements: changes * 2,
        queues: &[Queue::DataSource],
        run: changes.min(20) * (settings.view_statement + settings.statement),
    };
    Case::new(format!("first load of {sources} data sources"), &deployment, &burst, &needs)
}

fn seconds(micros: Micros) -> f64 {
    float(micros) / float(SECOND)
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let used = &self.used;
        writeln!(f, "\n{}", self.name)?;
        writeln!(f, "  {:<28} {:>10} {:>12} {:>12}", "", "seconds", "calls", "USD")?;
        for (name, effort) in [("took", self.took), ("floor of the quotas", self.floor), ("one call each", self.single)]
        {
            let time = seconds(effort.time);
            writeln!(f, "  {name:<28} {time:>10.1} {:>12} {:>12.4}", effort.calls, effort.cost)?;
        }
        writeln!(
            f,
            "  {:.2} of the floor; {:.2} with {:.1} s of windows, one call and its statements",
            self.ratio(),
            self.ratio_with_waits(),
            seconds(self.waits)
        )?;
        writeln!(
            f,
            "  Data API: {} BatchExecuteStatement, {} ExecuteStatement, {} DescribeStatement, {} GetStatementResult, {} throttled; \
             {} statements, {} KB",
            used.batches,
            used.executes,
            used.describes,
            used.results,
            used.throttled,
            used.statements,
            used.bytes / 1_000
        )?;
        writeln!(
            f,
            "  DynamoDB: {} read units, {} write units; SQS: {} requests; Lambda: {} invocations, {:.1} GB-seconds; \
             {} completion events",
            used.reads,
            used.writes,
            used.queue,
            used.invocations,
            gb_seconds(used.running, self.megabytes),
            used.completions
        )?;
        for target in &self.targets {
            let word = if target.is_missed() { "MISSED" } else { "met" };
            writeln!(f, "  {word}: {} {:.3}, at most {:.3}", target.what, target.found, target.most)?;
        }
        Ok(())
    }
}
