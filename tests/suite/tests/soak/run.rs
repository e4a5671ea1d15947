//! What goes on during a soak: producers send, warehouses stop and start again.

use std::{
    collections::BTreeSet,
    convert::Infallible,
    future::pending,
    time::{Duration, Instant},
};

use redoubt_core::record::DOCUMENT;
use redoubt_tests::stack::{Function, SECOND, Stack, StackError, Workgroup};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::plan::{Channel, Needs, Plan, Step};

/// Between two looks at what is to be sent.
const TICK: Duration = Duration::from_millis(250);
/// How long an event may wait for another one to be stored.
const LONGEST_WAIT: Duration = Duration::from_mins(10);
/// How long a stop waits for a statement to be under way.
const LOOK_FOR_STATEMENT: Duration = Duration::from_secs(3);

/// Sends everything at a steady rate, so many events a second.
pub async fn produce(stack: &Stack, plan: &Plan, rate: f64) -> Result<(), StackError> {
    let begin = Instant::now();
    let mut sent = 0;
    let mut held: Vec<(&Step, Instant)> = Vec::new();
    let mut fulfilled = BTreeSet::new();
    while sent < plan.steps.len() || !held.is_empty() {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive number")]
        let due = ((begin.elapsed().as_secs_f64() * rate) as usize).clamp(sent, plan.steps.len());
        held.extend(plan.steps[sent..due].iter().map(|step| (step, Instant::now())));
        sent = due;
        let mut ready = Vec::new();
        for (step, since) in std::mem::take(&mut held) {
            if are_fulfilled(stack, &step.needs, &mut fulfilled).await? {
                ready.push(step);
            } else if since.elapsed() > LONGEST_WAIT {
                return Err(StackError::Unusable(format!("{:?} is not stored, so {} waits", step.needs, step.event)));
            } else {
                held.push((step, since));
            }
        }
        let through = |channel| {
            let through = ready.iter().filter(move |step| step.channel == channel);
            through.map(|step| step.event.clone()).collect::<Vec<Value>>()
        };
        stack.send(&through(Channel::Queue)).await?;
        stack.put_events(&through(Channel::Bus)).await?;
        sleep(TICK).await;
    }
    Ok(())
}

/// Whether all that an event needs is stored.
async fn are_fulfilled<'a>(
    stack: &Stack,
    needs: &'a [Needs],
    fulfilled: &mut BTreeSet<&'a Needs>,
) -> Result<bool, StackError> {
    for needs in needs {
        if fulfilled.contains(needs) {
            continue;
        }
        let Some(record) = stack.record(needs.kind, &needs.id).await? else {
            return Ok(false);
        };
        let written = record.fields.get(DOCUMENT).map(|field| field.version);
        if record.deleted.max(written).is_none_or(|version| version < needs.version) {
            return Ok(false);
        }
        fulfilled.insert(needs);
    }
    Ok(true)
}

/// A warehouse that goes away for a while.
#[derive(Debug, Clone, Copy)]
pub struct Restart {
    /// After which part of the run.
    pub after: f64,
    pub workgroup: Workgroup,
    /// As in a crash, or in order.
    pub crash: bool,
}

/// What is done to warehouses in a run: one of them twice, once the hard way, and the other one once.
pub const RESTARTS: [Restart; 3] = [
    Restart { after: 0.3, workgroup: Workgroup::First, crash: true },
    Restart { after: 0.5, workgroup: Workgroup::Second, crash: true },
    Restart { after: 0.7, workgroup: Workgroup::First, crash: false },
];

/// Stops warehouses in the midst of their statements and starts them again after a while; says in how many cases a statement was
/// under way.
pub async fn restart_warehouses(
    stack: &Stack,
    system_user: &str,
    duration: Duration,
    away: Duration,
) -> Result<usize, StackError> {
    let begin = Instant::now();
    let mut under_way = 0;
    for restart in RESTARTS {
        sleep(duration.mul_f64(restart.after).saturating_sub(begin.elapsed())).await;
        under_way += usize::from(until_a_statement_runs(stack, restart.workgroup, system_user).await?);
        if restart.crash {
            stack.crash_warehouse(restart.workgroup).await?;
        } else {
            stack.stop_warehouse(restart.workgroup).await?;
        }
        sleep(away).await;
        stack.start_warehouse(restart.workgroup).await?;
    }
    Ok(under_way)
}

async fn until_a_statement_runs(stack: &Stack, workgroup: Workgroup, system_user: &str) -> Result<bool, StackError> {
    let session = stack.administrator_on(workgroup, stack.settings.get("PGDATABASE")).await?;
    let query =
        format!("SELECT count(*) > 0 FROM pg_stat_activity WHERE usename = '{system_user}' AND state <> 'idle'");
    let begin = Instant::now();
    while begin.elapsed() < LOOK_FOR_STATEMENT {
        if session.see(&query).await == "t" {
            return Ok(true);
        }
        sleep(Duration::from_millis(1)).await;
    }
    Ok(false)
}

/// How often what schedules and operators ask for is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    /// To ask after silent statements and warehouses.
    pub sweep: Duration,
    /// To look for drift, of which there is none.
    pub reconcile: Duration,
    /// To set up and render all anew, as after an upgrade.
    pub refresh: Option<Duration>,
}

/// What schedules ask for in a deployment, only more often, and operators; until something fails.
pub async fn schedule(stack: &Stack, schedule: Schedule) -> Result<Infallible, StackError> {
    let [sweep, reconcile] = ["sweep", "reconcile"].map(|request| [json!({"type": request}).to_string()]);
    let refresh = [json!({"type": "integration.refresh", "ids": ["warehouse", SECOND]})];
    let sweeps = repeat(Some(schedule.sweep), async || stack.send_bodies(Function::Reconcile, &sweep).await);
    let looks = repeat(Some(schedule.reconcile), async || stack.send_bodies(Function::Reconcile, &reconcile).await);
    let refreshes = repeat(schedule.refresh, async || stack.send(&refresh).await);
    tokio::try_join!(sweeps, looks, refreshes).map(|(never, _, _)| never)
}

async fn repeat(
    every: Option<Duration>,
    act: impl AsyncFn() -> Result<(), StackError>,
) -> Result<Infallible, StackError> {
    let Some(every) = every else { return pending().await };
    loop {
        sleep(every).await;
        act().await?;
    }
}

/// How many messages all queues have.
pub async fn depth(stack: &Stack) -> Result<u64, StackError> {
    let mut total = 0;
    for function in Function::ALL {
        total += stack.depth(function).await?.total();
    }
    Ok(total)
}
