//! SQL and meaning held against each other: random policies, sources, rows and people, put in force by the real statements
//! on a real PostgreSQL, asked as each person, and every cell compared with what the interpreter of plans says.
//!
//! A case is one source under its policies as one person sees it. `REDOUBT_DIFFERENTIAL_CASES` says how many,
//! `REDOUBT_DIFFERENTIAL_SEED` which. What fails is made small and printed as documents.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test, whose generator and fakes are right or fail it"
)]

mod coverage;
mod generate;
mod judge;
mod mutants;
mod run;
mod scene;
mod shrink;
mod warehouse;

use std::{
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::Arc,
};

use coverage::Coverage;
use judge::{Judge, Library};
use mutants::Noticed;
use redoubt_tests::chance::{self, Chance};
use run::Mismatch;
use scene::Scene;
use tokio::task::JoinHandle;
use warehouse::Warehouse;

/// What the keys of masks are derived from, here and in the function.
const MASTER_SECRET: &str =
    r#"{"keys": [{"id": 1, "secret": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v"}]}"#;

/// Cases in which everything is to have been in force.
const ENOUGH: u64 = 2_100;
/// Scenes that are put into the warehouse together.
const TOGETHER: u64 = 25;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|number| number.parse().ok()).unwrap_or(otherwise)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

#[test]
fn sql_and_meaning_agree() {
    let seed = number("REDOUBT_DIFFERENTIAL_SEED", 20_261_121);
    let wanted = number("REDOUBT_DIFFERENTIAL_CASES", ENOUGH);
    let runtime = runtime();
    let warehouse = Arc::new(runtime.block_on(Warehouse::start(MASTER_SECRET)));
    let outcome = catch_unwind(AssertUnwindSafe(|| runtime.block_on(compare(&warehouse, seed, wanted))));
    // Whatever became of it: PostgreSQL would outlive the test.
    runtime.block_on(warehouse.stop());
    match outcome {
        Ok(outcome) => outcome.unwrap_or_else(|failure| panic!("{failure}")),
        Err(panic) => resume_unwind(panic),
    }
}

/// Runs scenes until there were as many cases as wanted.
async fn compare(warehouse: &Arc<Warehouse>, seed: u64, wanted: u64) -> Result<(), String> {
    warehouse.set_up().await;
    let judge = Judge { functions: Library::new(MASTER_SECRET) };
    let (mut coverage, mut noticed) = (Coverage::new(), Noticed::new());
    let (mut cases, mut sources, mut unplanned) = (0, 0, 0);
    let mut next = TOGETHER;
    let mut ahead = put(warehouse, seed, 0..TOGETHER)?;
    while cases < wanted {
        let (scenes, there) = ahead;
        let there = there.await.map_err(|error| error.to_string())?;
        // The next are put in force while these are asked about.
        ahead = put(warehouse, seed, next..next + TOGETHER)?;
        next += TOGETHER;
        for ((number, scene), run) in scenes.into_iter().zip(run::ask(Arc::clone(warehouse), there).await) {
            if let Some(first) = run.mismatches(&judge).into_iter().next() {
                println!("seed {seed}, scene {number}, as it was found: {}", first.what);
                return Err(report(warehouse, &judge, (seed, number), scene, first).await);
            }
            coverage.add(&run);
            noticed.add(&run, &judge);
            cases += u64::try_from(run.answers.len()).unwrap();
            sources += run.prepared.sources.len();
            unplanned += run.prepared.sources.iter().filter(|source| source.plan.is_err()).count();
        }
    }
    ahead.1.await.map_err(|error| error.to_string())?;
    println!("{}\n{}", coverage.print(), noticed.print());
    println!("seed {seed}: {cases} cases, {sources} data sources, {unplanned} of them without a view");
    if wanted < ENOUGH {
        return Ok(());
    }
    let (uncovered, unnoticed) = (coverage.missing(), noticed.missing());
    if unplanned * 4 > sources {
        return Err(format!("{unplanned} of {sources} data sources have no view: too many to learn from the others"));
    }
    if uncovered.is_empty() && unnoticed.is_empty() {
        return Ok(());
    }
    Err(format!("in no case in force: {uncovered:?}\nwrong plans not noticed: {unnoticed:?}"))
}

type Ahead = (Vec<(u64, Scene)>, JoinHandle<run::Put>);

/// Makes scenes and begins to put them in force.
fn put(warehouse: &Arc<Warehouse>, seed: u64, numbers: Range<u64>) -> Result<Ahead, String> {
    let scenes: Vec<_> = numbers.map(|number| (number, generate::scene(&mut Chance::new(seed, number)))).collect();
    let mut prepared = Vec::new();
    for (number, scene) in &scenes {
        let named = scene.named(&format!("r{number}_")).prepare();
        prepared.push(named.map_err(|error| format!("seed {seed}, scene {number} is none: {error}"))?);
    }
    Ok((scenes, tokio::spawn(run::put(Arc::clone(warehouse), prepared))))
}

/// The smallest scene that still fails, as documents and SQL.
async fn report(
    warehouse: &Arc<Warehouse>,
    judge: &Judge,
    (seed, number): (u64, u64),
    scene: Scene,
    first: Mismatch,
) -> String {
    let (small, mismatch) = shrink::shrink(warehouse, judge, &scene, first, &format!("f{number}")).await;
    let view = small.named("x").prepare().map(|scene| warehouse.view(&scene.sources[mismatch.source]));
    format!(
        "seed {seed}, scene {number}: user {} of data source {}\n{}\n{}\n{}",
        mismatch.person,
        mismatch.source,
        mismatch.what,
        serde_json::to_string_pretty(&small).unwrap(),
        view.unwrap_or_else(|error| error),
    )
}
