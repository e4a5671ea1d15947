//! A soak on the local stack: producers send mixed events through queues and bus while function processes are killed in the midst of
//! their invocations and warehouses crash, stop and start. Afterwards no message is lost, nothing is unhealthy or behind, and
//! metadata and catalogs hold what the newest documents say.
//!
//! `REDOUBT_SOAK_MINUTES` is how long events are sent, `REDOUBT_SOAK_SEED` says which events and how it is killed; when what happens
//! depends on the machine. Without them it is short, and random.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test, whose generator is right or fails it"
)]

mod chaos;
mod check;
mod plan;
mod quiet;
mod run;

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use chaos::{Chaos, Rhythm};
use check::Warehouse;
use plan::{Plan, Setting};
use quiet::Ending;
use redoubt_core::record::{Kind, State};
use redoubt_tests::{
    newest::Newest,
    stack::{Function, SECOND, Scene, Stack, StackError, Workgroup},
};
use run::Schedule;

/// How a run is made.
struct Settings {
    seed: u64,
    duration: Duration,
    /// Events a second, repetitions included.
    rate: f64,
    rhythm: Rhythm,
    /// Seconds for which a message that a killed function had received is hidden. The template's would be 6 to 30 minutes.
    visibility: &'static str,
    /// How long a warehouse is away.
    away: Duration,
    schedule: Schedule,
    ending: Ending,
    progress: Duration,
}

impl Settings {
    fn from_env() -> Self {
        let number = |name: &str| {
            let value = env::var(name).ok().filter(|value| !value.is_empty())?;
            Some(value.parse::<u64>().unwrap_or_else(|_| panic!("{name} is `{value}`, expected a number")))
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let seed = number("REDOUBT_SOAK_SEED").unwrap_or(now);
        match number("REDOUBT_SOAK_MINUTES") {
            None => Self {
                seed,
                duration: Duration::from_secs(24),
                rate: 14.0,
                rhythm: Rhythm { least: Duration::from_millis(250), most: Duration::from_millis(900) },
                visibility: "8",
                away: Duration::from_millis(1_500),
                schedule: Schedule {
                    sweep: Duration::from_secs(3),
                    reconcile: Duration::from_secs(5),
                    // A setup that was killed waits for five minutes.
                    refresh: None,
                },
                ending: Ending { sweep_every: Duration::from_secs(3), patience: Duration::from_mins(3), hurried: true },
                progress: Duration::from_secs(8),
            },
            Some(minutes) => Self {
                seed,
                duration: Duration::from_mins(minutes),
                rate: 4.0,
                rhythm: Rhythm { least: Duration::from_millis(400), most: Duration::from_millis(3_000) },
                visibility: "60",
                away: Duration::from_secs(10),
                schedule: Schedule {
                    sweep: Duration::from_mins(1),
                    reconcile: Duration::from_mins(1),
                    refresh: Some(Duration::from_mins(minutes) / 5),
                },
                ending: Ending {
                    sweep_every: Duration::from_mins(1),
                    patience: Duration::from_mins(30),
                    hurried: false,
                },
                progress: Duration::from_secs(30),
            },
        }
    }
}

#[tokio::test]
async fn what_was_said_last_is_in_force_whatever_dies_meanwhile() -> Result<(), StackError> {
    let settings = Settings::from_env();
    println!("seed {} (REDOUBT_SOAK_SEED repeats the events)", settings.seed);
    let scene = Scene::begin("soak").await?;
    let stack = &scene.stack;
    let _second = stack.second().await?;
    let version = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    stack.send(&[stack.second_integration(version).await?]).await?;
    stack.status(Kind::Integration, SECOND, State::Applied).await?;
    scene.people().await?;
    scene.people_on_second().await?;

    let mut former = BTreeMap::new();
    for function in Function::ALL {
        former.insert(function, stack.visibility_timeout(function).await?);
        stack.set_visibility_timeout(function, settings.visibility).await?;
    }
    let outcome = soak(&scene, &settings).await;
    // Others use the stack after this, however it went.
    for (function, seconds) in former {
        stack.set_visibility_timeout(function, &seconds).await?;
    }
    for workgroup in [Workgroup::First, Workgroup::Second] {
        stack.start_warehouse(workgroup).await?;
    }
    outcome?;
    scene.leave_second(version + 1).await
}

async fn soak(scene: &Scene, settings: &Settings) -> Result<(), StackError> {
    let stack = &scene.stack;
    let setting = Setting {
        prefix: scene.prefix.clone(),
        hosts: [Workgroup::First, Workgroup::Second].map(|workgroup| stack.settings.host(workgroup).to_owned()).into(),
        database: stack.settings.get("PGDATABASE").to_owned(),
        table: ("suite".to_owned(), scene.name("people")),
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive number")]
    let steps = (settings.duration.as_secs_f64() * settings.rate) as usize;
    let plan = plan::plan(settings.seed, steps * 100 / 112, &setting);
    println!(
        "{} events, {} of them late and {} sent twice, over {:?}",
        plan.events.len(),
        plan.late,
        plan.duplicates,
        settings.duration
    );

    let buried = dead_letters(stack).await?;
    let log = Log::from_now_on(stack, "ministack.log");
    let standin = Log::from_now_on(stack, "redshift-standin.log");
    // The webhook and the mask function are called, not fed: who calls them sees the error.
    let mut spared = vec!["redoubt-mask".to_owned(), "redoubt-webhook".to_owned()];
    if settings.schedule.refresh.is_none() {
        spared.push("redoubt-integration".to_owned());
    }
    let chaos = Chaos::begin(settings.seed, settings.rhythm, settings.duration, code(stack), spared);
    let went = go(scene, settings, &plan, &log).await;
    let killed = chaos.end();
    let under_way = went?;
    let cut_short = log.cut_short();
    println!("killed: {killed:?}");
    println!("invocations cut short: {cut_short:?}");

    let quiet = quiet::until_quiet(stack, &scene.prefix, settings.ending).await?;
    let (failed, retried) = (standin.count("terminating connection"), log.count("will be tried again"));
    let refused = standin.count("Connection refused");
    println!(
        "restarts: {} ({under_way} while a statement ran; {failed} statements cut off, {refused} refused); retries: {retried}",
        run::RESTARTS.len()
    );
    println!(
        "at rest {:.1?} after the last event, {} sweeps, {} submissions made old",
        quiet.after, quiet.sweeps, quiet.aged
    );

    quiet::until_nothing_is_found(stack, &scene.prefix, &["warehouse", SECOND]).await?;
    let newest = Newest::of(&plan.events).map_err(StackError::Unusable)?;
    let warehouses = [
        Warehouse::open(scene, Workgroup::First, "warehouse", &newest).await?,
        Warehouse::open(scene, Workgroup::Second, SECOND, &newest).await?,
    ];
    let (wrong, compared) = check::differences(scene, &newest, &warehouses).await?;
    println!("{compared:?}");
    let letters = dead_letters(stack).await?;
    assert_eq!(letters, buried, "nothing was rejected or kept failing");
    assert!(wrong.is_empty(), "seed {}\n{}", settings.seed, wrong.join("\n"));
    assert!(warehouses.iter().all(Warehouse::has_views), "{compared:?}");
    assert!(compared.entitlements > 0 && compared.policies > 0, "{compared:?}");

    // It is worth something only if it would be noticed.
    for (sql, words) in check::tampering(scene, &warehouses[0]) {
        warehouses[0].session().run(&format!("BEGIN; {sql}")).await?;
        let (wrong, _) = check::differences(scene, &newest, &warehouses).await?;
        assert!(wrong.iter().any(|text| text.contains(words)), "{sql} is not noticed: {wrong:?}");
        warehouses[0].session().run("ROLLBACK").await?;
    }
    let without_the_last = Newest::of(&plan.events[..plan.events.len() / 2]).map_err(StackError::Unusable)?;
    let (wrong, _) = check::differences(scene, &without_the_last, &warehouses).await?;
    assert!(wrong.iter().any(|text| text.contains(", expected ")), "older documents are not noticed");

    // And if what it is about happened.
    let total: usize = cut_short.values().sum();
    assert!(total >= 5, "only {total} invocations were cut short");
    assert!(cut_short.len() >= 3, "only {cut_short:?} were cut short");
    assert!(failed + refused > 0, "no statement noticed that warehouses were away");
    Ok(())
}

/// Sends everything while warehouses stop and start; says in how many stops a statement was under way.
async fn go(scene: &Scene, settings: &Settings, plan: &Plan, log: &Log) -> Result<usize, StackError> {
    let stack = &scene.stack;
    let begin = Instant::now();
    let progress = async {
        loop {
            tokio::time::sleep(settings.progress).await;
            let (messages, cut) = (run::depth(stack).await?, log.cut_short().values().sum::<usize>());
            println!("{:>5} s: {messages} messages in queues, {cut} invocations cut short", begin.elapsed().as_secs());
        }
    };
    let restarts = run::restart_warehouses(stack, &scene.warehouse.system_user, settings.duration, settings.away);
    let work = async { tokio::try_join!(run::produce(stack, plan, settings.rate), restarts) };
    tokio::select! {
        done = work => done.map(|((), under_way)| under_way),
        failed = progress => failed,
        failed = run::schedule(stack, settings.schedule) => failed.map(|never| match never {}),
    }
}

/// How many dead letters there are, by function.
async fn dead_letters(stack: &Stack) -> Result<BTreeMap<Function, u64>, StackError> {
    let mut letters = BTreeMap::new();
    for function in Function::ALL {
        letters.insert(function, stack.dead_letters(function).await?);
    }
    Ok(letters)
}

/// Where MiniStack unpacks the functions' code: below the stack's own directory for temporary files.
fn code(stack: &Stack) -> PathBuf {
    let logs = Path::new(stack.settings.get("REDOUBT_LOGS"));
    logs.parent().unwrap().join("tmp")
}

/// What a server logs from some moment on.
struct Log {
    path: PathBuf,
    begin: usize,
}

impl Log {
    fn from_now_on(stack: &Stack, name: &str) -> Self {
        let path = Path::new(stack.settings.get("REDOUBT_LOGS")).join(name);
        let begin = fs::read(&path).unwrap().len();
        Self { path, begin }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.path).unwrap()[self.begin..]).into_owned()
    }

    fn count(&self, words: &str) -> usize {
        self.text().lines().filter(|line| line.contains(words)).count()
    }

    /// How many invocations of which function ended without a reply, because their process did.
    fn cut_short(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for line in self.text().lines() {
            let name = line.strip_suffix(": Runtime exited before returning a response");
            if let Some((_, name)) = name.and_then(|line| line.rsplit_once("Lambda ")) {
                *counts.entry(name.to_owned()).or_default() += 1;
            }
        }
        counts
    }
}
